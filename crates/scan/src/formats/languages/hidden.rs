//! Names that a source puts together out of pieces, so that they do not stand in it.
//!
//! `require("child" + "_process")`, `get(paste0("sys", "tem"))`, `String.fromCharCode(101, 118, 97, 108)`: whoever writes a
//! name that way does not want it read. Pieces that are constants are put together here; what they give is told when it
//! is what starts programs or runs texts.

use super::{Language, literals};

/// Names by which the languages of the table start programs, run texts or reach what does.
const NAMES: [&str; 30] = [
    "child_process",
    "constructor",
    "do.call",
    "dofile",
    "dyn.load",
    "eval",
    "exec",
    "execFile",
    "execSync",
    "execute",
    "fork",
    "Function",
    "io.popen",
    "loadlib",
    "loadstring",
    "node:child_process",
    "os.execute",
    "passthru",
    "popen",
    "proc_open",
    "process",
    "require",
    "shell_exec",
    "source",
    "spawn",
    "spawnSync",
    "system",
    "system2",
    "vm",
    "net",
];

/// Functions of the languages that turn numbers into a text.
const CODES: [&str; 5] = ["fromCharCode(", "fromCodePoint(", "as.raw(c(", "string.char(", "intToUtf8(c("];

/// The name that a line puts together, if it is one of those.
pub(super) fn name(language: &Language, line: &str) -> Option<String> {
    let calls = language.starts.iter().chain(language.evaluates).map(|call| call.trim_end_matches('('));
    let known: Vec<&str> = calls.chain(NAMES).filter(|name| name.len() > 1).collect();
    let found = |text: &String| known.contains(&text.as_str());
    joined(line).into_iter().chain(of_codes(line)).chain(escaped(line)).find(found)
}

/// Literals that are joined with the one before by nothing but an operator, or by the function around them.
fn joined(line: &str) -> Vec<String> {
    const OPERATORS: [&str; 4] = ["+", "..", ".", "~"];
    let mut out = Vec::new();
    let together = line.contains("paste0(") || line.contains("concat(") || line.contains("join(");
    let mut whole = String::new();
    let (mut pieces, mut rest) = (0, line);
    for text in literals(line) {
        // Both are parts of the line, in order.
        let Some(at) = rest.find(text) else { break };
        let between = rest.get(..at).unwrap_or_default().trim_matches(['"', '\'', '`', ' ', '\t']);
        if pieces > 0
            && !text.is_empty()
            && !whole.is_empty()
            && (OPERATORS.contains(&between) || together && between == ",")
        {
            whole.push_str(text);
            pieces += 1;
        } else {
            if pieces > 1 {
                out.push(std::mem::take(&mut whole));
            }
            whole = text.to_owned();
            pieces = 1;
        }
        rest = rest.get(at + text.len()..).unwrap_or_default();
    }
    if pieces > 1 {
        out.push(whole);
    }
    out
}

/// Texts of which the line has the numbers.
fn of_codes(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    for call in CODES {
        for (at, _) in line.match_indices(call).take(16) {
            let inner = line.get(at + call.len()..).unwrap_or_default();
            let Some((numbers, _)) = inner.split_once(')') else { continue };
            let text: Option<String> = numbers
                .trim_start_matches("...[")
                .trim_end_matches(']')
                .split(',')
                .map(|number| {
                    let number = number.trim().trim_end_matches('L');
                    let code = match number.strip_prefix("0x") {
                        Some(hex) => u32::from_str_radix(hex, 16),
                        None => number.parse(),
                    };
                    code.ok().and_then(char::from_u32)
                })
                .collect();
            out.extend(text);
        }
    }
    out
}

/// Literals that spell letters by their numbers.
fn escaped(line: &str) -> Vec<String> {
    if !["\\x", "\\u"].iter().any(|mark| line.contains(mark)) {
        return Vec::new();
    }
    let spelt = |text: &str| (text.contains("\\x") || text.contains("\\u")).then(|| unescaped(text));
    literals(line).filter_map(spelt).collect()
}

/// A literal with its escapes of two, four or braced hexadecimal digits read.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at).unwrap_or_default());
        let tail = rest.get(at + 1..).unwrap_or_default();
        let (digits, length) = match tail.as_bytes() {
            [b'x', ..] => (tail.get(1..3), 3),
            [b'u', b'{', ..] => {
                let end = tail.find('}').unwrap_or(2);
                (tail.get(2..end), end + 1)
            }
            [b'u', ..] => (tail.get(1..5), 5),
            _ => (None, 1),
        };
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32) {
            Some(letter) => out.push(letter),
            None => out.push_str(tail.get(..length).unwrap_or_default()),
        }
        rest = tail.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    #[test]
    fn names_in_pieces_are_read() {
        let outcome = |name: &str, text: &str| {
            scan_bytes(&name.parse().unwrap(), text.as_bytes(), &Limits::default()).outcome
        };
        for (name, text) in [
            ("i.js", "const m = require('child' + '_process'); m.run('id')"),
            ("i.js", "globalThis[\"ev\" + \"al\"](code)"),
            ("i.js", "this[String.fromCharCode(101, 118, 97, 108)](x)"),
            ("i.js", "const f = m['\\x65\\x78\\x65\\x63']; f('id')"),
            ("s.R", "get(paste0('sys', 'tem'))('id')"),
            ("s.R", "f <- match.fun(rawToChar(as.raw(c(115,121,115,116,101,109)))); f('id')"),
            ("x.lua", "os[\"exe\" .. \"cute\"]('id')"),
            ("x.php", "<?php $f = 'sys' . 'tem'; $f('id');"),
        ] {
            assert_eq!(outcome(name, text), Outcome::Suspicious, "{name}: {text}");
        }
        for (name, text) in [
            ("i.js", "log('a' + 'b'); const s = 'file ' + name + ' in the system';"),
            ("i.js", "const c = String.fromCharCode(65, 66); const t = '\\x3cb\\x3e'"),
            ("s.R", "m <- paste0('model_', 'fit'); c('exec', 'uted')"),
        ] {
            assert_eq!(outcome(name, text), Outcome::Clean, "{name}: {text}");
        }
    }
}
