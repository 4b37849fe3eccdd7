//! The header of a NumPy array: a Python dict literal, read by the grammar that NumPy writes and no other.
//!
//! NumPy evaluates it as a literal, where a later key replaces an earlier one; so each of the three keys must
//! stand there once, and nothing else. A type is a string such as `<f8`, or a list of fields
//! `(name, type)` or `(name, type, shape)`, whose types may again be lists.

use crate::weights::Float;

/// What the header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Array {
    /// Whether its type has Python objects in it: then a pickle follows.
    pub objects: bool,
    /// Bytes of data; `None` with objects and for types whose width is not known here.
    pub bytes: Option<u64>,
    /// How elements are stored, if they are floating-point numbers with the lowest byte first.
    pub float: Option<Float>,
}

impl Array {
    /// Reads `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }` and padding.
    pub fn parse(header: &str) -> Option<Self> {
        let mut cursor = Cursor { rest: header };
        let (mut item, mut order, mut count) = (None, None, None);
        cursor.expect('{')?;
        while !cursor.take('}') {
            let key = cursor.string()?;
            cursor.expect(':')?;
            let first = match key {
                "descr" => item.replace(cursor.item()?).is_none(),
                "fortran_order" => order.replace(cursor.flag()?).is_none(),
                "shape" => count.replace(cursor.shape()?).is_none(),
                _ => false,
            };
            if !first {
                return None;
            }
            if !cursor.take(',') {
                cursor.expect('}')?;
                break;
            }
        }
        let ((item, _order), count) = (item.zip(order)?, count?);
        if !cursor.rest.trim_start().is_empty() {
            return None;
        }
        let bytes = match item.bytes {
            Some(bytes) if !item.objects => Some(count.checked_mul(bytes)?),
            _ => None,
        };
        Some(Self { objects: item.objects, bytes, float: item.float })
    }
}

/// A field of records.
pub struct Column<'a> {
    pub name: &'a str,
    /// `i`, `u`, `f` …, as NumPy writes the kind of a type.
    pub kind: char,
    /// Where it begins in a record, and how long it is.
    pub at: usize,
    pub bytes: usize,
    /// Its highest byte stands first.
    pub highest_first: bool,
}

/// The fields of records whose fields are single numbers; `None` for all other types. The header is one that
/// [`Array::parse`] takes, so that the word stands there once, as a key.
pub fn columns(header: &str) -> Option<Vec<Column<'_>>> {
    let mut cursor = Cursor { rest: header.split_once("descr")?.1.get(1..)? };
    cursor.expect(':')?;
    let (mut columns, mut at) = (Vec::new(), 0usize);
    cursor.expect('[')?;
    while !cursor.take(']') {
        cursor.expect('(')?;
        let name = cursor.string()?;
        cursor.expect(',')?;
        let written = cursor.string()?;
        cursor.expect(')')?;
        let bytes = usize::try_from(Item::simple(written)?.bytes?).ok()?;
        let kind = written.trim_start_matches(['<', '>', '|', '=']).chars().next()?;
        columns.push(Column { name, kind, at, bytes, highest_first: written.starts_with('>') });
        at = at.checked_add(bytes)?;
        cursor.take(',');
    }
    Some(columns)
}

/// One element.
#[derive(Clone, Copy)]
struct Item {
    objects: bool,
    bytes: Option<u64>,
    float: Option<Float>,
}

impl Item {
    const NOTHING: Self = Self { objects: false, bytes: Some(0), float: None };

    /// A byte order, a kind and a width, and for times a unit.
    fn simple(text: &str) -> Option<Self> {
        let little = text.starts_with('<');
        let text = text.trim_start_matches(['<', '>', '|', '=']);
        let text = text.split_once('[').map_or(text, |(before, _unit)| before);
        let mut chars = text.chars();
        let kind = chars.next()?;
        let width: Option<u64> = chars.as_str().parse().ok();
        let bytes = match kind {
            'O' => None,
            'U' => Some(width?.checked_mul(4)?),
            'b' | 'i' | 'u' | 'f' | 'c' | 'S' | 'V' | 'M' | 'm' => Some(width?),
            _ => None,
        };
        let float = match (kind, width) {
            ('f', Some(2)) => Some(Float::Half),
            ('f', Some(4)) => Some(Float::Single),
            ('f', Some(8)) => Some(Float::Double),
            _ => None,
        };
        Some(Self { objects: kind == 'O', bytes, float: float.filter(|_| little) })
    }

    /// This one and `count` of `field` behind it. A width beyond 2^64 is none that NumPy wrote.
    fn and(self, field: Self, count: u64) -> Option<Self> {
        let bytes = match (self.bytes, field.bytes) {
            (Some(sum), Some(one)) => Some(sum.checked_add(one.checked_mul(count)?)?),
            _ => None,
        };
        Some(Self { objects: self.objects || field.objects, bytes, float: None })
    }
}

struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, wanted: char) -> bool {
        let found = self.rest.trim_start().strip_prefix(wanted);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn expect(&mut self, wanted: char) -> Option<()> {
        self.take(wanted).then_some(())
    }

    /// A string without escapes: where one stands, its value is not what its text says.
    fn string(&mut self) -> Option<&'a str> {
        let quote = if self.take('"') { '"' } else { self.take('\'').then_some('\'')? };
        let (text, rest) = self.rest.split_once(quote)?;
        self.rest = rest;
        (!text.contains(['\\', '\n'])).then_some(text)
    }

    fn flag(&mut self) -> Option<bool> {
        let rest = self.rest.trim_start();
        let (flag, rest) = match rest.strip_prefix("True") {
            Some(rest) => (true, rest),
            None => (false, rest.strip_prefix("False")?),
        };
        self.rest = rest;
        Some(flag)
    }

    fn number(&mut self) -> Option<u64> {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, rest) = rest.split_at_checked(end)?;
        // Python 2 wrote long integers as 3L.
        self.rest = rest.strip_prefix('L').unwrap_or(rest);
        digits.parse().ok()
    }

    /// How many elements a tuple of dimensions has.
    fn shape(&mut self) -> Option<u64> {
        let mut count = 1u64;
        self.expect('(')?;
        while !self.take(')') {
            count = count.checked_mul(self.number()?)?;
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Some(count)
    }

    /// A field's name, or its title and its name.
    fn name(&mut self) -> Option<()> {
        if self.take('(') {
            self.string()?;
            self.expect(',')?;
            self.string()?;
            self.expect(')')
        } else {
            self.string().map(drop)
        }
    }

    /// A type. Lists of fields that are not closed yet wait on a stack.
    fn item(&mut self) -> Option<Item> {
        let mut open: Vec<Item> = Vec::new();
        loop {
            let mut item = if self.take('[') {
                if !self.take(']') {
                    // NumPy's own reader gives up on types nested deeper than a few dozen.
                    if open.len() >= 32 {
                        return None;
                    }
                    open.push(Item::NOTHING);
                    self.field()?;
                    continue;
                }
                Item::NOTHING
            } else {
                Item::simple(self.string()?)?
            };
            loop {
                let Some(fields) = open.pop() else { return Some(item) };
                let count = if self.take(',') { self.shape()? } else { 1 };
                self.expect(')')?;
                let fields = fields.and(item, count)?;
                if self.take(',') {
                    open.push(fields);
                    self.field()?;
                    break;
                }
                self.expect(']')?;
                item = fields;
            }
        }
    }

    /// A field up to its type.
    fn field(&mut self) -> Option<()> {
        self.expect('(')?;
        self.name()?;
        self.expect(',')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Array;

    fn array(descr: &str, shape: &str) -> Option<(bool, Option<u64>)> {
        Array::parse(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}  \n"))
            .map(|array| (array.objects, array.bytes))
    }

    #[test]
    fn headers_are_read_as_numpy_writes_them() {
        // Sizes are `numpy.dtype(descr).itemsize` of NumPy 2.4.6 times the elements.
        for (descr, shape, bytes) in [
            ("'<f8'", "(3, 4)", 96),
            ("'|b1'", "()", 1),
            ("'<U3'", "(2,)", 24),
            ("'>c16'", "(2L, 3L)", 96),
            ("'<M8[D]'", "(2,)", 16),
            ("'<m8[25us]'", "(2,)", 16),
            ("'|V5'", "(0, 7)", 0),
            ("[('a', '<i4'), ('b', '<f8'), ('c', '<U3')]", "(5,)", 120),
            ("[('a', '<i4'), ('', '|V4'), ('b', '<f8', (2, 3))]", "(2,)", 112),
            ("[(('title', 'FOO'), '<i2'), (\"it's\", '<M8[s]')]", "(1,)", 10),
            ("[('a', [('b', '<f4', (2,)), ('c', [('d', '|i1')])], (3,)), ('e', '|S2')]", "(1,)", 29),
        ] {
            assert_eq!(array(descr, shape), Some((false, Some(bytes))), "{descr}");
        }
        for descr in ["'|O'", "[('a', '<i4'), ('b', '|O')]", "[('a', [('b', 'O', (2,))])]"] {
            assert_eq!(array(descr, "(2,)"), Some((true, None)), "{descr}");
        }
        assert_eq!(array("'|T16'", "(2,)"), Some((false, None)));
    }

    #[test]
    fn what_numpy_may_read_otherwise_is_refused() {
        for header in [
            "__import__('os')",
            "{'descr': '<f8', 'shape': (2,), }",
            // The last of two keys counts for NumPy.
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), 'descr': '|O'}",
            "{'descr': '\\x7cO', 'fortran_order': False, 'shape': (2,)}",
            "{'descr': '<f8' '', 'fortran_order': False, 'shape': (2,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2,)} or {}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), 'more': ()}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999)}",
            "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': [('a', '<f8'], 'fortran_order': False, 'shape': (1,)}",
        ] {
            assert_eq!(Array::parse(header), None, "{header}");
        }
        let deep = "[('a', ".repeat(100_000);
        assert_eq!(array(&deep, "(1,)"), None);
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "[{}()\\[\\]':, descrshapfotn_O<8\"\\\\é]{0,80}") {
            let _ = Array::parse(&text);
            let _ = array(&text, "(2,)");
        }
    }
}
