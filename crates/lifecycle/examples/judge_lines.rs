//! The guard as one candidate of several in a comparison: reads texts, one JSON string a line, as pages of the web,
//! and writes a line for each with the verdict and the processor time that it took.
//!
//! ```sh
//! cargo run --release -p proofhouse-lifecycle --example judge_lines <texts.jsonl
//! ```
//!
//! `--user` reads them as the user's words, `--linear` leaves out the encoder.

#![expect(clippy::print_stdout, reason = "a program that prints measurements")]

use std::hint::black_box;
use std::io::BufRead as _;
use std::path::Path;
use std::time::Instant;

use proofhouse_dialogue::{Conversation, Labelling, Message, Name, Origin, Role, Segment};
use proofhouse_guard::{EncoderChoice, Finding, GuardConfig};
use proofhouse_lifecycle::encoder;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let has = |option: &str| std::env::args().any(|argument| argument == option);
    let mut config = GuardConfig::default();
    config.detector.encoder = has("--linear").then_some(EncoderChoice::Off);
    let guard = encoder::guard(config, None, Path::new(""))?;
    let page = Labelling::default().label(&Origin::Web(Name::new("page")?));
    let said = Labelling::default().label(&Origin::User);
    let as_user = has("--user");
    for line in std::io::stdin().lock().lines() {
        let text: String = serde_json::from_str(&line?)?;
        let label = if as_user { said.clone() } else { page.clone() };
        let message = Message::new(Role::User, vec![Segment::new(text, label)]);
        let conversation = Conversation::new(vec![message], vec![]);
        // One thread that does nothing else: of several tries the shortest is the one nobody interrupted.
        let (mut best, mut attack, mut margin) = (f64::INFINITY, false, None);
        for _ in 0..3 {
            let start = Instant::now();
            let inspection = black_box(guard.inspect(black_box(&conversation)));
            best = best.min(start.elapsed().as_secs_f64());
            attack = inspection.verdict == Finding::Attack;
            margin = inspection.segments.first().and_then(|segment| segment.margin);
        }
        println!("{} {best:.9} {margin:?}", u8::from(attack));
    }
    Ok(())
}
