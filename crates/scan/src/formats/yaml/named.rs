//! Keys whose values name code, in YAML or JSON: who imports or calls what they name, and whether it is harmful.

use proofhouse_core::Place;

use crate::scanner::Scanner;

/// A key whose value names code, in YAML or JSON.
pub(crate) fn named_code(scanner: &mut Scanner<'_>, place: Place, key: &str, value: &str) {
    if named_type(scanner, &place, key, value) {
        return;
    }
    let who = match key {
        "_target_" => "Hydra and NeMo call it",
        "class_path" => "Lightning builds it",
        "loader_module" => "MLflow imports it",
        "target" if place.path.ends_with("model_config.yaml") && value.contains('.') => {
            "NeMo imports it and builds the model by it"
        }
        "pythonClass" if !value.starts_with("pyspark.") => "Spark imports it when the stage is loaded",
        "activation_function" => "sentence-transformers calls it",
        _ => return,
    };
    if matches!(value, "" | "null" | "~") {
        return;
    }
    if let Some(what) = sink(scanner, value) {
        scanner.report("config/unsafe-target", place, format!("{key:?} names {value}: {who}, and it {what}"));
    } else if !library(key, value) {
        // Hydra and Lightning build what the program that reads the configuration has: a class of its own package is nothing that the
        // configuration brings.
        let own = own_source(scanner, &place, value).is_some()
            || matches!(key, "_target_" | "class_path") && is_alone(scanner, &place) && of_its_program(value);
        let rule = if own { "repo/custom-code" } else { "config/remote-code" };
        scanner.report(rule, place, format!("{key:?} names {value:?}: {who}"));
    }
}

/// A key by which a loader of any kind names a type: whether what it names is harmful, which is told.
pub(in crate::formats) fn named_type(
    scanner: &mut Scanner<'_>,
    place: &Place,
    key: &str,
    value: &str,
) -> bool {
    const TYPES: [&str; 12] = [
        "type",
        "class",
        "cls",
        "class_name",
        "callable",
        "function",
        "func",
        "factory",
        "handler",
        "target",
        "builder",
        "entrypoint",
    ];
    if TYPES.contains(&key)
        && let Some(what) = sink(scanner, value)
    {
        let message = format!("{key:?} names {value}, for a loader to call: it {what}");
        scanner.report("config/unsafe-target", place.clone(), message);
        return true;
    }
    false
}

/// What harm a dotted name does, if it is a known sink under any of its splits.
pub(in crate::formats) fn sink(scanner: &Scanner<'_>, name: &str) -> Option<&'static str> {
    let name = name.trim();
    name.match_indices('.').rev().find_map(|(at, _)| {
        let (module, rest) = (name.get(..at)?, name.get(at + 1..)?);
        scanner.tables.sink(module, rest)
    })
}

/// Classes of the frameworks whose configurations these are: a dotted path of plain names that ends in a class.
/// Functions are not among them, as those that load and run things are functions.
pub(in crate::formats) fn library(key: &str, value: &str) -> bool {
    const ROOTS: [&str; 14] = [
        "optuna.samplers.",
        "optuna.pruners.",
        "nemo.collections.",
        "nemo.core.optim.",
        "torch.nn.",
        "torch.optim.",
        "torchmetrics.",
        "torchvision.transforms.",
        "lightning.pytorch.",
        "pytorch_lightning.",
        "diffusers.models.",
        "diffusers.schedulers.",
        "transformers.models.",
        "hydra._internal.",
    ];
    // The modules of MLflow load what the neighbouring keys name, which is scanned by itself.
    const FLAVORS: [&str; 24] = [
        "catboost",
        "diviner",
        "fastai",
        "h2o",
        "keras",
        "langchain",
        "lightgbm",
        "onnx",
        "openai",
        "paddle",
        "pmdarima",
        "prophet",
        // Runs the file of `model_code_path`, which lies beside and is looked at as what is imported.
        "pyfunc.loaders.code_model",
        "pyfunc.model",
        "pyspark.ml",
        "pytorch",
        "sentence_transformers",
        "sklearn",
        "spacy",
        "spark",
        "statsmodels",
        "tensorflow",
        "transformers",
        "xgboost",
    ];
    let plain = |part: &str| {
        part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !part.starts_with("__")
            && !part.is_empty()
    };
    if key == "loader_module" {
        return value.strip_prefix("mlflow.").is_some_and(|flavor| FLAVORS.contains(&flavor));
    }
    // The builders of torchvision's models are functions, and take no path.
    let builder =
        value.strip_prefix("torchvision.models.").is_some_and(|name| plain(name) && name != "get_weight");
    // Makers of models and of schedules that take names and numbers.
    const MAKERS: [&str; 5] = [
        "timm.create_model",
        "timm.models.create_model",
        "transformers.get_scheduler",
        "torch.device",
        "open_clip.create_model",
    ];
    if builder || MAKERS.contains(&value) {
        return true;
    }
    let class = value.rsplit('.').next().is_some_and(|c| c.starts_with(|c: char| c.is_ascii_uppercase()));
    let own = ROOTS.iter().any(|root| value.starts_with(root)) || crate::python::is_of_a_package(value);
    class && value.split('.').all(plain) && own
}

/// Whether a configuration is handed over by itself, not as part of a model, which is loaded by what it names.
fn is_alone(scanner: &Scanner<'_>, place: &Place) -> bool {
    place.member.is_none()
        && !place.path.contains("model_config")
        && scanner.project.files_like("").take(2).count() < 2
}

/// Whether a dotted name is a class of a package that nobody knows, by plain names all along.
fn of_its_program(name: &str) -> bool {
    let plain = |part: &str| {
        part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !part.starts_with('_')
            && !part.is_empty()
    };
    let class = name.rsplit('.').next().is_some_and(|c| c.starts_with(|c: char| c.is_ascii_uppercase()));
    name.contains('.') && class && name.split('.').all(plain) && !crate::python::is_named(name)
}

/// The source of the model that a dotted name leads to, from the folder of the configuration or from the model's own.
pub(super) fn own_source(scanner: &Scanner<'_>, place: &Place, name: &str) -> Option<String> {
    let (project, path, _) = scanner.near(place)?;
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    // Most names lead to something in a module, MLflow's to one in its folder of code.
    let module = name.rsplit_once('.').map(|(module, _)| module);
    let candidates = [Some(name), module].into_iter().flatten().flat_map(|module| {
        let inner = module.replace('.', "/");
        [
            format!("{folder}/{inner}.py"),
            format!("{folder}/code/{inner}.py"),
            format!("{folder}/code/{inner}/__init__.py"),
            format!("{inner}.py"),
            format!("{inner}/__init__.py"),
        ]
    });
    candidates.map(|path| path.trim_start_matches('/').to_owned()).find(|path| project.is_source(path))
}
