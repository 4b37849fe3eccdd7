//! The three ways in which R writes the same items: big-endian, in the byte order of the machine that wrote, as text.
//!
//! Source: R 4, `src/main/serialize.c` (`InFormat`, `InInteger`, `InString`, `InWord`), `saveload.c` (the heads of `save`).

use std::borrow::Cow;

use crate::ArtifactError;
use crate::cursor::Cursor;

/// How numbers stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    /// `X`: big-endian, what `saveRDS` writes.
    Xdr,
    /// `B`: as they lay in memory. R reads it on a machine of the same order; those are little-endian today.
    Native,
    /// `A`: words of text.
    Text,
}

/// Longest word that R takes for a number (`InWord`).
const LONGEST_WORD: usize = 100;

/// A file of R's behind its head.
#[derive(Debug, Clone)]
pub(super) struct Input<'a> {
    cursor: Cursor<'a>,
    coding: Coding,
}

/// The coding that bytes begin with, whether a head of `save` stands before it, and the length of both.
fn head(bytes: &[u8]) -> Option<(Coding, bool, u64)> {
    let named = matches!(bytes, [b'R', b'D', b'X' | b'A' | b'B', b'2' | b'3', b'\n', ..]);
    let body = bytes.get(if named { 5 } else { 0 }..)?;
    let (coding, length) = match body {
        [b'X', b'\n', ..] => (Coding::Xdr, 2),
        [b'B', b'\n', ..] => (Coding::Native, 2),
        [b'A', b'\n', ..] => (Coding::Text, 2),
        // An item of text leaves the end of its line to the next one (`InFormat`).
        [b'\n', b'A', b'\n', ..] => (Coding::Text, 3),
        _ => return None,
    };
    Some((coding, named, if named { 5 } else { 0 } + length))
}

/// How sure it is that bytes are one of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begins {
    No,
    /// By the head and the version; R asks for no more.
    Perhaps,
    Yes,
}

/// Whether bytes begin as one of the three does: a version, the R that wrote, the R that can read.
pub(super) fn begins(bytes: &[u8]) -> Begins {
    let Some((mut input, _)) = Input::open(bytes) else { return Begins::No };
    // `R_Version(2, 3, 0)` is 0x20300.
    let release = |number: u32| (0x1_0000..0x100_0000).contains(&number);
    if !input.int().is_ok_and(|version| matches!(version, 2 | 3)) {
        return Begins::No;
    }
    let certain =
        input.coding == Coding::Xdr || input.int().is_ok_and(release) && input.int().is_ok_and(release);
    if certain { Begins::Yes } else { Begins::Perhaps }
}

impl<'a> Input<'a> {
    /// What stands behind the head, and whether that is one of `save`.
    pub(super) fn open(bytes: &'a [u8]) -> Option<(Self, bool)> {
        let (coding, named, length) = head(bytes)?;
        let mut cursor = Cursor::new("R data", bytes, 0);
        cursor.take(length).ok()?;
        Some((Self { cursor, coding }, named))
    }

    pub(super) fn offset(&self) -> u64 {
        self.cursor.offset()
    }

    pub(super) fn error(&self, what: impl Into<String>) -> ArtifactError {
        self.cursor.error(what)
    }

    /// Most items that what is left can hold.
    pub(super) fn room(&self) -> u64 {
        self.cursor.left() / if self.coding == Coding::Text { 2 } else { 4 }
    }

    /// An integer; what is missing is the lowest one.
    pub(super) fn int(&mut self) -> Result<u32, ArtifactError> {
        match self.coding {
            Coding::Xdr => self.cursor.u32_be(),
            Coding::Native => self.cursor.u32(),
            Coding::Text => match self.word()? {
                b"NA" => Ok(i32::MIN.cast_unsigned()),
                word => number(word).ok_or_else(|| self.error("a word is no whole number")),
            },
        }
    }

    /// The next integer, without taking it.
    pub(super) fn peek(&self) -> Result<u32, ArtifactError> {
        self.clone().int()
    }

    /// Passes over the elements of a vector, each of `parts` numbers of `width` bytes. Gives their bytes where those are the
    /// same on every machine.
    pub(super) fn skip(
        &mut self,
        count: u64,
        parts: u64,
        width: u64,
    ) -> Result<Option<&'a [u8]>, ArtifactError> {
        if self.coding != Coding::Text {
            let length = count.checked_mul(parts * width);
            let length = length.ok_or_else(|| self.error("a vector is longer than any file"))?;
            let bytes = self.cursor.take(length)?;
            return Ok((self.coding == Coding::Xdr).then_some(bytes));
        }
        if count > self.room() {
            return Err(self.error("a vector is longer than any file"));
        }
        for _ in 0..count.saturating_mul(parts) {
            self.word()?;
        }
        Ok(None)
    }

    /// A string of so many bytes.
    pub(super) fn text(&mut self, length: u64) -> Result<Cow<'a, [u8]>, ArtifactError> {
        if self.coding != Coding::Text {
            return self.cursor.take(length).map(Cow::Borrowed);
        }
        if length > self.cursor.left() {
            return Err(self.error(format!("a string claims {length} bytes")));
        }
        let mut text = Vec::new();
        if length > 0 {
            self.blank();
        }
        for _ in 0..length {
            let byte = self.cursor.u8()?;
            text.push(if byte == b'\\' { self.escaped()? } else { byte });
        }
        Ok(Cow::Owned(text))
    }

    /// Takes the end of the last line of a text.
    pub(super) fn finish(&mut self) {
        if self.coding == Coding::Text {
            self.blank();
        }
    }

    fn escaped(&mut self) -> Result<u8, ArtifactError> {
        Ok(match self.cursor.u8()? {
            b'n' => b'\n',
            b't' => b'\t',
            b'v' => 0x0b,
            b'b' => 0x08,
            b'r' => b'\r',
            b'f' => 0x0c,
            b'a' => 0x07,
            first @ b'0'..=b'7' => {
                let mut number = first - b'0';
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.cursor.rest().first().copied() else { break };
                    self.cursor.take(1)?;
                    number = number.wrapping_mul(8).wrapping_add(digit - b'0');
                }
                number
            }
            other => other,
        })
    }

    fn blank(&mut self) {
        let blank = self.cursor.rest().iter().take_while(|b| is_space(**b)).count();
        // As many as were counted are there.
        let _ = self.cursor.take(blank as u64);
    }

    fn word(&mut self) -> Result<&'a [u8], ArtifactError> {
        self.blank();
        let length = self.cursor.rest().iter().take(LONGEST_WORD + 1).take_while(|b| !is_space(**b)).count();
        if length == 0 || length > LONGEST_WORD {
            return Err(self.error("a number is expected"));
        }
        self.cursor.take(length as u64)
    }
}

/// A number as `sscanf` of C reads it: as many digits as there are, whatever follows them, and of a number that is too
/// large the lowest bits.
fn number(word: &[u8]) -> Option<u32> {
    let (digits, negative) = match word {
        [sign @ (b'-' | b'+'), digits @ ..] => (digits, *sign == b'-'),
        digits => (digits, false),
    };
    let digits = digits.get(..digits.iter().take_while(|b| b.is_ascii_digit()).count())?;
    let magnitude = |value: i64, digit: &u8| {
        let digit = i64::from(digit - b'0');
        value.saturating_mul(10).saturating_add(if negative { -digit } else { digit })
    };
    let value = digits.iter().fold(0i64, magnitude);
    if digits.is_empty() { None } else { u32::try_from(value & 0xffff_ffff).ok() }
}

/// `isspace` of C.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}
