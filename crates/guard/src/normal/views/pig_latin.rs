//! Pig Latin: the consonants that a word begins with stand at its end, before "ay".

use super::ciphers::plain;
use super::lexicon::{Seen, is_word};
use super::pairs::Order;
use super::scan::{Piece, Scan};
use super::stretch::Stretches;
use super::words::known;
use super::{Reading, Transform};

/// Fewest words of pig Latin.
const LEAST_PIGS: usize = 4;

/// Most words of a stretch end in "ay".
pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.in_ay < LEAST_PIGS {
        return;
    }
    let is_pig = |piece: &Piece| {
        let word = scan.core(piece);
        word.len() >= 3 && word.get(word.len() - 2..).is_some_and(|end| end.eq_ignore_ascii_case("ay"))
    };
    let mut pigs = Stretches::new(LEAST_PIGS);
    for (at, piece) in
        scan.pieces.iter().enumerate().filter(|(_, piece)| piece.plain && piece.core().len() >= 2)
    {
        pigs.add(at, if is_pig(piece) { 2 } else { -3 });
    }
    let found = pigs.found();
    let pieces = found.iter().filter_map(|pieces| scan.pieces.get(pieces.clone())).flatten();
    let pigs: Vec<&Piece> = pieces.filter(|piece| piece.plain && is_pig(piece)).collect();
    let edits: Vec<_> = pigs.iter().map(|piece| (piece.core(), pig(scan.core(piece)))).collect();
    if edits.is_empty() {
        return;
    }
    // Where no words come of it, its letters may be exchanged.
    let known = edits.iter().filter(|(_, word)| is_word(word)).count();
    if known * 3 < edits.len()
        && let Some(how) = way_of_pigs(&pigs.iter().map(|piece| scan.core(piece)).collect::<Vec<_>>())
    {
        let word = |piece: &&Piece| (piece.core(), pig_under(scan.core(piece), how));
        readings.push(Reading::guess(Transform::PigLatin, pigs.iter().map(word).collect()));
    }
    readings.push(Reading::of(Transform::PigLatin, edits));
}

/// What a word of pig Latin may have been: consonants from before its "ay" go back to the front, or nothing but "way" was
/// added.
fn before_pig(word: &str) -> impl Iterator<Item = String> {
    let lower = word.to_ascii_lowercase();
    let stem = lower.strip_suffix("ay").unwrap_or_default().to_owned();
    let whole = stem.strip_suffix('w').filter(|stem| !stem.is_empty()).map(str::to_owned);
    let consonants =
        stem.bytes().rev().take_while(|b| !matches!(b, b'a' | b'e' | b'i' | b'o' | b'u')).count();
    let turned = (1..=consonants.min(stem.len())).map(move |taken| {
        let (rest, moved) = stem.split_at_checked(stem.len() - taken).unwrap_or_default();
        format!("{moved}{rest}")
    });
    whole.into_iter().chain(turned)
}

/// The cipher that makes words of what pig Latin was made of.
fn way_of_pigs(words: &[&str]) -> Option<Transform> {
    const MOST: usize = 24;
    let candidates: Vec<Vec<String>> =
        words.iter().take(MOST).map(|word| before_pig(word).collect()).collect();
    let ways = (1..26).map(|shift| Transform::Caesar { shift }).chain([Transform::Atbash]);
    let says = |how: Transform| {
        let is_known = |word: &String| word.len() >= 3 && known(plain(word, how).as_bytes());
        candidates.iter().filter(|words| words.iter().any(is_known)).count()
    };
    let (count, how) = ways.map(|how| (says(how), how)).max_by_key(|(count, _)| *count)?;
    let long = candidates.iter().filter(|words| words.iter().any(|word| word.len() >= 3)).count();
    (count >= 3 && count * 2 > long).then_some(how)
}

/// The word before pig Latin that is one once its letters are exchanged.
fn pig_under(word: &str, how: Transform) -> String {
    let all: Vec<String> = before_pig(word).collect();
    let found = all.iter().find(|before| is_word(&plain(before, how)));
    let ordered = || all.iter().max_by_key(|before| Order::of_start(&plain(before, how), usize::MAX).mean());
    found.or_else(ordered).cloned().unwrap_or_else(|| word.to_owned())
}

/// A word of pig Latin in plain: the consonants before the last "ay" go back to the front.
fn pig(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let Some(stem) = lower.strip_suffix("ay").filter(|s| !s.is_empty() && s.is_ascii()) else { return lower };
    let whole = |word: &str| Seen::of(word).is_some_and(|seen| seen.is_whole(word));
    let vowel_start = stem.strip_suffix('w').filter(|s| s.len() == 1 || whole(s));
    if let Some(plain) = vowel_start {
        return plain.to_owned();
    }
    let consonants =
        stem.bytes().rev().take_while(|b| !matches!(b, b'a' | b'e' | b'i' | b'o' | b'u')).count();
    let mut readings = (0..=consonants.min(stem.len() - 1)).rev().map(|taken| {
        let (rest, moved) = stem.split_at(stem.len() - taken);
        format!("{moved}{rest}")
    });
    // Some write "yay" behind a vowel.
    let other = stem.strip_suffix('y').filter(|s| whole(s)).map(str::to_owned);
    if let Some(plain) = readings.clone().find(|plain| whole(plain)).or(other) {
        return plain;
    }
    // A word of a language whose words are not known: as it is ordered best.
    let vowel_first = stem.strip_suffix('w').map(str::to_owned);
    let ordered = |plain: &String| Order::of_start(plain, usize::MAX).mean();
    readings.by_ref().chain(vowel_first).max_by_key(ordered).unwrap_or(lower)
}
