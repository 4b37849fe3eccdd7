//! The inference request and response of Open Inference Protocol V2 (REST), without its binary extension.
//!
//! A request is read strictly: a repeated or unknown member, a tensor of another shape, a value that its
//! datatype or the model's float32 cannot hold are all refused and named. What two readers could read
//! differently is not run.

use hyper::StatusCode;
use proofhouse_artifact::json::{self, Value};
use proofhouse_core::Digest;
use proofhouse_onnx::{Dimension, Element, Engine, OnnxError, Tensor, TensorSpec};
use serde::Serialize;
use serde_json::json;

use crate::reply::Refusal;

/// Largest integer up to which float32 carries all of them.
const EXACT: i64 = 1 << 24;

/// A request that fits the model.
#[derive(Debug, PartialEq)]
pub(crate) struct Inference {
    id: Option<String>,
    /// In the order of the model's inputs.
    inputs: Vec<Tensor>,
    /// Indices of the model's outputs, in the order asked for.
    outputs: Vec<usize>,
}

impl Inference {
    /// Reads a request body for a model with these `inputs` and `outputs`.
    pub(crate) fn read(
        body: &[u8],
        inputs: &[TensorSpec],
        outputs: &[TensorSpec],
        batch_rows: usize,
    ) -> Result<Self, Refusal> {
        // A value takes at least one byte, so the bound on bytes is one on values.
        let request =
            json::parse_standard(body, body.len() as u64 + 1).map_err(|e| Refusal::bad(e.to_string()))?;
        let request = Members::of(&request, "the request", &["id", "parameters", "inputs", "outputs"])?;
        let id = request.text("id")?;
        let given = request.array("inputs")?.ok_or_else(|| Refusal::bad("the request has no \"inputs\""))?;
        let mut slots: Vec<Option<Tensor>> = vec![None; inputs.len()];
        for tensor in given {
            let tensor =
                Members::of(tensor, "an input", &["name", "shape", "datatype", "parameters", "data"])?;
            let name = tensor.text("name")?.ok_or_else(|| Refusal::bad("an input has no \"name\""))?;
            let at = inputs.iter().position(|i| i.name == name).ok_or_else(|| {
                Refusal::bad(format!("the model has no input {name:?}; it has {}", names(inputs)))
            })?;
            let value = read_tensor(&name, &tensor, batch_rows)?;
            if slots.get_mut(at).and_then(|slot| slot.replace(value)).is_some() {
                return Err(Refusal::bad(format!("input {name:?} is given twice")));
            }
        }
        let inputs = slots
            .into_iter()
            .zip(inputs)
            .map(|(slot, spec)| slot.ok_or_else(|| Refusal::bad(format!("input {:?} is missing", spec.name))))
            .collect::<Result<_, _>>()?;
        let outputs = match request.array("outputs")? {
            None | Some([]) => (0..outputs.len()).collect(),
            Some(wanted) => wanted.iter().map(|o| read_output(o, outputs)).collect::<Result<_, _>>()?,
        };
        Ok(Self { id, inputs, outputs })
    }

    /// Runs the model and writes the response as JSON text.
    pub(crate) fn run(
        self,
        engine: &dyn Engine,
        digest: Digest,
        name: &str,
        version: &str,
    ) -> Result<String, Refusal> {
        let internal = |why: String| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, why);
        let results = engine.run(&self.inputs).map_err(|error| match error {
            OnnxError::Shape { .. } | OnnxError::Size { .. } | OnnxError::InputCount { .. } => {
                Refusal::bad(error.to_string())
            }
            _ => internal(error.to_string()),
        })?;
        let written = self.outputs.iter().map(|at| match (engine.outputs().get(*at), results.get(*at)) {
            (Some(spec), Some(tensor)) => Output::of(spec, tensor),
            _ => Err("the engine returned fewer outputs than it declares".to_owned()),
        });
        let response = Response {
            model_name: name,
            model_version: version,
            id: self.id.as_deref(),
            parameters: Parameters { proofhouse_model_digest: digest },
            outputs: written.collect::<Result<_, _>>().map_err(internal)?,
        };
        serde_json::to_string(&response).map_err(|e| internal(e.to_string()))
    }
}

#[derive(Serialize)]
struct Response<'a> {
    model_name: &'a str,
    model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    parameters: Parameters,
    outputs: Vec<Output<'a>>,
}

#[derive(Serialize)]
struct Parameters {
    proofhouse_model_digest: Digest,
}

#[derive(Serialize)]
struct Output<'a> {
    name: &'a str,
    datatype: &'static str,
    shape: &'a [usize],
    data: Data<'a>,
}

/// Typed, so that a float32 is written with the digits it needs and no more.
#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Real(&'a [f32]),
    Whole(Vec<i64>),
}

impl<'a> Output<'a> {
    fn of(spec: &'a TensorSpec, tensor: &'a Tensor) -> Result<Self, String> {
        if let Some(at) = tensor.first_not_finite() {
            let value = tensor.data().get(at).copied().unwrap_or(f32::NAN);
            return Err(format!(
                "output {:?} holds {value} at index {at}, which JSON cannot say; the model has no answer to \
                 this input",
                spec.name
            ));
        }
        let data = match spec.element {
            Element::Int32 | Element::Int8 | Element::UInt8 => {
                Data::Whole(tensor.data().iter().map(|v| *v as i64).collect())
            }
            _ => Data::Real(tensor.data()),
        };
        Ok(Self { name: &spec.name, datatype: datatype(spec.element), shape: tensor.shape(), data })
    }
}

/// A tensor's declaration, as the metadata endpoint shows it.
pub(crate) fn describe(spec: &TensorSpec) -> serde_json::Value {
    let dims = spec.shape.iter().flatten().map(|d| match d {
        Dimension::Fixed(n) => i64::try_from(*n).unwrap_or(i64::MAX),
        Dimension::Symbolic(_) => -1,
    });
    json!({ "name": spec.name, "datatype": datatype(spec.element), "shape": dims.collect::<Vec<_>>() })
}

/// The protocol's name for what the runtime carries. It carries 64-bit integers and booleans as `INT32`.
const fn datatype(element: Element) -> &'static str {
    match element {
        Element::Int32 => "INT32",
        Element::Int8 => "INT8",
        Element::UInt8 => "UINT8",
        _ => "FP32",
    }
}

fn read_output(output: &Value, outputs: &[TensorSpec]) -> Result<usize, Refusal> {
    let members = Members::of(output, "an output", &["name", "parameters"])?;
    let name = members.text("name")?.ok_or_else(|| Refusal::bad("an output has no \"name\""))?;
    outputs
        .iter()
        .position(|o| o.name == name)
        .ok_or_else(|| Refusal::bad(format!("the model has no output {name:?}; it has {}", names(outputs))))
}

fn read_tensor(name: &str, tensor: &Members<'_>, batch_rows: usize) -> Result<Tensor, Refusal> {
    let refuse = |why: String| Refusal::bad(format!("input {name:?}: {why}"));
    let shape = tensor.array("shape")?.ok_or_else(|| refuse("it has no \"shape\"".into()))?;
    let shape: Option<Vec<usize>> =
        shape.iter().map(|d| d.as_size().and_then(|d| usize::try_from(d).ok())).collect();
    let shape = shape.ok_or_else(|| refuse("a dimension is a whole number that is not negative".into()))?;
    if let Some(rows) = shape.first().filter(|rows| **rows > batch_rows) {
        let why = format!("input {name:?}: {rows} rows are more than the {batch_rows} allowed in a batch");
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why));
    }
    let datatype = tensor.text("datatype")?.ok_or_else(|| refuse("it has no \"datatype\"".into()))?;
    let kind = Datatype::of(&datatype).ok_or_else(|| {
        refuse(format!(
            "datatype {datatype:?} is none of FP32, FP64, INT8 to INT64, UINT8 to UINT64 and BOOL"
        ))
    })?;
    let data = tensor.get("data").ok_or_else(|| {
        refuse("it has no \"data\"; tensors in the binary extension are not read, send them as JSON".into())
    })?;
    let scalars = flatten(data, &shape).map_err(refuse)?;
    let values = scalars
        .into_iter()
        .enumerate()
        .map(|(at, v)| kind.number(v).map_err(|why| refuse(format!("value {at} {why}"))))
        .collect::<Result<Vec<f32>, _>>()?;
    Tensor::new(shape, values).map_err(|e| refuse(e.to_string()))
}

/// The scalars of `data`, flat or nested as `shape` says, in row-major order.
fn flatten<'a>(data: &'a Value, shape: &[usize]) -> Result<Vec<&'a Value>, String> {
    let array =
        |v: &'a Value| v.as_array().ok_or_else(|| "\"data\" does not nest as \"shape\" says".to_owned());
    let top = array(data)?;
    if top.first().is_none_or(|v| v.as_array().is_none()) {
        return Ok(top.iter().collect());
    }
    // One level of nesting after another, so that depth costs no stack.
    let mut level = vec![data];
    for (axis, size) in shape.iter().enumerate() {
        let mut next = Vec::new();
        for part in level {
            let part = array(part)?;
            if part.len() != *size {
                return Err(format!(
                    "\"data\" has {} parts on axis {axis}, \"shape\" says {size}",
                    part.len()
                ));
            }
            next.extend(part);
        }
        level = next;
    }
    Ok(level)
}

/// A datatype whose values can become float32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Datatype {
    Bool,
    /// Whole numbers between these two.
    Whole(i64, i64),
    Real,
}

impl Datatype {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "BOOL" => Self::Bool,
            "UINT8" => Self::Whole(0, u8::MAX.into()),
            "UINT16" => Self::Whole(0, u16::MAX.into()),
            "UINT32" => Self::Whole(0, u32::MAX.into()),
            "UINT64" => Self::Whole(0, i64::MAX),
            "INT8" => Self::Whole(i8::MIN.into(), i8::MAX.into()),
            "INT16" => Self::Whole(i16::MIN.into(), i16::MAX.into()),
            "INT32" => Self::Whole(i32::MIN.into(), i32::MAX.into()),
            "INT64" => Self::Whole(i64::MIN, i64::MAX),
            "FP32" | "FP64" => Self::Real,
            _ => return None,
        })
    }

    fn number(self, value: &Value) -> Result<f32, String> {
        match (self, value) {
            (Self::Bool, Value::Bool(b)) => Ok(f32::from(u8::from(*b))),
            (Self::Whole(low, high), Value::Integer(n)) => {
                if !(low..=high).contains(n) {
                    return Err(format!("({n}) is out of range for its datatype"));
                }
                if n.unsigned_abs() > EXACT.unsigned_abs() {
                    return Err(format!("({n}) cannot be given to a float32 model exactly"));
                }
                Ok(*n as f32)
            }
            (Self::Real, Value::Integer(n)) => Ok(*n as f32),
            (Self::Real, Value::Number(v)) => {
                let narrow = *v as f32;
                if narrow.is_finite() { Ok(narrow) } else { Err(format!("({v:e}) is beyond float32")) }
            }
            _ => Err("is not of the datatype".to_owned()),
        }
    }
}

fn names(specs: &[TensorSpec]) -> String {
    specs.iter().map(|s| format!("{:?}", s.name)).collect::<Vec<_>>().join(", ")
}

/// The members of an object, none of them twice and none unknown.
struct Members<'a> {
    of: &'static str,
    members: &'a [(String, Value)],
}

impl<'a> Members<'a> {
    fn of(value: &'a Value, of: &'static str, known: &[&str]) -> Result<Self, Refusal> {
        let members = value.as_object().ok_or_else(|| Refusal::bad(format!("{of} is not a JSON object")))?;
        for (at, (key, _)) in members.iter().enumerate() {
            if !known.contains(&key.as_str()) {
                return Err(Refusal::bad(format!("{of} has the unknown member {key:?}")));
            }
            // At most as many rounds as there are known names.
            if members[..at].iter().any(|(other, _)| other == key) {
                return Err(Refusal::bad(format!("{of} has the member {key:?} twice")));
            }
        }
        Ok(Self { of, members })
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.members.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    fn text(&self, key: &str) -> Result<Option<String>, Refusal> {
        let not_text = || Refusal::bad(format!("{key:?} of {} is not a string", self.of));
        self.get(key).map(|v| v.as_text().map(str::to_owned).ok_or_else(not_text)).transpose()
    }

    fn array(&self, key: &str) -> Result<Option<&'a [Value]>, Refusal> {
        let not_array = || Refusal::bad(format!("{key:?} of {} is not an array", self.of));
        self.get(key).map(|v| v.as_array().ok_or_else(not_array)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spec(name: &str) -> TensorSpec {
        let shape = vec![Dimension::Symbolic("N".into()), Dimension::Fixed(2)];
        TensorSpec { name: name.into(), shape: Some(shape), element: Element::Float32 }
    }

    fn read(body: &str) -> Result<Inference, String> {
        Inference::read(body.as_bytes(), &[spec("x")], &[spec("y"), spec("z")], 3).map_err(|r| r.why)
    }

    fn input(rest: &str) -> String {
        format!(r#"{{"inputs":[{{"name":"x",{rest}}}]}}"#)
    }

    fn values(rest: &str) -> Vec<f32> {
        read(&input(rest)).unwrap().inputs[0].data().to_vec()
    }

    #[test]
    fn flat_and_nested_data_are_the_same() {
        let flat = read(&input(r#""shape":[2,2],"datatype":"FP32","data":[1,2.5,-3e0,4]"#)).unwrap();
        let nested = read(&input(r#""shape":[2,2],"datatype":"FP32","data":[[1,2.5],[-3e0,4]]"#)).unwrap();
        assert_eq!(flat, nested);
        assert_eq!(flat.inputs[0].shape(), [2, 2]);
        assert_eq!(flat.outputs, [0, 1]);
    }

    #[test]
    fn every_datatype_that_fits_is_converted() {
        assert_eq!(values(r#""shape":[1,2],"datatype":"UINT8","data":[0,255]"#), [0.0, 255.0]);
        assert_eq!(
            values(r#""shape":[1,2],"datatype":"INT64","data":[-16777216,16777216]"#),
            [-16777216.0, 16777216.0]
        );
        assert_eq!(values(r#""shape":[1,2],"datatype":"BOOL","data":[true,false]"#), [1.0, 0.0]);
        assert_eq!(values(r#""shape":[1,2],"datatype":"FP64","data":[0.1,1e-300]"#), [0.1, 0.0]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (rest, why) in [
            (r#""shape":[1,2],"datatype":"UINT8","data":[0,256]"#, "value 1 (256) is out of range"),
            (r#""shape":[1,2],"datatype":"INT64","data":[16777217,0]"#, "value 0 (16777217) cannot be given"),
            (r#""shape":[1,2],"datatype":"FP32","data":[0,1e39]"#, "value 1 (1e39) is beyond float32"),
            (r#""shape":[1,2],"datatype":"FP32","data":[0,"1"]"#, "value 1 is not of the datatype"),
            (r#""shape":[1,2],"datatype":"FP32","data":[0,null]"#, "value 1 is not of the datatype"),
            (r#""shape":[1,2],"datatype":"INT8","data":[0,1.5]"#, "value 1 is not of the datatype"),
            (r#""shape":[1,2],"datatype":"BYTES","data":["a","b"]"#, "datatype \"BYTES\" is none of"),
            (r#""shape":[1,2],"datatype":"FP32","data":[1]"#, "shape [1, 2] does not hold 1 values"),
            (r#""shape":[1,2],"datatype":"FP32","data":[[1,2],[3,4]]"#, "has 2 parts on axis 0"),
            (r#""shape":[1,2],"datatype":"FP32","data":[[1,[2]]]"#, "value 1 is not of the datatype"),
            (r#""shape":[-1,2],"datatype":"FP32","data":[]"#, "a dimension is a whole number"),
            (r#""shape":[4,2],"datatype":"FP32","data":[]"#, "4 rows are more than the 3 allowed"),
            (r#""shape":[1,2],"datatype":"FP32""#, "it has no \"data\""),
            (r#""shape":[1,2],"shape":[2,1],"datatype":"FP32","data":[1,2]"#, "the member \"shape\" twice"),
            (r#""shape":[1,2],"datatype":"FP32","data":[1,2],"extra":1"#, "unknown member \"extra\""),
        ] {
            let found = read(&input(rest)).unwrap_err();
            assert!(found.contains(why), "{found} / {why}");
        }
    }

    #[test]
    fn requests_that_are_none_are_refused() {
        for (body, why) in [
            ("{", "EOF"),
            ("[]", "the request is not a JSON object"),
            ("{}", "no \"inputs\""),
            (r#"{"inputs":[]}"#, "input \"x\" is missing"),
            (r#"{"inputs":[{"name":"w"}]}"#, "no input \"w\"; it has \"x\""),
            (r#"{"inputs":[],"inputs":[]}"#, "the member \"inputs\" twice"),
            (r#"{"id":7,"inputs":[]}"#, "\"id\" of the request is not a string"),
        ] {
            let found = read(body).unwrap_err();
            assert!(found.contains(why), "{found} / {why}");
        }
        let twice = r#"{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}"#;
        assert!(read(&format!(r#"{{"inputs":[{twice},{twice}]}}"#)).unwrap_err().contains("given twice"));
        let outputs = |o: &str| read(&format!(r#"{{"inputs":[{twice}],"outputs":{o}}}"#));
        assert_eq!(outputs(r#"[{"name":"z"}]"#).unwrap().outputs, [1]);
        assert!(outputs(r#"[{"name":"q"}]"#).unwrap_err().contains("no output \"q\"; it has \"y\", \"z\""));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Inference::read(&body, &[spec("x")], &[spec("y")], 8);
        }

        #[test]
        fn mutated_requests_never_panic(at in 0usize..70, byte in any::<u8>()) {
            let mut body = input(r#""shape":[2,2],"datatype":"FP32","data":[[1,2],[3,4]]"#).into_bytes();
            let at = at % body.len();
            body[at] = byte;
            let _ = Inference::read(&body, &[spec("x")], &[spec("y")], 8);
        }

        /// The shortest text of a float32 comes back as the same float32.
        #[test]
        fn numbers_keep_their_bits(value in any::<f32>().prop_filter("finite", |v| v.is_finite())) {
            let text = serde_json::to_string(&value).unwrap();
            let read = values(&format!(r#""shape":[1,1],"datatype":"FP32","data":[{text}]"#));
            prop_assert_eq!(read[0].to_bits(), value.to_bits());
        }
    }
}
