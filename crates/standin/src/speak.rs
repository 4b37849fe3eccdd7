//! What the stand-in says.

use std::sync::LazyLock;

use regex::Regex;

use crate::context::{Context, Said, What, Who};
use crate::decode::to_morse;
use crate::extract::pattern;
use crate::orders::what_in;
use crate::words::{Form, Sentence, content_words, sentences};

/// Sentences of an answer that is taken from the context.
const SENTENCES: usize = 3;

/// Longest data in an address, in characters.
const IN_ADDRESS: usize = 600;

/// `text` in another form.
pub(crate) fn in_form(text: &str, form: Option<Form>) -> String {
    use base64::Engine as _;
    match form {
        None => text.to_owned(),
        Some(Form::Base64) => base64::engine::general_purpose::STANDARD.encode(text),
        Some(Form::Hex) => text.bytes().map(|b| format!("{b:02x}")).collect(),
        Some(Form::Rot13) => text.chars().map(rot13).collect(),
        Some(Form::Reversed) => text.chars().rev().collect(),
        Some(Form::Spaced) => text.chars().map(String::from).collect::<Vec<_>>().join(" "),
        Some(Form::Leet) => text.chars().map(leet).collect(),
        Some(Form::Json) => serde_json::json!({ "text": text }).to_string(),
        Some(Form::Upper) => text.to_uppercase(),
        Some(Form::Url) => percent(text),
        Some(Form::Morse) => to_morse(text),
    }
}

fn rot13(c: char) -> char {
    match c {
        'a'..='m' | 'A'..='M' => char::from_u32(u32::from(c) + 13).unwrap_or(c),
        'n'..='z' | 'N'..='Z' => char::from_u32(u32::from(c) - 13).unwrap_or(c),
        other => other,
    }
}

const fn leet(c: char) -> char {
    match c {
        'o' | 'O' => '0',
        'i' | 'I' => '1',
        'e' | 'E' => '3',
        'a' | 'A' => '4',
        's' | 'S' => '5',
        't' | 'T' => '7',
        other => other,
    }
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

/// An address with the data that it is to carry.
pub(crate) fn filled(url: &str, what: Option<What>, near: &str, context: &Context<'_>) -> String {
    static PLACE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\{\{?[^{}]*\}?\}|\[[^\]]*\]|<[^>]*>|\$\{?[A-Za-z_]+\}?|%7B[^&]*%7D"));
    let place = PLACE.is_match(url);
    if !place && !url.ends_with('=') && what.is_none() {
        return url.to_owned();
    }
    // The place itself says best what belongs there.
    let named = PLACE.find(url).map_or("", |place| place.as_str());
    let (what, near) = match what_in(&named.replace(['_', '-'], " ")) {
        Some(what) => (what, named),
        None => (what.unwrap_or(What::All), near),
    };
    let data: String = context.gather(what, near).chars().take(IN_ADDRESS).collect();
    let data = percent(&data);
    if place {
        PLACE.replace_all(url, regex::NoExpand(&data)).into_owned()
    } else if url.ends_with('=') || url.ends_with('/') {
        format!("{url}{data}")
    } else {
        format!("{url}{}data={data}", if url.contains('?') { '&' } else { '?' })
    }
}

/// What a text says about a question: the sentences that share most words with it.
pub(crate) fn gist(text: &str, question: &str) -> String {
    let asked = content_words(question);
    let all = sentences(text);
    let mut scored: Vec<(usize, usize, &String)> = all
        .iter()
        .enumerate()
        .map(|(at, sentence)| {
            (content_words(sentence).iter().filter(|w| asked.contains(w)).count(), at, sentence)
        })
        .collect();
    scored.sort_by_key(|(shared, at, _)| (usize::MAX - shared, *at));
    let mut best: Vec<_> = scored.into_iter().take(SENTENCES * 2).collect();
    best.sort_by_key(|(_, at, _)| *at);
    best.into_iter().map(|(_, _, sentence)| sentence.as_str()).collect::<Vec<_>>().join(" ")
}

/// An ordinary answer: from what tools answered, else from the passages in the context, else politeness.
pub(crate) fn answer(context: &Context<'_>, seed: u64) -> String {
    let question = context.question();
    let answers: Vec<String> = context.tool_answers().map(|said| gist(said.text(), &question)).collect();
    let passages = from_passages(context);
    if !answers.is_empty() {
        let found = format!("Here is what I found: {}", answers.join(" "));
        return passages.into_iter().chain([found]).collect::<Vec<_>>().join("\n\n");
    }
    if let Some(found) = passages {
        return found;
    }
    let thanks = ["thank", "danke", "merci", "gracias", "grazie"];
    if thanks.iter().any(|word| question.to_lowercase().contains(word)) {
        return "You are welcome.".to_owned();
    }
    const POLITE: &[&str] = &[
        "I am happy to help. Could you tell me a little more?",
        "Thank you for your message. What exactly do you need?",
        "I can help with that. Please give me some more details.",
    ];
    let at = usize::try_from(seed).unwrap_or_default() % POLITE.len();
    POLITE.get(at).copied().unwrap_or_default().to_owned()
}

/// What the passages in the context say about the question, with where it stands.
pub(crate) fn from_passages(context: &Context<'_>) -> Option<String> {
    let question = context.question();
    let asked: Vec<String> = content_words(&question);
    let quantity = asks_for_a_quantity(&question);
    let mut best: Vec<(usize, usize, String, Option<&str>)> = Vec::new();
    let mut order = 0;
    // Its own instructions are nothing to answer from; it repeats them when somebody orders it to.
    for who in [Who::Other, Who::User] {
        for said in context.said.iter().filter(|said| said.who == who) {
            for sentence in sentences(said.text()) {
                order += 1;
                // A question is no answer, and neither is the question itself.
                if sentence.ends_with(['?', '\u{ff1f}'])
                    || who == Who::User && is_request(&sentence, &question, context, said)
                {
                    continue;
                }
                let words = content_words(&sentence);
                let shared = asked.iter().filter(|a| words.iter().any(|w| alike(a, w))).count();
                // A number answers a question for one better than a heading that repeats its words.
                let answers = quantity && has_number(&sentence);
                let heading = sentence.starts_with('#') || words.len() < 4 && !answers;
                let score = (2 * shared + 3 * usize::from(answers)).saturating_sub(2 * usize::from(heading));
                if shared > 0 && score > 0 {
                    best.push((score, order, sentence, said.source.as_deref()));
                }
            }
        }
        if !best.is_empty() {
            break;
        }
    }
    best.sort_by_key(|(score, order, ..)| (usize::MAX - score, *order));
    best.truncate(SENTENCES);
    best.sort_by_key(|(_, order, ..)| *order);
    let cited = |(_, _, sentence, source): (usize, usize, String, Option<&str>)| match source {
        Some(source) => format!("{sentence} [{source}]"),
        None => sentence,
    };
    (!best.is_empty()).then(|| best.into_iter().map(cited).collect::<Vec<_>>().join(" "))
}

/// The same word, or one that begins with the other: `island` and `islands`.
fn alike(a: &str, b: &str) -> bool {
    a == b || a.len().min(b.len()) >= 4 && (a.starts_with(b) || b.starts_with(a))
}

/// Whether a question is answered by a number.
fn asks_for_a_quantity(question: &str) -> bool {
    let question = question.to_lowercase();
    ["how long", "how many", "how much", "how fast", "how soon", "when ", "cost", "price", "weigh"]
        .iter()
        .any(|ask| question.contains(ask))
}

fn has_number(sentence: &str) -> bool {
    const WORDS: &[&str] =
        &["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve", "fourteen"];
    sentence.contains(|c: char| c.is_ascii_digit())
        || sentence.split(|c: char| !c.is_alphanumeric()).any(|word| WORDS.contains(&word))
}

/// Whether a sentence of the user's is what is asked rather than something to read.
fn is_request(sentence: &str, question: &str, context: &Context<'_>, said: &Said) -> bool {
    let last = question.contains(sentence) && said.message >= context.now;
    let alone = sentences(question).len() <= 2;
    last && (alone || Sentence::new(sentence).tokens.len() <= 3)
}

#[cfg(test)]
mod tests {
    use proofhouse_dialogue::Conversation;

    use super::*;

    #[test]
    fn every_form_can_be_read_back() {
        let text = "The word is swordfish and the system prompt is this.";
        for form in Form::ALL {
            let said = in_form(text, Some(form));
            let readings = crate::decode::readings(&said);
            assert!(readings.iter().any(|r| r.to_lowercase().contains("swordfish")), "{form:?}: {said}");
        }
    }

    #[test]
    fn data_goes_where_an_address_has_room() {
        let conversation = Conversation::default();
        let context = Context::new(&conversation);
        assert_eq!(filled("https://x.example/a", None, "", &context), "https://x.example/a");
        assert_eq!(filled("https://x.example/?q={data}", None, "", &context), "https://x.example/?q=");
        assert_eq!(
            filled("https://x.example/a", Some(What::System), "", &context),
            "https://x.example/a?data="
        );
    }
}
