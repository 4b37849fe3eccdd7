//! R's serialization: what `saveRDS` and `save` write.
//!
//! A stream of items, each with its type in a word of flags. Most are data. A promise is not: it holds code that
//! runs as soon as the value is looked at (CVE-2024-27322). The items are walked with a stack of what is still due,
//! in the order in which R reads them. Source: R 4, `src/main/serialize.c` (`ReadItem`, `ReadBC`).

use crate::ArtifactError;
use crate::cursor::Cursor;

/// Items of one file. The largest models have tens of millions of numbers and far fewer items.
const MAX_ITEMS: u64 = 50_000_000;

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
    /// An unevaluated call, by the name of what it calls.
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

/// Whether the bytes begin as R's binary serialization does.
#[must_use]
pub fn is_rds(bytes: &[u8]) -> bool {
    let body = bytes.strip_prefix(b"RDX2\n").or_else(|| bytes.strip_prefix(b"RDX3\n")).unwrap_or(bytes);
    matches!(body, [b'X', b'\n', 0, 0, 0, 2 | 3, ..])
}

/// Walks a file.
///
/// # Errors
/// It is cut short, or has an item that R does not write.
pub fn survey(bytes: &[u8]) -> Result<Survey, ArtifactError> {
    let named = bytes.starts_with(b"RDX");
    let mut walk = Walk {
        cursor: Cursor::new("R data", bytes, 0),
        out: Survey { named, ..Survey::default() },
        due: vec![Due::Item],
        items: 0,
        texts: Vec::new(),
        references: Vec::new(),
    };
    walk.cursor.take(if named { 5 } else { 0 } + 2)?;
    walk.out.version = walk.cursor.u32_be()?;
    walk.cursor.take(8)?;
    if walk.out.version == 3 {
        let length = u64::from(walk.cursor.u32_be()?);
        walk.cursor.take(length)?;
    }
    while let Some(due) = walk.due.pop() {
        walk.step(due)?;
    }
    walk.out.end = walk.cursor.offset();
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
    cursor: Cursor<'a>,
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
        if self.out.notes.len() < 10_000 {
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
                let flags = self.cursor.clone().u32_be()?;
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
                    _ => self.item(),
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
                let count = u64::from(self.cursor.u32_be()?);
                self.due.push(Due::Constants(count));
                Ok(())
            }
            Due::Constants(0) => Ok(()),
            Due::Constants(left) => {
                self.due.push(Due::Constants(left - 1));
                let kind = self.cursor.u32_be()?;
                match kind {
                    21 => self.compiled(),
                    2 | 6 | 239 | 240 | 243 | 244 => self.code_cell(kind),
                    _ => self.item(),
                }
            }
            Due::CodeItem => {
                let kind = self.cursor.u32_be()?;
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
            244 => drop(self.cursor.u32_be()?),
            243 => {
                self.cursor.u32_be()?;
                let kind = self.cursor.u32_be()?;
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
        let short = self.cursor.u32_be()?;
        if short != u32::MAX {
            return Ok(u64::from(short));
        }
        let (high, low) = (u64::from(self.cursor.u32_be()?), u64::from(self.cursor.u32_be()?));
        Ok(high << 32 | low)
    }

    fn item(&mut self) -> Result<(), ArtifactError> {
        let offset = self.cursor.offset();
        let flags = self.cursor.u32_be()?;
        let kind = flags & 0xff;
        let (attributes, tagged) = (flags & 0x200 != 0, flags & 0x400 != 0);
        match kind {
            // Nil, environments that every process has, missing and unbound values.
            241 | 242 | 250..=254 => {}
            255 => {
                if flags >> 8 == 0 {
                    self.cursor.u32_be()?;
                }
            }
            1 => {
                self.due.push(Due::Symbol);
                self.due.push(Due::Item);
            }
            247..=249 => {
                self.cursor.u32_be()?;
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
                self.cursor.u32_be()?;
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
                self.cursor.take(length)?;
            }
            9 => {
                let short = self.cursor.u32_be()?;
                let text = if short == u32::MAX { &b""[..] } else { self.cursor.take(u64::from(short))? };
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
                let width = match kind {
                    10 | 13 => 4,
                    14 => 8,
                    15 => 16,
                    _ => 1,
                };
                let length = self.length()?.checked_mul(width);
                let length = length.ok_or_else(|| self.cursor.error("a vector is longer than any file"))?;
                self.cursor.take(length)?;
                if attributes {
                    self.due.push(Due::Item);
                }
            }
            16 | 19 | 20 => {
                let count = self.length()?;
                // Each item takes four bytes at least.
                if count > self.cursor.left() / 4 {
                    return Err(self.cursor.error(format!("a list claims {count} items")));
                }
                if attributes {
                    self.due.push(Due::Item);
                }
                self.due.push(Due::Items(count));
            }
            21 => {
                self.note(offset, NoteKind::Bytecode);
                self.cursor.u32_be()?;
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
            other => return Err(self.cursor.error(format!("an item of the type {other} is not known"))),
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
    }
}
