//! What the guard makes of many texts, a line each, so that two builds can be compared: whoever makes it faster changes
//! none of them.
//!
//! A line has a digest of the normal form (base form, views and how they were read, alarms, places), the verdict
//! and the margin. Texts are lines of `{"text", "kind"}`, or the guard's own attacks and harmless texts in up to three
//! disguises of the red team.
//!
//! ```sh
//! cargo run --release -p proofhouse-guard --example readings -- TEXTS > before
//! cargo run --release -p proofhouse-guard --example readings -- 1000 5 > before    # 1000 disguised texts, seed 5
//! ```

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement for people, on texts at hand")]

use std::io::Write as _;

use proofhouse_core::Digest;
use proofhouse_dialogue::{Carrier, Conversation, Labelling, Message, Name, Origin, Role, Segment};
use proofhouse_guard::detect::corpus::{self, Draw};
use proofhouse_guard::normal::{Budget, normalise};
use proofhouse_guard::{Guard, GuardConfig};
use proofhouse_redteam::{CONVERTERS, Converter, Dice};

#[derive(serde::Deserialize)]
struct Line {
    text: String,
    #[serde(default)]
    kind: String,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().unwrap_or_else(|| "1000".to_owned());
    let guard = Guard::new(GuardConfig::default()).unwrap();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match first.parse() {
        Ok(wanted) => {
            let seed = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(5);
            for (text, how) in disguised(wanted, seed) {
                writeln!(out, "{} {how}", line(&guard, &text, Carrier::Document)).unwrap();
            }
        }
        Err(_) => {
            for row in std::fs::read_to_string(&first).unwrap().lines() {
                let row: Line = serde_json::from_str(row).unwrap();
                let carrier = match row.kind.as_str() {
                    "doc" | "indirect" => Carrier::Document,
                    "code" => Carrier::Code,
                    _ => Carrier::Chat,
                };
                writeln!(out, "{}", line(&guard, &row.text, carrier)).unwrap();
            }
        }
    }
    out.flush().unwrap();
    drop(out);
    println!();
}

/// The guard's own texts, every other one an attack, in none to three disguises.
fn disguised(wanted: u64, seed: u64) -> impl Iterator<Item = (String, String)> {
    let mut draw = Draw::new(seed);
    (0..wanted).map(move |at| {
        let mut dice = Dice::of(at ^ seed << 32, &["readings"]);
        let mut text = if at % 2 == 0 { corpus::attack(&mut draw) } else { corpus::benign(&mut draw) }.text;
        let mut how: Vec<&str> = Vec::new();
        for _ in 0..at / 2 % 4 {
            let fitting: Vec<&Converter> = CONVERTERS
                .iter()
                .copied()
                .filter(|c| !matches!(c.id, "morse" | "tags") || text.is_ascii())
                .collect();
            let converter = dice.pick(&fitting).copied().unwrap_or(CONVERTERS[0]);
            text = converter.apply(&text, &mut dice);
            how.push(converter.id);
        }
        (text, how.join("+"))
    })
}

fn line(guard: &Guard, text: &str, carrier: Carrier) -> String {
    let form = normalise(text, &Budget::default());
    let mut said = format!("{:?} {:?} {:?} {}", form.text, form.spans, form.alarms, form.truncated);
    for view in &form.views {
        said.push_str(&format!("\n{:?} {} {:?}", view.how, view.text, view.spans));
    }
    let page = Labelling::default().label(&Origin::Web(Name::new("page").unwrap()));
    let segment = Segment { carrier, ..Segment::new(text, page) };
    let found = guard.inspect(&Conversation::new(vec![Message::new(Role::User, vec![segment])], vec![]));
    let (margin, order) = found.segments.first().map_or((None, false), |s| (s.margin, s.order));
    format!(
        "{} {} {:?} {} {order}",
        Digest::of(said.as_bytes()).short(),
        form.views.len(),
        found.verdict,
        margin.map_or_else(|| "-".to_owned(), |m| format!("{m:.5}"))
    )
}
