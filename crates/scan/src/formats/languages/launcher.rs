//! Launchers of Windows and of desktops: batch files, PowerShell, and what a double click runs.
//!
//! Launchers of models make an environment, install what is required and start a program of the folder. A line that does
//! anything else is not understood here, and one that fetches a program and starts it, hides from the guard of the
//! machine or has something started later is told as harm. Scripts of the Windows Script Host have no use beside a model.

use proofhouse_core::Place;

use crate::address;
use crate::formats::shell;
use crate::scanner::{Content, Scanner};

/// What runs by a double click and is no launcher of anything that people write for models.
const HOST: [&str; 8] = [".vbs", ".vbe", ".wsf", ".wsh", ".hta", ".jse", ".lnk", ".reg"];
/// What launchers do.
const UNDERSTOOD: [&str; 52] = [
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
];
/// What runs a text or a file that was fetched.
const STARTS: [&str; 10] = [
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
const FETCHES: [&str; 9] = [
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
    let lower = text.to_ascii_lowercase();
    let of = |all: &[&'static str]| all.iter().find(|part| lower.contains(*part)).copied();
    let runs = of(&FETCHES)
        .zip(of(&STARTS))
        .map(|(fetches, starts)| format!("fetches by {:?} and runs by {:?}", fetches.trim(), starts.trim()));
    let harm = of(&HARMS).map(|part| format!("uses {:?}, which no model needs", part.trim()));
    if let Some(what) = runs.or(harm) {
        scanner.report("code/harmful", whole.clone(), format!("the launcher {what}"));
        return;
    }
    for (line, number) in text.lines().zip(1u64..) {
        let mut place = whole.clone();
        place.line = Some(place.line.unwrap_or(1) + number - 1);
        let host = address::host(line).and_then(address::nameless);
        if host.is_some() || shell::is_harmful(line) {
            let shown: String = line.trim().chars().take(80).collect();
            scanner.report(
                "code/harmful",
                place,
                format!("the launcher has a line that no model needs: {shown:?}"),
            );
            return;
        }
        if !understood(line) {
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

/// Whether every command of a line is one of [`UNDERSTOOD`].
fn understood(line: &str) -> bool {
    let line = line.trim().trim_start_matches('@');
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
            let first = part
                .split([' ', '\t', '(', '"'])
                .find(|w| !w.is_empty())
                .unwrap_or_default()
                .to_ascii_lowercase();
            let program = first.rsplit(['/', '\\']).next().unwrap_or(&first).trim_end_matches(".exe");
            // `%PYTHON%` and `$env:NAME = …`.
            let variable = first.starts_with("$env:") && part.contains('=')
                || matches!(first.trim_matches('%'), "python" | "pip");
            let option = part.contains(" -c ") || part.contains("-m base64");
            (UNDERSTOOD.contains(&program) || variable || program.starts_with(')')) && !option
        })
}
