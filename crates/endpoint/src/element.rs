//! Datatypes of the Open Inference Protocol, and values written in them.
//!
//! A value is sent in the datatype that a model declares, and only where that holds it: a fraction is never cut off to
//! a whole number, a large number never wraps. Who changes rows decides how they are rounded. Real numbers are rounded
//! to the nearest that the datatype has, which is what reading them there would do.

use half::{bf16, f16};

use crate::EndpointError;
use crate::tensor::Datatype;

/// A datatype of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the protocol's own word")]
pub enum Element {
    Bool,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Int8,
    Int16,
    Int32,
    Int64,
    Fp16,
    Bf16,
    Fp32,
    Fp64,
    Bytes,
}

use Element::{
    Bf16, Bool, Bytes, Fp16, Fp32, Fp64, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64,
};

/// The largest whole number up to which a double holds all.
const EXACT: f64 = (1_u64 << 53) as f64;

/// Every datatype by its name.
const NAMES: [(&str, Element); 14] = [
    ("BOOL", Bool),
    ("UINT8", Uint8),
    ("UINT16", Uint16),
    ("UINT32", Uint32),
    ("UINT64", Uint64),
    ("INT8", Int8),
    ("INT16", Int16),
    ("INT32", Int32),
    ("INT64", Int64),
    ("FP16", Fp16),
    ("BF16", Bf16),
    ("FP32", Fp32),
    ("FP64", Fp64),
    ("BYTES", Bytes),
];

impl Element {
    /// The datatype of this name.
    #[must_use]
    pub fn read(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, element)| *element)
    }

    /// What its values are.
    #[must_use]
    pub const fn kind(self) -> Datatype {
        match self {
            Bool => Datatype::Bool,
            Fp16 | Bf16 | Fp32 | Fp64 => Datatype::Real,
            Bytes => Datatype::Bytes,
            _ => Datatype::Whole,
        }
    }

    /// The smallest and the largest value where only whole numbers are values. Of 64 bits, those that a double holds
    /// exactly.
    #[must_use]
    pub const fn whole(self) -> Option<(f64, f64)> {
        Some(match self {
            Bool => (0.0, 1.0),
            Uint8 => (0.0, u8::MAX as f64),
            Uint16 => (0.0, u16::MAX as f64),
            Uint32 => (0.0, u32::MAX as f64),
            Uint64 => (0.0, EXACT),
            Int8 => (i8::MIN as f64, i8::MAX as f64),
            Int16 => (i16::MIN as f64, i16::MAX as f64),
            Int32 => (i32::MIN as f64, i32::MAX as f64),
            Int64 => (-EXACT, EXACT),
            Fp16 | Bf16 | Fp32 | Fp64 | Bytes => return None,
        })
    }

    /// Bytes of one value where values stand one after the other; nothing for texts, which differ in length.
    #[must_use]
    pub const fn width(self) -> Option<usize> {
        Some(match self {
            Bool | Uint8 | Int8 => 1,
            Uint16 | Int16 | Fp16 | Bf16 => 2,
            Uint32 | Int32 | Fp32 => 4,
            Uint64 | Int64 | Fp64 => 8,
            Bytes => return None,
        })
    }

    /// The value as this datatype has it.
    ///
    /// # Errors
    /// What is wrong with it, in words that go behind it: "is no whole number".
    pub fn hold(self, value: f64) -> Result<f64, &'static str> {
        if let Some((low, high)) = self.whole() {
            return match value {
                v if v.is_nan() => Err("is no number"),
                v if v.fract() != 0.0 => Err("is no whole number"),
                v if !(low..=high).contains(&v) => Err("is outside its range"),
                v => Ok(v),
            };
        }
        let held = match self {
            Fp16 => f16::from_f64(value).to_f64(),
            Bf16 => bf16::from_f64(value).to_f64(),
            Fp32 => f64::from(value as f32),
            Fp64 => value,
            _ => return Err("is no text"),
        };
        if value.is_finite() && !held.is_finite() { Err("is outside its range") } else { Ok(held) }
    }

    /// The value's bytes, little-endian, as `raw_input_contents` of gRPC has them. It is one that [`Self::hold`] gave.
    pub(crate) fn write(self, value: f64, out: &mut Vec<u8>) {
        match self {
            Bool | Uint8 => out.push(value as u8),
            Int8 => out.extend((value as i8).to_le_bytes()),
            Uint16 => out.extend((value as u16).to_le_bytes()),
            Int16 => out.extend((value as i16).to_le_bytes()),
            Uint32 => out.extend((value as u32).to_le_bytes()),
            Int32 => out.extend((value as i32).to_le_bytes()),
            Uint64 => out.extend((value as u64).to_le_bytes()),
            Int64 => out.extend((value as i64).to_le_bytes()),
            Fp16 => out.extend(f16::from_f64(value).to_le_bytes()),
            Bf16 => out.extend(bf16::from_f64(value).to_le_bytes()),
            Fp32 => out.extend((value as f32).to_le_bytes()),
            Fp64 => out.extend(value.to_le_bytes()),
            Bytes => {}
        }
    }

    /// The value of these bytes, as many as [`Self::width`] says.
    pub(crate) fn value(self, bytes: &[u8]) -> Option<f64> {
        Some(match self {
            Bool => f64::from(u8::from(*bytes.first()? != 0)),
            Uint8 => f64::from(*bytes.first()?),
            Int8 => f64::from(bytes.first()?.cast_signed()),
            Uint16 => u16::from_le_bytes(bytes.try_into().ok()?).into(),
            Int16 => i16::from_le_bytes(bytes.try_into().ok()?).into(),
            Uint32 => u32::from_le_bytes(bytes.try_into().ok()?).into(),
            Int32 => i32::from_le_bytes(bytes.try_into().ok()?).into(),
            Uint64 => u64::from_le_bytes(bytes.try_into().ok()?) as f64,
            Int64 => i64::from_le_bytes(bytes.try_into().ok()?) as f64,
            Fp16 => f16::from_le_bytes(bytes.try_into().ok()?).to_f64(),
            Bf16 => bf16::from_le_bytes(bytes.try_into().ok()?).to_f64(),
            Fp32 => f32::from_le_bytes(bytes.try_into().ok()?).into(),
            Fp64 => f64::from_le_bytes(bytes.try_into().ok()?),
            Bytes => return None,
        })
    }
}

/// Values of one input in the datatype that it declares.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fed<'a> {
    pub name: &'a str,
    pub element: Element,
    /// The name of the datatype.
    pub datatype: &'a str,
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

impl<'a> Fed<'a> {
    /// Refuses values that the input's datatype does not have.
    pub(crate) fn new(
        (name, datatype): (&'a str, &'a str),
        shape: Vec<usize>,
        values: impl Iterator<Item = f64>,
    ) -> Result<Self, EndpointError> {
        let refuse =
            |why: String| EndpointError::Setting(format!("the input {name:?} takes {datatype}{why}"));
        let element =
            Element::read(datatype).ok_or_else(|| refuse(", which the protocol has not".to_owned()))?;
        if element == Bytes {
            return Err(refuse(
                ", and rows hold numbers; put a model before it that reads numbers".to_owned(),
            ));
        }
        let held = |(at, value): (usize, f64)| {
            element.hold(value).map_err(|why| refuse(format!(", and value {at}, {value}, {why}")))
        };
        let values = values.enumerate().map(held).collect::<Result<_, _>>()?;
        Ok(Self { name, element, datatype, shape, values })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_datatype_holds_what_it_has_and_nothing_else() {
        for (element, value, held) in [
            (Uint8, 255.0, Ok(255.0)),
            (Uint8, 256.0, Err("is outside its range")),
            (Uint8, -1.0, Err("is outside its range")),
            (Uint8, 0.5, Err("is no whole number")),
            (Int64, f64::NAN, Err("is no number")),
            (Int64, 2.0 * EXACT, Err("is outside its range")),
            (Int8, -128.0, Ok(-128.0)),
            (Bool, 1.0, Ok(1.0)),
            (Bool, 2.0, Err("is outside its range")),
            (Fp32, f64::from(0.1f32), Ok(f64::from(0.1f32))),
            (Fp16, 0.1, Ok(0.0999755859375)),
            (Fp16, 65519.0, Ok(65504.0)),
            (Fp16, 65520.0, Err("is outside its range")),
            (Bf16, 1.01, Ok(1.0078125)),
            (Fp32, 1e39, Err("is outside its range")),
            (Fp64, 1e39, Ok(1e39)),
        ] {
            assert_eq!(element.hold(value), held, "{element:?} {value}");
        }
        let error = Fed::new(("x", "BYTES"), vec![1], [1.0].into_iter()).unwrap_err().to_string();
        assert!(error.contains("takes BYTES"), "{error}");
        let error = Fed::new(("x", "INT8"), vec![2], [1.0, 0.5].into_iter()).unwrap_err().to_string();
        assert!(error.contains("value 1, 0.5, is no whole number"), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_held_is_written_and_read(value in prop_oneof![any::<f64>(), -300.0..300.0_f64, (-300..300_i32).prop_map(f64::from)]) {
            for (name, element) in NAMES {
                prop_assert_eq!(Element::read(name), Some(element));
                let (Ok(held), Some(width)) = (element.hold(value), element.width()) else { continue };
                let mut bytes = Vec::new();
                element.write(held, &mut bytes);
                prop_assert_eq!(bytes.len(), width);
                let read = element.value(&bytes).unwrap();
                prop_assert!(read == held || (read.is_nan() && held.is_nan()), "{:?} {} {}", element, held, read);
                // What a datatype has, it keeps.
                prop_assert!(element.hold(held).is_ok_and(|again| again == held || again.is_nan()));
            }
        }
    }
}
