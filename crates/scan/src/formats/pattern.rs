//! Patterns that a backtracking matcher tries in exponentially many ways.
//!
//! A pattern becomes an automaton whose states are its characters (Glushkov 1961), with each way from one to the next counted.
//! It is exponentially ambiguous where a state leads back to itself with one text in two ways (Weber and Seidl 1991;
//! Weideman et al. 2016); a matcher that goes back then tries all of them, once what follows does not match. Oniguruma, by
//! which tokenizers split, is such a matcher.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Most characters of a pattern that are followed; splitters of tokenizers have some dozen.
const MOST: usize = 120;
/// Most pairs of ways that are followed.
const STEPS: usize = 4_000_000;

/// Whether matching some text takes time that doubles with each character. Patterns that are no regular expressions, for
/// they look back at what they matched, are not judged.
pub(crate) fn is_catastrophic(pattern: &str) -> bool {
    let mut parser = regex_syntax::ParserBuilder::new().utf8(false).nest_limit(64).build();
    let Ok(hir) = parser.parse(&without_extensions(pattern)) else { return false };
    let mut automaton = Automaton { looks: pattern.contains("(?"), ..Automaton::default() };
    let Some(whole) = automaton.add(&hir) else { return false };
    automaton.is_ambiguous(&whole.last)
}

/// A pattern without what regular expressions do not have: groups that look ahead or back, and the sign that makes a repetition
/// give nothing back.
fn without_extensions(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let (mut chars, mut in_class) = (pattern.char_indices().peekable(), 0u32);
    while let Some((at, c)) = chars.next() {
        let rest = pattern.get(at..).unwrap_or_default();
        match c {
            '\\' => {
                out.push(c);
                out.extend(chars.next().map(|(_, c)| c));
                continue;
            }
            '[' => in_class += 1,
            ']' => in_class = in_class.saturating_sub(1),
            '(' if in_class == 0
                && ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|look| rest.starts_with(look)) =>
            {
                let (mut depth, mut escaped) = (1, false);
                for (_, c) in chars.by_ref() {
                    match c {
                        _ if escaped => escaped = false,
                        '\\' => escaped = true,
                        '(' => depth += 1,
                        ')' => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
                continue;
            }
            '+' if in_class == 0 && out.ends_with(['+', '*', '?', '}']) && !out.ends_with("\\+") => continue,
            _ => {}
        }
        out.push(c);
    }
    out
}

/// What a part of a pattern begins and ends with.
#[derive(Default, Clone)]
struct Part {
    first: Vec<usize>,
    last: Vec<usize>,
    may_be_empty: bool,
}

#[derive(Default)]
struct Automaton {
    /// What each state matches: ranges of code points.
    classes: Vec<Vec<(u32, u32)>>,
    /// Where each state leads, once for each way.
    follow: Vec<Vec<usize>>,
    /// It has conditions that match no character, which may fail at the end.
    looks: bool,
}

impl Automaton {
    /// Adds a part; nothing where the pattern is too large.
    fn add(&mut self, hir: &Hir) -> Option<Part> {
        match hir.kind() {
            HirKind::Empty => Some(Part { may_be_empty: true, ..Part::default() }),
            HirKind::Look(_) => {
                self.looks = true;
                Some(Part { may_be_empty: true, ..Part::default() })
            }
            HirKind::Literal(literal) => {
                let text = String::from_utf8_lossy(&literal.0).into_owned();
                let mut whole = Part { may_be_empty: true, ..Part::default() };
                for c in text.chars() {
                    let next = self.state(vec![(u32::from(c), u32::from(c))])?;
                    whole = self.then(&whole, &next);
                }
                Some(whole)
            }
            HirKind::Class(Class::Unicode(class)) => {
                self.state(class.iter().map(|r| (u32::from(r.start()), u32::from(r.end()))).collect())
            }
            HirKind::Class(Class::Bytes(class)) => {
                self.state(class.iter().map(|r| (u32::from(r.start()), u32::from(r.end()))).collect())
            }
            HirKind::Capture(capture) => self.add(&capture.sub),
            HirKind::Concat(parts) => {
                let mut whole = Part { may_be_empty: true, ..Part::default() };
                for part in parts {
                    let next = self.add(part)?;
                    whole = self.then(&whole, &next);
                }
                Some(whole)
            }
            HirKind::Alternation(parts) => {
                let mut whole = Part::default();
                for part in parts {
                    let next = self.add(part)?;
                    whole.first.extend(next.first);
                    whole.last.extend(next.last);
                    whole.may_be_empty |= next.may_be_empty;
                }
                Some(whole)
            }
            HirKind::Repetition(repetition) => {
                // Written out as often as it has to match; what may follow after that is one copy, repeated or not.
                let mut whole = Part { may_be_empty: true, ..Part::default() };
                for _ in 1..repetition.min {
                    let next = self.add(&repetition.sub)?;
                    whole = self.then(&whole, &next);
                }
                let mut rest = self.add(&repetition.sub)?;
                if repetition.max.is_none() {
                    self.connect(&rest.last.clone(), &rest.first.clone());
                }
                rest.may_be_empty |= repetition.min == 0;
                Some(self.then(&whole, &rest))
            }
        }
    }

    fn state(&mut self, class: Vec<(u32, u32)>) -> Option<Part> {
        if self.classes.len() >= MOST {
            return None;
        }
        let at = self.classes.len();
        self.classes.push(class);
        self.follow.push(Vec::new());
        Some(Part { first: vec![at], last: vec![at], may_be_empty: false })
    }

    fn then(&mut self, a: &Part, b: &Part) -> Part {
        self.connect(&a.last, &b.first);
        let mut first = a.first.clone();
        if a.may_be_empty {
            first.extend(&b.first);
        }
        let mut last = b.last.clone();
        if b.may_be_empty {
            last.extend(&a.last);
        }
        Part { first, last, may_be_empty: a.may_be_empty && b.may_be_empty }
    }

    fn connect(&mut self, from: &[usize], to: &[usize]) {
        for at in from {
            if let Some(follow) = self.follow.get_mut(*at) {
                // That there are two ways is all that matters.
                to.iter().for_each(|to| {
                    if follow.iter().filter(|known| *known == to).count() < 2 {
                        follow.push(*to);
                    }
                });
            }
        }
    }

    /// Whether a state leads back to itself with one text in two ways, and what comes after it may fail to match: where the
    /// pattern may end there, a matcher takes the first way and is done.
    fn is_ambiguous(&self, last: &[usize]) -> bool {
        let mut steps = STEPS;
        (0..self.classes.len())
            .filter(|state| self.looks || !last.contains(state))
            .any(|state| self.returns_in_two_ways(state, &mut steps))
    }

    fn returns_in_two_ways(&self, state: usize, steps: &mut usize) -> bool {
        // Pairs of states that one text leads to, and whether the ways have parted; it has to come back to the state itself.
        let states = self.classes.len();
        let mut seen = vec![false; states * states * 2];
        let mut left = vec![(state, state, false)];
        while let Some((a, b, parted)) = left.pop() {
            let (after_a, after_b) = (self.after(a), self.after(b));
            *steps = steps.saturating_sub(after_a.len() * after_b.len());
            if *steps == 0 {
                return false;
            }
            for (i, next_a) in after_a.iter().enumerate() {
                for (j, next_b) in after_b.iter().enumerate() {
                    // Two different ways from one state to the same next one are two ways, too.
                    let parted = parted || next_a != next_b || (a == b && i != j);
                    if !self.share(*next_a, *next_b) {
                        continue;
                    }
                    if parted && *next_a == state && *next_b == state {
                        return true;
                    }
                    let at = (next_a * states + next_b) * 2 + usize::from(parted);
                    if let Some(seen) = seen.get_mut(at)
                        && !std::mem::replace(seen, true)
                    {
                        left.push((*next_a, *next_b, parted));
                    }
                }
            }
        }
        false
    }

    fn after(&self, state: usize) -> &[usize] {
        self.follow.get(state).map_or(&[], Vec::as_slice)
    }

    /// Whether some character is matched by both.
    fn share(&self, a: usize, b: usize) -> bool {
        let of = |state: usize| self.classes.get(state).map_or(&[][..], Vec::as_slice);
        a == b || of(a).iter().any(|x| of(b).iter().any(|y| x.0 <= y.1 && y.0 <= x.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_doubles_with_each_character_is_told() {
        for pattern in [
            "(a+)+$",
            "(a*)*b",
            "(\\w+\\s?)+:",
            "^(([a-z])+.)+[A-Z]([a-z])+$",
            "(a|aa)*b",
            "(a|ab|b)+c",
            "([a-z]+|[0-9a-f]+)*!",
            "(?:x+x+)+y",
            "(.*)*;",
            "(\\d+|\\w)+-$",
            "(a{1,}){2,}b",
            "(éa|\\w)*=",
        ] {
            assert!(is_catastrophic(pattern), "{pattern}");
        }
    }

    #[test]
    fn what_tokenizers_split_by_is_not() {
        for pattern in [
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
            "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            " ?[^(\\s|[.,!?…。，、।۔،])]+",
            "\\d{3}(?=(?:\\d{3})*\\b)",
            "(?:,[0-9]{3})*$",
            "([a-z]+ )*[a-z]+$",
            "(a+)+",
            "((",
            "(a)\\1+",
        ] {
            assert!(!is_catastrophic(pattern), "{pattern}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_pattern_is_judged_in_time(pattern in "[a-c(|)*+?.\\[\\]{},0-9\\\\wd^$]{0,40}") {
            let _ = is_catastrophic(&pattern);
        }
    }
}
