//! Keys that one value of another key asks for or rules out, said in the JSON Schema itself, so that
//! editors and other people's validators know it too.

use schemars::Schema;
use serde_json::{Map, Value as Json, json};

/// What holds in one case.
pub(crate) struct Branch {
    /// Keys that have to be there.
    pub required: &'static [&'static str],
    /// Keys that must not be.
    pub foreign: &'static [&'static str],
    /// What to do about a foreign key.
    pub why: &'static str,
}

impl Branch {
    fn schema(&self) -> Json {
        let foreign: Map<String, Json> =
            self.foreign.iter().map(|name| ((*name).to_owned(), Json::Bool(false))).collect();
        json!({ "required": self.required, "properties": foreign, "$comment": self.why })
    }
}

/// Adds to an object's schema: where `key` is `value` the first branch holds, else the second.
pub(crate) fn on(schema: &mut Schema, (key, value): (&str, &str), then: &Branch, otherwise: &Branch) {
    schema.insert("if".to_owned(), json!({ "properties": { key: { "const": value } }, "required": [key] }));
    schema.insert("then".to_owned(), then.schema());
    schema.insert("else".to_owned(), otherwise.schema());
}

/// The branch of an object's schema that holds for what is written: `says` yields the text at a key.
pub(crate) fn branch<'s, 'n>(schema: &'s Json, says: impl Fn(&str) -> Option<&'n str>) -> Option<&'s Json> {
    let condition = schema.get("if")?.get("properties")?.as_object()?;
    let holds = condition.iter().all(|(key, of)| {
        of.get("const").and_then(Json::as_str).is_some_and(|value| says(key) == Some(value))
    });
    schema.get(if holds { "then" } else { "else" })
}
