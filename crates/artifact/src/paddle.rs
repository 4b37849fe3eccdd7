//! PaddlePaddle: a program as a protocol buffer (`.pdmodel`), and its parameters back to back (`.pdiparams`).
//!
//! Source: `paddle/fluid/framework/framework.proto` (`ProgramDesc`), `paddle/fluid/framework/lod_tensor.cc`
//! (`SerializeToStream`).

use std::collections::BTreeMap;

use crate::ArtifactError;
use crate::cursor::Cursor;
use crate::protobuf::{Fields, Value};

/// Operators, variables and attributes together.
const MAX_ITEMS: u64 = 10_000_000;

/// Operators of a program: how many there are, and where the first one begins.
#[derive(Debug, Default)]
pub struct Program {
    /// By type.
    pub operators: BTreeMap<String, (u64, u64)>,
    /// Texts of attributes: operator, attribute, first byte, number of bytes.
    pub texts: Vec<(String, u64, u64)>,
    /// What does not make sense.
    pub errors: Vec<ArtifactError>,
}

/// Whether the bytes are a program: blocks that begin with their index, a version, nothing else.
#[must_use]
pub fn is_program(bytes: &[u8]) -> bool {
    let mut block = None;
    for field in Fields::new(bytes) {
        match field {
            Ok(field) if field.number == 1 => block = block.or(Some(field)),
            Ok(field) if matches!(field.number, 2..=5) && matches!(field.value, Value::Bytes(_)) => {}
            Ok(_) => return false,
            Err(_) => break,
        }
    }
    let mut inner = block.and_then(|b| b.message()).into_iter().flatten().filter_map(Result::ok);
    let first = inner.next().is_some_and(|f| f.number == 1 && matches!(f.value, Value::Varint(0)));
    first && inner.next().is_some_and(|f| f.number == 2 && matches!(f.value, Value::Varint(_)))
}

/// Reads a program.
#[must_use]
pub fn program(bytes: &[u8]) -> Program {
    let mut out = Program::default();
    let mut items = 0u64;
    for block in Fields::new(bytes) {
        let block = match block {
            Ok(block) if block.number == 1 => block,
            Ok(_) => continue,
            Err(error) => {
                out.errors.push(error);
                continue;
            }
        };
        for operator in block.message().into_iter().flatten() {
            items += 1;
            match operator {
                Ok(operator) if operator.number == 4 => {
                    let mut kind = String::new();
                    let mut attributes = Vec::new();
                    for field in operator.message().into_iter().flatten() {
                        items += 1;
                        match field {
                            Ok(field) => match (field.number, field.value) {
                                (3, Value::Bytes(name)) => kind = String::from_utf8_lossy(name).into_owned(),
                                (4, Value::Bytes(_)) => attributes.push(field),
                                _ => {}
                            },
                            Err(error) => out.errors.push(error),
                        }
                    }
                    for field in
                        attributes.iter().filter_map(|a| a.message()).flatten().filter_map(Result::ok)
                    {
                        // A text, or one of several.
                        if let (5 | 8, Value::Bytes(text)) = (field.number, field.value)
                            && out.texts.len() < 100_000
                        {
                            out.texts.push((kind.clone(), field.value_offset, text.len() as u64));
                        }
                    }
                    out.operators.entry(kind).or_insert((0, operator.offset)).0 += 1;
                }
                Ok(_) => {}
                Err(error) => out.errors.push(error),
            }
            if items > MAX_ITEMS {
                out.errors.push(ArtifactError::Limit {
                    format: "Paddle program",
                    what: "items",
                    limit: MAX_ITEMS,
                });
                return out;
            }
        }
    }
    out
}

/// Whether the bytes begin as a parameter does: versions, no levels, and a description of a type and sizes, whatever
/// lengths they state.
#[must_use]
pub fn is_parameters(bytes: &[u8]) -> bool {
    let described = matches!(bytes.get(16..), Some([_, _, _, _, 0x08, kind, 0x10 | 0x12, ..]) if width(u64::from(*kind)).is_some());
    let mut cursor = Cursor::new("Paddle parameters", bytes, 0);
    bytes.starts_with(&[0; 16]) && (described || parameter(&mut cursor).is_ok())
}

/// Where the data of each parameter lie; they fill the file.
///
/// # Errors
/// A parameter is cut short or of an unknown type.
pub fn parameters(bytes: &[u8]) -> Result<Vec<(u64, u64)>, ArtifactError> {
    let mut cursor = Cursor::new("Paddle parameters", bytes, 0);
    let mut all = Vec::new();
    while cursor.left() > 0 {
        all.push(parameter(&mut cursor)?);
    }
    Ok(all)
}

fn parameter(cursor: &mut Cursor<'_>) -> Result<(u64, u64), ArtifactError> {
    let version = cursor.u32()?;
    let levels = cursor.u64()?;
    if version != 0 || levels > 8 {
        return Err(cursor.error(format!("a parameter of version {version} with {levels} levels")));
    }
    for _ in 0..levels {
        let size = cursor.u64()?;
        cursor.take(size)?;
    }
    if cursor.u32()? != 0 {
        return Err(cursor.error("a tensor of an unknown version"));
    }
    let size = u64::from(cursor.u32()?);
    let base = cursor.offset();
    let (mut kind, mut elements) = (None, 1u64);
    for field in Fields::at(cursor.take(size)?, base) {
        let field = field?;
        match (field.number, field.value) {
            (1, Value::Varint(n)) => kind = Some(n),
            (2, Value::Varint(n)) => elements = elements.saturating_mul(n),
            _ => return Err(cursor.error("a tensor has a field that none has")),
        }
    }
    let width = kind.and_then(width);
    let width = width.ok_or_else(|| cursor.error(format!("a tensor of the type {kind:?}")))?;
    let bytes = elements.saturating_mul(width);
    let at = cursor.offset();
    cursor.take(bytes)?;
    Ok((at, bytes))
}

/// Bytes of an element of a type (`VarType.Type`).
const fn width(kind: u64) -> Option<u64> {
    Some(match kind {
        0 | 20 | 21 | 32 | 33 => 1,
        1 | 4 | 22 => 2,
        2 | 5 => 4,
        3 | 6 | 23 => 8,
        24 => 16,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_fill_the_file() {
        let one = [&[0; 12][..], &[0; 4], &[4, 0, 0, 0], &[8, 5, 16, 2], &[1; 8]].concat();
        assert!(is_parameters(&one));
        assert_eq!(parameters(&one.repeat(2)).unwrap(), [(24, 8), (56, 8)]);
        assert!(parameters(&one[..30]).is_err());
        // Lengths that lie do not make something else of it.
        for (from, lie) in [(16, &[0xff, 0xff, 0xff, 0x7f][..]), (22, &[16, 0xff, 0xff, 0x7f])] {
            let mut bytes = one.repeat(2);
            bytes.splice(from..from + lie.len(), lie.iter().copied());
            assert!(is_parameters(&bytes) && parameters(&bytes).is_err(), "{from}");
        }
    }

    #[test]
    fn operators_are_counted() {
        // One block: index 0, parent -1, an operator of the type py_func.
        let operator = b"\x1a\x07py_func";
        let block = [
            &b"\x08\x00\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x22"[..],
            &[operator.len() as u8],
            operator,
        ]
        .concat();
        let bytes = [&[0x0a, block.len() as u8][..], &block, b"\x22\x02\x08\x00"].concat();
        assert!(is_program(&bytes));
        assert_eq!(program(&bytes).operators.keys().collect::<Vec<_>>(), ["py_func"]);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (is_program(&bytes), program(&bytes), is_parameters(&bytes), parameters(&bytes));
        }
    }
}
