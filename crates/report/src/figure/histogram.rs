//! Two histograms on the same edges: the reference as filled columns, the current traffic as a line of
//! steps.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::scale::{Scale, at};
use super::{Plot, image, nothing_to_draw, share_tick};
use crate::input::ColumnDrift;
use crate::number;

/// Bins drawn; more are left to the evidence.
const MOST: usize = 64;

/// Both histograms of a column, as shares of their rows.
pub fn histogram(id: &str, column: &ColumnDrift) -> Markup {
    let bins = column.reference.len().min(column.current.len()).min(MOST);
    let (reference, current) = (shares(&column.reference), shares(&column.current));
    if bins == 0 || column.reference.iter().all(|n| *n == 0) && column.current.iter().all(|n| *n == 0) {
        return nothing_to_draw("the column has no counted rows.");
    }
    let tallest = reference.iter().chain(&current).take(bins * 2).fold(0.01f64, |m, s| m.max(*s));
    let plot = Plot { left: 46.0, top: 30.0, right: 350.0, bottom: 150.0 };
    let y = Scale::linear((0.0, tallest * 1.06), plot.y());
    let width = (plot.right - plot.left) / bins as f64;
    let left = |bin: usize| plot.left + width * bin as f64;
    let mut columns = String::new();
    let mut steps = String::new();
    for bin in 0..bins {
        let share = |of: &[f64]| of.get(bin).copied().unwrap_or(0.0);
        let top = y.at(share(&reference));
        let (from, to) = (at(left(bin) + 0.5), at(left(bin + 1) - 0.5));
        let _ = write!(columns, "M{from} {}V{top}H{to}V{}z", at(plot.bottom), at(plot.bottom));
        let level = y.at(share(&current));
        let _ = match bin {
            0 => write!(steps, "M{} {}V{level}H{}", at(left(0)), at(plot.bottom), at(left(1))),
            _ => write!(steps, "V{level}H{}", at(left(bin + 1))),
        };
    }
    let _ = write!(steps, "V{}", at(plot.bottom));
    // Bins are drawn equally wide, since frozen edges are often quantiles or open-ended; so the labels
    // stand at the edges they belong to.
    let every = bins.div_ceil(5).max(1);
    let labels: Vec<(f64, String)> =
        (0..=bins).step_by(every).filter_map(|i| Some((left(i), edge(*column.edges.get(i)?)))).collect();
    let description = format!(
        "{} {} between reference and current rows over {bins} bins.",
        number::clip(&column.statistic, 60),
        number::rounded(column.distance, 3)
    );
    let body = html! {
        (plot.y_axis(&y, 3, "share of rows", share_tick))
        path.reference d=(columns) {}
        path.current d=(steps) {}
        line.axis x1=(at(plot.left)) x2=(at(plot.right)) y1=(at(plot.bottom)) y2=(at(plot.bottom)) {}
        @for (x, label) in &labels {
            text.tick x=(at(*x)) y=(at(plot.bottom + 17.0)) text-anchor="middle" { (label) }
        }
        rect.reference x="150" y="7" width="14" height="10" {}
        text.legend x="169" y="16" { "reference" }
        path.current d="M248 12h20" {}
        text.legend x="273" y="16" { "current" }
    };
    let title = format!("{}: reference and current", number::clip(&column.name, 60));
    image(id, (360.0, 176.0), &title, &description, &body)
}

fn edge(value: f64) -> String {
    if value == f64::INFINITY {
        "∞".to_owned()
    } else if value == f64::NEG_INFINITY {
        "−∞".to_owned()
    } else {
        number::axis(value)
    }
}

/// Counts as shares of their sum; zeros where nothing was counted.
pub fn shares(counts: &[u64]) -> Vec<f64> {
    let sum: f64 = counts.iter().map(|n| *n as f64).sum();
    counts.iter().map(|n| if sum > 0.0 { *n as f64 / sum } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(edges: &[f64], reference: &[u64], current: &[u64]) -> ColumnDrift {
        ColumnDrift {
            name: "pixel".into(),
            statistic: "KS".into(),
            distance: 0.3,
            edges: edges.to_vec(),
            reference: reference.to_vec(),
            current: current.to_vec(),
        }
    }

    #[test]
    fn heights_are_shares_of_their_own_rows() {
        assert_eq!(shares(&[1, 3]), vec![0.25, 0.75]);
        assert_eq!(shares(&[0, 0]), vec![0.0, 0.0]);
        // 50 % is 100/106 of the axis: 150 - 120 * 100/106 = 36.79.
        let svg = histogram("f", &column(&[0.0, 1.0, 2.0], &[5, 5], &[500, 500])).into_string();
        assert!(svg.contains("M46 150V36.79H198V36.79H350V150"), "{svg}");
    }

    #[test]
    fn open_ends_and_missing_edges_are_survived() {
        let open = column(&[f64::NEG_INFINITY, 0.5, f64::INFINITY], &[1, 2], &[2, 1]);
        let svg = histogram("f", &open).into_string();
        assert!(svg.contains("−∞") && svg.contains('∞') && !svg.contains("inf"), "{svg}");
        for broken in [column(&[], &[1], &[1, 2]), column(&[f64::NAN; 3], &[1, 2], &[u64::MAX, u64::MAX])] {
            assert!(!histogram("f", &broken).into_string().contains("NaN"));
        }
        assert!(histogram("f", &column(&[], &[], &[])).into_string().contains("No figure"));
        assert!(histogram("f", &column(&[], &[0], &[0])).into_string().contains("No figure"));
    }
}
