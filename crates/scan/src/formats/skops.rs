//! skops: an estimator in JSON (`schema.json`) beside its arrays, in a zip archive.
//!
//! Each node names a loader, a module and a class. What a pickle may import and call, a node may, and nothing
//! else: the tables of the pickle rules decide. Three loaders have been used to reach further than their class
//! says, as the loader and not the class decides what happens (CVE-2025-54412, CVE-2025-54413), so each
//! loader is held to the classes it writes.
//!
//! Source: `skops/io/_general.py`, `_numpy.py`, `_scipy.py`, `_sklearn.py` of skops 0.16.

use proofhouse_artifact::json::Value;

use crate::scanner::{Content, Scanner};
use crate::tables::{Contract, Effect};

/// Judges every node of `document`; does nothing where there is none.
pub(crate) fn judge(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &Value) {
    let mut stack = vec![document];
    while let Some(value) = stack.pop() {
        match value {
            Value::Array(elements) => stack.extend(elements),
            Value::Object(members) => {
                node(scanner, content, members);
                stack.extend(members.iter().map(|(_, v)| v));
            }
            _ => {}
        }
    }
}

fn node(scanner: &mut Scanner<'_>, content: &Content<'_>, members: &[(String, Value)]) {
    let text = |key: &str| members.iter().rev().find(|(k, _)| k == key).and_then(|(_, v)| v.as_text());
    let Some(loader) = text("__loader__") else { return };
    let (module, class) = (text("__module__").unwrap_or_default(), text("__class__").unwrap_or_default());
    let place = content.place.clone();
    for key in ["__loader__", "__module__", "__class__", "content"] {
        if members.iter().filter(|(k, _)| k == key).count() > 1 {
            let message = format!("{key:?} stands twice in one node: readers differ in which they take");
            scanner.report("skops/unknown-type", place.clone(), message);
        }
    }
    let (mut module, mut class) = (module.to_owned(), class.to_owned());
    if matches!(loader, "TypeNode" | "FunctionNode") {
        // What they name stands in their content, by other keys in older releases.
        let inner = members.iter().rev().find(|(k, _)| k == "content").and_then(|(_, v)| v.as_object());
        let inner = |key: &str| {
            inner.and_then(|m| m.iter().rev().find(|(k, _)| k == key)).and_then(|(_, v)| v.as_text())
        };
        let named = inner("module_path").zip(inner("function"));
        if let Some((m, c)) = named.or_else(|| inner("__module__").zip(inner("__class__"))) {
            (module, class) = (m.to_owned(), c.to_owned());
        }
    }
    let full = format!("{module}.{class}");
    if let Some(what) = scanner.tables.sink(&module, &class) {
        let message = format!("a node loads {full}, which {what}");
        scanner.report("skops/unsafe-type", place, message);
        return;
    }
    let fine = match loader {
        "JsonNode" | "CachedNode" => true,
        "DictNode" | "ListNode" | "SetNode" | "TupleNode" | "SliceNode" | "BytesNode" | "BytearrayNode"
        | "DefaultDictNode" => container(&module, &class) || inert(scanner, &module, &class),
        "NdArrayNode"
        | "MaskedArrayNode"
        | "DTypeNode"
        | "RandomStateNode"
        | "RandomGeneratorNode"
        | "SparseMatrixNode" => array(&module) && plain(&class),
        "TypeNode" => {
            container(&module, &class) || array(&module) && plain(&class) || inert(scanner, &module, &class)
        }
        "FunctionNode" => computes(&module, &class) || inert(scanner, &module, &class),
        "OperatorFuncNode" => module == "operator" && matches!(class.as_str(), "itemgetter" | "attrgetter"),
        "ObjectNode"
        | "TreeNode"
        | "LossNode"
        | "ConstructorFromReduceNode"
        | "ReduceNode"
        | "DistanceMetricNode"
        | "NeighborsNode"
        | "SGDNode" => inert(scanner, &module, &class),
        // Keeps a function, which is a node of its own, and calls nothing.
        "PartialNode" => (module.as_str(), class.as_str()) == ("functools", "partial"),
        // A method is called by name on whatever its content builds.
        _ => false,
    };
    if !fine {
        let message = format!("a {loader} loads {full}, which is not known to be inert");
        scanner.report("skops/unknown-type", place, message);
    }
}

fn inert(scanner: &Scanner<'_>, module: &str, class: &str) -> bool {
    // Objects are made without their `__init__`, as the unpickler makes them.
    let effect = scanner.tables.effect(module, class);
    matches!(effect, Some(Effect::Inert | Effect::Data | Effect::Enum | Effect::InertIf(Contract::Object)))
}

fn container(module: &str, class: &str) -> bool {
    match module {
        "builtins" => matches!(
            class,
            "dict"
                | "list"
                | "set"
                | "frozenset"
                | "tuple"
                | "slice"
                | "bytes"
                | "bytearray"
                | "str"
                | "int"
                | "float"
                | "bool"
                | "complex"
                | "type"
                | "object"
                | "NoneType"
        ),
        "collections" => matches!(class, "OrderedDict" | "defaultdict" | "Counter"),
        _ => false,
    }
}

/// Modules of NumPy and SciPy whose classes hold numbers.
fn array(module: &str) -> bool {
    [
        "numpy",
        "numpy.ma",
        "numpy.ma.core",
        "numpy.random",
        "numpy.random._generator",
        "numpy.random.mtrand",
        "numpy.dtypes",
    ]
    .contains(&module)
        || module.starts_with("scipy.sparse")
}

fn plain(class: &str) -> bool {
    const WORDS: [&str; 34] = [
        "ndarray",
        "MaskedArray",
        "masked_array",
        "dtype",
        "RandomState",
        "Generator",
        "csr_matrix",
        "csc_matrix",
        "coo_matrix",
        "csr_array",
        "csc_array",
        "coo_array",
        "bsr_matrix",
        "dia_matrix",
        "float16",
        "float32",
        "float64",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "bool",
        "bool_",
        "str_",
        "bytes_",
        "object_",
        "complex64",
        "complex128",
        "datetime64",
        "timedelta64",
    ];
    WORDS.contains(&class)
}

/// Universal functions of NumPy and SciPy.
fn computes(module: &str, name: &str) -> bool {
    const NAMES: [&str; 58] = [
        "log",
        "log1p",
        "log2",
        "log10",
        "exp",
        "expm1",
        "exp2",
        "sqrt",
        "cbrt",
        "square",
        "abs",
        "absolute",
        "sign",
        "sin",
        "cos",
        "tan",
        "arcsin",
        "arccos",
        "arctan",
        "sinh",
        "cosh",
        "tanh",
        "floor",
        "ceil",
        "rint",
        "trunc",
        "mean",
        "median",
        "sum",
        "min",
        "max",
        "std",
        "expit",
        "logit",
        "clip",
        "nan_to_num",
        "power",
        "minimum",
        "maximum",
        "add",
        "subtract",
        "multiply",
        "divide",
        "true_divide",
        "reciprocal",
        "negative",
        "positive",
        "isnan",
        "isfinite",
        "round",
        "around",
        "fabs",
        "hypot",
        "ravel",
        "squeeze",
        "nanmean",
        "nanmedian",
        "nansum",
    ];
    matches!(module, "numpy" | "scipy.special" | "scipy.special._ufuncs") && NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    #[test]
    fn each_advisory_is_found() {
        let node = |loader: &str, module: &str, class: &str, content: &str| {
            format!(
                r#"{{"__loader__":"{loader}","__module__":"{module}","__class__":"{class}","content":{content}}}"#
            )
        };
        let cases = [
            (
                "an ordinary estimator",
                node("ObjectNode", "sklearn.preprocessing._data", "StandardScaler", "{}"),
                None,
            ),
            (
                "a type, as it is written",
                node("TypeNode", "builtins", "float64", r#"{"__class__":"float64","__module__":"numpy"}"#),
                None,
            ),
            (
                "a type that starts programs",
                node("TypeNode", "builtins", "type", r#"{"__class__":"Popen","__module__":"subprocess"}"#),
                Some("skops/unsafe-type"),
            ),
            (
                "CVE-2025-54412",
                node("OperatorFuncNode", "operator", "methodcaller", "{}"),
                Some("skops/unsafe-type"),
            ),
            (
                "CVE-2025-54412, another module",
                node("OperatorFuncNode", "os", "system", "{}"),
                Some("skops/unsafe-type"),
            ),
            (
                "CVE-2025-54413",
                node(
                    "MethodNode",
                    "sklearn.linear_model._base",
                    "LinearRegression",
                    r#"{"func":"__class__","obj":{}}"#,
                ),
                Some("skops/unknown-type"),
            ),
            ("a function", node("FunctionNode", "builtins", "exec", "null"), Some("skops/unsafe-type")),
            (
                "a function of an older release",
                node("FunctionNode", "builtins", "function", r#"{"module_path":"os","function":"system"}"#),
                Some("skops/unsafe-type"),
            ),
            (
                "a class of somebody",
                node("ObjectNode", "mypackage", "Model", "{}"),
                Some("skops/unknown-type"),
            ),
            (
                "a function with some of its arguments",
                node(
                    "PartialNode",
                    "functools",
                    "partial",
                    &format!("{{\"func\":{}}}", node("FunctionNode", "numpy", "clip", "null")),
                ),
                None,
            ),
            (
                "a partial of something that starts programs",
                node(
                    "PartialNode",
                    "functools",
                    "partial",
                    &format!("{{\"func\":{}}}", node("FunctionNode", "os", "system", "null")),
                ),
                Some("skops/unsafe-type"),
            ),
            ("a loader that lies", node("ListNode", "subprocess", "Popen", "[]"), Some("skops/unsafe-type")),
            ("a loader nobody knows", node("EvilNode", "builtins", "list", "[]"), Some("skops/unknown-type")),
        ];
        for (what, text, rule) in cases {
            let report = scan_bytes(&"schema.json".parse().unwrap(), text.as_bytes(), &Limits::default());
            let found: Vec<_> = report.findings.iter().map(|f| f.rule.as_str()).collect();
            assert_eq!(report.outcome > Outcome::Clean, rule.is_some(), "{what}: {found:?}");
            assert!(rule.is_none_or(|rule| found.contains(&rule)), "{what}: {found:?}");
        }
    }
}
