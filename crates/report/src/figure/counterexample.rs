//! A counterexample: the input, the altered input, and what was altered.
//!
//! Ink stays dark on light paper in dark mode too: it is a picture of paper. The difference is drawn as
//! squares whose area is the size of the change, filled where ink was added and hollow where it was
//! removed, so that it can be read without colour.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use maud::{Markup, html};

use super::scale::at;
use super::{image, nothing_to_draw};
use crate::input::{Counterexample, Image};
use crate::number;

/// Larger images are cut to this many rows and columns.
const MOST: u32 = 32;
const SIDE: f64 = 120.0;
const GAP: f64 = 18.0;
/// Grey levels drawn; a path for each keeps the page small.
const LEVELS: f64 = 16.0;

/// Three pictures in a row.
pub fn counterexample(id: &str, example: &Counterexample) -> Markup {
    let (columns, rows) = (example.original.width.min(MOST), example.original.height.min(MOST));
    if columns == 0 || rows == 0 {
        return nothing_to_draw("the example has no pixels.");
    }
    let cell = SIDE / f64::from(columns.max(rows));
    let second = SIDE + GAP;
    let third = 2.0 * second;
    let (added, removed) = difference(example, columns, rows, cell);
    let description = format!(
        "{}: read as {} and, after a change of {}, as {}.",
        number::clip(&example.record, 60),
        number::clip(&example.truth, 40),
        number::rounded(example.distance, 3),
        number::clip(&example.answer, 40)
    );
    let body = html! {
        (picture(0.0, &example.original, columns, rows, cell))
        (picture(second, &example.altered, columns, rows, cell))
        rect.frame x=(at(third)) y="0" width=(at(SIDE)) height=(at(SIDE)) {}
        g transform={ "translate(" (at(third)) " 0)" } {
            path.added d=(added) {}
            path.removed d=(removed) {}
        }
        text.tick x="0" y=(at(SIDE + 17.0)) { "given" }
        text.tick x=(at(second)) y=(at(SIDE + 17.0)) { "altered" }
        text.tick x=(at(third)) y=(at(SIDE + 17.0)) { "change" }
    };
    image(id, (third + SIDE + 2.0, SIDE + 24.0), "A counterexample", &description, &body)
}

fn picture(left: f64, image: &Image, columns: u32, rows: u32, cell: f64) -> Markup {
    let mut levels: BTreeMap<i64, String> = BTreeMap::new();
    for (column, row, value) in pixels(image, columns, rows) {
        let level = (value * LEVELS).round() as i64;
        if level > 0 {
            let path = levels.entry(level).or_default();
            let (x, y) = (f64::from(column) * cell, f64::from(row) * cell);
            let _ = write!(path, "M{} {}h{w}v{w}h-{w}z", at(x), at(y), w = at(cell));
        }
    }
    html! {
        g transform={ "translate(" (at(left)) " 0)" } {
            rect.paper x="0" y="0" width=(at(SIDE)) height=(at(SIDE)) {}
            @for (level, path) in &levels {
                path.ink shape-rendering="crispEdges" fill-opacity=(at(*level as f64 / LEVELS)) d=(path) {}
            }
        }
    }
}

/// Squares centred in their cells: what was added, what was removed.
fn difference(example: &Counterexample, columns: u32, rows: u32, cell: f64) -> (String, String) {
    let (mut added, mut removed) = (String::new(), String::new());
    let before = pixels(&example.original, columns, rows);
    let after = pixels(&example.altered, columns, rows);
    let changes: Vec<(u32, u32, f64)> =
        before.zip(after).map(|((column, row, a), (_, _, b))| (column, row, b - a)).collect();
    let largest = changes.iter().fold(0.0f64, |m, (_, _, d)| m.max(d.abs()));
    for (column, row, change) in changes {
        // Below one per cent of full ink nothing can be seen or drawn.
        if change.abs() < 0.01 {
            continue;
        }
        let side = cell * 0.9 * (change.abs() / largest).sqrt();
        let inset = (cell - side) / 2.0;
        let (x, y) = (f64::from(column) * cell + inset, f64::from(row) * cell + inset);
        let path = if change > 0.0 { &mut added } else { &mut removed };
        let _ = write!(path, "M{} {}h{w}v{w}h-{w}z", at(x), at(y), w = at(side));
    }
    (added, removed)
}

/// Column, row and ink of every drawn pixel; what is missing or not a number is paper.
fn pixels(image: &Image, columns: u32, rows: u32) -> impl Iterator<Item = (u32, u32, f64)> + '_ {
    (0..rows).flat_map(move |row| {
        (0..columns).map(move |column| {
            let index = u64::from(row) * u64::from(image.width) + u64::from(column);
            let value = usize::try_from(index).ok().and_then(|i| image.pixels.get(i)).copied();
            let inside = column < image.width && row < image.height;
            let ink = value.filter(|v| inside && v.is_finite()).unwrap_or(0.0).clamp(0.0, 1.0);
            (column, row, ink)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(original: Vec<f64>, altered: Vec<f64>) -> Counterexample {
        let image = |pixels| Image { width: 2, height: 2, pixels };
        Counterexample {
            record: "test[0]".into(),
            truth: "3".into(),
            answer: "8".into(),
            distance: 0.1,
            original: image(original),
            altered: image(altered),
        }
    }

    #[test]
    fn added_is_filled_and_removed_is_hollow() {
        let (added, removed) =
            difference(&example(vec![0.0, 1.0, 0.5, 0.5], vec![0.4, 0.9, 0.5, 0.5]), 2, 2, 10.0);
        assert_eq!(added, "M0.5 0.5h9v9h-9z");
        assert_eq!(removed, "M12.75 2.75h4.5v4.5h-4.5z");
    }

    #[test]
    fn broken_pictures_are_paper() {
        let svg = counterexample("f", &example(vec![f64::NAN], vec![f64::INFINITY, -3.0])).into_string();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        let mut huge = example(vec![], vec![]);
        huge.original.width = u32::MAX;
        huge.original.height = u32::MAX;
        assert!(counterexample("f", &huge).into_string().len() < 4000);
        huge.original.width = 0;
        assert!(counterexample("f", &huge).into_string().contains("No figure"));
    }
}
