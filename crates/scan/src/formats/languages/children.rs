//! Programs that a script of Node.js starts, by the names that it gives the functions of `child_process`.
//!
//! Builds start `git`, compilers and package managers all the time. So the import by itself says nothing: each call of what
//! was imported is held against the commands of everybody's work, and a function that goes where it cannot be followed is
//! told.

use std::collections::BTreeSet;
use std::ops::Range;

use super::dynamic::{Dynamic, Source, What};
use super::tokens::Kind;
use crate::formats::shell;

const MODULE: [&str; 2] = ["child_process", "node:child_process"];

pub(super) fn look(source: &Source<'_>) -> Vec<Dynamic> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let mut spaces: BTreeSet<&str> = BTreeSet::new();
    // Where names stand as they are imported.
    let mut imports: BTreeSet<usize> = BTreeSet::new();
    let mut out = Vec::new();
    for (at, token) in source.tokens.iter().enumerate() {
        if token.kind != Kind::Text || !MODULE.contains(&token.text) {
            continue;
        }
        let bound = bound(source, at, &mut names, &mut spaces);
        if let Some(names) = bound {
            imports.extend(names);
        } else {
            out.push(Dynamic { line: token.line, what: What::Computes(format!("{:?}", token.text)) });
        }
    }
    // `promisify(exec)` is another name of it.
    for (at, token) in source.tokens.iter().enumerate() {
        let inner = source.token(at + 2).filter(|t| names.contains(t.text));
        if token.text == "promisify" && source.is_mark(at + 1, "(") && inner.is_some() {
            let name = at.checked_sub(2).and_then(|b| source.token(b)).filter(|t| t.kind == Kind::Word);
            let name = name
                .or_else(|| at.checked_sub(4).and_then(|b| source.token(b)).filter(|t| t.kind == Kind::Word));
            names.extend(name.map(|t| t.text));
            imports.extend(at.saturating_sub(4)..at + 3);
        }
    }
    for (at, token) in source.tokens.iter().enumerate().filter(|(_, t)| t.kind == Kind::Word) {
        if imports.contains(&at) || source.is_mark(at + 1, ":") {
            continue;
        }
        let behind_dot = at.checked_sub(1).is_some_and(|b| source.is_mark(b, "."));
        let call = if names.contains(token.text) && !behind_dot {
            at
        } else if spaces.contains(token.text) && !behind_dot {
            if source.is_mark(at + 1, ".") { at + 2 } else { at }
        } else {
            continue;
        };
        // What is passed on is called elsewhere.
        if !source.is_mark(call + 1, "(") || !is_work(source, call) {
            let what = source.token(call).map_or(token.text, |t| t.text);
            out.push(Dynamic { line: token.line, what: What::Computes(format!("{what:?}")) });
        }
    }
    out
}

/// Where the names stand that the import at the module's name gives its functions; `None` where they are not known from
/// here on.
fn bound<'t>(
    source: &Source<'t>,
    at: usize,
    names: &mut BTreeSet<&'t str>,
    spaces: &mut BTreeSet<&'t str>,
) -> Option<Range<usize>> {
    // `import … from "…"`, `… = require("…")`, `… = await import("…")`.
    let from = at.checked_sub(1).filter(|b| source.token(*b).is_some_and(|t| t.text == "from"));
    let mut function = false;
    let end = if let Some(from) = from {
        from
    } else {
        let called = at.checked_sub(2).filter(|b| {
            source.is_mark(b + 1, "(")
                && source.token(*b).is_some_and(|t| matches!(t.text, "require" | "import"))
        })?;
        if source.is_mark(at + 2, ".") {
            // `require("child_process").execSync("git …")`, or one of its functions under a name.
            if source.is_mark(at + 4, "(") {
                return is_work(source, at + 3).then_some(at..at);
            }
            function = true;
        }
        let before = called.checked_sub(1).filter(|b| source.token(*b).is_some_and(|t| t.text == "await"));
        before.unwrap_or(called).checked_sub(1).filter(|b| source.is_mark(*b, "="))?
    };
    let last = source.token(end.checked_sub(1)?)?;
    if last.kind == Kind::Word {
        if function {
            names.insert(last.text)
        } else {
            spaces.insert(last.text)
        };
        return Some(end - 1..end);
    }
    if !last.is("}") || function {
        return None;
    }
    let mut here = end - 1;
    while let Some(before) = here.checked_sub(1).filter(|b| !source.is_mark(*b, "{") && end - b < 64) {
        // `spawn: s` and `spawn as s` end in the name that counts.
        let named = source.token(before).filter(|t| t.kind == Kind::Word && t.text != "as");
        names.extend(named.map(|t| t.text));
        here = before;
    }
    Some(here..end)
}

/// Whether the call at `at` starts what everybody's builds start.
fn is_work(source: &Source<'_>, at: usize) -> bool {
    let Some(arguments) = source.arguments(at) else { return false };
    let first = source.first(arguments.clone());
    let rest = first.end + 1..arguments.end;
    let program = source.constant(first.clone()).map(str::to_owned).or_else(|| {
        let token = source.token(first.start).filter(|t| first.len() == 1 && t.kind == Kind::Spliced)?;
        // What is put into a command behind its program is an argument of it.
        let plain: String = token.text.replace("${", " ").replace('}', " ");
        (!token.text.starts_with("${") && !token.text.contains('`')).then_some(plain)
    });
    if let Some(program) = program {
        let words: Vec<&str> = rest
            .filter_map(|at| source.token(at))
            .take_while(|t| !t.is("{"))
            .filter(|t| t.kind == Kind::Text)
            .map(|t| t.text)
            .collect();
        return shell::is_ordinary(&format!("{program} {}", words.join(" ")));
    }
    // The program that runs the script itself.
    let tokens: Vec<&str> = first.filter_map(|at| source.token(at)).map(|t| t.text).collect();
    tokens == ["process", ".", "execPath"]
        && !rest.filter_map(|at| source.token(at)).any(|t| matches!(t.text, "-e" | "--eval" | "-p" | "-"))
}
