//! Graphs under construction: every node is typed and, where it follows from constants, folded as it is added.
//!
//! The batch has no size yet. Each shape rule is asked for three batch sizes, and a dimension is either the same
//! for all of them or a multiple of the batch ([`Size`]); integers that follow from shapes (`Shape`, `Gather`,
//! `Concat` and so on, as exporters write them) are evaluated for the same three sizes. So no rule knows about
//! symbols, and whatever arithmetic an exporter does with shapes is followed.
//!
//! Values are handles ([`V`]) with arithmetic, so that a derivative reads as it is written on paper. The first
//! error stays and ends in [`Builder::check`]; what is built after it is nothing.

mod assemble;
mod value;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use proofhouse_artifact::onnx::ElementType;

use crate::OnnxError;
use crate::graph::{Attribute, Constant, Node, Values};
use crate::reference::{self, Array};
use crate::shape::{self, Arg, BOOL, INT};
use crate::tensor::volume;

pub(crate) use value::V;

/// One dimension of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// Always this size.
    Fixed(usize),
    /// This many times the number of rows of the batch.
    Rows(usize),
}

impl Size {
    fn at(self, rows: usize) -> usize {
        match self {
            Self::Fixed(n) => n,
            Self::Rows(k) => k.saturating_mul(rows),
        }
    }

    /// The size, unless it follows the batch.
    pub(crate) fn fixed(self) -> Option<usize> {
        match self {
            Self::Fixed(n) => Some(n),
            Self::Rows(_) => None,
        }
    }
}

/// Batch sizes that shapes are inferred for: primes, so that no dimension of a model is one by chance.
const SAMPLES: [usize; 3] = [1009, 2003, 3001];
/// Most values a row may have in one tensor: 1 GiB of float32.
const MAX_VALUES_A_ROW: usize = 1 << 28;
/// Most values of a tensor that is folded, and of one that is followed through shape arithmetic.
const MAX_FOLDED: usize = 1 << 24;
const MAX_FOLLOWED: usize = 1 << 12;
/// Values that folding may compute altogether.
const FOLDING_BUDGET: usize = 1 << 28;
/// Most nodes of a graph under construction.
const MAX_STEPS: usize = 200_000;
/// Integer constants up to this many values are at hand for shape rules.
const MAX_SMALL: usize = 1 << 14;

/// A graph under construction.
pub(crate) struct Builder {
    pub(super) state: RefCell<State>,
    /// How many steps there are; kept beside so that it can be read while a value is made.
    serial: Cell<usize>,
}

pub(super) struct State {
    pub(super) steps: Vec<Step>,
    pub(super) values: Vec<Value>,
    names: HashMap<String, usize>,
    /// Names that the model uses somewhere.
    reserved: HashSet<String>,
    scalars: HashMap<u32, usize>,
    pub(super) detached: HashSet<usize>,
    error: Option<OnnxError>,
    folded: usize,
}

/// A node with the values it reads and makes.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub node: Node,
    pub inputs: Vec<Option<usize>>,
    pub outputs: Vec<usize>,
}

/// What is known of a value.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub name: String,
    pub element: ElementType,
    pub dims: Vec<Size>,
    pub constant: Option<Rc<Constant>>,
    /// Its values for each of [`SAMPLES`], where they follow from shapes or are few integers.
    known: Option<Rc<[Array; 3]>>,
}

impl Value {
    fn shape(&self, rows: usize) -> Vec<usize> {
        self.dims.iter().map(|d| d.at(rows)).collect()
    }
}

/// A node to be added.
#[derive(Debug, Clone, Default)]
pub(crate) struct New<'a> {
    pub domain: &'a str,
    pub operator: &'a str,
    /// Its name; made up where it is empty.
    pub name: &'a str,
    pub attributes: Vec<(&'a str, Attribute)>,
    /// Names of its outputs; empty for names to be made up.
    pub outputs: Vec<&'a str>,
}

impl Default for Builder {
    fn default() -> Self {
        let nothing = Value {
            name: "nothing".to_owned(),
            element: shape::FLOAT,
            dims: Vec::new(),
            constant: None,
            known: None,
        };
        let state = State {
            steps: Vec::new(),
            values: vec![nothing],
            names: HashMap::new(),
            reserved: HashSet::new(),
            scalars: HashMap::new(),
            detached: HashSet::new(),
            error: None,
            folded: 0,
        };
        Self { state: RefCell::new(state), serial: Cell::new(0) }
    }
}

impl Builder {
    /// The first error, if there was one.
    pub(crate) fn check(&self) -> Result<(), OnnxError> {
        self.state.borrow().error.clone().map_or(Ok(()), Err)
    }

    /// Remembers an error; only the first counts. What is handed back stands for a value that is not there.
    pub(crate) fn fail(&self, error: OnnxError) -> V<'_> {
        self.state.borrow_mut().error.get_or_insert(error);
        V::of(self, 0)
    }

    /// Whether no derivative goes through a value.
    pub(crate) fn is_detached(&self, id: usize) -> bool {
        self.state.borrow().detached.contains(&id)
    }

    /// Number of nodes so far.
    pub(crate) fn len(&self) -> usize {
        self.state.borrow().steps.len()
    }

    /// Values that the nodes so far compute for each row.
    pub(crate) fn row_values(&self) -> usize {
        let state = self.state.borrow();
        let made = state.steps.iter().flat_map(|s| &s.outputs).filter_map(|id| state.values.get(*id));
        made.map(|v| v.dims.iter().fold(1usize, |n, d| n.saturating_mul(d.at(1))))
            .fold(0, usize::saturating_add)
    }

    /// The nodes so far.
    pub(crate) fn steps(&self) -> Vec<Step> {
        self.state.borrow().steps.clone()
    }

    /// Keeps names that are given later from being made up before.
    pub(crate) fn reserve(&self, names: impl IntoIterator<Item = String>) {
        self.state.borrow_mut().reserved.extend(names);
    }

    /// A value that is fed when the graph runs.
    pub(crate) fn input(&self, name: &str, element: ElementType, dims: Vec<Size>) -> V<'_> {
        self.add(Value { name: name.to_owned(), element, dims, constant: None, known: None })
    }

    /// A constant under a name of its own.
    pub(crate) fn named_constant(&self, name: &str, constant: Constant) -> V<'_> {
        let small = matches!(constant.values, Values::Int(_)) || constant.shape.len() < 2;
        let few = volume(&constant.shape).is_some_and(|n| n <= MAX_SMALL);
        let known = (small && few).then(|| Array::of(&constant)).flatten();
        let known = known.map(|a| Rc::new([a.clone(), a.clone(), a]));
        self.add(Value {
            name: name.to_owned(),
            element: constant.element,
            dims: constant.shape.iter().map(|d| Size::Fixed(*d)).collect(),
            constant: Some(Rc::new(constant)),
            known,
        })
    }

    /// A constant.
    pub(crate) fn constant(&self, constant: Constant) -> V<'_> {
        let name = self.state.borrow().fresh(&self.serial);
        self.named_constant(&name, constant)
    }

    /// A number.
    pub(crate) fn scalar(&self, v: f32) -> V<'_> {
        if let Some(id) = self.state.borrow().scalars.get(&v.to_bits()) {
            return V::of(self, *id);
        }
        let made = self.constant(Constant::float32(Vec::new(), vec![v]));
        self.state.borrow_mut().scalars.insert(v.to_bits(), made.id());
        made
    }

    /// A list of integers.
    pub(crate) fn ints(&self, v: &[i64]) -> V<'_> {
        self.constant(Constant::int64(vec![v.len()], v.to_vec()))
    }

    /// The value of a name.
    pub(crate) fn find(&self, name: &str) -> Option<V<'_>> {
        self.state.borrow().names.get(name).map(|id| V::of(self, *id))
    }

    /// Gives a value a second name.
    pub(crate) fn alias(&self, name: &str, value: V<'_>) {
        self.state.borrow_mut().names.insert(name.to_owned(), value.id());
    }

    /// Adds a node of the standard set and gives back its first output.
    pub(crate) fn op<'b>(
        &'b self,
        operator: &str,
        inputs: &[V<'b>],
        attributes: Vec<(&str, Attribute)>,
    ) -> V<'b> {
        let inputs: Vec<Option<V<'b>>> = inputs.iter().copied().map(Some).collect();
        self.node(New { operator, attributes, outputs: vec![""], ..New::default() }, &inputs)
            .into_iter()
            .next()
            .unwrap_or_else(|| V::of(self, 0))
    }

    /// Adds a node and gives back its outputs.
    pub(crate) fn node<'b>(&'b self, new: New<'_>, inputs: &[Option<V<'b>>]) -> Vec<V<'b>> {
        let count = new.outputs.len();
        let mut state = self.state.borrow_mut();
        if state.error.is_some() {
            return vec![V::of(self, 0); count];
        }
        match state.push(new, inputs.iter().map(|v| v.map(V::id)).collect(), &self.serial) {
            Ok(ids) => ids.into_iter().map(|id| V::of(self, id)).collect(),
            Err(error) => {
                state.error = Some(error);
                vec![V::of(self, 0); count]
            }
        }
    }

    fn add(&self, value: Value) -> V<'_> {
        let id = self.state.borrow_mut().add(value);
        V::of(self, id)
    }
}

impl State {
    fn add(&mut self, value: Value) -> usize {
        self.names.insert(value.name.clone(), self.values.len());
        self.values.push(value);
        self.values.len() - 1
    }

    /// A name that nothing has.
    fn fresh(&self, serial: &Cell<usize>) -> String {
        loop {
            serial.set(serial.get() + 1);
            let name = format!("g{}", serial.get());
            if !self.names.contains_key(&name) && !self.reserved.contains(&name) {
                return name;
            }
        }
    }

    fn push(
        &mut self,
        new: New<'_>,
        inputs: Vec<Option<usize>>,
        serial: &Cell<usize>,
    ) -> Result<Vec<usize>, OnnxError> {
        let names: Vec<String> = new
            .outputs
            .iter()
            .map(|name| if name.is_empty() { self.fresh(serial) } else { (*name).to_owned() })
            .collect();
        let first = names.first().cloned().unwrap_or_default();
        let name_of = |id: &Option<usize>| id.and_then(|id| self.values.get(id)).map(|v| v.name.clone());
        let node = Node {
            name: if new.name.is_empty() { first } else { new.name.to_owned() },
            domain: new.domain.to_owned(),
            operator: new.operator.to_owned(),
            inputs: inputs.iter().map(|id| name_of(id).unwrap_or_default()).collect(),
            outputs: names,
            attributes: new
                .attributes
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect::<BTreeMap<_, _>>(),
        };
        if self.steps.len() >= MAX_STEPS {
            return Err(node.broken(format!("the graph would have more than {MAX_STEPS} nodes")));
        }
        let types = self.infer(&node, &inputs)?;
        let folded = self.fold(&node, &inputs, &types)?;
        let all_constant = matches!(&folded, Some(Folded::Constant(_)));
        let mut ids = Vec::with_capacity(node.outputs.len());
        for (at, name) in node.outputs.iter().enumerate() {
            let (element, dims) = types.get(at).cloned().ok_or_else(|| {
                node.broken(format!("its output {at} ({name:?}) is not one that is computed here"))
            })?;
            let mut value = Value { name: name.clone(), element, dims, constant: None, known: None };
            match &folded {
                Some(Folded::Constant(arrays)) => {
                    let array = arrays.get(at);
                    value.constant = array.map(|a| Rc::new(a.constant(element)));
                    value.known = array
                        .filter(|a| a.data.len() <= MAX_FOLLOWED)
                        .map(|a| Rc::new([a.clone(), a.clone(), a.clone()]));
                }
                Some(Folded::Followed(known)) if at == 0 => value.known = Some(Rc::clone(known)),
                _ => {}
            }
            ids.push(self.add(value));
        }
        if !all_constant {
            self.steps.push(Step { node, inputs, outputs: ids.clone() });
        }
        Ok(ids)
    }

    fn infer(
        &self,
        node: &Node,
        inputs: &[Option<usize>],
    ) -> Result<Vec<(ElementType, Vec<Size>)>, OnnxError> {
        let mut samples = Vec::with_capacity(SAMPLES.len());
        for (at, rows) in SAMPLES.iter().enumerate() {
            let args = inputs.iter().map(|id| {
                let value = self.values.get((*id)?)?;
                let known = value.known.as_deref().and_then(|k| k.get(at));
                Some(Arg { element: value.element, shape: value.shape(*rows), value: known })
            });
            let call = shape::Call { node, args: args.collect() };
            samples.push(shape::infer(&call)?);
        }
        let [a, b, c] = samples.as_slice() else { return Ok(Vec::new()) };
        let mut types = Vec::with_capacity(a.len());
        for (at, (element, shape)) in a.iter().enumerate() {
            let other = |s: &[(ElementType, Vec<usize>)], axis: usize| s.get(at)?.1.get(axis).copied();
            let mut dims = Vec::with_capacity(shape.len());
            for (axis, n) in shape.iter().enumerate() {
                let sizes = [Some(*n), other(b, axis), other(c, axis)];
                dims.push(size(&sizes).ok_or_else(|| {
                    node.broken(format!(
                        "dimension {axis} of its result is neither fixed nor a multiple of the batch; rows \
                         of a batch must stay apart"
                    ))
                })?);
            }
            let values = dims.iter().try_fold(1usize, |n, d| n.checked_mul(d.at(1)));
            if values.is_none_or(|n| n > MAX_VALUES_A_ROW) {
                return Err(node.broken(format!(
                    "its result of shape {shape:?} has more than {MAX_VALUES_A_ROW} values a row"
                )));
            }
            types.push((*element, dims));
        }
        Ok(types)
    }

    fn fold(
        &mut self,
        node: &Node,
        inputs: &[Option<usize>],
        types: &[(ElementType, Vec<Size>)],
    ) -> Result<Option<Folded>, OnnxError> {
        let operands: Vec<Option<&Value>> =
            inputs.iter().map(|id| id.and_then(|id| self.values.get(id))).collect();
        if matches!(node.operator.as_str(), "Shape" | "Size") && node.domain.is_empty() {
            let Some(x) = operands.first().copied().flatten() else { return Ok(None) };
            let of = |rows: usize| {
                let shape: Vec<f64> = x.shape(rows).iter().map(|d| *d as f64).collect();
                match node.operator.as_str() {
                    "Size" => Array::new(Vec::new(), vec![shape.iter().product()]),
                    _ => Array::new(vec![shape.len()], shape),
                }
            };
            return Ok(Some(Folded::of(SAMPLES.map(of))));
        }
        let known = |v: &&Value| v.constant.is_some() || v.known.is_some();
        if operands.is_empty() || !operands.iter().flatten().all(known) || !foldable(node) {
            return Ok(None);
        }
        let constant = operands.iter().flatten().all(|v| v.constant.is_some());
        let values: usize = types
            .iter()
            .map(|(_, dims)| dims.iter().fold(1usize, |n, d| n.saturating_mul(d.at(SAMPLES[2]))))
            .fold(0, usize::saturating_add);
        let work = operands.iter().flatten().fold(values, |n, v| {
            let size = v.dims.iter().fold(1usize, |n, d| n.saturating_mul(d.at(SAMPLES[2])));
            n.saturating_add(size)
        });
        let most = if constant { MAX_FOLDED } else { MAX_FOLLOWED };
        if work > most || self.folded.saturating_add(work) > FOLDING_BUDGET {
            return Ok(None);
        }
        let element = types.first().map_or(shape::FLOAT, |t| t.0);
        let mut results = Vec::new();
        for (at, rows) in SAMPLES.iter().enumerate().take(if constant { 1 } else { 3 }) {
            let arrays: Option<Vec<Option<Array>>> = operands
                .iter()
                .map(|v| match v {
                    None => Some(None),
                    Some(v) => {
                        let known = v.known.as_deref().and_then(|k| k.get(at)).cloned();
                        known.or_else(|| v.constant.as_deref().and_then(Array::of)).map(Some)
                    }
                })
                .collect();
            let Some(arrays) = arrays else { return Ok(None) };
            let arrays: Vec<Option<&Array>> = arrays.iter().map(Option::as_ref).collect();
            let shapes: Vec<Vec<usize>> =
                types.iter().map(|(_, dims)| dims.iter().map(|d| d.at(*rows)).collect()).collect();
            match reference::evaluate(node, &arrays, &shapes, element)? {
                Some(values) => results.push(values),
                None => return Ok(None),
            }
        }
        self.folded += work;
        if constant {
            return Ok(results.pop().map(Folded::Constant));
        }
        let firsts: Vec<Array> = results.into_iter().filter_map(|values| values.into_iter().next()).collect();
        Ok(<[Array; 3]>::try_from(firsts).ok().map(Folded::of))
    }
}

/// What became of a node that follows from constants and shapes.
enum Folded {
    /// It is a constant.
    Constant(Vec<Array>),
    /// It follows the size of the batch.
    Followed(Rc<[Array; 3]>),
}

impl Folded {
    fn of(samples: [Array; 3]) -> Self {
        let [a, b, c] = samples;
        if a == b && b == c { Self::Constant(vec![a]) } else { Self::Followed(Rc::new([a, b, c])) }
    }
}

/// Whether a node is cheap enough to be evaluated without haste.
fn foldable(node: &Node) -> bool {
    const HEAVY: [&str; 8] = [
        "Conv",
        "ConvTranspose",
        "MaxPool",
        "AveragePool",
        "MatMul",
        "Gemm",
        "QuantizeLinear",
        "DequantizeLinear",
    ];
    node.domain.is_empty() && !HEAVY.contains(&node.operator.as_str())
}

/// What three sizes say of a dimension.
fn size(sizes: &[Option<usize>; 3]) -> Option<Size> {
    let [Some(a), Some(b), Some(c)] = *sizes else { return None };
    if a == b && b == c {
        return Some(Size::Fixed(a));
    }
    let k = a / SAMPLES[0];
    let follows = [a, b, c].iter().zip(SAMPLES).all(|(n, rows)| *n == k * rows);
    follows.then_some(Size::Rows(k))
}

/// Whether an element type is an integer.
pub(crate) fn is_integer(element: ElementType) -> bool {
    matches!(element.0, 2..=7 | 12 | 13)
}

/// Whether values of a type can be fed to and read from an engine, which carry float32.
pub(crate) fn is_float(element: ElementType) -> bool {
    !is_integer(element) && element != BOOL && element != INT
}
