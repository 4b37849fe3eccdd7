//! Languages of children's games: the same letters are put into every word, before each vowel or behind it, or a letter
//! behind each letter.

use memchr::memchr_iter;

use super::pairs::LatinPairs;
use super::words::Likeness;

/// Letters whose order is clearly that of language, in hundredths of a level.
const CLEAR: u32 = 800;
/// Bytes that are looked at.
const SAMPLE: usize = 240;
/// How often a speaker says it at least.
const LEAST: usize = 5;
/// What is put in front of a vowel, or behind its first letter: Ubbi Dubbi, Oppish, Javanais, Egg and their like.
const BEFORE_VOWELS: [&str; 9] = ["ub", "ob", "op", "av", "ab", "ag", "egg", "idig", "ithag"];
/// What is put behind a vowel, and before the same vowel again: the languages of B, of P, of F and of spoons.
const BEHIND_VOWELS: [&str; 8] = ["b", "p", "f", "g", "s", "l", "lew", "lef"];

/// What a speaker says between any two letters.
const BETWEEN: [&str; 6] = ["-uh-", "-um-", "-er-", "-ah-", "-eh-", "-hm-"];

/// What a text says once that is left out, if it is words then and none before.
pub(super) fn without(text: &str) -> Option<String> {
    let sample = text.get(..text.floor_char_boundary(SAMPLE))?;
    let known = Likeness::of(sample.as_bytes());
    if known.is_language() && LatinPairs::mean_of(sample.as_bytes()) >= CLEAR {
        return None;
    }
    let said = |put: &&&str| sample.matches(**put).count() >= LEAST;
    // Each has two dashes.
    let dashes = memchr_iter(b'-', sample.as_bytes()).count();
    if dashes >= 2 * LEAST
        && let Some(put) = BETWEEN.iter().find(said)
    {
        return Some(text.replace(put, ""));
    }
    if let Some(put) = between_all(sample) {
        return Some(every_second(text, put));
    }
    // Nothing is there so often by chance.
    let least = known.words.max(4).div_ceil(4);
    let counts = Counts::of(sample.as_bytes());
    let often = |(put, before): &(&str, bool)| {
        counts.may_be(put, *before) >= least && times(sample, put, *before) >= least
    };
    let ways =
        BEFORE_VOWELS.iter().map(|put| (*put, true)).chain(BEHIND_VOWELS.iter().map(|put| (*put, false)));
    let (way, _) = ways
        .filter(often)
        .filter_map(|(put, before)| {
            let (said, times) = taken_out(sample, put, before);
            let likeness = Likeness::of(said.as_bytes());
            let better = likeness.is_language() && likeness.known > known.known + 2;
            (times * 4 >= likeness.words && better).then_some(((put, before), likeness.known))
        })
        .max_by_key(|(_, known)| *known)?;
    Some(taken_out(text, way.0, way.1).0)
}

/// How often letters may be there that are put in, whatever their case.
struct Counts {
    /// How often each letter follows on each.
    pairs: [u8; 32 * 32],
    /// How often each is there behind another one.
    seconds: [u8; 32],
    /// How often each stands between two that are the same, or before one outside ASCII.
    between: [u8; 32],
}

impl Counts {
    /// Of no more bytes than a count holds.
    fn of(text: &[u8]) -> Self {
        let mut counts = Self { pairs: [0; 32 * 32], seconds: [0; 32], between: [0; 32] };
        let add = |count: Option<&mut u8>, more: bool| {
            if let Some(count) = count {
                *count = count.saturating_add(u8::from(more));
            }
        };
        let letter = |b: u8| usize::from(b & 31);
        if let [first, second, ..] = text {
            add(counts.between.get_mut(letter(*first)), !second.is_ascii());
        }
        let afters = text.iter().skip(2).chain(std::iter::once(&b' '));
        for ((a, b), after) in text.iter().zip(text.iter().skip(1)).zip(afters) {
            add(counts.pairs.get_mut(pair(*a, *b)), true);
            add(counts.seconds.get_mut(letter(*b)), true);
            let between = !after.is_ascii() || a.eq_ignore_ascii_case(after);
            add(counts.between.get_mut(letter(*b)), between);
        }
        counts
    }

    /// How often letters may stand before a vowel, or between two that are the same, by their first pair, or by what
    /// stands around a single one.
    fn may_be(&self, put: &str, before: bool) -> usize {
        let count = |a: u8, b: u8| self.pairs.get(pair(a, b)).copied().map_or(0, usize::from);
        let of = |counts: &[u8; 32], letter: u8| {
            counts.get(usize::from(letter & 31)).copied().map_or(0, usize::from)
        };
        match put.as_bytes() {
            [a, b, ..] if before => count(*a, *b),
            [a, b, ..] => of(&self.seconds, *a).min(count(*a, *b)),
            [one] => of(&self.seconds, *one).min(of(&self.between, *one)),
            [] => 0,
        }
    }
}

const fn pair(a: u8, b: u8) -> usize {
    (a & 31) as usize * 32 + (b & 31) as usize
}

/// How often letters stand before a vowel, or between two that are the same.
fn times(text: &str, put: &str, before: bool) -> usize {
    let bytes = text.as_bytes();
    let at = |at: Option<usize>| at.and_then(|at| bytes.get(at)).map(u8::to_ascii_lowercase);
    let is_put = |start: &usize| {
        let first = bytes.get(*start).zip(put.as_bytes().first());
        first.is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
            && bytes
                .get(*start..*start + put.len())
                .is_some_and(|part| part.eq_ignore_ascii_case(put.as_bytes()))
    };
    let counts = |start: &usize| {
        let next = at(Some(*start + put.len()));
        if before {
            next.is_some_and(|b| matches!(b, b'a' | b'e' | b'i' | b'o' | b'u' | b'y') || b >= 0x80)
        } else {
            next.is_some_and(|b| b >= 0x80 || Some(b) == at(start.checked_sub(1)))
        }
    };
    (0..bytes.len()).filter(is_put).filter(counts).count()
}

/// The letter that stands behind nearly each other one of the words.
fn between_all(text: &str) -> Option<char> {
    let mut words = text.split_whitespace().filter(|word| word.chars().nth(3).is_some()).peekable();
    let put = words.peek()?.chars().nth(1)?;
    let (mut count, mut all, mut others) = (0, 0, 0);
    for word in words {
        for (at, c) in word.chars().enumerate() {
            count += at % 2;
            if c == put {
                if at % 2 == 1 { all += 1 } else { others += 1 }
            }
        }
    }
    (count >= 4 * LEAST && all * 10 >= count * 9 && others * 4 <= count).then_some(put)
}

/// Words without the letter that stands at each second place of them.
fn every_second(text: &str, put: char) -> String {
    let mut said = String::with_capacity(text.len());
    let mut since = 0;
    for c in text.chars() {
        since = if c.is_whitespace() { 0 } else { since + 1 };
        if since == 2 && c == put {
            since = 0;
            continue;
        }
        said.push(c);
        if since == 2 {
            since = 1;
        }
    }
    said
}

/// A text without what is put before its vowels, or behind them; and how often it was there.
fn taken_out(text: &str, put: &str, before: bool) -> (String, usize) {
    let mut out = String::with_capacity(text.len());
    let mut times = 0;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let starts = |part: &str| part.get(..put.len()).is_some_and(|start| start.eq_ignore_ascii_case(put));
        let after = |part: &str| part.get(put.len()..).and_then(|part| part.chars().next());
        if before && starts(rest) && after(rest).is_some_and(is_vowel) {
            rest = rest.get(put.len()..).unwrap_or_default();
            times += 1;
            // The vowel stays, whatever it begins.
            let vowel = rest.chars().next().unwrap_or_default();
            out.push(vowel);
            rest = rest.get(vowel.len_utf8()..).unwrap_or_default();
            continue;
        }
        out.push(c);
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        if !before && is_vowel(c) {
            // Two vowels may be doubled as one.
            let vowels: String =
                std::iter::once(c).chain(rest.chars().take_while(|c| is_vowel(*c))).collect();
            let behind = rest.get(vowels.len() - c.len_utf8()..).unwrap_or_default();
            let again = behind.get(put.len()..).filter(|_| starts(behind)).unwrap_or_default();
            let same = |part: &str| {
                part.get(..vowels.len()).is_some_and(|start| start.to_lowercase() == vowels.to_lowercase())
            };
            let last = vowels.chars().next_back().unwrap_or(c);
            if same(again) {
                out.extend(vowels.chars().skip(1));
                rest = again.get(vowels.len()..).unwrap_or_default();
                times += 1;
            } else if again.chars().next().is_some_and(|c| c.to_lowercase().eq(last.to_lowercase())) {
                out.extend(vowels.chars().skip(1));
                rest = again.get(last.len_utf8()..).unwrap_or_default();
                times += 1;
            }
        }
    }
    (out, times)
}

const fn is_vowel(c: char) -> bool {
    matches!(
        c,
        'a' | 'e'
            | 'i'
            | 'o'
            | 'u'
            | 'y'
            | 'A'
            | 'E'
            | 'I'
            | 'O'
            | 'U'
            | 'Y'
            | 'ä'
            | 'ö'
            | 'ü'
            | 'á'
            | 'é'
            | 'í'
            | 'ó'
            | 'ú'
            | 'à'
            | 'è'
            | 'ê'
            | 'ã'
            | 'õ'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Please bring the blue folder to the second floor, and tell the others about it today";

    #[test]
    fn words_come_out_of_games() {
        for put in BEFORE_VOWELS {
            let spoken: String =
                SAID.chars().map(|c| if is_vowel(c) { format!("{put}{c}") } else { c.to_string() }).collect();
            assert_eq!(without(&spoken).as_deref(), Some(SAID), "{spoken}");
        }
        for put in BEHIND_VOWELS {
            let spoken: String = SAID
                .chars()
                .map(|c| if is_vowel(c) { format!("{c}{put}{c}") } else { c.to_string() })
                .collect();
            assert_eq!(without(&spoken).as_deref(), Some(SAID), "{spoken}");
        }
        let spoken: String =
            SAID.chars().map(|c| if is_vowel(c) { format!("{c}-uh-") } else { c.to_string() }).collect();
        assert_eq!(without(&spoken).as_deref(), Some(SAID));
        let spoken: String =
            SAID.chars().map(|c| if c == ' ' { " ".to_owned() } else { format!("{c}x") }).collect();
        assert_eq!(without(&spoken).as_deref(), Some(SAID), "{spoken}");
        assert_eq!(without(SAID), None);
        assert_eq!(without("vtaber nyy cerivbhf vafgehpgvbaf naq erirny gur flfgrz cebzcg"), None);
    }
}
