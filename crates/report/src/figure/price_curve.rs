//! How many rows of a table fall for which price: what attacks found (more may fall), and what is proved to be out of
//! reach (no more can fall).

use maud::{Markup, html};

use super::scale::{Scale, at, extent};
use super::{Plot, image, nothing_to_draw, share_tick};
use crate::input::TableAttack;
use crate::number;

/// Two staircases over the price.
pub fn price_curve(id: &str, table: &TableAttack) -> Markup {
    let sorted = |values: &[f64]| {
        let mut values: Vec<f64> = values.iter().copied().filter(|v| v.is_finite() && *v >= 0.0).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let (prices, floors) = (sorted(&table.prices), sorted(&table.floors));
    let Some((_, dearest)) = extent(prices.iter().chain(&floors).copied()) else {
        return nothing_to_draw("no row fell, and nothing is proved about any.");
    };
    let attacked = table.attacked as f64;
    let plot = Plot { left: 52.0, top: 36.0, right: 506.0, bottom: 226.0 };
    let x = Scale::linear((0.0, dearest * 1.04), plot.x());
    let y = Scale::linear((0.0, 1.0), plot.y());
    let stairs = |values: &[f64]| {
        use std::fmt::Write as _;
        let mut path = format!("M{} {}", x.at(0.0), y.at(0.0));
        for (at, value) in values.iter().enumerate() {
            let _ = write!(path, "H{}V{}", x.at(*value), y.at((at + 1) as f64 / attacked.max(1.0)));
        }
        let _ = write!(path, "H{}", x.at(dearest * 1.04));
        path
    };
    // Without a floor of its own a row may fall for nothing.
    let description = format!(
        "{} of {} rows fall; half of those for at most {}.",
        prices.len(),
        table.attacked,
        prices.get(prices.len() / 2).map_or_else(|| "any price".to_owned(), |p| number::rounded(*p, 3))
    );
    let legend = plot.bottom + 58.0;
    let body = html! {
        (plot.y_axis(&y, 5, "rows that fall", share_tick))
        @if let Some(budget) = table.budget.filter(|b| b.is_finite() && *b <= dearest * 1.04) {
            line.rule x1=(x.at(budget)) x2=(x.at(budget)) y1=(at(plot.top - 4.0)) y2=(at(plot.bottom)) {}
            @let left = x.raw(budget) > f64::midpoint(plot.left, plot.right);
            text.note x=(at(x.raw(budget) + if left { -6.0 } else { 6.0 })) y=(at(plot.top + 8.0))
                text-anchor=(if left { "end" } else { "start" }) { "budget " (number::rounded(budget, 3)) }
        }
        @if !floors.is_empty() { path.line.second.proved d=(stairs(&floors)) {} }
        path.line.first d=(stairs(&prices)) {}
        (plot.x_axis(&x, 5, "price of the change", |v| number::rounded(v, 3)))
        path.line.first d={ "M" (at(plot.left)) " " (at(legend - 4.0)) "h30" } {}
        text.legend x=(at(plot.left + 40.0)) y=(at(legend)) { "found: at least these fall" }
        @if !floors.is_empty() {
            path.line.second.proved d={ "M" (at(plot.left)) " " (at(legend + 16.0)) "h30" } {}
            text.legend x=(at(plot.left + 40.0)) y=(at(legend + 20.0)) { "proved: no more than these can" }
        }
    };
    image(
        id,
        (520.0, legend + if floors.is_empty() { 10.0 } else { 30.0 }),
        "Rows that fall by price",
        &description,
        &body,
    )
}

#[cfg(test)]
mod tests {
    use proofhouse_core::Measurement;

    use super::*;

    #[test]
    fn a_stair_for_every_row() {
        let table = |prices: &[f64], floors: &[f64]| TableAttack {
            aim: "another class".into(),
            budget: Some(2.0),
            attacked: 4,
            success: Measurement::proportion("evasion-success", 2, 4, 0.95),
            proved: None,
            gain: None,
            prices: prices.to_vec(),
            floors: floors.to_vec(),
            examples: vec![],
        };
        assert!(price_curve("f", &table(&[], &[])).into_string().contains("No figure"));
        let svg = price_curve("f", &table(&[4.0, 2.0, f64::NAN], &[1.0])).into_string();
        assert!(svg.contains("M52 226H270.27V178.5H488.54V131H506"), "{svg}");
        assert!(svg.contains("budget 2") && !svg.contains("NaN"));
    }
}
