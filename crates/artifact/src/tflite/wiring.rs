//! Indices and sizes of a model that an interpreter takes as they stand: tensors that operators read and write, buffers,
//! subgraphs that call each other, shapes.
//!
//! TensorFlow Lite has checked them one after the other, each after an advisory. Here they are all held against the tables
//! that they lead into; only -1 means that an optional tensor is not there. Source: `tflite/schema.fbs`.

use std::collections::HashSet;

use super::Issue;
use super::pattern::Patterns;
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
const IF: i32 = 118;
const WHILE: i32 = 119;
const CALL_ONCE: i32 = 129;
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
    patterns: Patterns,
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
        let (inputs, outputs) = (self.numbers(graph, 1)?, self.numbers(graph, 2)?);
        self.patterns.graph(&inputs, &outputs);
        let mut tensors = Vec::new();
        for tensor in graph.tables(0)? {
            let tensor = self.tensor(&tensor?, packed)?;
            if self.sizes.get(tensor.buffer).is_some_and(|size| *size > 0) {
                let bytes = self.buffers.get(tensor.buffer).and_then(Option::as_deref);
                let numbers = bytes.map_or_else(Vec::new, |bytes| numbers_of(tensor.kind, bytes));
                self.patterns.constant(tensors.len(), tensor.elements, numbers);
            }
            tensors.push(tensor);
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
            let (inputs, outputs) = (self.numbers(&operator, 1)?, self.numbers(&operator, 2)?);
            made.extend(&outputs);
            let code = operator.number(0)?.map_or(0, u32::from_le_bytes) as usize;
            let before = self.calls.len();
            self.calls(number, &operator, code)?;
            let code = self.codes.get(code).copied().unwrap_or(-1);
            let calls = self.calls.get(before..).unwrap_or_default();
            let calls: Vec<usize> = calls.iter().map(|call| call.to).collect();
            let picks = if code == IF { &calls[..] } else { &[] };
            self.patterns.called(&calls);
            self.patterns.operator(code, operator.offset() as u64, [&inputs, &outputs], picks);
        }
        let first = outputs.first().copied();
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

    /// All that was found, with what the calls between the subgraphs come to.
    /// Answers that an input calls up stand by themselves.
    pub(super) fn found(mut self) -> (Vec<Issue>, Vec<Issue>) {
        let (answers, excesses) = std::mem::take(&mut self.patterns).found();
        self.issues.extend(excesses.into_iter().take(KEPT));
        if let Some(at) = self.cycle() {
            let what = "a subgraph calls itself, directly or through others".to_owned();
            self.issues.push(Issue { offset: at, what, exhausts: true });
        }
        let endless = |call: &&Call| call.condition && self.conditions.get(call.to) == Some(&Some(true));
        if let Some(call) = self.calls.iter().find(endless) {
            let what = "a loop goes on for ever: its condition is always true".to_owned();
            self.issues.push(Issue { offset: call.at, what, exhausts: true });
        }
        (self.issues, answers)
    }

    /// Where a call stands that leads back to where it comes from.
    fn cycle(&self) -> Option<u64> {
        let calls: Vec<(usize, usize)> = self.calls.iter().map(|call| (call.from, call.to)).collect();
        let Calls::Circle(first) = follow(&vec![1; self.graphs], &calls) else { return None };
        self.calls.iter().find(|call| call.from == first).map(|call| call.at)
    }
}

/// Numbers of a `TensorType` that may be a shape or a bound.
fn numbers_of(kind: u8, bytes: &[u8]) -> Vec<f64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "sizes are held against bounds far below where it matters"
    )]
    let long = |n: &[u8; 8]| i64::from_le_bytes(*n) as f64;
    match kind {
        0 => bytes.as_chunks::<4>().0.iter().map(|n| f64::from(f32::from_le_bytes(*n))).collect(),
        2 => bytes.as_chunks::<4>().0.iter().map(|n| f64::from(i32::from_le_bytes(*n))).collect(),
        4 => bytes.as_chunks::<8>().0.iter().map(long).collect(),
        10 => bytes.as_chunks::<8>().0.iter().map(|n| f64::from_le_bytes(*n)).collect(),
        _ => Vec::new(),
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
