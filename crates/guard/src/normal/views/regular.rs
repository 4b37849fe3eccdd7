//! Characters set apart in one and the same way, letters or not: one sign or space between two of them, more space
//! between words. Taking it out gives back exactly what was there before, be it an address, an encoding or signs that
//! show nothing.

use std::ops::Range;

use super::scan::{is_letter, is_unseen};
use super::spacing::is_coded;

/// Most characters that are looked at, and those before the place where letters were found.
const MOST: usize = 1 << 16;
const BEFORE: usize = 1 << 10;
/// Fewest characters that are set apart.
const LEAST: usize = 10;
/// Most spaces between two words.
const WIDEST: usize = 9;

/// What stands around `part`, where letters are set apart, put together; not before `from`.
pub(super) fn joined(text: &str, part: &Range<usize>, from: usize) -> Option<(Range<usize>, String)> {
    let start = text.floor_char_boundary(part.start.saturating_sub(BEFORE)).max(from);
    // Many short rows cost no more than they are long.
    let mut most = BEFORE + 4 * part.len();
    let rest = text.get(start..)?;
    let mut chars: Vec<(usize, char)> = Vec::new();
    loop {
        let all = rest.char_indices().map(|(at, c)| (start + at, c));
        chars.clear();
        chars.extend(all.take(most.min(MOST)));
        let found = joined_in(text, part, &chars);
        // What ends where the characters do may go on.
        let cut = chars.len() == most.min(MOST) && found.as_ref().is_some_and(|found| found.2);
        if !cut || most >= MOST {
            return found.map(|(range, text, _)| (range, text));
        }
        most *= 4;
    }
}

/// The same in the characters that are looked at, and whether all of them up to the last were taken.
fn joined_in(
    text: &str,
    part: &Range<usize>,
    chars: &[(usize, char)],
) -> Option<(Range<usize>, String, bool)> {
    let first = chars.iter().position(|(at, _)| *at >= part.start)?;
    let sign = usual_sign(chars.get(first..)?.iter().take_while(|(at, _)| *at < part.end).map(|(_, c)| *c));
    let first = back(chars, first, sign);
    let walked = walk(chars.get(first..)?, sign);
    let end = chars
        .get(first + walked.taken)
        .map_or_else(|| chars.last().map_or(text.len(), |(at, c)| at + c.len_utf8()), |(at, _)| *at);
    let begin = chars.get(first)?.0;
    let shown = || walked.text.chars().filter(|c| !is_unseen(*c) && !c.is_whitespace());
    let count = shown().count();
    let letters = shown().filter(|c| is_letter(*c)).count();
    let says = || shown().filter(|c| c.is_alphabetic()).count() * 4 >= count;
    let words = walked.gaps > 0 && walked.gaps * 2 < walked.items && letters * 2 >= count && says();
    let enough = walked.items >= LEAST && end > part.start;
    (enough && (words || is_coded(&walked.text))).then_some((
        begin..end,
        walked.text,
        first + walked.taken >= chars.len(),
    ))
}

/// The sign that stands between most letters, or a space.
fn usual_sign(chars: impl Iterator<Item = char> + Clone) -> char {
    let letters = chars.clone().filter(|c| is_letter(*c)).count();
    let signs = || chars.clone().filter(|c| !is_letter(*c) && !c.is_whitespace());
    let mut seen: Vec<(char, usize)> = Vec::new();
    for sign in signs().take(64) {
        match seen.iter_mut().find(|(other, _)| *other == sign) {
            Some((_, count)) => *count += 1,
            None => seen.push((sign, 1)),
        }
    }
    let most = seen.into_iter().max_by_key(|(_, count)| *count).map(|(sign, _)| sign);
    let counted = most.map_or(0, |most| signs().filter(|sign| *sign == most).count());
    most.filter(|_| counted * 10 >= letters * 6).unwrap_or(' ')
}

/// The first character before `at` from which on all are set apart.
fn back(chars: &[(usize, char)], mut at: usize, sign: char) -> usize {
    let is = |at: usize, of: &dyn Fn(char) -> bool| chars.get(at).is_some_and(|(_, c)| of(*c));
    let parts = |c: char| c == sign || c.is_whitespace();
    loop {
        let mut gap = at;
        while gap > 0 && at - gap < WIDEST && is(gap - 1, &parts) {
            gap -= 1;
        }
        let Some(item) = gap.checked_sub(1).filter(|_| gap < at) else { return at };
        if item > 0 && !is(item - 1, &parts) {
            return at;
        }
        at = item;
    }
}

struct Walked {
    text: String,
    /// Characters that were taken in all, those that were set apart, and gaps between words.
    taken: usize,
    items: usize,
    gaps: usize,
}

/// Goes from one character to the next for as long as they are set apart.
fn walk(chars: &[(usize, char)], sign: char) -> Walked {
    let at = |i: usize| chars.get(i).map(|(_, c)| *c);
    let mut walked = Walked { text: String::new(), taken: 0, items: 0, gaps: 0 };
    while let Some(item) = at(walked.taken) {
        walked.text.push(item);
        walked.items += 1;
        walked.taken += 1;
        let here = walked.taken;
        match (at(here), at(here + 1)) {
            (Some(c), Some(next)) if c == sign && next != ' ' => walked.taken += 1,
            (Some(c), Some(' ')) if c == sign && c != ' ' && at(here + 2).is_some_and(|c| c != ' ') => {
                walked.taken += 2;
            }
            (Some(c), _) if c.is_whitespace() => {
                let spaces = chars.get(here..).unwrap_or_default().iter().take(WIDEST);
                let spaces =
                    spaces.take_while(|(_, c)| if sign == ' ' { *c == ' ' } else { c.is_whitespace() });
                let (mut length, mut line) = (0, false);
                for (_, c) in spaces {
                    length += 1;
                    line |= *c == '\n';
                }
                if length == 0 && matches!(at(here), Some('\n' | '\t')) {
                    (length, line) = (1, at(here) == Some('\n'));
                }
                if length == 0 || at(here + length).is_none() {
                    break;
                }
                walked.text.push(if line { '\n' } else { ' ' });
                walked.gaps += 1;
                walked.taken += length;
            }
            _ => break,
        }
    }
    // What ended it stands beside the last one, which is no longer set apart.
    if at(walked.taken).is_some_and(|c| !c.is_whitespace() && c != sign) {
        walked.text.pop();
        walked.taken -= 1;
        walked.items -= 1;
    }
    // A stroke between words is one of their gaps.
    const STROKE: &str = " / ";
    if walked.text.matches(STROKE).count() * 5 >= walked.gaps * 2 {
        walked.gaps -= walked.text.matches(STROKE).count();
        walked.text = walked.text.replace(STROKE, " ");
    }
    walked
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn apart(text: &str, between: &str, words: &str) -> String {
        let word = |w: &str| w.chars().map(String::from).collect::<Vec<_>>().join(between);
        text.split(' ').map(word).collect::<Vec<_>>().join(words)
    }

    #[test]
    fn what_was_set_apart_comes_back_as_it_was() {
        for text in [
            "Bring the \"blue\" folder, 2 (two) days!\nTo <me@here.example>",
            "<~87cURD]j7BEbo7 8~> and so on",
        ] {
            for (between, words) in [(" ", "   "), (".", " "), ("-", "  "), ("·", "   ")] {
                let (_, said) = joined(&apart(text, between, words), &(0..9), 0).unwrap();
                assert_eq!(said, text);
            }
        }
        let strokes = apart("bring the blue folder to me", "_", " / ");
        assert_eq!(joined(&strokes, &(0..9), 0).unwrap().1, "bring the blue folder to me");
        assert_eq!(joined("i g n o r e\tt h e\tr u l e s", &(0..9), 0).unwrap().1, "ignore the rules");
        assert_eq!(joined("1 2 3 4 5 6 7 8\n1 2 3 4 5 6 7 8", &(0..9), 0), None);
    }

    proptest! {
        #[test]
        fn anything_is_joined_in_range(text in "(a|b| |  |\\.|\n|é|1|-){0,60}", start in 0usize..30, length in 0usize..30) {
            let start = text.floor_char_boundary(start.min(text.len()));
            let end = text.ceil_char_boundary((start + length).min(text.len()));
            if let Some((range, _)) = joined(&text, &(start..end), 0) {
                prop_assert!(text.get(range.clone()).is_some() && range.end > start);
            }
        }
    }
}
