//! The base form, in two steps, each with a map back to the source.
//!
//! [`cased`] is what decoders read (base64 needs its capitals, a message broken over lines its lines);
//! [`folded`] is the base form.

use std::borrow::Cow;
use std::ops::Range;

use super::code_points::{
    self, Fate, Seen, Traits, composed, is_all_plain, is_plain_ascii, plain_run, traits,
};
use super::look_alikes;
use super::spans::{SpanBuilder, SpanMap};
use super::terminal;

/// A derived text and where it came from.
#[derive(Debug, Clone)]
pub(super) struct Layer<'t> {
    pub text: Cow<'t, str>,
    pub spans: SpanMap,
}

/// Invisible characters and common marks left out, compatibility characters and look-alikes replaced;
/// case, lines and spaces as they were.
pub(super) fn cased(source: &str) -> Layer<'_> {
    read(source).0
}

/// [`cased`], and what was seen of `source`.
pub(super) fn read(source: &str) -> (Layer<'_>, Seen) {
    if is_all_plain(source) {
        return (Layer { text: Cow::Borrowed(source), spans: SpanMap::identity() }, Seen::default());
    }
    let (layer, mut seen) = mapped(source);
    if !seen.traits.any(Traits::CONTROLS) {
        return (look_alikes::fold(layer, seen.traits.any(Traits::FOLDABLE)), seen);
    }
    let shown = terminal::shown(source);
    let (layer, of_shown) = mapped(&shown.text);
    let text = Cow::Owned(layer.text.into_owned());
    let layer = Layer { text, spans: layer.spans.through(&shown.spans) };
    seen.traits = seen.traits.and(of_shown.traits);
    (look_alikes::fold(layer, of_shown.traits.any(Traits::FOLDABLE)), seen)
}

/// Everything of [`cased`] that looks at no more than one cluster.
fn mapped(source: &str) -> (Layer<'_>, Seen) {
    let mut out = Out {
        text: String::with_capacity(source.len()),
        spans: SpanBuilder::default(),
        seen: Seen::default(),
    };
    // The last character, which may yet combine with the next, and what has followed it.
    let mut waiting: Option<(char, Range<usize>)> = None;
    let mut cluster: Vec<char> = Vec::new();
    let mut cluster_span = 0..0;
    let mut at = out.singles(source, 0);
    if at == source.len() && out.text.is_empty() {
        return (Layer { text: Cow::Borrowed(source), spans: SpanMap::identity() }, out.seen);
    }
    while let Some(c) = source.get(at..).and_then(|rest| rest.chars().next()) {
        let span = at..at + c.len_utf8();
        let traits = traits(c);
        out.seen.add(traits, at);
        match traits.fate() {
            Fate::Drop => {}
            Fate::Continues => {
                if let Some((first, first_span)) = waiting.take() {
                    cluster.push(first);
                    cluster_span = first_span;
                } else if cluster.is_empty() {
                    cluster_span = span.clone();
                }
                cluster.push(c);
                cluster_span.end = span.end;
            }
            Fate::Becomes(_) | Fate::Expands => {
                if let Some((before, span)) = waiting.take() {
                    out.single(before, span);
                }
                out.compose(&mut cluster, &cluster_span);
                let length = out.singles(source, at) - at;
                if length > 0 {
                    at += length;
                    continue;
                }
                waiting = Some((c, span.clone()));
            }
        }
        at = span.end;
    }
    if let Some((before, span)) = waiting {
        out.single(before, span);
    }
    out.compose(&mut cluster, &cluster_span);
    (Layer { text: Cow::Owned(out.text), spans: out.spans.finish() }, out.seen)
}

struct Out {
    text: String,
    spans: SpanBuilder,
    /// Of all characters that were read.
    seen: Seen,
}

impl Out {
    /// Writes what the characters from `from` on become, as long as each can be told by itself; returns where the first
    /// begins that cannot, or that what follows may combine with. What stays as it is, is copied in one piece; a
    /// source that does altogether is not.
    fn singles(&mut self, source: &str, from: usize) -> usize {
        let bytes = source.as_bytes();
        let (mut copied, mut last, mut at) = (from, from, from);
        // What the last character becomes, if that is another one, and whether it stays and has no mark yet.
        let mut image: Option<char> = None;
        let mut is_bare = false;
        while at < bytes.len() {
            let run = plain_run(bytes.get(at..).unwrap_or_default());
            if run > 0 {
                if let Some(image) = image.take() {
                    self.put(image, last..at);
                    copied = at;
                }
                at += run;
                last = at - 1;
                is_bare = true;
            }
            let begin = at;
            for c in source.get(at..).unwrap_or_default().chars() {
                // Of ASCII only what is not plain is looked at here.
                if c.is_ascii() && (at > begin || u8::try_from(c).is_ok_and(is_plain_ascii)) {
                    break;
                }
                let traits = traits(c);
                self.seen.add(traits, at);
                if traits.any(Traits::STAYS) {
                    if let Some(image) = image.take() {
                        self.put(image, last..at);
                        copied = at;
                    }
                    last = at;
                    is_bare = true;
                } else if traits.any(Traits::STAYS_BEHIND) && is_bare {
                    is_bare = false;
                } else if let Some(next) = traits.image() {
                    match image.replace(next) {
                        Some(image) => self.put(image, last..at),
                        None => self.copy(source, copied..at),
                    }
                    (copied, last) = (at, at);
                    is_bare = false;
                } else {
                    if image.is_none() {
                        self.copy(source, copied..last);
                    }
                    return last;
                }
                at += c.len_utf8();
            }
        }
        match image {
            Some(image) => self.put(image, last..at),
            None if copied == 0 => {}
            None => self.copy(source, copied..at),
        }
        at
    }

    fn copy(&mut self, source: &str, range: Range<usize>) {
        if let Some(kept) = source.get(range.clone()) {
            self.text.push_str(kept);
            self.spans.push(kept.len(), range, true);
        }
    }

    fn put(&mut self, c: char, span: Range<usize>) {
        self.text.push(c);
        self.spans.push(c.len_utf8(), span, true);
    }

    /// Writes what becomes of a character that nothing combined with.
    fn single(&mut self, c: char, span: Range<usize>) {
        match traits(c).image() {
            Some(image) => self.put(image, span),
            None => self.compose(&mut vec![c], &span),
        }
    }

    fn compose(&mut self, cluster: &mut Vec<char>, span: &Range<usize>) {
        if cluster.is_empty() {
            return;
        }
        let before = self.text.len();
        if let [c, mark] = cluster.as_slice()
            && traits(*c).any(Traits::STAYS)
            && traits(*mark).any(Traits::STAYS_BEHIND)
        {
            self.text.extend(cluster.drain(..));
            self.spans.push(self.text.len() - before, span.clone(), true);
            return;
        }
        for c in composed(cluster.drain(..)) {
            if look_alikes::may_mix(c) {
                self.seen.traits = self.seen.traits.and(Traits::FOLDABLE);
            }
            self.text.push(c);
        }
        self.spans.push(self.text.len() - before, span.clone(), false);
    }
}

/// The base form of a cased form: case folded, each run of white space one space, none at the ends.
pub(super) fn folded<'t>(cased: &Layer<'t>) -> Layer<'t> {
    folded_with(cased, Traits::CASED)
}

/// [`folded`], where the traits of all characters of the source that are no plain ASCII are known.
pub(super) fn folded_with<'t>(cased: &Layer<'t>, traits: Traits) -> Layer<'t> {
    let text: &str = &cased.text;
    let bytes = text.as_bytes();
    // A letter of a word of mixed scripts may have become a capital outside ASCII.
    let is_caseless = !traits.any(Traits::CASED.and(Traits::FOLDABLE));
    let has_breaks = |run: &[u8]| run.iter().any(|b| matches!(b, b'\t' | b'\n' | b'\r' | b'A'..=b'Z'));
    if folded_run(text, is_caseless) == bytes.len() && !has_breaks(bytes) {
        return cased.clone();
    }
    let mut out = String::with_capacity(text.len());
    let mut spans = SpanBuilder::default();
    let mut space: Option<Range<usize>> = None;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let run = folded_run(rest, is_caseless);
        let c = rest.chars().next().unwrap_or(' ');
        let mut end = at + if run > 0 { run } else { c.len_utf8() };
        if run == 0 && c.is_whitespace() {
            let others = bytes.get(end..).unwrap_or_default();
            end += others.iter().take_while(|b| matches!(b, b'\t'..=b'\r' | b' ')).count();
            space = Some(space.map_or(at, |s| s.start)..end);
            at = end;
            continue;
        }
        if let Some(span) = space.take()
            && !out.is_empty()
        {
            out.push(' ');
            spans.push(1, span, true);
        }
        let before = out.len();
        if run > 0 {
            push_folded(rest.get(..run).unwrap_or_default(), &mut out);
        } else {
            code_points::fold_into(c, &mut out);
        }
        spans.push(out.len() - before, at..end, true);
        at = end;
    }
    Layer { text: Cow::Owned(out), spans: spans.finish().through(&cased.spans) }
}

/// Writes a [run](folded_run) with the case of ASCII folded, and white space as spaces.
fn push_folded(run: &str, out: &mut String) {
    let before = out.len();
    let mut rest = run;
    while let Some(end) = memchr::memchr3(b'\n', b'\t', b'\r', rest.as_bytes()) {
        out.push_str(rest.get(..end).unwrap_or_default());
        out.push(' ');
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    if let Some(written) = out.get_mut(before..) {
        written.make_ascii_lowercase();
    }
}

/// Bytes at the start of `text` that folding changes in nothing but the case of ASCII and single white space, from a word
/// to a word's end. In a caseless text no character outside ASCII changes.
fn folded_run(text: &str, is_caseless: bool) -> usize {
    /// Bytes that are looked at together, which a compiler does in a few instructions.
    const CHUNK: usize = 32;
    let bytes = text.as_bytes();
    let highest = if is_caseless { u8::MAX } else { b'~' };
    let is_word = |b: u8| (b > b' ') & (b <= highest);
    let is_space = |b: u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
    let is_run = |(b, next): (&u8, &u8)| is_word(*b) | (is_space(*b) & is_word(*next));
    let (mut at, mut length) = (0, 0);
    while let Some(first) = bytes.get(at) {
        if is_caseless || (first.is_ascii() && bytes.get(at + 1).is_some_and(u8::is_ascii)) {
            if at == 0 && is_space(*first) {
                return 0;
            }
            while let (Some(chunk), Some(next)) = (bytes.get(at..at + CHUNK), bytes.get(at + 1..=at + CHUNK))
                && chunk.iter().zip(next).fold(true, |all, pair| all & is_run(pair))
            {
                at += CHUNK;
                length = if bytes.get(at - 1).copied().is_some_and(is_word) { at } else { at - 1 };
            }
        }
        while let Some(b) = bytes.get(at) {
            if is_word(*b) {
                at += 1;
                length = at;
            } else if is_space(*b) && length == at && at > 0 {
                at += 1;
            } else {
                break;
            }
        }
        let before = at;
        for c in text.get(at..).unwrap_or_default().chars().take_while(|c| !c.is_ascii()) {
            if !code_points::is_folded(c) {
                return length;
            }
            at += c.len_utf8();
            length = at;
        }
        if at == before {
            return length;
        }
    }
    length
}

/// `layer` with parts of its text replaced. The edits are in order and do not overlap.
pub(super) fn edited(layer: &Layer<'_>, edits: &[(Range<usize>, String)]) -> Layer<'static> {
    let text: &str = &layer.text;
    let mut out = String::with_capacity(text.len());
    let mut spans = SpanBuilder::default();
    let mut at = 0;
    for (range, new) in edits {
        if let Some(kept) = text.get(at..range.start) {
            out.push_str(kept);
            spans.push(kept.len(), at..range.start, true);
        }
        out.push_str(new);
        spans.push(new.len(), range.clone(), false);
        at = range.end;
    }
    if let Some(kept) = text.get(at..) {
        out.push_str(kept);
        spans.push(kept.len(), at..text.len(), true);
    }
    Layer { text: Cow::Owned(out), spans: spans.finish().through(&layer.spans) }
}
