//! What an attacker may do to a row, and what for.

use serde::{Deserialize, Serialize};

use crate::{Norm, RobustnessError};

/// The legal values of the features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bounds {
    /// The same for every feature, as for the pixels of an image.
    Everywhere {
        /// Smallest legal value.
        low: f32,
        /// Largest legal value.
        high: f32,
    },
    /// One pair for each feature. A feature whose two values are equal cannot be changed.
    PerFeature {
        /// Smallest legal values.
        low: Vec<f32>,
        /// Largest legal values.
        high: Vec<f32>,
    },
}

impl Bounds {
    /// The legal values of feature `at`; an empty range where there is no such feature.
    #[must_use]
    pub fn of(&self, at: usize) -> (f32, f32) {
        match self {
            Self::Everywhere { low, high } => (*low, *high),
            Self::PerFeature { low, high } => match (low.get(at), high.get(at)) {
                (Some(low), Some(high)) => (*low, *high),
                _ => (f32::INFINITY, f32::NEG_INFINITY),
            },
        }
    }

    /// The largest difference between two legal values of one feature.
    #[must_use]
    pub fn width(&self) -> f64 {
        let width = |low: &f32, high: &f32| f64::from(*high) - f64::from(*low);
        match self {
            Self::Everywhere { low, high } => width(low, high),
            Self::PerFeature { low, high } => {
                low.iter().zip(high).map(|(l, h)| width(l, h)).fold(0.0, f64::max)
            }
        }
    }

    fn check(&self, features: usize) -> Result<(), RobustnessError> {
        let option = |text| Err(RobustnessError::Option(text));
        if let Self::PerFeature { low, high } = self
            && (low.len() != features || high.len() != features)
        {
            let (low, high) = (low.len(), high.len());
            return option(format!("{low} lower and {high} upper bounds were given for {features} features"));
        }
        for at in 0..features {
            let (low, high) = self.of(at);
            let everywhere = matches!(self, Self::Everywhere { .. });
            if !(low.is_finite() && high.is_finite() && (low < high || low == high && !everywhere)) {
                let whose = if everywhere { String::new() } else { format!(" of feature {at}") };
                return option(format!("the box {low}..={high}{whose} holds nothing"));
            }
            if everywhere {
                break;
            }
        }
        Ok(())
    }
}

/// The changes that are allowed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threat {
    /// How the size of a change is measured.
    pub norm: Norm,
    /// The largest size, in the units of the rows (of [`Norm::L0`] and [`Norm::Patch`]: positions).
    pub eps: f64,
    /// Legal values of the features.
    pub bounds: Bounds,
    /// Distance between the values that a deployed input can have, such as 1/255 for 8-bit images. When
    /// given, each counterexample is also tried rounded to it, within the ball.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<f64>,
}

impl Threat {
    /// Changes up to `eps` in `norm` of rows in 0..=1.
    #[must_use]
    pub const fn new(norm: Norm, eps: f64) -> Self {
        Self { norm, eps, bounds: Bounds::Everywhere { low: 0.0, high: 1.0 }, grid: None }
    }

    /// The same with other bounds everywhere.
    #[must_use]
    pub fn within(self, low: f32, high: f32) -> Self {
        Self { bounds: Bounds::Everywhere { low, high }, ..self }
    }

    /// The same with no bound but the box: what an attack that minimises distances is given, and what an
    /// attack must nearly always win.
    #[must_use]
    pub fn unbounded(&self, shape: &[usize]) -> Self {
        Self { eps: self.norm.whole(shape, self.bounds.width()), ..self.clone() }
    }

    /// How far all of `features` features can go together; where the threat counts positions, a tenth of the
    /// box.
    #[must_use]
    pub fn per_feature(&self, features: usize) -> f64 {
        match self.norm {
            Norm::Linf => self.eps,
            Norm::L2 => self.eps / (features as f64).sqrt(),
            Norm::L1 => self.eps / features as f64,
            Norm::L0 | Norm::Patch => self.bounds.width() * 0.1,
        }
    }

    /// Refuses what makes no sense for rows of `features` values.
    pub fn check(&self, features: usize) -> Result<(), RobustnessError> {
        if !(self.eps.is_finite() && self.eps > 0.0) {
            return Err(RobustnessError::Option(format!("eps is a positive number, not {}", self.eps)));
        }
        if self.norm.counts_positions() && self.eps < 1.0 {
            return Err(RobustnessError::Option(format!(
                "an eps of {} positions allows no change at all; the norm {} counts changed positions",
                self.eps, self.norm
            )));
        }
        if self.grid.is_some_and(|g| !(g.is_finite() && g > 0.0)) {
            return Err(RobustnessError::Option("the step of the grid is a positive number".to_owned()));
        }
        self.bounds.check(features)
    }
}

/// What the attacker wants of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// Any class but the row's own.
    Untargeted,
    /// This class.
    Targeted(usize),
}

impl Goal {
    /// Whether an answer fulfils it for a row of class `label`.
    #[must_use]
    pub fn reached(self, label: usize, predicted: usize) -> bool {
        match self {
            Self::Untargeted => predicted != label,
            Self::Targeted(class) => predicted == class && class != label,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused() {
        let refused = |f: fn(&mut Threat)| {
            let mut threat = Threat::new(Norm::Linf, 0.1);
            f(&mut threat);
            threat.check(2).is_err()
        };
        assert!(!refused(|_| {}));
        assert!(refused(|t| t.eps = 0.0));
        assert!(refused(|t| t.eps = f64::NAN));
        assert!(refused(|t| t.grid = Some(-1.0)));
        assert!(refused(|t| t.bounds = Bounds::Everywhere { low: 1.0, high: 1.0 }));
        assert!(refused(|t| t.bounds = Bounds::Everywhere { low: f32::NAN, high: 1.0 }));
        assert!(refused(|t| t.bounds = Bounds::PerFeature { low: vec![0.0], high: vec![1.0] }));
        assert!(refused(|t| t.bounds = Bounds::PerFeature { low: vec![0.0, 2.0], high: vec![1.0, 1.0] }));
        // A feature that cannot change is legal.
        assert!(!refused(|t| t.bounds = Bounds::PerFeature { low: vec![0.0, 1.0], high: vec![1.0, 1.0] }));
        assert!(refused(|t| t.norm = Norm::L0));
    }

    #[test]
    fn goals() {
        assert!(Goal::Untargeted.reached(1, 0) && !Goal::Untargeted.reached(1, 1));
        assert!(Goal::Targeted(2).reached(1, 2) && !Goal::Targeted(2).reached(1, 0));
        assert!(!Goal::Targeted(1).reached(1, 1));
    }
}
