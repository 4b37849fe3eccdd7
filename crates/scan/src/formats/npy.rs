//! NumPy arrays: raw numbers, or for object arrays a pickle after the header.
//!
//! Source: NumPy enhancement proposal 1, "A Simple File Format for NumPy Arrays".

use std::borrow::Cow;

use crate::scanner::{Content, Scanner};
use crate::tensor::{self, Numbers, Tensor};
use header::Array;

mod followed;
mod header;

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let Some((header, data_at)) = header_text(content.bytes) else {
        scanner.report("npy/malformed", content.at(0), "the array header is cut short or no text");
        return 0;
    };
    let Some(array) = Array::parse(&header) else {
        // numpy evaluates the header as a Python literal; what is not the dict it writes is not guessed at.
        scanner.report("npy/malformed", content.at(0), "the array header is not the one NumPy writes");
        return data_at as u64;
    };
    let data = content.bytes.get(data_at..).unwrap_or_default();
    if array.objects {
        return data_at as u64 + crate::pickle::scan_behind(scanner, content, data_at);
    }
    match array.bytes {
        Some(bytes) if bytes == data.len() as u64 => {
            let tensor = Tensor { name: "", at: data_at as u64, bytes: data, float: array.float };
            tensor::look(scanner, content, "tensor/payload", Numbers::Data, &[tensor]);
            if let Some(message) = followed::fault(&header, data) {
                scanner.report("npy/structure", content.at(data_at as u64), message);
            }
            content.bytes.len() as u64
        }
        Some(bytes) => {
            let message = format!("the header describes {bytes} bytes and {} follow", data.len());
            scanner.report("npy/malformed", content.at(data_at as u64), message);
            (data_at as u64 + bytes).min(content.bytes.len() as u64)
        }
        // NumPy knows more names of types than these, and some of them have objects.
        None if data.starts_with(b"\x80") || proofhouse_artifact::pickle::looks_headless(data) => {
            scanner.report(
                "npy/malformed",
                content.at(0),
                "an array of a type that is not known holds a pickle",
            );
            data_at as u64 + crate::pickle::scan_behind(scanner, content, data_at)
        }
        None => {
            scanner.report("format/unscannable", content.at(0), "an array of a type that is not looked into");
            data_at as u64
        }
    }
}

/// The header as NumPy reads it: Latin-1, and UTF-8 from version 3 on.
fn header_text(bytes: &[u8]) -> Option<(Cow<'_, str>, usize)> {
    let length_at = 8;
    let (length, start) = match bytes.get(6)? {
        1 => (u32::from(u16::from_le_bytes(*bytes.get(length_at..)?.first_chunk()?)), 10),
        2 | 3 => (u32::from_le_bytes(*bytes.get(length_at..)?.first_chunk()?), 12),
        _ => return None,
    };
    let end = usize::try_from(length).ok()?.checked_add(start)?;
    let header = bytes.get(start..end)?;
    let text = match bytes.get(6)? {
        3 => Cow::Borrowed(std::str::from_utf8(header).ok()?),
        _ => Cow::Owned(header.iter().map(|byte| char::from(*byte)).collect()),
    };
    Some((text, end))
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    #[test]
    fn names_of_fields_are_latin_1_or_utf_8() {
        let outcome = |version: u8, name: &[u8]| {
            let header =
                [b"{'descr': [('", name, b"', '<i4')], 'fortran_order': False, 'shape': (1,), }\n"].concat();
            let length = (header.len() as u32).to_le_bytes();
            let length = if version == 1 { &length[..2] } else { &length[..] };
            let bytes = [&b"\x93NUMPY"[..], &[version, 0], length, &header, &[0; 4]].concat();
            scan_bytes(&"a.npy".parse().unwrap(), &bytes, &Limits::default()).outcome
        };
        assert_eq!(outcome(1, b"na\xefve"), Outcome::Clean);
        assert_eq!(outcome(3, "naïve".as_bytes()), Outcome::Clean);
        assert_eq!(outcome(3, b"na\xefve"), Outcome::Suspicious);
    }
}
