//! Models that take whole numbers: what counts is a row of whole numbers within the ball.

use proofhouse_onnx::{OnnxError, OutputKind, Scores};
use proofhouse_robustness::{
    Attack, Ball, Bounds, Counting, LabelledRows, Norm, Square, Threat, Victim, evade,
};

/// Class 1 where the sum of a row of whole numbers is above a bound. It rounds what it is given, as an endpoint does.
struct Rounds;

const BOUND: f32 = 400.0;

impl Scores for Rounds {
    fn classes(&self) -> usize {
        2
    }

    fn input_shape(&self) -> &[usize] {
        &[4]
    }

    fn kind(&self) -> OutputKind {
        OutputKind::Logits
    }

    fn scores(&self, rows: &[f32], _: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        out.clear();
        for row in rows.chunks_exact(4) {
            let over = row.iter().map(|v| v.round()).sum::<f32>() - BOUND;
            out.extend([-over, over - 0.5]);
        }
        Ok(())
    }

    fn step(&self, _: usize) -> Option<f64> {
        Some(1.0)
    }
}

/// In the L2 norm a change of 0.5 in each of four values has length 1 and rounds to one of length 2. It fools the model and
/// is none: with whole numbers within 1, the sum moves by 1 at most.
#[test]
fn rounding_carries_nobody_out_of_the_ball() {
    let sums = [400.0, 399.0, 398.0, 397.0];
    let rows: Vec<f32> = sums.iter().flat_map(|sum| [sum - 300.0, 100.0, 100.0, 100.0]).collect();
    let labels = [0usize; 4];
    let bounds = Bounds::Everywhere { low: 0.0, high: 255.0 };
    for (norm, eps, fall) in
        [(Norm::L2, 1.0, 1), (Norm::L1, 2.0, 2), (Norm::L2, 2.0, 4), (Norm::Linf, 1.0, 4)]
    {
        let threat = Threat { norm, eps, bounds: bounds.clone(), grid: None };
        let attack = Square::new(600, 1);
        let data = LabelledRows::new(&rows, &labels);
        let victim = Victim::black_box(&Rounds);
        let report =
            evade(&victim, &data, &threat, &[&attack as &dyn Attack], &Counting::default(), &mut |_| {})
                .unwrap();
        assert!(report.evaded_rows.len() <= fall, "{norm:?} {eps}: {:?}", report.evaded_rows);
        assert!(!report.evaded_rows.is_empty(), "{norm:?} {eps}");
        assert_eq!(report.unconfirmed, 0);
        for example in &report.examples {
            let ball = Ball::new(&threat, &[4], &example.original);
            assert!(ball.contains(&example.adversarial), "{example:?}");
            assert!(example.adversarial.iter().all(|v| v.fract() == 0.0), "{example:?}");
        }
    }
}
