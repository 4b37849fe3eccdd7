//! Launchers of Windows and of desktops: batch files, PowerShell, and what a double click runs.
//!
//! Launchers of models make an environment, install what is required and start a program of the folder. A line that does
//! anything else is not understood here, and one that fetches a program and starts it, hides from the guard of the
//! machine or has something started later is told as harm. Scripts of the Windows Script Host have no use beside a model.

use proofhouse_core::Place;

use super::spelt;
use crate::address;
use crate::formats::shell;
use crate::scanner::{Content, Scanner};

/// What runs by a double click and is no launcher of anything that people write for models.
const HOST: [&str; 8] = [".vbs", ".vbe", ".wsf", ".wsh", ".hta", ".jse", ".lnk", ".reg"];
/// What launchers do.
const UNDERSTOOD: [&str; 100] = [
    "echo",
    "set",
    "setlocal",
    "endlocal",
    "call",
    "cd",
    "chdir",
    "pushd",
    "popd",
    "if",
    "else",
    "goto",
    "rem",
    "pause",
    "exit",
    "title",
    "cls",
    "python",
    "python3",
    "py",
    "pip",
    "pip3",
    "conda",
    "uv",
    "poetry",
    "git",
    "mkdir",
    "md",
    "copy",
    "xcopy",
    "move",
    "ren",
    "type",
    "where",
    "activate",
    "activate.ps1",
    "deactivate",
    "for",
    "not",
    "exist",
    "write-host",
    "write-output",
    "set-location",
    "new-item",
    "test-path",
    "param",
    "function",
    "return",
    "chcp",
    "timeout",
    "nvidia-smi",
    "import-module",
    "foreach",
    "foreach-object",
    "elseif",
    "while",
    "try",
    "catch",
    "finally",
    "throw",
    "break",
    "continue",
    "exit",
    "get-command",
    "get-childitem",
    "get-item",
    "get-content",
    "get-location",
    "get-filehash",
    "get-date",
    "join-path",
    "split-path",
    "resolve-path",
    "push-location",
    "pop-location",
    "out-null",
    "out-string",
    "out-file",
    "select-object",
    "select-string",
    "where-object",
    "sort-object",
    "measure-object",
    "format-table",
    "write-error",
    "write-warning",
    "read-host",
    "expand-archive",
    "copy-item",
    "move-item",
    "convertfrom-json",
    "convertto-json",
    "npm",
    "docker",
    "cmake",
    "make",
    "ninja",
    "nvcc",
    "torchrun",
    "accelerate",
];
/// What runs a text or a file that was fetched.
const STARTS: [&str; 16] = [
    "scriptblock]::create",
    "assembly]::load",
    "add-type",
    "invoke-command",
    "& (",
    "&(",
    "iex",
    "invoke-expression",
    "start-process",
    "& $",
    "&$",
    "start ",
    "regsvr32",
    "rundll32",
    "mshta",
    ".invoke(",
];
/// What fetches.
const FETCHES: [&str; 12] = [
    "net.webclient",
    "net.http",
    "downloaddata",
    "invoke-webrequest",
    "iwr ",
    "invoke-restmethod",
    "irm ",
    "downloadstring",
    "downloadfile",
    "start-bitstransfer",
    "bitsadmin",
    "certutil",
];
/// What nothing that starts a model does.
const HARMS: [&str; 18] = [
    "add-mppreference",
    "set-mppreference",
    "exclusionpath",
    "amsi",
    "schtasks",
    "register-scheduledtask",
    "currentversion\\run",
    "new-service",
    "sc create",
    "vssadmin",
    "bcdedit",
    "wevtutil",
    "net user",
    "net localgroup",
    "-enc ",
    "-encodedcommand",
    "frombase64string",
    "set-executionpolicy unrestricted",
];

/// Looks at a launcher; whether it is one.
pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> bool {
    let name = content.name().to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if ends(&HOST) {
        let message = format!(
            "{:?} is a program that a double click runs, and none that a model needs",
            content.name()
        );
        scanner.report("code/harmful", content.place.clone(), message);
        return true;
    }
    if !ends(&[".bat", ".cmd", ".ps1", ".psm1"]) {
        return false;
    }
    text(scanner, &content.place, &String::from_utf8_lossy(content.bytes));
    true
}

/// Looks at the lines of a launcher, or of a cell of PowerShell.
pub(super) fn text(scanner: &mut Scanner<'_>, whole: &Place, text: &str) {
    let lower = spelt::lower(text);
    let of = |all: &[&'static str]| all.iter().find(|part| lower.contains(*part)).copied();
    let known = programs(text);
    let starts = STARTS.iter().copied().find(|start| {
        lower.match_indices(start).any(|(at, _)| {
            let rest = lower.get(at..).unwrap_or_default().trim_start_matches(['&', ' ']);
            !(start.starts_with('&') && known.iter().any(|name| rest.starts_with(&format!("{name} "))))
        })
    });
    let runs = of(&FETCHES)
        .zip(starts)
        .map(|(fetches, starts)| format!("fetches by {:?} and runs by {:?}", fetches.trim(), starts.trim()));
    let printed = lower.lines().any(runs_printed).then(|| "runs what a command prints".to_owned());
    let runs = runs.or(printed);
    let harm = of(&HARMS).map(|part| format!("uses {:?}, which no model needs", part.trim()));
    if let Some(what) = runs.or(harm) {
        scanner.report("code/harmful", whole.clone(), format!("the launcher {what}"));
        return;
    }
    for ((line, plain), number) in text.lines().zip(lower.lines()).zip(1u64..) {
        let mut place = whole.clone();
        place.line = Some(place.line.unwrap_or(1) + number - 1);
        let host = address::host(line).and_then(address::nameless);
        if host.is_some() || shell::is_harmful(line) || shell::is_harmful(plain) {
            let shown: String = line.trim().chars().take(80).collect();
            scanner.report(
                "code/harmful",
                place,
                format!("the launcher has a line that no model needs: {shown:?}"),
            );
            return;
        }
        if !understood(plain, &known) {
            let shown: String = line.trim().chars().take(80).collect();
            scanner.report(
                "code/not-analysed",
                place,
                format!("a line of a launcher is not understood: {shown:?}"),
            );
            return;
        }
    }
}

/// Whether a loop of a batch file takes what it runs from what fetches or decodes: `for /f … in ('…') do %%i`.
fn runs_printed(line: &str) -> bool {
    let Some((source, body)) = line.split_once(" do ") else { return false };
    let fetches = FETCHES.iter().chain(&["curl", "wget", "base64"]).any(|word| source.contains(word.trim()));
    let body =
        body.trim_start_matches(['(', '@', ' ']).trim_start_matches("call ").trim_start_matches("cmd /c ");
    source.contains("for ") && fetches && body.trim_start_matches('"').starts_with('%')
}

/// Whether every command of a line is one of [`UNDERSTOOD`].
fn understood(line: &str, programs: &[String]) -> bool {
    let line = &masked(line.trim().trim_start_matches('@'));
    if line.is_empty()
        || line.starts_with(['#', ':'])
        || line.to_ascii_lowercase().starts_with("rem ")
        || line.starts_with(['{', '}', '(', ')']) && line.len() == 1
    {
        return true;
    }
    line.split(['&', '|', ';'])
        .map(|part| part.trim().trim_start_matches(['(', '@', '{']))
        .filter(|part| !part.is_empty())
        .all(|part| {
            // `. name` and `& $name` of PowerShell run what is named.
            let part = part.strip_prefix(". ").unwrap_or(part);
            let word = part.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
            if programs.contains(&word) {
                return true;
            }
            let first = part
                .split([' ', '\t', '(', '"'])
                .find(|w| !w.is_empty())
                .unwrap_or_default()
                .to_ascii_lowercase();
            let program = first.rsplit(['/', '\\']).next().unwrap_or(&first).trim_end_matches(".exe");
            // `%PYTHON%` and `$env:NAME = …`.
            let variable = first.starts_with("$env:") && part.contains('=')
                || first.starts_with('%') && (first.contains("python") || first == "%pip%");
            let option = part.contains(" -c ") && !asks(part) || part.contains("-m base64");
            (UNDERSTOOD.contains(&program) || variable || program.starts_with(')') || assigns(part))
                && !option
        })
}

/// A line with the marks of statements inside of double quotes taken out.
fn masked(line: &str) -> String {
    // Quotes that are escaped are none, in one of the two languages.
    if line.contains("^\"") || line.contains("`\"") {
        return line.to_owned();
    }
    let mut quoted = false;
    line.chars()
        .map(|c| {
            quoted ^= c == '"';
            match c {
                ';' if quoted => '\n',
                '&' | '|' if quoted => ' ',
                c => c,
            }
        })
        .collect()
}

/// Variables of PowerShell that hold the name of a program of everybody's work, and nothing else.
fn programs(text: &str) -> Vec<String> {
    let lower = text.to_ascii_lowercase();
    let mut out: Vec<(String, bool)> = Vec::new();
    for (at, _) in lower.match_indices('$') {
        let rest = lower.get(at..).unwrap_or_default();
        let length =
            rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '$' | '_'))).unwrap_or(rest.len());
        let (name, value) = rest.split_at(length);
        let Some(value) = value.trim_start().strip_prefix('=') else { continue };
        let value = value.lines().next().unwrap_or_default().trim().trim_end_matches([',', ')']);
        let literal = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
        let literal = literal.or_else(|| value.strip_prefix('\'').and_then(|v| v.strip_suffix('\'')));
        out.push((name.to_owned(), literal.is_some_and(|v| !v.contains('"') && shell::is_ordinary(v))));
    }
    let always = |name: &str| out.iter().filter(|(n, _)| n == name).all(|(_, ordinary)| *ordinary);
    out.iter().filter(|(name, _)| always(name)).map(|(name, _)| name.clone()).collect()
}

/// Whether a program behind `-c` only imports and prints.
fn asks(part: &str) -> bool {
    const RUNS: [&str; 12] = [
        "exec(",
        "eval(",
        "open",
        "__",
        "os.",
        "subprocess",
        "getattr",
        "compile",
        "url",
        "socket",
        "b64",
        "zlib",
    ];
    let code = part.split_once(" -c ").map_or("", |(_, code)| code.trim_start());
    let code = code.strip_prefix('"').and_then(|code| code.split('"').next()).unwrap_or(code);
    let plain = |statement: &str| {
        statement.is_empty()
            || ["import ", "from ", "print(", "sys.exit(", "assert "]
                .iter()
                .any(|begin| statement.starts_with(begin))
    };
    code.split([';', '\n']).all(|statement| plain(statement.trim()))
        && !RUNS.iter().any(|word| code.contains(word))
}

/// Whether a statement of PowerShell gives a variable a value without calling anything that is not understood: a text, a
/// number, a list of those, another variable, or what one of the commands gives.
fn assigns(part: &str) -> bool {
    let typed =
        part.trim_start_matches('[').split_once(']').filter(|_| part.starts_with('[')).map(|(_, rest)| rest);
    let Some(rest) = typed.unwrap_or(part).trim_start().strip_prefix('$') else { return false };
    let name = rest.trim_start_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':'));
    let value = match name.trim_start().strip_prefix('=') {
        Some(value) => value.trim().trim_end_matches([',', ')']),
        // A parameter without a value.
        None => return matches!(name.trim(), "" | "," | ")"),
    };
    let literal = |text: &str| {
        let text = text.trim();
        let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
        let inner = inner.or_else(|| text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')));
        inner.is_some_and(|inner| !inner.contains("$(") && !inner.contains(['"', '\'']))
            || text.parse::<f64>().is_ok()
            || text
                .strip_prefix('$')
                .is_some_and(|n| n.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ':')))
    };
    let list = value.trim_start_matches("@(").trim_end_matches(')');
    let first = value.split([' ', '(']).next().unwrap_or_default().to_ascii_lowercase();
    list.split(',').all(literal)
        || UNDERSTOOD.contains(&first.as_str()) && first.contains('-') && !value.contains("$(")
}
