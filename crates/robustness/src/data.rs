//! Labelled rows, checked against the model and the box before anything is attacked.

use std::ops::Range;

use proofhouse_onnx::{Scores, predict};

use crate::{Bounds, Goal, RobustnessError, Threat};

/// What the attacker wants of each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goals {
    /// Any class but the row's own.
    Untargeted,
    /// The same class of all rows. Rows of this class are not attacked.
    Class(usize),
    /// One class for each row. Rows whose own class it is are not attacked.
    Each(Vec<usize>),
}

/// Rows with their classes.
#[derive(Debug, Clone)]
pub struct LabelledRows<'a> {
    /// `labels.len()` rows of as many values as the model has features.
    pub rows: &'a [f32],
    /// The class of each row.
    pub labels: &'a [usize],
    /// What the attacker wants.
    pub goals: Goals,
}

impl<'a> LabelledRows<'a> {
    /// Rows attacked for any other class.
    #[must_use]
    pub const fn new(rows: &'a [f32], labels: &'a [usize]) -> Self {
        Self { rows, labels, goals: Goals::Untargeted }
    }

    /// The same with other goals.
    #[must_use]
    pub fn towards(self, goals: Goals) -> Self {
        Self { goals, ..self }
    }

    /// The goal of row `index`.
    #[must_use]
    pub fn goal(&self, index: usize) -> Goal {
        match &self.goals {
            Goals::Untargeted => Goal::Untargeted,
            Goals::Class(class) => Goal::Targeted(*class),
            Goals::Each(classes) => {
                classes.get(index).map_or(Goal::Untargeted, |class| Goal::Targeted(*class))
            }
        }
    }

    /// Row `index` of a model with `features` features.
    pub(crate) fn row(&self, index: usize, features: usize) -> &'a [f32] {
        &self.rows[index * features..][..features]
    }

    /// Refuses rows that do not fit the model or the box.
    pub fn check(&self, model: &dyn Scores, threat: &Threat) -> Result<(), RobustnessError> {
        let (features, classes) = (model.features(), model.classes());
        threat.check(features)?;
        if features == 0 || self.labels.len().checked_mul(features) != Some(self.rows.len()) {
            return Err(RobustnessError::Option(format!(
                "{} labels call for as many rows of {features} values, not for {} values",
                self.labels.len(),
                self.rows.len()
            )));
        }
        let last = classes.saturating_sub(1);
        let wanted = match &self.goals {
            Goals::Untargeted => None,
            Goals::Class(class) => Some(*class).filter(|c| *c >= classes),
            Goals::Each(each) if each.len() != self.labels.len() => {
                let (goals, rows) = (each.len(), self.labels.len());
                return Err(RobustnessError::Option(format!("{goals} goals were given for {rows} rows")));
            }
            Goals::Each(each) => each.iter().copied().find(|c| *c >= classes),
        };
        if let Some(class) = wanted {
            return Err(RobustnessError::Option(format!(
                "the attack is to reach class {class}, which is not one of the {classes} classes 0 to {last}"
            )));
        }
        self.check_scale(features, &threat.bounds)?;
        for (row, (values, label)) in self.rows.chunks_exact(features).zip(self.labels).enumerate() {
            let reason = if *label >= classes {
                format!("label {label} is not one of the {classes} classes 0 to {last}")
            } else if let Some((v, (low, high))) = outside(values, &threat.bounds) {
                format!("{v} lies outside the box {low}..={high}")
            } else {
                continue;
            };
            return Err(RobustnessError::Row { row, reason });
        }
        Ok(())
    }

    /// Refuses rows most of which are in other units than the box: an attack would then either clip them
    /// beyond recognition or search a ball of no size.
    fn check_scale(&self, features: usize, bounds: &Bounds) -> Result<(), RobustnessError> {
        let Bounds::Everywhere { low: box_low, high: box_high } = *bounds else { return Ok(()) };
        if self.labels.len() < 3 || self.rows.iter().any(|v| v.is_nan()) {
            return Ok(());
        }
        let low = self.rows.iter().copied().fold(f32::INFINITY, f32::min);
        let high = self.rows.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let out = self.rows.chunks_exact(features).filter(|row| outside(row, bounds).is_some()).count();
        let within_one = low >= 0.0 && high <= 1.0 && high > 0.0;
        let hint = if 2 * out > self.labels.len() {
            if low >= 0.0 && high <= 255.0 && self.rows.iter().all(|v| v.fract() == 0.0) {
                "they look like 8-bit pixels, so that the box may be 0..=255, or the rows want the scale 1/255"
            } else if (-20.0..0.0).contains(&low) && high <= 20.0 {
                "they look standardised or centred, so that the box lies around 0"
            } else {
                "they are in other units"
            }
        } else if within_one && box_low == 0.0 && box_high >= 100.0 {
            "they look scaled to 0..=1 already, while the box does not"
        } else {
            return Ok(());
        };
        Err(RobustnessError::Scale { low, high, box_low, box_high, hint: hint.to_owned() })
    }

    /// How the model does before the attack.
    pub(crate) fn clean(&self, model: &dyn Scores) -> Result<Clean, RobustnessError> {
        self.clean_among(model, 0..self.labels.len())
    }

    /// How the model does before the attack, on these rows only.
    pub(crate) fn clean_among(
        &self,
        model: &dyn Scores,
        among: Range<usize>,
    ) -> Result<Clean, RobustnessError> {
        let (features, first) = (model.features(), among.start);
        let mut scores = Vec::new();
        model.attend(&among.clone().collect::<Vec<_>>());
        model.scores(&self.rows[first * features..among.end * features], among.len(), &mut scores)?;
        let predicted = predict(&scores, model.classes());
        let undefined = predicted.iter().filter(|p| p.is_none()).count() as u64;
        let correct = among.filter(|i| predicted[*i - first] == Some(self.labels[*i])).collect();
        Ok(Clean { correct, undefined })
    }
}

/// How the model does before the attack.
pub(crate) struct Clean {
    pub correct: Vec<usize>,
    pub undefined: u64,
}

/// The first value outside its bounds, with them.
fn outside(row: &[f32], bounds: &Bounds) -> Option<(f32, (f32, f32))> {
    row.iter()
        .enumerate()
        .map(|(at, v)| (*v, bounds.of(at)))
        .find(|(v, (low, high))| !(low..=high).contains(&v))
}

#[cfg(test)]
mod tests {
    use proofhouse_onnx::{OnnxError, OutputKind};

    use super::*;
    use crate::Norm;

    struct Two;

    impl Scores for Two {
        fn classes(&self) -> usize {
            2
        }
        fn input_shape(&self) -> &[usize] {
            &[2]
        }
        fn kind(&self) -> OutputKind {
            OutputKind::Logits
        }
        fn scores(&self, rows: &[f32], _: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
            out.clear();
            out.extend_from_slice(rows);
            Ok(())
        }
    }

    fn check(rows: &[f32], high: f32) -> Result<(), RobustnessError> {
        let labels = vec![0; rows.len() / 2];
        LabelledRows::new(rows, &labels).check(&Two, &Threat::new(Norm::Linf, 0.1).within(0.0, high))
    }

    #[test]
    fn another_scale_is_asked_about() {
        let hint = |rows: &[f32], high| check(rows, high).unwrap_err().to_string();
        assert!(hint(&[0.0, 200.0, 13.0, 255.0, 7.0, 90.0], 1.0).contains("8-bit pixels"));
        assert!(hint(&[-0.4, 1.2, 0.3, -1.0, -2.1, 0.5], 1.0).contains("standardised"));
        assert!(hint(&[0.1, 0.5, 0.3, 0.9, 0.7, 0.5], 255.0).contains("already"));
        assert!(hint(&[0.1, 5e4, 0.3, 3.5e3, 0.7, 9e9], 1.0).contains("other units"));
        assert!(check(&[0.1, 0.5, 0.3, 0.9, 0.7, 0.5], 1.0).is_ok());
        // One bad row is a bad row.
        let error = check(&[0.1, 0.5, 0.3, 1.9, 0.7, 0.5], 1.0).unwrap_err();
        assert_eq!(
            error,
            RobustnessError::Row { row: 1, reason: "1.9 lies outside the box 0..=1".to_owned() }
        );
    }

    #[test]
    fn goals_must_exist() {
        let goals = |goals| {
            let threat = Threat::new(Norm::Linf, 0.1);
            LabelledRows::new(&[0.5; 4], &[0, 1]).towards(goals).check(&Two, &threat)
        };
        assert!(goals(Goals::Class(1)).is_ok() && goals(Goals::Each(vec![1, 0])).is_ok());
        assert!(goals(Goals::Class(2)).is_err());
        assert!(goals(Goals::Each(vec![1])).is_err());
        assert!(goals(Goals::Each(vec![1, 7])).is_err());
    }
}
