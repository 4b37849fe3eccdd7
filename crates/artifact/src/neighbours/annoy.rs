//! Indexes of Annoy: nodes of one size back to back, and no head.
//!
//! Neither the kind of distance nor the number of elements is written. A layout is proven where it explains all nodes:
//! first the vectors, one a node; then trees, each of whose nodes has one parent, whose leaves are vectors and whose counts
//! add up; last a copy of each root. Nothing but an index does that for some size of its nodes.

use super::{Index, word};

/// Bytes before the vector of a node, and before its children: angular distance, the others, and the scalar product
/// since 1.17.2.
const LAYOUTS: [(usize, usize); 4] = [(12, 4), (16, 8), (16, 4), (24, 4)];
/// Sizes of nodes that are tried.
const LARGEST_NODE: usize = 4 * (1 << 16) + 24;
/// Vectors below which a layout may fit by chance.
const FEW: usize = 8;

/// Reads an index; `None` for what no layout explains. An index whose trees lead where nothing is has faults.
#[must_use]
pub fn parse(bytes: &[u8]) -> Option<Index> {
    let mut nearly = None;
    for size in
        (16..=LARGEST_NODE.min(bytes.len())).step_by(4).filter(|size| bytes.len().is_multiple_of(*size))
    {
        let Some(items) = items(bytes, size) else { continue };
        for (head, children) in LAYOUTS.into_iter().filter(|(head, _)| *head < size) {
            let layout = Layout { bytes, size, head, children, items };
            match layout.read() {
                Ok(()) => return Some(layout.index()),
                Err((at, what)) if items >= FEW && nearly.is_none() => {
                    let mut index = layout.index();
                    index.fault(at as u64, what);
                    nearly = Some(index);
                }
                Err(_) => {}
            }
        }
    }
    nearly
}

/// How many vectors there are, where nodes of that size begin with as many.
fn items(bytes: &[u8], size: usize) -> Option<usize> {
    let nodes = bytes.len() / size;
    let items = usize::try_from(word(bytes, (nodes - 1) * size)?).ok()?;
    if items == 0 || items + 2 > nodes {
        return None;
    }
    let item = |number: usize| {
        let node = bytes.get(number * size..(number + 1) * size).unwrap_or_default();
        match word(node, 0) {
            Some(1) => true,
            // Numbers of vectors may leave some out.
            Some(0) => node.iter().all(|byte| *byte == 0),
            _ => false,
        }
    };
    (0..items).all(item).then_some(items)
}

struct Layout<'a> {
    bytes: &'a [u8],
    size: usize,
    head: usize,
    children: usize,
    items: usize,
}

type Fault = (usize, &'static str);

impl Layout<'_> {
    fn index(&self) -> Index {
        let mut index = Index { end: self.bytes.len() as u64, ..Index::default() };
        index.vectors = (0..self.items)
            .map(|number| {
                let at = (number * self.size) as u64;
                (at + self.head as u64..at + self.size as u64, true)
            })
            .collect();
        index
    }

    fn node(&self, number: usize) -> &[u8] {
        self.bytes.get(number * self.size..(number + 1) * self.size).unwrap_or_default()
    }

    fn count(&self, number: usize) -> usize {
        word(self.node(number), 0).map_or(0, |count| count as usize)
    }

    /// Children of an inner node: two, or as many vectors as it counts.
    fn below(&self, number: usize) -> (bool, impl Iterator<Item = usize>) {
        let room = (self.size - self.children) / 4;
        let count = self.count(number);
        let bucket = count <= room;
        let node = self.node(number);
        let children = (0..if bucket { count } else { 2 })
            .map(move |n| word(node, self.children + 4 * n).map_or(usize::MAX, |child| child as usize));
        (bucket, children.collect::<Vec<_>>().into_iter())
    }

    fn read(&self) -> Result<(), Fault> {
        let nodes = self.bytes.len() / self.size;
        let same = (self.items..nodes).rev().take_while(|n| self.count(*n) == self.items).count();
        // The last root may stand right before the copies; where all is in one leaf, all roots do.
        let mut fault = (self.items * self.size, "there are no copies of the roots");
        for copies in [same / 2, same - 1, same] {
            if copies == 0 || copies >= nodes - self.items {
                continue;
            }
            match self.trees(nodes - copies, copies) {
                Ok(()) => return Ok(()),
                Err(found) => fault = found,
            }
        }
        Err(fault)
    }

    /// Holds the nodes up to `end`, and the copies of roots behind it, against one another.
    fn trees(&self, end: usize, copies: usize) -> Result<(), Fault> {
        let mut parents = vec![0u8; end - self.items];
        for number in self.items..end {
            let (bucket, below) = self.below(number);
            for child in below {
                let inner = child.checked_sub(self.items);
                match inner.map(|inner| parents.get_mut(inner)) {
                    None if self.count(child) == 1 => {}
                    Some(Some(parent)) if !bucket && *parent == 0 => *parent = 1,
                    _ => {
                        return Err((
                            number * self.size,
                            "a child of a node is not there, or one of two nodes",
                        ));
                    }
                }
            }
        }
        let roots: Vec<usize> =
            (self.items..end).filter(|number| parents.get(number - self.items) == Some(&0)).collect();
        // Threads that build trees end in any order.
        let sorted = |numbers: &mut dyn Iterator<Item = usize>| {
            let mut nodes: Vec<&[u8]> = numbers.map(|number| self.node(number)).collect();
            nodes.sort_unstable();
            nodes
        };
        let copied =
            roots.len() == copies && sorted(&mut roots.iter().copied()) == sorted(&mut (end..end + copies));
        if !copied {
            return Err((end * self.size, "the copies of the roots are others"));
        }
        let mut seen = 0;
        let mut open: Vec<(usize, bool)> = roots.into_iter().map(|root| (root, true)).collect();
        while let Some((number, root)) = open.pop() {
            seen += 1;
            let (bucket, below) = self.below(number);
            let mut sum = 0;
            for child in below {
                if child < self.items {
                    sum += 1;
                } else {
                    sum += self.count(child);
                    open.push((child, false));
                }
            }
            let fits =
                if root { self.count(number) == self.items } else { sum == self.count(number) || bucket };
            if !fits {
                return Err((number * self.size, "a node does not have as many vectors below it as it says"));
            }
        }
        if seen != end - self.items {
            return Err((self.items * self.size, "nodes belong to no tree"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Ten vectors of two numbers under a tree of three nodes and one of a single leaf.
    fn written() -> Vec<u8> {
        let node = |words: [u32; 10]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
        let mut nodes: Vec<Vec<u8>> = (0..20).map(|n| node([1, 0, 0, n, 5, 6, 7, 8, 9, 10])).collect();
        let left = node([9, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        let right = node([9, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
        let low = node([18, 20, 21, 1, 2, 3, 4, 5, 6, 7]);
        let rest = node([2, 18, 19, 0, 0, 0, 0, 0, 0, 0]);
        let root = node([20, 22, 23, 1, 2, 3, 4, 5, 6, 7]);
        nodes.extend([left, right, low, rest, root.clone(), root]);
        nodes.concat()
    }

    #[test]
    fn a_layout_is_proven_by_its_trees() {
        let bytes = written();
        let index = parse(&bytes).unwrap();
        assert_eq!((index.end, index.faults.len(), index.vectors.len()), (bytes.len() as u64, 0, 20));
        // A child that is not there, a child of two parents, a count, a copy that differs, a vector that is none.
        for (node, place, value) in [(22, 1, 999u32), (22, 1, 21), (22, 0, 17), (25, 5, 9), (20, 3, 900)] {
            let mut bent = written();
            bent[node * 40 + place * 4..][..4].copy_from_slice(&value.to_le_bytes());
            assert!(parse(&bent).is_none_or(|index| !index.faults.is_empty()), "{node} {place}");
        }
        let mut longer = written();
        longer.extend([1u8; 40]);
        assert!(parse(&longer).is_none_or(|index| !index.faults.is_empty()));
        assert_eq!(parse(&[0; 4096]), None);
        assert_eq!(parse(b""), None);
    }

    proptest! {
        #[test]
        fn arbitrary_numbers_end(words in proptest::collection::vec(0u32..12, 0..200)) {
            let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
            if let Some(index) = parse(&bytes) {
                prop_assert_eq!(index.end, bytes.len() as u64);
            }
        }
    }
}
