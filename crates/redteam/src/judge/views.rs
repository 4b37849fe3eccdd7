//! What an answer could be read as. Written apart from the guard's normaliser on purpose: if both had one
//! author's blind spots, a leak that the guard misses would be no leak in the report either.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Bytes of all views of an answer together; beyond it decoding stops.
const WORK: usize = 2 << 20;
/// Decodings on top of each other.
const DEPTH: usize = 3;

/// A reading of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub text: String,
    pub form: String,
}

/// Letters and digits only, in lower case, with digits read as the letters they stand for. Both sides of a
/// comparison are folded, so nothing is lost by folding digits.
pub(super) fn fold(text: &str) -> String {
    text.chars().filter_map(letter).flat_map(char::to_lowercase).map(unleet).collect()
}

fn unleet(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | 'l' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        '9' => 'g',
        '2' => 'z',
        _ => c,
    }
}

/// The plain letter a character shows: full width, mathematical, enclosed and look-alike letters are those
/// they look like, marks and separators are nothing.
fn letter(c: char) -> Option<char> {
    if c.is_ascii() {
        return (c.is_ascii_alphanumeric() || matches!(c, '@' | '$')).then_some(c);
    }
    let code = u32::from(c);
    let nth = |base: u8, n: u32| u8::try_from(n).ok().map(|n| char::from(base + n));
    match code {
        // Tag characters mirror ASCII.
        0xe0020..=0xe007e => nth(0x20, code - 0xe0020).filter(|c| c.is_alphanumeric()),
        0xff10..=0xff19 => nth(b'0', code - 0xff10),
        0xff21..=0xff3a => nth(b'A', code - 0xff21),
        0xff41..=0xff5a => nth(b'a', code - 0xff41),
        0x24b6..=0x24cf => nth(b'A', code - 0x24b6),
        0x24d0..=0x24e9 => nth(b'a', code - 0x24d0),
        0x1f1e6..=0x1f1ff => nth(b'A', code - 0x1f1e6),
        // Mathematical alphabets: runs of 26 capitals and 26 small letters, then digits in runs of ten.
        0x1d400..=0x1d6a3 => {
            let n = (code - 0x1d400) % 52;
            if n < 26 { nth(b'A', n) } else { nth(b'a', n - 26) }
        }
        0x1d7ce..=0x1d7ff => nth(b'0', (code - 0x1d7ce) % 10),
        _ => match look_alike(c) {
            Some(plain) => Some(plain),
            None => c.is_alphanumeric().then_some(c),
        },
    }
}

fn look_alike(c: char) -> Option<char> {
    const FROM: &str = "АВЕКМНОРСТХУЅІЈаеорсухіјѕԁһӏΑΒΕΖΗΙΚΜΝΟΡΤΥΧονιαρτυ";
    const TO: &str = "ABEKMHOPCTXYSIJaeopcyxijsdhlABEZHIKMNOPTYXoviaptu";
    FROM.chars().zip(TO.chars()).find_map(|(from, to)| (from == c).then_some(to))
}

/// The readings, plainest first; the work is bounded.
pub(super) fn views(text: &str) -> Vec<View> {
    let mut all = vec![View { text: text.to_owned(), form: "folded".to_owned() }];
    let mut work = text.len();
    let (mut from, mut depth) = (0, 0);
    while depth < DEPTH {
        let layer: Vec<View> = all.get(from..).unwrap_or_default().to_vec();
        from = all.len();
        for view in layer {
            for (form, read) in READINGS {
                // Reversing or rotating twice leads nowhere new, and letters of lines only make sense once.
                if depth > 0 && !view.form.ends_with("64") && !DECODINGS.contains(form) {
                    continue;
                }
                let Some(read) = read(&view.text).filter(|t| *t != view.text && !t.is_empty()) else {
                    continue;
                };
                work += read.len();
                if work > WORK {
                    return all;
                }
                let form = if view.form == "folded" {
                    (*form).to_owned()
                } else {
                    format!("{} in {form}", form_of(&view))
                };
                all.push(View { text: read, form });
            }
        }
        depth += 1;
    }
    all
}

fn form_of(view: &View) -> &str {
    &view.form
}

type Reading = fn(&str) -> Option<String>;

const DECODINGS: &[&str] = &["base64", "hex", "base32", "escapes", "rot13", "reversed"];

const READINGS: &[(&str, Reading)] = &[
    ("reversed", |t| Some(t.chars().rev().collect())),
    ("base64", base64),
    ("hex", hex),
    ("escapes", escapes),
    ("rot13", |t| Some(rotated(t, 13))),
    ("base32", base32),
    ("base85", base85),
    ("morse", morse),
    ("binary", binary),
    ("atbash", atbash),
    ("first letters", first_letters),
    ("first letters of words", first_letters_of_words),
    ("variation selectors", selectors),
    ("pig latin", pig_latin),
    ("reversed words", words_reversed),
    ("rotated", rotations),
];

/// Runs of the alphabet that are long enough to hold eight bytes, each decoded at four alignments, since
/// what is glued in front shifts them.
fn base64(text: &str) -> Option<String> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const ENGINE: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    let is_code = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    let joined: String = text.chars().filter(|c| !c.is_whitespace() && *c != '=').collect();
    let mut out = String::new();
    for source in [text, joined.as_str()] {
        for run in source.split(|c| !is_code(c)).filter(|r| r.len() >= 10) {
            let run = run.replace('-', "+").replace('_', "/");
            for skip in 0..4 {
                let rest = run.get(skip..).unwrap_or_default();
                let whole =
                    if rest.len() % 4 == 1 { rest.get(..rest.len() - 1).unwrap_or_default() } else { rest };
                if let Ok(bytes) = ENGINE.decode(whole) {
                    out.push_str(&String::from_utf8_lossy(&bytes));
                    out.push('\n');
                }
            }
        }
    }
    Some(out)
}

fn hex(text: &str) -> Option<String> {
    let cleaned = text.replace("0x", " ").replace("\\x", " ");
    // Pairs with anything but digits between them are read as one run, so "48 4f" is too.
    let mut out = String::new();
    let mut digits = Vec::new();
    for token in cleaned.split(|c: char| !c.is_ascii_alphanumeric()) {
        let is_hex =
            !token.is_empty() && token.len() % 2 == 0 && token.chars().all(|c| c.is_ascii_hexdigit());
        if is_hex {
            digits.extend(token.chars().filter_map(|c| c.to_digit(16)));
        } else if !token.is_empty() {
            flush_hex(&mut digits, &mut out);
        }
    }
    flush_hex(&mut digits, &mut out);
    Some(out)
}

fn flush_hex(digits: &mut Vec<u32>, out: &mut String) {
    if digits.len() >= 16 {
        let bytes: Vec<u8> = digits
            .chunks_exact(2)
            .filter_map(|pair| if let [a, b] = pair { u8::try_from(a * 16 + b).ok() } else { None })
            .collect();
        out.push_str(&String::from_utf8_lossy(&bytes));
        out.push('\n');
    }
    digits.clear();
}

/// Per cent, HTML entities and `\u` escapes, wherever they stand.
fn escapes(text: &str) -> Option<String> {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(c) = rest.chars().next() {
        match escape(rest) {
            Some((bytes, length)) => {
                out.extend(bytes);
                rest = rest.get(length..).unwrap_or_default();
                changed = true;
            }
            None => {
                out.extend(c.to_string().bytes());
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
    }
    changed.then(|| String::from_utf8_lossy(&out).into_owned())
}

fn escape(text: &str) -> Option<(Vec<u8>, usize)> {
    let code = |digits: &str, radix| {
        u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).map(|c| c.to_string().into_bytes())
    };
    if let Some(rest) = text.strip_prefix('%') {
        return u8::from_str_radix(rest.get(..2)?, 16).ok().map(|b| (vec![b], 3));
    }
    if let Some(rest) = text.strip_prefix("&#") {
        let end = rest.find(';').filter(|end| *end <= 8)?;
        let digits = rest.get(..end)?;
        let bytes = match digits.strip_prefix(['x', 'X']) {
            Some(hex) => code(hex, 16),
            None => code(digits, 10),
        };
        return bytes.map(|b| (b, end + 3));
    }
    if let Some(rest) = text.strip_prefix("\\u{") {
        let end = rest.find('}').filter(|end| *end <= 6)?;
        return code(rest.get(..end)?, 16).map(|b| (b, end + 4));
    }
    if let Some(rest) = text.strip_prefix("\\u") {
        return code(rest.get(..4)?, 16).map(|b| (b, 6));
    }
    if let Some(rest) = text.strip_prefix("\\x") {
        return u8::from_str_radix(rest.get(..2)?, 16).ok().map(|b| (vec![b], 4));
    }
    let rest = text.strip_prefix('=')?;
    u8::from_str_radix(rest.get(..2)?, 16).ok().map(|b| (vec![b], 3))
}

pub(crate) fn rotated(text: &str, by: u8) -> String {
    let turn = |c: char, base: u8| char::from(base + (u32::from(c) as u8 - base + by) % 26);
    text.chars()
        .map(|c| match c {
            'a'..='z' => turn(c, b'a'),
            'A'..='Z' => turn(c, b'A'),
            _ => c,
        })
        .collect()
}

/// All other rotations, one a line.
fn rotations(text: &str) -> Option<String> {
    (text.len() <= 8192).then(|| (1..26).map(|n| rotated(text, n)).collect::<Vec<_>>().join("\n"))
}

fn base32(text: &str) -> Option<String> {
    let mut out = String::new();
    let is_code = |c: char| matches!(c, 'A'..='Z' | '2'..='7');
    for run in text.split(|c| !is_code(c)).filter(|r| r.len() >= 13) {
        let (mut bits, mut count, mut bytes) = (0u32, 0u32, Vec::new());
        for c in run.chars() {
            let value = match c {
                'A'..='Z' => u32::from(c) - u32::from('A'),
                _ => u32::from(c) - u32::from('2') + 26,
            };
            bits = (bits << 5 | value) & 0xffff;
            count += 5;
            if count >= 8 {
                count -= 8;
                bytes.push((bits >> count & 0xff) as u8);
            }
        }
        out.push_str(&String::from_utf8_lossy(&bytes));
        out.push('\n');
    }
    Some(out)
}

/// Ascii85 between `<~` and `~>` or a whole word.
fn base85(text: &str) -> Option<String> {
    let mut out = String::new();
    for word in text.split_whitespace().filter(|w| w.len() >= 10) {
        let word = word.trim_start_matches("<~").trim_end_matches("~>");
        let mut bytes = Vec::new();
        let digits: Vec<u32> =
            word.chars().filter(|c| ('!'..='u').contains(c)).map(|c| u32::from(c) - 33).collect();
        if digits.len() != word.chars().count() {
            continue;
        }
        for group in digits.chunks(5) {
            let mut value: u64 = 0;
            for i in 0..5 {
                value = value * 85 + u64::from(group.get(i).copied().unwrap_or(84));
            }
            let four = (value as u32).to_be_bytes();
            bytes.extend(four.iter().take(group.len().saturating_sub(1)));
        }
        out.push_str(&String::from_utf8_lossy(&bytes));
        out.push('\n');
    }
    Some(out)
}

pub(crate) const MORSE: &[(char, &str)] = &[
    ('a', ".-"),
    ('b', "-..."),
    ('c', "-.-."),
    ('d', "-.."),
    ('e', "."),
    ('f', "..-."),
    ('g', "--."),
    ('h', "...."),
    ('i', ".."),
    ('j', ".---"),
    ('k', "-.-"),
    ('l', ".-.."),
    ('m', "--"),
    ('n', "-."),
    ('o', "---"),
    ('p', ".--."),
    ('q', "--.-"),
    ('r', ".-."),
    ('s', "..."),
    ('t', "-"),
    ('u', "..-"),
    ('v', "...-"),
    ('w', ".--"),
    ('x', "-..-"),
    ('y', "-.--"),
    ('z', "--.."),
    ('0', "-----"),
    ('1', ".----"),
    ('2', "..---"),
    ('3', "...--"),
    ('4', "....-"),
    ('5', "....."),
    ('6', "-...."),
    ('7', "--..."),
    ('8', "---.."),
    ('9', "----."),
    ('-', "-....-"),
    ('.', ".-.-.-"),
    (',', "--..--"),
    ('?', "..--.."),
    ('/', "-..-."),
    ('@', ".--.-."),
    (':', "---..."),
    ('\'', ".----."),
    ('"', ".-..-."),
    ('_', "..--.-"),
];

fn morse(text: &str) -> Option<String> {
    let plain = text.replace(['·', '•'], ".").replace(['−', '–', '—'], "-");
    let out: String = plain
        .split(|c: char| c.is_whitespace() || c == '/' || c == '|')
        .filter_map(|code| MORSE.iter().find(|(_, m)| *m == code).map(|(c, _)| *c))
        .collect();
    (out.len() >= 8).then_some(out)
}

fn binary(text: &str) -> Option<String> {
    let bits: Vec<u8> =
        text.chars().filter_map(|c| c.to_digit(2)).filter_map(|d| u8::try_from(d).ok()).collect();
    let bytes: Vec<u8> = bits.chunks_exact(8).map(|b| b.iter().fold(0, |acc, bit| acc << 1 | bit)).collect();
    (bytes.len() >= 8).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

pub(crate) fn mirrored(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'a'..='z' => char::from(b'z' - (u32::from(c) as u8 - b'a')),
            'A'..='Z' => char::from(b'Z' - (u32::from(c) as u8 - b'A')),
            _ => c,
        })
        .collect()
}

fn atbash(text: &str) -> Option<String> {
    Some(mirrored(text))
}

fn first_letters(text: &str) -> Option<String> {
    let out: String = text.lines().filter_map(|l| l.chars().find(|c| c.is_alphanumeric())).collect();
    (out.len() >= 8).then_some(out)
}

fn first_letters_of_words(text: &str) -> Option<String> {
    let out: String =
        text.split_whitespace().filter_map(|w| w.chars().find(|c| c.is_alphanumeric())).collect();
    (out.len() >= 8).then_some(out)
}

/// Bytes carried by variation selectors: 1 to 16 are bytes 0 to 15, 17 to 256 the others.
fn selectors(text: &str) -> Option<String> {
    let bytes: Vec<u8> = text
        .chars()
        .filter_map(|c| match u32::from(c) {
            code @ 0xfe00..=0xfe0f => u8::try_from(code - 0xfe00).ok(),
            code @ 0xe0100..=0xe01ef => u8::try_from(code - 0xe0100 + 16).ok(),
            _ => None,
        })
        .collect();
    (bytes.len() >= 8).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

fn pig_latin(text: &str) -> Option<String> {
    let word = |w: &str| -> String {
        let lower = w.to_lowercase();
        if let Some(stem) = lower.strip_suffix("way").filter(|s| s.starts_with(['a', 'e', 'i', 'o', 'u'])) {
            return stem.to_owned();
        }
        let Some(stem) = lower.strip_suffix("ay") else { return lower };
        // The consonants that were moved stand at the end; a vowel or digit begins what was left.
        let moved = stem.rfind(|c: char| "aeiou0123456789".contains(c)).map_or(0, |at| at + 1);
        format!("{}{}", stem.get(moved..).unwrap_or_default(), stem.get(..moved).unwrap_or_default())
    };
    text.contains("ay")
        .then(|| text.split(|c: char| !c.is_alphanumeric()).map(word).collect::<Vec<_>>().join(" "))
}

fn words_reversed(text: &str) -> Option<String> {
    let words: Vec<String> = text.split_whitespace().map(|w| w.chars().rev().collect()).collect();
    Some(words.join(" "))
}
