//! From a graph and the shapes of its inputs to a list of kernels.
//!
//! Shapes are concrete here, so every operator decides once which kernel it takes, and what depends on
//! constants only is computed at once. The planner keeps for each value its shape, how it lies in memory
//! ([`Layout`]) and how it depends on the batch ([`Spread`]): where all of a graph's values are per row, the
//! same for all rows, or sums over rows, the batch can be run in parts. Operators are in
//! [`ops`](super::ops).

use std::collections::HashMap;
use std::sync::Arc;

use proofhouse_artifact::onnx::ElementType;

use super::arrange::Plan;
use super::kernel::movement::Swap;
use super::ops;
use super::value::{Data, Io, Kernel, Kind, Layout, Memory, Operand, Place, Spread};
use crate::OnnxError;
use crate::graph::{Constant, Graph, Node, Values};
use crate::tensor::volume;

/// In the place of a number of rows: the inputs have no batch in common, and nothing is divided.
pub(crate) const WHOLE: usize = usize::MAX;

/// BOOL among the element types of ONNX.
const BOOL: ElementType = ElementType(9);

/// A value, by its index.
pub(crate) type Id = usize;

/// What is known of a value before it is computed.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    /// Its dimensions as ONNX has them, whatever the layout.
    pub shape: Vec<usize>,
    /// Its elements.
    pub kind: Kind,
    /// How they lie.
    pub layout: Layout,
    /// How it depends on the batch.
    pub spread: Spread,
    /// Whether its elements depend on the number of rows.
    pub counted: bool,
    /// Where it comes from.
    pub(super) origin: Origin,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Constant(usize),
    Input(usize),
    Step(usize),
}

/// What a plan is made for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    /// Shape, element kind and spread of each input.
    pub inputs: &'a [(Vec<usize>, Kind, Spread)],
    /// Rows of the batch, or [`WHOLE`].
    pub rows: usize,
    /// An input that is not there before the others have been used.
    pub late: Option<usize>,
    /// Most bytes of one value and of a workspace.
    pub memory: usize,
}

/// Makes a plan.
pub(crate) fn plan(graph: &Graph, request: Request<'_>, folded: &Folded) -> Result<Plan, OnnxError> {
    let mut planner = Planner {
        graph,
        rows: request.rows,
        memory: request.memory,
        folded,
        names: HashMap::new(),
        uses: HashMap::new(),
        values: Vec::new(),
        steps: Vec::new(),
        constants: Vec::new(),
        lying: HashMap::new(),
        separable: true,
        node: String::new(),
    };
    for name in graph.nodes.iter().flat_map(|n| &n.inputs).chain(graph.outputs.iter().map(|o| &o.name)) {
        *planner.uses.entry(name).or_insert(0) += 1;
    }
    for (i, (input, (shape, kind, spread))) in graph.inputs.iter().zip(request.inputs).enumerate() {
        let value = Value {
            shape: shape.clone(),
            kind: *kind,
            layout: Layout::Plain,
            spread: *spread,
            counted: false,
            origin: Origin::Input(i),
        };
        let id = planner.add(value);
        planner.names.insert(&input.name, id);
    }
    for node in &graph.nodes {
        planner.node.clone_from(&node.name);
        let operator = ops::find(node).ok_or_else(|| ops::unsupported(node))?;
        operator(&mut planner, node)?;
    }
    planner.finish(request.late)
}

/// A kernel that has no place for its result yet.
#[derive(Debug)]
pub(super) struct Draft {
    /// The node, for errors.
    pub node: String,
    pub kernel: Box<dyn Kernel>,
    pub operands: Vec<Id>,
    pub result: Id,
}

/// Constants computed from constants, shared by the plans of an engine.
///
/// Beside each stands what it was computed from. That is told apart by its address ([`Planner::fingerprint`]),
/// which nothing else can have as long as it is kept.
pub(crate) type Folded = std::sync::Mutex<HashMap<String, (Arc<Data>, Vec<Arc<Data>>)>>;

/// The state of planning.
pub(crate) struct Planner<'g> {
    pub(super) graph: &'g Graph,
    rows: usize,
    pub(super) memory: usize,
    pub(super) folded: &'g Folded,
    pub(super) names: HashMap<&'g str, Id>,
    uses: HashMap<&'g str, usize>,
    pub(super) values: Vec<Value>,
    pub(super) steps: Vec<Draft>,
    pub(super) constants: Vec<Arc<Data>>,
    lying: HashMap<(Id, Layout), Id>,
    pub(super) separable: bool,
    pub(super) node: String,
}

impl<'g> Planner<'g> {
    /// Input `i` of a node, if it is given.
    pub(crate) fn optional(&mut self, node: &'g Node, i: usize) -> Result<Option<Id>, OnnxError> {
        let Some(name) = node.inputs.get(i).filter(|n| !n.is_empty()) else { return Ok(None) };
        if let Some(id) = self.names.get(name.as_str()) {
            return Ok(Some(*id));
        }
        let graph = self.graph;
        let constant = graph
            .constants
            .get(name)
            .ok_or_else(|| node.broken(format!("its input {name:?} comes from nowhere")))?;
        let id = self.constant_of(node, constant, Some(name))?;
        self.names.insert(name, id);
        Ok(Some(id))
    }

    /// Input `i` of a node.
    pub(crate) fn input(&mut self, node: &'g Node, i: usize) -> Result<Id, OnnxError> {
        self.optional(node, i)?.ok_or_else(|| node.broken(format!("its input {i} is missing")))
    }

    /// Input `i` of a node, which must hold floats.
    pub(crate) fn float(&mut self, node: &'g Node, i: usize) -> Result<Id, OnnxError> {
        let id = self.input(node, i)?;
        match self.values[id].kind {
            Kind::Float => Ok(id),
            kind => Err(node.broken(format!("its input {i} is {kind:?}, float32 expected"))),
        }
    }

    /// The integers of input `i`, if it is given. They must be known before the run.
    pub(crate) fn known_ints(&mut self, node: &'g Node, i: usize) -> Result<Option<Vec<i64>>, OnnxError> {
        let Some(id) = self.optional(node, i)? else { return Ok(None) };
        match self.constant(id) {
            Some(Data::Int(v)) => Ok(Some(v.clone())),
            Some(Data::Float(_)) => Err(node.broken(format!("its input {i} holds no integers"))),
            None => Err(node.broken(format!(
                "its input {i} is computed from the data; shapes and axes must be known before the run"
            ))),
        }
    }

    /// What is known of a value.
    pub(crate) fn value(&self, id: Id) -> &Value {
        &self.values[id]
    }

    /// Its shape.
    pub(crate) fn shape(&self, id: Id) -> Vec<usize> {
        self.values[id].shape.clone()
    }

    /// Its elements, where they are constant.
    pub(crate) fn constant(&self, id: Id) -> Option<&Data> {
        match self.values[id].origin {
            Origin::Constant(i) => Some(&self.constants[i]),
            _ => None,
        }
    }

    /// A constant of the graph as a value.
    pub(crate) fn constant_of(
        &mut self,
        node: &Node,
        constant: &Constant,
        name: Option<&str>,
    ) -> Result<Id, OnnxError> {
        // A constant without a name belongs to its node, which stays where it is as long as the graph.
        let key = Some(name.map_or_else(|| format!("node {node:p}"), |n| format!("constant {n}")));
        let kind = match &constant.values {
            Values::Int(_) if constant.element == BOOL => Kind::Bool,
            Values::Int(_) => Kind::Int,
            Values::Float32(_) | Values::Float64(_) => Kind::Float,
            Values::Other(_) => {
                return Err(OnnxError::ElementType {
                    tensor: name.unwrap_or(&node.name).to_owned(),
                    found: constant.element.to_string(),
                });
            }
        };
        let data = self.fold(key, Vec::new(), || {
            Ok(match &constant.values {
                Values::Int(v) if kind == Kind::Bool => Data::Float(v.iter().map(|x| *x as f32).collect()),
                Values::Int(v) => Data::Int(v.clone()),
                Values::Float32(v) => Data::Float(v.clone()),
                Values::Float64(v) => Data::Float(v.iter().map(|x| *x as f32).collect()),
                Values::Other(_) => Data::Int(Vec::new()),
            })
        })?;
        Ok(self.add_constant(data, constant.shape.clone(), kind))
    }

    /// Integers that were computed while planning.
    pub(crate) fn ints(&mut self, values: Vec<i64>, shape: Vec<usize>, counted: bool) -> Id {
        let id = self.add_constant(Arc::new(Data::Int(values)), shape, Kind::Int);
        self.values[id].counted = counted;
        id
    }

    /// Floats that were computed while planning.
    pub(crate) fn floats(&mut self, values: Vec<f32>, shape: Vec<usize>) -> Id {
        self.add_constant(Arc::new(Data::Float(values)), shape, Kind::Float)
    }

    fn add_constant(&mut self, data: Arc<Data>, shape: Vec<usize>, kind: Kind) -> Id {
        self.constants.push(data);
        self.add(Value {
            shape,
            kind,
            layout: Layout::Plain,
            spread: Spread::Uniform,
            counted: false,
            origin: Origin::Constant(self.constants.len() - 1),
        })
    }

    fn add(&mut self, value: Value) -> Id {
        self.values.push(value);
        self.values.len() - 1
    }

    fn fold(
        &self,
        key: Option<String>,
        from: Vec<Arc<Data>>,
        make: impl FnOnce() -> Result<Data, OnnxError>,
    ) -> Result<Arc<Data>, OnnxError> {
        let Some(key) = key else { return make().map(Arc::new) };
        let held = self.folded.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&key).cloned();
        if let Some((data, _)) = held {
            return Ok(data);
        }
        let data = Arc::new(make()?);
        self.folded
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert(key, (Arc::clone(&data), from));
        Ok(data)
    }

    /// How the result of an operator that works within rows depends on the batch: `Rows` where an operand
    /// does. Whether the rows of the operands are those of the result is for the operator to say.
    pub(crate) fn spread_of(&mut self, operands: &[Id]) -> Spread {
        let mut spread = Spread::Uniform;
        for id in operands {
            match self.values[*id].spread {
                Spread::Uniform => {}
                Spread::Rows => spread = Spread::Rows,
                Spread::Sum => {
                    self.mixes_rows();
                    spread = Spread::Rows;
                }
            }
        }
        spread
    }

    /// How a value that is only moved depends on the batch, where `rows` says whether its rows stay in place.
    pub(crate) fn spread_moved(&mut self, id: Id, rows: bool) -> Spread {
        let spread = self.values[id].spread;
        if spread == Spread::Rows && !rows {
            self.mixes_rows();
        }
        spread
    }

    /// Notes that a value depends on the rows in another way than row by row.
    pub(crate) fn depends_on_rows(&mut self, id: Id) {
        self.values[id].spread = Spread::Rows;
        self.mixes_rows();
    }

    /// Notes that a value's elements depend on the number of rows.
    pub(crate) fn count(&mut self, id: Id) {
        self.values[id].counted = true;
    }

    /// Notes that the batch cannot be run in parts.
    pub(crate) const fn mixes_rows(&mut self) {
        self.separable = false;
    }

    /// Refuses a shape that is too large before tables are made for it: its elements must fit, and each of
    /// its dimensions, also where another one is 0.
    pub(crate) fn affords(&self, shape: &[usize]) -> Result<(), OnnxError> {
        let entries = shape.iter().copied().max().unwrap_or(0).saturating_mul(16);
        let bytes = volume(shape).unwrap_or(usize::MAX).saturating_mul(4).max(entries);
        if bytes > self.memory { Err(self.too_much(bytes)) } else { Ok(()) }
    }

    /// Whether the batch can be run in parts, as far as is known.
    pub(crate) const fn separable(&self) -> bool {
        self.separable
    }

    /// Takes back what was noted about it.
    pub(crate) const fn set_separable(&mut self, separable: bool) {
        self.separable = separable;
    }

    /// Rows of the batch.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a kernel. Where all operands are constants, it runs now.
    pub(crate) fn emit(
        &mut self,
        kernel: impl Kernel + 'static,
        operands: &[Id],
        (shape, kind, layout, spread): (Vec<usize>, Kind, Layout, Spread),
    ) -> Result<Id, OnnxError> {
        let len = volume(&shape);
        let bytes =
            len.and_then(|n| n.checked_add(kernel.scratch())).and_then(|n| n.checked_mul(kind.bytes()));
        let (Some(len), Some(bytes)) = (len, bytes) else {
            return Err(self.too_much(usize::MAX));
        };
        if bytes > self.memory {
            return Err(self.too_much(bytes));
        }
        if spread == Spread::Rows && shape.first() != Some(&self.rows) {
            self.mixes_rows();
        }
        let constant = |id: &Id| matches!(self.values[*id].origin, Origin::Constant(_));
        if operands.iter().all(constant) {
            let counted = operands.iter().any(|id| self.values[*id].counted);
            let key = (len > 256 && !counted).then(|| self.fingerprint(&kernel, operands, &shape));
            let from = operands.iter().filter_map(|id| self.shared_constant(*id)).collect();
            let data = self.fold(key, from, || self.compute(&kernel, operands, kind, len))?;
            let id = self.add_constant(data, shape, kind);
            self.values[id].layout = layout;
            self.values[id].counted = counted;
            return Ok(id);
        }
        let origin = Origin::Step(self.steps.len());
        let id = self.add(Value { shape, kind, layout, spread, counted: false, origin });
        let kernel = Box::new(kernel);
        let node = self.node.clone();
        self.steps.push(Draft { node, kernel, operands: operands.to_vec(), result: id });
        Ok(id)
    }

    fn shared_constant(&self, id: Id) -> Option<Arc<Data>> {
        match self.values[id].origin {
            Origin::Constant(i) => Some(Arc::clone(&self.constants[i])),
            _ => None,
        }
    }

    /// What names a constant that is computed from constants: large ones are told apart by their address.
    fn fingerprint(&self, kernel: &impl Kernel, operands: &[Id], shape: &[usize]) -> String {
        let mut key = format!("{shape:?} {kernel:?}");
        for id in operands {
            if let Origin::Constant(i) = self.values[*id].origin {
                key.push_str(&match self.constants[i].len() {
                    0..=256 => format!(" {:?}", self.constants[i]),
                    _ => format!(" {:p}", Arc::as_ptr(&self.constants[i])),
                });
            }
        }
        key
    }

    fn compute(
        &self,
        kernel: &impl Kernel,
        operands: &[Id],
        kind: Kind,
        len: usize,
    ) -> Result<Data, OnnxError> {
        let operands: Vec<Operand> = operands.iter().map(|id| self.operand(*id, &[])).collect();
        let memory = Memory { constants: &self.constants, shared: &[], inputs: &[], slots: &[] };
        let mut data = Data::zeros(kind, len);
        let mut scratch = vec![0.0; kernel.scratch()];
        kernel
            .run(&Io { memory, operands: &operands }, data.out(len), &mut scratch)
            .map_err(|why| super::value::at_node(&self.node, why))?;
        Ok(data)
    }

    pub(super) fn operand(&self, id: Id, places: &[Place]) -> Operand {
        let value = &self.values[id];
        let place = match value.origin {
            Origin::Constant(i) => Place::Constant(i),
            Origin::Input(i) => Place::Input(i),
            Origin::Step(s) => places.get(s).copied().unwrap_or(Place::Slot(usize::MAX)),
        };
        Operand { place, len: volume(&value.shape).unwrap_or(0) }
    }

    pub(super) fn too_much(&self, bytes: usize) -> OnnxError {
        OnnxError::Memory { node: self.node.clone(), bytes: bytes as u64, limit: self.memory as u64 }
    }

    /// The same elements under another shape. The layout must be plain, or channels the only dimension left.
    pub(crate) fn reshaped(&mut self, id: Id, shape: Vec<usize>) -> Id {
        let mut value = self.values[id].clone();
        if value.spread == Spread::Rows && shape.first() != Some(&self.rows) {
            self.mixes_rows();
        }
        value.shape = shape;
        self.add(value)
    }

    /// A value with its channels last under the shape that it has as stored.
    pub(crate) fn relabelled(&mut self, id: Id, shape: Vec<usize>) -> Id {
        let value = Value { shape, layout: Layout::Plain, ..self.values[id].clone() };
        self.add(value)
    }

    /// The value in plain layout.
    pub(crate) fn plain(&mut self, id: Id) -> Result<Id, OnnxError> {
        self.lay(id, Layout::Plain)
    }

    /// The value, of rank 4, with its channels last.
    pub(crate) fn channels_last(&mut self, id: Id) -> Result<Id, OnnxError> {
        self.lay(id, Layout::ChannelsLast)
    }

    fn lay(&mut self, id: Id, layout: Layout) -> Result<Id, OnnxError> {
        let value = self.values[id].clone();
        let [_, c, h, w] = value.shape[..] else { return Ok(id) };
        if value.layout == layout {
            return Ok(id);
        }
        if let Some(done) = self.lying.get(&(id, layout)) {
            return Ok(*done);
        }
        let area = h * w;
        let laid = if c == 1 || area == 1 {
            self.add(Value { layout, ..value })
        } else {
            let (rows, columns) = if layout == Layout::ChannelsLast { (c, area) } else { (area, c) };
            let kernel = Swap { rows, columns };
            self.emit(kernel, &[id], (value.shape, value.kind, layout, value.spread))?
        };
        self.lying.insert((id, layout), laid);
        Ok(laid)
    }

    /// Lets the kernel that made `id` finish with a Relu, if it can and nobody else reads what it makes.
    pub(crate) fn finish_with_relu(&mut self, name: &str, id: Id) -> Option<Id> {
        let Origin::Step(s) = self.values[id].origin else { return None };
        // It must be the last step: one in between may read it under another layout.
        if self.uses.get(name) != Some(&1) || s + 1 != self.steps.len() || self.steps[s].result != id {
            return None;
        }
        self.steps[s].kernel = self.steps[s].kernel.with_relu()?;
        Some(id)
    }

    /// Gives output `i` of a node its value. Other outputs that somebody reads cannot be had.
    pub(crate) fn name(&mut self, node: &'g Node, i: usize, id: Id) {
        if let Some(name) = node.outputs.get(i).filter(|n| !n.is_empty()) {
            self.names.insert(name, id);
        }
    }

    /// Whether output `i` of a node is read.
    pub(crate) fn wanted(&self, node: &Node, i: usize) -> bool {
        node.outputs.get(i).is_some_and(|name| self.uses.contains_key(name.as_str()))
    }

    /// The version of the operator set of a node's domain.
    pub(crate) fn opset(&self, node: &Node) -> i64 {
        self.graph.opsets.get(&node.domain).copied().unwrap_or(1)
    }
}
