//! Invisible characters that ordinary text needs.

use std::ops::Range;

use memchr::memchr_iter;

use super::payload::is_digit;

/// Which invisible characters of a text are there for a reason.
pub(super) struct Wanted {
    /// Byte offsets, in order.
    at: Vec<usize>,
}

/// Tag spellings of the three subdivision flags that are recommended for general interchange.
const FLAGS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];

/// What such a spelling stands behind.
const FLAG: char = '\u{1f3f4}';

impl Wanted {
    /// Those of `source` among the characters at `closer`, which are all that show nothing.
    pub(super) fn of(source: &str, closer: &[usize]) -> Self {
        let mut wanted = Self { at: Vec::new() };
        // Where the last soft hyphen ends, and how far flags with spellings were looked for and reach.
        let mut hyphen: Option<usize> = None;
        let (mut looked, mut flag_until) = (0, 0);
        for at in closer.iter().copied() {
            let (before, rest) = source.split_at(at);
            let mut after = rest.chars();
            let Some(c) = after.next() else { break };
            let (previous, next) = (before.chars().next_back(), after.next());
            // One joiner joins; several in a row are digits.
            let in_row = || [previous, next].into_iter().flatten().any(is_digit);
            let ok = match c {
                '\u{feff}' => at == 0,
                '\u{fe00}'..='\u{fe0f}' => previous.is_some_and(|p| {
                    (matches!(c, '\u{fe0e}' | '\u{fe0f}') && is_pictograph(p))
                        || is_ideograph(p)
                        || takes_variants(p)
                }),
                '\u{e0100}'..='\u{e01ef}' => previous.is_some_and(is_ideograph),
                '\u{180b}'..='\u{180d}' | '\u{180e}' | '\u{180f}' => {
                    previous.is_some_and(|p| matches!(p, '\u{1800}'..='\u{18af}'))
                }
                '\u{200d}' => {
                    let emoji = previous
                        .is_some_and(|p| is_pictograph(p) || p == '\u{fe0f}' || is_skin_tone(p))
                        && next.is_some_and(is_pictograph);
                    emoji || ((previous.is_some_and(joins) || next.is_some_and(joins)) && !in_row())
                }
                '\u{200c}' => (previous.is_some_and(joins) || next.is_some_and(joins)) && !in_row(),
                '\u{200b}' | '\u{2060}' => {
                    let breaks = previous.is_some_and(writes_without_spaces)
                        || next.is_some_and(writes_without_spaces);
                    breaks && !in_row()
                }
                '\u{200e}' | '\u{200f}' | '\u{61c}' => true,
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
                '\u{ad}' => {
                    let since = hyphen.replace(at + c.len_utf8()).and_then(|end| source.get(end..at));
                    let is_apart = since.is_none_or(|since| since.chars().nth(1).is_some());
                    is_apart && next.is_some_and(char::is_alphabetic)
                }
                '\u{17b4}' | '\u{17b5}' => previous.is_some_and(|p| matches!(p, '\u{1780}'..='\u{17ff}')),
                '\u{fff9}'..='\u{fffb}' => false,
                '\u{e0020}'..='\u{e007f}' => {
                    let new = source.get(looked..at).unwrap_or_default();
                    if let Some(place) = new.rfind(FLAG) {
                        let end = looked + place + FLAG.len_utf8();
                        flag_until = end + flag(source.get(end..).unwrap_or_default());
                    }
                    looked = at;
                    at < flag_until
                }
                _ => false,
            };
            if ok {
                wanted.at.push(at);
            }
        }
        wanted.limit_direction_marks(source);
        wanted
    }

    pub(super) fn has(&self, at: usize) -> bool {
        self.at.binary_search(&at).is_ok()
    }

    /// Direction marks (U+200E, U+200F, U+061C) are left alone in text that runs both ways, and where there
    /// are few; a long row of them is a code.
    fn limit_direction_marks(&mut self, source: &str) {
        let is_mark = |at: &usize| {
            source
                .get(*at..)
                .and_then(|s| s.chars().next())
                .is_some_and(|c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}'))
        };
        let mut in_row = 0;
        let mut end = 0;
        let mut unwanted = Vec::new();
        for at in &self.at {
            if !is_mark(at) {
                continue;
            }
            in_row = if *at == end { in_row + 1 } else { 1 };
            end = at + source.get(*at..).and_then(|s| s.chars().next()).map_or(1, char::len_utf8);
            if in_row > 2 {
                unwanted.push(*at);
            }
        }
        self.at.retain(|at| unwanted.binary_search(at).is_err());
    }
}

/// Overrides, and embeddings and isolates that are left open or stand where everything runs one way.
/// Balanced isolates are what message formatters put around arguments in every language.
pub(super) fn direction_tricks(source: &str) -> Vec<Range<usize>> {
    let right_to_left = source.chars().any(is_right_to_left);
    let mut tricks = Vec::new();
    for line in source.split_inclusive(['\n', '\u{2029}']) {
        let start = line.as_ptr() as usize - source.as_ptr() as usize;
        let mut open: Vec<(usize, char)> = Vec::new();
        for (at, c) in line.char_indices() {
            let span = start + at..start + at + c.len_utf8();
            match c {
                '\u{202d}' | '\u{202e}' => {
                    tricks.push(span.clone());
                    open.push((span.start, c));
                }
                '\u{202a}' | '\u{202b}' if !right_to_left => tricks.push(span),
                '\u{202a}' | '\u{202b}' | '\u{2066}'..='\u{2068}' if open.len() < 128 => {
                    open.push((span.start, c))
                }
                '\u{202c}' | '\u{2069}' => {
                    open.pop();
                }
                _ => {}
            }
        }
        // What a line leaves open shifts what follows it in editors that do not end it there.
        let overrides = |c: &char| matches!(c, '\u{202d}' | '\u{202e}');
        tricks.extend(open.iter().filter(|(_, c)| !overrides(c)).map(|(at, c)| *at..at + c.len_utf8()));
    }
    tricks.sort_by_key(|t| t.start);
    tricks
}

/// Whether a text has a character that says which way it runs, and may be a trick.
pub(super) fn may_turn(source: &str) -> bool {
    let bytes = source.as_bytes();
    memchr_iter(0xe2, bytes)
        .any(|at| matches!(bytes.get(at + 1..at + 3), Some([0x80, 0xaa..=0xae] | [0x81, 0xa6..=0xa9])))
}

/// Bytes of the tag sequence of a known flag at the start of `after`, or 0.
fn flag(after: &str) -> usize {
    let tags: String =
        after.chars().take(6).filter_map(|c| char::from_u32(u32::from(c).wrapping_sub(0xe_0000))).collect();
    let known = tags.strip_suffix('\u{7f}').is_some_and(|t| FLAGS.contains(&t));
    if known { after.chars().take(6).map(char::len_utf8).sum() } else { 0 }
}

const fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

/// Symbols that may be drawn as text or as emoji, and the bases of keycaps.
const fn is_pictograph(c: char) -> bool {
    matches!(c, '0'..='9' | '#' | '*' | '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2190}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}'
        | '\u{20000}'..='\u{323af}')
}

/// Mathematical operators, Myanmar, Phags-pa, Manichaean letters with standardized variants.
const fn takes_variants(c: char) -> bool {
    matches!(c, '\u{1000}'..='\u{109f}' | '\u{a840}'..='\u{a87f}' | '\u{10ac0}'..='\u{10aff}' | '\u{aa60}'..='\u{aa7f}')
}

const fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}'
        | '\u{1e800}'..='\u{1efff}')
}

/// Letters of scripts in which joiners choose a shape.
const fn joins(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1780}'..='\u{18af}'
        | '\u{1a20}'..='\u{1aad}' | '\u{1b00}'..='\u{1bff}' | '\u{a840}'..='\u{a8ff}' | '\u{a930}'..='\u{aaff}'
        | '\u{fb50}'..='\u{fdcf}' | '\u{fe70}'..='\u{fefc}' | '\u{10a00}'..='\u{10aff}' | '\u{11000}'..='\u{11fff}' | '\u{1e900}'..='\u{1e95f}')
}

/// Scripts whose lines may break inside what has no spaces.
const fn writes_without_spaces(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{fff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{1950}'..='\u{19df}'
        | '\u{1a20}'..='\u{1aad}' | '\u{1b00}'..='\u{1bff}' | '\u{a980}'..='\u{a9ff}' | '\u{aa60}'..='\u{aadf}')
        || is_ideograph(c)
}
