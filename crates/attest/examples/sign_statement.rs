//! Signs an in-toto statement about a file and checks one.
//!
//! ```text
//! sign_statement sign   FILE KEY ENVELOPE   says of FILE that one test passed
//! sign_statement verify FILE PUB ENVELOPE   exits with 1 if it says so of another file, or somebody else does
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that a person runs")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use proofhouse_attest::predicate::TestResult;
use proofhouse_attest::{
    ResourceDescriptor, Statement, TrustedKeys, keyfile, sign_statement, verify_statement,
};
use proofhouse_core::Digest;

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
        ["sign", file, key, envelope] => {
            let subject = ResourceDescriptor::sha256(*file, &Digest::of(&fs::read(file)?));
            let configuration = ResourceDescriptor::sha256("configuration", &Digest::of(b"{}"));
            let result = TestResult::new(vec![configuration], vec!["scan".into()], vec![], vec![]);
            let statement = Statement::new(vec![subject], &result)?;
            let signed = sign_statement(&statement, &keyfile::read_signing(Path::new(key))?)?;
            fs::write(envelope, signed.to_json()?)?;
        }
        ["verify", file, key, envelope] => {
            let trusted = TrustedKeys::from(keyfile::read_verifying(Path::new(key))?);
            let verified = verify_statement(&fs::read(envelope)?, &trusted)?;
            if !verified.statement().speaks_of(&Digest::of(&fs::read(file)?)) {
                return Err("the statement is about another file".into());
            }
            let result: TestResult = verified.statement().predicate_as()?;
            println!("{:?}, says {}", result.result, verified.signer());
        }
        _ => return Err("usage: sign_statement sign FILE KEY ENVELOPE | verify FILE PUB ENVELOPE".into()),
    }
    Ok(())
}
