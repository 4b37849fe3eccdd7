//! Sparse tensors of torch: where their numbers stand is in tensors of indices, and whoever makes them whole writes there
//! without a look, unless invariants are checked, which a loader does not do.
//!
//! Source: torch 2.9, `torch/_utils.py` (`_rebuild_sparse_tensor`), `torch/_tensor.py` (`_reduce_ex_internal`).

use super::super::machine::Machine;
use super::super::value::{Node, Value};
use super::storage::storage;

/// Indices in a storage that are all to lie in some range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indices {
    /// The storage.
    pub key: String,
    /// Bytes of an index.
    width: u64,
    /// The first, how many follow, and how many elements apart.
    first: u64,
    count: u64,
    step: u64,
    bound: Bound,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// Each is below it.
    Below(u64),
    /// They begin with nothing, go up, and end with it.
    UpTo(u64),
}

/// Rows of indices that are followed of one tensor.
const MOST_ROWS: u64 = 4096;
/// Indices that are looked at of one file.
const MOST_INDICES: u64 = 1 << 28;

/// The indices of a sparse tensor that is put together of `args`; nothing, where they are not told.
pub(super) fn indices(machine: &Machine<'_>, args: Value) -> Option<Vec<Indices>> {
    let [layout, parts, ..] = machine.tuple(args)? else { return None };
    let layout = layout_of(machine, *layout)?;
    let parts = machine.tuple(*parts)?;
    if layout.ends_with("sparse_coo") {
        let [indices, _, size, ..] = parts else { return None };
        let (view, size) = (View::of(machine, *indices)?, lengths(machine, *size)?);
        let [(rows, apart), (count, step)] = view.axes[..] else { return None };
        if rows > MOST_ROWS || rows > size.len() as u64 {
            return None;
        }
        return size
            .iter()
            .zip(0..rows)
            .map(|(below, row)| {
                let first = view.first.checked_add(row.checked_mul(apart)?)?;
                Some(view.row(first, (count, step), Bound::Below(*below)))
            })
            .collect();
    }
    let [starts, inner, values, size, ..] = parts else { return None };
    let (starts, inner, size) =
        (View::of(machine, *starts)?, View::of(machine, *inner)?, lengths(machine, *size)?);
    let by_columns = layout.ends_with("sparse_csc") || layout.ends_with("sparse_bsc");
    let batch = inner.axes.len().checked_sub(1)?;
    let length = *size.get(batch + usize::from(!by_columns))?;
    let block = if layout.ends_with("sparse_bsr") || layout.ends_with("sparse_bsc") {
        let values = View::of(machine, *values)?;
        values.axes.get(batch + 1 + usize::from(!by_columns))?.0.max(1)
    } else {
        1
    };
    let stored = inner.axes.last()?.0;
    let mut all = starts.rows(Bound::UpTo(stored))?;
    all.extend(inner.rows(Bound::Below(length.div_ceil(block)))?);
    Some(all)
}

/// `torch.serialization._get_layout("torch.sparse_coo")`.
fn layout_of(machine: &Machine<'_>, layout: Value) -> Option<String> {
    let Node::Called { args, .. } = machine.node(layout)? else { return None };
    Some(machine.text(*machine.tuple(*args)?.first()?)?.into_owned())
}

fn lengths(machine: &Machine<'_>, size: Value) -> Option<Vec<u64>> {
    let size = match machine.node(size)? {
        Node::Called { args, .. } => *machine.tuple(*args)?.first()?,
        _ => size,
    };
    machine.tuple(size)?.iter().map(|length| number(*length)).collect()
}

fn number(value: Value) -> Option<u64> {
    if let Value::Int(n) = value { u64::try_from(n).ok() } else { None }
}

/// A tensor as a view of its storage.
struct View {
    key: String,
    width: u64,
    first: u64,
    /// Length of each axis, and how many elements apart.
    axes: Vec<(u64, u64)>,
}

impl View {
    /// `_rebuild_tensor_v2(storage, offset, size, stride, …)`.
    fn of(machine: &Machine<'_>, tensor: Value) -> Option<Self> {
        let Node::Called { callee, args, .. } = machine.node(tensor)? else { return None };
        if !machine.global(*callee)?.name.as_deref()?.starts_with("_rebuild_tensor") {
            return None;
        }
        let [held, first, size, stride, ..] = machine.tuple(*args)? else { return None };
        let Node::Persistent(id) = machine.node(*held)? else { return None };
        let (key, stored) = storage(machine, *id)?;
        let width = stored.bytes?.checked_div(stored.elements?).unwrap_or(8);
        let (size, stride) = (lengths(machine, *size)?, lengths(machine, *stride)?);
        let axes = (size.len() == stride.len()).then(|| size.into_iter().zip(stride).collect())?;
        Some(Self { key, width, first: number(*first)?, axes })
    }

    fn row(&self, first: u64, (count, step): (u64, u64), bound: Bound) -> Indices {
        Indices { key: self.key.clone(), width: self.width, first, count, step, bound }
    }

    /// The rows along the last axis.
    fn rows(&self, bound: Bound) -> Option<Vec<Indices>> {
        let (last, outer) = self.axes.split_last()?;
        let mut firsts = vec![self.first];
        for (count, apart) in outer {
            if count.checked_mul(firsts.len() as u64)? > MOST_ROWS {
                return None;
            }
            let next = firsts
                .iter()
                .flat_map(|first| (0..*count).map(move |at| first.checked_add(at.checked_mul(*apart)?)));
            firsts = next.collect::<Option<_>>()?;
        }
        Some(firsts.into_iter().map(|first| self.row(first, *last, bound)).collect())
    }
}

/// What is wrong with indices in their storage: words, or that there are more than are looked at.
pub(crate) struct Check {
    left: u64,
}

impl Default for Check {
    fn default() -> Self {
        Self { left: MOST_INDICES }
    }
}

impl Check {
    /// What is wrong with them in the storage's bytes.
    ///
    /// # Errors
    /// There are more than are looked at, or they are written in a way that is not read.
    pub(crate) fn fault(&mut self, indices: &Indices, bytes: &[u8]) -> Result<Option<String>, &'static str> {
        // One element may stand for all.
        let count = if indices.step == 0 { indices.count.min(1) } else { indices.count };
        if count > self.left {
            return Err("sparse tensors have more indices than are looked at");
        }
        self.left -= count;
        let mut before = 0;
        for at in 0..count {
            let index = at.checked_mul(indices.step).and_then(|at| at.checked_add(indices.first));
            let start = index.and_then(|index| usize::try_from(index.checked_mul(indices.width)?).ok());
            let tail = start.and_then(|start| bytes.get(start..)).unwrap_or_default();
            let index = match indices.width {
                8 => tail.first_chunk().map(|chunk| i64::from_le_bytes(*chunk)),
                4 => tail.first_chunk().map(|chunk| i64::from(i32::from_le_bytes(*chunk))),
                _ => return Err("a sparse tensor has indices of a type that is not read"),
            };
            let Some(index) = index else {
                return Ok(Some("the indices of a sparse tensor reach beyond their storage".to_owned()));
            };
            let whole = u64::try_from(index).ok();
            let inside = match indices.bound {
                Bound::Below(end) => whole.is_some_and(|index| index < end),
                Bound::UpTo(end) => {
                    let ends = at > 0 || index == 0;
                    ends && whole.is_some_and(|index| {
                        index <= end && index >= before && (at + 1 < count || index == end)
                    })
                }
            };
            if !inside {
                return Ok(Some(match indices.bound {
                    Bound::Below(end) => {
                        format!("a sparse tensor has the index {index} where all are below {end}")
                    }
                    Bound::UpTo(end) => {
                        format!("a sparse tensor of {end} numbers has a row or column begin at {index}")
                    }
                }));
            }
            before = whole.unwrap_or(before);
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bound: Bound, numbers: &[i64], count: u64) -> Result<Option<String>, &'static str> {
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let indices = Indices { key: "0".to_owned(), width: 8, first: 0, count, step: 1, bound };
        Check::default().fault(&indices, &bytes)
    }

    #[test]
    fn indices_stay_inside() {
        assert_eq!(of(Bound::Below(4), &[0, 3, 1], 3), Ok(None));
        for numbers in [[0, 4, 1], [0, 1 << 40, 1], [-1, 0, 0]] {
            assert!(matches!(of(Bound::Below(4), &numbers, 3), Ok(Some(_))), "{numbers:?}");
        }
        assert!(matches!(of(Bound::Below(4), &[0, 1], 3), Ok(Some(_))));
        assert_eq!(of(Bound::UpTo(5), &[0, 2, 2, 5], 4), Ok(None));
        for numbers in [[0, 3, 2, 5], [1, 2, 3, 5], [0, 2, 3, 4], [0, 2, 6, 5]] {
            assert!(matches!(of(Bound::UpTo(5), &numbers, 4), Ok(Some(_))), "{numbers:?}");
        }
    }

    #[test]
    fn what_is_not_looked_at_is_said() {
        assert!(of(Bound::Below(4), &[0], MOST_INDICES + 1).is_err());
        let mut check = Check { left: 3 };
        let indices =
            Indices { key: "0".to_owned(), width: 8, first: 0, count: 2, step: 1, bound: Bound::Below(1) };
        assert_eq!(check.fault(&indices, &[0; 16]), Ok(None));
        assert!(check.fault(&indices, &[0; 16]).is_err());
    }
}
