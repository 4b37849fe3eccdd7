//! A training against attacks, epoch by epoch: right answers without and under attack on rows set apart.

use maud::{Markup, html};

use super::scale::{Scale, at, polyline};
use super::{Plot, image, nothing_to_draw, share_tick};
use crate::input::{Hardening, HardeningEpoch};
use crate::number;

/// Points drawn with a dot; more make a line only.
const DOTS: usize = 40;

/// Two curves and the epoch that was taken.
pub fn hardening_curve(id: &str, hardening: &Hardening) -> Markup {
    let sound = |e: &&HardeningEpoch| e.clean.is_finite() && e.robust.is_finite();
    let epochs: Vec<&HardeningEpoch> = hardening.epochs.iter().filter(sound).collect();
    let (Some(first), Some(last)) = (epochs.first(), epochs.last()) else {
        return nothing_to_draw("no epoch was trained.");
    };
    let plot = Plot { left: 52.0, top: 40.0, right: 506.0, bottom: 240.0 };
    let x = Scale::linear((first.epoch as f64, last.epoch.max(first.epoch + 1) as f64), plot.x());
    let y = Scale::linear((0.0, 1.0), plot.y());
    let line =
        |of: fn(&HardeningEpoch) -> f64| polyline(epochs.iter().map(|e| (x.at(e.epoch as f64), y.at(of(e)))));
    let taken = epochs.iter().find(|e| e.epoch == hardening.chosen);
    let description = format!(
        "{} epochs; under attack {} of the rows set apart are right after the first and {} after the last.",
        epochs.len(),
        number::percent(first.robust),
        number::percent(last.robust)
    );
    let legend = plot.bottom + 58.0;
    let body = html! {
        (plot.y_axis(&y, 5, "right answers on rows set apart", share_tick))
        @if let Some(taken) = taken {
            @let px = x.raw(taken.epoch as f64);
            line.rule x1=(at(px)) x2=(at(px)) y1=(at(plot.top - 6.0)) y2=(at(plot.bottom)) {}
            @let left = px > f64::midpoint(plot.left, plot.right);
            text.note x=(at(if left { px - 6.0 } else { px + 6.0 })) y=(at(plot.bottom - 8.0))
                text-anchor=(if left { "end" } else { "start" }) { "taken: epoch " (taken.epoch) }
        }
        path.line.second.proved d=(line(|e| e.clean)) {}
        path.line.first d=(line(|e| e.robust)) {}
        @if epochs.len() <= DOTS {
            @for e in &epochs {
                @let (px, py) = (x.raw(e.epoch as f64), y.raw(e.clean));
                rect.dot.second x=(at(px - 3.0)) y=(at(py - 3.0)) width="6" height="6" {}
                circle.dot.first cx=(at(px)) cy=(y.at(e.robust)) r="3.5" {}
            }
        }
        (plot.x_axis(&x, 6, "epoch", |v| number::rounded(v, 3)))
        path.line.second.proved d={ "M" (at(plot.left)) " " (at(legend - 4.0)) "h30" } {}
        rect.dot.second x=(at(plot.left + 11.0)) y=(at(legend - 8.0)) width="8" height="8" {}
        text.legend x=(at(plot.left + 40.0)) y=(at(legend)) { "without attack" }
        path.line.first d={ "M" (at(plot.left + 190.0)) " " (at(legend - 4.0)) "h30" } {}
        circle.dot.first cx=(at(plot.left + 205.0)) cy=(at(legend - 4.0)) r="4" {}
        text.legend x=(at(plot.left + 230.0)) y=(at(legend)) { "under attack" }
    };
    image(id, (520.0, legend + 10.0), "Right answers by epoch", &description, &body)
}

#[cfg(test)]
mod tests {
    use proofhouse_core::{Measurement, Unit};

    use super::*;

    fn hardening(shares: &[(f64, f64)]) -> Hardening {
        let ratio = || Measurement::new("accuracy", 0.5, Unit::Ratio);
        Hardening {
            epochs: shares
                .iter()
                .enumerate()
                .map(|(at, (clean, robust))| HardeningEpoch {
                    epoch: at + 1,
                    loss: 1.0,
                    clean: *clean,
                    robust: *robust,
                })
                .collect(),
            chosen: 2,
            before: (ratio(), ratio()),
            after: (ratio(), ratio()),
            attacks: "pgd".into(),
        }
    }

    #[test]
    fn curves_go_through_their_epochs() {
        let svg = hardening_curve("f", &hardening(&[(1.0, 0.0), (0.5, 0.5)])).into_string();
        assert!(svg.contains("M52 40L506 140") && svg.contains("M52 240L506 140"), "{svg}");
        assert!(svg.contains("taken: epoch 2"), "{svg}");
    }

    #[test]
    fn nothing_and_nonsense_are_survived() {
        assert!(hardening_curve("f", &hardening(&[])).into_string().contains("No figure"));
        let svg = hardening_curve("f", &hardening(&[(f64::NAN, 0.1), (0.5, 0.5)])).into_string();
        assert!(!svg.contains("NaN") && svg.contains("M52 140"), "{svg}");
    }
}
