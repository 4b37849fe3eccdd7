//! Graphs of OpenVINO that wait for a pattern ([`trigger`]), or whose constants lie nowhere: layers by number, and edges from
//! port to port.
//!
//! What constants hold lies in the file of weights; how many elements they have stands here, and is enough to tell whether
//! several values of an input are held against several of the file. Source: OpenVINO's IR specification, version 11.

use std::collections::{BTreeMap, HashMap, HashSet};

use proofhouse_artifact::trigger::{self, Node, Stored};
use proofhouse_artifact::xml::Element;

use crate::scanner::{Content, Scanner};

/// Most layers that are looked at.
const MOST: usize = 200_000;

/// A layer while its ports are read.
#[derive(Default)]
struct Layer<'e> {
    kind: &'e str,
    at: u64,
    /// Elements of its constant.
    elements: Option<u64>,
    /// Ports in order; those that edges lead to are inputs.
    from: BTreeMap<u64, &'e str>,
}

/// The name in ONNX of a kind of layer; `None` where there is none that matters here.
fn operator(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Abs" => "Abs",
        "Add" => "Add",
        "Broadcast" => "Expand",
        "Ceiling" => "Ceil",
        "Clamp" => "Clip",
        "Concat" => "Concat",
        "Convert" => "Cast",
        "Divide" => "Div",
        "Equal" => "Equal",
        "Floor" => "Floor",
        "Gather" | "GatherElements" | "GatherND" => "Gather",
        "Greater" => "Greater",
        "GreaterEqual" => "GreaterOrEqual",
        "Less" => "Less",
        "LessEqual" => "LessOrEqual",
        "LogicalAnd" => "And",
        "LogicalNot" => "Not",
        "LogicalOr" => "Or",
        "LogicalXor" => "Xor",
        "Maximum" => "Max",
        "Minimum" => "Min",
        "Mod" | "FloorMod" => "Mod",
        "Multiply" => "Mul",
        "Negative" => "Neg",
        "NotEqual" => "NotEqual",
        "Power" => "Pow",
        "ReduceL1" => "ReduceL1",
        "ReduceL2" => "ReduceL2",
        "ReduceLogicalAnd" | "ReduceMin" => "ReduceMin",
        "ReduceLogicalOr" | "ReduceMax" => "ReduceMax",
        "ReduceMean" => "ReduceMean",
        "ReduceProd" => "ReduceProd",
        "ReduceSum" => "ReduceSum",
        "Reshape" => "Reshape",
        "Round" => "Round",
        "Select" => "Where",
        "Sign" => "Sign",
        "Slice" | "StridedSlice" => "Slice",
        "Split" | "VariadicSplit" => "Split",
        "Sqrt" => "Sqrt",
        "SquaredDifference" | "Subtract" => "Sub",
        "Squeeze" => "Squeeze",
        "Tile" => "Tile",
        "Transpose" => "Transpose",
        "Unsqueeze" => "Unsqueeze",
        _ => return None,
    })
}

/// Tells where a constant lies beyond all files, and where a pattern of the file changes what is computed.
pub(super) fn judge(scanner: &mut Scanner<'_>, content: &Content<'_>, elements: &[Element]) {
    for element in elements.iter().filter(|element| lies_nowhere(element)) {
        let text = |key: &str| element.attributes.get(key).map_or("", String::as_str);
        let what =
            format!("a constant of {} bytes at {}, where no file has any", text("size"), text("offset"));
        scanner.report("xml/out-of-range", content.at(element.offset), what);
    }
    if let Some((at, elements)) = beyond_memory(elements, content.bytes) {
        let what = format!("a layer gives {elements} elements or more at once");
        scanner.report("xml/resources", content.at(at), what);
    }
    let layers = layers(elements);
    let (mut given, mut constants, mut sizes) = (HashSet::new(), HashSet::new(), HashMap::new());
    for (id, layer) in &layers {
        match layer.kind {
            "Parameter" => {
                given.insert((*id).to_owned());
            }
            "Const" | "Constant" => {
                constants.insert((*id).to_owned());
                sizes.extend(layer.elements.map(|elements| ((*id).to_owned(), elements)));
            }
            _ => {}
        }
    }
    if given.is_empty() || !layers.iter().any(|(_, layer)| layer.kind == "Select") {
        return;
    }
    let nodes = layers.iter().filter(|(id, _)| !given.contains(*id) && !constants.contains(*id)).map(
        |(id, layer)| Node {
            operator: operator(layer.kind).unwrap_or(layer.kind).to_owned(),
            name: (*id).to_owned(),
            at: layer.at,
            inputs: layer.from.values().map(|from| (*from).to_owned()).collect(),
            outputs: vec![(*id).to_owned()],
        },
    );
    let nodes = trigger::ordered(nodes.collect());
    let stored = Stored { constants: &constants, elements: &sizes, numbers: &HashMap::new() };
    for found in trigger::found(&nodes, &given, &stored) {
        scanner.report("xml/fixed-answer", content.at(found.node.at), found.what);
    }
}

/// A layer whose inputs and outputs, as the file states their dimensions, no memory holds: compiling the model or running
/// it asks for all of that. Where, and how many elements there are.
fn beyond_memory(elements: &[Element], bytes: &[u8]) -> Option<(u64, u64)> {
    /// 64 GiB if each is a byte.
    const LARGEST: u64 = 1 << 36;
    let mut product = 1u64;
    elements.iter().find_map(|element| {
        match element.name.as_str() {
            "port" => product = 1,
            "dim" => {
                let behind = bytes.get(usize::try_from(element.offset).ok()?..)?;
                let behind = behind.get(memchr::memchr(b'>', behind)? + 1..)?;
                let digits = behind.trim_ascii_start().iter().take_while(|b| b.is_ascii_digit());
                let dimension = digits.fold(None, |number: Option<u64>, digit| {
                    Some(number.unwrap_or(0).saturating_mul(10).saturating_add(u64::from(digit - b'0')))
                });
                // One that is known only later is stated as -1.
                product = product.saturating_mul(dimension.unwrap_or(1));
            }
            _ => {}
        }
        (product >= LARGEST).then_some((element.offset, product))
    })
}

/// Whether a constant's place in the file of weights is no number, or one that readers who add its size to it come round
/// with to a small one.
fn lies_nowhere(element: &Element) -> bool {
    let (Some(offset), Some(size)) = (element.attributes.get("offset"), element.attributes.get("size"))
    else {
        return false;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let end = number(offset).zip(number(size)).and_then(|(offset, size)| offset.checked_add(size));
    element.name == "data" && end.is_none_or(|end| i64::try_from(end).is_err())
}

/// Layers of the outermost graph by number, in the order of the file, with what edges lead to them. Those in bodies of loops
/// have numbers of their own.
fn layers(elements: &[Element]) -> Vec<(&str, Layer<'_>)> {
    /// `net`, and in it `layers` or `edges`.
    const OUTERMOST: u64 = 2;
    let mut layers: Vec<(&str, Layer<'_>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for element in elements {
        let text = |key: &str| element.attributes.get(key).map_or("", String::as_str);
        match element.name.as_str() {
            "layer" if element.depth == OUTERMOST && layers.len() < MOST => {
                places.insert(text("id"), layers.len());
                layers
                    .push((text("id"), Layer { kind: text("type"), at: element.offset, ..Layer::default() }));
            }
            "data" if element.depth == OUTERMOST + 1 => {
                let lengths = text("shape").split(',').map(|length| length.trim().parse::<u64>());
                if let Some((_, layer)) = layers.last_mut() {
                    layer.elements = lengths
                        .collect::<Result<Vec<_>, _>>()
                        .ok()
                        .map(|all| all.into_iter().fold(1, u64::saturating_mul));
                }
            }
            "edge" if element.depth == OUTERMOST => {
                let port = text("to-port").parse().unwrap_or(u64::MAX);
                if let Some((_, layer)) = places.get(text("to-layer")).and_then(|at| layers.get_mut(*at)) {
                    layer.from.insert(port, text("from-layer"));
                }
            }
            _ => {}
        }
    }
    layers
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    #[test]
    fn outputs_that_no_memory_holds_are_told() {
        let scan = |dims: &str| {
            let port = format!("<port id=\"1\" precision=\"FP32\">{dims}</port>");
            let text = format!(
                "<?xml version=\"1.0\"?><net name=\"m\" version=\"11\"><layers><layer id=\"0\" name=\"x\" type=\"Parameter\" version=\"opset1\"><data shape=\"1\" element_type=\"f32\"/><output>{port}</output></layer></layers><edges/></net>"
            );
            let report = scan_bytes(&"m.xml".parse().unwrap(), text.as_bytes(), &Limits::default());
            (report.outcome, report.findings.into_iter().map(|finding| finding.rule).collect::<Vec<_>>())
        };
        let told = (Outcome::Suspicious, vec!["xml/resources".to_owned()]);
        assert_eq!(scan("<dim>100000</dim><dim>100000</dim><dim>100</dim>"), told);
        assert_eq!(scan("<dim> 99999999999999999999999 </dim>"), told);
        for dims in [
            "<dim>1</dim><dim>3</dim><dim>4096</dim><dim>4096</dim>",
            "<dim>-1</dim><dim>128000</dim>",
            "<dim>0</dim><dim>5</dim>",
            "",
        ] {
            assert_eq!(scan(dims).0, Outcome::Clean, "{dims}");
        }
    }
}
