//! Any other HTTP address of a model: a body with places for rows, and a pointer to the answers.

use std::path::Path;

use bytes::Bytes;
use proofhouse_dialogue::json;
use serde_json::{Value, json};

use crate::http::Sender;
use crate::template::{Envelope, TemplateFile};
use crate::tensor::{self, Rows, Tensor};
use crate::{Answers, EndpointError, Limits, RowTarget, Rowwise};

/// An HTTP address that is asked by a template.
///
/// The file is that of [`crate::Template`]. In the body, a string that is `{{rows}}` alone becomes the list of rows,
/// each in lists within lists as its shape says; `{{flat_rows}}` the list of rows, each one list; `{{row}}` and
/// `{{flat_row}}` one row, for a server that takes one at a time. `answer` points to the answers (JSON pointer): a list
/// with one element for each row, or, of one row, to its answer.
pub struct RowTemplate {
    body: Value,
    answer: String,
    single: bool,
    sender: Sender,
}

const PLACES: [&str; 4] = ["{{rows}}", "{{flat_rows}}", "{{row}}", "{{flat_row}}"];

impl RowTemplate {
    /// Reads a template from JSON. `socket` is where to connect to, whatever its address says.
    pub fn read(bytes: &[u8], socket: Option<&Path>, limits: Limits) -> Result<Self, EndpointError> {
        let wrong = |why: &str| EndpointError::Setting(format!("the template: {why}"));
        let file = TemplateFile::read(bytes)?;
        let places = places(&file.body);
        if places.is_empty() {
            return Err(wrong(
                "its body has no place for rows: a string that is {{rows}}, {{flat_rows}}, {{row}} or \
                              {{flat_row}} and nothing else",
            ));
        }
        let single = places.iter().any(|place| place.ends_with("row}}"));
        if single && places.iter().any(|place| place.ends_with("rows}}")) {
            return Err(wrong("its body has places for one row and for many"));
        }
        let answer = file.answer.clone().unwrap_or_default();
        let sender = Envelope::of(&file)?.sender(socket, limits)?;
        Ok(Self { body: file.body, answer, single, sender })
    }

    /// Whether the address takes one row at a time.
    #[must_use]
    pub const fn takes_one(&self) -> bool {
        self.single
    }

    /// The address as the file has it.
    pub fn address(bytes: &[u8]) -> Result<String, EndpointError> {
        Ok(TemplateFile::read(bytes)?.url)
    }
}

impl RowTarget for RowTemplate {
    fn describe(&self) -> String {
        self.sender.shown()
    }

    fn ask<'a>(&'a self, rows: Rows<'a>) -> Rowwise<'a> {
        Box::pin(async move {
            let n = rows.count();
            if self.single && n != 1 {
                return Err(EndpointError::Setting("this address takes one row at a time".to_owned()));
            }
            let body = filled(&self.body, &rows).to_string();
            let (bytes, attempts) = self.sender.ask(Bytes::from(body)).await?;
            let wrong = |why: String| EndpointError::Answer(self.sender.clean(&why));
            let value = tensor::parse(&bytes).map_err(|error| wrong(error.reason()))?;
            let at = value.pointer(&self.answer);
            let at = at.ok_or_else(|| wrong(format!("there is nothing at {:?}", self.answer)))?;
            let output = output(at, n, self.single).map_err(|error| wrong(error.reason()))?;
            Ok(Answers { outputs: vec![output], attempts })
        })
    }
}

/// The answers of `n` rows as a tensor of the shape `[n]` or `[n, classes]`.
fn output(at: &Value, n: usize, single: bool) -> Result<Tensor, EndpointError> {
    let wrong = |why: String| EndpointError::Answer(why);
    let whole;
    // Of one row, an answer that is not in a list of its own.
    let at = match at {
        Value::Array(list) if single && !(list.len() == 1 && list.iter().all(Value::is_array)) => {
            whole = json!([list]);
            &whole
        }
        Value::Array(_) => at,
        scalar if single => {
            whole = json!([scalar]);
            &whole
        }
        _ => return Err(wrong("the answer is no list with one element for each row".to_owned())),
    };
    let list = at.as_array().map_or(&[][..], Vec::as_slice);
    if list.len() != n {
        return Err(wrong(format!("{} answers came for {n} rows", list.len())));
    }
    let widths: Vec<Option<usize>> = list.iter().map(|row| row.as_array().map(Vec::len)).collect();
    let first = widths.first().copied().flatten();
    if widths.iter().any(|width| *width != first) {
        return Err(wrong("the answers of different rows have different lengths".to_owned()));
    }
    let shape = std::iter::once(n).chain(first).collect();
    Tensor::of("answer", shape, None, at)
}

/// The places in a body.
fn places(body: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    let mut next = vec![body];
    while let Some(value) = next.pop() {
        match value {
            Value::String(text) if PLACES.contains(&text.as_str()) => found.push(text.as_str()),
            Value::Array(elements) => next.extend(elements),
            Value::Object(members) => next.extend(members.values()),
            _ => {}
        }
    }
    found
}

/// The body with the rows in it. A body is of a file that was read with a bound on its depth.
fn filled(body: &Value, rows: &Rows<'_>) -> Value {
    let flat = Rows { shape: &[rows.shape.iter().product()], ..*rows };
    match body {
        Value::String(text) => match text.as_str() {
            "{{rows}}" => rows.nested(false),
            "{{flat_rows}}" => flat.nested(false),
            "{{row}}" => rows.nested(true),
            "{{flat_row}}" => flat.nested(true),
            _ => body.clone(),
        },
        Value::Array(elements) => elements.iter().map(|e| filled(e, rows)).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), filled(value, rows))).collect()
        }
        other => other.clone(),
    }
}

impl TemplateFile {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, EndpointError> {
        let wrong = |why: String| EndpointError::Setting(format!("the template: {why}"));
        let value = json::parse(bytes, &json::Limits::default()).map_err(|e| wrong(e.to_string()))?;
        let file: Self = serde_json::from_value(value).map_err(|e| wrong(e.to_string()))?;
        if file.answer.as_ref().is_some_and(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
            return Err(wrong("\"answer\" is a JSON pointer, such as /choices/0/text".to_owned()));
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Values;

    #[test]
    fn answers_are_lists_or_stand_alone() {
        let shape = |at: Value, n, single| output(&at, n, single).map(|t| (t.shape, t.values));
        let numbers = |values: &[f64]| Values::Numbers(values.to_vec());
        assert_eq!(
            shape(json!([[0.1, 0.9], [1, 0]]), 2, false),
            Ok((vec![2, 2], numbers(&[0.1, 0.9, 1.0, 0.0])))
        );
        assert_eq!(shape(json!([1, 0]), 2, false), Ok((vec![2], numbers(&[1.0, 0.0]))));
        assert_eq!(shape(json!([0.1, 0.9]), 1, true), Ok((vec![1, 2], numbers(&[0.1, 0.9]))));
        assert_eq!(shape(json!([[0.1, 0.9]]), 1, true), Ok((vec![1, 2], numbers(&[0.1, 0.9]))));
        assert_eq!(shape(json!("cat"), 1, true), Ok((vec![1], Values::Texts(vec!["cat".to_owned()]))));
        for (at, n) in [(json!([1]), 2), (json!({}), 1), (json!([[1, 2], [1]]), 2), (json!([[1], 1]), 2)] {
            assert!(shape(at.clone(), n, false).is_err(), "{at}");
        }
    }

    #[test]
    fn a_body_has_one_kind_of_place() {
        let read = |body: Value| {
            let file = json!({ "url": "http://127.0.0.1:1/", "body": body });
            RowTemplate::read(file.to_string().as_bytes(), None, Limits::default()).map(|t| t.takes_one())
        };
        assert_eq!(read(json!({ "instances": "{{rows}}" })), Ok(false));
        assert_eq!(read(json!({ "x": ["{{flat_row}}"] })), Ok(true));
        assert!(read(json!({ "x": "rows: {{rows}}" })).is_err());
        assert!(read(json!({ "x": "{{row}}", "y": "{{rows}}" })).is_err());
        let rows = Rows { values: &[1.0, 2.0, 3.0, 4.0], shape: &[2, 1], others: &[] };
        let body = json!({ "a": "{{rows}}", "b": "{{flat_rows}}", "c": "x" });
        let expected =
            json!({ "a": [[[1.0], [2.0]], [[3.0], [4.0]]], "b": [[1.0, 2.0], [3.0, 4.0]], "c": "x" });
        assert_eq!(filled(&body, &rows), expected);
    }
}
