//! Whether the lines of a script say what they run. A shell puts commands together from variables and texts; where one
//! does, judging its lines is not following it.

use super::{INTERPRETERS, command, joined};

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
    joined(script).into_iter().find_map(|(index, line)| {
        let line = line.trim();
        let comment = line.is_empty() || line.starts_with('#');
        let what = if comment { None } else { computed(line) };
        what.map(|what| (index + 1, what))
    })
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
    for statement in line.split([';', '&', '`', '(', '\n']) {
        for (place, stage) in statement.split('|').enumerate() {
            let mut stage = stage.trim();
            for word in ["then ", "do ", "else ", "{ "] {
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
            if name == "eval" || loads && computed && !argument.ends_with('$') {
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
            "python3 - <<EOF\nprint(1)\nEOF",
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
EOF
exec "$@"
eval "$(conda shell.bash hook)"
eval "$($HOME/miniconda/bin/conda shell.bash hook)"
"#;
        assert_eq!(not_followed(script), None);
    }
}
