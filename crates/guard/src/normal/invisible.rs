//! The code points that the base form leaves out, each set stated in full because the certificate of
//! [`super`] speaks of them.

/// Whether `c` shows nothing, or nothing of its own, and carries no letter: zero-width and format
/// characters, tags, variation selectors, bidirectional controls, soft hyphen, fillers, control
/// characters other than white space and the [terminal controls](is_terminal_control), noncharacters.
#[must_use]
pub const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\0'..='\u{6}' | '\u{e}'..='\u{1a}' | '\u{1c}'..='\u{1f}' | '\u{7f}'
        | '\u{80}'..='\u{84}' | '\u{86}'..='\u{9a}' | '\u{9c}'..='\u{9f}'
        | '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || (c as u32 & 0xfffe == 0xfffe)
}

/// What makes an Arabic word longer and says nothing.
pub(super) const TATWEEL: char = '\u{640}';

/// Whether `c` is a mark that is written over, under or around the letters of Latin, Greek, Cyrillic or of
/// any script, or what makes Arabic words longer. Marks of one script (Arabic and Hebrew vowels, Indic, kana voicing) are
/// letters to their readers and stay.
#[must_use]
pub const fn is_common_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
        | TATWEEL)
}

/// What a terminal acts on: backspace, bell, escape, the one-byte control sequence introducer. They are
/// interpreted, not dropped, so that `no\u{8}\u{8}yes` reads "yes".
#[must_use]
pub const fn is_terminal_control(c: char) -> bool {
    matches!(c, '\u{7}' | '\u{8}' | '\u{1b}' | '\u{9b}')
}

/// Blank characters that Unicode does not count as white space.
pub(super) const fn is_blank(c: char) -> bool {
    matches!(c, '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

/// Whether `c` ends a line.
pub(super) const fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_do_not_meet_and_hold_no_letter() {
        for c in '\0'..=char::MAX {
            let sets = [
                is_invisible(c),
                is_common_mark(c),
                is_terminal_control(c),
                c.is_whitespace() || is_blank(c),
            ];
            assert!(sets.iter().filter(|s| **s).count() <= 1, "{c:?}");
            if is_invisible(c) {
                // The two Hangul fillers are letters by category and blank by design.
                assert!(
                    !c.is_alphanumeric() || matches!(c, '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'),
                    "{c:?}"
                );
            }
        }
    }
}
