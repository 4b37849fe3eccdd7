//! Whether anything is known of a callable of another package, `data/modules.csv`.
//!
//! A table of what is harmful always misses something: so a call is understood only where its module stands in this
//! table, and a call that is not understood is told ("not proven"), whatever its name. Modules of Python that hold
//! harm beside what is harmless are known by callable, never as a whole.

use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) const MODULES: &str = include_str!("../../data/modules.csv");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// A module of Python: its private names are other modules or its own workings.
    Standard,
    /// A package that models are written with.
    Known,
    /// Known by callable.
    Listed,
    /// A callable that is inert.
    Inert,
}

struct Modules {
    exact: HashMap<&'static str, How>,
    /// Beginnings of names of inert callables, by what stands before the last dot of the beginning.
    families: HashMap<&'static str, Vec<&'static str>>,
}

static KNOWN: LazyLock<Modules> = LazyLock::new(|| {
    let mut modules = Modules { exact: HashMap::new(), families: HashMap::new() };
    for (how, name) in MODULES.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once(',')) {
        let how = match how {
            "standard" => How::Standard,
            "known" => How::Known,
            "listed" => How::Listed,
            "inert" => How::Inert,
            _ => continue,
        };
        match name.strip_suffix('*') {
            Some(beginning) => {
                let owner = beginning.rsplit_once('.').map_or("", |(owner, _)| owner);
                modules.families.entry(owner).or_default().push(beginning);
            }
            None => {
                modules.exact.insert(name, how);
            }
        }
    }
    modules
});

/// Whether it is known what calling `name` does, so that nothing harmful is left when the table of effects says nothing.
pub(super) fn is_known(name: &str) -> bool {
    // Of the same package, and not here: what is there is looked at where it is.
    if name.starts_with('.') {
        return true;
    }
    // What a call returned is as well known as what was called.
    let path = name.split(['(', '<', '[']).next().unwrap_or(name).trim_end_matches('.');
    let mut owner = path;
    loop {
        let family = KNOWN.families.get(owner);
        if family.is_some_and(|family| family.iter().any(|beginning| path.starts_with(beginning))) {
            return true;
        }
        match KNOWN.exact.get(owner) {
            // A helper of a known package that starts programs says so in its name.
            Some(How::Known) => return !path.contains("subprocess"),
            Some(How::Inert) => return owner == path,
            Some(How::Standard) => {
                let rest = path.get(owner.len()..).unwrap_or_default();
                return !rest.split('.').any(|part| part.starts_with('_') && !part.starts_with("__"));
            }
            Some(How::Listed) => return false,
            None => {}
        }
        match owner.rsplit_once('.') {
            Some((outer, _)) => owner = outer,
            None => return false,
        }
    }
}

/// Whether the module itself stands in the table, in part or as a whole: importing it is ordinary.
pub(crate) fn is_named(module: &str) -> bool {
    let top = module.split('.').next().unwrap_or(module);
    top.is_empty() || KNOWN.exact.contains_key(top)
}

/// Whether a package comes with Python.
pub(crate) fn is_of_python(package: &str) -> bool {
    package == "builtins" || matches!(KNOWN.exact.get(package), Some(How::Standard | How::Listed))
}

/// Whether a dotted name is one of a package that models are written with, in a part of it that is known.
pub(crate) fn is_of_a_package(name: &str) -> bool {
    let top = name.split('.').next().unwrap_or(name);
    top != "builtins" && matches!(KNOWN.exact.get(top), Some(How::Known)) && is_known(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_understood() {
        let rows = MODULES.lines().filter(|l| !l.starts_with('#')).count();
        assert_eq!(KNOWN.exact.len() + KNOWN.families.values().map(Vec::len).sum::<usize>(), rows);
    }

    #[test]
    fn callables_are_known_by_module_or_by_name() {
        for name in ["json.loads", "torch.nn.Linear().to", "os.path.join", "os.getcwd", "re.compile().match"]
        {
            assert!(is_known(name), "{name}");
        }
        for name in [
            "os.something",
            "random._os.x",
            "numpy.f2py.run",
            "stranger.call",
            "subprocess.Popen().x",
            "osmium.f",
        ] {
            assert!(!is_known(name), "{name}");
        }
        assert!(is_named("os.path") && !is_named("stranger"));
    }
}
