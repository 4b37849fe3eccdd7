//! Messages (RFC 5322, MIME): headers, parts, and the alternatives that a reader does not choose.

use super::{How, MOST_DEPTH, Output, kind, read as read_document};
use crate::normal::mail::{encoded_words, lenient_base64, unquoted};

/// Most parts of a message.
const MOST_PARTS: usize = 256;

/// Headers that a mail program shows.
const SHOWN: &[&str] = &["from", "to", "cc", "subject", "date", "reply-to"];

/// Reads a message.
pub(super) fn read(bytes: &[u8], depth: usize, out: &mut Output) {
    let mut parts = 0;
    part(bytes, depth, true, "message", &mut parts, out);
}

fn part(bytes: &[u8], depth: usize, top: bool, place: &str, parts: &mut usize, out: &mut Output) {
    *parts += 1;
    if depth >= MOST_DEPTH || *parts > MOST_PARTS {
        out.truncated = true;
        return;
    }
    let (head, body) = divided(bytes);
    let head = kind::decoded(head);
    let headers = headers(&head);
    let header = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    for (name, value) in headers.iter().filter(|_| top) {
        let value = encoded_words(value);
        if SHOWN.contains(&name.as_str()) {
            out.show(&format!("{name}: {value}\n"));
        } else if value.split_ascii_whitespace().count() >= 4
            && (name.starts_with("x-") || matches!(name.as_str(), "comments" | "keywords"))
        {
            out.hide(&value, How::Metadata, format_args!("{place}, header {name}"));
        }
    }
    let content_type = header("content-type").unwrap_or("text/plain");
    let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if let Some(boundary) = parameter(content_type, "boundary").filter(|_| media.starts_with("multipart/")) {
        let pieces = split(body, boundary.as_bytes());
        // Of alternatives the last one is shown.
        let last = pieces.len().saturating_sub(1);
        for (i, piece) in pieces.into_iter().enumerate() {
            let place = format!("{place}, part {}", i + 1);
            if media == "multipart/alternative" && i < last {
                let mut inner = Output::default();
                part(piece, depth + 1, false, &place, parts, &mut inner);
                out.truncated |= inner.truncated;
                alternative(inner, &place, out);
            } else {
                part(piece, depth + 1, false, &place, parts, out);
            }
        }
        return;
    }
    let body = match header("content-transfer-encoding").map(|e| e.trim().to_ascii_lowercase()).as_deref() {
        Some("base64") => lenient_base64(body),
        Some("quoted-printable") => unquoted(&String::from_utf8_lossy(body)),
        _ => body.to_vec(),
    };
    let document = if media == "message/rfc822" {
        let mut inner = Output::default();
        part(&body, depth + 1, true, place, parts, &mut inner);
        super::Extracted {
            kind: super::Kind::Mail,
            visible: inner.visible,
            hidden: inner.hidden,
            truncated: inner.truncated,
        }
    } else {
        read_document(&body, &media, depth + 1)
    };
    out.truncated |= document.truncated;
    out.line();
    out.show(&document.visible);
    out.line();
    for hidden in document.hidden {
        out.hide(&hidden.text, hidden.how, format_args!("{place}, {}", hidden.place));
    }
}

/// Of an alternative that is not shown, what the shown ones may not say.
fn alternative(inner: Output, place: &str, out: &mut Output) {
    out.hide(&inner.visible, How::Alternative, place);
    for hidden in inner.hidden {
        out.hide(&hidden.text, hidden.how, hidden.place);
    }
}

/// Headers and body.
fn divided(bytes: &[u8]) -> (&[u8], &[u8]) {
    let ends = [&b"\r\n\r\n"[..], &b"\n\n"[..]];
    let found = ends
        .iter()
        .filter_map(|end| Some((bytes.windows(end.len()).position(|w| w == *end)?, end.len())))
        .min();
    if let Some(start) = [&b"\r\n"[..], &b"\n"[..]].iter().find(|s| bytes.starts_with(s)) {
        return (&[], bytes.get(start.len()..).unwrap_or_default());
    }
    match found {
        Some((at, length)) => {
            (bytes.get(..at).unwrap_or_default(), bytes.get(at + length..).unwrap_or_default())
        }
        None => (bytes, &[]),
    }
}

/// Names in lower case and values, folded lines joined.
fn headers(head: &str) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in head.lines().take(2048) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    headers
}

fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|p| {
        let (key, value) = p.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().trim_matches('"').to_owned())
            .filter(|v| !v.is_empty())
    })
}

/// The parts between the lines that a boundary makes.
fn split<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut start: Option<usize> = None;
    let mut at = 0;
    for line in body.split_inclusive(|b| *b == b'\n') {
        let is_boundary = line.strip_prefix(b"--").is_some_and(|l| l.starts_with(boundary));
        if is_boundary {
            if let Some(start) = start {
                parts.extend(body.get(start..at));
            }
            start = Some(at + line.len());
            let last = line.get(2 + boundary.len()..).is_some_and(|rest| rest.starts_with(b"--"));
            if last || parts.len() >= MOST_PARTS {
                start = None;
                break;
            }
        }
        at += line.len();
    }
    // A message that was cut has no last boundary.
    if let Some(start) = start {
        parts.extend(body.get(start..));
    }
    parts
}
