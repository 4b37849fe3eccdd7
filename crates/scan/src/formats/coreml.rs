//! Core ML: stock layers compute; a custom layer or model is a class of the application that loads it.

use proofhouse_artifact::{ArtifactError, coreml};

use super::payload;
use crate::scanner::{Content, Scanner};

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let model = coreml::model(content.bytes);
    for error in &model.errors {
        let rule = match error {
            ArtifactError::Limit { .. } => "format/unscannable",
            _ => "coreml/malformed",
        };
        scanner.report(rule, content.at(error.offset().unwrap_or(0)), error.to_string());
    }
    for (class, at) in &model.custom {
        let message = format!("the class {class:?} of the loading application runs");
        scanner.report("coreml/custom-code", content.at(*at), message);
    }
    for at in model.endless.iter().take(20) {
        let message = "a loop of the network goes on for ever once it is entered";
        scanner.report("coreml/exhausts", content.at(*at), message);
    }
    for (file, at) in &model.files {
        if !super::onnx::stays_inside(file) {
            scanner.report("coreml/path", content.at(*at), format!("weights are taken from {file:?}"));
        }
    }
    for (at, length) in &model.values {
        let range = usize::try_from(*at).ok().zip(usize::try_from(at + length).ok());
        if let Some(what) = range.and_then(|(from, to)| payload::kind(content.bytes.get(from..to)?)) {
            scanner.report("coreml/embedded-payload", content.at(*at), format!("a value is {what}"));
        }
    }
    for (at, length) in &model.opaque {
        let message = format!("{length} bytes that only the system reads");
        scanner.report("format/unscannable", content.at(*at), message);
    }
    match model.errors.first() {
        Some(error) => error.offset().unwrap_or(0),
        None => content.bytes.len() as u64,
    }
}

pub(crate) fn blobs(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    match coreml::blobs(content.bytes) {
        Ok(blobs) => {
            for (at, length) in blobs {
                let range = usize::try_from(at).ok().zip(usize::try_from(at + length).ok());
                let bytes = range.and_then(|(from, to)| content.bytes.get(from..to));
                if let Some(what) = bytes.and_then(payload::kind) {
                    scanner.report("coreml/embedded-payload", content.at(at), format!("a blob is {what}"));
                }
            }
            content.bytes.len() as u64
        }
        Err(error) => {
            let at = error.offset().unwrap_or(0);
            scanner.report("coreml/malformed", content.at(at), error.to_string());
            at
        }
    }
}
