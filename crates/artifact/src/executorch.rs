//! ExecuTorch programs (`.pte`): a FlatBuffer of plans, and segments of data behind it.
//!
//! Source: `schema/program.fbs` and `schema/extended_header.h` of ExecuTorch; file identifiers `ET12` and later.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::ArtifactError;
use crate::cursor::Cursor;
use crate::flatbuffer::Table;

/// Operators and delegates together.
const MAX_ITEMS: u64 = 1_000_000;

/// Parts for backends.
const MOST_DELEGATES: usize = 4096;
/// Segments and parts that are looked at.
const MOST_PARTS: usize = 10_000;

/// What a program says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// Operators by full name, `aten::add.out`.
    pub operators: BTreeSet<String>,
    /// Backends that parts of the program are compiled for, and where in the file those parts lie.
    pub delegates: Vec<(String, Range<u64>)>,
    /// Where the segments lie.
    pub parts: Vec<Range<u64>>,
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
    let base = program.segments.map_or(0, |(base, _)| base);
    for segment in root.tables(4)?.take(MOST_PARTS) {
        let segment = segment?;
        let number = |field| segment.number(field).map(|number| number.map_or(0, u64::from_le_bytes));
        let from = base.saturating_add(number(0)?);
        program.parts.push(from..from.saturating_add(number(1)?));
    }
    let mut inline = Vec::new();
    for data in root.tables(3)?.take(MOST_PARTS) {
        let data = data?.vector(0, 1)?;
        inline.push(data.map_or(0..0, |data| data.at as u64..data.end(1) as u64));
    }
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
            let delegate = delegate?;
            let name = delegate.text(0)?.unwrap_or_default();
            let mut part = 0..0;
            if let Some(data) = delegate.table(1)? {
                let in_segment = data.number(0)?.is_some_and(|[location]: [u8; 1]| location == 1);
                let index = data.number(1)?.map_or(0, u32::from_le_bytes) as usize;
                let parts = if in_segment { &program.parts } else { &inline };
                let found = parts.get(index).cloned();
                part = found.ok_or_else(|| {
                    let what = format!("a delegate takes its part {index} of {}", parts.len());
                    ArtifactError::malformed("ExecuTorch", delegate.offset() as u64, what)
                })?;
            }
            if program.delegates.len() >= MOST_DELEGATES {
                let limit = MOST_DELEGATES as u64;
                return Err(ArtifactError::Limit { format: "ExecuTorch", what: "delegates", limit });
            }
            if !program.delegates.iter().any(|(known, at)| *known == name && *at == part) {
                program.delegates.push((name, part));
            }
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
