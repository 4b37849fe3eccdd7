//! Inference bodies of the Open Inference Protocol V2, read strictly and without keeping a tree.
//!
//! The bytes that were read here are the bytes that are forwarded. What two JSON readers understand
//! differently (a key given twice, one spelt with escapes, bytes after the end) is refused, so that the
//! gateway and the model never see different rows.

use std::fmt;

use proofhouse_core::Digest;
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// A tensor's numbers with their shape, in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its datatype as written, such as `FP32`.
    pub datatype: String,
    /// Its shape.
    pub shape: Vec<u64>,
    /// Its numbers; empty where it holds texts.
    pub data: Vec<f32>,
}

/// A body is no inference request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the body is no inference request: {0}")]
pub(crate) struct BodyError(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    #[serde(rename = "id", default)]
    _id: Option<String>,
    #[serde(rename = "parameters", default)]
    _parameters: Option<Parameters>,
    inputs: Vec<RawTensor>,
    #[serde(rename = "outputs", default)]
    _outputs: Option<Vec<RequestedOutput>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestedOutput {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "parameters", default)]
    _parameters: Option<Parameters>,
}

/// An answer may have members this gateway does not know; it is only observed.
#[derive(Deserialize)]
struct Response {
    outputs: Vec<RawTensor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTensor {
    name: String,
    shape: Vec<u64>,
    datatype: String,
    #[serde(rename = "parameters", default)]
    _parameters: Option<Parameters>,
    data: Flat,
}

/// Reads a request body.
pub(crate) fn request(body: &[u8]) -> Result<Vec<Tensor>, BodyError> {
    let request: Request = serde_json::from_slice(body).map_err(|error| BodyError(error.to_string()))?;
    if request.inputs.is_empty() {
        return Err(BodyError("there is no input tensor".to_owned()));
    }
    request.inputs.into_iter().map(RawTensor::checked).collect()
}

/// Reads an answer's outputs, for observation only.
pub(crate) fn response(body: &[u8]) -> Option<Vec<Tensor>> {
    let response: Response = serde_json::from_slice(body).ok()?;
    response.outputs.into_iter().map(|tensor| tensor.checked().ok()).collect()
}

impl RawTensor {
    fn checked(self) -> Result<Tensor, BodyError> {
        let elements = self.shape.iter().try_fold(1_u64, |product, n| product.checked_mul(*n));
        if elements != Some(self.data.elements) {
            return Err(BodyError(format!(
                "tensor {:?} has {} elements, which is not its shape",
                self.name.chars().take(64).collect::<String>(),
                self.data.elements
            )));
        }
        Ok(Tensor { name: self.name, datatype: self.datatype, shape: self.shape, data: self.data.numbers })
    }
}

/// Tensor data, flat or nested, flattened.
#[derive(Default)]
struct Flat {
    numbers: Vec<f32>,
    elements: u64,
}

impl<'de> Deserialize<'de> for Flat {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let mut flat = Self::default();
        Elements(&mut flat).deserialize(d)?;
        Ok(flat)
    }
}

/// Adds what it reads to a tensor. serde_json bounds the nesting.
struct Elements<'a>(&'a mut Flat);

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numbers, texts or truth values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Elements(self.0))?.is_some() {}
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "models compute in single precision")]
    fn visit_f64<E: de::Error>(self, v: f64) -> Result<(), E> {
        self.0.elements += 1;
        self.0.numbers.push(v as f32);
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "models compute in single precision")]
    fn visit_u64<E: de::Error>(self, v: u64) -> Result<(), E> {
        self.visit_f64(v as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "models compute in single precision")]
    fn visit_i64<E: de::Error>(self, v: i64) -> Result<(), E> {
        self.visit_f64(v as f64)
    }

    fn visit_bool<E: de::Error>(self, v: bool) -> Result<(), E> {
        self.visit_f64(f64::from(u8::from(v)))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        self.0.elements += 1;
        Ok(())
    }
}

/// Parameters: a flat map of plain values without a repeated key.
struct Parameters;

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_map(ParametersVisitor)
    }
}

struct ParametersVisitor;

impl<'de> Visitor<'de> for ParametersVisitor {
    type Value = Parameters;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of parameters")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parameters, A::Error> {
        let mut seen = std::collections::HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key) {
                return Err(de::Error::custom("a parameter is given twice"));
            }
            map.next_value::<Plain>()?;
        }
        Ok(Parameters)
    }
}

/// A text, a number or a truth value. Nested maps could repeat keys out of sight.
#[derive(Deserialize)]
#[serde(untagged)]
enum Plain {
    Truth(#[expect(dead_code, reason = "only its type matters")] bool),
    Number(#[expect(dead_code, reason = "only its type matters")] f64),
    Text(#[expect(dead_code, reason = "only its type matters")] String),
}

/// A salted commitment to a body: proves later which body it was, and says nothing about it before.
#[must_use]
pub(crate) fn commitment(salt: [u8; 16], body: &[u8]) -> Digest {
    let mut hasher = proofhouse_core::Hasher::with_domain("proofhouse.request-body.v1");
    hasher.field(&salt);
    hasher.field(body);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(body: &str) -> Result<Vec<Tensor>, BodyError> {
        request(body.as_bytes())
    }

    #[test]
    fn rows_are_read_flat_or_nested() {
        let flat = r#"{"id":"1","parameters":{"a":1},"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[1,2.5,-3,4]}],"outputs":[{"name":"y"}]}"#;
        let nested = r#"{"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[[1,2.5],[-3,4]]}]}"#;
        let tensors = read(flat).unwrap();
        assert_eq!(tensors, read(nested).unwrap());
        assert_eq!(
            (tensors[0].shape.as_slice(), tensors[0].data.as_slice()),
            (&[2, 2][..], &[1.0, 2.5, -3.0, 4.0][..])
        );
        let texts = r#"{"inputs":[{"name":"x","shape":[2],"datatype":"BYTES","data":["a","b"]}]}"#;
        assert!(read(texts).unwrap()[0].data.is_empty());
    }

    #[test]
    fn what_readers_see_differently_is_refused() {
        let tensor = r#"{"name":"x","shape":[1],"datatype":"FP32","data":[1]}"#;
        for body in [
            String::new(),
            "[]".to_owned(),
            "not json".to_owned(),
            r#"{"inputs":[]}"#.to_owned(),
            format!(r#"{{"inputs":[{tensor}],"inputs":[{tensor}]}}"#),
            format!(r#"{{"inputs":[{tensor}],"\u0069nputs":[{tensor}]}}"#),
            format!(r#"{{"inputs":[{tensor}]}} {{}}"#),
            format!("\u{feff}{{\"inputs\":[{tensor}]}}"),
            format!(r#"{{"inputs":[{tensor}],"Inputs":[]}}"#),
            format!(r#"{{"parameters":{{"a":1,"a":2}},"inputs":[{tensor}]}}"#),
            format!(r#"{{"parameters":{{"a":{{"b":1,"b":2}}}},"inputs":[{tensor}]}}"#),
            r#"{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1]}]}"#.to_owned(),
            r#"{"inputs":[{"name":"x","name":"y","shape":[1],"datatype":"FP32","data":[1]}]}"#.to_owned(),
            r#"{"inputs":[{"name":"x","shape":[18446744073709551615,2],"datatype":"FP32","data":[1]}]}"#
                .to_owned(),
            r#"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[NaN]}]}"#.to_owned(),
            r#"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[{}]}]}"#.to_owned(),
            format!(
                r#"{{"inputs":[{{"name":"x","shape":[1],"datatype":"FP32","data":{}1{}}}]}}"#,
                "[".repeat(5000),
                "]".repeat(5000)
            ),
        ] {
            assert!(read(&body).is_err(), "{}", body.get(..body.len().min(120)).unwrap_or_default());
        }
    }

    #[test]
    fn a_commitment_needs_its_salt() {
        assert_ne!(commitment([0; 16], b"a"), commitment([1; 16], b"a"));
        assert_ne!(commitment([0; 16], b"a"), commitment([0; 16], b"b"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = request(&body);
            let _ = response(&body);
        }
    }
}
