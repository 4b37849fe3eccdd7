//! Shares by name: a bar to the estimate, a whisker over its interval.

use maud::{Markup, html};
use proofhouse_core::Measurement;

use super::scale::{Scale, at};
use super::{Plot, image, share_tick};
use crate::number;

const ROW: f64 = 22.0;
/// More rows than this are left to the table.
pub const MOST: usize = 40;

/// Longer names are clipped; the table beside the figure has them whole.
const MOST_LETTERS: usize = 28;

/// What is drawn.
pub struct ShareBars<'a> {
    /// What the rows are, such as `Class`.
    pub of: &'a str,
    /// What the share is, such as `recognised`.
    pub share: &'a str,
    /// The figure's name.
    pub title: &'a str,
    /// The figure in a sentence.
    pub description: &'a str,
    /// Name and share of each row.
    pub rows: Vec<(&'a str, &'a Measurement)>,
    /// The share of all rows together.
    pub overall: Option<f64>,
    /// Whether a high share is bad.
    pub bad: bool,
}

/// One bar per row. Rows whose share is no number are left out.
pub fn share_bars(id: &str, bars: &ShareBars<'_>) -> Markup {
    let rows: Vec<_> = bars.rows.iter().filter(|(_, m)| m.value.is_finite()).take(MOST).collect();
    let longest = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).clamp(9, MOST_LETTERS);
    let plot = Plot {
        left: 11.0 + 7.0 * longest as f64,
        top: 44.0,
        right: 462.0,
        bottom: 44.0 + ROW * rows.len() as f64,
    };
    let x = Scale::linear((0.0, 1.0), plot.x());
    let kind = if bars.bad { "bar bad" } else { "bar" };
    let body = html! {
        text.axis-name x="0" y="34" { (bars.of) }
        @for (i, (name, measured)) in rows.iter().enumerate() {
            @let top = plot.top + ROW * i as f64;
            @let middle = top + ROW / 2.0;
            @let value = measured.value;
            text.tick.strong x=(at(plot.left - 8.0)) y=(at(middle + 4.0)) text-anchor="end" { (number::clip(name, longest)) }
            rect class=(kind) x=(at(plot.left)) y=(at(top + 4.0)) width=(at(x.raw(value) - plot.left)) height=(at(ROW - 8.0)) {}
            @if let Some(interval) = &measured.interval {
                path.whisker d={
                    "M" (x.at(interval.low)) " " (at(middle)) "H" (x.at(interval.high))
                    "M" (x.at(interval.low)) " " (at(middle - 4.0)) "v8"
                    "M" (x.at(interval.high)) " " (at(middle - 4.0)) "v8"
                } {}
            }
            text.tick x="518" y=(at(middle + 4.0)) text-anchor="end" { (number::percent(value)) }
        }
        @if let Some(overall) = bars.overall.filter(|o| o.is_finite()) {
            line.rule x1=(x.at(overall)) x2=(x.at(overall)) y1=(at(plot.top - 4.0)) y2=(at(plot.bottom)) {}
            // On the side where there is room.
            @let anchor = if overall > 0.5 { "end" } else { "start" };
            text.note x=(x.at(overall)) y=(at(plot.top - 10.0)) text-anchor=(anchor) { "all together " (number::percent(overall)) }
        }
        (plot.x_axis(&x, 5, bars.share, share_tick))
    };
    image(id, (520.0, plot.bottom + 44.0), bars.title, bars.description, &body)
}
