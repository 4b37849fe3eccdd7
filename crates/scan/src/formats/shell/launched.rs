//! Which programs a line starts: statements, the stages of their pipes, and what stands behind words that start another
//! program with options of their own: `sudo -E bash`, `timeout 9 sh`.

/// Statements, each as the stages of its pipe. Quotes and substitutions hold commands of their own.
pub(super) fn statements(line: &str) -> Vec<Vec<&str>> {
    let marks = |c: char| matches!(c, ';' | '\n' | '&' | '"' | '\'' | '`' | '(' | ')');
    let mut out = Vec::new();
    let mut from = 0;
    for (at, _) in line.match_indices(marks) {
        // `|&` is a pipe that takes errors along.
        if !line.get(..at).is_some_and(|before| before.ends_with('|')) || line.get(at..at + 1) != Some("&") {
            out.push(line.get(from..at).unwrap_or_default());
            from = at + 1;
        }
    }
    out.push(line.get(from..).unwrap_or_default());
    out.iter().map(|s| s.split('|').map(|stage| stage.strip_prefix('&').unwrap_or(stage)).collect()).collect()
}

/// The program that a stage starts, without its folder, and its words.
pub(super) fn command(stage: &str) -> Option<(String, Vec<&str>)> {
    // `shell` is the function of make.
    const BEFORE: [&str; 8] = ["then", "do", "if", "else", "!", "{", "-c", "shell"];
    let words: Vec<&str> = stage
        .split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '$'))
        .filter(|w| !w.is_empty())
        .collect();
    let plain = |w: &&str| !BEFORE.contains(w) && !is_assignment(w) && !is_label(w);
    let mut at = words.iter().position(plain)?;
    while let Some(inner) = behind(words.get(at..)?) {
        at += inner;
        at += words.get(at..)?.iter().position(plain)?;
    }
    let words = words.get(at..)?.to_vec();
    let name = words.first()?;
    // `${SHELL:-sh}`: the program that is there when no other is told.
    let default = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')?.split_once(":-"));
    let name = default.map_or(*name, |(_, default)| default);
    let name = name.rsplit(['/', '\\']).next()?.trim_end_matches(".exe").to_ascii_lowercase();
    Some((name, words))
}

/// A key in front of its value, as in files of tools: `lint-cmd:`, `python:`.
fn is_label(word: &str) -> bool {
    word.len() > 1
        && word
            .strip_suffix(':')
            .is_some_and(|w| w.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')))
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

/// A program that starts another one.
struct Launcher {
    name: &'static str,
    /// Options of one letter that take the word behind them as their value.
    valued: &'static str,
    /// Words of its own before the program.
    own: usize,
}

const fn launcher(name: &'static str, valued: &'static str, own: usize) -> Launcher {
    Launcher { name, valued, own }
}

/// Their options as their manual pages have them. What a name does by itself is judged by it: `chroot`, `eval`.
const LAUNCHERS: [Launcher; 30] = [
    launcher("sudo", "ughpCrtTUDR", 0),
    launcher("doas", "uC", 0),
    launcher("runuser", "ugG", 0),
    launcher("env", "uC", 0),
    launcher("time", "fo", 0),
    launcher("nohup", "", 0),
    launcher("timeout", "ks", 1),
    launcher("nice", "n", 0),
    launcher("ionice", "cnpPu", 0),
    launcher("chrt", "TPD", 1),
    launcher("taskset", "", 1),
    launcher("setsid", "", 0),
    launcher("setarch", "", 1),
    launcher("stdbuf", "ioe", 0),
    launcher("unbuffer", "", 0),
    launcher("flock", "wE", 1),
    launcher("xargs", "IadEnPLsr", 0),
    launcher("parallel", "j", 0),
    launcher("watch", "n", 0),
    launcher("strace", "eopP", 0),
    launcher("busybox", "", 0),
    launcher("toybox", "", 0),
    launcher("command", "", 0),
    launcher("builtin", "", 0),
    launcher("exec", "a", 0),
    launcher("coproc", "", 0),
    launcher("catchsegv", "", 0),
    launcher("systemd-run", "pu", 0),
    launcher("dbus-run-session", "", 0),
    launcher("proxychains4", "f", 0),
];

/// Which of the words is the program that the first one starts, if it is one that does.
fn behind(words: &[&str]) -> Option<usize> {
    let name = words.first()?.rsplit('/').next()?;
    let launcher = LAUNCHERS.iter().find(|launcher| launcher.name == name)?;
    let mut own = launcher.own;
    let mut at = 1;
    while let Some(word) = words.get(at) {
        if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty() && *letters != "-")
        {
            let valued = !letters.starts_with('-')
                && letters.len() == 1
                && letters.chars().all(|letter| launcher.valued.contains(letter));
            at += if valued { 2 } else { 1 };
        } else if own > 0 {
            own -= 1;
            at += 1;
        } else {
            at += usize::from(*word == "--");
            break;
        }
    }
    (at < words.len()).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_stands_behind_options_and_their_values() {
        for (line, program) in [
            ("sudo -E bash", Some("bash")),
            ("sudo -u root -- bash -s", Some("bash")),
            ("/usr/bin/env -i bash", Some("bash")),
            ("timeout -k 5 9 sh", Some("sh")),
            ("timeout --signal=KILL 9 sh", Some("sh")),
            ("nice -n 5 curl x", Some("curl")),
            ("nice -n5 curl x", Some("curl")),
            ("xargs -I {} bash -c {}", Some("bash")),
            ("xargs -I{} bash -c {}", Some("bash")),
            ("flock /tmp/lock sh", Some("sh")),
            ("stdbuf -o0 bash", Some("bash")),
            ("exec", None),
            ("exec -a", None),
            ("bash -c x", None),
            ("timeout 9", None),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(behind(&words).map(|at| words[at]), program, "{line}");
        }
    }
}
