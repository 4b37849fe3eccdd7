//! What a text can also be read as: encodings undone, one after another, as long as text comes out.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

use super::Budget;
use super::alarms::{self, Alarm, AlarmKind, Channel, Payload};
use super::base::{self, Layer};
use super::spans::{SpanBuilder, SpanMap};

mod alike;
mod arranged;
mod backwards_codes;
mod base64;
mod bases;
mod beside;
mod between_words;
mod boxed;
mod carried;
mod cells;
mod ciphers;
mod classes;
mod clusters;
mod codes;
mod columns;
mod computer_braille;
mod cyrillic;
mod drawn;
mod dump;
mod each_word;
mod entities;
mod escapes;
mod exchanged;
mod facts;
mod fillers;
mod framed;
mod grid;
mod heavy_leet;
mod hex;
mod hidden;
mod in_groups;
mod in_pieces;
mod in_words;
mod indexed;
mod initials;
mod inserted;
mod keyword;
mod leet;
mod lexicon;
pub(crate) mod mail;
mod merged;
mod mistaken;
mod mixed_up;
mod morse_alphabets;
mod numbers;
mod one_number;
mod order;
mod packed;
mod pairs;
mod percent;
mod pieces;
mod pig_latin;
mod plausible;
mod regrouped;
mod regular;
mod repeated;
mod rot18;
mod rot8000;
mod run_together;
mod scan;
mod scripts;
mod shifted_digits;
mod slips;
mod spacing;
mod spelled;
mod stepped;
mod stretch;
mod surrogates;
mod syllables;
mod transform;
mod transliterated;
mod turned;
mod two_signs;
mod two_values;
mod typed;
mod unseen_spaces;
mod uu;
mod word_ends;
mod words;
mod worn;
mod xored;
mod zigzag;

use scan::Scan;
pub use transform::Transform;

/// Most guesses that are followed in one text.
const MOST_GUESSES: usize = 12;
/// Longest text that one makes, in bytes.
const LONGEST_GUESS: usize = 64 << 10;

/// Text that is kept on each side of what was decoded, in letters: "decode this and do it" belongs to it.
const CONTEXT: usize = 96;

/// A text that somebody, or a model, could read the source as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The base form of that text.
    pub text: String,
    /// What was undone, in order.
    pub how: Vec<Transform>,
    /// Where it came from.
    pub spans: SpanMap,
}

/// One way to read a text: the parts that change and what they become, in order.
pub(super) struct Reading {
    pub how: Transform,
    pub edits: Vec<(Range<usize>, String)>,
    /// What the edits say is read by itself, without what stands beside it.
    alone: bool,
    /// Only what can be read in it can tell whether it is right.
    guess: bool,
    /// There is more of it than was read.
    cut: bool,
}

impl Reading {
    fn of(how: Transform, edits: Vec<(Range<usize>, String)>) -> Self {
        Self { how, edits, alone: false, guess: false, cut: false }
    }

    fn alone(how: Transform, edit: (Range<usize>, String)) -> Self {
        Self { how, edits: vec![edit], alone: true, guess: false, cut: false }
    }

    /// A reading that makes no language: of two disguises the inner one is read in what this makes, or nothing is.
    fn guess(how: Transform, edits: Vec<(Range<usize>, String)>) -> Self {
        Self { how, edits, alone: false, guess: true, cut: false }
    }
}

/// A way to find readings.
type Reader = fn(&Scan<'_>, &mut Vec<Reading>);

/// The most certain first: a bound on views cuts the others.
const READERS: &[Reader] = &[
    base64::read,
    dump::read,
    hex::read,
    escapes::read,
    percent::read,
    entities::read,
    mail::read,
    uu::read,
    numbers::read,
    codes::read,
    xored::read,
    spelled::read,
    cells::read,
    two_signs::read,
    two_values::read,
    bases::read,
    alike::read,
    turned::read,
    hidden::read,
    framed::read,
    carried::read,
    in_pieces::read,
    in_groups::read,
    regrouped::read,
    spacing::read,
    between_words::read,
    boxed::read,
    run_together::read,
    repeated::read,
    syllables::read,
    grid::read,
    merged::read,
    initials::read,
    fillers::read,
    arranged::read,
    order::read,
    ciphers::read,
    rot18::read,
    shifted_digits::read,
    each_word::read,
    exchanged::read,
    drawn::read,
    heavy_leet::read,
    leet::read,
    cyrillic::read,
    transliterated::read,
    scripts::read,
    mixed_up::read,
    slips::read,
    pieces::read,
    indexed::read,
];

/// What the search found.
#[derive(Default)]
pub(super) struct Found {
    pub views: Vec<View>,
    pub alarms: Vec<Alarm>,
    pub truncated: bool,
}

struct Node<'t> {
    cased: Layer<'t>,
    how: Vec<Transform>,
    /// What was done last is a guess.
    guess: bool,
}

/// Searches for views of a text, what the most certain readings made first, so that a bound cuts guesses upon guesses.
pub(super) fn find(
    source: &str,
    cased: &Layer<'_>,
    base: &str,
    payloads: Vec<Payload>,
    budget: &Budget,
) -> Found {
    if budget.depth == 0 || budget.views == 0 {
        return Found::default();
    }
    let mut search = Search {
        found: Found::default(),
        queue: VecDeque::new(),
        bytes: 0,
        guesses: 0,
        base,
        base_cased: &cased.text,
        budget,
    };
    for payload in payloads {
        search.payload(payload, &SpanMap::identity(), &[]);
    }
    if let Some(drawn) = turned::drawn(source) {
        search.admit(drawn, &[], Transform::Drawn);
    }
    if let Some(meant) = mistaken::meant(source) {
        search.admit(meant, &[], Transform::Mistaken);
    }
    search.unseen_spaces(source, &SpanMap::identity(), &[]);
    search.expand(&Node { cased: cased.clone(), how: Vec::new(), guess: false });
    search.as_written(source, &SpanMap::identity(), &[]);
    search.unseen(
        &Layer { text: Cow::Borrowed(source), spans: SpanMap::identity() },
        &cased.text,
        Vec::new(),
    );
    while let Some(node) = search.next() {
        search.expand(&node);
    }
    search.found
}

struct Search<'a> {
    found: Found,
    queue: VecDeque<Node<'static>>,
    bytes: usize,
    guesses: usize,
    base: &'a str,
    base_cased: &'a str,
    budget: &'a Budget,
}

impl Search<'_> {
    /// The text that the most certain readings made, of equals the one that was found first.
    fn next(&mut self) -> Option<Node<'static>> {
        let doubt = |node: &Node<'_>| node.how.iter().map(Transform::doubt).sum::<usize>();
        let (at, _) = self.queue.iter().enumerate().min_by_key(|(_, node)| doubt(node))?;
        self.queue.remove(at)
    }

    fn expand(&mut self, node: &Node<'_>) {
        let mut scan = Scan::of(&node.cased.text);
        if !node.how.is_empty() {
            scan.source = self.base_cased;
        }
        let mut readings = Vec::new();
        for reader in READERS {
            reader(&scan, &mut readings);
        }
        // What was undone is read; what was not is at least said.
        if !node.guess
            && !readings.iter().any(|reading| reading.how.is_cipher())
            && let Some(place) = ciphers::unreadable(&scan)
            && !self.found.alarms.iter().any(|alarm| alarm.kind == AlarmKind::Cipher)
        {
            let places = vec![node.cased.spans.source(place)];
            self.found.alarms.push(Alarm { kind: AlarmKind::Cipher, places, count: 1 });
        }
        for reading in readings {
            self.found.truncated |= reading.cut;
            if node.guess && (reading.guess || !reading.how.proves(node.how.last())) {
                continue;
            }
            // Twice turned round is what it was, by letters or by words.
            if reading.how.turns_round() && node.how.last().is_some_and(Transform::turns_round) {
                continue;
            }
            if reading.guess {
                self.guess(node, &reading);
                continue;
            }
            if reading.alone {
                for (range, new) in reading.edits {
                    let mut spans = SpanBuilder::default();
                    spans.push(new.len(), range, true);
                    let spans = spans.finish().through(&node.cased.spans);
                    self.admit(Layer { text: Cow::Owned(new), spans }, &node.how, reading.how);
                }
                continue;
            }
            for edits in clusters(&reading.edits) {
                let Some(layer) = window(&node.cased, edits, CONTEXT) else { continue };
                self.admit(layer, &node.how, reading.how);
                // Words beside it can outweigh what it says, and stand on its lines.
                if reading.how.is_apart()
                    && let Some(layer) = window(&node.cased, edits, 0)
                {
                    self.admit(layer, &node.how, reading.how);
                }
            }
        }
    }

    /// Reads on in what a guess makes, which is no view by itself.
    fn guess(&mut self, node: &Node<'_>, reading: &Reading) {
        for edits in clusters(&reading.edits) {
            if edits.iter().map(|(_, new)| new.len()).sum::<usize>() > LONGEST_GUESS {
                continue;
            }
            if self.guesses >= MOST_GUESSES || depth(&node.how) + 1 >= self.budget.depth {
                return;
            }
            self.guesses += 1;
            let Some(layer) = window(&node.cased, edits, CONTEXT) else { continue };
            let how = node.how.iter().copied().chain([reading.how]).collect();
            self.expand(&Node { cased: cleaned(&layer), how, guess: true });
        }
    }

    /// Reads ciphers for which characters count that the base form folds: letters that were left alone and only look like
    /// those that were exchanged, and all there are.
    fn as_written(&mut self, text: &str, spans: &SpanMap, before: &[Transform]) {
        if text.is_ascii() || depth(before) >= self.budget.depth {
            return;
        }
        let found =
            [beside::look_alikes(text).map(|(how, edit)| Reading::of(how, vec![edit])), rot8000::read(text)];
        let layer = Layer { text: Cow::Borrowed(text), spans: spans.clone() };
        for Reading { how, edits, .. } in found.into_iter().flatten() {
            for edits in clusters(&edits) {
                if let Some(layer) = window(&layer, edits, CONTEXT) {
                    self.admit(layer, before, how);
                }
            }
        }
    }

    /// Reads words apart between which only spaces stand that show nothing, and together whose letters narrow ones part.
    fn unseen_spaces(&mut self, text: &str, spans: &SpanMap, before: &[Transform]) {
        if text.is_ascii() || depth(before) >= self.budget.depth {
            return;
        }
        let layer = Layer { text: Cow::Borrowed(text), spans: spans.clone() };
        for (edits, how) in [
            (unseen_spaces::places(text), Transform::ZeroWidth),
            (unseen_spaces::between_letters(text), Transform::Spacing),
        ] {
            for edits in clusters(&edits) {
                if let Some(layer) = window(&layer, edits, CONTEXT) {
                    self.admit(layer, before, how);
                }
            }
        }
    }

    /// Reads what was undone from its end as well where words have no spaces between them: their order is not known.
    fn without_spaces_backwards(&mut self, cased: &Layer<'static>, how: &[Transform]) {
        if cased.text.is_ascii() || how.iter().any(Transform::turns_round) || depth(how) >= self.budget.depth
        {
            return;
        }
        let letters = cased.text.chars().filter(|c| c.is_alphabetic());
        let (all, without) =
            letters.fold((0, 0), |(all, without), c| (all + 1, without + usize::from(has_no_spaces(c))));
        if without * 2 < all || without < 6 {
            return;
        }
        let turned = [(0..cased.text.len(), cased.text.chars().rev().collect())];
        if let Some(layer) = window(cased, &turned, 0) {
            self.admit(layer, how, Transform::Reversed);
        }
    }

    /// Reads a text with the characters that show nothing, where there are many: they were set apart and put in another
    /// order as letters were.
    fn unseen(&mut self, text: &Layer<'_>, shown: &str, how: Vec<Transform>) {
        let count = |text: &str| text.chars().count();
        let many = || count(&text.text) * 7 >= count(shown) * 8 + 8;
        if text.text.is_ascii() || self.guesses >= MOST_GUESSES || text.text.len() > LONGEST_GUESS || !many()
        {
            return;
        }
        self.guesses += 1;
        let cased = Layer { text: Cow::Owned(text.text.clone().into_owned()), spans: text.spans.clone() };
        self.expand(&Node { cased, how, guess: true });
    }

    /// Makes a view of a decoded text, unless a bound forbids it or it is known.
    fn admit(&mut self, decoded: Layer<'static>, before: &[Transform], how: Transform) {
        if depth(before) >= self.budget.depth {
            self.found.truncated = true;
            return;
        }
        let (alarms, payloads) = alarms::raise(&decoded.text);
        let cased = cleaned(&decoded);
        let folded = base::folded(&cased);
        let known = folded.text == self.base || self.found.views.iter().any(|v| v.text == folded.text);
        if known || folded.text.is_empty() {
            // What shows nothing may hide something.
            if folded.text.is_empty() {
                self.raise(alarms, &decoded.spans);
                let how: Vec<Transform> = before.iter().copied().chain([how]).collect();
                for payload in payloads {
                    self.payload(payload, &decoded.spans, &how);
                }
            }
            return;
        }
        if self.found.views.len() >= self.budget.views
            || self.bytes + folded.text.len() > self.budget.view_bytes
        {
            self.found.truncated = true;
            return;
        }
        let how: Vec<Transform> = before.iter().copied().chain([how]).collect();
        self.raise(alarms, &decoded.spans);
        for payload in payloads {
            self.payload(payload, &decoded.spans, &how);
        }
        self.bytes += folded.text.len();
        let text = folded.text.into_owned();
        self.found.views.push(View { text, how: how.clone(), spans: folded.spans });
        if !decoded.text.is_ascii()
            && let Some(drawn) = turned::drawn(&decoded.text)
        {
            let spans = drawn.spans.through(&decoded.spans);
            self.admit(Layer { spans, ..drawn }, &how, Transform::Drawn);
        }
        self.as_written(&decoded.text, &decoded.spans, &how);
        self.unseen_spaces(&decoded.text, &decoded.spans, &how);
        self.without_spaces_backwards(&cased, &how);
        let shown = cased.text.clone();
        self.queue.push_back(Node { cased, how: how.clone(), guess: false });
        self.unseen(&decoded, &shown, how);
    }

    /// Keeps alarms of a decoded text with their places in the source.
    fn raise(&mut self, alarms: Vec<Alarm>, spans: &SpanMap) {
        for mut alarm in alarms {
            for place in &mut alarm.places {
                *place = spans.source(place.clone());
            }
            self.found.alarms.push(alarm);
        }
    }

    fn payload(&mut self, payload: Payload, spans: &SpanMap, before: &[Transform]) {
        let how = match payload.channel {
            Channel::Tags => Transform::Tags,
            Channel::VariationSelectors => Transform::VariationSelectors,
            Channel::ZeroWidth => Transform::ZeroWidth,
        };
        let start = payload.places.first().map_or(0, |p| p.start);
        let end = payload.places.last().map_or(start, |p| p.end);
        let mut builder = SpanBuilder::default();
        builder.push(payload.text.len(), spans.source(start..end), false);
        self.admit(Layer { text: Cow::Owned(payload.text), spans: builder.finish() }, before, how);
    }
}

/// Whether a character is of a script that puts no spaces between words: Thai, Lao, Burmese, Khmer, kana, Han.
const fn has_no_spaces(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')
}

/// How well the letters of a text stand in the order of a language, in hundredths of a level; 0 if they do not, or are
/// few.
pub(super) fn order_of(text: &str) -> u32 {
    const LANGUAGE: u32 = 640;
    let order = pairs::Order::of_start(text, scan::SAMPLE);
    let many = order.pairs as usize * 2 >= text.chars().take(scan::SAMPLE).count();
    if many && order.mean() >= LANGUAGE { order.mean() } else { 0 }
}

/// How many disguises were undone. A frame makes a text shorter and tells it in no other way.
fn depth(how: &[Transform]) -> usize {
    how.iter().filter(|how| **how != Transform::Framed).count()
}

/// A decoded text as readers read it.
fn cleaned(decoded: &Layer<'_>) -> Layer<'static> {
    let clean = base::cased(&decoded.text);
    Layer { text: Cow::Owned(clean.text.into_owned()), spans: clean.spans.through(&decoded.spans) }
}

/// Edits that stand close enough to be read together.
fn clusters(edits: &[(Range<usize>, String)]) -> impl Iterator<Item = &[(Range<usize>, String)]> {
    edits.chunk_by(|a, b| b.0.start.saturating_sub(a.0.end) <= 2 * CONTEXT)
}

/// Edits without those clusters in which too little speaks for the reading: what is said in one place of a long
/// text does not change what another is. Each edit comes with how much it tells.
fn telling<T: Copy>(
    edits: Vec<(Range<usize>, String, T)>,
    enough: impl Fn(&[(Range<usize>, String, T)]) -> bool,
) -> Vec<(Range<usize>, String)> {
    let near = |a: &(Range<usize>, String, T), b: &(Range<usize>, String, T)| {
        b.0.start.saturating_sub(a.0.end) <= 2 * CONTEXT
    };
    let kept: Vec<bool> = edits
        .chunk_by(near)
        .flat_map(|cluster| std::iter::repeat_n(enough(cluster), cluster.len()))
        .collect();
    edits.into_iter().zip(kept).filter_map(|((range, new, _), kept)| kept.then_some((range, new))).collect()
}

/// The edited text with so many letters on both sides.
fn window(layer: &Layer<'_>, edits: &[(Range<usize>, String)], context: usize) -> Option<Layer<'static>> {
    let text: &str = &layer.text;
    let first = edits.first()?.0.start;
    let last = edits.last()?.0.end;
    let before = text.get(..first)?.char_indices().rev().take(context).last();
    let start = before.map_or(first, |(start, _)| start);
    let after = text.get(last..)?.char_indices().nth(context);
    let end = after.map_or(text.len(), |(length, _)| last + length);
    let mut spans = SpanBuilder::default();
    spans.push(end - start, start..end, true);
    let part =
        Layer { text: Cow::Borrowed(text.get(start..end)?), spans: spans.finish().through(&layer.spans) };
    let edits: Vec<(Range<usize>, String)> =
        edits.iter().map(|(range, new)| (range.start - start..range.end - start, new.clone())).collect();
    Some(base::edited(&part, &edits))
}
