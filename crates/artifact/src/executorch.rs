//! ExecuTorch programs (`.pte`): a FlatBuffer of plans, and segments of data behind it.
//!
//! Source: `schema/program.fbs` and `schema/extended_header.h` of ExecuTorch; file identifiers `ET12` and later.

use std::collections::BTreeSet;

use crate::ArtifactError;
use crate::cursor::Cursor;
use crate::flatbuffer::Table;

/// Operators and delegates together.
const MAX_ITEMS: u64 = 1_000_000;

/// What a program says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// Operators by full name, `aten::add.out`.
    pub operators: BTreeSet<String>,
    /// Backends that parts of the program are compiled for.
    pub delegates: BTreeSet<String>,
    /// Where the segments begin and end; the file has nothing else.
    pub segments: Option<(u64, u64)>,
    /// Bytes of the FlatBuffer, where the header says so.
    pub program_bytes: Option<u64>,
}

/// Whether the bytes carry an identifier.
#[must_use]
pub fn is_program(bytes: &[u8]) -> bool {
    matches!(bytes.get(4..8), Some([b'E', b'T', b'0'..=b'9', b'0'..=b'9']))
}

/// Reads a program.
///
/// # Errors
/// Something lies outside the file.
pub fn parse(bytes: &[u8]) -> Result<Program, ArtifactError> {
    let mut program = Program::default();
    if bytes.get(8..12) == Some(b"eh00") {
        let mut head = Cursor::new("ExecuTorch", bytes.get(12..).unwrap_or_default(), 12);
        let length = u64::from(head.u32()?);
        program.program_bytes = Some(head.u64()?);
        let base = head.u64()?;
        let size = if length >= 32 { head.u64()? } else { (bytes.len() as u64).saturating_sub(base) };
        program.segments = Some((base, base.saturating_add(size))).filter(|(base, _)| *base > 0);
    }
    let root = Table::root(bytes)?;
    let mut items = 0u64;
    for plan in root.tables(1)? {
        let plan = plan?;
        for operator in plan.tables(6)? {
            let operator = operator?;
            let (name, overload) =
                (operator.text(0)?.unwrap_or_default(), operator.text(1)?.unwrap_or_default());
            program.operators.insert(if overload.is_empty() { name } else { format!("{name}.{overload}") });
            items += 1;
        }
        for delegate in plan.tables(7)? {
            program.delegates.insert(delegate?.text(0)?.unwrap_or_default());
            items += 1;
        }
        if items > MAX_ITEMS {
            return Err(ArtifactError::Limit { format: "ExecuTorch", what: "operators", limit: MAX_ITEMS });
        }
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_program_is_read() {
        let bytes = b"\x0c\0\0\0ET12\x04\0\x04\0\x04\0\0\0";
        assert!(is_program(bytes) && parse(bytes).unwrap().operators.is_empty());
    }

    proptest! {
        #[test]
        fn arbitrary_tables_end(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&[&b"\x0c\0\0\0ET12"[..], &tail].concat());
            let _ = parse(&[&b"\x30\0\0\0ET12eh00"[..], &tail].concat());
        }
    }
}
