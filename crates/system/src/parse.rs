//! From text to [`System`], in four steps: places, structure, types, meaning.
//!
//! 1. The text is read without types, under a budget, to learn where everything stands.
//! 2. It is held against the JSON Schema, which finds *all* misspelt, missing and mistyped keys at once.
//! 3. It is read with types. The types are the authority; the schema is only the better explainer.
//! 4. What the types cannot say (references, order of numbers, dates) is checked, all of it.

use proofhouse_core::Place;
use serde_saphyr::{Error, Options};

use crate::source::{Node, SourceMap};
use crate::{System, SystemError, SystemErrors, schema, validate};

/// Largest system file. A large real one is under a tenth of it.
const MAX_BYTES: usize = 1 << 20;

pub(crate) fn parse(file_name: &str, text: &str) -> Result<System, SystemErrors> {
    let fail = |errors| Err(SystemErrors::new(errors));
    if text.len() > MAX_BYTES {
        return fail(vec![SystemError {
            place: Place::file(file_name),
            what: format!("the file has {} bytes, more than {MAX_BYTES}", text.len()),
            hint: Some("keep data in datasets and name them here".to_owned()),
        }]);
    }
    let root: Node = match serde_saphyr::from_str_with_options(text, options()) {
        Ok(root) => root,
        Err(error) => return fail(vec![from_yaml(file_name, &error)]),
    };
    let source = SourceMap::new(file_name, &root);
    let structural = schema::check(file_name, &root);
    if !structural.is_empty() {
        return fail(structural);
    }
    let mut system: System = match serde_saphyr::from_str_with_options(text, options()) {
        Ok(system) => system,
        Err(error) => return fail(vec![from_yaml(file_name, &error)]),
    };
    system.source = source;
    let semantic = validate::check(&system);
    if semantic.is_empty() { Ok(system) } else { fail(semantic) }
}

/// Anchors, aliases, merges, tags and further documents have no use in a system file and are where YAML
/// bites; they are refused, not bounded.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_anchors: 0,
            max_aliases: 0,
            max_merge_keys: 0,
            max_documents: 1,
            max_depth: 24,
            max_events: 200_000,
            max_nodes: 100_000,
            max_total_scalar_bytes: MAX_BYTES,
        },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

fn from_yaml(file_name: &str, error: &Error) -> SystemError {
    let at = error.location();
    let place = Place {
        line: at.map(|l| l.line()).filter(|l| *l > 0),
        column: at.map(|l| l.column()).filter(|c| *c > 0),
        ..Place::file(file_name)
    };
    let (what, hint) = match error.without_snippet() {
        Error::DuplicateMappingKey { key, .. } => (
            format!("the key {} is given twice", key.as_deref().unwrap_or("here")),
            Some("keep one of them".to_owned()),
        ),
        Error::Budget { breach, .. } => (
            format!("the file is beyond what is read: {breach:?}"),
            Some("write it without anchors, aliases, merge keys and deep nesting".to_owned()),
        ),
        Error::Eof { .. } => ("the file is empty or ends too early".to_owned(), None),
        Error::MultipleDocuments { .. } => {
            ("there is more than one YAML document".to_owned(), Some("keep one".to_owned()))
        }
        Error::Message { msg, .. } => (msg.clone(), None),
        // The library appends the place to its own text; it is in `place` already.
        other => (strip_place(&other.to_string()), None),
    };
    SystemError { place, what, hint }
}

fn strip_place(text: &str) -> String {
    let first = text.lines().next().unwrap_or(text);
    let end = first.find(" at line ").unwrap_or(first.len());
    first[..end].trim_start_matches("error: ").to_owned()
}
