//! What calls of other packages reach outside: addresses, files of credentials, whole file systems, and the data of
//! whoever uses a model.

use super::super::effects::{Effect, effect};
use super::super::known::is_named;
use super::super::value::{Arguments, Cell, Taint, Value};
use super::callee::generalised;
use super::{Body, Handed, Machine, Manner, Reach, Scope, What};
use crate::address;
use crate::credential::{is_credential, listed};
use crate::formats::shell;

/// A request of `urllib` with a body of what somebody gave.
pub(super) const SENDING: &str = "urllib.request.Request(data)";

impl Machine<'_> {
    /// Tells of a file of credentials that is passed to another package, by its path.
    pub(super) fn hands_out(&mut self, scope: Scope<'_>, name: &str, arguments: &Arguments, line: u32) {
        let paths = name.starts_with("os.") || name.starts_with("pathlib.") || name.starts_with("builtins.");
        if paths || self.reach < Reach::Use {
            return;
        }
        let secret = arguments.all().any(|value| self.taint(value).has(Taint::SECRET));
        let address = arguments.all().filter_map(Value::beginning).any(|text| {
            text.contains("://") && address::host(text).is_some_and(|host| !address::is_near(host))
        });
        if secret && address {
            let what = What::Effect {
                effect: Effect::Network,
                name: name.to_owned(),
                arguments: arguments.all().cloned().collect(),
                taint: Taint::SECRET,
                manner: Manner::Sending,
            };
            self.event(scope, line, what);
        }
        let file = arguments
            .all()
            .find(|value| value.as_text().is_some_and(|t| !t.contains(' ') && is_credential(t)))
            .cloned();
        if let Some(file) = file {
            let what = What::Effect {
                effect: Effect::Secret,
                name: "open".to_owned(),
                arguments: vec![file],
                taint: Taint::SECRET,
                manner: Manner::Called,
            };
            self.event(scope, line, what);
        }
    }

    /// Tells of a variable by which every program that is started afterwards loads code. Where libraries of the system are
    /// loaded that way, they are installed.
    pub(super) fn sets_variable(&mut self, scope: Scope<'_>, name: &Value, value: &Value, line: u32) {
        const LOADING: [&str; 7] = [
            "LD_PRELOAD",
            "LD_AUDIT",
            "DYLD_INSERT_LIBRARIES",
            "PYTHONSTARTUP",
            "BASH_ENV",
            "PROMPT_COMMAND",
            "PERL5OPT",
        ];
        let Some(name) = name.as_text() else { return };
        if crate::repository::is_index(name) {
            let foreign = |text: &str| text.split([' ', ',']).any(crate::repository::is_elsewhere);
            if value.beginning().is_some_and(foreign) {
                self.event(scope, line, What::Variable(name.to_owned()));
            }
            return;
        }
        if !LOADING.contains(&name) {
            return;
        }
        let installed =
            |path: &str| path.is_empty() || ["/usr/lib", "/lib", "lib"].iter().any(|at| path.starts_with(at));
        if !value.beginning().is_some_and(installed) {
            self.event(scope, line, What::Variable(name.to_owned()));
        }
    }

    /// Texts that are filled in as templates, and variables that are set by a call.
    fn filled_in(&mut self, scope: Scope<'_>, name: &str, arguments: &Arguments, line: u32) {
        match (name, &arguments.plain[..]) {
            (
                "jinja2.Template" | "jinja2.environment.Template" | "jinja2.Environment().from_string",
                [first, ..],
            ) => {
                if let Value::Text(text) = first {
                    self.event(scope, line, What::Template(text.clone()));
                }
            }
            ("os.putenv" | "os.environ.setdefault" | "os.environ.__setitem__", [key, value, ..]) => {
                self.sets_variable(scope, key, value, line);
            }
            ("os.environ.update", given) => {
                let pairs = match given.first().and_then(|pairs| self.cell_of(pairs)) {
                    Some(Cell::Dict(pairs)) => pairs.clone(),
                    _ => Vec::new(),
                };
                for (key, value) in &pairs {
                    self.sets_variable(scope, key, value, line);
                }
                for (key, value) in &arguments.named {
                    self.sets_variable(scope, &Value::text(key), value, line);
                }
            }
            _ => {}
        }
    }

    /// What lists a folder of credentials gives one of them.
    pub(super) fn files_of(&mut self, name: &str, of: &str) -> Option<Value> {
        let folder = format!("{}/", of.trim_end_matches('/'));
        let file = if name.starts_with("glob.") { listed(of)? } else { listed(&folder)? };
        let own = Value::text(file.strip_prefix(&folder).unwrap_or(&file));
        Some(match name {
            "os.listdir" => self.sequence(vec![own]),
            "os.walk" => {
                let (none, files) = (self.sequence(Vec::new()), self.sequence(vec![own]));
                let row = self.sequence(vec![Value::text(of), none, files]);
                self.sequence(vec![row])
            }
            _ => self.sequence(vec![Value::text(file)]),
        })
    }

    /// Whether a method is running that a model has for each of its inputs.
    pub(super) fn in_a_model(&self) -> bool {
        const USED: [&str; 11] = [
            "forward",
            "__call__",
            "call",
            "generate",
            "predict",
            "encode",
            "tokenize",
            "transform",
            "preprocess",
            "postprocess",
            "_forward",
        ];
        /// Packages whose classes a model is made of.
        const FRAMEWORKS: [&str; 9] = [
            "sentence_transformers.",
            "transformers.",
            "torch.nn.",
            "diffusers.",
            "peft.",
            "timm.",
            "keras.",
            "tensorflow.keras.",
            "open_clip.",
        ];
        self.active.iter().any(|index| {
            let Some(function) = self.functions.get(*index) else { return false };
            let Body::Def(def) = &function.body else { return false };
            let bases = function.owner.and_then(|class| self.classes.get(class)).map(|c| c.bases.as_slice());
            let model = |base: &Value| match base {
                Value::Outside(name, _) => {
                    ["Module", "Model", "Layer"].iter().any(|end| name.ends_with(end))
                        || FRAMEWORKS.iter().any(|package| name.starts_with(package))
                }
                _ => false,
            };
            // A way to generate that transformers takes from the model's folder stands for the method of that name.
            let generates = def.name == "generate"
                && function.owner.is_none()
                && self.subject.ends_with("custom_generate/generate.py");
            generates || USED.contains(&def.name.as_str()) && bases.unwrap_or_default().iter().any(model)
        })
    }

    /// Whether the body of a request is what the caller of a method gave it.
    pub(super) fn is_body(&self, arguments: &Arguments) -> bool {
        let body = arguments.get(1, "data");
        body.is_some_and(|body| self.taint(body).has(Taint::GIVEN.and(Taint::CALLER)))
    }

    /// Whether a call sends what the caller of a method gave it: as a body, not as the address that is asked.
    pub(super) fn is_sent(&self, name: &str, arguments: &Arguments) -> bool {
        let verb = name.rsplit('.').next().unwrap_or(name);
        let put_together = |value: &Value| matches!(value, Value::Outside(name, _) if &**name == SENDING);
        if verb == "urlopen" && arguments.all().any(put_together) {
            return true;
        }
        let given = |value: &Value| self.taint(value).has(Taint::GIVEN.and(Taint::CALLER));
        let body = arguments.named.iter().any(|(key, value)| {
            ["data", "json", "body", "content", "files", "params", "text"].contains(&key.as_str())
                && given(value)
        });
        let posts = ["post", "put", "patch", "request", "urlopen"].contains(&verb);
        body || posts && arguments.plain.iter().skip(1).any(given)
            || ["send", "sendall", "sendto", "sendmail", "send_message", "publish"].contains(&verb)
                && arguments.all().any(given)
    }

    /// Whether what runs is a method of a class that a library works with on data of its user's, or stands in the place
    /// of a function of a library's. A class that is a client of a service is neither.
    pub(super) fn of_a_library(&self) -> bool {
        const WORKS: [&str; 20] = [
            "Module",
            "Layer",
            "Tokenizer",
            "TokenizerFast",
            "TokenizerBase",
            "Callback",
            "Trainer",
            "Dataset",
            "DataModule",
            "Builder",
            "PretrainedConfig",
            "PreTrainedConfig",
            "PreTrainedModel",
            "Extractor",
            "Sampler",
            "Collator",
            "Optimizer",
            "Metric",
            "Processor",
            "Pipeline",
        ];
        let works = |base: &Value| matches!(base, Value::Outside(name, _) if WORKS.iter().any(|end| name.ends_with(end)) || name.contains("okenizer"));
        self.active.iter().any(|index| {
            let Some(function) = self.functions.get(*index) else { return false };
            let class = function.owner.and_then(|class| self.classes.get(class));
            function.handed == Some(Handed::Instead)
                || class.is_some_and(|class| class.bases.iter().any(works))
        })
    }

    /// Whether what runs stands in the place of a function of a library's.
    pub(super) fn in_place_of_another(&self) -> bool {
        self.active
            .iter()
            .filter_map(|index| self.functions.get(*index))
            .any(|function| function.handed == Some(Handed::Instead))
    }

    /// Whether an address that is written in the source is asked with what its caller gave.
    pub(super) fn tells_an_address(&self, arguments: &Arguments) -> bool {
        let written = |value: &Value| {
            value.beginning().and_then(address::host).is_some_and(|host| !address::is_near(host))
        };
        let given = |value: &Value| self.taint(value).has(Taint::GIVEN.and(Taint::CALLER));
        arguments.all().any(written) && arguments.all().any(given)
    }

    /// Tells of an address that nobody answers for, wherever something is called with it.
    pub(super) fn leads_to(&mut self, scope: Scope<'_>, name: &str, arguments: &Arguments, line: u32) {
        // What parses, matches or prints an address talks to nobody.
        if ["re.", "ipaddress.", "builtins.", "urllib.parse.", "logging.", "argparse.", "pytest.", "os.path."]
            .iter()
            .any(|module| name.starts_with(module))
        {
            return;
        }
        let mut found: Option<String> = None;
        let mut look = |value: &Value| {
            let Some(text) = value.beginning() else { return };
            let host = address::host(text)
                .or_else(|| Some(text).filter(|t| t.len() < 64 && !t.contains([' ', '/'])));
            if let Some(host) = host.filter(|host| address::nameless(host).is_some()) {
                found.get_or_insert_with(|| host.to_owned());
            }
        };
        for value in arguments.all() {
            look(value);
            match self.cell_of(value) {
                Some(Cell::Sequence(values)) if values.len() <= 16 => values.iter().for_each(&mut look),
                Some(Cell::Dict(pairs)) if pairs.len() <= 32 => {
                    pairs.iter().for_each(|(_, value)| look(value))
                }
                _ => {}
            }
        }
        // A bare host is one where something connects; in an address it is one wherever it stands.
        let Some(host) = found else { return };
        let connects = effect(&generalised(name))
            .is_some_and(|e| matches!(e, Effect::Network | Effect::Hub | Effect::Command))
            || [
                "connect",
                "connect_ex",
                "create_connection",
                "bind",
                "post",
                "get",
                "put",
                "open",
                "download",
                "fetch",
                "load",
                "dial",
                "connect_tcp",
            ]
            .contains(&name.rsplit('.').next().unwrap_or(name))
            || arguments.all().filter_map(Value::beginning).any(|text| text.contains("://"))
            || arguments
                .named
                .iter()
                .any(|(key, _)| key.contains("url") || key.contains("host") || key.contains("base"));
        if connects && self.told.insert((format!("{name} {host}"), self.reach)) {
            self.event(scope, line, What::LeadsTo(host));
        }
    }

    /// Tells of what works on a whole machine: walks through a home or the root of the file system, hooks into all that
    /// Python does, and commands that no model needs written into a file.
    pub(super) fn at_large(&mut self, scope: Scope<'_>, name: &str, arguments: &Arguments, line: u32) {
        self.filled_in(scope, name, arguments, line);
        let walks = ["os.walk", "os.scandir", "glob.glob", "glob.iglob", "os.fwalk"].contains(&name);
        let root = arguments.plain.first().and_then(Value::beginning).unwrap_or_default();
        let of_path = name.strip_prefix("pathlib.Path<").and_then(|rest| rest.split_once('>'));
        let whole = |path: &str| {
            let trimmed = path.trim_end_matches(['*', '/']);
            matches!(trimmed, "~" | "/root" | "/home" | "/etc" | "C:")
                || path.starts_with('/') && trimmed.is_empty()
        };
        let walked = walks && whole(root)
            || of_path.is_some_and(|(path, rest)| matches!(rest, ".rglob" | ".walk") && whole(path));
        if walked {
            self.event(scope, line, What::WalksAll(name.to_owned()));
        }
        if matches!(name, "sys.addaudithook" | "sys.settrace" | "sys.setprofile") {
            self.event(
                scope,
                line,
                What::Replaces(format!("what Python calls for everything that happens ({name})")),
            );
        }
        let writes = name.starts_with("builtins.open")
            && [".write", ".writelines"].iter().any(|end| name.ends_with(end))
            || name.ends_with(".write_text");
        if writes
            && let Some(text) = arguments.all().find_map(Value::beginning)
            && text.lines().any(|line| shell::is_harmful(line.trim_start_matches("Exec=")))
        {
            let what = text.lines().find(|line| shell::is_harmful(line)).unwrap_or(text).to_owned();
            self.event(scope, line, What::WritesCommand(what));
        }
    }

    /// Texts that an argument's name says are commands of a shell, for whatever runs them.
    pub(super) fn commands_by_name(
        &mut self,
        scope: Scope<'_>,
        name: &str,
        arguments: &Arguments,
        line: u32,
    ) {
        const NAMED: [&str; 6] = ["command", "bash_command", "shell_command", "cmd", "run_command", "script"];
        let harmful = arguments.named.iter().find_map(|(key, value)| {
            let text = value.as_text().filter(|_| NAMED.contains(&key.as_str()))?;
            shell::is_harmful(text).then(|| value.clone())
        });
        if let Some(command) = harmful {
            let arguments = Arguments::of([command]);
            self.effect(scope, Effect::Command, name, &arguments, line, false);
        }
    }

    /// Tells of an address that is asked with secrets in it, by something that was not followed: the manager of downloads
    /// that a data set is given, a client that was passed on.
    pub(super) fn asks_with_secrets(&mut self, scope: Scope<'_>, arguments: &Arguments, line: u32) {
        let address = |value: &&Value| {
            value.beginning().is_some_and(|text| text.contains("://")) && self.taint(value).has(Taint::SECRET)
        };
        if let Some(address) = arguments.all().find(address).cloned() {
            let what = What::Effect {
                effect: Effect::Network,
                name: "what it was given".to_owned(),
                arguments: vec![address],
                taint: Taint::SECRET,
                manner: Manner::Sending,
            };
            self.event(scope, line, what);
        }
    }

    /// Tells of packages that building this one installs first, and of programs and files that its compiler is told to
    /// take (setuptools, `setup_requires`; GCC, "Options Controlling the Preprocessor").
    pub(super) fn builds(&mut self, scope: Scope<'_>, name: &str, arguments: &Arguments, line: u32) {
        if !["setuptools.setup", "distutils.core.setup", "setuptools.Extension"].contains(&name) {
            return;
        }
        let texts = |machine: &Self, key: &str| -> Vec<String> {
            match arguments.named(key).map(|value| (value, machine.cell_of(value))) {
                Some((_, Some(Cell::Sequence(values)))) => {
                    values.iter().filter_map(Value::as_text).map(str::to_owned).collect()
                }
                Some((value, _)) => value.as_text().map(str::to_owned).into_iter().collect(),
                None => Vec::new(),
            }
        };
        let plain = |word: &String| {
            word.split(['=', '<', '>', '~', '!', '[', ' ', ';'])
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase()
                .replace('-', "_")
        };
        let mut told: Vec<String> =
            texts(self, "setup_requires").into_iter().filter(|word| !is_build_tool(&plain(word))).collect();
        told.extend(texts(self, "dependency_links").into_iter().filter(|link| shell::foreign(link)));
        let flags = texts(self, "extra_compile_args").into_iter().chain(texts(self, "extra_link_args"));
        let loads = [
            "-include",
            "-imacros",
            "-fplugin",
            "-specs",
            "-wrapper",
            "-B/",
            "-iplugindir",
            "-Wl,-rpath,/tmp",
            "@",
        ];
        told.extend(flags.filter(|flag| loads.iter().any(|load| flag.starts_with(load))));
        for what in told {
            self.event(scope, line, What::Foreign(what));
        }
    }
}

/// Packages that builds of Python packages install first.
fn is_build_tool(name: &str) -> bool {
    const TOOLS: [&str; 22] = [
        "setuptools",
        "setuptools_scm",
        "setuptools_rust",
        "setuptools_git_versioning",
        "wheel",
        "cython",
        "numpy",
        "pybind11",
        "cffi",
        "pytest_runner",
        "pbr",
        "cmake",
        "ninja",
        "scikit_build",
        "scikit_build_core",
        "torch",
        "packaging",
        "versioneer",
        "nanobind",
        "flit_core",
        "poetry_core",
        "hatchling",
    ];
    TOOLS.contains(&name) || is_named(name)
}
