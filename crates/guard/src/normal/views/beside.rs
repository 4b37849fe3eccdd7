//! Ciphers that left characters alone: digits that stand for letters, and letters of other scripts that look like
//! Latin ones. Somebody put them in first, and then exchanged the letters that were left.

use std::ops::Range;

use super::super::look_alikes::{latin, mixed_words};
use super::Transform;
use super::ciphers::{exchange, plain};
use super::lexicon::Seen;
use super::pairs::Order;
use super::words::Likeness;

/// The order of letters, in hundredths of a level, that language has at least, and how much a cipher improves it.
const LANGUAGE: u32 = 720;
const BETTER: u32 = 60;
/// The same where known words say it.
const WORDS: u32 = 560;
/// Characters by which a cipher is found, and fewest of them.
const SAMPLE: usize = 240;
const LEAST: usize = 24;
/// Longest text that is read so.
const LONGEST: usize = 16 << 10;
/// Fewest words of mixed scripts.
const LEAST_MIXED: usize = 3;

/// What a text says whose look-alikes are as they were before its other letters went through a cipher.
pub(super) fn look_alikes(text: &str) -> Option<(Transform, (Range<usize>, String))> {
    let mut mixed = mixed_words(text).take(1 << 12).map(|(range, _)| range);
    let first = mixed.next()?;
    let (count, last) = mixed.fold((1, first.clone()), |(count, _), range| (count + 1, range));
    if count < LEAST_MIXED {
        return None;
    }
    let start = text.get(..first.start)?.rfind('\n').map_or(0, |end| end + 1);
    let end = text.get(last.end..)?.find('\n').map_or(text.len(), |length| last.end + length);
    let part = text.get(start..end).filter(|part| part.len() <= LONGEST)?;
    let how = best_way(part.chars().map(|c| match latin(c) {
        Some(letter) if !c.is_ascii() => Sign::Left(letter as u8),
        _ => Sign::of(c),
    }))?;
    Some((how, (start..end, plain(part, how))))
}

/// The cipher that left the digits of a text alone that stand for letters.
pub(super) fn leet(text: &str, letter: impl Fn(u8) -> Option<u8>) -> Option<Transform> {
    best_way(text.chars().map(|c| match u8::try_from(c).ok().and_then(&letter) {
        Some(letter) if !c.is_ascii_alphabetic() => Sign::Left(letter),
        _ => Sign::of(c),
    }))
}

/// The cipher under which a text has no vowels inside its words, as people leave them out.
pub(super) fn without_vowels(text: &str) -> Option<Transform> {
    const MOST: usize = 48;
    const LEAST_INNER: usize = 24;
    const GLANCE: usize = 12;
    let words: Vec<&str> =
        text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() >= 3).take(MOST).collect();
    let mut inner = [0usize; 26];
    let letters = words.iter().flat_map(|word| word.bytes().skip(1).take(word.len() - 2));
    letters.for_each(|b| {
        if let Some(count) = inner.get_mut(usize::from(b.to_ascii_lowercase().wrapping_sub(b'a'))) {
            *count += 1;
        }
    });
    let all: usize = inner.iter().sum();
    if all < LEAST_INNER {
        return None;
    }
    // What a vowel was exchanged for.
    let before = |vowel: u8, how: Transform| match how {
        Transform::Caesar { shift } => exchange(vowel, Transform::Caesar { shift: 26 - shift }),
        _ => exchange(vowel, how),
    };
    let vowels = |how: Transform| -> usize {
        let counts = b"aeiou".iter().filter_map(|vowel| inner.get(usize::from(before(*vowel, how) - b'a')));
        counts.sum()
    };
    let is_skeleton = |word: &str, how: Transform| {
        let letters = word.bytes().map(|b| char::from(exchange(b, how)));
        Seen::of_letters(letters).is_some_and(|seen| seen.fleshed_out().is_some())
    };
    let skeletons = |how: Transform| {
        // Letters that code calls things by are bare under some cipher, and the first of them say that they are no words.
        let (first, rest) = words.split_at(words.len().min(GLANCE));
        let count = |words: &[&str]| words.iter().filter(|word| is_skeleton(word, how)).count();
        let among_first = count(first);
        if among_first * 4 < first.len() { among_first } else { among_first + count(rest) }
    };
    let ways = (1..26).map(|shift| Transform::Caesar { shift }).chain([Transform::Atbash]);
    let bare = ways.filter(|how| vowels(*how) * 25 <= all);
    let (count, how) = bare.map(|how| (skeletons(how), how)).max_by_key(|(count, _)| *count)?;
    (count * 2 > words.len()).then_some(how)
}

#[derive(Clone, Copy)]
enum Sign {
    /// A letter that the cipher exchanged.
    Exchanged(u8),
    /// What stands for a letter that it did not.
    Left(u8),
    Other,
}

impl Sign {
    const fn of(c: char) -> Self {
        if c.is_ascii_alphabetic() { Self::Exchanged(c as u8) } else { Self::Other }
    }
}

/// The way in which letters were exchanged, if one of them makes language.
fn best_way(signs: impl Iterator<Item = Sign>) -> Option<Transform> {
    let signs: Vec<Sign> = signs.take(SAMPLE).collect();
    if signs.len() < LEAST {
        return None;
    }
    let mut letters = vec![b' '; signs.len()];
    let mut read = |with: &dyn Fn(u8) -> u8| {
        for (to, sign) in letters.iter_mut().zip(&signs) {
            *to = match sign {
                Sign::Exchanged(letter) => with(*letter),
                Sign::Left(letter) => *letter,
                Sign::Other => b' ',
            };
        }
        (Order::of_latin(&letters).mean(), Likeness::of(&letters).is_language())
    };
    let (as_it_is, is_language) = read(&|letter| letter);
    if is_language {
        return None;
    }
    let ways = (1..26).map(|shift| Transform::Caesar { shift }).chain([Transform::Atbash]);
    let best = ways
        .map(|how| (read(&|letter| exchange(letter, how)), how))
        .max_by_key(|((mean, words), _)| (*words, *mean));
    let ((mean, words), how) = best?;
    let ordered = mean >= LANGUAGE && mean >= as_it_is + BETTER;
    (ordered || (words && mean >= WORDS)).then_some(how)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_were_left_alone_stay() {
        let mixed = "bring thе bluе foldеr tо thе sеcond flооr and wait thеrе";
        let shifted = plain(mixed, Transform::Caesar { shift: 8 });
        let (how, (range, said)) = look_alikes(&shifted).unwrap();
        assert_eq!((how, range, said.as_str()), (Transform::Caesar { shift: 18 }, 0..shifted.len(), mixed));
        assert_eq!(look_alikes(mixed), None);
        let digits = plain("br1ng th3 blu3 f0ld3r t0 th3 s3c0nd fl00r 4nd w41t th3r3", Transform::Atbash);
        let letter = |b: u8| b"oizeasgtbg".get(usize::from(b.wrapping_sub(b'0'))).copied();
        assert_eq!(leet(&digits, letter), Some(Transform::Atbash));
    }
}
