//! Words and URLs of a text.

use url::Url;

/// What may stand around a word without being part of it.
const AROUND: &[char] = &[
    '"', '\'', '`', '“', '”', '„', '‘', '’', '‚', '«', '»', '‹', '›', '(', ')', '[', ']', '{', '}', '<', '>',
    ',', ';', ':', '!', '?', '.', '…', '*', '。', '、', '，', '；', '：', '！', '？', '（', '）', '「', '」',
    '『', '』', '【', '】', '،', '؛', '؟',
];

/// The words of a text without the punctuation around them.
pub(in crate::flow) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().map(|word| word.trim_matches(AROUND)).filter(|word| !word.is_empty())
}

/// Whether the words of `value` are consecutive words of `text`.
pub(super) fn contains(text: &str, value: &str, max_words: usize) -> bool {
    let wanted: Vec<&str> = value.split_whitespace().collect();
    let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else { return false };
    if wanted.len() > max_words {
        return false;
    }
    let here: Vec<&str> = text.split_whitespace().collect();
    let end = wanted.len() - 1;
    here.windows(wanted.len()).any(|window| {
        window.iter().zip(&wanted).enumerate().all(|(n, (word, wanted))| {
            let front = if n == 0 { word.trim_start_matches(AROUND) } else { word };
            match (n == 0, n == end) {
                (false, false) => word == wanted,
                // Around a single word either side's punctuation may be missing, or be part of it.
                (true, true) => [*word, front, word.trim_end_matches(AROUND), front.trim_end_matches(AROUND)]
                    .contains(first),
                (true, false) => word == first || front == *first,
                (false, true) => word == last || word.trim_end_matches(AROUND) == *last,
            }
        })
    })
}

/// What may stand behind a URL without being part of it.
const BEHIND: &[char] = &['.', ',', ';', ':', '!', '?', '\'', '*', '_', ')', ']', '}', '…'];

/// URLs that stand in a text, each in the form browsers give it; where punctuation behind it may or may not
/// belong to it, both. A bare `host/path` counts as `https`.
pub(in crate::flow) fn urls(text: &str) -> impl Iterator<Item = Url> {
    let limits =
        |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`' | '“' | '”' | '«' | '»' | '|');
    text.split(limits).filter(|piece| piece.contains('.') || piece.contains("://")).flat_map(|piece| {
        // What stands in front: `(https://…`, `link:https://…`, `[text](https://…`.
        let start = piece.find("://").map_or(0, |at| {
            let scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
            piece.get(..at).map_or(0, |front| front.trim_end_matches(scheme).len())
        });
        let bare = !piece.contains("://");
        let piece = piece.get(start..).unwrap_or_default();
        let piece = if bare { piece.trim_start_matches(['(', '[', '\'', '*', '_']) } else { piece };
        let trimmed = piece.trim_end_matches(BEHIND);
        let markdown = piece.split([')', ']']).next().unwrap_or_default();
        let mut found: Vec<Url> = Vec::new();
        for candidate in [piece, trimmed, markdown] {
            let parsed = match bare {
                true if looks_like_host(candidate) => Url::parse(&format!("https://{candidate}")),
                true => continue,
                false => Url::parse(candidate),
            };
            if let Ok(url) = parsed
                && !found.contains(&url)
            {
                found.push(url);
            }
        }
        found
    })
}

/// A bare `docs.example/path`: a host of at least two labels, the last one letters.
fn looks_like_host(text: &str) -> bool {
    let host = text.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((front, last)) = host.rsplit_once('.') else { return false };
    let label = |l: &str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    front.split('.').all(label) && last.len() >= 2 && last.bytes().all(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole() {
        let text = "Please refund order 4711-A to \"Alice Example\" (see file a/b.txt), thanks.";
        for value in ["4711-A", "Alice Example", "a/b.txt", "thanks", "order 4711-A", "thanks."] {
            assert!(contains(text, value, 9), "{value}");
        }
        for value in
            ["4711", "711-A", "Alice Exam", "alice Example", "b.txt", "", " ", "Please order", "A", ".txt"]
        {
            assert!(!contains(text, value, 9), "{value}");
        }
        assert!(!contains("a b c d", "a b c", 2));
    }

    #[test]
    fn a_path_upwards_is_not_the_path() {
        assert!(!contains("open /secret", "../secret", 9));
        assert!(!contains("open ../secret", "/secret.", 9));
    }

    #[test]
    fn urls_in_prose_and_markup() {
        let has = |text: &str, url: &str| urls(text).any(|u| u == Url::parse(url).unwrap());
        assert!(has("See https://docs.example/a.", "https://docs.example/a"));
        assert!(has("[x](https://docs.example/a)", "https://docs.example/a"));
        assert!(has("<https://docs.example/a?b=c#d>", "https://docs.example/a?b=c#d"));
        assert!(has("go to docs.example/a, then", "https://docs.example/a"));
        assert!(has("HTTPS://DOCS.example/A", "https://docs.example/A"));
        assert!(!has("https://docs.example/a", "https://docs.example/"));
        assert!(!has("https://docs.example/ab", "https://docs.example/a"));
        assert!(!has("https://docs.example.evil.example/", "https://docs.example/"));
        assert!(!has("not1.2 and a.b", "https://1.2/"));
    }
}
