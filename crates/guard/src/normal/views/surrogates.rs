//! Characters outside the basic plane, written as the two units that UTF-16 has for them.

/// The character of a unit, and how many units it took; `next` is the one behind it.
pub(super) fn char_of(unit: u32, next: impl FnOnce() -> Option<u32>) -> Option<(char, usize)> {
    if !(0xd800..0xdc00).contains(&unit) {
        return Some((char::from_u32(unit)?, 1));
    }
    let low = next()?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    Some((char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + low)?, 2))
}

/// The text of characters or units.
pub(super) fn text(mut codes: &[u32]) -> Option<String> {
    let mut text = String::new();
    while let [unit, rest @ ..] = codes {
        let (c, units) = char_of(*unit, || rest.first().copied())?;
        text.push(c);
        codes = codes.get(units..)?;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_are_one_character() {
        assert_eq!(text(&[0x41, 0xd83c, 0xdff4, 0x42]).as_deref(), Some("A🏴B"));
        assert_eq!(text(&[0x41, 0xd83c]), None);
        assert_eq!(text(&[0xdff4, 0xd83c]), None);
    }
}
