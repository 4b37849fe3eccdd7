//! R objects: data, unless a promise waits among them to be looked at.

use std::collections::HashSet;
use std::sync::LazyLock;

use proofhouse_artifact::ArtifactError;
use proofhouse_artifact::rds::{self, Code, NoteKind};

use crate::scanner::{Content, Scanner};

/// Alternative representations of base R that hold their data or compute it.
const REPRESENTATIONS: [&str; 10] = [
    "compact_intseq",
    "compact_realseq",
    "deferred_string",
    "wrap_integer",
    "wrap_logical",
    "wrap_real",
    "wrap_complex",
    "wrap_raw",
    "wrap_string",
    "wrap_list",
];

/// Functions of R that run commands or code, or reach files and the network. Calls of others, as models keep them,
/// are data.
const HARMFUL: [&str; 24] = [
    "system",
    "system2",
    "shell",
    "shell.exec",
    "eval",
    "evalq",
    "parse",
    "source",
    "sys.source",
    "dyn.load",
    "library.dynam",
    "download.file",
    "url",
    "pipe",
    "fifo",
    "socketConnection",
    "unlink",
    "file.remove",
    "file.copy",
    "writeLines",
    "Sys.setenv",
    "install.packages",
    "loadNamespace",
    ".Call",
];

/// Functions that call what they are given, by its value or its name, or give what has a name.
const INDIRECT: [&str; 40] = [
    "::",
    ":::",
    "Filter",
    "Find",
    "Map",
    "Position",
    "Recall",
    "Reduce",
    "Vectorize",
    "apply",
    "as.call",
    "as.function",
    "by",
    "call",
    "do.call",
    "eapply",
    "exists",
    "function",
    "get",
    "get0",
    "getAnywhere",
    "getExportedValue",
    "getFromNamespace",
    "getOption",
    "getfun",
    "integrate",
    "lapply",
    "mapply",
    "match.fun",
    "mget",
    "nlm",
    "optim",
    "optimize",
    "outer",
    "rapply",
    "sapply",
    "str2lang",
    "tapply",
    "uniroot",
    "vapply",
];

/// Functions that give what is then called, and functions that make texts of others.
const RESOLVING: [&str; 11] = [
    "",
    "as.call",
    "as.function",
    "call",
    "do.call",
    "get",
    "get0",
    "getAnywhere",
    "getExportedValue",
    "getFromNamespace",
    "match.fun",
];
const MAKING: [&str; 14] = [
    "chartr",
    "gsub",
    "intToUtf8",
    "mapply",
    "paste",
    "paste0",
    "rawToChar",
    "rev",
    "sprintf",
    "strsplit",
    "strtoi",
    "sub",
    "substr",
    "substring",
];

/// Functions that R's own packages put into what they fit, by the digests of their arguments and bodies. Made by
/// `functions.R` from what those packages write.
static KNOWN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let rows = include_str!("../../data/r_functions.csv").lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|row| row.split(',').next()).collect()
});

/// Functions of R that compute with what they are given, and call nothing that a name or a text decides.
const ARITHMETIC: [&str; 92] = [
    "!",
    "!=",
    "%%",
    "%*%",
    "%/%",
    "&",
    "&&",
    "(",
    "*",
    "+",
    "-",
    "/",
    ":",
    "<",
    "<-",
    "<=",
    "=",
    "==",
    ">",
    ">=",
    "[",
    "[<-",
    "[[",
    "[[<-",
    "^",
    "abs",
    "as.integer",
    "as.matrix",
    "as.numeric",
    "as.vector",
    "c",
    "cbind",
    "ceiling",
    "colMeans",
    "colSums",
    "cor",
    "cos",
    "crossprod",
    "cumsum",
    "dim",
    "dnorm",
    "exp",
    "expm1",
    "floor",
    "if",
    "ifelse",
    "is.na",
    "is.null",
    "length",
    "list",
    "log",
    "log10",
    "log1p",
    "log2",
    "matrix",
    "max",
    "mean",
    "median",
    "min",
    "names",
    "ncol",
    "nrow",
    "numeric",
    "order",
    "plogis",
    "pmax",
    "pmin",
    "pnorm",
    "prod",
    "qlogis",
    "qnorm",
    "quantile",
    "range",
    "rbind",
    "rep",
    "return",
    "rev",
    "round",
    "rowMeans",
    "rowSums",
    "scale",
    "sd",
    "seq_along",
    "seq_len",
    "sign",
    "sin",
    "sqrt",
    "sum",
    "tanh",
    "var",
    "{",
    "|",
];

/// Whether all that code calls computes.
fn computes(code: &Code) -> bool {
    !code.opaque && !code.compiled && code.called.iter().all(|name| ARITHMETIC.contains(&name.as_str()))
}

/// Whether a function is one of R's own packages.
fn is_known(code: &Code) -> bool {
    code.digest.as_ref().is_some_and(|digest| KNOWN.contains(&digest.to_hex()[..DIGITS]))
}

/// Digits of a digest that the table keeps.
const DIGITS: usize = 32;

/// What a call does that no formula of a model does.
fn harm(code: &Code) -> Option<String> {
    let calls = |names: &[&str]| code.called.iter().find(|name| names.contains(&name.as_str()));
    if let Some(name) = calls(&HARMFUL) {
        return Some(format!("a call of {name}"));
    }
    let by = calls(&INDIRECT).or_else(|| calls(&RESOLVING))?;
    if let Some(name) = code.named.iter().find(|name| HARMFUL.contains(&name.as_str())) {
        return Some(format!("{name}, which {by:?} finds or calls"));
    }
    let computed = calls(&RESOLVING).zip(calls(&MAKING));
    computed
        .map(|(by, maker)| format!("a function by a name that {maker} makes, which {by:?} finds or calls"))
}

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let survey = match rds::survey(content.bytes) {
        Ok(survey) => survey,
        Err(error) => {
            let rule = match error {
                ArtifactError::Limit { .. } => "format/unscannable",
                _ => "rds/malformed",
            };
            scanner.report(rule, content.at(error.offset().unwrap_or(0)), error.to_string());
            return 0;
        }
    };
    if survey.truncated {
        let message = "there are more calls and functions than are looked at";
        scanner.report("format/unscannable", content.place.clone(), message);
    }
    for note in &survey.notes {
        let place = content.at(note.offset);
        let (rule, message) = match &note.kind {
            NoteKind::Promise(code) if computes(code) => continue,
            NoteKind::Promise(code) => {
                if let Some(what) = harm(code) {
                    scanner.report("rds/call", place.clone(), what);
                }
                ("rds/promise", "code that runs when the value is looked at".to_owned())
            }
            NoteKind::Call(code) => match harm(code) {
                Some(what) => ("rds/call", what),
                None if code.opaque => {
                    ("format/unscannable", "a call with more in it than is looked at".to_owned())
                }
                None => continue,
            },
            NoteKind::Builtin(name) if ARITHMETIC.contains(&name.as_str()) => continue,
            NoteKind::Builtin(name) => ("rds/call", format!("the function {name} of R itself")),
            NoteKind::Closure(code) if computes(code) || is_known(code) => continue,
            NoteKind::Closure(code) => {
                if let Some(what) = harm(code) {
                    scanner.report("rds/call", place.clone(), what);
                }
                ("rds/function", "a function, which runs when the model is used".to_owned())
            }
            NoteKind::Bytecode => ("rds/function", "compiled code".to_owned()),
            NoteKind::Pointer => ("rds/unknown", "a pointer into the process that wrote it".to_owned()),
            NoteKind::Persistent => ("rds/unknown", "an object that the loader's hook makes".to_owned()),
            NoteKind::Alternative(name) if base(name) => continue,
            NoteKind::Alternative(name) => {
                ("rds/unknown", format!("an object that the class {name} rebuilds"))
            }
            // Loading a namespace runs a package that the host has installed, not one that the file brings.
            NoteKind::Namespace(_) => continue,
        };
        scanner.report(rule, place, message);
    }
    let size = content.bytes.len() as u64;
    if survey.end < size {
        let message = format!("{} bytes follow the object", size - survey.end);
        scanner.report("rds/malformed", content.at(survey.end), message);
    }
    survey.end
}

fn base(name: &str) -> bool {
    name.split(" of ").next().is_some_and(|class| REPRESENTATIONS.contains(&class))
        && name.ends_with(" of base")
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    /// A function of `x` whose body is one call.
    fn function(call: &[u8]) -> Outcome {
        let words = |words: &[u32]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<u8>>();
        let head = [&b"X\n"[..], &words(&[2, 0x0004_0300, 0x0002_0300])].concat();
        // Its environment, its argument without a default, its body.
        let function = [words(&[0x403, 253, 0x402]), symbol("x"), words(&[251, 254])].concat();
        let bytes = [&head[..], &function, call].concat();
        scan_bytes(&"f.rds".parse().unwrap(), &bytes, &Limits::default()).outcome
    }

    fn symbol(name: &str) -> Vec<u8> {
        let numbers = [1, 0x0004_0009, u32::try_from(name.len()).unwrap()];
        [numbers.iter().flat_map(|w: &u32| w.to_be_bytes()).collect(), name.as_bytes().to_vec()].concat()
    }

    /// A call of something with one number.
    fn call(head: &[u8]) -> Vec<u8> {
        let end = [0, 0, 0, 2, 0, 0, 0, 13, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 254];
        [&[0, 0, 0, 6][..], head, &end].concat()
    }

    #[test]
    fn a_function_that_only_computes_is_data() {
        assert_eq!(function(&call(&symbol("sqrt"))), Outcome::Clean);
        for other in ["system", "get", "do.call", "sapply", "Reduce", "<<-", "::", "while"] {
            assert!(function(&call(&symbol(other))) >= Outcome::Suspicious, "{other}");
        }
        // What is called is a function of R itself, an argument, or computed.
        let builtin = [&[0, 0, 0, 8, 0, 0, 0, 6][..], b"system"].concat();
        assert!(function(&call(&builtin)) >= Outcome::Suspicious);
        assert!(function(&call(&call(&symbol("get")))) >= Outcome::Suspicious);
        assert!(function(&call(&symbol("x"))) >= Outcome::Suspicious);
    }

    /// An object that is one item.
    fn object(item: &[u8]) -> Outcome {
        let words = [2u32, 0x0004_0300, 0x0002_0300];
        let head = words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<u8>>();
        let bytes = [&b"X\n"[..], &head, item].concat();
        scan_bytes(&"f.rds".parse().unwrap(), &bytes, &Limits::default()).outcome
    }

    /// A call of a function with arguments.
    fn with(head: &[u8], arguments: &[Vec<u8>]) -> Vec<u8> {
        let cells = arguments.iter().flat_map(|argument| [&[0, 0, 0, 2][..], argument].concat());
        [&[0, 0, 0, 6][..], head, &cells.collect::<Vec<u8>>(), &[0, 0, 0, 254]].concat()
    }

    fn text(text: &str) -> Vec<u8> {
        let numbers = [16, 1, 0x0004_0009, u32::try_from(text.len()).unwrap()];
        [numbers.iter().flat_map(|w: &u32| w.to_be_bytes()).collect(), text.as_bytes().to_vec()].concat()
    }

    #[test]
    fn calls_are_judged_by_all_that_stands_in_them() {
        let plain = [
            with(&symbol("lm"), &[with(&symbol("~"), &[symbol("y"), symbol("source")])]),
            with(&symbol("glm"), &[symbol("formula"), with(&symbol("binomial"), &[text("logit")])]),
            with(&symbol("sapply"), &[symbol("x"), symbol("mean")]),
        ];
        for call in plain {
            assert_eq!(object(&call), Outcome::Clean);
        }
        let named = with(&symbol("::"), &[symbol("base"), symbol("system")]);
        let pasted = with(&symbol("paste0"), &[text("sys"), text("tem")]);
        for call in [
            with(&named, &[text("true")]),
            with(&symbol("do.call"), &[text("system"), symbol("x")]),
            with(&symbol("sapply"), &[text("true"), symbol("system")]),
            with(&with(&symbol("get"), &[text("system")]), &[text("true")]),
            with(&with(&symbol("get"), &[pasted]), &[text("true")]),
            with(
                &symbol("lm"),
                &[with(&symbol("~"), &[symbol("y"), with(&symbol("system"), &[text("true")])])],
            ),
        ] {
            assert!(object(&call) >= Outcome::Suspicious);
        }
        // Calls are many in a model; the last one counts like the first.
        let mut many: Vec<u8> = [19u32, 20_001].iter().flat_map(|w| w.to_be_bytes()).collect();
        for number in 0..20_000 {
            many.extend(with(&symbol("lm"), &[symbol(&format!("x{}", number % 5))]));
        }
        assert_eq!(object(&[&many[..], &with(&symbol("lm"), &[])].concat()), Outcome::Clean);
        assert!(object(&[&many[..], &with(&symbol("system"), &[])].concat()) >= Outcome::Suspicious);
    }

    #[test]
    fn more_calls_than_are_kept_are_not_clean() {
        let mut many: Vec<u8> = [19u32, 10_100].iter().flat_map(|w| w.to_be_bytes()).collect();
        for number in 0..10_100 {
            many.extend(with(&symbol("lm"), &[symbol(&format!("x{number}"))]));
        }
        assert_eq!(object(&many), Outcome::Unscannable);
    }

    #[test]
    fn functions_are_known_by_all_that_runs_of_them() {
        // What R's own `binomial()` brings, as it is compiled, is in the table; with another name in it, it is not.
        let bytes = include_bytes!("../../tests/fixtures/formats/family.rds");
        let file = |bytes: &[u8]| {
            let outcome = scan_bytes(&"family.rds".parse().unwrap(), bytes, &Limits::default());
            (outcome.outcome, outcome.findings)
        };
        assert_eq!(file(bytes).0, Outcome::Clean, "{:?}", file(bytes).1);
        let unpacked = proofhouse_artifact::stream::Codec::Gzip.unpack(bytes, 1 << 20).unwrap().bytes;
        let at = |name: &[u8]| memchr::memmem::find(&unpacked, name).unwrap();
        for (name, other) in [(&b"C_logit_linkinv"[..], &b"C_logit_linkfun"[..]), (b".Call", b"eval_")] {
            let mut bent = unpacked.clone();
            bent[at(name)..][..name.len()].copy_from_slice(other);
            assert!(file(&bent).0 >= Outcome::Suspicious, "{other:?}");
        }
    }
}
