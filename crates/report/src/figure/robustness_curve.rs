//! Accuracy under attack against the strength of the attack: what attacks left (an upper bound, with its interval as a
//! band), what is proved (a lower bound), and between the two what nobody knows.

use maud::{Markup, html};
use proofhouse_core::Measurement;

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
    let proved: Vec<(f64, &Measurement)> = points
        .iter()
        .filter_map(|p| Some((p.epsilon, p.proved.as_ref()?)))
        .filter(|(_, m)| m.value.is_finite())
        .collect();
    let plot = Plot { left: 52.0, top: 36.0, right: 506.0, bottom: 226.0 };
    let x = Scale::linear((0.0, strongest * 1.04), plot.x());
    let y = Scale::linear((0.0, 1.0), plot.y());
    let bounds = |m: &Measurement| {
        let sound = |v: f64| if v.is_finite() { v } else { m.value };
        m.interval.as_ref().map_or((m.value, m.value), |i| (sound(i.low), sound(i.high)))
    };
    let band = polyline(
        points
            .iter()
            .map(|p| (x.at(p.epsilon), y.at(bounds(&p.accuracy).1)))
            .chain(points.iter().rev().map(|p| (x.at(p.epsilon), y.at(bounds(&p.accuracy).0)))),
    );
    let clean = robustness.clean.value;
    // Without any change both bounds are the accuracy itself.
    let origin = (clean.is_finite() && points.iter().all(|p| p.epsilon > 0.0)).then_some((0.0, clean));
    let through = |shares: Vec<(f64, f64)>| {
        polyline(origin.into_iter().chain(shares).map(|(epsilon, share)| (x.at(epsilon), y.at(share))))
    };
    let upper = through(points.iter().map(|p| (p.epsilon, p.accuracy.value)).collect());
    let lower = through(proved.iter().map(|(epsilon, m)| (*epsilon, m.value)).collect());
    let whisker = |px: f64, m: &Measurement| {
        let (low, high) = bounds(m);
        html! {
            path.whisker d={
                "M" (at(px)) " " (y.at(low)) "V" (y.at(high))
                "M" (at(px - 4.0)) " " (y.at(low)) "h8M" (at(px - 4.0)) " " (y.at(high)) "h8"
            } {}
        }
    };
    let legend = plot.bottom + 58.0;
    let body = html! {
        (plot.y_axis(&y, 5, "right answers", share_tick))
        path.band d={ (band) "z" } {}
        @if clean.is_finite() {
            line.baseline x1=(at(plot.left)) x2=(at(plot.right)) y1=(y.at(clean)) y2=(y.at(clean)) {}
            text.note x=(at(plot.right)) y=(at(y.raw(clean) - 6.0)) text-anchor="end" { "without attack " (number::percent(clean)) }
        }
        @if let Some(required) = robustness.required.filter(|r| r.is_finite()) {
            line.rule x1=(at(plot.left)) x2=(at(plot.right)) y1=(y.at(required)) y2=(y.at(required)) {}
            // At the right end the curves are lowest: on the side of the rule where they are not.
            @let above = points.last().is_some_and(|p| p.accuracy.value < required);
            text.note x=(at(plot.right)) y=(at(y.raw(required) + if above { -6.0 } else { 15.0 })) text-anchor="end" {
                "required " (number::percent(required))
            }
        }
        @if !proved.is_empty() { path.line.second.proved d=(lower) {} }
        path.line.first d=(upper) {}
        @for (epsilon, m) in &proved {
            @let (px, py) = (x.raw(*epsilon), y.raw(m.value));
            // Hollow and larger than the dots, so that it is seen where both bounds meet.
            rect.dot.second.hollow x=(at(px - 5.5)) y=(at(py - 5.5)) width="11" height="11" {}
        }
        @for p in &points {
            @let px = x.raw(p.epsilon);
            (whisker(px, &p.accuracy))
            circle.dot.first cx=(at(px)) cy=(y.at(p.accuracy.value)) r="4" {}
        }
        (plot.x_axis(&x, 5, "largest change (epsilon)", |v| number::rounded(v, 3)))
        @if !proved.is_empty() {
            path.line.first d={ "M" (at(plot.left)) " " (at(legend - 4.0)) "h30" } {}
            circle.dot.first cx=(at(plot.left + 15.0)) cy=(at(legend - 4.0)) r="4" {}
            text.legend x=(at(plot.left + 40.0)) y=(at(legend)) { "left by the attacks: at most this" }
            path.line.second.proved d={ "M" (at(plot.left)) " " (at(legend + 16.0)) "h30" } {}
            rect.dot.second.hollow x=(at(plot.left + 9.5)) y=(at(legend + 10.5)) width="11" height="11" {}
            text.legend x=(at(plot.left + 40.0)) y=(at(legend + 20.0)) { "proved: at least this" }
        }
    };
    let height = if proved.is_empty() { 270.0 } else { legend + 30.0 };
    image(id, (520.0, height), "Accuracy under attack", &description(clean, &points), &body)
}

fn description(clean: f64, points: &[&RobustnessPoint]) -> String {
    let Some(last) = points.last() else { return String::new() };
    let proved = last
        .proved
        .as_ref()
        .map_or_else(String::new, |m| format!(" Proved there: {}.", number::percent(m.value)));
    format!(
        "Accuracy is {} without attack and {} at the strongest attack, {}.{proved}",
        number::percent(clean),
        number::percent(last.accuracy.value),
        number::rounded(last.epsilon, 3)
    )
}

#[cfg(test)]
mod tests {
    use proofhouse_core::Unit;

    use super::*;

    fn ratio(value: f64) -> Measurement {
        Measurement::new("accuracy", value, Unit::Ratio)
    }

    fn robustness(points: &[(f64, f64)]) -> Robustness {
        Robustness {
            evidence: None,
            attack: "PGD".into(),
            norm: "Linf".into(),
            clean: ratio(0.9),
            points: points
                .iter()
                .map(|(epsilon, v)| RobustnessPoint { epsilon: *epsilon, accuracy: ratio(*v), proved: None })
                .collect(),
            required: Some(0.5),
            proof: None,
            classes: vec![],
            attacks: vec![],
            claim: None,
            doubts: vec![],
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
    fn what_is_proved_has_a_line_and_a_legend_of_its_own() {
        let mut both = robustness(&[(0.1, 0.5)]);
        assert!(!robustness_curve("f", &both).into_string().contains("proved"));
        both.points[0].proved = Some(ratio(0.25));
        let svg = robustness_curve("f", &both).into_string();
        assert!(svg.contains("M52 55L488.54 178.5") && svg.contains("proved: at least this"), "{svg}");
    }

    #[test]
    fn nothing_and_nonsense_are_survived() {
        assert!(robustness_curve("f", &robustness(&[])).into_string().contains("No figure"));
        let mut bad = robustness(&[(f64::NAN, 0.1), (0.0, 0.2), (0.1, f64::NAN)]);
        bad.clean.value = f64::NAN;
        bad.required = Some(f64::INFINITY);
        bad.points[1].proved = Some(ratio(f64::NAN));
        let svg = robustness_curve("f", &bad).into_string();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
