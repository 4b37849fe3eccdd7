//! `TensorProto`: element types, and whether the bytes are as many as the shape says.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{ExternalData, StringAttribute};
use crate::ArtifactError;
use crate::protobuf::{Field, Fields, Value, packed_varints};

/// `TensorProto.DataType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementType(pub i32);

impl ElementType {
    /// Its name in the specification.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let names = [
            "UNDEFINED",
            "FLOAT",
            "UINT8",
            "INT8",
            "UINT16",
            "INT16",
            "INT32",
            "INT64",
            "STRING",
            "BOOL",
            "FLOAT16",
            "DOUBLE",
            "UINT32",
            "UINT64",
            "COMPLEX64",
            "COMPLEX128",
            "BFLOAT16",
            "FLOAT8E4M3FN",
            "FLOAT8E4M3FNUZ",
            "FLOAT8E5M2",
            "FLOAT8E5M2FNUZ",
            "UINT4",
            "INT4",
            "FLOAT4E2M1",
            "FLOAT8E8M0",
            "UINT2",
            "INT2",
        ];
        names.get(usize::try_from(self.0).ok()?).copied()
    }

    /// Bits of one element; `None` for strings and types that are not known.
    #[must_use]
    pub const fn bits(self) -> Option<u64> {
        Some(match self.0 {
            2 | 3 | 9 | 17..=20 | 24 => 8,
            4 | 5 | 10 | 16 => 16,
            1 | 6 | 12 => 32,
            7 | 11 | 13 | 14 => 64,
            15 => 128,
            21..=23 => 4,
            25 | 26 => 2,
            _ => return None,
        })
    }

    const STRING: Self = Self(8);
    const INT64: Self = Self(7);
    const BOOL: Self = Self(9);
    const FLOAT: Self = Self(1);
    const FLOAT16: Self = Self(10);
    const DOUBLE: Self = Self(11);
    const INT32: Self = Self(6);
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "type {}", self.0),
        }
    }
}

impl Serialize for ElementType {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Initializer {
    /// Its name.
    pub name: String,
    /// Its element type.
    pub element_type: ElementType,
    /// Its shape; empty for a scalar.
    pub dims: Vec<i64>,
    /// Bytes held in this file.
    pub bytes: u64,
    /// Where the bytes begin in this file, when they are stored raw.
    pub raw_offset: Option<u64>,
    /// Whether the bytes lie in another file.
    pub external: bool,
    /// Whether it is an initializer of the main graph rather than of a nested one or an attribute.
    pub in_main_graph: bool,
}

impl Initializer {
    /// Number of elements by the shape; `None` when it is negative or beyond 2^64.
    #[must_use]
    pub fn elements(&self) -> Option<u64> {
        self.dims.iter().try_fold(1u64, |n, d| n.checked_mul(u64::try_from(*d).ok()?))
    }
}

/// What one `TensorProto` holds.
pub(super) struct Read {
    pub(super) tensor: Initializer,
    pub(super) external: Option<ExternalData>,
    pub(super) strings: Vec<StringAttribute>,
    /// Whole numbers or truth values, or numbers cut to whole ones, of a tensor with few of them.
    pub(super) numbers: Vec<i64>,
    /// The largest number of a tensor with few of them, if they may have fractions.
    pub(super) largest: Option<f64>,
    pub(super) error: Option<ArtifactError>,
}

/// Entries seen in each of the fields that may carry the data.
#[derive(Default)]
struct Stored {
    raw: Option<u64>,
    floats: u64,
    int32s: u64,
    strings: u64,
    int64s: u64,
    doubles: u64,
    uint64s: u64,
}

/// Strings remembered from one tensor: string tensors are data, and nobody needs all of them at once.
const STRINGS_KEPT: usize = 100_000;

pub(super) fn read(fields: Fields<'_>, in_main_graph: bool) -> Read {
    let at = fields.offset();
    let mut out = Read {
        tensor: Initializer {
            name: String::new(),
            element_type: ElementType(0),
            dims: Vec::new(),
            bytes: 0,
            raw_offset: None,
            external: false,
            in_main_graph,
        },
        external: None,
        strings: Vec::new(),
        numbers: Vec::new(),
        largest: None,
        error: None,
    };
    let mut external = ExternalData {
        tensor: String::new(),
        at,
        location: None,
        offset: None,
        length: None,
        unknown: Vec::new(),
        repeats: false,
    };
    let mut stored = Stored::default();
    let mut seen_external = false;
    for field in fields {
        let result = field.and_then(|field| {
            if field.number == 13 {
                seen_external = true;
                return entry(&field, &mut external);
            }
            read_field(&field, &mut out, &mut stored)
        });
        if let Err(error) = result {
            out.error = Some(error);
            break;
        }
    }
    external.tensor.clone_from(&out.tensor.name);
    out.tensor.external |= seen_external;
    out.external = out.tensor.external.then_some(external);
    if out.error.is_none() {
        out.error = check(&out.tensor, &stored)
            .err()
            .map(|what| ArtifactError::malformed("ONNX", at, format!("tensor {:?} {what}", out.tensor.name)));
    }
    for string in &mut out.strings {
        string.holder.clone_from(&out.tensor.name);
    }
    out
}

fn read_field(field: &Field<'_>, out: &mut Read, stored: &mut Stored) -> Result<(), ArtifactError> {
    let tensor = &mut out.tensor;
    match (field.number, field.value) {
        (1, Value::Varint(dim)) => tensor.dims.push(dim.cast_signed()),
        (1, Value::Bytes(packed)) => {
            for dim in packed_varints(packed, field.value_offset) {
                tensor.dims.push(dim?.cast_signed());
            }
        }
        (2, Value::Varint(kind)) => tensor.element_type = ElementType(i32::try_from(kind).unwrap_or(-1)),
        (4, value) => {
            stored.floats += numbers(value, 4, field)?;
            match value {
                Value::Fixed32(bits) => {
                    keep(&mut out.numbers, cut(f32::from_bits(bits)));
                    out.largest = largest(out.largest, f64::from(f32::from_bits(bits)));
                }
                Value::Bytes(packed) => {
                    keep_floats(packed, &mut out.numbers);
                    out.largest = reals(ElementType::FLOAT, packed).fold(out.largest, largest);
                }
                _ => {}
            }
        }
        (5, value) => {
            stored.int32s += numbers(value, 0, field)?;
            match value {
                Value::Varint(truth) if tensor.element_type == ElementType::BOOL => {
                    keep(&mut out.numbers, i64::from(truth != 0));
                }
                Value::Bytes([truth]) if tensor.element_type == ElementType::BOOL => {
                    keep(&mut out.numbers, i64::from(*truth != 0));
                }
                Value::Varint(number) if tensor.element_type == ElementType::INT32 => {
                    keep(&mut out.numbers, number.cast_signed());
                }
                Value::Bytes(packed) if tensor.element_type == ElementType::INT32 => {
                    let all = packed_varints(packed, field.value_offset).take(FEW + 1).filter_map(Result::ok);
                    all.for_each(|number| keep(&mut out.numbers, number.cast_signed()));
                }
                _ => {}
            }
        }
        (6, Value::Bytes(string)) => {
            stored.strings += 1;
            tensor.bytes += string.len() as u64;
            if out.strings.len() < STRINGS_KEPT {
                out.strings.push(StringAttribute {
                    holder: String::new(),
                    offset: field.value_offset,
                    bytes: string.len() as u64,
                });
            }
        }
        (7, value) => {
            stored.int64s += numbers(value, 0, field)?;
            match value {
                Value::Varint(number) => keep(&mut out.numbers, number.cast_signed()),
                Value::Bytes(packed) => packed_varints(packed, field.value_offset)
                    .take(FEW + 1)
                    .filter_map(Result::ok)
                    .for_each(|number| keep(&mut out.numbers, number.cast_signed())),
                _ => {}
            }
        }
        (8, Value::Bytes(name)) => tensor.name = String::from_utf8_lossy(name).into_owned(),
        (9, Value::Bytes(raw)) => {
            stored.raw = Some(raw.len() as u64);
            tensor.raw_offset = Some(field.value_offset);
            if tensor.element_type == ElementType::INT64 && raw.len() <= FEW * 8 {
                raw.chunks_exact(8)
                    .filter_map(|number| number.try_into().ok().map(i64::from_le_bytes))
                    .for_each(|number| keep(&mut out.numbers, number));
            }
            if tensor.element_type == ElementType::INT32 && raw.len() <= FEW * 4 {
                let all = raw.as_chunks::<4>().0.iter();
                all.for_each(|number| keep(&mut out.numbers, i64::from(i32::from_le_bytes(*number))));
            }
            if tensor.element_type == ElementType::FLOAT && raw.len() <= FEW * 4 {
                keep_floats(raw, &mut out.numbers);
            }
            if tensor.element_type == ElementType::BOOL
                && let [truth] = raw
            {
                keep(&mut out.numbers, i64::from(*truth != 0));
            }
            out.largest = reals(tensor.element_type, raw).fold(out.largest, largest);
            tensor.bytes += raw.len() as u64;
        }
        (10, value) => {
            stored.doubles += numbers(value, 8, field)?;
            out.largest = match value {
                Value::Fixed64(bits) => largest(out.largest, f64::from_bits(bits)),
                Value::Bytes(packed) => reals(ElementType::DOUBLE, packed).fold(out.largest, largest),
                _ => out.largest,
            };
        }
        (11, value) => stored.uint64s += numbers(value, 0, field)?,
        (14, Value::Varint(location)) => tensor.external |= location == 1,
        _ => return Ok(()),
    }
    if let (4 | 5 | 7 | 10 | 11, Value::Bytes(packed)) = (field.number, field.value) {
        tensor.bytes += packed.len() as u64;
    }
    Ok(())
}

/// A shape has few numbers.
const FEW: usize = 16;

fn keep(numbers: &mut Vec<i64>, number: i64) {
    if numbers.len() <= FEW {
        numbers.push(number);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and makes none of what is no number"
)]
fn cut(number: f32) -> i64 {
    number as i64
}

fn keep_floats(packed: &[u8], numbers: &mut Vec<i64>) {
    let all = packed.as_chunks::<4>().0.iter().take(FEW + 1);
    all.for_each(|number| keep(numbers, cut(f32::from_le_bytes(*number))));
}

/// The one that is further from zero.
fn largest(known: Option<f64>, number: f64) -> Option<f64> {
    known.filter(|known| known.abs() >= number.abs()).or(Some(number))
}

/// Numbers that may have fractions, of a few bytes.
fn reals(kind: ElementType, bytes: &[u8]) -> impl Iterator<Item = f64> {
    let bytes = if bytes.len() <= FEW * 8 { bytes } else { &[] };
    let width = match kind {
        ElementType::FLOAT16 => 2,
        ElementType::FLOAT => 4,
        ElementType::DOUBLE => 8,
        _ => return Vec::new().into_iter(),
    };
    let number = |one: &[u8]| match *one {
        [a, b] => half(u16::from_le_bytes([a, b])),
        [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
        _ => one.first_chunk().map_or(0.0, |n| f64::from_le_bytes(*n)),
    };
    bytes.chunks_exact(width).map(number).collect::<Vec<f64>>().into_iter()
}

/// A number of half precision; infinite ones are beyond all others.
fn half(bits: u16) -> f64 {
    let (exponent, part) = (i32::from(bits >> 10 & 31), f64::from(bits & 0x3ff) / 1024.0);
    let size = match exponent {
        0 => part * 2f64.powi(-14),
        31 => f64::INFINITY,
        _ => (1.0 + part) * 2f64.powi(exponent - 15),
    };
    if bits >> 15 == 0 { size } else { -size }
}

/// How many numbers a field carries: one, or a packed array of `width`-byte ones (0: varints).
fn numbers(value: Value<'_>, width: u64, field: &Field<'_>) -> Result<u64, ArtifactError> {
    let Value::Bytes(packed) = value else { return Ok(1) };
    let length = packed.len() as u64;
    match width {
        0 => {
            // A varint ends at the first byte below 0x80, so ends are counted instead of values decoded.
            if packed.last().is_some_and(|b| b & 0x80 != 0) {
                return Err(ArtifactError::malformed("ONNX", field.offset, "a packed array ends mid-number"));
            }
            Ok(packed.iter().filter(|b| **b & 0x80 == 0).count() as u64)
        }
        width if length.is_multiple_of(width) => Ok(length / width),
        _ => Err(ArtifactError::malformed("ONNX", field.offset, "a packed array ends mid-number")),
    }
}

fn entry(field: &Field<'_>, external: &mut ExternalData) -> Result<(), ArtifactError> {
    /// Unknown keys that are kept.
    const KEPT: usize = 16;
    let (key, value) = super::walk::key_value(field)?;
    let slot = match key.as_str() {
        "location" => &mut external.location,
        "offset" => &mut external.offset,
        "length" => &mut external.length,
        // `basepath` is what Python's onnx writes, `prepacked…` what its runtime does.
        "checksum" | "basepath" => return Ok(()),
        own if own.starts_with("prepacked") => return Ok(()),
        _ => {
            if external.unknown.len() < KEPT {
                external.unknown.push(key);
            }
            return Ok(());
        }
    };
    external.repeats |= slot.replace(value).is_some();
    Ok(())
}

/// Compares what is stored with what dtype and shape imply.
fn check(tensor: &Initializer, stored: &Stored) -> Result<(), String> {
    let Some(elements) = tensor.elements() else {
        return Err(format!("has the impossible shape {:?}", tensor.dims));
    };
    if tensor.external {
        return Ok(());
    }
    let kind = tensor.element_type;
    if kind == ElementType::STRING {
        return compare("strings", elements, stored.strings);
    }
    let Some(bits) = kind.bits() else {
        return Err(format!("has the element type {kind}, which cannot hold data"));
    };
    let bytes = elements.checked_mul(bits).map(|n| n.div_ceil(8));
    let Some(bytes) = bytes else { return Err(format!("has the impossible shape {:?}", tensor.dims)) };
    if let Some(raw) = stored.raw {
        return compare("bytes", bytes, raw);
    }
    match kind.0 {
        1 => compare("floats", elements, stored.floats),
        14 => compare("floats", elements.saturating_mul(2), stored.floats),
        11 => compare("doubles", elements, stored.doubles),
        15 => compare("doubles", elements.saturating_mul(2), stored.doubles),
        7 => compare("integers", elements, stored.int64s),
        12 | 13 => compare("integers", elements, stored.uint64s),
        // Elements below a byte are packed into bytes, each in an int32 of its own.
        21..=23 | 25 | 26 => compare("packed bytes", bytes, stored.int32s),
        _ => compare("integers", elements, stored.int32s),
    }
}

fn compare(what: &str, implied: u64, stored: u64) -> Result<(), String> {
    if implied == stored {
        return Ok(());
    }
    Err(format!("needs {implied} {what} by its type and shape and holds {stored}"))
}
