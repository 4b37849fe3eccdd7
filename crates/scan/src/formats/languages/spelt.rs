//! Launchers of Windows with their pieces put together: variables of a batch file that it sets itself, and texts of
//! PowerShell that are joined, formatted or broken up by backticks.

use std::collections::BTreeMap;

/// Longest line that is put together.
const LONGEST: usize = 1 << 13;
/// Variables that are remembered.
const REMEMBERED: usize = 4096;

/// A launcher in small letters, with what is known put in.
pub(super) fn lower(text: &str) -> String {
    let mut known = BTreeMap::new();
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.to_ascii_lowercase();
        if line.len() > LONGEST {
            out.push_str(&line);
        } else {
            let line = expand(&line, &known);
            remember(&line, &mut known);
            out.push_str(&joined(&line));
        }
        out.push('\n');
    }
    out
}

fn remember(line: &str, known: &mut BTreeMap<String, String>) {
    for part in line.split(['&', '|']) {
        let Some(set) = part.trim().trim_start_matches('@').strip_prefix("set ") else { continue };
        let set = set.trim().trim_matches('"');
        if let Some((name, value)) = set.split_once('=').filter(|(name, _)| !name.starts_with('/'))
            && known.len() < REMEMBERED
            && !value.is_empty()
        {
            known.insert(name.trim().to_owned(), value.trim_end_matches('"').to_owned());
        }
    }
}

/// `%name%`, `%name:a=b%` and `%name:~2,3%`, and carets that stand for nothing.
fn expand(line: &str, known: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('%').filter(|_| out.len() <= LONGEST) {
        out.push_str(rest.get(..at).unwrap_or_default());
        let tail = rest.get(at + 1..).unwrap_or_default();
        let inner = tail.find('%').and_then(|end| tail.get(..end));
        let value = inner.and_then(|inner| {
            let (name, how) = inner.split_once(':').unwrap_or((inner, ""));
            changed(known.get(name)?, how)
        });
        match (inner, value) {
            (Some(inner), Some(value)) => {
                out.push_str(&value);
                rest = tail.get(inner.len() + 1..).unwrap_or_default();
            }
            _ => {
                out.push('%');
                rest = tail;
            }
        }
    }
    out.push_str(rest);
    let mut before = ' ';
    let mut plain = String::with_capacity(out.len());
    for c in out.chars() {
        // A caret between letters hides a word.
        if c != '^' || !before.is_alphanumeric() {
            plain.push(c);
        }
        before = c;
    }
    plain
}

fn changed(value: &str, how: &str) -> Option<String> {
    if how.is_empty() {
        return Some(value.to_owned());
    }
    if let Some(range) = how.strip_prefix('~') {
        let (from, count) = range.split_once(',').unwrap_or((range, ""));
        let length = value.chars().count();
        let from: i64 = from.trim().parse().ok()?;
        let from = if from < 0 {
            length.saturating_sub(usize::try_from(from.unsigned_abs()).ok()?)
        } else {
            usize::try_from(from).ok()?
        };
        let count: i64 = if count.is_empty() { i64::MAX } else { count.trim().parse().ok()? };
        let count = if count < 0 {
            length.saturating_sub(from).saturating_sub(usize::try_from(count.unsigned_abs()).ok()?)
        } else {
            usize::try_from(count).unwrap_or(usize::MAX)
        };
        return Some(value.chars().skip(from).take(count).collect());
    }
    let (from, to) = how.split_once('=')?;
    (!from.is_empty()).then(|| value.replace(from, to))
}

/// Texts that are joined by nothing but an operator, and words that backticks break up.
fn joined(line: &str) -> String {
    let mut line = line.to_owned();
    for quote in ['\'', '"'] {
        for gap in ["+", " + ", "+ ", " +"] {
            line = line.replace(&format!("{quote}{gap}{quote}"), "");
        }
    }
    if let Some((before, list)) = line.clone().split_once("-join")
        && let Some(end) = list.find(')')
    {
        let inner = list.get(..end).unwrap_or_default().trim_start().trim_start_matches(['(', '@']);
        let pieces: Vec<&str> =
            inner.split(',').map(|piece| piece.trim().trim_matches(['\'', '"'])).collect();
        if pieces.len() > 1 {
            line = format!("{before}'{}'{}", pieces.concat(), list.get(end + 1..).unwrap_or_default());
        }
    }
    let mut out = String::with_capacity(line.len());
    let mut letters = line.chars().peekable();
    let mut before = ' ';
    while let Some(c) = letters.next() {
        let inside = before.is_alphanumeric() && letters.peek().is_some_and(|next| next.is_alphanumeric());
        if c != '`' || !inside {
            out.push(c);
        }
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::lower;

    #[test]
    fn pieces_are_put_together() {
        for (text, expected) in [
            ("set a=cert\nset b=util\n%a%%b% -urlcache", "certutil -urlcache"),
            ("set \"q=pqowershqell\"\nset q=%q:q=%\n%q% -x", "powershell -x"),
            ("set s=xxcurlxx\n%s:~2,4% a & %s:~2,-2% b", "curl a & curl b"),
            ("p^o^wershell -x", "powershell -x"),
            ("$s = 'Down'+'loadString'", "$s = 'downloadstring'"),
            ("& ( -join ('i','e','x') ) $t", "& ( 'iex' ) $t"),
            ("i`e`x $t", "iex $t"),
            ("echo 100% of %PATH%", "echo 100% of %path%"),
        ] {
            assert_eq!(lower(text).lines().last(), Some(expected), "{text}");
        }
    }
}
