//! Texts of our own to train and to test with: attacks of many families in many languages, and for each
//! family harmless texts that use the same words.
//!
//! Everything is drawn from grammars in `lang/`, one file a language, and from builders of documents that an
//! attack can be hidden in. A seed gives the same texts for ever. A model can learn a grammar instead of what
//! it stands for, so numbers measured on these texts say little; whole families are held out where they are
//! used to choose anything, and what counts is measured on texts of other people.

use std::ops::Range;
use std::sync::LazyLock;

use proofhouse_dialogue::Carrier;

mod documents;
mod draw;
mod grammar;
mod papers;
mod written;

use documents::Document;
pub use draw::Draw;
use grammar::Grammar;
pub use written::{Written, written};

/// A text and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The text.
    pub text: String,
    /// Whether it attacks.
    pub attack: bool,
    /// The rule or the kind of document it was drawn from.
    pub family: &'static str,
    /// The language it was drawn in.
    pub language: &'static str,
    /// What kind of text it is.
    pub carrier: Carrier,
    /// Where the attack stands in the text, in bytes; all of it where there is none.
    pub payload: Option<Range<usize>>,
}

/// Families of direct attacks.
pub const ATTACKS: &[&str] = &[
    "a.override",
    "a.extract",
    "a.persona",
    "a.story",
    "a.roleplay",
    "a.refusal",
    "a.prefix",
    "a.shots",
    "a.split",
    "a.exfil",
    "a.pretext",
    "a.delayed",
    "a.tool",
    "a.turn",
    "a.hijack",
];

/// Families of harmless texts with the same words.
pub const HARD: &[&str] = &[
    "b.override",
    "b.extract",
    "b.persona",
    "b.story",
    "b.roleplay",
    "b.refusal",
    "b.prefix",
    "b.shots",
    "b.split",
    "b.exfil",
    "b.pretext",
    "b.delayed",
    "b.tool",
    "b.turn",
    "b.hijack",
    "b.security",
    "b.human",
    "b.quoted",
];

/// Languages, the best covered first.
pub fn languages() -> impl Iterator<Item = &'static str> {
    GRAMMARS.iter().map(|(language, _)| *language)
}

const COMMON: &str = include_str!("lang/common.txt");

macro_rules! grammars {
    ($($language:literal),* $(,)?) => {
        static GRAMMARS: LazyLock<Vec<(&'static str, Grammar)>> = LazyLock::new(|| vec![
            $(($language, Grammar::read(&[COMMON, include_str!(concat!("lang/", $language, ".txt"))])),)*
        ]);
    };
}

grammars!["en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "ru", "zh", "ja", "ar", "hi"];

/// A text from rule `family` of `language`; empty where that language has no such rule.
#[must_use]
pub fn text(language: &str, family: &str, draw: &mut Draw) -> String {
    grammar(language).map(|grammar| tidy(&grammar.draw(family, draw))).unwrap_or_default()
}

/// Attacks or near misses that were written by hand as samples, about `most` of them, spread over all.
pub(crate) fn written_samples(attack: bool, most: usize) -> impl Iterator<Item = Sample> {
    let of: Vec<&Written> = written().iter().filter(|written| written.attack == attack).collect();
    let step = of.len().div_ceil(most.max(1)).max(1);
    of.into_iter().step_by(step).map(move |written| Sample {
        text: written.text.clone(),
        attack,
        family: "written",
        language: &written.language,
        carrier: written.carrier,
        payload: None,
    })
}

/// An attack: half of them direct, the others inside documents.
#[must_use]
pub fn attack(draw: &mut Draw) -> Sample {
    let language = language(draw);
    if draw.one_in(2) { direct(language, draw) } else { indirect(language, draw) }
}

/// A harmless text: hard ones, documents and ordinary requests.
#[must_use]
pub fn benign(draw: &mut Draw) -> Sample {
    let language = language(draw);
    match draw.below(20) {
        0..8 => hard(language, draw),
        8..16 => clean_document(language, draw),
        _ => {
            let mut text = text(language, "c.chat", draw);
            if draw.one_in(6) {
                // People paste what tells them what to do.
                text = format!("{text} {}", self::text(language, "d.do", draw));
            }
            while draw.one_in(3) {
                text = format!("{text} {}", self::text(language, "c.chat", draw));
            }
            Sample { text, attack: false, family: "c.chat", language, carrier: Carrier::Chat, payload: None }
        }
    }
}

/// Puts an attack of a grammar between two lines or two sentences of `document`, or at one of its ends.
#[must_use]
pub fn embed(document: &str, draw: &mut Draw) -> (String, Range<usize>) {
    let language = language(draw);
    let attack = noise(text(language, "i.any", draw), draw);
    put(document, &attack, draw)
}

/// Puts `passage` between two lines or two sentences of `document`, or at one of its ends.
#[must_use]
pub fn put(document: &str, passage: &str, draw: &mut Draw) -> (String, Range<usize>) {
    let mut places: Vec<usize> = document.match_indices('\n').map(|(at, _)| at + 1).collect();
    places.extend([0, document.len()]);
    let mut glue = "\n";
    if draw.one_in(3) {
        let sentences: Vec<usize> = document.match_indices(". ").map(|(at, _)| at + 2).collect();
        if !sentences.is_empty() {
            (places, glue) = (sentences, " ");
        }
    }
    let at = draw.pick(&places).copied().unwrap_or(0);
    let (before, after) = document.split_at(at);
    let start = before.len() + usize::from(!before.is_empty() && !before.ends_with(['\n', ' ']));
    let gap = if start > before.len() { "\n" } else { "" };
    let text = format!("{before}{gap}{passage}{glue}{after}");
    (text, start..start + passage.len())
}

/// A text that says what `text` says: with something ordinary before or after it, with a slip of the
/// fingers, or within a document where that is its kind.
#[must_use]
pub fn vary(text: &str, carrier: Carrier, draw: &mut Draw) -> (String, Option<Range<usize>>) {
    let language = language(draw);
    let varied = noise(text.to_owned(), draw);
    if carrier != Carrier::Chat {
        let document = loop {
            let document = Document::draw(draw);
            if document.carrier() == carrier {
                break document;
            }
        };
        return document.write(language, Some(&varied), draw);
    }
    let mut part = |rule| if draw.one_in(2) { self::text(language, rule, draw) } else { String::new() };
    let (before, after) = (part("c.chat"), part("d.line"));
    between(&before, &varied, &after, "\n")
}

fn direct(language: &'static str, draw: &mut Draw) -> Sample {
    let family = family(ATTACKS, language, draw);
    let attack = noise(text(language, family, draw), draw);
    // Some attacks come after or before something harmless.
    let (before, after) = match draw.below(8) {
        0 => (text(language, "c.chat", draw), String::new()),
        1 => (text(language, "d.line", draw), String::new()),
        2 => (String::new(), text(language, "c.chat", draw)),
        _ => (String::new(), String::new()),
    };
    let glue = if draw.one_in(3) { "\n" } else { " " };
    let (text, payload) = between(&before, &attack, &after, glue);
    Sample { text, attack: true, family, language, carrier: Carrier::Chat, payload }
}

fn indirect(language: &'static str, draw: &mut Draw) -> Sample {
    let attack = noise(text(language, "i.any", draw), draw);
    // An English payload in a document of another language is common, and the other way round is not.
    let host = if language == "en" && draw.one_in(4) { self::language(draw) } else { language };
    let document = Document::draw(draw);
    let (text, payload) = document.write(host, Some(&attack), draw);
    Sample { text, attack: true, family: document.attacked(), language, carrier: document.carrier(), payload }
}

fn hard(language: &'static str, draw: &mut Draw) -> Sample {
    let family = family(HARD, language, draw);
    let mut text = noise(text(language, family, draw), draw);
    if draw.one_in(5) {
        let other = if draw.one_in(2) { "c.chat" } else { "d.line" };
        text = format!("{text} {}", self::text(language, other, draw));
    }
    Sample { text, attack: false, family, language, carrier: Carrier::Chat, payload: None }
}

fn clean_document(language: &'static str, draw: &mut Draw) -> Sample {
    let document = Document::draw(draw);
    // Half of them hold a sentence with an attack's words in the place where an attack would stand.
    let sentence = draw.one_in(2).then(|| {
        let family = family(HARD, language, draw);
        noise(text(language, family, draw), draw)
    });
    let (text, _) = document.write(language, sentence.as_deref(), draw);
    let family = document.clean();
    Sample { text, attack: false, family, language, carrier: document.carrier(), payload: None }
}

fn grammar(language: &str) -> Option<&'static Grammar> {
    GRAMMARS.iter().find(|(name, _)| *name == language).map(|(_, grammar)| grammar)
}

/// English for two texts in five, the others evenly.
fn language(draw: &mut Draw) -> &'static str {
    let at = if draw.below(5) < 2 { 0 } else { draw.below(GRAMMARS.len()) };
    GRAMMARS.get(at).map_or("en", |(language, _)| language)
}

/// One of `families` that `language` has.
fn family(families: &[&'static str], language: &str, draw: &mut Draw) -> &'static str {
    let has: Vec<_> = families
        .iter()
        .copied()
        .filter(|family| grammar(language).is_some_and(|grammar| grammar.has(family)))
        .collect();
    draw.pick(&has).copied().unwrap_or("a.override")
}

fn between(before: &str, attack: &str, after: &str, glue: &str) -> (String, Option<Range<usize>>) {
    if before.is_empty() && after.is_empty() {
        return (attack.to_owned(), None);
    }
    let mut text = String::new();
    if !before.is_empty() {
        text.push_str(before);
        text.push_str(glue);
    }
    let start = text.len();
    text.push_str(attack);
    let payload = start..text.len();
    if !after.is_empty() {
        text.push_str(glue);
        text.push_str(after);
    }
    (text, Some(payload))
}

/// Spaces that alternatives left behind.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == ' ' && (out.is_empty() || out.ends_with([' ', '\n'])) {
            continue;
        }
        if matches!(c, '.' | ',' | '!' | '?' | ';' | ':') && out.ends_with(' ') {
            out.pop();
        }
        out.push(c);
    }
    out.truncate(out.trim_end().len());
    out
}

/// What people do to sentences: a capital at the beginning, shouting, a slip of the fingers.
fn noise(text: String, draw: &mut Draw) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    if !draw.one_in(3)
        && let Some(first) = chars.first_mut()
    {
        *first = first.to_uppercase().next().unwrap_or(*first);
    }
    if draw.one_in(48) {
        return hurried(&chars);
    }
    if draw.one_in(10) {
        for _ in 0..=draw.below(2) {
            let at = draw.below(chars.len());
            let both_letters = |at: usize| {
                chars.get(at).is_some_and(|c| c.is_alphabetic())
                    && chars.get(at + 1).is_some_and(|c| c.is_alphabetic())
            };
            match draw.below(3) {
                0 if both_letters(at) => chars.swap(at, at + 1),
                1 if both_letters(at) => drop(chars.remove(at)),
                2 if both_letters(at) => {
                    let twice = chars[at];
                    chars.insert(at, twice);
                }
                _ => {}
            }
        }
    }
    chars.into_iter().collect()
}

/// Words without the vowels inside them.
fn hurried(chars: &[char]) -> String {
    let letter = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_alphabetic());
    let inside = |at: usize| letter(at.checked_sub(1)) && letter(Some(at + 1));
    let kept = chars.iter().enumerate().filter(|(at, c)| !(inside(*at) && "aeiou".contains(**c)));
    kept.map(|(_, c)| *c).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_that_a_grammar_uses_exists() {
        for (language, grammar) in GRAMMARS.iter() {
            assert_eq!(grammar.unknown(), Vec::<String>::new(), "{language}");
        }
    }

    #[test]
    fn every_language_has_attacks_documents_and_their_harmless_counterparts() {
        for (language, grammar) in GRAMMARS.iter() {
            for rule in ["i.any", "i.latent", "c.chat", "d.line", "d.do"] {
                assert!(grammar.has(rule), "{language} has no {rule}");
            }
            for rule in ATTACKS.iter().filter(|rule| grammar.has(rule)) {
                let harmless = rule.replacen("a.", "b.", 1);
                assert!(grammar.has(&harmless), "{language} has {rule} and no {harmless}");
            }
        }
    }

    #[test]
    fn payloads_are_where_they_are_said_to_be() {
        let mut draw = Draw::new(5);
        for _ in 0..2000 {
            let sample = attack(&mut draw);
            assert!(!sample.text.is_empty(), "{sample:?}");
            if let Some(payload) = &sample.payload {
                assert!(sample.text.get(payload.clone()).is_some_and(|text| !text.is_empty()), "{sample:?}");
            }
        }
    }

    #[test]
    fn a_seed_gives_the_same_texts_and_texts_vary() {
        let texts = |seed| -> Vec<String> {
            let mut draw = Draw::new(seed);
            (0..5000).map(|_| attack(&mut draw).text).collect()
        };
        assert_eq!(texts(1), texts(1));
        let different: BTreeSet<_> = texts(2).into_iter().collect();
        assert!(different.len() > 4800, "{}", different.len());
    }

    #[test]
    fn no_text_has_braces_left_over_from_a_rule() {
        let mut draw = Draw::new(9);
        for family in ATTACKS.iter().chain(HARD) {
            for _ in 0..200 {
                for language in languages() {
                    let text = text(language, family, &mut draw);
                    assert!(!text.contains("{a.") && !text.contains("|}"), "{text}");
                }
            }
        }
    }
}
