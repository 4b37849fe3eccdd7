//! Lines of a shell, in notebooks and scripts: installing packages is ordinary, fetching something and running it is
//! not.

use proofhouse_core::Place;

use crate::scanner::Scanner;

/// One line of a shell.
pub(crate) fn line(scanner: &mut Scanner<'_>, place: &Place, line: &str) {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return;
    }
    let words: Vec<&str> = line
        .split(|c: char| c.is_whitespace() || "|;&()<>`$\"'".contains(c))
        .filter(|w| !w.is_empty())
        .collect();
    let has = |names: &[&str]| words.iter().any(|w| names.contains(&w.rsplit('/').next().unwrap_or(w)));
    let fetches = has(&["curl", "wget", "nc", "ncat", "socat"]) || line.contains("/dev/tcp/");
    let runs = has(&["sh", "bash", "zsh", "python", "python3", "perl", "eval", "source", "exec", "node"]);
    let decodes = has(&["base64", "xxd", "openssl"]) && line.contains('|');
    let shown: String = line.chars().take(80).collect();
    let piped = line.contains('|')
        || line.contains("&&")
        || line.contains(';')
        || line.contains('$')
        || line.contains('`');
    if (fetches && runs && piped) || line.contains("/dev/tcp/") || (decodes && runs) {
        let message = format!("fetches or decodes something and runs it: {shown:?}");
        scanner.report("code/runs-fetched", place.clone(), message);
    } else if has(&["pip", "pip3", "conda", "mamba", "apt", "apt-get", "uv"]) && !line.contains("://") {
        scanner.report("code/command", place.clone(), format!("installs packages: {shown:?}"));
    } else if fetches || line.contains("://") {
        scanner.report("code/command", place.clone(), format!("fetches something: {shown:?}"));
    } else {
        scanner.report("code/command", place.clone(), format!("runs a command: {shown:?}"));
    }
}
