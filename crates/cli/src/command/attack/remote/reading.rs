//! What a model's answers mean: recognised from what they show, asked for where they do not.

use anyhow::{Context as _, bail, ensure};
use proofhouse_endpoint::{Datatype, Tensor, Values};
use proofhouse_onnx::OutputKind;

use crate::args::remote::AnswersArg;

/// How answers are read as scores of classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The output that holds them.
    pub output: String,
    /// What they are.
    pub answers: Answers,
    /// Number of classes.
    pub classes: usize,
}

/// What answers are.
#[derive(Debug, Clone, PartialEq)]
pub enum Answers {
    /// A score for each class.
    Scores(OutputKind),
    /// The class, as a number or by its name.
    Labels(Option<Vec<String>>),
    /// The probability of class 1.
    Probability,
    /// Above 0 for class 1.
    Margin,
}

/// What is known besides the answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Told<'a> {
    pub output: Option<&'a str>,
    pub answers: Option<AnswersArg>,
    pub classes: Option<&'a str>,
    /// Classes of the rows.
    pub labels: &'a [usize],
}

/// How far a sum of probabilities may be from 1.
const SUM: f64 = 1e-3;

impl Reading {
    /// Recognises the answers to `n` rows.
    pub fn of(outputs: &[Tensor], n: usize, told: Told<'_>) -> anyhow::Result<Self> {
        let tensor = chosen(outputs, n, told.output)?;
        let named = tensor.name.as_str();
        let names: Option<Vec<String>> = told
            .classes
            .filter(|text| text.trim().parse::<usize>().is_err())
            .map(|text| text.split(',').map(|name| name.trim().to_owned()).collect());
        let count: Option<usize> = told.classes.and_then(|text| text.trim().parse().ok());
        ensure!(
            names.as_ref().is_none_or(|names| names.len() > 1),
            "write at least two classes, as in cat,dog"
        );
        let classes = names.as_ref().map(Vec::len).or(count);
        let (answers, found) = match (tensor.shape.as_slice(), told.answers) {
            ([_, width], None | Some(AnswersArg::Probabilities | AnswersArg::Logits)) if *width > 1 => {
                let Values::Numbers(values) = &tensor.values else {
                    bail!("output {named:?} holds {width} texts for a row, and no scores")
                };
                let kind = match told.answers {
                    Some(AnswersArg::Probabilities) => OutputKind::Probabilities,
                    Some(_) => OutputKind::Logits,
                    None if values.chunks(*width).all(is_distribution) => OutputKind::Probabilities,
                    None => OutputKind::Logits,
                };
                (Answers::Scores(kind), *width)
            }
            ([_, width], Some(other)) if *width > 1 => {
                bail!(
                    "output {named:?} holds {width} values for a row, which is not what --answers {other:?} says"
                )
            }
            ([_] | [_, 1], answers) => {
                let answers = Self::single(tensor, answers, names)?;
                let two = !matches!(answers, Answers::Labels(_));
                let seen = told.labels.iter().max().map_or(2, |label| label.saturating_add(1).max(2));
                (answers, if two { 2 } else { classes.unwrap_or(seen) })
            }
            (shape, _) => {
                bail!("output {named:?} has the shape {shape:?}, which is no list of answers to {n} rows")
            }
        };
        if let Some(classes) = classes {
            ensure!(classes == found, "the model tells {found} classes apart, --classes says {classes}");
        }
        ensure!(
            (2..=1 << 20).contains(&found),
            "a classifier has at least two classes, and fewer than a million"
        );
        let reading = Self { output: tensor.name.clone(), answers, classes: found };
        reading.scores(outputs, n).map_err(anyhow::Error::msg)?;
        Ok(reading)
    }

    /// What one value for each row is.
    fn single(
        tensor: &Tensor,
        answers: Option<AnswersArg>,
        names: Option<Vec<String>>,
    ) -> anyhow::Result<Answers> {
        let named = tensor.name.as_str();
        Ok(match (answers, &tensor.values, tensor.datatype) {
            (None | Some(AnswersArg::Labels), Values::Texts(texts), _) => {
                let shown: std::collections::BTreeSet<&str> = texts.iter().map(String::as_str).collect();
                let shown: Vec<String> = shown.into_iter().take(8).map(quoted).collect();
                let names = names.with_context(|| {
                    format!(
                        "output {named:?} holds names of classes, such as {}; give all of them with --classes, in the \
                         order of y",
                        shown.join(", ")
                    )
                })?;
                Answers::Labels(Some(names))
            }
            (Some(AnswersArg::Labels), ..) | (None, _, Datatype::Whole | Datatype::Bool) => {
                ensure!(
                    names.is_none(),
                    "the model answers with numbers of classes; give their number with --classes"
                );
                Answers::Labels(None)
            }
            (Some(AnswersArg::Probability), Values::Numbers(_), _) => Answers::Probability,
            (Some(AnswersArg::Margin), Values::Numbers(_), _) => Answers::Margin,
            (Some(other), ..) => {
                bail!(
                    "output {named:?} holds one value for a row, which is not what --answers {other:?} says"
                )
            }
            (None, ..) => bail!(
                "output {named:?} holds one number for a row: the probability of class 1, a margin around 0, or a class? \
                 Say which with --answers probability, margin or labels"
            ),
        })
    }

    /// Whether only the class is told.
    pub const fn is_labels_only(&self) -> bool {
        matches!(self.answers, Answers::Labels(_))
    }

    /// What the scores are.
    pub const fn kind(&self) -> OutputKind {
        match self.answers {
            Answers::Scores(kind) => kind,
            Answers::Labels(_) | Answers::Probability => OutputKind::Probabilities,
            Answers::Margin => OutputKind::Logits,
        }
    }

    /// In words, for reports.
    pub const fn says(&self) -> &'static str {
        match self.answers {
            Answers::Scores(OutputKind::Probabilities) => "probabilities",
            Answers::Scores(OutputKind::Logits) => "logits",
            Answers::Labels(_) => "labels",
            Answers::Probability => "probability of class 1",
            Answers::Margin => "margin of class 1",
        }
    }

    /// The answers to `n` rows as scores, `n * classes` of them; or why they are none.
    pub fn scores(&self, outputs: &[Tensor], n: usize) -> Result<Vec<f32>, String> {
        let found = outputs.iter().find(|tensor| tensor.name == self.output);
        let tensor = found.ok_or_else(|| format!("the answer has no output {:?} any more", self.output))?;
        let wide = matches!(self.answers, Answers::Scores(_));
        let fits = match tensor.shape.as_slice() {
            [rows, width] if wide => *rows == n && *width == self.classes,
            [rows] | [rows, 1] if !wide => *rows == n,
            _ => false,
        };
        if !fits {
            return Err(format!(
                "output {:?} has the shape {:?}, where answers to {n} rows of {} classes were expected",
                self.output, tensor.shape, self.classes
            ));
        }
        let numbers = || match &tensor.values {
            Values::Numbers(values) => Ok(values),
            Values::Texts(_) => Err(format!("output {:?} holds texts where numbers were", self.output)),
        };
        let nan = vec![f32::NAN; self.classes];
        match &self.answers {
            Answers::Scores(_) => Ok(numbers()?.iter().map(|v| *v as f32).collect()),
            Answers::Probability => {
                let both = |p: &f64| match p {
                    p if p.is_nan() => Ok(nan.clone()),
                    p if (0.0..=1.0).contains(p) => Ok(vec![(1.0 - p) as f32, *p as f32]),
                    p => Err(format!("{p} is no probability")),
                };
                Ok(numbers()?.iter().map(both).collect::<Result<Vec<_>, String>>()?.concat())
            }
            Answers::Margin => {
                let both = |m: &f64| if m.is_nan() { nan.clone() } else { vec![0.0, *m as f32] };
                Ok(numbers()?.iter().flat_map(both).collect())
            }
            Answers::Labels(names) => {
                let classes: Vec<Option<usize>> = match (names, &tensor.values) {
                    (Some(names), Values::Texts(texts)) => texts
                        .iter()
                        .map(|text| names.iter().position(|name| name == text).map(Some).ok_or(text))
                        .collect::<Result<_, _>>()
                        .map_err(|text| {
                            format!("the model answered {text:?}, which --classes does not name")
                        })?,
                    _ => numbers()?.iter().map(|v| self.class(*v)).collect::<Result<_, _>>()?,
                };
                let one = |class: Option<usize>| {
                    let score = move |c| class.map_or(f32::NAN, |class| f32::from(u8::from(c == class)));
                    (0..self.classes).map(score)
                };
                Ok(classes.into_iter().flat_map(one).collect())
            }
        }
    }

    fn class(&self, value: f64) -> Result<Option<usize>, String> {
        if value.is_nan() {
            return Ok(None);
        }
        if value.fract() == 0.0 && value >= 0.0 && value < self.classes as f64 {
            return Ok(Some(value as usize));
        }
        Err(format!(
            "the model answered with class {value}, and there are the classes 0 to {}; give their number with --classes",
            self.classes - 1
        ))
    }
}

/// The output that holds answers: the one that is named, the only one, or the only one with scores.
fn chosen<'a>(outputs: &'a [Tensor], n: usize, named: Option<&str>) -> anyhow::Result<&'a Tensor> {
    let shown = || {
        let each = outputs.iter().map(|tensor| format!("{:?} {:?}", tensor.name, tensor.shape));
        each.collect::<Vec<_>>().join(", ")
    };
    if let Some(name) = named {
        let found = outputs.iter().find(|tensor| tensor.name == name);
        return found.with_context(|| format!("the model has no output {name:?}; it has {}", shown()));
    }
    if let [only] = outputs {
        return Ok(only);
    }
    let scores: Vec<&Tensor> = outputs
        .iter()
        .filter(|t| matches!(t.shape.as_slice(), [rows, width] if *rows == n && *width > 1))
        .filter(|t| matches!(t.values, Values::Numbers(_)))
        .collect();
    match scores.as_slice() {
        [only] => Ok(only),
        _ => bail!("which output holds the answers? Name it with --output-tensor; there are {}", shown()),
    }
}

/// A text of a server, short and with nothing that a terminal would act on.
fn quoted(text: &str) -> String {
    const MOST: usize = 60;
    format!("{:?}", text.chars().take(MOST).collect::<String>())
}

fn is_distribution(row: &[f64]) -> bool {
    row.iter().all(|p| (0.0..=1.0).contains(p)) && (row.iter().sum::<f64>() - 1.0).abs() < SUM
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    fn tensor(name: &str, shape: &[usize], datatype: Datatype, values: &[f64]) -> Tensor {
        let values = Values::Numbers(values.to_vec());
        Tensor { name: name.to_owned(), shape: shape.to_vec(), datatype, values }
    }

    const REAL: Datatype = Datatype::Real;

    fn texts(of: &[&str]) -> Tensor {
        let values = Values::Texts(of.iter().map(|t| (*t).to_owned()).collect());
        Tensor { name: "label".into(), shape: vec![of.len()], datatype: Datatype::Bytes, values }
    }

    #[test]
    fn what_shows_itself_is_recognised() {
        let of =
            |outputs: &[Tensor], told| Reading::of(outputs, 2, told).map(|r| (r.says(), r.classes, r.output));
        let told = Told { labels: &[0, 4], ..Told::default() };
        let soft = tensor("p", &[2, 2], REAL, &[0.25, 0.75, 1.0, 0.0]);
        let raw = tensor("z", &[2, 2], REAL, &[3.0, -1.0, 0.5, 0.6]);
        let class = tensor("y", &[2], Datatype::Whole, &[1.0, 3.0]);
        assert_eq!(of(slice::from_ref(&soft), told).unwrap(), ("probabilities", 2, "p".into()));
        assert_eq!(of(slice::from_ref(&raw), told).unwrap(), ("logits", 2, "z".into()));
        assert_eq!(of(slice::from_ref(&class), told).unwrap(), ("labels", 5, "y".into()));
        // Scikit-learn's exports answer with both.
        assert_eq!(of(&[class.clone(), soft.clone()], told).unwrap(), ("probabilities", 2, "p".into()));
        let named = Told { output: Some("y"), ..told };
        assert_eq!(of(&[class.clone(), soft.clone()], named).unwrap(), ("labels", 5, "y".into()));
        let words = Told { classes: Some("cat, dog,bird"), ..told };
        assert_eq!(of(&[texts(&["dog", "cat"])], words).unwrap(), ("labels", 3, "label".into()));
    }

    #[test]
    fn what_does_not_is_asked_for() {
        let one = tensor("p", &[2, 1], REAL, &[0.25, 0.75]);
        let soft = tensor("a", &[2, 2], REAL, &[0.25, 0.75, 1.0, 0.0]);
        let other = Tensor { name: "b".into(), ..soft.clone() };
        let class = |classes| Told { classes, ..Told::default() };
        let answers = |answers| Told { answers: Some(answers), ..Told::default() };
        for (outputs, told, says) in [
            (vec![one.clone()], Told::default(), "--answers probability, margin or labels"),
            (vec![soft.clone(), other], Told::default(), "--output-tensor"),
            (vec![soft.clone()], Told { output: Some("c"), ..Told::default() }, "no output \"c\""),
            (vec![soft.clone()], class(Some("3")), "tells 2 classes apart"),
            (vec![soft.clone()], answers(AnswersArg::Labels), "2 values for a row"),
            (
                vec![texts(&["dog", "cat"])],
                Told::default(),
                "\"cat\", \"dog\"; give all of them with --classes",
            ),
            (vec![texts(&["dog", "cow"])], class(Some("cat,dog")), "\"cow\""),
            (
                vec![tensor("y", &[2], Datatype::Whole, &[1.0, 9.0])],
                class(Some("3")),
                "answered with class 9",
            ),
            (vec![tensor("y", &[3, 2], REAL, &[0.0; 6])], Told::default(), "answers to 2 rows"),
            (vec![tensor("y", &[2, 2, 2], REAL, &[0.0; 8])], Told::default(), "no list of answers"),
            (vec![tensor("p", &[2], REAL, &[0.5, 1.5])], answers(AnswersArg::Probability), "no probability"),
        ] {
            let error = Reading::of(&outputs, 2, told).unwrap_err().to_string();
            assert!(error.contains(says), "{says}: {error}");
        }
        let both = Reading::of(&[one], 2, answers(AnswersArg::Probability)).unwrap();
        assert_eq!((both.says(), both.classes), ("probability of class 1", 2));
    }

    #[test]
    fn answers_become_scores() {
        let reading = |answers, classes| Reading { output: "y".into(), answers, classes };
        let scores = |r: Reading, t: Tensor| r.scores(&[t], 2).unwrap();
        let y = |values: &[f64]| tensor("y", &[2], REAL, values);
        assert_eq!(scores(reading(Answers::Probability, 2), y(&[0.25, 1.0])), [0.75, 0.25, 0.0, 1.0]);
        assert_eq!(scores(reading(Answers::Margin, 2), y(&[-2.0, 0.5])), [0.0, -2.0, 0.0, 0.5]);
        assert_eq!(scores(reading(Answers::Labels(None), 3), y(&[2.0, 0.0])), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        let undefined = scores(reading(Answers::Labels(None), 2), y(&[f64::NAN, 0.0]));
        assert!(undefined[0].is_nan() && undefined[1].is_nan() && undefined[2..] == [1.0, 0.0]);
        let error = reading(Answers::Scores(OutputKind::Logits), 2).scores(&[y(&[0.0, 1.0])], 2).unwrap_err();
        assert!(error.contains("has the shape [2]"), "{error}");
    }
}
