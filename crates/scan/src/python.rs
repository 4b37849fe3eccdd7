//! Python source: what would run when it is imported, when a loader uses it, and when somebody calls it.
//!
//! Source is read into a tree ([`parser`]) and followed without being run ([`machine`]); [`judge`] weighs what
//! happens by when it happens. Sources of one model import each other ([`Project`]), so a harmful helper is found
//! through the file that calls it. What another package brings is not looked into: it is named, not alarmed about,
//! unless the table of effects knows what it does.

use std::collections::BTreeSet;
use std::sync::Arc;

use proofhouse_core::Place;

use crate::scanner::{Content, Near, Scanner};

mod effects;
pub(crate) mod fold;
mod judge;
mod known;
mod literal;
mod machine;
pub(crate) mod parser;
mod project;
mod sql;
pub(crate) mod syntax;
mod token;
mod value;

pub(crate) use effects::TABLE;
use judge::Started;
pub(crate) use known::{MODULES, is_named, is_of_a_package, is_of_python};
use machine::{Event, Machine, Reach, What};
pub(crate) use project::Project;

/// Largest source that is followed.
const MAX_SOURCE: usize = 8 << 20;
/// The parser's and the machine's depth are bounded; unoptimised, the bound takes a few megabytes.
pub(crate) const STACK: usize = 64 << 20;
/// Packages that are named in one finding.
const MAX_NAMED: usize = 12;

/// Scans Python source; returns how many bytes are accounted for.
pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let Some(text) = decoded(scanner, content) else { return 0 };
    scan_text(scanner, &content.place, &text, 1);
    content.bytes.len() as u64
}

/// Scans the cells of a notebook: a program that a person runs cell by cell. Each is a source of its own, and all share
/// their names; what one leaves open hides nothing of the next.
pub(crate) fn scan_cells(scanner: &mut Scanner<'_>, place: &Place, cells: &[String]) {
    let text = cells.concat();
    let parts: Vec<&str> = cells.iter().map(String::as_str).collect();
    scan_started(scanner, place, &text, (&parts, 1), Some(Started::Cells));
}

/// Whether a text is one expression, and more than a name or a number.
pub(crate) fn is_expression(text: &str) -> bool {
    let text = text.trim();
    if text.contains('\n') || text.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return false;
    }
    let tree = parser::parse(text, 1);
    tree.errors.is_empty()
        && matches!(&tree.body[..], [only] if matches!(only.kind, syntax::Act::Evaluate(_)))
}

/// Scans a source that stands at `place`, whose first line is `first_line` there.
pub(crate) fn scan_text(scanner: &mut Scanner<'_>, place: &Place, text: &str, first_line: u32) {
    scan_started(scanner, place, text, (&[text], first_line), None);
}

fn scan_started(
    scanner: &mut Scanner<'_>,
    place: &Place,
    text: &str,
    (parts, first_line): (&[&str], u32),
    started: Option<Started>,
) {
    if text.len() > MAX_SOURCE {
        return scanner.report("python/budget", place.clone(), "the source is larger than is followed");
    }
    disguised(scanner, place, text);
    crate::formats::chunks::databricks(scanner, place, text);
    // A part that belongs to no project, such as the cells of a notebook, is a module of its own.
    let near = scanner.near(place);
    let (events, errors, path) = match &near {
        Some((project, path, _)) => {
            let (events, errors) = follow(project, path, text, (parts, first_line));
            (events, errors, path.as_str())
        }
        None => {
            let (events, errors) = follow(&Project::default(), &place.path, text, (parts, first_line));
            (events, errors, place.path.as_str())
        }
    };
    for (line, what) in errors.into_iter().take(3) {
        let mut place = place.clone();
        place.line = Some(u64::from(line));
        scanner.report("python/unparsed", place, format!("the source cannot be read here: {what}"));
    }
    let by_hand = near.as_ref().is_some_and(|(project, path, _)| first_line == 1 && project.is_script(path));
    let started = started.unwrap_or(if by_hand { Started::ByHand } else { Started::Imported });
    let mut outside = BTreeSet::new();
    let mut unproven = Unproven::default();
    for event in &events {
        let mut at = place.clone();
        at.line = Some(u64::from(event.line));
        let mut prefix = String::new();
        if event.path != path {
            at = match &near {
                Some((Near::Packed(_), _, from)) => {
                    Place::file(&place.path).within(format!("{from}{}", event.path))
                }
                _ => Place::file(&event.path),
            };
            at.line = Some(u64::from(event.line));
            prefix = format!("called from {path}: ");
        }
        if let What::Unpickles(bytes) = &event.what {
            let format = proofhouse_artifact::Format::detect(bytes);
            crate::pickle::scan(scanner, &Content { bytes, format, place: at.clone(), depth: 1 });
        }
        if let What::Template(text) = &event.what
            && event.reach > machine::Reach::Dormant
        {
            crate::formats::template(scanner, &at, text);
        }
        match &event.what {
            What::Outside(name) if event.reach >= Reach::Load && known::is_known(name) => {
                outside.extend(package(name));
            }
            What::Outside(_) | What::Stranger(_) | What::CallsUnknown(_) => unproven.add(event),
            _ => {}
        }
        if let Some(judged) = judge::judge(event, started) {
            scanner.report(judged.rule, at, format!("{prefix}{}", judged.message));
        }
    }
    if !outside.is_empty() {
        let more = outside.len().saturating_sub(MAX_NAMED);
        let named = outside.into_iter().take(MAX_NAMED).collect::<Vec<_>>().join(", ");
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        let message = format!("importing it calls into {named}{rest}, which are not looked into");
        scanner.report("python/packages", place.clone(), message);
    }
    unproven.tell(scanner, place);
}

/// What a text does to whoever evaluates or runs it, if that is harm: as one expression, or as a program if `programs`.
pub(crate) fn evaluates(text: &str, programs: bool) -> Option<String> {
    const HARM: [&str; 7] = [
        "python/runs-on-import",
        "python/escape",
        "python/persistence",
        "python/exfiltration",
        "python/hidden-code",
        "python/foreign-code",
        "code/harmful",
    ];
    /// What programs that evaluate a text mostly have among their names.
    const AT_HAND: &str =
        "import math, os, sys, subprocess, shutil, torch, numpy, numpy as np, torch.nn as nn\n";
    let text = text.trim();
    // Words about a program are no program.
    let tree = parser::parse(text, 1);
    if !tree.errors.is_empty() || tree.body.is_empty() || text.len() > MAX_SOURCE {
        return None;
    }
    let expression = matches!(&tree.body[..], [only] if matches!(only.kind, syntax::Act::Evaluate(_)));
    if !expression && !programs {
        return None;
    }
    let (events, _) = {
        let text = format!("{AT_HAND}{text}");
        follow(&Project::default(), "text.py", &text, (&[&text], 1))
    };
    let judged =
        events.iter().filter(|e| e.reach >= Reach::Load).filter_map(|e| judge::judge(e, Started::Imported));
    judged.into_iter().find(|judged| HARM.contains(&judged.rule)).map(|judged| judged.message)
}

/// The package that a dotted name begins with.
fn package(name: &str) -> Option<String> {
    let top = name.split(['.', '(', '<', '[']).next().filter(|p| !p.is_empty() && *p != "?")?;
    Some(top.to_owned())
}

/// What runs without being asked for and is neither followed nor known: told together, in one finding.
#[derive(Default)]
struct Unproven {
    names: BTreeSet<String>,
    line: Option<u32>,
}

impl Unproven {
    fn add(&mut self, event: &Event) {
        let name = match &event.what {
            What::Outside(name) => name.clone(),
            What::Stranger(name) => format!("the module {name}"),
            What::CallsUnknown(name) => format!("a value that was not followed ({name})"),
            _ => return,
        };
        self.line = Some(self.line.map_or(event.line, |line| line.min(event.line)));
        self.names.insert(name);
    }

    fn tell(self, scanner: &mut Scanner<'_>, place: &Place) {
        if self.names.is_empty() {
            return;
        }
        let more = self.names.len().saturating_sub(MAX_NAMED);
        let named = self.names.into_iter().take(MAX_NAMED).collect::<Vec<_>>().join(", ");
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        let mut place = place.clone();
        place.line = self.line.map(u64::from);
        let message = format!("importing it runs {named}{rest}: nothing here tells what that does");
        scanner.report("python/not-proven", place, message);
    }
}

/// Follows on a stack of its own, so that where the caller stands does not matter.
fn follow(
    project: &Project,
    path: &str,
    text: &str,
    (parts, first_line): (&[&str], u32),
) -> (Vec<Event>, Vec<(u32, &'static str)>) {
    let work = || {
        let trees: Vec<_> = match project.source(path) {
            Some((source, tree)) if first_line == 1 && parts.len() == 1 && *source == *text => vec![tree],
            _ => {
                let mut line = first_line;
                let parsed = parts.iter().map(|part| {
                    let from = line;
                    line = line.saturating_add(u32::try_from(part.matches('\n').count()).unwrap_or(u32::MAX));
                    Arc::new(parser::parse(part, from))
                });
                parsed.collect()
            }
        };
        let errors = trees.iter().flat_map(|tree| tree.errors.clone()).collect();
        (Machine::follow(project, path, text, trees), errors)
    };
    let budget = || {
        let event = Event {
            what: What::Budget,
            reach: Reach::Import,
            path: path.to_owned(),
            line: first_line,
            hidden: false,
        };
        (vec![event], Vec::new())
    };
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        worker.ok().and_then(|worker| worker.join().ok()).unwrap_or_else(budget)
    })
}

/// The text as Python decodes it (PEP 263), or a finding where that is another text than a reader sees.
fn decoded(scanner: &mut Scanner<'_>, content: &Content<'_>) -> Option<String> {
    let bytes = content.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content.bytes);
    if let Some(declared) = declared_encoding(bytes) {
        let plain = declared.to_ascii_lowercase().replace('_', "-");
        match plain.as_str() {
            "utf-8" | "utf8" | "ascii" | "us-ascii" | "utf-8-unix" | "utf-8-dos" | "u8" => {}
            "latin-1" | "latin1" | "iso-8859-1" | "iso-latin-1-unix" | "iso-8859-15" | "cp1252"
            | "windows-1252" => {
                return Some(bytes.iter().map(|b| char::from(*b)).collect());
            }
            _ => {
                let message = format!(
                    "the source declares the encoding {declared:?}: Python runs another text than it shows"
                );
                scanner.report("python/disguised", content.at(0), message);
            }
        }
    }
    Some(String::from_utf8_lossy(bytes).into_owned())
}

/// The encoding named in a comment of the first two lines.
pub(crate) fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let lines = bytes.split(|b| matches!(b, b'\n' | b'\r')).take(2);
    let comments = lines
        .filter_map(|line| std::str::from_utf8(line).ok())
        .map(str::trim_start)
        .filter(|l| l.starts_with('#'));
    comments.into_iter().find_map(|line| {
        let (_, after) = line.split_once("coding")?;
        let after = after.strip_prefix([':', '='])?.trim_start_matches([' ', '\t']);
        let name: String =
            after.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
        (!name.is_empty()).then_some(name)
    })
}

/// Characters that make a source look like another one (CVE-2021-42574).
fn disguised(scanner: &mut Scanner<'_>, place: &Place, text: &str) {
    if text.is_ascii() && !text.contains('\0') {
        return;
    }
    for (index, line) in text.lines().enumerate() {
        let odd =
            line.chars().find(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\0'));
        if let Some(odd) = odd {
            let mut place = place.clone();
            place.line = Some(index as u64 + 1);
            let message =
                format!("the character U+{:04X} makes the line look other than it is", u32::from(odd));
            return scanner.report("python/disguised", place, message);
        }
    }
}

#[cfg(test)]
mod tests;
