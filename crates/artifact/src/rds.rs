//! R's serialization: what `saveRDS` and `save` write.
//!
//! A stream of items, each with its type in a word of flags. Most are data. A promise is not: it holds code that
//! runs as soon as the value is looked at (CVE-2024-27322). The items are walked with a stack of what is still due,
//! in the order in which R reads them, however they are coded. Source: R 4, `src/main/serialize.c` (`ReadItem`, `ReadBC`).

use std::borrow::Cow;

use crate::ArtifactError;

mod input;

use input::Input;

/// Items of one file. The largest models have tens of millions of numbers and far fewer items.
const MAX_ITEMS: u64 = 50_000_000;

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
    /// A promise: runs when it is looked at. With the number of symbols read before its code.
    Promise,
    /// An unevaluated call, by the name of what it calls, or a function of R itself; without a name where that is computed.
    Call(String),
    /// A function.
    Closure,
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

/// Whether the bytes begin as R's serialization does, binary or as text.
#[must_use]
pub fn is_rds(bytes: &[u8]) -> bool {
    input::begins(bytes)
}

/// Walks a file.
///
/// # Errors
/// It is cut short, or has an item that R does not write.
pub fn survey(bytes: &[u8]) -> Result<Survey, ArtifactError> {
    let Some((input, named)) = Input::open(bytes) else {
        return Err(ArtifactError::malformed("R data", 0, "it does not begin as R's serialization does"));
    };
    let mut walk = Walk {
        input,
        out: Survey { named, ..Survey::default() },
        due: vec![Due::Item],
        items: 0,
        texts: Vec::new(),
        references: Vec::new(),
    };
    walk.out.version = walk.input.int()?;
    walk.input.int()?;
    walk.input.int()?;
    if walk.out.version == 3 {
        let length = u64::from(walk.input.int()?);
        walk.input.text(length)?;
    }
    while let Some(due) = walk.due.pop() {
        walk.step(due)?;
    }
    walk.input.finish();
    walk.out.end = walk.input.offset();
    Ok(walk.out)
}

/// What is to be read next.
enum Due {
    Item,
    /// So many items.
    Items(u64),
    /// A pairlist's next cell is an item of its own; the rest of compiled code follows.
    Code,
    /// The constants of compiled code.
    Constants(u64),
    /// An item inside compiled code, led by its type.
    CodeItem,
    /// The same with the type read.
    CodeCell(u32),
    /// What the items before were for.
    Alternative(u64),
    /// The symbol just read.
    Symbol,
    /// The head of a call, which begins at that place.
    Called(u64),
    /// The name of the call whose head was just read.
    CalledBy(u64),
    Namespace(u64),
}

struct Walk<'a> {
    input: Input<'a>,
    out: Survey,
    due: Vec<Due>,
    items: u64,
    /// Character strings of the last few items, for names.
    texts: Vec<String>,
    /// What later items may refer to by number: symbols by name, environments and the like without one.
    references: Vec<String>,
}

impl Walk<'_> {
    fn note(&mut self, offset: u64, kind: NoteKind) {
        if self.out.notes.len() < MOST_NOTES {
            self.out.notes.push(Note { offset, kind });
        }
    }

    fn step(&mut self, due: Due) -> Result<(), ArtifactError> {
        self.items += 1;
        if self.items > MAX_ITEMS || self.due.len() > 8_000_000 {
            return Err(ArtifactError::Limit { format: "R data", what: "items", limit: MAX_ITEMS });
        }
        match due {
            Due::Item => self.item(),
            Due::Items(0) => Ok(()),
            Due::Items(left) => {
                self.due.push(Due::Items(left - 1));
                self.item()
            }
            Due::Called(offset) => {
                let flags = self.input.peek()?;
                match flags & 0xff {
                    1 => {
                        self.due.push(Due::CalledBy(offset));
                        self.item()
                    }
                    255 => {
                        self.item()?;
                        let index = usize::try_from(flags >> 8).unwrap_or(0).checked_sub(1);
                        let name = index.and_then(|i| self.references.get(i)).cloned().unwrap_or_default();
                        self.note(offset, NoteKind::Call(name));
                        Ok(())
                    }
                    // What is called is not a name: an object, or the result of another call.
                    _ => {
                        self.note(offset, NoteKind::Call(String::new()));
                        self.item()
                    }
                }
            }
            Due::CalledBy(offset) => {
                let name = self.references.last().cloned().unwrap_or_default();
                self.note(offset, NoteKind::Call(name));
                Ok(())
            }
            Due::Symbol => {
                let name = self.texts.last().cloned().unwrap_or_default();
                self.references.push(name);
                if let Some(text) = self.texts.last().filter(|_| self.out.symbols.len() < 100_000) {
                    self.out.symbols.push(text.clone());
                }
                Ok(())
            }
            Due::Namespace(offset) => {
                let name = self.texts.first().cloned().unwrap_or_default();
                self.note(offset, NoteKind::Namespace(name));
                Ok(())
            }
            Due::Alternative(offset) => {
                let from = self.out.symbols.len().saturating_sub(2);
                let names = self.out.symbols.get(from..).unwrap_or_default();
                self.note(offset, NoteKind::Alternative(names.join(" of ")));
                Ok(())
            }
            Due::Code => {
                // The code as an integer vector, then the constants.
                let count = u64::from(self.input.int()?);
                self.due.push(Due::Constants(count));
                Ok(())
            }
            Due::Constants(0) => Ok(()),
            Due::Constants(left) => {
                self.due.push(Due::Constants(left - 1));
                let kind = self.input.int()?;
                match kind {
                    21 => self.compiled(),
                    2 | 6 | 239 | 240 | 243 | 244 => self.code_cell(kind),
                    _ => self.item(),
                }
            }
            Due::CodeItem => {
                let kind = self.input.int()?;
                self.code_cell(kind)
            }
            Due::CodeCell(kind) => self.code_cell(kind),
        }
    }

    /// Compiled code: its instructions are an item, its constants follow.
    fn compiled(&mut self) -> Result<(), ArtifactError> {
        self.due.push(Due::Code);
        self.due.push(Due::Item);
        Ok(())
    }

    /// A cell of a call or a list in compiled code (`ReadBCLang`).
    fn code_cell(&mut self, kind: u32) -> Result<(), ArtifactError> {
        match kind {
            244 => drop(self.input.int()?),
            243 => {
                self.input.int()?;
                let kind = self.input.int()?;
                self.due.push(Due::CodeCell(kind));
            }
            2 | 6 | 239 | 240 => {
                // Attributes, tag, head, tail: last in, first out.
                self.due.push(Due::CodeItem);
                self.due.push(Due::CodeItem);
                self.due.push(Due::Item);
                if matches!(kind, 239 | 240) {
                    self.due.push(Due::Item);
                }
            }
            _ => self.due.push(Due::Item),
        }
        Ok(())
    }

    fn length(&mut self) -> Result<u64, ArtifactError> {
        let short = self.input.int()?;
        if short != u32::MAX {
            return Ok(u64::from(short));
        }
        let (high, low) = (u64::from(self.input.int()?), u64::from(self.input.int()?));
        Ok(high << 32 | low)
    }

    fn item(&mut self) -> Result<(), ArtifactError> {
        let offset = self.input.offset();
        let flags = self.input.int()?;
        let kind = flags & 0xff;
        let (attributes, tagged) = (flags & 0x200 != 0, flags & 0x400 != 0);
        match kind {
            // Nil, environments that every process has, missing and unbound values.
            241 | 242 | 250..=254 => {}
            255 => {
                if flags >> 8 == 0 {
                    self.input.int()?;
                }
            }
            1 => {
                self.due.push(Due::Symbol);
                self.due.push(Due::Item);
            }
            247..=249 => {
                self.input.int()?;
                let count = self.length()?;
                self.texts.clear();
                self.references.push(String::new());
                if kind == 247 {
                    self.note(offset, NoteKind::Persistent);
                } else {
                    self.due.push(Due::Namespace(offset));
                }
                self.due.push(Due::Items(count));
            }
            4 => {
                self.references.push(String::new());
                self.input.int()?;
                self.due.push(Due::Items(4));
            }
            6 => {
                self.due.push(Due::Item);
                self.due.push(Due::Called(offset));
                self.due.push(Due::Items(u64::from(tagged) + u64::from(attributes)));
            }
            2 | 3 | 5 | 17 => {
                match kind {
                    3 => self.note(offset, NoteKind::Closure),
                    5 => self.note(offset, NoteKind::Promise),
                    _ => {}
                }
                self.due.push(Due::Items(2 + u64::from(tagged) + u64::from(attributes)));
            }
            7 | 8 => {
                let length = self.length()?;
                let name = self.input.text(length)?;
                let name = String::from_utf8_lossy(name.get(..name.len().min(200)).unwrap_or_default());
                self.note(offset, NoteKind::Call(name.into_owned()));
            }
            9 => {
                let short = self.input.int()?;
                let text =
                    if short == u32::MAX { Cow::default() } else { self.input.text(u64::from(short))? };
                if self.texts.len() >= 8 {
                    self.texts.clear();
                }
                let shown = text.get(..text.len().min(200)).unwrap_or_default();
                self.texts.push(String::from_utf8_lossy(shown).into_owned());
                if attributes {
                    self.due.push(Due::Item);
                }
            }
            10 | 13 | 14 | 15 | 24 => {
                let (parts, width) = match kind {
                    10 | 13 => (1, 4),
                    14 => (1, 8),
                    15 => (2, 8),
                    _ => (1, 1),
                };
                let count = self.length()?;
                self.input.skip(count, parts, width)?;
                if attributes {
                    self.due.push(Due::Item);
                }
            }
            16 | 19 | 20 => {
                let count = self.length()?;
                if count > self.input.room() {
                    return Err(self.input.error(format!("a list claims {count} items")));
                }
                if attributes {
                    self.due.push(Due::Item);
                }
                self.due.push(Due::Items(count));
            }
            21 => {
                self.note(offset, NoteKind::Bytecode);
                self.input.int()?;
                if attributes {
                    self.due.push(Due::Item);
                }
                self.compiled()?;
            }
            22 => {
                self.references.push(String::new());
                self.note(offset, NoteKind::Pointer);
                self.due.push(Due::Items(2 + u64::from(attributes)));
            }
            23 | 25 => {
                if kind == 23 {
                    self.references.push(String::new());
                }
                if attributes {
                    self.due.push(Due::Item);
                }
            }
            238 => {
                // What it is, its state, its attributes.
                self.due.push(Due::Items(2));
                self.due.push(Due::Alternative(offset));
                self.due.push(Due::Item);
            }
            239 | 240 => self.due.push(Due::Items(3 + u64::from(tagged))),
            other => return Err(self.input.error(format!("an item of the type {other} is not known"))),
        }
        Ok(())
    }
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
        let bytes = file(&[words(&[0x405, 253, 252]), call].concat());
        let survey = survey(&bytes).unwrap();
        assert_eq!(survey.notes[0].kind, NoteKind::Promise);
        assert_eq!(survey.notes[1].kind, NoteKind::Call("system".to_owned()));
        assert_eq!((survey.symbols, survey.end), (vec!["system".to_owned()], bytes.len() as u64));
    }

    #[test]
    fn text_and_native_order_say_the_same() {
        // The promise above, a vector of numbers some of which are missing, and a string with what text escapes.
        let text = "A\n2\n262912\n131840\n531\n2\n13\n2\n-1\nNA\n14\n3\n1.5e-300\nNA\n-Inf\n1026\n1\n262153\n4\n\
                    a\\040\\n\\\\\n24\n2\n0f\nff\n254\n";
        let read = survey(text.as_bytes()).unwrap();
        assert_eq!((read.symbols, read.end), (vec!["a \n\\".to_owned()], text.len() as u64));
        let promise = "A\n3\n262912\n197888\n5\nUTF-8\n1029\n253\n252\n6\n1\n262153\n6\nsystem\n2\n16\n1\n262153\n2\nid\n254\n";
        for text in [promise.to_owned(), format!("\n{promise}"), format!("RDA3\n{promise}")] {
            assert!(is_rds(text.as_bytes()));
            let kinds: Vec<NoteKind> =
                survey(text.as_bytes()).unwrap().notes.into_iter().map(|n| n.kind).collect();
            assert_eq!(kinds, [NoteKind::Promise, NoteKind::Call("system".to_owned())]);
        }
        let native = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
        let call =
            [&b"B\n"[..], &native(&[2, 0x4_0300, 0x2_0300, 6, 1, 0x4_0009, 4]), b"eval", &native(&[254])]
                .concat();
        assert!(is_rds(&call));
        assert_eq!(survey(&call).unwrap().notes[0].kind, NoteKind::Call("eval".to_owned()));
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
