//! Numbers of a state that compiled code takes for indices without a look.
//!
//! scikit-learn checks the shape and the type of the nodes of a tree when one is loaded, not what stands in them: a
//! prediction follows children by their numbers and reads a row by the number of a feature, wherever that lies in
//! memory, and goes round for ever where a child leads back. The same holds for the nodes of histogram gradient boosting
//! and for the order of rows in a ball or k-d tree. Source: scikit-learn 1.7, `sklearn/tree/_tree.pyx` (`__setstate__`,
//! `_apply_dense`), `sklearn/ensemble/_hist_gradient_boosting/_predictor.pyx`, `sklearn/neighbors/_binary_tree.pxi.tp`.

use std::borrow::Cow;

use super::super::joblib;
use super::super::machine::Machine;
use super::super::value::{Node, Value};
use super::made_of;

/// What is wrong with the numbers in the state of an object, if it is one whose numbers are followed.
pub(super) fn fault(machine: &Machine<'_>, target: Value, state: Value) -> Option<String> {
    let class = machine.global(made_of(machine, target)?)?;
    match (class.module.as_deref()?, class.name.as_deref()?) {
        ("sklearn.tree._tree" | "sklearn.tree.tree", "Tree") => {
            let Some(Node::Called { args, .. }) = machine.node(target) else { return None };
            let columns = machine.tuple(*args).and_then(|args| args.first().copied()).and_then(small);
            tree(machine, state, columns)
        }
        ("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor") => predictor(machine, state),
        ("sklearn.neighbors._kd_tree" | "sklearn.neighbors._ball_tree", _) => rows(machine, state),
        ("scipy.spatial._ckdtree", "cKDTree")
        | ("scipy.spatial._kdtree" | "scipy.spatial.kdtree", "KDTree") => kd_tree(machine, state),
        (module, "csr_matrix" | "csr_array" | "csc_matrix" | "csc_array")
            if module.starts_with("scipy.sparse") =>
        {
            compressed(machine, state)
        }
        ("numpy.random._pickle" | "numpy.random._mt19937" | "numpy.random.mtrand", _) => {
            twister(machine, state, 4)
        }
        _ => None,
    }
}

fn small(value: Value) -> Option<u64> {
    match value {
        Value::Int(n) => u64::try_from(n).ok(),
        _ => None,
    }
}

/// Children come after their parents, as every builder of trees makes them, and a leaf has none.
fn tree(machine: &Machine<'_>, state: Value, columns: Option<u64>) -> Option<String> {
    let nodes = Records::of(machine, machine.entry(state, "nodes")?)?;
    let (left, right) = (nodes.column("left_child")?, nodes.column("right_child")?);
    let feature = nodes.column("feature")?;
    let count = nodes.count();
    if let Some(claimed) = machine.entry(state, "node_count").and_then(small)
        && claimed != count
    {
        return Some(format!("a tree of {count} nodes claims {claimed}"));
    }
    for at in 0..count {
        let (left, right) = (nodes.int(left, at)?, nodes.int(right, at)?);
        if (left, right) == (-1, -1) {
            continue;
        }
        if let Some(message) = child(at, left, count).or_else(|| child(at, right, count)) {
            return Some(message);
        }
        let feature = nodes.int(feature, at)?;
        if feature < 0 || columns.is_some_and(|columns| feature.unsigned_abs() >= columns) {
            return Some(format!("node {at} of a tree asks for column {feature}, which no row has"));
        }
    }
    None
}

fn predictor(machine: &Machine<'_>, state: Value) -> Option<String> {
    let nodes = Records::of(machine, machine.entry(state, "nodes")?)?;
    let (left, right, leaf) = (nodes.column("left")?, nodes.column("right")?, nodes.column("is_leaf")?);
    let count = nodes.count();
    for at in 0..count {
        if nodes.int(leaf, at)? != 0 {
            continue;
        }
        let (left, right) = (nodes.int(left, at)?, nodes.int(right, at)?);
        if let Some(message) = child(at, left, count).or_else(|| child(at, right, count)) {
            return Some(message);
        }
    }
    None
}

fn child(at: u64, child: i64, count: u64) -> Option<String> {
    let inside = u64::try_from(child).is_ok_and(|child| child > at && child < count);
    (!inside).then(|| format!("node {at} of a tree of {count} names {child} as what comes after it"))
}

/// The second array of the state is an order of the rows in the first.
fn rows(machine: &Machine<'_>, state: Value) -> Option<String> {
    let [data, order, ..] = machine.tuple(state)? else { return None };
    let (data, order) = (shape(machine, *data)?, Records::of(machine, *order)?);
    let rows = *data.first()?;
    let column = order.whole()?;
    (0..order.count()).find_map(|at| {
        let row = order.int(column, at)?;
        let inside = u64::try_from(row).is_ok_and(|row| row < rows);
        (!inside).then(|| format!("an index of {rows} rows names row {row}"))
    })
}

/// scipy's k-d tree: nodes of nine numbers of eight bytes (a column or -1, rows, a value, from which row to which, two
/// addresses that are set anew, and two nodes), the rows, how many there are, and their order (`_ckdtree.pyx`,
/// `__getstate__`).
fn kd_tree(machine: &Machine<'_>, state: Value) -> Option<String> {
    let [nodes, _, rows, columns, _, _, _, order, ..] = machine.tuple(state)? else { return None };
    let (rows, columns) = (small(*rows)?, small(*columns)?);
    let (_, bytes) = elements(machine, *nodes)?;
    const NODE: usize = 72;
    let count = (bytes.len() / NODE) as u64;
    for (at, node) in bytes.chunks_exact(NODE).enumerate() {
        let number = |word: usize| Some(i64::from_le_bytes(*node.get(word * 8..)?.first_chunk()?));
        let (column, start, end) = (number(0)?, number(3)?, number(4)?);
        let inside = |n: i64, most: u64| u64::try_from(n).is_ok_and(|n| n <= most);
        if !inside(start, rows) || !inside(end, rows) || start > end {
            return Some(format!("node {at} of a tree of {rows} rows goes from row {start} to row {end}"));
        }
        if column == -1 {
            continue;
        }
        if !inside(column, columns.saturating_sub(1)) {
            return Some(format!("node {at} of a tree asks for column {column}, which no row has"));
        }
        let (less, greater) = (number(7)?, number(8)?);
        if let Some(message) = child(at as u64, less, count).or_else(|| child(at as u64, greater, count)) {
            return Some(message);
        }
    }
    outside(machine, *order, rows, "an order of rows")
}

/// A matrix by rows or columns: for each where its numbers begin, and for each number where it stands.
fn compressed(machine: &Machine<'_>, state: Value) -> Option<String> {
    let shape = machine.tuple(machine.entry(state, "_shape").or_else(|| machine.entry(state, "shape"))?)?;
    let widest = shape.iter().filter_map(|length| small(*length)).max()?;
    let indices = machine.entry(state, "indices")?;
    let stored = Records::of(machine, indices)?.count();
    let starts = Records::of(machine, machine.entry(state, "indptr")?)?;
    let column = starts.whole()?;
    let mut before = 0;
    for at in 0..starts.count() {
        let start = starts.int(column, at)?;
        if start < before || u64::try_from(start).is_ok_and(|start| start > stored) {
            return Some(format!("a sparse matrix of {stored} numbers has a row or column begin at {start}"));
        }
        before = start;
    }
    outside(machine, indices, widest, "a sparse matrix")
}

/// Indices that are not below a length.
fn outside(machine: &Machine<'_>, indices: Value, below: u64, what: &str) -> Option<String> {
    let indices = Records::of(machine, indices)?;
    let column = indices.whole()?;
    (0..indices.count()).find_map(|at| {
        let index = indices.int(column, at)?;
        let inside = u64::try_from(index).is_ok_and(|index| index < below);
        (!inside).then(|| format!("{what} has the index {index} where all are below {below}"))
    })
}

/// Where a Mersenne twister stands: the numbers that it has are 624, and what lies behind them is memory.
fn twister(machine: &Machine<'_>, state: Value, depth: u32) -> Option<String> {
    const NUMBERS: i64 = 624;
    if let Some([part, ..]) = machine.tuple(state) {
        return if depth > 0 { twister(machine, *part, depth - 1) } else { None };
    }
    if let Some(inner) = machine.entry(state, "state").filter(|_| depth > 0) {
        return twister(machine, inner, depth - 1);
    }
    match machine.entry(state, "pos")? {
        Value::Int(at) if !(0..=NUMBERS).contains(&at) => {
            Some(format!("a Mersenne twister stands at number {at} of {NUMBERS}"))
        }
        _ => None,
    }
}

/// Where a number stands in each record, and how it is written.
#[derive(Clone, Copy)]
struct Column {
    at: usize,
    width: usize,
    signed: bool,
}

/// An array of numpy whose elements are read.
struct Records<'m> {
    machine: &'m Machine<'m>,
    bytes: Cow<'m, [u8]>,
    dtype: Value,
    width: usize,
}

impl<'m> Records<'m> {
    /// The elements of an array, if the stream holds them.
    fn of(machine: &'m Machine<'m>, value: Value) -> Option<Self> {
        let (dtype, bytes) = elements(machine, value)?;
        let width = joblib::item_bytes(machine, dtype)??;
        (width > 0).then_some(Self { machine, bytes, dtype, width })
    }

    fn count(&self) -> u64 {
        (self.bytes.len() / self.width) as u64
    }

    /// A field of the records: a number, lowest byte first.
    fn column(&self, name: &str) -> Option<Column> {
        let Node::Called { state: Some(state), .. } = self.machine.node(self.dtype)? else { return None };
        let fields = self.machine.tuple(*state)?.get(4)?;
        let [dtype, at, ..] = self.machine.tuple(self.machine.entry(*fields, name)?)? else { return None };
        let column = number(self.machine, *dtype)?;
        let at = usize::try_from(small(*at)?).ok()?;
        (at.checked_add(column.width)? <= self.width).then_some(Column { at, ..column })
    }

    /// The elements themselves.
    fn whole(&self) -> Option<Column> {
        number(self.machine, self.dtype)
    }

    fn int(&self, column: Column, record: u64) -> Option<i64> {
        let start = usize::try_from(record).ok()?.checked_mul(self.width)?.checked_add(column.at)?;
        let bytes = self.bytes.get(start..start.checked_add(column.width)?)?;
        let negative = column.signed && bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut whole = [if negative { 0xff } else { 0 }; 8];
        whole.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(i64::from_le_bytes(whole))
    }
}

/// How `numpy.dtype("i8", …)` writes a whole number.
fn number(machine: &Machine<'_>, dtype: Value) -> Option<Column> {
    let Node::Called { args, state, .. } = machine.node(dtype)? else { return None };
    let name = machine.text(*machine.tuple(*args)?.first()?)?;
    let order = state.and_then(|state| machine.text(*machine.tuple(state)?.get(1)?));
    if name.starts_with('>') || order.is_some_and(|order| order == ">") {
        return None;
    }
    let (signed, width) = match name.trim_start_matches(['<', '=', '|']) {
        "i1" => (true, 1),
        "i2" => (true, 2),
        "i4" => (true, 4),
        "i8" => (true, 8),
        "u1" | "b1" => (false, 1),
        "u2" => (false, 2),
        "u4" => (false, 4),
        "u8" => (false, 8),
        _ => return None,
    };
    Some(Column { at: 0, width, signed })
}

/// The type and the bytes of an array: as numpy pickles them below protocol 5 and from it on, and as joblib writes them.
fn elements<'m>(machine: &'m Machine<'m>, value: Value) -> Option<(Value, Cow<'m, [u8]>)> {
    let Node::Called { callee, args, state, .. } = machine.node(value)? else { return None };
    if let Some(raw) = machine.arrays.iter().rev().find(|raw| raw.of == value) {
        let dtype = machine.entry((*state)?, "dtype")?;
        return Some((dtype, Cow::Borrowed(machine.slice(raw.range.clone())?)));
    }
    match machine.global(*callee)?.name.as_deref()? {
        "_frombuffer" => {
            let [bytes, dtype, ..] = machine.tuple(*args)? else { return None };
            Some((*dtype, machine.bytes_of(*bytes)?))
        }
        _ => {
            let [.., dtype, _, bytes] = machine.tuple((*state)?)? else { return None };
            Some((*dtype, machine.bytes_of(*bytes)?))
        }
    }
}

/// The lengths of an array.
fn shape(machine: &Machine<'_>, value: Value) -> Option<Vec<u64>> {
    let Node::Called { callee, args, state, .. } = machine.node(value)? else { return None };
    let shape = if joblib::is_wrapper(machine, value) {
        machine.entry((*state)?, "shape")?
    } else if machine.global(*callee)?.name.as_deref()? == "_frombuffer" {
        *machine.tuple(*args)?.get(2)?
    } else {
        *machine.tuple((*state)?)?.get(1)?
    };
    machine.tuple(shape)?.iter().map(|length| small(*length)).collect()
}
