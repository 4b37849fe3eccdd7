//! NumPy files: arrays of numbers (`.npy`, format 1.0 to 3.0) and archives of them (`.npz`).
//!
//! Rows for attacks and evaluations come as they lie on researchers' disks. Object arrays are pickles and are
//! refused: nothing here runs what a file says. Source: NEP 1, *A Simple File Format for NumPy Arrays*.

use std::collections::BTreeMap;

use proofhouse_artifact::zip::{Archive, Limits};

use crate::DatasetError;

const MAGIC: &[u8] = b"\x93NUMPY";
/// Longest header that is read; NumPy itself asks before it reads a longer one.
const MAX_HEADER: usize = 10_000;
/// Largest array, in bytes.
const MAX_BYTES: u64 = 4 << 30;
/// Most dimensions: NumPy's own limit.
const MAX_DIMENSIONS: usize = 64;

/// A dense array of numbers, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct NumpyArray {
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Its values: integers beyond 2^53 are rounded.
    pub values: Vec<f64>,
}

impl NumpyArray {
    /// Reads a `.npy` file.
    ///
    /// # Errors
    /// What is no such file, is shorter than its shape says, or holds something other than numbers.
    pub fn read(bytes: &[u8]) -> Result<Self, DatasetError> {
        let (header, data) = split(bytes)?;
        let header = Header::parse(header)?;
        let count = header.shape.iter().try_fold(1_usize, |n, d| n.checked_mul(*d));
        let wanted = count.and_then(|n| n.checked_mul(header.element.width()));
        let Some(data) = wanted.and_then(|n| data.get(..n)) else {
            return Err(wrong(format!(
                "its shape {:?} calls for more than its {} bytes",
                header.shape,
                data.len()
            )));
        };
        let values: Vec<f64> =
            data.chunks_exact(header.element.width()).map(|chunk| header.element.value(chunk)).collect();
        let values = if header.fortran { row_major(&values, &header.shape) } else { values };
        Ok(Self { shape: header.shape, values })
    }

    /// Reads the arrays of a `.npz` archive by name.
    ///
    /// # Errors
    /// What [`Self::read`] refuses about any of them, and a broken archive.
    pub fn read_archive(bytes: &[u8]) -> Result<BTreeMap<String, Self>, DatasetError> {
        let archive = Archive::walk(bytes, &Limits::default()).map_err(|error| wrong(error.to_string()))?;
        let mut arrays = BTreeMap::new();
        for member in archive.members() {
            let Some(name) = member.name.strip_suffix(".npy") else { continue };
            let content = archive.read(member, MAX_BYTES).map_err(|error| wrong(error.to_string()))?;
            if !(content.crc_matches && content.size_matches) {
                return Err(wrong(format!("{name}: the archive is damaged there, its checksum differs")));
            }
            let array = Self::read(&content.bytes).map_err(|e| wrong(format!("{name}: {e}")))?;
            if arrays.insert(name.to_owned(), array).is_some() {
                return Err(wrong(format!("two arrays are called {name}")));
            }
        }
        Ok(arrays)
    }
}

fn wrong(reason: impl Into<String>) -> DatasetError {
    DatasetError::Numpy(reason.into())
}

/// Header and data.
fn split(bytes: &[u8]) -> Result<(&str, &[u8]), DatasetError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| wrong("it does not begin as a NumPy file does"))?;
    let short = || wrong("it ends within its header");
    let (length, rest) = match rest {
        [1, _, low, high, rest @ ..] => (usize::from(u16::from_le_bytes([*low, *high])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => {
            (usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX), rest)
        }
        [1..=3, ..] => return Err(short()),
        _ => return Err(wrong("its format version is none of 1.0, 2.0 and 3.0")),
    };
    if length > MAX_HEADER {
        return Err(wrong(format!("its header of {length} bytes is longer than {MAX_HEADER}")));
    }
    let (header, data) = rest.split_at_checked(length).ok_or_else(short)?;
    Ok((std::str::from_utf8(header).map_err(|_| wrong("its header is not UTF-8"))?, data))
}

/// What a header says.
struct Header {
    element: Element,
    fortran: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Parses the dictionary that NumPy writes: three known keys, literals as values.
    fn parse(text: &str) -> Result<Self, DatasetError> {
        let odd = || wrong("its header is not the dictionary of descr, fortran_order and shape");
        let inner = text.trim().strip_prefix('{').and_then(|t| t.strip_suffix('}')).ok_or_else(odd)?;
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        let mut rest = inner.trim();
        while !rest.is_empty() {
            let (key, after) = quoted(rest).ok_or_else(odd)?;
            let after = after.trim_start().strip_prefix(':').ok_or_else(odd)?.trim_start();
            let (known, after) = match key {
                "descr" => {
                    let (value, after) = quoted(after).ok_or_else(|| {
                        wrong("its elements are records; save each field as an array of its own")
                    })?;
                    (descr.replace(Element::parse(value)?).is_none(), after)
                }
                "fortran_order" => {
                    let (value, after) = match (after.strip_prefix("True"), after.strip_prefix("False")) {
                        (Some(after), _) => (true, after),
                        (_, Some(after)) => (false, after),
                        _ => return Err(odd()),
                    };
                    (fortran.replace(value).is_none(), after)
                }
                "shape" => {
                    let (value, after) =
                        after.strip_prefix('(').and_then(|t| t.split_once(')')).ok_or_else(odd)?;
                    (shape.replace(dimensions(value).ok_or_else(odd)?).is_none(), after)
                }
                _ => return Err(odd()),
            };
            if !known {
                return Err(wrong(format!("its header says {key} twice")));
            }
            let after = after.trim_start();
            rest = after.strip_prefix(',').unwrap_or(after).trim_start();
            if rest == after && !rest.is_empty() {
                return Err(odd());
            }
        }
        Ok(Self {
            element: descr.ok_or_else(odd)?,
            fortran: fortran.ok_or_else(odd)?,
            shape: shape.ok_or_else(odd)?,
        })
    }
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text.get(1..)?.split_once(quote)
}

fn dimensions(text: &str) -> Option<Vec<usize>> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let (last, parts) = parts.split_last()?;
    let parts = if last.is_empty() { parts.to_vec() } else { [parts, &[*last]].concat() };
    if parts.len() > MAX_DIMENSIONS {
        return None;
    }
    parts.into_iter().map(|part| part.trim_end_matches('L').parse().ok()).collect()
}

/// An element type with its byte order.
#[derive(Debug, Clone, Copy)]
struct Element {
    kind: Kind,
    big: bool,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Float(usize),
    Signed(usize),
    Unsigned(usize),
}

impl Element {
    fn parse(descr: &str) -> Result<Self, DatasetError> {
        let refused = || {
            wrong(format!(
                "its elements are {descr:?}; numbers of at most 8 bytes are read, pickled objects never"
            ))
        };
        let (order, rest) = descr.split_at_checked(1).ok_or_else(refused)?;
        let (kind, width) = rest.split_at_checked(1).ok_or_else(refused)?;
        let width: usize = width.parse().map_err(|_| refused())?;
        let kind = match (kind, width) {
            ("f", 2 | 4 | 8) => Kind::Float(width),
            ("i", 1 | 2 | 4 | 8) => Kind::Signed(width),
            ("u", 1 | 2 | 4 | 8) | ("b", 1) => Kind::Unsigned(width),
            _ => return Err(refused()),
        };
        match order {
            "<" | "|" | "=" => Ok(Self { kind, big: false }),
            ">" => Ok(Self { kind, big: true }),
            _ => Err(refused()),
        }
    }

    const fn width(self) -> usize {
        match self.kind {
            Kind::Float(width) | Kind::Signed(width) | Kind::Unsigned(width) => width,
        }
    }

    fn value(self, bytes: &[u8]) -> f64 {
        let mut raw = [0_u8; 8];
        for (slot, at) in raw.iter_mut().zip(0..bytes.len()) {
            let at = if self.big { bytes.len() - 1 - at } else { at };
            *slot = bytes.get(at).copied().unwrap_or_default();
        }
        let bits = u64::from_le_bytes(raw);
        match self.kind {
            Kind::Float(8) => f64::from_bits(bits),
            Kind::Float(4) => f64::from(f32::from_bits(bits as u32)),
            Kind::Float(_) => half(bits as u16),
            Kind::Unsigned(_) => bits as f64,
            Kind::Signed(width) => {
                let unused = 64 - 8 * u32::try_from(width).unwrap_or(8);
                ((bits << unused) as i64 >> unused) as f64
            }
        }
    }
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2_f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
    }
}

/// Values of a column-major array in row-major order.
fn row_major(values: &[f64], shape: &[usize]) -> Vec<f64> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for dimension in shape {
        strides.push(stride);
        stride *= dimension;
    }
    let mut place = vec![0_usize; shape.len()];
    (0..values.len())
        .map(|_| {
            let at: usize = place.iter().zip(&strides).map(|(p, s)| p * s).sum();
            for (p, d) in place.iter_mut().zip(shape).rev() {
                *p += 1;
                if *p < *d {
                    break;
                }
                *p = 0;
            }
            values.get(at).copied().unwrap_or_default()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn numbers_of_every_kind() {
        for (descr, data, value) in [
            ("<f4", 1.5_f32.to_le_bytes().to_vec(), 1.5),
            (">f8", (-2.25_f64).to_be_bytes().to_vec(), -2.25),
            ("<f2", 0x3e00_u16.to_le_bytes().to_vec(), 1.5),
            ("|u1", vec![200], 200.0),
            ("|i1", vec![200], -56.0),
            (">i4", (-7_i32).to_be_bytes().to_vec(), -7.0),
            ("<i8", (-3_i64).to_le_bytes().to_vec(), -3.0),
            ("|b1", vec![1], 1.0),
        ] {
            let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1,), }}\n");
            let array = NumpyArray::read(&file(&header, &data)).unwrap();
            assert_eq!((array.shape, array.values), (vec![1], vec![value]), "{descr}");
        }
    }

    #[test]
    fn columns_first_becomes_rows_first() {
        let header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }";
        let array = NumpyArray::read(&file(header, &[1, 4, 2, 5, 3, 6])).unwrap();
        assert_eq!(array.values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn what_is_no_array_of_numbers_is_refused_with_the_reason() {
        for (header, data, says) in [
            ("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", &[0_u8; 8][..], "pickled objects"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (9,), }", &[0; 8], "shape"),
            ("{'descr': '<f4', 'shape': (1,), }", &[0; 8], "dictionary"),
            ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", &[0; 8], "records"),
            ("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", &[0; 8], "twice"),
        ] {
            let error = NumpyArray::read(&file(header, data)).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let huge = "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551615, 8), }";
        assert!(NumpyArray::read(&file(huge, &[])).is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), header in "[ -~]{0,80}") {
            let _ = NumpyArray::read(&bytes);
            let _ = NumpyArray::read(&file(&header, &bytes));
            let _ = NumpyArray::read_archive(&bytes);
        }
    }
}
