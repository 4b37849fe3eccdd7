//! Prints the model digest of a folder or file, for `bench/run`: `hash PATH`.

use std::path::Path;

use proofhouse_artifact::{TreeOptions, hash_tree};

#[expect(clippy::print_stdout, reason = "a command-line example")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: hash PATH")?;
    let tree = hash_tree(Path::new(&path), &TreeOptions::default(), &|_| ())?;
    println!("{}  {} files, {} bytes", tree.digest, tree.files.len(), tree.bytes);
    Ok(())
}
