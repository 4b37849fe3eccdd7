//! TensorFlow graphs: a graph is a program, and each operation in it is judged by what running it does.
//!
//! Operations compute on tensors, with few exceptions: some read, write or fetch files, one calls Python by a
//! number. The table says which; an operation that it does not have comes from somebody's native library.

use std::collections::HashMap;
use std::sync::LazyLock;

use memchr::memmem;
use proofhouse_artifact::tensorflow::{self, Root, Survey};
use proofhouse_artifact::{ArtifactError, Format};
use proofhouse_core::Place;

use super::payload;
use crate::scanner::{Content, Scanner};

mod spelt;

static OPERATIONS: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let rows = include_str!("../../data/tensorflow.csv").lines().filter(|l| !l.starts_with('#'));
    rows.filter_map(|l| l.split_once(',')).collect()
});

/// Judges an operation by name. Shared with TensorFlow Lite, which runs these operations too.
pub(super) fn operation(scanner: &mut Scanner<'_>, place: Place, name: &str, count: u64) {
    let nodes = if count == 1 { "a node".to_owned() } else { format!("{count} nodes") };
    match OPERATIONS.get(name).copied() {
        Some("compute" | "attribute" | "table") => {}
        Some(what @ ("reads files" | "ends the process")) => {
            let message = format!("{nodes} with the operation {name}, which {what}");
            scanner.report("tensorflow/reaches-out", place, message);
        }
        Some(what) => {
            let message = format!("{nodes} with the operation {name}, which {what}");
            scanner.report("tensorflow/unsafe-operation", place, message);
        }
        None => {
            let message = format!("{nodes} with the operation {name:?}, which TensorFlow does not have");
            scanner.report("tensorflow/custom-operation", place, message);
        }
    }
}

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, root: Root) -> u64 {
    let survey = tensorflow::survey(content.bytes, root);
    let mut first_error = None;
    for error in &survey.errors {
        let offset = error.offset().unwrap_or(0);
        first_error.get_or_insert(offset);
        let rule = match error {
            ArtifactError::Limit { .. } => "format/unscannable",
            _ => "tensorflow/malformed",
        };
        scanner.report(rule, content.at(offset), error.to_string());
    }
    for (name, used) in &survey.operations {
        if !survey.functions.contains(name) || OPERATIONS.contains_key(name.as_str()) {
            let place = content.place.clone().within(used.node.as_str()).at(used.offset);
            operation(scanner, place, name, used.count);
        }
        if OPERATIONS.get(name.as_str()) == Some(&"table") && survey.assets.is_empty() {
            let place = content.place.clone().within(used.node.as_str()).at(used.offset);
            let message = format!("{name} reads a file, and the model brings none");
            scanner.report("tensorflow/reaches-out", place, message);
        }
    }
    for excess in survey.excesses.iter().take(20) {
        let place = content.place.clone().within(excess.node.as_str()).at(excess.at);
        scanner.report("tensorflow/exhausts", place, excess.what.clone());
    }
    for answer in survey.fixed_answers.iter().take(20) {
        let place = content.place.clone().within(answer.node.as_str()).at(answer.at);
        scanner.report("tensorflow/fixed-answer", place, answer.what);
    }
    texts(scanner, content, &survey);
    for asset in &survey.assets {
        if !super::onnx::stays_inside(asset) {
            let message = format!("the asset {asset:?} lies outside the model");
            scanner.report("tensorflow/asset-path", content.place.clone(), message);
        }
    }
    first_error.unwrap_or(content.bytes.len() as u64)
}

/// Whether a text is a path of a machine's own folders or of somebody's store, or one that leaves wherever it is taken from.
fn of_the_machine(text: &str) -> bool {
    const FOLDERS: [&str; 16] = [
        "/tmp/", "/data/", "/bin/", "/boot/", "/dev/", "/etc/", "/home/", "/lib/", "/mnt/", "/opt/",
        "/proc/", "/root/", "/srv/", "/sys/", "/usr/", "/var/",
    ];
    // Stores that TensorFlow writes to as to folders.
    const STORES: [&str; 6] = ["gs://", "s3://", "hdfs://", "viewfs://", "file://", "cns://"];
    let path = text.len() < 4096 && !text.contains(['\n', ' ']);
    path && (FOLDERS.iter().chain(&STORES).any(|folder| text.starts_with(folder))
        || text.starts_with("../")
        || text.starts_with("~/"))
}

/// Whether an attribute makes its operation read, write or map a file, or talk to somebody.
fn leads_out(operation: &str, attribute: &str, value: &str) -> bool {
    let leads = match attribute {
        // Memory that is mapped from a file of that name.
        "memory_region_name" => !value.is_empty(),
        "output_stream" => value.starts_with("file:"),
        "debug_urls" => !value.starts_with("memcbk:"),
        "descriptor_source" => !value.starts_with("local:") && !value.starts_with("bytes:"),
        _ => false,
    };
    leads && OPERATIONS.get(operation) == Some(&"attribute")
}

/// Attributes of an operation inside of TensorFlow Lite, which keeps the node as it was among the options of a custom
/// operator (`flex/delegate`): a name, and behind it the value in the encoding of `AttrValue`.
pub(super) fn attributes(scanner: &mut Scanner<'_>, place: &Place, operation: &str, bytes: &[u8]) {
    /// Places at which a name stands that are looked at.
    const MOST: usize = 4096;
    if OPERATIONS.get(operation) != Some(&"attribute") {
        return;
    }
    for attribute in ["memory_region_name", "output_stream", "debug_urls", "descriptor_source"] {
        for at in memmem::find_iter(bytes, attribute).take(MOST) {
            let value = bytes.get(at + attribute.len()..).and_then(string_of).unwrap_or_default();
            if leads_out(operation, attribute, value) {
                let message = format!("{attribute} of {operation} is {value:?}");
                scanner.report("tensorflow/reaches-out", place.clone().at(at as u64), message);
            }
        }
    }
}

/// The text of an `AttrValue` in field 2 of a map's entry: `s`, or the first of `list { s }`.
fn string_of(bytes: &[u8]) -> Option<&str> {
    let (value, _) = delimited(bytes, 0x12)?;
    let value = delimited(value, 0x0a).map_or(value, |(list, _)| list);
    std::str::from_utf8(delimited(value, 0x12)?.0).ok()
}

/// A field of bytes with this tag at the beginning (protocol buffers, "Encoding"), and what follows it.
fn delimited(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let mut rest = bytes.strip_prefix(&[tag])?;
    let mut length = 0usize;
    for shift in [0, 7, 14, 21] {
        let (byte, after) = rest.split_first()?;
        rest = after;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return rest.split_at_checked(length);
        }
    }
    None
}

fn touches_files(survey: &Survey) -> bool {
    const FILES: [&str; 9] =
        ["Save", "Restore", "MergeV2", "Dataset", "File", "Directory", "Shard", "Checkpoint", "Vocab"];
    survey.operations.keys().any(|operation| FILES.iter().any(|part| operation.contains(part)))
}

/// What stands in attributes, and the configuration that Keras keeps.
fn texts(scanner: &mut Scanner<'_>, content: &Content<'_>, survey: &Survey) {
    let slice = |offset: u64, length: u64| {
        let (at, length) = (usize::try_from(offset).ok()?, usize::try_from(length).ok()?);
        content.bytes.get(at..at.checked_add(length)?)
    };
    for text in &survey.texts {
        let bytes = slice(text.offset, text.bytes).unwrap_or_default();
        let place =
            content.place.clone().within(format!("{}.{}", text.operation, text.attribute)).at(text.offset);
        let value = std::str::from_utf8(bytes).unwrap_or_default();
        // Files that came along are named by whatever path they had; without any, a path is of the machine that runs it.
        if text.operation == "Const"
            && survey.assets.is_empty()
            && of_the_machine(value)
            && touches_files(survey)
        {
            let message = format!("a constant is the path {value:?}, in a graph that reads or writes files");
            scanner.report("tensorflow/reaches-out", place.clone(), message);
        }
        if leads_out(&text.operation, &text.attribute, value) {
            let message = format!("{} of {} is {value:?}", text.attribute, text.operation);
            scanner.report("tensorflow/reaches-out", place.clone(), message);
        }
        if let Some(what) = payload::kind(bytes) {
            scanner.report("tensorflow/embedded-payload", place, format!("the constant is {what}"));
        }
    }
    for (offset, length) in &survey.metadata {
        let bytes = slice(*offset, *length).unwrap_or_default();
        if bytes.trim_ascii_start().starts_with(b"{") {
            let place = content.place.clone().within("metadata").at(*offset);
            let inner = Content { bytes, format: Format::Json, place, depth: content.depth + 1 };
            super::keras::metadata::layer(scanner, &inner);
        }
    }
}

/// The same graph as text (`.pbtxt`).
pub(super) fn text(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    match spelt::text(text) {
        Some((root, Ok(bytes))) => {
            let place = content.place.clone().within("graph");
            let format = Format::TensorFlow(root);
            scan(scanner, &Content { bytes: &bytes, format, place, depth: content.depth + 1 }, root);
        }
        Some((_, Err(at))) => {
            let message = "a graph as text that is not read to its end";
            scanner.report("format/unscannable", content.at(at as u64), message);
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Outcome, scan_bytes};

    #[test]
    fn the_table_is_understood() {
        let rows = include_str!("../../data/tensorflow.csv").lines().filter(|l| !l.starts_with('#')).count();
        assert_eq!(OPERATIONS.len(), rows);
        for benign in
            ["SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename", "StatefulPartitionedCall"]
        {
            assert_eq!(OPERATIONS.get(benign), Some(&"compute"), "{benign}");
        }
    }

    #[test]
    fn a_graph_as_text_is_judged_too() {
        let scan = |text: &str| {
            let report = scan_bytes(&"g.pbtxt".parse().unwrap(), text.as_bytes(), &Limits::default());
            (report.outcome, report.findings.first().map(|f| f.rule.clone()))
        };
        let write = "node {\n  name: \"w\"\n  op: \"WriteFile\"\n}\n";
        assert_eq!(scan(write), (Outcome::Malicious, Some("tensorflow/unsafe-operation".into())));
        for odd in [
            "# a\nversions { producer: 1 }\nnode\n{ name: \"w\" op :'Write' \"\\x46ile\" }",
            "library { function { signature { name: \"f\" } node_def < name: \"w\"; op\n:\n\"WriteFile\" > } }\nnode { op: \"f\" }",
            "saved_model_schema_version: 1 meta_graphs { graph_def { node { name: \"w\" op: \"WriteFile\" } } }",
            "node { name: \"p\" op: \"PrintV2\" attr { key: \"output_stream\" value { s: \"file:///etc/profile\" } } }",
        ] {
            assert!(scan(odd).0 >= Outcome::Suspicious, "{odd}");
        }
        assert_eq!(scan("node { name: \"w\" op: \"Const\"").0, Outcome::Unscannable);
        assert_eq!(
            scan("node {\n  calculator: \"FlowLimiterCalculator\"\n}\n# no op"),
            (Outcome::Clean, None)
        );
        assert_eq!(scan("node {\n  name: \"c\" op: \"Const\"\n}\n"), (Outcome::Clean, None));
        assert_eq!(scan("node is a word, op: \"WriteFile\" is not\n"), (Outcome::Clean, None));
    }

    #[test]
    fn attributes_of_a_node_in_options_are_read() {
        let node = |value: &[u8]| {
            let inner = [&[0x12, value.len() as u8], value].concat();
            let outer = [&[0x12, inner.len() as u8], &inner[..]].concat();
            [b"PrintV2*\x28\x0a\x0doutput_stream", &outer[..]].concat()
        };
        assert_eq!(string_of(&node(b"file:///tmp/x")[24..]), Some("file:///tmp/x"));
        assert!(leads_out("PrintV2", "output_stream", "file:///tmp/x"));
        assert!(!leads_out("PrintV2", "output_stream", "stderr"));
        assert!(!leads_out("Add", "output_stream", "file:///tmp/x"));
        for cut in [&b""[..], b"\x12", b"\x12\xff\xff\xff\xff\xff", b"\x12\x05\x12\x09ab"] {
            assert_eq!(string_of(cut), None, "{cut:?}");
        }
    }
}
