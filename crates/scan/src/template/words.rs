//! What a template says by itself, rather than laying out what others said.

use std::collections::BTreeSet;

use super::parser::{Expr, Statement};

/// Verbs that send somebody to an address.
const SENDS: &[&str] = &[
    "visit",
    "click",
    "open",
    "navigate",
    "download",
    "fetch",
    "send",
    "post",
    "goto",
    "pay",
    "recommend",
    "link",
    "append",
    "cite",
    "promote",
    "prefer",
    "mention",
    "insert",
    "install",
    "only",
];

/// What is wrong with a text that the template itself says.
pub(super) fn said(text: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    let lower = text.to_lowercase();
    // Default prompts name the publisher's pages; to send somebody there is another matter.
    let sent =
        ["http://", "https://"].iter().flat_map(|scheme| lower.match_indices(scheme)).any(|(at, _)| {
            before(&lower, at)
                .split_whitespace()
                .any(|w| SENDS.contains(&w.trim_matches(|c: char| !c.is_alphabetic())))
        });
    if sent {
        found.push("it sends somebody to an address of the web");
    }
    if sets_aside(&lower) || crate::instructions::overrides(text) {
        found.push("it says to set other instructions aside");
    }
    if FOREIGN.iter().any(|order| lower.contains(order)) {
        found.push("it says to set other instructions aside");
    }
    if packed(text).is_some_and(|inner| orders(&inner).is_some()) {
        found.push("it holds an order in Base64 to set other instructions aside");
    }
    found.extend(orders_of_its_own(text, &lower));
    let invisible =
        |c: char| matches!(c as u32, 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x2069 | 0xe0000..=0xe007f);
    if text.chars().any(invisible) {
        found.push("it holds characters that nobody sees");
    }
    found
}

/// "Ignore all previous instructions", in whatever words.
fn sets_aside(lower: &str) -> bool {
    ["instructions", "prompt", "rules", "guidelines"].iter().flat_map(|of| lower.match_indices(of)).any(
        |(at, _)| {
            let clause = before(lower, at).split_whitespace();
            let words: Vec<&str> = clause.map(|w| w.trim_matches(|c: char| !c.is_alphabetic())).collect();
            let order = words.iter().position(|w| ["ignore", "disregard", "forget"].contains(w));
            order.is_some_and(|order| !reported(&words, order))
                && words.iter().any(|w| {
                    ["previous", "prior", "above", "earlier", "all", "other", "preceding"].contains(w)
                })
        },
    )
}

/// Whether a verb is what somebody else may say, or is told not to do: "if they ask you to ignore …".
fn reported(words: &[&str], verb: usize) -> bool {
    const SAID: [&str; 26] = [
        "ask",
        "asks",
        "asked",
        "asking",
        "tell",
        "tells",
        "told",
        "telling",
        "try",
        "tries",
        "trying",
        "attempt",
        "attempts",
        "request",
        "requests",
        "instructs",
        "instructed",
        "says",
        "saying",
        "wants",
        "like",
        "e.g",
        "never",
        "not",
        "don't",
        "refuse",
    ];
    let before = |from: usize| words.get(from..verb).unwrap_or_default().iter().any(|w| SAID.contains(w));
    verb > 0 && (words.get(verb - 1) == Some(&"to") && before(verb.saturating_sub(6)) || before(verb - 1))
}

/// What the prose of a template says that no layout of messages needs: orders that are kept from people, addresses of
/// people and machines, commands, and texts that nobody who looks at the template gets to see.
fn orders_of_its_own(text: &str, lower: &str) -> Vec<&'static str> {
    const EMPTY_LINES: usize = 100;
    let mut found = Vec::new();
    if conceals(lower) {
        found.push("it tells to keep from people what it orders");
    }
    let installs = ["pip install ", "npm install ", "--index-url", "curl ", "wget "];
    // "Never run commands such as curl or rm": what follows a command is an address, a package or an option.
    let told = |command: &str| {
        lower.match_indices(command).any(|(at, _)| {
            let behind = lower.get(at + command.len()..).and_then(|rest| rest.split_whitespace().next());
            behind
                .is_some_and(|word| !["or", "and", "as", "to", "in", "is", "are", "on", "|"].contains(&word))
        })
    };
    if sentence(text) && installs.into_iter().any(told) {
        found.push("it holds a command of a shell among its words");
    }
    if lower.split_whitespace().any(mail) {
        found.push("it names somebody's address of mail");
    }
    let thought = lower
        .split("<think>")
        .skip(1)
        .filter_map(|rest| rest.split_once("</think>"))
        .any(|(t, _)| sentence(t));
    if thought {
        found.push("it puts thoughts of its own before the model");
    }
    let backwards: String = lower.chars().rev().collect();
    if sentence(text) && (sets_aside(&backwards) || conceals(&backwards)) {
        found.push("it holds an order that is written backwards");
    }
    let (_, blank): (usize, usize) = text.lines().fold((0, 0), |(run, longest), line| {
        let run = if line.trim().is_empty() { run + 1 } else { 0 };
        (run, run.max(longest))
    });
    let far = blank > EMPTY_LINES && sentence(text);
    if far {
        found.push("it holds words behind more empty lines than anybody scrolls");
    }
    found
}

/// Whether a text tells to keep from people what it orders.
fn conceals(lower: &str) -> bool {
    let kept = [
        "do not reveal this",
        "don't reveal this",
        "never reveal this rule",
        "do not disclose this",
        "do not tell the user",
        "don't tell the user",
        "never tell the user",
        "do not inform the user",
        "without telling the user",
        "without informing the user",
        "without the user's knowledge",
        "without the user knowing",
        "without mentioning it",
        "do not mention this instruction",
        "do not mention this rule",
        "keep this instruction secret",
        "keep this secret",
        "secretly",
        "never say so",
        "do not say so",
        "don't say so",
        "without saying so",
        "never admit it",
        "never admit this",
        "do not admit this",
        "never let on",
        "do not let on",
        "deny having been told",
    ];
    kept.iter().any(|order| lower.contains(order))
}

/// Whether a word is an address of mail: `name@host.domain`.
fn mail(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let part =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "._-+".contains(c));
    word.split_once('@').is_some_and(|(name, host)| {
        part(name) && part(host) && host.rsplit_once('.').is_some_and(|(_, top)| top.len() >= 2)
    })
}

/// "Ignore the instructions before" in languages that models read as well as English.
const FOREIGN: [&str; 22] = [
    "ignoriere alle",
    "ignoriere die",
    "ignoriere vorherige",
    "missachte alle",
    "missachte die",
    "ignore toutes les instructions",
    "ignorez toutes les instructions",
    "ignorez les instructions",
    "ignora todas las instrucciones",
    "ignora las instrucciones",
    "ignora tutte le istruzioni",
    "ignora le istruzioni",
    "ignore todas as instruções",
    "ignore as instruções",
    "negeer alle",
    "negeer de vorige",
    "zignoruj wszystkie",
    "игнорируй все",
    "忽略之前的",
    "忽略以上",
    "以前の指示を無視",
    "이전 지시를 무시",
];

/// What the first long word of Base64 holds, if that is a text.
fn packed(text: &str) -> Option<String> {
    use base64::Engine as _;
    const LEAST: usize = 24;
    let word = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='));
    let words = text.split(word).filter(|word| word.len() >= LEAST).take(16);
    words.filter_map(|word| base64::engine::general_purpose::STANDARD.decode(word).ok()).find_map(|bytes| {
        String::from_utf8(bytes)
            .ok()
            .filter(|text| text.chars().all(|c| !c.is_control() || c.is_whitespace()))
    })
}

/// Whether a condition asks what day it is: what a template does then, nobody sees before.
pub(super) fn dated(test: &Expr) -> bool {
    let mut open = vec![test];
    while let Some(value) = open.pop() {
        if let Expr::Binary(operator, left, right) = value {
            let asks = |side: &Expr| {
                let mut of = vec![side];
                while let Some(value) = of.pop() {
                    match value {
                        Expr::Call(callee, ..) if matches!(callee.as_ref(), Expr::Name(n) if n == "strftime_now") =>
                        {
                            return true;
                        }
                        Expr::Filter(inner, ..) | Expr::Index(inner, _) => of.push(inner),
                        _ => {}
                    }
                }
                false
            };
            if ["<", ">", "<=", ">=", "==", "!=", "in"].contains(operator) && (asks(left) || asks(right)) {
                return true;
            }
            open.extend([left.as_ref(), right.as_ref()]);
        }
    }
    false
}

/// A word of the conversation that makes the template say something of its own.
pub(super) fn trigger(test: &Expr, then: &[Statement], said: &BTreeSet<String>) -> Option<String> {
    let word = trigger_word(test, said)?;
    speaks(then).then_some(word)
}

/// Whether a template says something of its own once a conversation has gone on for a while: who tries it out does not
/// see that.
pub(super) fn later(test: &Expr, then: &[Statement]) -> bool {
    const LATER: f64 = 3.0;
    let counts = |side: &Expr| match side {
        Expr::Filter(of, name, ..) => {
            ["length", "count"].contains(&name.as_str())
                && matches!(of.as_ref(), Expr::Name(name) if name.contains("messages"))
        }
        Expr::Attribute(of, name) => {
            ["index", "index0"].contains(&name.as_str())
                && matches!(of.as_ref(), Expr::Name(name) if name == "loop")
        }
        _ => false,
    };
    let late = |side: &Expr| matches!(side, Expr::Number(number) if *number >= LATER);
    let mut open = vec![test];
    while let Some(value) = open.pop() {
        match value {
            Expr::Binary(">" | ">=" | "==" | "<" | "<=", left, right)
                if counts(left) && late(right) || counts(right) && late(left) =>
            {
                return speaks(then);
            }
            Expr::Binary(_, left, right) => open.extend([left.as_ref(), right.as_ref()]),
            Expr::Of(parts) => open.extend(parts),
            _ => {}
        }
    }
    false
}

/// Whether statements say a sentence.
fn speaks(then: &[Statement]) -> bool {
    then.iter().any(|statement| match statement {
        Statement::Data(text, _) => sentence(text),
        Statement::Print(value, _) | Statement::Set(_, value, _) => {
            longest_text(value).is_some_and(|t| sentence(&t))
        }
        _ => false,
    })
}

/// A plain word that a condition looks for in what was said. Marks of the format, such as `</think>`, are none.
fn trigger_word(test: &Expr, variables: &BTreeSet<String>) -> Option<String> {
    let mentions_content = |value: &Expr| mentions_any(value, variables);
    let mut open = vec![test];
    while let Some(value) = open.pop() {
        match value {
            Expr::Binary("in", left, right) => {
                if let (Expr::Text(word), true) = (left.as_ref(), mentions_content(right))
                    && plain(word)
                {
                    return Some(word.clone());
                }
                if let (Expr::List(words), true) = (right.as_ref(), mentions_content(left))
                    && let Some(Expr::Text(word)) = words.first()
                    && plain(word)
                {
                    return Some(word.clone());
                }
            }
            Expr::Binary("==", left, right) => {
                for (said, word) in [(left, right), (right, left)] {
                    if let Expr::Text(word) = word.as_ref()
                        && mentions_content(said)
                        && plain(word)
                    {
                        return Some(word.clone());
                    }
                }
                open.extend([left.as_ref(), right.as_ref()]);
            }
            Expr::Binary(_, left, right) => open.extend([left.as_ref(), right.as_ref()]),
            Expr::Of(parts) | Expr::List(parts) => open.extend(parts),
            Expr::Call(callee, arguments, _) => {
                if let (Expr::Attribute(of, method), Some(Expr::Text(word))) =
                    (callee.as_ref(), arguments.first())
                    && ["startswith", "endswith", "find", "count"].contains(&method.as_str())
                    && mentions_content(of)
                    && plain(word)
                {
                    return Some(word.clone());
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether replacing `from` by `to` in what was said leads somebody elsewhere. Marks of the format, `</think>` say, and
/// wordings are exchanged by many templates.
pub(super) fn rewrites(of: &Expr, from: &str, to: &str) -> bool {
    mentions_content(of) && exchanges(from, to)
}

/// Whether a text that takes another's place leads somebody elsewhere.
pub(crate) fn exchanges(from: &str, to: &str) -> bool {
    address(from) && address(to) || twins(from, to)
}

fn address(text: &str) -> bool {
    let domain =
        |word: &str| word.split_once('.').is_some_and(|(name, rest)| name.len() > 1 && rest.len() > 1);
    text.contains("://") || text.contains('@') || text.split_whitespace().any(domain)
}

/// Whether two texts differ in one word that is spelt nearly alike, as the names of packages that take the place of
/// others are.
fn twins(from: &str, to: &str) -> bool {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let (from, to) = (words(from), words(to));
    let mut different = from.iter().zip(&to).filter(|(a, b)| a != b);
    let (Some((a, b)), None) = (different.next(), different.next()) else { return false };
    let name = |word: &str| {
        word.len() >= 5 && word.chars().all(|c| c.is_ascii_lowercase() || "-_0123456789".contains(c))
    };
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    let alike = |a: &str, b: &str| {
        let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
        let before = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
        let behind = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
        before + behind + 1 >= a.len().max(b.len())
    };
    from.len() == to.len() && name(a) && name(b) && (sorted(a) == sorted(b) || alike(a, b))
}

/// Whether a text tells a model to set its other instructions aside, or to keep from people what it does.
pub(crate) fn orders(text: &str) -> Option<&'static str> {
    if let Some(what) = aside(text) {
        return Some(what);
    }
    let lower = text.to_lowercase();
    const CONCEALS: [&str; 11] = [
        "hide it",
        "hide this",
        "conceal",
        "do not tell the user",
        "don't tell the user",
        "do not mention this",
        "don't mention this",
        "without telling",
        "without mentioning",
        "without the user",
        "secretly",
    ];
    let private = crate::credential::is_credential(&lower);
    let acts = ["http://", "https://", "`", "run ", "execute", "send ", "install", "insert"];
    let conceals = CONCEALS.iter().any(|order| lower.contains(order))
        && (private || acts.iter().any(|act| lower.contains(act)));
    conceals.then_some("it tells to do something and to keep it from people")
}

/// Whether a text tells a model to set its other instructions aside.
pub(crate) fn aside(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    if said(text).iter().any(|what| what.contains("aside")) {
        return Some("it says to set other instructions aside");
    }
    const SETS_ASIDE: [&str; 10] = [
        "ignore the operator",
        "ignore the user",
        "ignore the developer",
        "ignore your instructions",
        "ignore your guidelines",
        "ignore your system prompt",
        "disregard the operator",
        "disregard the user",
        "disregard your instructions",
        "override your instructions",
    ];
    let told = SETS_ASIDE.iter().flat_map(|order| lower.match_indices(order)).any(|(at, _)| {
        let words: Vec<&str> = before(&lower, at)
            .split_whitespace()
            .map(|w| w.trim_matches(|c: char| !c.is_alphabetic()))
            .filter(|w| !w.is_empty())
            .collect();
        !reported(&words, words.len())
    });
    told.then_some("it says to set other instructions aside")
}

/// What stands before a place, as far as a clause reaches.
fn before(text: &str, at: usize) -> &str {
    let mut from = at.saturating_sub(50);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..at).unwrap_or_default()
}

fn plain(word: &str) -> bool {
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 3
        && word
            .chars()
            .all(|c| c.is_alphanumeric() || c.is_whitespace() || matches!(c, '-' | '.' | ',' | '\''))
}

/// Whether a value is, or is made of, what a message holds.
pub(super) fn mentions_content(value: &Expr) -> bool {
    mentions_any(value, &BTreeSet::new())
}

/// The same where variables hold what was said, too.
pub(super) fn mentions_any(value: &Expr, said: &BTreeSet<String>) -> bool {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Expr::Attribute(of, name) => {
                if ["content", "arguments", "tool_calls"].contains(&name.as_str()) {
                    return true;
                }
                open.push(of);
            }
            Expr::Index(of, at) => {
                if matches!(at.as_ref(), Expr::Text(t) if t == "content") {
                    return true;
                }
                open.push(of);
            }
            Expr::Name(name) if name.contains("content") || said.contains(name) => return true,
            Expr::Filter(of, ..) => open.push(of),
            Expr::Call(callee, ..) => open.push(callee),
            _ => {}
        }
    }
    false
}

/// Whether the parts of a condition put the system's role in the place of a user's: `'system' if role == 'user'`.
pub(super) fn swaps_roles(parts: &[Expr]) -> bool {
    let system =
        |part: &Expr| matches!(part, Expr::Text(text) if ["system", "developer"].contains(&text.as_str()));
    let user = |part: &Expr| match part {
        Expr::Binary("==", left, right) => [left, right].iter().any(
            |side| matches!(side.as_ref(), Expr::Text(text) if ["user", "tool"].contains(&text.as_str())),
        ),
        _ => false,
    };
    parts.iter().any(system) && parts.iter().any(user)
}

/// Whether a text ends within an address of the web, so that what follows is part of it.
pub(super) fn ends_in_address(text: &str) -> bool {
    let Some(at) = text.rfind("://") else { return false };
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ')' | '>' | ']' | '<' | '`');
    text.get(at..).is_some_and(|rest| rest.contains('.') && !rest.contains(ends))
}

/// Whether an expression joins an address of the web and what was said.
pub(super) fn carries_off(value: &Expr) -> bool {
    let mut open = vec![value];
    let mut address = false;
    while let Some(value) = open.pop() {
        match value {
            // The left one is looked at first.
            Expr::Binary("~" | "+", left, right) => open.extend([right.as_ref(), left.as_ref()]),
            Expr::Binary("%", left, right) => {
                let holds = matches!(left.as_ref(), Expr::Text(text) if text.contains("://"));
                if holds && mentions_content(right) {
                    return true;
                }
            }
            Expr::Text(text) => address = ends_in_address(text),
            Expr::Of(parts) | Expr::List(parts) => open.extend(parts.iter().rev()),
            other if address && mentions_content(other) => return true,
            Expr::Call(callee, plain, _) => {
                if let Expr::Attribute(of, method) = callee.as_ref()
                    && method == "format"
                    && matches!(of.as_ref(), Expr::Text(text) if text.contains("://"))
                    && plain.iter().any(mentions_content)
                {
                    return true;
                }
                address = false;
            }
            _ => address = false,
        }
    }
    false
}

fn sentence(text: &str) -> bool {
    text.split_whitespace().filter(|w| w.chars().filter(|c| c.is_alphabetic()).count() >= 2).count() >= 4
}

/// Texts that an expression may print, as they stand in it.
pub(super) fn texts(value: &Expr) -> Vec<&str> {
    let mut found = Vec::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Expr::Text(text) => found.push(text.as_str()),
            Expr::Binary("~" | "+" | "%", left, right) => open.extend([left.as_ref(), right.as_ref()]),
            Expr::Filter(of, ..) => open.push(of),
            Expr::Of(parts) | Expr::List(parts) => open.extend(parts),
            _ => {}
        }
    }
    found
}

fn longest_text(value: &Expr) -> Option<String> {
    let mut longest: Option<String> = None;
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Expr::Text(text) if longest.as_ref().is_none_or(|l| l.len() < text.len()) => {
                longest = Some(text.clone())
            }
            Expr::Binary(_, left, right) => open.extend([left.as_ref(), right.as_ref()]),
            Expr::Filter(of, ..) => open.push(of),
            Expr::Of(parts) | Expr::List(parts) => open.extend(parts),
            _ => {}
        }
    }
    longest
}
