//! Datasets that are not those the system file describes.

use std::fs;

use crate::scene::{Scene, text};

#[test]
fn another_dataset_than_the_one_described_is_denied_by_its_digest() {
    let scene = Scene::quick("other-data");
    fs::copy(scene.file("data/traffic-normal.parquet"), scene.file("data/test.parquet")).unwrap();
    let said = scene.proofhouse(&["gate", "."]).exits(1);
    said.prints(&["DENY", "dataset/provenance", "data/test.parquet", "sha256"]);
}

#[test]
fn a_file_that_is_no_parquet_or_only_half_of_one_is_named() {
    let scene = Scene::quick("no-parquet");
    let file = scene.file("data/test.parquet");
    let whole = fs::read(&file).unwrap();
    let text = b"image,label,p00\n1,2,3\n".to_vec();
    let mut footless = whole.clone();
    let end = footless.len() - 8;
    footless[end..end + 4].copy_from_slice(&[0xff; 4]);
    for bytes in [Vec::new(), text, whole[..whole.len() / 2].to_vec(), footless] {
        fs::write(&file, bytes).unwrap();
        scene.proofhouse(&["dataset", "data/test.parquet"]).refuses(&["data/test.parquet"]);
        scene.proofhouse(&["gate", "."]).refuses(&["data/test.parquet"]);
    }
    fs::remove_file(&file).unwrap();
    scene.proofhouse(&["gate", "."]).refuses(&["data/test.parquet"]);
    scene.verify_ledger().exits(0);
    scene.assert_nothing_half_written();
}

#[test]
fn a_dataset_without_the_columns_that_are_described_is_named_with_what_it_has() {
    let scene = Scene::quick("other-columns");
    scene.edit("features: { prefix: p, divide_by: 16 }", "features: { prefix: pixel_, divide_by: 16 }");
    scene.proofhouse(&["gate", "."]).refuses(&[
        "dataset train",
        "select 0 columns, the model reads 64",
        "p00",
    ]);
    let scene = Scene::quick("other-label");
    scene.edit("label: label", "label: digit");
    scene.proofhouse(&["gate", "."]).refuses(&["train", "digit"]);
    scene.proofhouse(&["dataset", "data/train.parquet", "--label", "digit"]).refuses(&["digit"]);
}

#[test]
fn every_changed_byte_of_a_dataset_is_an_answer_not_a_crash() {
    let scene = Scene::quick("flipped-bytes");
    let whole = fs::read(scene.file("data/test.parquet")).unwrap();
    let file = scene.beside("flipped.parquet");
    // Eight places spread over pages and footer; the dataset crate's property tests try many more.
    for at in (0..8).map(|i| (whole.len() - 1) * i / 7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        fs::write(&file, bytes).unwrap();
        let said = scene.proofhouse(&["dataset", text(&file)]);
        match said.code {
            // A changed value is another value: only the digest tells.
            Some(0) => assert!(said.out.contains("records"), "{said}"),
            _ => drop(said.refuses(&[text(&file)])),
        }
    }
}
