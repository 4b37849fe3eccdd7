//! What a classifier calls its classes.

use super::words::Words;
use crate::OnnxError;
use crate::graph::Node;

/// The classes of a classifier, as whole numbers: themselves, or the places of their names in the list of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Labels(Vec<i32>);

impl Labels {
    pub(crate) fn of(node: &Node, words: &Words) -> Result<Self, OnnxError> {
        let texts = node.texts("classlabels_strings")?;
        if !texts.is_empty() {
            return Ok(Self(texts.iter().map(|text| words.number(text)).collect()));
        }
        let ints = match node.ints("classlabels_int64s")? {
            [] => node.ints("classlabels_ints")?,
            ints => ints,
        };
        let fits = |label: &i64| {
            i32::try_from(*label).map_err(|_| node.broken(format!("class {label} is beyond 32 bits")))
        };
        Ok(Self(ints.iter().map(fits).collect::<Result<_, _>>()?))
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The labels of classes by their positions.
    pub(crate) fn named(&self, classes: &[usize]) -> Vec<i32> {
        // A model of fewer labels than classes has no name for them but their positions.
        classes.iter().map(|class| self.0.get(*class).copied().unwrap_or(*class as i32)).collect()
    }
}
