//! A counterexample of an image: the input, the altered input, and what was altered.
//!
//! Ink stays dark on light paper in dark mode too: it is a picture of paper. Colours are drawn as they are. The
//! difference is drawn as squares whose area is the size of the change, filled where ink or light was added and hollow
//! where it was removed, so that it can be read without colour. Larger images are drawn smaller, with the mean of the
//! pixels that share a place.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use maud::{Markup, html};

use super::scale::at;
use super::{image, nothing_to_draw};
use crate::input::{Change, Counterexample, Image};
use crate::number;

/// Rows and columns that are drawn.
const MOST: u32 = 32;
/// Pixels that are looked at along a side; what a broken size claims beyond is not there.
const LARGEST: u32 = 4096;
const SIDE: f64 = 120.0;
const GAP: f64 = 18.0;
/// Levels drawn of each colour; a path for each mixture keeps the page small.
const LEVELS: f64 = 16.0;

/// Three pictures in a row. What is no image has no picture.
pub fn counterexample(id: &str, example: &Counterexample) -> Markup {
    let Change::Image { original, altered } = &example.change else {
        return nothing_to_draw("the example is a row of a table.");
    };
    let (before, after) = (Drawn::of(original), Drawn::of(altered));
    if before.columns == 0 || before.rows == 0 {
        return nothing_to_draw("the example has no pixels.");
    }
    let cell = SIDE / f64::from(before.columns.max(before.rows));
    let second = SIDE + GAP;
    let third = 2.0 * second;
    let (added, removed) = difference(&before, &after, cell);
    let description = format!(
        "{}: read as {} and, after a change of {}, as {}.",
        number::clip(&example.record, 60),
        number::clip(&example.truth, 40),
        number::rounded(example.distance, 3),
        number::clip(&example.answer, 40)
    );
    let body = html! {
        (painted(0.0, &before, cell))
        (painted(second, &after, cell))
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

/// One picture by itself.
pub fn picture(id: &str, shown: &Image, description: &str) -> Markup {
    let drawn = Drawn::of(shown);
    if drawn.columns == 0 || drawn.rows == 0 {
        return nothing_to_draw("the picture has no pixels.");
    }
    let cell = SIDE / f64::from(drawn.columns.max(drawn.rows));
    image(id, (SIDE + 2.0, SIDE + 2.0), "A picture", description, &painted(0.0, &drawn, cell))
}

/// An image in the size in which it is drawn.
struct Drawn {
    columns: u32,
    rows: u32,
    colours: usize,
    /// Channel by channel.
    values: Vec<f64>,
}

impl Drawn {
    fn of(shown: &Image) -> Self {
        let (columns, rows) = (shown.width.min(MOST), shown.height.min(MOST));
        let colours = if shown.channels == 3 { 3 } else { 1 };
        let (width, height) = (shown.width.min(LARGEST), shown.height.min(LARGEST));
        let value = |channel: usize, row: u32, column: u32| {
            let plane = u64::from(shown.width) * u64::from(shown.height);
            let index = (channel as u64)
                .checked_mul(plane)?
                .checked_add(u64::from(row) * u64::from(shown.width) + u64::from(column))?;
            let value = shown.pixels.get(usize::try_from(index).ok()?).copied()?;
            value.is_finite().then(|| value.clamp(0.0, 1.0))
        };
        let mut values = Vec::new();
        for channel in 0..colours {
            for row in 0..rows {
                for column in 0..columns {
                    let part = |i: u32, of: u32, size: u32| {
                        let (from, to) = (i * size / of, (i + 1) * size / of);
                        from..to.max(from + 1)
                    };
                    let cells = part(row, rows, height)
                        .flat_map(|y| part(column, columns, width).map(move |x| (y, x)))
                        .map(|(y, x)| value(channel, y, x).unwrap_or(0.0));
                    let (sum, count) = cells.fold((0.0, 0.0), |(s, n), v| (s + v, n + 1.0));
                    values.push(sum / f64::max(count, 1.0));
                }
            }
        }
        Self { columns, rows, colours, values }
    }

    fn plane(&self) -> usize {
        (self.columns * self.rows) as usize
    }

    /// Column, row and index of every place.
    fn places(&self) -> impl Iterator<Item = (u32, u32, usize)> + '_ {
        (0..self.rows).flat_map(move |row| {
            (0..self.columns).map(move |column| (column, row, (row * self.columns + column) as usize))
        })
    }

    fn value(&self, channel: usize, place: usize) -> f64 {
        self.values.get(channel * self.plane() + place).copied().unwrap_or(0.0)
    }
}

fn painted(left: f64, drawn: &Drawn, cell: f64) -> Markup {
    let mut mixtures: BTreeMap<[u8; 3], String> = BTreeMap::new();
    for (column, row, place) in drawn.places() {
        let level = |channel: usize| {
            if channel < drawn.colours { (drawn.value(channel, place) * LEVELS).round() as u8 } else { 0 }
        };
        let mixture = [level(0), level(1), level(2)];
        // Paper need not be painted.
        if drawn.colours == 3 || mixture[0] > 0 {
            let path = mixtures.entry(mixture).or_default();
            let (x, y) = (f64::from(column) * cell, f64::from(row) * cell);
            let _ = write!(path, "M{} {}h{w}v{w}h-{w}z", at(x), at(y), w = at(cell));
        }
    }
    let (width, height) = (cell * f64::from(drawn.columns), cell * f64::from(drawn.rows));
    html! {
        g transform={ "translate(" (at(left)) " 0)" } {
            rect.paper x="0" y="0" width=(at(width)) height=(at(height)) {}
            @for (mixture, path) in &mixtures {
                @if drawn.colours == 3 {
                    path shape-rendering="crispEdges" fill=(colour(*mixture)) d=(path) {}
                } @else {
                    path.ink shape-rendering="crispEdges" fill-opacity=(at(f64::from(mixture[0]) / LEVELS)) d=(path) {}
                }
            }
        }
    }
}

fn colour(mixture: [u8; 3]) -> String {
    let [r, g, b] = mixture.map(|level| (f64::from(level) / LEVELS * 255.0).round() as u8);
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Squares centred in their cells: what was added, what was removed. Of colours, the mean change of the three.
fn difference(before: &Drawn, after: &Drawn, cell: f64) -> (String, String) {
    let (mut added, mut removed) = (String::new(), String::new());
    let change = |place: usize| {
        let of = |channel: usize| after.value(channel, place) - before.value(channel, place);
        let all = (0..before.colours).map(of);
        // The channel that changed most, so that changes that cancel in the mean are seen.
        all.fold(0.0f64, |most, d| if d.abs() > most.abs() { d } else { most })
    };
    let changes: Vec<(u32, u32, f64)> =
        before.places().map(|(column, row, place)| (column, row, change(place))).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(pixels: Vec<f64>) -> Image {
        Image { width: 2, height: 2, channels: 1, pixels }
    }

    fn example(original: Image, altered: Image) -> Counterexample {
        Counterexample {
            record: "test[0]".into(),
            truth: "3".into(),
            answer: "8".into(),
            distance: 0.1,
            change: Change::Image { original, altered },
        }
    }

    #[test]
    fn added_is_filled_and_removed_is_hollow() {
        let of = |pixels| Drawn::of(&grey(pixels));
        let (added, removed) = difference(&of(vec![0.0, 1.0, 0.5, 0.5]), &of(vec![0.4, 0.9, 0.5, 0.5]), 10.0);
        assert_eq!(added, "M0.5 0.5h9v9h-9z");
        assert_eq!(removed, "M12.75 2.75h4.5v4.5h-4.5z");
    }

    #[test]
    fn colours_are_painted_as_they_are_and_large_images_smaller() {
        let red = Image { width: 64, height: 64, channels: 3, pixels: vec![1.0; 64 * 64] };
        let svg = counterexample("f", &example(red.clone(), red)).into_string();
        assert!(svg.contains("fill=\"#ff0000\"") && !svg.contains("class=\"ink\""), "{svg}");
        // Every other column is ink: the mean is half of it everywhere.
        let stripes = (0..64 * 64).map(|i| f64::from(i % 2)).collect();
        let drawn = Drawn::of(&Image { width: 64, height: 64, channels: 1, pixels: stripes });
        assert_eq!(drawn.values, vec![0.5; 32 * 32]);
    }

    #[test]
    fn broken_pictures_are_paper() {
        let broken = example(grey(vec![f64::NAN]), grey(vec![f64::INFINITY, -3.0]));
        let svg = counterexample("f", &broken).into_string();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        let huge = |width| Image { width, height: u32::MAX, channels: 1, pixels: vec![] };
        assert!(counterexample("f", &example(huge(u32::MAX), huge(1))).into_string().len() < 4000);
        let none = counterexample("f", &example(huge(0), huge(0))).into_string();
        assert!(none.contains("No figure"));
    }
}
