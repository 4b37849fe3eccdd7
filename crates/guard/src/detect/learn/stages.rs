//! What a guard makes of a text: the linear detector reads everything, and a second one, where the guard has
//! one, reads what the first finds.

use std::cell::OnceCell;

use proofhouse_dialogue::Carrier;

use super::super::{Detector, LinearDetector};

/// Whoever reads after the linear detector.
#[derive(Clone, Copy)]
pub(super) struct Stages<'a> {
    second: Option<&'a dyn Detector>,
}

impl<'a> Stages<'a> {
    pub(super) const fn new(second: Option<&'a dyn Detector>) -> Self {
        Self { second }
    }

    pub(super) const fn is_joint(&self) -> bool {
        self.second.is_some()
    }

    /// The margin of the linear detector from which on its word alone does not decide.
    fn asked_from(self, first: &LinearDetector, carrier: Carrier) -> f32 {
        self.second.map_or(0.0, |second| second.asked_from(carrier, first.grey_margin(carrier)))
    }
}

/// A text that is judged again and again by other weights. What the second detector makes of it does not depend
/// on them, and costs milliseconds: it is asked once, and only where it matters.
pub(super) struct Text {
    pub text: String,
    pub carrier: Carrier,
    bar: OnceCell<f32>,
}

impl Text {
    pub(super) const fn new(text: String, carrier: Carrier) -> Self {
        Self { text, carrier, bar: OnceCell::new() }
    }

    /// How far `first` puts it above its threshold of an attack.
    pub(super) fn margin(&self, first: &LinearDetector) -> f32 {
        first.margin(&self.text, self.carrier)
    }

    /// The margin from which on the guard calls it an attack.
    pub(super) fn bar(&self, first: &LinearDetector, stages: Stages<'_>) -> f32 {
        let Some(second) = stages.second else { return 0.0 };
        let grey = first.grey_margin(self.carrier);
        // Where the second one cannot read it, what the first one says stands.
        *self.bar.get_or_init(|| second.bar(&self.text, self.carrier, grey).unwrap_or(0.0))
    }

    /// Whether a guard with `first` calls it an attack.
    pub(super) fn is_attack(&self, first: &LinearDetector, stages: Stages<'_>) -> bool {
        let margin = self.margin(first);
        margin >= stages.asked_from(first, self.carrier) && margin >= self.bar(first, stages)
    }
}
