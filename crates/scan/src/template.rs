//! Chat templates: programs in Jinja that a model file brings with it, and that a loader runs.
//!
//! A template is parsed, not searched. What reaches for Python's insides, loads other templates, repeats until
//! memory or patience ends, or answers words of the user with words of its own is told apart from the many
//! templates that only lay out messages. Names that are put together from pieces are folded first.
//!
//! The language is that of Jinja 3.1 ("Template Designer Documentation"), with the two extensions that
//! transformers switches on: loop controls and `{% generation %}`.

mod judge;
mod lexer;
mod parser;
mod words;

pub(crate) use judge::{Concern, Kind, judge};
pub(crate) use words::{aside as sets_aside, exchanges as rewrites, orders};
