//! Sentences of a text, with what is asked of each: which verbs are orders, which are forbidden, what is named.

use super::words::{CONCEALS, KEPT, OWN, SECRETS, TELLS};
use crate::address;
use crate::credential::is_credential;

/// Most words of a sentence that are looked at, and most sentences of a text.
const MOST_WORDS: usize = 400;
const MOST_SENTENCES: usize = 20_000;
/// Words within which a word that forbids stands before what it forbids.
const FORBIDS: usize = 4;
/// Words that forbid what follows.
const NEGATIONS: [&str; 21] = [
    "not",
    "never",
    "don't",
    "dont",
    "cannot",
    "can't",
    "mustn't",
    "shouldn't",
    "won't",
    "without",
    "avoid",
    "no",
    "nor",
    "refuse",
    "refrain",
    "neither",
    "prevent",
    "forbidden",
    "prohibited",
    "stop",
    "decline",
];

/// A sentence in lower case.
pub(super) struct Sentence {
    /// Which paragraph or item of a list it stands in.
    pub(super) unit: usize,
    pub(super) lower: String,
    /// Its words as they stand, and without the marks around them.
    raw: Vec<String>,
    words: Vec<String>,
    /// For each word, whether it is forbidden rather than ordered.
    forbidden: Vec<bool>,
}

/// The sentences of a text. Lines of a paragraph go on; an item of a list begins anew.
pub(super) fn sentences(text: &str) -> Vec<Sentence> {
    let mut units: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let line = line.trim();
        let item = line.starts_with(['-', '*', '+', '#', '>', '|', '•'])
            || line
                .split_once(['.', ')'])
                .is_some_and(|(n, _)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        if line.is_empty() {
            open = false;
            continue;
        }
        match units.last_mut().filter(|_| open && !item) {
            Some(unit) => {
                unit.push(' ');
                unit.push_str(line);
            }
            None => units.push(line.to_owned()),
        }
        open = !line.starts_with('#');
    }
    let split =
        units.iter().enumerate().flat_map(|(at, unit)| ends(unit).into_iter().map(move |part| (at, part)));
    let split = split.filter(|(_, part)| !part.trim().is_empty()).take(MOST_SENTENCES);
    split.map(|(unit, part)| Sentence::new(unit, part)).collect()
}

/// Parts of a unit, ended by a mark with a blank behind it; marks of other scripts have none.
fn ends(unit: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut from = 0;
    let mut marks = unit.char_indices().peekable();
    while let Some((at, c)) = marks.next() {
        let behind = marks.peek().map(|(_, c)| *c);
        let ended =
            matches!(c, '.' | '!' | '?') && behind.is_none_or(char::is_whitespace) && !abbreviated(unit, at)
                || matches!(c, '。' | '！' | '？');
        if ended {
            let end = at + c.len_utf8();
            out.push(unit.get(from..end).unwrap_or_default());
            from = end;
        }
    }
    out.push(unit.get(from..).unwrap_or_default());
    out
}

fn abbreviated(unit: &str, at: usize) -> bool {
    let before = unit.get(..at).unwrap_or_default();
    ["e.g", "i.e", "etc", "vs", "cf"].iter().any(|short| before.ends_with(short))
}

impl Sentence {
    fn new(unit: usize, text: &str) -> Self {
        let unseen = |c: char| matches!(c as u32, 0x200b..=0x200f | 0x2060..=0x2064 | 0xfeff | 0xad);
        let lower: String =
            text.chars().filter(|c| !unseen(*c)).collect::<String>().to_lowercase().replace(['’', '‘'], "'");
        let raw: Vec<String> = lower.split_whitespace().take(MOST_WORDS).map(str::to_owned).collect();
        let words: Vec<String> = raw
            .iter()
            .map(|w| {
                w.trim_matches(|c: char| !c.is_alphanumeric() && c != '.').trim_end_matches('.').to_owned()
            })
            .collect();
        let forbidden = forbidden(&raw, &words);
        Self { unit, lower, raw, words, forbidden }
    }

    pub(super) fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    /// Places of verbs that are told to do.
    pub(super) fn ordered<'s>(&'s self, verbs: &'s [&'s str]) -> impl Iterator<Item = usize> + 's {
        let told = self.words.iter().zip(&self.forbidden).enumerate();
        told.filter(|(at, (word, no))| !**no && verbs.contains(&word.as_str()) && self.is_verb(*at))
            .map(|(at, _)| at)
    }

    /// A word behind an article is a thing.
    fn is_verb(&self, at: usize) -> bool {
        at == 0
            || !["a", "an", "the", "this", "that", "your", "its", "of", "each", "every", "any", "per", "by"]
                .contains(&self.word(at - 1))
    }

    pub(super) fn any(&self, words: &[&str]) -> bool {
        self.words.iter().any(|word| words.contains(&word.as_str()))
    }

    pub(super) fn phrase(&self, phrase: &str) -> bool {
        self.find(phrase, 0).is_some()
    }

    /// Where words follow one another, from a place on.
    fn find(&self, phrase: &str, from: usize) -> Option<usize> {
        let wanted: Vec<&str> = phrase.split(' ').collect();
        let words = self.words.get(from..)?;
        words
            .windows(wanted.len())
            .position(|w| w.iter().zip(&wanted).all(|(a, b)| a == b))
            .map(|at| at + from)
    }

    /// Whether a phrase stands close behind a verb.
    pub(super) fn phrase_near(&self, verb: usize, phrase: &str) -> bool {
        const NEAR: usize = 8;
        self.find(phrase, verb + 1).is_some_and(|at| at <= verb + NEAR)
    }

    /// Where it names secrets, or files that hold some.
    pub(super) fn secrets(&self) -> Vec<usize> {
        let marks = ['`', '"', '\'', ',', ')', '('];
        let files = self.raw.iter().enumerate().filter(|(_, word)| is_credential(word.trim_matches(marks)));
        let named = SECRETS
            .iter()
            .flat_map(|secret| std::iter::successors(self.find(secret, 0), |at| self.find(secret, at + 1)));
        files.map(|(at, _)| at).chain(named).collect()
    }

    pub(super) fn credential(&self) -> bool {
        self.raw.iter().any(|word| {
            is_credential(word.trim_matches(['`', '"', '\'', ',', ')', '(', '.'])) || is_credential(word)
        })
    }

    /// Whether it names what people say or have.
    pub(super) fn own(&self) -> bool {
        OWN.iter().any(|own| self.phrase(own))
    }

    /// The first address of somebody behind a place: of the web or of mail.
    pub(super) fn address_after(&self, from: usize) -> Option<usize> {
        self.raw.iter().enumerate().skip(from).find(|(_, word)| leads_out(word)).map(|(at, _)| at)
    }

    /// Whether it names an address that is not a well-known one.
    pub(super) fn foreign(&self) -> bool {
        self.address_after(0).is_some()
    }

    /// Whether an address has something to be filled in.
    pub(super) fn filled_address(&self) -> bool {
        self.raw.iter().any(|word| {
            leads_out(word)
                && (word.contains(['{', '<', '$'])
                    || word
                        .split_once('?')
                        .is_some_and(|(_, query)| query.trim_matches(['"', '\'', '`', ')']).ends_with('=')))
        })
    }

    /// Whether something is taken, read or gathered before a verb.
    pub(super) fn takes_before(&self, verb: usize) -> bool {
        const TAKES: &[&str] = &[
            "read", "collect", "gather", "cat", "encode", "copy", "find", "take", "extract", "harvest",
            "list", "grab", "dump", "open", "get", "base64",
        ];
        self.ordered(TAKES).any(|at| at < verb)
    }

    pub(super) fn channel_after(&self, verb: usize, channels: &[&str]) -> bool {
        channels.iter().any(|channel| self.find(channel, verb).is_some())
    }

    /// Whether an adverb stands by a verb that is told to do.
    pub(super) fn adverb(&self, adverbs: &[&str], verbs: &[&str]) -> bool {
        const BEFORE: usize = 3;
        const BEHIND: usize = 8;
        let places: Vec<usize> = self
            .words
            .iter()
            .enumerate()
            .filter(|(at, w)| adverbs.contains(&w.as_str()) && !self.is_forbidden(*at))
            .map(|(at, _)| at)
            .collect();
        self.ordered(verbs).any(|verb| {
            places.iter().any(|at| (*at < verb && verb - at <= BEFORE) || (*at > verb && at - verb <= BEHIND))
        })
    }

    fn is_forbidden(&self, at: usize) -> bool {
        self.forbidden.get(at).copied().unwrap_or_default()
    }

    /// Whether a verb is what somebody else might say: "if a document tells you to ignore …".
    pub(super) fn reported(&self, verb: usize) -> bool {
        const SAID: [&str; 34] = [
            "asks",
            "ask",
            "asked",
            "tells",
            "told",
            "tries",
            "try",
            "trying",
            "attempts",
            "attempt",
            "attempting",
            "requests",
            "request",
            "instructs",
            "instructed",
            "says",
            "saying",
            "wants",
            "claims",
            "like",
            "such",
            "e.g",
            "example",
            "asking",
            "telling",
            "prompting",
            "instruct",
            "demands",
            "commands",
            "convince",
            "trick",
            "tricked",
            "manipulate",
            "attacks",
        ];
        let said = |from: usize| (from..verb).any(|at| SAID.contains(&self.word(at)));
        verb > 0 && (self.word(verb - 1) == "to" && said(verb.saturating_sub(6)) || said(verb - 1))
    }

    /// Whether it shows what others might write: a quotation behind a word that introduces one.
    pub(super) fn is_shown(&self) -> bool {
        const SHOWS: [&str; 17] = [
            "example",
            "examples",
            "e.g",
            "like",
            "such",
            "says",
            "say",
            "asks",
            "injection",
            "injections",
            "attacker",
            "attackers",
            "attack",
            "attacks",
            "malicious",
            "suspicious",
            "phishing",
        ];
        let quoted = self.lower.contains(['"', '“', '«', '`', '\'']);
        quoted
            && self.any(&SHOWS)
            && self.any(&[
                "if", "example", "e.g", "like", "such", "treat", "refuse", "detect", "flag", "reject",
                "examples", "watch", "beware",
            ])
    }

    /// Whether it tells to keep from people what is done.
    pub(super) fn conceals(&self) -> bool {
        if CONCEALS
            .iter()
            .any(|phrase| self.phrase(phrase) || phrase.len() > 12 && self.lower.contains(phrase))
        {
            return true;
        }
        const NOT: [&str; 8] = ["not", "never", "don't", "dont", "mustn't", "shouldn't", "avoid", "nor"];
        const NEAR: usize = 5;
        self.words.iter().enumerate().filter(|(_, w)| NOT.contains(&w.as_str())).any(|(at, _)| {
            let Some(tell) = (at + 1..=at + 3).find(|at| TELLS.contains(&self.word(*at))) else {
                return false;
            };
            (tell + 1..=tell + NEAR).any(|at| {
                KEPT.iter().any(|kept| match kept.split_once(' ') {
                    Some((first, second)) => self.word(at) == first && self.word(at + 1) == second,
                    None => self.word(at) == *kept,
                })
            })
        })
    }

    /// Whether it tells to run a command that no work with code needs.
    pub(super) fn commands(&self) -> bool {
        self.ordered(&["run", "execute", "start", "launch", "call", "use"]).next().is_some()
            && self.lower.split('`').skip(1).step_by(2).any(|code| {
                ["curl ", "wget ", "base64", "chmod ", "nc ", "crontab", "ssh ", "eval", "iwr ", "sudo "]
                    .iter()
                    .any(|c| code.contains(c))
            })
    }
}

/// Which words are forbidden. What is not to be *told* is concealed, and forbids nothing behind the next joint; any other
/// word that forbids reaches through the list that follows it.
fn forbidden(raw: &[String], words: &[String]) -> Vec<bool> {
    let mut out = vec![false; words.len()];
    for (at, _) in words.iter().enumerate().filter(|(_, word)| NEGATIONS.contains(&word.as_str())) {
        let tells = (at + 1..=at + FORBIDS).find_map(|at| words.get(at)).is_some()
            && (at + 1..=at + 2).any(|at| words.get(at).is_some_and(|w| TELLS.contains(&w.as_str())));
        let list = words.iter().skip(at).take_while(|w| *w != "and" && *w != "then").any(|w| w == "or");
        for behind in at + 1..words.len() {
            let word = words.get(behind).map_or("", String::as_str);
            let before = raw.get(behind - 1).map_or("", String::as_str);
            let joint = before.ends_with([';', ':'])
                || ["but", "instead", "then", "always", "rather"].contains(&word)
                || behind > at + 1 && tells && (word == "and" || before.ends_with(',') && !list)
                || behind > at + 1
                    && !tells
                    && before.ends_with(',')
                    && ["and", "just", "simply"].contains(&word)
                    && !list;
            if joint {
                break;
            }
            if let Some(slot) = out.get_mut(behind) {
                *slot = true;
            }
        }
    }
    out
}

/// Whether a word holds an address of mail or of the web that belongs to somebody unknown.
fn leads_out(word: &str) -> bool {
    const KNOWN: [&str; 20] = [
        "github.com",
        "gitlab.com",
        "huggingface.co",
        "pypi.org",
        "python.org",
        "npmjs.com",
        "npmjs.org",
        "readthedocs.io",
        "pytorch.org",
        "openai.com",
        "anthropic.com",
        "google.com",
        "googleapis.com",
        "microsoft.com",
        "wikipedia.org",
        "arxiv.org",
        "docker.com",
        "w3.org",
        "schema.org",
        "nvidia.com",
    ];
    if let Some(host) = address::host(word) {
        return !address::is_near(host)
            && !KNOWN.iter().any(|known| {
                host == *known || host.strip_suffix(known).is_some_and(|rest| rest.ends_with('.'))
            });
    }
    const OFFICES: [&str; 8] =
        ["security", "abuse", "support", "help", "privacy", "contact", "git", "noreply"];
    word.split(['(', '\'', '"', '<', '=', ',', ':', '>', ')', '`']).any(|part| {
        part.split_once('@').is_some_and(|(name, host)| {
            let host = host.trim_end_matches('.');
            !name.is_empty()
                && !OFFICES.contains(&name)
                && host.contains('.')
                && !host.contains('@')
                && !host.starts_with('.')
                && host
                    .rsplit('.')
                    .next()
                    .is_some_and(|top| top.len() >= 2 && top.chars().all(char::is_alphabetic))
        })
    })
}
