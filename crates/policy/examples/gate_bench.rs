//! How many decisions a second the shipped gates make, for `bench/run`:
//!
//! `gate_bench GATE SECONDS [INPUT_OUT]` decides on an input of realistic size for that long and prints one
//! line of JSON with the processor time of one thread; INPUT_OUT receives the input, so that another engine
//! can be asked the same.

#![allow(clippy::unwrap_used, reason = "the inputs are those of the tests, which unwrap")]

#[path = "../tests/inputs/mod.rs"]
mod inputs;

use std::time::{Duration, Instant};

use proofhouse_core::{Digest, Measurement, Severity, ThreatState};
use proofhouse_policy::input::release;
use proofhouse_policy::{Bundle, Entrypoint, Policy};

#[expect(clippy::print_stdout, reason = "a command-line example")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(gate), Some(seconds)) = (arguments.next(), arguments.next()) else {
        return Err("usage: gate_bench release|request SECONDS [INPUT_OUT]".into());
    };
    let (gate, input) = match gate.as_str() {
        "release" => (Entrypoint::Release, serde_json::to_value(release())?),
        "request" => (Entrypoint::Request, serde_json::to_value(inputs::request())?),
        other => return Err(format!("{other} is neither release nor request").into()),
    };
    let text = input.to_string();
    if let Some(path) = arguments.next() {
        std::fs::write(path, &text)?;
    }
    let started = Instant::now();
    let policy = Policy::compile(&Bundle::shipped())?;
    let compile_ms = started.elapsed().as_secs_f64() * 1e3;
    if !policy.decide(gate, &input).allow {
        return Err(format!("{gate} denies the bench's input: {:?}", policy.decide(gate, &input).deny).into());
    }

    let time = Duration::from_secs_f64(seconds.parse()?);
    let mut walls_us = Vec::new();
    let (cpu_before, begun) = (cpu_us()?, Instant::now());
    while begun.elapsed() < time {
        let one = Instant::now();
        std::hint::black_box(policy.decide(gate, &input));
        walls_us.push(one.elapsed().as_secs_f64() * 1e6);
    }
    let cpu = cpu_us()? - cpu_before;
    walls_us.sort_by(f64::total_cmp);
    let quantile = |q: f64| walls_us.get(((walls_us.len() - 1) as f64 * q) as usize).copied();
    println!(
        "{}",
        serde_json::json!({
            "gate": gate.package(),
            "input_bytes": text.len(),
            "compile_ms": compile_ms,
            "decisions": walls_us.len(),
            "cpu_us_per_decision": cpu / walls_us.len() as f64,
            "p50_us": quantile(0.5),
            "p99_us": quantile(0.99),
        })
    );
    Ok(())
}

/// Processor time of this process so far, in microseconds. Linux only: the bench says so where it is not.
fn cpu_us() -> Result<f64, Box<dyn std::error::Error>> {
    // The first number is the time on a processor in nanoseconds (proc(5), schedstat). The bench has one thread.
    let text = std::fs::read_to_string("/proc/self/schedstat")
        .map_err(|error| format!("processor time is read from /proc, which is not here: {error}"))?;
    let nanoseconds: f64 = text.split_whitespace().next().ok_or("schedstat is empty")?.parse()?;
    Ok(nanoseconds / 1e3)
}

/// A release as large systems have them: 60 files, 40 threats, each with its evidence of 12 measurements.
fn release() -> release::Input {
    let mut input = inputs::release();
    for n in 0..60 {
        input.model.files.push(release::File {
            path: format!("shards/part-{n:03}.safetensors").parse().unwrap(),
            size: 1 << 30,
            sha256: inputs::digest(&format!("shard {n}")),
        });
    }
    for n in 0..40 {
        let (id, check) = (format!("T-{n:02}"), format!("check-{n:02}"));
        let slices: Vec<Measurement> = (0..12)
            .map(|class| {
                Measurement::proportion("accuracy", 970, 1000, 0.95).of_slice(format!("class={class}"))
            })
            .collect();
        let mut evidence = inputs::evidence(&check, &id, &slices);
        evidence.digest = Digest::of(check.as_bytes());
        input.evidence.push(evidence);
        input.threat_model.threats.push(release::Threat {
            id,
            severity: Severity::High,
            state: ThreatState::Open,
            required_checks: vec![check],
            automatic: true,
        });
    }
    input.recalled.extend((0..100).map(|n| inputs::digest(&format!("recalled {n}"))));
    input
}
