//! TensorFlow Lite models: a FlatBuffer of operator codes, subgraphs, buffers and metadata.
//!
//! Only what runs or hides something is read: which operators are used, what the buffers hold, and what stands
//! behind the last of them. Source: `tflite/schema.fbs`, file identifier `TFL3`.

use std::ops::Range;

use crate::ArtifactError;
use crate::flatbuffer::Table;

mod pattern;
mod wiring;

use wiring::Wiring;

/// Operators, tensors and buffers together.
const MAX_ITEMS: u64 = 5_000_000;

/// What a model says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    /// Version of the schema.
    pub version: u32,
    /// Names of custom operators that are used.
    pub custom: Vec<String>,
    /// Built-in operators by number that are used.
    pub builtin: Vec<i32>,
    /// Where buffers lie.
    pub buffers: Vec<Range<u64>>,
    /// Names of metadata entries.
    pub metadata: Vec<String>,
    /// End of the last thing that was read.
    pub end: u64,
    /// Indices that lead outside of their tables, sizes that do not fit, and what never ends.
    pub issues: Vec<Issue>,
    /// Where a pattern of an input calls an answer up.
    pub fixed_answers: Vec<Issue>,
}

/// Something that an interpreter stumbles over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Where it stands.
    pub offset: u64,
    /// What it is.
    pub what: String,
    /// It takes memory or time beyond any machine.
    pub exhausts: bool,
}

/// Bytes of a buffer that may be a shape or a condition.
const FEW: usize = 64;
/// The built-in code that stands for a custom operator.
const CUSTOM: i32 = 32;

/// Whether the bytes carry the identifier.
#[must_use]
pub fn is_tflite(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(b"TFL3")
}

/// Reads a model.
///
/// # Errors
/// Something lies outside the file, or there is more than any model has.
pub fn parse(bytes: &[u8]) -> Result<Model, ArtifactError> {
    let root = Table::root(bytes)?;
    let mut model = Model::default();
    let mut items = 0u64;
    let mut count = || {
        items += 1;
        if items > MAX_ITEMS {
            return Err(ArtifactError::Limit { format: "TFLite", what: "items", limit: MAX_ITEMS });
        }
        Ok(())
    };
    model.version = root.number(0)?.map_or(0, u32::from_le_bytes);
    let mut ends = Ends(root.end());
    for field in [1, 2, 4, 6, 7] {
        ends.vector(&root, field, 4)?;
    }
    ends.vector(&root, 3, 1)?;
    ends.vector(&root, 5, 4)?;
    let mut wiring = Wiring::default();
    for code in root.tables(1)? {
        count()?;
        let code = code?;
        ends.table(&code);
        ends.vector(&code, 1, 1)?;
        let old = code.number(0)?.map_or(0, |[b]: [u8; 1]| i32::from(i8::from_le_bytes([b])));
        let new = code.number(3)?.map_or(0, i32::from_le_bytes);
        // Readers take the larger one: the old field ends at 127.
        let number = old.max(new);
        wiring.codes.push(number);
        let name = code.text(1)?;
        match name {
            Some(name) if number == CUSTOM => model.custom.push(name),
            None if number == CUSTOM => model.custom.push(String::new()),
            _ => model.builtin.push(number),
        }
    }
    let codes = wiring.codes.len();
    for graph in root.tables(2)? {
        count()?;
        let graph = graph?;
        ends.table(&graph);
        for field in [0, 1, 2, 3] {
            ends.vector(&graph, field, 4)?;
        }
        ends.vector(&graph, 4, 1)?;
        for tensor in graph.tables(0)? {
            count()?;
            let tensor = tensor?;
            ends.table(&tensor);
            ends.vector(&tensor, 0, 4)?;
            ends.vector(&tensor, 3, 1)?;
            if let Some(quantization) = tensor.table(4)? {
                ends.table(&quantization);
                for (field, width) in [(0, 4), (1, 4), (2, 4), (3, 8)] {
                    ends.vector(&quantization, field, width)?;
                }
            }
        }
        for operator in graph.tables(3)? {
            count()?;
            let operator = operator?;
            ends.table(&operator);
            ends.vector(&operator, 1, 4)?;
            ends.vector(&operator, 2, 4)?;
            ends.vector(&operator, 5, 1)?;
            if let Some(options) = operator.table(4)? {
                ends.table(&options);
            }
            let code = operator.number(0)?.map_or(0, u32::from_le_bytes);
            if code as usize >= codes {
                let what = format!("an operator uses the code {code} of {codes}");
                return Err(ArtifactError::malformed("TFLite", operator.offset() as u64, what));
            }
        }
    }
    let mut behind = 0;
    for buffer in root.tables(4)? {
        count()?;
        let buffer = buffer?;
        ends.table(&buffer);
        let inside = buffer.vector(0, 1)?.map(|v| v.at as u64..v.end(1) as u64);
        // Models beyond 2 GiB keep their data behind the FlatBuffer; 0 and 1 mean that there are none.
        let at = buffer.number(1)?.map_or(0, u64::from_le_bytes);
        let size = buffer.number(2)?.map_or(0, u64::from_le_bytes);
        let outside = (at > 1).then(|| at..at.saturating_add(size));
        let held = outside.clone().or(inside.clone()).map_or(0, |range| range.end - range.start);
        let few = buffer.bytes(0)?.filter(|bytes| bytes.len() <= FEW);
        wiring.sizes.push(held);
        wiring.buffers.push(few.map(<[u8]>::to_vec));
        for range in inside.into_iter().chain(outside) {
            if range.end > bytes.len() as u64 {
                return Err(ArtifactError::malformed(
                    "TFLite",
                    range.start,
                    "a buffer reaches beyond the file",
                ));
            }
            behind = behind.max(range.end);
            model.buffers.push(range);
        }
    }
    for entry in root.tables(6)? {
        count()?;
        let entry = entry?;
        ends.table(&entry);
        ends.vector(&entry, 0, 1)?;
        model.metadata.extend(entry.text(0)?);
    }
    // Buffers of TensorFlow Lite Micro may be compressed.
    let packed = model.metadata.iter().any(|name| name == "COMPRESSION_METADATA");
    wiring.graphs = root.tables(2)?.count();
    for (number, graph) in root.tables(2)?.enumerate() {
        wiring.graph(number, &graph?, packed)?;
    }
    (model.issues, model.fixed_answers) = wiring.found();
    model.end = behind.max(ends.signatures(&root, &mut count)? as u64);
    Ok(model)
}

/// The end of what was read so far.
struct Ends(usize);

impl Ends {
    fn table(&mut self, table: &Table<'_>) {
        self.0 = self.0.max(table.end());
    }

    fn vector(&mut self, table: &Table<'_>, field: usize, width: usize) -> Result<(), ArtifactError> {
        if let Some(vector) = table.vector(field, width)? {
            // A text has a zero behind it.
            self.0 = self.0.max(vector.end(width) + usize::from(width == 1));
        }
        Ok(())
    }

    /// Signatures: maps of names to tensors.
    fn signatures(
        mut self,
        root: &Table<'_>,
        count: &mut dyn FnMut() -> Result<(), ArtifactError>,
    ) -> Result<usize, ArtifactError> {
        for signature in root.tables(7)? {
            count()?;
            let signature = signature?;
            self.table(&signature);
            self.vector(&signature, 2, 1)?;
            for field in [0, 1] {
                self.vector(&signature, field, 4)?;
                for entry in signature.tables(field)? {
                    count()?;
                    let entry = entry?;
                    self.table(&entry);
                    self.vector(&entry, 0, 1)?;
                }
            }
        }
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A model without anything in it.
    fn empty() -> Vec<u8> {
        // Root offset, identifier, layout (4 bytes, no field), table.
        b"\x0c\0\0\0TFL3\x04\0\x04\0\x04\0\0\0".to_vec()
    }

    #[test]
    fn an_empty_model_is_read() {
        let bytes = empty();
        assert!(is_tflite(&bytes));
        assert_eq!(parse(&bytes).unwrap().end, 16);
        assert!(parse(b"\xff\xff\xff\xffTFL3").is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_tables_end(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&[&empty()[..8], &tail].concat());
        }
    }
}
