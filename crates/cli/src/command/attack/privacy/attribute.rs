//! `attack attribute`: a column of a row from the others.

use proofhouse_core::Digest;
use proofhouse_report::input::{Examination, Results};
use proofhouse_robustness::privacy::attribute::{AttributeReport, infer};
use serde::Serialize;

use super::super::Found;
use super::super::page::{tool, words};
use super::super::subject::Subject;
use super::rows;
use crate::Exit;
use crate::args::attack::AttributeArgs;
use crate::terminal;

/// What guessing came to.
#[derive(Debug, Serialize)]
pub struct Guessed {
    schema: &'static str,
    #[serde(skip)]
    name: String,
    model: Digest,
    data: Digest,
    report: AttributeReport,
}

pub fn attack(args: &AttributeArgs) -> anyhow::Result<Guessed> {
    let subject = Subject::open(&args.subject)?;
    let data = rows(&subject.rows, &subject.labels);
    Ok(Guessed {
        schema: "proofhouse.attribute/v1",
        name: subject.name.clone(),
        model: subject.model_digest,
        data: subject.data_digest,
        report: infer(subject.model(), data, args.column, args.values, 0.95)?,
    })
}

impl Guessed {
    fn verdict(&self) -> &'static str {
        if self.report.leaks {
            "the model gives the value away"
        } else {
            "nothing beyond guessing the commonest value is shown"
        }
    }
}

impl Found for Guessed {
    fn exit(&self) -> Exit {
        Exit::Clean
    }

    fn show(&self) {
        let report = &self.report;
        terminal::line(format!("model {}  data {}", self.model.short(), self.data.short()));
        terminal::line(format!("column {}: {} different values", report.column, report.candidates.len()));
        terminal::line(format!("  guessed right             {}", words(&report.guessed)));
        terminal::line(format!("  by the commonest value    {}", words(&report.baseline)));
        terminal::line(format!("  {}", self.verdict()));
    }

    fn page(&self) -> Examination {
        let report = &self.report;
        Examination {
            title: format!("What {} gives away about column {}", self.name, report.column),
            lead: vec![format!("{}.", capital(self.verdict()))],
            tool: tool(),
            facts: vec![
                ("model".to_owned(), self.model.to_string()),
                ("data".to_owned(), self.data.to_string()),
                ("questions asked".to_owned(), report.queries.to_string()),
            ],
            tables: vec![Results {
                title: "Guesses".to_owned(),
                says: String::new(),
                columns: vec!["By".to_owned(), "Right".to_owned()],
                rows: vec![
                    vec!["the model's answer".to_owned(), words(&report.guessed)],
                    vec!["the commonest value".to_owned(), words(&report.baseline)],
                ],
            }],
            ..Examination::default()
        }
    }
}

/// The same with a capital, at the beginning of a sentence.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
