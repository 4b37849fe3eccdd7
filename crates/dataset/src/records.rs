//! Canonical record digests: what makes two rows the same row.
//!
//! A record is its column names, types and values; not the file's writer, row groups, compression, integer
//! width, nor the order of its columns. Per record
//!
//! leaf = SHA-256(`proofhouse.dataset-record.v1` ‖ digest of the columns' names and types in name order ‖ per
//! value: 0 for a null, or 1 ‖ integer as 8 bytes big-endian | float as its IEEE 754 bits | boolean as a byte | text with
//! its length)
//!
//! with −0 written as 0 and every NaN as the quiet NaN. A float and an integer of equal value differ: the type
//! is part of what a model was trained on.

use proofhouse_core::{Digest, Hasher};

use crate::merkle::{self, InclusionProof};
use crate::{Column, ColumnData, Table};

/// The record digests of a table, in row order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records {
    leaves: Vec<Digest>,
}

impl Records {
    /// Digests over all columns.
    #[must_use]
    pub fn of(table: &Table) -> Self {
        Self::over(table, |_| true)
    }

    /// Digests over the columns whose name `keep` accepts, such as the features alone or the labels alone.
    #[must_use]
    pub fn over(table: &Table, keep: impl Fn(&str) -> bool) -> Self {
        let mut columns: Vec<&Column> = table.columns().iter().filter(|c| keep(&c.name)).collect();
        columns.sort_by(|a, b| a.name.cmp(&b.name));
        let mut schema = Hasher::with_domain("proofhouse.dataset-schema.v1");
        for column in &columns {
            schema.field(column.name.as_bytes());
            schema.field(column.data.column_type().to_string().as_bytes());
        }
        let schema = schema.finish();
        let leaves = (0..table.rows())
            .map(|row| {
                let mut hasher = Hasher::with_domain("proofhouse.dataset-record.v1");
                hasher.update(schema.as_bytes());
                for column in &columns {
                    hash_value(&mut hasher, &column.data, row);
                }
                hasher.finish()
            })
            .collect();
        Self { leaves }
    }

    /// One digest per record, in row order.
    #[must_use]
    pub fn digests(&self) -> &[Digest] {
        &self.leaves
    }

    /// Digest over the records in their order: SHA-256(`proofhouse.dataset-records.v1` ‖ count ‖ Merkle root).
    #[must_use]
    pub fn root(&self) -> Digest {
        seal(self.leaves.len() as u64, merkle::root(&self.leaves))
    }

    /// Digest over the records whatever their order, repeats counted.
    ///
    /// The sorted digests are hashed, rather than added up: sums of digests can be forged once there are many.
    #[must_use]
    pub fn multiset(&self) -> Digest {
        let mut sorted = self.leaves.clone();
        sorted.sort_unstable();
        let mut hasher = Hasher::with_domain("proofhouse.dataset-multiset.v1");
        for leaf in &sorted {
            hasher.update(leaf.as_bytes());
        }
        hasher.finish()
    }

    /// Proof that record `index` belongs to the root; `None` beyond the last record.
    #[must_use]
    pub fn prove(&self, index: usize) -> Option<InclusionProof> {
        merkle::prove(&self.leaves, index)
    }

    /// Whether `proof` shows that `record` belongs to `root`.
    #[must_use]
    pub fn verify(root: &Digest, record: Digest, proof: &InclusionProof) -> bool {
        proof.root(record).is_some_and(|tree| seal(proof.leaves, Some(tree)) == *root)
    }

    /// Rows, counted from 0, whose digest differs from that of the same row of `other`, and rows that only one
    /// of them has.
    #[must_use]
    pub fn changed_rows(&self, other: &Self) -> Vec<usize> {
        let longer = self.leaves.len().max(other.leaves.len());
        (0..longer).filter(|row| self.leaves.get(*row) != other.leaves.get(*row)).collect()
    }
}

fn seal(count: u64, tree: Option<Digest>) -> Digest {
    let mut hasher = Hasher::with_domain("proofhouse.dataset-records.v1");
    hasher.update(&count.to_be_bytes());
    if let Some(tree) = tree {
        hasher.update(tree.as_bytes());
    }
    hasher.finish()
}

fn hash_value(hasher: &mut Hasher, data: &ColumnData, row: usize) {
    match data {
        ColumnData::Int(v) => match v.get(row).copied().flatten() {
            Some(x) => {
                hasher.update(&[1]);
                hasher.update(&x.to_be_bytes());
            }
            None => hasher.update(&[0]),
        },
        ColumnData::Float(v) => match v.get(row).copied().flatten() {
            Some(x) => {
                let x = if x.is_nan() { f64::from_bits(0x7ff8_0000_0000_0000) } else { x + 0.0 };
                hasher.update(&[1]);
                hasher.update(&x.to_bits().to_be_bytes());
            }
            None => hasher.update(&[0]),
        },
        ColumnData::Bool(v) => match v.get(row).copied().flatten() {
            Some(x) => hasher.update(&[1, u8::from(x)]),
            None => hasher.update(&[0]),
        },
        ColumnData::Text(v) => match v.get(row).and_then(Option::as_ref) {
            Some(x) => {
                hasher.update(&[1]);
                hasher.field(x.as_bytes());
            }
            None => hasher.update(&[0]),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, data: ColumnData) -> Column {
        Column { name: name.to_owned(), data, nullable: true }
    }

    fn floats(values: &[f64]) -> Table {
        Table::new(vec![column("x", ColumnData::Float(values.iter().copied().map(Some).collect()))]).unwrap()
    }

    fn ints(values: &[Option<i64>]) -> Table {
        Table::new(vec![column("x", ColumnData::Int(values.to_vec()))]).unwrap()
    }

    #[test]
    fn zeros_and_nans_have_one_spelling() {
        let odd_nan = f64::from_bits(0xfff8_0000_0000_0001);
        assert_eq!(Records::of(&floats(&[0.0, f64::NAN])), Records::of(&floats(&[-0.0, odd_nan])));
    }

    #[test]
    fn type_name_null_and_order_are_bound() {
        let base = Records::of(&ints(&[Some(1), Some(0)]));
        assert_ne!(base.root(), Records::of(&floats(&[1.0, 0.0])).root());
        assert_ne!(base.root(), Records::of(&ints(&[Some(1), None])).root());
        let swapped = Records::of(&ints(&[Some(0), Some(1)]));
        assert_ne!(base.root(), swapped.root());
        assert_eq!(base.multiset(), swapped.multiset());
        let twice = Records::of(&ints(&[Some(0), Some(1), Some(1)]));
        assert_ne!(base.multiset(), twice.multiset());
        assert_ne!(Records::of(&ints(&[])).root(), base.root());
    }

    #[test]
    fn column_order_does_not_matter_and_borders_do() {
        let a = || column("a", ColumnData::Text(vec![Some("x".into())]));
        let b = |s: &str| column("b", ColumnData::Text(vec![Some(s.to_owned())]));
        let ab = Table::new(vec![a(), b("yz")]).unwrap();
        let ba = Table::new(vec![b("yz"), a()]).unwrap();
        assert_eq!(Records::of(&ab).root(), Records::of(&ba).root());
        let moved = Table::new(vec![column("a", ColumnData::Text(vec![Some("xy".into())])), b("z")]).unwrap();
        assert_ne!(Records::of(&ab).root(), Records::of(&moved).root());
    }

    #[test]
    fn a_record_proves_itself() {
        let records = Records::of(&ints(&[Some(1), Some(2), Some(3), None, Some(5)]));
        let proof = records.prove(3).unwrap();
        assert!(Records::verify(&records.root(), records.digests()[3], &proof));
        assert!(!Records::verify(&records.root(), records.digests()[2], &proof));
        let lie = InclusionProof { leaves: 4, ..proof };
        assert!(!Records::verify(&records.root(), records.digests()[3], &lie));
    }
}
