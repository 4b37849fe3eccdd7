//! What the guard costs: microseconds of processor time per KB for what reads every text as it stands, which is the base
//! form with its digest and alarms, the detector and the search for plain orders; for the search of what else a text
//! can be read as, and what is then read of that; and for all of it as [`Guard::inspect`] does it. And how long texts take.
//!
//! ```sh
//! cargo run --release -p proofhouse-guard --example speed_guard                # texts of the guard's own generator
//! cargo run --release -p proofhouse-guard --example speed_guard -- TEXTS       # lines of {"group", "text"}
//! ```
//!
//! One thread. Texts of a group are read one after another, so that no branch is learnt by heart; a round reads
//! all of them, and the best and the median round are shown.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement for people, on texts at hand")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use proofhouse_dialogue::{Carrier, Conversation, Labelling, Message, Name, Origin, Role, Segment};
use proofhouse_guard::detect::corpus::{self, Draw};
use proofhouse_guard::detect::{LinearDetector, plain_order};
use proofhouse_guard::normal::{Budget, NormalForm, normalise};
use proofhouse_guard::{Guard, GuardConfig};
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 15;
const LONG: usize = 8192;

#[derive(serde::Deserialize)]
struct Line {
    group: String,
    text: String,
}

fn main() {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    match std::env::args().nth(1) {
        Some(path) => {
            for line in std::fs::read_to_string(path).unwrap().lines() {
                let line: Line = serde_json::from_str(line).unwrap();
                groups.entry(line.group).or_default().push(line.text);
            }
        }
        None => groups = generated(),
    }
    let guard = Guard::new(GuardConfig::default()).unwrap();
    println!(
        "us of processor time per KB, best (median) of {ROUNDS} rounds; ms for whole texts, all rounds\n"
    );
    println!(
        "| texts | n | KB each | base form | detector | plain orders | as it stands | p50 ms | p99 ms | readings | \
         inspect | p50 ms | p99 ms |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (name, texts) in &groups {
        row(&guard, name, texts);
    }
}

fn generated() -> BTreeMap<String, Vec<String>> {
    let mut draw = Draw::new(8);
    let texts: Vec<String> = (0..6000).map(|_| corpus::benign(&mut draw).text).collect();
    let (short, long): (Vec<String>, Vec<String>) = texts.into_iter().partition(|text| text.len() < 300);
    let all = long.join("\n\n");
    let mut cut = Vec::new();
    let mut rest = all.as_str();
    while rest.len() > LONG && cut.len() < 100 {
        let (text, after) = rest.split_at(rest.floor_char_boundary(LONG));
        cut.push(text.to_owned());
        rest = after;
    }
    BTreeMap::from([("documents, 8 KB".to_owned(), cut), ("short texts".to_owned(), short)])
}

fn row(guard: &Guard, name: &str, texts: &[String]) {
    let detector = LinearDetector::embedded();
    let kb = texts.iter().map(String::len).sum::<usize>() as f64 / 1024.0;
    let all = Budget::default();
    let none = Budget { depth: 0, ..all };
    let forms: Vec<NormalForm<'_>> = texts.iter().map(|text| normalise(text, &none)).collect();
    let conversations: Vec<Conversation> = texts.iter().map(|text| conversation(text)).collect();
    let score = |form: &NormalForm<'_>| {
        let views: Vec<&str> = form.texts().collect();
        black_box(detector.score_views(&views, Carrier::Document, f32::INFINITY, 1));
    };
    let orders = |form: &NormalForm<'_>| {
        black_box(form.texts().find_map(plain_order));
    };
    let mut times: [Vec<Duration>; 6] = Default::default();
    let mut waits: [Vec<Duration>; 2] = Default::default();
    for _ in 0..ROUNDS {
        let [base, scores, phrases, stands, readings, inspect] = &mut times;
        let [short, long] = &mut waits;
        base.push(cpu(|| texts.iter().for_each(|text| drop(black_box(normalise(black_box(text), &none))))));
        scores.push(cpu(|| forms.iter().for_each(score)));
        phrases.push(cpu(|| forms.iter().for_each(orders)));
        stands.push(cpu(|| {
            for text in texts {
                let start = Instant::now();
                let form = normalise(black_box(text), &none);
                score(&form);
                orders(&form);
                short.push(start.elapsed());
            }
        }));
        readings
            .push(cpu(|| texts.iter().for_each(|text| drop(black_box(normalise(black_box(text), &all))))));
        inspect.push(cpu(|| {
            for conversation in &conversations {
                let start = Instant::now();
                black_box(guard.inspect(conversation));
                long.push(start.elapsed());
            }
        }));
    }
    for times in times.iter_mut().chain(&mut waits) {
        times.sort();
    }
    let share = |times: &[Duration], share: usize| {
        times.get(times.len() * share / 100).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    let [base, scores, phrases, stands, readings, inspect] = &times
        .map(|times| format!("{:.1} ({:.1})", share(&times, 0) * 1e3 / kb, share(&times, 50) * 1e3 / kb));
    let [short, long] = waits.map(|waits| format!("{:.3} | {:.3}", share(&waits, 50), share(&waits, 99)));
    println!(
        "| {name} | {} | {:.1} | {base} | {scores} | {phrases} | {stands} | {short} | {readings} | {inspect} | {long} |",
        texts.len(),
        kb / texts.len().max(1) as f64,
    );
}

fn conversation(text: &str) -> Conversation {
    let page = Labelling::default().label(&Origin::Web(Name::new("page").unwrap()));
    Conversation::new(vec![Message::new(Role::User, vec![Segment::new(text, page)])], vec![])
}

/// The processor time of this thread that `work` takes.
fn cpu(work: impl FnOnce()) -> Duration {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    };
    let start = now();
    work();
    now().saturating_sub(start)
}
