//! Tags that run or load something, read as a browser reads them (HTML Living Standard, 13.2.5).

use super::{MARKUP, hit};
use crate::output::look::{Look, Open, Step};

/// A tag that is longer is taken for one that hides something: nobody writes such a tag in an answer.
const TAG_BYTES: usize = 2048;

/// Elements that run code, load other documents, send forms or change what surrounds them.
const ELEMENTS: &[&str] = &[
    "animate",
    "applet",
    "base",
    "button",
    "embed",
    "foreignobject",
    "form",
    "frame",
    "frameset",
    "iframe",
    "input",
    "link",
    "meta",
    "object",
    "portal",
    "script",
    "set",
    "style",
    "template",
    "textarea",
    "use",
];

/// Attributes, besides handlers, that do.
const ATTRIBUTES: &[&str] = &["action", "formaction", "ping", "srcdoc"];

pub(super) fn recognise(look: Look<'_>) -> Step {
    let bytes = look.bytes();
    match bytes.get(1) {
        None => return look.out_of_text(),
        Some(first) if !first.is_ascii_alphabetic() => return Step::No,
        Some(_) => {}
    }
    let Some(name) = look.run(1, 32, |b| !b.is_ascii_whitespace() && !matches!(b, b'/' | b'>' | b'<')) else {
        return Step::More;
    };
    let name = look.rest().get(1..=name).unwrap_or_default();
    let element = ELEMENTS.iter().any(|e| e.eq_ignore_ascii_case(name));
    let mut reader = Reader::default();
    for (at, byte) in bytes.iter().enumerate().skip(1 + name.len()).take(TAG_BYTES) {
        if reader.read(*byte) {
            return if element || reader.acts { found(at + 1, None, name) } else { Step::No };
        }
    }
    if bytes.len() < 1 + name.len() + TAG_BYTES && !look.is_final() {
        return Step::More;
    }
    // A tag without an end becomes one with whatever the page goes on with.
    if element || reader.acts || bytes.len() >= 1 + name.len() + TAG_BYTES {
        found(1 + name.len(), Some(Open::Run(|b| b != b'>')), name)
    } else {
        Step::No
    }
}

fn found(length: usize, open: Option<Open>, name: &str) -> Step {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    hit(MARKUP, length, open, format!("<{name}>"), "a page that shows it runs or loads something")
}

/// Where in a tag the reader is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    Quoted(u8),
    Bare,
}

/// Reads the attributes of a tag.
#[derive(Debug, Default)]
struct Reader {
    state: State,
    name: String,
    /// An attribute was seen that acts.
    acts: bool,
}

impl Reader {
    /// Takes a byte; true when it ends the tag.
    fn read(&mut self, byte: u8) -> bool {
        let space = byte.is_ascii_whitespace();
        self.state = match (self.state, byte) {
            (State::Quoted(quote), _) => {
                if byte == quote {
                    State::BeforeName
                } else {
                    self.state
                }
            }
            (State::BeforeValue, b'"' | b'\'') => State::Quoted(byte),
            (State::BeforeValue, _) if space => State::BeforeValue,
            (_, b'>') => {
                self.named(byte);
                return true;
            }
            (State::BeforeValue, _) => State::Bare,
            (State::Bare, _) => {
                if space {
                    State::BeforeName
                } else {
                    State::Bare
                }
            }
            (State::Name | State::AfterName, b'=') => {
                self.named(byte);
                State::BeforeValue
            }
            (State::Name, _) if space || byte == b'/' => State::AfterName,
            (State::AfterName, _) if space => State::AfterName,
            (State::BeforeName, _) if space || byte == b'/' => State::BeforeName,
            (State::Name, _) => {
                self.push(byte);
                State::Name
            }
            (State::BeforeName | State::AfterName, _) => {
                self.name.clear();
                self.push(byte);
                State::Name
            }
        };
        false
    }

    fn push(&mut self, byte: u8) {
        if self.name.len() < 32 {
            self.name.push(char::from(byte.to_ascii_lowercase()));
        }
    }

    /// The name is complete. A handler acts only with a value; `action` and the like, too.
    fn named(&mut self, end: u8) {
        let handler = self.name.strip_prefix("on").is_some_and(|rest| rest.len() > 1);
        self.acts |= end == b'=' && (handler || ATTRIBUTES.contains(&self.name.as_str()));
        self.name.clear();
    }
}
