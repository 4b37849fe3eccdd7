//! Programs that a source fetches, makes executable and starts: three ordinary steps, which together are how a machine is
//! taken over. And pools, for which somebody else's machines compute.

use std::collections::HashSet;

use super::super::effects::Effect;
use super::super::value::{Arguments, Cell, Taint, Value};
use super::event::What;
use super::{Machine, Scope};
use crate::formats::shell;

/// What is known of files by their paths.
#[derive(Default)]
pub(super) struct Dropped {
    fetched: HashSet<String>,
    executable: HashSet<String>,
    /// Something from the network was written into a file whose path is not known.
    written: bool,
    /// Functions that a search was given, which calls them for a number.
    searched: HashSet<usize>,
}

/// Paths that are kept.
const MOST: usize = 256;

impl Machine<'_> {
    /// Follows files from where they come to where they are started.
    pub(super) fn drops(
        &mut self,
        scope: Scope<'_>,
        name: &str,
        known: Option<Effect>,
        arguments: &Arguments,
        line: u32,
    ) {
        let pool = arguments.all().find_map(|value| self.pool(value));
        if let Some(pool) = pool {
            self.event(scope, line, What::Mines(pool));
        }
        self.searches(scope, name, known, arguments, line);
        let path = |at: usize| arguments.plain.get(at).and_then(Value::as_text);
        let room = self.dropped.fetched.len() + self.dropped.executable.len() < MOST;
        match name {
            "urllib.request.urlretrieve"
            | "urllib.urlretrieve"
            | "wget.download"
            | "torch.hub.download_url_to_file"
                if room =>
            {
                let from = arguments.plain.first().and_then(Value::beginning).unwrap_or_default();
                let to = path(1).or_else(|| {
                    arguments.named("filename").or(arguments.named("out")).and_then(Value::as_text)
                });
                if let Some(to) = to.filter(|_| from.is_empty() || shell::foreign(from)) {
                    self.dropped.fetched.insert(to.to_owned());
                }
            }
            "os.chmod" if room => {
                // The bits by which a file may be run.
                let runs = match arguments.plain.get(1) {
                    Some(Value::Integer(mode)) => mode & 0o111 != 0,
                    _ => true,
                };
                if let Some(of) = path(0).filter(|_| runs) {
                    self.dropped.executable.insert(of.to_owned());
                }
            }
            _ if name.ends_with(".write")
                || name.ends_with(".write_bytes")
                || name == "shutil.copyfileobj" =>
            {
                self.dropped.written |= arguments.all().any(|value| self.taint(value).has(Taint::NETWORK));
            }
            _ if known == Some(Effect::Command) => {
                let started = arguments.all().find_map(|value| self.program(value));
                if let Some(path) = started
                    && self.dropped.executable.contains(&path)
                    && (self.dropped.written || self.dropped.fetched.contains(&path))
                {
                    self.event(scope, line, What::StartsFetched(path));
                }
            }
            _ => {}
        }
    }

    /// What a search of parameters calls has a number to give back, and nothing to send.
    fn searches(
        &mut self,
        scope: Scope<'_>,
        name: &str,
        known: Option<Effect>,
        arguments: &Arguments,
        line: u32,
    ) {
        const SEARCHES: [&str; 8] = [
            "optimize",
            "fmin",
            "minimize",
            "differential_evolution",
            "gp_minimize",
            "forest_minimize",
            "agent",
            "maximize",
        ];
        const BODIES: [&str; 5] = ["data", "json", "body", "content", "files"];
        let verb = name.rsplit('.').next().unwrap_or(name);
        if SEARCHES.contains(&verb) && self.dropped.searched.len() < MOST {
            let given = arguments.all().flat_map(|value| value.choices().to_vec());
            let functions: Vec<usize> = given
                .filter_map(|value| if let Value::Function(index) = value { Some(index) } else { None })
                .collect();
            self.dropped.searched.extend(functions);
        }
        let body = arguments.named.iter().any(|(key, _)| BODIES.contains(&key.as_str()))
            || arguments.plain.len() > 1;
        let sends = known == Some(Effect::Network)
            && ["post", "put", "patch", "request", "urlopen"].contains(&verb)
            && body;
        if sends && self.active.iter().any(|function| self.dropped.searched.contains(function)) {
            self.event(scope, line, What::SendsInput(name.to_owned()));
        }
    }

    /// The program that a command starts.
    fn program(&self, value: &Value) -> Option<String> {
        if let Some(Cell::Sequence(words)) = self.cell_of(value) {
            return words.first().and_then(Value::as_text).map(str::to_owned);
        }
        value.beginning()?.split_whitespace().next().map(str::to_owned)
    }

    /// The address of a pool among the words of a command.
    fn pool(&self, value: &Value) -> Option<String> {
        let of = |value: &Value| value.beginning().filter(|text| shell::is_pool(text)).map(str::to_owned);
        match self.cell_of(value) {
            Some(Cell::Sequence(words)) if words.len() <= 64 => words.iter().find_map(of),
            _ => of(value),
        }
    }
}
