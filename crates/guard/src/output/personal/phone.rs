//! Telephone numbers in international form: a country code that is given, and as many digits as its
//! numbering plan has (ITU-T E.164); and North American ones with the area code in brackets.

use proofhouse_core::Severity;

use super::super::finding::shape;
use super::super::look::{Hit, Look, Step};
use super::super::{Action, OutputRule};
use super::glyph::{HYPHEN, SEPARATOR, kind};

pub(super) static RULES: &[OutputRule] =
    &[OutputRule::new("personal/phone", "Telephone number", Severity::Medium, Action::Report)];

/// Most digits of a number with its country code.
const DIGITS: usize = 15;

/// Country codes with the fewest and the most digits that follow.
#[rustfmt::skip]
const CODES: &[(&str, usize, usize)] = &[
    ("1", 10, 10), ("20", 8, 10), ("211", 9, 9), ("212", 9, 9), ("213", 8, 9), ("216", 8, 8), ("218", 8, 9), ("220", 7, 7),
    ("221", 9, 9), ("225", 10, 10), ("233", 9, 9), ("234", 7, 10), ("237", 8, 9), ("243", 9, 9), ("244", 9, 9), ("249", 9, 9),
    ("250", 9, 9), ("251", 9, 9), ("254", 9, 10), ("255", 9, 9), ("256", 9, 9), ("258", 8, 9), ("260", 9, 9), ("261", 9, 10),
    ("263", 8, 9), ("264", 7, 9), ("27", 9, 9), ("30", 10, 10), ("31", 9, 9), ("32", 8, 9), ("33", 9, 9), ("34", 9, 9),
    ("351", 9, 9), ("352", 5, 11), ("353", 7, 9), ("354", 7, 9), ("355", 6, 9), ("356", 8, 8), ("357", 8, 8), ("358", 5, 12),
    ("359", 7, 9), ("36", 8, 9), ("370", 8, 8), ("371", 8, 8), ("372", 7, 8), ("373", 8, 8), ("374", 8, 8), ("375", 9, 10),
    ("376", 6, 9), ("377", 8, 9), ("380", 9, 9), ("381", 6, 9), ("382", 8, 8), ("385", 8, 9), ("386", 8, 8), ("387", 8, 8),
    ("389", 8, 8), ("39", 6, 11), ("40", 9, 9), ("41", 9, 9), ("420", 9, 9), ("421", 9, 9), ("423", 7, 9), ("43", 4, 13),
    ("44", 9, 10), ("45", 8, 8), ("46", 7, 9), ("47", 8, 8), ("48", 9, 9), ("49", 6, 13), ("51", 8, 9), ("52", 10, 10),
    ("53", 8, 8), ("54", 10, 11), ("55", 10, 11), ("56", 9, 9), ("57", 8, 10), ("58", 10, 10), ("591", 8, 8), ("593", 8, 9),
    ("595", 9, 9), ("598", 8, 8), ("60", 8, 10), ("61", 9, 9), ("62", 8, 12), ("63", 8, 10), ("64", 8, 10), ("65", 8, 8),
    ("66", 8, 9), ("7", 10, 10), ("81", 9, 10), ("82", 8, 10), ("84", 9, 10), ("852", 8, 8), ("853", 8, 8), ("855", 8, 9),
    ("86", 10, 11), ("880", 8, 10), ("886", 8, 9), ("90", 10, 10), ("91", 10, 10), ("92", 9, 10), ("93", 9, 9), ("94", 9, 9),
    ("95", 7, 10), ("961", 7, 8), ("962", 8, 9), ("963", 8, 9), ("964", 8, 10), ("965", 8, 8), ("966", 8, 9), ("967", 7, 9),
    ("968", 8, 8), ("970", 8, 9), ("971", 8, 9), ("972", 8, 9), ("973", 8, 8), ("974", 8, 8), ("976", 8, 8), ("977", 8, 10),
    ("98", 10, 10), ("992", 9, 9), ("993", 8, 8), ("994", 9, 9), ("995", 9, 9), ("996", 9, 9), ("998", 9, 9),
];

pub(super) fn recognise(look: Look<'_>) -> Step {
    match look.bytes().first() {
        Some(b'+') => international(look),
        Some(b'(') => bracketed(look),
        _ => Step::No,
    }
}

fn international(look: Look<'_>) -> Step {
    let mut digits = String::new();
    // End of the last digit, and whether a separator or bracket follows it.
    let (mut end, mut between) = (1, 0);
    let mut whole = false;
    for (at, c) in look.rest().char_indices().skip(1) {
        match kind(c) {
            digit @ 0..10 => {
                if digits.len() == DIGITS {
                    return Step::No;
                }
                digits.push(char::from(b'0' + digit));
                (end, between) = (at + c.len_utf8(), 0);
            }
            SEPARATOR | HYPHEN if between < 2 && !digits.is_empty() => between += 1,
            _ if matches!(c, '(' | ')') && between < 2 && !digits.is_empty() => between += 1,
            _ => {
                if between == 0 && c.is_alphanumeric() {
                    return Step::No;
                }
                whole = true;
                break;
            }
        }
    }
    if !whole && !look.is_final() {
        return Step::More;
    }
    if !is_assigned(&digits) {
        return Step::No;
    }
    hit(look, end, "its country code is given and its length is that of the country's numbers")
}

fn is_assigned(digits: &str) -> bool {
    // Written with the national prefix in brackets, +44 (0)20, it has one digit more.
    CODES.iter().any(|(code, least, most)| {
        digits.strip_prefix(code).is_some_and(|rest| {
            let rest = rest.strip_prefix('0').unwrap_or(rest);
            (*least..=*most).contains(&rest.len())
                && !rest.bytes().zip(rest.bytes().skip(1)).all(|(a, b)| a == b)
        })
    })
}

/// `(415) 555-0123`: area codes and exchanges begin with 2 to 9.
fn bracketed(look: Look<'_>) -> Step {
    const SHAPE: &[u8] = b"(299) 299-9999";
    let bytes = look.bytes();
    let mut at = 0;
    for want in SHAPE {
        let Some(have) = bytes.get(at) else { return look.out_of_text() };
        let fits = match want {
            b'2' => (b'2'..=b'9').contains(have),
            b'9' => have.is_ascii_digit(),
            b'-' => matches!(have, b'-' | b'.' | b' '),
            b' ' if *have != b' ' => continue,
            want => want == have,
        };
        if !fits {
            return Step::No;
        }
        at += 1;
    }
    match bytes.get(at) {
        None if !look.is_final() => Step::More,
        Some(next) if next.is_ascii_alphanumeric() => Step::No,
        _ => hit(look, at, "it is written as a North American number"),
    }
}

fn hit(look: Look<'_>, end: usize, reason: &str) -> Step {
    let text = look.rest().get(..end).unwrap_or_default();
    Step::Hit(Hit {
        rule: &RULES[0],
        length: end,
        open: None,
        preview: shape(text),
        reason: reason.to_owned(),
    })
}
