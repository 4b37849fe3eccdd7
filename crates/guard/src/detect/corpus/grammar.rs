//! A small grammar that texts are drawn from.
//!
//! ```text
//! # A comment.
//! override: {ignore} {all} {previous} {instructions}. {goal} | {ignore} what you were told, {goal}
//! ignore: ignore | disregard | set {aside|apart}
//! ```
//!
//! A rule is a name, a colon and alternatives between bars; the same name on several lines adds
//! alternatives, and a line that begins with a bar goes on with the rule before it. In an alternative,
//! `{name}` stands for a draw from that rule and `{a|b|}` for one of the pieces. A backslash takes the next
//! character as it is, and `\n` is a line break.

use std::collections::BTreeMap;

use super::Draw;

/// Rules within rules deeper than this are a circle.
const DEPTH: usize = 24;

/// Rules by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Grammar {
    rules: BTreeMap<&'static str, Vec<&'static str>>,
}

impl Grammar {
    /// Reads rules from files; later files add to the rules of earlier ones.
    pub(super) fn read(files: &[&'static str]) -> Self {
        let mut rules: BTreeMap<&'static str, Vec<&'static str>> = BTreeMap::new();
        let mut current = "";
        for line in files.iter().flat_map(|file| file.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let body = match line.strip_prefix('|') {
                Some(rest) => rest,
                None => match line.split_once(':') {
                    Some((name, rest)) => {
                        current = name.trim();
                        rest
                    }
                    None => line,
                },
            };
            rules.entry(current).or_default().extend(alternatives(body).map(str::trim));
        }
        Self { rules }
    }

    /// Whether there is a rule of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.rules.contains_key(name) || BUILT_IN.contains(&name)
    }

    /// A text from rule `name`; empty where there is no such rule.
    pub(super) fn draw(&self, name: &str, draw: &mut Draw) -> String {
        let mut out = String::new();
        self.rule(name, draw, &mut out, 0);
        out
    }

    fn rule(&self, name: &str, draw: &mut Draw, out: &mut String, depth: usize) {
        if let Some(text) = self.rules.get(name).and_then(|all| draw.pick(all)) {
            self.expand(text, draw, out, depth + 1);
        } else {
            built_in(name, draw, out);
        }
    }

    fn expand(&self, text: &str, draw: &mut Draw, out: &mut String, depth: usize) {
        if depth > DEPTH {
            return;
        }
        let mut rest = text;
        while let Some(at) = rest.find(['{', '\\']) {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            if let Some(escaped) = from.strip_prefix('\\') {
                let mut chars = escaped.chars();
                match chars.next() {
                    Some('n') => out.push('\n'),
                    Some(c) => out.push(c),
                    None => {}
                }
                rest = chars.as_str();
                continue;
            }
            let end = closing(from);
            let inside = from.get(1..end).unwrap_or_default();
            let mut pieces = alternatives(inside);
            match (pieces.next(), pieces.next()) {
                (Some(name), None) if self.has(name) => self.rule(name, draw, out, depth),
                (Some(_), None) => out.push_str(from.get(..=end).unwrap_or(from)),
                _ => {
                    let all: Vec<_> = alternatives(inside).collect();
                    if let Some(piece) = draw.pick(&all) {
                        self.expand(piece, draw, out, depth + 1);
                    }
                }
            }
            rest = from.get(end + 1..).unwrap_or_default();
        }
        out.push_str(rest);
    }

    /// Names that alternatives use and no rule has.
    #[cfg(test)]
    pub(super) fn unknown(&self) -> Vec<String> {
        let mut unknown = Vec::new();
        for text in self.rules.values().flatten() {
            let mut todo = vec![*text];
            while let Some(text) = todo.pop() {
                let mut rest = text;
                while let Some(at) = rest.find(['{', '\\']) {
                    let from = &rest[at..];
                    if from.starts_with('\\') {
                        rest = from.get(2..).unwrap_or_default();
                        continue;
                    }
                    let end = closing(from);
                    let inside = from.get(1..end).unwrap_or_default();
                    let all: Vec<_> = alternatives(inside).collect();
                    match all.as_slice() {
                        [name] if !self.has(name) => unknown.push((*name).to_owned()),
                        [_] => {}
                        pieces => todo.extend(pieces),
                    }
                    rest = from.get(end + 1..).unwrap_or_default();
                }
            }
        }
        unknown
    }
}

/// Rules that no file can write: numbers and words that nobody has seen before.
const BUILT_IN: [&str; 4] = ["num", "hex", "pseudo", "Pseudo"];

fn built_in(name: &str, draw: &mut Draw, out: &mut String) {
    use std::fmt::Write as _;
    // Writing to a string cannot fail.
    let _ = match name {
        "num" => {
            let most = if draw.one_in(3) { 9998 } else { 98 };
            write!(out, "{}", 2 + draw.below(most))
        }
        "hex" => write!(out, "{:08x}", draw.bits() >> 32),
        "pseudo" => out.write_str(&pseudo(draw)),
        "Pseudo" => {
            let word = pseudo(draw);
            let (first, rest) = word.split_at(1);
            write!(out, "{}{rest}", first.to_uppercase())
        }
        _ => Ok(()),
    };
}

/// A word that can be spoken and means nothing.
fn pseudo(draw: &mut Draw) -> String {
    const ONSETS: [&str; 20] = [
        "b", "br", "d", "f", "g", "gl", "h", "k", "kr", "l", "m", "n", "p", "pl", "r", "s", "st", "t", "v",
        "z",
    ];
    const VOWELS: [&str; 8] = ["a", "e", "i", "o", "u", "ai", "ou", "ee"];
    const CODAS: [&str; 8] = ["", "", "n", "r", "x", "l", "s", "k"];
    let mut word = String::new();
    for _ in 0..2 + draw.below(2) {
        for part in [ONSETS.as_slice(), &VOWELS, &CODAS] {
            word.push_str(draw.pick(part).copied().unwrap_or_default());
        }
    }
    word
}

/// The pieces between bars that stand in no braces.
fn alternatives(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut depth, mut escaped) = (0_usize, false);
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'{' => depth += 1,
                b'}' => depth = depth.saturating_sub(1),
                b'|' if depth == 0 => {
                    rest = text.get(at + 1..);
                    return text.get(..at);
                }
                _ => {}
            }
        }
        rest = None;
        Some(text)
    })
}

/// Where the brace that `text` begins with is closed.
fn closing(text: &str) -> usize {
    let (mut depth, mut escaped) = (0_usize, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &'static str) -> std::collections::BTreeSet<String> {
        let grammar = Grammar::read(&[text]);
        let mut draw = Draw::new(7);
        (0..200).map(|_| grammar.draw("s", &mut draw)).collect()
    }

    #[test]
    fn alternatives_rules_and_pieces() {
        let texts = all("s: {who} {runs|walks{ fast|}}.\nwho: a\n| b {x|y}\n");
        assert!(texts.contains("a runs.") && texts.contains("b y walks fast.") && texts.contains("a walks."));
        assert_eq!(texts.len(), 9);
    }

    #[test]
    fn a_backslash_takes_the_next_character_as_it_is() {
        assert_eq!(all(r"s: a\nb \{x\} \| c").into_iter().collect::<Vec<_>>(), ["a\nb {x} | c"]);
    }

    #[test]
    fn what_is_no_rule_stands_as_it_is_and_is_reported() {
        assert_eq!(all("s: {nobody}").into_iter().collect::<Vec<_>>(), ["{nobody}"]);
        assert_eq!(Grammar::read(&["s: {nobody}"]).unknown(), ["nobody"]);
    }

    #[test]
    fn a_circle_ends() {
        assert_eq!(all("s: a{s}").len(), 1);
    }

    #[test]
    fn unclosed_braces_do_no_harm() {
        all("s: {a|b");
        all("s: {");
        all("s: }{\\");
    }
}
