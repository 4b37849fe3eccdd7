//! Markdown (CommonMark and what is customary): what a renderer leaves out. HTML inside it is read as HTML.

use super::{How, Output, html};

/// Reads a text with light markup.
pub(super) fn read(source: &str, out: &mut Output) {
    let mut drawn = String::with_capacity(source.len());
    let mut fence: Option<&str> = None;
    for (number, line) in source.split_inclusive('\n').enumerate() {
        let number = number + 1;
        let start = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|m| start.starts_with(m));
        match (fence, mark) {
            (None, Some(mark)) => {
                fence = Some(mark);
                continue;
            }
            (Some(open), Some(mark)) if open == mark => {
                fence = None;
                continue;
            }
            (Some(_), _) => {
                // Code is drawn as it stands.
                drawn.push_str(&line.replace('&', "&amp;").replace('<', "&lt;"));
                continue;
            }
            (None, None) => {}
        }
        if let Some(hidden) = definition(start) {
            let how = if hidden.1 { How::Comment } else { How::Attribute };
            out.hide(hidden.0, how, format_args!("line {number}, link definition"));
            drawn.push('\n');
            continue;
        }
        links(line, number, &mut drawn, out);
    }
    if drawn.contains('<') || drawn.contains('&') {
        html::read(&drawn.replace("\n\n", "\n<p>\n"), out);
    } else {
        out.show(&drawn);
    }
}

/// `[name]: target "title"`: the title, or the whole text of `[//]: # (a comment)`.
fn definition(line: &str) -> Option<(&str, bool)> {
    let (name, rest) = line.strip_prefix('[')?.split_once("]:")?;
    if name.contains(']') || name.starts_with('^') {
        return None;
    }
    let rest = rest.trim();
    let (target, title) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let comment = name.starts_with("//")
        || name.eq_ignore_ascii_case("comment")
        || matches!(target, "#" | "<>" | "<#>");
    let title = title.trim().trim_matches(['"', '\'', '(', ')']);
    // A target with words in it is text too.
    let text = if title.is_empty() && target.contains('%') { target } else { title };
    Some((if comment && text.is_empty() { name } else { text }, comment))
}

/// Copies a line without the targets and titles of its links, whose text is kept, and without its images.
fn links(line: &str, number: usize, drawn: &mut String, out: &mut Output) {
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("](") {
        let Some(open) = before.rfind('[') else {
            drawn.push_str(before);
            drawn.push_str("](");
            rest = after;
            continue;
        };
        let image = before.get(..open).is_some_and(|b| b.ends_with('!'));
        let label = before.get(open + 1..).unwrap_or_default();
        let head = before.get(..open.saturating_sub(usize::from(image))).unwrap_or_default();
        let (target, tail) = after.split_once(')').unwrap_or((after, ""));
        drawn.push_str(head);
        if image {
            out.hide(label, How::Attribute, format_args!("line {number}, image description"));
        } else {
            drawn.push_str(label);
        }
        if let Some((_, title)) = target.split_once(char::is_whitespace) {
            out.hide(
                title.trim().trim_matches(['"', '\'', '(', ')']),
                How::Attribute,
                format_args!("line {number}, link title"),
            );
        }
        rest = tail;
    }
    drawn.push_str(rest);
}
