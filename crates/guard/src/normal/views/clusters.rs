//! Letters with the marks on them, which stay together when a text is turned round: a reader sees `मि` as one sign, and so
//! do most programs (Unicode Standard Annex 29; Annex 9, rule L3, for what a direction override shows).

use std::collections::HashSet;
use std::sync::LazyLock;

use memchr::memchr_iter;

/// Common Hindi words of two signs or more. Few pairs of letters in a row tell which way round Hindi is, for a sign
/// has two of them in it that stay as they are.
const HINDI: &str = "और पर नहीं लिए एक यह वह इस उस अपने अपनी अपना सभी आप आपको आपके इसे उसे बाद साथ किया गया गई गए करें कर करने करना \
करता करती करते होता होती होते होने होगा होगी रहा रही रहे सकता सकती सकते तक बहुत कुछ कोई अब जब तब यहाँ वहाँ हम तुम तुम्हें तुम्हारे मुझे मेरे मेरी मेरा \
हमारे हमारी इसके उसके इसका उसका इसकी किसी दिया दिए देना लेकिन अगर जैसे पहले ऊपर नीचे दिन समय बात काम लोग निर्देश निर्देशों सब फिर बिना केवल सिर्फ वाले वाला \
वाली अभी इसलिए क्या कभी यदि बताओ लिखो भेजो भेजें चाहिए हुआ हुई हुए दोनों अनदेखा उन्हें इन्हें पूरा पूरी हर घर";

static WORDS: LazyLock<HashSet<String>> =
    LazyLock::new(|| HINDI.split_ascii_whitespace().map(without_dots).collect());

/// Whether a character is a mark of an Indic script that belongs to the letter before it: a vowel sign, a nasal, what
/// takes a consonant its vowel.
pub(super) const fn is_mark(c: char) -> bool {
    if !matches!(c, '\u{900}'..='\u{d7f}') {
        return false;
    }
    // Unicode gives all of these scripts the same places.
    matches!(c as u32 & 0x7f, 0x00..=0x03 | 0x3a..=0x3c | 0x3e..=0x4f | 0x51..=0x57 | 0x62..=0x63)
}

/// The characters of a text without marks that stand on one of them.
pub(super) fn bases(text: &str) -> impl Iterator<Item = char> {
    let mut before = false;
    text.chars().filter(move |c| {
        let is_mark = !c.is_ascii() && is_mark(*c);
        let stands = is_mark && before;
        before = is_mark || !c.is_ascii() || c.is_ascii_alphanumeric();
        !stands
    })
}

/// A text from its end to its beginning.
pub(super) fn turned(text: &str) -> String {
    if text.is_ascii() || !text.contains(is_mark) || is_stranded(text) {
        return text.chars().rev().collect();
    }
    let mut turned = String::with_capacity(text.len());
    let mut end = text.len();
    for (at, c) in text.char_indices().rev() {
        if !is_mark(c) {
            turned.push_str(text.get(at..end).unwrap_or_default());
            end = at;
        }
    }
    turned.push_str(text.get(..end).unwrap_or_default());
    turned
}

/// Whether a mark stands where no letter is before it, or the sign of a nasal before that of a vowel: the text was turned
/// round mark by mark.
fn is_stranded(text: &str) -> bool {
    let is_nasal = |c: char| is_mark(c) && matches!(u32::from(c) & 0x7f, 0x00..=0x03);
    let is_vowel = |c: char| is_mark(c) && matches!(u32::from(c) & 0x7f, 0x3e..=0x4c);
    let before = std::iter::once(' ').chain(text.chars());
    before.zip(text.chars()).any(|(before, c)| {
        is_mark(c) && !is_mark(before) && !before.is_alphabetic() || is_nasal(before) && is_vowel(c)
    })
}

/// Whether the words of a Hindi text speak for reading it from its end, or as it is; nothing if they do not tell.
pub(super) fn is_backwards(text: &str) -> Option<bool> {
    const SAMPLE: usize = 60;
    const LEAST: usize = 2;
    let is_hindi = |at: usize| matches!(text.as_bytes().get(at + 1), Some(0xa4 | 0xa5));
    if !memchr_iter(0xe0, text.as_bytes()).take(SAMPLE).any(is_hindi) {
        return None;
    }
    let words = || {
        let words = text.split(|c: char| c.is_whitespace() || c.is_ascii_punctuation() || c == '।');
        words.filter(|word| word.contains(is_mark) || word.chars().nth(1).is_some()).take(SAMPLE)
    };
    let known = |word: String| WORDS.contains(&word);
    // Of what is in order much is known.
    let there = words().filter(|word| known(without_dots(word))).take(LEAST + 1).count();
    if there > LEAST {
        return Some(false);
    }
    let turned = words().filter(|word| known(without_dots(&self::turned(word)))).count();
    match turned {
        _ if turned >= LEAST && turned > 2 * there => Some(true),
        _ if there >= LEAST => Some(false),
        _ => None,
    }
}

/// Whether a line of a script outside ASCII begins with what ends a sentence and does not end so.
pub(super) fn begins_at_its_end(line: &str) -> bool {
    let line = line.trim();
    let ends = |c: char| {
        matches!(
            c,
            '。' | '।' | '॥' | '؟' | '،' | '۔' | '、' | '?' | '!' | '.' | ',' | '？' | '！' | '，' | '؛'
        )
    };
    let mut first = line.chars();
    first.next().is_some_and(ends)
        && first.next().is_some_and(|c| !c.is_ascii() && c.is_alphabetic())
        && line.chars().next_back().is_some_and(char::is_alphanumeric)
}

/// A word without the dots below letters, which one writes and the other does not.
fn without_dots(word: &str) -> String {
    word.chars().filter(|c| *c != '\u{93c}').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stay_on_their_letters() {
        assert_eq!(turned("सर्विस सेंटर"), "रटसें सविर्स");
        assert_eq!(turned("रटसें सविर्स"), "सर्विस सेंटर");
        let by_marks: String = "सर्विस सेंटर".chars().rev().collect();
        assert_eq!(turned(&by_marks), "सर्विस सेंटर");
        assert_eq!(turned("abc é"), "é cba");
    }

    #[test]
    fn known_words_tell_which_way_round_hindi_is() {
        let text = "दोपहर तक पानी नहीं आएगा, इसलिए एक दिन पहले भरकर रख लें।";
        assert_eq!(is_backwards(text), Some(false));
        assert_eq!(is_backwards(&turned(text)), Some(true));
        assert_eq!(is_backwards("bring the blue folder"), None);
        assert!(begins_at_its_end(&turned(text)) && !begins_at_its_end(text));
        assert!(!begins_at_its_end("…, 然后 (a)") && !begins_at_its_end(".net"));
    }
}
