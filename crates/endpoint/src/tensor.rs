//! Tensors as the Open Inference Protocol writes them in JSON (V2, REST), read from somebody else's server.
//!
//! A server's answer is checked against what it says of itself: shape and number of values agree, every value is of its
//! datatype. Python writes NaN and Infinity as words that JSON does not have; they are read as the numbers they mean,
//! because a model that answers NaN is a finding and not a broken connection.

use std::borrow::Cow;

use proofhouse_dialogue::json;
use serde_json::{Value, json};

use crate::EndpointError;
use crate::element::{Element, Fed};

/// Most values of an answer.
pub(crate) const MOST_VALUES: usize = 4 << 20;
/// Most tensors of an answer or a description.
pub(crate) const MOST_TENSORS: usize = 64;

/// Longest name of a tensor.
const NAME: usize = 512;

/// What the values of a tensor are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Datatype {
    /// Real numbers: FP16, BF16, FP32, FP64.
    Real,
    /// Whole numbers.
    Whole,
    /// True or false.
    Bool,
    /// Texts.
    Bytes,
}

/// A tensor that a server declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// The name of its datatype, such as `FP32`.
    pub datatype: String,
    /// Its dimensions; `None` for one of any size.
    pub shape: Vec<Option<usize>>,
}

impl Declared {
    /// Reads `{"name": …, "datatype": …, "shape": […]}`.
    fn read(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key)?.as_str();
        let shape: Option<Vec<i64>> = value.get("shape")?.as_array()?.iter().map(Value::as_i64).collect();
        Self::new(text("name")?, text("datatype")?, &shape?)
    }

    /// One of what a server says; nothing where that makes no sense. A negative size is one that may be any.
    pub(crate) fn new(name: &str, datatype: &str, shape: &[i64]) -> Option<Self> {
        // Names are shown to people, on terminals.
        let plain = |text: &str| text.len() <= NAME && !text.chars().any(char::is_control);
        let dimension = |size: &i64| match *size {
            size if size < 0 => Some(None),
            size => usize::try_from(size).ok().map(Some),
        };
        let shape = shape.iter().map(dimension).collect::<Option<_>>()?;
        (plain(name) && plain(datatype)).then(|| Self {
            name: name.to_owned(),
            datatype: datatype.to_owned(),
            shape,
        })
    }

    /// What its values are.
    pub fn kind(&self) -> Result<Datatype, EndpointError> {
        self.element().map(Element::kind).ok_or_else(|| {
            let Self { name, datatype, .. } = self;
            EndpointError::Answer(format!(
                "tensor {name:?} is of datatype {datatype:?}, which the protocol has not"
            ))
        })
    }

    /// Reads a list of them.
    pub(crate) fn list(value: Option<&Value>) -> Option<Vec<Self>> {
        let list = value?.as_array().filter(|list| list.len() <= MOST_TENSORS)?;
        list.iter().map(Self::read).collect()
    }
}

/// The values of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Numbers, whatever their datatype; true is 1.
    Numbers(Vec<f64>),
    /// Texts.
    Texts(Vec<String>),
}

impl Values {
    /// How many.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A tensor of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its dimensions; their product is the number of values.
    pub shape: Vec<usize>,
    /// Whether its values are real, whole or texts.
    pub datatype: Datatype,
    /// Its values in row-major order.
    pub values: Values,
}

/// A question: rows of one input, and what the model takes besides.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// The values, row after row.
    pub values: &'a [f32],
    /// Dimensions of one row.
    pub shape: &'a [usize],
    /// The other inputs.
    pub others: &'a [Companion],
}

/// Values of another input than that of the rows, for one question.
#[derive(Debug, Clone, PartialEq)]
pub struct Companion {
    /// Its name.
    pub name: String,
    /// Its dimensions, as they are sent.
    pub shape: Vec<usize>,
    /// Its values.
    pub values: Vec<f64>,
}

impl Rows<'_> {
    /// How many rows.
    #[must_use]
    pub fn count(&self) -> usize {
        let features: usize = self.shape.iter().product();
        self.values.len() / features.max(1)
    }

    /// The dimensions of all rows together.
    pub(crate) fn dimensions(&self) -> Vec<usize> {
        std::iter::once(self.count()).chain(self.shape.iter().copied()).collect()
    }

    /// The values in lists within lists, as the shape says, without the outermost list where there is one row only and
    /// `single` is asked for. Each has the digits that say it exactly in double precision: a server may well compute
    /// in that.
    pub(crate) fn nested(&self, single: bool) -> Value {
        let mut level: Vec<Value> = self.values.iter().map(|v| json!(f64::from(*v))).collect();
        for size in self.shape.iter().rev() {
            level = level.chunks((*size).max(1)).map(|part| Value::Array(part.to_vec())).collect();
        }
        match level.pop() {
            Some(row) if single && level.is_empty() => row,
            last => level.into_iter().chain(last).collect(),
        }
    }
}

/// The body of a request for inference, for one output or all.
pub(crate) fn request(inputs: &[Fed<'_>], output: Option<&str>) -> Result<String, EndpointError> {
    let value = |kind: Datatype, v: f64| match kind {
        Datatype::Bool => Some(json!(v != 0.0)),
        // What a whole number may be is within the range of both.
        Datatype::Whole if v < 0.0 => Some(json!(v as i64)),
        Datatype::Whole => Some(json!(v as u64)),
        Datatype::Real | Datatype::Bytes => v.is_finite().then(|| json!(v)),
    };
    let tensor = |fed: &Fed<'_>| {
        let kind = fed.element.kind();
        let data: Option<Vec<Value>> = fed.values.iter().map(|v| value(kind, *v)).collect();
        let data = data.ok_or_else(|| {
            EndpointError::Setting(format!(
                "the input {:?} is given a number that is not finite, which JSON has not; ask the model over gRPC",
                fed.name
            ))
        })?;
        Ok(json!({ "name": fed.name, "shape": fed.shape, "datatype": fed.datatype, "data": data }))
    };
    let inputs = inputs.iter().map(tensor).collect::<Result<Vec<_>, EndpointError>>()?;
    let mut request = json!({ "inputs": inputs });
    if let (Some(output), Some(members)) = (output, request.as_object_mut()) {
        members.insert("outputs".to_owned(), json!([{ "name": output }]));
    }
    Ok(request.to_string())
}

/// Reads JSON from a server, in which NaN and Infinity may be words.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, EndpointError> {
    let limits = json::Limits { bytes: usize::MAX, values: MOST_VALUES, ..json::Limits::default() };
    json::parse(&quoted(bytes), &limits).map_err(|error| EndpointError::Answer(error.to_string()))
}

/// Reads the outputs of an answer.
pub(crate) fn outputs(answer: &Value) -> Result<Vec<Tensor>, EndpointError> {
    let wrong = |why: &str| EndpointError::Answer(why.to_owned());
    let list =
        answer.get("outputs").and_then(Value::as_array).ok_or_else(|| wrong("it has no \"outputs\""))?;
    if list.is_empty() || list.len() > MOST_TENSORS {
        return Err(wrong("it has no output, or far too many"));
    }
    list.iter().map(Tensor::read).collect()
}

impl Tensor {
    fn read(value: &Value) -> Result<Self, EndpointError> {
        let declared = Declared::read(value).ok_or_else(|| {
            EndpointError::Answer("an output lacks name, datatype or shape, or they make no sense".to_owned())
        })?;
        let name = declared.name.clone();
        let wrong = |why: String| EndpointError::Answer(format!("output {name:?}: {why}"));
        let shape: Option<Vec<usize>> = declared.shape.iter().copied().collect();
        let shape = shape.ok_or_else(|| wrong("a dimension is negative".to_owned()))?;
        let data = value.get("data").ok_or_else(|| {
            wrong("it has no \"data\"; the binary extension of the protocol was not asked for".to_owned())
        })?;
        let datatype = declared.kind()?;
        let tensor = Self::of(&name, shape, Some(datatype), data)?;
        Ok(tensor)
    }

    /// A tensor from lists within lists, which need not nest as the shape says. Where no datatype is declared it is
    /// that of the values.
    pub(crate) fn of(
        name: &str,
        shape: Vec<usize>,
        datatype: Option<Datatype>,
        data: &Value,
    ) -> Result<Self, EndpointError> {
        let wrong = |why: String| EndpointError::Answer(format!("output {name:?}: {why}"));
        let scalars = scalars(data);
        let expected = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
        if expected != Some(scalars.len()) {
            return Err(wrong(format!("its shape {shape:?} does not hold {} values", scalars.len())));
        }
        let texts = scalars.iter().any(|v| v.as_str().is_some_and(|text| named(text).is_none()));
        let datatype = datatype.unwrap_or_else(|| match scalars.as_slice() {
            _ if texts => Datatype::Bytes,
            all if all.iter().all(|v| v.is_boolean()) => Datatype::Bool,
            all if all.iter().all(|v| v.is_i64() || v.is_u64()) => Datatype::Whole,
            _ => Datatype::Real,
        });
        let bad = |at: usize| wrong(format!("value {at} is not of its datatype"));
        let values = if datatype == Datatype::Bytes {
            let text = |(at, v): (usize, &&Value)| v.as_str().map(str::to_owned).ok_or_else(|| bad(at));
            Values::Texts(scalars.iter().enumerate().map(text).collect::<Result<_, _>>()?)
        } else {
            let number = |(at, v): (usize, &&Value)| datatype.number(v).ok_or_else(|| bad(at));
            Values::Numbers(scalars.iter().enumerate().map(number).collect::<Result<_, _>>()?)
        };
        Ok(Self { name: name.to_owned(), shape, datatype, values })
    }
}

impl Datatype {
    fn number(self, value: &Value) -> Option<f64> {
        match (self, value) {
            (Self::Bool, Value::Bool(b)) => Some(f64::from(u8::from(*b))),
            // Some servers write truth as a number.
            (Self::Bool, Value::Number(n)) => n.as_f64().filter(|n| *n == 0.0 || *n == 1.0),
            (Self::Whole, Value::Number(n)) => n.as_f64().filter(|n| n.fract() == 0.0),
            (Self::Real, Value::Number(n)) => n.as_f64(),
            (Self::Real, Value::String(text)) => named(text),
            // As NaN is written by those who keep to JSON.
            (Self::Real, Value::Null) => Some(f64::NAN),
            _ => None,
        }
    }
}

/// The values that are no lists, in order.
fn scalars(data: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    let mut stack = vec![std::slice::from_ref(data).iter()];
    while let Some(top) = stack.last_mut() {
        match top.next() {
            None => {
                stack.pop();
            }
            Some(Value::Array(list)) => stack.push(list.iter()),
            Some(scalar) => found.push(scalar),
        }
    }
    found
}

/// A number that JSON has no way to write.
fn named(text: &str) -> Option<f64> {
    Some(match text {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        _ => return None,
    })
}

/// The text with such numbers in quotes, where they stand outside of strings.
fn quoted(bytes: &[u8]) -> Cow<'_, [u8]> {
    const WORDS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];
    if !bytes.windows(3).any(|part| part == b"NaN" || part == b"Inf") {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len() + 64);
    let (mut rest, mut within) = (bytes, false);
    while let Some((first, behind)) = rest.split_first() {
        if within {
            // An escape may be that of a quote.
            let taken = if *first == b'\\' { rest.len().min(2) } else { 1 };
            within = *first != b'"';
            let (taken, behind) = rest.split_at(taken);
            out.extend_from_slice(taken);
            rest = behind;
            continue;
        }
        if let Some(word) = WORDS.iter().find(|word| rest.starts_with(word)) {
            out.push(b'"');
            out.extend_from_slice(word);
            out.push(b'"');
            rest = rest.get(word.len()..).unwrap_or_default();
            continue;
        }
        within = *first == b'"';
        out.push(*first);
        rest = behind;
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Vec<Tensor>, EndpointError> {
        outputs(&parse(text.as_bytes())?)
    }

    #[test]
    fn numbers_that_json_has_not_are_read() {
        let text = r#"{"a \" NaN": 1, "outputs": [{"name": "NaN", "datatype": "FP32", "shape": [2, 3],
            "data": [[1, NaN, -Infinity], [Infinity, null, 2.5]]}]}"#;
        let tensors = read(text).unwrap_or_default();
        let [tensor] = tensors.as_slice() else { panic!("{tensors:?}") };
        assert_eq!((tensor.name.as_str(), tensor.shape.as_slice()), ("NaN", &[2, 3][..]));
        let Values::Numbers(values) = &tensor.values else { panic!("{tensor:?}") };
        assert!(values[1].is_nan() && values[4].is_nan());
        assert_eq!((values[2], values[3], values[5]), (f64::NEG_INFINITY, f64::INFINITY, 2.5));
    }

    #[test]
    fn what_does_not_agree_with_itself_is_refused() {
        for (data, says) in [
            (r#""datatype": "FP32", "shape": [2], "data": [1]"#, "does not hold 1 values"),
            (r#""datatype": "FP32", "shape": [-1], "data": [1]"#, "negative"),
            (r#""datatype": "FP32", "shape": [1], "data": ["cat"]"#, "value 0 is not of its datatype"),
            (r#""datatype": "INT64", "shape": [1], "data": [0.5]"#, "value 0 is not of its datatype"),
            (r#""datatype": "BYTES", "shape": [1], "data": [1]"#, "value 0 is not of its datatype"),
            (r#""datatype": "FP8", "shape": [1], "data": [1]"#, "FP8"),
            (r#""datatype": "FP32", "shape": [9000000000000000000, 9], "data": [1]"#, "does not hold"),
            (r#""datatype": "FP32", "shape": [1]"#, "no \"data\""),
            (r#""datatype": "\u001b[2J", "shape": [1], "data": [1]"#, "make no sense"),
        ] {
            let error = read(&format!(r#"{{"outputs": [{{"name": "y", {data}}}]}}"#)).err();
            assert!(error.as_ref().is_some_and(|e| e.to_string().contains(says)), "{data}: {error:?}");
        }
        for text in ["{}", "[]", r#"{"outputs": []}"#, r#"{"outputs": [1]}"#, "<html>", "", "NaN"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rows_are_written_exactly() {
        let rows = Rows { values: &[0.1, 1.0, -2.5, 0.0], shape: &[1, 2], others: &[] };
        let fed = |datatype, values: &[f64]| {
            Fed::new(("x", datatype), vec![1, values.len()], values.iter().copied()).unwrap()
        };
        let body = request(&[fed("FP32", &[f64::from(0.1f32), 1.0, -2.5, 0.0])], Some("y")).unwrap();
        assert_eq!(
            body,
            concat!(
                r#"{"inputs":[{"data":[0.10000000149011612,1.0,-2.5,0.0],"datatype":"FP32","name":"x","shape":[1,4]}],"#,
                r#""outputs":[{"name":"y"}]}"#
            )
        );
        for (datatype, values, says) in [
            ("UINT8", &[0.0, 255.0][..], r#""data":[0,255],"datatype":"UINT8""#),
            ("INT64", &[-3.0, 4e15], r#""data":[-3,4000000000000000],"#),
            ("BOOL", &[1.0, 0.0], r#""data":[true,false],"#),
            ("FP16", &[0.1], r#""data":[0.0999755859375],"#),
        ] {
            let body = request(&[fed(datatype, values), fed("FP64", &[0.1])], None).unwrap();
            assert!(body.contains(says) && body.contains(r#""data":[0.1],"datatype":"FP64""#), "{body}");
        }
        let error = request(&[fed("FP32", &[f64::NAN])], None).unwrap_err().to_string();
        assert!(error.contains("which JSON has not"), "{error}");
        assert_eq!(rows.nested(false), json!([[[0.1_f32, 1.0]], [[-2.5, 0.0]]]));
        assert_eq!(Rows { values: &[1.0, 2.0], shape: &[2], others: &[] }.nested(true), json!([1.0, 2.0]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes).map(|value| outputs(&value));
        }

        #[test]
        fn quoting_leaves_other_json_alone(text in "[\\[\\]{}\",:0-9a-zA-Z\\\\ ]{0,80}") {
            if serde_json::from_str::<Value>(&text).is_ok() {
                prop_assert_eq!(parse(text.as_bytes()).ok(), json::parse(text.as_bytes(), &json::Limits::default()).ok());
            }
        }

        #[test]
        fn mutated_answers_are_read_or_refused(at in 0_usize..120, byte in any::<u8>()) {
            let text = r#"{"model_name": "m", "outputs": [{"name": "y", "datatype": "FP32", "shape": [1, 2], "data": [0.5, NaN]}]}"#;
            let mut bytes = text.as_bytes().to_vec();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            if let Ok(tensors) = parse(&bytes).and_then(|value| outputs(&value)) {
                for tensor in tensors {
                    prop_assert_eq!(tensor.shape.iter().product::<usize>(), tensor.values.len());
                }
            }
        }
    }
}
