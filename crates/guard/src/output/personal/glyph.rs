//! Characters as numbers are written with: digits of any script, letters, separators.

/// How many kinds there are.
pub(super) const KINDS: usize = 40;
/// Something that separates groups, other than a hyphen.
pub(super) const SEPARATOR: u8 = 36;
/// A hyphen or dash: a separator, or a sign.
pub(super) const HYPHEN: u8 = 37;
/// A plus sign.
pub(super) const PLUS: u8 = 38;
/// Anything else.
pub(super) const OTHER: u8 = 39;

/// The kind of a character: 0 to 9 for digits, 10 to 35 for letters, or one of the constants.
pub(super) fn kind(c: char) -> u8 {
    match c {
        '0'..='9' => c as u8 - b'0',
        'A'..='Z' => c as u8 - b'A' + 10,
        'a'..='z' => c as u8 - b'a' + 10,
        ' ' | '.' | '/' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{2007}' => SEPARATOR,
        '-' | '\u{2010}'..='\u{2013}' => HYPHEN,
        '+' => PLUS,
        'Ａ'..='Ｚ' | 'ａ'..='ｚ' => kind(char::from_u32(u32::from(c) - 0xfee0).unwrap_or(' ')),
        _ => digit(c).unwrap_or(OTHER),
    }
}

/// The value of a decimal digit of another script.
fn digit(c: char) -> Option<u8> {
    const ZEROS: [char; 14] = [
        '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}', '\u{c66}',
        '\u{ce6}', '\u{d66}', '\u{e50}', '\u{ed0}', '\u{ff10}',
    ];
    let code = u32::from(c);
    ZEROS
        .iter()
        .find_map(|zero| u8::try_from(code.checked_sub(u32::from(*zero))?).ok().filter(|value| *value < 10))
}

/// The letter or digit of a kind, in ASCII.
pub(super) fn ascii(kind: u8) -> Option<char> {
    match kind {
        0..=9 => Some(char::from(b'0' + kind)),
        10..=35 => Some(char::from(b'A' + kind - 10)),
        HYPHEN => Some('-'),
        PLUS => Some('+'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_script_are_digits() {
        for digits in ["0123456789", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "０１２３４５６７８９", "๐๑๒๓๔๕๖๗๘๙"]
        {
            assert_eq!(digits.chars().map(kind).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        }
        assert_eq!(kind('é'), OTHER);
        assert_eq!(ascii(kind('ｚ')), Some('Z'));
    }
}
