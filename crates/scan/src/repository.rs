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

pub(crate) use by_name::scan as by_name;
use named::{Names, named};

/// Largest configuration that is read ahead; tokenizers and vocabularies name no code.
pub(crate) const MAX_CONFIGURATION: u64 = 2 << 20;

/// Marks the sources that the configuration at `path` has a loader import.
pub(crate) fn mark_loaded(project: &mut Project, path: &str, document: &Value) {
    for names in named(path, document) {
        if let Names::Local { module, .. } = names
            && let Some(source) = local(project, path, &module)
        {
            project.load(&source);
        }
    }
}

/// Reports what the configuration names: code that is here, elsewhere, or nowhere; shards; trust.
pub(crate) fn configuration(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &Value) {
    let path = content.place.path.as_str();
    let alone = content.place.member.is_some() || !scanner.project.has_file(path);
    for names in named(path, document) {
        let place = content.place.clone();
        match names {
            Names::Local { module, class, who } if alone => {
                let message = format!("names {module}.{class}: {who} from the model's own files");
                scanner.report("config/remote-code", place, message);
            }
            Names::Local { module, class, who } => match local(scanner.project, path, &module) {
                Some(source) if scanner.project.mentions(&source, &class) => {
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
    index::scan(scanner, content, document, alone);
}

/// The source that a reference relative to the configuration at `from` means.
fn local(project: &Project, from: &str, module: &str) -> Option<String> {
    let inner = format!("{}.py", module.replace('.', "/"));
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let beside = if folder.is_empty() { inner.clone() } else { format!("{folder}/{inner}") };
    let package = beside.replace(".py", "/__init__.py");
    [beside, package, inner].into_iter().find(|path| project.has_file(path))
}
