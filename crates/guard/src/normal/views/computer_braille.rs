//! North American Braille ASCII: each cell of six dots is one sign of ASCII, so that figures, signs and all that is
//! written in them keep their places.

/// The signs of all cells, by the bits of their dots: letters are the cells that they are everywhere, figures the cells
/// that elsewhere are punctuation.
const SIGNS: &[u8; 64] = br#" A1B'K2L@CIF/MSP"E3H9O6R^DJG>NTQ,*5<-U8V.%[$+X!&;:4\0Z7(_?W]#Y)="#;

/// The sign of a cell; letters are small.
pub(super) fn sign(cell: u32) -> char {
    let at = usize::try_from(cell & 0x3f).unwrap_or(0);
    SIGNS.get(at).map_or(' ', |sign| char::from(sign.to_ascii_lowercase()))
}

/// Whether cells, of which those that are blank are 0, are written so: punctuation ends words, and figures begin them or
/// stand among letters and other figures.
pub(super) fn is_likely(cells: impl Iterator<Item = u32> + Clone) -> bool {
    const LEAST: usize = 3;
    let is_figure = |cell: u32| sign(cell).is_ascii_digit();
    let all = cells.clone().filter(|cell| is_figure(*cell)).count();
    let behind = cells.clone().skip(1).chain([0]);
    let goes_on = cells.zip(behind).filter(|(cell, next)| is_figure(*cell) && *next != 0).count();
    goes_on >= LEAST && goes_on * 3 >= all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_those_of_other_braille() {
        for (dots, letter) in [(0x01, 'a'), (0x13, 'h'), (0x35, 'z'), (0x02, '1'), (0x34, '0'), (0x29, '%')] {
            assert_eq!(sign(dots), letter);
        }
        assert!(is_likely([0x32, 0x02, 0x31, 0x32, 0x14].into_iter()));
        assert!(!is_likely([0x01, 0x02, 0, 0x01, 0x32, 0, 0x13, 0x26].into_iter()));
    }
}
