//! YAML: data, unless a tag builds a Python object or a key names what a loader imports and calls.
//!
//! Tags are resolved as YAML resolves them, so that a `%TAG` directive or a verbatim tag hides nothing. Of the
//! keys, `_target_` is called by Hydra and NeMo with its neighbours as arguments (CVE-2025-23304,
//! CVE-2026-22584), `class_path` by Lightning and jsonargparse, `loader_module` is imported by MLflow.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, Tag};
use proofhouse_core::Place;

use super::started::{self, Started};
use crate::scanner::{Content, Scanner};

mod growth;
mod named;
mod settings;
mod tag;
mod workflow;

use growth::Growth;
pub(crate) use named::named_code;
use named::own_source;
pub(super) use named::{library, named_type, sink};

/// Events of one document. Configurations have thousands.
const MAX_EVENTS: u64 = 4_000_000;
/// Texts with anchors that are kept, and how long they may be: configurations name a few short ones.
const MAX_ANCHORS: usize = 10_000;
const MAX_ANCHORED: usize = 4096;
/// Most words of a list that are kept: commands have few.
const MAX_WORDS: usize = 64;
/// Commands of one document that are looked for in its text, which takes a pass each.
const MOST_TOLD: u32 = 20;
/// Where YAML keeps what PyYAML builds Python objects for.
const PYTHON: [&str; 2] = ["tag:yaml.org,2002:python/", "!!python/"];

/// What makes a text worth parsing: no loader of other text runs anything.
const MARKS: [&str; 8] =
    ["python/", "%TAG", "_target_", "class_path", "loader_module", "auto_map", "custom_pipelines", "python%"];

/// Looks at a text that may be YAML; returns whether it is some.
pub(super) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    let name = content.name().to_ascii_lowercase();
    let named = [".yaml", ".yml"].iter().any(|e| name.ends_with(e))
        || ["mlmodel", "mlproject"].contains(&name.as_str());
    if !named && !MARKS.iter().any(|mark| text.contains(mark)) && !spells_out(text) {
        return;
    }
    read(scanner, content, text, named);
    // YAML 1.1, which PyYAML reads, ends lines where YAML 1.2 does not ("Line Break Characters").
    if text.contains(['\u{85}', '\u{2028}', '\u{2029}']) {
        read(scanner, content, &text.replace(['\u{85}', '\u{2028}', '\u{2029}'], "\n"), named);
    }
}

/// Whether a tag or a key in quotes has escapes in it, and may be any of the marks.
fn spells_out(text: &str) -> bool {
    // By words, so that a line of signs takes no longer than another.
    let tag = |line: &str| {
        let mut words = line.split([' ', '\t']);
        words.any(|word| word.split_once('!').is_some_and(|(_, behind)| behind.contains('%')))
    };
    let key = |line: &str| line.contains(':') && (line.contains("\\x") || line.contains("\\u"));
    (text.contains('%') || text.contains('\\'))
        && text.lines().any(|line| line.len() < 4096 && (tag(line) || key(line)))
}

fn read(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str, named: bool) {
    let mut reader = Reader {
        scanner,
        content,
        open: Vec::new(),
        anchored: HashMap::new(),
        commands: Vec::new(),
        carried: HashSet::new(),
        told: 0,
    };
    let mut events = 0u64;
    let mut growth = Growth::default();
    for next in Parser::new_from_str(text) {
        let (event, span) = match next {
            Ok(next) => next,
            Err(error) => {
                // A reader of another make may get further than this one.
                if named {
                    let message = format!("no YAML that can be looked through: {error}");
                    reader.scanner.report("format/unscannable", content.place.clone(), message);
                }
                reader.judge_commands();
                by_line(reader.scanner, content, text);
                return;
            }
        };
        events += 1;
        if events > MAX_EVENTS {
            let message = format!("YAML of more than {MAX_EVENTS} nodes");
            reader.scanner.report("format/unscannable", content.place.clone(), message);
            return;
        }
        let line = span.start.line() as u64;
        if let Some(nodes) = growth.event(&event) {
            let message = format!("aliases of aliases make {nodes} nodes or more of it");
            let place = reader.place(line);
            reader.scanner.report("yaml/exhausts", place, message);
        }
        reader.event(&event, line);
    }
    reader.judge_commands();
}

/// What is open around the next node.
enum Open {
    /// A sequence: the key that it is the value of, and its texts, which may be the words of a command.
    Sequence(Option<String>, Vec<String>),
    /// A mapping, the key whose value comes next, what it has started, and the key that it stands under.
    Mapping(Option<String>, Started, String),
}

struct Reader<'s, 'l, 'c> {
    scanner: &'s mut Scanner<'l>,
    content: &'c Content<'c>,
    open: Vec<Open>,
    /// Texts that aliases may stand for, by their anchors.
    anchored: HashMap<usize, String>,
    /// Commands of a workflow with expressions in them, and their lines.
    commands: Vec<(u64, String)>,
    /// Keys whose values hold what strangers write.
    carried: HashSet<String>,
    /// How many commands were told.
    told: u32,
}

impl Reader<'_, '_, '_> {
    fn event(&mut self, event: &Event<'_>, line: u64) {
        match event {
            Event::Scalar(value, _, anchor, tag) => {
                self.tag(tag.as_deref(), line);
                if tag.as_deref().is_some_and(|tag| tag.suffix() == "function") {
                    let rule = match own_source(self.scanner, &self.place(line), value) {
                        Some(_) => "repo/custom-code",
                        None => "config/remote-code",
                    };
                    let message = format!("a tag names the function {value:?}, which is imported and called");
                    self.scanner.report(rule, self.place(line), message);
                }
                if value.contains("{{") && value.contains(".constructor(") {
                    let message = "a prompt reaches for the functions of whoever fills it in";
                    self.scanner.report("template/escape", self.place(line), message);
                }
                if value.contains("__import__(") {
                    let message = format!("a value is a program, for whoever evaluates it: {value:.80}");
                    self.scanner.report("config/unsafe-target", self.place(line), message);
                }
                if *anchor != 0 && self.anchored.len() < MAX_ANCHORS && value.len() < MAX_ANCHORED {
                    self.anchored.insert(*anchor, value.to_string());
                }
                self.scalar(value, line);
            }
            Event::SequenceStart(_, _, tag) => {
                self.tag(tag.as_deref(), line);
                let key = self.value();
                self.open.push(Open::Sequence(key, Vec::new()));
            }
            Event::MappingStart(_, _, tag) => {
                self.tag(tag.as_deref(), line);
                let of = match self.open.last() {
                    Some(Open::Sequence(key, _)) => key.clone(),
                    _ => self.value(),
                };
                self.open.push(Open::Mapping(None, Started::default(), of.unwrap_or_default()));
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::Sequence(key, words)) => {
                    let whole = started::quoted(&words);
                    if words.len() > 1 && super::shell::is_harmful(&whole) {
                        self.runs(&whole, line);
                    }
                    if let (Some(key), Some(Open::Mapping(_, started, _))) = (key, self.open.last_mut()) {
                        started.add(&key, &whole);
                    }
                }
                Some(Open::Mapping(_, started, _)) => {
                    let place = self.place(line);
                    started.variable(|name, value| {
                        crate::repository::environment(self.scanner, &place, name, value)
                    });
                    if let Some(whole) = started.harmful() {
                        self.runs(&whole, line);
                    }
                }
                None => {}
            },
            Event::Alias(anchor) => match self.anchored.get(anchor).cloned() {
                Some(value) => self.scalar(&value, line),
                None => {
                    self.value();
                }
            },
            _ => {}
        }
    }

    /// A text, or an alias of one.
    fn scalar(&mut self, value: &str, line: u64) {
        match self.open.last_mut() {
            Some(Open::Mapping(key, started, of)) => match key.take() {
                None => *key = Some(value.to_string()),
                Some(key) => {
                    started.add(&key, value);
                    let of = of.clone();
                    let place = self.place(line);
                    settings::judge(self.scanner, &place, &of, &key, value);
                    self.pair(&key, value, line);
                }
            },
            Some(Open::Sequence(key, words)) => {
                let value = value.to_string();
                let plugin = key.as_deref() == Some("plugins");
                if words.len() < MAX_WORDS && value.len() < 4096 {
                    words.push(value.clone());
                }
                let of = key.clone().unwrap_or_default();
                let run = key.as_deref().is_some_and(|key| started::runs(key, &value));
                if plugin {
                    self.plugin(&value, line);
                }
                settings::judge(self.scanner, &self.place(line), "", &of, &value);
                if run && self.told < MOST_TOLD {
                    self.runs(&value, line);
                }
                if super::chunks::is_program(&value) {
                    crate::python::scan_text(self.scanner, &self.place(line), &value, 1);
                }
            }
            None => {}
        }
    }

    /// A node that is no scalar stands where a key or its value is due.
    fn value(&mut self) -> Option<String> {
        let Some(Open::Mapping(key, ..)) = self.open.last_mut() else { return None };
        let of = key.take();
        // A collection as a key: its value comes next.
        if of.is_none() {
            *key = Some(String::new());
        }
        of
    }

    /// Words that somebody starts, whatever the tool: `[sh, -c, …]`.
    fn runs(&mut self, command: &str, line: u64) {
        self.told += 1;
        let shown: String = command.chars().take(80).collect();
        self.scanner.report("code/harmful", self.place(line), format!("a tool runs a command: {shown:?}"));
    }

    /// A plug-in of a trainer, which is a class that it imports (Axolotl).
    fn plugin(&mut self, name: &str, line: u64) {
        const OWN: [&str; 4] = ["axolotl.", "lightning.", "pytorch_lightning.", "mkdocs"];
        let part = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        let class =
            name.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_uppercase()));
        if class
            && name.contains('.')
            && name.split('.').all(part)
            && !OWN.iter().any(|own| name.starts_with(own))
        {
            let message =
                format!("the plug-in {name:?} is imported and made by whoever reads the configuration");
            self.scanner.report("config/remote-code", self.place(line), message);
        }
    }

    /// Whether a source of that name, in whatever folder it was, lies in the folder of this file.
    fn lies_beside(&self, path: &str) -> bool {
        let Some((project, own, _)) = self.scanner.near(&self.content.place) else { return false };
        let name = path.rsplit('/').next().unwrap_or(path);
        let folder = own.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        project.is_source(&format!("{folder}{name}"))
    }

    fn pair(&mut self, key: &str, value: &str, line: u64) {
        let place = self.place(line);
        super::orders::pair(self.scanner, &place, key, value);
        super::orders::base(self.scanner, &place, key, value);
        super::orders::credential(self.scanner, &place, key, value);
        super::kept::text(self.scanner, &place, key, value);
        super::chunks::program(self.scanner, &place, key, value);
        if key == "_type" && ["llm_bash_chain", "pal_chain", "python_repl"].contains(&value) {
            let message = format!("the chain {value:?} runs what a language model answers");
            self.scanner.report("config/unsafe-target", place.clone(), message);
        }
        // Lines of the text are looked at as they stand; a value may be folded over several, or have escapes.
        let stands = || {
            let mut lines = value.lines();
            lines.all(|line| memchr::memmem::find(self.content.bytes, line.trim().as_bytes()).is_some())
        };
        if self.told < MOST_TOLD && started::runs(key, value) && !stands() {
            self.runs(value, line);
        }
        self.workflow(key, value, line);
        if self.content.name().eq_ignore_ascii_case("mlmodel")
            && leaves(key, value)
            && !(key == "model_code_path" && self.lies_beside(value))
        {
            let message = format!("{key:?} names {value:?}, which is not part of the model");
            self.scanner.report("repo/unsafe-path", place.clone(), message);
        }
        if matches!(key, "template" | "prompt_template" | "system_template" | "chat_template")
            && value.contains('{')
        {
            super::template::ways_out(self.scanner, &place, value);
        }
        named_code(self.scanner, place, key, value);
    }

    /// What a workflow puts into a shell, and variables that hold what it may put there.
    fn workflow(&mut self, key: &str, value: &str, line: u64) {
        if !value.contains("${{") {
            return;
        }
        if matches!(key, "run" | "script") && self.commands.len() < MAX_ANCHORS {
            self.commands.push((line, value.to_owned()));
        } else if self.carried.len() < MAX_ANCHORS
            && workflow::puts(value, &self.carried) > workflow::Puts::Known
        {
            self.carried.insert(key.to_ascii_lowercase());
        }
    }

    /// Commands of a workflow, once all its variables are known.
    fn judge_commands(&mut self) {
        for (line, command) in std::mem::take(&mut self.commands) {
            let (rule, message) = match workflow::puts(&command, &self.carried) {
                workflow::Puts::Known => continue,
                workflow::Puts::Unresolved => {
                    ("code/not-analysed", "a workflow puts into a shell what an expression computes")
                }
                workflow::Puts::Chosen => {
                    ("code/harmful", "a workflow puts what a stranger writes into a shell")
                }
            };
            self.scanner.report(rule, self.place(line), message);
        }
    }

    fn tag(&mut self, tag: Option<&Tag>, line: u64) {
        let Some(tag) = tag else { return };
        let full = decode(&format!("{}{}", tag.handle(), tag.suffix()));
        let built = full.strip_prefix('!').and_then(|tag| tag.split_once(':'));
        if let Some((how @ ("apply" | "new" | "name" | "module" | "call"), name)) = built {
            let place = self.place(line);
            tag::hyper(self.scanner, place, how, name);
        }
        if let Some(name) = PYTHON.iter().find_map(|p| full.strip_prefix(p)) {
            let place = self.place(line);
            tag::python(self.scanner, place, name);
        }
    }

    fn place(&self, line: u64) -> Place {
        let mut place = self.content.place.clone();
        place.line = Some(line);
        place
    }
}

/// Whether a path of an MLflow model leads out of it.
fn leaves(key: &str, value: &str) -> bool {
    let paths =
        ["path", "model_path", "python_model", "code", "data", "env", "artifact_path", "model_code_path"];
    let up = value.split(['/', '\\']).any(|part| part == "..");
    up || paths.contains(&key) && (value.starts_with('/') || value.starts_with("file:"))
}

/// Where no parser gets through: tags and targets by line.
fn by_line(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    let mut before = "";
    for (index, line) in text.lines().enumerate() {
        let mut place = content.place.clone();
        place.line = Some(index as u64 + 1);
        let item = line.trim().strip_prefix("- ").map(|item| item.trim_matches(['"', '\'']));
        if let Some(item) = item {
            settings::judge(scanner, &place, "", before, item);
        }
        if has_python_tag(line) {
            let message = "a YAML tag names a Python object to build or call";
            scanner.report("yaml/python-tag", place.clone(), message);
        }
        if let Some((key, value)) = line.trim_start().trim_start_matches("- ").split_once(':') {
            let (key, value) = (key.trim_matches(['"', '\'']), value.trim().trim_matches(['"', '\'']));
            settings::judge(scanner, &place, before, key, value);
            named_code(scanner, place, key, value);
            if value.is_empty() {
                before = key;
            }
        }
    }
}

/// A tag stands at the start of a node: after indentation, `- `, `? `, `: `, `[`, `{` or `, `.
fn has_python_tag(line: &str) -> bool {
    let body = line.split(" #").next().unwrap_or(line);
    ["!!python/", "!<tag:yaml.org,2002:python/"].iter().any(|tag| {
        body.match_indices(tag).any(|(at, _)| {
            let before = body.get(..at).unwrap_or_default().trim_end();
            before.is_empty() || before.ends_with(['-', '?', ':', '[', '{', ',']) || before.ends_with("---")
        })
    })
}

/// Undoes the escapes of a tag.
fn decode(tag: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = tag.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let hex = |b: Option<u8>| b.and_then(|b| (b as char).to_digit(16));
        match (byte, hex(ahead.next()), hex(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Limits, Outcome, scan_bytes};

    fn first(name: &str, text: &str) -> (Outcome, Option<String>) {
        let report = scan_bytes(&name.parse().unwrap(), text.as_bytes(), &Limits::default());
        (report.outcome, report.findings.first().map(|f| f.rule.clone()))
    }

    #[test]
    fn each_way_to_name_code_is_found() {
        let cases = [
            ("!!python/object/apply:os.system ['echo proofhouse']", "yaml/unsafe-tag"),
            ("a: !!python/name:os.getcwd", "yaml/python-tag"),
            ("a: !!python/object:mypackage.Model {}", "yaml/python-tag"),
            ("%TAG !p! tag:yaml.org,2002:python/\n---\na: !p!object/apply:os.system [x]", "yaml/unsafe-tag"),
            ("a: !<tag:yaml.org,2002:python/object/apply:os.system> [x]", "yaml/unsafe-tag"),
            ("a: !!py%74hon/object/apply:os.system [x]\nb: _target_", "yaml/unsafe-tag"),
            ("? [a, b]\n: !!python/module:os", "yaml/python-tag"),
            ("model:\n  _target_: os.system\n  command: echo", "config/unsafe-target"),
            ("model: {\"_target_\": builtins.exec}", "config/unsafe-target"),
            ("env: !apply:os.system [x]", "yaml/unsafe-tag"),
            ("opt: !new:mypackage.Optimizer", "yaml/python-tag"),
            ("doc: !function utils.doc", "config/remote-code"),
            ("head: [[-1, 1, \"__import__('os')\"]]", "config/unsafe-target"),
            ("x:\n  type: subprocess.Popen", "config/unsafe-target"),
            ("- &x\n  _target_: subprocess.run", "config/unsafe-target"),
            ("_target_: mypackage.build", "config/remote-code"),
            ("_target_: torch.nn.modules.module.load", "config/remote-code"),
            ("class_path: custom.make", "config/remote-code"),
            ("flavors:\n  python_function:\n    loader_module: evil\n", "config/remote-code"),
        ];
        for (text, rule) in cases {
            let (outcome, found) = first("config.yaml", text);
            assert!(outcome >= Outcome::Suspicious, "{text}");
            assert_eq!(found.as_deref(), Some(rule), "{text}");
        }
    }

    #[test]
    fn ordinary_configurations_are_clean() {
        for (name, text) in [
            (
                "model_config.yaml",
                "encoder:\n  _target_: nemo.collections.asr.modules.ConformerEncoder\n  layers: 4\n",
            ),
            (
                "MLmodel",
                "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\nmlflow_version: 2.1\n",
            ),
            (
                "hyperparams.yaml",
                "seed: 1\nset: !apply:torch.manual_seed [!ref <seed>]\nencoder: !new:speechbrain.nnet.CNN.Conv1d\n  out: 3\n",
            ),
            ("model.yaml", "type: text-classification\nclass: Model\ntarget: y\nfunction: relu\n"),
            ("README.md", "The tag `!!python/object` is refused, and so is _target_: it calls.\n"),
            ("a.yaml", "a: !!python/tuple [1, 2]\nb: 1 # !!python/object/apply:os.system\n"),
        ] {
            assert_eq!(first(name, text), (Outcome::Clean, None), "{text}");
        }
    }

    #[test]
    fn tags_count_where_yaml_reads_them() {
        assert!(has_python_tag("a: !!python/object/apply:os.getcwd []"));
        assert!(has_python_tag("  - !!python/name:os.getcwd"));
        assert!(!has_python_tag("The tag `!!python/object` is refused."));
        assert!(!has_python_tag("a: 1 # !!python/object"));
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("_target_: x\na: {}", "[".repeat(50_000));
        assert!(first("a.yaml", &deep).0 > Outcome::Clean);
    }

    proptest! {
        #[test]
        fn arbitrary_text_ends(text in "[ \\-a:!%{}\\[\\]\"'\n_tpyhon/&*?,|>#]{0,200}") {
            let _ = first("a.yaml", &text);
        }
    }
}
