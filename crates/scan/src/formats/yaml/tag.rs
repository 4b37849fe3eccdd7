//! Tags by which loaders build objects or call functions.

use proofhouse_core::Place;

use super::sink;
use crate::scanner::Scanner;

/// A tag of HyperPyYAML, in which SpeechBrain writes models: what it names is imported, and called or built.
pub(super) fn hyper(scanner: &mut Scanner<'_>, place: Place, how: &str, name: &str) {
    const ROOTS: [&str; 10] = [
        "speechbrain.",
        "torch.",
        "torchaudio.",
        "transformers.",
        "numpy.",
        "random.",
        "math.",
        "functools.",
        "collections.",
        "os.path.",
    ];
    match sink(scanner, name) {
        Some(what) => {
            scanner.report("yaml/unsafe-tag", place, format!("a tag !{how} names {name}, which {what}"));
        }
        None if ROOTS.iter().any(|root| name.starts_with(root)) => {}
        None => scanner.report("yaml/python-tag", place, format!("a tag !{how} names {name}")),
    }
}

/// A tag of PyYAML: `name:`, `module:`, `object:`, `object/new:`, `object/apply:`, or a plain type.
pub(super) fn python(scanner: &mut Scanner<'_>, place: Place, tag: &str) {
    let Some((_, name)) = tag.split_once(':') else {
        // `python/tuple`, `python/unicode` and the like make plain values.
        if !matches!(
            tag,
            "tuple"
                | "str"
                | "unicode"
                | "bytes"
                | "int"
                | "long"
                | "float"
                | "bool"
                | "none"
                | "complex"
                | "list"
                | "dict"
        ) {
            scanner.report("yaml/python-tag", place, format!("a tag asks for the Python object {tag:?}"));
        }
        return;
    };
    // Importing one of these and taking a name of it is how pages of documentation are made.
    const PAGES: [&str; 6] = ["material.", "materialx.", "pymdownx.", "mermaid2.", "zensical.", "markdown."];
    if tag.starts_with("name:") && PAGES.iter().any(|page| name.starts_with(page)) {
        return;
    }
    match sink(scanner, name) {
        Some(what) => {
            let message = format!("a tag builds or calls {name}, which {what}");
            scanner.report("yaml/unsafe-tag", place, message);
        }
        None => scanner.report("yaml/python-tag", place, format!("a tag builds or calls {name}")),
    }
}
