//! Lines of a shell with what is known put in: variables that the script sets, texts that `printf`, `echo` and `$'…'`
//! spell, what decodes a constant. A command that is put together out of pieces is judged as the command that it is.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{FETCHERS, joined};

/// Longest line that is kept.
const LONGEST: usize = 1 << 13;
/// Values that are put into one line.
const MOST: usize = 64;
/// Variables that are remembered.
const REMEMBERED: usize = 4096;

/// Lines of which something was put together, each with the number of lines before it.
pub(super) fn resolved(script: &str) -> Vec<(u64, String)> {
    let mut known: BTreeMap<String, String> = BTreeMap::from([("IFS".to_owned(), " ".to_owned())]);
    let mut out = Vec::new();
    for (index, line) in joined(script) {
        if line.trim_start().starts_with('#') || line.len() > LONGEST {
            continue;
        }
        let mut whole = String::new();
        for statement in statements(&line) {
            let expanded = expand(statement, &known);
            remember(&expanded, &mut known);
            whole.push_str(&expanded);
        }
        if whole != line && whole.len() <= LONGEST {
            out.push((index, whole));
        }
    }
    out
}

/// Parts of a line up to each semicolon or `&&` that stands outside of quotes, with it.
fn statements(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut quote, mut from, mut escaped) = (None, 0, false);
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if c == open && !escaped => quote = None,
            None if matches!(c, '"' | '\'') && !escaped => quote = Some(c),
            None if c == ';' || c == '&' => {
                out.push(line.get(from..=at).unwrap_or_default());
                from = at + 1;
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    out.push(line.get(from..).unwrap_or_default());
    out
}

/// Keeps what a statement assigns, where it is a constant.
fn remember(statement: &str, known: &mut BTreeMap<String, String>) {
    let text = statement.trim().trim_end_matches([';', '&']).trim();
    let words = ["export ", "local ", "readonly ", "declare ", "typeset "];
    let text = words.iter().find_map(|word| text.strip_prefix(word)).unwrap_or(text);
    let Some((name, value)) = text.split_once('=') else { return };
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let quoted = value.strip_prefix(['"', '\'']).and_then(|v| v.strip_suffix(['"', '\'']));
    let constant = quoted.unwrap_or(value);
    // What comes from elsewhere is not known, but that it does.
    let fetched = (constant.starts_with("$(") || constant.starts_with('`'))
        && constant.split(|c: char| !c.is_alphanumeric()).any(|word| FETCHERS.contains(&word));
    if plain && fetched && known.len() < REMEMBERED {
        known.insert(name.to_owned(), constant.to_owned());
    } else if plain && !constant.contains(['$', '`']) && (quoted.is_some() || !constant.contains(' ')) {
        if known.len() < REMEMBERED {
            known.insert(name.to_owned(), constant.to_owned());
        }
    } else if plain {
        known.remove(name);
    }
}

/// A statement with what is known put in.
fn expand(statement: &str, known: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = statement;
    let mut left = MOST;
    while let Some(at) = rest.find(['$', '`']).filter(|_| left > 0 && out.len() <= LONGEST) {
        left -= 1;
        out.push_str(rest.get(..at).unwrap_or_default());
        let tail = rest.get(at..).unwrap_or_default();
        let (value, length) = value(tail, known);
        match value {
            Some(value) => out.push_str(&value),
            None => out.push_str(tail.get(..length).unwrap_or_default()),
        }
        rest = tail.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// What a text that begins with `$` or a backtick stands for, and how much of it that is.
fn value(text: &str, known: &BTreeMap<String, String>) -> (Option<String>, usize) {
    if let Some(inner) = text.strip_prefix("$'") {
        return match inner.find('\'') {
            Some(end) => (Some(spelt(inner.get(..end).unwrap_or_default())), end + 3),
            None => (None, 2),
        };
    }
    let substituted = match text.strip_prefix("$(") {
        Some(inner) => closing(inner).map(|end| (inner, end, end + 3)),
        None => {
            text.strip_prefix('`').and_then(|inner| Some((inner, inner.find('`')?, inner.find('`')? + 2)))
        }
    };
    if let Some((inner, end, length)) = substituted {
        let command = expand_inner(inner.get(..end).unwrap_or_default(), known);
        return (printed(&command), length);
    }
    if let Some(inner) = text.strip_prefix("${") {
        let Some(end) = inner.find('}') else { return (None, 2) };
        return (variable(inner.get(..end).unwrap_or_default(), known), end + 3);
    }
    let name: String = text.chars().skip(1).take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    (known.get(&name).cloned(), name.len() + 1)
}

/// A command inside of a substitution, with its variables put in, not its substitutions.
fn expand_inner(command: &str, known: &BTreeMap<String, String>) -> String {
    if command.contains("$(") || command.contains('`') { command.to_owned() } else { expand(command, known) }
}

/// Where the bracket closes that stands open at the beginning.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1u32;
    text.char_indices().find_map(|(at, c)| {
        depth = match c {
            '(' => depth + 1,
            ')' => depth - 1,
            _ => depth,
        };
        (depth == 0).then_some(at)
    })
}

/// `name`, `name:-default`, `name:2:3` and `name//a/b`.
fn variable(inner: &str, known: &BTreeMap<String, String>) -> Option<String> {
    let length = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inner.len());
    let (name, how) = inner.split_at(length);
    let value = known.get(name);
    if let Some(default) = how.strip_prefix(":-") {
        let default = default.trim_matches(['"', '\'']);
        return value.cloned().or_else(|| (!default.contains('$')).then(|| default.to_owned()));
    }
    let value = value?;
    if how.is_empty() {
        return Some(value.clone());
    }
    if let Some(change) = how.strip_prefix('/') {
        let all = change.strip_prefix('/');
        let (from, to) = all.unwrap_or(change).split_once('/').unwrap_or((all.unwrap_or(change), ""));
        let changed = if all.is_some() { value.replace(from, to) } else { value.replacen(from, to, 1) };
        return (!from.is_empty()).then_some(changed);
    }
    let (from, count) = how.strip_prefix(':').map(|range| range.split_once(':').unwrap_or((range, "")))?;
    let from: usize = from.trim().parse().ok()?;
    let count = count.trim().parse().unwrap_or(usize::MAX);
    Some(value.chars().skip(from).take(count).collect())
}

/// What a command prints, if it prints a constant that filters turn around or decode.
fn printed(command: &str) -> Option<String> {
    let (first, filters) = match command.split_once("<<<") {
        Some((filter, text)) => (format!("echo {}", text.trim()), filter.trim().to_owned()),
        None => {
            let (first, filters) = command.split_once('|').unwrap_or((command, ""));
            (first.trim().to_owned(), filters.trim().to_owned())
        }
    };
    let (name, arguments) = first.split_once(char::is_whitespace)?;
    let bare = arguments.trim();
    let bare = bare
        .strip_prefix("-n ")
        .or_else(|| bare.strip_prefix("-e "))
        .or_else(|| bare.strip_prefix("-ne "))
        .unwrap_or(bare);
    let quoted = bare.strip_prefix(['"', '\'']).and_then(|b| b.strip_suffix(['"', '\'']));
    let constant = quoted.unwrap_or(bare);
    if constant.contains(['$', '`']) || constant.contains(['"', '\'']) {
        return None;
    }
    let mut text = match name {
        "echo" if arguments.trim().starts_with("-e") || arguments.trim().starts_with("-ne") => {
            spelt(constant)
        }
        "echo" => constant.to_owned(),
        // What takes arguments is not followed.
        "printf" if !constant.contains('%') => spelt(constant),
        "printf" => constant
            .strip_prefix("%s")
            .map(|rest| rest.trim_matches([' ', '\\', 'n', '"', '\'']).to_owned())?,
        _ => return None,
    };
    for filter in filters.split('|').map(str::trim).filter(|filter| !filter.is_empty()) {
        text = filtered(filter, &text)?;
    }
    Some(text)
}

fn filtered(filter: &str, text: &str) -> Option<String> {
    let words: Vec<&str> = filter.split_whitespace().collect();
    match words.as_slice() {
        ["rev"] => Some(text.chars().rev().collect()),
        ["base64", "-d" | "-D" | "--decode" | "-di"] => {
            String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok().map(|text| text.trim_end().to_owned())
        }
        ["xxd", rest @ ..]
            if !rest.is_empty() && rest.iter().all(|w| matches!(*w, "-r" | "-p" | "-rp" | "-ps")) =>
        {
            let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
            String::from_utf8(digits.chunks_exact(2).map(byte).collect::<Option<_>>()?).ok()
        }
        ["tr", "-d", set] => {
            let set = letters(set);
            Some(text.chars().filter(|c| !set.contains(c)).collect())
        }
        ["tr", from, to] => {
            let (from, to) = (letters(from), letters(to));
            let turned = |c| from.iter().position(|f| *f == c).map_or(Some(c), |at| to.get(at).copied());
            text.chars().map(turned).collect()
        }
        ["cat"] => Some(text.to_owned()),
        _ => None,
    }
}

/// The letters of a set of `tr`.
fn letters(set: &str) -> Vec<char> {
    let set: Vec<char> = set.trim_matches(['"', '\'']).chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(first) = set.get(at) {
        match (set.get(at + 1), set.get(at + 2)) {
            (Some('-'), Some(last)) if first <= last => {
                out.extend((*first..=*last).take(256));
                at += 3;
            }
            _ => {
                out.push(*first);
                at += 1;
            }
        }
    }
    out
}

/// A text with `\143`, `\x63` and the usual escapes read.
fn spelt(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at).unwrap_or_default());
        let tail = rest.get(at + 1..).unwrap_or_default();
        let digits = |from: usize, most: usize, radix: u32| {
            let digits: String = tail
                .get(from..)
                .unwrap_or_default()
                .chars()
                .take(most)
                .take_while(|c| c.is_digit(radix))
                .collect();
            let letter = u32::from_str_radix(&digits, radix).ok().and_then(char::from_u32)?;
            Some((letter, from + digits.len()))
        };
        let read = match tail.chars().next() {
            Some('x') => digits(1, 2, 16),
            Some('u') => digits(1, 4, 16),
            Some('0'..='7') => digits(0, if tail.starts_with('0') { 4 } else { 3 }, 8),
            Some('n') => Some(('\n', 1)),
            Some('t') => Some(('\t', 1)),
            Some(other) => Some((other, other.len_utf8())),
            None => None,
        };
        match read {
            Some((letter, length)) => {
                out.push(letter);
                rest = tail.get(length..).unwrap_or_default();
            }
            None => {
                out.push('\\');
                rest = tail;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::resolved;

    fn last(script: &str) -> String {
        resolved(script).pop().map(|(_, line)| line).unwrap_or_default()
    }

    #[test]
    fn pieces_are_put_together() {
        for (script, expected) in [
            ("a=cu; b=rl\n$a$b https://example.org | sh", "curl https://example.org | sh"),
            ("c=$(printf '\\143\\165\\162\\154'); $c x", "c=curl; curl x"),
            ("$'\\x63url' x", "curl x"),
            ("x=$(echo lruc | rev)\n$x y", "curl y"),
            ("x=$(echo phey | tr a-z n-za-m)\n$x y", "curl y"),
            ("x=`echo Y3VybA== | base64 -d`\n$x y", "curl y"),
            ("x=$(xxd -r -p <<< 6375726c)\n$x y", "curl y"),
            ("p=xcurlx\n${p:1:4} y", "curl y"),
            ("p=c_u_r_l\n${p//_/} y", "curl y"),
            ("curl${IFS}x", "curl x"),
            ("echo x | ${SHELL:-sh}", "echo x | sh"),
        ] {
            assert_eq!(last(script), expected, "{script}");
        }
        for script in ["$X y", "x=$(date)\n$x", "echo \"$1\"", "x=$(cat f | rev)\n$x", "$(", "${", "`"] {
            assert_eq!(last(script), "", "{script}");
        }
    }
}
