//! Built-in functions that reach further than a value: attributes by name, imports, code from text, files.

use std::sync::Arc;

use super::super::effects::{Effect, effect};
use super::super::fold;
use super::super::value::{Arguments, Cell, Taint, Value};
use super::{Body, Machine, Manner, Reach, Scope, What};
use crate::credential::is_credential;

impl Machine<'_> {
    /// What a call of that name amounts to; `None` where it is like any other.
    ///
    /// `exact` is the name with what is known of a path in it.
    pub(super) fn intrinsic(
        &mut self,
        scope: Scope<'_>,
        name: &str,
        exact: &str,
        arguments: &Arguments,
        line: u32,
    ) -> Option<Value> {
        let first = arguments.plain.first();
        Some(match name {
            "builtins.exec" | "builtins.eval" => self.run_code(scope, name, arguments, line),
            // The type of a function makes functions of code: `type(f)(code, {})`.
            "builtins.type()" | "types.FunctionType" | "types.LambdaType"
                if self.makes_function(arguments) =>
            {
                self.run_code(scope, "builtins.exec", arguments, line)
            }
            "builtins.compile" => match first {
                Some(Value::Text(text)) => {
                    let text = text.clone();
                    self.cell(Cell::Code(text))
                }
                Some(Value::Bytes(bytes)) => {
                    let text: Arc<str> = Arc::from(String::from_utf8_lossy(bytes));
                    self.cell(Cell::Code(text))
                }
                other => Value::Unknown(other.map_or(Taint::NONE, |v| self.taint(v))),
            },
            "builtins.getattr"
            | "inspect.getattr_static"
            | "builtins.object.__getattribute__"
            | "builtins.type.__getattribute__" => self.attribute_by_name(scope, arguments, line),
            "builtins.setattr" => {
                if let [owner, name, value] = &arguments.plain[..] {
                    match name.as_text() {
                        Some(name) => self.set_attribute(scope, owner, name, value.clone(), line),
                        None if matches!(owner, Value::Outside(n, _) if n.as_ref() == "builtins") => {
                            self.event(scope, line, What::Replaces("builtins".to_owned()));
                        }
                        None => {}
                    }
                }
                Value::None
            }
            "builtins.__import__"
            | "importlib.import_module"
            | "importlib.__import__"
            | "imp.load_module" => {
                // The function of Python gives the package of a module, unless names of the module are asked for.
                let top = name.ends_with("__import__") && arguments.get(3, "fromlist").is_none();
                let first = first.and_then(Value::as_text).filter(|_| top);
                match first
                    .and_then(|module| module.split_once('.'))
                    .filter(|(package, _)| !package.is_empty())
                {
                    Some((package, _)) => {
                        let package = Value::text(package);
                        self.import_by_name(scope, arguments, line);
                        self.import_by_name(scope, &Arguments::of([package]), line)
                    }
                    None => self.import_by_name(scope, arguments, line),
                }
            }
            "logging.config.dictConfig" => {
                let settings = first?.clone();
                self.factories(scope, &settings, 6, line);
                return None;
            }
            // What loads from a file of its own has an effect; the others load what is found by that name.
            _ if name.ends_with(".load_module")
                && effect(name).is_none()
                && first.and_then(Value::as_text).is_some() =>
            {
                self.import_by_name(scope, &Arguments::of([first?.clone()]), line)
            }
            "pkgutil.resolve_name" | "pydoc.locate" | "twisted.python.reflect.namedAny" => {
                match first.and_then(Value::as_text) {
                    Some(path) => Value::outside(path.replace(':', ".")),
                    None => self.unknown_import(scope, line),
                }
            }
            "builtins.vars" if !arguments.plain.is_empty() => match first {
                Some(object @ Value::Cell(_)) => Value::Unknown(self.taint_of_fields(object)),
                Some(value) => {
                    let of = value.choices().iter().find_map(|choice| match choice {
                        Value::Outside(base, _) => Some(format!("{base}.__dict__")),
                        _ => None,
                    });
                    of.map_or(Value::UNKNOWN, Value::outside)
                }
                None => Value::UNKNOWN,
            },
            // A copy of all that a module has is the same to whoever picks something of it.
            "builtins.dict" if matches!(first, Some(Value::Outside(n, _)) if n.ends_with(".__dict__")) => {
                first?.clone()
            }
            // Pairs and names become a table that what is looked up in it is found in.
            "builtins.dict" if arguments.plain.len() <= 1 => {
                let mut pairs: Vec<(Value, Value)> = Vec::new();
                if let Some(given) = first {
                    if let Some(Cell::Dict(known)) = self.cell_of(given) {
                        pairs.clone_from(known);
                    } else {
                        for pair in self.list_at(scope, arguments, 0, line)? {
                            let pair = self.elements(scope, &pair, line)?;
                            let [key, value] = &pair[..] else { return None };
                            pairs.push((key.clone(), value.clone()));
                        }
                    }
                }
                pairs.extend(arguments.named.iter().map(|(name, value)| (Value::text(name), value.clone())));
                self.cell(Cell::Dict(pairs))
            }
            "operator.itemgetter" => {
                let callee = Value::outside("operator.itemgetter()");
                self.cell(Cell::Partial { callee, plain: vec![first?.clone()], named: Vec::new() })
            }
            "operator.itemgetter()" => {
                let (key, owner) = (first?.clone(), arguments.plain.get(1)?.clone());
                self.subscript(scope, &owner, &key, false, line)
            }
            "builtins.globals" | "builtins.locals" | "builtins.vars" => Value::outside(format!("{name}()")),
            "sys.modules.get" | "sys.modules.__getitem__" | "sys.modules.setdefault" | "sys.modules.pop" => {
                match first.and_then(Value::as_text) {
                    Some(module) => self.module_named(scope, 0, module),
                    None => Value::UNKNOWN,
                }
            }
            "builtins.globals().get" | "builtins.globals().__getitem__" | "builtins.locals().get" => {
                match first.and_then(Value::as_text) {
                    Some(name) => self.lookup(scope, name),
                    None => Value::UNKNOWN,
                }
            }
            "sys.meta_path.insert"
            | "sys.meta_path.append"
            | "sys.path_hooks.insert"
            | "sys.path_hooks.append" => {
                self.event(scope, line, What::Replaces(name.to_owned()));
                Value::None
            }
            // A folder on the path is ordinary; a file is an archive of modules that nobody sees.
            "sys.path.insert" | "sys.path.append" => {
                let from = arguments.plain.last().and_then(Value::as_text).map(str::to_owned);
                if let Some(from) = from.filter(|path| self.is_packed(path)) {
                    self.event(scope, line, What::ImportsFrom(from));
                }
                Value::None
            }
            // A file of the packages' own folder is known by its name alone.
            "os.path.join" if matches!(first, Some(Value::Outside(of, _)) if ["site.", "sysconfig."].iter().any(|m| of.starts_with(m))) =>
            {
                let last = arguments.plain.last().and_then(Value::as_text)?;
                Value::text(format!("/site-packages/{last}"))
            }
            "builtins.__getattribute__" => match first.and_then(Value::as_text) {
                Some(name) => Value::outside(format!("builtins.{name}")),
                None => Value::UNKNOWN,
            },
            "builtins.map" | "builtins.filter" => self.mapped(scope, arguments, name == "builtins.map", line),
            "functools.partial" | "functools.partialmethod" => {
                let (callee, plain) = arguments.plain.split_first()?;
                self.cell(Cell::Partial {
                    callee: callee.clone(),
                    plain: plain.to_vec(),
                    named: arguments.named.clone(),
                })
            }
            "functools.reduce" => {
                let callee = first?.clone();
                let mut values = self.list_at(scope, arguments, 1, line)?.into_iter();
                let mut value = arguments.plain.get(2).cloned().or_else(|| values.next())?;
                for next in values.take(10_000) {
                    value = self.call(scope, &callee, Arguments::of([value, next]), line);
                }
                value
            }
            "operator.attrgetter" | "operator.methodcaller" => {
                let (asked, rest) = arguments.plain.split_first()?;
                let callee = Value::outside(format!("{name}()"));
                let plain = std::iter::once(asked.clone()).chain(rest.iter().cloned()).collect();
                self.cell(Cell::Partial { callee, plain, named: arguments.named.clone() })
            }
            "operator.attrgetter()" => {
                let (path, owner) = (arguments.plain.first()?, arguments.plain.get(1)?);
                self.attribute_path(scope, owner, path, line)
            }
            "operator.methodcaller()" => {
                let (path, owner) = (arguments.plain.first()?, arguments.plain.last()?);
                let method = self.attribute_path(scope, owner, path, line);
                let given = arguments.plain.get(1..arguments.plain.len() - 1).unwrap_or_default().to_vec();
                self.call(scope, &method, Arguments { plain: given, named: arguments.named.clone() }, line)
            }
            "builtins.type" if arguments.plain.len() == 3 => self.made_class(scope, arguments, line),
            "builtins.type" if arguments.plain.len() == 1 => match self.cell_of(first?) {
                Some(Cell::Object { class: Some(class), .. }) => Value::Class(*class),
                _ => return None,
            },
            "builtins.type" | "builtins.super" => return None,
            "builtins.list" | "builtins.tuple" | "builtins.set" | "builtins.frozenset" | "builtins.iter" => {
                let values = self.list_at(scope, arguments, 0, line)?;
                self.sequence(values)
            }
            "builtins.bytes" | "builtins.bytearray" => {
                let values = self.list_at(scope, arguments, 0, line)?;
                let bytes: Option<Vec<u8>> =
                    values.iter().map(|v| v.as_integer().and_then(|n| u8::try_from(n).ok())).collect();
                Value::bytes(bytes?)
            }
            "builtins.reversed" => {
                let mut values = self.list_at(scope, arguments, 0, line)?;
                values.reverse();
                self.sequence(values)
            }
            "builtins.enumerate" => {
                let values = self.list_at(scope, arguments, 0, line)?;
                let pairs: Vec<Value> = (0_i64..)
                    .zip(values)
                    .map(|(index, value)| self.sequence(vec![Value::Integer(index), value]))
                    .collect();
                self.sequence(pairs)
            }
            "builtins.zip" => {
                let columns: Option<Vec<Vec<Value>>> =
                    (0..arguments.plain.len()).map(|at| self.list_at(scope, arguments, at, line)).collect();
                let columns = columns?;
                let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
                let rows: Vec<Value> = (0..rows)
                    .map(|row| {
                        let cells = columns.iter().filter_map(|c| c.get(row).cloned()).collect();
                        self.sequence(cells)
                    })
                    .collect();
                self.sequence(rows)
            }
            "builtins.list.append"
            | "builtins.list.appendleft"
            | "builtins.list.add"
            | "builtins.list.update"
            | "builtins.list.extend"
            | "builtins.list.insert"
            | "builtins.list.pop"
            | "builtins.list.reverse" => self.list_method(scope, name, arguments, line),
            "builtins.dict.update" | "builtins.dict.setdefault" => {
                return self.dict_method(scope, name, arguments, line);
            }
            "builtins.dict.get" | "builtins.dict.pop" | "builtins.dict.__getitem__" => {
                let (owner, key) = (first?.clone(), arguments.plain.get(1)?.clone());
                self.subscript(scope, &owner, &key, false, line)
            }
            "builtins.dict.values" | "builtins.dict.keys" => {
                let pairs = match self.cell_of(first?) {
                    Some(Cell::Dict(pairs)) => pairs.clone(),
                    _ => return None,
                };
                let keys = name.ends_with("keys");
                self.sequence(pairs.into_iter().map(|(k, v)| if keys { k } else { v }).collect())
            }
            "builtins.dict.items" => {
                let pairs = match self.cell_of(first?) {
                    Some(Cell::Dict(pairs)) => pairs.clone(),
                    _ => return None,
                };
                let rows = pairs.into_iter().map(|(k, v)| self.sequence(vec![k, v])).collect();
                self.sequence(rows)
            }
            "glob.glob" | "glob.iglob" | "os.listdir" | "os.walk" => {
                self.files_of(name, first?.as_text()?)?
            }
            "builtins.str.join" | "builtins.bytes.join" => {
                let values = self.list_at(scope, arguments, 1, line)?;
                let joined = fold::join(first?, &values);
                let taint = values.iter().fold(Taint::NONE, |t, v| t.and(self.taint(v)));
                match (joined, first?.as_text()) {
                    (Some(joined), _) => self.made(joined),
                    // What is known of the words stays known, as it does of a list of them.
                    (None, Some(mark)) if values.len() <= 64 => {
                        let words: Vec<String> = values.iter().map(Value::part).collect();
                        Value::with_gaps(&words.join(mark), taint)
                    }
                    (None, _) => Value::Unknown(taint),
                }
            }
            "builtins.open"
            | "io.open"
            | "codecs.open"
            | "pathlib.Path().open"
            | "_io.open"
            | "os.open"
            | "gzip.open" => self.opened(scope, name, exact, arguments, line),
            "pathlib.Path().read_text" | "pathlib.Path().read_bytes" => {
                let path = exact.rsplit_once('.').map_or(exact, |(path, _)| path);
                let open = format!("{path}.open");
                match self.opened(scope, "pathlib.Path().open", &open, &Arguments::default(), line) {
                    Value::Outside(file, taint) => Value::Outside(format!("{file}.read()").into(), taint),
                    other => other,
                }
            }
            _ if name.ends_with(".__getattribute__") => {
                let owner = Value::outside(name.trim_end_matches(".__getattribute__"));
                match arguments.plain.last().and_then(Value::as_text) {
                    Some(attribute) => self.attribute(scope, &owner, attribute, line),
                    None => Value::UNKNOWN,
                }
            }
            _ if name.ends_with(".__dict__.get") || name.ends_with(".__dict__.__getitem__") => {
                let owner = Value::outside(name.rsplit_once('.').map_or(name, |(owner, _)| owner));
                let key = first?.clone();
                self.subscript(scope, &owner, &key, false, line)
            }
            _ if name.ends_with(".__subclasses__") && name.contains("__") => {
                let escaping = name.matches("__").count() > 2 || name.starts_with("builtins.object");
                if escaping {
                    self.event(scope, line, What::Introspection(name.to_owned()));
                }
                Value::UNKNOWN
            }
            _ if name.starts_with("builtins.open()") && name.contains("read") => {
                let secret = if is_credential(exact) { Taint::SECRET } else { Taint::NONE };
                Value::Outside(format!("{exact}()").into(), Taint::FILE.and(secret))
            }
            _ => return None,
        })
    }

    /// What a configuration of the logging module calls: the value of `()`, with its neighbours ("User-defined objects").
    fn factories(&mut self, scope: Scope<'_>, settings: &Value, depth: usize, line: u32) {
        let Some(Cell::Dict(pairs)) = self.cell_of(settings).cloned() else { return };
        if depth == 0 {
            return;
        }
        let factory =
            pairs.iter().find(|(key, _)| key.as_text() == Some("()")).map(|(_, value)| value.clone());
        if let Some(factory) = factory {
            let callee = match factory.as_text() {
                Some(name) => Value::outside(name.trim_start_matches("ext://")),
                None => factory,
            };
            let given =
                pairs.iter().filter(|(key, _)| key.as_text() != Some("()")).map(|(_, value)| value.clone());
            self.call(scope, &callee, Arguments::of(given), line);
        }
        for (_, value) in pairs.iter().take(64) {
            self.factories(scope, value, depth - 1, line);
        }
    }

    /// Whether a path of imports is a file: by its ending, or because the model has a file there. Folders have no ending
    /// of letters.
    fn is_packed(&self, path: &str) -> bool {
        let inside = path.trim_start_matches("/model/").trim_start_matches("./");
        let last = path.rsplit('/').next().unwrap_or(path);
        let ending = last.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, ending)| ending);
        let letters = |e: &str| (2..=11).contains(&e.len()) && e.bytes().all(|b| b.is_ascii_alphanumeric());
        let numbers = |e: &str| e.bytes().all(|b| b.is_ascii_digit());
        ending.is_some_and(|e| letters(e) && !numbers(e) && !matches!(e, "git" | "dev" | "app" | "framework"))
            || (!inside.is_empty() && self.project.has_file(inside))
    }

    fn attribute_by_name(&mut self, scope: Scope<'_>, arguments: &Arguments, line: u32) -> Value {
        let [owner, name, ..] = &arguments.plain[..] else { return Value::UNKNOWN };
        let mut result: Option<Value> = arguments.plain.get(2).cloned();
        for name in name.choices() {
            let value = match (name.as_text(), owner) {
                (Some(name), _) => self.attribute(scope, owner, name, line),
                // What is picked of a module by one name that is not known, and of that by another, may be anything.
                (None, Value::Outside(base, _)) if base.ends_with(".__dict__[?]") => {
                    self.event(scope, line, What::ComputedName(base.to_string()));
                    Value::UNKNOWN
                }
                (None, Value::Outside(base, _)) if self.is_dangerous(base) && !base.contains('(') => {
                    let base = base.to_string();
                    self.event(scope, line, What::ComputedName(base.clone()));
                    Value::Outside(format!("{base}.?").into(), Taint::NONE)
                }
                _ => Value::UNKNOWN,
            };
            result = Some(result.map_or(value.clone(), |r| r.or(value)));
        }
        result.unwrap_or(Value::UNKNOWN)
    }

    fn attribute_path(&mut self, scope: Scope<'_>, owner: &Value, path: &Value, line: u32) -> Value {
        let Some(path) = path.as_text() else { return Value::UNKNOWN };
        path.split('.').fold(owner.clone(), |value, name| self.attribute(scope, &value, name, line))
    }

    fn import_by_name(&mut self, scope: Scope<'_>, arguments: &Arguments, line: u32) -> Value {
        let Some(name) = arguments.get(0, "name") else { return Value::UNKNOWN };
        let mut result: Option<Value> = None;
        for name in name.choices().to_vec() {
            let value = match name.as_text() {
                Some(name) => {
                    let level = name.len() - name.trim_start_matches('.').len();
                    self.module_named(scope, level, name.trim_start_matches('.'))
                }
                None => self.unknown_import(scope, line),
            };
            result = Some(result.map_or(value.clone(), |r| r.or(value)));
        }
        result.unwrap_or(Value::UNKNOWN)
    }

    fn unknown_import(&mut self, scope: Scope<'_>, line: u32) -> Value {
        // What MLflow calls when it loads a model: a name that the model's data give decides what runs then.
        let loads = self.active.iter().filter_map(|index| self.functions.get(*index)).any(|function| {
            matches!(&function.body, Body::Def(def) if matches!(def.name.as_str(), "_load_pyfunc" | "load_context"))
        });
        let what = if loads { What::ComputedName("a module".to_owned()) } else { What::ImportsUnknown };
        self.event(scope, line, what);
        Value::outside("?")
    }

    fn mapped(&mut self, scope: Scope<'_>, arguments: &Arguments, keeps_results: bool, line: u32) -> Value {
        let Some(callee) = arguments.plain.first().cloned() else { return Value::UNKNOWN };
        let Some(values) = self.list_at(scope, arguments, 1, line) else {
            let taint = arguments.plain.get(1).map_or(Taint::NONE, |v| self.taint(v));
            self.call(scope, &callee, Arguments::of([Value::Unknown(taint)]), line);
            return Value::Unknown(taint);
        };
        let second = self.list_at(scope, arguments, 2, line);
        let mut out = Vec::new();
        for (index, value) in values.into_iter().enumerate().take(20_000) {
            let also = second.as_ref().and_then(|s| s.get(index)).cloned();
            let result =
                self.call(scope, &callee, Arguments::of(std::iter::once(value.clone()).chain(also)), line);
            if keeps_results {
                out.push(result);
            } else if self.truth(&result) != Some(false) {
                out.push(value);
            }
        }
        self.sequence(out)
    }

    /// `type(name, bases, namespace)`.
    fn made_class(&mut self, scope: Scope<'_>, arguments: &Arguments, line: u32) -> Value {
        let bases = self.list_at(scope, arguments, 1, line).unwrap_or_default();
        let pairs = match arguments.plain.get(2).and_then(|v| self.cell_of(v)) {
            Some(Cell::Dict(pairs)) => pairs.clone(),
            _ => Vec::new(),
        };
        let names = pairs.into_iter().filter_map(|(k, v)| Some((k.as_text()?.to_owned(), v))).collect();
        let globals = self.frames.get(scope.frame).map_or(scope.frame, |f| f.globals);
        self.frames.push(super::Frame {
            names,
            outer: Some(scope.frame),
            globals,
            declared_global: std::collections::BTreeSet::new(),
            stars: Vec::new(),
            class: true,
        });
        let name = arguments.plain.first().and_then(Value::as_text).unwrap_or("?").to_owned();
        self.classes.push(super::ClassState { name, bases, metaclass: None, frame: self.frames.len() - 1 });
        self.class_made(scope, self.classes.len() - 1, Vec::new(), line)
    }

    /// Opening a file: for writing it is an effect, otherwise its content is of a file.
    fn opened(
        &mut self,
        scope: Scope<'_>,
        name: &str,
        exact: &str,
        arguments: &Arguments,
        line: u32,
    ) -> Value {
        let of_path = name == "pathlib.Path().open";
        let mode = arguments.get(usize::from(!of_path), "mode");
        let writes = match mode {
            None => false,
            Some(Value::Text(mode)) => mode.contains(['w', 'a', 'x', '+']),
            // A mode that is not known is passed through by helpers that read and write.
            Some(_) => name == "os.open",
        };
        let asked = arguments.get(0, "file").filter(|_| !of_path).cloned();
        let asked = asked.or_else(|| of_path.then(|| Value::outside(exact.trim_end_matches(".open"))));
        let path = asked.as_ref().and_then(|p| match p {
            Value::Outside(name, _) => fold::path_text(name),
            other => other.as_text().map(str::to_owned),
        });
        let shown = path.clone().unwrap_or_else(|| "a path that is not known".to_owned());
        self.opens_saved(path.as_deref(), mode);
        if writes {
            self.event(scope, line, What::Writes(shown));
        }
        let taint = match &path {
            Some(path) if is_credential(path) => Taint::SECRET.and(Taint::FILE),
            _ => Taint::FILE,
        };
        if self.reach >= Reach::Use && taint.has(Taint::SECRET) {
            self.event(
                scope,
                line,
                What::Effect {
                    effect: Effect::Secret,
                    name: "open".to_owned(),
                    arguments: vec![Value::text(path.clone().unwrap_or_default())],
                    taint,
                    manner: Manner::Called,
                },
            );
        }
        match path {
            Some(path) if path.len() < 200 && !path.contains(['<', '>']) => {
                Value::Outside(format!("builtins.open<{path}>").into(), taint)
            }
            _ => Value::Outside("builtins.open()".into(), taint),
        }
    }
}
