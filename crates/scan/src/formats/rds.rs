//! R objects: data, unless a promise waits among them to be looked at.

use proofhouse_artifact::ArtifactError;
use proofhouse_artifact::rds::{self, MOST_NOTES, Note, NoteKind};

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

/// Whether all that is called anywhere computes, so that functions do no more than that.
fn computes(notes: &[Note]) -> bool {
    notes.len() < MOST_NOTES
        && notes.iter().all(|note| match &note.kind {
            NoteKind::Call(name) => ARITHMETIC.contains(&name.as_str()),
            NoteKind::Closure => true,
            NoteKind::Alternative(name) => base(name),
            _ => false,
        })
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
    let computes = computes(&survey.notes);
    for note in &survey.notes {
        let (rule, message) = match &note.kind {
            NoteKind::Promise => ("rds/promise", "code that runs when the value is looked at".to_owned()),
            NoteKind::Call(name) if HARMFUL.contains(&name.as_str()) => {
                ("rds/call", format!("a call of {name}"))
            }
            NoteKind::Call(_) => continue,
            NoteKind::Closure if computes => continue,
            NoteKind::Closure => ("rds/function", "a function, which runs when the model is used".to_owned()),
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
        scanner.report(rule, content.at(note.offset), message);
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
}
