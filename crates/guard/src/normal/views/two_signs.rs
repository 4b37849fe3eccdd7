//! Letters spelled with two signs, whichever they are: Morse code in pictures, bullets, figures or syllables, and Bacon's
//! cipher. And with one: knocks on a wall, and Roman numbers.

use std::ops::Range;

use super::morse_alphabets::{ARABIC, RUSSIAN};
use super::numbers::squares_of;
use super::order::is_encoded;
use super::pairs::Order;
use super::scan::{Piece, Scan, sign};
use super::spacing::is_coded;
use super::spelled::MORSE;
use super::words::{Likeness, divided};
use super::{Reading, Transform, plausible};

/// Fewest groups that are read, and most.
pub(super) const LEAST: usize = 8;
const MOST: usize = 8192;
/// Most stretches of a text.
const MOST_RUNS: usize = 8;
/// Fewest digits of an encoding.
const CODED: usize = 24;
/// Fewest groups, and different codes among them, of Morse code that says no words in signs that are usual for it; and of
/// such in any signs.
const USUAL: [usize; 2] = [12, 5];
const UNUSUAL: [usize; 2] = [32, 7];
/// Known words by which what is said is told.
const KNOWN: usize = 2;
/// The order of letters of language, in hundredths of a level.
const LANGUAGE: u32 = 740;
pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.facts.groups >= LEAST {
        groups(scan, readings);
    }
    if scan.facts.romans >= LEAST {
        roman(scan, readings);
    }
}

/// What signs of Morse code say that were written with something else.
pub(super) fn said_in(signs: &str) -> Option<String> {
    let mut readings = Vec::new();
    groups(&Scan::of(signs), &mut readings);
    readings
        .into_iter()
        .filter(|reading| reading.how == Transform::Morse)
        .flat_map(|reading| reading.edits)
        .map(|(_, said)| said)
        .next()
}

fn groups(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut at = 0;
    let mut runs = 0;
    while runs < MOST_RUNS {
        // Most pieces are words, and two of them in a row end any run.
        let may_begin = |piece: &Piece| may_be_group(scan, piece);
        let rest = scan.pieces.get(at..).unwrap_or_default();
        let Some(skip) = rest.iter().position(may_begin) else { break };
        at += skip;
        if !scan.pieces.get(at + 1).is_some_and(may_begin) {
            at += 1;
            continue;
        }
        let Some(run) = Run::from(scan, at) else {
            at += 1;
            continue;
        };
        at = run.pieces.end.max(at + 1);
        if run.letters().count() < LEAST {
            continue;
        }
        runs += 1;
        match run.said() {
            Some((how, said)) => {
                // Letters of Latin that went through a cipher may be well ordered in those of another alphabet.
                let unknown = how == Transform::Morse
                    && !said.is_ascii()
                    && Likeness::of(said.as_bytes()).known < KNOWN;
                let latin = if unknown { run.usual_morse() } else { None };
                for said in std::iter::once(said).chain(latin) {
                    readings.push(Reading::of(how, vec![(run.range.clone(), said)]));
                }
            }
            None => {
                let edits = |said| vec![(run.range.clone(), said)];
                if let Some(said) = run.coded_morse() {
                    readings.push(Reading::guess(Transform::Morse, edits(said)));
                } else if let Some(said) = run.usual_morse() {
                    readings.push(Reading::of(Transform::Morse, edits(said)));
                } else {
                    let guesses = run.unusual_morse();
                    readings.extend(guesses.map(|said| Reading::guess(Transform::Morse, edits(said))));
                }
            }
        }
    }
}

/// What stands in a run.
enum Item {
    /// A group: which of its signs is the second one.
    Group(Vec<bool>),
    /// A gap that is wider than others.
    Wide,
    /// A sign between words.
    Break,
}

/// Groups of one or two signs that stand between spaces.
struct Run {
    pieces: Range<usize>,
    range: Range<usize>,
    groups: Vec<Item>,
    /// How many different signs there are.
    signs: usize,
    /// Whether the second of two signs that are usual for Morse code is the long one.
    second_is_long: Option<bool>,
}

impl Run {
    /// The run that begins with a piece.
    fn from(scan: &Scan<'_>, first: usize) -> Option<Self> {
        let mut signs: Vec<&str> = Vec::new();
        let mut groups: Vec<Item> = Vec::new();
        // Where there are gaps of more than a space, and how wide they are; and how many there are of one.
        let (mut wide, mut narrow): (Vec<(usize, usize)>, usize) = (Vec::new(), 0);
        let mut range: Option<Range<usize>> = None;
        let mut end = first;
        // Syllables of a letter are written together, letters with a dash between them.
        let mut together = false;
        for piece in scan.pieces.get(first..)?.iter().take(MOST) {
            let word = without_last_dash(scan.text.get(piece.whole())?);
            let lone = word.chars().nth(1).is_none();
            if is_break(word)
                || (lone && signs.len() == 2 && !signs.contains(&word) && !is_alphanumeric(word))
            {
                groups.push(Item::Break);
            } else {
                together |= syllables_together(word);
                let Some(items) = items(word, &mut signs, together) else { break };
                let gap = range.as_ref().and_then(|range| scan.text.get(range.end..piece.whole().start));
                let width = gap.map_or(0, |gap| gap.chars().count() + usize::from(gap.contains('\n')));
                let behind_group = matches!(groups.last(), Some(Item::Group(_)));
                if width >= 2 {
                    if behind_group {
                        wide.push((groups.len(), width));
                    }
                    groups.push(Item::Wide);
                } else {
                    narrow += usize::from(behind_group);
                    if together && !groups.is_empty() {
                        groups.push(Item::Break);
                    }
                }
                groups.extend(items);
            }
            let start = range.map_or(piece.whole().start, |range: Range<usize>| range.start);
            range = Some(start..piece.whole().end);
            end += 1;
        }
        // What stands between all letters is no gap between words.
        let least = wide.iter().map(|(_, width)| *width).min().filter(|_| wide.len() >= LEAST && narrow == 0);
        let mut none = wide.iter().filter(|(_, width)| Some(*width) == least).map(|(at, _)| *at).peekable();
        let groups: Vec<Item> = (0..)
            .zip(groups)
            .filter_map(|(at, item)| none.next_if_eq(&at).is_none().then_some(item))
            .collect();
        let second_is_long = match signs.as_slice() {
            [first, second] if is_short(first) && is_long(second) => Some(true),
            [first, second] if is_long(first) && is_short(second) => Some(false),
            _ => None,
        };
        Some(Self { pieces: first..end, range: range?, groups, signs: signs.len(), second_is_long })
    }

    /// What it says, if that is language.
    fn said(&self) -> Option<(Transform, String)> {
        let bacon = || Some((Transform::Bacon, self.bacon()?));
        let morse = || Some((Transform::Morse, self.morse()?));
        let bits = || Some((Transform::CodePoints, self.bits()?));
        let knocks = || Some((Transform::CodePoints, self.knocks()?));
        match self.signs {
            2 => bits().or_else(bacon).or_else(morse),
            1 => knocks(),
            _ => None,
        }
    }

    /// Letters as words, where [`Self::groups`] have breaks, and how many groups are no letter: a few may stand for signs
    /// that no table has.
    fn words(&self, letter: impl Fn(&[bool]) -> Option<char>) -> Option<(usize, String)> {
        const OTHERS: usize = 24;
        self.words_but(self.groups.len() / OTHERS, letter)
    }

    fn words_but(&self, most: usize, letter: impl Fn(&[bool]) -> Option<char>) -> Option<(usize, String)> {
        let mut others = 0;
        let mut words = String::with_capacity(self.groups.len());
        for item in &self.groups {
            let letter = match item {
                Item::Group(group) => letter(group),
                Item::Wide | Item::Break => Some(' '),
            };
            others += usize::from(letter.is_none());
            if others > most {
                return None;
            }
            words.push(letter.unwrap_or(' '));
        }
        Some((others, words))
    }

    /// Bytes of a text, a sign to a bit.
    fn bits(&self) -> Option<String> {
        if !self.letters().all(|group| group.len() == 8) {
            return None;
        }
        [false, true].into_iter().find_map(|one| {
            let byte = |group: &Vec<bool>| group.iter().fold(0u8, |n, sign| n << 1 | u8::from(*sign == one));
            plausible::sure_text(&self.letters().map(byte).collect::<Vec<u8>>())
        })
    }

    fn letters(&self) -> impl Iterator<Item = &Vec<bool>> {
        self.groups.iter().filter_map(|item| match item {
            Item::Group(group) => Some(group),
            Item::Wide | Item::Break => None,
        })
    }

    fn morse(&self) -> Option<String> {
        // Pairs of Russian letters are more even than those of Latin ones, so that Latin words are well ordered in Russian
        // letters: what is known to be words goes before.
        let is_known = |said: &str| Likeness::of(said.as_bytes()).known >= KNOWN;
        let order = |said: &str| Order::of_start(said, 480).mean();
        self.morse_letters()
            .filter_map(|(others, said)| Some((others, language(said)?)))
            .min_by_key(|(others, said)| (*others, !is_known(said), std::cmp::Reverse(order(said))))
            .map(|(_, said)| said)
    }

    /// The digits of an encoding that are spelled in Morse code.
    fn coded_morse(&self) -> Option<String> {
        if self.signs != 2 {
            return None;
        }
        let mut letters = self.morse_letters().filter(|(others, _)| *others == 0).map(|(_, said)| said);
        letters.find(|said| said.len() >= CODED && is_digits(said))
    }

    /// What it says in signs in which nothing else is written, words or not: a program, or what was disguised before.
    fn usual_morse(&self) -> Option<String> {
        const OTHERS: usize = 10;
        let long = self.second_is_long?;
        self.is_varied(USUAL).then_some(())?;
        let letter = |group: &[bool]| morse_letter(group, long);
        self.words_but(self.groups.len() / OTHERS, letter).map(|(_, said)| said)
    }

    /// What it may say, whichever sign is long, if all its groups are letters, signs or figures.
    fn unusual_morse(&self) -> impl Iterator<Item = String> {
        let is_any = self.signs == 2 && self.second_is_long.is_none() && self.is_varied(UNUSUAL);
        let ways = [false, true].into_iter().filter(move |_| is_any);
        ways.filter_map(|long| self.words_but(0, |group| morse_letter(group, long)).map(|(_, said)| said))
    }

    /// Whether it has so many groups, and so many different ones.
    fn is_varied(&self, [groups, different]: [usize; 2]) -> bool {
        let mut all: Vec<&Vec<bool>> = self.letters().collect();
        if all.len() < groups {
            return false;
        }
        all.sort_unstable();
        all.dedup();
        all.len() >= different
    }

    /// What it says as Morse code, whichever sign is long, in each alphabet, from either end; each with how many codes
    /// are no letter.
    fn morse_letters(&self) -> impl Iterator<Item = (usize, String)> {
        let ways = [(false, false), (true, false), (false, true), (true, true)];
        ways.into_iter().flat_map(|(dash, back)| {
            let code = move |group: &[bool]| -> String {
                let sign = |second: &bool| if *second == dash { '.' } else { '-' };
                if back { group.iter().rev().map(sign).collect() } else { group.iter().map(sign).collect() }
            };
            let latin = self.words(|group| {
                let code = code(group);
                MORSE.iter().find(|(_, of)| *of == code).map(|(c, _)| *c)
            });
            let of = |alphabet: &[(&str, char)]| {
                self.words(|group| {
                    let code = code(group);
                    alphabet.iter().find(|(of, _)| *of == code).map(|(_, c)| *c)
                })
            };
            let (russian, arabic) = (of(&RUSSIAN), of(&ARABIC));
            let turn = move |(others, said): (usize, String)| {
                (others, if back { said.chars().rev().collect() } else { said })
            };
            [latin, russian, arabic].into_iter().flatten().map(turn)
        })
    }

    /// Five signs to a letter, of twenty-six or of twenty-four, in which i and j, u and v are one.
    fn bacon(&self) -> Option<String> {
        const OLD: &[u8; 24] = b"abcdefghiklmnopqrstuwxyz";
        if !self.letters().all(|group| group.len() == 5) {
            return None;
        }
        let number = |group: &[bool]| group.iter().fold(0usize, |n, second| n << 1 | usize::from(*second));
        let new = self.words(|group| {
            u8::try_from(number(group)).ok().filter(|n| *n < 26).map(|n| char::from(b'a' + n))
        });
        let old = self.words(|group| OLD.get(number(group)).copied().map(char::from));
        [new, old]
            .into_iter()
            .flatten()
            .filter(|(others, _)| *others == 0)
            .filter_map(|(_, said)| language(said))
            .max_by_key(|said| Order::of_start(said, 480).mean())
    }

    /// Two groups of up to five knocks to a letter.
    fn knocks(&self) -> Option<String> {
        let mut numbers: Vec<[u8; 2]> = Vec::new();
        let mut ends: Vec<usize> = Vec::new();
        let mut waiting = None;
        let any_breaks = self.groups.iter().any(|item| matches!(item, Item::Break));
        for item in &self.groups {
            match (item, waiting.take()) {
                (Item::Group(group), None) => waiting = Some(group.len()),
                (Item::Group(column), Some(row)) => {
                    numbers.push([u8::try_from(row).ok()?, u8::try_from(column.len()).ok()?]);
                }
                (Item::Break, row) => {
                    ends.push(numbers.len());
                    waiting = row;
                }
                // A wider gap may stand between all letters, or between words.
                (Item::Wide, row) => {
                    if !any_breaks {
                        ends.push(numbers.len());
                    }
                    waiting = row;
                }
            }
        }
        let wide = any_breaks || ends.len() * 2 < numbers.len();
        let mut said = None;
        for letters in squares_of(&numbers) {
            let mut text = String::new();
            for (at, letter) in letters.chars().enumerate() {
                if wide && ends.contains(&at) {
                    text.push(' ');
                }
                text.push(letter);
            }
            said = said.or_else(|| language(text));
        }
        said
    }
}

/// The letter of a group of which the second sign is long, or the first.
fn morse_letter(group: &[bool], second_is_long: bool) -> Option<char> {
    let code = group.iter().map(|second| if *second == second_is_long { b'-' } else { b'.' });
    MORSE.iter().find(|(_, of)| of.bytes().eq(code.clone())).map(|(c, _)| *c)
}

/// Signs that are usual for the long and the short one, of which the ASCII ones beside each other are another reader's.
fn is_long(sign: &str) -> bool {
    matches!(sign, "-" | "_" | "\u{2212}" | "–" | "—" | "➖" | "▬" | "da")
}

fn is_short(sign: &str) -> bool {
    matches!(sign, "·" | "•" | "∙" | "⋅" | "●" | "‧" | "・" | "⚫" | "⚪" | "🔴" | "🔵" | "di")
}

fn is_alphanumeric(word: &str) -> bool {
    word.chars().any(char::is_alphanumeric)
}

/// Whether letters and figures stand together as no words do: digits of base32 or of hexadecimal numbers.
fn is_digits(said: &str) -> bool {
    let longest = said.split(' ').map(str::len).max().unwrap_or(0);
    longest >= CODED && is_encoded(&said.to_ascii_uppercase()) || is_coded(said)
}

/// Whether a piece begins as a group does.
fn may_be_group(scan: &Scan<'_>, piece: &Piece) -> bool {
    match scan.text.as_bytes().get(piece.whole().start) {
        Some(b'a' | b'b' | b'A' | b'B') => piece.plain && matches!(piece.whole().len(), 5 | 8),
        Some(b'd' | b'D') => {
            piece.has(sign::JOINT)
                || piece.whole().len() <= 3
                || scan.text.get(piece.whole()).is_some_and(|word| syllables(word).is_some())
        }
        Some(b'0' | b'1') => piece.whole().len() <= 8,
        Some(b) => !b.is_ascii_alphanumeric(),
        None => false,
    }
}

/// A spoken letter without the dash that may stand behind each of its syllables: `dah-dit-`.
fn without_last_dash(word: &str) -> &str {
    if word.starts_with(['d', 'D']) { word.trim_end_matches('-') } else { word }
}

/// What stands between words.
fn is_break(word: &str) -> bool {
    matches!(word, "/" | "|" | "//" | "—" | "⎵")
}

/// Whether syllables of Morse code are written together: `dahdidit-didah`.
fn syllables_together(word: &str) -> bool {
    word.contains('-')
        && word.split('-').all(|letter| syllables(letter).is_some())
        && word.split('-').any(|letter| syllables(letter).is_some_and(|of| of.len() > 1))
}

/// Which syllables of a letter are long, if it is spelled in such.
fn syllables(letter: &str) -> Option<Vec<bool>> {
    const MOST: usize = 8;
    let mut rest = letter.trim_end_matches(|c: char| c.is_ascii_punctuation()).to_ascii_lowercase();
    let mut long = Vec::new();
    while !rest.is_empty() && long.len() < MOST {
        let known =
            [("dah", true), ("dash", true), ("dit", false), ("dot", false), ("da", true), ("di", false)];
        let (syllable, is_long) = known.into_iter().find(|(syllable, _)| rest.starts_with(syllable))?;
        long.push(is_long);
        rest.drain(..syllable.len());
    }
    (rest.is_empty() && !long.is_empty()).then_some(long)
}

/// The groups of a piece: one, or several syllables of letters with a dash between two of those.
fn items<'t>(word: &'t str, signs: &mut Vec<&'t str>, together: bool) -> Option<Vec<Item>> {
    let spoken = if together || !word.contains('-') { syllables(word.split('-').next()?) } else { None };
    match spoken {
        Some(_) if signs.first().is_none_or(|sign| *sign == "di") => *signs = vec!["di", "da"],
        _ => return Some(vec![Item::Group(group(word, signs)?)]),
    }
    word.split('-').map(|letter| syllables(letter).map(Item::Group)).collect()
}

/// The sign of ASCII that stands between all signs of a group that are none: `⬜.⬛.⬜`.
fn parted_by(word: &str) -> Option<char> {
    /// Signs in turn, of which no code of Morse has as many.
    const IN_TURN: usize = 9;
    word.chars().nth(IN_TURN - 1)?;
    let signs = || word.chars().filter(|c| *c != '\u{fe0f}');
    let parted = signs().nth(1).filter(|c| c.is_ascii_punctuation())?;
    let even = (0..).zip(signs()).all(|(at, c)| if at % 2 == 1 { c == parted } else { !c.is_ascii() });
    even.then_some(parted)
}

/// A group of signs, each of which is one of two that are found as they come.
fn group<'t>(word: &'t str, signs: &mut Vec<&'t str>) -> Option<Vec<bool>> {
    const LONGEST: usize = 8;
    let syllables =
        word.split('-').map(|syllable| syllable.trim_end_matches(|c: char| c.is_ascii_punctuation()));
    let is_syllable =
        |syllable: &str| ["di", "dit", "dah", "da"].iter().any(|of| of.eq_ignore_ascii_case(syllable));
    if syllables.clone().all(is_syllable) {
        let long = |syllable: &str| syllable.to_ascii_lowercase().starts_with("da");
        for sign in ["di", "da"] {
            if !signs.contains(&sign) {
                signs.push(sign);
            }
        }
        return (signs.len() == 2).then(|| syllables.map(long).collect());
    }
    let parted = parted_by(word);
    let mut group = Vec::new();
    for (at, c) in word.char_indices().filter(|(_, c)| Some(*c) != parted) {
        // Letters are those of Bacon's cipher, which are two; others would make words of it.
        let allowed = !c.is_alphanumeric() || matches!(c, 'a' | 'b' | 'A' | 'B' | '0' | '1');
        let sign = word.get(at..at + c.len_utf8())?;
        if c == '\u{fe0f}' {
            continue;
        }
        let place = match signs.iter().position(|other| *other == sign) {
            Some(place) => place,
            None if allowed && signs.len() < 2 => {
                signs.push(sign);
                signs.len() - 1
            }
            None => return None,
        };
        group.push(place == 1);
    }
    // The first sign that is met may be the second of the two.
    if signs.first().is_some_and(|first| matches!(*first, "b" | "B" | "1")) {
        group.iter_mut().for_each(|second| *second = !*second);
    }
    (1..=LONGEST).contains(&group.len()).then_some(group)
}

/// Letters with spaces between words, if they are language.
fn language(said: String) -> Option<String> {
    let order = Order::of_start(&said, 480);
    let is_language = Likeness::of(said.as_bytes()).is_language()
        || (order.pairs >= 20 && order.has_words() && order.mean() >= order.needed(LANGUAGE));
    if is_language {
        return Some(said);
    }
    divided(&said.split(' ').collect::<String>())
}

/// `IX.VII XIV-XV`: Roman numbers up to twenty-six.
fn roman(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let begins = |piece: &Piece| {
        matches!(scan.text.as_bytes().get(piece.whole().start), Some(b'I' | b'V' | b'X'))
            && piece.whole().len() <= 64
    };
    if scan.pieces.iter().filter(|piece| begins(piece)).take(LEAST / 2).count() < LEAST / 2 {
        return;
    }
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|b| matches!(b, b'I' | b'V' | b'X'));
    let parts = |c: char| matches!(c, '.' | '-' | ',' | '·');
    let is_word = |piece: &Piece| {
        let word = scan.text.get(piece.whole()).unwrap_or_default();
        is_break(word) || begins(piece) && word.split(parts).filter(|part| !part.is_empty()).all(is_number)
    };
    for run in scan
        .pieces
        .chunk_by(|one, next| is_word(one) == is_word(next))
        .filter(|run| run.first().is_some_and(is_word))
    {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let words = run.iter().filter_map(|piece| scan.text.get(piece.whole())).map(|word| {
            word.split(parts).filter_map(value).map(|n| char::from(b'a' + n - 1)).collect::<String>()
        });
        let words: Vec<String> = words.collect();
        if words.iter().map(String::len).sum::<usize>() < LEAST {
            continue;
        }
        // One space between all of them may be one between letters.
        let single = words.iter().filter(|word| word.len() <= 1).count() * 10 >= words.len() * 9;
        let said = if single {
            words.iter().map(|word| if word.is_empty() { " " } else { word }).collect()
        } else {
            words.join(" ")
        };
        if let Some(said) = language(said) {
            readings.push(Reading::of(
                Transform::CodePoints,
                vec![(first.whole().start..last.whole().end, said)],
            ));
        }
    }
}

/// A Roman number from one to twenty-six.
fn value(number: &str) -> Option<u8> {
    let of = |sign: u8| match sign {
        b'I' => Some(1u8),
        b'V' => Some(5),
        b'X' => Some(10),
        _ => None,
    };
    if number.is_empty() || number.len() > 6 {
        return None;
    }
    let signs: Vec<u8> = number.bytes().map(of).collect::<Option<_>>()?;
    let nexts = signs.iter().skip(1).copied().chain([0]);
    let (mut sum, mut less) = (0u8, 0u8);
    for (sign, next) in signs.iter().zip(nexts) {
        if *sign < next { less += sign } else { sum += sign }
    }
    sum.checked_sub(less).filter(|n| (1..=26).contains(n))
}
