//! What a model answers with, found out by asking it, and models that answer with a label only.
//!
//! Files lie about their outputs or keep silent: a list of maps has no shape, and nothing says whether the numbers of
//! an output are scores or the thing itself. One run on real rows tells more.

use crate::classifier::Rows;
use crate::engine::Element;
use crate::feed::Feeds;
use crate::{CHUNK_ROWS, ClassifierOptions, Engine, OnnxError, OutputKind, Scores};

/// What one output holds for each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A number for each of several classes.
    Scores {
        /// The output.
        output: String,
        /// Classes.
        classes: usize,
    },
    /// A whole number: the class.
    Label {
        /// The output.
        output: String,
    },
    /// One number: a regressor, or the probability of one class of two.
    Number {
        /// The output.
        output: String,
    },
}

/// What a model answers rows of `shape` with, output by output; outputs of other shapes are left out. `row` is one row
/// in the units that the model sees.
///
/// # Errors
/// A model that cannot be run on such a row.
pub fn answers(engine: &dyn Engine, shape: &[usize], row: &[f32]) -> Result<Vec<Answer>, OnnxError> {
    // Two rows, so that a number for each row and a number for each class are told apart.
    let outputs = engine.run(&Feeds::of(engine.inputs(), shape)?.tensors([row, row].concat(), 2)?)?;
    let told = engine.outputs().iter().zip(outputs).filter_map(|(spec, tensor)| {
        let output = spec.name.clone();
        let whole = matches!(spec.element, Element::Int32 | Element::Int8 | Element::UInt8);
        match *tensor.shape() {
            [2] | [2, 1] if whole => Some(Answer::Label { output }),
            [2] | [2, 1] => Some(Answer::Number { output }),
            [2, classes] if !whole => Some(Answer::Scores { output, classes }),
            _ => None,
        }
    });
    Ok(told.collect())
}

/// A model that answers with a label only, seen as scores: 1 for the label, 0 for every other class. There is no other
/// way from such an answer to how near another class is; attacks that live by scores find nothing here.
pub struct LabelClassifier {
    engine: Box<dyn Engine>,
    feeds: Feeds,
    options: ClassifierOptions,
    features: usize,
    output: usize,
}

impl std::fmt::Debug for LabelClassifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LabelClassifier").field("options", &self.options).finish_non_exhaustive()
    }
}

impl LabelClassifier {
    /// Uses the output that the options name (the first where they name none) as a label from 0 to `classes` - 1.
    ///
    /// # Errors
    /// Options that make no sense, an output that is not there, inputs that do not add up to a row.
    pub fn new(engine: Box<dyn Engine>, options: ClassifierOptions) -> Result<Self, OnnxError> {
        let features = options.features()?;
        let feeds = Feeds::of(engine.inputs(), &options.input_shape)?;
        let position = match &options.output {
            None => (!engine.outputs().is_empty()).then_some(0),
            Some(wanted) => engine.outputs().iter().position(|o| o.name == *wanted),
        };
        let output = position.ok_or_else(|| OnnxError::NoSuchOutput {
            wanted: options.output.clone().unwrap_or_else(|| "(the first)".to_owned()),
            available: engine.outputs().iter().map(|o| o.name.clone()).collect(),
        })?;
        Ok(Self { engine, feeds, options, features, output })
    }

    fn chunk(&self, rows: &[f32], first: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        let (n, scale) = (rows.len() / self.features, self.options.preprocess.scale);
        let data = rows.iter().map(|v| v * scale).collect();
        let mut outputs = self.engine.run(&self.feeds.tensors(data, n)?)?;
        if self.output >= outputs.len() {
            return Err(OnnxError::Run("the engine returned fewer outputs than it declares".into()));
        }
        let labels = outputs.swap_remove(self.output);
        if labels.data().len() != n {
            return Err(OnnxError::Shape {
                tensor: self.options.output.clone().unwrap_or_default(),
                expected: format!("one label for each of {n} rows"),
                found: labels.shape().to_vec(),
            });
        }
        for (row, label) in labels.data().iter().enumerate() {
            let classes = self.options.classes;
            let class = (*label >= 0.0 && label.fract() == 0.0 && (*label as usize) < classes)
                .then_some(*label as usize)
                .ok_or_else(|| OnnxError::Row {
                    row: first + row,
                    reason: format!(
                        "the model answers {label}, which is none of the classes 0 to {}",
                        classes - 1
                    ),
                })?;
            out.extend((0..classes).map(|c| f32::from(u8::from(c == class))));
        }
        Ok(())
    }
}

impl Scores for LabelClassifier {
    fn step(&self, feature: usize) -> Option<f64> {
        self.feeds.is_whole(feature).then(|| 1.0 / f64::from(self.options.preprocess.scale).abs())
    }

    fn classes(&self) -> usize {
        self.options.classes
    }

    fn input_shape(&self) -> &[usize] {
        &self.options.input_shape
    }

    fn kind(&self) -> OutputKind {
        OutputKind::Logits
    }

    fn scores(&self, rows: &[f32], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        out.clear();
        Rows { features: self.features }.check(rows, n)?;
        for (at, chunk) in rows.chunks(CHUNK_ROWS * self.features).enumerate() {
            self.chunk(chunk, at * CHUNK_ROWS, out)?;
        }
        Ok(())
    }
}

/// Any model of which only the predicted class is shown, as an attacker sees it who gets no scores.
pub struct LabelsOf<M>(pub M);

impl<M: Scores> std::fmt::Debug for LabelsOf<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LabelsOf").field("classes", &self.0.classes()).finish_non_exhaustive()
    }
}

impl<M: Scores> Scores for LabelsOf<M> {
    fn classes(&self) -> usize {
        self.0.classes()
    }

    fn input_shape(&self) -> &[usize] {
        self.0.input_shape()
    }

    fn kind(&self) -> OutputKind {
        OutputKind::Logits
    }

    fn step(&self, feature: usize) -> Option<f64> {
        self.0.step(feature)
    }

    fn scores(&self, rows: &[f32], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        self.0.scores(rows, n, out)?;
        let classes = self.0.classes();
        let said = crate::predict(out, classes);
        for (row, class) in out.chunks_exact_mut(classes).zip(said) {
            for (c, score) in row.iter_mut().enumerate() {
                *score = match class {
                    Some(class) => f32::from(u8::from(c == class)),
                    // No answer stays none.
                    None => f32::NAN,
                };
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LoadOptions, Preprocess, load};

    const RF: &[u8] = include_bytes!("../tests/fixtures/rf.onnx");
    const SOFTMAX: &[u8] = include_bytes!("../tests/fixtures/mlp_softmax.onnx");

    fn options(shape: &[usize], classes: usize, output: Option<String>) -> ClassifierOptions {
        ClassifierOptions {
            input_shape: shape.to_vec(),
            classes,
            output,
            kind: OutputKind::Logits,
            preprocess: Preprocess::default(),
        }
    }

    #[test]
    fn outputs_are_told_by_what_they_hold() {
        let engine = load(RF, &LoadOptions::default()).unwrap();
        let found = answers(engine.as_ref(), &[30], &[0.5; 30]).unwrap();
        assert!(
            matches!(found.as_slice(), [Answer::Label { .. }, Answer::Scores { classes: 2, .. }]),
            "{found:?}"
        );
        let engine = load(SOFTMAX, &LoadOptions::default()).unwrap();
        let found = answers(engine.as_ref(), &[1, 8, 8], &[0.5; 64]).unwrap();
        assert!(matches!(found.as_slice(), [Answer::Scores { classes: 10, .. }]), "{found:?}");
        assert!(answers(engine.as_ref(), &[7], &[0.5; 7]).is_err());
    }

    #[test]
    fn labels_are_scores_of_one_and_zero() {
        let engine = || load(RF, &LoadOptions::default()).unwrap();
        let Some(Answer::Label { output }) =
            answers(engine().as_ref(), &[30], &[0.5; 30]).unwrap().first().cloned()
        else {
            panic!("no label")
        };
        let labels = LabelClassifier::new(engine(), options(&[30], 2, Some(output))).unwrap();
        let full = crate::Classifier::new(engine(), options(&[30], 2, Some("probabilities".into()))).unwrap();
        let rows: Vec<f32> = (0..60).map(|i| (i * 7 % 11) as f32 / 11.0).collect();
        let (mut one_hot, mut scores) = (Vec::new(), Vec::new());
        labels.scores(&rows, 2, &mut one_hot).unwrap();
        full.scores(&rows, 2, &mut scores).unwrap();
        assert_eq!(crate::predict(&one_hot, 2), crate::predict(&scores, 2));
        assert_eq!(one_hot.iter().sum::<f32>(), 2.0);
        let mut hidden = Vec::new();
        LabelsOf(full).scores(&rows, 2, &mut hidden).unwrap();
        assert_eq!(hidden, one_hot);
    }
}
