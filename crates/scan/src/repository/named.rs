//! Which code a configuration names, and who imports it.

use proofhouse_artifact::json::Value;

/// Code or a path that a configuration names.
#[derive(Debug, PartialEq)]
pub(super) enum Names {
    /// A class of a source beside the configuration.
    Local { module: String, class: String, who: &'static str },
    /// Something of another repository.
    Foreign { repository: String, reference: String, who: &'static str },
    /// A package that is imported by name.
    Package { name: String, who: &'static str },
    /// What a loader of configurations imports and calls, under the key that says so.
    Target { key: &'static str, name: String },
    /// A path that leaves the model.
    Outside { path: String, who: &'static str },
    /// `trust_remote_code` is set.
    Trust,
}

const TRANSFORMERS: &str = "transformers imports it when the model is loaded with trust_remote_code";
const PIPELINE: &str = "transformers imports it as a pipeline";
const SENTENCES: &str = "sentence-transformers imports it when the model is loaded";
const DIFFUSERS: &str = "diffusers imports it when the pipeline is loaded";
const PEFT: &str = "peft imports the package when the adapter is loaded";

/// Modules of diffusers that `model_index.json` may name instead of a package.
const DIFFUSERS_MODULES: [&str; 22] = [
    "diffusers",
    "transformers",
    "flax",
    "stable_diffusion",
    "stable_diffusion_safe",
    "stable_diffusion_xl",
    "latent_diffusion",
    "deepfloyd_if",
    "kandinsky",
    "kandinsky2_2",
    "kandinsky3",
    "wuerstchen",
    "stable_cascade",
    "paint_by_example",
    "shap_e",
    "audioldm",
    "audioldm2",
    "unidiffuser",
    "musicldm",
    "spectrogram_diffusion",
    "pixart_alpha",
    "onnx_utils",
];

/// Packages whose models peft adapts.
const PEFT_PACKAGES: [&str; 6] =
    ["transformers", "diffusers", "sentence_transformers", "timm", "peft", "torch"];

/// Everything that the configuration at `path` names, in its order.
pub(super) fn named(path: &str, document: &Value) -> Vec<Names> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let mut out = Vec::new();
    match file {
        "modules.json" => sentence_modules(document, &mut out),
        "model_index.json" => model_index(document, &mut out),
        "adapter_config.json" => adapter(document, &mut out),
        "router_config.json" => router(document, &mut out),
        "config.json" => {
            dense(document, &mut out);
            router(document, &mut out);
        }
        _ => {}
    }
    anywhere(document, &mut out);
    out
}

/// Keys that are followed however deep they stand: loaders build nested configurations as they build outer ones
/// (CVE-2025-66448).
fn anywhere(document: &Value, out: &mut Vec<Names>) {
    let mut stack = vec![document];
    while let Some(value) = stack.pop() {
        match value {
            Value::Array(elements) => stack.extend(elements.iter().rev()),
            Value::Object(members) => {
                for (key, value) in members {
                    match key.as_str() {
                        "auto_map" => texts(value, &mut |text| out.push(reference(text, TRANSFORMERS))),
                        "custom_pipelines" => pipelines(value, out),
                        // A kernel or a way to generate, taken from another repository with its code.
                        "_attn_implementation" | "attn_implementation" | "custom_generate" => {
                            for repository in value.as_text().into_iter().filter(|text| text.contains('/')) {
                                out.push(Names::Foreign {
                                    repository: repository.to_owned(),
                                    reference: key.clone(),
                                    who: TRANSFORMERS,
                                });
                            }
                        }
                        "pretrained_cfg" => weights(value, out),
                        "_target_" => target("_target_", value, out),
                        // The activation of a cross-encoder (`sentence_transformers/cross_encoder`).
                        "activation_fn" | "sbert_ce_default_activation_function" => {
                            out.extend(value.as_text().and_then(activation));
                        }
                        "loader_module" => target("loader_module", value, out),
                        "class_path" => target("class_path", value, out),
                        "pythonClass" => target("pythonClass", value, out),
                        "trust_remote_code" if *value == Value::Bool(true) => out.push(Names::Trust),
                        _ => {}
                    }
                }
                stack.extend(members.iter().rev().map(|(_, value)| value));
            }
            _ => {}
        }
    }
}

/// Where timm takes weights from: an address, or a path, in place of the files beside the configuration.
fn weights(value: &Value, out: &mut Vec<Names>) {
    for (key, value) in value.as_object().unwrap_or_default() {
        let Some(text) = value.as_text().filter(|text| !text.is_empty()) else { continue };
        let elsewhere = match key.as_str() {
            "url" => crate::formats::shell::foreign(text),
            "file" => text.starts_with('/') || text.contains(".."),
            _ => false,
        };
        if elsewhere {
            out.push(Names::Outside { path: text.to_owned(), who: "timm loads weights from it" });
        }
    }
}

fn target(key: &'static str, value: &Value, out: &mut Vec<Names>) {
    texts(value, &mut |text| out.push(Names::Target { key, name: text.to_owned() }));
}

/// Texts in a value and the lists and objects directly in it.
fn texts(value: &Value, found: &mut dyn FnMut(&str)) {
    let mut stack = vec![value];
    while let Some(value) = stack.pop() {
        match value {
            Value::Text(text) => found(text),
            Value::Array(elements) => stack.extend(elements.iter().rev()),
            Value::Object(members) => stack.extend(members.iter().rev().map(|(_, v)| v)),
            _ => {}
        }
    }
}

/// `module.Class` or `owner/repository--module.Class`.
fn reference(text: &str, who: &'static str) -> Names {
    if let Some((repository, reference)) = text.split_once("--") {
        return Names::Foreign { repository: repository.to_owned(), reference: reference.to_owned(), who };
    }
    if text.contains(['/', '\\']) || text.contains("..") {
        return Names::Outside { path: text.to_owned(), who };
    }
    match text.rsplit_once('.') {
        Some((module, class)) => Names::Local { module: module.to_owned(), class: class.to_owned(), who },
        None => Names::Package { name: text.to_owned(), who },
    }
}

fn pipelines(value: &Value, out: &mut Vec<Names>) {
    for (_, pipeline) in value.as_object().unwrap_or_default() {
        for (key, value) in pipeline.as_object().unwrap_or_default() {
            if key == "impl" {
                texts(value, &mut |text| out.push(reference(text, PIPELINE)));
            }
        }
    }
}

/// `modules.json`: a list of modules with a type and a folder.
fn sentence_modules(document: &Value, out: &mut Vec<Names>) {
    for module in document.as_array().unwrap_or_default().iter().filter_map(Value::as_object) {
        for (key, value) in module {
            let Some(text) = value.as_text() else { continue };
            match key.as_str() {
                "type" if text.starts_with("sentence_transformers.") => {}
                "type" => out.push(reference(text, SENTENCES)),
                "path" if text.starts_with('/') || text.split(['/', '\\']).any(|part| part == "..") => {
                    out.push(Names::Outside { path: text.to_owned(), who: SENTENCES });
                }
                _ => {}
            }
        }
    }
}

/// `model_index.json`: components as `[library, class]`; the library may be a source in the component's folder.
fn model_index(document: &Value, out: &mut Vec<Names>) {
    for (key, value) in document.as_object().unwrap_or_default() {
        let Some([library, class]) = value.as_array() else { continue };
        let (Some(library), Some(class)) = (library.as_text(), class.as_text()) else { continue };
        if key == "_class_name" {
            out.push(Names::Local { module: library.to_owned(), class: class.to_owned(), who: DIFFUSERS });
        } else if library.contains(['/', '\\']) || library.contains("..") {
            out.push(Names::Outside { path: library.to_owned(), who: DIFFUSERS });
        } else if !DIFFUSERS_MODULES.contains(&library.split('.').next().unwrap_or(library)) {
            let module = format!("{key}.{library}");
            out.push(Names::Local { module, class: class.to_owned(), who: DIFFUSERS });
        }
    }
}

/// The configuration of sentence-transformers' `Dense`: its activation is imported by its dotted name and called
/// (`sentence_transformers/models/Dense.py`). Models of transformers have activations without a dot.
fn dense(document: &Value, out: &mut Vec<Names>) {
    for (key, value) in document.as_object().unwrap_or_default() {
        if key == "activation_function" {
            out.extend(value.as_text().and_then(activation));
        }
    }
}

fn activation(name: &str) -> Option<Names> {
    let foreign = name.contains('.') && !name.starts_with("torch.nn.");
    foreign.then(|| Names::Target { key: "activation_function", name: name.to_owned() })
}

/// The configuration of sentence-transformers' `Router` (`Asym` before): the modules that it leads to, by class.
fn router(document: &Value, out: &mut Vec<Names>) {
    let members = document.as_object().unwrap_or_default();
    if !members.iter().any(|(key, _)| key == "structure" || key == "parameters") {
        return;
    }
    let types = members.iter().filter(|(key, _)| key == "types").filter_map(|(_, v)| v.as_object()).flatten();
    for name in types.filter_map(|(_, class)| class.as_text()) {
        if !name.starts_with("sentence_transformers.") {
            out.push(reference(name, SENTENCES));
        }
    }
}

fn adapter(document: &Value, out: &mut Vec<Names>) {
    for (key, value) in document.as_object().unwrap_or_default() {
        if key != "auto_mapping" {
            continue;
        }
        for (key, value) in value.as_object().unwrap_or_default() {
            if key == "parent_library"
                && let Some(name) = value.as_text()
                && !PEFT_PACKAGES.contains(&name.split('.').next().unwrap_or(name))
            {
                // The package may be a source beside the adapter, as far as the working directory allows.
                out.push(Names::Package { name: name.to_owned(), who: PEFT });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proofhouse_artifact::json::parse;

    use super::*;

    fn of(path: &str, text: &str) -> Vec<String> {
        let document = parse(text.as_bytes(), 1000).unwrap();
        let told = |names: &Names| match names {
            Names::Local { module, class, .. } => format!("local {module} {class}"),
            Names::Foreign { repository, reference, .. } => format!("foreign {repository} {reference}"),
            Names::Package { name, .. } => format!("package {name}"),
            Names::Target { key, name } => format!("{key} {name}"),
            Names::Outside { path, .. } => format!("outside {path}"),
            Names::Trust => "trust".to_owned(),
        };
        named(path, &document).iter().map(told).collect()
    }

    #[test]
    fn each_door_is_seen() {
        assert_eq!(
            of(
                "config.json",
                r#"{"auto_map":{"AutoModel":"m.M","AutoTokenizer":["t.S",null],"X":"a/b--m.N"}}"#
            ),
            ["local m M", "local t S", "foreign a/b m.N"]
        );
        assert_eq!(of("config.json", r#"{"vision":{"inner":{"auto_map":"v.V"}}}"#), ["local v V"]);
        assert_eq!(
            of("config.json", r#"{"custom_pipelines":{"t":{"impl":"p.P","pt":["AutoModel"]}}}"#),
            ["local p P"]
        );
        assert_eq!(of("config.json", r#"{"auto_map":"../../x.M"}"#), ["outside ../../x.M"]);
        assert_eq!(
            of(
                "modules.json",
                r#"[{"type":"sentence_transformers.models.Pooling","path":"1_Pooling"},{"type":"own.Head","path":"../x"}]"#
            ),
            ["local own Head", "outside ../x"]
        );
        assert_eq!(
            of(
                "model_index.json",
                r#"{"_class_name":["pipeline","P"],"unet":["my_unet","U"],"vae":["diffusers","A"],"safety":[null,null]}"#
            ),
            ["local pipeline P", "local unet.my_unet U"]
        );
        assert_eq!(
            of("adapter_config.json", r#"{"auto_mapping":{"parent_library":"evil.mod"}}"#),
            ["package evil.mod"]
        );
        assert_eq!(
            of("c.json", r#"{"a":[{"class_path":"subprocess.Popen"}]}"#),
            ["class_path subprocess.Popen"]
        );
        assert_eq!(
            of("1_Dense/config.json", r#"{"activation_function":"os.system"}"#),
            ["activation_function os.system"]
        );
        assert!(of("config.json", r#"{"activation_function":"gelu_new"}"#).is_empty());
        assert!(
            of("config.json", r#"{"activation_function":"torch.nn.modules.activation.Tanh"}"#).is_empty()
        );
        assert_eq!(
            of(
                "router_config.json",
                r#"{"types":{"a":"own.M","b":"sentence_transformers.models.Pooling"},"structure":{}}"#
            ),
            ["local own M"]
        );
        assert_eq!(
            of("c.json", r#"{"model":{"_target_":"os.system"},"trust_remote_code":true}"#),
            ["trust", "_target_ os.system"]
        );
    }
}
