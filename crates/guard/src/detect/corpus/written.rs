//! Texts that were written one by one, for what grammars cannot give: no two share wording, structure or situation.
//! Each attack has a near miss, a harmless text of the same situation and manner.

use std::sync::LazyLock;

use proofhouse_dialogue::Carrier;
use serde::Deserialize;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// What the attack is after, or what the near miss stands beside.
    pub family: String,
    /// The code of its language.
    pub language: String,
    /// Where it stands. Of a document or a program it is one passage.
    pub carrier: Carrier,
    /// Whether it attacks.
    pub attack: bool,
    /// The text.
    pub text: String,
}

/// All of them, in the order of their file.
///
/// # Panics
///
/// Never: the file is part of the build, and a test reads it.
#[must_use]
pub fn written() -> &'static [Written] {
    #[expect(clippy::expect_used, reason = "the file is part of the build, and a test reads it")]
    static WRITTEN: LazyLock<Vec<Written>> = LazyLock::new(|| {
        let lines = include_str!("written.jsonl").lines();
        lines.map(serde_json::from_str).collect::<Result<_, _>>().expect("each line is a text")
    });
    &WRITTEN
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_is_there_once_and_attacks_have_as_many_near_misses() {
        let all = written();
        let texts: BTreeSet<&str> = all.iter().map(|written| written.text.as_str()).collect();
        assert_eq!(texts.len(), all.len());
        assert!(all.iter().all(|written| written.text.trim() == written.text && written.text.len() > 10));
        for carrier in [Carrier::Chat, Carrier::Document, Carrier::Code] {
            let count = |attack| all.iter().filter(|w| w.carrier == carrier && w.attack == attack).count();
            assert!(count(true) >= 100 && count(false) * 10 >= count(true) * 9, "{carrier:?}");
        }
        let languages: BTreeSet<&str> = all.iter().map(|written| written.language.as_str()).collect();
        assert!(languages.len() >= 15, "{languages:?}");
    }

    /// A near miss may repeat words of its attack, never a sentence: what is trained as both teaches nothing.
    #[test]
    fn no_text_is_part_of_one_with_the_other_label() {
        let of = |attack| written().iter().filter(move |written| written.attack == attack);
        for near in of(false) {
            assert!(of(true).all(|attack| !attack.text.contains(&near.text)), "{}", near.text);
            assert!(of(true).all(|attack| !near.text.contains(&attack.text)), "{}", near.text);
        }
    }
}
