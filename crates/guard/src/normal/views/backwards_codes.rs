//! Codes of characters that stand backwards: `9600u\`, `96x\`, `16000000U\`, `}96{u\`, `;501#&`, `151\`, `96%`, `9600+U`, and
//! padding before the digits of base64.

use memchr::{memchr_iter, memchr2_iter};

use super::order::MARKS;
use super::scan::{Piece, Scan, sign};

/// Whether there are enough of one kind.
pub(super) fn any(scan: &Scan<'_>) -> bool {
    let has = |sign: u8| scan.has(sign) >= MARKS;
    (scan.has(b'\\') + scan.has(b'&') >= MARKS && escapes(scan.text))
        || (has(b'\\') && octal(scan))
        || (has(b'%') && percent(scan))
        || (has(b'+') && code_points(scan.text))
        || (scan.has(b'=') >= PADDED && padding(scan))
}

/// Whether escapes and references stand backwards in a text. Manuals have words before a backslash, which end in an x or
/// u, too, but no digits in them.
fn escapes(text: &str) -> bool {
    let bytes = text.as_bytes();
    let code = |end: usize, digits: usize| bytes.get(end.checked_sub(digits)?..end);
    let are_digits =
        |code: &[u8]| code.iter().any(u8::is_ascii_digit) && code.iter().all(u8::is_ascii_hexdigit);
    let is_code = |at: usize| {
        let mark = at.checked_sub(1)?;
        let is_digits = match bytes.get(mark..=at)? {
            b"x\\" => are_digits(code(mark, 2)?),
            b"u\\" | b"U\\" => code(mark, 4).is_some_and(are_digits),
            b"{\\" => false,
            // A reference may be hexadecimal.
            b"#&" => {
                let end = mark - usize::from(matches!(bytes.get(mark.checked_sub(1)?)?, b'x' | b'X'));
                are_digits(code(end, 1)?) || (end < mark && code(end, 2).is_some_and(are_digits))
            }
            _ => false,
        };
        let in_braces = || {
            let mark = bytes.get(at.checked_sub(2)?..at)?;
            matches!(mark, b"{u" | b"{x").then_some(())?;
            are_digits(code(at - 2, 2)?).then_some(())
        };
        (is_digits || in_braces().is_some()).then_some(())
    };
    memchr2_iter(b'\\', b'&', bytes).filter_map(is_code).take(MARKS).count() == MARKS
}

/// Whether words begin with the digits of octal escapes whose sign stands behind them. Forwards, a sign stands before
/// the first one of each word.
fn octal(scan: &Scan<'_>) -> bool {
    let bytes = scan.text.as_bytes();
    let is_code = |code: &[u8]| match code {
        [a, b, c, b'\\'] => {
            [a, b].iter().all(|d| matches!(d, b'0'..=b'7')) && matches!(c, b'0' | b'1' | b'2' | b'3')
        }
        _ => false,
    };
    let starts = |piece: &&Piece| {
        let start = piece.whole().start;
        piece.has(sign::BACKSLASH) && bytes.get(start..start + 4).is_some_and(is_code)
    };
    scan.odd().any(|piece| starts(&piece))
        && memchr_iter(b'\\', bytes)
            .filter(|at| at.checked_sub(3).and_then(|start| bytes.get(start..=*at)).is_some_and(is_code))
            .take(MARKS)
            .count()
            == MARKS
}

/// Whether a word begins with two digits of a code whose percent sign stands behind it, and so do more.
fn percent(scan: &Scan<'_>) -> bool {
    let is_code =
        |code: &[u8]| matches!(code, [a, b, b'%'] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    let bytes = scan.text.as_bytes();
    let starts = |piece: &Piece| bytes.get(piece.whole().start..piece.whole().start + 3).is_some_and(is_code);
    scan.pieces.iter().any(starts)
        && bytes.windows(3).filter(|code| is_code(code)).take(MARKS).count() == MARKS
}

fn code_points(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_code = |at: &usize| {
        let digits = at.checked_sub(4).and_then(|start| bytes.get(start..*at));
        bytes.get(at + 1) == Some(&b'U')
            && digits.is_some_and(|digits| {
                digits.iter().all(u8::is_ascii_hexdigit) && digits.iter().any(u8::is_ascii_digit)
            })
            && !bytes.get(at + 2).is_some_and(u8::is_ascii_alphanumeric)
    };
    memchr_iter(b'+', bytes).filter(is_code).take(MARKS).count() == MARKS
}

/// Words of base64, of which one has padding before it at the least.
const PADDED: usize = 1;
const WORDS: usize = 6;

/// Whether nearly all words are digits of base64, some with their padding in front.
fn padding(scan: &Scan<'_>) -> bool {
    let bytes = scan.text.as_bytes();
    let padding = |piece: &Piece| {
        let word = bytes.get(piece.whole()).unwrap_or_default();
        let padding = word.iter().take_while(|b| **b == b'=').count();
        let digits = word.get(padding..).unwrap_or_default();
        let are_digits = digits.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'));
        (padding <= 2 && digits.len() >= 2 && word.len().is_multiple_of(4) && are_digits).then_some(padding)
    };
    let padded =
        scan.odd().filter(|piece| piece.has(sign::EQUALS)).filter_map(padding).filter(|n| *n > 0).count();
    let words = || scan.pieces.iter().filter(|piece| padding(piece).is_some()).count();
    // Some words begin so by chance, as commands of Perl's documents do: `=cut`.
    padded >= PADDED && scan.pieces.len() >= WORDS && words() * 10 >= scan.pieces.len() * 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_from_either_end() {
        let turned = |text: &str| text.chars().rev().collect::<String>();
        for text in [
            "\\x62\\x72\\x69\\x6e\\x67\\x20\\x69",
            "\\u0062\\u0072\\u0069\\u006e\\u0067\\u0020",
            "\\U00000062\\U00000072\\U00000069\\U0000006e\\U00000067\\U00000020",
            "\\u{62}\\u{72}\\u{69}\\u{6e}\\u{67}\\u{20}",
            "&#98;&#114;&#105;&#110;&#103;&#32;",
            "&#x62;&#x72;&#x69;&#x6e;&#x67;&#x20;",
            "\\142\\162\\151\\156\\147\\040",
            "%62%72%69%6e%67%20",
            "U+0062 U+0072 U+0069 U+006E U+0067 U+0020",
            "YnJpbmc= dGhlIA== Ymx1ZQ== Zm9sZGVy dG8= dGhl",
        ] {
            assert!(any(&Scan::of(&turned(text))), "{text}");
            assert!(!any(&Scan::of(text)), "{text}");
        }
        for text in [
            "C:\\users\\x86\\a64\\index\\menu\\u2\\box\\x1\\",
            "a == b && c == d && e === f || g =h =i",
            "\\begin{u}\\end{x}\\textbf{b}\\mu{\\nu{\\xi{\\pi{",
        ] {
            assert!(!any(&Scan::of(text)), "{text}");
        }
    }
}
