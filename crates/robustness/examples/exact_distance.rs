//! CPU time of exact tree distances: `cargo run --release -p proofhouse-robustness --example exact_distance`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement for people, on fixtures of this repository"
)]

use std::time::Instant;

use proofhouse_onnx::TreeEnsemble;
use proofhouse_onnx::graph::Graph;
use proofhouse_robustness::trees::{ExactOptions, minimal_linf};

fn main() {
    let rows: Vec<Vec<f32>> = include_bytes!("../../onnx/tests/fixtures/tabular_test.f32")
        .chunks_exact(121)
        .map(|record| record[1..].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
        .collect();
    let models: [(&str, &[u8]); 2] = [
        ("gbt (50 trees, depth 3)", include_bytes!("../../onnx/tests/fixtures/gbt.onnx")),
        ("rf (60 trees, depth 6)", include_bytes!("../../onnx/tests/fixtures/rf.onnx")),
    ];
    let options = ExactOptions { box_low: 0.0, box_high: 1.0, ..ExactOptions::default() };
    println!(
        "| ensemble | points | exact | CPU ms a point | median ms, wall | largest | boxes a point |\n|---|---|---|---|---|---|---|"
    );
    for (name, bytes) in models {
        let model =
            TreeEnsemble::of(Graph::read(bytes).unwrap().first("TreeEnsembleClassifier").unwrap()).unwrap();
        let (mut times, mut exact, mut boxes) = (Vec::new(), 0, 0);
        let before = cpu_seconds();
        for row in &rows {
            let started = Instant::now();
            let nearest = minimal_linf(&model, row, &options).unwrap();
            times.push(started.elapsed().as_secs_f64() * 1e3);
            exact += usize::from(nearest.exact);
            boxes += nearest.boxes;
        }
        let cpu = (cpu_seconds() - before) * 1e3 / rows.len() as f64;
        times.sort_by(f64::total_cmp);
        println!(
            "| {name} | {} | {exact} | {cpu:.2} | {:.3} | {:.3} | {} |",
            rows.len(),
            times[times.len() / 2],
            times[times.len() - 1],
            boxes / rows.len() as u64
        );
    }
}

/// Processor seconds of this process, which has one thread; 0 where the system does not say.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}
