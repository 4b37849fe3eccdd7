//! Messages in the protocol-buffers wire format, field by field.

/// A message being written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message(Vec<u8>);

impl Message {
    /// The bytes so far.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Fields that are written already.
    pub fn append(&mut self, fields: &[u8]) {
        self.0.extend_from_slice(fields);
    }

    /// A whole number, or a truth as 0 or 1. Of negative ones the 64 bits, as every signed type but `sint` has it.
    pub fn int(&mut self, number: u32, value: i64) {
        self.tag(number, 0);
        self.varint(value.cast_unsigned());
    }

    /// Four bytes: a `float`, or a number of fixed width.
    pub fn fixed32(&mut self, number: u32, bits: u32) {
        self.tag(number, 5);
        self.0.extend_from_slice(&bits.to_le_bytes());
    }

    /// Eight bytes: a `double`, or a number of fixed width.
    pub fn fixed64(&mut self, number: u32, bits: u64) {
        self.tag(number, 1);
        self.0.extend_from_slice(&bits.to_le_bytes());
    }

    /// Bytes.
    pub fn bytes(&mut self, number: u32, bytes: &[u8]) {
        self.tag(number, 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// A text. An empty one is the default and stays off the wire.
    pub fn text(&mut self, number: u32, text: &str) {
        if !text.is_empty() {
            self.bytes(number, text.as_bytes());
        }
    }

    /// A message within this one.
    pub fn message(&mut self, number: u32, message: &Self) {
        self.bytes(number, &message.0);
    }

    /// Whole numbers in one field, packed. No numbers are the default and stay off the wire.
    pub fn packed(&mut self, number: u32, values: impl IntoIterator<Item = u64>) {
        let mut packed = Self::default();
        values.into_iter().for_each(|value| packed.varint(value));
        if !packed.0.is_empty() {
            self.message(number, &packed);
        }
    }

    fn varint(&mut self, mut v: u64) {
        while v >= 0x80 {
            self.0.push((v & 0x7f) as u8 | 0x80);
            v >>= 7;
        }
        self.0.push(v as u8);
    }

    fn tag(&mut self, number: u32, wire: u8) {
        self.varint(u64::from(number) << 3 | u64::from(wire));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protobuf::{Fields, Value, packed_varints};

    #[test]
    fn the_examples_of_the_encoding_page() {
        let mut message = Message::default();
        message.int(1, 150);
        message.text(2, "testing");
        message.text(3, "");
        message.packed(4, [3, 270, 86942]);
        message.packed(5, []);
        assert_eq!(message.into_bytes(), b"\x08\x96\x01\x12\x07testing\x22\x06\x03\x8e\x02\x9e\xa7\x05");
    }

    #[test]
    fn what_is_written_is_read() {
        let mut inner = Message::default();
        inner.int(1, -1);
        inner.packed(3, [u64::MAX, 0]);
        let mut outer = Message::default();
        outer.fixed32(2, 1.5f32.to_bits());
        outer.message(7, &inner);
        let bytes = outer.into_bytes();
        let fields: Vec<_> = Fields::new(&bytes).collect::<Result<_, _>>().unwrap();
        assert_eq!(fields[0].value, Value::Fixed32(1.5f32.to_bits()));
        let within: Vec<_> = fields[1].message().unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(within[0].value, Value::Varint(u64::MAX));
        let Value::Bytes(packed) = within[1].value else { panic!() };
        let numbers: Vec<u64> = packed_varints(packed, 0).collect::<Result<_, _>>().unwrap();
        assert_eq!(numbers, [u64::MAX, 0]);
    }
}
