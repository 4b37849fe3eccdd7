//! The file of a trained linear detector.
//!
//! ```text
//! 8 bytes   magic "PHLINDET"
//! 4 bytes   length of the header, little endian
//! header    JSON: sizes, scales, calibration, and what the weights were trained on
//! weights   one signed byte for each slot
//! 32 bytes  SHA-256 of everything before
//! ```
//!
//! The digest at the end finds damage; whether the weights are the right ones is for the signature of the
//! release that carries them. Weights may come from `redteam learn` on another machine, so the parser
//! trusts nothing: sizes are bounded before anything is allocated, and every number must be finite.

use std::borrow::Cow;
use std::collections::BTreeMap;

use proofhouse_core::Digest;
use proofhouse_dialogue::Carrier;
use serde::{Deserialize, Serialize};

use super::features::Tables;

const MAGIC: &[u8; 8] = b"PHLINDET";
const FORMAT: u32 = 1;
const MAX_HEADER: usize = 64 * 1024;
/// Two to this power is the most slots a table may have: 2 MiB for both together at 20.
const MAX_BITS: u32 = 20;
const DIGEST: usize = 32;

/// Why a file is not a linear detector's weights.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// It is something else.
    #[error("this is not a weights file: it does not begin with PHLINDET")]
    Magic,
    /// It ends too early or goes on too long.
    #[error("the weights file has {found} bytes where its header calls for {expected}; copy it again")]
    Length {
        /// Bytes that the header calls for.
        expected: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// The bytes were changed.
    #[error("the weights file is damaged: its bytes do not match the digest at its end")]
    Digest,
    /// The header is no header.
    #[error("the header of the weights file cannot be read: {0}")]
    Header(String),
    /// A later build wrote it.
    #[error("the weights file has format {0}, and this build reads format 1; train it again with this build")]
    Format(u32),
    /// A number in the header is outside its range.
    #[error("the header of the weights file states `{field}` = {value}, which is outside {range}")]
    Range {
        /// The field.
        field: &'static str,
        /// What it states.
        value: f64,
        /// What is allowed.
        range: &'static str,
    },
    /// A carrier has no thresholds.
    #[error("the weights file has no calibration for {0:?} texts")]
    Carrier(Carrier),
}

/// From the logit of the best window to a verdict, for texts of one carrier.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// How much the highest of *n* benign windows exceeds one window's: this times ln *n* is taken off.
    pub per_log_window: f32,
    /// Corrected logits from here on are grey.
    pub grey: f32,
    /// Corrected logits from here on are attacks.
    pub attack: f32,
    /// The slope of the probability in the corrected logit; it is one half at `attack`.
    pub slope: f32,
}

/// Rows of one source that the weights were trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainedOn {
    /// Texts.
    pub rows: u64,
    /// Of these, attacks.
    pub attacks: u64,
    /// SHA-256 over the texts in order, each with its length.
    pub digest: String,
}

/// What the weights are and where they come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The layout of the file.
    pub format: u32,
    /// Two to this power slots for characters.
    pub char_bits: u32,
    /// Two to this power slots for words.
    pub word_bits: u32,
    /// One step of a byte in the character table.
    pub char_scale: f32,
    /// One step of a byte in the word table.
    pub word_scale: f32,
    /// The logit of a text without features.
    pub bias: f32,
    /// Thresholds for each kind of text.
    pub calibration: BTreeMap<Carrier, Calibration>,
    /// Settings of the training program, as it prints them.
    pub settings: BTreeMap<String, String>,
    /// The data, by source.
    pub sources: BTreeMap<String, TrainedOn>,
}

/// A weights file that has been checked.
#[derive(Debug, Clone)]
pub(super) struct WeightsFile {
    pub header: Header,
    pub tables: Tables,
    pub digest: Digest,
    bytes: Cow<'static, [u8]>,
    offset: usize,
}

impl WeightsFile {
    /// Checks `bytes`.
    pub(super) fn parse(bytes: Cow<'static, [u8]>) -> Result<Self, WeightsError> {
        let rest = bytes.strip_prefix(MAGIC.as_slice()).ok_or(WeightsError::Magic)?;
        let short = |expected| WeightsError::Length { expected, found: bytes.len() };
        let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(|| short(12))?;
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_HEADER {
            return Err(WeightsError::Header(format!("it claims {length} bytes, more than {MAX_HEADER}")));
        }
        let header = rest.get(..length).ok_or_else(|| short(12 + length))?;
        let header: Header =
            serde_json::from_slice(header).map_err(|error| WeightsError::Header(error.to_string()))?;
        let tables = check(&header)?;
        let offset = 12 + length;
        let expected = offset + tables.slots() + DIGEST;
        if bytes.len() != expected {
            return Err(short(expected));
        }
        let (content, digest) = bytes.split_at(expected - DIGEST);
        let found = Digest::of(content);
        if found.as_bytes().as_slice() != digest {
            return Err(WeightsError::Digest);
        }
        Ok(Self { header, tables, digest: found, bytes, offset })
    }

    /// Writes a file.
    pub(super) fn write(header: &Header, weights: &[i8]) -> Result<Vec<u8>, WeightsError> {
        let json = serde_json::to_vec(header).map_err(|error| WeightsError::Header(error.to_string()))?;
        let length = u32::try_from(json.len())
            .ok()
            .filter(|length| *length as usize <= MAX_HEADER)
            .ok_or_else(|| WeightsError::Header(format!("{} bytes are too many", json.len())))?;
        let mut bytes = Vec::with_capacity(12 + json.len() + weights.len() + DIGEST);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&json);
        bytes.extend(weights.iter().map(|weight| weight.cast_unsigned()));
        let digest = Digest::of(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        Ok(bytes)
    }

    /// The weights, a byte for each slot.
    pub(super) fn weights(&self) -> &[u8] {
        self.bytes.get(self.offset..self.bytes.len() - DIGEST).unwrap_or_default()
    }
}

/// Checks what the header states, and returns the sizes.
fn check(header: &Header) -> Result<Tables, WeightsError> {
    if header.format != FORMAT {
        return Err(WeightsError::Format(header.format));
    }
    for (field, bits) in [("char_bits", header.char_bits), ("word_bits", header.word_bits)] {
        if !(8..=MAX_BITS).contains(&bits) {
            return Err(WeightsError::Range { field, value: bits.into(), range: "8 to 20" });
        }
    }
    for (field, value) in [("char_scale", header.char_scale), ("word_scale", header.word_scale)] {
        if !(value.is_finite() && (0.0..=1000.0).contains(&value)) {
            return Err(WeightsError::Range { field, value: value.into(), range: "0 to 1000" });
        }
    }
    within("bias", header.bias, -1000.0, 1000.0, "-1000 to 1000")?;
    for carrier in [Carrier::Chat, Carrier::Document, Carrier::Code] {
        let calibration = header.calibration.get(&carrier).ok_or(WeightsError::Carrier(carrier))?;
        within("per_log_window", calibration.per_log_window, 0.0, 100.0, "0 to 100")?;
        within("attack", calibration.attack, -1000.0, 1000.0, "-1000 to 1000")?;
        within("grey", calibration.grey, -1000.0, calibration.attack, "-1000 to `attack`")?;
        within("slope", calibration.slope, 1e-3, 1000.0, "0.001 to 1000")?;
    }
    Ok(Tables { chars: header.char_bits, words: header.word_bits })
}

fn within(
    field: &'static str,
    value: f32,
    low: f32,
    high: f32,
    range: &'static str,
) -> Result<(), WeightsError> {
    if value.is_finite() && value >= low && value <= high {
        Ok(())
    } else {
        Err(WeightsError::Range { field, value: value.into(), range })
    }
}

impl Header {
    /// The layout that this build writes.
    pub(super) const FORMAT: u32 = FORMAT;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header() -> Header {
        let calibration = Calibration { per_log_window: 0.3, grey: 0.0, attack: 1.0, slope: 2.0 };
        Header {
            format: FORMAT,
            char_bits: 8,
            word_bits: 8,
            char_scale: 0.1,
            word_scale: 0.1,
            bias: -1.0,
            calibration: [Carrier::Chat, Carrier::Document, Carrier::Code].map(|c| (c, calibration)).into(),
            settings: BTreeMap::new(),
            sources: BTreeMap::new(),
        }
    }

    fn file() -> Vec<u8> {
        let weights: Vec<i8> = (0..512).map(|i| i8::try_from(i % 200 - 100).unwrap()).collect();
        WeightsFile::write(&header(), &weights).unwrap()
    }

    fn error(change: impl FnOnce(&mut Header)) -> String {
        let mut header = header();
        change(&mut header);
        let bytes = WeightsFile::write(&header, &[0; 512]).unwrap();
        WeightsFile::parse(bytes.into()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read() {
        let read = WeightsFile::parse(file().into()).unwrap();
        assert_eq!(read.header, header());
        assert_eq!(read.weights().len(), 512);
    }

    #[test]
    fn errors_name_the_field() {
        assert!(error(|h| h.format = 7).contains("format 7"));
        assert!(error(|h| h.char_bits = 40).contains("char_bits"));
        assert!(error(|h| h.word_bits = 9).contains("bytes"));
        assert!(error(|h| h.bias = 1e9).contains("bias"));
        assert!(error(|h| h.char_scale = -1.0).contains("char_scale"));
        assert!(error(|h| h.calibration.get_mut(&Carrier::Code).unwrap().grey = 2.0).contains("grey"));
        assert!(error(|h| assert!(h.calibration.remove(&Carrier::Document).is_some())).contains("Document"));
        assert!(matches!(WeightsFile::parse(b"MZ".as_slice().into()), Err(WeightsError::Magic)));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert!(WeightsFile::parse(bytes.clone().into()).is_err());
            let mut tail = MAGIC.to_vec();
            tail.extend(bytes);
            prop_assert!(WeightsFile::parse(tail.into()).is_err());
        }

        #[test]
        fn a_changed_byte_or_a_cut_is_refused(at in 0usize..1500, to in any::<u8>()) {
            let good = file();
            let mut changed = good.clone();
            let at = at % changed.len();
            prop_assume!(changed[at] != to);
            changed[at] = to;
            prop_assert!(WeightsFile::parse(changed.into()).is_err());
            prop_assert!(WeightsFile::parse(good[..at].to_vec().into()).is_err());
        }
    }
}
