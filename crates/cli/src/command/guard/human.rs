//! The report for people. What is shown of a hostile text cannot act on the terminal: every control,
//! direction and invisible character is written as its number.

use std::fmt::Write as _;
use std::ops::Range;

use proofhouse_core::Verdict;
use proofhouse_guard::normal::{is_invisible, is_terminal_control};
use proofhouse_guard::output::Action;

use super::report::{Found, Report, Subject};
use crate::terminal;

/// Most characters of a line that are shown.
const WIDTH: usize = 96;
/// Characters before the place that is shown.
const BEFORE: usize = 32;

pub fn write(report: &Report, show_normal: bool) {
    let clean =
        report.subjects.iter().filter(|s| s.verdict == Verdict::Pass && s.findings.is_empty()).count();
    let many = report.subjects.len() > 1;
    for subject in &report.subjects {
        // In a long list what is clean is a number at the end.
        if many && !show_normal && subject.verdict == Verdict::Pass && subject.findings.is_empty() {
            continue;
        }
        write_subject(subject, show_normal);
    }
    if many {
        let looked = report.subjects.len();
        terminal::line(format!("{} {looked} looked at, {clean} clean", terminal::verdict(report.verdict)));
    }
}

fn write_subject(subject: &Subject, show_normal: bool) {
    let mut head = format!(
        "{} {}",
        terminal::verdict(subject.verdict),
        terminal::strong(&printable(&subject.name, 200))
    );
    if let Some(label) = &subject.label {
        let _ = write!(head, "  {}", terminal::quiet(&printable(&label.to_string(), 200)));
    }
    terminal::line(head);
    if let Some(error) = &subject.error {
        terminal::line(format!("        {}", printable(error, 400)));
    }
    for found in &subject.findings {
        write_found(found, subject.text.as_deref());
    }
    if let Some(released) = &subject.released
        && !subject.findings.is_empty()
    {
        let ends = if subject.blocked { terminal::alarm(" ⊘ cut off here") } else { String::new() };
        terminal::line(terminal::quiet("        what may leave:"));
        for line in released.lines() {
            terminal::line(format!("        │ {}", printable(line, WIDTH * 4)));
        }
        if subject.blocked {
            terminal::line(format!("        │{ends}"));
        }
    }
    if let Some(normal) = subject.normal.as_ref().filter(|_| show_normal) {
        if let Some(digest) = &subject.digest {
            terminal::line(terminal::quiet(&format!("        normal form {digest}")));
        }
        terminal::line(format!("        │ {}", printable(&normal.text, WIDTH * 8)));
        for view in &normal.views {
            terminal::line(terminal::quiet(&format!("        also read as ({})", view.how.join(", then "))));
            terminal::line(format!("        │ {}", printable(&view.text, WIDTH * 8)));
        }
    }
}

fn write_found(found: &Found, text: Option<&str>) {
    let place = match (found.line, found.column) {
        (Some(line), Some(column)) => format!("  {line}:{column}"),
        _ => String::new(),
    };
    let action = match found.action {
        Some(Action::Block) => terminal::alarm("  blocked"),
        Some(Action::Redact) => "  redacted".to_owned(),
        _ => String::new(),
    };
    terminal::line(format!(
        "  {} {}{}{action}  {}",
        terminal::severity(found.severity),
        terminal::strong(&found.rule),
        terminal::quiet(&place),
        found.message
    ));
    match (text, &found.span, &found.preview) {
        (Some(text), Some(span), _) => excerpt(text, span.clone()),
        (_, _, Some(preview)) => {
            terminal::line(terminal::quiet(&format!("          {}", printable(preview, WIDTH))))
        }
        _ => {}
    }
    terminal::line(terminal::quiet(&format!("          {}", found.remediation)));
}

/// The line of a place, with the place underlined.
fn excerpt(text: &str, span: Range<usize>) {
    let from = text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let before = text.get(from..span.start).unwrap_or_default();
    let before: String = before.chars().rev().take(BEFORE).collect::<Vec<_>>().into_iter().rev().collect();
    let marked = text.get(span.clone()).unwrap_or_default();
    let marked = marked.split('\n').next().unwrap_or(marked);
    let after = text.get(span.end..).and_then(|after| after.split('\n').next()).unwrap_or_default();
    let (before, marked) = (printable(&before, WIDTH), printable(marked, WIDTH / 2));
    let after = printable(after, WIDTH.saturating_sub(before.chars().count() + marked.chars().count()));
    let (indent, under) = (before.chars().count(), marked.chars().count().max(1));
    terminal::line(format!("        │ {before}{}{after}", terminal::alarm(&marked)));
    terminal::line(format!("        │ {}{}", " ".repeat(indent), terminal::alarm(&"^".repeat(under))));
}

/// A text that does nothing to a terminal, of at most so many characters.
pub fn printable(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut shown = 0;
    for c in text.chars() {
        if shown >= most {
            out.push('…');
            break;
        }
        let harmless = !c.is_control() && !is_invisible(c) && !is_terminal_control(c);
        let before = out.len();
        match c {
            '\n' | '\r' => out.push('⏎'),
            '\t' => out.push(' '),
            c if harmless => out.push(c),
            // Writing to a String cannot fail.
            c => {
                let _ = write!(out, "‹{:04X}›", u32::from(c));
            }
        }
        shown += out.get(before..).map_or(1, |added| added.chars().count());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_acts_on_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\u{202e}c\u{200b}d\n", 99), "a‹001B›[31mb‹202E›c‹200B›d⏎");
        assert_eq!(printable("abcdef", 3), "abc…");
    }
}
