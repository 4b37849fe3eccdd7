//! Pickles that a source writes itself: reading one again runs what the source put there, and nothing else.
//!
//! That holds until something else may have the path: a call that is given it, a download or an archive that chooses
//! names itself, a command of a shell.

use super::super::fold;
use super::super::value::{Arguments, Value};
use super::Machine;

/// Files that are remembered.
const MOST: usize = 256;

/// What writes an object to the path or file that is its second argument.
const WRITERS: [&str; 5] = ["joblib.dump", "torch.save", "pickle.dump", "cloudpickle.dump", "dill.dump"];

/// What reads, or tells of a path, and writes nothing.
const READERS: [&str; 14] = [
    "joblib.load",
    "torch.load",
    "pickle.load",
    "cloudpickle.load",
    "dill.load",
    "builtins.print",
    "os.path.exists",
    "os.path.isfile",
    "os.path.getsize",
    "os.path.join",
    "os.path.basename",
    "os.path.abspath",
    "os.stat",
    "pathlib.Path",
];

/// What writes files under names that it finds elsewhere.
const CHOOSE: [&str; 13] = [
    "snapshot_download",
    "hf_hub_download",
    "extractall",
    "extract",
    "unpack_archive",
    "download",
    "download_file",
    "download_and_extract_archive",
    "clone_from",
    "copytree",
    "system",
    "popen",
    "getoutput",
];

impl Machine<'_> {
    /// Remembers the pickles that the source writes itself, until something else may have their path.
    pub(super) fn keeps_saved(&mut self, name: &str, arguments: &Arguments) {
        if WRITERS.contains(&name) {
            if self.branches == 0
                && self.saved.len() < MOST
                && let Some(path) = arguments.plain.get(1).and_then(path)
            {
                self.saved.insert(path);
            }
            return;
        }
        if self.saved.is_empty() || READERS.contains(&name) {
            return;
        }
        let last = name.rsplit('.').next().unwrap_or(name);
        let shell = name == "builtins.__shell__" && !arguments.plain.is_empty();
        let by_path = name.starts_with("pathlib.") && ["write_bytes", "rename", "replace"].contains(&last);
        if shell || by_path || CHOOSE.contains(&last) || name.starts_with("subprocess.") {
            return self.saved.clear();
        }
        let named: Vec<String> =
            arguments.all().filter_map(|v| v.beginning().map(str::to_owned).or_else(|| path(v))).collect();
        self.saved.retain(|path| !named.iter().any(|text| text.contains(path.as_str())));
    }

    /// Forgets a file that the source opens to write something else, or that may be any.
    pub(super) fn forget_saved(&mut self, path: Option<&str>) {
        match path {
            Some(path) => drop(self.saved.remove(plain(path))),
            None => self.saved.clear(),
        }
    }

    /// Whether a path or an open file is one that the source wrote.
    pub(super) fn is_saved(&self, file: &Value) -> bool {
        path(file).is_some_and(|path| self.saved.contains(&path))
    }
}

/// The path that a value is, or that it is the open file of.
fn path(value: &Value) -> Option<String> {
    let path = match value {
        Value::Text(path) => path.to_string(),
        Value::Outside(name, _) => match name.strip_prefix("builtins.open<") {
            Some(rest) => rest.split_once('>').map(|(path, _)| path.to_owned())?,
            None => fold::path_text(name)?,
        },
        _ => return None,
    };
    Some(plain(&path).to_owned()).filter(|path| !path.is_empty())
}

fn plain(path: &str) -> &str {
    path.trim_start_matches("./")
}
