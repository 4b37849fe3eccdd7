//! What the native engine computes with: values, where they live, and what a kernel sees of them.

use std::sync::Arc;

use crate::OnnxError;

/// The elements of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Data {
    /// float32, and booleans as 0 and 1.
    Float(Vec<f32>),
    /// Every integer type.
    Int(Vec<i64>),
}

impl Data {
    /// As many zeros.
    pub(crate) fn zeros(kind: Kind, len: usize) -> Self {
        match kind {
            Kind::Int => Self::Int(vec![0; len]),
            Kind::Float | Kind::Bool => Self::Float(vec![0.0; len]),
        }
    }

    /// The first `len` elements, to be written.
    pub(crate) fn out(&mut self, len: usize) -> Out<'_> {
        match self {
            Self::Float(v) => Out::Float(&mut v[..len]),
            Self::Int(v) => Out::Int(&mut v[..len]),
        }
    }

    fn view(&self, len: usize) -> View<'_> {
        match self {
            Self::Float(v) => View::Float(&v[..len]),
            Self::Int(v) => View::Int(&v[..len]),
        }
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Float(v) => v.len(),
            Self::Int(v) => v.len(),
        }
    }
}

/// The type of a tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// float32.
    Float,
    /// Integers.
    Int,
    /// Booleans, held as the floats 0 and 1.
    Bool,
}

impl Kind {
    /// Bytes of an element as it is held.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::Int => 8,
            Self::Float | Self::Bool => 4,
        }
    }
}

/// How the elements of a value lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Layout {
    /// Row-major, as ONNX has it.
    Plain,
    /// `[N, C, H, W]` held as `[N, H, W, C]`, in which convolutions and pools work on vectors of channels.
    ChannelsLast,
}

/// How a value depends on the rows of the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Spread {
    /// Not at all: the same for any rows.
    Uniform,
    /// Its first dimension is the batch, and each row depends on its own row of the inputs only.
    Rows,
    /// A sum over the rows: sums over parts of the batch add up to it.
    Sum,
}

/// Where a value lives while a plan runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A constant of the plan.
    Constant(usize),
    /// Computed once in a run, before the batch is divided.
    Shared(usize),
    /// An input of the model.
    Input(usize),
    /// A buffer of the workspace.
    Slot(usize),
}

/// One operand of a kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operand {
    /// Where it is.
    pub place: Place,
    /// Number of elements.
    pub len: usize,
}

/// The elements of a value that is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum View<'a> {
    /// Floats.
    Float(&'a [f32]),
    /// Integers.
    Int(&'a [i64]),
}

/// The elements of a value that is written. All of them are to be.
#[derive(Debug)]
pub(crate) enum Out<'a> {
    /// Floats.
    Float(&'a mut [f32]),
    /// Integers.
    Int(&'a mut [i64]),
}

impl<'a> Out<'a> {
    /// The floats; the planner has seen to it that they are.
    pub(crate) fn floats(self) -> &'a mut [f32] {
        match self {
            Self::Float(v) => v,
            Self::Int(_) => &mut [],
        }
    }
}

/// What all kernels of a run can read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory<'a> {
    /// Constants of the plan.
    pub constants: &'a [Arc<Data>],
    /// Values computed once.
    pub shared: &'a [Data],
    /// Inputs of the model, those of this part of the batch.
    pub inputs: &'a [View<'a>],
    /// The workspace.
    pub slots: &'a [Data],
}

impl<'a> Memory<'a> {
    /// The elements of an operand.
    pub(crate) fn view(&self, operand: Operand) -> View<'a> {
        let len = operand.len;
        match operand.place {
            Place::Constant(i) => self.constants[i].view(len),
            Place::Shared(i) => self.shared[i].view(len),
            Place::Slot(i) => self.slots[i].view(len),
            Place::Input(i) => match self.inputs[i] {
                View::Float(v) => View::Float(&v[..len]),
                View::Int(v) => View::Int(&v[..len]),
            },
        }
    }
}

/// The operands of one kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Io<'a> {
    /// What there is to read.
    pub memory: Memory<'a>,
    /// Which parts of it.
    pub operands: &'a [Operand],
}

impl<'a> Io<'a> {
    /// The floats of operand `i`; the planner has seen to it that they are.
    pub(crate) fn floats(&self, i: usize) -> &'a [f32] {
        match self.view(i) {
            View::Float(v) => v,
            View::Int(_) => &[],
        }
    }

    /// The integers of operand `i`; the planner has seen to it that they are.
    pub(crate) fn ints(&self, i: usize) -> &'a [i64] {
        match self.view(i) {
            View::Int(v) => v,
            View::Float(_) => &[],
        }
    }

    /// Operand `i`.
    pub(crate) fn view(&self, i: usize) -> View<'a> {
        self.memory.view(self.operands[i])
    }

    /// Number of operands.
    pub(crate) fn len(&self) -> usize {
        self.operands.len()
    }
}

/// A computation whose shapes are settled.
pub(crate) trait Kernel: std::fmt::Debug + Send + Sync {
    /// Writes every element of `out`. `scratch` holds as many floats as [`Kernel::scratch`] says, of any value.
    ///
    /// # Errors
    /// What only the values can show, such as an index outside its range; the message has no place, which
    /// the caller adds.
    fn run(&self, io: &Io<'_>, out: Out<'_>, scratch: &mut [f32]) -> Result<(), String>;

    /// Floats of scratch that a run needs.
    fn scratch(&self) -> usize {
        0
    }

    /// Whether it can finish with a Relu. One that can returns itself with it.
    fn with_relu(&self) -> Option<Box<dyn Kernel>> {
        None
    }
}

/// An error that a kernel cannot place.
pub(crate) fn at_node(node: &str, why: impl std::fmt::Display) -> OnnxError {
    OnnxError::Run(format!("node {node:?}: {why}"))
}
