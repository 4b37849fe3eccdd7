//! Pickles that a source writes and reads back: they hold what it put there itself, as long as nothing else can have
//! written to their paths meanwhile.
//!
//! What cannot be told to leave a path alone is taken to write to it: an effect with a path that is not known, a command of
//! a shell, a change of the folder. Links, threads that were started before and handles that were opened before are not
//! followed, so that such a pickle is not proven, only not told of as one that somebody else wrote.

use std::collections::HashSet;

use super::super::effects::{Effect, effect};
use super::super::fold;
use super::super::value::{Arguments, Value};
use super::Machine;
use super::callee::generalised;

/// What is known of pickles that the source wrote, by their paths.
#[derive(Default)]
pub(super) struct Saved {
    /// Written by the source, and by nothing else since.
    own: HashSet<String>,
    /// Emptied by the source, which has a handle to write there.
    opened: HashSet<String>,
    /// Something was raised that ends a run: what stands behind it need not have happened.
    stopped: bool,
    /// Paths, and what may be some, that something else than reading was called with.
    named: HashSet<String>,
    /// Something may have written anywhere.
    anywhere: bool,
}

/// Paths that are kept.
const MOST: usize = 256;

/// The name that a cell of a notebook calls for what is no Python, with the path that it writes to if that is all it does.
const SHELL: &str = "builtins.__shell__";

/// What reads, or says something about a file without touching it.
const LOOKS: [&str; 6] =
    ["os.path.", "os.stat", "builtins.print", "google.colab.files.download", "joblib.load", "torch.load"];

/// What changes a file or where it lies, apart from what the table of effects says so of.
const MOVES: [&str; 8] =
    ["chdir", "fchdir", "chroot", "hardlink_to", "link_to", "extractall", "unpack_archive", "main"];

/// How calls begin that write what they have to a path.
const WRITERS: [&str; 8] = ["to_", "tofile", "save", "write", "memmap", "retrieve", "mv", "move"];

impl Saved {
    pub(super) fn is_own(&self, value: &Value) -> bool {
        path(value).is_some_and(|path| self.own.contains(&path))
    }

    /// Whether a file of whoever runs the source is read, which nothing in the source can have written.
    pub(super) fn is_theirs(&self, value: &Value) -> bool {
        path(value).is_some_and(|path| {
            !self.anywhere && !path.contains("://") && !self.named.iter().any(|text| touches(text, &path))
        })
    }

    fn forget(&mut self) {
        self.own.clear();
        self.opened.clear();
        self.anywhere = true;
    }

    /// Forgets the paths that any of `texts` may be, lead to, or hold.
    fn touched(&mut self, texts: &[&str]) {
        self.own.retain(|path| !texts.iter().any(|text| touches(text, path)));
        self.opened.retain(|path| !texts.iter().any(|text| touches(text, path)));
        self.mentioned(texts);
    }

    /// Remembers what something was called with.
    fn mentioned(&mut self, texts: &[&str]) {
        const LONGEST: usize = 256;
        let may_be_paths = texts.iter().filter(|text| text.len() <= LONGEST && !text.contains('\n'));
        self.named.extend(may_be_paths.map(|text| (*text).to_owned()));
        self.anywhere |= self.named.len() > 4 * MOST;
    }
}

/// Whether a text may be a path, lead to it, or hold it.
fn touches(text: &str, path: &str) -> bool {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    // The folder that the source runs in, or one that may be.
    let folder = text.trim_end_matches(['/', '\\']);
    text.contains(file)
        || matches!(folder, "" | "." | "..")
        || folder.ends_with("/.")
        || folder.ends_with("/..")
        || path.split(['/', '\\']).any(|part| folder.rsplit(['/', '\\']).next() == Some(part))
}

impl Machine<'_> {
    /// Remembers the pickles that the source writes itself, until something else may have written to their path.
    pub(super) fn keeps_saved(&mut self, name: &str, arguments: &Arguments) {
        let general = generalised(name);
        let certain = self.surely_happens();
        if ["sys.exit", "os._exit", "os.abort", "builtins.exit", "builtins.quit"].contains(&name) {
            self.saved_stops();
        }
        for value in arguments.all() {
            match value {
                Value::Outside(module, _) if !module.contains('.') => self.saved_by_others(module),
                Value::Text(name) if name.len() < 32 && name.contains('.') && !name.contains('/') => {
                    self.saved_by_others(name);
                }
                _ => {}
            }
        }
        let target = ["filename", "f", "file"].iter().find_map(|name| arguments.named(name));
        let target = arguments.plain.get(1).or(target);
        match general.as_str() {
            "joblib.dump" | "torch.save" | "pickle.dump" | "dill.dump" | "cloudpickle.dump" => {
                let path = target.and_then(path);
                // A function does not get into a pickle, and the file stays what it was.
                let certain = certain && !matches!(arguments.plain.first(), Some(Value::Function(_)));
                let fresh = match (&path, target) {
                    (Some(path), Some(Value::Outside(name, _))) if opened(name).is_some() => {
                        self.saved.opened.contains(path)
                    }
                    (Some(path), _) => {
                        self.saved.touched(&[path]);
                        true
                    }
                    (None, _) => return self.saved.forget(),
                };
                if let Some(path) = path.filter(|_| fresh && certain && self.saved.own.len() < MOST) {
                    self.saved.own.insert(path);
                }
            }
            SHELL => match arguments.plain.first().and_then(Value::as_text) {
                // Something that only shows what there is.
                Some("") => {}
                Some(path) => self.saved.touched(&[path]),
                None => self.saved.forget(),
            },
            _ => self.touches(name, arguments),
        }
    }

    /// Something of a module is replaced, or handed to somebody who may: if it writes pickles, it no longer does so for sure.
    pub(super) fn saved_by_others(&mut self, name: &str) {
        let module = name.split('.').next().unwrap_or(name);
        if ["joblib", "pickle", "_pickle", "dill", "cloudpickle", "io"].contains(&module)
            || ["torch.save", "torch.load"].contains(&name)
            || name.starts_with("torch.serialization")
        {
            self.saved.forget();
            self.saved.stopped = true;
        }
    }

    /// Remembers that a file was emptied or opened for something else than reading.
    pub(super) fn opens_saved(&mut self, path: Option<&str>, mode: Option<&Value>) {
        let mode = match mode {
            None => "r",
            Some(mode) => mode.as_text().unwrap_or("?"),
        };
        if mode.chars().all(|c| "rbtU".contains(c)) {
            return;
        }
        let certain = self.surely_happens();
        match path {
            Some(path) => {
                self.saved.touched(&[path]);
                if certain && matches!(mode, "wb" | "xb") && self.saved.opened.len() < MOST {
                    self.saved.opened.insert(path.to_owned());
                }
            }
            None => self.saved.forget(),
        }
    }

    /// Nothing that stands behind what is followed need have happened.
    pub(super) fn saved_stops(&mut self) {
        self.saved.stopped |= self.surely_happens();
    }

    /// Whether what is followed happens whenever what stands behind it does.
    fn surely_happens(&self) -> bool {
        self.branches == 0 && self.trying == 0 && self.active.is_empty() && !self.saved.stopped
    }

    /// Forgets what a call may have written to.
    pub(super) fn touches(&mut self, name: &str, arguments: &Arguments) {
        if only_looks(name, arguments) {
            return;
        }
        let general = generalised(name);
        let last = general.rsplit('.').next().unwrap_or(&general);
        let moves = MOVES.contains(&last) || last.starts_with("download");
        let changes = match effect(&general) {
            Some(
                Effect::Command
                | Effect::Install
                | Effect::Code
                | Effect::Native
                | Effect::Foreign
                | Effect::Hub,
            ) => return self.saved.forget(),
            Some(Effect::Write) => !["remove", "unlink", "rmdir", "removedirs", "rmtree"].contains(&last),
            _ => {
                let first = arguments.plain.first().is_none_or(|value| path(value).is_none());
                moves || last == "urlretrieve" || first && WRITERS.iter().any(|verb| last.starts_with(verb))
            }
        };
        // What is handed over may be called at once.
        let calls = arguments.all().any(|value| match value {
            Value::Function(_) => true,
            Value::Outside(name, _) => {
                matches!(effect(name), Some(Effect::Write | Effect::Command | Effect::Code))
            }
            _ => false,
        });
        let own = name.rsplit_once('.').and_then(|(of, _)| path(&Value::outside(of)));
        let of_path = name.starts_with("pathlib.") && own.is_none() && last != "Path";
        let plain = |value: &Value| {
            matches!(value, Value::Integer(_) | Value::Bool(_) | Value::Bytes(_) | Value::None)
                || path(value).is_some()
        };
        let unknown = of_path || !arguments.all().all(plain);
        let paths: Vec<String> = arguments.all().filter_map(path).chain(own).collect();
        let absolute = paths.iter().any(|path| path.starts_with(['/', '~']));
        if calls || changes && (moves || unknown || paths.is_empty() || absolute) {
            return self.saved.forget();
        }
        if changes {
            self.saved.touched(&paths.iter().map(String::as_str).collect::<Vec<_>>());
        }
        // Something else that is given the path, or works on a handle of the file.
        let mut texts: Vec<&str> = arguments.all().filter_map(of_file).chain(of_file_in(name)).collect();
        texts.retain(|text| text.contains('.') && !text.contains(' '));
        self.saved.mentioned(&texts);
        let named = |path: &String| {
            let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
            texts.iter().any(|text| text.contains(file))
        };
        self.saved.own.retain(|path| !named(path));
        self.saved.opened.retain(|path| !named(path));
    }
}

/// Whether a call reads a file or says something about it, and writes nothing.
fn only_looks(name: &str, arguments: &Arguments) -> bool {
    let asks = [".close", ".flush", ".exists", ".stat", ".is_file", ".__enter__", ".__exit__"];
    let passes_on = [".log_artifact", ".upload_file", ".add_file"];
    LOOKS.iter().any(|look| name.starts_with(look)) && arguments.named("file").is_none()
        || asks.iter().chain(&passes_on).any(|end| name.ends_with(end))
        || matches!(
            name,
            // Opening is looked at where it is followed.
            "pickle.load" | "dill.load" | "cloudpickle.load" | "builtins.open" | "io.open" | "pathlib.Path"
        )
}

/// The path that a value is, or that of the file that it has open.
fn path(value: &Value) -> Option<String> {
    match value {
        Value::Text(path) => Some(path.to_string()),
        Value::Outside(name, _) => opened(name).map(str::to_owned).or_else(|| fold::path_text(name)),
        _ => None,
    }
}

/// The path of an open file, as the name of its handle has it.
fn opened(handle: &str) -> Option<&str> {
    handle.strip_prefix("builtins.open<")?.strip_suffix('>')
}

/// The path in the name of something that was made of a path.
fn of_file_in(name: &str) -> Option<&str> {
    let (_, rest) = name.split_once('<')?;
    Some(rest.split_once('>')?.0)
}

/// The path that a value is, or was made of.
fn of_file(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        Value::Outside(name, _) => of_file_in(name),
        _ => None,
    }
}

/// Whether a context that a body runs in may go on behind it although the body failed.
pub(super) fn may_swallow(value: &Value) -> bool {
    match value {
        Value::Outside(name, _) => {
            ["suppress", "raises", "ExitStack"].iter().any(|end| name.trim_end_matches("()").ends_with(end))
        }
        _ => true,
    }
}
