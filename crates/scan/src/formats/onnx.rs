//! ONNX: a graph runs nothing by itself; what it reaches for outside is what matters.

use std::collections::BTreeMap;
use std::ops::Range;

use proofhouse_artifact::Format;
use proofhouse_artifact::json;
use proofhouse_artifact::onnx::{self, Limits};
use proofhouse_core::Place;

use super::payload;
use crate::scanner::{Content, Scanner};
use crate::tensor::{self, Numbers, Tensor};
use crate::weights::Float;

mod spelt;

/// Operator domains that stock runtimes implement.
const KNOWN_DOMAINS: [&str; 6] =
    ["", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training", "com.microsoft"];

/// Operators beside the standard that are programs themselves, or names of what runs. Runtimes that are built for it have
/// some of them in their own domain.
const OUTSIDE: [(&str, &str); 10] = [
    // The attribute is the program, or a path that the runtime opens.
    ("EPContext", "a program compiled for one execution provider, inside the file or beside it"),
    ("SNPE", "a program compiled for one execution provider"),
    ("Snpe", "a program compiled for one execution provider"),
    ("PyOp", "a call of a class of a Python module that it names"),
    ("PyCustomOp", "a call of a Python function that it names"),
    ("PythonOp", "a call of a Python function that it names"),
    ("PythonOpGrad", "a call of a Python function that it names"),
    ("TritonOp", "a kernel that Python makes, by name or from a graph in a text"),
    ("ATen", "a call of torch's operator that it names"),
    ("ATenOp", "a call of torch's operator that it names"),
];

/// Domains in which only the standard defines operators.
const STANDARD: [&str; 4] = ["", "ai.onnx", "ai.onnx.ml", "ai.onnx.training"];

const CONTROL_FLOW: [&str; 4] = ["If", "Loop", "Scan", "SequenceMap"];

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let survey = onnx::survey(content.bytes, &Limits::default());
    let model = &survey.model;
    for error in &survey.errors {
        let offset = error.offset();
        let place = offset.map_or_else(|| content.place.clone(), |offset| content.at(offset));
        scanner.report("onnx/malformed", place, error.to_string());
    }
    for (operator, used) in &model.operators {
        let own = model.functions.contains(operator);
        let first = used.nodes.first().map_or("?", String::as_str);
        let place = content.place.clone().within(first).at(used.first_offset);
        if !own && !KNOWN_DOMAINS.contains(&operator.domain.as_str()) {
            let message = format!(
                "{} nodes use the operator {:?} of the domain {:?}",
                used.count, operator.name, operator.domain
            );
            scanner.report("onnx/custom-operator", place, message);
        } else if let Some((_, what)) = OUTSIDE.iter().find(|(name, _)| *name == operator.name)
            && operator.domain == "com.microsoft"
            && !own
        {
            scanner.report("onnx/custom-operator", place, format!("a node is {what}"));
        } else if matches!(operator.domain.as_str(), "" | "ai.onnx")
            && CONTROL_FLOW.contains(&operator.name.as_str())
        {
            let message = format!("{} nodes use the control-flow operator {}", used.count, operator.name);
            scanner.report("onnx/control-flow", place, message);
        }
    }
    for function in model.functions.iter().filter(|f| STANDARD.contains(&f.domain.as_str())) {
        let message = format!("a function of the file takes the name of the operator {:?}", function.name);
        scanner.report("onnx/shadowed-operator", content.place.clone(), message);
    }
    external_data(scanner, content, model);
    for (name, value) in &model.metadata_props {
        super::kept::metadata(scanner, &content.place, name, value);
    }
    for excess in survey.excesses.iter().take(20) {
        let place = content.place.clone().within(&excess.holder).at(excess.at);
        scanner.report("onnx/exhausts", place, excess.what.clone());
    }
    for answer in survey.fixed_answers.iter().take(20) {
        let place = content.place.clone().within(&answer.holder).at(answer.at);
        scanner.report("onnx/fixed-answer", place, answer.what);
    }
    for string in &model.string_attributes {
        let range = usize::try_from(string.offset).ok().zip(usize::try_from(string.bytes).ok());
        let bytes = range.and_then(|(at, length)| content.bytes.get(at..at.checked_add(length)?));
        if let Some(what) = bytes.and_then(payload::kind) {
            let place = content.place.clone().within(&string.holder).at(string.offset);
            scanner.report("onnx/embedded-payload", place, format!("the string is {what}"));
        }
    }
    twice(scanner, content, model);
    let tensors: Vec<Tensor<'_>> = model.initializers.iter().filter_map(|t| tensor(content, t)).collect();
    tensor::look(scanner, content, "onnx/embedded-payload", Numbers::Weights, &tensors);
    let first_error = survey.errors.first().map(|e| e.offset().unwrap_or(0));
    first_error.unwrap_or(content.bytes.len() as u64)
}

/// Weights of one name that differ: checkers and runtimes take one or the other.
fn twice(scanner: &mut Scanner<'_>, content: &Content<'_>, model: &onnx::Model) {
    let mut seen: BTreeMap<&str, &onnx::Initializer> = BTreeMap::new();
    for one in model.initializers.iter().filter(|one| one.in_main_graph && !one.name.is_empty()) {
        let Some(other) = seen.insert(&one.name, one) else { continue };
        let bytes = |one| tensor(content, one).map(|tensor| tensor.bytes);
        if bytes(one).is_none() || bytes(one) != bytes(other) {
            let place = content.place.clone().within(&one.name);
            let message = "two tensors of the graph have this name: readers differ in which one they take";
            scanner.report("onnx/malformed", place, message);
        }
    }
}

fn tensor<'a>(content: &Content<'a>, tensor: &'a onnx::Initializer) -> Option<Tensor<'a>> {
    let at = tensor.raw_offset?;
    let begin = usize::try_from(at).ok()?;
    let end = begin.checked_add(usize::try_from(tensor.bytes).ok()?)?;
    // `TensorProto.DataType` of onnx.proto3; raw data have the lowest byte first.
    let float = match tensor.element_type.0 {
        1 => Some(Float::Single),
        10 => Some(Float::Half),
        11 => Some(Float::Double),
        16 => Some(Float::Brain),
        _ => None,
    };
    Some(Tensor { name: &tensor.name, at, bytes: content.bytes.get(begin..end)?, float })
}

/// No file is larger: places beyond it are there for readers that add them up in too few bits.
const LARGEST_FILE: u64 = 1 << 50;

fn external_data(scanner: &mut Scanner<'_>, content: &Content<'_>, model: &onnx::Model) {
    let mut inside = BTreeMap::<&str, u64>::new();
    let mut ranges = BTreeMap::<&str, Vec<Range<u64>>>::new();
    for external in &model.external_data {
        let place = content.place.clone().within(&external.tensor).at(external.at);
        if let Some(key) = external.unknown.first() {
            let message = format!(
                "{key:?} of its bytes in another file is none of the format's: onnx before 1.21 sets it on its own object (CVE-2026-34445)"
            );
            scanner.report("onnx/malformed", place.clone(), message);
        }
        if external.repeats {
            let message = "where its bytes lie is said twice, and readers take one or the other";
            scanner.report("onnx/malformed", place.clone(), message);
        }
        match external.location.as_deref() {
            Some(location) if stays_inside(location) => {
                *inside.entry(location).or_default() += 1;
                for (what, text) in [("offset", &external.offset), ("length", &external.length)] {
                    if let Some(text) = text.as_deref().filter(|t| t.parse::<u64>().is_err()) {
                        let message = format!("its {what} in another file is {text:?}, which is no size");
                        scanner.report("onnx/malformed", place.clone(), message);
                    }
                }
                let number = |text: &Option<String>| text.as_deref().and_then(|t| t.parse::<u64>().ok());
                let start = number(&external.offset).unwrap_or(0);
                let length = number(&external.length);
                let end = length.map_or(u64::MAX, |n| start.saturating_add(n));
                if start.max(length.map_or(start, |_| end)) > LARGEST_FILE {
                    let message = format!("its bytes in another file end at {end}, where no file goes on");
                    scanner.report("onnx/malformed", place, message);
                }
                ranges.entry(location.strip_prefix("./").unwrap_or(location)).or_default().push(start..end);
            }
            Some(location) => {
                scanner.report("onnx/external-path", place, format!("its bytes are taken from {location:?}"));
            }
            None => {
                let message = "its bytes are external, but no location is given";
                scanner.report("onnx/malformed", place, message);
            }
        }
    }
    for (location, ranges) in ranges {
        scanner.vouch(content, location, ranges);
    }
    for (location, tensors) in inside {
        let message = format!("{tensors} tensors lie in {location:?}");
        scanner.report("onnx/external-data", content.place.clone(), message);
    }
}

/// External data of a model that is written as JSON (protobuf's mapping of it).
pub(super) fn external_json(scanner: &mut Scanner<'_>, content: &Content<'_>, value: &json::Value) {
    for entry in value.as_array().unwrap_or_default() {
        let of = |name: &str| entry.member(name).and_then(json::Value::as_text);
        if of("key") == Some("location") {
            leads_out(scanner, content.place.clone(), of("value").unwrap_or_default());
        }
    }
}

/// A model that is written as JSON, as the bytes that it stands for.
pub(super) fn json(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &json::Value) {
    if let Some(bytes) = spelt::json(document) {
        spelt_out(scanner, content, &bytes);
    }
}

fn spelt_out(scanner: &mut Scanner<'_>, content: &Content<'_>, bytes: &[u8]) {
    let place = content.place.clone().within("model");
    scan(scanner, &Content { bytes, format: Format::Onnx, place, depth: content.depth + 1 });
}

/// The same of a model in protobuf's text format, or in that of ONNX itself, which is not read.
pub(super) fn text(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    match spelt::text(text) {
        Some(Ok(bytes)) => spelt_out(scanner, content, &bytes),
        Some(Err(at)) => {
            let message = "a model as text that is not read to its end";
            scanner.report("format/unscannable", content.at(at as u64), message);
        }
        None if spelt::is_syntax(text) => {
            scanner.report(
                "format/unscannable",
                content.place.clone(),
                "a model in the syntax of ONNX is not read",
            );
        }
        None => {}
    }
    if !text.contains("external_data") || !text.contains("graph") {
        return;
    }
    let mut location = false;
    for (index, line) in text.lines().enumerate() {
        // Both may stand in one line.
        for part in line.split([' ', '{', '}']).filter(|part| !part.is_empty()) {
            if part.starts_with('"') || part.starts_with('\'') {
                let value = part.trim_matches(['"', '\'', ',', ';']);
                if location && value != "location" {
                    let mut place = content.place.clone();
                    place.line = Some(index as u64 + 1);
                    leads_out(scanner, place, value);
                }
                location = value == "location";
            }
        }
    }
}

fn leads_out(scanner: &mut Scanner<'_>, place: Place, location: &str) {
    if !stays_inside(location) {
        scanner.report("onnx/external-path", place, format!("its bytes are taken from {location:?}"));
    }
}

/// A relative path of plain parts: what a loader joins to the model's directory without leaving it.
pub(crate) fn stays_inside(location: &str) -> bool {
    let location = location.strip_prefix("./").unwrap_or(location);
    location.parse::<proofhouse_core::FilePath>().is_ok() && location.as_bytes().get(1) != Some(&b':')
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    fn field(number: u8, value: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(value.len()).unwrap()], value].concat()
    }

    #[test]
    fn bytes_outside_lie_where_a_file_may_have_them() {
        let model = |offset: &str, length: &str| {
            let entry = |key: &str, value: &str| {
                field(13, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat())
            };
            let entries =
                [entry("location", "w.bin"), entry("offset", offset), entry("length", length)].concat();
            let tensor = [&[8, 4, 16, 1][..], &field(8, b"w"), &entries, &[0x70, 1]].concat();
            let node = [field(1, b"x"), field(1, b"w"), field(2, b"y"), field(4, b"Add")].concat();
            let graph = [field(1, &node), field(2, b"g"), field(5, &tensor)].concat();
            [&[8, 9][..], &field(7, &graph), &field(8, &[0x10, 17])].concat()
        };
        let rules = |offset: &str, length: &str| {
            let report = scan_bytes(&"m.onnx".parse().unwrap(), &model(offset, length), &Limits::default());
            (report.outcome, report.findings.into_iter().map(|finding| finding.rule).collect::<Vec<_>>())
        };
        assert!(!rules("4096", "16").1.contains(&"onnx/malformed".to_owned()));
        for (offset, length) in [
            ("9223372036854775800", "4611686018427387904"),
            ("1125899906842624", "16"),
            ("0", "9223372036854775807"),
        ] {
            let (outcome, rules) = rules(offset, length);
            assert!(
                outcome >= Outcome::Suspicious && rules.contains(&"onnx/malformed".to_owned()),
                "{rules:?}"
            );
        }
    }
}
