//! Counts what a model that obeys everything does behind the boundary, and in front of an open one:
//!
//! `cargo run --release -p proofhouse-guard --example boundary -- [RUNS] [SEED]`
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    dead_code,
    reason = "a program that shows what the test beside it asserts"
)]

#[path = "../tests/boundary/injection.rs"]
mod injection;
#[path = "../tests/boundary/puppet.rs"]
mod puppet;
#[path = "../tests/boundary/run.rs"]
mod run;
#[path = "../tests/boundary/world.rs"]
mod world;

use run::{Switch, groups, tally, through_standin};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let runs: usize = arguments.next().map_or(Ok(10_000), |text| text.parse())?;
    let seed: u64 = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let (guard, tasks) = (world::guard(), world::tasks());
    let row = |what: &str, tally: &run::Tally| {
        println!(
            "{what:<42} {:>7} {:>9} {:>9} {:>7.1} % {:>10.1} %",
            tally.runs,
            tally.harmed,
            tally.effects,
            tally.success() * 100.0,
            tally.unattended as f64 * 100.0 / tally.runs.max(1) as f64,
        );
    };
    println!(
        "{:<42} {:>7} {:>9} {:>9} {:>9} {:>12}",
        "", "runs", "with harm", "effects", "done", "unattended"
    );
    let held = tally(&guard, &tasks, runs, seed, Switch::On);
    row("with the boundary", &held);
    row("without it", &tally(&guard, &tasks, runs / 10, seed, Switch::Off));
    for (what, rules) in groups() {
        row(&format!("without {what}"), &tally(&guard, &tasks, runs / 10, seed, Switch::Without(&rules)));
    }
    let count = runs / 20;
    let (open, closed) = (
        through_standin(&guard, &tasks, count, Switch::Off),
        through_standin(&guard, &tasks, count, Switch::On),
    );
    println!("stand-in: {open} of {count} reach the attacker without the boundary, {closed} with it");
    if let Some(harm) = held.first {
        return Err(format!("the boundary let through: {harm}").into());
    }
    Ok(())
}
