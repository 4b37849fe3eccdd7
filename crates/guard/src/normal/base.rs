//! The base form, in two steps, each with a map back to the source.
//!
//! [`cased`] is what decoders read (base64 needs its capitals, a message broken over lines its lines);
//! [`folded`] is the base form.

use std::borrow::Cow;
use std::ops::Range;

use super::code_points::{self, Fate, composed, fate, is_all_plain, is_plain_ascii, plain_run, stays_behind};
use super::invisible::is_terminal_control;
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
    if is_all_plain(source) {
        return Layer { text: Cow::Borrowed(source), spans: SpanMap::identity() };
    }
    // Of the four, three are single bytes, and the other is rare enough to be searched for.
    let is_control = |b: &u8| b.is_ascii() & is_terminal_control(char::from(*b));
    let any_control = |chunk: &[u8]| chunk.iter().fold(false, |any, b| any | is_control(b));
    if source.as_bytes().chunks(64).any(any_control) || source.contains('\u{9b}') {
        let shown = terminal::shown(source);
        let (text, spans, may_mix) = mapped(&shown.text);
        let spans = spans.through(&shown.spans);
        return look_alikes::fold(Layer { text: text.into(), spans }, may_mix);
    }
    let (text, spans, may_mix) = mapped(source);
    look_alikes::fold(Layer { text: text.into(), spans }, may_mix)
}

/// Everything of [`cased`] that looks at no more than one cluster. The flag says that words of mixed
/// scripts may be there.
fn mapped(source: &str) -> (String, SpanMap, bool) {
    let mut out = Out {
        text: String::with_capacity(source.len()),
        spans: SpanBuilder::default(),
        latin: false,
        foldable: false,
    };
    // The last character, which may yet combine with the next, and what has followed it.
    let mut waiting: Option<(char, Range<usize>, Fate)> = None;
    let mut cluster: Vec<char> = Vec::new();
    let mut cluster_span = 0..0;
    let mut at = 0;
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        // Of a run of ASCII only the last character may yet combine with something: the others are written.
        let run = plain_run(rest.as_bytes());
        if let Some(written) = rest.get(..run.saturating_sub(1)).filter(|w| !w.is_empty()) {
            out.release(&mut waiting);
            out.compose(&mut cluster, &cluster_span);
            out.copy(written, at);
            at += written.len();
        }
        let Some(c) = source.get(at..).and_then(|rest| rest.chars().next()) else {
            break;
        };
        if run == 0 {
            // Of characters that stay as they are only the last may yet combine with something, as well.
            let kept = out.kept(source.get(at..).unwrap_or_default());
            if let Some(written) = source.get(at..at + kept).filter(|w| !w.is_empty()) {
                out.release(&mut waiting);
                out.compose(&mut cluster, &cluster_span);
                out.text.push_str(written);
                out.spans.push(kept, at..at + kept, true);
                at += kept;
                continue;
            }
        }
        let span = at..at + c.len_utf8();
        at = span.end;
        let fate = if run > 0 { Fate::Becomes(c, false) } else { fate(c) };
        match fate {
            Fate::Drop => continue,
            Fate::Continues => {
                if let Some((first, first_span, _)) = waiting.take() {
                    cluster.push(first);
                    cluster_span = first_span;
                } else if cluster.is_empty() {
                    cluster_span = span.clone();
                }
                cluster.push(c);
                cluster_span.end = span.end;
            }
            Fate::Becomes(..) | Fate::Expands => {
                out.release(&mut waiting);
                out.compose(&mut cluster, &cluster_span);
                waiting = Some((c, span, fate));
            }
        }
    }
    out.release(&mut waiting);
    out.compose(&mut cluster, &cluster_span);
    (out.text, out.spans.finish(), out.latin && out.foldable)
}

struct Out {
    text: String,
    spans: SpanBuilder,
    latin: bool,
    foldable: bool,
}

impl Out {
    /// Writes ASCII as it stands.
    fn copy(&mut self, ascii: &str, at: usize) {
        self.latin = self.latin || ascii.bytes().any(|b| b.is_ascii_alphabetic());
        self.text.push_str(ascii);
        self.spans.push(ascii.len(), at..at + ascii.len(), true);
    }

    /// Bytes of the characters at the start of `rest` that stay as they are and are followed by another such character.
    fn kept(&mut self, rest: &str) -> usize {
        let mut last = 0;
        for (at, c) in rest.char_indices() {
            match u8::try_from(c) {
                Ok(ascii) if ascii.is_ascii() => {
                    if !is_plain_ascii(ascii) {
                        break;
                    }
                }
                _ => match fate(c) {
                    Fate::Becomes(same, foldable) if same == c => self.foldable |= foldable,
                    _ => break,
                },
            }
            self.latin |= look_alikes::is_latin(c);
            last = at;
        }
        last
    }

    fn release(&mut self, waiting: &mut Option<(char, Range<usize>, Fate)>) {
        match waiting.take() {
            Some((_, span, Fate::Becomes(c, foldable))) => {
                self.latin |= look_alikes::is_latin(c);
                self.foldable |= foldable;
                self.text.push(c);
                self.spans.push(c.len_utf8(), span, true);
            }
            Some((c, span, _)) => self.compose(&mut vec![c], &span),
            None => {}
        }
    }

    fn compose(&mut self, cluster: &mut Vec<char>, span: &Range<usize>) {
        if cluster.is_empty() {
            return;
        }
        let before = self.text.len();
        if let [c, mark] = cluster.as_slice()
            && matches!(fate(*c), Fate::Becomes(same, _) if same == *c)
            && stays_behind(*mark)
        {
            for c in cluster.drain(..) {
                self.latin |= look_alikes::is_latin(c);
                self.foldable |= look_alikes::may_mix(c);
                self.text.push(c);
            }
            self.spans.push(self.text.len() - before, span.clone(), true);
            return;
        }
        for c in composed(cluster.drain(..)) {
            self.latin |= look_alikes::is_latin(c);
            self.foldable |= look_alikes::may_mix(c);
            self.text.push(c);
        }
        self.spans.push(self.text.len() - before, span.clone(), false);
    }
}

/// The base form of a cased form: case folded, each run of white space one space, none at the ends.
pub(super) fn folded<'t>(cased: &Layer<'t>) -> Layer<'t> {
    let text: &str = &cased.text;
    let bytes = text.as_bytes();
    if ascii_run(bytes) == bytes.len() && !bytes.iter().any(u8::is_ascii_uppercase) {
        return cased.clone();
    }
    let mut out = String::with_capacity(text.len());
    let mut spans = SpanBuilder::default();
    let mut space: Option<Range<usize>> = None;
    let mut at = 0;
    while let Some(first) = bytes.get(at) {
        // ASCII words with one space between them change byte by byte and are written at once.
        let run = ascii_run(bytes.get(at..).unwrap_or_default());
        let c = if run > 0 || first.is_ascii() {
            char::from(*first)
        } else {
            text.get(at..).and_then(|t| t.chars().next()).unwrap_or(' ')
        };
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
            out.push_str(text.get(at..end).unwrap_or_default());
            if let Some(written) = out.get_mut(before..) {
                written.make_ascii_lowercase();
            }
        } else {
            // Of a word in another script as well: a case of as many bytes is as good as a copy.
            let kept = code_points::fold_run(text.get(at..).unwrap_or_default(), &mut out);
            if kept > 0 {
                end = at + kept;
            } else {
                code_points::fold_into(c, &mut out);
            }
        }
        spans.push(out.len() - before, at..end, true);
        at = end;
    }
    Layer { text: Cow::Owned(out), spans: spans.finish().through(&cased.spans) }
}

/// Bytes at the start of `bytes` that are ASCII words apart by single spaces, from a word to a word's end.
fn ascii_run(bytes: &[u8]) -> usize {
    /// Bytes that are looked at together, which a compiler does in a few instructions.
    const CHUNK: usize = 32;
    // Of other scripts there is most often nothing, or a sign behind a word.
    match bytes {
        [first, second, ..] if first.is_ascii_graphic() && second.is_ascii() => {}
        [first, ..] if first.is_ascii_graphic() => return 1,
        _ => return 0,
    }
    let mut at = 0;
    while let (Some(chunk), Some(next)) = (bytes.get(at..at + CHUNK), bytes.get(at + 1..=at + CHUNK)) {
        let is_run = |(b, next): (&u8, &u8)| matches!(b, b' '..=b'~') & ((*b != b' ') | (*next != b' '));
        if !chunk.iter().zip(next).fold(true, |all, pair| all & is_run(pair)) {
            break;
        }
        at += CHUNK;
    }
    let mut length = if at > 0 && bytes.get(at - 1) == Some(&b' ') { at - 1 } else { at };
    for (i, b) in bytes.iter().enumerate().skip(at) {
        match b {
            b'!'..=b'~' => length = i + 1,
            b' ' if length == i => {}
            _ => break,
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
