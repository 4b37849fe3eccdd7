//! Attack success by family: a hollow mark for the model alone, a filled one with its interval for the model
//! behind its boundary, and the ceiling that the interval must not reach over.

use maud::{Markup, html};

use super::scale::{Scale, at};
use super::{Plot, image, nothing_to_draw, share_tick};
use crate::input::Attacks;
use crate::number;

const ROW: f64 = 24.0;
/// More families than this are left to the table.
const MOST: usize = 40;

/// One row per family.
pub fn attack_success(id: &str, attacks: &Attacks) -> Markup {
    let sound = |m: &proofhouse_core::Measurement| m.value.is_finite();
    let families: Vec<_> =
        attacks.families.iter().filter(|f| sound(&f.guarded) && sound(&f.alone)).take(MOST).collect();
    let Some(worst) = families.iter().max_by(|a, b| a.guarded.value.total_cmp(&b.guarded.value)) else {
        return nothing_to_draw("no attack was made.");
    };
    let plot = Plot { left: 196.0, top: 40.0, right: 500.0, bottom: 40.0 + ROW * families.len() as f64 };
    let x = Scale::linear((0.0, 1.0), plot.x());
    let description = format!(
        "{} families; with the boundary the most successful is {} at {}, which has {} without it.",
        families.len(),
        number::clip(&worst.title, 60),
        number::percent(worst.guarded.value),
        number::percent(worst.alone.value)
    );
    let body = html! {
        circle.dot.second.hollow cx=(at(plot.left + 6.0)) cy="10" r="4.5" {}
        text.note x=(at(plot.left + 16.0)) y="14" { "model alone" }
        circle.dot cx=(at(plot.left + 106.0)) cy="10" r="4.5" {}
        text.note x=(at(plot.left + 116.0)) y="14" { "behind the boundary" }
        @for (i, family) in families.iter().enumerate() {
            @let middle = plot.top + ROW * (i as f64 + 0.5);
            line.grid x1=(at(plot.left)) x2=(at(plot.right)) y1=(at(middle)) y2=(at(middle)) {}
            text.tick x=(at(plot.left - 10.0)) y=(at(middle + 4.0)) text-anchor="end" { (number::clip(&family.title, 30)) }
            @if let Some(interval) = &family.guarded.interval {
                path.whisker d={
                    "M" (x.at(interval.low)) " " (at(middle)) "H" (x.at(interval.high))
                    "M" (x.at(interval.high)) " " (at(middle - 4.0)) "v8"
                } {}
            }
            circle.dot.second.hollow cx=(x.at(family.alone.value)) cy=(at(middle)) r="4.5" {}
            circle.dot cx=(x.at(family.guarded.value)) cy=(at(middle)) r="4.5" {}
        }
        @if let Some(ceiling) = attacks.ceiling {
            line.rule x1=(x.at(ceiling)) x2=(x.at(ceiling)) y1=(at(plot.top - 6.0)) y2=(at(plot.bottom)) {}
            text.note x=(at(x.raw(ceiling) + 4.0)) y=(at(plot.top - 8.0)) { "ceiling " (number::percent(ceiling)) }
        }
        (plot.x_axis(&x, 5, "attacks that succeeded", share_tick))
    };
    image(id, (520.0, plot.bottom + 44.0), "Attack success by family", &description, &body)
}

#[cfg(test)]
mod tests {
    use proofhouse_core::{Measurement, Unit};

    use super::*;
    use crate::input::AttackFamily;

    fn attacks(values: &[(f64, f64)]) -> Attacks {
        Attacks {
            evidence: vec![],
            target: "m".into(),
            families: values
                .iter()
                .map(|(guarded, alone)| AttackFamily {
                    title: "Override".into(),
                    guarded: Measurement::new("attack-success", *guarded, Unit::Ratio),
                    alone: Measurement::new("attack-success", *alone, Unit::Ratio),
                })
                .collect(),
            ceiling: Some(0.05),
            benign: None,
            benign_alone: None,
            over_refusal: None,
            documents: vec![],
        }
    }

    #[test]
    fn marks_lie_where_the_shares_are() {
        let svg = attack_success("f", &attacks(&[(0.0, 0.5)])).into_string();
        assert!(svg.contains(r#"cx="348" cy="52""#) && svg.contains(r#"cx="196" cy="52""#), "{svg}");
        assert!(svg.contains("ceiling 5.0%"));
    }

    #[test]
    fn nothing_and_nonsense_are_survived() {
        assert!(attack_success("f", &attacks(&[])).into_string().contains("No figure"));
        let svg = attack_success("f", &attacks(&[(f64::NAN, 1.0), (0.1, f64::INFINITY)])).into_string();
        assert!(svg.contains("No figure"));
    }
}
