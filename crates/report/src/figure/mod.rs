//! Drawings: SVG written here, one file each, with a title and a description for those who do not see
//! it, told apart by dash and shape as well as by colour. Each section puts a table with the same numbers
//! beside its drawing.
//!
//! Colours are classes of the page's style sheet, so that dark mode and print need no second drawing.

mod attack_success;
mod class_bars;
mod counterexample;
mod drift_series;
mod exceedance;
mod hardening_curve;
mod histogram;
mod life_cycle;
mod price_curve;
mod robustness_curve;
mod scale;
mod seal;
mod severity_curve;
mod share_bars;
mod spending_curve;
mod state_bar;

use maud::{Markup, html};

pub use attack_success::attack_success;
pub use class_bars::{class_bars, group_bars, success_bars};
pub use counterexample::{counterexample, picture};
pub use drift_series::drift_series;
pub use exceedance::{exceedance, over_tolerance, probability_at};
pub use hardening_curve::hardening_curve;
pub use histogram::{histogram, shares};
pub use life_cycle::{Layout, Mark, Node, life_cycle};
pub use price_curve::price_curve;
pub use robustness_curve::robustness_curve;
pub use seal::seal;
pub use severity_curve::severity_curve;
pub use spending_curve::spending_curve;
pub use state_bar::state_bar;

use scale::{Scale, at};

use crate::number;

/// An SVG image with an accessible name. `id` must be unique on the page.
fn image(id: &str, size: (f64, f64), title: &str, description: &str, body: &Markup) -> Markup {
    image_fitted(id, size, title, description, body, "xMidYMid")
}

/// An image that fits its box in the given way (`preserveAspectRatio`).
fn image_fitted(
    id: &str,
    size: (f64, f64),
    title: &str,
    description: &str,
    body: &Markup,
    fit: &str,
) -> Markup {
    let (width, height) = size;
    html! {
        svg id=(id) class="chart" role="img" viewBox={ "0 0 " (at(width)) " " (at(height)) }
            preserveAspectRatio=(fit) aria-labelledby={ (id) "-t " (id) "-d" } {
            title id={ (id) "-t" } { (title) }
            desc id={ (id) "-d" } { (description) }
            (body)
        }
    }
}

/// Said in place of a drawing that would be empty.
fn nothing_to_draw(what: &str) -> Markup {
    html! { p.empty { "No figure: " (what) } }
}

/// The box a chart is plotted in.
#[derive(Debug, Clone, Copy)]
struct Plot {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Plot {
    fn x(&self) -> (f64, f64) {
        (self.left, self.right)
    }

    fn y(&self) -> (f64, f64) {
        (self.bottom, self.top)
    }

    /// Horizontal grid lines with their labels, and the label of the axis above them.
    fn y_axis(&self, scale: &Scale, about: usize, name: &str, label: impl Fn(f64) -> String) -> Markup {
        html! {
            text.axis-name x="0" y=(at(self.top - 12.0)) { (name) }
            @for tick in scale.ticks(about) {
                line.grid x1=(at(self.left)) x2=(at(self.right)) y1=(scale.at(tick)) y2=(scale.at(tick)) {}
                text.tick x=(at(self.left - 7.0)) y=(at(scale.raw(tick) + 4.0)) text-anchor="end" { (label(tick)) }
            }
        }
    }

    /// Vertical ticks with their labels, and the label of the axis below them.
    fn x_axis(&self, scale: &Scale, about: usize, name: &str, label: impl Fn(f64) -> String) -> Markup {
        html! {
            line.axis x1=(at(self.left)) x2=(at(self.right)) y1=(at(self.bottom)) y2=(at(self.bottom)) {}
            @for tick in scale.ticks(about) {
                line.axis x1=(scale.at(tick)) x2=(scale.at(tick)) y1=(at(self.bottom)) y2=(at(self.bottom + 4.0)) {}
                text.tick x=(scale.at(tick)) y=(at(self.bottom + 18.0)) text-anchor="middle" { (label(tick)) }
            }
            text.axis-name x=(at(self.right)) y=(at(self.bottom + 36.0)) text-anchor="end" { (name) }
        }
    }
}

/// A tick of a share.
fn share_tick(value: f64) -> String {
    format!("{}%", number::rounded(value * 100.0, 3))
}
