//! Learns from what passed: a text that the red team brought past the detector, or a harmless one that was
//! stopped, becomes rows to train on, and the new weights still hold what the old ones held.
//!
//! What counts is the guard as it is configured: with a second detector, a lesson is learned when both together
//! judge it rightly, and how far the weights have to go for that is the second one's to say.
//!
//! The floors are measured on texts that a fixed seed draws and that no training sees: in no group of harmless
//! texts may more be stopped than [`MOST`] allows or than were stopped before, and of the attacks no more
//! than [`FORGOTTEN`] may be lost, by the weights alone and with a second detector. Where a change breaks one of
//! them, only as much of it is made as holds all; at nothing they hold, so some lessons are learned and the
//! others named. What is reported for the new texts themselves are variants that were not trained on.

use std::collections::BTreeMap;

use proofhouse_dialogue::Carrier;
use serde::{Deserialize, Serialize};

use super::corpus::{self, Draw, Sample};
use super::train::{Row, base_form, sources};
use super::{Detector, Header, LinearDetector, TrainedOn, WeightsError};

mod fit;
mod floor;
mod stages;

use fit::{Demand, Fit};
pub use floor::{FORGOTTEN, Floor, MOST, Together};
use floor::{Floors, kind};
use stages::{Stages, Text};

/// Variants of each text that are trained on, and at most as many that are only measured.
const VARIANTS: usize = 24;
/// Variants that are measured, all lessons together: a second detector takes milliseconds for each.
const MEASURED: usize = 240;
/// Texts of each kind that are held beside the lessons, so that the rest is not forgotten.
const REHEARSED: usize = 600;
/// Kinds of generated texts, harmless ones and attacks.
const KINDS: usize = 6;
/// Texts that are drawn for these at the most.
const DRAWN: usize = 8000;
/// How far beyond the threshold a lesson is brought, in logits: the weights are rounded afterwards, and the next
/// text like it is another one.
const GAP: f32 = 0.4;
/// How hard a lesson may pull, from the gentlest; and the rest of the world pulls harder.
const PULLS: [f32; 5] = [0.05, 0.15, 0.5, 1.5, 5.0];
const REST: f32 = 4.0;
/// Passes with each of them.
const PASSES: usize = 4;
/// Halvings of the way back to the last weights that hold the floors.
const HALVINGS: usize = 5;
/// More than this many texts are a training run, not a lesson.
const TEXTS: usize = 2000;
/// Longer texts are cut: a lesson is about a passage.
const BYTES: usize = 16 * 1024;

/// A text to learn from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// The text as the detector read it.
    pub text: String,
    /// Whether it attacks.
    pub attack: bool,
    /// What kind of text it is.
    pub carrier: Carrier,
}

/// New weights, and what they do.
#[derive(Debug, Clone)]
pub struct Learned {
    /// The weights file; [`LinearDetector::from_bytes`] reads it.
    pub weights: Vec<u8>,
    /// What was measured.
    pub report: Report,
}

/// What was measured on the new weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Digest of the weights that were there before.
    pub before: String,
    /// Digest of the new weights.
    pub after: String,
    /// Texts to learn from.
    pub lessons: usize,
    /// Of these, judged rightly before.
    pub right_before: usize,
    /// Of these, judged rightly now.
    pub right_after: usize,
    /// Those that are judged wrongly still, counted from 0.
    pub not_learned: Vec<usize>,
    /// The floor that learning all of them would have broken, with what it would have come to; nothing where
    /// no floor stood in the way.
    pub in_the_way: Option<Floor>,
    /// Variants of these texts that were not trained on.
    pub variants: usize,
    /// Of the variants, judged rightly before.
    pub variants_right_before: usize,
    /// Of the variants, judged rightly now.
    pub variants_right_after: usize,
    /// The frozen groups.
    pub floors: Vec<Floor>,
}

/// Why nothing was learned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LearnError {
    /// There is nothing to learn from.
    #[error("there is no text to learn from")]
    Nothing,
    /// There is too much.
    #[error("{0} texts are more than the 2000 that can be learned at once; train anew with examples/train")]
    TooMany(usize),
    /// The same text attacks and does not.
    #[error("lesson {0} has the same text as an earlier one with the opposite label; remove one of them")]
    Contradiction(usize),
    /// No more texts are judged rightly than before.
    #[error(
        "none of the {0} texts that are judged wrongly can be told from the others by the linear detector"
    )]
    NotLearned(usize),
    /// Whatever teaches one of them would break a floor.
    #[error(
        "none of the {wrong} texts that are judged wrongly can be learned: the floor of `{}` would break, with {} of {} \
         texts called an attack, {} before; the old weights stay", .floor.group, .floor.after, .floor.texts, .floor.before
    )]
    Floor {
        /// Texts that are judged wrongly.
        wrong: usize,
        /// The floor that broke first.
        floor: Floor,
    },
    /// The weights could not be written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

/// Changes the weights of `base` by what `lessons` teach, as a guard needs it that has `second` read after it.
/// The same arguments give the same bytes.
///
/// # Errors
///
/// When there is nothing to learn, the lessons contradict each other, or none of them can be learned within the
/// floors. Weights that come out judge more of the lessons rightly than `base` does; [`Report::not_learned`] names
/// the others.
pub fn learn(
    base: &LinearDetector,
    second: Option<&dyn Detector>,
    lessons: &[Lesson],
    seed: u64,
) -> Result<Learned, LearnError> {
    check(lessons)?;
    let stages = Stages::new(second);
    let taught = Taught::new(lessons);
    let mut draw = Draw::new(seed);
    let mut demands = Vec::new();
    let (mut varied, mut measured) = (Vec::new(), Vec::new());
    let measure = (MEASURED / lessons.len()).clamp(1, VARIANTS);
    for (lesson, (text, _)) in lessons.iter().zip(&taught.texts) {
        // What surrounds a variant moves the second detector little, and the lesson's own bar is known.
        let bar = text.bar(base, stages);
        let line = if lesson.attack { bar + GAP } else { bar - GAP };
        demands.push(Demand { row: row(&text.text, lesson), line, force: 1.0 });
        for _ in 0..VARIANTS {
            let row = variant(&text.text, lesson, &mut draw);
            varied.push((row.clone(), bar));
            demands.push(Demand { row, line, force: 1.0 });
        }
        let shown = (0..measure).map(|_| variant(&text.text, lesson, &mut draw));
        measured.extend(shown.map(|row| (Text::new(row.text, row.carrier), row.attack)));
    }
    let learned_on = sources(demands.iter().map(|demand| &demand.row));
    demands.extend(rehearsal(base, &mut draw));

    let floors = Floors::new(base, stages);
    let header = header(base, seed, &learned_on);
    let mut fit = Fit::new(base, demands);
    let known = |detector: &LinearDetector| {
        let right =
            |(row, bar): &&(Row, f32)| (detector.margin(&row.text, row.carrier) >= *bar) == row.attack;
        varied.iter().filter(right).count()
    };
    let mut best: Option<((usize, usize), Candidate)> = None;
    let mut in_the_way = None;
    for pull in PULLS {
        (0..PASSES).for_each(|_| fit.pass(pull, &mut draw));
        let (candidate, broken) = furthest(&fit, &floors, &header)?;
        in_the_way = in_the_way.or(broken);
        let right = lessons.len() - taught.wrong(&candidate.detector, stages).len();
        let known = known(&candidate.detector);
        // Of those that learn as much, the gentlest changes the least of everything else.
        if best.as_ref().is_none_or(|(most, _)| (right, known) > *most) {
            best = Some(((right, known), candidate));
        }
        if right == lessons.len() && 10 * known >= 9 * varied.len() {
            break;
        }
    }
    let wrong = taught.wrong(base, stages).len();
    let right_before = lessons.len() - wrong;
    let Some(((right_after, _), best)) = best.filter(|((right, _), _)| *right > right_before || wrong == 0)
    else {
        return Err(match in_the_way {
            Some(floor) => LearnError::Floor { wrong, floor },
            None => LearnError::NotLearned(wrong),
        });
    };
    let right = |detector: &LinearDetector| {
        measured.iter().filter(|(text, attack)| text.is_attack(detector, stages) == *attack).count()
    };
    let not_learned = taught.wrong(&best.detector, stages);
    let report = Report {
        before: base.digest().to_string(),
        after: best.detector.digest().to_string(),
        lessons: lessons.len(),
        right_before,
        right_after,
        in_the_way: in_the_way.filter(|_| !not_learned.is_empty()),
        not_learned,
        variants: measured.len(),
        variants_right_before: right(base),
        variants_right_after: right(&best.detector),
        floors: floors.measure(&best.detector),
    };
    Ok(Learned { weights: best.weights, report })
}

/// The lessons as the detector reads them.
struct Taught {
    texts: Vec<(Text, bool)>,
}

impl Taught {
    fn new(lessons: &[Lesson]) -> Self {
        let read = |lesson: &Lesson| (Text::new(base_form(cut(&lesson.text)), lesson.carrier), lesson.attack);
        Self { texts: lessons.iter().map(read).collect() }
    }

    /// The lessons that a guard with `first` judges wrongly, counted from 0.
    fn wrong(&self, first: &LinearDetector, stages: Stages<'_>) -> Vec<usize> {
        let wrong = |(text, attack): &(Text, bool)| text.is_attack(first, stages) != *attack;
        self.texts.iter().enumerate().filter(|(_, of)| wrong(of)).map(|(at, _)| at).collect()
    }
}

/// Weights that hold the floors.
struct Candidate {
    weights: Vec<u8>,
    detector: LinearDetector,
}

/// As far on the way from the old weights to the new ones as all floors hold, and the floor that breaks at the
/// end of the way, if one does.
fn furthest(
    fit: &Fit<'_>,
    floors: &Floors<'_>,
    header: &Header,
) -> Result<(Candidate, Option<Floor>), LearnError> {
    let at = |share: f32| -> Result<Candidate, LearnError> {
        let weights = fit.file(share, header.clone())?;
        let detector = LinearDetector::from_bytes(&weights)?;
        Ok(Candidate { weights, detector })
    };
    let end = at(1.0)?;
    let Some(broken) = floors.broken(&end.detector) else { return Ok((end, None)) };
    let (mut low, mut high, mut held) = (0.0_f32, 1.0_f32, at(0.0)?);
    for _ in 0..HALVINGS {
        let middle = f32::midpoint(low, high);
        let candidate = at(middle)?;
        if floors.broken(&candidate.detector).is_none() {
            (low, held) = (middle, candidate);
        } else {
            high = middle;
        }
    }
    Ok((held, Some(broken)))
}

fn check(lessons: &[Lesson]) -> Result<(), LearnError> {
    if lessons.is_empty() {
        return Err(LearnError::Nothing);
    }
    if lessons.len() > TEXTS {
        return Err(LearnError::TooMany(lessons.len()));
    }
    let mut labels = BTreeMap::new();
    for (at, lesson) in lessons.iter().enumerate() {
        if labels.insert(lesson.text.trim(), lesson.attack).is_some_and(|label| label != lesson.attack) {
            return Err(LearnError::Contradiction(at));
        }
    }
    Ok(())
}

/// At most [`BYTES`] of a text, whole characters.
fn cut(text: &str) -> &str {
    let end = (0..=BYTES.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

fn row(text: &str, lesson: &Lesson) -> Row {
    let (attack, carrier) = (lesson.attack, lesson.carrier);
    Row { text: text.to_owned(), attack, carrier, source: "lessons".into(), payload: None }
}

fn variant(text: &str, lesson: &Lesson, draw: &mut Draw) -> Row {
    let (text, payload) = corpus::vary(text, lesson.carrier, draw);
    Row { payload, ..row(&text, lesson) }.in_base_form()
}

/// Texts of the generators, as many of each kind, and of those written by hand, that stay on the side of the threshold on
/// which they are.
fn rehearsal(base: &LinearDetector, draw: &mut Draw) -> Vec<Demand> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut demands = Vec::new();
    for _ in 0..DRAWN {
        for sample in [corpus::benign(draw), corpus::attack(draw)] {
            let count = counts.entry(kind(&sample)).or_default();
            if *count < REHEARSED {
                *count += 1;
                demands.push(stays(base, sample));
            }
        }
        if counts.len() == KINDS && counts.values().all(|count| *count == REHEARSED) {
            break;
        }
    }
    let by_hand = [true, false].into_iter().flat_map(|attack| corpus::written_samples(attack, REHEARSED));
    demands.extend(by_hand.map(|sample| stays(base, sample)));
    demands
}

/// A demand that leaves a text where it is, or [`GAP`] from the threshold.
fn stays(base: &LinearDetector, sample: Sample) -> Demand {
    let row = Row {
        text: sample.text,
        attack: sample.attack,
        carrier: sample.carrier,
        source: "rehearsal".into(),
        payload: sample.payload,
    }
    .in_base_form();
    let margin = base.margin(&row.text, row.carrier);
    let line = if row.attack { margin.min(GAP) } else { margin.max(-GAP) };
    Demand { row, line, force: REST }
}

fn header(base: &LinearDetector, seed: u64, learned_on: &BTreeMap<String, TrainedOn>) -> Header {
    let mut header = base.header().clone();
    header.settings.insert("learned from".into(), base.digest().to_string());
    header.settings.insert("learned with seed".into(), seed.to_string());
    header.sources.extend(learned_on.iter().map(|(source, on)| (source.clone(), on.clone())));
    header
}

#[cfg(test)]
mod tests;
