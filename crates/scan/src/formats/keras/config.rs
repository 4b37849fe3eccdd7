//! A Keras configuration: what its loader would look up and call.
//!
//! An object with `class_name` and `config` is built by the loader, at any depth. A name is inert when the table
//! has it and its module is Keras's own; everything else is imported or looked up among what the host has
//! registered, so it is not proven inert.

use std::collections::HashMap;
use std::sync::LazyLock;

use proofhouse_artifact::Format;
use proofhouse_artifact::json::Value;
use proofhouse_core::Place;

use super::{code, sizes};
use crate::scanner::{Content, Scanner};

/// What is known of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Builds a layer, an operation or the like from its configuration.
    Inert,
    /// The same, but reads a file where a list of words may be given as a path.
    Lookup,
    /// Calls TensorFlow by name.
    TensorflowOp,
    /// Runs code out of its configuration.
    Code,
    /// Unpickles its configuration.
    Pickle,
    /// Loads something from a path.
    Path,
}

static NAMES: LazyLock<HashMap<(&'static str, &'static str), Effect>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for line in include_str!("../../../data/keras.csv").lines().filter(|l| !l.starts_with('#')) {
        let effect = |text| {
            Some(match text {
                "inert" => Effect::Inert,
                "lookup" => Effect::Lookup,
                "tensorflow-op" => Effect::TensorflowOp,
                "code" => Effect::Code,
                "pickle" => Effect::Pickle,
                "path" => Effect::Path,
                _ => return None,
            })
        };
        if let [kind, name, text] = line.split(',').collect::<Vec<_>>()[..]
            && let Some(effect) = effect(text)
        {
            names.insert((kind, name), effect);
        }
    }
    names
});

/// Functions of Keras that load, save, fetch or switch protection off: harmless in a program, never part of a
/// model. The list only raises severity, as the names are not in the table.
const GADGETS: [&str; 16] = [
    "get_file",
    "load_model",
    "load_weights",
    "save_model",
    "save_weights",
    "model_from_json",
    "model_from_config",
    "load_img",
    "save_img",
    "enable_unsafe_deserialization",
    "deserialize_keras_object",
    "clear_session",
    "image_dataset_from_directory",
    "text_dataset_from_directory",
    "audio_dataset_from_directory",
    "func_load",
];

/// Optimizers that Keras 2.11 and 2.12 themselves registered under the package that is meant for others.
const CUSTOM: [&str; 11] = [
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "Nadam",
    "RMSprop",
    "SGD",
];

/// Keys whose text the loader takes for a path or an address.
const PATH_KEYS: [&str; 7] =
    ["vocabulary", "idf_weights", "vocabulary_file", "filepath", "origin", "cache_dir", "checkpoint_path"];

/// Parts of TensorFlow whose functions compute.
const COMPUTING: [&str; 14] = [
    "math",
    "nn",
    "linalg",
    "image",
    "signal",
    "strings",
    "random",
    "bitwise",
    "sparse",
    "ragged",
    "sets",
    "quantization",
    "__operators__",
    "keras.backend",
];

/// Functions at TensorFlow's top that compute.
const COMPUTES: [&str; 48] = [
    "boolean_mask",
    "broadcast_to",
    "cast",
    "clip_by_norm",
    "clip_by_value",
    "concat",
    "convert_to_tensor",
    "cumsum",
    "einsum",
    "expand_dims",
    "eye",
    "fill",
    "gather",
    "gather_nd",
    "identity",
    "linspace",
    "meshgrid",
    "norm",
    "one_hot",
    "ones",
    "ones_like",
    "pad",
    "range",
    "rank",
    "repeat",
    "reshape",
    "reverse",
    "roll",
    "scatter_nd",
    "searchsorted",
    "sequence_mask",
    "shape",
    "size",
    "slice",
    "space_to_batch",
    "split",
    "squeeze",
    "stack",
    "stop_gradient",
    "strided_slice",
    "tensordot",
    "tile",
    "transpose",
    "unstack",
    "where",
    "zeros",
    "zeros_like",
    "zeros_initializer",
];

/// Judges every Keras object in `document`; does nothing where there is none.
pub(crate) fn judge(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &Value) {
    let mut sizes = sizes::Sizes::default();
    let mut stack = vec![document];
    while let Some(value) = stack.pop() {
        match value {
            Value::Array(elements) => stack.extend(elements),
            Value::Object(members) => {
                if let Some(object) = Object::of(members) {
                    object.judge(scanner, content);
                    if object.own() {
                        sizes.layer(object.class, object.config);
                    }
                }
                stack.extend(members.iter().map(|(_, v)| v));
            }
            _ => {}
        }
    }
    if let Some(message) = sizes.excess(scanner.keras_weights) {
        scanner.report("keras/exhausts", content.place.clone(), message);
    }
}

/// Judges what is said of a layer that a graph is there for: one of a class that Keras does not know is made without this.
/// Layers are made by the names of their classes, whatever module stands beside them (`_revive_layer_or_model_from_config`);
/// what a configuration holds is looked up as in any other.
pub(crate) fn judge_revived(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &Value) {
    let layer = document.as_object().and_then(Object::of);
    let Some(layer) = layer else { return judge(scanner, content, document) };
    match NAMES.get(&("class", layer.class)) {
        Some(Effect::Code) => layer.code(scanner, content),
        Some(Effect::Pickle) => layer.pickle(scanner, content),
        Some(Effect::TensorflowOp) => layer.tensorflow(scanner, &content.place),
        _ => {}
    }
    layer.paths(scanner, &content.place, layer.class);
    let mut sizes = sizes::Sizes::default();
    sizes.layer(layer.class, layer.config);
    if let Some(message) = sizes.excess(scanner.keras_weights) {
        scanner.report("keras/exhausts", content.place.clone(), message);
    }
    judge(scanner, content, layer.config);
}

struct Object<'a> {
    members: &'a [(String, Value)],
    class: &'a str,
    config: &'a Value,
}

impl<'a> Object<'a> {
    fn of(members: &'a [(String, Value)]) -> Option<Self> {
        let member = |key: &str| members.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v);
        Some(Self { members, class: member("class_name")?.as_text()?, config: member("config")? })
    }

    /// The member of that name; Python keeps the last one of several.
    fn text(&self, key: &str) -> Option<&'a str> {
        self.members.iter().rev().find(|(k, _)| k == key).and_then(|(_, v)| v.as_text())
    }

    fn judge(&self, scanner: &mut Scanner<'_>, content: &Content<'_>) {
        let place = content.place.clone();
        for key in ["class_name", "module", "registered_name", "config"] {
            if self.members.iter().filter(|(k, _)| k == key).count() > 1 {
                let message =
                    format!("{key:?} stands twice in one object: loaders differ in which they take");
                scanner.report("keras/ambiguous", place.clone(), message);
            }
        }
        if self.class == "function" {
            let name = self.config.as_text().unwrap_or_default();
            self.name(scanner, &place, "function", name);
            // Older releases look the registered name up instead.
            if let Some(registered) = self.text("registered_name").filter(|r| *r != name) {
                self.name(scanner, &place, "function", registered);
            }
            return;
        }
        let class = if self.class == "__typespec__" {
            self.text("spec_name").unwrap_or_default()
        } else {
            self.class
        };
        if self.class == "__typespec__" {
            let tensorflow =
                self.text("module").is_none_or(|m| m == "tensorflow" || m.starts_with("tensorflow."));
            if !tensorflow || !class.ends_with("Spec") {
                self.name(scanner, &place, "class", class);
            }
            return;
        }
        let optimizer = class.strip_prefix("Custom>").is_some_and(|name| CUSTOM.contains(&name));
        match NAMES.get(&("class", class)) {
            _ if optimizer && self.own() => {}
            Some(Effect::Code) if self.own() => self.code(scanner, content),
            Some(Effect::Pickle) if self.own() => self.pickle(scanner, content),
            Some(Effect::TensorflowOp) if self.own() => self.tensorflow(scanner, &place),
            Some(Effect::Inert | Effect::Lookup | Effect::Path) if self.own() => {}
            None if self.of_the_program() => {}
            _ => self.name(scanner, &place, "class", class),
        }
        self.paths(scanner, &place, class);
    }

    /// Whether the class is one that the program which loads the file has registered under its package, or there is none:
    /// without a module nothing is imported (`keras/src/saving/serialization_lib.py`, `_retrieve_class_or_fn`).
    fn of_the_program(&self) -> bool {
        let package = self.text("registered_name").and_then(|name| {
            name.split_once('>')
                .filter(|(_, own)| *own == self.class)
                .map(|(package, _)| package.to_lowercase())
        });
        let libraries = ["keras", "tensorflow", "tf", "builtins"];
        self.text("module").is_none()
            && !GADGETS.contains(&self.class)
            && package.is_some_and(|package| !libraries.iter().any(|library| package.starts_with(library)))
    }

    /// Whether the module is Keras's own, or none is given.
    fn own(&self) -> bool {
        let registered =
            self.text("registered_name").is_none_or(|r| r.rsplit('>').next() == Some(self.class));
        registered && self.text("module").is_none_or(own_module)
    }

    /// Judges a class or function that the loader looks up.
    fn name(&self, scanner: &mut Scanner<'_>, place: &Place, kind: &str, name: &str) {
        let module = self.text("module").unwrap_or_default();
        let own = own_module(module) && (kind == "function" || self.own());
        let full = if module.is_empty() { name.to_owned() } else { format!("{module}.{name}") };
        if let Some(what) = scanner.tables.sink(module, name) {
            let message = format!("the loader looks up {full}, which {what}");
            scanner.report("keras/unsafe-name", place.clone(), message);
        } else if own && GADGETS.contains(&name) {
            let message = format!("the loader looks up {full}, which loads, fetches or lifts a protection");
            scanner.report("keras/unsafe-name", place.clone(), message);
        } else if !own || NAMES.get(&(kind, name)) != Some(&Effect::Inert) {
            let message = format!("the loader looks up the {kind} {full:?}, which is not known to be inert");
            scanner.report("keras/unknown-name", place.clone(), message);
        }
    }

    /// A layer around a function: marshalled, or named as an object of its own, which is judged by itself.
    fn code(&self, scanner: &mut Scanner<'_>, content: &Content<'_>) {
        let mut texts = Vec::new();
        let mut named = false;
        let mut stack: Vec<&Value> = Vec::new();
        for (key, value) in self.config.as_object().unwrap_or_default() {
            if matches!(key.as_str(), "function" | "output_shape" | "mask" | "value") || key.ends_with("_fn")
            {
                stack.push(value);
            }
        }
        while let Some(value) = stack.pop() {
            match value {
                Value::Text(text) => texts.push(text.as_str()),
                Value::Array(elements) => stack.extend(elements),
                Value::Object(members) if Object::of(members).is_some() => named = true,
                Value::Object(members) => stack.extend(members.iter().map(|(_, v)| v)),
                _ => {}
            }
        }
        let place = content.place.clone();
        let sink = texts.iter().filter_map(|t| code::decode(t)).find_map(|c| code::sink(scanner.tables, &c));
        if let Some(sink) = sink {
            let message = format!("the layer {} brings Python code that names {sink}", self.label());
            scanner.report("keras/unsafe-code", place, message);
        } else if !texts.is_empty() || !named {
            let message = format!("the layer {} brings Python code", self.label());
            scanner.report("keras/code", place, message);
        }
    }

    /// A torch module that the loader unpickles (CVE-2025-49655).
    fn pickle(&self, scanner: &mut Scanner<'_>, content: &Content<'_>) {
        let message = format!("the layer {} unpickles its configuration", self.label());
        scanner.report("keras/unsafe-name", content.place.clone(), message);
        let mut stack = vec![self.config];
        while let Some(value) = stack.pop() {
            match value {
                Value::Text(text) if text.len() > 16 => {
                    if let Some(bytes) = code::decode(text) {
                        let format = Format::detect(&bytes);
                        let place = content.place.clone();
                        let inner = Content { bytes: &bytes, format, place, depth: content.depth + 1 };
                        super::super::scan(scanner, &inner);
                    }
                }
                Value::Array(elements) => stack.extend(elements),
                Value::Object(members) => stack.extend(members.iter().map(|(_, v)| v)),
                _ => {}
            }
        }
    }

    /// A call of TensorFlow by the name of an operation.
    fn tensorflow(&self, scanner: &mut Scanner<'_>, place: &Place) {
        let function = self.config.member("function").and_then(Value::as_text);
        let fine = match (self.class, function) {
            ("TFOpLambda", Some(name)) => {
                let name = name.strip_prefix("compat.v1.").unwrap_or(name);
                let name = name.strip_prefix("tf.").unwrap_or(name);
                COMPUTES.contains(&name)
                    || COMPUTING.iter().any(|p| name.strip_prefix(p).is_some_and(|r| r.starts_with('.')))
            }
            ("SlicingOpLambda", _) => true,
            _ => false,
        };
        if !fine {
            let name = function.unwrap_or("a method");
            let message = format!(
                "the layer {} calls {name:?} of TensorFlow, which is not known to only compute",
                self.label()
            );
            scanner.report("keras/unknown-name", place.clone(), message);
        }
    }

    /// Files and addresses that building the object would read (CVE-2025-12058).
    fn paths(&self, scanner: &mut Scanner<'_>, place: &Place, class: &str) {
        for (key, value) in self.config.as_object().unwrap_or_default() {
            if let Some(path) = value.as_text().filter(|t| !t.is_empty())
                && PATH_KEYS.contains(&key.as_str())
            {
                let message = format!("building {class} reads {path:?}, which its {key:?} names");
                scanner.report("keras/reaches-out", place.clone(), message);
            }
        }
    }

    /// What the finding calls the layer.
    fn label(&self) -> String {
        let name = self.config.member("name").and_then(Value::as_text);
        format!("{:?}", name.unwrap_or(self.class))
    }
}

fn own_module(module: &str) -> bool {
    let roots = ["keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras"];
    matches!(module, "" | "builtins")
        || roots
            .iter()
            .any(|r| module.strip_prefix(r).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Outcome, scan_bytes};

    fn rules(text: &str) -> (Outcome, Vec<String>) {
        let report = scan_bytes(&"config.json".parse().unwrap(), text.as_bytes(), &Limits::default());
        (report.outcome, report.findings.into_iter().map(|f| f.rule).collect())
    }

    fn layer(inner: &str) -> String {
        format!(
            r#"{{"class_name":"Sequential","module":"keras","config":{{"name":"m","layers":[{inner}]}}}}"#
        )
    }

    #[test]
    fn every_row_of_the_table_is_understood() {
        let rows = include_str!("../../../data/keras.csv").lines().filter(|l| !l.starts_with('#')).count();
        assert_eq!(NAMES.len(), rows);
        assert!(GADGETS.iter().all(|g| !NAMES.contains_key(&("function", *g))));
    }

    #[test]
    fn an_ordinary_model_is_clean() {
        let text = layer(
            r#"{"class_name":"Dense","module":"keras.layers","registered_name":null,"config":{"units":2,
            "activation":"relu","kernel_initializer":{"class_name":"GlorotUniform","module":"keras.initializers","config":{"seed":null}}}},
            {"class_name":"StringLookup","config":{"vocabulary":["a","b"]}},
            {"class_name":"Activation","config":{"activation":{"class_name":"function","module":"builtins","config":"relu","registered_name":"relu"}}},
            {"class_name":"Custom>RMSprop","config":{"name":"RMSprop","rho":0.9}},
            {"class_name":"TFOpLambda","config":{"name":"tf.math.multiply","function":"math.multiply"}}"#,
        );
        assert_eq!(rules(&text), (Outcome::Clean, vec![]));
    }

    /// The advisories, one row each: what stands in the model, and what it must be found as.
    #[test]
    fn each_advisory_is_found() {
        // marshal.dumps of a code object that names os.system, cut down to its names.
        let code = "4wAAAADaAm9z2gZzeXN0ZW0=";
        let cases = [
            ("CVE-2024-3660", format!(r#"{{"class_name":"Lambda","config":{{"name":"l","function":["{code}",null,null],"function_type":"lambda"}}}}"#), "keras/unsafe-code"),
            ("a lambda of Keras 3", format!(r#"{{"class_name":"Lambda","module":"keras.layers","config":{{"function":{{"class_name":"__lambda__","config":{{"value":"{code}"}}}}}}}}"#), "keras/unsafe-code"),
            ("code that names nothing", r#"{"class_name":"Lambda","config":{"function":["4wAAAADaAm54",null,null]}}"#.into(), "keras/code"),
            ("CVE-2025-1550", r#"{"class_name":"run","module":"subprocess","registered_name":"run","config":{"args":["true"]}}"#.into(), "keras/unsafe-name"),
            ("CVE-2025-1550, a function", r#"{"class_name":"function","module":"os","config":"system","registered_name":"system"}"#.into(), "keras/unsafe-name"),
            ("CVE-2025-8747", r#"{"class_name":"Lambda","module":"keras.layers","config":{"function":{"class_name":"function","module":"keras.utils","config":"get_file","registered_name":"get_file"},"arguments":{"origin":"https://example.org/x"}}}"#.into(), "keras/unsafe-name"),
            ("CVE-2025-9906", r#"{"class_name":"function","module":"keras.config","config":"enable_unsafe_deserialization","registered_name":"enable_unsafe_deserialization"}"#.into(), "keras/unsafe-name"),
            ("CVE-2025-49655", r#"{"class_name":"TorchModuleWrapper","module":"keras.layers","config":{"module":"gASVCAAAAAAAAACMBHRydWWULg=="}}"#.into(), "keras/unsafe-name"),
            ("CVE-2025-12058", r#"{"class_name":"StringLookup","module":"keras.layers","config":{"vocabulary":"/etc/passwd"}}"#.into(), "keras/reaches-out"),
            ("CVE-2025-12060", r#"{"class_name":"function","module":"keras.utils","config":"get_file","registered_name":null}"#.into(), "keras/unsafe-name"),
            ("a saved model from a path", r#"{"class_name":"TFSMLayer","module":"keras.layers","config":{"filepath":"//host/share"}}"#.into(), "keras/reaches-out"),
            ("a module that only looks like Keras", r#"{"class_name":"Dense","module":"kerasx.layers","config":{}}"#.into(), "keras/unknown-name"),
            ("a custom class of a module", r#"{"class_name":"Mine","module":"pkg","registered_name":"pkg>Mine","config":{}}"#.into(), "keras/unknown-name"),
            ("a custom class under the name of Keras", r#"{"class_name":"Mine","registered_name":"keras>Mine","config":{}}"#.into(), "keras/unknown-name"),
            ("a custom class under another name", r#"{"class_name":"Mine","registered_name":"pkg>Other","config":{}}"#.into(), "keras/unknown-name"),
            ("a custom class behind a known one", r#"{"class_name":"Dense","module":"keras.layers","registered_name":"pkg>Mine","config":{}}"#.into(), "keras/unknown-name"),
            ("a file through TensorFlow", r#"{"class_name":"TFOpLambda","config":{"function":"io.write_file"}}"#.into(), "keras/unknown-name"),
            ("two names for one thing", r#"{"class_name":"Dense","class_name":"Flatten","config":{}}"#.into(), "keras/ambiguous"),
            ("a type of another module", r#"{"class_name":"__typespec__","spec_name":"Popen","module":"subprocess","registered_name":null,"config":[]}"#.into(), "keras/unsafe-name"),
        ];
        for (what, inner, rule) in cases {
            let (outcome, found) = rules(&layer(&inner));
            assert!(
                outcome >= Outcome::Suspicious && found.contains(&rule.to_owned()),
                "{what}: {outcome} {found:?}"
            );
        }
    }
}
