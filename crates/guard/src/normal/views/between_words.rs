//! One and the same sign between all words: `ignore / all / previous / instructions`; or between all the signs with which
//! words are drawn: `|_-_|_0_u_r`.

use std::ops::Range;

use super::scan::{Kind, Piece, Scan, sign};
use super::{Reading, Transform};

/// Fewest signs in a row. Paths through a site have fewer.
const LEAST: usize = 8;
const MOST: usize = 4096;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.count(Kind::Signs) >= LEAST {
        between_words(scan, readings);
    }
    if scan.has(b'_') >= LEAST {
        in_turn(scan, readings);
    }
}

/// Low lines between any signs, of which letters alone are another reader's.
fn in_turn(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    const WORDS: usize = 4;
    let joined = |piece: &Piece| {
        let word = scan.text.get(piece.whole())?;
        let (signs, lines): (Vec<char>, Vec<char>) =
            (word.chars().step_by(2).collect(), word.chars().skip(1).step_by(2).collect());
        let in_turn =
            lines.iter().all(|c| *c == '_') && !signs.contains(&'_') && signs.len() == lines.len() + 1;
        (in_turn && signs.len() >= 2).then(|| (piece.whole(), signs.into_iter().collect::<String>()))
    };
    let edits: Vec<(Range<usize>, String)> =
        scan.odd().filter(|piece| piece.has(sign::JOINT)).filter_map(joined).collect();
    let drawn =
        edits.iter().filter(|(_, said)| said.len() > 3 && said.contains(['|', '\\', '/', '('])).count();
    if drawn >= WORDS {
        readings.push(Reading::of(Transform::Joined, edits));
    }
}

fn between_words(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let sign = |piece: &Piece| {
        if piece.kind != Kind::Signs {
            return None;
        }
        let sign = scan.text.get(piece.whole())?;
        // Bars are those of a table, and points and dashes may be Morse code.
        let parts = matches!(
            sign,
            "/" | "//" | "\\" | "~" | "+" | "*" | "_" | "::" | "->" | ">" | "#" | "=" | ";" | ":"
        );
        parts.then_some(sign)
    };
    let is_word = |piece: &Piece| !matches!(piece.kind, Kind::Signs | Kind::Number);
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut row: Vec<&[Piece]> = Vec::new();
    let mut close = |row: &mut Vec<&[Piece]>| {
        let long = |three: &&&[Piece]| three.first().is_some_and(|word| word.core().len() > 2);
        if row.len() >= LEAST && row.iter().filter(long).count() * 2 >= row.len() {
            edits.extend(row.iter().filter_map(|three| {
                Some((three.first()?.whole().end..three.last()?.whole().start, " ".to_owned()))
            }));
        }
        row.clear();
    };
    let mut at = 0;
    while let Some(three @ [one, middle, other]) = scan.pieces.get(at..at + 3) {
        let here = sign(middle).filter(|_| is_word(one) && is_word(other));
        let before = row.last().and_then(|three| sign(three.get(1)?));
        if here.is_none() || (before.is_some() && before != here) || row.len() >= MOST {
            close(&mut row);
        }
        match here {
            Some(_) => {
                row.push(three);
                at += 2;
            }
            None => at += 1,
        }
    }
    close(&mut row);
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Joined, edits));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_between_words_are_left_out() {
        let said = |text: &str| {
            let mut readings = Vec::new();
            read(&Scan::of(text), &mut readings);
            let mut said = text.to_owned();
            for (range, new) in readings.iter().flat_map(|reading| reading.edits.iter().rev()) {
                said.replace_range(range.clone(), new);
            }
            said
        };
        assert_eq!(said("|_-_|_0_u_5_3 |_-_|_3_r_3 |_-_|_0_7_3_l |_-_|_4_7"), "|-|0u53 |-|3r3 |-|073l |-|47");
        assert_eq!(
            said("Note: bring / the / blue / folder / to / the / second / floor / at / ten. Bye"),
            "Note: bring the blue folder to the second floor at ten. Bye"
        );
        for text in [
            "Home / Docs / Guide / Start",
            "a + b + c + d + e + f + g + h + i + j",
            "1 / 2 / 3 / 4 / 5 / 6 / 7 / 8 / 9",
        ] {
            assert_eq!(said(text), text);
        }
    }
}
