//! How right answers fall as an everyday change grows: one small chart for each kind of change.

use maud::{Markup, html};
use proofhouse_core::Measurement;

use super::scale::{Scale, at, polyline};
use super::{Plot, image, nothing_to_draw, share_tick};
use crate::number;

/// Right answers at severities 1, 2, …, from those without a change.
pub fn severity_curve(id: &str, kind: &str, clean: f64, severities: &[Measurement]) -> Markup {
    let points: Vec<(f64, &Measurement)> = severities
        .iter()
        .enumerate()
        .map(|(at, m)| ((at + 1) as f64, m))
        .filter(|(_, m)| m.value.is_finite())
        .collect();
    let Some((last, least)) = points.last() else {
        return nothing_to_draw("nothing was changed.");
    };
    let plot = Plot { left: 46.0, top: 30.0, right: 250.0, bottom: 126.0 };
    let x = Scale::linear((0.0, last.max(5.0) + 0.2), plot.x());
    let y = Scale::linear((0.0, 1.0), plot.y());
    let origin = clean.is_finite().then_some((0.0, clean));
    let line = polyline(
        origin.into_iter().chain(points.iter().map(|(s, m)| (*s, m.value))).map(|(s, v)| (x.at(s), y.at(v))),
    );
    let description = format!("At severity {last} {} are right.", number::percent(least.value));
    let body = html! {
        (plot.y_axis(&y, 2, "", share_tick))
        text.tick.strong x="0" y="14" { (number::clip(kind, 24)) }
        text.tick x=(at(plot.right)) y="14" text-anchor="end" { (number::percent(least.value)) " at " (at(*last)) }
        path.line.first d=(line) {}
        @for (severity, m) in &points {
            @if let Some(i) = &m.interval {
                path.whisker d={ "M" (x.at(*severity)) " " (y.at(i.low)) "V" (y.at(i.high)) } {}
            }
            circle.dot.first cx=(x.at(*severity)) cy=(y.at(m.value)) r="3.5" {}
        }
        (plot.x_axis(&x, 5, "", |v| number::rounded(v, 2)))
    };
    image(id, (256.0, 150.0), &format!("Right answers under {kind}"), &description, &body)
}

#[cfg(test)]
mod tests {
    use proofhouse_core::Unit;

    use super::*;

    #[test]
    fn nothing_and_nonsense_are_survived() {
        let ratio = |v| Measurement::new("accuracy", v, Unit::Ratio);
        assert!(severity_curve("f", "fog", 1.0, &[]).into_string().contains("No figure"));
        let svg = severity_curve("f", "fog", f64::NAN, &[ratio(f64::NAN), ratio(0.5)]).into_string();
        assert!(!svg.contains("NaN") && svg.contains("50.0% at 2"), "{svg}");
    }
}
