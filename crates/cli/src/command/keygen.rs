//! `keygen`.

use proofhouse_lifecycle::House;

use crate::Exit;
use crate::args::KeygenArgs;
use crate::terminal;

pub fn run(args: &KeygenArgs) -> anyhow::Result<Exit> {
    for path in House::keygen(&args.home)? {
        terminal::line(path.display());
    }
    terminal::note("Keep the .key files where only you can read them; hand out signer.pub and ledger.vkey.");
    Ok(Exit::Clean)
}
