//! Code cells: Python, and what IPython does with lines that are none ("Built-in magic commands").
//!
//! A magic that times or profiles runs Python; one that starts a shell runs a command; one that names another language
//! runs a program that is not followed here. What IPython does with a magic that is not known, nobody can say.

use proofhouse_core::Place;

use super::super::languages;
use super::super::shell::{self, joined};
use super::open::{End, Open};
use super::page;
use crate::scanner::Scanner;

/// The cell with the blanks in front of its first line taken from all: IPython runs a cell wherever it begins
/// (`leading_indent`).
pub(super) fn from_the_margin(cell: &str) -> String {
    let first = cell.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let blanks = first.get(..first.len() - first.trim_start().len()).unwrap_or_default();
    cell.lines().flat_map(|line| [line.strip_prefix(blanks).unwrap_or(line), "\n"]).collect()
}

/// Appends what is Python of a cell to `source`, and judges what is not.
pub(super) fn look(scanner: &mut Scanner<'_>, place: &Place, text: &str, source: &mut String) {
    let trimmed = text.trim_start();
    let Some(magic) = trimmed.strip_prefix("%%") else { return lines(scanner, place, text, source) };
    let (head, body) = magic.split_once('\n').unwrap_or((magic, ""));
    let (word, rest) = head.trim().split_once(char::is_whitespace).unwrap_or((head.trim(), ""));
    match word {
        "bash" | "sh" | "!" | "system" | "sx" | "cmd" | "zsh" => {
            shell::text(scanner, place, body);
            touches_files(body, source);
        }
        "script" => interpreter(scanner, place, rest, body, source),
        "html" | "HTML" | "svg" | "SVG" | "markdown" => page::markup(scanner, place, body),
        "javascript" | "js" => {
            page::script(scanner, place, body);
            source.push_str(UNKNOWN);
        }
        // Timing, profiling and capturing run the cell as Python, and what stands behind the word before it.
        "time" | "prun" | "memit" | "mprun" | "lprun" | "capture" | "debug" => {
            if !matches!(word, "capture" | "debug") {
                statement(rest, "", source);
            }
            lines(scanner, place, body, source);
        }
        // A function of its own: what it assigns is gone afterwards.
        "timeit" => {
            statement(rest, "", source);
            let mut timed = String::new();
            lines(scanner, place, body, &mut timed);
            source.push_str(PERHAPS);
            source.push('\n');
            timed.lines().for_each(|line| source.push_str(&format!("    {line}\n")));
            source.push_str("    pass\n");
        }
        "python" | "python3" | "pypy" | "python2" => by_itself(scanner, place, body, source),
        "cython" | "cython_inline" | "cython_pyximport" => {
            languages::named(scanner, place, "cython", body);
            lines(scanner, place, body, source);
        }
        "jit" | "numba" => lines(scanner, place, body, source),
        "writefile" | "file" => written(scanner, place, rest, body, source),
        "latex" | "sql" | "bigquery" | "mermaid" | "html_template" | "skip" | "ai" => {}
        "perl" | "ruby" | "node" | "php" | "lua" | "R" | "julia" | "octave" | "powershell" | "pwsh" => {
            other_language(scanner, place, word, body);
            source.push_str(UNKNOWN);
        }
        other => {
            source.push_str(UNKNOWN);
            let message = format!("the cell is run by the magic {other:?}, which is not known");
            scanner.report("code/not-analysed", place.clone(), message);
        }
    }
}

/// A program of Python that another process runs: it shares no names with the notebook.
fn by_itself(scanner: &mut Scanner<'_>, place: &Place, body: &str, source: &mut String) {
    crate::python::scan_cells(scanner, place, &[from_the_margin(body)]);
    source.push_str(UNKNOWN);
}

/// `%%script PROGRAM`: a shell, Python, or another language.
fn interpreter(scanner: &mut Scanner<'_>, place: &Place, head: &str, body: &str, source: &mut String) {
    let mut words = head.split_whitespace();
    let mut program = words.next().unwrap_or_default();
    while program.starts_with('-') {
        // Where the output goes to, by the name of a variable.
        if matches!(program, "--out" | "--err" | "--proc") {
            words.next();
        }
        program = words.next().unwrap_or_default();
    }
    match program.rsplit('/').next().unwrap_or(program) {
        "bash" | "sh" | "zsh" | "dash" => {
            shell::text(scanner, place, body);
            touches_files(body, source);
        }
        // A way to leave a cell out.
        "false" | "true" | "echo" | "cat" | "" if !program.contains('/') => {}
        name if name.starts_with("python") || name == "pypy" => by_itself(scanner, place, body, source),
        program => {
            other_language(scanner, place, program, body);
            source.push_str(UNKNOWN);
        }
    }
}

/// What stands before a part of the source that leaves nothing behind, as if it happened perhaps.
const PERHAPS: &str = "if __shell__(''):";

/// What stands in the source for something that may write to any file.
const UNKNOWN: &str = "__shell__()\n";

/// Appends what is to be thought of the commands of a shell.
fn touches_files(commands: &str, source: &mut String) {
    if !joined(commands).iter().all(|(_, line)| line.trim().is_empty() || shell::only_looks(line)) {
        source.push_str(UNKNOWN);
    }
}

fn other_language(scanner: &mut Scanner<'_>, place: &Place, language: &str, body: &str) {
    if !languages::named(scanner, place, &language.to_ascii_lowercase(), body) {
        let message = format!("the cell is a program for {language}, which is not followed");
        scanner.report("code/not-analysed", place.clone(), message);
    }
    // Commands look alike in all of them.
    body.lines().filter(|line| line.contains("://") || line.contains("/dev/tcp/")).for_each(|line| {
        shell::line(scanner, place, line);
    });
}

/// Whether a path is that of a file that a shell or a system runs by itself.
fn later(path: &str) -> bool {
    [".bashrc", ".bash_profile", ".profile", ".zshrc", ".ssh/", "/etc/", ".config/autostart", ".ipython/"]
        .iter()
        .any(|part| path.contains(part))
}

/// `%%writefile NAME`: a file that later lines may import or run.
fn written(scanner: &mut Scanner<'_>, place: &Place, name: &str, body: &str, source: &mut String) {
    let name = name.split_whitespace().find(|w| !w.starts_with('-')).unwrap_or_default();
    let inner = |part: &str| {
        let cell = place.member.as_deref().unwrap_or_default();
        place.clone().within(format!("{cell}!{part}"))
    };
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    source.push_str(&if plain { format!("__shell__('{name}')\n") } else { UNKNOWN.to_owned() });
    if later(name) {
        let message = format!("writes a file that something runs later: {name:?}");
        scanner.report("code/harmful", place.clone(), message);
    }
    if name.ends_with(".py") {
        crate::python::scan_text(scanner, &inner(name), body, 1);
    } else if name.ends_with(".sh")
        || name.starts_with('.')
        || !name.rsplit('/').next().unwrap_or(name).contains('.')
    {
        // A name without an ending is as good as any for a script.
        shell::text(scanner, &inner(name), body);
    }
}

/// Lines of Python, of a shell, and of magics.
fn lines(scanner: &mut Scanner<'_>, place: &Place, text: &str, source: &mut String) {
    let whole = joined(text);
    let mut parts = text.lines().zip(0u64..).peekable();
    let mut open = Open::default();
    while let Some((first, index)) = parts.next() {
        let trimmed = first.trim_start();
        let indent = first.get(..first.len() - trimmed.len()).unwrap_or_default();
        if open.is_open() || !is_command(trimmed) && !is_automagic(trimmed) {
            let (was_open, end) = (open.is_open(), open.read(first));
            // `?name` and `name?` show help, instead of whatever else stands on the line.
            let asks = trimmed.starts_with('?') || first.trim_end().trim_end_matches(';').ends_with('?');
            if asks && !was_open && end == End::Code {
                open = Open::default();
                source.push_str(&format!("{indent}pass\n"));
                continue;
            }
            source.push_str(first);
            source.push('\n');
            continue;
        }
        // A command goes on behind a backslash; Python's own lines keep theirs.
        let next = whole.partition_point(|(at, _)| *at <= index);
        let own = next.checked_sub(1).and_then(|own| whole.get(own)).filter(|(at, _)| *at == index);
        let line = own.map_or(first, |(_, line)| line.as_str()).trim_start();
        let end = whole.get(next).map_or(u64::MAX, |(at, _)| *at);
        while parts.next_if(|(_, at)| *at < end).is_some() {}
        command(scanner, place, line, indent, source);
    }
}

/// Appends the lines of a cell that are for a shell.
pub(super) fn shell_lines(text: &str, script: &mut String) {
    let shell = text.trim_start().strip_prefix("%%").is_some_and(|magic| {
        ["bash", "sh", "!", "system", "sx", "script"].iter().any(|word| magic.starts_with(word))
    });
    for (_, line) in joined(text) {
        let (_, line) = assigned(line.trim());
        let command = line.strip_prefix('!').map(|rest| rest.trim_start_matches('!'));
        let command = command.or_else(|| line.strip_prefix("%sx ").or_else(|| line.strip_prefix("%system ")));
        // What a magic runs is run as a line would.
        if let Some(file) = line.strip_prefix("%run ") {
            script.push_str("python ");
            script.push_str(file);
            script.push('\n');
        } else if let Some(line) = command.or((shell && !line.starts_with("%%")).then_some(line)) {
            script.push_str(line);
            script.push('\n');
        }
    }
}

/// `name = ` in front of a command, if there is one.
fn assigned(line: &str) -> (Option<&str>, &str) {
    let split = line.split_once('=').and_then(|(left, right)| {
        let left = left.trim();
        let name = !left.is_empty() && left.chars().all(|c| c.is_alphanumeric() || "_, ".contains(c));
        (name && right.trim_start().starts_with(['!', '%'])).then(|| (left, right.trim_start()))
    });
    split.map_or((None, line), |(left, right)| (Some(left), right))
}

/// A magic that IPython takes without its sign where the line is no Python ("automagic"): how packages are installed.
fn is_automagic(trimmed: &str) -> bool {
    ["pip", "conda", "mamba"].iter().any(|word| {
        trimmed.strip_prefix(word).is_some_and(|rest| {
            [" install ", " uninstall ", " list", " show "].iter().any(|verb| rest.starts_with(verb))
        })
    })
}

fn is_command(trimmed: &str) -> bool {
    let (_, line) = assigned(trimmed);
    // `% 2` goes on with an expression of the line before.
    line.starts_with('!')
        || line
            .strip_prefix('%')
            .is_some_and(|r| r.starts_with(|c: char| c.is_alphabetic() || c == '%' || c == '!'))
}

/// Extensions of IPython that the commands of a notebook install from a repository and load: an extension runs as soon
/// as it is loaded, and nobody has looked at it in an index.
pub(super) fn loaded_from_elsewhere(commands: &str) -> Vec<String> {
    let plain = |name: &str| name.to_ascii_lowercase().replace('-', "_");
    let installed: Vec<String> = commands
        .lines()
        .filter(|line| line.contains("install"))
        .flat_map(|line| line.split_whitespace().filter(|w| w.contains("git+") || w.contains("://")))
        .filter_map(|address| {
            let path = address.split(['@', '#']).find(|part| part.contains("://"))?.trim_end_matches('/');
            Some(plain(path.rsplit('/').next()?.trim_end_matches(".git")))
        })
        .collect();
    let loaded = commands.lines().filter_map(|line| line.trim().strip_prefix("%load_ext ")).map(str::trim);
    let own = |name: &&str| installed.contains(&plain(name.split('.').next().unwrap_or(name)));
    loaded.filter(own).map(str::to_owned).collect()
}

/// One command: of a shell (`!`, `!!`) or a magic.
fn command(scanner: &mut Scanner<'_>, place: &Place, line: &str, indent: &str, source: &mut String) {
    let (name, line) = assigned(line);
    // The name is there afterwards, and holds what nobody knows.
    let left = name.map_or_else(String::new, |name| format!("{name} = "));
    let keep = |source: &mut String, looks: bool| {
        let call = if looks { "__shell__('')" } else { "__shell__()" };
        source.push_str(&format!("{indent}{left}{call}\n"));
    };
    if let Some(command) = line.strip_prefix("!!").or_else(|| line.strip_prefix('!')) {
        put_in(command, indent, source);
        shell_command(scanner, place, command, indent, source);
        return keep(source, shell::only_looks(command));
    }
    let magic = line.trim_start_matches('%');
    let (word, rest) = magic.split_once(char::is_whitespace).unwrap_or((magic, ""));
    let rest = rest.trim();
    if !matches!(word, "time" | "timeit" | "prun" | "debug") {
        put_in(rest, indent, source);
    }
    let looks = match word {
        "timeit" => {
            source.push_str(&format!("{indent}{PERHAPS}\n"));
            statement(rest, &format!("{indent}    "), source);
            source.push_str(&format!("{indent}    pass\n"));
            if name.is_some() {
                keep(source, true);
            }
            return;
        }
        "time" | "prun" | "memit" | "mprun" | "lprun" | "debug" => {
            statement(rest, indent, source);
            if name.is_some() {
                keep(source, true);
            }
            return;
        }
        "sx" | "system" | "!" | "sc" => {
            shell::line(scanner, place, rest);
            shell::only_looks(rest)
        }
        // `%alias name command`.
        "alias" => {
            let command = rest.split_once(char::is_whitespace).map_or("", |(_, command)| command);
            shell::line(scanner, place, command);
            false
        }
        "alias_magic" => {
            let message = format!("gives a magic another name, under which it is not known here: {rest:?}");
            scanner.report("code/not-analysed", place.clone(), message);
            false
        }
        // What an option is set to is evaluated.
        "config" => {
            if let Some((_, value)) = rest.split_once('=') {
                put_in(&format!("{{{value}}}"), indent, source);
            }
            true
        }
        "pip" | "conda" | "mamba" | "micromamba" | "uv" => {
            let command = format!("{word} {rest}");
            shell::line(scanner, place, &command);
            shell::only_looks(&command)
        }
        "env" | "set_env" => {
            let (variable, value) = rest.split_once(['=', ' ']).unwrap_or((rest, ""));
            crate::repository::environment(scanner, place, variable.trim(), value.trim());
            if !value.is_empty() && shell::LOADING.contains(&variable.trim()) {
                shell::line(scanner, place, &format!("export {}={value}", variable.trim()));
            }
            true
        }
        "save" | "store" | "logstart" => {
            if later(rest) {
                let message = format!("writes a file that something runs later: {rest:?}");
                scanner.report("code/harmful", place.clone(), message);
            }
            false
        }
        "run" | "load" | "loadpy" if rest.contains("://") => {
            let message =
                format!("takes its code from an address: {:?}", rest.chars().take(80).collect::<String>());
            scanner.report("code/runs-fetched", place.clone(), message);
            false
        }
        "run" => {
            shell::line(scanner, place, &format!("python {rest}"));
            false
        }
        // Loading an extension imports it and calls its function.
        "load_ext" | "reload_ext" if rest.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.') => {
            source.push_str(&format!("{indent}import {rest}; {rest}.load_ipython_extension(__shell__)\n"));
            return;
        }
        // How things are shown, and what there is.
        "matplotlib" | "autoreload" | "pylab" | "tensorboard" | "who" | "whos" | "who_ls" | "pwd" | "ls"
        | "pinfo" | "precision" | "xmode" | "colors" | "history" | "hist" | "reset" | "lsmagic" | "magic"
        | "automagic" | "psearch" | "watermark" => true,
        _ => false,
    };
    keep(source, looks);
}

/// Appends the expressions of Python in a line that IPython evaluates to put their values into it (`var_expand`).
fn put_in(line: &str, indent: &str, source: &mut String) {
    /// Expressions of one line that are looked at.
    const MOST: usize = 16;
    let mut opens = line.match_indices('{');
    let mut overlooked = false;
    for (at, _) in opens.by_ref().take(MOST) {
        let inner = line.get(at + 1..).unwrap_or_default();
        // Up to the brace that closes it, which an expression may have some of its own before.
        let mut ends = inner.match_indices(['}', ':', '!']);
        let mut first = ends.by_ref().take(MOST).filter_map(|(end, _)| inner.get(..end));
        match first.find(|text| crate::python::is_expression(text)) {
            Some(expression) => source.push_str(&format!("{indent}({})\n", expression.trim())),
            None => overlooked |= ends.next().is_some(),
        }
    }
    // What was not looked at is called, as something that nobody knows.
    if overlooked || opens.next().is_some() {
        source.push_str(&format!("{indent}__values_that_were_not_followed__()\n"));
    }
}

/// A command of a shell. IPython puts values of Python into it, so that one that is nothing but such a value is known by
/// following the value.
fn shell_command(scanner: &mut Scanner<'_>, place: &Place, command: &str, indent: &str, source: &mut String) {
    let trimmed = command.trim();
    let computed = trimmed
        .strip_prefix('{')
        .and_then(|inner| inner.split_once('}'))
        .filter(|(value, _)| *value != "sys.executable");
    match computed {
        Some((value, _)) if !value.is_empty() => {
            source.push_str(&format!("{indent}get_ipython().system({value})\n"));
        }
        _ => shell::line(scanner, place, trimmed),
    }
}

/// A statement behind a magic and its options.
fn statement(rest: &str, indent: &str, source: &mut String) {
    let mut words = rest.split_inclusive(char::is_whitespace).peekable();
    let mut skipped = 0;
    while let Some(word) = words.next_if(|w| w.starts_with('-')) {
        skipped += word.len();
        // `-n 10`: an option and its number.
        if let Some(value) = words.next_if(|w| w.trim().bytes().all(|b| b.is_ascii_digit())) {
            skipped += value.len();
        }
    }
    let statement = rest.get(skipped..).unwrap_or_default().trim();
    if !statement.is_empty() {
        source.push_str(&format!("{indent}{statement}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_python() {
        for line in ["!ls", "!!ls", "%time f()", "x = !ls", "x = %sx ls", "a, b = !ls"] {
            assert!(is_command(line), "{line}");
        }
        for line in ["x = 1", "x != 2", "% 2", "y %= 3", "f(a, b='!x')", "print('%d' % 3)"] {
            assert!(!is_command(line), "{line}");
        }
    }

    #[test]
    fn extensions_from_elsewhere_are_told() {
        let found = loaded_from_elsewhere(
            "%pip install git+https://github.com/a/my-ext.git@main\n%load_ext my_ext\n",
        );
        assert_eq!(found, ["my_ext"]);
        assert!(
            loaded_from_elsewhere("%pip install my-ext\n%load_ext my_ext\n%load_ext autoreload").is_empty()
        );
    }

    #[test]
    fn what_is_timed_is_python() {
        for (rest, expected) in
            [("f()", "f()\n"), ("-n 1 -r 3 f()", "f()\n"), ("-o f(1)", "f(1)\n"), ("", ""), ("-n 10", "")]
        {
            let mut source = String::new();
            statement(rest, "", &mut source);
            assert_eq!(source, expected, "{rest}");
        }
    }
}
