//! Models of CRFsuite: weights of features and names, every byte of which has to be one of theirs.

use proofhouse_artifact::crfsuite;

use super::payload;
use crate::scanner::{Content, Scanner};

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let model = match crfsuite::parse(content.bytes) {
        Ok(model) => model,
        Err(error) => {
            scanner.report("crfsuite/structure", content.at(error.offset().unwrap_or(0)), error.to_string());
            return 0;
        }
    };
    if model.broken > 0 {
        let message = format!("{} features have weights that are no numbers", model.broken);
        scanner.report("weights/not-a-number", content.place.clone(), message);
    }
    for range in model.names {
        let name = content.bytes.get(range.clone()).unwrap_or_default();
        if let Some(what) = payload::kind(name) {
            scanner.report(
                "format/embedded-payload",
                content.at(range.start as u64),
                format!("a name is {what}"),
            );
        }
        if name.len() >= LONG {
            super::kept::between(scanner, &content.at(range.start as u64), &String::from_utf8_lossy(name));
        }
    }
    super::kept::pickles(scanner, content);
    content.bytes.len() as u64
}

/// Names of features are words; what is longer is looked at as a text.
const LONG: usize = 64;
