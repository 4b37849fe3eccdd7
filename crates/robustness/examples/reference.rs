//! What this crate leaves robust of the reference models, beside what other libraries leave.
//!
//! `cargo run --release -p proofhouse-robustness --example reference` runs every row of the table;
//! `… -- MODEL NORM EPS ATTACK [SEED]` one of them, as a line of JSON. Counterexamples count if the graph of the
//! gradients and the embedded runtime, two engines, agree about them.

use std::path::Path;

use proofhouse_onnx::{
    Classifier, ClassifierOptions, DifferentiableClassifier, LoadOptions, OutputKind, Preprocess, load,
};
use proofhouse_robustness::decision::{HopSkipJump, Starts};
use proofhouse_robustness::{
    Access, Apgd, Attack, Budget, CarliniWagner, Counting, DeepFool, EvasionReport, Fab, Fgsm, LabelledRows,
    Norm, Pgd, Square, Threat, Victim, evade, standard,
};

type Failure = Box<dyn std::error::Error>;

const DIGITS: &[u8] = include_bytes!("../../onnx/tests/fixtures/digits_test.u8");
const TABLE: &str = include_str!("../tests/fixtures/reference_digits.csv");

#[expect(clippy::print_stdout, reason = "an example talks to a terminal")]
fn main() -> Result<(), Failure> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let [model, norm, eps, attack, seed @ ..] = wanted.as_slice() {
        let seed = seed.first().map_or(Ok(0), |seed| seed.parse())?;
        let (report, cpu) = run(model, norm, eps.parse()?, attack, seed)?;
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
        let (report, cpu) = run(model, norm, eps.parse()?, kind, 0)?;
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
fn run(model: &str, norm: &str, eps: f64, attack: &str, seed: u64) -> Result<(EvasionReport, f64), Failure> {
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
    let records = DIGITS.chunks_exact(65);
    let labels: Vec<usize> = records.clone().map(|r| usize::from(r[0])).collect();
    let rows: Vec<f32> = records.flat_map(|r| r[1..].iter().map(|p| f32::from(*p) / 16.0)).collect();
    let attacks: Vec<Box<dyn Attack>> = match attack {
        "fgsm" => vec![Box::new(Fgsm::default())],
        "pgd" => vec![Box::new(Pgd { seed, ..Pgd::default() })],
        "bpda" => vec![Box::new(Pgd { steps: 100, restarts: 5, seed, ..Pgd::default() })],
        // Luck with the start makes up to five rows' difference, here and in the authors' implementation.
        "apgd-ce" => vec![Box::new(Apgd { restarts: 5, ..Apgd::cross_entropy(seed) })],
        "apgd-ce-once" => vec![Box::new(Apgd::cross_entropy(seed))],
        "apgd-t" => vec![Box::new(Apgd::targeted(seed))],
        "fab-t" => vec![Box::new(Fab::new(seed))],
        "deepfool" => vec![Box::new(DeepFool::default())],
        // To the nearest, as others do, with the budget that they are given.
        "carlini-wagner" => {
            vec![Box::new(CarliniWagner {
                searches: 5,
                steps: 100,
                minimise: true,
                ..CarliniWagner::default()
            })]
        }
        "hopskipjump" => {
            let starts = Starts { rows: rows.clone(), labels: labels.clone() };
            vec![Box::new(HopSkipJump { stop_within: false, seed, ..HopSkipJump::new(starts) })]
        }
        "square" => vec![Box::new(Square::new(5000, seed))],
        "square-1000" => vec![Box::new(Square::new(1000, seed))],
        "standard" => standard(Access::Gradients, norm, &Budget::seeded(seed)),
        other => return Err(format!("there is no attack {other}").into()),
    };
    let attacks: Vec<&dyn Attack> = attacks.iter().map(AsRef::as_ref).collect();
    let (data, threat) = (LabelledRows::new(&rows, &labels), Threat::new(norm, eps));
    let before = cpu_seconds();
    let report = evade(&victim, &data, &threat, &attacks, &Counting::default(), &mut |_| {})?;
    Ok((report, (cpu_seconds() - before).max(0.0)))
}

fn fixture(model: &str) -> Result<Vec<u8>, Failure> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = [crates.join("tests/fixtures"), crates.join("../onnx/tests/fixtures")];
    let file = places.iter().map(|p| p.join(format!("{model}.onnx"))).find(|p| p.exists());
    Ok(std::fs::read(file.ok_or_else(|| format!("there is no model {model}"))?)?)
}

/// Processor seconds of all threads so far; 0 where the system does not say.
fn cpu_seconds() -> f64 {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return 0.0 };
    // The first number of `schedstat`: nanoseconds on a processor.
    let ran = |thread: std::io::Result<std::fs::DirEntry>| -> Option<f64> {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    };
    threads.filter_map(ran).sum::<f64>() / 1e9
}
