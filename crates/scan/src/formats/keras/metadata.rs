//! `keras_metadata.pb` of a SavedModel: for each layer the JSON by which Keras makes it again.
//!
//! A layer of a class that Keras does not know is made from the graph instead, without its configuration; so only what it
//! knows is judged, a Lambda layer with its marshalled function above all. Source: `keras/protobuf/saved_metadata.proto`
//! and `keras/saving/legacy/saved_model/load.py` of Keras 2.15.

use proofhouse_artifact::protobuf::{Fields, Value};
use proofhouse_artifact::{ArtifactError, json};

use super::config;
use crate::scanner::{Content, Scanner};

/// `SavedMetadata.nodes`, and in one of them `SavedObject.metadata`.
const NODES: u32 = 1;
const METADATA: u32 = 5;
/// Values of one layer's JSON.
const MOST_VALUES: u64 = 1_000_000;

/// Whether a file is one, by its name: by its bytes it may be any message.
pub(crate) fn is_metadata(content: &Content<'_>) -> bool {
    content.name() == "keras_metadata.pb"
}

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    if let Err(error) = layers(scanner, content) {
        scanner.report("format/unscannable", content.place.clone(), error.to_string());
        return 0;
    }
    content.bytes.len() as u64
}

fn layers(scanner: &mut Scanner<'_>, content: &Content<'_>) -> Result<(), ArtifactError> {
    for node in Fields::new(content.bytes) {
        let node = node?;
        let Some(fields) = node.message().filter(|_| node.number == NODES) else { continue };
        for field in fields {
            let field = field?;
            let Value::Bytes(text) = field.value else { continue };
            if field.number != METADATA {
                continue;
            }
            let document = json::parse(text, MOST_VALUES)?;
            let place = content.at(field.value_offset);
            let said = Content { bytes: text, format: content.format, place, depth: content.depth };
            config::judge_revived(scanner, &said, &document);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proofhouse_artifact::protobuf::Message;

    use crate::{Limits, Outcome, scan_bytes};

    #[test]
    fn functions_of_layers_are_told_and_classes_of_others_are_not() {
        let outcome = |layer: &str| {
            let (mut node, mut file) = (Message::default(), Message::default());
            node.text(5, layer);
            file.message(1, &node);
            let bytes = file.into_bytes();
            scan_bytes(&"keras_metadata.pb".parse().unwrap(), &bytes, &Limits::default()).outcome
        };
        let lambda = r#"{"class_name": "Lambda", "config": {"function": {"class_name": "__tuple__", "items": ["4wEAAAA=", null, null]}}}"#;
        assert_eq!(outcome(r#"{"class_name": "Dense", "config": {"units": 3}}"#), Outcome::Clean);
        assert_eq!(outcome(r#"{"class_name": "Own>Attention", "config": {"units": 3}}"#), Outcome::Clean);
        assert_eq!(outcome(lambda), Outcome::Suspicious);
        assert_eq!(outcome("{"), Outcome::Unscannable);
    }
}
