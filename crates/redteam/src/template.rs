//! A grammar for texts: `⟨one|other|⟨nested|deeper⟩⟩` chooses, `$name` fills a slot.
//!
//! The brackets are characters that no payload needs, so HTML, JSON, shell and SQL can be written as they
//! are. A `$` before anything but a lower-case letter is an ordinary character (`$(…)`, `$5`).

use std::collections::BTreeMap;

use crate::Dice;

/// What slots are filled with.
pub(crate) type Slots = BTreeMap<&'static str, String>;

/// How deep choices may nest. The templates are ours; the limit keeps a slip from running away.
const DEPTH: usize = 8;

/// A text of the grammar. Slots that have no value stay as they are, so that a test can find them.
pub(crate) fn expand(template: &str, slots: &Slots, dice: &mut Dice) -> String {
    fill(&choose(template, dice, 0), slots)
}

fn choose(template: &str, dice: &mut Dice, depth: usize) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('⟨') {
        out.push_str(before);
        let (options, tail) = options(after);
        if depth < DEPTH {
            out.push_str(&choose(dice.text(&options), dice, depth + 1));
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// The options up to the bracket that closes, and what follows it.
fn options(text: &str) -> (Vec<&str>, &str) {
    let (mut options, mut start, mut depth) = (Vec::new(), 0, 0usize);
    for (at, c) in text.char_indices() {
        match c {
            '⟨' => depth += 1,
            '|' if depth == 0 => {
                options.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            '⟩' if depth == 0 => {
                options.push(text.get(start..at).unwrap_or_default());
                return (options, text.get(at + c.len_utf8()..).unwrap_or_default());
            }
            '⟩' => depth -= 1,
            _ => {}
        }
    }
    options.push(text.get(start..).unwrap_or_default());
    (options, "")
}

fn fill(text: &str, slots: &Slots) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let end = after.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(after.len());
        let (name, tail) = after.split_at(end);
        match slots.get(name) {
            Some(value) => out.push_str(value),
            None => {
                out.push('$');
                out.push_str(name);
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn choices_nest_and_slots_fill() {
        let slots = Slots::from([("ask", "sing".to_owned())]);
        let all: std::collections::BTreeSet<String> = (0..200)
            .map(|seed| expand("⟨a|b⟨1|2⟩⟩ $ask $(x) $5", &slots, &mut Dice::of(seed, &[])))
            .collect();
        let expected = ["a sing $(x) $5", "b1 sing $(x) $5", "b2 sing $(x) $5"];
        assert_eq!(all.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_a_slot_brings_is_not_read_as_a_template() {
        let slots = Slots::from([("ask", "⟨a|b⟩ $ask".to_owned())]);
        assert_eq!(expand("$ask", &slots, &mut Dice::of(0, &[])), "⟨a|b⟩ $ask");
    }

    proptest! {
        #[test]
        fn any_text_expands(text in "[⟨⟩|$a-c ]{0,60}", seed: u64) {
            let out = expand(&text, &Slots::new(), &mut Dice::of(seed, &[]));
            prop_assert!(out.len() <= text.len());
        }
    }
}
