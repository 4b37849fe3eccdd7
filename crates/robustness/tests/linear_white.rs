//! Linear models have exact answers in every norm, for classes and for outputs: what an attack claims must be
//! true, and a gradient attack must find it all.

#![expect(clippy::unwrap_used, reason = "a test that cannot run has failed")]

use proofhouse_onnx::{Gradients, OnnxError, OutputKind, Scores};
use proofhouse_robustness::{
    Apgd, Attack, CarliniWagner, Counting, DeepFool, Deviation, EvasionReport, Fab, Fgsm, LabelledRows, Norm,
    Pgd, Sparse, Threat, Victim, deviate, evade,
};
use proptest::prelude::*;

const FEATURES: usize = 12;

struct Linear {
    weights: Vec<f32>,
    outputs: usize,
}

impl Scores for Linear {
    fn classes(&self) -> usize {
        self.outputs
    }
    fn input_shape(&self) -> &[usize] {
        &[FEATURES]
    }
    fn kind(&self) -> OutputKind {
        OutputKind::Logits
    }
    fn scores(&self, rows: &[f32], _: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        out.clear();
        for row in rows.chunks_exact(FEATURES) {
            let score = dot(row, &self.weights) as f32;
            out.push(score);
            out.extend(std::iter::repeat_n(0.0, self.outputs - 1));
        }
        Ok(())
    }
}

impl Gradients for Linear {
    fn pull_back(
        &self,
        rows: &[f32],
        n: usize,
        loss: &mut dyn FnMut(&[f32], &mut [f32]),
        gradient: &mut Vec<f32>,
    ) -> Result<(), OnnxError> {
        let mut logits = Vec::new();
        self.scores(rows, n, &mut logits)?;
        let mut slopes = vec![0.0; logits.len()];
        loss(&logits, &mut slopes);
        gradient.clear();
        for slope in slopes.chunks_exact(self.outputs) {
            gradient.extend(self.weights.iter().map(|w| w * slope[0]));
        }
        Ok(())
    }
}

fn dot(row: &[f32], weights: &[f32]) -> f64 {
    row.iter().zip(weights).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum()
}

/// The largest fall of the score within the ball and the box.
fn fall(row: &[f32], weights: &[f32], norm: Norm, eps: f64) -> f64 {
    let mut parts: Vec<(f64, f64)> = row
        .iter()
        .zip(weights)
        .map(|(x, w)| {
            let (x, w) = (f64::from(*x), f64::from(*w));
            (w.abs(), if w > 0.0 { x } else { 1.0 - x })
        })
        .collect();
    match norm {
        Norm::Linf => parts.iter().map(|(w, room)| w * room.min(eps)).sum(),
        Norm::L1 => {
            parts.sort_by(|a, b| b.0.total_cmp(&a.0));
            let mut left = eps;
            parts
                .iter()
                .map(|(w, room)| {
                    let step = room.min(left);
                    left -= step;
                    w * step
                })
                .sum()
        }
        Norm::L0 => {
            let mut gains: Vec<f64> = parts.iter().map(|(w, room)| w * room).collect();
            gains.sort_by(|a, b| b.total_cmp(a));
            gains.iter().take(eps as usize).sum()
        }
        Norm::Patch => {
            let gains: Vec<f64> = parts.iter().map(|(w, room)| w * room).collect();
            gains.windows(eps as usize).map(|w| w.iter().sum()).fold(0.0, f64::max)
        }
        // In proportion to the weights, until the box stops them.
        _ => {
            let length =
                |t: f64| parts.iter().map(|(w, room)| (t * w).min(*room).powi(2)).sum::<f64>().sqrt();
            let (mut low, mut high) = (0.0, 1e6);
            for _ in 0..200 {
                let middle = f64::midpoint(low, high);
                if length(middle) <= eps { low = middle } else { high = middle }
            }
            parts.iter().map(|(w, room)| w * (low * w).min(*room)).sum()
        }
    }
}

fn run(model: &Linear, row: &[f32], threat: &Threat, attack: &dyn Attack) -> EvasionReport {
    let data = LabelledRows::new(row, &[0]);
    let counting = Counting::default();
    evade(&Victim::white_box(model, model), &data, threat, &[attack], &counting, &mut |_| {}).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn attacks_find_all_there_is_and_no_more(
        mut weights in proptest::collection::vec(-1.0f32..1.0, FEATURES),
        row in proptest::collection::vec(0.0f32..=1.0, FEATURES),
        share in 0.02f64..0.6,
        seed in any::<u64>(),
    ) {
        prop_assume!(dot(&row, &weights).abs() > 0.02);
        if dot(&row, &weights) < 0.0 {
            weights.iter_mut().for_each(|w| *w = -*w);
        }
        let clean = dot(&row, &weights);
        let model = Linear { weights, outputs: 2 };
        for norm in Norm::ALL {
            let eps = match norm {
                Norm::L0 | Norm::Patch => (share * FEATURES as f64).ceil(),
                Norm::L1 => share * 4.0,
                _ => share,
            };
            let lowest = clean - fall(&row, &model.weights, norm, eps);
            // The share of the largest fall that each attack may miss: steps end short of the optimum, and those
            // of APGD in L1 shrink to a tenth of the radius and no further.
            let attacks: Vec<(Box<dyn Attack>, f64)> = match norm {
                Norm::L0 | Norm::Patch => vec![(Box::new(Sparse { choices: 12, restarts: 1, seed, ..Sparse::default() }), 0.0)],
                Norm::Linf => vec![
                    (Box::new(Fgsm::default()), 0.0),
                    (Box::new(Pgd { seed, ..Pgd::default() }), 0.0),
                    (Box::new(Apgd::cross_entropy(seed)), 0.0),
                    (Box::new(Fab::new(seed)), 0.002),
                ],
                Norm::L2 => vec![
                    (Box::new(Pgd { seed, ..Pgd::default() }), 0.01),
                    (Box::new(Apgd::dlr(seed)), 0.01),
                    (Box::new(Fab::new(seed)), 0.002),
                ],
                _ => vec![(Box::new(Apgd::cross_entropy(seed)), 0.15), (Box::new(Fab::new(seed)), 0.002)],
            };
            for (attack, slack) in attacks {
                let report = run(&model, &row, &Threat::new(norm, eps), attack.as_ref());
                prop_assert_eq!(report.unconfirmed, 0);
                if lowest > 1e-5 {
                    prop_assert_eq!(report.evaded, 0, "{} {} {}", attack.name(), norm, lowest);
                }
                if lowest < -1e-5 - slack * (clean - lowest) {
                    prop_assert_eq!(report.evaded, 1, "{} {} eps {} {}", attack.name(), norm, eps, lowest);
                }
            }
        }
    }

    #[test]
    fn nearest_counterexamples_are_near(
        mut weights in proptest::collection::vec(0.1f32..1.0, FEATURES),
        signs in proptest::collection::vec(any::<bool>(), FEATURES),
        shift in 0.01f64..0.3,
    ) {
        weights.iter_mut().zip(signs).for_each(|(w, s)| if s { *w = -*w });
        // The middle of the box, moved to where the score is small: no box in the way.
        let length = weights.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>().sqrt();
        let base = dot(&[0.5; FEATURES], &weights);
        let row: Vec<f32> = weights.iter().map(|w| (0.5 + (shift - base / length) * f64::from(*w) / length) as f32).collect();
        prop_assume!(row.iter().all(|v| (0.0..=1.0).contains(v)));
        // … nor of the nearest points, which the formulas below do not see.
        let (score, sum) = (dot(&row, &weights), weights.iter().map(|w| f64::from(w.abs())).sum::<f64>());
        let steps = |w: f32| [score * f64::from(w) / length.powi(2), score * f64::from(w.signum()) / sum];
        let inside = |(v, w): (&f32, &f32)| steps(*w).iter().all(|s| (0.0..=1.0).contains(&(f64::from(*v) - s * 1.1)));
        prop_assume!(row.iter().zip(&weights).all(inside));
        let model = Linear { weights, outputs: 2 };
        // How much further than the nearest, as a factor and in all: Adam's steps are of the size of its rate.
        let carlini = CarliniWagner { minimise: true, searches: 9, steps: 300, ..CarliniWagner::default() };
        let attacks: [(Norm, Box<dyn Attack>, f64, f64); 5] = [
            (Norm::L2, Box::new(Fab { minimise: true, ..Fab::new(0) }), 1.002, 1e-5),
            (Norm::L2, Box::new(DeepFool::default()), 1.05, 1e-4),
            (Norm::L2, Box::new(carlini.clone()), 1.15, carlini.rate),
            (Norm::Linf, Box::new(Fab { minimise: true, ..Fab::new(0) }), 1.002, 1e-5),
            (Norm::Linf, Box::new(DeepFool::default()), 1.05, 1e-4),
        ];
        for (norm, attack, most, more) in attacks {
            let exact = match norm {
                Norm::L2 => dot(&row, &model.weights) / length,
                _ => dot(&row, &model.weights) / model.weights.iter().map(|w| f64::from(w.abs())).sum::<f64>(),
            };
            let report = run(&model, &row, &Threat::new(norm, 1.0).unbounded(&[FEATURES]), attack.as_ref());
            prop_assert_eq!(report.evaded, 1, "{}", attack.name());
            let found = report.examples[0].distance;
            prop_assert!(found >= exact - 1e-5 && found <= exact * most + more, "{} {}: {} for {}", attack.name(), norm, found, exact);
        }
    }

    #[test]
    fn an_output_moves_as_far_as_it_can(
        weights in proptest::collection::vec(-1.0f32..1.0, FEATURES),
        row in proptest::collection::vec(0.0f32..=1.0, FEATURES),
        eps in 0.02f64..0.5,
    ) {
        let model = Linear { weights, outputs: 1 };
        let opposite: Vec<f32> = model.weights.iter().map(|w| -w).collect();
        for norm in [Norm::Linf, Norm::L2, Norm::L1] {
            let (down, up) = (fall(&row, &model.weights, norm, eps), fall(&row, &opposite, norm, eps));
            let options = Deviation { tolerance: Some(down.max(up) * 0.5), ..Deviation::default() };
            for victim in [Victim::white_box(&model, &model), Victim::black_box(&model)] {
                let threat = Threat::new(norm, eps);
                let report = deviate(&victim, &row, &threat, &options, &mut |_| {}).unwrap();
                let size = report.shifts[0].size();
                let least = if victim.gradients.is_some() { 0.95 } else { 0.5 };
                prop_assert!(size <= down.max(up) + 1e-5, "{norm} {} {size} {down} {up}", report.attack);
                prop_assert!(size >= least * down.max(up) - 1e-5, "{norm} {} {size} {down} {up}", report.attack);
                prop_assert_eq!(report.largest, Some(size));
                prop_assert!(report.queries.attack > 0);
            }
        }
    }
}
