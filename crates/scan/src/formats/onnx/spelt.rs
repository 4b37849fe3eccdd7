//! Models that are spelt out: protobuf's mapping to JSON (`.onnxjson`, `.json`) and its text format (`.textproto`), which
//! `onnx.load` reads by the ending of the name. Fields after `onnx.proto3`.

use proofhouse_artifact::json::Value;
use proofhouse_artifact::onnx::ElementType;

use crate::formats::spelt::Kind::{Bytes, Double, Enum, Float, Int, Message as M, Text};
use crate::formats::spelt::{self, Row};

const ENTRY: &[Row] = &[("key", 1, Text), ("value", 2, Text)];
const OPSET: &[Row] = &[("domain", 1, Text), ("version", 2, Int)];
const DIM: &[Row] = &[("dim_value", 1, Int), ("dim_param", 2, Text), ("denotation", 3, Text)];
const SHAPE: &[Row] = &[("dim", 1, M(|| DIM))];
const TENSOR_TYPE: &[Row] = &[("elem_type", 1, Enum(named)), ("shape", 2, M(|| SHAPE))];
const TYPE: &[Row] = &[
    ("tensor_type", 1, M(|| TENSOR_TYPE)),
    ("sparse_tensor_type", 8, M(|| TENSOR_TYPE)),
    ("denotation", 6, Text),
];
const VALUE: &[Row] = &[("name", 1, Text), ("type", 2, M(|| TYPE)), ("doc_string", 3, Text)];
const TENSOR: &[Row] = &[
    ("dims", 1, Int),
    ("data_type", 2, Enum(named)),
    ("float_data", 4, Float),
    ("int32_data", 5, Int),
    ("string_data", 6, Bytes),
    ("int64_data", 7, Int),
    ("name", 8, Text),
    ("raw_data", 9, Bytes),
    ("double_data", 10, Double),
    ("uint64_data", 11, Int),
    ("doc_string", 12, Text),
    ("external_data", 13, M(|| ENTRY)),
    ("data_location", 14, Enum(named)),
];
const SPARSE: &[Row] = &[("values", 1, M(|| TENSOR)), ("indices", 2, M(|| TENSOR)), ("dims", 3, Int)];
const ATTRIBUTE: &[Row] = &[
    ("name", 1, Text),
    ("f", 2, Float),
    ("i", 3, Int),
    ("s", 4, Bytes),
    ("t", 5, M(|| TENSOR)),
    ("g", 6, M(|| GRAPH)),
    ("floats", 7, Float),
    ("ints", 8, Int),
    ("strings", 9, Bytes),
    ("tensors", 10, M(|| TENSOR)),
    ("graphs", 11, M(|| GRAPH)),
    ("doc_string", 13, Text),
    ("ref_attr_name", 21, Text),
    ("sparse_tensor", 22, M(|| SPARSE)),
    ("sparse_tensors", 23, M(|| SPARSE)),
];
const NODE: &[Row] = &[
    ("input", 1, Text),
    ("output", 2, Text),
    ("name", 3, Text),
    ("op_type", 4, Text),
    ("attribute", 5, M(|| ATTRIBUTE)),
    ("doc_string", 6, Text),
    ("domain", 7, Text),
    ("overload", 8, Text),
];
const GRAPH: &[Row] = &[
    ("node", 1, M(|| NODE)),
    ("name", 2, Text),
    ("initializer", 5, M(|| TENSOR)),
    ("doc_string", 10, Text),
    ("input", 11, M(|| VALUE)),
    ("output", 12, M(|| VALUE)),
    ("value_info", 13, M(|| VALUE)),
    ("sparse_initializer", 15, M(|| SPARSE)),
];
const FUNCTION: &[Row] = &[
    ("name", 1, Text),
    ("input", 4, Text),
    ("output", 5, Text),
    ("attribute", 6, Text),
    ("node", 7, M(|| NODE)),
    ("doc_string", 8, Text),
    ("opset_import", 9, M(|| OPSET)),
    ("domain", 10, Text),
    ("attribute_proto", 11, M(|| ATTRIBUTE)),
];
const TRAINING: &[Row] = &[("initialization", 1, M(|| GRAPH)), ("algorithm", 2, M(|| GRAPH))];
const MODEL: &[Row] = &[
    ("ir_version", 1, Int),
    ("producer_name", 2, Text),
    ("producer_version", 3, Text),
    ("domain", 4, Text),
    ("model_version", 5, Int),
    ("doc_string", 6, Text),
    ("graph", 7, M(|| GRAPH)),
    ("opset_import", 8, M(|| OPSET)),
    ("metadata_props", 14, M(|| ENTRY)),
    ("training_info", 20, M(|| TRAINING)),
    ("functions", 25, M(|| FUNCTION)),
];

/// The bytes of a model in JSON; `None` if the document is none.
pub(super) fn json(document: &Value) -> Option<Vec<u8>> {
    let members = document.as_object()?;
    let has = |name: &str| members.iter().any(|(key, _)| spelt::same(key, name));
    let graph = document.member("graph")?.as_object()?;
    let nodes = graph.iter().any(|(key, _)| key == "node");
    (nodes && (has("ir_version") || has("opset_import"))).then(|| spelt::of_json(members, MODEL))
}

/// The bytes of a model in the text format; `None` if the text is none, and an error where it ends to be one.
pub(super) fn text(text: &str) -> Option<Result<Vec<u8>, usize>> {
    // A model has a version and a graph, each at the beginning of a line or behind another field.
    let begins = |name: &str| {
        text.match_indices(name).take(64).any(|(at, _)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let behind = text.get(at + name.len()..).unwrap_or_default().trim_start();
            before.is_none_or(|c| c.is_whitespace() || c == ';' || c == ',')
                && behind.starts_with([':', '{', '<'])
        })
    };
    if !spelt::begins_with(text, MODEL)
        || !begins("graph")
        || !(begins("ir_version") || begins("opset_import"))
    {
        return None;
    }
    Some(spelt::of_text(text, MODEL))
}

/// Whether a text is a model in ONNX's own syntax (`onnx.parser`): a list of fields, and a graph behind it.
pub(super) fn is_syntax(text: &str) -> bool {
    let start = text.trim_start();
    let head = start.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    head.is_some_and(|(fields, rest)| {
        fields.contains("ir_version") && fields.contains(':') && rest.contains("=>")
    })
}

/// The number of a name: where data are, and the types of elements.
fn named(name: &str) -> Option<i64> {
    /// More types than the specification has.
    const TYPES: i32 = 64;
    match name {
        "EXTERNAL" => Some(1),
        "DEFAULT" => Some(0),
        _ => (0..TYPES).find(|n| ElementType(*n).name() == Some(name)).map(i64::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Outcome, scan_bytes};

    fn scan(name: &str, text: &str) -> (Outcome, Vec<String>) {
        let report = scan_bytes(&name.parse().unwrap(), text.as_bytes(), &Limits::default());
        (report.outcome, report.findings.into_iter().map(|finding| finding.rule).collect())
    }

    #[test]
    fn a_model_in_json_is_judged_as_its_bytes_are() {
        let model = |domain: &str, location: &str| {
            format!(
                r#"{{"irVersion": "9", "graph": {{"node": [{{"input": ["x"], "output": ["y"], "opType": "Run", "domain": "{domain}"}}],
                "name": "g", "initializer": [{{"dims": ["2"], "dataType": 1, "name": "w", {location}}}]}},
                "opsetImport": [{{"domain": "", "version": "17"}}]}}"#
            )
        };
        let inside = r#""rawData": "AACAPwAAAEA=""#;
        assert_eq!(scan("m.onnxjson", &model("", inside)).0, Outcome::Clean);
        let (outcome, rules) = scan("m.onnxjson", &model("com.example.python", inside));
        assert_eq!((outcome, rules), (Outcome::Suspicious, vec!["onnx/custom-operator".to_owned()]));
        let outside =
            r#""dataLocation": "EXTERNAL", "externalData": [{"key": "location", "value": "../../etc/x"}]"#;
        assert!(scan("m.json", &model("", outside)).1.contains(&"onnx/external-path".to_owned()));
        assert_eq!(scan("m.json", &model("", r#""rawData": "AACAPw==""#)).0, Outcome::Suspicious);
    }

    #[test]
    fn a_model_as_text_is_judged_as_its_bytes_are() {
        let model = |domain: &str, raw: &str| {
            format!(
                "# a comment\nir_version: 9\ngraph {{\n  node {{ input: \"x\" output: 'y' op_type: \"Run\" domain: \"{domain}\" }}\n  name: \"g\"\n  initializer <\n    dims: [2], data_type: 1\n    name: \"w\"\n    raw_data: {raw}\n  >\n}}\nopset_import {{ version: 17 }}\n"
            )
        };
        let raw = r#""\000\000\200?" "\x00\0\0@""#;
        assert_eq!(scan("m.textproto", &model("", raw)), (Outcome::Clean, vec![]));
        assert_eq!(scan("m.textproto", &model("com.example", raw)).1, ["onnx/custom-operator"]);
        assert_eq!(scan("m.onnxtxt", &model("", "\"\"")).1, ["onnx/malformed"]);
        assert_eq!(scan("m.textproto", &model("", "\"open")).0, Outcome::Unscannable);
        assert!(text(&format!("ir_version: 9\ngraph {}", "{ node ".repeat(100_000))).unwrap().is_err());
        assert!(text("graph: a word, ir_version: another").is_none_or(|read| read.is_err()));
        assert!(text("A graph {\n of this ir_version: 3").is_none());
    }
}
