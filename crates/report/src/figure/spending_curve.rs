//! What an attacker gets for what is spent: a share with its interval against a logarithmic axis.

use maud::{Markup, html};

use super::scale::{Scale, at, extent, polyline};
use super::{Plot, image, nothing_to_draw, share_tick};
use crate::input::Spending;
use crate::number;

/// The curve, what nothing buys, and the ceiling.
pub fn spending_curve(id: &str, spending: &Spending) -> Markup {
    let mut points: Vec<_> = spending
        .points
        .iter()
        .filter(|(spent, m)| spent.is_finite() && *spent > 0.0 && m.value.is_finite())
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some((least, most)) = extent(points.iter().map(|(spent, _)| *spent)) else {
        return nothing_to_draw("nothing was spent.");
    };
    let plot = Plot { left: 52.0, top: 36.0, right: 506.0, bottom: 226.0 };
    let x = Scale::log((least / 1.3, most.max(least * 2.0) * 1.3), plot.x());
    let y = Scale::linear((0.0, 1.0), plot.y());
    let line = polyline(points.iter().map(|(spent, m)| (x.at(*spent), y.at(m.value))));
    let description = points.last().map_or_else(String::new, |(spent, m)| {
        format!("{} {} buy {}.", number::axis(*spent), spending.of, number::percent(m.value))
    });
    let level = |value: f64, class: &str, words: String| {
        html! {
            line class=(class) x1=(at(plot.left)) x2=(at(plot.right)) y1=(y.at(value)) y2=(y.at(value)) {}
            text.note x=(at(plot.left + 6.0)) y=(at(y.raw(value) - 6.0)) { (words) }
        }
    };
    let body = html! {
        (plot.y_axis(&y, 5, &spending.share, share_tick))
        @if let Some((name, value)) = spending.baseline.as_ref().filter(|(_, v)| v.is_finite()) {
            (level(*value, "baseline", format!("{} {}", number::clip(name, 40), number::percent(*value))))
        }
        @if let Some(ceiling) = spending.ceiling.filter(|c| c.is_finite() && *c < 1.0) {
            (level(ceiling, "rule", format!("ceiling {}", number::percent(ceiling))))
        }
        path.line.first d=(line) {}
        @for (spent, m) in &points {
            @if let Some(i) = &m.interval {
                path.whisker d={
                    "M" (x.at(*spent)) " " (y.at(i.low)) "V" (y.at(i.high))
                    "M" (at(x.raw(*spent) - 4.0)) " " (y.at(i.low)) "h8M" (at(x.raw(*spent) - 4.0)) " " (y.at(i.high)) "h8"
                } {}
            }
            circle.dot.first cx=(x.at(*spent)) cy=(y.at(m.value)) r="4" {}
        }
        (plot.x_axis(&x, 4, &spending.of, number::axis))
    };
    image(id, (520.0, 270.0), &spending.share, &description, &body)
}

#[cfg(test)]
mod tests {
    use proofhouse_core::{Measurement, Unit};

    use super::*;

    #[test]
    fn nothing_and_nonsense_are_survived() {
        let spending = |points: &[(f64, f64)]| Spending {
            of: "queries".into(),
            share: "agreement".into(),
            points: points.iter().map(|(s, v)| (*s, Measurement::new("f", *v, Unit::Ratio))).collect(),
            baseline: Some(("always the same".into(), f64::NAN)),
            ceiling: Some(0.9),
        };
        assert!(spending_curve("f", &spending(&[])).into_string().contains("No figure"));
        assert!(
            spending_curve("f", &spending(&[(0.0, 0.5), (-3.0, 1.0)])).into_string().contains("No figure")
        );
        let svg = spending_curve("f", &spending(&[(100.0, 0.5), (f64::NAN, 1.0)])).into_string();
        assert!(!svg.contains("NaN") && svg.contains("ceiling 90.0%"), "{svg}");
    }
}
