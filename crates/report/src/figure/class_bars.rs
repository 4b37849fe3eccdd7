//! Shares by class: how many examples are recognised, and how many an attack turned; and shares by group of people.

use maud::Markup;

use super::nothing_to_draw;
use super::share_bars::{ShareBars, share_bars};
use crate::input::{GroupRates, Performance, Robustness};
use crate::number;

/// Recall by class.
pub fn class_bars(id: &str, performance: &Performance) -> Markup {
    let rows: Vec<_> = performance.classes.iter().map(|c| (c.class.as_str(), &c.recall)).collect();
    let sound = rows.iter().filter(|(_, m)| m.value.is_finite());
    let Some((class, worst)) = sound.clone().min_by(|a, b| a.1.value.total_cmp(&b.1.value)) else {
        return nothing_to_draw("there is no figure by class.");
    };
    let description = format!(
        "{} classes; the least recognised is {} at {}.",
        sound.count(),
        number::clip(class, 60),
        number::percent(worst.value)
    );
    share_bars(
        id,
        &ShareBars {
            of: "Class",
            share: "recognised",
            title: "Recall by class, with intervals",
            description: &description,
            rows,
            overall: Some(performance.accuracy.value),
            bad: false,
        },
    )
}

/// Success of an attack by class.
pub fn success_bars(id: &str, robustness: &Robustness) -> Markup {
    let rows: Vec<_> = robustness.classes.iter().map(|c| (c.class.as_str(), &c.success)).collect();
    let sound = rows.iter().filter(|(_, m)| m.value.is_finite());
    let Some((class, worst)) = sound.clone().max_by(|a, b| a.1.value.total_cmp(&b.1.value)) else {
        return nothing_to_draw("no example of any class was attacked.");
    };
    let description = format!(
        "{} classes; the attack succeeds most on {}, {}.",
        sound.count(),
        number::clip(class, 60),
        number::percent(worst.value)
    );
    let attacked: f64 = robustness.classes.iter().filter_map(|c| c.success.n).map(|n| n as f64).sum();
    let turned: f64 = robustness
        .classes
        .iter()
        .filter(|c| c.success.value.is_finite())
        .filter_map(|c| Some(c.success.value * c.success.n? as f64))
        .sum();
    share_bars(
        id,
        &ShareBars {
            of: "Class",
            share: "turned by the attack",
            title: "Success of the attack by class, with intervals",
            description: &description,
            rows,
            overall: (attacked > 0.0).then(|| turned / attacked),
            bad: true,
        },
    )
}

/// One rate by group.
pub fn group_bars(id: &str, rates: &GroupRates) -> Markup {
    let rows: Vec<_> = rates.groups.iter().map(|g| (g.group.as_str(), &g.share)).collect();
    let sound = || rows.iter().filter(|(_, m)| m.value.is_finite());
    let least = sound().min_by(|a, b| a.1.value.total_cmp(&b.1.value));
    let most = sound().max_by(|a, b| a.1.value.total_cmp(&b.1.value));
    let (Some((low, least)), Some((high, most))) = (least, most) else {
        return nothing_to_draw("no group has enough rows.");
    };
    let description = format!(
        "{} groups; from {} of {} to {} of {}.",
        sound().count(),
        number::percent(least.value),
        number::clip(low, 60),
        number::percent(most.value),
        number::clip(high, 60)
    );
    share_bars(
        id,
        &ShareBars {
            of: "Group",
            share: &rates.rate,
            title: &format!("Share {} by group, with intervals", rates.rate),
            description: &description,
            rows,
            overall: None,
            bad: rates.bad,
        },
    )
}

#[cfg(test)]
mod tests {
    use proofhouse_core::{Measurement, Unit};

    use super::*;
    use crate::input::ClassScore;

    fn performance(values: &[f64]) -> Performance {
        Performance {
            evidence: None,
            accuracy: Measurement::new("accuracy", 0.9, Unit::Ratio),
            classes: values
                .iter()
                .enumerate()
                .map(|(i, v)| ClassScore {
                    class: i.to_string(),
                    recall: Measurement::new("recall", *v, Unit::Ratio),
                })
                .collect(),
        }
    }

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        let svg = class_bars("f", &performance(&[0.5, 1.0])).into_string();
        assert!(svg.contains(r#"x="74" y="48" width="194" height="14""#), "{svg}");
        assert!(svg.contains(r#"x="74" y="70" width="388" height="14""#), "{svg}");
    }

    #[test]
    fn what_is_not_a_number_is_left_out() {
        assert!(class_bars("f", &performance(&[f64::NAN])).into_string().contains("No figure"));
        let svg = class_bars("f", &performance(&[f64::INFINITY, 0.5])).into_string();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
