//! How much of what the guard catches in clear it still catches in disguise.
//!
//! The disguises are the red team's converters, written by another hand than the normaliser and without a look
//! at it. Only attacks that are caught in clear count, so what is measured is the normaliser, not the detector;
//! benign texts go through the same converters, since what was encoded is not for that an attack. Converters
//! of kind *prose* say it in other words, which no normal form undoes; they are listed and not counted.
//!
//! "Read" is the share of attacks whose own words stand in some reading of the disguise: the normaliser alone,
//! whatever the detector makes of them. Nested disguises that destroy what is under them (a Base64 whose vowels are left
//! out) are counted, and left out of the column beside. Morse code and tag characters have no letters outside ASCII, so they are
//! given the texts that have none. The guard is the one that ships, encoder and all; `--linear` leaves the encoder out.
//!
//! ```sh
//! cargo run --release -p proofhouse-lifecycle --example obfuscation                # converters, and nested ones
//! cargo run --release -p proofhouse-lifecycle --example obfuscation -- 400 5       # more texts, from another seed
//! cargo run --release -p proofhouse-lifecycle --example obfuscation -- 40 5 leet   # what of one is missed
//! cargo run --release -p proofhouse-lifecycle --example obfuscation -- 150 77 nested   # which nested ones are
//! ```

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement for people, on texts made here")]

use std::path::Path;

use proofhouse_core::Measurement;
use proofhouse_dialogue::{Conversation, Labelling, Message, Name, Origin, Role, Segment};
use proofhouse_guard::detect::corpus::{self, Draw};
use proofhouse_guard::normal::{Budget, normalise};
use proofhouse_guard::{EncoderChoice, Finding, Guard, GuardConfig};
use proofhouse_lifecycle::encoder;
use proofhouse_redteam::{CONVERTERS, Converter, Dice, Kind};

const CONFIDENCE: f64 = 0.95;

fn main() {
    let (options, arguments): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|a| a.starts_with("--"));
    let mut arguments = arguments.into_iter();
    let wanted = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(150);
    let seed = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(77);
    let mut config = GuardConfig::default();
    config.detector.encoder = options.iter().any(|o| o == "--linear").then_some(EncoderChoice::Off);
    let guard = encoder::guard(config, None, Path::new("")).unwrap();
    let mut draw = Draw::new(seed);
    let attacks = gather(wanted, || Some(corpus::attack(&mut draw).text).filter(|t| caught(&guard, t)));
    let benign = gather(wanted, || Some(corpus::benign(&mut draw).text).filter(|t| !caught(&guard, t)));
    println!("{} attacks caught in clear, {} benign texts passed in clear\n", attacks.len(), benign.len());
    if let Some(id) = arguments.next() {
        return if id == "nested" {
            missed_nested(&guard, seed, &attacks)
        } else {
            missed(&guard, seed, &attacks, &id)
        };
    }

    println!("| converter | kind | read | still caught | benign caught |\n|---|---|---|---|---|");
    let (mut single, mut wrong_single) = (Count::default(), Count::default());
    for converter in CONVERTERS {
        let of = |texts: &[String]| {
            let texts: Vec<String> = texts.iter().filter(|text| takes(converter, text)).cloned().collect();
            count(&guard, seed, &texts, |text, dice| converter.apply(text, dice))
        };
        let (kept, wrong) = (of(&attacks), of(&benign));
        println!(
            "| {} | {} | {:.3} | {kept} | {wrong} |",
            converter.id,
            converter.kind.word(),
            kept.share_read()
        );
        if converter.kind != Kind::Prose {
            single.add(&kept);
            wrong_single.add(&wrong);
        }
    }
    println!("| **all but prose** | | {:.3} | {single} | {wrong_single} |", single.share_read());

    println!(
        "\n| nested | read | still caught | of those not destroyed | benign caught |\n|---|---|---|---|---|"
    );
    for depth in 1..=3 {
        let of = |texts: &[String]| count(&guard, seed, texts, |text, dice| nested(text, depth, dice).0);
        let (kept, wrong) = (of(&attacks), of(&benign));
        let whole = attacks.iter().enumerate().filter(|(at, text)| {
            let (_, how) = nested(text, depth, &mut dice_of(seed, *at));
            !(1..how.len()).any(|outer| destroys(how.get(outer), how.get(..outer).unwrap_or_default()))
        });
        let mut undone = Count::default();
        for (at, text) in whole {
            let disguised = nested(text, depth, &mut dice_of(seed, at)).0;
            undone.of += 1;
            undone.caught += u64::from(caught(&guard, &disguised));
        }
        println!("| {depth} deep | {:.3} | {kept} | {undone} | {wrong} |", kept.share_read());
    }
}

/// A text in so many disguises, one in another, and which.
fn nested(text: &str, depth: usize, dice: &mut Dice) -> (String, Vec<&'static str>) {
    let hiding: Vec<&Converter> = CONVERTERS.iter().copied().filter(|c| c.kind != Kind::Prose).collect();
    (0..depth).fold((text.to_owned(), Vec::new()), |(text, mut how), _| {
        let fitting: Vec<&Converter> = hiding.iter().copied().filter(|c| takes(c, &text)).collect();
        let converter = dice.pick(&fitting).copied().unwrap_or(CONVERTERS[0]);
        how.push(converter.id);
        (converter.apply(&text, dice), how)
    })
}

/// Whether a disguise destroys what is under it, so that nobody can read it any more, nor obey it: letters that are left
/// out, exchanged or in another case were part of an encoding.
fn destroys(outer: Option<&&str>, inner: &[&str]) -> bool {
    const BY_CASE: &[&str] = &["base64", "base64-url", "base85"];
    const BY_LETTER: &[&str] =
        &["base32", "hex", "hex-escapes", "percent", "entities-hex", "unicode-escapes", "entities"];
    const BY_CIPHER: &[&str] = &["rot13", "rot-n", "atbash", "shuffled-alphabet", "pig-latin", "two-rails"];
    let under: &[&[&str]] = match outer.copied() {
        Some("cases") => &[BY_CASE],
        Some("leet" | "typos") => &[BY_CASE, BY_LETTER],
        Some("no-vowels") => &[BY_CASE, BY_LETTER, BY_CIPHER],
        _ => &[],
    };
    inner.iter().any(|id| under.iter().any(|ids| ids.contains(id)))
}

/// What decides how a text is disguised: another text and another seed, another disguise.
fn dice_of(seed: u64, at: usize) -> Dice {
    Dice::of(seed << 32 | at as u64, &["obfuscation"])
}

/// Lists which nested disguises pass.
fn missed_nested(guard: &Guard, seed: u64, attacks: &[String]) {
    for depth in 1..=3 {
        for (at, text) in attacks.iter().enumerate() {
            let (disguised, how) = nested(text, depth, &mut dice_of(seed, at));
            if !caught(guard, &disguised) {
                let read = if reads(&disguised, text) { "read" } else { "not read" };
                println!("{depth} {at} {read}: {}", how.join(" in "));
            }
        }
    }
}

/// Whether a converter can write the letters of a text.
fn takes(converter: &Converter, text: &str) -> bool {
    !matches!(converter.id, "morse" | "tags") || text.is_ascii()
}

/// Shows what passes in one disguise.
fn missed(guard: &Guard, seed: u64, attacks: &[String], id: &str) {
    for (at, text) in attacks.iter().enumerate() {
        for converter in CONVERTERS.iter().filter(|c| c.id == id && takes(c, text)) {
            let disguised = converter.apply(text, &mut dice_of(seed, at));
            if !caught(guard, &disguised) {
                let read = if reads(&disguised, text) { "read" } else { "not read" };
                println!("--- {at}, {read}\n{text}\n... becomes\n{disguised}");
            }
        }
    }
}

/// Whether some reading of `disguised` holds nearly all of what `plain` says.
fn reads(disguised: &str, plain: &str) -> bool {
    const LENGTH: usize = 5;
    let plain = normalise(plain, &Budget { depth: 0, ..Budget::default() });
    let chars: Vec<char> = plain.text.chars().filter(|c| c.is_alphanumeric()).collect();
    let pieces: Vec<String> = chars.windows(LENGTH).map(|piece| piece.iter().collect()).collect();
    let form = normalise(disguised, &Budget::default());
    form.texts().any(|text| {
        let letters: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
        let found = pieces.iter().filter(|piece| letters.contains(piece.as_str())).count();
        found * 10 >= pieces.len() * 9
    })
}

fn gather(wanted: usize, mut next: impl FnMut() -> Option<String>) -> Vec<String> {
    // A detector that catches nothing must not keep this from ending.
    (0..wanted * 20).filter_map(|_| next()).take(wanted).collect()
}

#[derive(Default)]
struct Count {
    caught: u64,
    read: u64,
    of: u64,
}

impl Count {
    fn add(&mut self, other: &Self) {
        self.caught += other.caught;
        self.read += other.read;
        self.of += other.of;
    }

    fn share_read(&self) -> f64 {
        self.read as f64 / self.of.max(1) as f64
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = Measurement::proportion("caught", self.caught, self.of, CONFIDENCE);
        let interval = share.interval.as_ref().map_or((0.0, 1.0), |i| (i.low, i.high));
        write!(f, "{:.3} [{:.3}, {:.3}] of {}", share.value, interval.0, interval.1, self.of)
    }
}

fn count(guard: &Guard, seed: u64, texts: &[String], disguise: impl Fn(&str, &mut Dice) -> String) -> Count {
    let mut count = Count::default();
    for (at, text) in texts.iter().enumerate() {
        let disguised = disguise(text, &mut dice_of(seed, at));
        count.of += 1;
        count.caught += u64::from(caught(guard, &disguised));
        count.read += u64::from(reads(&disguised, text));
    }
    count
}

fn caught(guard: &Guard, text: &str) -> bool {
    let page = Labelling::default().label(&Origin::Web(Name::new("page").unwrap()));
    let conversation =
        Conversation::new(vec![Message::new(Role::User, vec![Segment::new(text, page)])], vec![]);
    guard.inspect(&conversation).verdict == Finding::Attack
}
