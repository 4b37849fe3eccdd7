//! JSON: data, unless its keys ask a loader for code.

use proofhouse_artifact::json::{self, Value};

use super::{notebook, template};
use crate::scanner::{Content, Scanner};

/// Far more than any configuration; vocabularies of a million entries fit. Bounds memory: about 60 bytes each.
const MAX_VALUES: u64 = 6_000_000;

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let text = content.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content.bytes);
    let document = match json::parse(text, MAX_VALUES) {
        Ok(document) => document,
        Err(error) => {
            let message = format!("JSON that is nested too deep or too large to look through: {error}");
            scanner.report("format/unscannable", content.place.clone(), message);
            return 0;
        }
    };
    super::keras::judge(scanner, content, &document);
    super::skops::judge(scanner, content, &document);
    super::paddle::json(scanner, content, &document);
    super::boosters::xgboost(scanner, content, &document);
    if notebook::is_notebook(&document) {
        notebook::scan(scanner, content, &document);
        return content.bytes.len() as u64;
    }
    crate::repository::configuration(scanner, content, &document);
    let mut stack = vec![&document];
    while let Some(value) = stack.pop() {
        match value {
            Value::Array(elements) => stack.extend(elements),
            Value::Object(members) => {
                super::orders::normaliser(scanner, &content.place, members);
                for (key, value) in members {
                    if key == "weightsManifest" {
                        manifest(scanner, content, value);
                    }
                    if key == "chat_template" {
                        templates(scanner, content, value);
                    } else if let Value::Text(text) = value {
                        super::orders::pair(scanner, &content.place, key, text);
                        super::orders::command(scanner, &content.place, key, text);
                    }
                    stack.push(value);
                }
            }
            _ => {}
        }
    }
    content.bytes.len() as u64
}

/// `chat_template` of `tokenizer_config.json` and `chat_template.json`: a text, or a list of named ones.
fn templates(scanner: &mut Scanner<'_>, content: &Content<'_>, value: &Value) {
    let place = content.place.clone();
    match value {
        Value::Array(list) => {
            for entry in list.iter().filter_map(Value::as_object) {
                for (_, text) in entry.iter().filter(|(key, _)| key == "template") {
                    template::scan(scanner, &place, text.as_text().unwrap_or_default());
                }
            }
        }
        other => template::scan(scanner, &place, other.as_text().unwrap_or_default()),
    }
}

/// Files of weights that TensorFlow.js fetches, relative to the model.
fn manifest(scanner: &mut Scanner<'_>, content: &Content<'_>, value: &Value) {
    for group in value.as_array().unwrap_or_default().iter().filter_map(Value::as_object) {
        let paths = group.iter().filter(|(key, _)| key == "paths").filter_map(|(_, paths)| paths.as_array());
        for path in paths.flatten().filter_map(Value::as_text) {
            if !super::onnx::stays_inside(path) {
                let message = format!("weights are taken from {path:?}");
                scanner.report("repo/unsafe-path", content.place.clone(), message);
            }
        }
    }
}
