//! `attack membership`: which rows were learned from.

use anyhow::{Context as _, ensure};
use proofhouse_core::Digest;
use proofhouse_report::input::{Examination, Results};
use proofhouse_robustness::privacy::membership::{
    MembershipReport, Method, by_confidence, by_labels, by_shadows,
};
use proofhouse_robustness::privacy::{ShadowTraining, Template};
use serde::Serialize;

use super::super::page::{tool, words};
use super::super::rows::Rows;
use super::super::subject::Subject;
use super::super::{Found, watched};
use super::{beside, learned, rows};
use crate::Exit;
use crate::args::attack::MembershipArgs;
use crate::terminal;

/// What telling members from others came to.
#[derive(Debug, Serialize)]
pub struct Told {
    schema: &'static str,
    #[serde(skip)]
    name: String,
    model: Digest,
    data: Digest,
    /// Attack by attack.
    reports: Vec<MembershipReport>,
    /// How shadow models were trained, and the share of what they learned that they get right.
    #[serde(skip_serializing_if = "Option::is_none")]
    shadows: Option<(ShadowTraining, f64)>,
    /// Why there is no likelihood ratio, where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    without_shadows: Option<String>,
}

pub fn attack(args: &MembershipArgs) -> anyhow::Result<Told> {
    let subject = Subject::open(&args.subject)?;
    let (members, others) = match learned(&subject, args.subject.rows)? {
        Some(members) => (members, (subject.rows.clone(), subject.labels.clone())),
        None => {
            let file = args.others.as_ref().context("give rows that were not learned from with --others")?;
            let others = Rows::read(file, args.subject.rows)?;
            ensure!(
                others.shape == subject.options.input_shape,
                "rows of --others have the shape {:?}, those of --data {:?}",
                others.shape,
                subject.options.input_shape
            );
            ((subject.rows.clone(), subject.labels.clone()), (others.values, others.labels))
        }
    };
    let (inside, outside) = (rows(&members.0, &members.1), rows(&others.0, &others.1));
    let model = subject.model();
    let mut reports = Vec::new();
    // Labels alone say how sure the model is only by how much noise they survive.
    if subject.access() > proofhouse_robustness::Access::Labels {
        reports.push(by_confidence(model, inside, outside, 0.95)?);
    }
    if args.copies > 0 {
        let noise = 0.3 * f64::from(subject.bounds.high - subject.bounds.low);
        let how = (args.copies, noise, args.subject.seed);
        reports.push(watched("labels under noise", |_| by_labels(model, inside, outside, how, 0.95))?);
    }
    let training = ShadowTraining {
        shadows: args.shadows,
        epochs: args.epochs,
        rate: args.rate,
        seed: args.subject.seed,
        ..ShadowTraining::default()
    };
    let (mut shadows, mut without_shadows) = (None, None);
    if args.shadows == 0 {
        without_shadows = Some("--shadows 0 was asked for".to_owned());
    } else if subject.access() == proofhouse_robustness::Access::Labels {
        without_shadows = Some("a likelihood ratio needs scores, and only labels are shown".to_owned());
    } else {
        let template = Template { file: &subject.file, options: &subject.options };
        let trained = watched(&format!("{} shadow models", args.shadows), |_| {
            beside(args.shadows, |which| template.shadow(inside, outside, &training, which))
        });
        match trained {
            Ok(trained) => {
                let accuracy = trained.iter().map(|(_, a)| a).sum::<f64>() / trained.len() as f64;
                let trained: Vec<_> = trained.into_iter().map(|(s, _)| s).collect();
                reports.push(by_shadows(model, inside, outside, &trained, 0.95)?);
                shadows = Some((training, accuracy));
            }
            Err(error) => without_shadows = Some(error.to_string()),
        }
    }
    Ok(Told {
        schema: "proofhouse.membership/v1",
        name: subject.name.clone(),
        model: subject.model_digest,
        data: subject.data_digest,
        reports,
        shadows,
        without_shadows,
    })
}

const fn name(method: &Method) -> &'static str {
    match method {
        Method::Confidence => "confidence",
        Method::Shadows => "likelihood ratio",
        Method::LabelOnly => "labels under noise",
        _ => "another",
    }
}

impl Told {
    /// For each attack a line for each rate of false alarms.
    fn lines(&self) -> Vec<Vec<String>> {
        let each = self.reports.iter().flat_map(|r| r.separation.points.iter().map(move |p| (r, p)));
        each.map(|(report, point)| {
            vec![
                name(&report.method).to_owned(),
                format!("{}%", point.false_alarms * 100.0),
                words(&point.found),
                if point.measurable { "yes".to_owned() } else { "too few rows".to_owned() },
                format!("{:.3}", report.separation.area),
            ]
        })
        .collect()
    }
}

impl Found for Told {
    fn exit(&self) -> Exit {
        Exit::Clean
    }

    fn show(&self) {
        terminal::line(format!("model {}  data {}", self.model.short(), self.data.short()));
        if let Some(report) = self.reports.first() {
            terminal::line(format!(
                "{} rows that were learned from, {} that were not",
                report.separation.members, report.separation.others
            ));
        }
        terminal::line(format!(
            "  {:<20} {:>12}  {:<24} {:<14} area under the curve",
            "attack", "false alarms", "members found", "measurable"
        ));
        for line in self.lines() {
            if let [attack, rate, found, measurable, area] = line.as_slice() {
                terminal::line(format!("  {attack:<20} {rate:>12}  {found:<24} {measurable:<14} {area}"));
            }
        }
        if let Some((training, accuracy)) = &self.shadows {
            terminal::line(format!(
                "  {} shadow models of the same kind, {accuracy:.3} right on what they learned",
                training.shadows
            ));
        }
        if let Some(why) = &self.without_shadows {
            terminal::line(format!("  no likelihood ratio: {why}"));
        }
        terminal::line(
            "  0.5 is a coin; at a rate of false alarms an attacker who guesses finds as many members",
        );
    }

    fn page(&self) -> Examination {
        let mut facts =
            vec![("model".to_owned(), self.model.to_string()), ("data".to_owned(), self.data.to_string())];
        if let Some(why) = &self.without_shadows {
            facts.push(("without a likelihood ratio".to_owned(), why.clone()));
        }
        if let Some((training, accuracy)) = &self.shadows {
            let says = format!("{}, {accuracy:.3} right on what they learned", training.shadows);
            facts.push(("shadow models".to_owned(), says));
        }
        Examination {
            title: format!("Which rows {} learned from", self.name),
            lead: self
                .reports
                .iter()
                .map(|r| format!("By {}: area under the curve {:.3}.", name(&r.method), r.separation.area))
                .collect(),
            tool: tool(),
            facts,
            tables: vec![Results {
                title: "Members found".to_owned(),
                says: "At a rate of false alarms, an attacker who guesses finds as many members.".to_owned(),
                columns: ["Attack", "False alarms", "Found", "Measurable", "Area"]
                    .map(str::to_owned)
                    .to_vec(),
                rows: self.lines(),
            }],
            ..Examination::default()
        }
    }
}
