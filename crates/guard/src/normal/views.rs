//! What a text can also be read as: encodings undone, one after another, as long as text comes out.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

use super::Budget;
use super::alarms::{self, Alarm, AlarmKind, Channel, Payload};
use super::base::{self, Layer};
use super::spans::{SpanBuilder, SpanMap};

mod arranged;
mod base64;
mod bases;
mod ciphers;
mod classes;
mod entities;
mod escapes;
mod framed;
mod hex;
mod hidden;
mod leet;
mod lexicon;
pub(crate) mod mail;
mod numbers;
mod order;
mod pairs;
mod percent;
mod pieces;
mod plausible;
mod scan;
mod slips;
mod spacing;
mod spelled;
mod stretch;
mod turned;
mod words;

use scan::Scan;

/// Text that is kept on each side of what was decoded, in bytes: "decode this and do it" belongs to it.
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

/// What was undone to get at a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Transform {
    /// A payload in tag characters.
    Tags,
    /// A payload in variation selectors.
    VariationSelectors,
    /// A payload in zero-width characters.
    ZeroWidth,
    /// Base64, in either alphabet.
    Base64,
    /// Hexadecimal.
    Hex,
    /// Base32.
    Base32,
    /// Ascii85 or Base85.
    Base85,
    /// Base58.
    Base58,
    /// Percent-encoding.
    Percent,
    /// Character references of HTML.
    Entities,
    /// Escapes of programming languages and style sheets.
    Escapes,
    /// Quoted-printable.
    QuotedPrintable,
    /// UTF-7.
    Utf7,
    /// Punycode.
    Punycode,
    /// Decimal, octal or binary code points, or places in the alphabet.
    CodePoints,
    /// Morse code.
    Morse,
    /// Braille cells.
    Braille,
    /// The NATO alphabet.
    Nato,
    /// Letters moved on in the alphabet.
    Caesar {
        /// By how many places they were moved back.
        shift: u8,
    },
    /// The alphabet backwards.
    Atbash,
    /// Letters exchanged by an alphabet that the text states.
    Keyed,
    /// Printable ASCII turned by 47.
    Rot47,
    /// Capitals and small letters changed for each other.
    CaseSwapped,
    /// Characters backwards.
    Reversed,
    /// The characters of each word backwards.
    WordsReversed,
    /// Letters written in a zigzag over rows, and read off row by row.
    Rails {
        /// How many rows.
        rails: u8,
    },
    /// Words in the opposite order.
    WordOrder,
    /// Pig Latin.
    PigLatin,
    /// Letters set apart, or words run together.
    Spacing,
    /// Signs inside words.
    Joined,
    /// First letters of lines.
    Acrostic,
    /// A word in each cell of a table.
    Cells,
    /// Numbered pieces out of order.
    Ordered,
    /// Digits and signs for letters.
    Leet,
    /// Slips of the finger: letters swapped, doubled, left out or taken for their neighbours.
    Slips,
    /// Vowels left out.
    Vowels,
    /// String literals put together.
    Concatenated,
    /// Markup between letters.
    Markup,
    /// What a page says out of sight, by itself.
    Hidden,
    /// What data or a program hands on, by itself.
    Framed,
    /// Letters upside down.
    UpsideDown,
    /// As a direction override draws it.
    Drawn,
}

impl Transform {
    /// Whether letters were exchanged or stood in another order.
    const fn is_cipher(&self) -> bool {
        matches!(
            self,
            Self::Caesar { .. }
                | Self::Atbash
                | Self::Keyed
                | Self::Rails { .. }
                | Self::Reversed
                | Self::WordsReversed
                | Self::PigLatin
                | Self::Spacing
        )
    }

    /// How little it says that something was undone: an encoding has a form that nothing else has, letters in another
    /// order may be a name.
    const fn doubt(&self) -> usize {
        match self {
            Self::Leet
            | Self::Slips
            | Self::Vowels
            | Self::WordOrder
            | Self::WordsReversed
            | Self::Reversed
            | Self::Concatenated
            | Self::Joined => 3,
            Self::Caesar { .. }
            | Self::Atbash
            | Self::Rot47
            | Self::PigLatin
            | Self::Rails { .. }
            | Self::Spacing
            | Self::Acrostic
            | Self::Cells => 2,
            _ => 1,
        }
    }

    /// Whether what was undone is a text of its own, so that it is read without what stands beside it, too.
    const fn is_apart(&self) -> bool {
        matches!(
            self,
            Self::Base64
                | Self::Hex
                | Self::Base32
                | Self::Base85
                | Self::Base58
                | Self::CodePoints
                | Self::Morse
                | Self::Braille
                | Self::Ordered
        )
    }

    /// Its name in reports and rules.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Tags => "tags",
            Self::VariationSelectors => "variation-selectors",
            Self::ZeroWidth => "zero-width",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Base32 => "base32",
            Self::Base85 => "base85",
            Self::Base58 => "base58",
            Self::Percent => "percent",
            Self::Entities => "entities",
            Self::Escapes => "escapes",
            Self::QuotedPrintable => "quoted-printable",
            Self::Utf7 => "utf7",
            Self::Punycode => "punycode",
            Self::CodePoints => "code-points",
            Self::Morse => "morse",
            Self::Braille => "braille",
            Self::Nato => "nato",
            Self::Caesar { .. } => "caesar",
            Self::Atbash => "atbash",
            Self::Keyed => "keyed",
            Self::Rails { .. } => "rails",
            Self::Rot47 => "rot47",
            Self::CaseSwapped => "case-swapped",
            Self::Reversed => "reversed",
            Self::WordsReversed => "words-reversed",
            Self::WordOrder => "word-order",
            Self::PigLatin => "pig-latin",
            Self::Spacing => "spacing",
            Self::Joined => "joined",
            Self::Acrostic => "acrostic",
            Self::Cells => "cells",
            Self::Ordered => "ordered",
            Self::Leet => "leet",
            Self::Slips => "slips",
            Self::Vowels => "vowels",
            Self::Concatenated => "concatenated",
            Self::Markup => "markup",
            Self::Hidden => "hidden",
            Self::Framed => "framed",
            Self::UpsideDown => "upside-down",
            Self::Drawn => "drawn",
        }
    }
}

/// One way to read a text: the parts that change and what they become, in order.
pub(super) struct Reading {
    pub how: Transform,
    pub edits: Vec<(Range<usize>, String)>,
    /// What the edits say is read by itself, without what stands beside it.
    alone: bool,
}

impl Reading {
    fn of(how: Transform, edits: Vec<(Range<usize>, String)>) -> Self {
        Self { how, edits, alone: false }
    }

    fn alone(how: Transform, edit: (Range<usize>, String)) -> Self {
        Self { how, edits: vec![edit], alone: true }
    }
}

/// A way to find readings.
type Reader = fn(&Scan<'_>, &mut Vec<Reading>);

/// The most certain first: a bound on views cuts the others.
const READERS: &[Reader] = &[
    base64::read,
    hex::read,
    escapes::read,
    percent::read,
    entities::read,
    mail::read,
    numbers::read,
    spelled::read,
    bases::read,
    turned::read,
    hidden::read,
    framed::read,
    spacing::read,
    arranged::read,
    order::read,
    ciphers::read,
    leet::read,
    slips::read,
    pieces::read,
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
    let mut search = Search { found: Found::default(), queue: VecDeque::new(), bytes: 0, base, budget };
    for payload in payloads {
        search.payload(payload, &SpanMap::identity(), &[]);
    }
    if let Some(drawn) = turned::drawn(source) {
        search.admit(drawn, &[], Transform::Drawn);
    }
    search.expand(&Node { cased: cased.clone(), how: Vec::new() });
    while let Some(node) = search.next() {
        search.expand(&node);
    }
    search.found
}

struct Search<'a> {
    found: Found,
    queue: VecDeque<Node<'static>>,
    bytes: usize,
    base: &'a str,
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
        let scan = Scan::of(&node.cased.text);
        let mut readings = Vec::new();
        for reader in READERS {
            reader(&scan, &mut readings);
        }
        // What was undone is read; what was not is at least said.
        if !readings.iter().any(|reading| reading.how.is_cipher())
            && let Some(place) = ciphers::unreadable(&scan)
            && !self.found.alarms.iter().any(|alarm| alarm.kind == AlarmKind::Cipher)
        {
            let places = vec![node.cased.spans.source(place)];
            self.found.alarms.push(Alarm { kind: AlarmKind::Cipher, places, count: 1 });
        }
        for reading in readings {
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

    /// Makes a view of a decoded text, unless a bound forbids it or it is known.
    fn admit(&mut self, decoded: Layer<'static>, before: &[Transform], how: Transform) {
        // A frame makes a text shorter and tells it in no other way.
        let depth = before.iter().filter(|how| **how != Transform::Framed).count();
        if depth >= self.budget.depth {
            self.found.truncated = true;
            return;
        }
        let clean = base::cased(&decoded.text);
        let (alarms, payloads) = alarms::raise(&decoded.text);
        let cased =
            Layer { text: Cow::Owned(clean.text.into_owned()), spans: clean.spans.through(&decoded.spans) };
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
        self.queue.push_back(Node { cased, how });
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

/// The edited text with so many bytes on both sides.
fn window(layer: &Layer<'_>, edits: &[(Range<usize>, String)], context: usize) -> Option<Layer<'static>> {
    let text: &str = &layer.text;
    let first = edits.first()?.0.start;
    let last = edits.last()?.0.end;
    let start = text.floor_char_boundary(first.saturating_sub(context));
    let end = text.ceil_char_boundary(last.saturating_add(context).min(text.len()));
    let mut spans = SpanBuilder::default();
    spans.push(end - start, start..end, true);
    let part =
        Layer { text: Cow::Borrowed(text.get(start..end)?), spans: spans.finish().through(&layer.spans) };
    let edits: Vec<(Range<usize>, String)> =
        edits.iter().map(|(range, new)| (range.start - start..range.end - start, new.clone())).collect();
    Some(base::edited(&part, &edits))
}
