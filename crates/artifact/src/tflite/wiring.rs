//! Indices and sizes of a model that an interpreter takes as they stand: tensors that operators read and write, buffers,
//! subgraphs that call each other, shapes.
//!
//! TensorFlow Lite has checked them one after the other, each after an advisory. Here they are all held against the tables
//! that they lead into; only -1 means that an optional tensor is not there. Source: `tflite/schema.fbs`.

use std::collections::HashSet;

use super::Issue;
use crate::ArtifactError;
use crate::calls::{Calls, follow};
use crate::flatbuffer::Table;

/// Elements beyond which no machine has room for a tensor: 2^36 of one byte are 64 GiB.
const MAX_ELEMENTS: u64 = 1 << 36;
/// Numbers of all vectors together: many tables may share one.
const MAX_NUMBERS: u64 = 100_000_000;
/// Issues that are kept: the first ones tell the story.
const KEPT: usize = 64;
/// The tensor that is not there.
const ABSENT: i32 = -1;

/// `BuiltinOperator`.
const TILE: i32 = 69;
const FILL: i32 = 94;
const IF: i32 = 118;
const WHILE: i32 = 119;
const CALL_ONCE: i32 = 129;
const BROADCAST_TO: i32 = 130;
/// `BuiltinOptions2`: the same of StableHLO.
const STABLEHLO_WHILE: u8 = 15;
const STABLEHLO_COMPOSITE: u8 = 21;

/// Gathers, while the subgraphs are walked.
#[derive(Debug, Default)]
pub(super) struct Wiring {
    /// Built-in operators by code.
    pub(super) codes: Vec<i32>,
    /// Bytes of each buffer.
    pub(super) buffers: Vec<Option<Vec<u8>>>,
    /// Their lengths.
    pub(super) sizes: Vec<u64>,
    /// Number of subgraphs.
    pub(super) graphs: usize,
    /// What stands in the constant tensors of graphs that may be conditions: whether it is true.
    conditions: Vec<Option<bool>>,
    calls: Vec<Call>,
    issues: Vec<Issue>,
    /// Numbers of vectors that were read.
    read: u64,
}

#[derive(Debug)]
struct Call {
    from: usize,
    to: usize,
    at: u64,
    /// It is the condition of a loop.
    condition: bool,
}

/// A tensor: its buffer, and what its shape says.
struct Tensor {
    buffer: usize,
    kind: u8,
    elements: Option<u64>,
}

impl Wiring {
    fn tell(&mut self, at: usize, what: String, exhausts: bool) {
        if self.issues.len() < KEPT {
            self.issues.push(Issue { offset: at as u64, what, exhausts });
        }
    }

    fn numbers(&mut self, table: &Table<'_>, field: usize) -> Result<Vec<i32>, ArtifactError> {
        self.read += table.vector(field, 4)?.map_or(0, |vector| vector.count as u64);
        if self.read > MAX_NUMBERS {
            return Err(ArtifactError::Limit { format: "TFLite", what: "numbers", limit: MAX_NUMBERS });
        }
        table.numbers(field)
    }

    /// Looks at a subgraph.
    ///
    /// # Errors
    /// A vector leads outside the file.
    pub(super) fn graph(
        &mut self,
        number: usize,
        graph: &Table<'_>,
        packed: bool,
    ) -> Result<(), ArtifactError> {
        let mut tensors = Vec::new();
        for tensor in graph.tables(0)? {
            tensors.push(self.tensor(&tensor?, packed)?);
        }
        for (field, what) in [(1, "input"), (2, "output")] {
            self.indices(graph, field, tensors.len(), what)?;
        }
        let mut made: HashSet<i32> = HashSet::new();
        for operator in graph.tables(3)? {
            let operator = operator?;
            for (field, what) in [(1, "input"), (2, "output"), (8, "intermediate")] {
                self.indices(&operator, field, tensors.len(), what)?;
            }
            made.extend(self.numbers(&operator, 2)?);
            let code = operator.number(0)?.map_or(0, u32::from_le_bytes) as usize;
            self.calls(number, &operator, code)?;
            self.asks(&operator, code, &tensors)?;
        }
        let first = self.numbers(graph, 2)?.first().copied();
        let fixed = first.filter(|first| !made.contains(first)).and_then(|first| {
            let tensor = tensors.get(usize::try_from(first).ok()?)?;
            let bytes = self.buffers.get(tensor.buffer)?.as_deref()?;
            (!bytes.is_empty()).then(|| bytes.iter().any(|byte| *byte != 0))
        });
        self.conditions.push(fixed);
        Ok(())
    }

    fn indices(
        &mut self,
        table: &Table<'_>,
        field: usize,
        tensors: usize,
        what: &str,
    ) -> Result<(), ArtifactError> {
        let inside = |index: &i32| *index == ABSENT || usize::try_from(*index).is_ok_and(|at| at < tensors);
        if let Some(index) = self.numbers(table, field)?.into_iter().find(|index| !inside(index)) {
            self.tell(table.offset(), format!("an {what} is the tensor {index} of {tensors}"), false);
        }
        Ok(())
    }

    fn tensor(&mut self, tensor: &Table<'_>, packed: bool) -> Result<Tensor, ArtifactError> {
        let at = tensor.offset();
        let shape = self.numbers(tensor, 0)?;
        let kind = tensor.number(1)?.map_or(0, |[kind]: [u8; 1]| kind);
        let buffer = tensor.number(2)?.map_or(0, u32::from_le_bytes) as usize;
        if buffer >= self.sizes.len() {
            let what = format!("a tensor lies in the buffer {buffer} of {}", self.sizes.len());
            self.tell(at, what, false);
        }
        // A size that is not known yet is -1 in some files.
        if let Some(size) = shape.iter().find(|size| **size < -1) {
            self.tell(at, format!("a tensor has the size {size}"), false);
        }
        let sizes = shape.iter().map(|size| u64::try_from(*size).unwrap_or(1));
        // A size of zero makes nothing of what overflowed before, and not for every reader.
        let product = sizes.clone().filter(|size| *size > 0).fold(1, u64::saturating_mul);
        let elements = if sizes.clone().any(|size| size == 0) { 0 } else { product };
        if product > MAX_ELEMENTS {
            let what = format!("a tensor has the shape {shape:?}, which no machine has room for");
            self.tell(at, what, true);
        }
        let held = self.sizes.get(buffer).copied().unwrap_or(0);
        let sparse = tensor.table(6)?.is_some();
        if let Some(bits) = bits(kind)
            && held > 0
            && !sparse
            && !packed
            && product <= MAX_ELEMENTS
        {
            let needed = (elements * bits).div_ceil(8);
            if needed != held {
                let what = format!(
                    "a tensor of the shape {shape:?} takes {needed} bytes, and its buffer has {held}"
                );
                self.tell(at, what, false);
            }
        }
        let elements = shape.iter().all(|size| *size >= 0).then_some(elements);
        Ok(Tensor { buffer, kind, elements })
    }

    /// Which subgraphs an operator calls.
    fn calls(&mut self, from: usize, operator: &Table<'_>, code: usize) -> Result<(), ArtifactError> {
        let fields: &[usize] = match self.codes.get(code) {
            Some(&(IF | WHILE)) => &[0, 1],
            Some(&CALL_ONCE) => &[0],
            _ => &[],
        };
        let is_while = self.codes.get(code) == Some(&WHILE);
        if let Some(options) = operator.table(4)? {
            self.call(from, &options, fields, is_while)?;
        } else if !fields.is_empty() {
            self.tell(
                operator.offset(),
                "an operator does not say which subgraphs it calls".to_owned(),
                false,
            );
        }
        let kind = operator.number(11)?.map_or(0, |[kind]: [u8; 1]| kind);
        let fields: &[usize] = match kind {
            STABLEHLO_WHILE => &[0, 1],
            STABLEHLO_COMPOSITE => &[1],
            _ => return Ok(()),
        };
        match operator.table(12)? {
            Some(options) => self.call(from, &options, fields, kind == STABLEHLO_WHILE),
            None => Ok(()),
        }
    }

    fn call(
        &mut self,
        from: usize,
        options: &Table<'_>,
        fields: &[usize],
        is_while: bool,
    ) -> Result<(), ArtifactError> {
        for field in fields {
            let to = options.number(*field)?.map_or(0, i32::from_le_bytes);
            let at = options.offset();
            match usize::try_from(to).ok().filter(|to| *to < self.graphs) {
                Some(to) => {
                    self.calls.push(Call { from, to, at: at as u64, condition: is_while && *field == 0 });
                }
                None => {
                    self.tell(at, format!("an operator calls the subgraph {to} of {}", self.graphs), false)
                }
            }
        }
        Ok(())
    }

    /// Operators that make a tensor as large as a constant says.
    fn asks(&mut self, operator: &Table<'_>, code: usize, tensors: &[Tensor]) -> Result<(), ArtifactError> {
        let place = match self.codes.get(code) {
            Some(&FILL) => 0,
            Some(&(TILE | BROADCAST_TO)) => 1,
            _ => return Ok(()),
        };
        let index = self.numbers(operator, 1)?.get(place).and_then(|index| usize::try_from(*index).ok());
        let Some(tensor) = index.and_then(|index| tensors.get(index)) else { return Ok(()) };
        let Some(bytes) = self.buffers.get(tensor.buffer).and_then(Option::as_deref) else { return Ok(()) };
        if tensor.elements.is_none_or(|elements| elements > 8) {
            return Ok(());
        }
        let size = |n: i64| u64::try_from(n).unwrap_or(1);
        let sizes: Vec<u64> = match tensor.kind {
            2 => bytes.as_chunks::<4>().0.iter().map(|n| size(i64::from(i32::from_le_bytes(*n)))).collect(),
            4 => bytes.as_chunks::<8>().0.iter().map(|n| size(i64::from_le_bytes(*n))).collect(),
            _ => return Ok(()),
        };
        let elements = sizes.into_iter().fold(1, u64::saturating_mul);
        if elements > MAX_ELEMENTS {
            self.tell(operator.offset(), format!("an operator asks for {elements} elements"), true);
        }
        Ok(())
    }

    /// All that was found, with what the calls between the subgraphs come to.
    pub(super) fn found(mut self) -> Vec<Issue> {
        if let Some(at) = self.cycle() {
            let what = "a subgraph calls itself, directly or through others".to_owned();
            self.issues.push(Issue { offset: at, what, exhausts: true });
        }
        let endless = |call: &&Call| call.condition && self.conditions.get(call.to) == Some(&Some(true));
        if let Some(call) = self.calls.iter().find(endless) {
            let what = "a loop goes on for ever: its condition is always true".to_owned();
            self.issues.push(Issue { offset: call.at, what, exhausts: true });
        }
        self.issues
    }

    /// Where a call stands that leads back to where it comes from.
    fn cycle(&self) -> Option<u64> {
        let calls: Vec<(usize, usize)> = self.calls.iter().map(|call| (call.from, call.to)).collect();
        let Calls::Circle(first) = follow(&vec![1; self.graphs], &calls) else { return None };
        self.calls.iter().find(|call| call.from == first).map(|call| call.at)
    }
}

/// Bits of an element of a `TensorType`; `None` where elements have no fixed size, or are not known here.
const fn bits(kind: u8) -> Option<u64> {
    Some(match kind {
        3 | 6 | 9 => 8,
        1 | 7 | 16 | 18 => 16,
        0 | 2 | 15 => 32,
        4 | 8 | 10 | 12 => 64,
        11 => 128,
        17 => 4,
        _ => return None,
    })
}
