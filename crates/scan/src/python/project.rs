//! The sources of a model that may import each other, and which of them a loader asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::parser::parse;
use super::syntax::Module;

/// Python sources by their path within the model.
#[derive(Debug, Default)]
pub(crate) struct Project {
    sources: BTreeMap<String, Source>,
    files: BTreeSet<String>,
    loaded: BTreeSet<String>,
    /// Folders of which a loader may run any source.
    loaded_folders: BTreeSet<String>,
    /// Functions that a serving program calls, by source.
    entries: BTreeSet<(String, String)>,
    /// Words of imports and the source that has them; none, where several have.
    named: OnceLock<BTreeMap<String, String>>,
}

#[derive(Debug)]
struct Source {
    text: Arc<str>,
    parsed: OnceLock<Arc<Module>>,
}

/// Where an import leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Import {
    Source(String),
    /// A folder of sources without an `__init__.py`.
    Folder(String),
}

impl Project {
    /// Names a file of the model.
    pub(crate) fn add_file(&mut self, path: &str) {
        self.files.insert(path.to_owned());
    }

    /// Adds a source.
    pub(crate) fn add_source(&mut self, path: &str, text: &str) {
        self.files.insert(path.to_owned());
        self.sources.insert(path.to_owned(), Source { text: Arc::from(text), parsed: OnceLock::new() });
    }

    /// Notes that a loader imports the source at `path` and makes an object of one of its classes.
    pub(crate) fn load(&mut self, path: &str) {
        self.loaded.insert(path.to_owned());
    }

    /// Notes that a loader may run each source in the folder of the file at `path`.
    pub(crate) fn load_beside(&mut self, path: &str) {
        self.loaded_folders.insert(folder(path).to_owned());
    }

    /// Notes that a serving program calls the function `name` of the source at `path` for each request.
    pub(crate) fn serve(&mut self, path: &str, name: &str) {
        self.entries.insert((path.to_owned(), name.to_owned()));
    }

    pub(super) fn is_served(&self, path: &str, name: &str) -> bool {
        self.entries.contains(&(path.to_owned(), name.to_owned()))
    }

    /// Marks the sources of each `torch.package` as loaded: its pickles import them and make objects of their classes
    /// (`torch/package/package_importer.py`).
    pub(crate) fn load_packages(&mut self) {
        let packages: Vec<String> = self
            .files
            .iter()
            .filter_map(|path| path.strip_suffix(".data/extern_modules"))
            .map(str::to_owned)
            .collect();
        for source in self.sources.keys() {
            if packages.iter().any(|root| source.starts_with(root.as_str())) {
                self.loaded.insert(source.clone());
            }
        }
    }

    pub(crate) fn is_source(&self, path: &str) -> bool {
        self.sources.contains_key(path)
    }

    pub(crate) fn is_loaded(&self, path: &str) -> bool {
        self.loaded.contains(path) || self.loaded_folders.contains(folder(path))
    }

    /// Whether a source is one that a person starts: no loader imports it, no other source does, and its name is none by
    /// which an installer, a runner of tests, a server or a loader finds it.
    pub(crate) fn is_script(&self, path: &str) -> bool {
        const FOUND: [&str; 20] = [
            "__init__.py",
            "setup.py",
            "conftest.py",
            "hubconf.py",
            "sitecustomize.py",
            "usercustomize.py",
            "conf.py",
            "handler.py",
            "inference.py",
            "score.py",
            "model.py",
            "noxfile.py",
            "fabfile.py",
            "tasks.py",
            "dodo.py",
            "zero_to_fp32.py",
            "generate.py",
            "gunicorn.conf.py",
            "model_handler.py",
            "custom_handler.py",
        ];
        const KINDS: [&str; 8] = [
            "modeling",
            "modelling",
            "configuration",
            "tokenization",
            "processing",
            "image_processing",
            "feature_extraction",
            "pipeline",
        ];
        let name = path.rsplit('/').next().unwrap_or(path);
        let Some(stem) = name.strip_suffix(".py") else { return false };
        let found = FOUND.contains(&name) || KINDS.iter().any(|kind| stem.starts_with(kind));
        !found && !self.is_loaded(path) && !self.is_imported(path, stem)
    }

    /// Whether another source names the module in an import, as far as its text tells.
    fn is_imported(&self, path: &str, stem: &str) -> bool {
        let named = self.named.get_or_init(|| {
            let mut named: BTreeMap<String, String> = BTreeMap::new();
            for (path, source) in &self.sources {
                for word in imported(&source.text) {
                    // By two sources is by another one, whichever asks.
                    let by = named.entry(word.to_owned()).or_insert_with(|| path.clone());
                    if by != path {
                        by.clear();
                    }
                }
            }
            named
        });
        named.get(stem).is_some_and(|by| by != path)
    }

    pub(crate) fn has_file(&self, path: &str) -> bool {
        self.files.contains(path)
    }

    /// Files whose path begins like that.
    pub(crate) fn files_like<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.files
            .range(prefix.to_owned()..)
            .map(String::as_str)
            .take_while(move |path| path.starts_with(prefix))
    }

    /// Whether the source at `path` defines or imports something of that name, as far as its text tells.
    pub(crate) fn mentions(&self, path: &str, name: &str) -> bool {
        self.sources.get(path).is_some_and(|s| s.text.contains(name) || s.text.contains("import *"))
    }

    /// The text of the source at `path`.
    pub(crate) fn text(&self, path: &str) -> Option<Arc<str>> {
        Some(self.sources.get(path)?.text.clone())
    }

    pub(super) fn source(&self, path: &str) -> Option<(Arc<str>, Arc<Module>)> {
        let source = self.sources.get(path)?;
        let parsed = source.parsed.get_or_init(|| Arc::new(parse(&source.text, 1)));
        Some((source.text.clone(), parsed.clone()))
    }

    /// What `import module` finds from the file at `from`: with dots relative to its folder, without from the
    /// folder upward, because any of these may be where the loader starts.
    pub(super) fn resolve(&self, from: &str, level: usize, module: &str) -> Option<Import> {
        let mut folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        let inner = module.replace('.', "/");
        if level > 0 {
            for _ in 1..level {
                folder = folder.rsplit_once('/').map_or("", |(outer, _)| outer);
            }
            return self.at(folder, &inner);
        }
        loop {
            if let Some(found) = self.at(folder, &inner) {
                return Some(found);
            }
            if folder.is_empty() {
                return None;
            }
            folder = folder.rsplit_once('/').map_or("", |(outer, _)| outer);
        }
    }

    fn at(&self, folder: &str, inner: &str) -> Option<Import> {
        let base = match (folder, inner) {
            ("", inner) => inner.to_owned(),
            (folder, "") => folder.to_owned(),
            (folder, inner) => format!("{folder}/{inner}"),
        };
        for path in [format!("{base}.py"), format!("{base}/__init__.py")] {
            if self.sources.contains_key(path.trim_start_matches('/')) {
                return Some(Import::Source(path.trim_start_matches('/').to_owned()));
            }
        }
        let prefix = format!("{base}/");
        let inside =
            self.sources.range(prefix.clone()..).next().is_some_and(|(path, _)| path.starts_with(&prefix));
        (inside && !base.is_empty()).then_some(Import::Folder(base))
    }
}

/// The words of all imports of a source.
fn imported(text: &str) -> impl Iterator<Item = &str> {
    let mut open = false;
    let lines = text.lines().filter(move |line| {
        let line = line.trim_start();
        let begins =
            line.starts_with("import ") || line.starts_with("from ") || line.contains("import_module(");
        let inside = open;
        open = (begins && line.contains('(') || open) && !line.contains(')');
        begins || inside
    });
    lines
        .flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '_')))
        .filter(|word| !word.is_empty())
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_what_nothing_imports() {
        let mut project = Project::default();
        for (path, text) in [
            ("train.py", "from util import (\n    a,\n    b,\n)\nimport lib.c\n"),
            ("util/b.py", ""),
            ("lib/c.py", ""),
            ("own.py", "import own\n"),
            ("modeling_x.py", ""),
            ("setup.py", ""),
        ] {
            project.add_source(path, text);
        }
        project.load("loaded.py");
        let scripts = ["train.py", "own.py"];
        for path in ["train.py", "util/b.py", "lib/c.py", "own.py", "modeling_x.py", "setup.py", "loaded.py"]
        {
            assert_eq!(project.is_script(path), scripts.contains(&path), "{path}");
        }
    }

    #[test]
    fn imports_lead_where_python_looks() {
        let mut project = Project::default();
        for path in ["a.py", "p/__init__.py", "p/b.py", "n/c.py"] {
            project.add_source(path, "");
        }
        let source = |path: &str| Some(Import::Source(path.to_owned()));
        assert_eq!(project.resolve("a.py", 1, "p.b"), source("p/b.py"));
        assert_eq!(project.resolve("p/b.py", 2, "a"), source("a.py"));
        assert_eq!(project.resolve("p/b.py", 1, ""), source("p/__init__.py"));
        assert_eq!(project.resolve("p/b.py", 0, "a"), source("a.py"));
        assert_eq!(project.resolve("a.py", 0, "n"), Some(Import::Folder("n".to_owned())));
        assert_eq!(project.resolve("a.py", 0, "os"), None);
    }
}
