//! MessagePack parameters of Flax: numbers, unless an extension asks its reader for more.

use proofhouse_artifact::{ArtifactError, msgpack};

use super::payload;
use crate::scanner::{Content, Scanner};

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let survey = match msgpack::survey(content.bytes) {
        Ok(survey) => survey,
        Err(error) => {
            let rule = match error {
                ArtifactError::Limit { .. } => "format/unscannable",
                _ => "msgpack/malformed",
            };
            scanner.report(rule, content.at(error.offset().unwrap_or(0)), error.to_string());
            return 0;
        }
    };
    let slice = |(at, length): (u64, u64)| {
        let (at, length) = (usize::try_from(at).ok()?, usize::try_from(length).ok()?);
        content.bytes.get(at..at.checked_add(length)?)
    };
    let mut blobs = survey.blobs;
    for (kind, at, length) in survey.extensions {
        let bytes = slice((at, length)).unwrap_or_default();
        match (kind, msgpack::survey(bytes)) {
            (1 | 3, Ok(inner)) => {
                if bytes.windows(7).take(64).any(|w| w == b"\xa6object")
                    || bytes.windows(3).take(64).any(|w| w == b"|O8")
                {
                    let message = "an array of Python objects, which its reader would unpickle";
                    scanner.report("msgpack/extension", content.at(at), message);
                }
                if let Some((needed, stored)) =
                    msgpack::array(bytes).filter(|(needed, stored)| needed != stored)
                {
                    let message = format!("an array takes {needed} bytes by its shape and has {stored}");
                    scanner.report("msgpack/malformed", content.at(at), message);
                }
                blobs.extend(inner.blobs.into_iter().map(|(from, length)| (at + from, length)));
            }
            (2 | -1, _) => {}
            _ => {
                let message = format!("an extension of type {kind}, which its reader decodes by itself");
                scanner.report("msgpack/extension", content.at(at), message);
            }
        }
    }
    for blob in blobs {
        if let Some(what) = slice(blob).and_then(payload::kind) {
            scanner.report("msgpack/embedded-payload", content.at(blob.0), format!("a value is {what}"));
        }
    }
    content.bytes.len() as u64
}
