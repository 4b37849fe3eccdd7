//! Models whose answers depend on which row of the data a question comes from: what else they take goes with that row.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::sync::Mutex;

use proofhouse_onnx::{OnnxError, OutputKind, Scores};
use proofhouse_robustness::decision::{HopSkipJump, Starts};
use proofhouse_robustness::{
    Attack, Counting, LabelledRows, Norm, Square, Threat, Victim, curve, evade, evade_in_groups, probe,
};

/// Class 1 where the mean of a row is above a threshold that goes with the row it comes from.
struct Thresholds {
    thresholds: Vec<f32>,
    attended: Mutex<Vec<usize>>,
}

impl Scores for Thresholds {
    fn classes(&self) -> usize {
        2
    }

    fn input_shape(&self) -> &[usize] {
        &[4]
    }

    fn kind(&self) -> OutputKind {
        OutputKind::Logits
    }

    fn scores(&self, rows: &[f32], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        let attended = self.attended.lock().unwrap().clone();
        assert!(attended.len() == 1 || attended.len() == n, "{attended:?} for {n} questions");
        out.clear();
        for (at, row) in rows.chunks_exact(4).enumerate() {
            let own = attended[if attended.len() == 1 { 0 } else { at }];
            let over = row.iter().sum::<f32>() / 4.0 - self.thresholds[own];
            out.extend([-over, over]);
        }
        Ok(())
    }

    fn attend(&self, rows: &[usize]) -> bool {
        *self.attended.lock().unwrap() = rows.to_vec();
        true
    }
}

#[test]
fn each_row_is_attacked_with_what_goes_with_it() {
    // The distance to the threshold grows from row to row.
    let n = 40;
    let margin = |row: usize| 0.005 * row as f32 + 0.002;
    let mean = |row: usize| 0.3 + 0.4 * (row * 7 % n) as f32 / n as f32;
    let labels: Vec<usize> = (0..n).map(|row| row % 2).collect();
    let side = |row: usize| if labels[row] == 1 { -margin(row) } else { margin(row) };
    let thresholds = (0..n).map(|row| mean(row) + side(row)).collect();
    let model = Thresholds { thresholds, attended: Mutex::new(Vec::new()) };
    let rows: Vec<f32> = (0..n).flat_map(|row| [mean(row); 4]).collect();
    let data = LabelledRows::new(&rows, &labels);
    let (victim, counting) = (Victim::black_box(&model), Counting::default());
    let threat = Threat::new(Norm::Linf, 0.1);
    let square = Square::new(400, 3);
    let walk =
        HopSkipJump::new(Starts { rows: (0..8).map(|v| (v / 4) as f32).collect(), labels: vec![0, 1] });
    let diagnosis = probe(&victim, &data, &threat, 0).unwrap();
    assert!(diagnosis.flags.is_empty(), "{diagnosis:?}");
    for attack in [&square as &dyn Attack, &walk] {
        let report = evade(&victim, &data, &threat, &[attack], &counting, &mut |_| {}).unwrap();
        // Those within reach fall, and no others.
        assert_eq!((report.n, report.attacked), (40, 40), "{}", attack.name());
        assert_eq!(report.evaded_rows, (0..20).collect::<Vec<_>>(), "{}", attack.name());
        assert_eq!((report.unconfirmed, report.undefined), (0, 0));
        let mut told = Vec::new();
        let grouped = evade_in_groups(&victim, &data, &threat, &[attack], &counting, 7, &mut |p| {
            told.push(p.rows_done);
        });
        assert_eq!(grouped.unwrap().report, report, "{}", attack.name());
        assert!(told.is_sorted() && told.iter().all(|done| *done <= 40), "progress goes forward");
    }
    let points = curve(&victim, &data, &[0.05, 0.1], &threat, &[&square], &counting, &mut |_| {}).unwrap();
    assert_eq!(points.iter().map(|p| p.evaded).collect::<Vec<_>>(), [10, 20]);
}
