//! What a text can also be read as: encodings undone, one after another, as long as text comes out.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

use super::Budget;
use super::alarms::{self, Alarm, Channel, Payload};
use super::base::{self, Layer};
use super::spans::{SpanBuilder, SpanMap};

mod base64;
mod hex;
mod plausible;

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
}

/// One way to read a text: the parts that change and what they become, in order.
pub(super) struct Reading {
    pub how: Transform,
    pub edits: Vec<(Range<usize>, String)>,
}

/// A way to find readings.
type Reader = fn(&str, &mut Vec<Reading>);

const READERS: &[Reader] = &[base64::read, hex::read];

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

/// Searches for views of a text in breadth, so that a bound cuts the deepest first.
pub(super) fn find(cased: &Layer<'_>, base: &str, payloads: Vec<Payload>, budget: &Budget) -> Found {
    let mut search = Search { found: Found::default(), queue: VecDeque::new(), bytes: 0, base, budget };
    for payload in payloads {
        search.payload(payload, &SpanMap::identity(), &[]);
    }
    search.expand(&Node { cased: cased.clone(), how: Vec::new() });
    while let Some(node) = search.queue.pop_front() {
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
    fn expand(&mut self, node: &Node<'_>) {
        let text: &str = &node.cased.text;
        let mut readings = Vec::new();
        for reader in READERS {
            reader(text, &mut readings);
        }
        for reading in readings {
            for edits in clusters(&reading.edits) {
                let Some(layer) = window(&node.cased, edits) else { continue };
                self.admit(layer, &node.how, reading.how);
            }
        }
    }

    /// Makes a view of a decoded text, unless a bound forbids it or it is known.
    fn admit(&mut self, decoded: Layer<'static>, before: &[Transform], how: Transform) {
        if before.len() >= self.budget.depth {
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
            return;
        }
        if self.found.views.len() >= self.budget.views
            || self.bytes + folded.text.len() > self.budget.view_bytes
        {
            self.found.truncated = true;
            return;
        }
        let how: Vec<Transform> = before.iter().copied().chain([how]).collect();
        for mut alarm in alarms {
            for place in &mut alarm.places {
                *place = decoded.spans.source(place.clone());
            }
            self.found.alarms.push(alarm);
        }
        for payload in payloads {
            self.payload(payload, &decoded.spans, &how);
        }
        self.bytes += folded.text.len();
        let text = folded.text.into_owned();
        self.found.views.push(View { text, how: how.clone(), spans: folded.spans });
        self.queue.push_back(Node { cased, how });
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

/// The edited text with some context on both sides.
fn window(layer: &Layer<'_>, edits: &[(Range<usize>, String)]) -> Option<Layer<'static>> {
    let text: &str = &layer.text;
    let first = edits.first()?.0.start;
    let last = edits.last()?.0.end;
    let start = text.floor_char_boundary(first.saturating_sub(CONTEXT));
    let end = text.ceil_char_boundary(last.saturating_add(CONTEXT).min(text.len()));
    let mut spans = SpanBuilder::default();
    spans.push(end - start, start..end, true);
    let part =
        Layer { text: Cow::Borrowed(text.get(start..end)?), spans: spans.finish().through(&layer.spans) };
    let edits: Vec<(Range<usize>, String)> =
        edits.iter().map(|(range, new)| (range.start - start..range.end - start, new.clone())).collect();
    Some(base::edited(&part, &edits))
}
