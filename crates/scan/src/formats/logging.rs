//! Configurations of Python's logging in the format of `configparser` (`logging.config`, "Configuration file format"):
//! `fileConfig` evaluates `args`, `kwargs` and `class` of each handler as Python, and imports the classes that are named.
//! Servers read such a file by an option (`uvicorn --log-config`, `gunicorn --log-config`, Alembic's `alembic.ini`).

use proofhouse_core::Place;

use crate::scanner::{Content, Scanner};

/// What handlers are made with, apart from constants: streams, the environment, paths and the module's own names.
const CALLED: [&str; 14] = [
    "os.getenv",
    "os.environ.get",
    "os.path.join",
    "os.path.expanduser",
    "os.path.dirname",
    "os.path.abspath",
    "str",
    "int",
    "float",
    "bool",
    "dict",
    "list",
    "tuple",
    "datetime.time",
];

/// Judges the values that are evaluated, if the text is such a configuration.
pub(super) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    let name = content.name().to_ascii_lowercase();
    if ![".ini", ".conf", ".cfg", ".config"].iter().any(|ending| name.ends_with(ending)) {
        return;
    }
    let mut section = "";
    let mut values: Vec<(u64, &str, String)> = Vec::new();
    for (line, number) in text.lines().zip(1u64..) {
        let bare = line.trim();
        if bare.starts_with(['#', ';']) {
            continue;
        }
        if let Some(inner) = line.strip_prefix('[') {
            section = inner.split(']').next().unwrap_or_default();
        } else if !(section.starts_with("handler_") || section.starts_with("formatter_")) {
        } else if line.starts_with([' ', '\t'])
            && let Some((_, _, value)) = values.last_mut()
        {
            // What is indented goes on.
            value.push('\n');
            value.push_str(bare);
        } else if let Some((key, value)) = line.split_once(['=', ':'])
            && let key @ ("args" | "kwargs" | "class") = key.trim()
        {
            values.push((number, key, value.trim().to_owned()));
        } else {
            values.push((number, "", String::new()));
        }
    }
    for (line, key, value) in values {
        let mut place = content.place.clone();
        place.line = Some(line);
        judge(scanner, place, key, &value);
    }
}

fn judge(scanner: &mut Scanner<'_>, place: Place, key: &str, value: &str) {
    let shown: String = value.chars().take(80).collect();
    if key == "class"
        && let Some(what) = super::yaml::sink(scanner, value)
    {
        let message = format!("logging makes a handler of {shown:?}, which {what}");
        return scanner.report("config/unsafe-target", place, message);
    }
    if let Some(called) = calls(value) {
        let message = format!("logging evaluates {key} as Python, and {shown:?} calls {called:?}");
        scanner.report("config/unsafe-target", place, message);
    }
}

/// The first thing that an expression calls and that no handler is made with; what stands in quotes is a constant.
fn calls(value: &str) -> Option<String> {
    let mut bare = String::new();
    let mut quote = None;
    let mut escaped = false;
    for c in value.chars() {
        match quote {
            Some(open) if c == open && !escaped => {
                quote = None;
                bare.push('\'');
            }
            Some(_) => escaped = c == '\\' && !escaped,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None => bare.push(c),
        }
    }
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    bare.match_indices('(').find_map(|(at, _)| {
        let before = bare.get(..at).unwrap_or_default().trim_end();
        let start = before.char_indices().rev().take_while(|(_, c)| word(*c)).last().map(|(at, _)| at);
        let name = start.and_then(|start| before.get(start..)).unwrap_or_default();
        let computed = before.ends_with([')', ']', '\'']);
        let keyword = matches!(name, "" | "if" | "else" | "in" | "not" | "and" | "or");
        // A method of a text or of a path, such as `.format`.
        let of_logging = name.starts_with("logging.") || name.starts_with("handlers.");
        let fine = keyword && !computed || CALLED.contains(&name) || of_logging;
        (!fine).then(|| if name.is_empty() { "what it computes".to_owned() } else { name.to_owned() })
    })
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    #[test]
    fn what_logging_evaluates_is_told() {
        let outcome = |name: &str, class: &str, args: &str| {
            let text = format!(
                "[loggers]\nkeys=root\n\n[handlers]\nkeys=h\n\n[handler_h]\nclass={class}\nlevel=INFO\nargs={args}\n"
            );
            scan_bytes(&name.parse().unwrap(), text.as_bytes(), &Limits::default()).outcome
        };
        for args in [
            "(__import__('os').system('id'),)",
            "(sys.modules['os'].system('id'),)",
            "(open('/tmp/x', 'w'),)",
            "(\n  'a',\n  eval('1'),)",
            "((lambda: 1)(),)",
            "(().__class__.__base__.__subclasses__(),)",
        ] {
            assert!(outcome("logging.ini", "StreamHandler", args) >= Outcome::Suspicious, "{args}");
        }
        assert!(outcome("log.conf", "os.system", "('id',)") >= Outcome::Suspicious);
        assert!(outcome("log.conf", "__import__('os').system('id')", "()") >= Outcome::Suspicious);
        for (class, args) in [
            ("StreamHandler", "(sys.stdout,)"),
            ("StreamHandler", "(sys.stderr,)  # eval()"),
            ("FileHandler", "('a(b).log', 'w')"),
            (
                "handlers.SysLogHandler",
                "(('localhost', handlers.SYSLOG_UDP_PORT), handlers.SysLogHandler.LOG_USER)",
            ),
            (
                "logging.handlers.RotatingFileHandler",
                "(os.path.join(os.getenv('LOGS', '.'), 'a.log'), 'a', 10*(1024*1024), 5)",
            ),
            ("FileHandler", "(\n  'a.log',\n  'w')"),
        ] {
            let args = args.split("  #").next().unwrap();
            assert_eq!(outcome("logging.ini", class, args), Outcome::Clean, "{class} {args}");
        }
    }
}
