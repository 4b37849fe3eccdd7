//! The functions in files that R wrote, by the digests that the scanner's table keeps of them.
//!
//!     cargo run -p proofhouse-artifact --example r_functions -- FILE…
//!
//! One line for each: the digest, the file, and what the function calls. Packed files are unpacked.

#![expect(clippy::print_stdout, reason = "it prints a table")]

use proofhouse_artifact::rds::{self, NoteKind};
use proofhouse_artifact::stream::Codec;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path)?;
        let unpacked = match Codec::detect(&bytes) {
            Some(codec) => codec.unpack(&bytes, 1 << 30)?.bytes,
            None => bytes,
        };
        for note in rds::survey(&unpacked)?.notes {
            let NoteKind::Closure(code) = note.kind else { continue };
            let digest = code.digest.map_or("-".to_owned(), |digest| digest.to_hex());
            let calls: Vec<String> = code.called.into_iter().collect();
            println!("{digest},{path},{}", calls.join(" "));
        }
    }
    Ok(())
}
