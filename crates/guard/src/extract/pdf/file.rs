//! A PDF file as its objects (ISO 32000-2, 7.5): tables and streams of places, what later versions of the
//! file replaced, objects packed in streams; and, where the tables are wrong, whatever looks like an object,
//! which is what readers do then.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::filter::{self, Parameters};
use super::object::{Dict, Item, Lexer, Object, Stream, is_space};

/// Most bytes that come out of all streams.
const MOST_OPENED: usize = 64 << 20;
/// Most bytes that are looked through for the ends of streams.
const MOST_SEARCHED: usize = 64 << 20;
/// Most places of objects.
const MOST_OBJECTS: usize = 1 << 20;
/// Most versions of a file.
const MOST_VERSIONS: usize = 512;
/// Most steps of work of all kinds.
const MOST_STEPS: usize = 3_000_000;
/// How deep one object may need another to be read.
const MOST_LOADING: usize = 8;
/// Most filters of a stream.
const MOST_FILTERS: usize = 8;

/// Where an object stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    At(usize),
    /// In a stream of objects, and the how-manieth there.
    In(u32, usize),
    Free,
}

/// A stream of objects.
struct Pack {
    bytes: Rc<[u8]>,
    first: usize,
    numbers: Vec<(u32, usize)>,
}

/// A file.
pub(super) struct File<'a> {
    data: &'a [u8],
    places: BTreeMap<u32, Place>,
    cache: BTreeMap<u32, Object>,
    opened: BTreeMap<usize, Rc<[u8]>>,
    packs: BTreeMap<u32, Option<Rc<Pack>>>,
    loading: Vec<u32>,
    scanned: bool,
    trailer: BTreeMap<Rc<str>, Object>,
    left_to_open: usize,
    left_to_search: usize,
    left_to_do: usize,
    /// Whether something may be missing.
    pub truncated: bool,
}

impl<'a> File<'a> {
    pub(super) fn open(data: &'a [u8]) -> Self {
        let start = find(data.get(..data.len().min(1024)).unwrap_or_default(), b"%PDF-").unwrap_or(0);
        let mut file = Self {
            data: data.get(start..).unwrap_or_default(),
            places: BTreeMap::new(),
            cache: BTreeMap::new(),
            opened: BTreeMap::new(),
            packs: BTreeMap::new(),
            loading: Vec::new(),
            scanned: false,
            trailer: BTreeMap::new(),
            left_to_open: MOST_OPENED,
            left_to_search: MOST_SEARCHED,
            left_to_do: MOST_STEPS,
            truncated: false,
        };
        if !(file.by_tables() && file.has_pages()) {
            file.scan();
        }
        file
    }

    fn has_pages(&mut self) -> bool {
        let catalogue = self.catalogue();
        self.get(&catalogue, "Pages").dict().get("Kids").is_some()
    }

    pub(super) fn catalogue(&mut self) -> Dict {
        self.of_trailer("Root").dict()
    }

    pub(super) fn of_trailer(&mut self, key: &str) -> Object {
        let object = self.trailer.get(key).cloned().unwrap_or_default();
        self.resolve(&object)
    }

    /// Counts work; false when there was too much.
    pub(super) fn step(&mut self, steps: usize) -> bool {
        match self.left_to_do.checked_sub(steps) {
            Some(left) => {
                self.left_to_do = left;
                true
            }
            None => {
                self.truncated = true;
                false
            }
        }
    }

    /// What a key stands for.
    pub(super) fn get(&mut self, dict: &Dict, key: &str) -> Object {
        dict.get(key).cloned().map(|object| self.resolve(&object)).unwrap_or_default()
    }

    /// What a reference leads to; anything else is itself.
    pub(super) fn resolve(&mut self, object: &Object) -> Object {
        let mut object = object.clone();
        for _ in 0..MOST_LOADING {
            let Object::Ref(number) = object else {
                return object;
            };
            object = self.load(number);
        }
        Object::Null
    }

    fn load(&mut self, number: u32) -> Object {
        if let Some(object) = self.cache.get(&number) {
            return object.clone();
        }
        if self.loading.contains(&number) || self.loading.len() >= MOST_LOADING || !self.step(1) {
            return Object::Null;
        }
        self.loading.push(number);
        let mut object = self.at_its_place(number);
        if object.is_none() && !self.scanned && self.places.contains_key(&number) {
            self.scan();
            object = self.at_its_place(number);
        }
        self.loading.pop();
        let object = object.unwrap_or_default();
        self.cache.insert(number, object.clone());
        object
    }

    /// The object at its place; nothing where it does not stand there.
    fn at_its_place(&mut self, number: u32) -> Option<Object> {
        match *self.places.get(&number)? {
            Place::At(at) => {
                let (found, object, _) = self.object_at(at)?;
                (found == number).then_some(object)
            }
            Place::In(pack, index) => self.packed(pack, index, number),
            Place::Free => Some(Object::Null),
        }
    }

    /// The object that begins here, its number, and where it ends.
    fn object_at(&mut self, at: usize) -> Option<(u32, Object, usize)> {
        let data = self.data;
        let mut lexer = Lexer::of_file(data, at);
        let Item::Object(Object::Int(number)) = lexer.item() else {
            return None;
        };
        let number = u32::try_from(number).ok()?;
        let Item::Object(Object::Int(_)) = lexer.item() else {
            return None;
        };
        let Item::Word(b"obj") = lexer.item() else {
            return None;
        };
        let before = lexer.at;
        let Item::Object(object) = lexer.item() else {
            // An object may be empty.
            return Some((number, Object::Null, before));
        };
        self.step(1 + (lexer.at - before) / 64).then_some(())?;
        let mut after = lexer.clone();
        if let Object::Dict(dict) = &object
            && let Item::Word(b"stream") = after.item()
        {
            let stream = self.stream(dict, after.at);
            let end = stream.at + stream.length;
            return Some((number, Object::Stream(stream), end));
        }
        Some((number, object, lexer.at))
    }

    fn stream(&mut self, dict: &Dict, after_word: usize) -> Stream {
        let data = self.data;
        let rest = data.get(after_word..).unwrap_or_default();
        let at = after_word
            + match rest {
                [b'\r', b'\n', ..] => 2,
                [b'\n' | b'\r', ..] => 1,
                _ => 0,
            };
        let stated = self.get(dict, "Length").size();
        if let Some(length) = stated
            && let Some(end) = at.checked_add(length)
            && let Some(rest) = data.get(end..)
            && rest
                .get(rest.iter().take(8).take_while(|b| is_space(**b)).count()..)
                .is_some_and(|rest| rest.starts_with(b"endstream"))
        {
            return Stream { dict: dict.clone(), at, length };
        }
        let rest = data.get(at..).unwrap_or_default();
        let rest = rest.get(..rest.len().min(self.left_to_search)).unwrap_or_default();
        let found = find(rest, b"endstream");
        self.left_to_search -= found.unwrap_or(rest.len()).min(self.left_to_search);
        self.truncated |= self.left_to_search == 0;
        Stream { dict: dict.clone(), at, length: found.unwrap_or(rest.len()) }
    }

    /// The bytes of a stream, opened. Where a filter is of pictures, nothing.
    pub(super) fn bytes(&mut self, stream: &Stream) -> Rc<[u8]> {
        if let Some(bytes) = self.opened.get(&stream.at) {
            return bytes.clone();
        }
        let filters = self.get(&stream.dict, "Filter");
        let parameters = self.get(&stream.dict, "DecodeParms");
        let raw = self.data.get(stream.at..stream.at.saturating_add(stream.length)).unwrap_or_default();
        let bytes: Rc<[u8]> = self.unpacked(raw, &filters, &parameters).into();
        self.left_to_open = self.left_to_open.saturating_sub(bytes.len());
        self.opened.insert(stream.at, bytes.clone());
        bytes
    }

    fn unpacked(&mut self, raw: &[u8], filters: &Object, parameters: &Object) -> Vec<u8> {
        let names: Vec<Object> = match filters {
            Object::Array(filters) => filters.to_vec(),
            Object::Name(_) => vec![filters.clone()],
            _ => Vec::new(),
        };
        if names.len() > MOST_FILTERS {
            self.truncated = true;
            return Vec::new();
        }
        let mut bytes = raw.to_vec();
        for (i, name) in names.iter().enumerate() {
            let dict = match parameters {
                Object::Array(all) => {
                    let one = all.get(i).cloned().unwrap_or_default();
                    self.resolve(&one).dict()
                }
                one => one.dict(),
            };
            let mut size = |key: &str, default: usize| self.get(&dict, key).size().unwrap_or(default);
            let parameters = Parameters {
                colours: size("Colors", 1),
                bits: size("BitsPerComponent", 8),
                columns: size("Columns", 1),
                late_change: size("EarlyChange", 1) == 0,
                predictor: self.get(&dict, "Predictor").integer().unwrap_or(1),
            };
            let name = self.resolve(name);
            match filter::open(name.name().unwrap_or_default(), &bytes, parameters, self.left_to_open) {
                Some(opened) => {
                    self.truncated |= !opened.whole;
                    self.left_to_open = self.left_to_open.saturating_sub(opened.bytes.len() / 8);
                    bytes = opened.bytes;
                }
                None => return Vec::new(),
            }
        }
        if bytes.len() > self.left_to_open {
            bytes.truncate(self.left_to_open);
            self.truncated = true;
        }
        bytes
    }

    fn pack(&mut self, number: u32) -> Option<Rc<Pack>> {
        if let Some(pack) = self.packs.get(&number) {
            return pack.clone();
        }
        let pack = match self.load(number) {
            Object::Stream(stream) => {
                let first = self.get(&stream.dict, "First").size().unwrap_or(0);
                let bytes = self.bytes(&stream);
                let mut numbers = Vec::new();
                let mut head = Lexer::of_contents(bytes.get(..first).unwrap_or_default(), 0);
                while let (Item::Object(number), Item::Object(at)) = (head.item(), head.item()) {
                    if let (Some(number), Some(at)) =
                        (number.size().and_then(|n| u32::try_from(n).ok()), at.size())
                    {
                        numbers.push((number, at));
                    }
                }
                self.step(numbers.len()).then(|| Rc::new(Pack { bytes: bytes.clone(), first, numbers }))
            }
            _ => None,
        };
        self.packs.insert(number, pack.clone());
        pack
    }

    fn packed(&mut self, pack: u32, index: usize, number: u32) -> Option<Object> {
        let pack = self.pack(pack)?;
        let (_, at) = pack
            .numbers
            .get(index)
            .filter(|(found, _)| *found == number)
            .or_else(|| pack.numbers.iter().find(|(found, _)| *found == number))?;
        match Lexer::of_file(&pack.bytes, pack.first.checked_add(*at)?).item() {
            Item::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Reads the tables, newest version first; false where one of them is none.
    fn by_tables(&mut self) -> bool {
        let data = self.data;
        let Some(word) = data.windows(9).rposition(|w| w == b"startxref") else {
            return false;
        };
        let Item::Object(start) = Lexer::of_contents(data, word + 9).item() else {
            return false;
        };
        let mut seen = BTreeSet::new();
        let mut open: Vec<usize> = start.size().into_iter().collect();
        while let Some(at) = open.pop() {
            if !seen.insert(at) {
                continue;
            }
            let trailer = match Lexer::of_file(data, at).item() {
                Item::Word(b"xref") => self.table(at),
                _ => self.stream_of_places(at),
            };
            let Some(trailer) = trailer.filter(|_| seen.len() <= MOST_VERSIONS) else {
                return false;
            };
            // Of two versions that a hybrid file leads to, its own stream comes first.
            open.extend(trailer.get("Prev").and_then(Object::size));
            open.extend(trailer.get("XRefStm").and_then(Object::size));
            for (key, value) in trailer.iter() {
                self.trailer.entry(key.into()).or_insert_with(|| value.clone());
            }
        }
        !seen.is_empty()
    }

    fn place(&mut self, number: i64, place: Place, replace: bool) {
        let Ok(number) = u32::try_from(number) else {
            return;
        };
        if replace {
            self.places.insert(number, place);
        } else {
            self.places.entry(number).or_insert(place);
        }
        if self.places.len() > MOST_OBJECTS {
            self.places.pop_last();
            self.truncated = true;
        }
    }

    fn table(&mut self, at: usize) -> Option<Dict> {
        let mut lexer = Lexer::of_contents(self.data, at);
        lexer.item();
        loop {
            let first = match lexer.item() {
                Item::Object(first) => first.integer()?,
                Item::Word(b"trailer") => break,
                _ => return None,
            };
            let Item::Object(count) = lexer.item() else {
                return None;
            };
            for i in 0..count.integer()? {
                let (Item::Object(at), Item::Object(_), Item::Word(kind)) =
                    (lexer.item(), lexer.item(), lexer.item())
                else {
                    return None;
                };
                let place = match kind {
                    b"n" => Place::At(at.size()?),
                    _ => Place::Free,
                };
                self.place(first.checked_add(i)?, place, false);
            }
        }
        match Lexer::of_file(self.data, lexer.at).item() {
            Item::Object(Object::Dict(trailer)) => Some(trailer),
            _ => None,
        }
    }

    fn stream_of_places(&mut self, at: usize) -> Option<Dict> {
        let (_, Object::Stream(stream), _) = self.object_at(at)? else {
            return None;
        };
        let widths: Vec<usize> = stream.dict.get("W")?.array().iter().filter_map(Object::size).collect();
        let &[kind_width, first_width, second_width] = widths.as_slice() else {
            return None;
        };
        if widths.iter().any(|w| *w > 8) {
            return None;
        }
        let row = kind_width + first_width + second_width;
        let bytes = self.bytes(&stream);
        let size = stream.dict.get("Size").and_then(Object::integer).unwrap_or(i64::MAX);
        let whole = [Object::Int(0), Object::Int(size)];
        let index = stream.dict.get("Index").map_or(&whole[..], Object::array);
        let mut rows = bytes.chunks_exact(row.max(1));
        for range in index.chunks(2) {
            let [first, count] = range else {
                break;
            };
            for i in 0..count.integer()? {
                let Some(entry) = rows.next() else {
                    break;
                };
                let (kind, entry) = entry.split_at_checked(kind_width)?;
                let (first_field, second_field) = entry.split_at_checked(first_width)?;
                let place = match if kind_width == 0 { 1 } else { big_endian(kind) } {
                    0 => Place::Free,
                    1 => Place::At(usize::try_from(big_endian(first_field)).ok()?),
                    2 => Place::In(
                        u32::try_from(big_endian(first_field)).ok()?,
                        usize::try_from(big_endian(second_field)).ok()?,
                    ),
                    _ => continue,
                };
                self.place(first.integer()?.checked_add(i)?, place, false);
            }
        }
        Some(stream.dict)
    }

    /// Takes whatever looks like an object; of two with one number the later.
    fn scan(&mut self) {
        self.scanned = true;
        self.cache.clear();
        self.packs.clear();
        let data = self.data;
        let mut at = 0;
        let mut catalogue = None;
        while let Some(found) = data.get(at..).and_then(next_object) {
            at += found.end;
            if found.is_trailer {
                if let Item::Object(Object::Dict(trailer)) = Lexer::of_file(data, at).item() {
                    self.take_trailer(&trailer);
                }
                continue;
            }
            let start = at - (found.end - found.start);
            let Some((number, object, end)) = self.object_at(start) else {
                continue;
            };
            at = at.max(end);
            self.place(i64::from(number), Place::At(start), true);
            let dict = object.dict();
            match dict.get("Type").and_then(Object::name) {
                Some("Catalog") => catalogue = Some(number),
                Some("XRef") => self.take_trailer(&dict),
                Some("ObjStm") => {
                    self.cache.remove(&number);
                    self.packs.remove(&number);
                    let pack = self.pack(number);
                    for (index, (inner, _)) in pack.iter().flat_map(|p| p.numbers.iter()).enumerate() {
                        self.place(i64::from(*inner), Place::In(number, index), true);
                    }
                }
                _ => {}
            }
        }
        self.cache.clear();
        if !self.has_pages()
            && let Some(number) = catalogue.or_else(|| self.packed_catalogue())
        {
            self.trailer.insert("Root".into(), Object::Ref(number));
        }
    }

    fn packed_catalogue(&mut self) -> Option<u32> {
        let packed: Vec<u32> =
            self.places.iter().filter(|(_, p)| matches!(p, Place::In(..))).map(|(n, _)| *n).collect();
        packed.into_iter().find(|n| self.load(*n).dict().get("Pages").is_some())
    }

    fn take_trailer(&mut self, trailer: &Dict) {
        for key in ["Root", "Info", "Encrypt"] {
            if let Some(value) = trailer.get(key) {
                self.trailer.insert(key.into(), value.clone());
            }
        }
    }

    /// Every page of a file whose tree of pages leads to none.
    pub(super) fn loose_pages(&mut self) -> Vec<Dict> {
        if !self.scanned {
            self.scan();
        }
        let numbers: Vec<u32> = self.places.keys().copied().collect();
        let mut pages = Vec::new();
        for number in numbers {
            let dict = self.load(number).dict();
            if dict.get("Type").and_then(Object::name) == Some("Page") {
                pages.push(dict);
            }
        }
        pages
    }
}

struct Found {
    start: usize,
    end: usize,
    is_trailer: bool,
}

/// The next `1 0 obj` or `trailer`.
fn next_object(data: &[u8]) -> Option<Found> {
    let mut at = 0;
    while let Some(rest) = data.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(b"trailer") {
            return Some(Found { start: at, end: at + 7, is_trailer: true });
        }
        if rest.starts_with(b"obj")
            && let Some(start) = data.get(..at).and_then(start_of_numbers)
        {
            return Some(Found { start, end: at + 3, is_trailer: false });
        }
        at += 1;
    }
    None
}

/// Where the two numbers begin with which these bytes end.
fn start_of_numbers(before: &[u8]) -> Option<usize> {
    let mut end = before.len();
    for _ in 0..2 {
        let head = before.get(..end)?;
        let spaces = head.iter().rev().take(16).take_while(|b| is_space(**b)).count();
        let digits = head.iter().rev().skip(spaces).take(10).take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 || (spaces == 0 && end != before.len()) {
            return None;
        }
        end -= spaces + digits;
    }
    Some(end)
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

fn find(data: &[u8], what: &[u8]) -> Option<usize> {
    data.windows(what.len()).position(|w| w == what)
}
