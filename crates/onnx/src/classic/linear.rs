//! Linear models: `LinearClassifier` and `LinearRegressor` of ai.onnx.ml 1.

use super::labels::Labels;
use super::post_transform::{PostTransform, logistic};
use super::value::Rows;
use crate::OnnxError;
use crate::graph::Node;

/// Scores that are sums of products.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Linear {
    /// A row of coefficients for each score.
    coefficients: Vec<Vec<f32>>,
    intercepts: Vec<f32>,
    post: PostTransform,
    /// Number of classes; 0 for a regressor.
    classes: usize,
}

impl Linear {
    /// `labels` of a classifier; nothing for a regressor.
    pub(crate) fn of(node: &Node, labels: Option<&Labels>) -> Result<Self, OnnxError> {
        let classes = labels.map_or(0, Labels::len);
        let scores = match classes {
            0 => usize::try_from(node.int("targets", 1)?).unwrap_or(0).max(1),
            // Two classes may be told apart by one score.
            _ => node.floats("intercepts")?.len().max(1),
        };
        let flat = node.floats("coefficients")?;
        if flat.is_empty() || !flat.len().is_multiple_of(scores) {
            return Err(node.broken(format!("{} coefficients do not make {scores} scores", flat.len())));
        }
        let mut intercepts = node.floats("intercepts")?;
        if !(intercepts.is_empty() || intercepts.len() == scores) {
            return Err(
                node.broken(format!("{} intercepts do not go with {scores} scores", intercepts.len()))
            );
        }
        intercepts.resize(scores, 0.0);
        if classes > 0 && scores != classes && !(classes == 2 && scores == 1) {
            return Err(node.broken(format!("{scores} scores do not decide between {classes} classes")));
        }
        let coefficients = flat.chunks_exact(flat.len() / scores).map(<[f32]>::to_vec).collect();
        Ok(Self { coefficients, intercepts, post: PostTransform::of(node)?, classes })
    }

    /// Numbers in a row of scores.
    pub(crate) fn width(&self) -> usize {
        self.coefficients.len().max(self.classes)
    }

    /// Scores before any transformation, one for each row of coefficients.
    fn raw(&self, rows: &Rows<'_>) -> Result<Vec<f32>, OnnxError> {
        let features = self.coefficients.first().map_or(0, Vec::len);
        if rows.width != features {
            return Err(OnnxError::Run(format!(
                "a linear model of {features} features got rows of {}",
                rows.width
            )));
        }
        let mut data = Vec::with_capacity(rows.n * self.coefficients.len());
        for row in rows.iter() {
            for (coefficients, intercept) in self.coefficients.iter().zip(&self.intercepts) {
                data.push(coefficients.iter().zip(row).map(|(c, v)| c * v).sum::<f32>() + intercept);
            }
        }
        Ok(data)
    }

    /// The numbers of a regressor.
    pub(crate) fn regress(&self, rows: &Rows<'_>) -> Result<Vec<f32>, OnnxError> {
        let mut raw = self.raw(rows)?;
        raw.chunks_exact_mut(self.coefficients.len()).for_each(|row| self.post.apply(row));
        Ok(raw)
    }

    /// The class of each row, and a score for each class.
    pub(crate) fn classify(&self, rows: &Rows<'_>) -> Result<(Vec<usize>, Vec<f32>), OnnxError> {
        let raw = self.raw(rows)?;
        let mut classes = Vec::with_capacity(rows.n);
        let mut scores = Vec::with_capacity(rows.n * self.width());
        for row in raw.chunks_exact(self.coefficients.len()) {
            if let [only] = row {
                classes.push(usize::from(*only > 0.0));
                scores.extend(match self.post {
                    PostTransform::Logistic => [logistic(-only), logistic(*only)],
                    _ => [-only, *only],
                });
                continue;
            }
            let best = row.iter().enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
            classes.push(best.map_or(0, |(class, _)| class));
            let mut row = row.to_vec();
            self.post.apply(&mut row);
            scores.extend(row);
        }
        Ok((classes, scores))
    }
}
