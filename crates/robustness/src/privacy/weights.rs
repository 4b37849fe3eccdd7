//! What weights look like by themselves: numbers that are none, and classes whose last layer stands out.
//!
//! A backdoor pulls many inputs into one class, and the rows of the last layer of that class often carry it: their length
//! or their mean lies far from that of the others (Wang et al. 2020; Fields et al., *Trojan Signatures in DNN Weights*,
//! ICCV Workshops 2021). As with triggers the measure is the deviation from the median in units of the median
//! deviation. It is a weak sign by itself: a model without a backdoor may have an odd class, and a careful attacker
//! leaves none.

use proofhouse_onnx::graph::{Graph, Values};
use serde::{Deserialize, Serialize};

/// Deviations of a normal number for each median distance to the median.
const CONSISTENT: f64 = 1.4826;
/// Index above which a class stands out. Honest models of few classes reach 5 by themselves, so that it is no verdict.
pub const ODD: f64 = 6.0;

/// What was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightReport {
    /// Weights looked at.
    pub weights: u64,
    /// Those that are NaN or infinite, with the constant that holds the first.
    pub not_finite: u64,
    /// See `not_finite`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_not_finite: Option<String>,
    /// The constant that was taken for the last layer; absent where none has a row or column for each class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_layer: Option<String>,
    /// For each class the larger of its deviations in length and in mean.
    pub classes: Vec<f64>,
    /// Classes above [`ODD`].
    pub odd: Vec<usize>,
}

/// Looks at the weights of a model with so many classes.
#[must_use]
pub fn inspect(graph: &Graph, classes: usize) -> WeightReport {
    let mut report = WeightReport {
        weights: 0,
        not_finite: 0,
        first_not_finite: None,
        last_layer: None,
        classes: Vec::new(),
        odd: Vec::new(),
    };
    for (name, constant) in &graph.constants {
        let Values::Float32(values) = &constant.values else { continue };
        report.weights += values.len() as u64;
        let broken = values.iter().filter(|v| !v.is_finite()).count() as u64;
        report.not_finite += broken;
        if broken > 0 && report.first_not_finite.is_none() {
            report.first_not_finite = Some(name.clone());
        }
    }
    let Some((name, rows)) = last_layer(graph, classes) else { return report };
    report.last_layer = Some(name);
    let length = |row: &Vec<f64>| row.iter().map(|w| w * w).sum::<f64>().sqrt();
    let mean = |row: &Vec<f64>| row.iter().sum::<f64>() / row.len().max(1) as f64;
    let lengths = deviations(&rows.iter().map(length).collect::<Vec<_>>());
    let means = deviations(&rows.iter().map(mean).collect::<Vec<_>>());
    report.classes = lengths.into_iter().zip(means).map(|(l, m)| l.max(m)).collect();
    if classes >= 4 {
        report.odd = (0..classes).filter(|c| report.classes.get(*c).is_some_and(|d| *d > ODD)).collect();
    }
    report
}

/// The last matrix in the order of the nodes that has one side as long as there are classes, class by class.
fn last_layer(graph: &Graph, classes: usize) -> Option<(String, Vec<Vec<f64>>)> {
    graph.nodes.iter().rev().find_map(|node| {
        let name = node.inputs.iter().find(|name| {
            graph.constants.get(*name).is_some_and(|c| c.shape.len() == 2 && c.shape.contains(&classes))
        })?;
        let constant = graph.constants.get(name)?;
        let Values::Float32(values) = &constant.values else { return None };
        let [first, second] = *constant.shape.as_slice() else { return None };
        if values.len() != first * second || values.iter().any(|v| !v.is_finite()) || classes < 2 {
            return None;
        }
        // Stored with a row for each class where the product is transposed, with a column otherwise.
        let transposed = node.int("transB", 0).is_ok_and(|t| t != 0);
        let by_row = first == classes && (second != classes || transposed);
        let of = |class: usize| -> Vec<f64> {
            if by_row {
                values.iter().skip(class * second).take(second).map(|v| f64::from(*v)).collect()
            } else {
                values.iter().skip(class).step_by(second).map(|v| f64::from(*v)).collect()
            }
        };
        Some((name.clone(), (0..classes).map(of).collect()))
    })
}

/// How far each value lies from the median of all, in units of their spread.
fn deviations(values: &[f64]) -> Vec<f64> {
    let median = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
    };
    let middle = median(values);
    let distances: Vec<f64> = values.iter().map(|v| (v - middle).abs()).collect();
    let spread = (CONSISTENT * median(&distances)).max(1e-9 * middle.abs().max(1e-9));
    distances.into_iter().map(|d| d / spread).collect()
}

#[cfg(test)]
mod tests {
    use proofhouse_onnx::graph::{Constant, Node};

    use super::*;

    fn graph(rows: [[f32; 3]; 5]) -> Graph {
        let weights = Constant::float32(vec![5, 3], rows.concat());
        let node = Node {
            name: "head".into(),
            domain: String::new(),
            operator: "Gemm".into(),
            inputs: vec!["h".into(), "w".into()],
            outputs: vec!["y".into()],
            attributes: [("transB".to_owned(), proofhouse_onnx::graph::Attribute::Int(1))].into(),
        };
        Graph { nodes: vec![node], constants: [("w".to_owned(), weights)].into(), ..Graph::default() }
    }

    #[test]
    fn a_class_of_another_length_stands_out() {
        let even = [[1.0, 0.0, 0.1], [0.9, 0.2, 0.0], [0.0, 1.1, 0.2], [0.3, 0.1, 1.0], [0.5, 0.8, 0.1]];
        let report = inspect(&graph(even), 5);
        assert_eq!((report.last_layer.as_deref(), report.odd.len(), report.weights), (Some("w"), 0, 15));
        let mut odd = even;
        odd[3] = [6.0, 5.0, 7.0];
        assert_eq!(inspect(&graph(odd), 5).odd, [3]);
        // No layer of that many classes, no index.
        assert!(inspect(&graph(even), 7).classes.is_empty());
    }

    #[test]
    fn what_is_no_number_is_counted() {
        let mut rows = [[0.5; 3]; 5];
        rows[2][1] = f32::NAN;
        let report = inspect(&graph(rows), 5);
        assert_eq!((report.not_finite, report.first_not_finite.as_deref()), (1, Some("w")));
        assert!(report.last_layer.is_none() && report.classes.is_empty());
    }
}
