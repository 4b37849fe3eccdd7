//! What was drawn on a page, in its order: pieces of text and what lies under and over them, and from that
//! which of the text people see.

use super::super::colour::{Colour, WHITE};
use super::super::{How, Output};
use super::file::File;
use super::font::LONGEST_LETTER;
use super::geometry::Area;
use super::state::Paint;

/// Most pieces of text on a page.
const MOST_PIECES: usize = 200_000;
/// Most areas that are remembered of a page.
const MOST_FILLS: usize = 20_000;
/// Least part of a piece that is covered when nobody reads it any more.
const COVERED: f64 = 0.8;

/// A piece of text that was drawn in one go.
#[derive(Debug)]
pub(super) struct Piece {
    pub text: String,
    pub bounds: Area,
    /// Where its base line begins and ends.
    pub start: (f64, f64),
    pub end: (f64, f64),
    /// Height of its letters.
    pub size: f64,
    pub how: Option<How>,
    /// The colours its letters have: of their insides, of their lines.
    pub paints: Vec<Paint>,
    /// How much was drawn before it.
    pub fills: usize,
}

/// An area that was painted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fill {
    pub area: Area,
    pub paint: Paint,
    /// Whether all of the area was painted, and nothing shines through.
    pub whole: bool,
}

/// A page as it was drawn.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub pieces: Vec<Piece>,
    fills: Vec<Fill>,
}

impl Sheet {
    pub(super) fn fill(&mut self, file: &mut File<'_>, fill: Fill) {
        if self.fills.len() < MOST_FILLS {
            self.fills.push(fill);
        } else {
            file.truncated = true;
        }
    }

    pub(super) fn piece(&mut self, file: &mut File<'_>, mut piece: Piece) {
        if self.pieces.len() >= MOST_PIECES {
            file.truncated = true;
            return;
        }
        piece.fills = self.fills.len();
        if piece.how.is_none() && self.is_lost(file, &piece) {
            piece.how = Some(How::Camouflage);
        }
        self.pieces.push(piece);
    }

    /// Whether the letters have the colour of whatever may be behind them.
    fn is_lost(&self, file: &mut File<'_>, piece: &Piece) -> bool {
        if piece.paints.iter().any(Option::is_none) {
            return false;
        }
        let on = |behind: Colour| piece.paints.iter().flatten().all(|paint| paint.is_lost_on(behind));
        let centre = piece.bounds.centre();
        for (looked, fill) in self.fills.iter().rev().enumerate() {
            if looked % 64 == 63 && !file.step(1) {
                return false;
            }
            if fill.area.holds(centre) {
                match fill.paint {
                    Some(colour) if !on(colour) => return false,
                    None => return false,
                    Some(_) if fill.whole => return true,
                    Some(_) => {}
                }
            }
        }
        on(WHITE)
    }

    /// Tells what was shown and what was hidden, in the order of drawing.
    pub(super) fn tell(mut self, file: &mut File<'_>, place: &str, out: &mut Output) {
        for piece in self.pieces.iter_mut().filter(|piece| piece.how.is_none()) {
            let later = self.fills.get(piece.fills..).unwrap_or_default();
            if !file.step(later.len() / 64) {
                break;
            }
            if later.iter().any(|fill| fill.whole && covers(fill.area, piece.bounds)) {
                piece.how = Some(How::Covered);
            }
        }
        let mut hidden: Vec<(How, String, usize)> = Vec::new();
        let mut visible = String::new();
        let mut last: Option<usize> = None;
        for (at, piece) in self.pieces.iter().enumerate() {
            match piece.how {
                None => {
                    visible.push_str(between(last.and_then(|last| self.pieces.get(last)), piece, &visible));
                    visible.push_str(&piece.text);
                    last = Some(at);
                }
                Some(how) => match hidden.iter_mut().find(|(known, ..)| *known == how) {
                    Some((_, text, last)) => {
                        text.push_str(between(self.pieces.get(*last), piece, text));
                        text.push_str(&piece.text);
                        *last = at;
                    }
                    None => hidden.push((how, piece.text.clone(), at)),
                },
            }
        }
        out.line();
        out.show(&visible);
        out.line();
        for (how, text, _) in hidden {
            out.hide(&text, how, place);
        }
    }
}

fn covers(cover: Area, what: Area) -> bool {
    let common = cover.and(what);
    common.x1 >= common.x0
        && common.y1 >= common.y0
        && common.width() >= COVERED * what.width()
        && common.height() >= COVERED * what.height()
}

/// What stands between two pieces: nothing, a space, or a new line.
fn between(last: Option<&Piece>, next: &Piece, before: &str) -> &'static str {
    let Some(last) = last else {
        return "";
    };
    let size = last.size.max(next.size).max(0.01);
    let along = (last.end.0 - last.start.0, last.end.1 - last.start.1);
    let length = along.0.hypot(along.1);
    let (ux, uy) = if length > 0.0 { (along.0 / length, along.1 / length) } else { (1.0, 0.0) };
    let step = (next.start.0 - last.end.0, next.start.1 - last.end.1);
    let forward = step.0 * ux + step.1 * uy;
    let aside = (step.0 * uy - step.1 * ux).abs();
    if aside > 0.5 * size || forward < -2.0 * size {
        "\n"
    } else if forward > 0.15 * size && !before.ends_with(char::is_whitespace) && !next.text.starts_with(' ') {
        " "
    } else {
        ""
    }
}

/// Whether one drawn letter claims to say more than any letter does.
pub(super) fn is_overlong(letter: &str) -> bool {
    letter.len() > LONGEST_LETTER && letter.chars().count() > LONGEST_LETTER
}
