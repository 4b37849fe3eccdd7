//! Accuracy under attack against the strength of the attack, with the interval as a band.

use maud::{Markup, html};

use super::scale::{Scale, at, extent, polyline};
use super::{Plot, image, nothing_to_draw, share_tick};
use crate::input::{Robustness, RobustnessPoint};
use crate::number;

/// The curve, the accuracy without attack, and what the criterion requires.
pub fn robustness_curve(id: &str, robustness: &Robustness) -> Markup {
    let mut points: Vec<&RobustnessPoint> =
        robustness.points.iter().filter(|p| p.epsilon.is_finite() && p.accuracy.value.is_finite()).collect();
    points.sort_by(|a, b| a.epsilon.total_cmp(&b.epsilon));
    let Some((_, strongest)) = extent(points.iter().map(|p| p.epsilon)) else {
        return nothing_to_draw("no attack was run.");
    };
    let plot = Plot { left: 52.0, top: 36.0, right: 506.0, bottom: 226.0 };
    let x = Scale::linear((0.0, strongest * 1.04), plot.x());
    let y = Scale::linear((0.0, 1.0), plot.y());
    let bounds = |p: &RobustnessPoint| {
        let i = p.accuracy.interval.as_ref();
        let value = p.accuracy.value;
        let sound = |v: f64| if v.is_finite() { v } else { value };
        i.map_or((value, value), |i| (sound(i.low), sound(i.high)))
    };
    let band = polyline(
        points
            .iter()
            .map(|p| (x.at(p.epsilon), y.at(bounds(p).1)))
            .chain(points.iter().rev().map(|p| (x.at(p.epsilon), y.at(bounds(p).0)))),
    );
    let line = polyline(points.iter().map(|p| (x.at(p.epsilon), y.at(p.accuracy.value))));
    let clean = robustness.clean.value;
    let description = points.last().map_or_else(String::new, |last| {
        format!(
            "Accuracy is {} without attack and {} at the strongest attack, {}.",
            number::percent(clean),
            number::percent(last.accuracy.value),
            number::rounded(last.epsilon, 3)
        )
    });
    let body = html! {
        (plot.y_axis(&y, 5, "right answers", share_tick))
        path.band d={ (band) "z" } {}
        @if clean.is_finite() {
            line.baseline x1=(at(plot.left)) x2=(at(plot.right)) y1=(y.at(clean)) y2=(y.at(clean)) {}
            text.note x=(at(plot.right)) y=(at(y.raw(clean) - 6.0)) text-anchor="end" { "without attack " (number::percent(clean)) }
        }
        @if let Some(required) = robustness.required.filter(|r| r.is_finite()) {
            line.rule x1=(at(plot.left)) x2=(at(plot.right)) y1=(y.at(required)) y2=(y.at(required)) {}
            text.note x=(at(plot.left + 6.0)) y=(at(y.raw(required) + 15.0)) { "required " (number::percent(required)) }
        }
        path.line.first d=(line) {}
        @for p in &points {
            @let (low, high) = bounds(p);
            @let px = x.raw(p.epsilon);
            path.whisker d={
                "M" (at(px)) " " (y.at(low)) "V" (y.at(high))
                "M" (at(px - 4.0)) " " (y.at(low)) "h8M" (at(px - 4.0)) " " (y.at(high)) "h8"
            } {}
            circle.dot.first cx=(at(px)) cy=(y.at(p.accuracy.value)) r="4" {}
        }
        (plot.x_axis(&x, 5, "largest change to a pixel (epsilon)", |v| number::rounded(v, 3)))
    };
    image(id, (520.0, 270.0), "Accuracy under attack", &description, &body)
}

#[cfg(test)]
mod tests {
    use proofhouse_core::{Measurement, Unit};

    use super::*;

    fn robustness(points: &[(f64, f64)]) -> Robustness {
        Robustness {
            evidence: None,
            attack: "PGD".into(),
            norm: "Linf".into(),
            clean: Measurement::new("accuracy", 0.9, Unit::Ratio),
            points: points
                .iter()
                .map(|(epsilon, v)| RobustnessPoint {
                    epsilon: *epsilon,
                    accuracy: Measurement::new("accuracy", *v, Unit::Ratio),
                })
                .collect(),
            required: Some(0.5),
            counterexamples: vec![],
        }
    }

    #[test]
    fn points_lie_where_their_numbers_say_in_order_of_strength() {
        let svg = robustness_curve("f", &robustness(&[(0.1, 0.5), (0.0, 1.0)])).into_string();
        // 0.1 of 0.104: 52 + 454/1.04 = 488.54; one half of the height: 131.
        assert!(svg.contains("M52 36L488.54 131"), "{svg}");
    }

    #[test]
    fn nothing_and_nonsense_are_survived() {
        assert!(robustness_curve("f", &robustness(&[])).into_string().contains("No figure"));
        let mut bad = robustness(&[(f64::NAN, 0.1), (0.0, 0.2), (0.1, f64::NAN)]);
        bad.clean.value = f64::NAN;
        bad.required = Some(f64::INFINITY);
        let svg = robustness_curve("f", &bad).into_string();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
