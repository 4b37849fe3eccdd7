//! Jupyter notebooks (nbformat 4, and the older ones that it is made of): cells that a person runs, and outputs that a page shows by
//! itself.
//!
//! Cells are one source in the order in which they stand: [`cell`] tells Python from the commands of IPython, [`page`]
//! looks at what is shown.

use proofhouse_artifact::json::Value;

use crate::scanner::{Content, Scanner};

mod cell;
mod open;
pub(crate) mod page;
mod prompts;

/// Whether the document is a notebook: it says so, or its name does, as the first format has no number.
pub(crate) fn is_notebook(name: &str, document: &Value) -> bool {
    let Some(members) = document.as_object() else { return false };
    let has = |name: &str| members.iter().any(|(key, _)| key == name);
    let named = name.to_ascii_lowercase().ends_with(".ipynb");
    (has("cells") || has("worksheets")) && (has("nbformat") || named)
}

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &Value) {
    ambiguous(scanner, content, document);
    let sheets = document.member("worksheets").and_then(Value::as_array).unwrap_or_default();
    let cells =
        std::iter::once(document).chain(sheets).filter_map(|of| of.member("cells")?.as_array()).flatten();
    let (mut sources, mut commands) = (Vec::new(), String::new());
    // Lines for a shell, over all cells: what one fetches, another runs.
    let mut script = String::new();
    let language = language(document);
    let mut understood = true;
    for (index, cell) in cells.enumerate() {
        let place = content.place.clone().within(within(content, &format!("cell {}", index + 1)));
        let kind = cell.member("cell_type").and_then(Value::as_text).unwrap_or_default();
        // The third format calls the source of code its input.
        let text = text_of(cell);
        let text = if kind == "code" { prompts::without(&text) } else { text.as_str().into() };
        if kind == "code" {
            commands.push_str(&text);
            commands.push('\n');
            cell::shell_lines(&text, &mut script);
            match language.as_str() {
                "bash" | "sh" => super::shell::text(scanner, &place, &text),
                "python" | "" => {
                    let mut own = String::new();
                    cell::look(scanner, &place, &text, &mut own);
                    sources.push(cell::from_the_margin(&own));
                }
                other => understood &= super::languages::named(scanner, &place, other, &text),
            }
        } else {
            page::markup(scanner, &place, &text);
            super::orders::hidden(scanner, &place, &text);
        }
        for attachment in cell.member("attachments").and_then(Value::as_object).unwrap_or_default() {
            shown(scanner, &place, &attachment.1);
        }
        for output in cell.member("outputs").and_then(Value::as_array).unwrap_or_default() {
            shown(scanner, &place, output.member("data").unwrap_or(output));
        }
    }
    let cells = content.place.clone().within(within(content, "code cells"));
    if !understood {
        let message = format!("the cells are programs for {language}, which are not followed");
        scanner.report("code/not-analysed", cells.clone(), message);
    }
    super::shell::together(scanner, &cells, &script);
    widgets(scanner, content, document);
    for name in cell::loaded_from_elsewhere(&commands) {
        let message =
            format!("installs {name:?} from a repository of its own and loads it into the notebook");
        scanner.report("repo/requirement", cells.clone(), message);
    }
    crate::python::scan_cells(scanner, &cells, &sources);
}

/// The language of a notebook's kernel, as its metadata name it; nothing where they do not. Dialects of Python are Python.
fn language(document: &Value) -> String {
    let metadata = document.member("metadata");
    let named =
        |part: &str, name: &str| metadata?.member(part)?.member(name)?.as_text().map(str::to_lowercase);
    let names =
        [named("kernelspec", "language"), named("language_info", "name"), named("kernelspec", "name")];
    // Where they do not agree, the kernel that is started is what its name says.
    if names.iter().flatten().any(|name| name.contains("python") || name.contains("xeus")) {
        return "python".to_owned();
    }
    names.into_iter().take(2).flatten().next().unwrap_or_default()
}

/// What widgets show when the notebook is opened: their state is kept in its metadata.
fn widgets(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &Value) {
    let kept = document.member("metadata").and_then(|m| m.member("widgets"));
    let place = content.place.clone().within(within(content, "widgets"));
    let mut open: Vec<&Value> = kept.into_iter().collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Text(text) if text.contains('<') => page::markup(scanner, &place, text),
            Value::Array(values) => open.extend(values),
            Value::Object(members) => open.extend(members.iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}

fn within(content: &Content<'_>, part: &str) -> String {
    content.place.member.as_ref().map_or(part.to_owned(), |outer| format!("{outer}!{part}"))
}

/// Tells of a key that stands twice where readers look: they take the last, other programs the first.
fn ambiguous(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &Value) {
    const KEYS: [&str; 5] = ["cells", "worksheets", "cell_type", "outputs", "data"];
    const MOST: usize = 1_000_000;
    let mut open = vec![document];
    for _ in 0..MOST {
        let Some(value) = open.pop() else { return };
        for (key, inner) in value.as_object().unwrap_or_default() {
            if !KEYS.contains(&key.as_str()) {
                continue;
            }
            if value.as_object().unwrap_or_default().iter().filter(|(other, _)| other == key).count() > 1 {
                let message = format!("the key {key:?} stands twice: readers take one or the other");
                return scanner.report("json/malformed", content.place.clone(), message);
            }
            open.extend(inner.as_array().unwrap_or_default());
        }
    }
}

/// The source of a cell, under the names that it has had. Of a key that stands twice, readers take the last and people see
/// the first: all are looked at.
fn text_of(cell: &Value) -> String {
    let members = cell.as_object().unwrap_or_default();
    let sources = members.iter().filter(|(key, _)| matches!(key.as_str(), "source" | "input" | "code"));
    let text = sources.map(|(_, value)| joined(value)).collect::<Vec<_>>().join("\n");
    // IPython ends lines where Python does before it looks for its own commands.
    let lines = crate::lines::of_python(&text);
    let commands = |line: &str| line.trim_start().starts_with(['%', '!']);
    if crate::lines::has_uncommon(&text) && lines.lines().any(commands) { lines.into_owned() } else { text }
}

/// A text, or the lines of one.
fn joined(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_text).collect(),
        _ => String::new(),
    }
}

/// What a page shows of an output, by media type; the third format names them shortly.
fn shown(scanner: &mut Scanner<'_>, place: &proofhouse_core::Place, data: &Value) {
    for (kind, value) in data.as_object().unwrap_or_default() {
        match kind.as_str() {
            "application/javascript" | "text/javascript" | "javascript" => {
                page::script(scanner, place, &joined(value));
            }
            "text/html" | "image/svg+xml" | "text/markdown" | "html" | "svg" => {
                page::markup(scanner, place, &joined(value));
            }
            _ => {}
        }
    }
}
