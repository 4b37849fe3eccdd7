//! Models of CRFsuite: conditional random fields for sequences of words.
//!
//! A head says where five parts lie: weights of features, two databases of names (labels and attributes), and which
//! features each of those has. Loading a model follows these numbers without a check, so each is checked here, and every
//! byte has to be one of a part. Source: `lib/crf/src/crf1d_model.c` and `lib/cqdb/src/cqdb.c` of CRFsuite 0.12, held
//! against models of python-crfsuite 0.9.

use std::ops::Range;

use crate::ArtifactError;
use crate::cursor::Cursor;

const NAME: &str = "CRFsuite";
/// Two databases' tables by the lowest byte of a hash.
const TABLES: u64 = 256;
/// Bytes of a feature: its kind, where it leads from and to, its weight.
const FEATURE: u64 = 20;
/// Bytes before the features.
const HEAD: u64 = 48;

/// Whether bytes begin as a model does.
#[must_use]
pub fn is_model(bytes: &[u8]) -> bool {
    bytes.starts_with(b"lCRF") && bytes.get(8..12) == Some(b"FOMC")
}

/// What a model holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    /// Where names of labels and attributes lie.
    pub names: Vec<Range<usize>>,
    /// Features whose weight is no number.
    pub broken: u64,
}

/// Reads a model.
///
/// # Errors
/// A part lies where it cannot, names what is not there, or bytes belong to no part.
pub fn parse(bytes: &[u8]) -> Result<Model, ArtifactError> {
    let mut head = Cursor::new(NAME, bytes, 0);
    head.take(4)?;
    if u64::from(head.u32()?) != bytes.len() as u64 {
        return Err(head.error(format!("the model is said to be longer or shorter than {}", bytes.len())));
    }
    head.take(4)?;
    if head.u32()? != 100 {
        return Err(head.error("the model is of a version that is not known"));
    }
    // Features are counted where they lie; here writers leave a zero.
    head.u32()?;
    let (labels, attributes) = (u64::from(head.u32()?), u64::from(head.u32()?));
    let mut parts = [0; 5];
    for part in &mut parts {
        *part = u64::from(head.u32()?);
    }
    let [features_at, labels_at, attributes_at, label_features_at, attribute_features_at] = parts;
    let mut model = Model::default();
    let mut own = Own { bytes, ranges: vec![(0, HEAD)], left: bytes.len() as u64 };
    let count = features(&mut own, features_at, (labels, attributes), &mut model)?;
    for (at, names) in [(labels_at, labels), (attributes_at, attributes)] {
        database(&mut own, at, names, &mut model)?;
    }
    // A label before the first and one behind the last have features as well.
    for (at, names, kind, more) in
        [(label_features_at, labels, b"LFRF", 2), (attribute_features_at, attributes, b"AFRF", 0)]
    {
        lists(&mut own, at, names.saturating_add(more), *kind, count)?;
    }
    own.whole()?;
    Ok(model)
}

/// Bytes that parts have taken.
struct Own<'a> {
    bytes: &'a [u8],
    ranges: Vec<(u64, u64)>,
    /// Bytes that may still be taken: parts that overlap take more than there are.
    left: u64,
}

impl<'a> Own<'a> {
    /// Reads `length` bytes from `at` on, which nothing else may be.
    fn take(&mut self, at: u64, length: u64) -> Result<Cursor<'a>, ArtifactError> {
        let start = usize::try_from(at).ok().filter(|start| *start <= self.bytes.len());
        let rest = start.and_then(|start| self.bytes.get(start..)).unwrap_or_default();
        let slice = Cursor::new(NAME, rest, at).take(length)?;
        self.left = self.left.checked_sub(length).ok_or_else(|| overlap(at))?;
        if length > 0 {
            self.ranges.push((at, at.saturating_add(length)));
        }
        Ok(Cursor::new(NAME, slice, at))
    }

    /// Every byte has to be one of one part; up to three zeros align the next.
    fn whole(mut self) -> Result<(), ArtifactError> {
        self.ranges.sort_unstable();
        let end = self.bytes.len() as u64;
        let mut covered = 0;
        for (from, to) in self.ranges.into_iter().chain(std::iter::once((end, end))) {
            let gap = usize::try_from(covered).ok().zip(usize::try_from(from).ok());
            let gap = gap.and_then(|(covered, from)| self.bytes.get(covered..from));
            if gap.is_none_or(|gap| gap.len() > 3 || gap.iter().any(|byte| *byte != 0)) {
                let none = || ArtifactError::malformed(NAME, covered, "bytes belong to no part");
                return Err(if from < covered { overlap(from) } else { none() });
            }
            covered = to;
        }
        Ok(())
    }
}

fn overlap(at: u64) -> ArtifactError {
    ArtifactError::malformed(NAME, at, "bytes are of two parts")
}

/// The kind, size and count that a part begins with.
fn part(own: &mut Own<'_>, at: u64, kind: [u8; 4]) -> Result<(u64, u64), ArtifactError> {
    let mut head = own.take(at, 12)?;
    if head.array()? != kind {
        return Err(head.error("a part is of another kind than it should be"));
    }
    let (size, count) = (u64::from(head.u32()?), u64::from(head.u32()?));
    Ok((size, count))
}

fn features(
    own: &mut Own<'_>,
    at: u64,
    (labels, attributes): (u64, u64),
    model: &mut Model,
) -> Result<u64, ArtifactError> {
    let (size, count) = part(own, at, *b"FEAT")?;
    if count.saturating_mul(FEATURE).saturating_add(12) != size {
        return Err(ArtifactError::malformed(NAME, at, format!("{count} features are not {size} bytes")));
    }
    let mut all = own.take(at + 12, count * FEATURE)?;
    for _ in 0..count {
        let (kind, from, to) = (all.u32()?, u64::from(all.u32()?), u64::from(all.u32()?));
        let sources = match kind {
            0 => attributes,
            // From one label to the next.
            1 => labels,
            _ => return Err(all.error(format!("a feature is of the kind {kind}"))),
        };
        if from >= sources || to >= labels {
            return Err(all.error("a feature leads to what is not there"));
        }
        model.broken += u64::from(!f64::from_le_bytes(all.array()?).is_finite());
    }
    Ok(count)
}

/// A database of names: records, tables by hashes of names, and records by numbers.
fn database(own: &mut Own<'_>, at: u64, names: u64, model: &mut Model) -> Result<(), ArtifactError> {
    let mut head = own.take(at, 24 + 8 * TABLES)?;
    if head.array()? != *b"CQDB" {
        return Err(head.error("a database has no magic number"));
    }
    let size = u64::from(head.u32()?);
    // Of flags there is one, by which nothing is written backward.
    let backward = head.u32()? & 1 == 0;
    if head.u32()? != 0x6244_5371 {
        return Err(head.error("a database is in another order of bytes"));
    }
    let (numbers, numbers_at) = (u64::from(head.u32()?), u64::from(head.u32()?));
    let inside = |from: u64, length: u64| from.checked_add(length).is_some_and(|end| end <= size);
    let mut records = Vec::new();
    for _ in 0..TABLES {
        let (table_at, buckets) = (u64::from(head.u32()?), u64::from(head.u32()?));
        if !inside(table_at, buckets * 8) {
            return Err(head.error("a table lies outside of its database"));
        }
        let mut table = own.take(at + table_at, if table_at == 0 { 0 } else { buckets * 8 })?;
        while table.left() > 0 {
            table.u32()?;
            records.extend(Some(u64::from(table.u32()?)).filter(|record| *record > 0));
        }
    }
    records.sort_unstable();
    for record in &records {
        if !inside(*record, 8) {
            return Err(head.error("a name lies outside of its database"));
        }
        let mut name = own.take(at + record, 8)?;
        let (number, length) = (u64::from(name.u32()?), u64::from(name.u32()?));
        if number >= names || length == 0 || !inside(record + 8, length) {
            return Err(name.error("a name has no such number, or does not end"));
        }
        let text = own.take(at + record + 8, length)?.rest();
        if text.iter().position(|byte| *byte == 0) != Some(text.len() - 1) {
            return Err(name.error("a name ends before its length or behind it"));
        }
        let start = usize::try_from(at + record + 8).unwrap_or(usize::MAX);
        model.names.push(start..start.saturating_add(text.len() - 1));
    }
    if !backward || numbers_at == 0 {
        return Ok(());
    }
    if numbers > names || !inside(numbers_at, numbers * 4) {
        return Err(head.error("the numbers of a database lie outside of it"));
    }
    let mut by_number = own.take(at + numbers_at, numbers * 4)?;
    for _ in 0..numbers {
        let record = u64::from(by_number.u32()?);
        if record != 0 && records.binary_search(&record).is_err() {
            return Err(by_number.error("a number leads to no name"));
        }
    }
    Ok(())
}

/// Lists of features, one for each of `most` names at the most.
fn lists(own: &mut Own<'_>, at: u64, most: u64, kind: [u8; 4], features: u64) -> Result<(), ArtifactError> {
    let (size, count) = part(own, at, kind)?;
    if count > most {
        return Err(ArtifactError::malformed(NAME, at, "there are more lists of features than names"));
    }
    let mut places = own.take(at + 12, count * 4)?;
    for _ in 0..count {
        let list_at = u64::from(places.u32()?);
        if list_at == 0 {
            continue;
        }
        let length = u64::from(own.take(list_at, 4)?.u32()?);
        let mut list = own.take(list_at + 4, length.saturating_mul(4))?;
        if list_at < at || list_at + 4 + length * 4 > at.saturating_add(size) {
            return Err(list.error("a list of features lies outside of its part"));
        }
        while list.left() > 0 {
            if u64::from(list.u32()?) >= features {
                return Err(list.error("a list names a feature that is not there"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Written by python-crfsuite 0.9.
    const MODEL: &[u8] = include_bytes!("../tests/fixtures/tags.crfsuite");

    #[test]
    fn every_byte_of_a_model_is_one_of_a_part() {
        assert!(is_model(MODEL));
        let model = parse(MODEL).unwrap();
        let names: Vec<&[u8]> = model.names.iter().map(|range| &MODEL[range.clone()]).collect();
        assert!(names.contains(&&b"A"[..]) && names.contains(&&b"bias"[..]), "{names:?}");
        assert_eq!(model.broken, 0);
        for cut in [1, 40, MODEL.len() / 2] {
            assert!(parse(&MODEL[..MODEL.len() - cut]).is_err());
        }
        let mut longer = [MODEL, b"#!/bin/sh\nls"].concat();
        let length = (longer.len() as u32).to_le_bytes();
        longer[4..8].copy_from_slice(&length);
        assert!(parse(&longer).is_err());
    }

    #[test]
    fn what_leads_out_is_told_and_so_are_weights_that_are_none() {
        let bend = |at: usize, to: &[u8]| {
            let mut bytes = MODEL.to_vec();
            bytes[at..at + to.len()].copy_from_slice(to);
            parse(&bytes)
        };
        // The first feature: where it leads from, and to.
        for at in [64, 68] {
            assert!(bend(at, &9999u32.to_le_bytes()).is_err());
        }
        assert_eq!(bend(72, &f64::NAN.to_le_bytes()).unwrap().broken, 1);
        let database = MODEL.windows(4).position(|w| w == b"CQDB").unwrap();
        let table = (0..256).map(|n| database + 24 + 8 * n).find(|at| MODEL[at + 4] != 0).unwrap();
        assert!(bend(table, &0x00ff_ffffu32.to_le_bytes()).is_err());
        assert!(bend(table + 4, &u32::MAX.to_le_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn bent_models_end(edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
            let mut bytes = MODEL.to_vec();
            for (at, to) in edits {
                bytes[at.index(MODEL.len())] = to;
            }
            let _ = parse(&bytes);
        }
    }
}
