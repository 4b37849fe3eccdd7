//! Records whose numbers compiled code follows without a look: nodes of scikit-learn's trees, as skops keeps them.
//!
//! `_tree.pyx` and `_predictor.pyx` walk from a node to the child that it names, wherever that lies. Every builder writes
//! children behind their parents, so a child before its parent is a walk that never ends, and one behind the last node
//! is somebody else's memory. In pickles `pickle::judge::structure` asks the same of the same nodes.

use super::header::{Column, columns};

/// What is wrong with the nodes of a tree, if `header` describes such nodes.
pub(super) fn fault(header: &str, data: &[u8]) -> Option<String> {
    let columns = columns(header)?;
    let column = |name: &str| columns.iter().find(|column| column.name == name);
    let width = columns.iter().map(|column| column.at + column.bytes).max().filter(|width| *width > 0)?;
    let (left, right) = match (column("left_child"), column("right_child")) {
        (Some(left), Some(right)) => (left, right),
        _ => (column("left")?, column("right")?),
    };
    let leaf = column("is_leaf");
    column("feature").or(column("feature_idx"))?;
    let count = i64::try_from(data.len() / width).ok()?;
    for (at, record) in (0i64..).zip(data.chunks_exact(width)) {
        let (left, right) = (int(record, left)?, int(record, right)?);
        let ends = match leaf {
            Some(leaf) => int(record, leaf)? != 0,
            None => (left, right) == (-1, -1),
        };
        if let Some(child) = [left, right].into_iter().find(|child| !ends && !(at + 1..count).contains(child))
        {
            return Some(format!("node {at} of a tree of {count} names {child} as what comes after it"));
        }
    }
    None
}

/// A whole number of a record.
fn int(record: &[u8], column: &Column<'_>) -> Option<i64> {
    let mut bytes = record.get(column.at..column.at.checked_add(column.bytes)?)?.to_vec();
    if column.highest_first {
        bytes.reverse();
    }
    let negative = column.kind == 'i' && bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut whole = [if negative { 0xff } else { 0 }; 8];
    whole.get_mut(..bytes.len())?.copy_from_slice(&bytes);
    Some(i64::from_le_bytes(whole))
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn a_tree_leads_down_and_ends() {
        let header = "{'descr': [('left_child', '<i8'), ('right_child', '<i8'), ('feature', '<i8')], \
                      'fortran_order': False, 'shape': (3,), }";
        let nodes = |nodes: [[i64; 3]; 3]| -> Vec<u8> {
            nodes.iter().flatten().flat_map(|number| number.to_le_bytes()).collect()
        };
        assert_eq!(fault(header, &nodes([[1, 2, 0], [-1, -1, -2], [-1, -1, -2]])), None);
        for broken in [[[1, 0, 0], [-1, -1, -2], [-1, -1, -2]], [[1, 3, 0], [-1, -1, -2], [-1, -1, -2]]] {
            assert!(fault(header, &nodes(broken)).is_some(), "{broken:?}");
        }
    }

    #[test]
    fn headers_are_read_as_numpy_reads_them() {
        let header = "{\"descr\" : [(\"left_child\", '>i8'), ('right_child', '>i8'), ('feature', '>i8')], \
                      'fortran_order': False, 'shape': (1,), }";
        let node: Vec<u8> = [0i64, 0, 0].iter().flat_map(|number| number.to_be_bytes()).collect();
        assert!(fault(header, &node).is_some());
    }

    #[test]
    fn leaves_of_gradient_boosting_have_no_children() {
        let header = "{'descr': [('feature_idx', '<i4'), ('left', '<u4'), ('right', '<u4'), ('is_leaf', '|u1')], \
                      'fortran_order': False, 'shape': (2,), }";
        let node =
            |left: u32, leaf: u8| [&[0; 4], &left.to_le_bytes()[..], &left.to_le_bytes(), &[leaf]].concat();
        assert_eq!(fault(header, &[node(1, 0), node(0, 1)].concat()), None);
        assert!(fault(header, &[node(1, 0), node(0, 0)].concat()).is_some());
    }
}
