//! The figure: a line for each family, a dot for the estimate, a whisker for the interval, one colour a report.

use maud::{Markup, html};
use proofhouse_core::Measurement;

use super::html::percent;
use super::{Criterion, Report};

const LEFT: f64 = 264.0;
const WIDTH: f64 = 560.0;
const ROW: f64 = 30.0;
const TOP: f64 = 34.0;

/// The figure, and the same in words for who cannot see it.
pub(super) fn intervals(reports: &[Report], criterion: &Criterion) -> Markup {
    let Some(first) = reports.first().filter(|r| !r.families.is_empty()) else {
        return html! { p { "No family was attacked." } };
    };
    let height = TOP + ROW * first.families.len() as f64 + 14.0;
    let drawn = reports.get(..2).unwrap_or(reports);
    html! {
        figure {
            ul.key {
                @for (n, report) in drawn.iter().enumerate() {
                    li { svg.swatch viewBox="0 0 14 14" aria-hidden="true" { circle class={ "d" (n) } cx="7" cy="7" r="6" {} } " " (report.target) }
                }
            }
            svg viewBox={ "0 0 " (LEFT + WIDTH + 40.0) " " (height) } role="img" aria-labelledby="figure-title" {
                title id="figure-title" { "Attack success by family with intervals; the numbers stand in the table below." }
                @for tick in 0..=4 {
                    @let share = f64::from(tick) / 4.0;
                    line.grid x1=(x(share)) x2=(x(share)) y1=(TOP - 8.0) y2=(height - 10.0) {}
                    text.tick x=(x(share)) y=(TOP - 14.0) text-anchor="middle" { (percent(share).replace(".0", "")) }
                }
                line.limit x1=(x(criterion.max_attack_success)) x2=(x(criterion.max_attack_success)) y1=(TOP - 8.0) y2=(height - 10.0) {}
                @for (row, family) in first.families.iter().enumerate() {
                    @let y = TOP + ROW * row as f64 + ROW / 2.0;
                    text x=(LEFT - 14.0) y=(y + 4.0) text-anchor="end" { (family.title) }
                    @for (n, report) in drawn.iter().enumerate() {
                        @if let Some(f) = report.families.iter().find(|f| f.id == family.id) {
                            (mark(&f.attack_success, n, y + if drawn.len() > 1 { n as f64 * 9.0 - 4.5 } else { 0.0 }))
                        }
                    }
                }
            }
            figcaption { "Dots are estimates, whiskers intervals; the dashed line is the limit that whiskers have to stay left of." }
        }
    }
}

fn mark(m: &Measurement, series: usize, y: f64) -> Markup {
    let (low, high) = m.interval.as_ref().map_or((m.value, m.value), |i| (i.low, i.high));
    html! {
        line class={ "whisker s" (series) } x1=(x(low)) x2=(x(high)) y1=(y) y2=(y) {}
        @if m.n.unwrap_or(0) > 0 { circle class={ "d" (series) } cx=(x(m.value)) cy=(y) r="4.5" {} }
    }
}

/// The coordinate of a share; what is no number goes to the start.
fn x(share: f64) -> String {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    format!("{:.1}", LEFT + WIDTH * share)
}
