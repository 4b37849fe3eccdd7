//! The life of a model as a loop: system, threats, checks, evidence, gate, release, instances, signals,
//! and back. Each station carries a mark whose shape says how it stands.

use maud::{Markup, html};

use super::image;
use super::scale::at;

/// How a station stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Done, nothing needs a person: a disc with a tick.
    Done,
    /// Something needs a person: a triangle.
    Attention,
    /// Refused or failed: a square with a cross.
    Failed,
    /// The life has not come here: a hollow ring.
    NotReached,
}

impl Mark {
    /// The mark in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Attention => "needs attention",
            Self::Failed => "failed",
            Self::NotReached => "not reached",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Done => "ok",
            Self::Attention => "warn",
            Self::Failed => "bad",
            Self::NotReached => "off",
        }
    }
}

/// A station of the loop.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its name.
    pub name: &'static str,
    /// What came out there, in a few words.
    pub figure: String,
    /// How it stands.
    pub mark: Mark,
}

/// The shape of the loop: wide for a desk, tall for a telephone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Four stations above, four below.
    Wide,
    /// Four stations left, four right.
    Tall,
}

const BOX: (f64, f64) = (156.0, 66.0);

/// The loop around the digest that ties it together.
pub fn life_cycle(id: &str, nodes: &[Node; 8], centre: &[String], layout: Layout) -> Markup {
    let (across, down, size) = match layout {
        Layout::Wide => (188.0, 158.0, (724.0, 228.0)),
        Layout::Tall => (186.0, 92.0, (346.0, 434.0)),
    };
    // Position of the upper left corner of each station, in the order of the loop.
    let corner = |i: usize| -> (f64, f64) {
        let (column, row) = match (layout, i) {
            (Layout::Wide, 0..4) => (i, 0),
            (Layout::Wide, _) => (7 - i.min(7), 1),
            (Layout::Tall, 0..4) => (0, i),
            (Layout::Tall, _) => (1, 7 - i.min(7)),
        };
        let rows = if layout == Layout::Wide { down } else { down + 26.0 };
        (2.0 + across * column as f64, 2.0 + rows * row as f64)
    };
    let reached = |i: usize| nodes.get(i).is_some_and(|n| n.mark != Mark::NotReached);
    let description = nodes
        .iter()
        .map(|n| format!("{}: {}, {}.", n.name, n.figure, n.mark.word()))
        .collect::<Vec<_>>()
        .join(" ");
    let body = html! {
        @for i in 0..8 {
            (arrow(corner(i), corner((i + 1) % 8), reached(i) && reached((i + 1) % 8)))
        }
        @for (i, node) in nodes.iter().enumerate() { (station(corner(i), node)) }
        @if layout == Layout::Wide {
            @for (i, line) in centre.iter().enumerate() {
                text x="361" y=(at(108.0 + 18.0 * i as f64)) text-anchor="middle"
                    class=(if i == 0 { "hub" } else { "hub-detail" }) { (line) }
            }
        }
    };
    image(id, size, "The life of the model, stage by stage", &description, &body)
}

fn station((x, y): (f64, f64), node: &Node) -> Markup {
    html! {
        g class={ "station " (node.mark.class()) } transform={ "translate(" (at(x)) " " (at(y)) ")" } {
            rect x="0" y="0" width=(at(BOX.0)) height=(at(BOX.1)) rx="4" {}
            text.station-name x="14" y="27" { (node.name) }
            text.station-figure x="14" y="49" { (node.figure) }
            (symbol(node.mark, BOX.0 - 20.0, 21.0))
        }
    }
}

fn symbol(mark: Mark, x: f64, y: f64) -> Markup {
    html! {
        g.symbol transform={ "translate(" (at(x)) " " (at(y)) ")" } {
            @match mark {
                Mark::Done => { circle.body r="8" {} path.cut d="M-4 0l3 3 5-6" {} },
                Mark::Attention => { path.body d="M0-9l9.5 16.5h-19z" {} path.cut d="M0-3v5M0 4.6v.8" {} },
                Mark::Failed => { rect.body x="-8" y="-8" width="16" height="16" {} path.cut d="M-4-4l8 8M4-4l-8 8" {} },
                Mark::NotReached => { circle.ring r="7" {} },
            }
        }
    }
}

/// An arrow from one station to the next along the loop.
fn arrow(from: (f64, f64), to: (f64, f64), reached: bool) -> Markup {
    let (w, h) = BOX;
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (start, end, head) = if dx.abs() > dy.abs() {
        let y = from.1 + h / 2.0;
        if dx > 0.0 {
            ((from.0 + w + 4.0, y), (to.0 - 5.0, y), "l-7-4.5v9z")
        } else {
            ((from.0 - 4.0, y), (to.0 + w + 5.0, y), "l7-4.5v9z")
        }
    } else {
        let x = from.0 + w / 2.0;
        if dy > 0.0 {
            ((x, from.1 + h + 4.0), (x, to.1 - 5.0), "l-4.5-7h9z")
        } else {
            ((x, from.1 - 4.0), (x, to.1 + h + 5.0), "l-4.5 7h9z")
        }
    };
    let class = if reached { "arrow" } else { "arrow ahead" };
    html! {
        path class=(class) d={ "M" (at(start.0)) " " (at(start.1)) "L" (at(end.0)) " " (at(end.1)) } {}
        path class={ (class) " head" } d={ "M" (at(end.0)) " " (at(end.1)) (head) } {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> [Node; 8] {
        ["System", "Threats", "Checks", "Evidence", "Gate", "Release", "Instances", "Signals"]
            .map(|name| Node { name, figure: "2".into(), mark: Mark::Done })
    }

    #[test]
    fn the_loop_closes_in_both_layouts() {
        let wide = life_cycle("w", &nodes(), &["digest".into()], Layout::Wide).into_string();
        // System stands upper left, signals below it, and the last arrow runs up between them.
        assert!(wide.contains("translate(2 2)") && wide.contains("translate(2 160)"), "{wide}");
        assert!(wide.contains("M80 156L80 73"), "{wide}");
        let tall = life_cycle("t", &nodes(), &[], Layout::Tall).into_string();
        assert!(tall.contains("translate(2 356)") && tall.contains("translate(188 356)"), "{tall}");
        assert!(tall.contains("M184 35L163 35"), "{tall}");
    }
}
