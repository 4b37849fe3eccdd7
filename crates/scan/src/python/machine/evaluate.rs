//! Code that a source runs from a text, from bytes or from another file, and which files are the model's.

use std::sync::Arc;

use super::super::value::{Arguments, Cell, Taint, Value};
use super::{Machine, Scope, What};

impl Machine<'_> {
    /// `exec`, `eval`: of a known text it is followed, of anything else what is known is where it came from.
    pub(super) fn run_code(
        &mut self,
        scope: Scope<'_>,
        name: &str,
        arguments: &Arguments,
        line: u32,
    ) -> Value {
        let Some(code) = arguments.plain.first() else { return Value::UNKNOWN };
        let how = if name.ends_with("exec") { "exec" } else { "eval" };
        let mut result = Value::None;
        for code in code.choices().to_vec() {
            // Source that is bytes has been decoded from something.
            let decoded = matches!(code, Value::Bytes(_));
            let text = match &code {
                Value::Text(text) => Some(text.clone()),
                Value::Bytes(bytes) => Some(Arc::from(String::from_utf8_lossy(bytes))),
                Value::Cell(_) => match self.cell_of(&code) {
                    Some(Cell::Code(text)) => Some(text.clone()),
                    _ => None,
                },
                Value::Outside(path, _) => {
                    // `exec(open("version.py").read())` of a source of the model: followed as an import is.
                    if let Some(path) = self.source_read(path) {
                        self.import_source(&path);
                        continue;
                    }
                    // One that was not handed over with this one: it is looked at where it is.
                    if self.is_absent_source(path) {
                        continue;
                    }
                    None
                }
                _ => None,
            };
            result = match text {
                Some(text) => self.run_text(scope, &text, line, (how == "eval", decoded)),
                None => {
                    let taint = self.taint(&code);
                    // A table's cells are evaluated by lambdas; a function of its own answers to somebody.
                    let answers = how == "eval" && taint.has(Taint::CALLER) && !self.in_lambda;
                    let how = if answers { "eval of what its caller sends" } else { how };
                    self.event(scope, line, What::RunsUnknown { how, taint });
                    Value::Unknown(taint)
                }
            };
        }
        result
    }

    /// Whether arguments are such as make a function of code: nothing that its maker does not take.
    pub(super) fn makes_function(&self, arguments: &Arguments) -> bool {
        let taken = |name: &str| matches!(name, "globals" | "name" | "argdefs" | "closure" | "kwdefaults");
        let [code, globals, ..] = &arguments.plain[..] else { return false };
        let globals = !matches!(globals, Value::Integer(_) | Value::Bool(_) | Value::Text(_) | Value::None);
        globals && self.is_code(code) && arguments.named.iter().all(|(name, _)| taken(name))
    }

    /// Whether a value is what `compile` made, or may be.
    fn is_code(&self, value: &Value) -> bool {
        matches!(self.cell_of(value), Some(Cell::Code(_))) || matches!(value, Value::Unknown(_))
    }

    /// The source of the model whose whole content such a value is: `builtins.open(/model/x.py)().read()`. A part of
    /// one, or a file that is no source, is code that nobody has looked at.
    fn source_read(&self, name: &str) -> Option<String> {
        self.whole_file(name).filter(|path| self.project.is_source(path))
    }

    /// Whether such a value is the whole content of a source in the model's folder that is not here.
    fn is_absent_source(&self, name: &str) -> bool {
        self.whole_file(name).is_some_and(|path| {
            path.ends_with(".py") && !path.contains("..") && !self.project.has_file(&path)
        })
    }

    /// The file of the model whose whole content a value is. Installers run `setup.py` in its folder.
    fn whole_file(&self, name: &str) -> Option<String> {
        let (path, rest) = name.strip_prefix("builtins.open<")?.split_once('>')?;
        let whole =
            matches!(rest.trim_start_matches("()"), ".read()" | ".read().decode()" | ".read().strip()");
        let (folder, file) = self.subject.rsplit_once('/').unwrap_or(("", &self.subject));
        let path = match path.strip_prefix("/model/") {
            Some(path) => path.to_owned(),
            None if file == "setup.py" && !path.starts_with(['/', '~']) && !path.contains("..") => {
                format!("{folder}/{path}").trim_start_matches('/').to_owned()
            }
            None => return None,
        };
        whole.then_some(path)
    }

    /// Whether what is read is a file of the model, by a path that is written in the source: it is judged by itself. A
    /// script that no loader imports has its model beside it when it is run, here or not.
    pub(super) fn of_the_model(&self, file: &Value) -> bool {
        let path = match file {
            Value::Text(path) => path.as_ref(),
            Value::Outside(name, _) => {
                let opened =
                    name.strip_prefix("builtins.open<").or_else(|| name.strip_prefix("pathlib.Path<"));
                match opened.and_then(|rest| rest.split_once('>')) {
                    Some((path, _)) => path,
                    None => return false,
                }
            }
            _ => return false,
        };
        let path = path.trim_start_matches("/model/").trim_start_matches("./");
        let inside = !path.is_empty()
            && !path.starts_with(['/', '~'])
            && !path.contains("..")
            && !path.contains("://");
        let folder = self.subject.rsplit_once('/').map_or("", |(folder, _)| folder);
        let beside = format!("{folder}/{path}");
        let here = self.project.has_file(path) || self.project.has_file(beside.trim_start_matches('/'));
        inside && (here || self.subject.ends_with(".py") && !self.project.is_loaded(&self.subject))
    }
}
