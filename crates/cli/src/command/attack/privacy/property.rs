//! `attack property`: what the training data look like as a whole.

use anyhow::{Context as _, ensure};
use proofhouse_core::Digest;
use proofhouse_onnx::Scores as _;
use proofhouse_report::input::{Examination, Results};
use proofhouse_robustness::privacy::property::{Pool, PropertyReport, infer};
use proofhouse_robustness::privacy::{ShadowTraining, Template};
use serde::Serialize;

use super::super::page::{tool, words};
use super::super::subject::Subject;
use super::super::{Found, watched};
use super::attribute::capital;
use super::{beside, rows};
use crate::Exit;
use crate::args::attack::PropertyArgs;
use crate::terminal;

/// What telling the property came to.
#[derive(Debug, Serialize)]
pub struct Told {
    schema: &'static str,
    #[serde(skip)]
    name: String,
    model: Digest,
    data: Digest,
    column: usize,
    at_least: f32,
    shares: Vec<f64>,
    training: ShadowTraining,
    /// Share of what they learned that shadow models get right.
    shadow_accuracy: f64,
    report: PropertyReport,
}

pub fn attack(args: &PropertyArgs) -> anyhow::Result<Told> {
    let subject = Subject::open(&args.subject)?;
    let [low, high] = *args.shares.as_slice() else {
        anyhow::bail!("--shares takes two numbers, as in 0.2,0.5")
    };
    ensure!(
        subject.without_gradients.is_none(),
        "property inference trains shadow models of the model's own kind, \
        and this one cannot be trained from its file: {}",
        subject.without_gradients.as_deref().unwrap_or("")
    );
    let data = rows(&subject.rows, &subject.labels);
    let pool = Pool::of(data, subject.model().features(), args.column, args.at_least, (low, high))?;
    let training = ShadowTraining {
        shadows: args.shadows,
        epochs: args.epochs,
        rate: args.rate,
        seed: args.subject.seed,
        ..ShadowTraining::default()
    };
    let template = Template { file: &subject.file, options: &subject.options };
    let probes = &pool.probes;
    let n = probes.len() / subject.model().features();
    let answers = watched(&format!("{} shadow models", 2 * args.shadows), |_| {
        beside(2 * args.shadows, |which| {
            let learned = pool.draw(which % 2 == 0, training.seed, which);
            let trained = template.train(data, &learned, &training, which)?;
            let mut answer = Vec::new();
            trained.model.scores(probes, n, &mut answer)?;
            Ok((answer, trained.accuracy))
        })
    })
    .context("shadow models")?;
    let accuracy = answers.iter().map(|(_, a)| a).sum::<f64>() / answers.len().max(1) as f64;
    let of =
        |parity: usize| answers.iter().skip(parity).step_by(2).map(|(a, _)| a.clone()).collect::<Vec<_>>();
    let own = super::logits(&subject, probes, n)?;
    let report = infer(&of(0), &of(1), &own, 0.95)?;
    Ok(Told {
        schema: "proofhouse.property/v1",
        name: subject.name.clone(),
        model: subject.model_digest,
        data: subject.data_digest,
        column: args.column,
        at_least: args.at_least,
        shares: args.shares.clone(),
        training,
        shadow_accuracy: accuracy,
        report,
    })
}

impl Told {
    fn verdict(&self) -> String {
        let [low, high] = *self.shares.as_slice() else { return String::new() };
        let side = if self.report.verdict { high } else { low };
        if self.report.leaks {
            format!("answers tell the two apart; this model looks like one whose share is {side}")
        } else {
            "answers do not tell the two apart".to_owned()
        }
    }
}

impl Found for Told {
    fn exit(&self) -> Exit {
        Exit::Clean
    }

    fn show(&self) {
        let (with, without) = self.report.shadows;
        terminal::line(format!("model {}  data {}", self.model.short(), self.data.short()));
        terminal::line(format!(
            "share of rows whose column {} is at least {}: {:?}, {with} and {without} shadow models, {:.3} right on what \
             they learned",
            self.column, self.at_least, self.shares, self.shadow_accuracy
        ));
        terminal::line(format!("  told right when left out   {}", words(&self.report.told)));
        terminal::line(format!("  advantage over a coin      {:.3}", self.report.advantage));
        terminal::line(format!("  {}", self.verdict()));
    }

    fn page(&self) -> Examination {
        Examination {
            title: format!("What {} gives away about its training data", self.name),
            lead: vec![format!("{}.", capital(&self.verdict()))],
            tool: tool(),
            facts: vec![
                ("model".to_owned(), self.model.to_string()),
                ("data".to_owned(), self.data.to_string()),
                ("property".to_owned(), format!("column {} is at least {}", self.column, self.at_least)),
                ("seed".to_owned(), self.training.seed.to_string()),
            ],
            tables: vec![Results {
                title: "Shadow models told right when left out".to_owned(),
                says: "Half of them is what a coin tells.".to_owned(),
                columns: vec!["Shares".to_owned(), "Told right".to_owned(), "Advantage".to_owned()],
                rows: vec![vec![
                    format!("{:?}", self.shares),
                    words(&self.report.told),
                    format!("{:.3}", self.report.advantage),
                ]],
            }],
            ..Examination::default()
        }
    }
}
