//! What acts where an answer is used: markup that runs, terminal commands, templates, commands, queries.
//!
//! A page that shows an answer, a terminal that prints it, a template engine, a shell and a database each act
//! on other characters, so each has a rule. Markup and control sequences have no place in an answer and are
//! looked for everywhere, control sequences that are only written out in running text and in code alike, where
//! they are told and left; the others are ordinary text where nothing interprets it, and are looked for where
//! the operator says that the answer goes there. None of this replaces escaping and parameters at the place
//! of use (OWASP LLM05:2025, CWE-116): it catches what got as far as the answer.

mod tag;
#[cfg(test)]
mod tests;
mod written;

use proofhouse_core::Severity;

use super::code::Within;
use super::look::{Hit, Look, Open, Step, is_word};
use super::{Action, OutputRule};

/// A template or a substitution that is longer than this is none.
const EXPRESSION_BYTES: usize = 512;
/// Parameters of a control sequence.
const PARAMETERS: usize = 64;

#[rustfmt::skip]
pub(super) static RULES: &[OutputRule] = &[
    OutputRule::new("active/command", "Command for a shell", Severity::High, Action::Ignore),
    OutputRule::new("active/markup", "Markup that runs or loads something", Severity::High, Action::Redact),
    OutputRule::new("active/query", "Fragment that changes a query", Severity::High, Action::Ignore),
    OutputRule::new("active/template", "Expression for a template engine", Severity::High, Action::Ignore),
    OutputRule::new("active/terminal", "Control sequence for a terminal", Severity::High, Action::Redact),
    OutputRule::new("active/terminal-example", "Control sequence written out in code", Severity::Info, Action::Report),
    OutputRule::new("active/terminal-written", "Control sequence written out in running text", Severity::Medium, Action::Redact),
];

const COMMAND: usize = 0;
const MARKUP: usize = 1;
const QUERY: usize = 2;
const TEMPLATE: usize = 3;
const TERMINAL: usize = 4;
const EXAMPLE: usize = 5;
const WRITTEN: usize = 6;

/// Programs that a chain of commands goes on with.
const PROGRAMS: &[&str] = &[
    "bash",
    "cat",
    "chmod",
    "chown",
    "cmd",
    "cp",
    "crontab",
    "curl",
    "dd",
    "eval",
    "exec",
    "iex",
    "kill",
    "mkfifo",
    "mv",
    "nc",
    "ncat",
    "node",
    "perl",
    "php",
    "powershell",
    "pwsh",
    "python",
    "python3",
    "rm",
    "ruby",
    "scp",
    "sh",
    "socat",
    "source",
    "ssh",
    "sudo",
    "tar",
    "tee",
    "wget",
    "whoami",
    "zsh",
];

/// How far after a conjunction a comparison is looked for.
const CONDITION_BYTES: usize = 48;
/// Words that join a condition to one before it; in prose they follow quotes, too.
const CONJUNCTIONS: &[&str] = &["and", "or"];
/// Other words that a query goes on with after a quote that closes a value.
const AFTER_QUOTE: &[&str] = &["having", "union"];
/// Words that a second statement begins with.
const STATEMENTS: &[&str] = &[
    "alter", "create", "declare", "delete", "drop", "exec", "execute", "grant", "insert", "merge", "select",
    "shutdown", "truncate", "update", "waitfor",
];

/// Reads what begins at one position.
type Recogniser = fn(Look<'_>) -> Step;

/// The rules that are on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Table([bool; 7]);

impl Table {
    pub(super) fn new(on: &dyn Fn(&OutputRule) -> bool) -> Self {
        let mut table = [false; 7];
        for (slot, rule) in table.iter_mut().zip(RULES) {
            *slot = on(rule);
        }
        Self(table)
    }

    /// Bytes that something may begin with.
    pub(super) fn special(&self) -> impl Iterator<Item = u8> + '_ {
        let terminal = (0..0x20_u8).filter(|b| !b"\t\n\r".contains(b)).chain([0x7f, 0xc2]);
        let plain: [(usize, &[u8]); 6] = [
            (COMMAND, b"$`;|&"),
            (MARKUP, b"<"),
            (QUERY, b"'\";)"),
            (TEMPLATE, b"{<$#"),
            // Backticks tell which of the two it is.
            (EXAMPLE, b"\\`"),
            (WRITTEN, b"\\`"),
        ];
        let plain = plain.into_iter().filter(|(rule, _)| self.is_on(*rule)).flat_map(|(_, bytes)| bytes);
        terminal.filter(|_| self.is_on(TERMINAL)).chain(plain.copied())
    }

    fn is_on(&self, rule: usize) -> bool {
        self.0.get(rule).copied().unwrap_or_default()
    }

    /// What begins here, `within` text or code.
    pub(super) fn recognise(&self, look: Look<'_>, within: Within) -> Step {
        let Some(first) = look.bytes().first() else { return Step::No };
        if *first == b'\\' {
            let on = self.is_on(EXAMPLE) || self.is_on(WRITTEN);
            return if on { written::recognise(look, within) } else { Step::No };
        }
        let candidates: &[(usize, Recogniser)] = match first {
            b'<' => &[(MARKUP, tag::recognise), (TEMPLATE, template)],
            b'{' | b'#' => &[(TEMPLATE, template)],
            b'$' => &[(TEMPLATE, template), (COMMAND, substitution)],
            b'`' => &[(COMMAND, substitution)],
            b';' => &[(QUERY, query), (COMMAND, chain)],
            b'|' | b'&' => &[(COMMAND, chain)],
            b'\'' | b'"' | b')' => &[(QUERY, query)],
            0..=0x1f | 0x7f | 0xc2 => &[(TERMINAL, terminal)],
            _ => return Step::No,
        };
        for (rule, recognise) in candidates {
            if self.is_on(*rule) {
                match recognise(look) {
                    Step::No => {}
                    step => return step,
                }
            }
        }
        Step::No
    }
}

fn hit(rule: usize, length: usize, open: Option<Open>, preview: String, reason: &str) -> Step {
    let Some(rule) = RULES.get(rule) else { return Step::No };
    Step::Hit(Hit { rule, length, open, preview, reason: reason.to_owned() })
}

/// Control characters and sequences of a terminal (ECMA-48): colours that hide text, links whose text lies,
/// titles, clipboard writes.
fn terminal(look: Look<'_>) -> Step {
    let bytes = look.bytes();
    let control = |length, open| {
        let reason = "a terminal acts on it instead of showing it";
        hit(TERMINAL, length, open, "control character".to_owned(), reason)
    };
    match bytes {
        [0x1b] if !look.is_final() => Step::More,
        [0x1b, b'[', ..] => {
            let Some(run) = look.run(2, PARAMETERS, |b| (0x20..=0x3f).contains(&b)) else {
                return Step::More;
            };
            match bytes.get(2 + run) {
                Some(0x40..=0x7e) => control(3 + run, None),
                None if !look.is_final() => Step::More,
                _ => control(2 + run, None),
            }
        }
        // Strings of the terminal, which end with BEL or ESC.
        [0x1b, b']' | b'P' | b'_' | b'^' | b'X', ..] => {
            control(2, Some(Open::Run(|b| b != 0x07 && b != 0x1b && b != b'\n')))
        }
        [0x1b, 0x21..=0x7e, ..] => control(2, None),
        [0xc2] => look.out_of_text(),
        // NEXT LINE is white space in text from large computers.
        [0xc2, 0x85, ..] => Step::No,
        [0xc2, 0x80..=0x9f, ..] => control(2, None),
        [0xc2, ..] => Step::No,
        [b'\t' | b'\n' | b'\r', ..] => Step::No,
        [0..=0x1f | 0x7f, ..] => control(1, None),
        _ => Step::No,
    }
}

/// What template engines and string interpolation evaluate.
fn template(look: Look<'_>) -> Step {
    const PAIRS: &[(&str, &str)] =
        &[("{{", "}}"), ("{%", "%}"), ("{#", "#}"), ("<%", "%>"), ("<?", "?>"), ("${", "}"), ("#{", "}")];
    between(look, PAIRS, TEMPLATE, "a template engine evaluates it")
}

/// What a shell runs within an argument.
fn substitution(look: Look<'_>) -> Step {
    let reason = "a shell runs it within whatever it stands in";
    between(look, &[("$(", ")"), ("`", "`")], COMMAND, reason)
}

fn between(look: Look<'_>, pairs: &[(&str, &str)], rule: usize, reason: &str) -> Step {
    let rest = look.rest();
    for (open, close) in pairs {
        let Some(inner) = rest.strip_prefix(open) else {
            if !look.is_final() && open.starts_with(rest) {
                return Step::More;
            }
            continue;
        };
        let mut end = EXPRESSION_BYTES.min(inner.len());
        while !inner.is_char_boundary(end) {
            end -= 1;
        }
        return match inner.get(..end).unwrap_or_default().find(close) {
            Some(0) | None if inner.len() >= EXPRESSION_BYTES || look.is_final() => continue,
            Some(at) if at > 0 => {
                hit(rule, open.len() + at + close.len(), None, format!("{open}…{close}"), reason)
            }
            _ if inner.starts_with(close) => continue,
            _ => Step::More,
        };
    }
    Step::No
}

/// A separator of commands with a program after it.
fn chain(look: Look<'_>) -> Step {
    let Some(separators) = look.run(0, 2, |b| matches!(b, b';' | b'|' | b'&')) else { return Step::More };
    word_after(look, separators, PROGRAMS, COMMAND, "a shell goes on with this program")
}

/// A quote that closes a value and what goes on after it, or a second statement.
fn query(look: Look<'_>) -> Step {
    let bytes = look.bytes();
    match bytes.first() {
        Some(b';') => word_after(look, 1, STATEMENTS, QUERY, "a second statement follows"),
        _ => {
            let Some(spaces) = look.run(1, 8, |b| matches!(b, b' ' | b'\t' | b')')) else {
                return Step::More;
            };
            match bytes.get(1 + spaces..).unwrap_or_default() {
                // `'; DROP …` and `' --`.
                [b';', ..] => {
                    let step = word_after(look, 2 + spaces, STATEMENTS, QUERY, "a second statement follows");
                    if matches!(step, Step::No) { comment_after(look, 2 + spaces) } else { step }
                }
                [b'-', ..] => comment_after(look, 1 + spaces),
                [first, ..] if first.is_ascii_alphabetic() && bytes.first() != Some(&b')') => {
                    let reason = "a condition follows the closed value";
                    match word_after(look, 1 + spaces, AFTER_QUOTE, QUERY, reason) {
                        Step::No => condition(look, 1 + spaces, reason),
                        step => step,
                    }
                }
                [] => look.out_of_text(),
                _ => Step::No,
            }
        }
    }
}

/// A conjunction, and a comparison after it.
fn condition(look: Look<'_>, from: usize, reason: &str) -> Step {
    let step = word_after(look, from, CONJUNCTIONS, QUERY, reason);
    let Step::Hit(hit) = &step else { return step };
    match look.run(hit.length, CONDITION_BYTES, |b| !matches!(b, b'=' | b'<' | b'>')) {
        None => Step::More,
        Some(run) if run < CONDITION_BYTES && hit.length + run < look.bytes().len() => step,
        Some(_) => Step::No,
    }
}

/// A comment that hides the rest of a statement.
fn comment_after(look: Look<'_>, from: usize) -> Step {
    let Some(spaces) = look.run(from, 8, |b| b == b' ') else { return Step::More };
    let at = from + spaces;
    match look.bytes().get(at..).unwrap_or_default() {
        [b'-', b'-', ..] => {
            hit(QUERY, at + 2, None, "--".to_owned(), "a comment hides the rest of the statement")
        }
        [] | [b'-'] => look.out_of_text(),
        _ => Step::No,
    }
}

/// White space and one of `words`, as a whole word.
fn word_after(look: Look<'_>, from: usize, words: &[&str], rule: usize, reason: &str) -> Step {
    let Some(spaces) = look.run(from, 8, |b| b.is_ascii_whitespace()) else { return Step::More };
    let at = from + spaces;
    let Some(letters) = look.run(at, 16, is_word) else { return Step::More };
    let word = look.rest().get(at..at + letters).unwrap_or_default();
    let Some(known) = words.iter().find(|known| known.eq_ignore_ascii_case(word)) else { return Step::No };
    hit(rule, at + letters, None, (*known).to_owned(), reason)
}
