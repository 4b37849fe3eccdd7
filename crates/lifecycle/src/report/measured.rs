//! How well the model works, plainly and under attack: measurements of signed evidence, and the exhibits
//! that the evidence names.

use proofhouse_core::{Digest, Measurement};
use proofhouse_onnx::{GroupReport, Rate};
use proofhouse_report::input;
use proofhouse_robustness::{Bounds, Claim, Counterexample, CurvePoint, Diagnosis, EvasionReport, Norm};
use proofhouse_system::EvasionCriterion;
use serde::Deserialize;

use super::Source;
use crate::LifecycleError;
use crate::evidence::Evidence;

/// What the evasion check keeps beside its evidence.
#[derive(Deserialize)]
struct EvasionExhibit {
    attack: String,
    shape: Vec<u32>,
    clean: Measurement,
    report: EvasionReport,
    curve: Vec<CurvePoint>,
    /// What was looked for before the attacks; the check by scores alone looks otherwise.
    #[serde(default)]
    diagnosis: Option<Diagnosis>,
    /// Why nothing is proved.
    #[serde(default)]
    not_proved: Option<String>,
}

/// What the comparison of groups keeps.
#[derive(Deserialize)]
struct FairnessExhibit {
    reports: Vec<GroupReport>,
    min_ratio: f64,
    max_gap: Option<f64>,
}

/// What the performance check keeps.
#[derive(Deserialize)]
struct PerformanceExhibit {
    classes: Vec<String>,
}

impl Source<'_> {
    pub(super) async fn performance(&self) -> Result<Option<input::Performance>, LifecycleError> {
        let Some(evidence) = self.results.of_check("performance-floor") else { return Ok(None) };
        let measured = &evidence.result().measurements;
        // Evidence of a check that could not run has no measurement to show.
        let Some(accuracy) = measured.iter().find(|m| m.name == "accuracy" && m.slice.is_none()) else {
            return Ok(None);
        };
        let names =
            self.exhibit::<PerformanceExhibit>(evidence).await?.map(|e| e.classes).unwrap_or_default();
        let classes = measured.iter().filter(|m| m.name == "recall").filter_map(|m| {
            let slice = m.slice.as_deref()?;
            let index = slice.strip_prefix("class=").and_then(|i| i.parse::<usize>().ok());
            let class = index.and_then(|i| names.get(i)).map_or(slice, String::as_str);
            Some(input::ClassScore { class: class.to_owned(), recall: m.clone() })
        });
        Ok(Some(input::Performance {
            evidence: Some(evidence.id),
            accuracy: accuracy.clone(),
            classes: classes.collect(),
        }))
    }

    pub(super) async fn fairness(&self) -> Result<Option<input::Fairness>, LifecycleError> {
        let Some(evidence) = self.results.of_check("group-fairness") else { return Ok(None) };
        let Some(exhibit) = self.exhibit::<FairnessExhibit>(evidence).await? else { return Ok(None) };
        let rates = [Rate::Selection, Rate::FalsePositive, Rate::FalseNegative, Rate::Error];
        Ok(Some(input::Fairness {
            evidence: Some(evidence.id),
            rates: rates.into_iter().filter_map(|rate| group_rates(rate, &exhibit, evidence)).collect(),
            too_small: exhibit.reports.iter().flat_map(|r| r.too_small.clone()).collect(),
        }))
    }

    pub(super) async fn robustness(&self) -> Result<Option<input::Robustness>, LifecycleError> {
        // The stronger attack gives the lower upper bound.
        let strongest = ["evasion-whitebox", "evasion-blackbox"].map(|check| self.results.of_check(check));
        let measured = |e: &&_| !Evidence::result(e).measurements.is_empty();
        let Some(evidence) = strongest.into_iter().flatten().find(measured) else { return Ok(None) };
        let Some(exhibit) = self.exhibit::<EvasionExhibit>(evidence).await? else { return Ok(None) };
        let report = &exhibit.report;
        let required = match self.project.system.evasion_criterion() {
            Some(EvasionCriterion::MinRobustAccuracy(floor)) => Some(floor),
            // A ceiling on the attacker's success is no floor on accuracy.
            _ => None,
        };
        let norm = match report.norm {
            Norm::Linf => "L-infinity",
            other => other.name(),
        };
        let (low, high) = bounds(report);
        let budgets = report.parts.iter().filter_map(|p| p.settings.get("queries")?.as_u64());
        let budget = match budgets.max() {
            Some(queries) => format!(", {queries} queries on each of {} inputs", report.n),
            None => format!(" on {} inputs", report.n),
        };
        Ok(Some(input::Robustness {
            evidence: Some(evidence.id),
            attack: format!(
                "{}{budget} within {}; other sizes with a smaller budget on fewer inputs",
                exhibit.attack, report.threat.eps
            ),
            norm: format!("{norm} on values between {low} and {high}"),
            clean: exhibit.clean.clone(),
            points: points(&exhibit),
            required,
            proof: match (&report.certified, &exhibit.not_proved) {
                (Some(certified), _) => Some(input::Proved::By(certified.method.clone())),
                (None, Some(why)) => Some(input::Proved::Not(why.clone())),
                (None, None) => None,
            },
            classes: self.classes(report),
            attacks: report.parts.iter().map(part).collect(),
            claim: exhibit
                .diagnosis
                .as_ref()
                .zip(required)
                .map(|(diagnosis, floor)| Claim::of(report, diagnosis, floor).to_string()),
            doubts: exhibit.diagnosis.iter().flat_map(|d| &d.flags).map(doubt).collect(),
            counterexamples: self.counterexamples(&exhibit),
        }))
    }

    /// What changes of a table's rows cost.
    pub(super) async fn constrained(
        &self,
    ) -> Result<Option<(Option<Digest>, input::TableAttack)>, LifecycleError> {
        #[derive(Deserialize)]
        struct Drawn {
            drawn: input::TableAttack,
        }
        let Some(evidence) = self.results.of_check("evasion-constrained") else { return Ok(None) };
        let exhibit = self.exhibit::<Drawn>(evidence).await?;
        Ok(exhibit.map(|e| (Some(evidence.id), e.drawn)))
    }

    /// The name of a class in the system file.
    fn class(&self, index: usize) -> String {
        let tensors = self.project.system.model.as_ref().and_then(|m| m.tensors());
        tensors.and_then(|t| t.classes.get(index).cloned()).unwrap_or_else(|| format!("class {index}"))
    }

    fn classes(&self, report: &EvasionReport) -> Vec<input::ClassSuccess> {
        let named = |m: &Measurement| {
            let slice = m.slice.as_deref()?;
            let index = slice.strip_prefix("class=").and_then(|i| i.parse::<usize>().ok());
            let class = index.map_or_else(|| slice.to_owned(), |i| self.class(i));
            Some(input::ClassSuccess { class, success: m.clone() })
        };
        report.per_class.iter().filter_map(named).collect()
    }

    fn counterexamples(&self, exhibit: &EvasionExhibit) -> Vec<input::Counterexample> {
        let (channels, height, width) = match exhibit.shape.as_slice() {
            [c @ (1 | 3), h, w] => (*c, *h, *w),
            [h, w] => (1, *h, *w),
            // No image: there is nothing to draw.
            _ => return Vec::new(),
        };
        let system = &self.project.system;
        let data = system.checks.evasion.as_ref().map_or_else(|| "row".to_owned(), |c| c.dataset.to_string());
        let (low, high) = bounds(&exhibit.report);
        let span = if high > low { high - low } else { 1.0 };
        let image = |row: &[f32]| input::Image {
            width,
            height,
            channels,
            pixels: row.iter().map(|v| (f64::from(*v) - low) / span).collect(),
        };
        let drawn = |e: &Counterexample| input::Counterexample {
            record: format!("{data}[{}]", e.index),
            truth: self.class(e.label),
            answer: self.class(e.predicted),
            distance: e.distance,
            change: input::Change::Image { original: image(&e.original), altered: image(&e.adversarial) },
        };
        exhibit.report.examples.iter().map(drawn).collect()
    }

    /// The exhibit that evidence names; its digest was signed with the evidence.
    pub(super) async fn exhibit<T: serde::de::DeserializeOwned>(
        &self,
        evidence: &Evidence,
    ) -> Result<Option<T>, LifecycleError> {
        match &evidence.statement.exhibit {
            Some(digest) => Ok(Some(self.house.document(digest, "exhibit").await?)),
            None => Ok(None),
        }
    }
}

fn group_rates(rate: Rate, exhibit: &FairnessExhibit, evidence: &Evidence) -> Option<input::GroupRates> {
    let (name, bad, compared) = match rate {
        Rate::Selection => ("favoured", false, "selection-ratio".to_owned()),
        Rate::FalsePositive => ("favoured by mistake", true, format!("{}-gap", rate.name())),
        Rate::FalseNegative => ("refused by mistake", true, format!("{}-gap", rate.name())),
        Rate::Error => ("answered wrongly", true, format!("{}-gap", rate.name())),
    };
    let share = |group: &proofhouse_onnx::Group| {
        let (_, share) = group.rates.iter().find(|(r, _)| *r == rate)?;
        Some(input::GroupShare { group: group.name.clone(), share: share.clone() })
    };
    let groups: Vec<_> = exhibit.reports.iter().flat_map(|r| &r.groups).filter_map(share).collect();
    let asked = match (rate, exhibit.max_gap) {
        (Rate::Selection, _) => {
            format!("a ratio between {} and {:.2}", exhibit.min_ratio, 1.0 / exhibit.min_ratio)
        }
        (_, Some(gap)) => format!("at most {}%", (gap * 1000.0).round() / 10.0),
        (_, None) => "nothing, because the system file states no tolerance".to_owned(),
    };
    (!groups.is_empty()).then(|| input::GroupRates {
        rate: name.to_owned(),
        bad,
        groups,
        furthest: evidence.result().measurements.iter().find(|m| m.name == compared).cloned(),
        asked,
    })
}

fn part(part: &proofhouse_robustness::Part) -> input::AttackPart {
    input::AttackPart {
        name: part.attack.clone(),
        sees: crate::plan::word(&part.access),
        attacked: part.attacked,
        turned: part.evaded,
        queries: part.queries,
        repairs: part.repairs.clone(),
    }
}

fn doubt(flag: &proofhouse_robustness::Flag) -> input::Doubt {
    input::Doubt { says: flag.says.clone(), answer: flag.repair.clone() }
}

/// The least and the largest legal value of any feature.
fn bounds(report: &EvasionReport) -> (f64, f64) {
    match &report.threat.bounds {
        Bounds::Everywhere { low, high } => (f64::from(*low), f64::from(*high)),
        Bounds::PerFeature { low, high } => (
            low.iter().copied().map(f64::from).fold(f64::INFINITY, f64::min),
            high.iter().copied().map(f64::from).fold(f64::NEG_INFINITY, f64::max),
        ),
    }
}

/// The curve, and at the radius of the criterion the attack with its whole budget in place of the sketch.
fn points(exhibit: &EvasionExhibit) -> Vec<input::RobustnessPoint> {
    let eps = exhibit.report.threat.eps;
    let mut points: Vec<input::RobustnessPoint> = exhibit
        .curve
        .iter()
        .filter(|p| p.eps != eps)
        .map(|p| input::RobustnessPoint {
            epsilon: p.eps,
            accuracy: p.robust_accuracy.clone(),
            proved: p.certified.clone(),
        })
        .collect();
    points.push(input::RobustnessPoint {
        epsilon: eps,
        accuracy: exhibit.report.robust_accuracy.clone(),
        proved: exhibit.report.certified.as_ref().map(|c| c.accuracy.clone()),
    });
    points.sort_by(|a, b| a.epsilon.total_cmp(&b.epsilon));
    points
}
