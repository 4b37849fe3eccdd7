//! `attack backdoor`: a small pattern that turns everything into one class, and weights that look odd.

use std::path::Path;

use anyhow::Context as _;
use proofhouse_core::{Digest, Verdict};
use proofhouse_onnx::{Classifier, LoadOptions, load};
use proofhouse_report::input::{Examination, Picture, Results};
use proofhouse_robustness::privacy::transfer::{NATURAL, Transfer, transfer};
use proofhouse_robustness::privacy::trigger::{ANOMALOUS, TriggerReport, TriggerSearch, find};
use proofhouse_robustness::privacy::weights::{ODD, WeightReport, inspect};
use serde::Serialize;

use super::super::page::{picture, tool};
use super::super::subject::Subject;
use super::super::{Found, watched};
use super::{rows, with_gradients};
use crate::Exit;
use crate::args::attack::BackdoorArgs;
use crate::terminal;

/// Of the share of rows that a pattern turns on the reference.
const CONFIDENCE: f64 = 0.95;

/// What was found.
#[derive(Debug, Serialize)]
pub struct Sought {
    schema: &'static str,
    #[serde(skip)]
    name: String,
    model: Digest,
    data: Digest,
    /// Whether gradients were estimated from scores.
    estimated: bool,
    triggers: TriggerReport,
    /// What the reference makes of the patterns, where one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    transfers: Option<Vec<Transfer>>,
    weights: WeightReport,
    #[serde(skip)]
    shape: Vec<usize>,
    #[serde(skip)]
    classes: Vec<String>,
}

pub fn attack(args: &BackdoorArgs) -> anyhow::Result<Sought> {
    let subject = Subject::open(&args.subject)?;
    let search = TriggerSearch {
        steps: args.steps,
        bounds: (subject.bounds.low, subject.bounds.high),
        seed: args.subject.seed,
        ..TriggerSearch::default()
    };
    let data = rows(&subject.rows, &subject.labels);
    let (triggers, estimated) = watched("a trigger for each class", |told| {
        with_gradients(&subject, args.subject.seed, |gradients| {
            Ok(find(gradients, data, &search, &mut |done, of| told(done, of))?)
        })
    })?;
    let transfers = match &args.reference {
        Some(file) => Some(transfer(&triggers, &reference(file, &subject)?, data, CONFIDENCE)?),
        None => None,
    };
    let classes = (0..subject.options.classes).map(|c| subject.class(c)).collect();
    Ok(Sought {
        schema: "proofhouse.backdoor/v1",
        name: subject.name.clone(),
        model: subject.model_digest,
        data: subject.data_digest,
        estimated,
        triggers,
        transfers,
        weights: inspect(&subject.graph()?, subject.options.classes),
        shape: subject.options.input_shape.clone(),
        classes,
    })
}

fn reference(file: &Path, subject: &Subject) -> anyhow::Result<Classifier> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let wrong = || format!("{} is no reference for {}", file.display(), subject.name);
    let engine = load(&bytes, &LoadOptions::default()).with_context(wrong)?;
    Classifier::new(engine, subject.options.clone()).with_context(wrong)
}

impl Sought {
    /// What the reference says of a class's pattern.
    fn transfer(&self, class: usize) -> Option<&Transfer> {
        self.transfers.iter().flatten().find(|t| t.class == class)
    }

    /// Classes whose pattern works on this model and not on the reference.
    fn foreign(&self) -> Vec<usize> {
        let foreign = self.transfers.iter().flatten().filter(|t| t.natural == Verdict::Fail);
        foreign.map(|t| t.class).collect()
    }

    fn class(&self, index: usize) -> &str {
        self.classes.get(index).map_or("?", String::as_str)
    }

    fn lines(&self) -> Vec<Vec<String>> {
        self.triggers
            .classes
            .iter()
            .map(|t| {
                vec![
                    self.class(t.class).to_owned(),
                    t.size.map_or_else(|| "none".to_owned(), |s| format!("{s:.2}")),
                    format!("{:.3}", t.success),
                    format!("{:.2}", t.index),
                    self.weights.classes.get(t.class).map_or_else(|| "-".to_owned(), |d| format!("{d:.2}")),
                    self.transfer(t.class)
                        .map_or_else(|| "-".to_owned(), |t| format!("{:.3}", t.share.value)),
                ]
            })
            .collect()
    }

    fn verdict(&self) -> String {
        let named = |classes: &[usize]| classes.iter().map(|c| self.class(*c)).collect::<Vec<_>>().join(", ");
        let mut says = Vec::new();
        let foreign = self.foreign();
        if !foreign.is_empty() {
            says.push(format!("the pattern of class {} hardly works on the reference", named(&foreign)));
        } else if self.transfers.is_some() {
            says.push("what works on this model works on the reference, or is not certain not to".to_owned());
        }
        if !self.triggers.comparable {
            says.push("too few classes have a trigger to be compared with each other".to_owned());
        } else if self.triggers.flagged.is_empty() {
            says.push(format!(
                "no class needs a far smaller pattern than the others (index above {ANOMALOUS})"
            ));
        } else {
            says.push(format!(
                "look at class {}: a small pattern leads there",
                named(&self.triggers.flagged)
            ));
        }
        if !self.weights.odd.is_empty() {
            says.push(format!("the last layer's weights of class {} stand out", named(&self.weights.odd)));
        }
        if self.weights.not_finite > 0 {
            says.push(format!("{} weights are no numbers", self.weights.not_finite));
        }
        says.join("; ")
    }
}

impl Found for Sought {
    fn exit(&self) -> Exit {
        let natural = self.transfers.as_ref().map(|t| t.iter().all(|t| t.natural == Verdict::Pass));
        let flagged = !self.triggers.flagged.is_empty() || !self.foreign().is_empty();
        if flagged || self.weights.not_finite > 0 {
            Exit::Findings
        } else if natural.unwrap_or(self.triggers.comparable) {
            Exit::Clean
        } else {
            Exit::Unknown
        }
    }

    fn show(&self) {
        terminal::line(format!("model {}  data {}", self.model.short(), self.data.short()));
        if self.estimated {
            terminal::line("gradients are estimated from scores");
        }
        terminal::line(format!(
            "  {:<12} {:>13} {:>9} {:>7} {:>8} {:>9}",
            "class", "trigger size", "success", "index", "weights", "reference"
        ));
        for line in self.lines() {
            if let [class, size, success, index, weights, there] = line.as_slice() {
                terminal::line(format!(
                    "  {class:<12} {size:>13} {success:>9} {index:>7} {weights:>8} {there:>9}"
                ));
            }
        }
        terminal::line(format!("  {}", self.verdict()));
        terminal::line("  a flag is a reason to look, and none is no proof");
    }

    fn page(&self) -> Examination {
        let limits = self.triggers.search.bounds;
        let stamped = |t: &proofhouse_robustness::privacy::trigger::ClassTrigger| {
            let positions = t.mask.len().max(1);
            let neutral = limits.0;
            let seen: Vec<f32> = t
                .pattern
                .iter()
                .enumerate()
                .map(|(at, p)| {
                    let mask = t.mask.get(at % positions).copied().unwrap_or(0.0);
                    neutral + (p - neutral) * mask
                })
                .collect();
            let caption = format!("class {}, size {:.2}", self.class(t.class), t.size?);
            Some(Picture { caption, image: picture(&self.shape, limits, &seen)? })
        };
        Examination {
            title: format!("Backdoors in {}", self.name),
            lead: vec![format!("{}.", super::attribute::capital(&self.verdict()))],
            tool: tool(),
            facts: vec![
                ("model".to_owned(), self.model.to_string()),
                ("rows".to_owned(), self.data.to_string()),
                (
                    "gradients".to_owned(),
                    if self.estimated { "estimated from scores" } else { "exact" }.to_owned(),
                ),
                (
                    "last layer".to_owned(),
                    self.weights.last_layer.clone().unwrap_or_else(|| "not found".to_owned()),
                ),
                ("seed".to_owned(), self.triggers.search.seed.to_string()),
            ],
            tables: vec![Results {
                title: "The smallest pattern for each class".to_owned(),
                says: format!(
                    "The index says how many deviations a class's pattern lies below the median of all; above \
                     {ANOMALOUS} it is flagged. The next column says how far the class's weights in the last layer \
                     stand out; above {ODD} they are odd. The last is the share of rows that the pattern turns on a \
                     reference, too; surely below {NATURAL} it is no natural pattern."
                ),
                columns: ["Class", "Size", "Success", "Index", "Weights", "On the reference"]
                    .map(str::to_owned)
                    .to_vec(),
                rows: self.lines(),
            }],
            pictures: self.triggers.classes.iter().filter_map(stamped).collect(),
            ..Examination::default()
        }
    }
}
