//! What can be done with the letters themselves: shifted, mirrored, turned round, replaced by digits, spaced out.

use std::sync::LazyLock;

use regex::Regex;

use super::pattern;
use crate::words::familiarity;

/// Shifted alphabets, the mirrored alphabet, and text that runs backwards: taken where it then reads
/// better.
pub(super) fn ciphers(text: &str) -> Vec<String> {
    let plain = familiarity(text);
    let better = |candidate: &String| familiarity(candidate) > plain.max(0.2);
    let letters = |map: &dyn Fn(u8) -> u8| -> String {
        let shifted = |c: char| match c {
            'a'..='z' | 'A'..='Z' => {
                let base = if c.is_ascii_lowercase() { b'a' } else { b'A' };
                char::from(base + map(u8::try_from(u32::from(c)).unwrap_or(base) - base))
            }
            other => other,
        };
        text.chars().map(shifted).collect()
    };
    let shifted = |text: &str, by: u8| text.chars().map(|c| shift(c, by)).collect::<String>();
    let mut out: Vec<String> =
        likely_shift(text).map(|by| shifted(text, by)).filter(better).into_iter().collect();
    out.extend(Some(shifted(text, 13)).filter(better));
    out.extend(Some(letters(&|l| 25 - l)).filter(better));
    // Part of a text may be enciphered, the rest telling how.
    for quoted in quotations(text) {
        for by in likely_shift(&quoted).into_iter().chain([13]) {
            let plain = shifted(&quoted, by);
            out.extend(Some(plain).filter(|p| familiarity(p) > familiarity(&quoted).max(0.3)));
        }
        let backwards: String = quoted.chars().rev().collect();
        out.extend(Some(backwards).filter(|b| familiarity(b) > familiarity(&quoted).max(0.3)));
    }
    out.extend(Some(text.chars().rev().collect::<String>()).filter(better));
    for line in text.lines().filter(|line| line.len() >= 12) {
        let backwards: String = line.chars().rev().collect();
        out.extend(Some(backwards).filter(|b| familiarity(b) > familiarity(line).max(0.3)));
        // Words in order, each backwards.
        let words: Vec<String> = line.split(' ').map(|word| word.chars().rev().collect::<String>()).collect();
        out.extend(Some(words.join(" ")).filter(|b| familiarity(b) > familiarity(line).max(0.3)));
    }
    out
}

/// By how much the alphabet was shifted, going by how often letters occur in English.
fn likely_shift(text: &str) -> Option<u8> {
    const OFTEN: [u32; 26] =
        [82, 15, 28, 43, 127, 22, 20, 61, 70, 2, 8, 40, 24, 67, 75, 19, 1, 60, 63, 91, 28, 10, 24, 2, 20, 1];
    let mut counts = [0_u32; 26];
    for byte in text.bytes().filter(u8::is_ascii_alphabetic) {
        if let Some(count) = counts.get_mut(usize::from(byte.to_ascii_lowercase() - b'a')) {
            *count = count.saturating_add(1);
        }
    }
    let fit = |by: &u8| -> u64 {
        let moved = counts.iter().cycle().skip(26 - usize::from(*by));
        moved.zip(OFTEN).map(|(count, often)| u64::from(*count) * u64::from(often)).sum()
    };
    (0..26).max_by_key(fit).filter(|by| *by != 0)
}

pub(super) fn shift(c: char, by: u8) -> char {
    let turn = |base: u8| char::from(base + (u8::try_from(u32::from(c)).unwrap_or(base) - base + by) % 26);
    match c {
        'a'..='z' => turn(b'a'),
        'A'..='Z' => turn(b'A'),
        other => other,
    }
}

fn quotations(text: &str) -> Vec<String> {
    static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r#""([^"\n]{8,400})"|'([^'\n]{8,400})'|`([^`\n]{8,400})`|:\s*([^:\n]{8,400})$"#)
    });
    QUOTED
        .captures_iter(text)
        .filter_map(|c| (1..=4).find_map(|i| c.get(i)).map(|m| m.as_str().to_owned()))
        .take(8)
        .collect()
}

/// Digits and signs that stand for letters.
pub(super) fn leet(text: &str) -> Option<String> {
    let mixed = text.split_whitespace().filter(|word| {
        word.chars().any(char::is_alphabetic)
            && word.chars().any(|c| c.is_ascii_digit() || "@$!|".contains(c))
    });
    if mixed.count() < 2 {
        return None;
    }
    let word = |word: &str| -> String {
        if word.contains('.') && word.contains('@') || word.contains("://") {
            return word.to_owned();
        }
        if !word.chars().any(char::is_alphabetic) && word.trim().len() > 1 {
            return word.to_owned();
        }
        let letter = |c: char| match c {
            '0' => 'o',
            '1' | '!' | '|' => 'i',
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' | '+' => 't',
            '8' => 'b',
            '9' => 'g',
            other => other,
        };
        word.chars().map(letter).collect()
    };
    let plain: String = text.split_inclusive(char::is_whitespace).map(word).collect();
    (familiarity(&plain) > familiarity(text)).then_some(plain)
}

/// Letters set apart by a sign, words by a wider gap.
pub(super) fn spaced(text: &str) -> Vec<String> {
    static RUN: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?:[\p{L}\p{N}_@.][ .\-_*|]{1,3}){6,}[\p{L}\p{N}]"));
    let join = |run: &str| -> Vec<String> {
        let Some(sign) = run.chars().nth(1) else { return Vec::new() };
        let wide = sign.to_string().repeat(2);
        let words =
            run.split(wide.as_str()).map(|word| word.chars().filter(|c| *c != sign).collect::<String>());
        let by_gap = words.collect::<Vec<_>>().join(" ");
        let spaces = run.split(' ').filter(|w| w.contains(sign) && sign != ' ');
        let by_space: Vec<String> = spaces.map(|w| w.chars().filter(|c| *c != sign).collect()).collect();
        vec![by_gap, by_space.join(" ")]
    };
    let mut out: Vec<String> = RUN.find_iter(text).flat_map(|run| join(run.as_str())).collect();
    let whole = RUN.replace_all(text, |found: &regex::Captures<'_>| {
        join(found.get(0).map_or("", |m| m.as_str())).into_iter().next().unwrap_or_default()
    });
    if whole != text {
        out.push(whole.into_owned());
    }
    out
}
