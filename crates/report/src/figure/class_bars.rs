//! Recall by class: a bar to the estimate, a whisker over its interval.

use maud::{Markup, html};

use super::scale::{Scale, at};
use super::{Plot, image, nothing_to_draw, share_tick};
use crate::input::Performance;
use crate::number;

const ROW: f64 = 22.0;
/// More classes than this are left to the table.
const MOST: usize = 40;

/// One bar per class.
pub fn class_bars(id: &str, performance: &Performance) -> Markup {
    let classes: Vec<_> =
        performance.classes.iter().filter(|c| c.recall.value.is_finite()).take(MOST).collect();
    if classes.is_empty() {
        return nothing_to_draw("there is no figure by class.");
    }
    let plot = Plot { left: 74.0, top: 26.0, right: 470.0, bottom: 26.0 + ROW * classes.len() as f64 };
    let x = Scale::linear((0.0, 1.0), plot.x());
    let worst = classes.iter().min_by(|a, b| a.recall.value.total_cmp(&b.recall.value));
    let description = worst.map_or_else(String::new, |w| {
        format!(
            "{} classes; the least recognised is {} at {}.",
            classes.len(),
            number::clip(&w.class, 60),
            number::percent(w.recall.value)
        )
    });
    let overall = performance.accuracy.value;
    let body = html! {
        text.axis-name x="0" y="14" { "Class" }
        @for (i, class) in classes.iter().enumerate() {
            @let top = plot.top + ROW * i as f64;
            @let middle = top + ROW / 2.0;
            @let value = class.recall.value;
            text.tick.strong x=(at(plot.left - 8.0)) y=(at(middle + 4.0)) text-anchor="end" {
                (number::clip(&class.class, 9))
            }
            rect.bar x=(at(plot.left)) y=(at(top + 4.0)) width=(at(x.raw(value) - plot.left)) height=(at(ROW - 8.0)) {}
            @if let Some(interval) = &class.recall.interval {
                path.whisker d={
                    "M" (x.at(interval.low)) " " (at(middle)) "H" (x.at(interval.high))
                    "M" (x.at(interval.low)) " " (at(middle - 4.0)) "v8"
                    "M" (x.at(interval.high)) " " (at(middle - 4.0)) "v8"
                } {}
            }
            text.tick x="514" y=(at(middle + 4.0)) text-anchor="end" { (number::percent(value)) }
        }
        @if overall.is_finite() {
            line.rule x1=(x.at(overall)) x2=(x.at(overall)) y1=(at(plot.top - 4.0)) y2=(at(plot.bottom)) {}
            text.note x=(x.at(overall)) y=(at(plot.top - 10.0)) text-anchor="end" { "all classes " (number::percent(overall)) }
        }
        (plot.x_axis(&x, 5, "recognised", share_tick))
    };
    image(id, (520.0, plot.bottom + 44.0), "Recall by class, with intervals", &description, &body)
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
        assert!(svg.contains(r#"x="74" y="30" width="198" height="14""#), "{svg}");
        assert!(svg.contains(r#"x="74" y="52" width="396" height="14""#), "{svg}");
    }

    #[test]
    fn what_is_not_a_number_is_left_out() {
        assert!(class_bars("f", &performance(&[f64::NAN])).into_string().contains("No figure"));
        let svg = class_bars("f", &performance(&[f64::INFINITY, 0.5])).into_string();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
