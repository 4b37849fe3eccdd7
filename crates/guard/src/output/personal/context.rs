//! Words that say what a number is.

/// Whether one of the words (in lower case) stands in `before`, as words and not within others. Scripts
/// without spaces have no such bounds.
pub(super) fn any(before: &str, words: &[&str]) -> bool {
    let before = before.to_lowercase();
    words.iter().any(|word| {
        before.match_indices(word).any(|(at, _)| {
            let ascii = word.is_ascii();
            let glued = |c: Option<char>| ascii && c.is_some_and(|c| c.is_ascii_alphabetic());
            !glued(before.get(..at).and_then(|b| b.chars().next_back()))
                && !glued(before.get(at + word.len()..).and_then(|a| a.chars().next()))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::any;

    #[test]
    fn words_are_whole() {
        assert!(any("My SIN: ", &["sin"]));
        assert!(any("\"sin_number\": ", &["sin"]));
        assert!(!any("since then ", &["sin"]));
        assert!(any("我的個人番号は", &["個人番号"]));
    }
}
