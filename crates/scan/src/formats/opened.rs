//! Names that are opened as texts. Whatever such a file begins with, what opens it reads its lines: a picture, a font or a
//! table for whoever looks at the first bytes may be a program all the same.

use proofhouse_artifact::Format;

use crate::scanner::{Content, Scanner};

/// Largest content that is read a second time.
const LARGEST: usize = 16 << 20;

/// Reads `content` as a text, too, if its name has it opened as one and its format is another.
pub(super) fn as_text(scanner: &mut Scanner<'_>, content: &Content<'_>) {
    let name = content.name().to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let read = match content.format {
        Format::Text | Format::Empty => true,
        Format::Json => ends(&[".json", ".ipynb", ".yaml", ".yml", ".py"]),
        Format::Xml => ends(&[".xml", ".pmml"]),
        _ => false,
    };
    if read || !is_opened_as_text(content, &name) {
        return;
    }
    if !matches!(content.format, Format::Json | Format::Xml) {
        let message = format!(
            "a text by its name, and by its content {}: what opens it reads its lines",
            content.format
        );
        scanner.report("format/unscannable", content.place.clone(), message);
    }
    if content.bytes.len() <= LARGEST {
        let text = String::from_utf8_lossy(content.bytes);
        let place = content.place.clone();
        let text = Content { bytes: text.as_bytes(), format: Format::Text, place, depth: content.depth + 1 };
        super::scan(scanner, &text);
    }
}

fn is_opened_as_text(content: &Content<'_>, name: &str) -> bool {
    const ENDINGS: [&str; 26] = [
        ".py", ".pyi", ".pyw", ".sh", ".bash", ".zsh", ".envrc", ".yaml", ".yml", ".json", ".ipynb",
        ".jinja", ".jinja2", ".j2", ".toml", ".cfg", ".ini", ".xml", ".pmml", ".r", ".prompt", ".prompty",
        ".pbtxt", ".cmake", ".mk", ".service",
    ];
    const NAMES: [&str; 4] = ["mlmodel", "makefile", "modelfile", "snakefile"];
    let requirements = name.contains("requirements") && (name.ends_with(".txt") || name.ends_with(".in"));
    let image = crate::repository::builds_image(name);
    if requirements || image || NAMES.contains(&name) || ENDINGS.iter().any(|ending| name.ends_with(ending)) {
        // What has no format is judged as it is.
        return content.format != Format::Unknown;
    }
    // Checkpoints of torch have the ending of Python's path files.
    let foreign =
        matches!(content.format, Format::Media(_) | Format::Parquet | Format::Arrow | Format::Opaque(_));
    name.ends_with(".pth")
        && (foreign
            || !matches!(content.format, Format::Pickle(_) | Format::Unknown)
                && std::str::from_utf8(content.bytes).is_ok_and(|text| !text.contains('\0')))
}
