//! Rows that no change within a radius can put into another class.

use proofhouse_core::Measurement;
use proofhouse_onnx::{OutputKind, Scores, predict};
use serde::{Deserialize, Serialize};

use super::{Method, Network, Region};
use crate::{Ball, LabelledRows, RobustnessError, Threat};

/// What is proved of a network on some rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CertifyReport {
    /// How it was proved.
    pub method: Method,
    /// The changes it was proved against.
    pub threat: Threat,
    /// Rows.
    pub n: u64,
    /// Rows that the model classifies correctly; only these can be certified.
    pub correct: u64,
    /// Indices of the rows proved to keep their class everywhere in the ball and the box.
    pub rows: Vec<usize>,
    /// Their share of all rows: a *lower* bound of robust accuracy.
    pub accuracy: Measurement,
    /// For each correct row its index and the least lead of its class; what is not positive proves nothing.
    pub margins: Vec<(usize, f64)>,
}

/// Certifies every row that `model` classifies correctly. `network` is read from the same file as `model`; `scale` is
/// what the model multiplies a row by before the network sees it.
///
/// # Errors
/// Rows that do not fit the model or the box; a norm that bounds do not know; a network of other sizes, or one whose
/// bounds do not hold the model's own scores, which means that it is not the same function.
pub fn certify(
    model: &dyn Scores,
    network: &Network,
    scale: f32,
    data: &LabelledRows<'_>,
    threat: &Threat,
    method: Method,
    confidence: f64,
) -> Result<CertifyReport, RobustnessError> {
    data.check(model, threat)?;
    if (network.features(), network.classes()) != (model.features(), model.classes()) {
        return Err(RobustnessError::Option(format!(
            "the network maps {} values to {} scores, the model {} to {}",
            network.features(),
            network.classes(),
            model.features(),
            model.classes()
        )));
    }
    let mut scores = Vec::new();
    model.scores(data.rows, data.labels.len(), &mut scores)?;
    let predicted = predict(&scores, model.classes());
    let mut report = CertifyReport {
        method,
        threat: threat.clone(),
        n: data.labels.len() as u64,
        correct: 0,
        rows: Vec::new(),
        accuracy: Measurement::proportion("certified-accuracy", 0, 0, confidence),
        margins: Vec::new(),
    };
    let point = Threat { norm: crate::Norm::Linf, eps: f64::MIN_POSITIVE, ..threat.clone() };
    for (index, (row, label)) in data.rows.chunks_exact(model.features()).zip(data.labels).enumerate() {
        if predicted[index] != Some(*label) {
            continue;
        }
        report.correct += 1;
        let here = Region::of(&Ball::new(&point, model.input_shape(), row), scale)?;
        let answer = &scores[index * model.classes()..][..model.classes()];
        same(network, &here, answer, model.kind(), *label)
            .map_err(|e| e.unwrap_or_else(|| stranger(index)))?;
        let region = Region::of(&Ball::new(threat, model.input_shape(), row), scale)?;
        let margin = network.margin(&region, *label, method)?;
        if margin > 0.0 {
            report.rows.push(index);
        }
        report.margins.push((index, margin));
    }
    report.accuracy =
        Measurement::proportion("certified-accuracy", report.rows.len() as u64, report.n, confidence);
    Ok(report)
}

/// Whether the network says at a row itself what the model says; otherwise an error, or none where it merely differs.
fn same(
    network: &Network,
    here: &Region,
    answer: &[f32],
    kind: OutputKind,
    label: usize,
) -> Result<(), Option<RobustnessError>> {
    let near = match kind {
        OutputKind::Logits if !network.ends_in_softmax() => {
            let bounds = network.bounds(here, Method::Interval).map_err(Some)?;
            let room = |s: f64| 1e-3 * (1.0 + s.abs());
            let held = |(s, (low, high)): (f64, (f64, f64))| low - room(s) <= s && s <= high + room(s);
            answer.iter().map(|s| f64::from(*s)).zip(bounds).all(held)
        }
        _ => network.margin(here, label, Method::Interval).map_err(Some)? > -1e-2,
    };
    if near { Ok(()) } else { Err(None) }
}

fn stranger(row: usize) -> RobustnessError {
    let reason = "the network to be bounded does not answer it as the model does; it is another function, or the scale \
                  is another";
    RobustnessError::Row { row, reason: reason.to_owned() }
}
