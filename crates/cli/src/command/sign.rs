//! `sign`.

use anyhow::Context as _;
use proofhouse_artifact::{TreeOptions, hash_tree};
use proofhouse_attest::{keyfile, oms};

use crate::Exit;
use crate::args::SignArgs;
use crate::terminal;

pub fn run(args: &SignArgs) -> anyhow::Result<Exit> {
    let key = keyfile::read_signing(&args.key)?;
    let folder =
        args.model.canonicalize().with_context(|| format!("cannot read {}", args.model.display()))?;
    let parent =
        args.output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    let parent = parent.canonicalize().with_context(|| format!("cannot write into {}", parent.display()))?;
    anyhow::ensure!(
        !parent.starts_with(&folder),
        "the signature may not lie inside the folder that it signs; choose another --output"
    );
    let tree = hash_tree(&args.model, &TreeOptions::default(), &|_| ())?;
    let name =
        folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_else(|| "model".to_owned());
    let bundle = oms::sign(&name, &tree.files, &key)?.to_json()?;
    std::fs::write(&args.output, bundle)
        .with_context(|| format!("cannot write {}", args.output.display()))?;
    terminal::line(format!("{}  {} files, {} bytes", tree.digest, tree.files.len(), tree.bytes));
    terminal::line(args.output.display());
    Ok(Exit::Clean)
}
