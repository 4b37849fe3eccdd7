//! What the pieces of a text begin with and how long they are, counted once: most readers of pieces have nothing to do in
//! most texts, and know it by a number.

use super::scan::{Piece, is_alphanumeric};

/// Bounds on what readers of pieces may find.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Most pieces in a row that begin as groups of two signs do, or as what parts them.
    pub groups: usize,
    /// Most Roman numbers in a row that may stand between signs.
    pub romans: usize,
    /// The places of pieces that begin with the same character twice.
    pub doubled: Vec<u32>,
    /// Most pieces in a row that are of one length, with one byte between two of them.
    pub alike: usize,
}

impl Facts {
    pub(super) fn of(text: &str, pieces: &[Piece]) -> Self {
        let bytes = text.as_bytes();
        let mut facts = Self::default();
        let (mut groups, mut romans, mut alike, mut before) = (0, 0, 0, 0..0);
        for (place, piece) in (0u32..).zip(pieces) {
            let whole = piece.whole();
            let first = bytes.get(whole.start).copied().unwrap_or(b' ');
            let second = bytes.get(whole.start + 1).copied().filter(|_| whole.len() > 1);
            let mut begins = BEGINS[usize::from(first)];
            if begins & FOREIGN != 0 {
                begins = foreign(text.get(whole.clone()).unwrap_or_default());
            } else if second == Some(first) {
                begins |= DOUBLED;
            }
            if begins & GROUP != 0 && !may_be_group(bytes.get(whole.clone()).unwrap_or_default()) {
                begins &= !GROUP;
            }
            groups = if begins & GROUP != 0 { groups + 1 } else { 0 };
            facts.groups = facts.groups.max(groups);
            // A number is a letter at least, and a sign stands between two of them.
            if begins & ROMAN != 0 && second.is_none_or(goes_on_in_number) {
                romans += whole.len().div_ceil(2);
                facts.romans = facts.romans.max(romans);
            } else if begins & GROUP == 0 {
                romans = 0;
            }
            if begins & DOUBLED != 0 {
                facts.doubled.push(place);
            }
            let goes_on = whole.len() == before.len() && whole.start == before.end + 1;
            alike = if goes_on { alike + 1 } else { 1 };
            facts.alike = facts.alike.max(alike);
            before = whole;
        }
        facts
    }
}

/// Whether a piece may be a group of signs, or what parts two: it has no letters and figures but those of Bacon's cipher
/// and bits, and few signs; or it is spoken.
fn may_be_group(piece: &[u8]) -> bool {
    /// Bytes of the longest group of signs of ASCII.
    const LONGEST: usize = 8;
    match piece {
        [b'd' | b'D', ..] => true,
        _ if piece.is_ascii() => {
            let is_sign =
                |b: &u8| !b.is_ascii_alphanumeric() || matches!(b, b'a' | b'b' | b'A' | b'B' | b'0' | b'1');
            piece.len() <= LONGEST && piece.iter().all(is_sign)
        }
        _ => true,
    }
}

const fn goes_on_in_number(b: u8) -> bool {
    // The last one is where a point in the middle of the line begins.
    matches!(b, b'I' | b'V' | b'X' | b'.' | b'-' | b',' | 0xc2)
}

const GROUP: u8 = 1;
const ROMAN: u8 = 2;
const DOUBLED: u8 = 4;
const FOREIGN: u8 = 8;

/// What a piece begins with whose first byte it is.
static BEGINS: [u8; 256] = {
    let mut begins = [0; 256];
    let mut at = 0;
    while at < 256 {
        let b = at as u8;
        begins[at] = match b {
            // Letters of Bacon's cipher, what Morse code is spoken with, bits.
            b'a' | b'b' | b'A' | b'B' | b'd' | b'D' | b'0' | b'1' => GROUP,
            b'I' | b'V' | b'X' => ROMAN,
            0x80.. => FOREIGN,
            _ if !b.is_ascii_alphanumeric() => GROUP,
            _ => 0,
        };
        at += 1;
    }
    begins
};

/// The same by a first character outside ASCII: letters of other alphabets are in no group.
fn foreign(piece: &str) -> u8 {
    let mut chars = piece.chars();
    let Some(first) = chars.next() else { return 0 };
    let group = if is_alphanumeric(first) { 0 } else { GROUP };
    group | if chars.next() == Some(first) { DOUBLED } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::scan::Scan;
    use super::super::{Reading, repeated, two_signs};

    fn found(text: &str, read: fn(&Scan<'_>, &mut Vec<Reading>)) -> usize {
        let mut readings = Vec::new();
        read(&Scan::of(text), &mut readings);
        readings.len()
    }

    proptest! {
        #[test]
        fn facts_are_what_one_look_at_each_piece_says(
            text in "(aa|bb|AABAA|BABBA|di|dah|di-dah|IX|V|word|wword|11|01|\\.\\.|-|/|é|éé|И|ИИ|●|○| |  ){0,60}"
        ) {
            let pieces: Vec<&str> = text.split_ascii_whitespace().collect();
            let facts = Scan::of(&text).facts;
            let doubled = |piece: &&&str| piece.chars().next() == piece.chars().nth(1);
            prop_assert_eq!(facts.doubled.len(), pieces.iter().filter(doubled).count());
            let lengths: Vec<usize> = text.split(' ').map(str::len).collect();
            let rows = lengths.chunk_by(|one, next| one == next).filter(|row| row.first() != Some(&0));
            prop_assert_eq!(facts.alike, rows.map(<[usize]>::len).max().unwrap_or(0));
        }

        /// Gates leave nothing out: what two readers find has as many pieces as they say that it takes.
        #[test]
        fn what_is_found_is_among_the_facts(
            text in "((di|dah|dah-di|di-di-dah) ){0,12}|((●|○|●○|○●●) ){0,12}|([AB]{5} ){0,12}|((hh|ee|ll|oo){2,4} ){0,6}|((ѝѝ|éé){3} ){0,6}"
        ) {
            let facts = Scan::of(&text).facts;
            let groups = facts.groups >= two_signs::LEAST;
            prop_assert!(groups || found(&text, two_signs::read) == 0);
            prop_assert!(facts.doubled.len() >= repeated::LEAST || found(&text, repeated::read) == 0);
        }

        #[test]
        fn roman_numbers_are_among_the_facts(
            words in proptest::collection::vec(proptest::collection::vec(1usize..27, 1..8), 1..5), parts in "[.,·-]", breaks in " |( / )"
        ) {
            const NUMBERS: &str = "I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI XVII XVIII XIX XX XXI XXII XXIII XXIV XXV XXVI";
            let number = |n: &usize| NUMBERS.split(' ').nth(n - 1).unwrap();
            let word = |letters: &Vec<usize>| letters.iter().map(number).collect::<Vec<_>>().join(&parts);
            let text = words.iter().map(word).collect::<Vec<_>>().join(&breaks);
            let letters = words.iter().map(Vec::len).sum::<usize>();
            prop_assert!(Scan::of(&text).facts.romans >= letters, "{}", text);
        }
    }
}
