//! Writes the bill of materials of a model directory, lints one, or compares one with files.
//!
//! ```text
//! write_bom write  MODEL TIMESTAMP EVIDENCE BOM   EVIDENCE is a file the accuracy was measured in
//! write_bom lint   BOM                            exits with 1 on findings above "low"
//! write_bom verify MODEL BOM                      exits with 1 if a file differs
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that a person runs")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use proofhouse_artifact::{TreeOptions, hash_tree};
use proofhouse_bom::{
    Approach, Basis, BomInput, Dataset, DatasetRole, Metric, Model, ModelCard, Reference, ReferenceKind,
    Risk, Tool, lint, verify, write,
};
use proofhouse_core::{Digest, Finding, Measurement, Severity, Unit};

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let findings = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["write", model, timestamp, evidence, bom] => {
            let input = describe(Path::new(model), timestamp, Path::new(evidence))?;
            fs::write(bom, write(&input)?)?;
            vec![]
        }
        ["lint", bom] => lint(&fs::read(bom)?),
        ["verify", model, bom] => {
            let tree = hash_tree(Path::new(model), &TreeOptions::default(), &|_| ())?;
            verify(&fs::read(bom)?, &tree.files)?
        }
        _ => {
            return Err(
                "usage: write_bom write MODEL TIMESTAMP EVIDENCE BOM | lint BOM | verify MODEL BOM".into()
            );
        }
    };
    for Finding { rule, severity, message, place, .. } in &findings {
        println!("{severity} {rule} {place}: {message}");
    }
    let bad = findings.iter().any(|f| f.severity > Severity::Low);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A document that uses every member this crate can write, so that validators see all of them.
fn describe(model: &Path, timestamp: &str, evidence: &Path) -> Result<BomInput, Box<dyn Error>> {
    let tree = hash_tree(model, &TreeOptions::default(), &|_| ())?;
    let evidence = Reference {
        kind: ReferenceKind::Evidence,
        url: evidence.file_name().and_then(|n| n.to_str()).ok_or("the evidence has no name")?.to_owned(),
        digest: Digest::of(&fs::read(evidence)?),
        comment: Some("accuracy on the test set".into()),
    };
    let other = |kind, url: &str| Reference {
        kind,
        url: url.into(),
        digest: Digest::of(url.as_bytes()),
        comment: None,
    };
    let dataset = |name: &str, role| -> Result<Dataset, Box<dyn Error>> {
        Ok(Dataset {
            name: name.into(),
            version: Some("1".into()),
            description: Some("Handwritten digits".into()),
            role,
            manifest: Digest::of(name.as_bytes()),
            classification: Some("confidential".into()),
            sensitive: vec!["handwriting of persons".into()],
            owners: vec!["Data office".into()],
            licence: Some("Example data terms".parse()?),
            source: Some("https://example.org/data/digits".into()),
        })
    };
    Ok(BomInput {
        references: vec![
            evidence.clone(),
            other(ReferenceKind::Attestation, "release.dsse.json"),
            other(ReferenceKind::ElectronicSignature, "model.sig"),
            other(ReferenceKind::ThreatModel, "threats.json"),
            other(ReferenceKind::RiskAssessment, "risk.json"),
            other(ReferenceKind::StaticAnalysisReport, "scan.sarif"),
            other(ReferenceKind::QualityMetrics, "quality.json"),
            other(ReferenceKind::ModelCard, "https://example.org/card"),
        ],
        datasets: vec![
            dataset("digits-train", DatasetRole::Training)?,
            dataset("digits-validation", DatasetRole::Validation)?,
            dataset("digits-test", DatasetRole::Test)?,
            dataset("digits-live", DatasetRole::Reference)?,
        ],
        model: Model {
            name: "cheque-reader".into(),
            version: "3".into(),
            description: Some("Reads the digits of a cheque".into()),
            supplier: Some("Example bank".into()),
            licence: Some("Apache-2.0 OR MIT".parse()?),
            files: tree.files,
            card: ModelCard {
                approach: Some(Approach::Supervised),
                task: Some("image-classification".into()),
                architecture_family: Some("convolutional neural network".into()),
                architecture: Some("two convolutions, two dense layers".into()),
                inputs: vec!["image: float32[N,1,28,28]".into()],
                outputs: vec!["logits: float32[N,10]".into()],
                metrics: vec![
                    Metric {
                        measurement: Measurement::proportion("accuracy", 970, 1000, 0.95),
                        basis: Basis::Measured { evidence: evidence.digest },
                    },
                    Metric {
                        measurement: Measurement::new("latency", 3.5, Unit::Milliseconds).of_slice("p99"),
                        basis: Basis::Declared,
                    },
                ],
                users: vec!["Clearing staff".into()],
                use_cases: vec!["Reading amounts on cheques".into()],
                technical_limitations: vec!["Digits only".into()],
                performance_tradeoffs: vec![
                    "Small enough for a branch office, less accurate than larger ones".into(),
                ],
                ethical_considerations: vec![Risk {
                    name: "Misread amounts".into(),
                    mitigation: Some("A person confirms every amount above a limit".into()),
                }],
            },
        },
        tool: Tool { name: "proofhouse".into(), version: env!("CARGO_PKG_VERSION").into() },
        timestamp: timestamp.parse()?,
    })
}
