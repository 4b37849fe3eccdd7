//! What a page says where nobody reads it, by itself: comments, attributes, elements that a style hides, titles
//! and comments of Markdown, what stands before it about it, and white formulas.
//!
//! An order there stands between harmless sentences on purpose, and a threshold that grows with length lets it
//! pass. What is hidden is short, so it is judged as the short text it is.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memmem};

use super::scan::Scan;
use super::{Reading, Transform};

/// Most hidden texts that are read one by one; of more, all are read together.
const MOST_APART: usize = 6;
/// Most hidden texts, and bytes of one.
const MOST: usize = 256;
const LONGEST: usize = 4096;
/// Fewest letters of a sentence.
const LETTERS: usize = 8;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut found: Vec<Range<usize>> = Vec::new();
    if scan.has(b'<') > 0 && scan.has(b'>') > 0 {
        page(scan.text, &mut found);
    }
    if scan.has(b'[') > 0 && scan.has(b']') > 0 {
        markdown(scan, &mut found);
    }
    if scan.has(b'\\') > 0 {
        formulas(scan.text, &mut found);
    }
    front_matter(scan.text, &mut found);
    found.retain(|range| scan.text.get(range.clone()).is_some_and(is_sentence));
    found.sort_by_key(|range| (range.start, range.end));
    found.truncate(MOST);
    let edit = |range: &Range<usize>| {
        (range.clone(), without_references(scan.text.get(range.clone()).unwrap_or_default()))
    };
    if found.len() > MOST_APART {
        let all: Vec<String> = found.iter().map(|range| edit(range).1).collect();
        let range = found.first().map_or(0, |first| first.start)..found.last().map_or(0, |last| last.end);
        readings.push(Reading::alone(Transform::Hidden, (range, all.join("\n"))));
    } else {
        readings.extend(found.iter().map(|range| Reading::alone(Transform::Hidden, edit(range))));
    }
}

/// Whether somebody could be told something: some words, or as many letters of a script without spaces.
fn is_sentence(text: &str) -> bool {
    let text = text.trim();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let spaces = text.split_whitespace().count().saturating_sub(1);
    let wide = text.chars().filter(|c| u32::from(*c) >= 0x2E80).count();
    (letters >= LETTERS && spaces >= 2 && letters * 10 >= text.chars().count() * 6) || wide >= LETTERS / 2
}

fn page(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let has_sheet = memmem::find(bytes, b"<style").is_some();
    let mut at = 0;
    while let Some(skip) = bytes.get(at..).and_then(|rest| memchr(b'<', rest)) {
        let start = at + skip;
        at = start + 1;
        let Some(rest) = text.get(at..) else { break };
        if rest.starts_with("!--") {
            let body = start + 4;
            let end = bytes
                .get(body..)
                .and_then(|rest| memmem::find(rest, b"-->"))
                .map_or(text.len(), |i| body + i);
            found.push(body.min(text.len())..end.max(body.min(text.len())));
            at = end.max(at);
        } else if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let tag = Tag::read(text, at, has_sheet, found);
            if tag.hides {
                let body = text.get(tag.end..).unwrap_or_default();
                let length = body.find("</").unwrap_or(body.len()).min(LONGEST);
                found.push(tag.end..tag.end + body.floor_char_boundary(length));
            }
            at = tag.end.max(at);
        }
        if found.len() >= MOST {
            return;
        }
    }
}

struct Tag {
    end: usize,
    hides: bool,
}

impl Tag {
    /// The tag whose name begins at `start`; its attributes that are sentences go to `found`.
    fn read(text: &str, start: usize, has_sheet: bool, found: &mut Vec<Range<usize>>) -> Self {
        /// Attributes that programs read.
        const FOR_PROGRAMS: &[&str] = &[
            "style", "class", "href", "src", "srcset", "sizes", "d", "points", "media", "viewbox", "rel",
            "id",
        ];
        let bytes = text.as_bytes();
        let limit = (start + LONGEST).min(bytes.len());
        let skip = |from: usize, until: fn(u8) -> bool| {
            bytes
                .get(from..limit)
                .unwrap_or_default()
                .iter()
                .position(|b| until(*b))
                .map_or(limit, |i| from + i)
        };
        let ends_name = |b: u8| b.is_ascii_whitespace() || matches!(b, b'=' | b'>' | b'/');
        let mut tag = Self { end: skip(start, ends_name), hides: false };
        loop {
            let name = skip(tag.end, |b| !b.is_ascii_whitespace() && b != b'/');
            match bytes.get(name) {
                Some(b'>') => {
                    tag.end = name + 1;
                    return tag;
                }
                Some(_) if name < limit => {}
                _ => {
                    tag.end = name;
                    return tag;
                }
            }
            let end = skip(name + 1, ends_name);
            let called = text.get(name..end).unwrap_or_default();
            tag.end = end;
            let mut value = end..end;
            let sign = skip(end, |b| !b.is_ascii_whitespace());
            if bytes.get(sign) == Some(&b'=') {
                let open = skip(sign + 1, |b| !b.is_ascii_whitespace());
                (value, tag.end) = match bytes.get(open) {
                    Some(b'"') => {
                        let close = skip(open + 1, |b| b == b'"');
                        (open + 1..close, close + 1)
                    }
                    Some(b'\'') => {
                        let close = skip(open + 1, |b| b == b'\'');
                        (open + 1..close, close + 1)
                    }
                    _ => {
                        let close = skip(open, |b| b.is_ascii_whitespace() || b == b'>');
                        (open..close, close)
                    }
                };
            }
            let says = text.get(value.clone()).unwrap_or_default();
            let is = |name: &str| called.eq_ignore_ascii_case(name);
            tag.hides |= is("hidden") || (is("style") && hides(says)) || (is("class") && has_sheet);
            if !FOR_PROGRAMS.iter().any(|name| is(name)) {
                found.push(value);
            }
        }
    }
}

/// Whether a style may take an element out of sight.
fn hides(style: &str) -> bool {
    const WAYS: &[&str] = &[
        "display",
        "visibility",
        "opacity",
        "font-size",
        "color",
        "position",
        "text-indent",
        "clip",
        "transform",
        "height",
        "width",
        "left",
        "top",
        "overflow",
        "z-index",
        "filter",
    ];
    let style = style.to_ascii_lowercase();
    WAYS.iter().any(|way| style.contains(way))
}

/// Descriptions of pictures, titles of links, and definitions that are used as comments.
fn markdown(scan: &Scan<'_>, found: &mut Vec<Range<usize>>) {
    let text = scan.text;
    let bytes = text.as_bytes();
    // `#![…]` is an attribute of a program.
    let begins = |at: &usize| {
        bytes.get(at + 1) == Some(&b'[') && at.checked_sub(1).and_then(|at| bytes.get(at)) != Some(&b'#')
    };
    for at in memchr_iter(b'!', bytes).filter(begins).take(MOST) {
        let rest = text.get(at + 2..).unwrap_or_default();
        let rest = rest.get(..rest.floor_char_boundary(LONGEST)).unwrap_or(rest);
        // A description has no empty lines.
        if let Some(end) = rest.find("](").filter(|end| !rest.get(..*end).is_some_and(has_empty_line)) {
            found.push(at + 2..at + 2 + end);
        }
    }
    let defines = |(_, line): &(usize, &str)| line.trim_start().starts_with('[');
    for (start, line) in scan.lines().filter(defines).take(MOST) {
        let Some((_, after)) = line.split_once("]:") else { continue };
        let from = start + line.len() - after.len();
        let opened = after.find(['"', '\'', '(']).map(|i| i + 1);
        let closed = after.rfind(['"', '\'', ')']);
        if let (Some(open), Some(close)) = (opened, closed)
            && open < close
        {
            found.push(from + open..from + close);
        }
    }
}

/// What a formula shows in white or not at all: `\color{white}{\text{…}}`, `\phantom{…}`.
fn formulas(text: &str, found: &mut Vec<Range<usize>>) {
    const HIDING: [&str; 4] = ["color{white}", "phantom{", "color{transparent}", "color{#ffffff}"];
    for mark in HIDING {
        for (at, _) in text.match_indices(mark).take(MOST) {
            let start = at + mark.len();
            let limit = text.floor_char_boundary((start + LONGEST).min(text.len()));
            let rest = text.get(start..limit).unwrap_or_default();
            // What sets the words has braces of its own, before them.
            let text_of = rest.find("\\text{").filter(|at| *at <= 2).map(|at| at + "\\text{".len());
            let text_of = text_of.unwrap_or(usize::from(rest.starts_with('{')));
            let mut depth = 0usize;
            let closes = |c: char| {
                depth += usize::from(c == '{');
                let end = c == '}' && depth == 0;
                depth = depth.saturating_sub(usize::from(c == '}'));
                end
            };
            let Some(end) = rest.get(text_of..).and_then(|rest| rest.find(closes)) else { continue };
            found.push(start + text_of..start + text_of + end);
        }
    }
}

/// The values that stand between two lines of dashes before a text of Markdown.
fn front_matter(text: &str, found: &mut Vec<Range<usize>>) {
    const FENCE: &str = "---\n";
    let Some(body) = text.strip_prefix(FENCE) else { return };
    let Some(length) = body.find("\n---").filter(|length| *length <= LONGEST) else { return };
    let mut value: Option<Range<usize>> = None;
    let mut at = FENCE.len();
    for line in body.get(..length).unwrap_or_default().split_inclusive('\n') {
        let end = at + line.len();
        match (&mut value, line.split_once(':')) {
            // What is set in goes on with the value before it.
            (Some(value), _) if line.starts_with([' ', '\t']) => value.end = end,
            (_, Some((key, _))) => found.extend(value.replace(at + key.len() + 1..end)),
            _ => found.extend(value.take()),
        }
        at = end;
    }
    found.extend(value);
}

fn has_empty_line(text: &str) -> bool {
    text.contains("\n\n") || text.contains("\n\r\n")
}

/// The character references that any escaped text has.
fn without_references(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    [
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&nbsp;", " "),
        ("&#10;", "\n"),
        ("&#xa;", "\n"),
        ("&#xA;", "\n"),
        ("&#13;", ""),
        ("&amp;", "&"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (name, sign)| text.replace(name, sign))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_in(text: &str) -> Vec<String> {
        let mut readings = Vec::new();
        read(&Scan::of(text), &mut readings);
        readings.into_iter().flat_map(|r| r.edits.into_iter().map(|(_, new)| new)).collect()
    }

    #[test]
    fn what_is_hidden_is_read_by_itself() {
        for (text, hidden) in [
            ("<p>Open at ten</p><!-- bring the blue folder --><p>Bye", " bring the blue folder "),
            ("<img src=a.png alt=\"bring the &quot;blue&quot; folder\">", "bring the \"blue\" folder"),
            ("<b hidden>bring the blue folder</b>", "bring the blue folder"),
            ("<i style='opacity: 0'>bring the blue folder</i>", "bring the blue folder"),
            ("<style>.x{display:none}</style><p class=x>bring the blue folder</p>", "bring the blue folder"),
            ("![bring the blue folder](a.png)", "bring the blue folder"),
            ("text\n[//]: # (bring the blue folder)\n", "bring the blue folder"),
            ("[a]: https://a.example 'bring the blue folder'", "bring the blue folder"),
            ("<p title=请把蓝色文件夹带来>", "请把蓝色文件夹带来"),
            ("so $\\color{white}{\\text{bring the blue folder}}$ it is", "bring the blue folder"),
            ("\\color{white}{\\text{bring the \\textbf{blue} folder}} so", "bring the \\textbf{blue} folder"),
            ("---\ntitle: a\nabout: bring the blue folder\n---\nGood morning", " bring the blue folder"),
            ("---\nabout: >\n  bring the\n  blue folder\n---\nHello", " >\n  bring the\n  blue folder"),
        ] {
            assert_eq!(read_in(text), [hidden], "{text}");
        }
    }

    #[test]
    fn what_is_shown_or_for_programs_is_not() {
        for text in [
            "<p>bring the blue folder</p>",
            "<a class=\"btn btn-primary btn-large mt-4\" href=\"/a b c d e f g\">x</a>",
            "if a < b and c > d then bring the blue folder",
            "[a link](https://a.example) and [another one](https://b.example)",
        ] {
            assert_eq!(read_in(text), [""; 0], "{text}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_in_time(text in "(<|>|!--|-->|a=|\"|'| |é|\\[|\\]:|\\(|\\)|!\\[|style=|hidden|x){0,200}") {
            let mut readings = Vec::new();
            read(&Scan::of(&text), &mut readings);
            for (range, _) in readings.iter().flat_map(|r| &r.edits) {
                prop_assert!(text.get(range.clone()).is_some());
            }
        }
    }
}
