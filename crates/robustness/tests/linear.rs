//! A linear classifier has an exact answer: the margin of a row falls by at most eps times the 1-norm of the
//! difference of the two weight vectors, as far as the box allows. The attack may never claim more, and with
//! its full budget gets all of it.

use proofhouse_onnx::{OnnxError, OutputKind, Scores};
use proofhouse_robustness::{Counting, LabelledRows, Norm, Square, Threat, Victim, evade};
use proptest::prelude::*;

struct Linear {
    shape: Vec<usize>,
    weights: Vec<f32>,
}

impl Scores for Linear {
    fn classes(&self) -> usize {
        2
    }
    fn input_shape(&self) -> &[usize] {
        &self.shape
    }
    fn kind(&self) -> OutputKind {
        OutputKind::Logits
    }
    fn scores(&self, rows: &[f32], _: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        out.clear();
        for row in rows.chunks_exact(self.weights.len()) {
            let score: f64 = row.iter().zip(&self.weights).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
            out.extend([score as f32, 0.0]);
        }
        Ok(())
    }
}

/// The lowest score of class 0 within the ball and the box.
fn worst(row: &[f32], weights: &[f32], eps: f64) -> f64 {
    let reach = |x: f32, w: f32| {
        let x = f64::from(x);
        let to = if w > 0.0 { (x - eps).max(0.0) } else { (x + eps).min(1.0) };
        to * f64::from(w)
    };
    row.iter().zip(weights).map(|(x, w)| reach(*x, *w)).sum()
}

fn shapes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        Just(vec![12]),
        Just(vec![3, 4]),
        Just(vec![3, 2, 2]),
        Just(vec![1, 3, 4]),
        Just(vec![1, 2, 2, 3])
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_attack_claims_neither_more_nor_less_than_is_true(
        shape in shapes(),
        mut weights in proptest::collection::vec(-1.0f32..1.0, 12),
        row in proptest::collection::vec(0.0f32..=1.0, 12),
        eps in 0.01f64..0.5,
        seed in any::<u64>(),
    ) {
        let clean: f64 = row.iter().zip(&weights).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
        prop_assume!(clean.abs() > 0.01);
        if clean < 0.0 {
            weights.iter_mut().for_each(|w| *w = -*w);
        }
        let low = worst(&row, &weights, eps);
        let model = Linear { shape, weights };
        let report = evade(
            &Victim::black_box(&model),
            &LabelledRows::new(&row, &[0]),
            &Threat::new(Norm::Linf, eps),
            &[&Square::new(5000, seed)],
            &Counting::default(),
            &mut |_| {},
        )
        .unwrap();
        prop_assert_eq!(report.attacked, 1);
        if low > 1e-6 {
            prop_assert_eq!(report.evaded, 0);
        }
        if low < -1e-6 {
            // The last squares are single pixels, so nothing within reach is missed.
            prop_assert_eq!(report.evaded, 1);
        }
    }
}
