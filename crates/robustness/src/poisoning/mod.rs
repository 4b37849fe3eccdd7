//! Have training rows been planted? What a network has made of them tells ([`proofhouse_onnx::HiddenLayer`]).
//!
//! Rows that carry a trigger are given their label for another reason than the rest of their class, and lie apart from it
//! before the last layer, although the label looks right and the model is right about them. Two tests look for them, class
//! by class, and each is held against *reference rows*: rows of the same class that nobody who is suspected could write.
//!
//! - [`spectral`]: the direction in which a class is widest shows the planted rows (Tran, Li, Madry, *Spectral Signatures in
//!   Backdoor Attacks*, NeurIPS 2018). Width is measured in units of the reference (as Hayase et al., *SPECTRE*, ICML 2021,
//!   do with an estimate of the clean rows), and how many rows lie further out than the reference has an exact distribution
//!   where both are of one kind.
//! - [`clusters`]: a class falls into two clusters, and the reference has one of them only (Chen et al., *Detecting
//!   Backdoor Attacks by Activation Clustering*, 2018).
//!
//! [`sources`] asks otherwise: is the model better without any of the places that its rows came from?
//!
//! Of these two tests, only rows that the model gives their label are looked at: a planted row that was not learned does no harm, and rows
//! that the model gets wrong differ between training and reference for the plain reason that one was learned from.
//!
//! A flag is a reason to look at the rows, and none is no proof: how small a share would have been seen is part of every
//! answer, and training rows of another time or place than the reference stand out for an innocent reason.

pub mod clusters;
mod exact;
pub mod sources;
pub mod spectral;
mod subspace;

use crate::RobustnessError;

/// Rows of one class fewer than which nothing is said of it, in training and in reference.
pub const FEWEST: usize = 40;

/// What a network has made of rows, with what it was told of them.
#[derive(Debug, Clone, Copy)]
pub struct Activations<'a> {
    /// The values, row after row.
    pub values: &'a [f32],
    /// The label of each row.
    pub labels: &'a [usize],
    /// The class that the model gives each row, if any.
    pub predicted: &'a [Option<usize>],
}

impl<'a> Activations<'a> {
    fn width(&self) -> Result<usize, RobustnessError> {
        let n = self.labels.len();
        let width = self.values.len() / n.max(1);
        if n == 0 || width == 0 || width * n != self.values.len() || self.predicted.len() != n {
            return Err(RobustnessError::Option(format!(
                "{} values, {n} labels and {} answers are not rows of one width",
                self.values.len(),
                self.predicted.len()
            )));
        }
        Ok(width)
    }

    /// Indices of the rows that have the label and are given it.
    fn of_class(&self, class: usize) -> Vec<usize> {
        let learned =
            |(label, predicted): (&usize, &Option<usize>)| *label == class && *predicted == Some(class);
        self.labels
            .iter()
            .zip(self.predicted)
            .enumerate()
            .filter(|(_, row)| learned(*row))
            .map(|(at, _)| at)
            .collect()
    }

    fn rows(&self, at: &[usize], width: usize) -> Vec<&'a [f32]> {
        at.iter().map(|at| &self.values[at * width..][..width]).collect()
    }
}

/// The rows of both sides by class, and their width.
struct Sides {
    width: usize,
    classes: Vec<(Vec<usize>, Vec<usize>)>,
}

fn sides(
    trained: Activations<'_>,
    reference: Activations<'_>,
    classes: usize,
) -> Result<Sides, RobustnessError> {
    let width = trained.width()?;
    if reference.width()? != width {
        return Err(RobustnessError::Option(
            "training and reference have values of different width".to_owned(),
        ));
    }
    let classes = (0..classes).map(|class| (trained.of_class(class), reference.of_class(class))).collect();
    Ok(Sides { width, classes })
}
