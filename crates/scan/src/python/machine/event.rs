//! What the machine tells of: what happens, when, and where it stands.

use std::sync::Arc;

use super::super::effects::Effect;
use super::super::value::{Taint, Value};

/// When something happens, from never to always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::python) enum Reach {
    /// In a function that nothing here calls, or under `if __name__ == "__main__"`.
    Dormant,
    /// In a function that was handed to another package, which calls it with whatever it likes.
    Handed,
    /// The same, where importing the source is what handed it over: the other package may call it at any time.
    Given,
    /// In a method, which whoever uses the class calls.
    Use,
    /// In what a loader calls after importing: the constructor of a class that a configuration names.
    Load,
    /// When the source is imported.
    Import,
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::python) enum What {
    /// A callable of the table is called, with what is known of its arguments.
    Effect { effect: Effect, name: String, arguments: Vec<Value>, taint: Taint, manner: Manner },
    /// Source or bytes are run as code that is not known here.
    RunsUnknown { how: &'static str, taint: Taint },
    /// A text is run as code that stands nowhere in the source as it is.
    RunsHidden,
    /// A name was put together to reach this.
    ComputedName(String),
    /// A module is imported whose name is not known.
    ImportsUnknown,
    /// Modules are imported from inside of a file.
    ImportsFrom(String),
    /// Python's own insides are walked through.
    Introspection(String),
    /// Built-in functions or the import system are replaced.
    Replaces(String),
    /// A model talks to the network for each of its inputs.
    SendsInput(String),
    /// A home or a whole file system is walked through.
    WalksAll(String),
    /// A file is written that holds a command which no model needs.
    WritesCommand(String),
    /// A program is started that was fetched or put together before and made executable.
    StartsFetched(String),
    /// A pool is named, for which somebody's machines compute.
    Mines(String),
    /// Something is called with an address that nobody answers for.
    LeadsTo(String),
    /// A text is filled in as a template.
    Template(Arc<str>),
    /// A variable of the environment is set by which programs load code.
    Variable(String),
    /// A pickle is read that the source itself seems to have written.
    ReadsBack(String),
    /// A pickle is read that lies with whoever runs the source.
    ReadsTheirs(String),
    /// Bytes are handed to an unpickler.
    Unpickles(Arc<[u8]>),
    /// A file of the file system is opened for writing.
    Writes(String),
    /// Code of another repository is asked for.
    Foreign(String),
    /// Something of another package is called, which is not looked into.
    Outside(String),
    /// A module is imported that is not the model's and not known.
    Stranger(String),
    /// The description of a tool gives orders to the assistant that reads it.
    Orders(&'static str),
    /// A value is called that was not followed.
    CallsUnknown(String),
    /// A bound was hit.
    Budget,
}

/// How something of the table is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::python) enum Manner {
    /// As it stands.
    Called,
    /// By something that it is handed to.
    Handed,
    /// With a body that goes to the network.
    Sending,
    /// With its protection switched off in so many words.
    Unprotected,
}

#[derive(Debug, Clone)]
pub(in crate::python) struct Event {
    pub(in crate::python) what: What,
    pub(in crate::python) reach: Reach,
    pub(in crate::python) path: String,
    pub(in crate::python) line: u32,
    /// It stands in a text that was put together or decoded.
    pub(in crate::python) hidden: bool,
}
