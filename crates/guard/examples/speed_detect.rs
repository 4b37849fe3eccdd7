//! How long the linear detector reads: microseconds per kilobyte on short and long texts, and the time for
//! 8 KB at the median and the 99th percentile. One thread.
//!
//! ```sh
//! cargo run --release -p proofhouse-guard --example speed_detect
//! ```

#![expect(clippy::print_stdout, reason = "a program that prints a table")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use proofhouse_dialogue::Carrier;
use proofhouse_guard::detect::LinearDetector;
use proofhouse_guard::detect::corpus::{self, Draw};

fn main() {
    let detector = LinearDetector::embedded();
    let mut draw = Draw::new(8);
    let texts: Vec<String> = (0..4000).map(|_| corpus::benign(&mut draw).text).collect();
    let (short, long): (Vec<String>, Vec<String>) = texts.into_iter().partition(|text| text.len() < 300);
    for (name, texts) in [("short texts", &short), ("documents", &long)] {
        let bytes: usize = texts.iter().map(String::len).sum();
        let best = (0..7).map(|_| {
            time(|| {
                texts.iter().for_each(|text| {
                    black_box(detector.score(black_box(text), Carrier::Document));
                })
            })
        });
        let best = best.min().unwrap_or_default();
        let per_kb = best.as_secs_f64() * 1e6 / (bytes as f64 / 1024.0);
        println!("{name}: {per_kb:.2} us/KB ({} texts, {bytes} bytes, best of 7)", texts.len());
    }

    let mut all = long.join("\n\n").into_bytes();
    all.truncate(8 * 1024 * 400);
    let all = String::from_utf8_lossy(&all).into_owned();
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..10 {
        let mut start = 0;
        while let Some(end) = (start + 8192..all.len()).find(|at| all.is_char_boundary(*at)) {
            if let Some(text) = all.get(start..end) {
                times.push(time(|| drop(black_box(detector.score(black_box(text), Carrier::Document)))));
            }
            start = end;
        }
    }
    times.sort();
    let at =
        |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default().as_secs_f64() * 1e6;
    println!("8 KB: p50 {:.1} us, p99 {:.1} us ({} texts)", at(50), at(99), times.len());
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
