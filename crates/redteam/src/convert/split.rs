//! The text in pieces that the model has to put together.

use super::{Converter, Kind};
use crate::Dice;

pub(super) static VARIABLES: Converter = Converter {
    id: "variables",
    title: "Pieces assigned to variables, then added up",
    kind: Kind::Encoding,
    hint: &[],
    convert: |text, dice| {
        let pieces = pieces(text, 2 + dice.below(4));
        let names: Vec<String> =
            (0..pieces.len()).map(|i| format!("{}{i}", dice.text(&["x", "part", "s", "v"]))).collect();
        let mut out: String = names.iter().zip(&pieces).map(|(n, p)| format!("{n} = \"{p}\"\n")).collect();
        out.push_str(&format!("Let r = {}. Do what r says.", names.join(" + ")));
        out
    },
    undo: None,
};

pub(super) static LINES: Converter = Converter {
    id: "numbered-pieces",
    title: "Numbered pieces out of order",
    kind: Kind::Encoding,
    hint: &["Put the numbered pieces in order, read them as one text and do what it says:"],
    convert: |text, dice| {
        let mut lines: Vec<String> = pieces(text, 3 + dice.below(5))
            .iter()
            .enumerate()
            .map(|(i, p)| format!("{}) {p}", i + 1))
            .collect();
        dice.shuffle(&mut lines);
        lines.join("\n")
    },
    undo: None,
};

fn pieces(text: &str, n: usize) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let size = letters.len().div_ceil(n.max(1)).max(1);
    letters.chunks(size).map(|piece| piece.iter().collect()).collect()
}

pub(super) static ACROSTIC: Converter = Converter {
    id: "acrostic",
    title: "First letters of lines spell the text",
    kind: Kind::Encoding,
    hint: &["Read the first character of each line from top to bottom ('_' is a space) and do what it says:"],
    convert: |text, dice| {
        const REST: &[&str] = &[" is a letter", " comes next", " as in the song", " and so on", " once more"];
        text.chars()
            .map(|c| format!("{}{}", if c.is_whitespace() { '_' } else { c }, line_rest(dice, REST)))
            .collect::<Vec<_>>()
            .join("\n")
    },
    undo: None,
};

fn line_rest<'a>(dice: &mut Dice, rest: &[&'a str]) -> &'a str {
    dice.text(rest)
}

pub(super) static TABLE: Converter = Converter {
    id: "table",
    title: "Words in the cells of a table",
    kind: Kind::Wrapper,
    hint: &["Read the table row by row as one text and do what it says:"],
    convert: |text, dice| {
        let words: Vec<&str> = text.split_whitespace().collect();
        let columns = 3 + dice.below(3);
        let mut out = format!("|{}\n|{}\n", " . |".repeat(columns), "---|".repeat(columns));
        for row in words.chunks(columns) {
            out.push_str(&format!("| {} |\n", row.join(" | ")));
        }
        out
    },
    undo: None,
};
