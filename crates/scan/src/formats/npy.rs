//! NumPy arrays: raw numbers, or for object arrays a pickle after the header.
//!
//! Source: NumPy enhancement proposal 1, "A Simple File Format for NumPy Arrays".

use crate::scanner::{Content, Scanner};
use crate::tensor::{self, Numbers, Tensor};
use header::Array;

mod header;

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let Some((header, data_at)) = header_text(content.bytes) else {
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
        return data_at as u64 + crate::pickle::scan_behind(scanner, content, data_at);
    }
    match array.bytes {
        Some(bytes) if bytes == data.len() as u64 => {
            let tensor = Tensor { name: "", at: data_at as u64, bytes: data, float: array.float };
            tensor::look(scanner, content, "tensor/payload", Numbers::Data, &[tensor]);
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

fn header_text(bytes: &[u8]) -> Option<(&str, usize)> {
    let length_at = 8;
    let (length, start) = match bytes.get(6)? {
        1 => (u32::from(u16::from_le_bytes(*bytes.get(length_at..)?.first_chunk()?)), 10),
        2 | 3 => (u32::from_le_bytes(*bytes.get(length_at..)?.first_chunk()?), 12),
        _ => return None,
    };
    let end = usize::try_from(length).ok()?.checked_add(start)?;
    Some((std::str::from_utf8(bytes.get(start..end)?).ok()?, end))
}
