//! PaddlePaddle programs and parameters.

use std::collections::HashMap;
use std::sync::LazyLock;

use proofhouse_artifact::json::Value;
use proofhouse_artifact::{ArtifactError, paddle};

use super::payload;
use crate::scanner::{Content, Scanner};

static OPERATORS: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let rows = include_str!("../../data/paddle.csv").lines().filter(|l| !l.starts_with('#'));
    rows.filter_map(|l| l.split_once(',')).collect()
});

pub(crate) fn program(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let program = paddle::program(content.bytes);
    for error in &program.errors {
        let rule = match error {
            ArtifactError::Limit { .. } => "format/unscannable",
            _ => "paddle/malformed",
        };
        scanner.report(rule, content.at(error.offset().unwrap_or(0)), error.to_string());
    }
    for (name, (count, at)) in &program.operators {
        // Derivatives are named after what they derive.
        let forward = name.strip_suffix("_grad").unwrap_or(name);
        match OPERATORS.get(name.as_str()).or_else(|| OPERATORS.get(forward)).copied() {
            Some("compute") => {}
            Some(what @ ("reads files" | "runs an engine")) => {
                let message = format!("{count} times the operator {name}, which {what}");
                scanner.report("paddle/reaches-out", content.at(*at), message);
            }
            Some(what) => {
                let message = format!("{count} times the operator {name}, which {what}");
                scanner.report("paddle/unsafe-operator", content.at(*at), message);
            }
            None => {
                let message = format!("{count} times the operator {name:?}, which Paddle does not have");
                scanner.report("paddle/custom-operator", content.at(*at), message);
            }
        }
    }
    for (operator, at, length) in &program.texts {
        if let Some(what) = slice(content, *at, *length).and_then(payload::kind) {
            let place = content.place.clone().within(operator.as_str()).at(*at);
            scanner.report("paddle/embedded-payload", place, format!("a text of it is {what}"));
        }
    }
    match program.errors.first() {
        Some(error) => error.offset().unwrap_or(0),
        None => content.bytes.len() as u64,
    }
}

/// A program of Paddle 3 in JSON: every operation that it names.
pub(super) fn json(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &Value) {
    let magic = document.member("base_code").and_then(|b| b.member("magic")).and_then(Value::as_text);
    if magic != Some("pir") {
        return;
    }
    let mut stack = vec![document];
    while let Some(value) = stack.pop() {
        if let Some(name) = value.member("#").and_then(Value::as_text)
            && value.member("I").or_else(|| value.member("O")).is_some()
        {
            // The dialects 0 and 1 are Paddle's own: builtin and pd_op.
            let place = content.place.clone();
            match name.split_once('.') {
                Some(("0" | "1", operator)) => match OPERATORS.get(operator).copied() {
                    Some("compute") | None => {}
                    Some(what) => {
                        let message = format!("the operation {operator}, which {what}");
                        scanner.report("paddle/unsafe-operator", place, message);
                    }
                },
                None if name == "p" => {}
                _ => {
                    let message = format!("the operation {name:?} is of a foreign dialect");
                    scanner.report("paddle/custom-operator", place, message);
                }
            }
        }
        match value {
            Value::Array(elements) => stack.extend(elements),
            Value::Object(members) => stack.extend(members.iter().map(|(_, v)| v)),
            _ => {}
        }
    }
}

pub(crate) fn parameters(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    match paddle::parameters(content.bytes) {
        Ok(tensors) => {
            for (at, length) in tensors {
                if let Some(what) = slice(content, at, length).and_then(payload::kind) {
                    scanner.report(
                        "paddle/embedded-payload",
                        content.at(at),
                        format!("a parameter is {what}"),
                    );
                }
            }
            content.bytes.len() as u64
        }
        Err(error) => {
            let at = error.offset().unwrap_or(0);
            scanner.report("paddle/malformed", content.at(at), error.to_string());
            at
        }
    }
}

fn slice<'a>(content: &Content<'a>, at: u64, length: u64) -> Option<&'a [u8]> {
    let (at, length) = (usize::try_from(at).ok()?, usize::try_from(length).ok()?);
    content.bytes.get(at..at.checked_add(length)?)
}
