//! How much of what the guard catches in clear it still catches in disguise.
//!
//! The disguises are the red team's converters, written by another hand than the normaliser and without a look
//! at it. Only attacks that are caught in clear count, so what is measured is the normaliser, not the detector;
//! benign texts go through the same converters, since what was encoded is not for that an attack. Converters
//! of kind *prose* say it in other words, which no normal form undoes; they are listed and not counted.
//!
//! ```sh
//! cargo run --release -p proofhouse-guard --example obfuscation            # converters, and nested ones
//! cargo run --release -p proofhouse-guard --example obfuscation -- 400     # more texts
//! ```

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement for people, on texts made here")]

use proofhouse_core::Measurement;
use proofhouse_dialogue::{Conversation, Labelling, Message, Name, Origin, Role, Segment};
use proofhouse_guard::detect::corpus::{self, Draw};
use proofhouse_guard::{Finding, Guard, GuardConfig};
use proofhouse_redteam::{CONVERTERS, Converter, Dice, Kind};

const CONFIDENCE: f64 = 0.95;

fn main() {
    let wanted = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(150);
    let guard = Guard::new(GuardConfig::default()).unwrap();
    let mut draw = Draw::new(77);
    let attacks = gather(wanted, || Some(corpus::attack(&mut draw).text).filter(|t| caught(&guard, t)));
    let benign = gather(wanted, || Some(corpus::benign(&mut draw).text).filter(|t| !caught(&guard, t)));
    println!("{} attacks caught in clear, {} benign texts passed in clear\n", attacks.len(), benign.len());

    println!("| converter | kind | still caught | benign caught |\n|---|---|---|---|");
    let mut single = Count::default();
    for converter in CONVERTERS {
        let of = |texts: &[String]| count(&guard, texts, |text, dice| converter.apply(text, dice));
        let (kept, wrong) = (of(&attacks), of(&benign));
        println!("| {} | {} | {kept} | {wrong} |", converter.id, converter.kind.word());
        if converter.kind != Kind::Prose {
            single.add(&kept);
        }
    }
    println!("| **all but prose** | | {single} | |");

    let hiding: Vec<&Converter> = CONVERTERS.iter().copied().filter(|c| c.kind != Kind::Prose).collect();
    println!("\n| nested | still caught | benign caught |\n|---|---|---|");
    for depth in 1..=3 {
        let chain = |text: &str, dice: &mut Dice| {
            (0..depth).fold(text.to_owned(), |text, _| {
                dice.pick(&hiding).copied().unwrap_or(CONVERTERS[0]).apply(&text, dice)
            })
        };
        let (kept, wrong) = (count(&guard, &attacks, chain), count(&guard, &benign, chain));
        println!("| {depth} deep | {kept} | {wrong} |");
    }
}

fn gather(wanted: usize, mut next: impl FnMut() -> Option<String>) -> Vec<String> {
    // A detector that catches nothing must not keep this from ending.
    (0..wanted * 20).filter_map(|_| next()).take(wanted).collect()
}

#[derive(Default)]
struct Count {
    caught: u64,
    of: u64,
}

impl Count {
    fn add(&mut self, other: &Self) {
        self.caught += other.caught;
        self.of += other.of;
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = Measurement::proportion("caught", self.caught, self.of, CONFIDENCE);
        let interval = share.interval.as_ref().map_or((0.0, 1.0), |i| (i.low, i.high));
        write!(f, "{:.3} [{:.3}, {:.3}] of {}", share.value, interval.0, interval.1, self.of)
    }
}

fn count(guard: &Guard, texts: &[String], disguise: impl Fn(&str, &mut Dice) -> String) -> Count {
    let mut count = Count::default();
    for (at, text) in texts.iter().enumerate() {
        let disguised = disguise(text, &mut Dice::of(at as u64, &["obfuscation"]));
        count.of += 1;
        count.caught += u64::from(caught(guard, &disguised));
    }
    count
}

fn caught(guard: &Guard, text: &str) -> bool {
    let page = Labelling::default().label(&Origin::Web(Name::new("page").unwrap()));
    let conversation =
        Conversation::new(vec![Message::new(Role::User, vec![Segment::new(text, page)])], vec![]);
    guard.inspect(&conversation).verdict == Finding::Attack
}
