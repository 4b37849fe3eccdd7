//! Signs a model directory and checks a signature, as an OpenSSF Model Signing v1.0 bundle.
//!
//! ```text
//! sign_model keygen DIR NAME           writes DIR/NAME.key and DIR/NAME.pub
//! sign_model sign   MODEL KEY BUNDLE   signs every file under MODEL
//! sign_model verify MODEL PUB BUNDLE   exits with 1 if a file differs or somebody else signed
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that a person runs")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use proofhouse_artifact::{TreeOptions, hash_tree};
use proofhouse_attest::{SigningKey, TrustedKeys, keyfile, oms};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["keygen", dir, name] => {
            let files = keyfile::write_new(Path::new(dir), name, &SigningKey::generate()?)?;
            println!("wrote {} and {}", files.private.display(), files.public.display());
        }
        ["sign", model, key, bundle] => {
            let tree = hash_tree(Path::new(model), &TreeOptions::default(), &|_| ())?;
            let name = fs::canonicalize(model)?;
            let name =
                name.file_name().and_then(|n| n.to_str()).ok_or("the directory's name is not UTF-8")?;
            let signed = oms::sign(name, &tree.files, &keyfile::read_signing(Path::new(key))?)?;
            fs::write(bundle, signed.to_json()?)?;
            println!("signed {} files, model digest {}", tree.files.len(), tree.digest);
        }
        ["verify", model, key, bundle] => {
            let tree = hash_tree(Path::new(model), &TreeOptions::default(), &|_| ())?;
            let trusted = TrustedKeys::from(keyfile::read_verifying(Path::new(key))?);
            let verified = oms::verify(&fs::read(bundle)?, &tree.files, &trusted)?;
            println!("{:?} is as signed by {}", verified.name(), verified.signer());
            println!("model digest {}, signed: {}", verified.model_digest(), verified.model_digest_signed());
            for path in verified.unsigned() {
                println!("not covered by the signature: {path}");
            }
        }
        _ => {
            return Err(
                "usage: sign_model keygen DIR NAME | sign MODEL KEY BUNDLE | verify MODEL PUB BUNDLE".into(),
            );
        }
    }
    Ok(())
}
