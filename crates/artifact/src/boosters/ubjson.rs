//! Universal Binary JSON: JSON in another spelling, in which XGBoost saves models.
//!
//! Walked with a stack, telling a [`Visit`] what there is, so that a model of any size is never held as a document.
//! Source: Universal Binary JSON, draft 12, with its optimised containers.

use std::ops::Range;

use crate::ArtifactError;
use crate::cursor::Cursor;

/// Values of one file that are no numbers of a typed array.
const MAX_VALUES: u64 = 100_000_000;
const MAX_DEPTH: usize = 1000;
/// Elements of one array, in whatever bytes: more are more than any machine has room for.
const MAX_ELEMENTS: u64 = 1 << 40;
/// Elements that take no bytes in the file, and some in memory.
const MAX_EMPTY: u64 = 1 << 24;

/// Whether the bytes are one object, to the last byte, or begin as one that asks for more than there is.
#[must_use]
pub fn is_ubjson(bytes: &[u8]) -> bool {
    matches!(bytes, [b'{', b'i' | b'U' | b'I' | b'l' | b'L', ..] | [b'{', b'$' | b'#', ..])
        && match walk(bytes, &mut ()) {
            Ok(()) => true,
            Err(error) => is_abuse(&error) && begins_with_name(bytes),
        }
}

/// Whether a walk ended at what no writer writes: containers in each other without end, or arrays beyond any memory.
#[must_use]
pub fn is_abuse(error: &ArtifactError) -> bool {
    matches!(error, ArtifactError::Limit { what, .. } if *what != VALUES)
}

/// The name of what comes first, in letters.
fn begins_with_name(bytes: &[u8]) -> bool {
    let mut cursor = Cursor::new("UBJSON", bytes.get(1..).unwrap_or_default(), 1);
    let name = length(&mut cursor).ok().filter(|n| (1..=256).contains(n)).and_then(|n| cursor.take(n).ok());
    name.is_some_and(|name| name.iter().all(u8::is_ascii_graphic))
}

const VALUES: &str = "values";

fn limit(what: &'static str, limit: u64) -> ArtifactError {
    ArtifactError::Limit { format: "UBJSON", what, limit }
}

/// What a walk meets, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event<'a> {
    /// The name of the value that comes next.
    Key(&'a [u8]),
    /// A whole number, or a number with a fraction cut to none.
    Number(i64),
    /// `null`, a truth value, or a number that is not a whole one.
    Other,
    /// A text: where it begins.
    Text(u64, &'a [u8]),
    /// All numbers of an array that has one type for them.
    Numbers(Numbers<'a>),
    /// An object or an array begins.
    Open,
    /// It ends.
    Close,
}

/// Numbers of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers<'a> {
    kind: u8,
    /// How many there are.
    pub count: u64,
    bytes: &'a [u8],
}

impl Numbers<'_> {
    /// Each as a whole number; those of a type with fractions are none.
    pub fn whole(&self) -> impl Iterator<Item = Option<i64>> {
        let width = width(self.kind).and_then(|w| usize::try_from(w).ok()).filter(|w| *w > 0);
        let kind = self.kind;
        self.bytes.chunks_exact(width.unwrap_or(1)).map(move |raw| whole(kind, raw))
    }
}

/// Is told what a file holds.
pub trait Visit<'a> {
    /// Called for each event.
    fn event(&mut self, event: Event<'a>);
}

impl Visit<'_> for () {
    fn event(&mut self, _: Event<'_>) {}
}

/// The texts of a file that are longer than a name.
#[derive(Debug, Default)]
pub struct LongTexts(pub Vec<Range<u64>>);

impl Visit<'_> for LongTexts {
    fn event(&mut self, event: Event<'_>) {
        const LONG: usize = 64;
        if let Event::Text(at, text) = event
            && text.len() > LONG
        {
            self.0.push(at..at + text.len() as u64);
        }
    }
}

/// An open container: whether it is an object, the type of all its values, how many are left.
struct Open {
    object: bool,
    kind: Option<u8>,
    left: Option<u64>,
}

/// Walks a file.
///
/// # Errors
/// It is cut short, something follows, or a byte begins no value. What was told until then stands in the file.
pub fn walk<'a>(bytes: &'a [u8], visit: &mut dyn Visit<'a>) -> Result<(), ArtifactError> {
    let mut cursor = Cursor::new("UBJSON", bytes, 0);
    let mut open: Vec<Open> = Vec::new();
    let mut values = 0u64;
    let first = cursor.u8()?;
    value(first, &mut cursor, &mut open, visit)?;
    while let Some(top) = open.last_mut() {
        values += 1;
        if values > MAX_VALUES {
            return Err(limit(VALUES, MAX_VALUES));
        }
        match &mut top.left {
            Some(0) => {
                open.pop();
                visit.event(Event::Close);
                continue;
            }
            Some(left) => *left -= 1,
            None if cursor.rest().first() == Some(if top.object { &b'}' } else { &b']' }) => {
                cursor.take(1)?;
                open.pop();
                visit.event(Event::Close);
                continue;
            }
            None => {}
        }
        let (object, kind) = (top.object, top.kind);
        if object {
            let length = length(&mut cursor)?;
            visit.event(Event::Key(cursor.take(length)?));
        }
        let kind = match kind {
            Some(kind) => kind,
            None => cursor.u8()?,
        };
        value(kind, &mut cursor, &mut open, visit)?;
        if open.len() > MAX_DEPTH {
            return Err(limit("containers in each other", MAX_DEPTH as u64));
        }
    }
    if cursor.left() > 0 {
        return Err(cursor.error(format!("{} bytes follow the value", cursor.left())));
    }
    Ok(())
}

/// Bytes of a number of that type.
const fn width(kind: u8) -> Option<u64> {
    Some(match kind {
        b'i' | b'U' | b'C' => 1,
        b'I' => 2,
        b'l' | b'd' => 4,
        b'L' | b'D' => 8,
        b'Z' | b'N' | b'T' | b'F' => 0,
        _ => return None,
    })
}

/// A number of that type, the highest byte first, if it is whole.
fn whole(kind: u8, raw: &[u8]) -> Option<i64> {
    Some(match (kind, raw) {
        (b'i', [a]) => i64::from(i8::from_be_bytes([*a])),
        (b'U', [a]) => i64::from(*a),
        (b'I', [a, b]) => i64::from(i16::from_be_bytes([*a, *b])),
        (b'l', [a, b, c, d]) => i64::from(i32::from_be_bytes([*a, *b, *c, *d])),
        (b'L', raw) => i64::from_be_bytes(*raw.first_chunk()?),
        _ => return None,
    })
}

fn value<'a>(
    kind: u8,
    cursor: &mut Cursor<'a>,
    open: &mut Vec<Open>,
    visit: &mut dyn Visit<'a>,
) -> Result<(), ArtifactError> {
    if let Some(width) = width(kind) {
        let number = whole(kind, cursor.take(width)?);
        visit.event(number.map_or(Event::Other, Event::Number));
        return Ok(());
    }
    match kind {
        b'S' | b'H' => {
            let length = length(cursor)?;
            let at = cursor.offset();
            visit.event(Event::Text(at, cursor.take(length)?));
        }
        b'{' | b'[' => {
            let mut inner = Open { object: kind == b'{', kind: None, left: None };
            if cursor.rest().first() == Some(&b'$') {
                cursor.take(1)?;
                inner.kind = Some(cursor.u8()?);
            }
            if cursor.rest().first() == Some(&b'#') {
                cursor.take(1)?;
                inner.left = Some(length(cursor)?);
            } else if inner.kind.is_some() {
                return Err(cursor.error("a typed container without a count"));
            }
            let typed = inner.kind.and_then(|kind| Some((kind, width(kind)?)));
            match (typed, inner.left) {
                (_, Some(count)) if count > MAX_ELEMENTS => {
                    return Err(limit("elements of an array", MAX_ELEMENTS));
                }
                (Some((_, 0)), Some(count)) if count > MAX_EMPTY => {
                    return Err(limit("elements without bytes", MAX_EMPTY));
                }
                (Some((kind, width)), Some(count)) if !inner.object => {
                    let bytes =
                        count.checked_mul(width).ok_or_else(|| cursor.error("an array beyond any file"))?;
                    visit.event(Event::Numbers(Numbers { kind, count, bytes: cursor.take(bytes)? }));
                }
                (_, Some(count)) if count > cursor.left() => {
                    return Err(cursor.error(format!("a container claims {count} values")));
                }
                _ => {
                    visit.event(Event::Open);
                    open.push(inner);
                }
            }
        }
        other => return Err(cursor.error(format!("a byte {other:#04x} begins no value"))),
    }
    Ok(())
}

fn length(cursor: &mut Cursor<'_>) -> Result<u64, ArtifactError> {
    let kind = cursor.u8()?;
    let width = width(kind).filter(|w| *w > 0 && !matches!(kind, b'd' | b'D' | b'C'));
    let width = width.ok_or_else(|| cursor.error("a length that is no whole number"))?;
    let value = cursor.take(width)?.iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
    let negative = kind != b'U' && value >> (8 * width - 1) == 1;
    if negative { Err(cursor.error("a negative length")) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Keys, numbers and where containers are, in one line.
    struct Line(String);

    impl<'a> Visit<'a> for Line {
        fn event(&mut self, event: Event<'a>) {
            self.0 += &match event {
                Event::Key(key) => format!("{}=", String::from_utf8_lossy(key)),
                Event::Number(n) => format!("{n} "),
                Event::Other => "? ".to_owned(),
                Event::Text(at, text) => format!("{:?}@{at} ", String::from_utf8_lossy(text)),
                Event::Numbers(numbers) => {
                    format!("{}{:?} ", numbers.count, numbers.whole().collect::<Vec<_>>())
                }
                Event::Open => "( ".to_owned(),
                Event::Close => ") ".to_owned(),
            };
        }
    }

    #[test]
    fn a_walk_tells_what_there_is() {
        let bytes =
            b"{i\x01a[$l#i\x02\xff\xff\xff\xff\0\0\0\x07i\x01bSi\x02hii\x01c[TFi\xfeZ]i\x01d{#i\x01i\x01xU\xfe}";
        let mut line = Line(String::new());
        walk(bytes, &mut line).unwrap();
        assert_eq!(line.0, "( a=2[Some(-1), Some(7)] b=\"hi\"@24 c=( ? ? -2 ? ) d=( x=254 ) ) ");
    }

    #[test]
    fn only_a_whole_value_is_one() {
        let bytes = b"{i\x01a[$d#i\x02\0\0\0\0\0\0\0\0i\x01bSi\x02hii\x01c[TFZ]i\x01d{#i\x01i\x01xU\x05}";
        assert!(is_ubjson(bytes), "{:?}", walk(bytes, &mut ()));
        assert!(!is_ubjson(&bytes[..bytes.len() - 1]) && !is_ubjson(&[&bytes[..], b"x"].concat()));
        assert!(walk(b"{i\x01a[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff", &mut ()).is_err());
        assert!(walk(&[&b"{i\x01a"[..], &b"[".repeat(100_000)].concat(), &mut ()).is_err());
    }

    #[test]
    fn what_asks_for_more_than_there_is_is_told_from_what_is_cut_short() {
        let many = |kind: u8, count: i64| {
            [&b"{i\x01a[$"[..], &[kind, b'#', b'L'], &count.to_be_bytes(), b"}"].concat()
        };
        for bytes in
            [many(b'L', 1 << 62), many(b'Z', 1 << 40), [&b"{i\x01a"[..], &b"[".repeat(2000)].concat()]
        {
            assert!(is_ubjson(&bytes));
            assert!(is_abuse(&walk(&bytes, &mut ()).unwrap_err()));
        }
        assert!(is_ubjson(&many(b'Z', 4)));
        assert!(!is_ubjson(&many(b'd', 1000)) && !is_ubjson(b"{i\x01\0[$Z#L\x7f\0\0\0\0\0\0\0"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_end(bytes in proptest::collection::vec(prop_oneof![Just(b'['), Just(b'{'), Just(b'$'), Just(b'#'), Just(b'i'), Just(1u8), any::<u8>()], 0..100)) {
            let mut line = Line(String::new());
            let _ = walk(&bytes, &mut line);
        }
    }
}
