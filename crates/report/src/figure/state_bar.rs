//! Parts of a whole in one bar, told apart by pattern as well as by colour.

use maud::{Markup, html};

use super::scale::at;
use super::{image_fitted, nothing_to_draw};
use crate::number;

const WIDTH: f64 = 960.0;

/// One segment per part: its name, its class and its count. Names and counts are repeated below the bar
/// by the section that shows it.
pub fn state_bar(id: &str, title: &str, parts: &[(&str, &str, u64)]) -> Markup {
    let total: u64 = parts.iter().map(|(_, _, n)| n).sum();
    if total == 0 {
        return nothing_to_draw("there is nothing to count.");
    }
    let description = parts
        .iter()
        .filter(|(_, _, n)| *n > 0)
        .map(|(name, _, n)| format!("{name}: {}", number::count(*n)))
        .collect::<Vec<_>>()
        .join(", ");
    let mut left = 0.0;
    let mut segments = Vec::new();
    for (_, class, n) in parts.iter().filter(|(_, _, n)| *n > 0) {
        let width = WIDTH * *n as f64 / total as f64;
        segments.push((left, width, *class, *n));
        left += width;
    }
    let body = html! {
        @for (left, width, class, n) in &segments {
            rect class={ "part " (class) } x=(at(*left)) y="0" width=(at((*width - 2.0).max(1.0))) height="26" {}
            @if *width > 26.0 {
                text class={ "part-count " (class) } x=(at(left + width / 2.0 - 1.0)) y="18" text-anchor="middle" {
                    (number::count(*n))
                }
            }
        }
    };
    // The bar keeps its height and takes whatever width there is; the counts are hidden where the
    // stretching would show.
    html! { div.state-bar { (image_fitted(id, (WIDTH, 26.0), title, &description, &body, "none")) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_proportional() {
        let svg = state_bar("f", "t", &[("a", "x", 1), ("b", "y", 0), ("c", "z", 3)]).into_string();
        assert!(svg.contains(r#"x="0" y="0" width="238""#), "{svg}");
        assert!(svg.contains(r#"x="240" y="0" width="718""#), "{svg}");
        assert!(svg.contains("a: 1, c: 3"));
        assert!(state_bar("f", "t", &[]).into_string().contains("No figure"));
    }
}
