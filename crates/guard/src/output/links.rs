//! Links in running text, Markdown, HTML and CSS.
//!
//! A bare link begins with a scheme or `www.`; in markup anything can be a destination, so what stands in
//! the place of one is read as a browser would, escapes undone. Whether markup shows it by itself (images,
//! styles) or a person follows it makes the difference between a leak now and a leak perhaps.

use std::borrow::Cow;

use proofhouse_core::Severity;

use super::look::{Hit, Look, Open, Step, is_word};
use super::{Action, OutputRule};
use crate::link::{LINK_BYTES, LinkPlace, LinkRefusal, LinkRules};

mod markup;
mod unescape;

pub(super) use markup::Markup;
use markup::{Destination, Ends};

/// Bytes, other than the first of a word, that a link or its markup begins with.
pub(super) const SPECIAL: &[u8] = b"[](<";

#[rustfmt::skip]
pub(super) static RULES: &[OutputRule] = &[
    OutputRule::new("link/address", "Link to a bare address", Severity::High, Action::Redact),
    OutputRule::new("link/data", "Link that carries data", Severity::High, Action::Redact),
    OutputRule::new("link/host", "Link to a host that is not allowed", Severity::Medium, Action::Redact),
    OutputRule::new("link/image", "Image or style from a host that is not allowed", Severity::High, Action::Redact),
    OutputRule::new("link/look-alike", "Link to an imitated host", Severity::High, Action::Redact),
    OutputRule::new("link/obscured", "Link that people and browsers read differently", Severity::High, Action::Redact),
    OutputRule::new("link/redirect", "Link that leads on to another host", Severity::High, Action::Redact),
    OutputRule::new("link/scheme", "Link with a scheme that is not allowed", Severity::High, Action::Redact),
];

fn rule(refusal: &LinkRefusal, place: LinkPlace) -> Option<&'static OutputRule> {
    let id = match (refusal, place) {
        (LinkRefusal::Host { .. } | LinkRefusal::Port { .. }, LinkPlace::Fetched) => "link/image",
        (LinkRefusal::Host { .. } | LinkRefusal::Port { .. }, _) => "link/host",
        (LinkRefusal::Scheme { .. }, _) => "link/scheme",
        (LinkRefusal::LookAlike { .. }, _) => "link/look-alike",
        (LinkRefusal::Address { .. }, _) => "link/address",
        (LinkRefusal::Redirect { .. }, _) => "link/redirect",
        (LinkRefusal::Carries { .. } | LinkRefusal::Opaque { .. } | LinkRefusal::TooLong, _) => "link/data",
        _ => "link/obscured",
    };
    RULES.iter().find(|rule| rule.id == id)
}

pub(super) fn recognise(rules: &LinkRules, look: Look<'_>, markup: &Markup) -> Step {
    match markup.destination() {
        Some(destination) => in_markup(rules, look, destination),
        None => bare(rules, look),
    }
}

/// The destination that markup puts here.
fn in_markup(rules: &LinkRules, look: Look<'_>, destination: Destination) -> Step {
    // What stands before the destination itself is passed first.
    let first = look.bytes().first().copied().unwrap_or(b' ');
    let quote = matches!(first, b'"' | b'\'');
    if first.is_ascii_whitespace()
        || destination.ends == Ends::Parenthesis && (first == b'<' || destination.html && quote)
        || destination.ends == Ends::Space && quote
    {
        return Step::No;
    }
    let mut depth = 0_usize;
    let ends = |byte: u8| match destination.ends {
        Ends::With(end) => byte == end,
        Ends::Space => byte.is_ascii_whitespace() || byte == b'>',
        Ends::Candidate(quote) => byte == quote || byte == b',' || byte.is_ascii_whitespace(),
        Ends::Parenthesis => {
            match byte {
                b'(' => depth += 1,
                b')' if depth == 0 => return true,
                b')' => depth -= 1,
                _ => {}
            }
            byte.is_ascii_whitespace()
        }
    };
    let rest = look.bytes();
    let length = rest.iter().take(LINK_BYTES + 1).copied().position({
        let mut ends = ends;
        move |byte| ends(byte)
    });
    let length = match length {
        Some(length) => length,
        None if rest.len() > LINK_BYTES => return too_long(rules, look, destination.place),
        None if look.is_final() => rest.len(),
        None => return Step::More,
    };
    let raw = look.rest().get(..length).unwrap_or_default();
    let link = if destination.html { unescape::html(raw) } else { unescape::markdown(raw) };
    decide(rules, &link, length, destination.place)
}

/// A link that begins with its scheme.
fn bare(rules: &LinkRules, look: Look<'_>) -> Step {
    let bytes = look.bytes();
    if !bytes.first().is_some_and(u8::is_ascii_alphabetic) || look.previous().is_some_and(is_word) {
        return Step::No;
    }
    let Some(start) = Start::at(bytes) else { return Step::No };
    let start = match start {
        Start::Cut => return look.out_of_text(),
        start => start,
    };
    let Some(run) = look.run(0, LINK_BYTES + 1, is_link) else { return Step::More };
    if run > LINK_BYTES {
        return too_long(rules, look, LinkPlace::Clicked);
    }
    let mut run = run;
    while !look.rest().is_char_boundary(run) {
        run -= 1;
    }
    let whole = look.rest().get(..run).unwrap_or_default();
    // What a document carries may end in anything.
    let text = if matches!(start, Start::Data) { whole } else { trimmed(whole) };
    if !start.goes_on(text) {
        return Step::No;
    }
    let link =
        if matches!(start, Start::Www) { Cow::Owned(format!("https://{text}")) } else { Cow::Borrowed(text) };
    decide(rules, &link, text.len(), LinkPlace::Clicked)
}

/// What a bare link begins with.
enum Start {
    /// A scheme with its colon, of this length, that a host follows.
    Hierarchical(usize),
    /// `data:`
    Data,
    /// `javascript:` and the like.
    Script(usize),
    /// `www.`
    Www,
    /// The text ends where one of them may go on.
    Cut,
}

impl Start {
    fn at(bytes: &[u8]) -> Option<Self> {
        let first = bytes.first()?.to_ascii_lowercase();
        let starts: &[&[u8]] = match first {
            b'h' => &[b"https:", b"http:"],
            b'w' => &[b"www.", b"wss:", b"ws:"],
            b'f' => &[b"ftp:", b"file:"],
            b'd' => &[b"data:"],
            b'j' => &[b"javascript:"],
            b'v' => &[b"vbscript:"],
            _ => return None,
        };
        for start in starts {
            let seen = bytes.len().min(start.len());
            if !bytes.get(..seen)?.eq_ignore_ascii_case(start.get(..seen)?) {
                continue;
            }
            return Some(match *start {
                _ if seen < start.len() => Self::Cut,
                b"www." => Self::Www,
                b"data:" => Self::Data,
                b"javascript:" | b"vbscript:" => Self::Script(start.len()),
                _ => Self::Hierarchical(start.len()),
            });
        }
        None
    }

    /// Whether what follows makes it a link, and not a word before a colon.
    fn goes_on(&self, text: &str) -> bool {
        match *self {
            Self::Hierarchical(length) => {
                text.get(length..).is_some_and(|rest| rest.starts_with(['/', '\\']) && rest.len() > 1)
            }
            Self::Script(length) => text.len() > length + 1,
            Self::Data => text.get(5..).is_some_and(|rest| {
                let media = rest.split([';', ',']).next().unwrap_or_default();
                media.len() < rest.len() && (media.is_empty() || media.contains('/'))
            }),
            Self::Www => text
                .get(4..)
                .is_some_and(|rest| rest.contains('.') && rest.starts_with(char::is_alphanumeric)),
            Self::Cut => false,
        }
    }
}

/// Bytes a bare link is made of. Everything above ASCII may belong to a host or path.
const fn is_link(byte: u8) -> bool {
    !(byte <= b' ' || byte == 0x7f || matches!(byte, b'<' | b'>' | b'"' | b'`'))
}

/// A bare link without the punctuation of the sentence around it.
fn trimmed(text: &str) -> &str {
    let text = text.find(is_outside).map_or(text, |at| &text[..at]);
    let mut text = text;
    loop {
        let Some(last) = text.chars().next_back() else { return text };
        let closes = match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '|' | '\\' => true,
            ')' => text.matches(')').count() > text.matches('(').count(),
            ']' => text.matches(']').count() > text.matches('[').count(),
            '}' => text.matches('}').count() > text.matches('{').count(),
            _ => false,
        };
        if !closes {
            return text;
        }
        text = text.get(..text.len() - last.len_utf8()).unwrap_or_default();
    }
}

/// Characters above ASCII that end a link: spaces and the punctuation of scripts that need none.
const fn is_outside(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}'
        | '\u{3000}'..='\u{3001}' | '\u{3008}'..='\u{3011}' | '，' | '！' | '？' | '：' | '；' | '（' | '）' | '“' | '”' | '’' | '»' | '«')
}

fn decide(rules: &LinkRules, link: &str, length: usize, place: LinkPlace) -> Step {
    if length == 0 {
        return Step::No;
    }
    match rules.judge(link, place) {
        Ok(_) => Step::No,
        Err(refusal) => hit(&refusal, place, length, None),
    }
}

/// Longer than is read. What was read may already show another host; if not, its length is the reason.
fn too_long(rules: &LinkRules, look: Look<'_>, place: LinkPlace) -> Step {
    let mut length = LINK_BYTES;
    while !look.rest().is_char_boundary(length) {
        length -= 1;
    }
    let beginning = look.rest().get(..length / 2).map(|text| text.split(['?', '#']).next().unwrap_or(text));
    let refusal = match beginning.map(|link| rules.judge(link, place)) {
        Some(Err(refusal @ (LinkRefusal::Host { .. } | LinkRefusal::Scheme { .. }))) => refusal,
        _ => LinkRefusal::TooLong,
    };
    hit(&refusal, place, length, Some(Open::Run(is_link)))
}

fn hit(refusal: &LinkRefusal, place: LinkPlace, length: usize, open: Option<Open>) -> Step {
    let Some(rule) = rule(refusal, place) else { return Step::No };
    let shown = masked(refusal);
    Step::Hit(Hit { rule, length, open, preview: preview(&shown), reason: shown.to_string() })
}

fn preview(refusal: &LinkRefusal) -> String {
    match refusal {
        LinkRefusal::Scheme { scheme } => format!("{scheme}:…"),
        LinkRefusal::Host { host }
        | LinkRefusal::LookAlike { host, .. }
        | LinkRefusal::Port { host, .. }
        | LinkRefusal::Userinfo { host }
        | LinkRefusal::Opaque { host, .. }
        | LinkRefusal::Redirect { host, .. } => format!("{host}/…"),
        LinkRefusal::Address { address } => format!("{address}/…"),
        _ => "link".to_owned(),
    }
}

/// The refusal without labels that may themselves be what is smuggled out: a name server sees them all.
fn masked(refusal: &LinkRefusal) -> LinkRefusal {
    let mask = |host: &str| {
        let labels: Vec<&str> = host.split('.').collect();
        let kept = labels.len().saturating_sub(2);
        let shown = labels.iter().enumerate().map(|(at, label)| match at < kept && label.len() > 12 {
            true => "…",
            false => label,
        });
        shown.collect::<Vec<_>>().join(".")
    };
    let mut refusal = refusal.clone();
    match &mut refusal {
        LinkRefusal::Host { host }
        | LinkRefusal::LookAlike { host, .. }
        | LinkRefusal::Port { host, .. }
        | LinkRefusal::Userinfo { host }
        | LinkRefusal::Opaque { host, .. } => *host = mask(host),
        LinkRefusal::Redirect { host, onward } => {
            *host = mask(host);
            **onward = masked(onward);
        }
        _ => {}
    }
    refusal
}

#[cfg(test)]
mod tests;
