//! Black-box attacks beside exact answers, certificates beside attacks, and membership of an overfitted model:
//! `cargo run --release -p proofhouse-robustness --example black_box`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement for people, on fixtures of this repository"
)]

use std::time::Instant;

use proofhouse_onnx::graph::Graph;
use proofhouse_onnx::{
    Classifier, ClassifierOptions, LoadOptions, OutputKind, Preprocess, Scores, TreeEnsemble, load, predict,
};
use proofhouse_robustness::certify::{Method, Network, Smoothing, certify, smooth};
use proofhouse_robustness::decision::{HopSkipJump, Starts};
use proofhouse_robustness::domain::Domain;
use proofhouse_robustness::natural::{Kind, WorstCase, severity_curve, worst_case};
use proofhouse_robustness::privacy::extraction::{Extraction, extract};
use proofhouse_robustness::privacy::membership::{
    MembershipReport, Rows, by_confidence, by_labels, by_shadows, train_shadows,
};
use proofhouse_robustness::privacy::{Surrogate, Training};
use proofhouse_robustness::tabular::{Aim, Search, Tabular, TabularOptions, evade as evade_table};
use proofhouse_robustness::trees::{ExactOptions, minimal_linf};
use proofhouse_robustness::{Chance, Counting, LabelledRows, Norm, Square, Threat, Victim, evade};

const GBT: &[u8] = include_bytes!("../../onnx/tests/fixtures/gbt.onnx");
const LOGREG: &[u8] = include_bytes!("../../onnx/tests/fixtures/logreg.onnx");
const CNN: &[u8] = include_bytes!("../../onnx/tests/fixtures/cnn_at010.onnx");
const MLP: &[u8] = include_bytes!("../../onnx/tests/fixtures/mlp_naive.onnx");
const TABULAR: &[u8] = include_bytes!("../../onnx/tests/fixtures/tabular_test.f32");
const DIGITS: &[u8] = include_bytes!("../../onnx/tests/fixtures/digits_test.u8");

fn main() {
    hopskipjump();
    prices();
    certificates();
    natural();
    privacy();
}

fn table() -> (Vec<f32>, Vec<usize>) {
    let records = TABULAR.chunks_exact(121);
    let labels = records.clone().map(|r| usize::from(r[0])).collect();
    let value = |b: &[u8; 4]| f32::from_le_bytes(*b);
    (records.flat_map(|r| r[1..].as_chunks::<4>().0.iter().map(value).collect::<Vec<_>>()).collect(), labels)
}

fn digits() -> (Vec<f32>, Vec<usize>) {
    let records = DIGITS.chunks_exact(65);
    let labels = records.clone().map(|r| usize::from(r[0])).collect();
    (records.flat_map(|r| r[1..].iter().map(|p| f32::from(*p) / 16.0)).collect(), labels)
}

fn classifier(bytes: &[u8], shape: &[usize], classes: usize) -> Classifier {
    let of_table = shape.len() == 1;
    let options = ClassifierOptions {
        input_shape: shape.to_vec(),
        classes,
        output: of_table.then(|| "probabilities".to_owned()),
        kind: if of_table { OutputKind::Probabilities } else { OutputKind::Logits },
        preprocess: Preprocess::default(),
    };
    Classifier::new(load(bytes, &LoadOptions::default()).unwrap(), options).unwrap()
}

fn correct(model: &dyn Scores, rows: &[f32], labels: &[usize], n: usize) -> (Vec<f32>, Vec<usize>) {
    let mut scores = Vec::new();
    model.scores(rows, labels.len(), &mut scores).unwrap();
    let right = predict(&scores, model.classes()).into_iter().zip(labels).enumerate();
    let chosen: Vec<usize> = right.filter(|(_, (p, l))| *p == Some(**l)).map(|(at, _)| at).take(n).collect();
    let width = model.features();
    let flat = chosen.iter().flat_map(|at| rows[at * width..][..width].iter().copied()).collect();
    (flat, chosen.iter().map(|at| labels[*at]).collect())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n.is_multiple_of(2) { f64::midpoint(values[n / 2 - 1], values[n / 2]) } else { values[n / 2] }
}

fn hopskipjump() {
    println!("HopSkipJump, first 20 correct rows, up to 6000 queries a row\n");
    println!(
        "| model | norm | seed | success | median distance | median ratio to exact | largest | queries/row | ms/row |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let (rows, labels) = table();
    let trees = TreeEnsemble::of(Graph::read(GBT).unwrap().first("TreeEnsembleClassifier").unwrap()).unwrap();
    let exact = ExactOptions { box_low: 0.0, box_high: 1.0, ..ExactOptions::default() };
    for (name, bytes, norm) in [
        ("gbt", GBT, Norm::Linf),
        ("gbt", GBT, Norm::L2),
        ("logreg", LOGREG, Norm::Linf),
        ("logreg", LOGREG, Norm::L2),
    ] {
        let model = classifier(bytes, &[30], 2);
        let (first, first_labels) = correct(&model, &rows, &labels, 20);
        for seed in 0..5 {
            let starts = Starts { rows: rows.clone(), labels: labels.clone() };
            let attack = HopSkipJump { stop_within: false, seed, ..HopSkipJump::new(starts) };
            let threat = Threat::new(norm, 1.0).unbounded(&[30]);
            let counting = Counting { max_examples: 20, ..Counting::default() };
            let started = Instant::now();
            let report = evade(
                &Victim::black_box(&model),
                &LabelledRows::new(&first, &first_labels),
                &threat,
                &[&attack],
                &counting,
                &mut |_| {},
            )
            .unwrap();
            let ms = started.elapsed().as_secs_f64() * 1e3 / 20.0;
            let mut distances: Vec<f64> = report.examples.iter().map(|e| e.distance).collect();
            let mut ratios: Vec<f64> = match (name, norm) {
                ("gbt", Norm::Linf) => report
                    .examples
                    .iter()
                    .map(|e| e.distance / minimal_linf(&trees, &e.original, &exact).unwrap().certified)
                    .collect(),
                _ => Vec::new(),
            };
            let (middle, largest) = if ratios.is_empty() {
                (String::new(), String::new())
            } else {
                (format!("{:.2}", median(&mut ratios)), format!("{:.2}", ratios[ratios.len() - 1]))
            };
            println!(
                "| {name} | {norm} | {seed} | {}/20 | {:.4} | {middle} | {largest} | {} | {ms:.1} |",
                report.evaded,
                median(&mut distances),
                report.queries.attack / 20,
            );
        }
    }
}

fn prices() {
    println!(
        "\nPrice of another class on gbt, 1 for each unit of each feature (L1 distance), 57 correct rows\n"
    );
    println!("| search | found | median price | proved within 1e-9 | median bound from below | s |");
    println!("|---|---|---|---|---|---|");
    let model = classifier(GBT, &[30], 2);
    let trees = TreeEnsemble::of(Graph::read(GBT).unwrap().first("TreeEnsembleClassifier").unwrap()).unwrap();
    let (rows, labels) = table();
    let aims: Vec<Aim> = labels.iter().map(|l| Aim::Other(*l)).collect();
    let domain = Domain::continuous(30, 0.0, 1.0).unwrap();
    let of = Tabular { model: &model, gradients: None, trees: Some(&trees), domain: &domain, donors: &rows };
    for (name, searches, max_boxes) in [
        ("greedy", vec![Search::Greedy], 0),
        ("evolution", vec![Search::Evolution], 0),
        ("greedy, then boxes", vec![Search::Greedy], 20_000),
    ] {
        let options = TabularOptions { searches, max_boxes, ..TabularOptions::default() };
        let started = Instant::now();
        let report = evade_table(of, &rows, &aims, &options, &mut |_, _| {}).unwrap();
        let tight = |r: &&proofhouse_robustness::tabular::TabularRow| {
            r.at_least.zip(r.cost).is_some_and(|(low, high)| high - low < 1e-9)
        };
        let proved = report.rows.iter().filter(tight).count();
        let mut bounds: Vec<f64> = report.rows.iter().filter_map(|r| r.at_least).collect();
        println!(
            "| {name} | {}/{} | {:.4} | {proved} | {} | {:.2} |",
            report.evaded,
            report.attacked,
            report.median_cost.unwrap(),
            if bounds.is_empty() { String::new() } else { format!("{:.4}", median(&mut bounds)) },
            started.elapsed().as_secs_f64(),
        );
    }
}

fn certificates() {
    println!("\nCertified (a lower bound) beside Square with 1000 queries (an upper bound), 200 digits\n");
    println!("| model | L-infinity eps | interval | linear | left by Square | s linear |");
    println!("|---|---|---|---|---|---|");
    let (rows, labels) = digits();
    let data = LabelledRows::new(&rows, &labels);
    for (name, bytes) in [("mlp_naive", MLP), ("cnn_at010", CNN)] {
        let model = classifier(bytes, &[1, 8, 8], 10);
        let network = Network::read(&Graph::read(bytes).unwrap(), &[1, 8, 8], None).unwrap();
        for eps in [0.01, 0.02, 0.03, 0.05] {
            let threat = Threat::new(Norm::Linf, eps);
            let by = |method| certify(&model, &network, 1.0, &data, &threat, method, 0.95).unwrap();
            let interval = by(Method::Interval);
            let started = Instant::now();
            let linear = by(Method::Linear);
            let seconds = started.elapsed().as_secs_f64();
            let victim = Victim::black_box(&model);
            let square = Square::new(1000, 0);
            let mut report =
                evade(&victim, &data, &threat, &[&square], &Counting::default(), &mut |_| {}).unwrap();
            report.certify(linear.method.name(), &linear.rows).unwrap();
            println!(
                "| {name} | {eps} | {} | {} | {} | {seconds:.2} |",
                interval.rows.len(),
                linear.rows.len(),
                report.robust_correct
            );
        }
    }
    let model = classifier(CNN, &[1, 8, 8], 10);
    let few = LabelledRows::new(&rows[..50 * 64], &labels[..50]);
    let smoothing = Smoothing { sigma: 0.25, estimate: 10_000, ..Smoothing::default() };
    let report = smooth(&model, &few, &smoothing, &mut |_, _| {}).unwrap();
    println!(
        "\nSmoothed cnn_at010, sigma 0.25, 10,000 copies, alpha 0.001, 50 digits: right {}, abstains {}, certified at L2 \
         radius 0.25: {}, at 0.5: {}",
        report.accuracy,
        report.abstained,
        report.certified_at(0.25, 0.95),
        report.certified_at(0.5, 0.95)
    );
}

fn natural() {
    println!("\nNatural changes of cnn_at010, 200 digits: right of all at severity 1 to 5\n");
    println!("| change | 1 | 2 | 3 | 4 | 5 |\n|---|---|---|---|---|---|");
    let model = classifier(CNN, &[1, 8, 8], 10);
    let (rows, labels) = digits();
    let data = LabelledRows::new(&rows, &labels);
    for kind in Kind::ALL {
        let curve = severity_curve(&model, &data, (0.0, 1.0), kind, 0, 0.95).unwrap();
        let cells: Vec<String> = curve.points.iter().map(|p| format!("{:.3}", p.accuracy.value)).collect();
        println!("| {} | {} |", kind.name(), cells.join(" | "));
    }
    for severity in [1, 2, 3] {
        let report = worst_case(&model, &data, &WorstCase::sign(severity), &mut |_, _| {}).unwrap();
        println!(
            "\nWorst of rotation, translation, zoom, brightness and contrast at severity {severity}, 200 settings a row: {} \
             of {} fooled ({})",
            report.evaded, report.attacked, report.success
        );
    }
}

fn privacy() {
    println!(
        "\nMembership: a network of 64 hidden neurons fitted to 100 digits of which every second label is drawn at random\n"
    );
    println!("| attack | area | advantage | found at 1 % false alarms | enough rows for that | queries |");
    println!("|---|---|---|---|---|---|");
    let (rows, mut labels) = digits();
    let mut chance = Chance::new(1, "labels", 0);
    for (at, label) in labels.iter_mut().enumerate() {
        if at % 2 == 0 {
            *label = chance.below(10);
        }
    }
    let (inside, outside) = rows.split_at(100 * 64);
    let members = Rows { rows: inside, labels: &labels[..100] };
    let others = Rows { rows: outside, labels: &labels[100..] };
    let training = Training { epochs: 200, batch: 16, ..Training::default() };
    let fitted = Surrogate::train_on_labels(&[1, 8, 8], inside, members.labels, 10, &training).unwrap();
    let shadows = train_shadows(&fitted, members, others, 32, &training).unwrap();
    let line = |name: &str, report: &MembershipReport| {
        let point = &report.separation.points[1];
        println!(
            "| {name} | {:.3} | {:.3} | {} | {} | {} |",
            report.separation.area,
            report.separation.advantage,
            point.found,
            point.measurable,
            report.queries
        );
    };
    line("score of the class", &by_confidence(&fitted, members, others, 0.95).unwrap());
    line("32 shadow models", &by_shadows(&fitted, members, others, &shadows, 0.95).unwrap());
    line("labels under noise", &by_labels(&fitted, members, others, (50, 0.3, 0), 0.95).unwrap());
    line(
        "score, of a stranger (mlp_naive)",
        &by_confidence(&classifier(MLP, &[1, 8, 8], 10), members, others, 0.95).unwrap(),
    );

    let model = classifier(MLP, &[1, 8, 8], 10);
    let extraction = Extraction { queries_per_hour: Some(600.0), ..Extraction::default() };
    let report = extract(&model, inside, outside, &extraction, &mut |_, _| {}).unwrap();
    println!(
        "\nExtraction of mlp_naive with 100 rows of one's own, judged on 100 others, 600 queries an hour\n"
    );
    println!("| queries | agreement | hours |\n|---|---|---|");
    for copy in &report.copies {
        println!("| {} | {} | {:.1} |", copy.queries, copy.fidelity, copy.hours.unwrap());
    }
}
