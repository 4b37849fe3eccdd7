//! Pickles: what would be imported, called and set if the stream were loaded.
//!
//! [`machine`] plays the stream through, [`judge`] weighs each event against the tables, this module knows
//! how streams follow each other: `torch.save`'s old format is five pickles and then raw storages, joblib
//! puts arrays between opcodes, and anybody can append a second pickle.

use std::borrow::Cow;

use memchr::memmem;
use proofhouse_artifact::Format;
use proofhouse_artifact::pickle::looks_headless;
use proofhouse_core::Place;

use crate::scanner::{Content, Scanner};
use crate::tables::Tables;
use crate::tensor::{self, Numbers, Tensor};

mod attributes;
mod collisions;
mod fold;
mod joblib;
mod judge;
mod machine;
mod names;
mod value;

use judge::Check;
use judge::{Judge, Loader, Nested, Opener};
pub(crate) use judge::{Storage, Storages};
use machine::{Budget, End, Grammar, Machine};

/// Scans a bare pickle file; returns how many bytes are accounted for.
pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    scan_behind(scanner, content, 0)
}

/// Scans the pickles that begin at `base` of the content.
pub(crate) fn scan_behind(scanner: &mut Scanner<'_>, content: &Content<'_>, base: usize) -> u64 {
    let bytes = content.bytes.get(base..).unwrap_or_default();
    let mut stream =
        Stream { scanner, bytes, place: &content.place, base: base as u64, depth: content.depth };
    stream.consecutive() as u64
}

/// Scans a pickle of a torch archive, of a script if `script`; returns the storages it names.
pub(crate) fn scan_torch(scanner: &mut Scanner<'_>, content: &Content<'_>, script: bool) -> Storages {
    let mut stream =
        Stream { scanner, bytes: content.bytes, place: &content.place, base: 0, depth: content.depth };
    let loader = if script { Loader::Script } else { Loader::Torch };
    let run = stream.run(0, Grammar::Plain, loader);
    stream.finish(&run.end);
    if let End::Stop(end, _) = run.end
        && end < content.bytes.len()
    {
        stream.trailing(end);
    }
    run.storages
}

/// What a text would import when read as a pickle, if it fails before calling anything and the tables know
/// the module. A list of words may start like an import; a known module name under it is no accident.
pub(crate) fn import_only(tables: &Tables, text: &[u8]) -> Option<String> {
    use proofhouse_artifact::pickle::{Arg, op};
    let first = op(text, 0).ok()?;
    let Arg::Lines(module, name) = first.arg else { return None };
    let (module, name) = (std::str::from_utf8(module).ok()?, std::str::from_utf8(name).ok()?);
    let (module, name) = names::from_python_2(module, name);
    tables.knows_module(&module).then(|| format!("{module}.{name}"))
}

/// The number with which `torch.save`'s old format begins, as `LONG1` writes it.
const TORCH_MAGIC: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

struct Stream<'s, 'l, 'a> {
    scanner: &'s mut Scanner<'l>,
    bytes: &'a [u8],
    place: &'a Place,
    base: u64,
    depth: u32,
}

struct Run {
    end: End,
    storages: Storages,
    /// Texts of the list that the stream left on the stack, if it left one.
    keys: Option<Vec<String>>,
    wrapper_seen: bool,
    /// Raw arrays that joblib reads between opcodes.
    arrays: Vec<joblib::Raw>,
}

impl Stream<'_, '_, '_> {
    fn at(&self, offset: usize) -> Place {
        self.place.clone().at(self.base + offset as u64)
    }

    fn run(&mut self, at: usize, grammar: Grammar, loader: Loader) -> Run {
        let limits = self.scanner.limits;
        let budget = Budget { ops: limits.pickle_ops, values: limits.pickle_values };
        let mut machine = Machine::new(self.bytes, grammar, budget);
        let mut judge = Judge::new(self.scanner.tables, loader);
        let mut end = machine.run(at, &mut judge);
        judge.held(&machine, at);
        let to = if let End::Stop(to, _) = end { to } else { self.bytes.len() };
        if collisions::has_many(self.bytes.get(at..to).unwrap_or_default()) {
            let message =
                "more than a thousand numbers have one hash: a dictionary or a set of them is never filled";
            self.scanner.report("pickle/resources", self.at(at), message);
        }
        if let End::Fault(_, what) = &mut end
            && machine.wrapper_seen
            && grammar == Grammar::Joblib
        {
            what.push_str(" (read as joblib does)");
        }
        let keys = match end {
            End::Stop(_, value) => machine.texts(value),
            _ => None,
        };
        let wrapper_seen = machine.wrapper_seen;
        let arrays = std::mem::take(&mut machine.arrays);
        let folding_spent = machine.folding_spent;
        self.evaluated(at, &end);
        let judged = judge.report(self.scanner, |offset| self.place.clone().at(self.base + offset as u64));
        for nested in &judged.nested {
            self.open(nested);
        }
        self.keeps(at, &end, &judged.nested);
        for (offset, source) in &judged.sources {
            let name = format!("source run at {}", self.base + *offset as u64);
            let name = self.place.member.as_ref().map_or(name.clone(), |outer| format!("{outer}!{name}"));
            let mut place = self.place.clone().within(name);
            place.offset = None;
            crate::python::scan_text(self.scanner, &place, source, 1);
        }
        if judged.nested_left_out || folding_spent {
            let message = "the pickle computes or nests more than is followed";
            self.scanner.report("pickle/budget", self.at(at), message);
        }
        Run { end, storages: judged.storages, keys, wrapper_seen, arrays }
    }

    /// Texts of the stream that harm whoever evaluates them, as OpenMMLab does with the configuration in a checkpoint.
    fn evaluated(&mut self, at: usize, end: &End) {
        use proofhouse_artifact::pickle::{Arg, op};
        const MOST: usize = 1 << 16;
        let stop = match end {
            End::Stop(end, _) => *end,
            End::Fault(end, _) => *end,
            _ => self.bytes.len(),
        };
        let stream = self.bytes.get(at..stop).unwrap_or_default();
        if !["__import__", "import os", "import sub", "import sys", "from os"]
            .iter()
            .any(|mark| memmem::find(stream, mark.as_bytes()).is_some())
        {
            return;
        }
        let (mut at, mut ops) = (at, 0);
        while at < stop && ops < MOST {
            let Ok(op) = op(self.bytes, at) else { return };
            if let Arg::Bytes(text) | Arg::Line(text) = op.arg
                && text.len() >= 16
                && let Ok(text) = std::str::from_utf8(text)
            {
                let place = self.at(op.offset);
                crate::formats::evaluated(self.scanner, &place, "of the pickle", text, true);
            }
            at = op.end;
            ops += 1;
        }
    }

    /// Looks into pickles that the stream keeps as values, for somebody else to load; `opened` are looked into already.
    fn keeps(&mut self, at: usize, end: &End, opened: &[Nested]) {
        use proofhouse_artifact::pickle::{Arg, op};
        const OPS: usize = 1 << 16;
        const MOST: usize = 64;
        let stop = match end {
            End::Stop(end, _) | End::Fault(end, _) | End::Budget(end, _) => *end,
        };
        let (mut at, mut found) = (at, 0);
        for _ in 0..OPS {
            let Ok(op) = op(self.bytes, at) else { return };
            at = op.end;
            if let Arg::Bytes(bytes) = op.arg
                && let Some(kept) = crate::formats::kept_pickle(bytes)
                && !opened.iter().any(|nested| nested.bytes == *kept)
            {
                self.open(&Nested { offset: op.offset, bytes: kept.into_owned(), by: Opener::Pickles });
                found += 1;
            }
            if at >= stop || found >= MOST {
                return;
            }
        }
    }

    /// Looks into bytes that something called by the stream would load.
    fn open(&mut self, nested: &Nested) {
        let at = self.base + nested.offset as u64;
        if self.depth >= self.scanner.limits.depth {
            let message = "pickles are nested deeper than is followed";
            return self.scanner.report("pickle/budget", self.at(nested.offset), message);
        }
        let name = match &self.place.member {
            Some(outer) => format!("{outer}!bytes loaded at {at}"),
            None => format!("bytes loaded at {at}"),
        };
        let mut place = self.place.clone().within(name);
        place.offset = None;
        let format = Format::detect(&nested.bytes);
        let content = Content { bytes: &nested.bytes, format, place, depth: self.depth + 1 };
        match (nested.by, format) {
            (Opener::Pickles, Format::TorchZip | Format::Zip | Format::Compressed(_))
            | (Opener::Files, _) => {
                crate::formats::scan(self.scanner, &content);
            }
            (Opener::Pickles, _) => {
                scan(self.scanner, &content);
            }
            (Opener::Unknown, Format::Unknown | Format::Text | Format::Json) => {}
            (Opener::Unknown, _) => {
                crate::formats::scan(self.scanner, &content);
            }
        }
    }

    /// Reports how a run ended, if it did not end at `STOP`.
    fn finish(&mut self, end: &End) {
        match end {
            End::Stop(..) => {}
            End::Fault(offset, what) => {
                let message = format!("the unpickler stops here: {what}");
                self.scanner.report("pickle/malformed", self.at(*offset), message);
            }
            End::Budget(offset, what) => {
                let message = format!("the pickle holds more {what} than are followed");
                self.scanner.report("pickle/budget", self.at(*offset), message);
            }
        }
    }

    fn trailing(&mut self, at: usize) {
        let message = format!("{} bytes follow the pickle", self.bytes.len() - at);
        self.scanner.report("pickle/trailing-data", self.at(at), message);
    }

    /// Pickles one after the other, up to the end or to bytes that are none.
    fn consecutive(&mut self) -> usize {
        if self.is_torch_legacy() {
            return self.torch_legacy();
        }
        let mut at = 0;
        loop {
            match self.one(at) {
                Some(end) => at = end,
                None => return at,
            }
            let rest = self.bytes.get(at..).unwrap_or_default();
            if rest.is_empty() {
                return at;
            }
            if !matches!(rest, [0x80, 0..=5, ..]) && !looks_headless(rest) {
                self.trailing(at);
                return at;
            }
        }
    }

    /// One pickle of a file whose loader is not known; where it ends.
    fn one(&mut self, at: usize) -> Option<usize> {
        let plain = self.run(at, Grammar::Plain, Loader::Any);
        if plain.wrapper_seen {
            // `pickle.load` would take the array bytes for opcodes, `joblib.load` skips them. Both readings
            // were judged; that the first one fails on real arrays is how such files are.
            let skipping = self.run(at, Grammar::Joblib, Loader::Any);
            self.finish(&skipping.end);
            self.arrays(&skipping.arrays);
            return stopped(&skipping.end);
        }
        self.finish(&plain.end);
        stopped(&plain.end)
    }

    /// Looks at the arrays that lie between opcodes.
    fn arrays(&mut self, arrays: &[joblib::Raw]) {
        let tensors: Vec<Tensor<'_>> = arrays
            .iter()
            .map(|raw| Tensor {
                name: "",
                at: self.base + raw.range.start as u64,
                bytes: self.bytes.get(raw.range.clone()).unwrap_or_default(),
                float: raw.float,
            })
            .collect();
        let place = self.place.clone();
        let content = Content { bytes: self.bytes, format: Format::Pickle(2), place, depth: self.depth };
        tensor::look(self.scanner, &content, "tensor/payload", Numbers::Data, &tensors);
    }

    fn is_torch_legacy(&self) -> bool {
        let body = match self.bytes {
            [0x80, 0..=5, body @ ..] => body,
            body => body,
        };
        body.starts_with(TORCH_MAGIC)
    }

    /// Magic number, protocol version, system information, the object, the storage keys; then for each key a
    /// 64-bit element count and the elements (`torch/serialization.py`, `_legacy_save`).
    fn torch_legacy(&mut self) -> usize {
        let mut at = 0;
        let mut storages = Storages::default();
        let mut keys = None;
        for part in 0..5 {
            let run = self.run(at, Grammar::Plain, Loader::Torch);
            self.finish(&run.end);
            let Some(end) = stopped(&run.end) else { return at };
            at = end;
            storages.named.extend(run.storages.named);
            storages.indices.extend(run.storages.indices);
            storages.overlooked |= run.storages.overlooked;
            keys = if part == 4 { run.keys } else { None };
        }
        let Some(keys) = keys else {
            self.scanner.report("torch/storage", self.at(at), "the list of storages is no list of names");
            return at;
        };
        let mut tensors = Vec::new();
        for key in &keys {
            let found = storages.named.get(key);
            let Some(end) = found.and_then(|s| self.raw_storage(at, s)) else {
                let message = format!("the storage {key:?} does not follow as the pickle describes it");
                self.scanner.report("torch/storage", self.at(at), message);
                return at;
            };
            tensors.push(Tensor {
                name: key,
                at: self.base + at as u64 + 8,
                bytes: self.bytes.get(at + 8..end).unwrap_or_default(),
                float: found.and_then(|s| s.float),
            });
            at = end;
        }
        let of = |_: &mut Scanner<'_>, key: &str| {
            tensors.iter().find(|tensor| tensor.name == key).map(|tensor| Cow::Borrowed(tensor.bytes))
        };
        check_indices(self.scanner, self.place, &storages, of);
        let place = self.place.clone();
        let content = Content { bytes: self.bytes, format: Format::Pickle(2), place, depth: self.depth };
        tensor::look(self.scanner, &content, "tensor/payload", Numbers::Weights, &tensors);
        if at < self.bytes.len() {
            self.trailing(at);
        }
        at
    }

    fn raw_storage(&self, at: usize, storage: &Storage) -> Option<usize> {
        let elements = u64::from_le_bytes(*self.bytes.get(at..)?.first_chunk()?);
        (Some(elements) == storage.elements).then_some(())?;
        let end = at.checked_add(8)?.checked_add(usize::try_from(storage.bytes?).ok()?)?;
        (end <= self.bytes.len()).then_some(end)
    }
}

/// Holds the indices of sparse tensors against the storages that they lie in; `of` gives the bytes of a storage.
pub(crate) fn check_indices<'b>(
    scanner: &mut Scanner<'_>,
    place: &Place,
    storages: &Storages,
    mut of: impl FnMut(&mut Scanner<'_>, &str) -> Option<Cow<'b, [u8]>>,
) {
    let mut unread =
        storages.overlooked.then_some("a sparse tensor is put together in a way that is not followed");
    let mut check = Check::default();
    let mut open: Option<(&str, Cow<'b, [u8]>)> = None;
    let mut sorted: Vec<_> = storages.indices.iter().collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    for indices in sorted {
        if open.as_ref().is_none_or(|(key, _)| *key != indices.key) {
            // What is missing is told with the storages.
            open = of(scanner, &indices.key).map(|bytes| (indices.key.as_str(), bytes));
        }
        let Some((_, bytes)) = open.as_ref().filter(|(key, _)| *key == indices.key) else { continue };
        match check.fault(indices, bytes) {
            Ok(None) => {}
            Ok(Some(message)) => return scanner.report("pickle/structure", place.clone(), message),
            Err(what) => unread = Some(what),
        }
    }
    if let Some(what) = unread {
        scanner.report("pickle/budget", place.clone(), what);
    }
}

fn stopped(end: &End) -> Option<usize> {
    match end {
        End::Stop(end, _) => Some(*end),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
