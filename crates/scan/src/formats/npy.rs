//! NumPy arrays: raw numbers, or for object arrays a pickle after the header.
//!
//! Source: NumPy enhancement proposal 1, "A Simple File Format for NumPy Arrays".

use crate::scanner::{Content, Scanner};

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let Some((header, data_at)) = header(content.bytes) else {
        scanner.report("npy/malformed", content.at(0), "the array header is cut short or no text");
        return 0;
    };
    let Some(array) = Array::parse(header) else {
        // numpy evaluates the header as a Python literal; what is not the dict it writes is not guessed at.
        scanner.report("npy/malformed", content.at(0), "the array header is not the one NumPy writes");
        return data_at as u64;
    };
    let data = content.bytes.get(data_at..).unwrap_or_default();
    if array.objects {
        let place = content.place.clone();
        return data_at as u64 + crate::pickle::scan_stream(scanner, data, &place, data_at as u64);
    }
    match array.bytes {
        Some(bytes) if bytes == data.len() as u64 => content.bytes.len() as u64,
        Some(bytes) => {
            let message = format!("the header describes {bytes} bytes and {} follow", data.len());
            scanner.report("npy/malformed", content.at(data_at as u64), message);
            (data_at as u64 + bytes).min(content.bytes.len() as u64)
        }
        None => {
            scanner.report("format/unscannable", content.at(0), "an array of a type that is not looked into");
            data_at as u64
        }
    }
}

fn header(bytes: &[u8]) -> Option<(&str, usize)> {
    let length_at = 8;
    let (length, start) = match bytes.get(6)? {
        1 => (u32::from(u16::from_le_bytes(*bytes.get(length_at..)?.first_chunk()?)), 10),
        2 | 3 => (u32::from_le_bytes(*bytes.get(length_at..)?.first_chunk()?), 12),
        _ => return None,
    };
    let end = usize::try_from(length).ok()?.checked_add(start)?;
    Some((std::str::from_utf8(bytes.get(start..end)?).ok()?, end))
}

/// What the header says.
struct Array {
    objects: bool,
    /// Bytes of data; `None` for structured types, whose size is not worked out here.
    bytes: Option<u64>,
}

impl Array {
    /// `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }` and padding.
    fn parse(header: &str) -> Option<Self> {
        let body = header.trim().strip_prefix('{')?.strip_suffix('}')?;
        let descr = body.split_once("'descr':")?.1.trim_start();
        let shape = body.rsplit_once("'shape':")?.1.trim_start().strip_prefix('(')?.split_once(')')?.0;
        let mut count = 1u64;
        for dim in shape.split(',').map(str::trim).filter(|d| !d.is_empty()) {
            // Python 2 wrote long integers as 3L.
            count = count.checked_mul(dim.strip_suffix('L').unwrap_or(dim).parse().ok()?)?;
        }
        let Some(simple) = descr.strip_prefix('\'').and_then(|d| d.split_once('\'')).map(|(d, _)| d) else {
            // A structured type has objects if any of its fields is of type O.
            return Some(Self { objects: descr.contains("O'"), bytes: None });
        };
        let mut chars = simple.trim_start_matches(['<', '>', '|', '=']).chars();
        let kind = chars.next()?;
        let width: Option<u64> = chars.as_str().parse().ok();
        let item = match kind {
            'O' => return Some(Self { objects: true, bytes: None }),
            'U' => width?.checked_mul(4)?,
            'b' | 'i' | 'u' | 'f' | 'c' | 'S' | 'V' => width?,
            _ => return Some(Self { objects: false, bytes: None }),
        };
        Some(Self { objects: false, bytes: Some(count.checked_mul(item)?) })
    }
}

#[cfg(test)]
mod tests {
    use super::Array;

    #[test]
    fn headers_are_read_as_numpy_writes_them() {
        let bytes = |h| Array::parse(h).and_then(|a| a.bytes);
        assert_eq!(bytes("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }  \n"), Some(96));
        assert_eq!(bytes("{'descr': '|b1', 'fortran_order': False, 'shape': (), }"), Some(1));
        assert_eq!(bytes("{'descr': '<U3', 'fortran_order': True, 'shape': (2,), }"), Some(24));
        assert!(Array::parse("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }").unwrap().objects);
        assert!(Array::parse("{'descr': [('a', '<i4'), ('b', '|O')], 'shape': (2,), }").unwrap().objects);
        assert!(Array::parse("__import__('os')").is_none());
        assert!(Array::parse("{'descr': '<f8', 'shape': (99999999999, 99999999999), }").is_none());
    }
}
