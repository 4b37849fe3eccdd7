//! From a report to a verdict.

use proofhouse_core::Verdict;
use serde::{Deserialize, Serialize};

use crate::{
    Attack, Counting, EvasionReport, LabelledRows, Progress, RobustnessError, Threat, Victim, evade,
};

/// Share of rows that an attack with no bound but the box must evade to be taken seriously.
pub const SANE_SUCCESS: f64 = 0.9;

/// Whether the attack works on this model at all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sanity {
    /// The radius it was tried with: the whole box.
    pub eps: f64,
    /// Rows attacked.
    pub attacked: u64,
    /// Rows evaded.
    pub evaded: u64,
    /// Passes at [`SANE_SUCCESS`]; otherwise unknown, never a failure: it speaks about the attack, not about
    /// the model.
    pub verdict: Verdict,
}

/// Attacks with a radius as wide as the box. Any image can then become any other, so a model that still
/// "resists" hides its scores from the attack, or answers with one class whatever it is shown. Either way
/// an attack with a smaller radius says nothing (Carlini et al.: *On Evaluating Adversarial Robustness*,
/// 2019, section 5).
pub fn sanity(
    victim: &Victim<'_>,
    data: &LabelledRows<'_>,
    threat: &Threat,
    attacks: &[&dyn Attack],
    progress: &mut dyn FnMut(Progress),
) -> Result<Sanity, RobustnessError> {
    let wide = Threat { grid: None, ..threat.unbounded(victim.model.input_shape()) };
    let eps = wide.eps;
    let counting = Counting { max_examples: 0, ..Counting::default() };
    let report = evade(victim, data, &wide, attacks, &counting, progress)?;
    let works = report.attacked > 0 && report.evaded as f64 >= SANE_SUCCESS * report.attacked as f64;
    let verdict = if works { Verdict::Pass } else { Verdict::Unknown };
    Ok(Sanity { eps, attacked: report.attacked, evaded: report.evaded, verdict })
}

/// A verdict with its reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// The verdict.
    pub verdict: Verdict,
    /// The criterion as applied, with its numbers.
    pub criterion: String,
    /// Why the verdict is not that of the criterion, where it is not.
    pub doubts: Vec<String>,
}

/// Holds the report against "the upper end of the interval of the success rate is at most `limit`". The
/// upper end of a two-sided interval of confidence c is a one-sided bound of confidence (1 + c) / 2.
///
/// Doubts turn a pass into unknown: nothing attacked, an attack that is not sane, answers that do not
/// repeat or are NaN. They do not excuse a failure, since every counterexample was confirmed.
#[must_use]
pub fn criterion(report: &EvasionReport, sanity: &Sanity, limit: f64) -> Assessment {
    let mut doubts = Vec::new();
    if sanity.verdict != Verdict::Pass {
        doubts.push(format!(
            "with the whole box allowed the attack evades {} of {} rows: it may be the attack that fails",
            sanity.evaded, sanity.attacked
        ));
    }
    if report.unconfirmed > 0 {
        doubts.push(format!(
            "{} counterexamples did not repeat: the model does not answer the same question the same way",
            report.unconfirmed
        ));
    }
    if report.disputed > 0 {
        doubts.push(format!(
            "{} counterexamples hold for one engine and not for the other, on rows without another",
            report.disputed
        ));
    }
    if report.undefined > 0 {
        doubts.push(format!("{} answers hold NaN", report.undefined));
    }
    let bound = report.success.interval.as_ref().filter(|_| report.attacked > 0);
    let (verdict, criterion) = match bound {
        None => {
            doubts.push("no row was classified correctly, so none was attacked".to_owned());
            (Verdict::Unknown, format!("evasion success at most {limit}"))
        }
        Some(interval) => {
            let holds = interval.high <= limit;
            let criterion = format!(
                "upper end of the {:.0} % {} interval of evasion success ({} of {} rows, {:.4} to {:.4}) at most {limit}",
                interval.confidence * 100.0,
                interval.method,
                report.evaded,
                report.attacked,
                interval.low,
                interval.high,
            );
            let verdict = match (holds, doubts.is_empty()) {
                (true, true) => Verdict::Pass,
                (true, false) => Verdict::Unknown,
                (false, _) => Verdict::Fail,
            };
            (verdict, criterion)
        }
    };
    Assessment { verdict, criterion, doubts }
}
