//! The abstract values of the pickle machine.
//!
//! Constants are spans of the input, decoded only when a rule needs them. Everything else lies in an arena
//! and is named by index, so that dropping a value nested 200 000 deep is not a recursion.

use std::borrow::Cow;

/// A value on the machine's stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of at most 64 bits.
    Int(i64),
    /// Any other number.
    Number,
    /// A string constant.
    Text(Span, Coding),
    /// A bytes or bytearray constant.
    Bytes(Span),
    /// A node of the arena.
    Node(u32),
}

/// A range of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

/// How a string constant is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// UTF-8 (`BINUNICODE` and its kin; also `BINSTRING`, of which only ASCII matters to names).
    Utf8,
    /// Python's backslash escapes between quotes (`STRING`).
    Escaped,
    /// `\uXXXX` escapes in Latin-1 (`UNICODE`).
    RawUnicode,
}

/// A value that is more than a constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A tuple.
    Tuple(Items),
    /// A list.
    List(Items),
    /// A set or frozenset.
    Set,
    /// A dict: keys and values in turn.
    Dict(Items),
    /// Something imported.
    Global(Global),
    /// What a call returned.
    Called {
        /// What was called.
        callee: Value,
        /// With what, as a tuple when that is known.
        args: Value,
        /// Whether it is an instance of the callee, made by `NEWOBJ`.
        instance: bool,
        /// The state given by the last `BUILD`.
        state: Option<Value>,
    },
    /// A constant that a call gave.
    Constant(Constant),
    /// A module.
    Module(String),
    /// A method of a constant.
    Method {
        /// Its name.
        name: String,
        /// Of what.
        of: Value,
    },
    /// What a persistent id stands for.
    Persistent(Value),
    /// An entry of the extension registry, an out-of-band buffer: nothing is known of it.
    Unknown,
}

/// A constant that does not stand in the input as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constant {
    /// A string.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// An integer.
    Int(i64),
}

impl Constant {
    /// Bytes it takes.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Int(_) => 8,
        }
    }
}

/// An imported name, after Python 2 names were mapped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Global {
    /// Module; `None` when it was not a constant.
    pub module: Option<String>,
    /// Name; dotted when attributes were followed.
    pub name: Option<String>,
}

impl Global {
    /// `module.name`, with `?` for what is not known.
    #[must_use]
    pub fn qualified(&self) -> String {
        format!("{}.{}", self.module.as_deref().unwrap_or("?"), self.name.as_deref().unwrap_or("?"))
    }
}

/// The first elements of a container, and whether there were more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Items {
    /// Elements kept.
    pub kept: Vec<Value>,
    /// Whether some were let go.
    pub more: bool,
}

/// Elements kept of one container. Argument tuples and states are far smaller; long lists are data.
const KEPT: usize = 4096;

impl Items {
    pub(super) fn extend(&mut self, values: impl IntoIterator<Item = Value>) -> usize {
        let before = self.kept.len();
        for value in values {
            if self.kept.len() < KEPT {
                self.kept.push(value);
            } else {
                self.more = true;
            }
        }
        self.kept.len() - before
    }
}

/// The text of a constant.
pub(super) fn decode(bytes: &[u8], span: Span, coding: Coding) -> Option<Cow<'_, str>> {
    let raw = bytes.get(span.start..span.end)?;
    match coding {
        Coding::Utf8 => std::str::from_utf8(raw).ok().map(Cow::Borrowed),
        Coding::RawUnicode => Some(Cow::Owned(raw_unicode(raw))),
        Coding::Escaped => String::from_utf8(escaped(raw)).ok().map(Cow::Owned),
    }
}

fn hex(digits: Option<&[u8]>) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits?).ok()?, 16).ok()
}

/// `\\uXXXX` escapes in Latin-1.
pub(super) fn raw_unicode(raw: &[u8]) -> String {
    let mut out = String::new();
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        let width = match (byte, raw.get(at + 1)) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => 0,
        };
        let escape = if width > 0 { hex(raw.get(at + 2..at + 2 + width)) } else { None };
        match escape.and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                at += 2 + width;
            }
            None => {
                out.push(char::from(byte));
                at += 1;
            }
        }
    }
    out
}

/// `codecs.escape_decode`.
fn escaped(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        at += 1;
        let Some(&next) = raw.get(at).filter(|_| byte == b'\\') else {
            out.push(byte);
            continue;
        };
        at += 1;
        match next {
            b'\n' => {}
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'\\' | b'\'' | b'"' => out.push(next),
            b'x' => match hex(raw.get(at..at + 2)).and_then(|n| u8::try_from(n).ok()) {
                Some(n) => {
                    out.push(n);
                    at += 2;
                }
                None => out.extend(b"\\x"),
            },
            b'0'..=b'7' => {
                let mut n = u32::from(next - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = raw.get(at) else { break };
                    n = n * 8 + u32::from(digit - b'0');
                    at += 1;
                }
                #[expect(clippy::cast_possible_truncation, reason = "Python keeps the low byte too")]
                out.push(n as u8);
            }
            other => out.extend([b'\\', other]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_do_not_hide_a_name() {
        let text = |raw: &str, coding| {
            decode(raw.as_bytes(), Span { start: 0, end: raw.len() }, coding).unwrap().into_owned()
        };
        assert_eq!(text(r"\x6f\163", Coding::Escaped), "os");
        assert_eq!(text(r"a\qb\\\n", Coding::Escaped), "a\\qb\\\n");
        assert_eq!(text(r"\u006fs\x", Coding::RawUnicode), "os\\x");
    }
}
