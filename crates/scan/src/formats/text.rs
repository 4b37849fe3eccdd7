//! Text: data, unless its name or first line makes somebody run it. Python is followed by [`crate::python`].

use proofhouse_artifact::{Format, boosters, json};

use crate::scanner::{Content, Scanner};

/// Endings that a shell, a desktop or another language runs without being asked for a format.
const RUNNABLE: [&str; 2] = [".desktop", ".url"];

/// Longest text that may be a template.
const LONGEST: usize = 1 << 20;

/// Whether Python is what runs it: by its name, or by its first line.
pub(crate) fn is_python(content: &Content<'_>) -> bool {
    let name = content.name().to_ascii_lowercase();
    let first = content.bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let script = first.starts_with(b"#!") && first.windows(6).any(|w| w == b"python");
    script || [".py", ".pyw", ".pyi"].iter().any(|ending| name.ends_with(ending))
}

/// Whether a shell is what runs it: by its first line, or where that says nothing, by its name.
fn is_shell(content: &Content<'_>) -> bool {
    let first = content.bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let first = String::from_utf8_lossy(first);
    match first.strip_prefix("#!") {
        Some(line) => {
            let words = line.split_whitespace().filter_map(|word| word.rsplit('/').next());
            let mut shells = words.filter(|word| !matches!(*word, "env" | "-S"));
            shells.next().is_some_and(|shell| matches!(shell, "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh"))
        }
        None => {
            let name = content.name().to_ascii_lowercase();
            [".sh", ".bash", ".zsh", ".command"].iter().any(|ending| name.ends_with(ending))
        }
    }
}

pub(crate) fn runnable_name(scanner: &mut Scanner<'_>, content: &Content<'_>) {
    let name = content.name().to_ascii_lowercase();
    // torch checkpoints are named .pth too; those are archives or pickles and are judged as such.
    let textual = matches!(content.format.name(), "text" | "json" | "unknown");
    if textual && super::languages::launcher(scanner, content) {
        return;
    }
    if textual && RUNNABLE.iter().any(|ending| name.ends_with(ending)) {
        let message =
            format!("{:?} has a name that a shell, a desktop or another language runs", content.name());
        scanner.report("code/not-analysed", content.place.clone(), message);
    }
}

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    if content.name().ends_with(".ipynb") && !content.bytes.is_empty() {
        let message = "a notebook by its name, which cannot be read as one";
        scanner.report("format/unscannable", content.place.clone(), message);
    }
    let script = content.bytes.starts_with(b"#!");
    if is_shell(content) {
        let mut place = content.place.clone();
        place.line = Some(1);
        let text = String::from_utf8_lossy(content.bytes);
        super::shell::text(scanner, &place, &text);
        for program in super::shell::embedded(&text) {
            let first = u32::try_from(program.lines.start + 1).unwrap_or(1);
            crate::python::scan_text(scanner, &content.place, &program.text, first);
        }
        if let Some((line, what)) = super::shell::not_followed(&text) {
            place.line = Some(line);
            scanner.report("code/not-analysed", place, format!("a script of a shell {what}"));
        }
    } else if content.name().to_ascii_lowercase().ends_with(".dib") {
        super::chunks::polyglot(scanner, content);
    } else if script && !super::languages::is_known(content.name(), &String::from_utf8_lossy(content.bytes)) {
        scanner.report("code/not-analysed", content.at(0), "a script by its first line");
    }
    let text = std::str::from_utf8(content.bytes).unwrap_or_default();
    // Each line of these is judged already.
    let name = content.name().to_ascii_lowercase();
    let known = [".sh", ".envrc"].iter().any(|ending| name.ends_with(ending))
        || crate::repository::builds_image(&name);
    if !script && !known {
        super::shell::sweep(scanner, &content.place, content.name(), text);
    }
    super::languages::scan(scanner, content, text);
    super::coded::scan(scanner, content, text);
    super::logging::scan(scanner, content, text);
    if [".qmd", ".rmd", ".md", ".markdown"].iter().any(|ending| name.ends_with(ending)) {
        super::chunks::fenced(scanner, content, text);
    }
    if name == "snakefile" || name.ends_with(".smk") {
        super::chunks::snakemake(scanner, content, text);
    }
    if name.ends_with(".sql") {
        statements(scanner, content, text);
    }
    if [".jinja", ".jinja2", ".j2", ".prompty"]
        .iter()
        .any(|ending| content.name().to_ascii_lowercase().ends_with(ending))
    {
        super::template::scan(scanner, &content.place, text);
    }
    if [".txt", ".prompt", ".tmpl", ".tpl", ".template"].iter().any(|ending| name.ends_with(ending)) {
        super::orders::filled_in(scanner, &content.place, text);
        super::orders::framed(scanner, &content.place, text);
        // Servers take a template from a file of any name.
        if (name.contains("template") || !name.ends_with(".txt"))
            && text.contains('{')
            && text.len() < LONGEST
        {
            super::template::ways_out(scanner, &content.place, text);
        }
    }
    super::orders::unseen(scanner, &content.place, text);
    if [".md", ".markdown", ".html", ".htm"].iter().any(|ending| name.ends_with(ending)) {
        super::orders::hidden(scanner, &content.place, text);
    }
    if [".html", ".htm", ".svg"].iter().any(|ending| name.ends_with(ending)) {
        super::page::markup(scanner, &content.place, text);
    }
    if name.starts_with("modelfile") || name.ends_with(".modelfile") {
        super::modelfile::scan(scanner, content, text);
    }
    if name.ends_with(".scp") {
        super::shell::pipes(scanner, &content.place, text);
    }
    super::rows::scan(scanner, content, &name, text);
    // A root of whatever name, without a declaration, is XML to who opens it by this name.
    if [".xml", ".pmml"].iter().any(|ending| name.ends_with(ending)) && text.trim_start().starts_with('<') {
        super::xml::scan(scanner, content);
    }
    if [".tex", ".sty", ".cls", ".ltx", ".bbl"].iter().any(|ending| name.ends_with(ending)) {
        super::tex::scan(scanner, content, text);
    }
    if name.ends_with(".json") && !lines_of_json(text) {
        not_quite_json(scanner, content, text);
    }
    if boosters::lightgbm::is_model(text) {
        super::boosters::lightgbm(scanner, content, text);
    }
    super::tensorflow::text(scanner, content, text);
    super::onnx::text(scanner, content, text);
    super::yaml::scan(scanner, content, text);
    if let Some(what) = crate::pickle::import_only(scanner.tables, content.bytes) {
        let message = format!("read as a pickle, this text imports {what} before it fails");
        scanner.report("pickle/malformed", content.at(0), message);
    }
    content.bytes.len() as u64
}

/// Statements of databases that start programs, and the shell's own of their clients (`\\!` of psql).
fn statements(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    for (line, number) in text.lines().zip(1u64..) {
        let upper = line.to_ascii_uppercase();
        let program = upper.contains(" PROGRAM '") && upper.contains("COPY");
        let starts = program || upper.contains("XP_CMDSHELL") || line.trim_start().starts_with("\\!");
        if starts && !line.trim_start().starts_with("--") {
            let mut place = content.place.clone();
            place.line = Some(number);
            let shown: String = line.trim().chars().take(80).collect();
            scanner.report("code/harmful", place, format!("a statement starts a program: {shown:?}"));
        }
    }
}

/// What is named JSON and is none: what editors read as such is looked at like any other.
fn not_quite_json(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    let plain = super::jsonc::plain(text);
    if json::is_json(plain.as_bytes()) {
        let (place, depth) = (content.place.clone(), content.depth + 1);
        super::json::scan(scanner, &Content { bytes: plain.as_bytes(), format: Format::Json, place, depth });
    } else if plain.trim_start().starts_with(['{', '[']) {
        let message = "the file is named JSON and cannot be read as JSON";
        scanner.report("json/malformed", content.place.clone(), message);
    }
}

/// Whether each line is a document of its own.
fn lines_of_json(text: &str) -> bool {
    text.lines().filter(|l| !l.trim().is_empty()).all(|l| json::is_json(l.as_bytes()))
}
