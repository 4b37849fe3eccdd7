//! A bounded reader of Thrift's compact protocol: enough to look at Parquet headers before a decoder trusts
//! them. No recursion, nothing allocated.
//!
//! Apache Thrift, `thrift-compact-protocol.md`.

/// Nesting allowed when a value is skipped. Parquet's own headers need five.
const MAX_DEPTH: usize = 24;

/// The bytes are not what the protocol allows here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub &'static str);

/// Wire types.
pub(crate) const I32: u8 = 5;
pub(crate) const BINARY: u8 = 8;
pub(crate) const LIST: u8 = 9;
pub(crate) const STRUCT: u8 = 12;

pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read so far.
    #[cfg(test)]
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// The next `count` bytes.
    pub(crate) fn take(&mut self, count: u64) -> Result<&'a [u8], Malformed> {
        let bytes = self.bytes;
        let taken = usize::try_from(count)
            .ok()
            .and_then(|n| self.at.checked_add(n))
            .and_then(|end| bytes.get(self.at..end))
            .ok_or(Malformed("it ends early"))?;
        self.at += taken.len();
        Ok(taken)
    }

    /// Whether all bytes are read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = *self.bytes.get(self.at).ok_or(Malformed("it ends early"))?;
        self.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed("a number is longer than ten bytes"))
    }

    /// A zigzag-coded integer.
    pub(crate) fn integer(&mut self) -> Result<i64, Malformed> {
        let raw = self.varint()?;
        Ok((raw >> 1) as i64 ^ -((raw & 1) as i64))
    }

    pub(crate) fn binary(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.varint()?;
        self.take(length)
    }

    /// The next field of a struct: its id and wire type; `None` at the end of the struct. `last` is the id of
    /// the field before, 0 at the start.
    pub(crate) fn field(&mut self, last: &mut i16) -> Result<Option<(i16, u8)>, Malformed> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        let id = match head >> 4 {
            0 => i16::try_from(self.integer()?).map_err(|_| Malformed("a field id is out of range"))?,
            delta => last.checked_add(i16::from(delta)).ok_or(Malformed("a field id is out of range"))?,
        };
        *last = id;
        Ok(Some((id, head & 0x0f)))
    }

    /// Head of a list: element type and length.
    pub(crate) fn list(&mut self) -> Result<(u8, u64), Malformed> {
        let head = self.byte()?;
        let length = match head >> 4 {
            15 => self.varint()?,
            short => u64::from(short),
        };
        // Every element takes a byte at least.
        if length > (self.bytes.len() - self.at) as u64 {
            return Err(Malformed("a list is longer than the file"));
        }
        Ok((head & 0x0f, length))
    }

    /// Skips a value of wire type `kind`.
    pub(crate) fn skip(&mut self, kind: u8) -> Result<(), Malformed> {
        enum Open {
            Struct(i16),
            List(u8, u64),
            Map(u8, u8, u64),
        }
        let mut stack: Vec<Open> = Vec::new();
        let mut next = Some((kind, false));
        loop {
            if let Some((kind, element)) = next.take() {
                match kind {
                    // In a struct the type itself is the boolean; in a list it takes a byte.
                    1 | 2 if element => {
                        self.byte()?;
                    }
                    1 | 2 => {}
                    3 => {
                        self.byte()?;
                    }
                    4..=6 => {
                        self.varint()?;
                    }
                    7 => {
                        self.take(8)?;
                    }
                    BINARY => {
                        self.binary()?;
                    }
                    LIST | 10 => {
                        let (kind, length) = self.list()?;
                        stack.push(Open::List(kind, length));
                    }
                    11 => {
                        let length = self.varint()?;
                        if length > (self.bytes.len() - self.at) as u64 {
                            return Err(Malformed("a map is longer than the file"));
                        }
                        let kinds = if length > 0 { self.byte()? } else { 0 };
                        stack.push(Open::Map(kinds >> 4, kinds & 0x0f, length * 2));
                    }
                    STRUCT => stack.push(Open::Struct(0)),
                    _ => return Err(Malformed("a value has an unknown type")),
                }
                if stack.len() > MAX_DEPTH {
                    return Err(Malformed("values are nested too deeply"));
                }
            }
            let done = match stack.last_mut() {
                None => return Ok(()),
                Some(Open::Struct(last)) => {
                    let mut id = *last;
                    let field = self.field(&mut id)?;
                    *last = id;
                    next = field.map(|(_, kind)| (kind, false));
                    field.is_none()
                }
                Some(Open::List(_, 0) | Open::Map(_, _, 0)) => true,
                Some(Open::List(kind, left)) => {
                    *left -= 1;
                    next = Some((*kind, true));
                    false
                }
                Some(Open::Map(key, value, left)) => {
                    next = Some((if *left % 2 == 0 { *key } else { *value }, true));
                    *left -= 1;
                    false
                }
            };
            if done {
                stack.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_are_zigzag() {
        assert_eq!(Cursor::new(&[0x01]).integer(), Ok(-1));
        assert_eq!(Cursor::new(&[0xac, 0x02]).integer(), Ok(150));
        assert!(Cursor::new(&[0xff; 11]).integer().is_err());
    }

    #[test]
    fn deep_nesting_ends() {
        assert_eq!(Cursor::new(&[0x1c; 4096]).skip(STRUCT), Err(Malformed("values are nested too deeply")));
    }

    proptest! {
        #[test]
        fn any_bytes_end_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 0u8..16) {
            let mut cursor = Cursor::new(&bytes);
            let _ = cursor.skip(kind);
            prop_assert!(cursor.position() <= bytes.len());
        }
    }
}
