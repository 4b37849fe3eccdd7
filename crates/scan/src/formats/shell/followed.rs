//! Whether the lines of a script say what they run. A shell puts commands together from variables and texts; where one
//! does, judging its lines is not following it.

use std::collections::HashMap;

use super::{INTERPRETERS, command, joined};

/// Lines that are looked at to tell what becomes of the texts behind `<<`, over all of them.
const MOST_WORK: usize = 5_000_000;

/// Variables that name the programs that scripts of models start.
const PROGRAMS: [&str; 14] = [
    "PYTHON",
    "PYTHON_BIN",
    "PYTHON3",
    "PY",
    "PIP",
    "SUDO",
    "MAKE",
    "CC",
    "CXX",
    "LAUNCHER",
    "TORCHRUN",
    "DOCKER",
    "CONDA_EXE",
    "UV",
];

/// The first line of a script that runs what is not written in it, and what it does.
pub(crate) fn not_followed(script: &str) -> Option<(u64, &'static str)> {
    let inside: Vec<std::ops::Range<u64>> = embedded(script).into_iter().map(|e| e.lines).collect();
    let most = MOST_WORK / script.lines().count().max(1);
    let data: Vec<std::ops::Range<u64>> =
        documents(script).into_iter().take(most).filter(|d| is_data(script, d)).map(|d| d.lines).collect();
    joined(script).into_iter().find_map(|(index, line)| {
        let line = line.trim();
        // A program of Python behind the line is followed as what it is.
        let python = inside.binary_search_by_key(&(index + 1), |lines| lines.start).is_ok();
        let skipped = holds(&inside, index) || holds(&data, index);
        let comment = line.is_empty() || line.starts_with('#');
        let what = if comment || python || skipped { None } else { computed(line) };
        what.map(|what| (index + 1, what))
    })
}

/// Whether a line is in one of these ranges, which follow each other.
fn holds(ranges: &[std::ops::Range<u64>], line: u64) -> bool {
    let next = ranges.partition_point(|lines| lines.end <= line);
    ranges.get(next).is_some_and(|lines| lines.contains(&line))
}

/// A program of Python that a script hands to its interpreter as a text behind the line.
pub(crate) struct Embedded {
    /// Its lines, counted from zero.
    pub(crate) lines: std::ops::Range<u64>,
    pub(crate) text: String,
}

/// Programs of Python that stand in a script as they are run: a text behind `<<` in which the shell puts nothing.
pub(crate) fn embedded(script: &str) -> Vec<Embedded> {
    let mut out = Vec::new();
    for document in documents(script) {
        let stage = document.command.rsplit(['|', ';', '&']).next().unwrap_or_default();
        let python = command(stage).is_some_and(|(name, words)| {
            let alone = words.iter().skip(1).all(|word| matches!(*word, "-" | "-u"));
            matches!(name.as_str(), "python" | "python3") && alone
        });
        if python && (document.quoted || !document.text.contains(['$', '`', '\\'])) {
            out.push(Embedded { lines: document.lines, text: document.text });
        }
    }
    out
}

/// A text that stands in a script behind `<<`.
struct Document<'s> {
    /// What stands in front of the mark.
    command: &'s str,
    /// What stands behind it.
    behind: &'s str,
    /// Whether the shell puts nothing into it.
    quoted: bool,
    lines: std::ops::Range<u64>,
    text: String,
}

fn documents(script: &str) -> Vec<Document<'_>> {
    let mut out = Vec::new();
    // A word that no line is ends nothing, and is not looked for to the end.
    let ends: HashMap<&str, u64> =
        script.lines().map(|line| line.trim_start_matches('\t').trim_end()).zip(0u64..).collect();
    let mut lines = (0u64..).zip(script.lines());
    while let Some((at, line)) = lines.next() {
        let Some((command, mark)) = line.split_once("<<").filter(|(_, mark)| !mark.starts_with('<')) else {
            continue;
        };
        if command.trim_start().starts_with('#') || command.ends_with("((") {
            continue;
        }
        let mark = mark.trim_start_matches('-').trim_start();
        let quoted = mark.starts_with(['\'', '"', '\\']);
        let mark = mark.trim_start_matches(['\'', '"', '\\']);
        let length = mark.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(mark.len());
        let (mark, behind) = mark.split_at(length);
        let never = ends.get(mark).is_none_or(|last| *last <= at);
        if mark.is_empty() || mark.starts_with(|c: char| c.is_ascii_digit()) || never {
            continue;
        }
        let mut text = String::new();
        let mut ahead = lines.clone();
        let end = ahead.by_ref().find(|(_, line)| {
            let ends = line.trim_start_matches('\t').trim_end() == mark;
            if !ends {
                text.push_str(line);
                text.push('\n');
            }
            ends
        });
        if let Some((end, _)) = end {
            out.push(Document { command, behind, quoted, lines: at + 1..end, text });
            lines = ahead;
        }
    }
    out
}

/// Whether a text behind `<<` is written to a file that no line of the script runs.
fn is_data(script: &str, document: &Document<'_>) -> bool {
    let target = |part: &str| {
        let (_, target) = part.rsplit_once('>')?;
        target.split_whitespace().next().map(|word| super::last(word).trim_matches(['"', '\'']).to_owned())
    };
    let Some(name) = target(document.command).or_else(|| target(document.behind)) else { return false };
    let runs = |line: &str| {
        line.contains(&name)
            && line.split([';', '&', '|']).filter_map(command).any(|(program, words)| {
                let by_path = words.first().is_some_and(|word| word.contains('/'));
                INTERPRETERS.contains(&program.as_str()) || by_path
            })
    };
    !name.is_empty() && !name.starts_with('$') && !script.lines().any(runs)
}

/// A line with the marks of statements inside of quotes taken out; what is put in by the shell stays.
fn unquoted(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut quote = None;
    let mut escaped = false;
    // Substitutions inside of quotes hold commands of their own.
    let inner = line.contains("$(") || line.contains('`');
    for c in line.chars() {
        match quote {
            Some(open) if c == open && !escaped => quote = None,
            None if matches!(c, '"' | '\'') && !escaped => quote = Some(c),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        let mark = matches!(c, '|' | ';' | '&' | '(' | '>');
        out.push(if quote.is_some() && mark && !inner { '_' } else { c });
    }
    out
}

fn computed(line: &str) -> Option<&'static str> {
    if line.starts_with("eval ") && sets_up(line) {
        return None;
    }
    const SPELT: [&str; 6] = ["$'\\", "\\x", "${!", "xxd", "base64", "printf -v"];
    if SPELT.iter().any(|part| line.contains(part)) {
        return Some("spells commands in another way");
    }
    if line.contains("<<") && interpreter(line) {
        return Some("has a program of another language in it");
    }
    let line = &unquoted(line);
    for statement in line.split([';', '&', '`', '(', '\n']) {
        for (place, stage) in statement.split('|').enumerate() {
            let mut stage = stage.trim();
            for word in ["if ", "elif ", "while ", "until ", "! ", "then ", "do ", "else ", "{ "] {
                stage = stage.strip_prefix(word).unwrap_or(stage);
            }
            if stage.starts_with(['$', '"']) && stage.trim_matches('"').starts_with('$') && !known(stage) {
                return Some("starts a program by a variable");
            }
            let Some((name, words)) = command(stage) else { continue };
            if place > 0 && INTERPRETERS.contains(&name.as_str()) && words.len() == 1 {
                return Some("pipes a text into what runs it");
            }
            let loads = matches!(name.as_str(), "source" | "." | "exec");
            let argument = stage.split_whitespace().nth(1).unwrap_or_default();
            let own = argument.trim_start_matches('"').starts_with("$(dirname");
            let computed = argument.trim_start_matches('"').starts_with('$') && !own && !known(argument);
            let text = stage.split_once(" -c ").map_or("", |(_, text)| text.trim().trim_start_matches('"'));
            let handed = INTERPRETERS.contains(&name.as_str()) && text.starts_with('$') && !known(text);
            if name == "eval" || handed || loads && computed && !argument.ends_with('$') {
                return Some("runs a text that it puts together");
            }
        }
    }
    None
}

/// Whether a word is a variable of [`PROGRAMS`], or what was passed to the script.
fn known(word: &str) -> bool {
    let inner = word.trim_start_matches(['"', '$', '{']);
    let name: String = inner.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    PROGRAMS.contains(&name.as_str()) || inner.starts_with('@')
}

/// Whether what is evaluated is what a tool prints to set up the shell that asks it.
fn sets_up(line: &str) -> bool {
    const TOOLS: [&str; 16] = [
        "conda",
        "mamba",
        "micromamba",
        "pyenv",
        "rbenv",
        "direnv",
        "ssh-agent",
        "brew",
        "opam",
        "starship",
        "zoxide",
        "mise",
        "fnm",
        "nodenv",
        "register-python-argcomplete",
        "dircolors",
    ];
    let Some((_, inner)) = line.split_once("$(") else { return false };
    let mut words = inner.split([' ', ')', '"']);
    let program = words.next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or(program);
    TOOLS.contains(&program) && !inner.contains(['|', ';', '&', '`']) && inner.matches("$(").count() == 0
}

/// Whether a line hands a text behind it to an interpreter that is no shell's `cat`.
fn interpreter(line: &str) -> bool {
    let before = line.split("<<").next().unwrap_or_default();
    let last = before.rsplit(['|', ';', '&']).next().unwrap_or_default();
    command(last).is_some_and(|(name, _)| INTERPRETERS.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::not_followed;

    #[test]
    fn what_is_put_together_is_not_followed() {
        for line in [
            "a=cu; b=rl; $a$b example.org",
            "eval \"$X\"",
            "echo aWQ= | base64 -d",
            "cat x | bash",
            "source $CONFIG",
            "bash -c \"$X\"",
            "python3 - <<EOF\nprint($X)\nEOF",
            "cat > x.sh <<EOF\n$X\nEOF\nbash x.sh",
            "if $X --version; then echo 1; fi",
            "$'\\x63url' example.org",
            "\"${CMD[@]}\"",
        ] {
            assert!(not_followed(line).is_some(), "{line}");
        }
    }

    #[test]
    fn ordinary_scripts_are() {
        let script = r#"#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."
export CUDA_VISIBLE_DEVICES=${1:-0}
source venv/bin/activate
source "$(dirname "$0")/env.sh"
if [ -z "$DATA" ]; then echo "no data"; exit 1; fi
for seed in 1 2 3; do
  python train.py --seed $seed --out "runs/$seed" 2>&1 | tee logs/train_$(date +%F).log
done
$PYTHON -m pytest
cat > config.yaml <<EOF
a: 1
$X: 2
EOF
sed "s|@prefix@|$prefix|" Makefile.in > Makefile
if $CC a.c; then echo built; fi
python - <<'PY'
import json
print(json.load(open("1.json")))
PY
exec "$@"
eval "$(conda shell.bash hook)"
eval "$($HOME/miniconda/bin/conda shell.bash hook)"
"#;
        assert_eq!(not_followed(script), None);
    }
}
