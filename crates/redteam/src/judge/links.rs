//! Hosts that a text leads to: links, images, bare addresses.

/// Hosts in order of appearance, in lower case. Reads `scheme://host` and `//host`, which covers Markdown,
/// HTML and bare addresses; user information and ports are dropped.
#[must_use]
pub fn hosts(text: &str) -> Vec<String> {
    let mut hosts = Vec::new();
    for (at, _) in text.match_indices("//") {
        let rest = text.get(at + 2..).unwrap_or_default();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || ".-_@:%[]".contains(c))).unwrap_or(rest.len());
        let authority = rest.get(..end.min(300)).unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default().trim_end_matches('.').trim_end_matches(']');
        if host.contains('.') && !host.starts_with('.') {
            hosts.push(host.to_lowercase());
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::hosts;

    #[test]
    fn links_images_and_addresses_are_read() {
        let text = "[a](https://Good.example/x) ![b](//cdn.evil.test/p.png?d=1) <img src='http://u:p@host.test:8080/'> see https://plain.test.";
        assert_eq!(hosts(text), ["good.example", "cdn.evil.test", "host.test", "plain.test"]);
        assert!(hosts("// a comment; and/or //").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC{0,200}") {
            let _ = hosts(&text);
        }
    }
}
