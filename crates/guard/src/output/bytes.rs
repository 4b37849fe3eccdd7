//! The scanner for bytes that may be cut within a character.

use super::{Released, Scanner};

/// A [`Scanner`] that takes bytes. What is no UTF-8 becomes U+FFFD, as in
/// [`String::from_utf8_lossy`], wherever the bytes are cut.
#[derive(Debug)]
pub struct ByteScanner {
    scanner: Scanner,
    /// The beginning of a character whose rest has not arrived: at most three bytes.
    cut: Vec<u8>,
}

impl ByteScanner {
    /// Takes bytes for a scanner.
    #[must_use]
    pub const fn new(scanner: Scanner) -> Self {
        Self { scanner, cut: Vec::new() }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Released {
        let joined;
        let mut rest = if self.cut.is_empty() {
            bytes
        } else {
            self.cut.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.cut);
            &joined[..]
        };
        let mut text = String::with_capacity(rest.len());
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    break;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    match error.error_len() {
                        Some(length) => {
                            text.push('\u{fffd}');
                            rest = after.get(length..).unwrap_or_default();
                        }
                        None => {
                            self.cut = after.to_vec();
                            break;
                        }
                    }
                }
            }
        }
        self.scanner.push(&text)
    }

    /// Ends the text.
    pub fn finish(mut self) -> Released {
        let mut released = Released::default();
        if !self.cut.is_empty() {
            released.append(self.scanner.push("\u{fffd}"));
        }
        released.append(self.scanner.finish());
        released
    }
}
