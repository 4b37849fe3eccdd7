//! JSON: data, unless its keys ask a loader for code.

use proofhouse_artifact::json::{self, Value};

use super::started::{Started, quoted};
use super::{notebook, template};
use crate::scanner::{Content, Scanner};

/// Far more than any configuration; vocabularies of a million entries fit. Bounds memory: about 60 bytes each.
const MAX_VALUES: u64 = 6_000_000;

/// How deep values lie in each other, if deeper than any that somebody writes.
fn nested(text: &[u8]) -> Option<usize> {
    const DEEP: usize = 2000;
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0usize, 0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    (deepest > DEEP).then_some(deepest)
}

/// Most words of a list that is a command.
const MOST_WORDS: usize = 32;

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let text = content.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content.bytes);
    let document = match json::parse(text, MAX_VALUES) {
        Ok(document) => document,
        Err(error) => {
            if let Some(deep) = nested(text) {
                let message = format!(
                    "values lie {deep} deep in each other: readers that call themselves run out of stack"
                );
                scanner.report("json/malformed", content.place.clone(), message);
            }
            let message = format!("JSON that is nested too deep or too large to look through: {error}");
            scanner.report("format/unscannable", content.place.clone(), message);
            return 0;
        }
    };
    super::keras::judge(scanner, content, &document);
    super::skops::judge(scanner, content, &document);
    super::paddle::json(scanner, content, &document);
    super::onnx::json(scanner, content, &document);
    super::boosters::xgboost(scanner, content, &document);
    mxnet(scanner, content, &document);
    super::zarr::scan(scanner, content, &document);
    super::chunks::zeppelin(scanner, content, &document);
    if notebook::is_notebook(content.name(), &document) {
        notebook::scan(scanner, content, &document);
        return content.bytes.len() as u64;
    }
    crate::repository::configuration(scanner, content, &document);
    super::flows::judge(scanner, content, &document);
    super::langchain::judge(scanner, content, &document);
    super::rows::records(scanner, content, document.as_array().unwrap_or_default());
    let mut stack = vec![&document];
    while let Some(value) = stack.pop() {
        match value {
            Value::Array(elements) => {
                command(scanner, content, elements);
                super::orders::growth(scanner, &content.place, elements);
                stack.extend(elements);
            }
            Value::Text(text) => super::kept::text(scanner, &content.place, "an element", text),
            Value::Object(members) => {
                super::orders::normaliser(scanner, &content.place, members);
                started(scanner, content, members);
                for (key, value) in members {
                    match key.as_str() {
                        "weightsManifest" => manifest(scanner, content, value),
                        "refs" => references(scanner, content, value),
                        "externalData" => super::onnx::external_json(scanner, content, value),
                        _ => {}
                    }
                    super::orders::padding(scanner, &content.place, key, value);
                    if key == "chat_template" {
                        templates(scanner, content, value);
                    } else if let Value::Text(text) = value {
                        super::orders::pair(scanner, &content.place, key, text);
                        super::orders::command(scanner, &content.place, key, text);
                        super::chunks::program(scanner, &content.place, key, text);
                        super::kept::text(scanner, &content.place, key, text);
                        super::orders::base(scanner, &content.place, key, text);
                        super::orders::credential(scanner, &content.place, key, text);
                        super::yaml::named_type(scanner, &content.place, key, text);
                        built(scanner, content, key, text);
                    }
                    if !matches!(value, Value::Text(_)) {
                        stack.push(value);
                    }
                }
            }
            _ => {}
        }
    }
    content.bytes.len() as u64
}

/// A program under one key and its words under another.
fn started(scanner: &mut Scanner<'_>, content: &Content<'_>, members: &[(String, Value)]) {
    let mut started = Started::default();
    for (key, value) in members {
        match value {
            Value::Text(text) => started.add(key, text),
            Value::Array(words) => {
                let words: Vec<String> =
                    words.iter().take(MOST_WORDS).filter_map(Value::as_text).map(str::to_owned).collect();
                started.add(key, &quoted(&words));
            }
            _ => {}
        }
    }
    if let Some(whole) = started.harmful() {
        let shown: String = whole.chars().take(80).collect();
        scanner.report("code/harmful", content.place.clone(), format!("a tool runs a command: {shown:?}"));
    }
}

/// A list that is a command with its words.
fn command(scanner: &mut Scanner<'_>, content: &Content<'_>, elements: &[Value]) {
    if !(2..=MOST_WORDS).contains(&elements.len()) || !elements.iter().all(|e| matches!(e, Value::Text(_))) {
        return;
    }
    let words: Vec<String> =
        elements.iter().filter_map(Value::as_text).filter(|w| w.len() < 4096).map(str::to_owned).collect();
    let whole = quoted(&words);
    if super::shell::is_harmful(&whole) {
        let shown: String = whole.chars().take(80).collect();
        scanner.report("code/harmful", content.place.clone(), format!("a list is a command: {shown:?}"));
    }
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

/// Where fsspec reads the chunks of an array from (kerchunk): pieces of files, by address.
fn references(scanner: &mut Scanner<'_>, content: &Content<'_>, value: &Value) {
    for (key, chunk) in value.as_object().unwrap_or_default() {
        let Some(address) = chunk.as_array().and_then(|chunk| chunk.first()).and_then(Value::as_text) else {
            continue;
        };
        let path = address.strip_prefix("file://").or_else(|| address.strip_prefix("local://"));
        let outside = path.is_some() || !address.contains("://") && !super::onnx::stays_inside(address);
        let inner = crate::address::host(address).is_some_and(crate::address::is_metadata);
        if outside || inner {
            let message = format!("the chunk {key:?} is read from {address:?}, which is the machine's");
            return scanner.report("repo/unsafe-path", content.place.clone(), message);
        }
    }
}

/// What jsonpickle calls, and where registries of models look for their layers.
fn built(scanner: &mut Scanner<'_>, content: &Content<'_>, key: &str, text: &str) {
    match key {
        "py/function" | "py/object" | "py/type" | "py/newobj" => {
            let place = content.place.clone();
            if let Some(what) = super::yaml::sink(scanner, text) {
                let message = format!("jsonpickle imports {text}, which {what}");
                scanner.report("config/unsafe-target", place, message);
            } else if !super::yaml::library("class_path", text) {
                scanner.report(
                    "config/remote-code",
                    place,
                    format!("jsonpickle imports and builds {text:?}"),
                );
            }
        }
        "digest" if text.contains("../") => {
            let message = format!("a layer is taken from {text:?}, outside of the store");
            scanner.report("repo/unsafe-path", content.place.clone(), message);
        }
        "_type" if ["llm_bash_chain", "pal_chain", "python_repl", "llm_python_chain"].contains(&text) => {
            let message = format!("the chain {text:?} runs what a language model answers");
            scanner.report("config/unsafe-target", content.place.clone(), message);
        }
        _ => {}
    }
}

/// A graph of MXNet: an operator of Python's is looked up by the name that it is registered under.
fn mxnet(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &Value) {
    let members = document.as_object().unwrap_or_default();
    // Of a key that stands twice, the last counts.
    let of = |name: &str| members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value);
    if of("arg_nodes").is_none() || of("heads").is_none() {
        return;
    }
    const FOREIGN: [&str; 4] = ["Custom", "_Native", "_NDArray", "_CustomFunction"];
    for node in of("nodes").and_then(Value::as_array).unwrap_or_default() {
        let op = node.as_object().and_then(|node| node.iter().rev().find(|(key, _)| key == "op"));
        if let Some(op) = op.and_then(|(_, op)| op.as_text()).filter(|op| FOREIGN.contains(op)) {
            let message = format!("a node uses the operator {op:?}, which is code of the one who loads it");
            return scanner.report("mxnet/custom-operator", content.place.clone(), message);
        }
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
                continue;
            }
            let alone = group
                .iter()
                .any(|(key, paths)| key == "paths" && paths.as_array().is_some_and(|p| p.len() == 1));
            let end = if alone { weights(group) } else { None };
            scanner.vouch(content, path, std::iter::once(0..end.unwrap_or(u64::MAX)).collect());
        }
    }
}

/// Bytes of a group of weights, which lie back to back.
fn weights(group: &[(String, Value)]) -> Option<u64> {
    let of = |members: &[(String, Value)], name: &str| json::last(members, name).cloned();
    let mut total = 0u64;
    for weight in of(group, "weights")?.as_array()? {
        let members = weight.as_object()?;
        let quantized = of(members, "quantization").and_then(|q| of(q.as_object()?, "dtype"));
        let width = match quantized.or_else(|| of(members, "dtype"))?.as_text()? {
            "float32" | "int32" => 4,
            "float16" | "uint16" => 2,
            "uint8" | "bool" => 1,
            "complex64" => 8,
            _ => return None,
        };
        let shape = of(members, "shape")?;
        let count = shape.as_array()?.iter().try_fold(1u64, |n, size| n.checked_mul(size.as_size()?))?;
        total = total.checked_add(count.checked_mul(width)?)?;
    }
    Some(total)
}
