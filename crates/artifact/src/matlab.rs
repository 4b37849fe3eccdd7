//! MAT-files: arrays of MATLAB before HDF5, versions 4 and 5.
//!
//! Source: MathWorks, "MAT-File Format" (level 5 and level 4 files), and for what it leaves out (classes 16 and 17) the
//! files themselves. Every byte belongs to the head, to a tag or to an element; packed elements are named for whoever has
//! a budget to unpack them. From version 7.3 on a MAT-file is an HDF5 file.

use std::ops::Range;

use crate::ArtifactError;
use crate::cursor::Cursor;

const NAME: &str = "MAT";
/// Text, place of the subsystem, version and byte order.
const HEAD: usize = 128;
/// Arrays in each other.
const DEPTH: usize = 256;
/// Arrays of one file: cells and fields are arrays each.
const ARRAYS: u64 = 1 << 20;

/// The order of the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Lowest first.
    Little,
    /// Highest first.
    Big,
}

/// How numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// IEEE 754 binary32, lowest byte first.
    Single,
    /// IEEE 754 binary64, lowest byte first.
    Double,
    /// Characters.
    Text,
    /// Whole numbers, or numbers in the other order.
    Other,
}

/// The numbers or characters of one array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    /// The variable they belong to.
    pub name: String,
    /// How they are stored.
    pub kind: Kind,
    /// Where they lie.
    pub range: Range<u64>,
}

/// What a value is that is more than numbers, characters and arrays of arrays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beyond {
    /// A function: its source text runs when it is called.
    Function,
    /// A Java object, which is made by deserializing it.
    Java,
    /// An object of a class of MATLAB, whose `loadobj` is called.
    Object(String),
}

/// What elements hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Numbers and characters.
    pub numbers: Vec<Numbers>,
    /// Values that are more than data, and where they begin.
    pub beyond: Vec<(u64, Beyond)>,
    /// Packed elements: zlib streams, each of one element.
    pub packed: Vec<Range<u64>>,
}

/// Whether bytes begin as a file of level 5 does.
#[must_use]
pub fn is_matlab5(bytes: &[u8]) -> bool {
    bytes.starts_with(b"MATLAB ") && order(bytes).is_some()
}

/// Whether bytes are a file of level 4, which has no mark: arrays one after the other, to the end.
#[must_use]
pub fn is_matlab4(bytes: &[u8]) -> bool {
    level4(bytes).is_ok_and(|survey| !survey.numbers.is_empty())
}

/// The byte order of a file of level 5.
#[must_use]
pub fn order(bytes: &[u8]) -> Option<Order> {
    match bytes.get(HEAD - 4..HEAD)? {
        b"\0\x01IM" => Some(Order::Little),
        b"\x01\0MI" => Some(Order::Big),
        _ => None,
    }
}

/// Walks a whole file of level 5.
///
/// # Errors
/// It is cut short or contradicts itself, or holds more than is followed.
pub fn level5(bytes: &[u8]) -> Result<Survey, ArtifactError> {
    let order = order(bytes).ok_or_else(|| ArtifactError::malformed(NAME, 124, "no version 5"))?;
    let body = bytes.get(HEAD..).unwrap_or_default();
    elements(body, HEAD as u64, order)
}

/// Walks elements, which begin at `base` of their file.
///
/// # Errors
/// As [`level5`].
pub fn elements(bytes: &[u8], base: u64, order: Order) -> Result<Survey, ArtifactError> {
    let mut walk =
        Walk { cursor: Cursor::new(NAME, bytes, base), order, arrays: 0, survey: Survey::default() };
    while walk.cursor.left() > 0 {
        walk.element()?;
    }
    Ok(walk.survey)
}

/// Walks a file of level 4: for each array five numbers, a name, and its values by columns.
///
/// # Errors
/// A head is none, or what it says does not fit the file.
pub fn level4(bytes: &[u8]) -> Result<Survey, ArtifactError> {
    let mut cursor = Cursor::new(NAME, bytes, 0);
    let mut survey = Survey::default();
    while cursor.left() > 0 {
        let first: [u8; 4] = cursor.array()?;
        let little = u32::from_le_bytes(first) < 1000;
        let number =
            |bytes: [u8; 4]| if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
        let (kind, big) = (number(first) % 1000, number(first) / 1000);
        let (rows, columns) = (number(cursor.array()?), number(cursor.array()?));
        let (imaginary, name) = (number(cursor.array()?), number(cursor.array()?));
        let width = match (big, kind) {
            (0, 0..=2) if little => 8,
            (1, 0..=2) if !little => 8,
            (0, 10..=12) if little => 4,
            (1, 10..=12) if !little => 4,
            (0, 20..=22) if little => 4,
            (1, 20..=22) if !little => 4,
            (0, 30..=32 | 40..=42) if little => 2,
            (1, 30..=32 | 40..=42) if !little => 2,
            (0, 50..=52) if little => 1,
            (1, 50..=52) if !little => 1,
            _ => return Err(cursor.error("no type of level 4")),
        };
        if imaginary > 1 || !(2..=1 << 10).contains(&name) || survey.numbers.len() as u64 >= ARRAYS {
            return Err(cursor.error("no head of an array"));
        }
        let name = cursor.take(u64::from(name))?.strip_suffix(b"\0");
        let name = name.filter(|name| name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_'));
        let name = name.ok_or_else(|| cursor.error("no name of an array"))?;
        let start = cursor.offset();
        let values = u64::from(rows).saturating_mul(u64::from(columns)).saturating_mul(width);
        cursor.take(values.saturating_mul(1 + u64::from(imaginary)))?;
        let stored = match (kind, little) {
            (1 | 11 | 21 | 31 | 41 | 51, _) => Kind::Text,
            (0 | 2, true) => Kind::Double,
            (10 | 12, true) => Kind::Single,
            _ => Kind::Other,
        };
        let name = String::from_utf8_lossy(name).into_owned();
        survey.numbers.push(Numbers { name, kind: stored, range: start..cursor.offset() });
    }
    Ok(survey)
}

struct Walk<'a> {
    cursor: Cursor<'a>,
    order: Order,
    arrays: u64,
    survey: Survey,
}

/// The tag of an element, with where its bytes lie.
struct Tag<'a> {
    kind: u32,
    bytes: &'a [u8],
    at: u64,
}

/// An array whose arrays are being walked.
struct Open {
    left: u64,
    end: u64,
}

mod of {
    pub(super) const INT8: u32 = 1;
    pub(super) const INT32: u32 = 5;
    pub(super) const UINT32: u32 = 6;
    pub(super) const SINGLE: u32 = 7;
    pub(super) const DOUBLE: u32 = 9;
    pub(super) const MATRIX: u32 = 14;
    pub(super) const COMPRESSED: u32 = 15;
}

impl<'a> Walk<'a> {
    /// One element of the file.
    fn element(&mut self) -> Result<(), ArtifactError> {
        let before = self.cursor.clone();
        let (kind, size) = (self.number()?, self.number()?);
        match kind {
            of::COMPRESSED => {
                let at = self.cursor.offset();
                self.cursor.take(u64::from(size))?;
                self.survey.packed.push(at..self.cursor.offset());
                Ok(())
            }
            of::MATRIX => {
                self.cursor = before;
                self.array()
            }
            _ => Err(before.error(format!("an element of type {kind} stands by itself"))),
        }
    }

    /// An array, and the arrays in it.
    fn array(&mut self) -> Result<(), ArtifactError> {
        let mut variable = String::new();
        let mut open: Vec<Open> = vec![Open { left: 1, end: u64::MAX }];
        while let Some(top) = open.last_mut() {
            let at = self.cursor.offset();
            if top.left == 0 {
                if top.end != u64::MAX && at != top.end {
                    return Err(self.cursor.error("an array does not end where it says"));
                }
                open.pop();
                continue;
            }
            top.left -= 1;
            let outer = top.end;
            if self.number()? != of::MATRIX {
                return Err(self.cursor.error("no array where one must be"));
            }
            let size = u64::from(self.number()?);
            let start = self.cursor.offset();
            let end = start.saturating_add(size);
            if end > outer || size > self.cursor.left() {
                return Err(self.cursor.error("an array is longer than what it lies in"));
            }
            if size == 0 {
                continue;
            }
            self.arrays += 1;
            if self.arrays > ARRAYS || open.len() > DEPTH {
                return Err(ArtifactError::Limit { format: NAME, what: "arrays", limit: ARRAYS });
            }
            let left = self.head(at, open.len() == 1, &mut variable)?;
            open.push(Open { left, end });
        }
        Ok(())
    }

    /// The head of an array and its own values; how many arrays follow in it.
    fn head(&mut self, at: u64, outermost: bool, variable: &mut String) -> Result<u64, ArtifactError> {
        let flags = self.part(of::UINT32)?;
        let [a, b, c, d, ..] = flags.bytes else { return Err(self.cursor.error("an array without flags")) };
        let word = self.read([*a, *b, *c, *d]);
        let (class, complex) = (word & 0xff, word & 0x0800 != 0);
        if class == 17 {
            return self.opaque(at, outermost, variable);
        }
        let dims = self.part(of::INT32)?;
        let mut count = 1u64;
        let mut lengths = dims.bytes.chunks_exact(4);
        for length in lengths.by_ref() {
            let length = length.first_chunk().map_or(0, |bytes| self.read(*bytes));
            count = count.saturating_mul(u64::from(length));
        }
        if !lengths.remainder().is_empty() || dims.bytes.is_empty() {
            return Err(self.cursor.error("an array without lengths"));
        }
        self.named(outermost, variable)?;
        match class {
            1 => Ok(count),
            2 => self.fields(count),
            3 => {
                let class = self.part(of::INT8)?;
                self.survey.beyond.push((at, Beyond::Object(text(class.bytes))));
                self.fields(count)
            }
            4..=15 => {
                if class == 5 {
                    self.data(None, variable)?;
                    self.data(None, variable)?;
                }
                let exact = (class != 5).then_some(count);
                self.data(exact, variable)?;
                if complex {
                    self.data(exact, variable)?;
                }
                Ok(0)
            }
            16 => {
                self.survey.beyond.push((at, Beyond::Function));
                Ok(1)
            }
            _ => Err(self.cursor.error(format!("{class} is no class of arrays"))),
        }
    }

    /// An object that another system keeps: the name of that system, of the class, and one array.
    fn opaque(&mut self, at: u64, outermost: bool, variable: &mut String) -> Result<u64, ArtifactError> {
        self.named(outermost, variable)?;
        let system = text(self.part(of::INT8)?.bytes);
        let class = text(self.part(of::INT8)?.bytes);
        let what = if system == "java" { Beyond::Java } else { Beyond::Object(class) };
        self.survey.beyond.push((at, what));
        Ok(1)
    }

    fn named(&mut self, outermost: bool, variable: &mut String) -> Result<(), ArtifactError> {
        let name = self.part(of::INT8)?;
        if outermost {
            *variable = text(name.bytes);
        }
        Ok(())
    }

    /// Names of fields, all of one length; how many arrays follow.
    fn fields(&mut self, count: u64) -> Result<u64, ArtifactError> {
        let length = self.part(of::INT32)?;
        let length = length.bytes.first_chunk().map_or(0, |bytes| self.read(*bytes));
        let names = self.part(of::INT8)?;
        let (bytes, length) = (names.bytes.len() as u64, u64::from(length));
        if !(1..=256).contains(&length) || !bytes.is_multiple_of(length) {
            return Err(self.cursor.error("names of fields are not of the length they claim"));
        }
        Ok(count.saturating_mul(bytes / length))
    }

    /// Values of an array, in whatever type is the smallest that holds them.
    fn data(&mut self, count: Option<u64>, variable: &str) -> Result<(), ArtifactError> {
        let tag = self.tag()?;
        let width = match tag.kind {
            1 | 2 | 16 => 1,
            3 | 4 | 17 => 2,
            5..=7 | 18 => 4,
            9 | 12 | 13 => 8,
            other => return Err(self.cursor.error(format!("{other} is no type of numbers"))),
        };
        let length = tag.bytes.len() as u64;
        // Characters of UTF-8 are of one to four bytes.
        let fits = match count {
            Some(count) if tag.kind == 16 => length <= count.saturating_mul(4),
            Some(count) => length == count.saturating_mul(width),
            None => length.is_multiple_of(width),
        };
        if !fits {
            return Err(self.cursor.error("an array has other values than its lengths tell"));
        }
        let kind = match (tag.kind, self.order) {
            (16..=18, _) => Kind::Text,
            (of::SINGLE, Order::Little) => Kind::Single,
            (of::DOUBLE, Order::Little) => Kind::Double,
            _ => Kind::Other,
        };
        let range = tag.at..tag.at + length;
        self.survey.numbers.push(Numbers { name: variable.to_owned(), kind, range });
        Ok(())
    }

    /// An element that must be of one type; an empty one may say any.
    fn part(&mut self, kind: u32) -> Result<Tag<'a>, ArtifactError> {
        let tag = self.tag()?;
        // Names are written as bytes of either sign, and as UTF-8.
        let same = tag.kind == kind || kind == of::INT8 && matches!(tag.kind, 2 | 16) || tag.bytes.is_empty();
        if same {
            Ok(tag)
        } else {
            Err(self.cursor.error(format!("type {} stands where {kind} must", tag.kind)))
        }
    }

    /// An element: small ones hold up to four bytes beside their size, others are filled up to eight.
    fn tag(&mut self) -> Result<Tag<'a>, ArtifactError> {
        let first = self.number()?;
        if first >> 16 != 0 {
            let at = self.cursor.offset();
            let (size, bytes) = ((first >> 16) as usize, self.cursor.take(4)?);
            let bytes = bytes
                .get(..size)
                .ok_or_else(|| self.cursor.error("a small element of more than four bytes"))?;
            return Ok(Tag { kind: first & 0xffff, bytes, at });
        }
        let size = u64::from(self.number()?);
        let at = self.cursor.offset();
        let bytes = self.cursor.take(size)?;
        let over = size % 8;
        // The last element of a file may end early.
        let fill = if over == 0 { 0 } else { (8 - over).min(self.cursor.left()) };
        self.cursor.take(fill)?;
        Ok(Tag { kind: first, bytes, at })
    }

    fn number(&mut self) -> Result<u32, ArtifactError> {
        let bytes = self.cursor.array()?;
        Ok(self.read(bytes))
    }

    const fn read(&self, bytes: [u8; 4]) -> u32 {
        match self.order {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tagged(kind: u32, bytes: &[u8]) -> Vec<u8> {
        let mut out = [&kind.to_le_bytes()[..], &(bytes.len() as u32).to_le_bytes(), bytes].concat();
        out.resize(out.len().next_multiple_of(8), 0);
        out
    }

    fn array(class: u32, dims: [u32; 2], name: &[u8], rest: &[Vec<u8>]) -> Vec<u8> {
        let flags = [class.to_le_bytes(), [0; 4]].concat();
        let dims: Vec<u8> = dims.iter().flat_map(|d| d.to_le_bytes()).collect();
        tagged(14, &[tagged(6, &flags), tagged(5, &dims), tagged(1, name), rest.concat()].concat())
    }

    fn file(elements: &[Vec<u8>]) -> Vec<u8> {
        let mut head = b"MATLAB 5.0 MAT-file".to_vec();
        head.resize(124, b' ');
        [head, b"\0\x01IM".to_vec(), elements.concat()].concat()
    }

    #[test]
    fn every_byte_of_an_array_is_walked() {
        let numbers = array(6, [1, 2], b"x", &[tagged(9, &[0; 16])]);
        let small = [&(2u32 << 16 | 2).to_le_bytes()[..], &[7, 9, 0, 0]].concat();
        let narrow = array(6, [2, 1], b"narrow", &[small]);
        let cell = array(1, [1, 2], b"c", &[numbers.clone(), tagged(14, &[])]);
        let names = [&(4u32 << 16 | 5).to_le_bytes()[..], &2u32.to_le_bytes()].concat();
        let structure = array(2, [1, 1], b"s", &[names, tagged(1, b"a\0b\0"), numbers.clone(), cell.clone()]);
        let bytes = file(&[numbers, narrow, cell, structure, tagged(15, b"12345678")]);
        assert!(is_matlab5(&bytes));
        let survey = level5(&bytes).unwrap();
        assert_eq!(survey.numbers.len(), 5);
        assert_eq!((survey.packed.len(), survey.beyond.len()), (1, 0));
        assert_eq!(survey.numbers[1].range.end - survey.numbers[1].range.start, 2);
        for end in [bytes.len() - 1, bytes.len() - 20, 200] {
            assert!(level5(&bytes[..end]).is_err(), "{end}");
        }
        let two = array(6, [1, 1], b"x", &[tagged(9, &[0; 16])]);
        assert!(level5(&file(&[two])).is_err(), "an array holds two values and claims one");
        let hidden = array(6, [1, 1], b"x", &[tagged(9, &[0; 8]), tagged(1, b"more")]);
        assert!(level5(&file(&[hidden])).is_err(), "bytes follow the values");
    }

    #[test]
    fn what_is_more_than_data_is_named() {
        let numbers = array(6, [1, 1], b"", &[tagged(9, &[0; 8])]);
        let function = array(16, [1, 1], b"f", std::slice::from_ref(&numbers));
        let opaque = |system: &[u8]| {
            let flags = tagged(6, &[17u32.to_le_bytes(), [0; 4]].concat());
            let names = [tagged(1, b"o"), tagged(1, system), tagged(1, b"java.lang.Runtime")].concat();
            tagged(14, &[flags, names, numbers.clone()].concat())
        };
        let survey = level5(&file(&[function, opaque(b"java"), opaque(b"MCOS")])).unwrap();
        let kinds: Vec<_> = survey.beyond.into_iter().map(|(_, what)| what).collect();
        assert_eq!(kinds, [Beyond::Function, Beyond::Java, Beyond::Object("java.lang.Runtime".to_owned())]);
    }

    #[test]
    fn level_4_is_known_by_its_whole_length() {
        let one = |kind: u32, name: &[u8], values: &[u8]| {
            let numbers = [kind, 1, (values.len() / 8) as u32, 0, name.len() as u32];
            [numbers.iter().flat_map(|n| n.to_le_bytes()).collect(), name.to_vec(), values.to_vec()].concat()
        };
        let bytes = [one(0, b"x\0", &[0; 24]), one(1, b"text\0", &[0; 16])].concat();
        assert!(is_matlab4(&bytes) && !is_matlab4(&bytes[..bytes.len() - 1]) && !is_matlab4(b""));
        assert!(!is_matlab4(&[0; 40]) && !is_matlab4(&one(0, b"no name\0", &[0; 8])));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(tail in proptest::collection::vec(any::<u8>(), 0..300), kind in 0u32..20) {
            let _ = level5(&file(std::slice::from_ref(&tail)));
            let _ = level5(&file(&[array(kind, [1, 2], b"x", std::slice::from_ref(&tail))]));
            let _ = level4(&tail);
        }
    }
}
