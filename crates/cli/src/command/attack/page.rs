//! Results as pages with figures.

use proofhouse_core::Measurement;
use proofhouse_report::input::{
    AttackPart, Change, ClassSuccess, Counterexample, Doubt, Examination, Image, Proved, Robustness,
    RobustnessPoint, ValueChange,
};
use proofhouse_robustness::{Bounds, Flag, Part};

use super::evasion::Attacked;

/// Name and version of this program.
pub fn tool() -> String {
    concat!("proofhouse ", env!("CARGO_PKG_VERSION")).to_owned()
}

/// A measurement in words.
pub fn words(measured: &Measurement) -> String {
    measured.interval.as_ref().map_or_else(
        || format!("{:.3}", measured.value),
        |i| format!("{:.3} [{:.3}, {:.3}]", measured.value, i.low, i.high),
    )
}

/// A row as a picture, where it is one that can be drawn.
pub fn picture(shape: &[usize], (low, high): (f32, f32), row: &[f32]) -> Option<Image> {
    let (channels, height, width) = match *shape {
        [c @ (1 | 3), h, w] if h > 1 && w > 1 => (c, h, w),
        [h, w] if h > 1 && w > 1 => (1, h, w),
        _ => return None,
    };
    let span = f64::from(high) - f64::from(low);
    let small = |n: usize| u32::try_from(n).ok();
    Some(Image {
        width: small(width)?,
        height: small(height)?,
        channels: small(channels)?,
        pixels: row.iter().map(|v| (f64::from(*v) - f64::from(low)) / span.max(f64::MIN_POSITIVE)).collect(),
    })
}

/// The values of a row that differ.
pub fn difference(names: &[String], before: &[f32], after: &[f32]) -> Vec<ValueChange> {
    let name = |at: usize| names.get(at).cloned().unwrap_or_else(|| format!("feature {at}"));
    before
        .iter()
        .zip(after)
        .enumerate()
        .filter(|(_, (a, b))| a != b)
        .map(|(at, (a, b))| ValueChange {
            feature: name(at),
            before: f64::from(*a),
            after: f64::from(*b),
            cost: None,
        })
        .collect()
}

pub fn evasion(attacked: &Attacked) -> Examination {
    let report = &attacked.report;
    let limits = match &report.threat.bounds {
        Bounds::Everywhere { low, high } => (*low, *high),
        Bounds::PerFeature { low, high } => (
            low.iter().copied().fold(f32::INFINITY, f32::min),
            high.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        ),
    };
    let class = |index: usize| attacked.classes.get(index).cloned().unwrap_or_else(|| index.to_string());
    let examples = report.examples.iter().map(|e| {
        let pictures = picture(&attacked.shape, limits, &e.original)
            .zip(picture(&attacked.shape, limits, &e.adversarial))
            .map(|(original, altered)| Change::Image { original, altered });
        Counterexample {
            record: format!("row {}", e.index),
            truth: class(e.label),
            answer: class(e.predicted),
            distance: e.distance,
            change: pictures.unwrap_or_else(|| {
                Change::Table(difference(&attacked.features, &e.original, &e.adversarial))
            }),
        }
    });
    let robustness = Robustness {
        evidence: None,
        attack: report.attack.clone(),
        norm: format!("{} on values between {} and {}", report.norm.name(), limits.0, limits.1),
        clean: attacked.clean.clone(),
        points: points(attacked),
        required: attacked.required,
        proof: match (&report.certified, &attacked.not_proved) {
            (Some(certified), _) => Some(Proved::By(certified.method.clone())),
            (None, Some(why)) => Some(Proved::Not(why.clone())),
            (None, None) => None,
        },
        classes: report
            .per_class
            .iter()
            .filter_map(|m| {
                let index = m.slice.as_deref()?.strip_prefix("class=")?.parse().ok()?;
                Some(ClassSuccess { class: class(index), success: m.clone() })
            })
            .collect(),
        attacks: report.parts.iter().map(part).collect(),
        claim: attacked.claim.as_ref().map(ToString::to_string),
        doubts: attacked.diagnosis.flags.iter().map(doubt).collect(),
        counterexamples: examples.collect(),
    };
    let mut lead = vec![format!(
        "Of {} rows {} are right without attack, and {} stay right when every value may change by {} ({}).",
        report.n,
        report.robust_correct + report.evaded,
        report.robust_correct,
        report.threat.eps,
        report.norm.name()
    )];
    if let Some(partial) = &attacked.partial {
        lead.insert(0, partial.says());
    }
    if let Some(certified) = &report.certified {
        lead.push(format!("{} are proved to, whatever is done.", certified.rows.len()));
    }
    Examination {
        title: format!("Attack on {}", attacked.name),
        lead,
        tool: tool(),
        facts: facts(attacked),
        robustness: Some(robustness),
        ..Examination::default()
    }
}

fn facts(attacked: &Attacked) -> Vec<(String, String)> {
    let report = &attacked.report;
    let mut facts = vec![
        (
            "model".to_owned(),
            attacked.model.map_or_else(|| attacked.name.clone(), |digest| digest.to_string()),
        ),
        ("data".to_owned(), attacked.data.to_string()),
        ("computed by".to_owned(), attacked.engines.join(", ")),
        ("counterexamples confirmed by".to_owned(), report.confirmed_by.join(", ")),
        ("questions asked".to_owned(), report.queries.total().to_string()),
        ("seed".to_owned(), attacked.seed.to_string()),
    ];
    facts.extend(attacked.target.iter().flat_map(super::remote::Target::facts));
    let mut add = |name: &str, value: String| facts.push((name.to_owned(), value));
    if let Some(why) = &attacked.without_gradients {
        add("without gradients", why.clone());
    }
    if let Some(survivors) = report.survive_rounding {
        add("still work on the deployable grid", format!("{survivors} of {} counterexamples", report.evaded));
    }
    if let Some(median) = attacked.median_distance {
        add("half of the rows have another class nearer than", format!("{median:.6}"));
    }
    if let Some(smoothed) = &attacked.smoothed {
        for (radius, certified) in &smoothed.certified {
            add(&format!("smoothed by noise, l2 {radius:.4}"), format!("certified {}", words(certified)));
        }
    }
    facts
}

fn points(attacked: &Attacked) -> Vec<RobustnessPoint> {
    let report = &attacked.report;
    let first = RobustnessPoint {
        epsilon: report.threat.eps,
        accuracy: report.robust_accuracy.clone(),
        proved: report.certified.as_ref().map(|c| c.accuracy.clone()),
    };
    if attacked.curve.is_empty() {
        return vec![first];
    }
    let of_curve = |p: &proofhouse_robustness::CurvePoint| RobustnessPoint {
        epsilon: p.eps,
        accuracy: p.robust_accuracy.clone(),
        proved: p.certified.clone(),
    };
    attacked.curve.iter().map(of_curve).collect()
}

fn part(part: &Part) -> AttackPart {
    let sees = serde_json::to_value(part.access).ok();
    AttackPart {
        name: part.attack.clone(),
        sees: sees.and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default(),
        attacked: part.attacked,
        turned: part.evaded,
        queries: part.queries,
        repairs: part.repairs.clone(),
    }
}

fn doubt(flag: &Flag) -> Doubt {
    Doubt { says: flag.says.clone(), answer: flag.repair.clone() }
}
