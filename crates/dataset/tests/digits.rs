//! The checks on real data: 1,797 handwritten digits.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; the lint knows test functions, not their helpers"
)]

use std::collections::BTreeSet;

use proofhouse_core::Verdict;
use proofhouse_dataset::checks::{
    LabelNoiseRules, LeakageRules, QualityRules, label_noise, leakage, quality,
};
use proofhouse_dataset::{Column, ColumnData, Features, Records, Table, class_labels, numeric_matrix};

const DIGITS: &[u8] = include_bytes!("data/digits.u8");

fn table(rows: std::ops::Range<usize>) -> Table {
    let rows: Vec<&[u8]> = DIGITS.chunks_exact(65).skip(rows.start).take(rows.len()).collect();
    let column = |name: String, at: usize| Column {
        name,
        data: ColumnData::Int(rows.iter().map(|r| Some(i64::from(r[at]))).collect()),
        nullable: false,
    };
    let mut columns: Vec<Column> = (0..64).map(|i| column(format!("pixel_{i}"), i)).collect();
    columns.push(column("label".to_owned(), 64));
    Table::new(columns).unwrap()
}

fn pixels() -> Vec<String> {
    (0..64).map(|i| format!("pixel_{i}")).collect()
}

fn train() -> (Features, Vec<usize>) {
    let table = table(0..1297);
    (numeric_matrix(&table, &pixels(), 1.0 / 16.0).unwrap(), class_labels(&table, "label", 10).unwrap())
}

/// Flips a share of labels to another class, seeded.
fn flip(labels: &mut [usize], share: f64) -> BTreeSet<usize> {
    let mut state = 20_261_123u64;
    let mut draw = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n as u64) as usize
    };
    let mut flipped = BTreeSet::new();
    while (flipped.len() as f64) < share * labels.len() as f64 {
        let row = draw(labels.len());
        if flipped.insert(row) {
            labels[row] = (labels[row] + 1 + draw(9)) % 10;
        }
    }
    flipped
}

#[test]
fn planted_flips_are_found() {
    let (features, mut labels) = train();
    let flipped = flip(&mut labels, 0.05);
    let found = label_noise(&features, &labels, &LabelNoiseRules::default());
    let hits = found.suspects.iter().filter(|s| flipped.contains(&s.row)).count() as f64;
    let (recall, precision) = (hits / flipped.len() as f64, hits / found.suspects.len() as f64);
    assert!(recall >= 0.95 && precision >= 0.7, "recall {recall}, precision {precision}");
    assert_eq!(found.outcome.verdict, Verdict::Fail);
}

#[test]
fn clean_labels_pass() {
    let (features, labels) = train();
    let found = label_noise(&features, &labels, &LabelNoiseRules::default());
    assert_eq!(found.outcome.verdict, Verdict::Pass, "{:?}", found.outcome.measurements);
}

#[test]
fn too_few_rows_are_unknown() {
    let small = table(0..8);
    let features = numeric_matrix(&small, &pixels(), 1.0).unwrap();
    let labels = class_labels(&small, "label", 10).unwrap();
    assert_eq!(
        label_noise(&features, &labels, &LabelNoiseRules::default()).outcome.verdict,
        Verdict::Unknown
    );
}

#[test]
fn the_split_does_not_leak_and_a_planted_leak_is_found() {
    let (train, test) = (table(0..1297), table(1297..1797));
    let rules = LeakageRules::default();
    assert_eq!(leakage(&train, &test, &pixels(), &rules).unwrap().outcome.verdict, Verdict::Pass);
    let overlapping = leakage(&train, &table(1280..1780), &pixels(), &rules).unwrap();
    assert_eq!(overlapping.leaks.len(), 17);
    assert_eq!((overlapping.leaks[3].test_row, overlapping.leaks[3].train_row), (3, 1283));
    assert_eq!(overlapping.outcome.verdict, Verdict::Fail);
}

#[test]
fn the_digits_are_usable() {
    let rules = QualityRules {
        label: Some("label".into()),
        label_domain: (0..10).map(|d| d.to_string()).collect(),
        ranges: pixels().into_iter().map(|p| (p, (0.0, 16.0))).collect(),
        min_class_share: 0.05,
        ..QualityRules::default()
    };
    let outcome = quality("digits", &table(0..1797), &rules).unwrap();
    assert_eq!(outcome.verdict, Verdict::Pass);
    // Three corner pixels are never written on.
    assert!(outcome.findings.iter().all(|f| f.rule == "dataset/constant-column"));
    assert_eq!(outcome.findings.len(), 3);
}

#[test]
fn a_flipped_label_is_named_by_its_row() {
    let before = table(0..300);
    let mut columns = before.columns().to_vec();
    if let Some(Column { data: ColumnData::Int(labels), .. }) = columns.last_mut() {
        labels[42] = Some((labels[42].unwrap() + 1) % 10);
    }
    let after = Table::new(columns).unwrap();
    let is_label = |c: &str| c == "label";
    let rows = |t: &Table| Records::over(t, is_label);
    assert_eq!(rows(&before).changed_rows(&rows(&after)), [42]);
    assert_eq!(
        Records::over(&before, |c| !is_label(c)).root(),
        Records::over(&after, |c| !is_label(c)).root()
    );
}
