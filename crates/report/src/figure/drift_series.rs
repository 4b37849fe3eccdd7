//! The drift statistic over the requests seen, the threshold, and the alarm.

use maud::{Markup, html};

use super::scale::{Scale, at, extent, polyline};
use super::{Plot, image, nothing_to_draw};
use crate::input::{Drift, Look};
use crate::number;

/// More looks than this are thinned for drawing: each stretch keeps its largest.
const MOST: usize = 400;

/// One line, one threshold, at most one alarm.
pub fn drift_series(id: &str, drift: &Drift) -> Markup {
    let looks = thinned(&drift.looks, MOST);
    let Some((low, high)) = extent(looks.iter().flat_map(|l| [l.statistic, l.threshold])) else {
        return nothing_to_draw("the monitor has not looked yet.");
    };
    let rows = extent(looks.iter().map(|l| l.rows as f64)).unwrap_or((0.0, 1.0));
    let plot = Plot { left: 58.0, top: 36.0, right: 506.0, bottom: 226.0 };
    let x = Scale::linear((0.0, rows.1), plot.x());
    // Betting statistics grow by orders of magnitude; distances do not.
    let y = if low > 0.0 && high / low > 50.0 {
        Scale::log((low / 1.5, high * 1.5), plot.y())
    } else {
        Scale::linear((low.min(0.0), high + (high - low.min(0.0)) * 0.08), plot.y())
    };
    let alarm =
        drift.alarm.as_ref().and_then(|a| drift.looks.get(a.look)).filter(|l| l.statistic.is_finite());
    let description = match alarm {
        Some(l) => format!(
            "The statistic reached {} against a threshold of {} after {} requests: alarm.",
            number::rounded(l.statistic, 3),
            number::rounded(l.threshold, 3),
            number::count(l.rows)
        ),
        None => format!("{} looks, no alarm.", number::count(drift.looks.len() as u64)),
    };
    let line = polyline(looks.iter().map(|l| (x.at(l.rows as f64), y.at(l.statistic))));
    let threshold = polyline(looks.iter().map(|l| (x.at(l.rows as f64), y.at(l.threshold))));
    let top = looks.last().map_or(0.0, |l| y.raw(l.threshold));
    let body = html! {
        (plot.y_axis(&y, 5, &number::clip(&drift.statistic, 40), number::axis))
        path.rule d=(threshold) {}
        text.note x=(at(plot.left + 6.0)) y=(at(top - 6.0)) { "alarm threshold" }
        path.line.second d=(line) {}
        @if looks.len() <= 60 {
            @for l in &looks { circle.dot.second cx=(x.at(l.rows as f64)) cy=(y.at(l.statistic)) r="3" {} }
        }
        @if let Some(l) = alarm {
            @let (ax, ay) = (x.raw(l.rows as f64), y.raw(l.statistic));
            line.alarm-line x1=(at(ax)) x2=(at(ax)) y1=(at(ay)) y2=(at(plot.bottom)) {}
            path.alarm d={ "M" (at(ax)) " " (at(ay - 9.0)) "l8 14h-16z" } {}
            text.note.strong x=(at(ax - 12.0)) y=(at(ay - 1.0)) text-anchor="end" { "alarm" }
        }
        (plot.x_axis(&x, 5, "requests seen", number::axis))
    };
    image(id, (520.0, 270.0), "Drift statistic over time", &description, &body)
}

/// At most `most` looks: from each stretch the one with the largest finite statistic, so that a peak is
/// never lost.
fn thinned(looks: &[Look], most: usize) -> Vec<&Look> {
    let every = looks.len().div_ceil(most.max(1)).max(1);
    looks
        .chunks(every)
        .filter_map(|c| {
            c.iter().filter(|l| l.statistic.is_finite()).max_by(|a, b| a.statistic.total_cmp(&b.statistic))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proofhouse_core::Timestamp;

    use super::*;
    use crate::input::Alarm;

    fn drift(values: &[f64], alarm: Option<usize>) -> Drift {
        Drift {
            evidence: None,
            ledger: vec![],
            tested: None,
            statistic: "e-value".into(),
            alpha: 0.01,
            promise: crate::input::FalseAlarmPromise::Ever,
            effect_floor: None,
            looks: values
                .iter()
                .enumerate()
                .map(|(i, v)| Look {
                    at: Timestamp::from_unix_ms(0),
                    rows: 100 * (i as u64 + 1),
                    statistic: *v,
                    threshold: 100.0,
                })
                .collect(),
            alarm: alarm.map(|look| Alarm { look, signal: "s".into() }),
            columns: vec![],
        }
    }

    #[test]
    fn a_wide_range_is_drawn_on_a_logarithmic_scale() {
        // 1 to 10000 widened by 1.5 both ways: 1, 100 and 10000 lie evenly.
        let svg = drift_series("f", &drift(&[1.0, 100.0, 10_000.0], Some(2))).into_string();
        assert!(svg.contains("M207.33 218.31L356.67 131L506 43.69"), "{svg}");
        assert!(svg.contains(">alarm<"));
    }

    #[test]
    fn a_peak_survives_thinning() {
        let mut values = vec![1.0; 5000];
        values[3333] = 77.0;
        let d = drift(&values, None);
        let kept = thinned(&d.looks, 400);
        assert!(kept.len() <= 400);
        assert!(kept.iter().any(|l| l.statistic == 77.0));
    }

    #[test]
    fn nothing_and_nonsense_are_survived() {
        assert!(drift_series("f", &drift(&[], None)).into_string().contains("No figure"));
        for values in [&[f64::NAN][..], &[f64::INFINITY, 1.0], &[0.0, -1.0], &[1e308, 1e-308]] {
            let svg = drift_series("f", &drift(values, Some(9))).into_string();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
