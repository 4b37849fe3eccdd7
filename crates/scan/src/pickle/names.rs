//! Python 2 names, which the unpickler maps below protocol 3 (`fix_imports`, on by default).
//!
//! `commands.getoutput` reads like a harmless unknown module and becomes `subprocess.getoutput`.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Module and name; an empty name stands for every name of the module.
type Name = (&'static str, &'static str);

static TABLE: LazyLock<HashMap<Name, Name>> = LazyLock::new(|| {
    let lines = include_str!("../../data/python2.csv").lines().filter(|l| !l.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut cells = line.split(',');
            Some(((cells.next()?, cells.next()?), (cells.next()?, cells.next()?)))
        })
        .collect()
});

/// What `module` and `name` are called in Python 3.
pub fn from_python_2(module: &str, name: &str) -> (String, String) {
    let table: &HashMap<(&str, &str), Name> = &TABLE;
    if let Some((module, name)) = table.get(&(module, name)) {
        return ((*module).to_owned(), (*name).to_owned());
    }
    let module = table.get(&(module, "")).map_or(module, |(new, _)| new);
    (module.to_owned(), name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_names_become_new_ones() {
        let both = |m, n| from_python_2(m, n);
        assert_eq!(both("commands", "getoutput"), ("subprocess".into(), "getoutput".into()));
        assert_eq!(both("__builtin__", "xrange"), ("builtins".into(), "range".into()));
        assert_eq!(both("copy_reg", "_reconstructor"), ("copyreg".into(), "_reconstructor".into()));
        assert_eq!(both("os", "system"), ("os".into(), "system".into()));
    }
}
