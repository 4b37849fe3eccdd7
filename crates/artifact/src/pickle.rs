//! The opcodes of Python's pickle machine, protocols 0 to 5, cut from the byte stream.
//!
//! Arguments are cut the way CPython's C unpickler cuts them, not the way `pickletools` does: a line may
//! end at the end of the file, and then its last byte is dropped all the same (`Modules/_pickle.c`,
//! `_Unpickler_Readline` and its callers). What the opcodes do to a stack is for the interpreter above.

/// One opcode with its argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op<'a> {
    /// Its byte.
    pub code: u8,
    /// Where it stands.
    pub offset: usize,
    /// One past its argument.
    pub end: usize,
    /// Its argument.
    pub arg: Arg<'a>,
}

/// The argument of an opcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arg<'a> {
    /// None.
    None,
    /// A number of fixed width: signed for `BININT` and `EXT4`, unsigned otherwise.
    Int(i64),
    /// The bits of `BINFLOAT`.
    Float(u64),
    /// Counted bytes.
    Bytes(&'a [u8]),
    /// A line without its end.
    Line(&'a [u8]),
    /// Two lines: module and name.
    Lines(&'a [u8], &'a [u8]),
}

/// Why no opcode could be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The stream ends inside the opcode at this offset, or before `STOP`.
    Truncated(usize),
    /// There is no such opcode.
    UnknownOpcode(usize, u8),
    /// A length below zero.
    NegativeLength(usize),
}

/// Opcode bytes by their name in `pickletools`.
pub mod code {
    #![expect(missing_docs, reason = "the names are Python's")]
    pub const MARK: u8 = b'(';
    pub const STOP: u8 = b'.';
    pub const POP: u8 = b'0';
    pub const POP_MARK: u8 = b'1';
    pub const DUP: u8 = b'2';
    pub const FLOAT: u8 = b'F';
    pub const INT: u8 = b'I';
    pub const BININT: u8 = b'J';
    pub const BININT1: u8 = b'K';
    pub const LONG: u8 = b'L';
    pub const BININT2: u8 = b'M';
    pub const NONE: u8 = b'N';
    pub const PERSID: u8 = b'P';
    pub const BINPERSID: u8 = b'Q';
    pub const REDUCE: u8 = b'R';
    pub const STRING: u8 = b'S';
    pub const BINSTRING: u8 = b'T';
    pub const SHORT_BINSTRING: u8 = b'U';
    pub const UNICODE: u8 = b'V';
    pub const BINUNICODE: u8 = b'X';
    pub const APPEND: u8 = b'a';
    pub const BUILD: u8 = b'b';
    pub const GLOBAL: u8 = b'c';
    pub const DICT: u8 = b'd';
    pub const EMPTY_DICT: u8 = b'}';
    pub const APPENDS: u8 = b'e';
    pub const GET: u8 = b'g';
    pub const BINGET: u8 = b'h';
    pub const INST: u8 = b'i';
    pub const LONG_BINGET: u8 = b'j';
    pub const LIST: u8 = b'l';
    pub const EMPTY_LIST: u8 = b']';
    pub const OBJ: u8 = b'o';
    pub const PUT: u8 = b'p';
    pub const BINPUT: u8 = b'q';
    pub const LONG_BINPUT: u8 = b'r';
    pub const SETITEM: u8 = b's';
    pub const TUPLE: u8 = b't';
    pub const EMPTY_TUPLE: u8 = b')';
    pub const SETITEMS: u8 = b'u';
    pub const BINFLOAT: u8 = b'G';
    pub const BINBYTES: u8 = b'B';
    pub const SHORT_BINBYTES: u8 = b'C';
    pub const PROTO: u8 = 0x80;
    pub const NEWOBJ: u8 = 0x81;
    pub const EXT1: u8 = 0x82;
    pub const EXT2: u8 = 0x83;
    pub const EXT4: u8 = 0x84;
    pub const TUPLE1: u8 = 0x85;
    pub const TUPLE2: u8 = 0x86;
    pub const TUPLE3: u8 = 0x87;
    pub const NEWTRUE: u8 = 0x88;
    pub const NEWFALSE: u8 = 0x89;
    pub const LONG1: u8 = 0x8a;
    pub const LONG4: u8 = 0x8b;
    pub const SHORT_BINUNICODE: u8 = 0x8c;
    pub const BINUNICODE8: u8 = 0x8d;
    pub const BINBYTES8: u8 = 0x8e;
    pub const EMPTY_SET: u8 = 0x8f;
    pub const ADDITEMS: u8 = 0x90;
    pub const FROZENSET: u8 = 0x91;
    pub const NEWOBJ_EX: u8 = 0x92;
    pub const STACK_GLOBAL: u8 = 0x93;
    pub const MEMOIZE: u8 = 0x94;
    pub const FRAME: u8 = 0x95;
    pub const BYTEARRAY8: u8 = 0x96;
    pub const NEXT_BUFFER: u8 = 0x97;
    pub const READONLY_BUFFER: u8 = 0x98;
}

/// Cuts the opcode at `at`.
///
/// # Errors
/// The bytes there are no opcode of protocols 0 to 5.
pub fn op(bytes: &[u8], at: usize) -> Result<Op<'_>, Fault> {
    let mut cut = Cut { bytes, start: at, at };
    let Some(&[code]) = cut.take(1)?.first_chunk::<1>() else { return Err(Fault::Truncated(at)) };
    let arg = cut.arg(code)?;
    Ok(Op { code, offset: at, end: cut.at, arg })
}

struct Cut<'a> {
    bytes: &'a [u8],
    start: usize,
    at: usize,
}

impl<'a> Cut<'a> {
    fn arg(&mut self, code: u8) -> Result<Arg<'a>, Fault> {
        use code::*;
        Ok(match code {
            MARK | STOP | POP | POP_MARK | DUP | NONE | BINPERSID | REDUCE | APPEND | BUILD | DICT
            | EMPTY_DICT | APPENDS | LIST | EMPTY_LIST | OBJ | SETITEM | TUPLE | EMPTY_TUPLE | SETITEMS
            | NEWOBJ | TUPLE1 | TUPLE2 | TUPLE3 | NEWTRUE | NEWFALSE | EMPTY_SET | ADDITEMS | FROZENSET
            | NEWOBJ_EX | STACK_GLOBAL | MEMOIZE | NEXT_BUFFER | READONLY_BUFFER => Arg::None,
            BININT1 | BINGET | BINPUT | EXT1 | PROTO => Arg::Int(self.unsigned(1)?.cast_signed()),
            BININT2 | EXT2 => Arg::Int(self.unsigned(2)?.cast_signed()),
            BININT | EXT4 => Arg::Int(self.signed_4()?),
            LONG_BINGET | LONG_BINPUT => Arg::Int(self.unsigned(4)?.cast_signed()),
            // A size beyond 2^63 is as unreachable as one just below it.
            FRAME => Arg::Int(i64::try_from(self.unsigned(8)?).unwrap_or(i64::MAX)),
            BINFLOAT => Arg::Float(u64::from_be_bytes(self.array()?)),
            SHORT_BINSTRING | SHORT_BINBYTES | SHORT_BINUNICODE | LONG1 => self.counted(1)?,
            BINUNICODE | BINBYTES => self.counted(4)?,
            BINUNICODE8 | BINBYTES8 | BYTEARRAY8 => self.counted(8)?,
            BINSTRING | LONG4 => {
                let length = self.signed_4()?;
                let length = usize::try_from(length).map_err(|_| Fault::NegativeLength(self.start))?;
                Arg::Bytes(self.take(length)?)
            }
            FLOAT | INT | LONG | STRING | UNICODE | GET | PUT | PERSID => Arg::Line(self.line(code)?),
            GLOBAL | INST => Arg::Lines(self.line(code)?, self.line(code)?),
            other => return Err(Fault::UnknownOpcode(self.start, other)),
        })
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.checked_add(length).ok_or(Fault::Truncated(self.start))?;
        let taken = self.bytes.get(self.at..end).ok_or(Fault::Truncated(self.start))?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.take(N)?.first_chunk().copied().ok_or(Fault::Truncated(self.start))
    }

    fn unsigned(&mut self, width: usize) -> Result<u64, Fault> {
        Ok(self.take(width)?.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    fn signed_4(&mut self) -> Result<i64, Fault> {
        Ok(i64::from(i32::from_le_bytes(self.array()?)))
    }

    fn counted(&mut self, width: usize) -> Result<Arg<'a>, Fault> {
        let length = self.unsigned(width)?;
        let length = usize::try_from(length).map_err(|_| Fault::Truncated(self.start))?;
        Ok(Arg::Bytes(self.take(length)?))
    }

    /// A line up to `\n` or the end of the file; either way its last byte is dropped.
    fn line(&mut self, code: u8) -> Result<&'a [u8], Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |i| i + 1);
        // Most opcodes refuse an empty line; these three accept it.
        let shortest = if matches!(code, code::STRING | code::UNICODE | code::PERSID) { 1 } else { 2 };
        if length < shortest {
            return Err(Fault::Truncated(self.start));
        }
        let line = self.take(length)?;
        Ok(line.split_last().map_or(line, |(_, line)| line))
    }
}

/// How a stream without a protocol header looks to the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looks {
    LikePickle,
    UnlikePickle,
}

/// Whether `bytes`, which have no magic number, are a pickle of protocol 0 or 1 (or a headless later one).
///
/// Such a stream starts with any opcode, and most opcodes are printable, so text may look like one. The
/// stack is played through with nothing but its depth. It is a pickle if either
/// * the machine runs into `STOP` without a fault and no byte is left over, or what is left over is again
///   such a stream; or
/// * before the first fault it would call something: an opcode that calls finds its operands on the
///   stack and a name was imported before.
///
/// `"N.B. see below"` stops at once, but text is left over and nothing was called: not a pickle.
#[must_use]
pub fn looks_headless(bytes: &[u8]) -> bool {
    let mut at = 0;
    while at < bytes.len() {
        let mut depth = Depth::default();
        loop {
            let Ok(op) = op(bytes, at) else { return false };
            at = op.end;
            match depth.step(&op) {
                None => return false,
                Some(Looks::LikePickle) => return true,
                Some(Looks::UnlikePickle) => {}
            }
            if op.code == code::STOP {
                break;
            }
        }
    }
    !bytes.is_empty()
}

#[derive(Default)]
struct Depth {
    /// Values above the last mark.
    top: usize,
    marks: Vec<usize>,
    imported: bool,
}

impl Depth {
    fn pop(&mut self, n: usize) -> Option<()> {
        self.top = self.top.checked_sub(n)?;
        Some(())
    }

    fn unmark(&mut self) -> Option<usize> {
        let above = self.top;
        self.top = self.marks.pop()?;
        Some(above)
    }

    /// `None` is a fault.
    fn step(&mut self, op: &Op<'_>) -> Option<Looks> {
        use code::*;
        let mut calls = false;
        match op.code {
            PROTO if !matches!(op.arg, Arg::Int(0..=5)) => return None,
            PROTO | FRAME | READONLY_BUFFER => {}
            MARK => {
                self.marks.push(self.top);
                self.top = 0;
            }
            STOP | BINPUT | LONG_BINPUT | MEMOIZE => self.pop(1).map(|()| self.top += 1)?,
            PUT => {
                digits(op)?;
                self.pop(1)?;
                self.top += 1;
            }
            POP => {
                if self.top == 0 {
                    self.unmark()?;
                } else {
                    self.top -= 1;
                }
            }
            POP_MARK => {
                self.unmark()?;
            }
            DUP => {
                self.pop(1)?;
                self.top += 2;
            }
            TUPLE1 | BINPERSID => {
                self.pop(1)?;
                self.top += 1;
                calls = op.code == BINPERSID;
            }
            TUPLE2 | STACK_GLOBAL => {
                self.pop(2)?;
                self.top += 1;
                self.imported |= op.code == STACK_GLOBAL;
            }
            TUPLE3 => {
                self.pop(3)?;
                self.top += 1;
            }
            REDUCE | NEWOBJ | BUILD => {
                self.pop(2)?;
                self.top += 1;
                calls = true;
            }
            NEWOBJ_EX => {
                self.pop(3)?;
                self.top += 1;
                calls = true;
            }
            APPEND => {
                self.pop(2)?;
                self.top += 1;
            }
            SETITEM => {
                self.pop(3)?;
                self.top += 1;
            }
            LIST | TUPLE | DICT | FROZENSET => {
                self.unmark()?;
                self.top += 1;
            }
            APPENDS | SETITEMS | ADDITEMS => {
                self.unmark()?;
                self.pop(1)?;
                self.top += 1;
            }
            OBJ => {
                calls = self.unmark()? >= 1;
                self.top += 1;
            }
            INST => {
                names(op)?;
                self.unmark()?;
                self.top += 1;
                self.imported = true;
                calls = true;
            }
            GLOBAL => {
                names(op)?;
                self.top += 1;
                self.imported = true;
            }
            EXT1 | EXT2 | EXT4 => {
                self.top += 1;
                self.imported = true;
            }
            INT | LONG | GET => {
                digits(op)?;
                self.top += 1;
            }
            FLOAT => {
                let Arg::Line(line) = op.arg else { return None };
                std::str::from_utf8(line).ok()?.trim().replace('_', "").parse::<f64>().ok()?;
                self.top += 1;
            }
            STRING => {
                let Arg::Line(line) = op.arg else { return None };
                let (first, last) = (line.first()?, line.last()?);
                if line.len() < 2 || first != last || !matches!(first, b'\'' | b'"') {
                    return None;
                }
                self.top += 1;
            }
            _ => self.top += 1,
        }
        Some(if calls && self.imported { Looks::LikePickle } else { Looks::UnlikePickle })
    }
}

/// Whether the argument could be a number to CPython. Wider than what it accepts: a payload behind a number
/// that only CPython reads would otherwise pass for text.
fn digits(op: &Op<'_>) -> Option<()> {
    let Arg::Line(line) = op.arg else { return None };
    let line = line.trim_ascii();
    // `int(x, 0)` takes signs, 0x, 0o, 0b, underscores and an L at the end.
    let possible = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'-');
    (!line.is_empty() && line.iter().all(possible)).then_some(())
}

/// Whether module and name could be imported: no white space, and not a punctuation mark in front.
fn names(op: &Op<'_>) -> Option<()> {
    let Arg::Lines(module, name) = op.arg else { return None };
    [module, name].iter().all(|text| importable(text)).then_some(())
}

fn importable(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let first = text.chars().next();
    first.is_some_and(|c| c.is_alphanumeric() || c == '_') && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn arguments_are_cut_as_the_c_unpickler_cuts_them() {
        assert_eq!(op(b"cos\nsystem\n.", 0).unwrap().arg, Arg::Lines(b"os", b"system"));
        // At the end of the file the last byte goes, newline or not.
        assert_eq!(op(b"ios\nsystemX", 0).unwrap().arg, Arg::Lines(b"os", b"system"));
        assert_eq!(op(b"c\nx\n", 0), Err(Fault::Truncated(0)));
        assert_eq!(op(b"J\xff\xff\xff\xff", 0).unwrap().arg, Arg::Int(-1));
        assert_eq!(op(b"T\xff\xff\xff\xff", 0), Err(Fault::NegativeLength(0)));
        assert_eq!(op(b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff", 0), Err(Fault::Truncated(0)));
        assert_eq!(op(b"N\xff", 1), Err(Fault::UnknownOpcode(1, 0xff)));
        assert_eq!(op(b"\x8c\x02ab", 0).unwrap().end, 4);
        assert_eq!(op(b"", 0), Err(Fault::Truncated(0)));
    }

    #[test]
    fn headless_pickles_are_told_from_text() {
        for pickle in [
            &b"N."[..],
            b"I42\n.",
            b"(lp0\nI1\na.",
            b"(dp0\nS'a'\nI1\ns.",
            b"cos\nsystem\n(S'echo proofhouse'\ntR.",
            b"cos\nsystem\n(S'echo proofhouse'\ntR and then noise",
            b"(S'echo proofhouse'\nios\nsystem\n",
            b"N.N.",
            b"I+1\n0cos\nsystem\n(S'echo proofhouse'\ntR.",
            b"F1_0\n0cos\nsystem\n(S'echo proofhouse'\ntR.",
            b"cmy-module\nrun\n)R.",
        ] {
            assert!(looks_headless(pickle), "{}", String::from_utf8_lossy(pickle));
        }
        for text in [
            &b""[..],
            b"N.B. see below\n",
            b"cat\ndog\nbird\n",
            b"(c) 2026 somebody\nall rights\n",
            b"(c) 2026 somebody\nall rights\nof use\n",
            b"I am a text.\n",
            b"{\"a\": 1}",
            b"Some readme.\n",
            b"PK not a zip",
            b"0.5\n0.25\n",
        ] {
            assert!(!looks_headless(text), "{}", String::from_utf8_lossy(text));
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = looks_headless(&bytes);
        }
    }
}
