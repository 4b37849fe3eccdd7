//! Loss exceedance: how likely a year's loss is to exceed each sum, both axes logarithmic, beside what
//! the organisation tolerates.

use maud::{Markup, html};

use super::scale::{Scale, at, extent, polyline};
use super::{Plot, image, nothing_to_draw};
use crate::input::{CurvePoint, Risk};
use crate::number;

/// Probabilities below this are not drawn.
const RAREST: f64 = 1e-4;
/// Points drawn per curve.
const MOST: usize = 200;

/// Every curve and the tolerance.
pub fn exceedance(id: &str, risk: &Risk) -> Markup {
    let drawn = |points: &[CurvePoint]| -> Vec<CurvePoint> {
        let sound = |p: &&CurvePoint| p.loss > 0.0 && p.loss.is_finite() && p.probability >= RAREST;
        let kept: Vec<CurvePoint> = points.iter().filter(sound).copied().collect();
        let every = kept.len().div_ceil(MOST).max(1);
        kept.into_iter().step_by(every).collect()
    };
    let curves: Vec<(usize, &str, Vec<CurvePoint>)> =
        risk.curves.iter().enumerate().map(|(i, c)| (i, c.name.as_str(), drawn(&c.points))).collect();
    let tolerance = drawn(&risk.tolerance);
    let all = curves.iter().flat_map(|(_, _, points)| points).chain(&tolerance);
    let Some((low, high)) = extent(all.map(|p| p.loss)) else {
        return nothing_to_draw("no loss was simulated.");
    };
    let legend = curves.len() + usize::from(!tolerance.is_empty());
    let plot = Plot { left: 76.0, top: 36.0, right: 506.0, bottom: 256.0 };
    let x = Scale::log((low, high.max(low * 10.0)), plot.x());
    let y = Scale::log((RAREST, 1.0), plot.y());
    let path = |points: &[CurvePoint]| polyline(points.iter().map(|p| (x.at(p.loss), y.at(p.probability))));
    let description = risk
        .curves
        .iter()
        .map(|c| {
            format!(
                "{}: one year in a hundred loses more than {}.",
                number::clip(&c.name, 60),
                number::money(c.p99.value, &risk.currency)
            )
        })
        .collect::<Vec<_>>()
        .join(" ");
    let body = html! {
        (plot.y_axis(&y, 5, "probability in a year", share_of_years))
        (plot.x_axis(&x, 6, &format!("yearly loss above, {}", number::clip(&risk.currency, 8)), number::axis))
        @if !tolerance.is_empty() { path.tolerance d=(path(&tolerance)) {} }
        @for (i, _, points) in &curves { path class={ "line curve" (i % 4) } d=(path(points)) {} }
        @for (row, (i, name, _)) in curves.iter().enumerate() {
            @let base = plot.bottom + 58.0 + 20.0 * row as f64;
            path class={ "line curve" (i % 4) } d={ "M" (at(plot.left)) " " (at(base - 4.0)) "h34" } {}
            text.legend x=(at(plot.left + 44.0)) y=(at(base)) { (number::clip(name, 60)) }
        }
        @if !tolerance.is_empty() {
            @let base = plot.bottom + 58.0 + 20.0 * curves.len() as f64;
            path.tolerance d={ "M" (at(plot.left)) " " (at(base - 4.0)) "h34" } {}
            text.legend x=(at(plot.left + 44.0)) y=(at(base)) { "tolerated at most" }
        }
    };
    image(
        id,
        (520.0, plot.bottom + 48.0 + 20.0 * legend as f64),
        "Loss exceedance curves with the tolerance",
        &description,
        &body,
    )
}

fn share_of_years(p: f64) -> String {
    if p >= 0.0095 {
        format!("{}%", number::rounded(p * 100.0, 2))
    } else {
        format!("1 in {}", number::rounded(1.0 / p, 3))
    }
}

/// The smallest tolerated loss that `curve` exceeds more often than `tolerance` allows; `None` while it
/// keeps below everywhere that both speak about.
pub fn over_tolerance(curve: &[CurvePoint], tolerance: &[CurvePoint]) -> Option<f64> {
    tolerance
        .iter()
        .find(|t| probability_at(curve, t.loss).is_some_and(|p| p > t.probability))
        .map(|t| t.loss)
}

/// The curve's probability at a loss, between points in proportion to the logarithm of the loss.
pub fn probability_at(curve: &[CurvePoint], loss: f64) -> Option<f64> {
    let last = curve.last()?;
    if loss > last.loss {
        return Some(0.0);
    }
    let pair = curve.windows(2).find_map(|w| match w {
        [a, b] if a.loss <= loss && loss <= b.loss => Some((a, b)),
        _ => None,
    });
    let (a, b) = match pair {
        Some(pair) => pair,
        // Left of the curve every year that loses anything loses more.
        None => return curve.first().filter(|f| loss <= f.loss).map(|f| f.probability),
    };
    let share =
        if a.loss > 0.0 && b.loss > a.loss { (loss / a.loss).ln() / (b.loss / a.loss).ln() } else { 0.0 };
    Some(a.probability + share.clamp(0.0, 1.0) * (b.probability - a.probability))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Estimate, LossCurve};

    fn points(list: &[(f64, f64)]) -> Vec<CurvePoint> {
        list.iter().map(|(loss, probability)| CurvePoint { loss: *loss, probability: *probability }).collect()
    }

    fn risk(list: &[(f64, f64)]) -> Risk {
        let e = Estimate { value: 1.0, low: 0.5, high: f64::NAN };
        Risk {
            currency: "EUR".into(),
            years: 1000,
            seed: 1,
            curves: vec![LossCurve {
                name: "prior".into(),
                points: points(list),
                mean: e,
                p95: e,
                p99: e,
                evidence: vec![],
            }],
            tolerance: vec![],
            drivers: vec![],
        }
    }

    #[test]
    fn both_axes_are_logarithmic() {
        let svg = exceedance("f", &risk(&[(1e3, 1.0), (1e4, 0.01), (1e5, 1e-4)])).into_string();
        assert!(svg.contains("M76 36L291 146L506 256"), "{svg}");
    }

    #[test]
    fn crossing_the_tolerance_is_found() {
        let curve = points(&[(1e3, 0.5), (1e5, 0.1)]);
        assert_eq!(over_tolerance(&curve, &points(&[(1e4, 0.31)])), None);
        assert_eq!(over_tolerance(&curve, &points(&[(1e4, 0.29), (1e6, 0.0)])), Some(1e4));
        assert_eq!(over_tolerance(&curve, &points(&[(1e6, 0.001)])), None);
        assert_eq!(over_tolerance(&curve, &points(&[(1.0, 0.4)])), Some(1.0));
        assert_eq!(over_tolerance(&[], &points(&[(1.0, 0.4)])), None);
    }

    #[test]
    fn nothing_and_nonsense_are_survived() {
        assert!(exceedance("f", &risk(&[])).into_string().contains("No figure"));
        let bad =
            [(f64::NAN, 0.5), (0.0, 0.5), (1e3, f64::NAN), (1e3, 0.5), (f64::INFINITY, 0.2), (-5.0, 2.0)];
        let svg = exceedance("f", &risk(&bad)).into_string();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
