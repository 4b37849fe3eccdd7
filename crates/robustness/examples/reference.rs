//! What this crate leaves robust of the reference models, beside what other libraries leave.
//!
//! `cargo run --release -p proofhouse-robustness --example reference` runs every row of the table;
//! `… -- MODEL NORM EPS ATTACK` one of them, as a line of JSON. Counterexamples count if the graph of the
//! gradients and the embedded runtime, two engines, agree about them.

use std::path::Path;

use proofhouse_onnx::{
    Classifier, ClassifierOptions, DifferentiableClassifier, LoadOptions, OutputKind, Preprocess, load,
};
use proofhouse_robustness::{
    Access, Apgd, Attack, Budget, Counting, EvasionReport, Fab, Fgsm, LabelledRows, Norm, Pgd, Square,
    Threat, Victim, evade, standard,
};

type Failure = Box<dyn std::error::Error>;

const DIGITS: &[u8] = include_bytes!("../../onnx/tests/fixtures/digits_test.u8");
const TABLE: &str = include_str!("../tests/fixtures/reference_digits.csv");

#[expect(clippy::print_stdout, reason = "an example talks to a terminal")]
fn main() -> Result<(), Failure> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let [model, norm, eps, attack] = wanted.as_slice() {
        let (report, cpu) = run(model, norm, eps.parse()?, attack)?;
        let (robust, queries, gradients) =
            (report.robust_correct, report.queries.attack, report.queries.gradients);
        println!(
            "{}",
            serde_json::json!({"robust": robust, "cpu_s": cpu, "queries": queries, "gradients": gradients})
        );
        return Ok(());
    }
    println!(
        "| model | norm | eps | attack | reference | robust of 200 | queries | gradients | CPU s | its CPU s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let mut over = 0;
    for line in TABLE.lines().skip(1) {
        let [model, _, norm, eps, kind, name, least, most, their_cpu] =
            line.split(',').collect::<Vec<_>>()[..]
        else {
            return Err(format!("a row of nine fields, not {line}").into());
        };
        let (report, cpu) = run(model, norm, eps.parse()?, kind)?;
        let robust = report.robust_correct;
        let (queries, gradients) = (report.queries.attack, report.queries.gradients);
        let range = if least == most { most.to_owned() } else { format!("{least}-{most}") };
        println!(
            "| {model} | {norm} | {eps} | {kind} | {name}: {range} | {robust} | {queries} | {gradients} | {cpu:.3} | {their_cpu} |"
        );
        let sound = report.unconfirmed == 0 && report.disputed == 0 && report.undefined == 0;
        over += u32::from(robust > most.parse::<u64>()? + 2 || !sound);
    }
    println!(
        "\n{over} rows above the reference by more than 2, or with counterexamples that two engines do not share"
    );
    Ok(())
}

/// One attack on one model: what was found, and the processor seconds of it.
fn run(model: &str, norm: &str, eps: f64, attack: &str) -> Result<(EvasionReport, f64), Failure> {
    let bytes = fixture(model)?;
    let options = ClassifierOptions {
        input_shape: vec![1, 8, 8],
        classes: 10,
        output: None,
        kind: if model == "mlp_softmax" { OutputKind::Probabilities } else { OutputKind::Logits },
        preprocess: Preprocess::default(),
    };
    let limits = LoadOptions::default();
    let gradients = DifferentiableClassifier::new(&bytes, options.clone(), &limits)?;
    let runtime = Classifier::new(load(&bytes, &limits)?, options)?;
    let victim = Victim::white_box(&gradients, &gradients).confirmed_by("rten", &runtime);
    let norm = if norm == "l2" { Norm::L2 } else { Norm::Linf };
    let attacks: Vec<Box<dyn Attack>> = match attack {
        "fgsm" => vec![Box::new(Fgsm::default())],
        "pgd" => vec![Box::new(Pgd::default())],
        "bpda" => vec![Box::new(Pgd { steps: 100, restarts: 5, ..Pgd::default() })],
        "apgd-ce" => vec![Box::new(Apgd::cross_entropy(0))],
        "apgd-t" => vec![Box::new(Apgd::targeted(0))],
        "fab-t" => vec![Box::new(Fab::new(0))],
        "square" => vec![Box::new(Square::new(5000, 0))],
        "square-1000" => vec![Box::new(Square::new(1000, 0))],
        "standard" => standard(Access::Gradients, norm, &Budget::default()),
        other => return Err(format!("there is no attack {other}").into()),
    };
    let attacks: Vec<&dyn Attack> = attacks.iter().map(AsRef::as_ref).collect();
    let records = DIGITS.chunks_exact(65);
    let labels: Vec<usize> = records.clone().map(|r| usize::from(r[0])).collect();
    let rows: Vec<f32> = records.flat_map(|r| r[1..].iter().map(|p| f32::from(*p) / 16.0)).collect();
    let (data, threat) = (LabelledRows::new(&rows, &labels), Threat::new(norm, eps));
    let before = cpu_seconds();
    let report = evade(&victim, &data, &threat, &attacks, &Counting::default(), &mut |_| {})?;
    Ok((report, cpu_seconds() - before))
}

fn fixture(model: &str) -> Result<Vec<u8>, Failure> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = [crates.join("tests/fixtures"), crates.join("../onnx/tests/fixtures")];
    let file = places.iter().map(|p| p.join(format!("{model}.onnx"))).find(|p| p.exists());
    Ok(std::fs::read(file.ok_or_else(|| format!("there is no model {model}"))?)?)
}

/// Processor seconds of all threads so far; 0 where the system does not say.
fn cpu_seconds() -> f64 {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return 0.0 };
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    // User and system time, the 14th and 15th fields, in hundredths.
    fields.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / 100.0
}
