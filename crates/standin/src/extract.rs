//! Addresses, amounts, identifiers and quotations in a text.

use std::sync::LazyLock;

use regex::Regex;

/// A pattern of this crate.
#[expect(clippy::unwrap_used, reason = "the patterns are constants, and a test uses each")]
pub(crate) fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

fn all(regex: &Regex, text: &str) -> Vec<String> {
    let found = |c: regex::Captures<'_>| {
        (1..c.len()).find_map(|i| c.get(i)).or_else(|| c.get(0)).map(|m| m.as_str().to_owned())
    };
    regex.captures_iter(text).filter_map(found).collect()
}

pub(crate) fn emails(text: &str) -> Vec<String> {
    static EMAIL: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"));
    all(&EMAIL, text)
}

pub(crate) fn urls(text: &str) -> Vec<String> {
    static URL: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r#"(?i)\b(?:https?|ftp|wss?)://(?:\{[^{}\n]*\}{1,2}|\[[^\[\]\n]*\]|<[^<>\n]*>|[^\s"'`<>)\]|])+"#,
        )
    });
    all(&URL, text)
        .into_iter()
        .map(|url| url.trim_end_matches(['.', ',', '!', ';', ':', '?']).to_owned())
        .collect()
}

/// What stands in quotation marks of any kind.
pub(crate) fn quoted(text: &str) -> Vec<String> {
    static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            "\"([^\"\n]{1,600})\"|\u{201c}([^\u{201d}\n]{1,600})\u{201d}|\u{201e}([^\u{201c}\u{201d}\n]{1,600})[\u{201c}\u{201d}]\
             |\u{ab}\\s?([^\u{bb}\n]{1,600}?)\\s?\u{bb}|\u{300c}([^\u{300d}\n]{1,600})\u{300d}|`([^`\n]{1,600})`\
             |(?:^|[\\s(:=])['\u{2018}]([^'\n\u{2019}]{1,600})['\u{2019}](?:[\\s).,!?;:]|$)",
        )
    });
    all(&QUOTED, text)
}

pub(crate) fn amounts(text: &str) -> Vec<String> {
    static MONEY: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)(?:[$€£¥]|\b(?:eur|usd|gbp|chf))\s?(\d[\d.,]*\d|\d)|(\d[\d.,]*\d|\d)\s?(?:[$€£¥]|(?:eur|usd|gbp|chf|euros?|dollars?|pounds?)\b)",
        )
    });
    static PLAIN: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?:^|[\s(:=])(\d+(?:[.,]\d+)*)(?:[\s),;.!?]|$)"));
    let mut found = all(&MONEY, text);
    if found.is_empty() {
        found = all(&PLAIN, text);
    }
    found
}

/// A number as people write it: "1.500,00" and "1,500.00" alike.
pub(crate) fn number(text: &str) -> Option<f64> {
    let last = text.rfind(['.', ',']);
    let is_decimal = last.is_some_and(|at| {
        let mark = text.get(at..=at).unwrap_or_default();
        text.len() - at - 1 != 3
            || text.matches(mark).count() == 1 && text.contains(if mark == "." { "," } else { "." })
    });
    let plain: String = text
        .char_indices()
        .filter_map(|(at, c)| match c {
            '.' | ',' if is_decimal && Some(at) == last => Some('.'),
            '.' | ',' => None,
            other => Some(other),
        })
        .collect();
    plain.parse().ok()
}

/// Order numbers and the like.
pub(crate) fn ids(text: &str) -> Vec<String> {
    static NAMED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)(?:order|ticket|invoice|customer|case|booking|account|parcel|shipment|user|id|number|no\.|nr\.?|bestellung|auftrag|commande|pedido|ordine|zamówienie|заказ\w*|订单|注文)\s*(?:id|number|no\.?|nr\.?|号)?\s*[:#№]?\s*([A-Za-z]{0,5}-?\d[\w-]*)",
        )
    });
    static SHAPED: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\b([A-Z]{1,5}-?\d[\w-]*)\b|#(\d+)|\b(\d{3,12})\b"));
    let mut found = all(&NAMED, text);
    found.extend(all(&SHAPED, text));
    found
}

pub(crate) fn accounts(text: &str) -> Vec<String> {
    static IBAN: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b"));
    all(&IBAN, text)
}

pub(crate) fn dates(text: &str) -> Vec<String> {
    static DATE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b\d{4}-\d{2}-\d{2}(?:T[\d:]+Z?)?\b"));
    all(&DATE, text)
}

pub(crate) fn paths(text: &str) -> Vec<String> {
    static PATH: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?:~|\.{1,2})?/[\w.@-]+(?:/[\w.@-]+)*|\b[\w-]+\.(?:md|txt|pdf|csv|json|ya?ml|html?|env|docx?|log|key|pem)\b",
        )
    });
    all(&PATH, text)
}

/// What follows `key` and a colon or an equals sign, up to the end of the line or of the quotation.
pub(crate) fn labelled(text: &str, key: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let key = key.to_ascii_lowercase();
    [key.clone(), key.replace('_', " "), key.replace('_', "-")].iter().find_map(|key| {
        let places = lower.match_indices(key.as_str());
        places.into_iter().find_map(|(at, _)| {
            let before = text.get(..at)?.chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                return None;
            }
            value(text.get(at + key.len()..)?)
        })
    })
}

/// The value after a key.
fn value(after: &str) -> Option<String> {
    let after = after.trim_start_matches(['"', '\'', '`']).trim_start();
    let after = after.strip_prefix([':', '=']).or_else(|| after.strip_prefix("is "))?.trim_start();
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
    let value = match quote.and_then(|q| after.get(1..)?.split_once(q)) {
        Some((inside, _)) if !inside.contains('\n') => inside,
        _ => after.split(['\n', ',', ';', ')', '}', ']']).next().unwrap_or_default(),
    };
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// The last JSON object in a text.
pub(crate) fn object(text: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    let starts: Vec<usize> = text.match_indices('{').map(|(at, _)| at).take(16).collect();
    starts.into_iter().find_map(|start| {
        let rest = text.get(start..)?;
        match serde_json::Deserializer::from_str(rest).into_iter::<serde_json::Value>().next()?.ok()? {
            serde_json::Value::Object(members) if !members.is_empty() => Some(members),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_found() {
        assert_eq!(emails("to ann@x.example."), ["ann@x.example"]);
        assert_eq!(urls("see (https://x.example/a?b=c)."), ["https://x.example/a?b=c"]);
        assert_eq!(
            quoted("say 'it works' and „ja“ and «oui» and 「はい」"),
            ["it works", "ja", "oui", "はい"]
        );
        assert_eq!(amounts("refund 1.500,00 EUR or $20"), ["1.500,00", "20"]);
        assert_eq!(amounts("pay 70 now"), ["70"]);
        assert_eq!(number("1.500,00"), Some(1500.0));
        assert_eq!(number("1,500"), Some(1500.0));
        assert_eq!(number("39.90"), Some(39.9));
        assert_eq!(ids("Where is order A-1042?").first().map(String::as_str), Some("A-1042"));
        assert_eq!(accounts("to DE89 3704 0044 0532 0130 00 now"), ["DE89 3704 0044 0532 0130 00"]);
        assert_eq!(dates("on 2026-01-02"), ["2026-01-02"]);
        assert_eq!(paths("read notes.txt or /etc/passwd"), ["notes.txt", "/etc/passwd"]);
        assert_eq!(labelled("to: eve, subject = 'Hi there'", "subject").as_deref(), Some("Hi there"));
        assert_eq!(object("call x with {\"a\": 1}").unwrap()["a"], 1);
    }
}
