//! Characters written as numbers: decimal, octal and binary code points, and letters by their place in the
//! alphabet.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use super::order::is_encoded;
use super::pairs::Order;
use super::scan::{Piece, Scan, sign};
use super::spacing::is_coded;
use super::words::{Likeness, divided};
use super::{Reading, Transform, computer_braille, plausible, spelled, surrogates, word_ends};

/// Fewest numbers of a list.
const LEAST: usize = 6;
/// A list of these is one of years, and no text in a script that few write.
const YEARS: RangeInclusive<u32> = 1800..=2100;
/// Most numbers of a list that are read.
const MOST: usize = 8192;
/// Pairs of letters by whose order language is told where no words are known, and that order in hundredths of a level.
const LEAST_PAIRS: u32 = 24;
const CLEAR: u32 = 780;
/// The same without spaces between words.
const TOGETHER: u32 = 690;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let digits: usize = (b'0'..=b'9').map(|d| scan.has(d)).sum();
    if digits < LEAST + 2 {
        return;
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    lists(scan, |span, numbers| match text_of(numbers).or_else(|| backwards(numbers)) {
        Some(text) => edits.push((span, text)),
        None => {
            let guess = any_cells(numbers);
            readings.extend(guess.map(|text| Reading::guess(Transform::CodePoints, vec![(span, text)])));
        }
    });
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::CodePoints, edits));
    }
}

/// A number of a list, and what stands between it and the one before it.
#[derive(Debug, Clone, Copy)]
struct Number<'t> {
    gap: &'t str,
    digits: &'t str,
}

/// Calls `found` with lists of numbers, apart by no more than a few signs, or all by the same, and where they stand.
fn lists<'t>(scan: &Scan<'t>, mut found: impl FnMut(Range<usize>, &[Number<'t>])) {
    let text = scan.text;
    let bytes = text.as_bytes();
    let mut numbers: Vec<Number<'t>> = Vec::new();
    let mut span = 0..0;
    let is_list =
        |numbers: &[Number<'t>]| numbers.len() >= LEAST || numbers.iter().any(|n| n.digits.len() >= 32);
    let mut close = |span: Range<usize>, numbers: &[Number<'t>]| {
        if is_list(numbers) {
            found(span, numbers);
        }
    };
    let numbered = scan.odd().filter(|piece| piece.has(sign::DIGIT)).map(Piece::whole);
    let starts = numbered.flat_map(|piece| {
        let inside = bytes.get(piece.clone()).unwrap_or_default().iter().enumerate();
        let mut in_number = false;
        inside.filter_map(move |(at, b)| {
            let starts = b.is_ascii_digit() && !in_number;
            in_number = b.is_ascii_digit();
            starts.then_some(piece.start + at)
        })
    });
    for start in starts {
        let length = bytes.get(start..).map_or(0, |b| b.iter().take_while(|b| b.is_ascii_digit()).count());
        let at = start + length;
        // What is behind the zero are the digits: `0b1101`, `0o154`.
        let (start, length, prefix) = match bytes.get(start..at + 1) {
            Some([b'0', b'b' | b'B' | b'o']) => {
                let start = at + 1;
                let digits = bytes.get(start..).unwrap_or_default();
                (start, digits.iter().take_while(|b| b.is_ascii_digit()).count(), 2)
            }
            _ => (start, length, 0),
        };
        let (at, begin) = (start + length, start - prefix);
        if length == 0 || begin < span.end {
            continue;
        }
        let attached = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphabetic() || *b >= 0x80);
        if attached(begin.checked_sub(1).and_then(|i| bytes.get(i))) || attached(bytes.get(at)) {
            continue;
        }
        let Some(digits) = text.get(start..at) else { continue };
        let gap = text.get(span.end..begin).unwrap_or_default();
        // `chr(105)+chr(103)`: whatever stands between the first two stands between all.
        let goes_on = match numbers.as_slice() {
            [] => false,
            [_] => is_gap(gap) || is_call(gap),
            [_, second, ..] => (is_gap(gap) && is_gap(second.gap)) || gap == second.gap,
        };
        if !goes_on || numbers.len() == MOST {
            close(span.clone(), &numbers);
            // The last one may be the first of another list.
            let last = numbers.pop().filter(|_| !is_list(&numbers) && is_gap(gap) && !numbers.is_empty());
            numbers.clear();
            span = match last {
                Some(last) => {
                    numbers.push(Number { gap: "", ..last });
                    span.end - last.digits.len()..span.end
                }
                None => begin..at,
            };
        }
        span.end = at;
        numbers.push(Number { gap: if numbers.is_empty() { "" } else { gap }, digits });
    }
    close(span, &numbers);
}

fn is_gap(gap: &str) -> bool {
    gap.len() <= 4
        && gap.bytes().all(|b| {
            b.is_ascii_whitespace()
                || matches!(b, b',' | b';' | b'-' | b'/' | b'|' | b':' | b'.' | b'_' | b'"' | b'\'')
        })
}

/// Whether it stands between the arguments of a call that is made again and again.
fn is_call(gap: &str) -> bool {
    const LONGEST: usize = 24;
    let opens = |sign: u8| matches!(sign, b'(' | b'[' | b'{' | b']');
    gap.len() <= LONGEST
        && gap.starts_with([')', ']', '}', '+', '.', '&', '|', ' ', ','])
        && gap.bytes().next_back().is_some_and(opens)
}

/// What a list says that was turned round as a whole, from its end on: the digits of its numbers stand backwards, too.
fn backwards(numbers: &[Number<'_>]) -> Option<String> {
    /// Fewest numbers, and most: lists of years, sizes and places have something to say to nobody.
    const FEWEST: usize = 16;
    const LONGEST: usize = 3;
    let is_code = |number: &Number<'_>| number.digits.len() <= LONGEST;
    if numbers.len() < FEWEST || !numbers.iter().all(is_code) || numbers.iter().all(|n| n.digits.len() == 1) {
        return None;
    }
    let turned: Vec<String> = numbers.iter().map(|number| number.digits.chars().rev().collect()).collect();
    let gaps = std::iter::once("").chain(numbers.iter().rev().map(|number| number.gap));
    let numbers: Vec<Number<'_>> =
        turned.iter().rev().zip(gaps).map(|(digits, gap)| Number { gap, digits }).collect();
    text_of(&numbers)
}

fn text_of(numbers: &[Number<'_>]) -> Option<String> {
    let digits: Vec<&str> = numbers.iter().map(|n| n.digits).collect();
    let binary = digits.iter().all(|n| n.bytes().all(|b| matches!(b, b'0' | b'1')));
    if binary {
        let bytes = |digits: &str| digits.len() / 8;
        return binary_text(digits.concat(), &digits)
            .map(|text| {
                let whole = digits.iter().all(|n| n.len().is_multiple_of(8));
                if whole { in_words(text, numbers, |_, n| bytes(n)) } else { text }
            })
            .or_else(|| {
                // Digits backwards are bytes backwards, the last one first.
                binary_text(digits.concat().chars().rev().collect(), &digits)
            })
            .or_else(|| {
                // Each may be turned by itself.
                let turned: Vec<String> =
                    digits.iter().map(|number| number.chars().rev().collect()).collect();
                binary_text(turned.concat(), &digits)
            });
    }
    let radix = |radix: u32| -> Option<Vec<u32>> {
        digits.iter().map(|n| (n.len() <= 7).then(|| u32::from_str_radix(n, radix).ok()).flatten()).collect()
    };
    let chars = |codes: Vec<u32>| -> Option<String> {
        if codes.iter().all(|code| YEARS.contains(code)) {
            return None;
        }
        let text = surrogates::text(&codes)?;
        let odd = text.chars().any(|c| c.is_control() && !c.is_whitespace());
        let length = |c: Option<char>, _: &str| c.map_or(0, char::len_utf8);
        (!odd && plausible::is_telling(&text)).then(|| in_words(text, numbers, length))
    };
    // Bytes of characters outside ASCII: chance brings no few of them together.
    let bytes = |codes: Vec<u32>| -> Option<String> {
        let bytes: Vec<u8> = codes.into_iter().map(|code| u8::try_from(code).ok()).collect::<Option<_>>()?;
        if bytes.is_ascii() {
            return None;
        }
        plausible::text(&bytes).map(|text| in_words(text, numbers, |_, _| 1))
    };
    radix(10)
        .and_then(bytes)
        .or_else(|| radix(8).and_then(bytes))
        .or_else(|| radix(10).and_then(chars))
        .or_else(|| radix(8).and_then(chars))
        .or_else(|| places(numbers))
        .or_else(|| radix(10).and_then(|codes| moved(&codes)))
        .or_else(|| squares(numbers))
        .or_else(|| presses(numbers))
        .or_else(|| cells(numbers))
        .or_else(|| {
            // Pairs of hexadecimal digits that happen to be digits all are the hexadecimal reader's.
            radix(16).filter(|_| digits.iter().all(|n| n.len() == 2)).and_then(chars)
        })
}

fn binary_text(joined: String, numbers: &[&str]) -> Option<String> {
    let widths: &[usize] = match numbers.iter().map(|n| n.len()).collect::<Vec<_>>().as_slice() {
        sizes if sizes.len() > 1 && sizes.iter().all(|s| *s == 7) => &[7],
        _ => &[8, 7],
    };
    widths.iter().find_map(|width| {
        let chunks = joined.as_bytes().chunks_exact(*width);
        let bytes: Vec<u8> = chunks.map(|bits| bits.iter().fold(0u8, |n, b| n << 1 | (b & 1))).collect();
        (bytes.len() >= 4).then(|| plausible::text(&bytes)).flatten()
    })
}

/// Codes to each of which the same number was added, or from which it was taken.
fn moved(codes: &[u32]) -> Option<String> {
    const MOST: i32 = 64;
    const LEAST: usize = 24;
    const SAMPLE: usize = 80;
    if codes.len() < LEAST {
        return None;
    }
    let text = |codes: &[u32], by: i32| -> Option<String> {
        codes.iter().map(|code| code.checked_add_signed(by).and_then(char::from_u32)).collect()
    };
    let order = |by: i32| -> Option<(u32, i32)> {
        let start = text(codes.get(..codes.len().min(SAMPLE))?, by)?;
        let odd = start.chars().any(|c| c.is_control() && !c.is_whitespace());
        let order = Order::of_start(&start, SAMPLE);
        (!odd && order.has_words() && order.mean() >= CLEAR).then_some((order.mean(), by))
    };
    let (_, by) = (1..=MOST).flat_map(|by| [by, -by]).filter_map(order).max_by_key(|(mean, _)| *mean)?;
    text(codes, by)
}

/// 9-7-14-15-18-5: one is A.
fn places(numbers: &[Number<'_>]) -> Option<String> {
    let letter = |n: &str| match n.parse::<u8>().ok()? {
        0 | 27 => Some(' '),
        n @ 1..=26 => Some(char::from(b'a' + n - 1)),
        _ => None,
    };
    let letters: Vec<char> = numbers.iter().map(|n| letter(n.digits)).collect::<Option<_>>()?;
    words(numbers, &letters)
}

/// 24-22-33: the row and the column of a letter in a square of five by five, which has no j, or no k.
fn squares(numbers: &[Number<'_>]) -> Option<String> {
    const SQUARE: std::ops::RangeInclusive<u8> = b'1'..=b'5';
    if !numbers.iter().all(|n| n.digits.bytes().all(|b| SQUARE.contains(&b))) {
        return None;
    }
    // Row and column together, or each a number of its own, as they are knocked on a wall.
    let (pairs, gaps): (Vec<[u8; 2]>, Vec<Number<'_>>) = if numbers.iter().all(|n| n.digits.len() == 2) {
        numbers.iter().filter_map(|n| Some((n.digits.as_bytes().first_chunk().copied()?, *n))).unzip()
    } else if numbers.iter().all(|n| n.digits.len() == 1) && numbers.len().is_multiple_of(2) {
        fn pair<'t>(pair: &[Number<'t>]) -> Option<([u8; 2], Number<'t>)> {
            let [row, column] = pair else { return None };
            Some(([*row.digits.as_bytes().first()?, *column.digits.as_bytes().first()?], *row))
        }
        numbers.chunks(2).filter_map(pair).unzip()
    } else {
        return None;
    };
    let pairs: Vec<[u8; 2]> = pairs.into_iter().map(|[row, column]| [row - b'0', column - b'0']).collect();
    squares_of(&pairs).find_map(|letters| words(&gaps, &letters.chars().collect::<Vec<char>>()))
}

/// The letters at rows and columns, from one to five, of a square without j, and of one without k.
pub(super) fn squares_of(places: &[[u8; 2]]) -> impl Iterator<Item = String> {
    let [without_j, without_k]: [&[u8; 25]; 2] = [b"abcdefghiklmnopqrstuvwxyz", b"abcdefghijlmnopqrstuvwxyz"];
    [without_j, without_k].into_iter().filter_map(|square| {
        let letter = |[row, column]: &[u8; 2]| {
            let inside = (1..=5).contains(row) && (1..=5).contains(column);
            let place = usize::from(row.checked_sub(1)?) * 5 + usize::from(column.checked_sub(1)?);
            square.get(place).filter(|_| inside).copied().map(char::from)
        };
        places.iter().map(letter).collect()
    })
}

/// 444 4 66 666 777 33: a key of a telephone, pressed until its letter comes.
fn presses(numbers: &[Number<'_>]) -> Option<String> {
    const KEYS: [&[u8]; 10] = [b" ", b".", b"abc", b"def", b"ghi", b"jkl", b"mno", b"pqrs", b"tuv", b"wxyz"];
    let letter = |n: &str| {
        let digit = n.bytes().next()?;
        if !n.bytes().all(|b| b == digit) {
            return None;
        }
        KEYS.get(usize::from(digit - b'0'))?.get(n.len() - 1).copied().map(char::from)
    };
    let letters: Vec<char> = numbers.iter().map(|n| letter(n.digits)).collect::<Option<_>>()?;
    words(numbers, &letters)
}

/// 15-1345 or `1-5 1-3-4-5`: the dots of cells of Braille.
fn cells(numbers: &[Number<'_>]) -> Option<String> {
    let mut cells: Vec<(String, Number<'_>)> = Vec::new();
    let dots = numbers.iter().all(|n| n.digits.len() == 1);
    for number in numbers {
        match cells.last_mut() {
            Some((cell, _)) if dots && number.gap == "-" => cell.push_str(number.digits),
            _ => cells.push((number.digits.to_owned(), *number)),
        }
    }
    grade_one(&cells).or_else(|| {
        let sign = |(cell, _): &(String, Number<'_>)| match cell.as_str() {
            "0" => Some(' '),
            dots => spelled::cell_of_dots(dots).map(computer_braille::sign),
        };
        let signs: Vec<char> = cells.iter().map(sign).collect::<Option<_>>()?;
        let gaps: Vec<Number<'_>> = cells.iter().map(|(_, number)| *number).collect();
        words(&gaps, &signs).or_else(|| coded(&gaps, &signs))
    })
}

/// What dots of cells say that may be no language, if they are so many and so different that numbers of anything else are not.
fn any_cells(numbers: &[Number<'_>]) -> Option<String> {
    const NUMBERS: usize = 32;
    const DIFFERENT: usize = 8;
    if numbers.len() < NUMBERS {
        return None;
    }
    let mut dots: Vec<&str> = numbers.iter().map(|number| number.digits).collect();
    let many = dots.iter().filter(|dots| dots.len() >= 3).count() * 3 >= dots.len();
    if !many || !dots.iter().all(|dots| spelled::cell_of_dots(dots).is_some()) {
        return None;
    }
    dots.sort_unstable();
    dots.dedup();
    let cells: Vec<(String, Number<'_>)> =
        numbers.iter().map(|number| (number.digits.to_owned(), *number)).collect();
    let (gaps, letters) = letters_of_grade_one(&cells).filter(|_| dots.len() >= DIFFERENT)?;
    Some(joined(&gaps, &letters))
}

/// What cells say that stand for letters each, and for figures behind the sign for numbers.
fn grade_one(cells: &[(String, Number<'_>)]) -> Option<String> {
    let (gaps, letters) = letters_of_grade_one(cells)?;
    words(&gaps, &letters).or_else(|| coded(&gaps, &letters))
}

/// The letters of such cells, and the gaps between them.
fn letters_of_grade_one<'t>(cells: &[(String, Number<'t>)]) -> Option<(Vec<Number<'t>>, Vec<char>)> {
    // What stands before a cell and says nothing by itself leaves it the gap before both.
    let (mut letters, mut gaps, mut waiting, mut number) = (String::new(), Vec::new(), None, false);
    for (cell, of) in cells {
        let gap = waiting.take().unwrap_or(of.gap);
        if *cell != "0" && spelled::says_nothing(cell) {
            (waiting, number) = (Some(gap), cell == "3456");
            continue;
        }
        let letter = if cell == "0" { ' ' } else { spelled::letter_of_dots(cell)? };
        number &= matches!(letter, 'a'..='j');
        letters.push(match letter {
            'a'..='i' if number => char::from(b'1' + (letter as u8 - b'a')),
            'j' if number => '0',
            _ => letter,
        });
        gaps.push(Number { gap, digits: of.digits });
    }
    Some((gaps, letters.chars().collect()))
}

/// What numbers say, in words where a gap between them tells where those end. `bytes` tells how many bytes of the text a
/// number is, which its character tells or its digits.
fn in_words(text: String, numbers: &[Number<'_>], bytes: impl Fn(Option<char>, &str) -> usize) -> String {
    let gaps = numbers.iter().skip(1).map(|n| n.gap.as_bytes()).chain([&b""[..]]);
    let mut end = 0;
    let groups = numbers.iter().zip(gaps).map(|(number, gap)| {
        end += bytes(text.get(end..).and_then(|rest| rest.chars().next()), number.digits);
        (end, gap)
    });
    let groups: Vec<(usize, &[u8])> = groups.collect();
    word_ends::in_words(&text, &groups).filter(|_| end == text.len()).unwrap_or(text)
}

/// Letters and figures that are an encoding.
fn coded(numbers: &[Number<'_>], letters: &[char]) -> Option<String> {
    let text = joined(numbers, letters);
    (is_encoded(&text) || is_coded(&text)).then_some(text)
}

/// Letters as words, if they are: one gap stands between most letters, and another one between words.
fn words(numbers: &[Number<'_>], letters: &[char]) -> Option<String> {
    let text = joined(numbers, letters);
    if Likeness::of(text.as_bytes()).is_language() {
        return Some(text);
    }
    // Of languages in which no word is known, the order of letters speaks.
    let order = Order::of_start(&text, usize::MAX);
    if order.pairs >= LEAST_PAIRS && order.has_words() && order.mean() >= CLEAR {
        return Some(text);
    }
    // From its end to its beginning another reader takes it on.
    let backwards: String = text.chars().rev().collect();
    if Likeness::of(backwards.as_bytes()).is_language() {
        return Some(text);
    }
    let letters: String = letters.iter().collect();
    let may_be = Order::of_start(&letters, 480).mean() >= TOGETHER;
    if may_be { divided(&letters) } else { None }
}

/// Letters with a space wherever another gap stands than between most.
fn joined(numbers: &[Number<'_>], letters: &[char]) -> String {
    let mut gaps: BTreeMap<&str, usize> = BTreeMap::new();
    for number in numbers.iter().skip(1) {
        *gaps.entry(number.gap).or_default() += 1;
    }
    let usual = gaps
        .into_iter()
        .max_by_key(|(gap, count)| (*count, std::cmp::Reverse(gap.len())))
        .map(|(gap, _)| gap);
    let mut text = String::with_capacity(letters.len() * 5 / 4);
    for (at, (number, letter)) in numbers.iter().zip(letters).enumerate() {
        if at > 0 && Some(number.gap) != usual {
            text.push(' ');
        }
        text.push(*letter);
    }
    text
}
