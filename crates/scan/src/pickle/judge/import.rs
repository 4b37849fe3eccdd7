//! What a stream imports that is not known to be inert.

use crate::python;
use crate::tables::Tables;

/// How a class is called whose `__new__` is given something of the file's.
pub(super) const WITH_ARGUMENTS: &str = "NEWOBJ with arguments";

pub(super) struct Import {
    pub(super) offset: usize,
    pub(super) called_by: Option<&'static str>,
    pub(super) harm: Option<&'static str>,
    /// The name without its module.
    pub(super) name: String,
}

impl Import {
    /// Whether it is of a package that the tables do not know, or of `__main__`, which is whatever program loads the file,
    /// and nothing of it is called or given arguments: a project's own estimators, of which objects are made and given a state. Their `__new__`
    /// and `__setstate__` are not the file's, and nobody here can tell what they do.
    pub(super) fn is_a_stranger(&self, tables: &Tables, qualified: &str) -> bool {
        let package = qualified.split('.').next().unwrap_or(qualified);
        let is_class =
            |part: &str| part.trim_start_matches('_').starts_with(|c: char| c.is_ascii_uppercase());
        let mut parts = self.name.split('.').peekable();
        let of_a_class = parts.peek().is_some_and(|first| is_class(first));
        match self.called_by {
            Some(by) if by != "NEWOBJ" || !parts.all(is_class) => return false,
            None if !of_a_class => return false,
            _ => {}
        }
        package == "__main__" || !tables.knows_package(package) && !python::is_of_python(package)
    }
}
