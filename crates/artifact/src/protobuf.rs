//! The protocol-buffers wire format: read without a schema and without recursion, written field by field.
//!
//! Generated message types allocate for every field and descend into whatever nesting the file has. A
//! [`Fields`] iterator yields the fields of one message as borrowed slices with absolute offsets; the
//! caller keeps its own stack of messages still to visit.
//! Source: Protocol Buffers, "Encoding".

mod write;

use crate::ArtifactError;

pub use write::Message;

/// The value of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2: a string, bytes, a message or a packed array.
    Bytes(&'a [u8]),
    /// Wire type 5.
    Fixed32(u32),
}

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its number, at least 1.
    pub number: u32,
    /// Its value.
    pub value: Value<'a>,
    /// Where its tag begins, from the start of the file.
    pub offset: u64,
    /// Where its value begins; for [`Value::Bytes`] the first content byte.
    pub value_offset: u64,
}

impl<'a> Field<'a> {
    /// The content of a length-delimited field as a message of its own.
    #[must_use]
    pub fn message(&self) -> Option<Fields<'a>> {
        match self.value {
            Value::Bytes(bytes) => Some(Fields::at(bytes, self.value_offset)),
            _ => None,
        }
    }
}

/// The fields of one message, in file order. After an error it is at its end.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    base: u64,
}

impl<'a> Fields<'a> {
    /// The fields of the message that fills `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::at(bytes, 0)
    }

    /// The same for a message that starts at `base` of its file, so that offsets are those of the file.
    #[must_use]
    pub fn at(bytes: &'a [u8], base: u64) -> Self {
        Self { bytes, at: 0, base }
    }

    /// Offset of the next field from the start of the file.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    fn field(&mut self) -> Result<Field<'a>, ArtifactError> {
        let offset = self.offset();
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|n| (1..=MAX_FIELD).contains(n));
        let number = number.ok_or_else(|| self.error(offset, format!("{} is no field number", tag >> 3)))?;
        let mut value_offset = self.offset();
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = self.varint()?;
                value_offset = self.offset();
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                let left = self.bytes.len() - self.at;
                let Some(content) = self.bytes.get(self.at..self.at.saturating_add(length)) else {
                    let what = format!("field {number} claims {length} bytes and {left} are left");
                    return Err(self.error(offset, what));
                };
                self.at += length;
                Value::Bytes(content)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            other => {
                let what = format!("field {number} has wire type {other}, which is not in use");
                return Err(self.error(offset, what));
            }
        };
        Ok(Field { number, value, offset, value_offset })
    }

    fn varint(&mut self) -> Result<u64, ArtifactError> {
        let offset = self.offset();
        let mut value = 0u64;
        for shift in 0..10 {
            let Some(&byte) = self.bytes.get(self.at) else {
                return Err(self.error(offset, "the file ends inside a number".to_owned()));
            };
            self.at += 1;
            if shift == 9 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * shift);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.error(offset, "a number is longer than 64 bits".to_owned()))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ArtifactError> {
        let offset = self.offset();
        let found = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<N>);
        let array = *found.ok_or_else(|| self.error(offset, "the file ends inside a number".to_owned()))?;
        self.at += N;
        Ok(array)
    }

    fn error(&self, offset: u64, what: String) -> ArtifactError {
        ArtifactError::malformed("protobuf", offset, what)
    }
}

const MAX_FIELD: u32 = (1 << 29) - 1;

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, ArtifactError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.at = self.bytes.len();
        }
        Some(field)
    }
}

/// The numbers of a packed array of varints that starts at `base`.
pub fn packed_varints(bytes: &[u8], base: u64) -> impl Iterator<Item = Result<u64, ArtifactError>> {
    let mut fields = Fields::at(bytes, base);
    std::iter::from_fn(move || {
        if fields.at >= fields.bytes.len() {
            return None;
        }
        let number = fields.varint();
        if number.is_err() {
            fields.at = fields.bytes.len();
        }
        Some(number)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_encoding_page() {
        // 150 in field 1, "testing" in field 2, 3 270 and 86942 packed in field 4.
        let bytes = b"\x08\x96\x01\x12\x07testing\x22\x06\x03\x8e\x02\x9e\xa7\x05";
        let fields: Vec<_> = Fields::new(bytes).collect::<Result<_, _>>().unwrap();
        assert_eq!(fields[0].value, Value::Varint(150));
        assert_eq!(fields[1].value, Value::Bytes(b"testing"));
        assert_eq!((fields[1].offset, fields[1].value_offset), (3, 5));
        let Value::Bytes(packed) = fields[2].value else { panic!() };
        let numbers: Vec<u64> = packed_varints(packed, 14).collect::<Result<_, _>>().unwrap();
        assert_eq!(numbers, [3, 270, 86942]);
    }

    #[test]
    fn lengths_that_lie_are_errors_with_their_place() {
        let first_error = |bytes: &[u8]| Fields::at(bytes, 100).find_map(Result::err).unwrap().offset();
        assert_eq!(first_error(b"\x12\x05ab"), Some(100));
        assert_eq!(first_error(b"\x08\x01\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Some(102));
        assert_eq!(first_error(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), Some(101));
        assert_eq!(first_error(b"\x03"), Some(100)); // field 0, and groups are not in use
        assert_eq!(first_error(b"\x0d\x00"), Some(101));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Fields::new(&bytes).count() <= bytes.len());
        }
    }
}
