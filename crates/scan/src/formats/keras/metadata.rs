//! What a SavedModel has of Keras: for each layer the JSON by which it is made again, in `keras_metadata.pb` or beside the
//! saved object.
//!
//! A layer of a class that Keras does not know is made from the graph instead, without its configuration; so only what it
//! knows is judged, a Lambda layer with its marshalled function above all. Source: `keras/protobuf/saved_metadata.proto`
//! and `keras/saving/legacy/saved_model/load.py` of Keras 2.15.

use proofhouse_artifact::json;

use super::config;
use crate::scanner::{Content, Scanner};

/// Values of one layer's JSON.
const MOST_VALUES: u64 = 1_000_000;

/// Whether a file is one, by its name: Keras looks for no other.
pub(crate) fn is_metadata(content: &Content<'_>) -> bool {
    content.name() == "keras_metadata.pb"
}

/// Judges what is said of one layer.
pub(crate) fn layer(scanner: &mut Scanner<'_>, content: &Content<'_>) {
    match json::parse(content.bytes, MOST_VALUES) {
        Ok(document) => config::judge_revived(scanner, content, &document),
        Err(error) => {
            let message = format!("what is said of a layer is no JSON: {error}");
            scanner.report("tensorflow/malformed", content.place.clone(), message);
        }
    }
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
        // Neither a module beside the name nor a place within a configuration changes that.
        assert_eq!(
            outcome(&lambda.replacen("Lambda\"", "Lambda\", \"module\": \"x\"", 1)),
            Outcome::Suspicious
        );
        let named = r#"{"class_name": "Dense", "config": {"activation": {"class_name": "function", "module": "subprocess", "config": "getoutput", "registered_name": "getoutput"}}}"#;
        assert!(outcome(named) > Outcome::Clean);
        assert_eq!(outcome("{"), Outcome::Suspicious);
    }
}
