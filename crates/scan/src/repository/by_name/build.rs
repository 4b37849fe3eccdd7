//! What builds do beside the lines of a shell: variables of make that hold what a command printed, files that CMake
//! fetches and includes, the profile that R runs when it starts in a folder.

use std::collections::BTreeSet;

use super::tools::at;
use crate::formats::shell;
use crate::scanner::{Content, Scanner};

/// Variables of make: one that holds what a command decodes or fetches is looked at for where it is run.
pub(super) fn make(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    // What finds a program.
    const FINDS: [&str; 7] = ["which", "command", "type", "realpath", "readlink", "dirname", "pwd"];
    let lines = shell::joined(text);
    let mut printed: BTreeSet<String> = BTreeSet::new();
    let mut decoded = None;
    for (index, line) in &lines {
        let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with(['\t', '#'])) else {
            continue;
        };
        let shell =
            name.ends_with('!').then_some(value).or_else(|| value.split_once("$(shell ").map(|(_, v)| v));
        let Some(command) = shell.map(str::trim) else { continue };
        let first = command.split_whitespace().next().unwrap_or_default();
        if !FINDS.contains(&first) {
            printed.insert(name.trim_end_matches([':', '?', '+', '!', ' ']).trim().to_owned());
        }
        if shell::decodes(command) {
            decoded = decoded.or(Some(*index));
        }
    }
    let runs = |line: &str| {
        let inner = line.split("$(shell ").skip(1).chain(line.strip_prefix('\t'));
        let mut commands = inner.flat_map(|inner| inner.split([';', '&', '|']));
        commands.any(|command| {
            let command = command.trim_start_matches(['@', '-', '+', ' ', '"']);
            let name = command.strip_prefix("$(").or_else(|| command.strip_prefix("${"));
            let name = name.and_then(|name| name.split([')', '}']).next());
            name.is_some_and(|name| printed.contains(name.trim()))
                || command.starts_with("eval ")
                    && printed.iter().any(|name| command.contains(&format!("({name})")))
        })
    };
    if let Some((index, line)) = lines.iter().find(|(_, line)| runs(line)) {
        let (rule, what) = match decoded {
            Some(_) => ("code/runs-fetched", "a build runs what a command decodes"),
            None => ("code/not-analysed", "a build runs what a command prints"),
        };
        let shown: String = line.trim().chars().take(80).collect();
        scanner.report(rule, at(content, *index), format!("{what}: {shown:?}"));
    } else if let Some(index) = decoded {
        scanner.report("code/not-analysed", at(content, index), "a build keeps what a command decodes");
    }
}

/// A file that CMake fetches from a stranger and includes or starts, and code that it is given as a text.
pub(super) fn cmake(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    // What was fetched, and whether its digest is stated.
    let mut fetched: Vec<(String, bool)> = Vec::new();
    for (index, name, arguments) in commands(text) {
        let words: Vec<&str> = arguments
            .split(|c: char| c.is_whitespace() || c == '"')
            .filter(|word| !word.is_empty())
            .collect();
        let tail =
            |word: &str| word.rsplit('/').next().unwrap_or(word).trim_matches(['$', '{', '}']).to_owned();
        match name.to_ascii_lowercase().as_str() {
            "file" if words.first() == Some(&"DOWNLOAD") => {
                let address = words.get(1).copied().unwrap_or_default();
                let known = shell::FORGES.iter().chain(&shell::INDICES).any(|host| address.starts_with(host))
                    || address.starts_with("https://raw.githubusercontent.com/")
                    || crate::address::is_installer(address);
                if !known {
                    let stated = words.iter().any(|word| matches!(*word, "EXPECTED_HASH" | "EXPECTED_MD5"));
                    fetched.extend(words.get(2).map(|word| (tail(word), stated)));
                }
            }
            "include" | "execute_process" | "add_subdirectory" | "load_cache"
                if words.iter().any(|word| {
                    let word = tail(word);
                    let unpacks = name.eq_ignore_ascii_case("execute_process") && only_unpacks(&words);
                    fetched.iter().any(|(file, stated)| *file == word && !(*stated && unpacks))
                }) =>
            {
                let message =
                    format!("a build fetches and runs {:?}", words.first().copied().unwrap_or_default());
                return scanner.report("code/runs-fetched", at(content, index), message);
            }
            "cmake_language" if words.first() == Some(&"EVAL") && arguments.contains("${") => {
                let message = "a build evaluates a text that it puts together";
                scanner.report("code/not-analysed", at(content, index), message);
                return;
            }
            _ => {}
        }
    }
}

/// Whether every command of a process only unpacks an archive.
fn only_unpacks(words: &[&str]) -> bool {
    const UNPACK: [&str; 14] = [
        "tar", "bsdtar", "gtar", "unzip", "7z", "7za", "gzip", "gunzip", "bunzip2", "unxz", "xz", "zstd",
        "unzstd", "bzip2",
    ];
    let mut commands = words.split(|word| *word == "COMMAND").skip(1).peekable();
    let runs = |word: &&str| {
        ["--to-command", "--checkpoint-action", "-I", "--use-compress-program", "--rsh-command"]
            .iter()
            .any(|option| word.starts_with(option))
    };
    commands.peek().is_some()
        && commands.all(|command| {
            let own = match command {
                ["${CMAKE_COMMAND}" | "cmake", "-E", "tar", ..] => true,
                [program, ..] => UNPACK.contains(&program.rsplit('/').next().unwrap_or(program)),
                [] => false,
            };
            own && !command.iter().any(runs)
        })
}

/// Commands of CMake with the line of each, counted from zero.
fn commands(text: &str) -> Vec<(u64, &str, &str)> {
    const MOST: usize = 20_000;
    let mut out = Vec::new();
    let mut from = 0;
    let mut line = 0u64;
    while let Some((open, rest)) = text.get(from..).and_then(|t| t.find('(').map(|at| (from + at, t))) {
        let before = rest.get(..open - from).unwrap_or_default();
        let name =
            before.trim_end().rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
        line += before.matches('\n').count() as u64;
        let inner = text.get(open + 1..).unwrap_or_default();
        let end = inner.find(')').unwrap_or(inner.len());
        let arguments = inner.get(..end).unwrap_or_default();
        let comment = before.rsplit('\n').next().is_some_and(|head| head.trim_start().starts_with('#'));
        if !comment && out.len() < MOST {
            out.push((line, name, arguments));
        }
        line += arguments.matches('\n').count() as u64;
        from = open + 1 + end;
    }
    out
}

/// Whether a profile of R only sets options, loads packages and runs files of the project.
pub(super) fn is_plain(text: &str) -> bool {
    const PLAIN: [&str; 40] = [
        "source",
        "options",
        "c",
        "library",
        "require",
        "suppressMessages",
        "suppressPackageStartupMessages",
        "suppressWarnings",
        "interactive",
        "if",
        "message",
        "cat",
        "print",
        "Sys.setenv",
        "Sys.getenv",
        "Sys.setlocale",
        "file.path",
        "file.exists",
        "dir.exists",
        "local",
        "requireNamespace",
        "nzchar",
        "is.null",
        "set.seed",
        "paste0",
        "paste",
        "getOption",
        ".libPaths",
        "invisible",
        "getwd",
        "Sys.time",
        "isTRUE",
        "normalizePath",
        "function",
        "theme_set",
        "date",
        "format",
        "list",
        "setRepositories",
        "packageVersion",
    ];
    let mut called = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .flat_map(|line| line.split('(').zip(line.split('(').skip(1)))
        .map(|(before, _)| {
            let before = before.trim_end();
            before
                .rsplit(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.')))
                .next()
                .unwrap_or_default()
        });
    let indexed = text.contains("[[") || text.contains('`') || text.contains("\\(");
    let foreign = |line: &str| {
        const CRAN: [&str; 6] = [
            "https://cloud.r-project.org",
            "https://cran.r-project.org",
            "https://cran.rstudio.com",
            "https://packagemanager.rstudio.com",
            "https://packagemanager.posit.co",
            "https://p3m.dev",
        ];
        line.contains("://") && !CRAN.iter().any(|host| line.contains(host))
    };
    called.all(|name| name.is_empty() || PLAIN.contains(&name))
        && !indexed
        && !text.lines().any(foreign)
        && crate::formats::is_silent(".Rprofile", text)
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    #[test]
    fn builds_are_told_apart_by_what_they_run() {
        for (path, text, expected) in [
            (
                "Makefile",
                "X := $(shell printf 'aWQ=' | base64 -d)\nY := $(shell $(X))\nall:\n\tls\n",
                Outcome::Suspicious,
            ),
            ("Makefile", "X != cat notes\nall:\n\t@$(X)\n", Outcome::Unscannable),
            (
                "Makefile",
                "P := $(shell which python3)\nN := $(shell nproc)\nall:\n\t$(P) -m pytest -n $(N)\n",
                Outcome::Clean,
            ),
            (
                "CMakeLists.txt",
                "file(DOWNLOAD https://example.org/x.cmake ${CMAKE_BINARY_DIR}/x.cmake)\ninclude(${CMAKE_BINARY_DIR}/x.cmake)\n",
                Outcome::Suspicious,
            ),
            (
                "CMakeLists.txt",
                "file(DOWNLOAD https://github.com/a/b/c.cmake ${CMAKE_BINARY_DIR}/c.cmake)\ninclude(${CMAKE_BINARY_DIR}/c.cmake)\n",
                Outcome::Clean,
            ),
            (
                "CMakeLists.txt",
                "file(DOWNLOAD https://example.org/data.bin data.bin)\nadd_executable(a a.cpp)\n",
                Outcome::Clean,
            ),
            (".Rprofile", "source(\"renv/activate.R\")\noptions(digits = 4)\n", Outcome::Clean),
            (".Rprofile", "f <- get(\"sys\")\nf(1)\n", Outcome::Suspicious),
            (".Rprofile", "options(repos = c(X = \"https://example.org/\"))\n", Outcome::Suspicious),
            (".dir-locals.el", "((nil . ((eval . (funcall (intern \"x\"))))))", Outcome::Suspicious),
            (".dir-locals.el", "((python-mode . ((fill-column . 100))))", Outcome::Clean),
        ] {
            let report = scan_bytes(&path.parse().unwrap(), text.as_bytes(), &Limits::default());
            assert_eq!(report.outcome, expected, "{path}: {text}: {:?}", report.findings);
        }
    }

    #[test]
    fn unpacking_what_has_a_digest_is_no_fetched_program() {
        let outcome = |stated: &str, command: &str| {
            let text = format!(
                "project(x)\nfile(DOWNLOAD https://example.com/a.tgz ${{B}}/a.tgz {stated})\n\
                 execute_process(COMMAND {command} WORKING_DIRECTORY ${{B}})\n"
            );
            scan_bytes(&"CMakeLists.txt".parse().unwrap(), text.as_bytes(), &Limits::default()).outcome
        };
        let digest = "EXPECTED_HASH SHA256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for command in ["tar xzf a.tgz", "${CMAKE_COMMAND} -E tar xf ${B}/a.tgz", "/usr/bin/unzip -o a.tgz"] {
            assert_eq!(outcome(digest, command), Outcome::Clean, "{command}");
            assert_eq!(outcome("", command), Outcome::Suspicious, "{command}");
        }
        for command in ["sh a.tgz", "tar xf a.tgz --to-command=sh", "tar xf a.tgz COMMAND sh a.tgz"] {
            assert_eq!(outcome(digest, command), Outcome::Suspicious, "{command}");
        }
    }
}
