//! What happens to images by themselves or by hand: a turned sign, a dirty lens, fog, a sticker, compression.
//!
//! No norm measures such changes; each [`Kind`] has parameters of its own, with five severities (our own, in the
//! table of [`kind`](self); they do not claim to be those of ImageNet-C). Three questions are asked:
//! [`severity_curve`]: how does accuracy fall as an everyday change grows? [`worst_case`]: is there *any* setting
//! within a severity that fools the model, searched row by row? [`universal`]: is there *one* change, the same on
//! every row, that fools it on rows it was not made from?
//!
//! Related work: Hendrycks, Dietterich, *Benchmarking Neural Network Robustness to Common Corruptions and
//! Perturbations* (ICLR 2019); Engstrom et al., *Exploring the Landscape of Spatial Robustness* (ICML 2019);
//! Moosavi-Dezfooli et al., *Universal Adversarial Perturbations* (CVPR 2017).

mod curve;
mod image;
mod jpeg;
mod kind;
mod universal;
mod worst;

pub use curve::{SeverityCurve, SeverityPoint, severity_curve};
pub use kind::{Kind, SEVERITIES};
pub use universal::{UniversalOptions, UniversalReport, universal};
pub use worst::{WorstCase, WorstExample, WorstReport, worst_case};

use proofhouse_onnx::{Scores, predict};

use crate::geometry::Geometry;
use crate::{LabelledRows, Norm, RobustnessError, Threat};

/// An image model with rows that fit it, and which of them it gets right.
struct Judged {
    geometry: Geometry,
    correct: Vec<usize>,
    undefined: u64,
}

/// Checks that rows are images in `low..=high` with labels of the model, and classifies them.
fn judge(
    model: &dyn Scores,
    data: &LabelledRows<'_>,
    (low, high): (f32, f32),
) -> Result<Judged, RobustnessError> {
    let geometry = Geometry::of(model.input_shape());
    if geometry.height < 2 || geometry.width < 2 {
        return Err(RobustnessError::Option(format!(
            "rows of shape {:?} are no images; these changes need [channels, height, width]",
            model.input_shape()
        )));
    }
    data.check(model, &Threat::new(Norm::Linf, f64::from(high) - f64::from(low)).within(low, high))?;
    let mut scores = Vec::new();
    model.scores(data.rows, data.labels.len(), &mut scores)?;
    let predicted = predict(&scores, model.classes());
    let right = |at: &usize| predicted[*at] == Some(data.labels[*at]);
    Ok(Judged {
        geometry,
        correct: (0..data.labels.len()).filter(right).collect(),
        undefined: predicted.iter().filter(|p| p.is_none()).count() as u64,
    })
}
