//! The walk over items, in the order in which R reads them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use proofhouse_core::Digest;

use super::capture::{Capture, Kind};
use super::input::Input;
use super::{Code, MOST_NOTES, Note, NoteKind, Survey};
use crate::ArtifactError;

/// Items of one file. The largest models have tens of millions of numbers and far fewer items.
const MAX_ITEMS: u64 = 50_000_000;

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
    /// The head of a call inside compiled code.
    CodeHead,
    /// An item inside compiled code with its type read.
    CodeCell(u32),
    /// What the items before were for.
    Alternative(u64),
    /// The symbol just read.
    Symbol,
    /// The head of a call.
    Called,
    /// The head of a call that was just read.
    CalledBy,
    Namespace(u64),
    /// Code begins.
    Begin(Kind, u64),
    /// Code begins, unless its value stands before it.
    Awaited(u64),
    /// The code that began last has ended.
    End,
    /// What follows is no part of the code.
    Mute,
    Unmute,
}

pub(super) struct Walk<'a> {
    pub(super) input: Input<'a>,
    pub(super) out: Survey,
    due: Vec<Due>,
    items: u64,
    /// Character strings of the last few items, for names.
    texts: Vec<String>,
    /// The last two symbols.
    symbols: [String; 2],
    /// The symbol that was read last, where the head of a call is one.
    head: Option<String>,
    /// Calls that were noted.
    noted: BTreeSet<Code>,
    /// Code under way, the innermost last.
    code: Vec<Capture>,
    /// The next integers are instructions, the first of which is the version of all.
    instructions: bool,
    /// What later items may refer to by number: symbols by name, environments and the like without one.
    references: Vec<Option<String>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(input: Input<'a>, named: bool) -> Self {
        Self {
            input,
            out: Survey { named, ..Survey::default() },
            due: vec![Due::Item],
            items: 0,
            texts: Vec::new(),
            symbols: Default::default(),
            head: None,
            noted: BTreeSet::new(),
            code: Vec::new(),
            instructions: false,
            references: Vec::new(),
        }
    }

    /// Walks to the end.
    pub(super) fn all(mut self) -> Result<Survey, ArtifactError> {
        while let Some(due) = self.due.pop() {
            self.step(due)?;
        }
        self.input.finish();
        self.out.end = self.input.offset();
        Ok(self.out)
    }

    fn note(&mut self, offset: u64, kind: NoteKind) {
        // Calls are told of once each, however often they stand in a model.
        if let NoteKind::Call(code) = &kind
            && (self.noted.contains(code)
                || self.noted.len() < MOST_NOTES && !self.noted.insert(code.clone()))
        {
            return;
        }
        if self.out.notes.len() < MOST_NOTES {
            self.out.notes.push(Note { offset, kind });
        } else {
            self.out.truncated = true;
        }
    }

    /// The code that what is read is part of.
    fn code(&mut self) -> Option<&mut Capture> {
        self.code.last_mut().filter(|code| code.muted == 0)
    }

    fn mark(&mut self, tag: u8, bytes: &[u8]) {
        if let Some(code) = self.code() {
            code.mark(tag, bytes);
        }
    }

    /// A symbol was read, new or known.
    fn symbol(&mut self, name: String) {
        self.mark(1, name.as_bytes());
        if let Some(code) = self.code() {
            code.names(&name);
        }
        self.head = Some(name.clone());
        let [_, last] = std::mem::take(&mut self.symbols);
        self.symbols = [last, name];
    }

    fn calls(&mut self, name: &str) {
        if let Some(code) = self.code() {
            code.calls(name);
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
            Due::Called => {
                self.head = None;
                match self.input.peek()? & 0xff {
                    1 => {
                        self.due.push(Due::CalledBy);
                        self.item()
                    }
                    255 => {
                        self.item()?;
                        self.step(Due::CalledBy)
                    }
                    // What is called is not a name: an object, or the result of another call.
                    _ => {
                        self.calls("");
                        self.item()
                    }
                }
            }
            Due::CalledBy => {
                let name = self.head.take().unwrap_or_default();
                self.calls(&name);
                Ok(())
            }
            Due::Begin(kind, offset) => {
                self.code.push(Capture::new(kind, offset));
                Ok(())
            }
            Due::Awaited(offset) => {
                if self.input.peek()? & 0xff == 252 {
                    self.due.push(Due::End);
                    self.due.push(Due::Items(2));
                    return self.step(Due::Begin(Kind::Promise, offset));
                }
                // A promise that has its value is one; its code is kept, as a call is, and does not run.
                self.due.push(Due::End);
                self.due.push(Due::Item);
                self.due.push(Due::Begin(Kind::Call, offset));
                self.due.push(Due::Item);
                Ok(())
            }
            Due::End => {
                let Some(code) = self.code.pop() else { return Ok(()) };
                let offset = code.offset;
                let kind = code.finish();
                if let NoteKind::Closure(inner) = &kind {
                    // A function in a function is part of it.
                    let digest = inner.digest.as_ref().map(Digest::to_hex);
                    if let Some(outer) = self.code() {
                        match digest {
                            Some(digest) => outer.mark(3, digest.as_bytes()),
                            None => outer.opaque(),
                        }
                    }
                }
                self.note(offset, kind);
                Ok(())
            }
            Due::Mute => {
                if let Some(code) = self.code.last_mut() {
                    code.muted += 1;
                }
                Ok(())
            }
            Due::Unmute => {
                if let Some(code) = self.code.last_mut() {
                    code.muted = code.muted.saturating_sub(1);
                }
                Ok(())
            }
            Due::Symbol => {
                let name = self.texts.last().cloned().unwrap_or_default();
                self.references.push(Some(name.clone()));
                if self.out.symbols.len() < 100_000 {
                    self.out.symbols.push(name.clone());
                }
                self.symbol(name);
                Ok(())
            }
            Due::Namespace(offset) => {
                let name = self.texts.first().cloned().unwrap_or_default();
                self.note(offset, NoteKind::Namespace(name));
                Ok(())
            }
            Due::Alternative(offset) => {
                let name = self.symbols.join(" of ");
                self.note(offset, NoteKind::Alternative(name));
                Ok(())
            }
            Due::Code => {
                // The code as an integer vector, then the constants.
                let count = u64::from(self.input.int()?);
                self.mark(21, &count.to_be_bytes());
                self.due.push(Due::Constants(count));
                Ok(())
            }
            Due::Constants(0) => Ok(()),
            Due::Constants(left) => {
                self.due.push(Due::Constants(left - 1));
                let kind = self.input.int()?;
                self.mark(20, &kind.to_be_bytes());
                match kind {
                    21 => self.compiled(),
                    2 | 6 | 239 | 240 | 243 | 244 => self.code_cell(kind),
                    _ => self.item(),
                }
            }
            Due::CodeItem => {
                let kind = self.input.int()?;
                self.mark(20, &kind.to_be_bytes());
                self.code_cell(kind)
            }
            Due::CodeHead => {
                let kind = self.input.int()?;
                self.mark(20, &kind.to_be_bytes());
                if matches!(kind, 2 | 6 | 239 | 240 | 243 | 244) {
                    self.calls("");
                    return self.code_cell(kind);
                }
                self.step(Due::Called)
            }
            Due::CodeCell(kind) => self.code_cell(kind),
        }
    }

    /// Compiled code: its instructions are an item, its constants follow.
    fn compiled(&mut self) -> Result<(), ArtifactError> {
        if let Some(code) = self.code() {
            code.code.compiled = true;
        }
        self.instructions = true;
        self.due.push(Due::Code);
        self.due.push(Due::Item);
        Ok(())
    }

    /// A cell of a call or a list in compiled code (`ReadBCLang`).
    fn code_cell(&mut self, kind: u32) -> Result<(), ArtifactError> {
        match kind {
            // A cell that stood before.
            243 => {
                let number = self.input.int()?;
                self.mark(22, &number.to_be_bytes());
            }
            // A cell that is numbered, to stand again.
            244 => {
                let number = self.input.int()?;
                let kind = self.input.int()?;
                self.mark(23, &[number.to_be_bytes(), kind.to_be_bytes()].concat());
                self.due.push(Due::CodeCell(kind));
            }
            2 | 6 | 239 | 240 => {
                // Attributes, tag, head, tail: last in, first out.
                self.due.push(Due::CodeItem);
                self.due.push(if matches!(kind, 6 | 240) { Due::CodeHead } else { Due::CodeItem });
                self.due.push(Due::Item);
                if matches!(kind, 239 | 240) {
                    self.due.push(Due::Unmute);
                    self.due.push(Due::Item);
                    self.due.push(Due::Mute);
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
        // What is a reference in one file is written out in another.
        if !matches!(kind, 1 | 255) {
            let code = matches!(kind, 2 | 3 | 5 | 6 | 17 | 21 | 239 | 240);
            self.mark(2, &(if code { flags & 0x4ff } else { flags & 0x7ff }).to_be_bytes());
        }
        match kind {
            // Nil, environments that every process has, missing and unbound values.
            241 | 242 | 250..=254 => {}
            255 => {
                let number = if flags >> 8 == 0 { self.input.int()? } else { flags >> 8 };
                let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
                let name = index.and_then(|index| self.references.get(index)).cloned();
                match name {
                    Some(Some(name)) => self.symbol(name),
                    _ => self.mark(4, b""),
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
                self.references.push(None);
                if kind == 247 {
                    self.note(offset, NoteKind::Persistent);
                } else {
                    self.due.push(Due::Namespace(offset));
                }
                self.due.push(Due::Items(count));
            }
            4 => {
                // Whatever is found in an environment is no part of the code that it is found through.
                self.references.push(None);
                self.input.int()?;
                self.due.push(Due::Unmute);
                self.due.push(Due::Items(4));
                self.due.push(Due::Mute);
            }
            6 => {
                // A call in a call, or in a function, is part of that.
                if self.code().is_none() {
                    self.due.push(Due::End);
                    self.due.push(Due::Item);
                    self.due.push(Due::Called);
                    self.due.push(Due::Items(u64::from(tagged)));
                    self.due.push(Due::Begin(Kind::Call, offset));
                } else {
                    self.due.push(Due::Item);
                    self.due.push(Due::Called);
                    self.due.push(Due::Items(u64::from(tagged)));
                }
                self.attributes(attributes);
            }
            3 => {
                self.due.push(Due::End);
                self.due.push(Due::Items(2));
                self.due.push(Due::Begin(Kind::Function, offset));
                self.due.push(Due::Unmute);
                self.due.push(Due::Items(u64::from(tagged) + u64::from(attributes)));
                self.due.push(Due::Mute);
            }
            5 => {
                self.due.push(Due::Awaited(offset));
                self.due.push(Due::Items(u64::from(tagged) + u64::from(attributes)));
            }
            2 | 17 => self.due.push(Due::Items(2 + u64::from(tagged) + u64::from(attributes))),
            7 | 8 => {
                let length = self.length()?;
                let name = self.input.text(length)?;
                let name = String::from_utf8_lossy(name.get(..name.len().min(200)).unwrap_or_default());
                let name = name.into_owned();
                self.mark(5, name.as_bytes());
                self.calls(&name);
                self.note(offset, NoteKind::Builtin(name));
            }
            9 => {
                let short = self.input.int()?;
                let text =
                    if short == u32::MAX { Cow::default() } else { self.input.text(u64::from(short))? };
                self.mark(9, &text);
                if self.code().is_some() {
                    let name = String::from_utf8_lossy(text.get(..text.len().min(1000)).unwrap_or_default());
                    let long = text.len() > 1000;
                    if let Some(code) = self.code() {
                        code.names(&name);
                        code.code.opaque |= long;
                    }
                }
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
                let instructions = std::mem::take(&mut self.instructions);
                let bytes = self.input.skip(count, parts, width)?;
                if let Some(code) = self.code() {
                    match bytes {
                        // The version is that of all instructions; R reads none that it does not know.
                        Some(bytes) if instructions => code.mark(8, bytes.get(4..).unwrap_or_default()),
                        Some(bytes) => code.mark(7, bytes),
                        None => code.opaque(),
                    }
                }
                if attributes {
                    self.due.push(Due::Item);
                }
            }
            16 | 19 | 20 => {
                let count = self.length()?;
                if count > self.input.room() {
                    return Err(self.input.error(format!("a list claims {count} items")));
                }
                self.mark(6, &count.to_be_bytes());
                if attributes {
                    self.due.push(Due::Item);
                }
                self.due.push(Due::Items(count));
            }
            21 => {
                // Alone, nothing calls it; in a function or a promise it is what runs.
                if self.code().is_none() {
                    self.note(offset, NoteKind::Bytecode);
                }
                self.input.int()?;
                // Attributes come last.
                self.attributes(attributes);
                self.compiled()?;
            }
            22 => {
                self.references.push(None);
                if let Some(code) = self.code() {
                    code.opaque();
                }
                self.note(offset, NoteKind::Pointer);
                self.due.push(Due::Items(2 + u64::from(attributes)));
            }
            23 | 25 => {
                if kind == 23 {
                    self.references.push(None);
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

    /// Attributes of code say where it stood in its source.
    fn attributes(&mut self, there: bool) {
        if there {
            self.due.push(Due::Unmute);
            self.due.push(Due::Item);
            self.due.push(Due::Mute);
        }
    }
}
