//! The JSON Schema of the system file, and all of a file's structural problems found with it.

use std::sync::OnceLock;

use proofhouse_core::Place;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value as Json};

use crate::conditional;
use crate::error::did_you_mean;
use crate::source::{Key, Node, Value};
use crate::{System, SystemError};

/// The JSON Schema (draft 2020-12) of a system file, for editors and other tools.
#[must_use]
pub fn json_schema() -> Json {
    schema().clone()
}

/// Generated once: it depends on nothing but the types.
fn schema() -> &'static Json {
    static SCHEMA: OnceLock<Json> = OnceLock::new();
    SCHEMA.get_or_init(generate)
}

fn generate() -> Json {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<System>();
    let mut json = schema.to_value();
    if let Some(object) = json.as_object_mut() {
        object.insert("title".to_owned(), "Proofhouse system file".into());
        object.insert("$id".to_owned(), "urn:proofhouse:system:v1".into());
    }
    json
}

/// What the schema says about the value at `path`, such as `datasets[train].licence`.
///
/// ```
/// let text = proofhouse_system::description("datasets[train].licence").unwrap();
/// assert!(text.starts_with("SPDX licence expression"));
/// ```
#[must_use]
pub fn description(path: &str) -> Option<String> {
    Walk { file_name: "", schema: schema(), errors: Vec::new() }.describe(path)
}

/// Every misspelt, missing or mistyped key and every number out of range.
pub(crate) fn check(file_name: &str, root: &Node) -> Vec<SystemError> {
    let mut walk = Walk { file_name, schema: schema(), errors: Vec::new() };
    // An explicit stack, as everywhere that input decides the depth.
    let mut open = vec![(String::new(), root, schema())];
    while let Some((path, node, schema)) = open.pop() {
        walk.node(&path, node, schema, &mut open);
    }
    walk.errors
}

struct Walk<'a> {
    file_name: &'a str,
    schema: &'a Json,
    errors: Vec<SystemError>,
}

type Open<'a> = Vec<(String, &'a Node, &'a Json)>;

impl<'a> Walk<'a> {
    fn node(&mut self, path: &str, node: &'a Node, schema: &'a Json, open: &mut Open<'a>) {
        let (schema, nullable) = self.resolve(schema);
        let words = words(schema);
        let kind = kind(schema);
        match (&node.value, kind) {
            (Value::Null, _) if nullable => {}
            (Value::Map(entries), "object") => self.object(path, node, entries, schema, open),
            (Value::List(items), "array") => {
                if let Some(of) = schema.get("items") {
                    open.extend(items.iter().enumerate().map(|(i, item)| (format!("{path}[{i}]"), item, of)));
                }
            }
            // Whether a plain `1.10` is a number or a version is for the typed reader to say.
            (Value::Text(_) | Value::Integer(_) | Value::Float(_), "string") => {
                if let Some(words) = words {
                    self.word(path, node, &words);
                }
            }
            (Value::Bool, "boolean") => {}
            (Value::Integer(i), "integer" | "number") => self.number(path, node, *i as f64, schema),
            (Value::Float(x), "number") => self.number(path, node, *x, schema),
            (value, kind) => {
                let hint = match kind {
                    "boolean" => Some("write true or false, or leave the key out if it is not known"),
                    "array" => Some("write a list: [a, b] or one \"- item\" a line"),
                    "object" => Some("write keys and values below it"),
                    _ => None,
                };
                self.report(
                    node.line,
                    node.column,
                    format!("{} is {}, expected {}", last(path), describe(value), article(kind)),
                    hint.map(str::to_owned),
                );
            }
        }
    }

    fn object(
        &mut self,
        path: &str,
        node: &Node,
        entries: &'a [(Key, Node)],
        schema: &'a Json,
        open: &mut Open<'a>,
    ) {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Json::as_object);
        for (key, value) in entries {
            let at = if path.is_empty() { key.name.clone() } else { format!("{path}.{}", key.name) };
            match properties.and_then(|p| p.get(&key.name)) {
                Some(of) => open.push((at, value, of)),
                None => {
                    let known = properties.unwrap_or(&none).keys().map(String::as_str);
                    let hint = did_you_mean(&key.name, known).map_or_else(
                        || format!("known here: {}", keys(properties.unwrap_or(&none))),
                        |near| format!("did you mean {near}?"),
                    );
                    self.report(key.line, key.column, format!("unknown key {:?}", key.name), Some(hint));
                }
            }
        }
        for name in required(schema) {
            if node.get(name).is_none() {
                self.missing(path, node, name, properties);
            }
        }
        let Some(branch) = conditional::branch(schema, |key| node.get(key)?.text()) else { return };
        let written = |name: &str| node.get(name).is_some_and(|n| !matches!(n.value, Value::Null));
        for name in required(branch).filter(|name| !written(name)) {
            self.missing(path, node, name, properties);
        }
        let foreign = branch.get("properties").and_then(Json::as_object);
        for (key, _) in entries.iter().filter(|(k, _)| foreign.is_some_and(|f| f.contains_key(&k.name))) {
            let hint = branch.get("$comment").and_then(Json::as_str).map(str::to_owned);
            self.report(key.line, key.column, format!("the key {:?} has no place here", key.name), hint);
        }
    }

    fn missing(&mut self, path: &str, node: &Node, name: &str, properties: Option<&Map<String, Json>>) {
        let meaning = properties.and_then(|p| p.get(name)).and_then(|s| s.get("description"));
        let hint = meaning.and_then(Json::as_str).map(|text| format!("add it: {text}"));
        let of = if path.is_empty() { "the system file" } else { path };
        self.report(node.line, node.column, format!("{of} has no key {name:?}"), hint);
    }

    fn word(&mut self, path: &str, node: &Node, words: &[&str]) {
        let Value::Text(text) = &node.value else {
            self.report(
                node.line,
                node.column,
                format!("{} is {}, expected one of {}", last(path), describe(&node.value), words.join(", ")),
                None,
            );
            return;
        };
        if !words.contains(&text.as_str()) {
            let hint = did_you_mean(text, words.iter().copied()).map_or_else(
                || format!("one of {}", words.join(", ")),
                |near| format!("did you mean {near}?"),
            );
            self.report(
                node.line,
                node.column,
                format!("{text:?} is not a value of {}", last(path)),
                Some(hint),
            );
        }
    }

    fn number(&mut self, path: &str, node: &Node, x: f64, schema: &Json) {
        let limit = |name: &str| schema.get(name).and_then(Json::as_f64);
        let holds = limit("minimum").is_none_or(|m| x >= m)
            && limit("maximum").is_none_or(|m| x <= m)
            && limit("exclusiveMinimum").is_none_or(|m| x > m)
            && limit("exclusiveMaximum").is_none_or(|m| x < m);
        if !holds || x.is_nan() {
            // The range types say their range in their description; plain numbers only have bounds.
            let expected = match (schema.get("description").and_then(Json::as_str), limit("minimum")) {
                (Some(text), _) if text.starts_with("a ") => text.to_owned(),
                (_, Some(minimum)) => format!("a number of at least {minimum}"),
                _ => "a number in its range".to_owned(),
            };
            self.report(node.line, node.column, format!("{} is {x}, expected {expected}", last(path)), None);
        }
    }

    fn describe(&self, path: &str) -> Option<String> {
        let mut at = self.schema;
        // Ids may contain dots, so the part in brackets is cut out before the rest is split.
        let mut outside = String::new();
        let mut depth = 0u32;
        for c in path.chars() {
            match c {
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                c if depth == 0 => outside.push(c),
                _ => {}
            }
        }
        let mut found = None;
        for name in outside.split('.') {
            let (object, _) = self.resolve(at);
            let object = object.get("items").map_or(object, |items| self.resolve(items).0);
            at = object.get("properties")?.get(name)?;
            found = at.get("description").and_then(Json::as_str);
        }
        found.map(str::to_owned)
    }

    /// Follows references and looks through "this or null".
    fn resolve(&self, mut schema: &'a Json) -> (&'a Json, bool) {
        let mut nullable = false;
        // The schema is our own and finite; the bound only makes that plain.
        for _ in 0..8 {
            if let Some(name) = schema.get("$ref").and_then(Json::as_str) {
                let name = name.trim_start_matches("#/$defs/");
                match self.schema.get("$defs").and_then(|d| d.get(name)) {
                    Some(target) => schema = target,
                    None => break,
                }
            } else if let Some(any) = schema.get("anyOf").and_then(Json::as_array) {
                nullable |= any.iter().any(is_null);
                match any.iter().find(|s| !is_null(s)) {
                    Some(branch) => schema = branch,
                    None => break,
                }
            } else {
                break;
            }
        }
        let types = schema.get("type").and_then(Json::as_array);
        nullable |= types.is_some_and(|t| t.iter().any(|t| t == "null"));
        (schema, nullable)
    }

    fn report(&mut self, line: u64, column: u64, what: String, hint: Option<String>) {
        let place = Place { line: Some(line), column: Some(column), ..Place::file(self.file_name) };
        self.errors.push(SystemError { place, what, hint });
    }
}

/// The keys an object has to have.
fn required(schema: &Json) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
}

fn is_null(schema: &Json) -> bool {
    schema.get("type").is_some_and(|t| t == "null")
}

/// The one type besides null.
fn kind(schema: &Json) -> &str {
    match schema.get("type") {
        Some(Json::String(kind)) => kind,
        Some(Json::Array(kinds)) => {
            kinds.iter().filter_map(Json::as_str).find(|k| *k != "null").unwrap_or("null")
        }
        // Enumerations of described words have no type of their own.
        _ if words(schema).is_some() => "string",
        _ => "value",
    }
}

/// The words an enumeration allows.
fn words(schema: &Json) -> Option<Vec<&str>> {
    if let Some(list) = schema.get("enum").and_then(Json::as_array) {
        return Some(list.iter().filter_map(Json::as_str).collect());
    }
    if let Some(only) = schema.get("const").and_then(Json::as_str) {
        return Some(vec![only]);
    }
    let alternatives = schema.get("oneOf").and_then(Json::as_array)?;
    Some(alternatives.iter().filter_map(words).flatten().collect())
}

fn keys(properties: &Map<String, Json>) -> String {
    properties.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn last(path: &str) -> &str {
    if path.is_empty() { "the system file" } else { path }
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool => "true or false",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Text(_) => "text",
        Value::List(_) => "a list",
        Value::Map(_) => "a group of keys",
    }
}

fn article(kind: &str) -> &'static str {
    match kind {
        "object" => "a group of keys",
        "array" => "a list",
        "string" => "text",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        _ => "something else",
    }
}
