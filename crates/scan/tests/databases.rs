//! Databases of TensorStore: what Orbax writes is clean to the last byte, and what they hide is told.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail the test by panicking")]

use std::fs;
use std::path::PathBuf;

use proofhouse_artifact::crc32c::crc32c;
use proofhouse_scan::{Limits, Outcome, ScanReport, scan_tree};

mod folder;

/// Checkpoints of two matrices and a number, written by Orbax 0.11.
const WRITTEN: [&str; 2] = ["zarr2", "zarr3"];

fn files(of: &str) -> Vec<(String, Vec<u8>)> {
    folder::files(&format!("orbax/{of}"))
}

fn scan(files: &[(String, Vec<u8>)]) -> ScanReport {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path: PathBuf = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    scan_tree(dir.path(), &Limits::default(), &|_| {}).unwrap()
}

fn told(report: &ScanReport, rule: &str) -> bool {
    report.findings.iter().any(|finding| finding.rule == rule)
}

#[test]
fn what_orbax_writes_is_clean_to_the_last_byte() {
    for written in WRITTEN {
        let report = scan(&files(written));
        assert_eq!(report.outcome, Outcome::Clean, "{:#?}", report.findings);
        assert!(report.files.iter().all(|file| file.covered_bytes == file.size));
    }
}

#[test]
fn nothing_added_bent_or_taken_away_stays_clean() {
    for written in WRITTEN {
        let whole = files(written);
        for index in 0..whole.len() {
            if !whole[index].0.contains("/d/") && !whole[index].0.ends_with("manifest.ocdbt") {
                continue;
            }
            let changed = |change: &dyn Fn(&mut Vec<u8>)| {
                let mut files = whole.clone();
                change(&mut files[index].1);
                scan(&files).outcome
            };
            let name = &whole[index].0;
            assert!(changed(&|bytes| bytes.extend(b"#!/bin/sh\ntrue\n")) >= Outcome::Suspicious, "{name}");
            assert!(changed(&|bytes| bytes.truncate(bytes.len() - 1)) > Outcome::Clean, "{name}");
            let middle = |bytes: &mut Vec<u8>| {
                let at = bytes.len() / 2;
                bytes[at] ^= 0x55;
            };
            // Numbers have no checksum; what holds them has.
            if proofhouse_artifact::ocdbt::is_ocdbt(&whole[index].1) {
                assert!(changed(&middle) >= Outcome::Suspicious, "{name}");
            }
            let mut fewer = whole.clone();
            fewer.remove(index);
            assert!(scan(&fewer).outcome > Outcome::Clean, "{name}");
        }
    }
}

#[test]
fn a_part_alone_is_not_clean() {
    for (name, bytes) in files("zarr2") {
        if name.contains("/d/") || name.ends_with("manifest.ocdbt") {
            assert!(scan(&[("part.bin".to_owned(), bytes)]).outcome > Outcome::Clean, "{name}");
        }
    }
}

/// A frame that is not packed.
fn frame(magic: u32, inner: &[u8]) -> Vec<u8> {
    let length = (inner.len() + 18) as u64;
    let mut bytes = [&magic.to_be_bytes()[..], &length.to_le_bytes(), &[0, 0], inner].concat();
    bytes.extend(crc32c(&bytes).to_le_bytes());
    bytes
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A table of one file.
fn table(path: &str) -> Vec<u8> {
    [vec![1], varint(path.len() as u64), vec![0], path.as_bytes().to_vec()].concat()
}

/// A node of values that it holds itself.
fn leaf(values: &[(&str, &[u8])]) -> Vec<u8> {
    let mut inner = vec![0, 0];
    inner.extend(varint(values.len() as u64));
    inner.extend(vec![0; values.len() - 1]);
    values.iter().for_each(|(key, _)| inner.extend(varint(key.len() as u64)));
    values.iter().for_each(|(key, _)| inner.extend(key.as_bytes()));
    values.iter().for_each(|(_, value)| inner.extend(varint(value.len() as u64)));
    inner.extend(vec![0; values.len()]);
    values.iter().for_each(|(_, value)| inner.extend(*value));
    frame(0x0cdb_20de, &inner)
}

/// An inner node of that height whose children are all the same stretch of a file.
fn inner(height: u8, path: &str, keys: &[&str], length: u64) -> Vec<u8> {
    let count = keys.len();
    let mut inner = vec![height];
    inner.extend(table(path));
    inner.extend(varint(count as u64));
    inner.extend(vec![0; count - 1]);
    keys.iter().for_each(|key| inner.extend(varint(key.len() as u64)));
    keys.iter().for_each(|key| inner.extend(varint(key.len() as u64)));
    keys.iter().for_each(|key| inner.extend(key.as_bytes()));
    inner.extend(vec![0; 2 * count]);
    keys.iter().for_each(|_| inner.extend(varint(length)));
    inner.extend(vec![0; 3 * count]);
    frame(0x0cdb_20de, &inner)
}

/// A manifest of one version whose root is the first `length` bytes of a file.
fn manifest(path: &str, height: u8, length: u64) -> Vec<u8> {
    let config = [&[7; 16][..], &[0, 100, 100, 4, 0]].concat();
    let mut inner = [config, table(path), vec![1, 1, height, 0, 0]].concat();
    inner.extend(varint(length));
    inner.extend([0, 0, 0]);
    inner.extend([0; 8]);
    inner.push(0);
    frame(0x0cdb_3a2a, &inner)
}

fn database(root: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let length = root.len() as u64;
    vec![("manifest.ocdbt".to_owned(), manifest("d/root", 0, length)), ("d/root".to_owned(), root)]
}

const ARRAY: &[u8] = br#"{"zarr_format":2,"shape":[4],"chunks":[4],"dtype":"<i4","compressor":null,"filters":null,"fill_value":0,"order":"C"}"#;
const PICKLE: &[u8] = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.";

#[test]
fn values_are_what_their_arrays_say() {
    let numbers: &[u8] = &[1; 16];
    let with = |values: &[(&str, &[u8])]| scan(&database(leaf(values)));
    let sound = with(&[("w/.zarray", ARRAY), ("w/0", numbers)]);
    assert_eq!(sound.outcome, Outcome::Clean, "{:#?}", sound.findings);
    assert!(told(&with(&[("w/.zarray", ARRAY), ("w/0", &[1; 17])]), "tree/unlisted-bytes"));
    assert_eq!(with(&[("w/.zarray", ARRAY), ("w/x", PICKLE)]).outcome, Outcome::Malicious);
    let objects = String::from_utf8_lossy(ARRAY).replace("<i4", "|O");
    assert_eq!(with(&[("w/.zarray", objects.as_bytes()), ("w/0", PICKLE)]).outcome, Outcome::Malicious);
    // A chunk of no array.
    assert_eq!(with(&[("v/.zarray", ARRAY), ("w/0", &[1; 16])]).outcome, Outcome::Unscannable);
    let bytes =
        String::from_utf8_lossy(ARRAY).replace("<i4", "|u1").replace("[4]", &format!("[{}]", PICKLE.len()));
    assert_eq!(with(&[("w/.zarray", bytes.as_bytes()), ("w/0", PICKLE)]).outcome, Outcome::Malicious);
}

#[test]
fn paths_out_of_the_folder_are_told() {
    for path in ["../secret", "/etc/passwd", "d/../../x", "s3://somewhere/x", "d//x"] {
        let report = scan(&[("manifest.ocdbt".to_owned(), manifest(path, 0, 10))]);
        assert!(told(&report, "ocdbt/path"), "{path}");
    }
}

#[test]
fn nodes_that_share_what_is_below_end_and_are_not_clean() {
    // Six levels of 300 children each, all the same node under other keys: 300 to the sixth paths.
    let keys: Vec<String> = (0..300).map(|n| format!("{n:03}/")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let bottom = leaf(&[("w/.zarray", ARRAY), ("w/0", &[1; 16])]);
    let (mut below, mut length) = ("d/0".to_owned(), bottom.len() as u64);
    let mut files = vec![(below.clone(), bottom)];
    for height in 1..=6 {
        let node = inner(height, &below, &keys, length);
        (below, length) = (format!("d/{height}"), node.len() as u64);
        files.push((below.clone(), node));
    }
    files.push(("manifest.ocdbt".to_owned(), manifest(&below, 6, length)));
    let report = scan(&files);
    assert!(told(&report, "ocdbt/malformed"));
}

#[test]
fn a_node_that_is_named_often_is_followed_once() {
    let bottom = leaf(&[("w/.zarray", ARRAY)]);
    let keys = vec!["k/"; 1 << 14];
    let node = inner(1, "d/0", &keys, bottom.len() as u64);
    let files = |length| {
        vec![
            ("d/0".to_owned(), bottom.clone()),
            ("d/1".to_owned(), node.clone()),
            ("manifest.ocdbt".to_owned(), manifest("d/1", 1, length)),
        ]
    };
    let length = node.len() as u64;
    assert_eq!(scan(&files(length)).outcome, Outcome::Clean);
    assert!(told(&scan(&files(length - 1)), "ocdbt/malformed"));
}
