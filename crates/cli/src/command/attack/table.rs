//! `attack table`: rows of a table, changed as its rules allow, as cheaply as possible.

use anyhow::{Context as _, ensure};
use proofhouse_core::Digest;
use proofhouse_lifecycle::data::Datasets;
use proofhouse_report::input::{Change, Counterexample, Examination, TableAttack, ValueChange};
use proofhouse_robustness::domain::Domain;
use proofhouse_robustness::tabular::{Aim, Tabular, TabularOptions, TabularReport, TabularRow, evade};
use proofhouse_robustness::trees::ensemble_of;
use proofhouse_system::{DatasetRole, DomainRules};
use serde::Serialize;

use super::page::{tool, words};
use super::subject::Subject;
use super::{Found, watched};
use crate::Exit;
use crate::args::attack::TableArgs;
use crate::terminal;

/// What an attack on a table came to.
#[derive(Debug, Serialize)]
pub struct Priced {
    schema: &'static str,
    #[serde(skip)]
    name: String,
    model: Digest,
    data: Digest,
    /// Why no price is proved, where none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_proved: Option<String>,
    report: TabularReport,
    /// The share that may fall.
    #[serde(skip_serializing_if = "Option::is_none")]
    most: Option<f64>,
    #[serde(skip)]
    aim: String,
    #[serde(skip)]
    labels: Vec<usize>,
    #[serde(skip)]
    classes: Vec<String>,
    #[serde(skip)]
    domain: Domain,
    #[serde(skip)]
    rows: Vec<f32>,
}

pub fn attack(args: &TableArgs) -> anyhow::Result<Priced> {
    let subject = Subject::open(&args.subject)?;
    let (domain, donors) = domain(args, &subject)?;
    let described = subject.described.as_ref();
    let check = described.and_then(|d| d.project.system.checks.constrained_evasion.as_ref());
    let wanted = args.class.or_else(|| check.and_then(|c| c.class).and_then(|c| usize::try_from(c).ok()));
    let budget = args.budget.or_else(|| check.and_then(|c| c.budget).map(proofhouse_system::Positive::get));
    let aims: Vec<Aim> =
        subject.labels.iter().map(|own| wanted.map_or(Aim::Other(*own), Aim::Class)).collect();
    let (trees, not_proved) = match subject.graph().and_then(|g| Ok(ensemble_of(&g)?)) {
        Ok(trees) => (Some(trees), None),
        Err(error) => (None, Some(format!("prices are proved of tree ensembles only: {error}"))),
    };
    let victim = subject.victim();
    let of = Tabular {
        model: victim.model,
        gradients: victim.gradients,
        trees: trees.as_ref(),
        domain: &domain,
        donors: &donors,
    };
    let options = TabularOptions {
        budget,
        eps: args.eps,
        queries: args.queries,
        seed: args.subject.seed,
        ..TabularOptions::default()
    };
    let report = watched(&format!("{} rows under the rules of the table", aims.len()), |told| {
        evade(of, &subject.rows, &aims, &options, &mut |done, of| told(done, of))
    })?;
    ensure!(
        report.illegal.len() < aims.len(),
        "no row can exist by the rules of the domain: row {}: {}. Correct the rules, or the data",
        report.illegal.first().map_or(0, |(row, _)| *row),
        report.illegal.first().map_or_else(String::new, |(_, v)| v.to_string())
    );
    Ok(Priced {
        schema: "proofhouse.table-attack/v1",
        name: subject.name.clone(),
        model: subject.model_digest,
        data: subject.data_digest,
        not_proved,
        report,
        most: args.most,
        aim: wanted.map_or_else(|| "another class".to_owned(), |c| format!("class {}", subject.class(c))),
        labels: subject.labels.clone(),
        classes: subject.classes.clone(),
        domain,
        rows: subject.rows,
    })
}

/// The rules and rows to take over parts of: a project's training rows, or the attacked rows themselves.
fn domain(args: &TableArgs, subject: &Subject) -> anyhow::Result<(Domain, Vec<f32>)> {
    let width = subject.rows.len() / subject.labels.len();
    if let Some(file) = &args.domain {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let rules: DomainRules = serde_saphyr::from_str(&text)
            .with_context(|| format!("{} holds no rules of a domain", file.display()))?;
        let names: Vec<String> = if !args.columns.is_empty() {
            args.columns.clone()
        } else if subject.features.len() == width {
            subject.features.clone()
        } else {
            (0..width).map(|at| format!("c{at}")).collect()
        };
        ensure!(names.len() == width, "--columns names {} columns, rows have {width}", names.len());
        let domain = Domain::read(&rules, &names, 1.0, &subject.rows)
            .with_context(|| format!("{}: columns are {}", file.display(), names.join(", ")))?;
        return Ok((domain, subject.rows.clone()));
    }
    let described = subject.described.as_ref().context("give the rules of the table with --domain")?;
    let system = &described.project.system;
    let check = system.checks.constrained_evasion.as_ref();
    let datasets = Datasets::load(&described.project)?;
    let named = check.map(|c| &c.dataset).or(system.checks.evasion.as_ref().map(|c| &c.dataset));
    let data = datasets.judged_by(named)?;
    let train = datasets.with_role(DatasetRole::Train).next().unwrap_or(data);
    let spec = data.spec().features.as_ref().or(train.spec().features.as_ref());
    let features = spec.context("the dataset has no features")?;
    let rules = features.domain.as_ref().with_context(|| {
        format!(
            "the dataset {} states no domain: say under features.domain which rows can exist and what a change costs, or \
             give --domain",
            data.id()
        )
    })?;
    let observed = train.features()?;
    let domain = Domain::read(rules, data.feature_names(), features.divisor(), observed)?;
    Ok((domain, observed.to_vec()))
}

impl Priced {
    fn class(&self, index: usize) -> String {
        self.classes.get(index).cloned().unwrap_or_else(|| index.to_string())
    }

    fn example(&self, row: &TabularRow) -> Counterexample {
        let width = self.domain.columns().len();
        let before = self.rows.get(row.index * width..(row.index + 1) * width).unwrap_or_default();
        let price = |name: &str, from: f32, to: f32| {
            let at = self.domain.columns().iter().position(|c| c.name == name)?;
            self.domain.price(at, from, to).filter(|_| before.get(at) == Some(&from))
        };
        Counterexample {
            record: format!("row {}", row.index),
            truth: self.class(self.labels.get(row.index).copied().unwrap_or_default()),
            answer: self.aim.clone(),
            distance: row.cost.unwrap_or_default(),
            change: Change::Table(
                row.changes
                    .iter()
                    .map(|(name, from, to)| ValueChange {
                        feature: name.clone(),
                        before: f64::from(*from),
                        after: f64::from(*to),
                        cost: price(name, *from, *to),
                    })
                    .collect(),
            ),
        }
    }

    /// Rows that fell, the cheapest first.
    fn fallen(&self) -> Vec<&TabularRow> {
        let mut fallen: Vec<&TabularRow> = self.report.rows.iter().filter(|r| r.cost.is_some()).collect();
        fallen.sort_by(|a, b| a.cost.unwrap_or_default().total_cmp(&b.cost.unwrap_or_default()));
        fallen
    }
}

impl Found for Priced {
    fn exit(&self) -> Exit {
        let high = self.report.success.interval.as_ref().filter(|_| self.report.attacked > 0).map(|i| i.high);
        match (self.most, high) {
            (None, _) => Exit::Clean,
            (Some(most), Some(high)) if high <= most => Exit::Clean,
            (Some(_), Some(_)) => Exit::Findings,
            (Some(_), None) => Exit::Unknown,
        }
    }

    fn show(&self) {
        let report = &self.report;
        terminal::line(format!("model {}  data {}", self.model.short(), self.data.short()));
        terminal::line(format!(
            "{} rows: {} attacked, {} are {} already, {} cannot exist by the rules",
            report.n,
            report.attacked,
            report.already,
            self.aim,
            report.illegal.len()
        ));
        for (row, violation) in report.illegal.iter().take(3) {
            terminal::line(format!("  ! row {row} cannot exist: {violation}"));
        }
        let within =
            report.options.budget.map_or_else(|| "at any price".to_owned(), |b| format!("for at most {b}"));
        terminal::line(format!("  turned into {} {within}  {}", self.aim, words(&report.success)));
        if let Some(proved) = &report.proved {
            terminal::line(format!("  proved to be out of reach   {}", words(proved)));
        }
        if let Some(why) = &self.not_proved {
            terminal::line(format!("  nothing is proved: {why}"));
        }
        if let Some(median) = report.median_cost {
            terminal::line(format!("  half of those that fell cost at most {median:.4}"));
        }
        for row in self.fallen().into_iter().take(3) {
            let changes: Vec<String> =
                row.changes.iter().map(|(name, from, to)| format!("{name} {from} → {to}")).collect();
            terminal::line(format!(
                "    row {:<6} for {:.4}: {}",
                row.index,
                row.cost.unwrap_or_default(),
                changes.join(", ")
            ));
        }
    }

    fn page(&self) -> Examination {
        let report = &self.report;
        let fallen = self.fallen();
        let mut facts = vec![
            ("model".to_owned(), self.model.to_string()),
            ("data".to_owned(), self.data.to_string()),
            ("questions asked".to_owned(), report.queries.total().to_string()),
            ("seed".to_owned(), report.options.seed.to_string()),
        ];
        if let Some(why) = &self.not_proved {
            facts.push(("without proof".to_owned(), why.clone()));
        }
        Examination {
            title: format!("Attack on {} under the rules of its table", self.name),
            lead: vec![format!(
                "Of {} rows {} can be turned into {}; half of those for at most {:.4}.",
                report.attacked,
                report.evaded,
                self.aim,
                report.median_cost.unwrap_or_default()
            )],
            tool: tool(),
            facts,
            table: Some(TableAttack {
                aim: self.aim.clone(),
                budget: report.options.budget,
                attacked: report.attacked,
                success: report.success.clone(),
                proved: report.proved.clone(),
                gain: None,
                prices: fallen.iter().filter_map(|r| r.cost).collect(),
                floors: report.rows.iter().filter_map(|r| r.at_least).collect(),
                examples: fallen.iter().take(9).map(|r| self.example(r)).collect(),
            }),
            ..Examination::default()
        }
    }
}
