//! Errors by group: whether the model favours or wrongs some groups of people more than others
//! ([`proofhouse_onnx::GroupReport`] says how they are compared).
//!
//! Who belongs to which group stands in columns of the dataset that the system file names. A group that is not stated
//! for a row is a group of its own: people who leave it out are people too.

use proofhouse_core::{Finding, Measurement, Place, Reference, Severity, Verdict};
use proofhouse_onnx::{Comparison, GroupReport, GroupedRows, Rate, Scores as _, predict};
use proofhouse_system::{Confidence, Count, FairnessCheck, Probability};
use serde_json::json;

use super::groups::groupings;
use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;
use crate::data::LoadedDataset;

const MIN_RATIO: f64 = 0.8;
const MIN_ROWS: u64 = 100;
const CONFIDENCE: f64 = 0.95;
/// Findings for single pairs; the rest is counted.
const MOST_FINDINGS: usize = 10;

/// Selection, wrong favours and wrong refusals by group.
pub struct GroupFairness;

impl Check for GroupFairness {
    fn kinds(&self) -> &'static [&'static str] {
        &["group-fairness"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        let Some(check) = asked(context) else { return Ok(Vec::new()) };
        let data = data(context, check)?;
        let config = json!({"dataset": data.id(), "check": check});
        Ok(vec![Setup::of(context.model.subject(), config).with_data(data.digest())])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        let Some(check) = asked(context) else {
            let why = "the system file names no column that tells groups apart; describe checks.fairness";
            return Ok(Outcome::not_measurable(self.name(), why));
        };
        let data = data(context, check)?;
        let (rows, labels) = (data.features()?, data.labels()?);
        let model = context.model.classifier()?;
        let mut scores = Vec::new();
        model.scores(rows, labels.len(), &mut scores)?;
        let predicted = predict(&scores, model.classes());
        let favourable = check.favourable.and_then(|class| usize::try_from(class).ok());
        let least = check.min_rows.map_or(MIN_ROWS, |count| u64::from(Count::get(count)));
        let confidence = check.confidence.map_or(CONFIDENCE, Confidence::get);
        let reports = groupings("checks.fairness.groups", &check.groups, check.crossed, data)?
            .iter()
            .map(|grouping| {
                let rows = GroupedRows {
                    labels,
                    predicted: &predicted,
                    groups: &grouping.of,
                    names: &grouping.names,
                };
                GroupReport::of(rows, favourable, least, confidence)
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(judge(check, &reports))
    }
}

fn asked<'a>(context: &Context<'a>) -> Option<&'a FairnessCheck> {
    context.project.system.checks.fairness.as_ref().filter(|_| !context.model.spec().writes())
}

fn data<'a>(context: &Context<'a>, check: &FairnessCheck) -> Result<&'a LoadedDataset, LifecycleError> {
    let performance = context.project.system.checks.performance.as_ref();
    context.datasets.judged_by(check.dataset.as_ref().or(performance.map(|p| &p.dataset)))
}

fn judge(check: &FairnessCheck, reports: &[GroupReport]) -> Outcome {
    let ratio = check.min_ratio.map_or(MIN_RATIO, Probability::get);
    let tolerance = check.max_gap.map(Probability::get);
    let comparisons: Vec<&Comparison> = reports.iter().flat_map(|r| &r.comparisons).collect();
    // What there is no tolerance for is measured and not judged.
    let alike = |c: &Comparison| match (c.rate, tolerance) {
        (Rate::Selection, _) => c.alike(ratio, 1.0),
        (_, Some(gap)) => c.alike(ratio, gap),
        (_, None) => None,
    };
    let verdict = Verdict::all(comparisons.iter().map(|c| Verdict::from(alike(c))));
    let apart: Vec<&&Comparison> = comparisons.iter().filter(|c| alike(c) == Some(false)).collect();
    let mut criterion = Vec::new();
    for rate in [Rate::Selection, Rate::FalsePositive, Rate::FalseNegative, Rate::Error] {
        let Some(worst) = worst(comparisons.iter().copied().filter(|c| c.rate == rate)) else { continue };
        let limit = match (rate, tolerance) {
            (Rate::Selection, _) => format!("within [{ratio}, {:.2}]", 1.0 / ratio),
            (_, Some(gap)) => format!("at most {gap}"),
            (_, None) => "with no tolerance under checks.fairness.max_gap to judge by".to_owned(),
        };
        criterion.push(format!("{}, {limit}", worst.measured));
    }
    let small: Vec<String> =
        reports.iter().flat_map(|r| &r.too_small).map(|(name, n)| format!("{name} ({n})")).collect();
    if comparisons.is_empty() {
        let why = format!("no two groups have enough rows to be compared: {}", small.join(", "));
        return Outcome::not_measurable("group-fairness", &why);
    }
    if verdict == Verdict::Unknown {
        let open = comparisons.iter().filter(|c| alike(c).is_none()).count();
        criterion.push(format!(
            "not decided for {open} of {} comparisons: too few rows, or no tolerance",
            comparisons.len()
        ));
    }
    if !small.is_empty() {
        criterion.push(format!("not compared, too few rows: {}", small.join(", ")));
    }
    let mut findings: Vec<Finding> = apart.iter().take(MOST_FINDINGS).map(|c| found(c)).collect();
    if let (Some(last), true) = (findings.last_mut(), apart.len() > MOST_FINDINGS) {
        last.message.push_str(&format!("; {} more pairs lie as far apart", apart.len() - MOST_FINDINGS));
    }
    let measured: Vec<Measurement> = reports
        .iter()
        .flat_map(|r| &r.groups)
        .flat_map(|g| g.rates.iter().map(|(_, m)| m.clone()))
        .chain(
            [Rate::Selection, Rate::FalsePositive, Rate::FalseNegative, Rate::Error].into_iter().filter_map(
                |rate| {
                    worst(comparisons.iter().copied().filter(|c| c.rate == rate)).map(|c| c.measured.clone())
                },
            ),
        )
        .collect();
    let mut outcome = Outcome::new(verdict, criterion.join("; ")).measured(measured).found(findings);
    outcome.exhibit = Some(json!({ "reports": reports, "min_ratio": ratio, "max_gap": tolerance }));
    outcome
}

/// The pair that lies furthest from equal treatment.
fn worst<'a>(comparisons: impl Iterator<Item = &'a Comparison>) -> Option<&'a Comparison> {
    let distance = |c: &Comparison| match c.rate {
        Rate::Selection => 1.0 - c.measured.value,
        _ => c.measured.value,
    };
    comparisons.max_by(|a, b| distance(a).total_cmp(&distance(b)))
}

fn found(comparison: &Comparison) -> Finding {
    let what = match comparison.rate {
        Rate::Selection => "is favoured less often",
        Rate::FalsePositive => "is favoured by mistake less often",
        Rate::FalseNegative => "is refused by mistake less often",
        Rate::Error => "is answered wrongly less often",
    };
    Finding {
        rule: format!("group-fairness/{}", comparison.rate.name()),
        severity: Severity::High,
        message: format!("{} {what} than {}: {}", comparison.lower, comparison.higher, comparison.measured),
        place: Place::default(),
        remediation: "find out why the groups are answered differently (who is in the training data, which features stand \
                      for the group), mend it and assess again, or have two people waive it with a reason"
            .to_owned(),
        references: vec![
            Reference::new("NIST-RMF", "1.0", "MEASURE 2.11"),
            Reference::new("PLOT4AI", "5f4b43e", "P4AI-6.03"),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A check of two groups in which these shares of a thousand are granted by right and by mistake.
    fn judged(max_gap: Option<f64>, first: (usize, usize), second: (usize, usize)) -> Outcome {
        let mut check = json!({"groups": [{"column": "age"}], "favourable": 1});
        if let Some(gap) = max_gap {
            check["max_gap"] = json!(gap);
        }
        let check: FairnessCheck = serde_json::from_value(check).unwrap();
        let (mut labels, mut predicted, mut groups) = (vec![], vec![], vec![]);
        for (group, (right, mistaken)) in [first, second].into_iter().enumerate() {
            for row in 0..1000 {
                labels.extend([1, 0]);
                predicted.extend([Some(usize::from(row < right)), Some(usize::from(row < mistaken))]);
                groups.extend([group, group]);
            }
        }
        let names = ["age: old", "age: young"].map(String::from);
        let rows = GroupedRows { labels: &labels, predicted: &predicted, groups: &groups, names: &names };
        judge(&check, &[GroupReport::of(rows, Some(1), 100, 0.95).unwrap()])
    }

    #[test]
    fn groups_that_are_treated_alike_pass() {
        let outcome = judged(Some(0.1), (800, 100), (790, 110));
        assert_eq!(outcome.verdict, Verdict::Pass, "{}", outcome.criterion);
        assert_eq!(outcome.findings, []);
    }

    #[test]
    fn a_group_that_is_refused_more_often_is_named() {
        let outcome = judged(Some(0.1), (800, 100), (400, 100));
        assert_eq!(outcome.verdict, Verdict::Fail);
        let said: Vec<&str> = outcome.findings.iter().map(|f| f.message.as_str()).collect();
        assert!(said[0].starts_with("age: young is favoured less often than age: old"), "{said:?}");
        assert!(said[1].starts_with("age: old is refused by mistake less often than age: young"), "{said:?}");
    }

    #[test]
    fn without_a_tolerance_nobody_can_judge_errors_but_selection_is_judged() {
        let outcome = judged(None, (800, 100), (790, 110));
        assert_eq!(outcome.verdict, Verdict::Unknown);
        assert!(outcome.criterion.contains("no tolerance"), "{}", outcome.criterion);
        assert_eq!(judged(None, (800, 100), (400, 100)).verdict, Verdict::Fail);
    }
}
