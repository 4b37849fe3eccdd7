//! Jupyter notebooks (nbformat 4): cells that a person runs, and outputs that a page shows by itself.
//!
//! Cells are one source in the order in which they stand. Lines of a shell (`!`, `%%bash`) are commands of their own:
//! installing packages is what notebooks do, fetching something and running it is not.

use proofhouse_artifact::json::Value;
use proofhouse_core::Place;

use super::shell;
use crate::scanner::{Content, Scanner};

/// Whether the document is a notebook.
pub(crate) fn is_notebook(document: &Value) -> bool {
    let Some(members) = document.as_object() else { return false };
    let has = |name: &str| members.iter().any(|(key, _)| key == name);
    has("cells") && has("nbformat")
}

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &Value) {
    let cells = member(document, "cells").and_then(Value::as_array).unwrap_or_default();
    let mut source = String::new();
    for (index, cell) in cells.iter().enumerate() {
        let place = content.place.clone().within(within(content, &format!("cell {}", index + 1)));
        let kind = member(cell, "cell_type").and_then(Value::as_text).unwrap_or_default();
        let text = member(cell, "source").map(joined).unwrap_or_default();
        if kind == "code" {
            python_of(scanner, &place, &text, &mut source);
        } else {
            markup(scanner, &place, &text);
        }
        for output in member(cell, "outputs").and_then(Value::as_array).unwrap_or_default() {
            self::output(scanner, &place, output);
        }
    }
    // Names of one cell are used in the next, so all cells are followed as one source.
    let place = content.place.clone().within(within(content, "code cells"));
    crate::python::scan_text(scanner, &place, &source, 1);
}

fn within(content: &Content<'_>, part: &str) -> String {
    content.place.member.as_ref().map_or(part.to_owned(), |outer| format!("{outer}!{part}"))
}

fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.as_object()?.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// A text, or the lines of one.
fn joined(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_text).collect(),
        _ => String::new(),
    }
}

/// Appends what is Python of a cell to `source`, and judges what is not.
fn python_of(scanner: &mut Scanner<'_>, place: &Place, text: &str, source: &mut String) {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    if let Some(magic) = first.strip_prefix("%%") {
        let word = magic.split_whitespace().next().unwrap_or_default();
        match word {
            "bash" | "sh" | "script" | "system" | "sx" | "!" | "cmd" | "perl" | "ruby" => {
                text.lines().skip(1).for_each(|line| shell::line(scanner, place, line));
                return;
            }
            "html" | "HTML" | "javascript" | "js" | "svg" | "markdown" | "latex" => {
                return markup(scanner, place, text);
            }
            // Timing and capturing run the cell as Python.
            "time" | "timeit" | "capture" | "prun" => {}
            _ => return,
        }
    }
    for line in text.lines() {
        let trimmed = line.trim_start();
        let indent = line.get(..line.len() - trimmed.len()).unwrap_or_default();
        let command = trimmed.strip_prefix('!').or_else(|| {
            let (left, right) = trimmed.split_once('=')?;
            let plain = left.trim().chars().all(|c| c.is_alphanumeric() || c == '_');
            plain.then(|| right.trim_start().strip_prefix('!')).flatten()
        });
        match command {
            Some(command) => {
                shell::line(scanner, place, command);
                source.push_str(indent);
                source.push_str("pass");
            }
            None if trimmed.starts_with('%') => {
                let rest = trimmed.trim_start_matches('%');
                let word = rest.split_whitespace().next().unwrap_or_default();
                if matches!(word, "sx" | "system" | "run" | "load_ext") {
                    shell::line(scanner, place, rest.get(word.len()..).unwrap_or_default());
                }
                source.push_str(indent);
                source.push_str("pass");
            }
            None => source.push_str(line.trim_end_matches('?')),
        }
        source.push('\n');
    }
}

/// What a page runs when it shows the notebook: scripts in outputs.
fn output(scanner: &mut Scanner<'_>, place: &Place, output: &Value) {
    for (kind, value) in member(output, "data").and_then(Value::as_object).unwrap_or_default() {
        let text = joined(value);
        match kind.as_str() {
            "application/javascript" | "text/javascript" => script(scanner, place, &text),
            "text/html" | "image/svg+xml" => markup(scanner, place, &text),
            _ => {}
        }
    }
}

/// Scripts inside of markup. Plotting libraries bring long ones, which draw; what reaches for the page's secrets or
/// the notebook's kernel does not draw.
fn markup(scanner: &mut Scanner<'_>, place: &Place, text: &str) {
    let lower = text.to_ascii_lowercase();
    if lower.contains("<script")
        || lower.contains("javascript:")
        || lower.contains(" onerror=")
        || lower.contains(" onload=")
    {
        script(scanner, place, text);
    }
}

fn script(scanner: &mut Scanner<'_>, place: &Place, text: &str) {
    const REACHES: [&str; 12] = [
        "document.cookie",
        "kernel.execute",
        "Jupyter.notebook",
        "IPython.notebook",
        "localStorage",
        "sessionStorage",
        "XMLHttpRequest",
        "fetch(",
        "navigator.sendBeacon",
        "eval(atob",
        "WebSocket(",
        "window.opener",
    ];
    match REACHES.iter().find(|name| text.contains(**name)) {
        Some(name) => {
            scanner.report(
                "notebook/script",
                place.clone(),
                format!("a script in what the page shows uses {name}"),
            );
        }
        None => scanner.report("notebook/script-shown", place.clone(), "a script in what the page shows"),
    }
}
