//! `attack inversion`: what the model takes for each class.

use proofhouse_core::Digest;
use proofhouse_report::input::{Examination, Picture, Results};
use proofhouse_robustness::privacy::inversion::{Inversion, InversionReport, invert};
use serde::Serialize;

use super::super::page::{picture, tool, words};
use super::super::subject::Subject;
use super::super::{Found, watched};
use super::{rows, with_gradients};
use crate::Exit;
use crate::args::attack::InversionArgs;
use crate::terminal;

/// What was drawn.
#[derive(Debug, Serialize)]
pub struct Drawn {
    schema: &'static str,
    #[serde(skip)]
    name: String,
    model: Digest,
    data: Digest,
    /// Whether gradients were estimated from scores.
    estimated: bool,
    report: InversionReport,
    #[serde(skip)]
    shape: Vec<usize>,
    #[serde(skip)]
    classes: Vec<String>,
}

pub fn attack(args: &InversionArgs) -> anyhow::Result<Drawn> {
    let subject = Subject::open(&args.subject)?;
    let inversion = Inversion {
        steps: args.steps,
        bounds: (subject.bounds.low, subject.bounds.high),
        ..Inversion::default()
    };
    let data = rows(&subject.rows, &subject.labels);
    let (report, estimated) = watched("inverting every class", |_| {
        with_gradients(&subject, args.subject.seed, |gradients| Ok(invert(gradients, data, &inversion)?))
    })?;
    let classes = (0..subject.options.classes).map(|c| subject.class(c)).collect();
    Ok(Drawn {
        schema: "proofhouse.inversion/v1",
        name: subject.name.clone(),
        model: subject.model_digest,
        data: subject.data_digest,
        estimated,
        report,
        shape: subject.options.input_shape.clone(),
        classes,
    })
}

impl Drawn {
    fn class(&self, index: usize) -> &str {
        self.classes.get(index).map_or("?", String::as_str)
    }

    fn lines(&self) -> Vec<Vec<String>> {
        self.report
            .classes
            .iter()
            .map(|c| {
                let (resembles, correlation) = c.resembles.unwrap_or_default();
                vec![
                    self.class(c.class).to_owned(),
                    format!("{:.3}", c.probability),
                    self.class(resembles).to_owned(),
                    format!("{correlation:.3}"),
                ]
            })
            .collect()
    }
}

impl Found for Drawn {
    fn exit(&self) -> Exit {
        Exit::Clean
    }

    fn show(&self) {
        terminal::line(format!("model {}  data {}", self.model.short(), self.data.short()));
        if self.estimated {
            terminal::line("gradients are estimated from scores");
        }
        terminal::line(format!(
            "  {:<12} {:>12} {:<14} {:>12}",
            "class", "probability", "  resembles", "correlation"
        ));
        for line in self.lines() {
            if let [class, probability, resembles, correlation] = line.as_slice() {
                terminal::line(format!(
                    "  {class:<12} {probability:>12}   {resembles:<12} {correlation:>12}"
                ));
            }
        }
        terminal::line(format!(
            "  classes that a matcher recognises {}, of which chance gives {:.3}",
            words(&self.report.matched),
            self.report.chance
        ));
    }

    fn page(&self) -> Examination {
        let limits = self.report.inversion.bounds;
        Examination {
            title: format!("What {} takes for each class", self.name),
            lead: vec![format!(
                "A matcher recognises {:.0}% of the classes in what the model imagines; chance gives {:.0}%.",
                self.report.matched.value * 100.0,
                self.report.chance * 100.0
            )],
            tool: tool(),
            facts: vec![
                ("model".to_owned(), self.model.to_string()),
                ("rows for the matcher".to_owned(), self.data.to_string()),
                (
                    "gradients".to_owned(),
                    if self.estimated { "estimated from scores" } else { "exact" }.to_owned(),
                ),
            ],
            tables: vec![Results {
                title: "By class".to_owned(),
                says: "Whom the picture resembles most, by correlation with the mean of real rows."
                    .to_owned(),
                columns: ["Class", "Probability", "Resembles", "Correlation"].map(str::to_owned).to_vec(),
                rows: self.lines(),
            }],
            pictures: self
                .report
                .classes
                .iter()
                .filter_map(|c| {
                    let image = picture(&self.shape, limits, &c.row)?;
                    Some(Picture { caption: format!("class {}", self.class(c.class)), image })
                })
                .collect(),
            ..Examination::default()
        }
    }
}
