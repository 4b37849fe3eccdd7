//! Evasion of tabular models under the rules of their domain, at the attacker's price.
//!
//! [`evade`] takes rows of a table, what is wanted of each ([`Aim`]), and a [`Domain`]; it looks for legal rows that
//! reach the aim and cost as little as possible. Three searches share the work, since each has a home: constrained
//! gradient descent on networks, coordinate search on trees and whole numbers, evolution where several changes are
//! needed at once. For tree ensembles [`trees::minimal_cost`](crate::trees::minimal_cost) adds a bound from below, in
//! a field of its own.
//!
//! Every candidate is projected onto the domain before the model is asked; every result is held against the domain
//! again, and the model is asked about it once more by itself, before it counts.

mod aim;
mod asker;
mod coordinate;
mod evolve;
mod gradient;
mod greedy;
mod reduce;

use proofhouse_core::Measurement;
use proofhouse_onnx::{Gradients, Scores, TreeEnsemble, predict};
use serde::{Deserialize, Serialize};

pub use aim::Aim;
use asker::Asker;

use crate::domain::{Domain, Reach, Violation};
use crate::trees::{CostOptions, minimal_cost};
use crate::{Chance, Norm, QueryLedger, RobustnessError};

/// Rows of the wanted side that a search may take over parts of.
const DONORS: usize = 8;

/// How to search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TabularOptions {
    /// Most a changed row may cost; absent: anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<f64>,
    /// Largest change of any column, in units of the model's input; absent: the domain alone decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eps: Option<f64>,
    /// The searches to run, in order; the cheapest result counts.
    pub searches: Vec<Search>,
    /// Queries that each search may ask about a row.
    pub queries: u64,
    /// Rows of a generation.
    pub population: usize,
    /// Generations.
    pub generations: usize,
    /// Starts of a descent.
    pub restarts: usize,
    /// Steps of a descent.
    pub iterations: usize,
    /// Boxes that the bound from below may examine for a row of a tree ensemble; 0: no bound.
    pub max_boxes: u64,
    /// Seed of all chance.
    pub seed: u64,
    /// Confidence of the two-sided intervals.
    pub confidence: f64,
}

/// A way of searching.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Search {
    /// Projected gradient descent; only where the model has gradients.
    Gradient,
    /// One coordinate after another.
    Greedy,
    /// Evolution of a population.
    Evolution,
    /// The exact search over the boxes of a tree ensemble. It needs not be asked for: `max_boxes` says whether it runs.
    Boxes,
}

impl Search {
    const fn purpose(self) -> &'static str {
        match self {
            Self::Gradient => "tabular-gradient",
            Self::Greedy => "tabular-greedy",
            Self::Evolution => "tabular-evolution",
            Self::Boxes => "tabular-boxes",
        }
    }
}

impl Default for TabularOptions {
    fn default() -> Self {
        Self {
            budget: None,
            eps: None,
            searches: vec![Search::Gradient, Search::Greedy, Search::Evolution],
            queries: 10_000,
            population: 40,
            generations: 40,
            restarts: 4,
            iterations: 40,
            max_boxes: 50_000,
            seed: 0,
            confidence: 0.95,
        }
    }
}

/// A model over a table.
#[derive(Clone, Copy)]
pub struct Tabular<'a> {
    /// Its scores; for a regressor, its outputs.
    pub model: &'a dyn Scores,
    /// The same model with gradients, where it has them.
    pub gradients: Option<&'a dyn Gradients>,
    /// The same model as trees, where it is one: the same function of the same rows, without another scale or a
    /// transformation of a regressor's output between them.
    pub trees: Option<&'a TreeEnsemble>,
    /// What rows can exist, and what changes cost.
    pub domain: &'a Domain,
    /// Legal rows to take over parts of, such as training rows.
    pub donors: &'a [f32],
}

/// What was found for a row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TabularRow {
    /// Its index.
    pub index: usize,
    /// What was wanted.
    pub aim: Aim,
    /// Cost of the cheapest legal row found that reaches the aim: an upper bound of the true price; absent where
    /// nothing was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// What no legal row that reaches the aim costs less than; for tree ensembles only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// The search that found it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
    /// Queries that all searches asked.
    pub queries: u64,
    /// What was changed: name, from, to.
    pub changes: Vec<(String, f32, f32)>,
    /// The changed row; empty where nothing was found.
    pub adversarial: Vec<f32>,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TabularReport {
    /// Everything it was run with.
    pub options: TabularOptions,
    /// Rows.
    pub n: u64,
    /// Rows that the domain says cannot exist, with the reason; they are not attacked. The domain or the data are
    /// wrong.
    pub illegal: Vec<(usize, Violation)>,
    /// Rows of which the model already says what is wanted; they are not attacked.
    pub already: u64,
    /// Rows attacked.
    pub attacked: u64,
    /// Attacked rows for which a legal row within budget and reach was found and confirmed.
    pub evaded: u64,
    /// Rows that a fresh question did not confirm.
    pub unconfirmed: u64,
    /// What it cost.
    pub queries: QueryLedger,
    /// Share of the attacked rows that were evaded: a lower bound of what a better search does.
    pub success: Measurement,
    /// Share of the attacked rows proved to be out of reach of the budget: a lower bound of what holds. Absent
    /// without a budget or without proofs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proved: Option<Measurement>,
    /// Median price of those evaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_cost: Option<f64>,
    /// Every attacked row, by index.
    pub rows: Vec<TabularRow>,
}

impl TabularReport {
    /// Attacked rows evaded for at most `budget`.
    #[must_use]
    pub fn evaded_for(&self, budget: f64) -> u64 {
        self.rows.iter().filter(|r| r.cost.is_some_and(|c| c <= budget)).count() as u64
    }

    /// Of what the attacked rows put at stake (`gain` of each row, by index), the share that an attacker takes who
    /// only attacks where it pays.
    #[must_use]
    pub fn share_of_gain(&self, gain: &[f64]) -> Option<f64> {
        let of = |row: &TabularRow| gain.get(row.index).copied().unwrap_or(0.0).max(0.0);
        let total: f64 = self.rows.iter().map(of).sum();
        let taken: f64 = self.rows.iter().filter(|r| r.cost.is_some_and(|c| c < of(r))).map(of).sum();
        (total > 0.0).then(|| taken / total)
    }
}

/// A row under attack.
pub(crate) struct Row<'a> {
    pub domain: &'a Domain,
    pub original: &'a [f32],
    pub reach: Reach,
    /// Rows that reach the aim, cheapest first.
    pub donors: Vec<Vec<f32>>,
}

/// A legal row that reaches the aim, as a search claims.
pub(crate) struct Found {
    pub cost: f64,
    pub row: Vec<f32>,
}

impl Row<'_> {
    fn found(&self, row: Vec<f32>) -> Found {
        Found { cost: self.domain.cost(self.original, &row), row }
    }
}

/// Looks for the cheapest legal change of each row that reaches its aim. `rows` holds as many rows as there are
/// aims; `progress` is told the number of rows done after each.
///
/// # Errors
/// Rows that do not fit the domain's columns or the model, options that make no sense, a model that cannot be asked.
pub fn evade(
    of: Tabular<'_>,
    rows: &[f32],
    aims: &[Aim],
    options: &TabularOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<TabularReport, RobustnessError> {
    let width = check(of, rows, aims, options)?;
    let kind = of.model.kind();
    let classes = of.model.classes();
    let mut scores = Vec::new();
    of.model.scores(rows, aims.len(), &mut scores)?;
    let mut queries = QueryLedger { clean: aims.len() as u64, ..QueryLedger::default() };
    let donors: Vec<&[f32]> =
        of.donors.chunks_exact(width).filter(|d| of.domain.illegal(d).is_none()).collect();
    let flat: Vec<f32> = donors.iter().flat_map(|d| d.iter().copied()).collect();
    let mut donor_scores = Vec::new();
    if !donors.is_empty() {
        of.model.scores(&flat, donors.len(), &mut donor_scores)?;
        queries.attack += donors.len() as u64;
    }
    let mut report = TabularReport {
        options: options.clone(),
        n: aims.len() as u64,
        illegal: Vec::new(),
        already: 0,
        attacked: 0,
        evaded: 0,
        unconfirmed: 0,
        queries,
        success: Measurement::proportion("constrained-evasion-success", 0, 0, options.confidence),
        proved: None,
        median_cost: None,
        rows: Vec::new(),
    };
    let reach =
        Reach { budget: options.budget.unwrap_or(f64::INFINITY), eps: options.eps.unwrap_or(f64::INFINITY) };
    for (index, (original, aim)) in rows.chunks_exact(width).zip(aims).enumerate() {
        progress(index, aims.len());
        if let Some(violation) = of.domain.illegal(original) {
            report.illegal.push((index, violation));
            continue;
        }
        let answer = &scores[index * classes..][..classes];
        if let Some(trees) = of.trees {
            same(trees, original, answer).map_err(|reason| RobustnessError::Row { row: index, reason })?;
        }
        if aim.reached(answer) || aim.missing(answer, kind).is_nan() {
            report.already += 1;
            continue;
        }
        let mut wanted: Vec<(f64, &[f32])> = donors
            .iter()
            .zip(donor_scores.chunks_exact(classes))
            .filter(|(_, s)| aim.reached(s))
            .map(|(d, _)| (of.domain.cost(original, d), *d))
            .collect();
        wanted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let row = Row {
            domain: of.domain,
            original,
            reach,
            donors: wanted.into_iter().take(DONORS).map(|(_, d)| d.to_vec()).collect(),
        };
        let found = pursue(of, &row, *aim, index, options, &mut report)?;
        report.rows.push(found);
    }
    progress(aims.len(), aims.len());
    report.attacked = report.rows.len() as u64;
    report.evaded = report.evaded_for(f64::INFINITY);
    report.success = Measurement::proportion(
        "constrained-evasion-success",
        report.evaded,
        report.attacked,
        options.confidence,
    );
    if let Some(budget) = options.budget
        && report.rows.iter().any(|r| r.at_least.is_some())
    {
        let safe = report.rows.iter().filter(|r| r.at_least.is_some_and(|c| c > budget)).count() as u64;
        report.proved =
            Some(Measurement::proportion("proved-robust", safe, report.attacked, options.confidence));
    }
    let mut costs: Vec<f64> = report.rows.iter().filter_map(|r| r.cost).collect();
    costs.sort_by(f64::total_cmp);
    report.median_cost = costs.get(costs.len() / 2).copied();
    Ok(report)
}

/// Runs the searches on one row and confirms the cheapest result.
fn pursue(
    of: Tabular<'_>,
    row: &Row<'_>,
    aim: Aim,
    index: usize,
    options: &TabularOptions,
    report: &mut TabularReport,
) -> Result<TabularRow, RobustnessError> {
    let mut claims: Vec<(Search, Found)> = Vec::new();
    let mut asked = 0;
    for search in &options.searches {
        let mut asker = Asker::new(of.model, aim, options.queries);
        let mut chance = Chance::new(options.seed, search.purpose(), index);
        let found = match search {
            Search::Gradient => match of.gradients {
                None => None,
                Some(g) => {
                    gradient::search(row, &mut asker, g, options.restarts, options.iterations, &mut chance)?
                }
            },
            Search::Greedy => greedy::search(row, &mut asker)?,
            Search::Evolution => {
                evolve::search(row, &mut asker, options.population, options.generations, &mut chance)?
            }
            Search::Boxes => None,
        };
        asked += asker.queries;
        claims.extend(found.map(|f| (*search, f)));
    }
    let mut at_least = None;
    if let Some(trees) = of.trees
        && options.max_boxes > 0
        && options.eps.is_none()
    {
        let upper = claims.iter().map(|(_, f)| f.cost).reduce(f64::min);
        let limits = CostOptions { max_boxes: options.max_boxes, upper };
        let nearest = minimal_cost(trees, row.domain, row.original, aim, &limits)?;
        at_least = Some(nearest.certified);
        claims.extend(
            nearest.witness.map(|row| (Search::Boxes, Found { cost: nearest.found.unwrap_or(0.0), row })),
        );
    }
    claims.retain(|(_, f)| f.cost <= row.reach.budget);
    claims.sort_by(|a, b| a.1.cost.total_cmp(&b.1.cost));
    report.queries.attack += asked;
    let mut result = TabularRow {
        index,
        aim,
        cost: None,
        at_least,
        search: None,
        queries: asked,
        changes: Vec::new(),
        adversarial: Vec::new(),
    };
    let mut scores = Vec::new();
    for (search, found) in claims {
        of.model.scores(&found.row, 1, &mut scores)?;
        report.queries.confirm += 1;
        let legal = of.domain.admits(row.original, &found.row).is_ok()
            && Norm::Linf.distance(&[found.row.len()], row.original, &found.row) <= row.reach.eps;
        if !(legal && aim.reached(&scores)) {
            report.unconfirmed += 1;
            continue;
        }
        let names = of.domain.columns().iter().zip(row.original.iter().zip(&found.row));
        result.changes = names
            .filter(|(_, (a, b))| a != b)
            .map(|(column, (a, b))| (column.name.clone(), *a, *b))
            .collect();
        result.cost = Some(found.cost);
        result.search = Some(search);
        result.adversarial = found.row;
        break;
    }
    Ok(result)
}

/// Whether the trees say of a row what the model says; bounds of another function would be worth nothing.
fn same(trees: &TreeEnsemble, row: &[f32], answer: &[f32]) -> Result<(), String> {
    let mut raw = Vec::new();
    trees.raw(row, &mut raw);
    let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5 * (1.0 + a.abs().max(b.abs()));
    let agree = match trees.class(&raw) {
        Some(class) => predict(answer, answer.len()) == [Some(class)],
        None => raw.len() == answer.len() && raw.iter().zip(answer).all(near),
    };
    if agree {
        Ok(())
    } else {
        Err(format!("the trees answer {raw:?} where the model answers {answer:?}; they are not the same"))
    }
}

fn check(
    of: Tabular<'_>,
    rows: &[f32],
    aims: &[Aim],
    options: &TabularOptions,
) -> Result<usize, RobustnessError> {
    let width = of.domain.columns().len();
    let outputs = of.model.classes();
    let refuse = |what: String| Err(RobustnessError::Option(what));
    if of.model.features() != width {
        return refuse(format!(
            "the model takes {} values, the domain has {width} columns",
            of.model.features()
        ));
    }
    if aims.len().checked_mul(width) != Some(rows.len()) || !of.donors.len().is_multiple_of(width) {
        return refuse(format!(
            "{} aims call for as many rows of {width} values, not for {} values",
            aims.len(),
            rows.len()
        ));
    }
    for (row, aim) in aims.iter().enumerate() {
        let (output, number) = match *aim {
            Aim::Other(class) | Aim::Class(class) => (class, 0.0),
            Aim::AtLeast { output, value } | Aim::AtMost { output, value } => (output, value),
        };
        if output >= outputs || !number.is_finite() {
            return Err(RobustnessError::Row {
                row,
                reason: format!("{aim:?} is nothing that a model of {outputs} outputs can say"),
            });
        }
    }
    if options.budget.is_some_and(|b| b.is_nan() || b < 0.0) {
        return refuse("a budget is a number from 0".to_owned());
    }
    if options.eps.is_some_and(|e| !(e.is_finite() && e > 0.0)) {
        return refuse("eps is a positive number".to_owned());
    }
    if options.population < 4 || options.queries == 0 {
        return refuse("a search has at least one query a row and a population of at least 4".to_owned());
    }
    if !(0.5..1.0).contains(&options.confidence) {
        return refuse(format!("a confidence lies in 0.5..1, {} does not", options.confidence));
    }
    Ok(width)
}
