//! A model as a repository: what its configurations name, what runs by its name, and what is not here.
//!
//! A loader reads `config.json`, finds `auto_map` in it and imports Python from the same folder, or from another
//! repository (transformers' "custom models"); diffusers, sentence-transformers and peft have doors of their own.
//! Each door is followed to the source behind it, which [`crate::python`] then looks at as something that is loaded.

use proofhouse_artifact::json::Value;

use crate::python::Project;
use crate::scanner::{Content, Scanner};

mod by_name;
mod index;
mod named;

pub(crate) use by_name::{builds_image, environment, is_elsewhere, is_index, scan as by_name};
use named::{Names, named};

/// Largest configuration that is read ahead; tokenizers and vocabularies name no code.
pub(crate) const MAX_CONFIGURATION: u64 = 2 << 20;

/// Marks the sources that the configuration at `path` has a loader import.
pub(crate) fn mark_loaded(project: &mut Project, path: &str, document: &Value) {
    if let Some(root) = path.strip_suffix("MAR-INF/MANIFEST.json") {
        served(project, root, document);
    }
    // A package of spaCy: `spacy.load` imports it and calls its `load` (`spacy/util.py`).
    if let Some(root) = path.strip_suffix("meta.json")
        && document.as_object().unwrap_or_default().iter().any(|(key, _)| key == "spacy_version")
    {
        let package = format!("{root}__init__.py");
        if project.has_file(&package) {
            project.load(&package);
            project.serve(&package, "load");
        }
    }
    for names in named(path, document) {
        match names {
            Names::Local { module, .. } => {
                if let Some(source) = local(project, path, &module) {
                    project.load(&source);
                }
            }
            Names::Target { name, .. } => called(project, path, &name),
            _ => {}
        }
    }
}

/// The handler and the model file of a TorchServe archive: its server imports both, makes an object of the handler's
/// class, and calls the function that may stand behind a colon (`ts/model_loader.py`).
fn served(project: &mut Project, root: &str, document: &Value) {
    let model = document.member("model");
    for (key, value) in model.and_then(Value::as_object).unwrap_or_default() {
        let Some(text) = value.as_text().filter(|_| matches!(key.as_str(), "handler" | "modelFile")) else {
            continue;
        };
        let (file, function) = text.split_once(':').unwrap_or((text, ""));
        let path = format!("{root}{}.py", file.strip_suffix(".py").unwrap_or(file));
        project.load(&path);
        project.serve(&path, function);
    }
}

/// Configurations beside JSON that have a program import sources of the model, and how much of them is read ahead.
pub(crate) fn is_marking(path: &str, size: u64) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let named = name.ends_with("pyproject.toml") || name.eq_ignore_ascii_case("mlmodel") || is_yaml(name);
    size <= MAX_CONFIGURATION && named
}

/// Marks the sources that a configuration of [`is_marking`] has a program import.
pub(crate) fn mark_text(project: &mut Project, path: &str, text: &str) {
    if path.ends_with(".toml") {
        built(project, path, text);
    } else if is_yaml(path) {
        targets(project, path, text);
    } else {
        run_as_model(project, path, text);
    }
}

fn is_yaml(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    lower.ends_with(".yaml") || lower.ends_with(".yml")
}

/// Marks the sources of what Hydra, Lightning and NeMo call by its name in a configuration: a class of the repository's
/// own is imported from the folder that the program is started in.
fn targets(project: &mut Project, path: &str, text: &str) {
    /// Configurations name few.
    const MOST: usize = 1_000;
    let values = text.lines().filter_map(|line| {
        let (_, value) = ["_target_", "class_path"].iter().find_map(|key| line.split_once(key))?;
        Some(
            value
                .trim_start_matches(['"', '\'', ' ', ':'])
                .split(['"', '\'', ' ', ',', '}'])
                .next()?
                .to_owned(),
        )
    });
    for name in values.filter(|name| name.contains('.')).take(MOST) {
        called(project, path, &name);
    }
}

/// Marks the source of a dotted name, wherever it lies: beside the configuration, in a folder above it, or nowhere.
fn called(project: &mut Project, path: &str, name: &str) {
    /// Folders above a configuration from which its program may be started.
    const ABOVE: usize = 8;
    let module = name.rsplit_once('.').map_or(name, |(module, _)| module).replace('.', "/");
    let beside = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    // The outermost may be met twice, which marks it once.
    let above = std::iter::successors(Some(beside), |folder| folder.rsplit_once('/').map(|(outer, _)| outer));
    for folder in above.take(ABOVE).chain([""]) {
        let inner = if folder.is_empty() { module.clone() } else { format!("{folder}/{module}") };
        project.load(&format!("{inner}.py"));
        project.load(&format!("{inner}/__init__.py"));
    }
}

/// Marks the build backend that a `pyproject.toml` names, if it lies in the model: installing imports it and calls its
/// hooks (PEP 517).
fn built(project: &mut Project, path: &str, text: &str) {
    let texts: Vec<(String, String)> = by_name::toml_texts(text)
        .into_iter()
        .filter(|entry| &*entry.table == "build-system")
        .map(|entry| (entry.key.to_string(), entry.value))
        .collect();
    let of = |key: &'static str| {
        texts.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    };
    let Some(backend) = of("build-backend").next() else { return };
    let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let module = backend.split(':').next().unwrap_or_default().trim().replace('.', "/");
    for inner in of("backend-path") {
        let inner = if inner == "." { String::new() } else { format!("{}/", inner.trim_matches('/')) };
        for source in [format!("{folder}{inner}{module}.py"), format!("{folder}{inner}{module}/__init__.py")]
        {
            project.load(&source);
        }
    }
}

/// A model of MLflow that is kept as code: what runs is the file of that name beside the `MLmodel`, whatever folder its
/// path had (`mlflow/pyfunc/loaders/code_model.py`). However the name is spelt, it is one of those.
fn run_as_model(project: &mut Project, path: &str, text: &str) {
    if text.contains("code_model") || text.contains("model_code_path") {
        project.load_beside(path);
    }
}

/// Reports what the configuration names: code that is here, elsewhere, or nowhere; shards; trust.
pub(crate) fn configuration(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &Value) {
    let near = scanner.near(&content.place).filter(|(project, path, _)| project.has_file(path));
    let empty = Project::default();
    let (project, path, alone) = match &near {
        Some((project, path, _)) => (&**project, path.as_str(), false),
        None => (&empty, content.place.member.as_deref().unwrap_or(&content.place.path), true),
    };
    for names in named(path, document) {
        let place = content.place.clone();
        match names {
            Names::Local { module, class, who } if alone => {
                let message = format!("names {module}.{class}: {who} from the model's own files");
                scanner.report("config/remote-code", place, message);
            }
            Names::Local { module, class, who } => match local(project, path, &module) {
                Some(source) if project.mentions(&source, &class) => {
                    scanner.report("repo/custom-code", place, format!("names {class} of {source}: {who}"));
                }
                Some(source) => {
                    let message = format!("names {class}, which {source} does not define: {who}");
                    scanner.report("repo/missing-code", place, message);
                }
                None => {
                    let message = format!("names {module}.{class}, which is not in the model: {who}");
                    scanner.report("repo/missing-code", place, message);
                }
            },
            Names::Foreign { repository, reference, who } => {
                let message = format!("names {reference} of the repository {repository:?}: {who}");
                scanner.report("repo/foreign-code", place, message);
            }
            Names::Target { key, name } => crate::formats::named_code(scanner, place, key, &name),
            Names::Package { name, who } => {
                scanner.report("config/remote-code", place, format!("names {name:?}: {who}"));
            }
            Names::Outside { path, who } => {
                scanner.report("repo/unsafe-path", place, format!("names the path {path:?}: {who}"));
            }
            Names::Trust => {
                let message = "asks its loader to trust the code of whatever it names";
                scanner.report("repo/trust-remote-code", place, message);
            }
        }
    }
    index::scan(scanner, content, document, (!alone).then_some((project, path)));
}

/// The source that a reference relative to the configuration at `from` means.
fn local(project: &Project, from: &str, module: &str) -> Option<String> {
    let inner = format!("{}.py", module.replace('.', "/"));
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let beside = if folder.is_empty() { inner.clone() } else { format!("{folder}/{inner}") };
    let package = beside.replace(".py", "/__init__.py");
    [beside, package, inner].into_iter().find(|path| project.has_file(path))
}
