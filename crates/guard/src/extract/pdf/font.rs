//! Fonts (ISO 32000-2, 9.5 to 9.10): what the numbers in shown strings say, and how wide they are. What a
//! program reads is told by `ToUnicode`; where there is none, by the encoding.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::file::File;
use super::glyphs::{self, Encoding};
use super::object::{Dict, Item, Lexer, Object};

/// Most letters that a font says something about.
const MOST_LETTERS: usize = 1 << 17;
/// Longest text that one letter honestly stands for: ligatures of several scripts are shorter.
pub(super) const LONGEST_LETTER: usize = 18;

/// A font.
#[derive(Debug)]
pub(super) struct Font {
    says: BTreeMap<u32, String>,
    /// Letters whose names do not tell what they show.
    nameless: BTreeSet<u32>,
    widths: BTreeMap<u32, f64>,
    default_width: f64,
    form: Form,
    /// What one unit of size is, against the usual thousandth.
    pub scale: f64,
    pub vertical: bool,
}

#[derive(Debug)]
enum Form {
    /// One byte a letter.
    Simple { encoding: Option<Encoding>, monospaced: bool },
    /// As the ranges say, each with its length; two bytes where none matches.
    Composite { ranges: Vec<Range>, utf16: bool },
}

#[derive(Debug)]
struct Range {
    length: usize,
    first: u32,
    last: u32,
}

/// One letter of a shown string.
pub(super) struct Letter {
    /// What it says; nothing where the font does not tell.
    pub text: Option<String>,
    /// Thousandths of the size.
    pub width: f64,
    /// Whether word spacing is added.
    pub is_space: bool,
}

impl Font {
    pub(super) fn read(file: &mut File<'_>, dict: &Dict) -> Self {
        let kind = file.get(dict, "Subtype");
        let to_unicode = match file.get(dict, "ToUnicode") {
            Object::Stream(stream) => {
                let bytes = file.bytes(&stream);
                Map::read(file, &bytes)
            }
            _ => Map::default(),
        };
        let mut font = Self {
            says: to_unicode.says,
            nameless: BTreeSet::new(),
            widths: BTreeMap::new(),
            default_width: 0.0,
            form: Form::Simple { encoding: None, monospaced: false },
            scale: 1.0,
            vertical: false,
        };
        if kind.name() == Some("Type0") {
            font.composite(file, dict);
        } else {
            font.simple(file, dict, kind.name() == Some("Type3"));
        }
        font
    }

    fn composite(&mut self, file: &mut File<'_>, dict: &Dict) {
        let encoding = file.get(dict, "Encoding");
        let mut ranges = Vec::new();
        let name = match &encoding {
            Object::Stream(stream) => {
                let bytes = file.bytes(stream);
                ranges = Map::read(file, &bytes).ranges;
                file.get(&stream.dict, "CMapName")
            }
            other => other.clone(),
        };
        let name = name.name().unwrap_or_default().to_owned();
        self.vertical = name.ends_with("-V");
        self.form = Form::Composite { ranges, utf16: name.contains("UCS2") || name.contains("UTF16") };
        let descendants = file.get(dict, "DescendantFonts");
        let below = descendants.array().first().map(|d| file.resolve(d).dict()).unwrap_or_default();
        self.default_width = file.get(&below, "DW").number().unwrap_or(1000.0);
        let widths = file.get(&below, "W");
        if !file.step(widths.array().len()) {
            return;
        }
        let mut at = widths.array().iter();
        while let Some(first) = at.next().and_then(code) {
            match at.next().map(|o| file.resolve(o)) {
                Some(Object::Array(each)) => {
                    for (code, width) in (first..).zip(each.iter()) {
                        self.width(code, width);
                    }
                }
                Some(last) => {
                    let width = at.next().cloned().unwrap_or_default();
                    let last = code(&last).unwrap_or(first).min(first.saturating_add(0xffff));
                    if !file.step(last.saturating_sub(first) as usize) {
                        return;
                    }
                    for code in first..=last {
                        self.width(code, &width);
                    }
                }
                None => return,
            }
        }
    }

    fn width(&mut self, code: u32, width: &Object) {
        if self.widths.len() < MOST_LETTERS
            && let Some(width) = width.number()
        {
            self.widths.insert(code, width);
        }
    }

    fn simple(&mut self, file: &mut File<'_>, dict: &Dict, drawn: bool) {
        let base = file.get(dict, "BaseFont");
        let base = base.name().unwrap_or_default().to_ascii_lowercase();
        let symbolic = base.contains("symbol") || base.contains("dingbats") || drawn;
        let usual = if symbolic {
            None
        } else if file.get(dict, "Subtype").name() == Some("TrueType") {
            Some(Encoding::Windows)
        } else {
            Some(Encoding::Standard)
        };
        let encoding = file.get(dict, "Encoding");
        let named = encoding.name().and_then(Encoding::named);
        let table = encoding.dict();
        let below = file.get(&table, "BaseEncoding").name().and_then(Encoding::named);
        self.form = Form::Simple {
            encoding: named.or(below).or(usual),
            monospaced: base.contains("courier") || base.contains("mono"),
        };
        let mut at = 0u32;
        let differences = file.get(&table, "Differences");
        for entry in differences.array().iter().take(1024) {
            match entry {
                Object::Name(name) => {
                    match glyphs::named(name) {
                        Some(shown) => {
                            self.says.entry(at).or_insert(shown);
                        }
                        None => {
                            self.nameless.insert(at);
                        }
                    }
                    at = at.saturating_add(1);
                }
                other => at = code(other).unwrap_or(at),
            }
        }
        let first = file.get(dict, "FirstChar").size().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        let widths = file.get(dict, "Widths");
        for (code, width) in (first..).zip(widths.array().iter().take(256)) {
            let width = file.resolve(width);
            self.width(code, &width);
        }
        if drawn {
            let matrix = file.get(dict, "FontMatrix");
            if let [a, b, ..] = matrix.array()
                && let (Some(a), Some(b)) = (a.number(), b.number())
            {
                self.scale = (a.hypot(b) * 1000.0).clamp(1e-6, 1e6);
            }
        }
    }

    /// The letters of a shown string.
    pub(super) fn letters(&self, bytes: &[u8]) -> Vec<Letter> {
        match &self.form {
            Form::Simple { encoding, monospaced } => bytes
                .iter()
                .map(|byte| {
                    let code = u32::from(*byte);
                    let text = self.says.get(&code).cloned().or_else(|| {
                        encoding
                            .filter(|_| !self.nameless.contains(&code))
                            .and_then(|e| e.char(*byte))
                            .map(String::from)
                    });
                    let usual = || glyphs::usual_width(*byte, *monospaced);
                    let width = self.widths.get(&code).copied().unwrap_or_else(usual);
                    Letter { text, width, is_space: *byte == 32 }
                })
                .collect(),
            Form::Composite { ranges, utf16 } => {
                let mut letters = Vec::new();
                let mut rest = bytes;
                while !rest.is_empty() {
                    let length = length_of_next(ranges, rest).min(rest.len());
                    let (raw, tail) = rest.split_at(length);
                    rest = tail;
                    let code = raw.iter().fold(0u32, |sum, byte| (sum << 8) | u32::from(*byte));
                    let text = self
                        .says
                        .get(&code)
                        .cloned()
                        .or_else(|| utf16.then(|| char::from_u32(code).map(String::from)).flatten());
                    let width = self.widths.get(&code).copied().unwrap_or(self.default_width);
                    letters.push(Letter { text, width, is_space: length == 1 && code == 32 });
                }
                letters
            }
        }
    }
}

fn length_of_next(ranges: &[Range], bytes: &[u8]) -> usize {
    for length in 1..=4 {
        let Some(raw) = bytes.get(..length) else {
            break;
        };
        let code = raw.iter().fold(0u32, |sum, byte| (sum << 8) | u32::from(*byte));
        if ranges.iter().any(|r| r.length == length && (r.first..=r.last).contains(&code)) {
            return length;
        }
    }
    2
}

fn code(object: &Object) -> Option<u32> {
    object.integer().and_then(|n| u32::try_from(n).ok())
}

/// A map of character codes (Adobe technical note 5411).
#[derive(Default)]
struct Map {
    says: BTreeMap<u32, String>,
    ranges: Vec<Range>,
}

impl Map {
    fn read(file: &mut File<'_>, bytes: &[u8]) -> Self {
        let mut map = Self::default();
        let mut lexer = Lexer::of_contents(bytes, 0);
        let mut operands: Vec<Object> = Vec::new();
        while file.step(1) {
            match lexer.item() {
                Item::Object(object) => operands.push(object),
                Item::Word(b"endbfchar") => {
                    for pair in operands.chunks_exact(2) {
                        if let [from, to] = pair {
                            map.says(file, raw_code(from), 0, to);
                        }
                    }
                    operands.clear();
                }
                Item::Word(b"endbfrange") => {
                    for triple in operands.chunks_exact(3) {
                        map.range(file, triple);
                    }
                    operands.clear();
                }
                Item::Word(b"endcodespacerange") => {
                    for pair in operands.chunks_exact(2) {
                        if let [first @ Object::Text(raw), last] = pair
                            && let (Some(from), Some(to)) = (raw_code(first), raw_code(last))
                            && map.ranges.len() < 64
                        {
                            map.ranges.push(Range { length: raw.len(), first: from, last: to });
                        }
                    }
                    operands.clear();
                }
                Item::Word(_) => operands.clear(),
                Item::End => break,
            }
        }
        map
    }

    fn says(&mut self, file: &mut File<'_>, code: Option<u32>, more: u32, to: &Object) {
        if let (Some(code), Object::Text(units)) = (code, to)
            && self.says.len() < MOST_LETTERS
            && file.step(units.len() / 16)
        {
            self.says.insert(code, utf16(units, more));
        }
    }

    fn range(&mut self, file: &mut File<'_>, triple: &[Object]) {
        let [first, last, to] = triple else {
            return;
        };
        let (Some(first), Some(last)) = (raw_code(first), raw_code(last)) else {
            return;
        };
        let last = last.min(first.saturating_add(0xffff));
        if !file.step(last.saturating_sub(first) as usize) {
            return;
        }
        match to {
            Object::Array(each) => {
                for (code, to) in (first..=last).zip(each.iter()) {
                    self.says(file, Some(code), 0, to);
                }
            }
            one => {
                for code in first..=last {
                    self.says(file, Some(code), code - first, one);
                }
            }
        }
    }
}

fn raw_code(object: &Object) -> Option<u32> {
    match object {
        Object::Text(bytes) if (1..=4).contains(&bytes.len()) => {
            Some(bytes.iter().fold(0, |sum, byte| (sum << 8) | u32::from(*byte)))
        }
        _ => None,
    }
}

/// UTF-16 whose last unit is counted up.
fn utf16(bytes: &Rc<[u8]>, more: u32) -> String {
    let mut units: Vec<u16> = bytes
        .chunks(2)
        .map(|pair| pair.iter().fold(0u16, |sum, byte| (sum << 8) | u16::from(*byte)))
        .collect();
    if let Some(last) = units.last_mut() {
        *last = last.wrapping_add(u16::try_from(more).unwrap_or(0));
    }
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
