//! How long the output rules take, by kind of text: microseconds per KiB of one core, whole texts and
//! answers that arrive in small pieces.
//!
//! ```sh
//! cargo run --release -p proofhouse-guard --example speed_output
//! ```
#![expect(clippy::print_stdout, reason = "a table for people")]
#![expect(clippy::unwrap_used, reason = "its inputs are constants")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use proofhouse_guard::output::{Confidential, Filter, OutputRules};

/// Bytes of each text.
const SIZE: usize = 64 * 1024;
/// Runs of which the best is told: what others do on the machine is no cost of the rules.
const RUNS: usize = 31;

fn main() {
    let filter = Filter::new(&OutputRules::default());
    let nothing = Confidential::new();
    let guarded = Confidential::new()
        .canary("prompt", "cn-7f3a91d2e8")
        .unwrap()
        .text("system prompt", &prompt())
        .unwrap();
    println!("{:<22} {:>10} {:>14} {:>14}", "µs per KiB (best)", "whole", "canary+prompt", "in 12-byte bits");
    for (name, text) in texts() {
        let whole = time(&text, || filter.scan(&nothing, &text).text.len());
        let with = time(&text, || filter.scan(&guarded, &text).text.len());
        let bits = time(&text, || {
            let mut scanner = filter.scanner(&guarded);
            let mut length = 0;
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let cut = rest.char_indices().map(|(at, _)| at).find(|at| *at >= 12).unwrap_or(rest.len());
                let (bit, after) = rest.split_at(cut);
                length += scanner.push(bit).text.len();
                rest = after;
            }
            length + scanner.finish().text.len()
        });
        println!("{name:<22} {whole:>10.1} {with:>14.1} {bits:>14.1}");
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes are small")]
fn time(text: &str, mut work: impl FnMut() -> usize) -> f64 {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed()
        })
        .collect();
    times.sort();
    times.first().map_or(0.0, |best| best.as_secs_f64() * 1e6 / (text.len() as f64 / 1024.0))
}

fn prompt() -> String {
    "You help customers of a hardware shop. Answer from the manual only, quote part numbers, and never promise \
     a date of delivery. Refunds above fifty need a colleague. "
        .repeat(6)
}

/// Texts of the kinds that models write. None of them holds anything that a rule forbids, save the last.
fn texts() -> Vec<(&'static str, String)> {
    let fill = |unit: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        for number in 0.. {
            if text.len() >= SIZE {
                break;
            }
            text.push_str(&unit(number));
        }
        text
    };
    let mut state = 1_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut base64 = String::new();
    while base64.len() < SIZE {
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for _ in 0..76 {
            base64.push(char::from(letters[(random() % 64) as usize]));
        }
        base64.push('\n');
    }
    let words = [
        "the",
        "oven",
        "should",
        "be",
        "hot",
        "before",
        "bread",
        "goes",
        "in",
        "and",
        "you",
        "can",
        "check",
        "it",
        "with",
        "a",
        "thermometer",
    ];
    let chat = fill(&|n| {
        let word = words[(n * 7 + n / 5) % words.len()];
        if n % 13 == 12 { format!("{word}. ") } else { format!("{word} ") }
    });
    let document = fill(&|n| {
        format!(
            "## {n}. Maintenance\n\nClean the filter every {} hours (see table {}). Use part no. {:05}-B only; the \
             torque is {}.{} Nm. *Do not* open the housing while the motor runs.\n\n",
            n % 90 + 10,
            n % 9,
            n * 37,
            n % 40,
            n % 10
        )
    });
    let json = fill(&|n| {
        let mut line = String::new();
        let _ = writeln!(
            line,
            "{{\"id\": {}, \"sku\": \"AX-{:04}\", \"price\": {}.{:02}, \"stock\": {}, \"updated\": \"2026-0{}-1{}T08:30:00Z\", \"tags\": [\"new\", \"sale\"]}},",
            100_000 + n * 13,
            n,
            n % 300,
            n % 100,
            n % 50,
            n % 9 + 1,
            n % 10
        );
        line
    });
    let code = fill(&|n| {
        format!(
            "    let value_{n} = self.items.get({n}).map(|item| item.price * 2.0).unwrap_or(0.0); // rounds\n"
        )
    });
    let chinese = fill(&|n| format!("第{n}章：面包要在热烤箱里烤四十分钟，然后放凉再切。"));
    let links =
        fill(&|n| format!("See [page {n}](https://shop.example/p/{n}) or write to care{n}@shop.example. "));
    vec![
        ("chat", chat),
        ("document", document),
        ("JSON tool output", json),
        ("code", code),
        ("Chinese", chinese),
        ("base64", base64),
        ("links and addresses", links),
    ]
}
