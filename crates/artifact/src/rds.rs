//! R's serialization: what `saveRDS` and `save` write.
//!
//! A stream of items, each with its type in a word of flags. Most are data. A promise is not: it holds code that
//! runs as soon as the value is looked at (CVE-2024-27322). The items are walked with a stack of what is still due,
//! in the order in which R reads them, however they are coded. Source: R 4, `src/main/serialize.c` (`ReadItem`, `ReadBC`).

use std::collections::BTreeSet;

use proofhouse_core::Digest;

use crate::ArtifactError;

mod capture;
mod input;
mod walk;

use input::{Begins, Input};
use walk::Walk;

/// Most notes that are kept.
pub const MOST_NOTES: usize = 10_000;

/// What a file holds beyond data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Version of the serialization, 2 or 3.
    pub version: u32,
    /// Whether it is a set of named objects (`save`) rather than one (`saveRDS`).
    pub named: bool,
    /// What was found, with its place in the unpacked stream.
    pub notes: Vec<Note>,
    /// There was more than is kept.
    pub truncated: bool,
    /// Symbols in the order in which they appear first.
    pub symbols: Vec<String>,
    /// Where the object ends.
    pub end: u64,
}

/// An item that is more than data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where it begins.
    pub offset: u64,
    /// What it is.
    pub kind: NoteKind,
}

/// Kinds of such items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteKind {
    /// A promise without its value: runs when it is looked at. With what stands in its code.
    Promise(Code),
    /// An unevaluated call that stands in no other, nor in a function. With what stands in it.
    Call(Code),
    /// A function of R itself.
    Builtin(String),
    /// A function. With what stands in its arguments and its body.
    Closure(Code),
    /// Compiled code.
    Bytecode,
    /// A pointer into the process, which is null after loading.
    Pointer,
    /// An object that a hook of the loader makes.
    Persistent,
    /// An alternative representation, by its class and package: R calls the class to rebuild it.
    Alternative(String),
    /// A reference to a package's namespace, which R loads.
    Namespace(String),
}

/// Code of R: a call, or a function.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code {
    /// Names of what is called in it; none where that is computed.
    pub called: BTreeSet<String>,
    /// Its other symbols and texts.
    pub named: BTreeSet<String>,
    /// Whether some of it is compiled: what runs is not what can be read.
    pub compiled: bool,
    /// More stands in it than is kept, or something that is neither code nor a value.
    pub opaque: bool,
    /// Digest of all that runs of a function, over arguments and body, compiled or not, whatever the file around it. Places
    /// in sources are no part of it, nor is where the function finds the values of its names.
    pub digest: Option<Digest>,
}

/// Whether the bytes begin as R's serialization does, binary or as text. R does not ask which of its releases wrote a file:
/// where that is none, the whole has to be items of R's, as a list of numbers is not.
#[must_use]
pub fn is_rds(bytes: &[u8]) -> bool {
    match input::begins(bytes) {
        Begins::Yes => true,
        Begins::Perhaps => survey(bytes).is_ok(),
        Begins::No => false,
    }
}

/// Walks a file.
///
/// # Errors
/// It is cut short, or has an item that R does not write.
pub fn survey(bytes: &[u8]) -> Result<Survey, ArtifactError> {
    let Some((input, named)) = Input::open(bytes) else {
        return Err(ArtifactError::malformed("R data", 0, "it does not begin as R's serialization does"));
    };
    let mut walk = Walk::new(input, named);
    walk.out.version = walk.input.int()?;
    walk.input.int()?;
    walk.input.int()?;
    if walk.out.version == 3 {
        let length = u64::from(walk.input.int()?);
        walk.input.text(length)?;
    }
    walk.all()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|w| w.to_be_bytes()).collect()
    }

    fn file(body: &[u8]) -> Vec<u8> {
        [&b"X\n"[..], &words(&[2, 0x0004_0300, 0x0002_0300]), body].concat()
    }

    /// Whether code is that of a promise, and what it calls.
    fn called(survey: &Survey) -> Vec<(bool, String)> {
        let of = |code: &Code| code.called.iter().cloned().collect::<Vec<_>>().join(",");
        let notes = survey.notes.iter().filter_map(|note| match &note.kind {
            NoteKind::Promise(code) => Some((true, of(code))),
            NoteKind::Call(code) => Some((false, of(code))),
            _ => None,
        });
        notes.collect()
    }

    fn symbol(name: &str) -> Vec<u8> {
        [words(&[1, 0x0004_0009, name.len() as u32]), name.as_bytes().to_vec()].concat()
    }

    #[test]
    fn data_are_walked_to_the_end() {
        // list(1.5, "ab") with names.
        let names =
            [words(&[0x402]), symbol("names"), words(&[16, 1, 9, 1]), b"x".to_vec(), words(&[254])].concat();
        let body = [
            words(&[0x213, 2, 14, 1]),
            1.5f64.to_be_bytes().to_vec(),
            words(&[16, 1, 9, 2]),
            b"ab".to_vec(),
            names,
        ]
        .concat();
        let bytes = file(&body);
        let survey = survey(&bytes).unwrap();
        assert_eq!((survey.notes.len(), survey.end, survey.version), (0, bytes.len() as u64, 2));
        assert_eq!(survey.symbols, ["names"]);
        assert!(is_rds(&bytes));
    }

    #[test]
    fn a_promise_is_seen_with_its_code() {
        let call = [words(&[6]), symbol("system"), words(&[2, 16, 1, 9, 4]), b"true".to_vec(), words(&[254])]
            .concat();
        // Environment tag, value unbound, then the call.
        let bytes = file(&[words(&[0x405, 253, 252]), call.clone()].concat());
        let read = survey(&bytes).unwrap();
        assert_eq!(called(&read), [(true, "system".to_owned())]);
        assert_eq!((read.symbols, read.end), (vec!["system".to_owned()], bytes.len() as u64));
        // With its value before the code, it is that value: a number.
        let valued = [words(&[14, 1]), 1.5f64.to_be_bytes().to_vec()].concat();
        let bytes = file(&[words(&[0x405, 253]), valued, call].concat());
        assert_eq!(called(&survey(&bytes).unwrap()), [(false, "system".to_owned())]);
    }

    #[test]
    fn text_and_native_order_say_the_same() {
        // The promise above, a vector of numbers some of which are missing, and a string with what text escapes.
        let text = "A\n2\n262912\n131840\n531\n2\n13\n2\n-1\nNA\n14\n3\n1.5e-300\nNA\n-Inf\n1026\n1\n262153\n4\n\
                    a\\040\\n\\\\\n24\n2\n0f\nff\n254\n";
        let read = survey(text.as_bytes()).unwrap();
        assert_eq!((read.symbols, read.end), (vec!["a \n\\".to_owned()], text.len() as u64));
        let promise = "A\n3\n262912\n197888\n5\nUTF-8\n1029\n253\n252\n6\n1\n262153\n6\nsystem\n2\n16\n1\n262153\n2\nid\n254\n";
        for text in [
            promise.to_owned(),
            format!("\n{promise}"),
            format!("RDA3\n{promise}"),
            promise.replace("262912\n197888", "1\n-7"),
            promise.replace("\n3\n", "\n03x\n"),
            promise.replace("\n3\n", "\n4294967299\n"),
        ] {
            assert!(is_rds(text.as_bytes()));
            assert_eq!(called(&survey(text.as_bytes()).unwrap()), [(true, "system".to_owned())]);
        }
        let native = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
        let call =
            [&b"B\n"[..], &native(&[2, 0x4_0300, 0x2_0300, 6, 1, 0x4_0009, 4]), b"eval", &native(&[254])]
                .concat();
        assert!(is_rds(&call));
        assert_eq!(called(&survey(&call).unwrap()), [(false, "eval".to_owned())]);
        // Lists of letters and numbers are no objects, and lengths that no file has are refused.
        assert!(!is_rds(b"A\n2\n17\n18\n") && !is_rds(b"B\nabc"));
        assert!(survey(b"A\n2\n262912\n131840\n13\n2000000000\n1\n").is_err());
    }

    #[test]
    fn deep_lists_need_no_stack() {
        let deep = words(&[19, 1]).repeat(200_000);
        assert!(survey(&file(&deep)).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_items_end(body in proptest::collection::vec(prop_oneof![0u32..30, 236u32..260, any::<u32>()], 0..60)) {
            if let Ok(survey) = survey(&file(&words(&body))) {
                prop_assert!(survey.end <= 14 + 4 * body.len() as u64);
            }
        }

        #[test]
        fn arbitrary_words_end(body in proptest::collection::vec(prop_oneof!["[0-9]{1,3}", "25[0-5]", "\\PC{0,6}"], 0..60)) {
            let text = format!("A\n2\n262912\n131840\n{}\n", body.join("\n"));
            if let Ok(survey) = survey(text.as_bytes()) {
                prop_assert!(survey.end <= text.len() as u64);
            }
        }
    }
}
