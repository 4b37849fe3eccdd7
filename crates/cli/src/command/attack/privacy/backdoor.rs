//! `attack backdoor`: a small pattern that turns everything into one class, and weights that look odd.

use proofhouse_core::Digest;
use proofhouse_report::input::{Examination, Picture, Results};
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
    let classes = (0..subject.options.classes).map(|c| subject.class(c)).collect();
    Ok(Sought {
        schema: "proofhouse.backdoor/v1",
        name: subject.name.clone(),
        model: subject.model_digest,
        data: subject.data_digest,
        estimated,
        triggers,
        weights: inspect(&subject.graph()?, subject.options.classes),
        shape: subject.options.input_shape.clone(),
        classes,
    })
}

impl Sought {
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
                ]
            })
            .collect()
    }

    fn verdict(&self) -> String {
        let named = |classes: &[usize]| classes.iter().map(|c| self.class(*c)).collect::<Vec<_>>().join(", ");
        let mut says = Vec::new();
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
        if !self.triggers.flagged.is_empty() || self.weights.not_finite > 0 {
            Exit::Findings
        } else if self.triggers.comparable {
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
            "  {:<12} {:>13} {:>9} {:>7} {:>8}",
            "class", "trigger size", "success", "index", "weights"
        ));
        for line in self.lines() {
            if let [class, size, success, index, weights] = line.as_slice() {
                terminal::line(format!("  {class:<12} {size:>13} {success:>9} {index:>7} {weights:>8}"));
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
                     {ANOMALOUS} it is flagged. The last column says how far the class's weights in the last layer \
                     stand out; above {ODD} they are odd."
                ),
                columns: ["Class", "Size", "Success", "Index", "Weights"].map(str::to_owned).to_vec(),
                rows: self.lines(),
            }],
            pictures: self.triggers.classes.iter().filter_map(stamped).collect(),
            ..Examination::default()
        }
    }
}
