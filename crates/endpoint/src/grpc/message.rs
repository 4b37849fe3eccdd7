//! The messages of the service, by the field numbers of the published protocol
//! (`inference.GRPCInferenceService`, Open Inference Protocol V2).
//!
//! Values come in one of two forms: typed, in the lists of `InferTensorContents`, or raw, in `raw_output_contents`. A
//! server chooses the form of its answer, and both are read. Questions are typed, as the protocol has every server
//! understand, unless a datatype has no such list (FP16 and BF16); then the whole question is raw.

use proofhouse_artifact::ArtifactError;
use proofhouse_artifact::protobuf::{Field, Fields, Message, Value, packed_varints};

use crate::EndpointError;
use crate::element::{Element, Fed};
use crate::model::{Metadata, plain};
use crate::tensor::{Declared, MOST_TENSORS, MOST_VALUES, Tensor, Values};

/// Most dimensions of a tensor.
const DIMENSIONS: usize = 32;

/// `ModelReadyRequest` and `ModelMetadataRequest`: name and version.
pub(super) fn of_model(name: &str, version: &str) -> Message {
    let mut out = Message::default();
    out.text(1, name);
    out.text(2, version);
    out
}

/// `ServerReadyResponse` and `ModelReadyResponse`: `bool ready = 1`.
pub(super) fn is_ready(bytes: &[u8]) -> Result<bool, EndpointError> {
    let mut ready = false;
    for field in Fields::new(bytes) {
        if let Field { number: 1, value: Value::Varint(value), .. } = field.map_err(broken)? {
            ready = value != 0;
        }
    }
    Ok(ready)
}

/// `ModelMetadataResponse`.
pub(super) fn metadata(bytes: &[u8]) -> Result<Metadata, EndpointError> {
    let mut found = Metadata::default();
    for field in Fields::new(bytes) {
        let field = field.map_err(broken)?;
        match (field.number, field.value) {
            (1, Value::Bytes(name)) => found.name = plain(&text(name)?),
            (2, Value::Bytes(version)) if found.versions.len() < MOST_TENSORS => {
                found.versions.push(plain(&text(version)?));
            }
            (4 | 5, Value::Bytes(tensor)) => {
                let tensors = if field.number == 4 { &mut found.inputs } else { &mut found.outputs };
                if tensors.len() == MOST_TENSORS {
                    return Err(wrong("it has far too many tensors"));
                }
                let Head { name, datatype, shape, .. } = Head::read(tensor)?;
                let declared = Declared::new(&name, &datatype, &shape);
                tensors.push(declared.ok_or_else(|| wrong("a tensor's name or shape makes no sense"))?);
            }
            _ => {}
        }
    }
    Ok(found)
}

/// `ModelInferRequest`.
pub(super) fn infer(model: &str, version: &str, inputs: &[Fed<'_>], output: Option<&str>) -> Message {
    let mut out = of_model(model, version);
    let raw = inputs.iter().any(|fed| list(fed.element).is_none());
    for fed in inputs {
        let mut tensor = Message::default();
        tensor.text(1, fed.name);
        tensor.text(2, fed.datatype);
        tensor.packed(3, fed.shape.iter().map(|size| *size as u64));
        if !raw {
            tensor.message(5, &contents(fed));
        }
        out.message(5, &tensor);
    }
    if let Some(output) = output {
        let mut requested = Message::default();
        requested.text(1, output);
        out.message(6, &requested);
    }
    if raw {
        for fed in inputs {
            let mut bytes = Vec::with_capacity(fed.values.len() * fed.element.width().unwrap_or(0));
            fed.values.iter().for_each(|value| fed.element.write(*value, &mut bytes));
            out.bytes(7, &bytes);
        }
    }
    out
}

/// The number of the list in `InferTensorContents` that holds values of this datatype, where there is one.
const fn list(element: Element) -> Option<u32> {
    Some(match element {
        Element::Bool => 1,
        Element::Int8 | Element::Int16 | Element::Int32 => 2,
        Element::Int64 => 3,
        Element::Uint8 | Element::Uint16 | Element::Uint32 => 4,
        Element::Uint64 => 5,
        Element::Fp32 => 6,
        Element::Fp64 => 7,
        Element::Bytes => 8,
        Element::Fp16 | Element::Bf16 => return None,
    })
}

/// `InferTensorContents`.
fn contents(fed: &Fed<'_>) -> Message {
    let mut out = Message::default();
    let Some(number) = list(fed.element) else { return out };
    match fed.element {
        Element::Fp32 | Element::Fp64 => {
            let mut packed = Vec::with_capacity(fed.values.len() * 8);
            fed.values.iter().for_each(|value| fed.element.write(*value, &mut packed));
            out.bytes(number, &packed);
        }
        // Whole numbers within the range of their datatype; negative ones as 64 bits, as protobuf has them.
        _ => out.packed(number, fed.values.iter().map(|value| (*value as i64).cast_unsigned())),
    }
    out
}

/// `ModelInferResponse`.
pub(super) fn answers(bytes: &[u8]) -> Result<Vec<Tensor>, EndpointError> {
    let (mut heads, mut raw) = (Vec::new(), Vec::new());
    for field in Fields::new(bytes) {
        let field = field.map_err(broken)?;
        match (field.number, field.value) {
            (5, Value::Bytes(tensor)) => heads.push(Head::read(tensor)?),
            (6, Value::Bytes(content)) => raw.push(content),
            _ => {}
        }
        if heads.len().max(raw.len()) > MOST_TENSORS {
            return Err(wrong("it has far too many outputs"));
        }
    }
    if heads.is_empty() {
        return Err(wrong("it has no output"));
    }
    if !raw.is_empty() && raw.len() != heads.len() {
        return Err(wrong(&format!("it has {} outputs and the raw contents of {}", heads.len(), raw.len())));
    }
    let mut left = MOST_VALUES;
    let mut raw = raw.into_iter();
    heads.into_iter().map(|head| head.tensor(raw.next(), &mut left)).collect()
}

/// What is said of a tensor: `TensorMetadata` and `InferOutputTensor` alike, and of the latter the contents.
struct Head<'a> {
    name: String,
    datatype: String,
    shape: Vec<i64>,
    contents: &'a [u8],
}

impl<'a> Head<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, EndpointError> {
        let mut head =
            Self { name: String::new(), datatype: String::new(), shape: Vec::new(), contents: &[] };
        for field in Fields::new(bytes) {
            let field = field.map_err(broken)?;
            match (field.number, field.value) {
                (1, Value::Bytes(name)) => head.name = text(name)?,
                (2, Value::Bytes(datatype)) => head.datatype = text(datatype)?,
                (3, Value::Varint(size)) => head.shape.push(size.cast_signed()),
                (3, Value::Bytes(sizes)) => {
                    for size in packed_varints(sizes, field.value_offset).take(DIMENSIONS + 1) {
                        head.shape.push(size.map_err(broken)?.cast_signed());
                    }
                }
                (5, Value::Bytes(contents)) => head.contents = contents,
                _ => {}
            }
            if head.shape.len() > DIMENSIONS {
                return Err(wrong("a tensor has far too many dimensions"));
            }
        }
        Ok(head)
    }

    /// The tensor with its values, `raw` or typed. No more than `left` of them.
    fn tensor(self, raw: Option<&[u8]>, left: &mut usize) -> Result<Tensor, EndpointError> {
        let declared = Declared::new(&self.name, &self.datatype, &self.shape)
            .ok_or_else(|| wrong("an output's name, datatype or shape makes no sense"))?;
        let wrong = |why: String| wrong(&format!("output {:?}: {why}", self.name));
        let element = declared.element().ok_or_else(|| {
            wrong(format!("it is of datatype {:?}, which the protocol has not", self.datatype))
        })?;
        let shape: Option<Vec<usize>> = declared.shape.iter().copied().collect();
        let shape = shape.ok_or_else(|| wrong("a dimension is negative".to_owned()))?;
        let count = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
        let count = count.filter(|count| count <= left);
        let count = count.ok_or_else(|| wrong(format!("its shape {shape:?} is far too large")))?;
        *left -= count;
        let values = match raw {
            Some(bytes) => untyped(element, bytes, count),
            None => typed(element, self.contents, count),
        };
        let values = values.map_err(wrong)?;
        if values.len() != count {
            return Err(wrong(format!("its shape {shape:?} does not hold {} values", values.len())));
        }
        Ok(Tensor { name: declared.name, shape, datatype: element.kind(), values })
    }
}

/// `raw_output_contents` of one output: values one after the other; texts each behind its length.
fn untyped(element: Element, bytes: &[u8], count: usize) -> Result<Values, String> {
    let Some(width) = element.width() else {
        let mut texts = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() && texts.len() <= count {
            let (length, behind) = rest.split_first_chunk::<4>().ok_or("it ends within a text")?;
            let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
            let (one, behind) = behind.split_at_checked(length).ok_or("it ends within a text")?;
            texts.push(String::from_utf8_lossy(one).into_owned());
            rest = behind;
        }
        return Ok(Values::Texts(texts));
    };
    if bytes.len() != count.saturating_mul(width) {
        return Err(format!("{count} values of its datatype call for other than its {} bytes", bytes.len()));
    }
    Ok(Values::Numbers(bytes.chunks_exact(width).filter_map(|value| element.value(value)).collect()))
}

/// `InferTensorContents`: a list of the datatype's own, each packed or one by one, and nothing in the others.
fn typed(element: Element, contents: &[u8], count: usize) -> Result<Values, String> {
    let number = list(element).ok_or("its datatype is sent raw only, and nothing raw came")?;
    let odd = |field: &Field<'_>| format!("list {} of its contents is written in no way known", field.number);
    let (mut numbers, mut texts) = (Vec::new(), Vec::new());
    for field in Fields::new(contents) {
        let field = field.map_err(|error| error.to_string())?;
        if field.number != number {
            // An empty list says nothing.
            if (1..=8).contains(&field.number) && field.value != Value::Bytes(&[]) {
                return Err(format!(
                    "its contents are in list {}, not in that of its datatype",
                    field.number
                ));
            }
            continue;
        }
        match (element, field.value) {
            (Element::Bytes, Value::Bytes(bytes)) => texts.push(String::from_utf8_lossy(bytes).into_owned()),
            (Element::Fp32, Value::Fixed32(bits)) => numbers.push(f64::from(f32::from_bits(bits))),
            (Element::Fp64, Value::Fixed64(bits)) => numbers.push(f64::from_bits(bits)),
            (Element::Fp32 | Element::Fp64, Value::Bytes(packed)) => {
                let width = element.width().unwrap_or(1);
                if packed.len() % width != 0 {
                    return Err(odd(&field));
                }
                numbers.extend(packed.chunks_exact(width).filter_map(|value| element.value(value)));
            }
            (_, Value::Varint(value)) => numbers.push(whole(element, value)?),
            (_, Value::Bytes(packed)) => {
                for value in packed_varints(packed, field.value_offset) {
                    numbers.push(whole(element, value.map_err(|error| error.to_string())?)?);
                }
            }
            _ => return Err(odd(&field)),
        }
        if numbers.len().max(texts.len()) > count {
            return Err(format!("it holds more than the {count} values of its shape"));
        }
    }
    Ok(if element == Element::Bytes { Values::Texts(texts) } else { Values::Numbers(numbers) })
}

/// A whole number that a varint of this datatype's list stands for.
fn whole(element: Element, bits: u64) -> Result<f64, String> {
    match element {
        Element::Uint64 => Ok(bits as f64),
        Element::Int64 => Ok(bits.cast_signed() as f64),
        _ => {
            let value = bits.cast_signed() as f64;
            let value = if element == Element::Bool { f64::from(u8::from(value != 0.0)) } else { value };
            element.hold(value).map_err(|why| format!("{value}, one of its values, {why}"))
        }
    }
}

fn text(bytes: &[u8]) -> Result<String, EndpointError> {
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("a name in it is no text"))?;
    Ok(text.to_owned())
}

fn wrong(why: &str) -> EndpointError {
    EndpointError::Answer(why.to_owned())
}

fn broken(error: ArtifactError) -> EndpointError {
    EndpointError::Answer(error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn output(datatype: &str, shape: &[u64], contents: Option<&Message>) -> Message {
        let mut tensor = Message::default();
        tensor.text(1, "y");
        tensor.text(2, datatype);
        tensor.packed(3, shape.iter().copied());
        if let Some(contents) = contents {
            tensor.message(5, contents);
        }
        tensor
    }

    fn answered(outputs: &[Message], raw: &[&[u8]]) -> Result<Vec<Tensor>, EndpointError> {
        let mut response = Message::default();
        outputs.iter().for_each(|output| response.message(5, output));
        raw.iter().for_each(|bytes| response.bytes(6, bytes));
        answers(&response.into_bytes())
    }

    fn numbers(tensors: Result<Vec<Tensor>, EndpointError>) -> Vec<f64> {
        match tensors.unwrap().swap_remove(0).values {
            Values::Numbers(values) => values,
            Values::Texts(texts) => panic!("{texts:?}"),
        }
    }

    #[test]
    fn a_question_has_the_bytes_of_the_protocol() {
        let fed = |datatype, values: &[f64]| {
            Fed::new(("x", datatype), vec![1, values.len()], values.iter().copied()).unwrap()
        };
        let bytes = infer("m", "2", &[fed("INT32", &[-1.0, 3.0])], Some("y")).into_bytes();
        let expected = [
            &b"\x0a\x01m\x12\x012"[..],
            b"\x2a\x1d\x0a\x01x\x12\x05INT32\x1a\x02\x01\x02",
            b"\x2a\x0d\x12\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x03",
            b"\x32\x03\x0a\x01y",
        ];
        assert_eq!(bytes, expected.concat());
        // A datatype without a list makes the whole question raw.
        let bytes = infer("m", "", &[fed("FP16", &[1.0]), fed("UINT8", &[7.0])], None).into_bytes();
        assert!(bytes.ends_with(b"\x3a\x02\x00\x3c\x3a\x01\x07"), "{bytes:?}");
    }

    #[test]
    fn answers_are_read_typed_and_raw() {
        let with = |write: &dyn Fn(&mut Message)| {
            let mut contents = Message::default();
            write(&mut contents);
            contents
        };
        for (datatype, contents, expected) in [
            ("BOOL", with(&|c| c.packed(1, [1, 0])), [1.0, 0.0]),
            ("INT32", with(&|c| c.packed(2, [u64::MAX, 5])), [-1.0, 5.0]),
            ("INT64", with(&|c| [-7_i64, 9].iter().for_each(|v| c.int(3, *v))), [-7.0, 9.0]),
            ("UINT8", with(&|c| c.packed(4, [255, 0])), [255.0, 0.0]),
            ("UINT64", with(&|c| c.packed(5, [1 << 40, 0])), [1_099_511_627_776.0, 0.0]),
            ("FP32", with(&|c| c.bytes(6, &[0, 0, 0, 63, 0, 0, 128, 191])), [0.5, -1.0]),
            ("FP32", with(&|c| [0.5_f32, -1.0].iter().for_each(|v| c.fixed32(6, v.to_bits()))), [0.5, -1.0]),
            ("FP64", with(&|c| [0.1, 2.0_f64].iter().for_each(|v| c.fixed64(7, v.to_bits()))), [0.1, 2.0]),
        ] {
            assert_eq!(numbers(answered(&[output(datatype, &[2], Some(&contents))], &[])), expected);
        }
        let nan = with(&|c| c.bytes(6, &f32::NAN.to_le_bytes()));
        assert!(numbers(answered(&[output("FP32", &[1], Some(&nan))], &[]))[0].is_nan());
        assert_eq!(numbers(answered(&[output("FP16", &[2], None)], &[&[0, 60, 0, 192]])), [1.0, -2.0]);
        assert_eq!(numbers(answered(&[output("INT8", &[2], None)], &[&[255, 1]])), [-1.0, 1.0]);
        let two = [output("UINT8", &[1], None), output("BYTES", &[2], None)];
        let tensors = answered(&two, &[&[9], b"\x03\0\0\0cat\x00\0\0\0"]).unwrap();
        assert_eq!(tensors[1].values, Values::Texts(vec!["cat".into(), String::new()]));
        let words = with(&|c| c.bytes(8, b"dog"));
        let tensors = answered(&[output("BYTES", &[1], Some(&words))], &[]).unwrap();
        assert_eq!(tensors[0].values, Values::Texts(vec!["dog".into()]));
    }

    #[test]
    fn what_does_not_agree_with_itself_is_refused() {
        let list = |number, values: &[u64]| {
            let mut contents = Message::default();
            contents.packed(number, values.iter().copied());
            contents
        };
        let minus_one = u64::MAX;
        for (outputs, raw, says) in [
            (vec![], vec![], "no output"),
            (vec![output("FP32", &[2], None)], vec![], "does not hold 0 values"),
            (vec![output("FP32", &[2], None)], vec![&[0; 4][..]], "other than its 4 bytes"),
            (vec![output("FP32", &[minus_one], None)], vec![], "negative"),
            (vec![output("FP32", &[1 << 62, 8], None)], vec![], "far too large"),
            (vec![output("FP32", &[1 << 40], None)], vec![], "far too large"),
            (vec![output("FP8", &[1], None)], vec![], "FP8"),
            (vec![output("FP16", &[1], None)], vec![], "raw only"),
            (vec![output("INT32", &[1], Some(&list(3, &[4])))], vec![], "in list 3"),
            (vec![output("UINT8", &[1], Some(&list(4, &[256])))], vec![], "outside its range"),
            (vec![output("INT32", &[1], Some(&list(2, &[1, 2])))], vec![], "more than the 1 values"),
            (vec![output("BYTES", &[1], None)], vec![b"\x09\0\0\0cat"], "ends within a text"),
            (vec![output("UINT8", &[1], None)], vec![&[1], &[2]], "raw contents of 2"),
            (vec![output("UINT8", &[1; 40], None)], vec![], "too many dimensions"),
            (vec![output("UINT8", &[1], None); 100], vec![], "too many outputs"),
        ] {
            let error = answered(&outputs, &raw).unwrap_err().to_string();
            assert!(error.contains(says), "{says}: {error}");
        }
        assert!(answers(b"\x2a\x05ab").is_err());
    }

    #[test]
    fn metadata_is_read() {
        let mut response = Message::default();
        response.text(1, "m\u{1b}");
        response.text(2, "1");
        response.text(3, "onnx");
        let mut input = Message::default();
        input.text(1, "x");
        input.text(2, "UINT8");
        input.packed(3, [u64::MAX, 4]);
        response.message(4, &input);
        let found = metadata(&response.into_bytes()).unwrap();
        assert_eq!((found.name.as_str(), found.versions.len(), found.outputs.len()), ("m", 1, 0));
        assert_eq!(found.inputs[0].says(), "\"x\" (UINT8 [any, 4])");
        assert!(is_ready(b"\x08\x01").unwrap() && !is_ready(b"").unwrap() && !is_ready(b"\x08\x00").unwrap());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (answers(&bytes), metadata(&bytes), is_ready(&bytes));
        }

        #[test]
        fn mutated_answers_are_read_or_refused(at in 0_usize..80, byte in any::<u8>(), raw in any::<bool>()) {
            let mut contents = Message::default();
            contents.packed(2, [1, u64::MAX, 300, 4]);
            let outputs = [output("INT32", &[2, 2], (!raw).then_some(&contents))];
            let mut response = Message::default();
            response.message(5, &outputs[0]);
            if raw {
                response.bytes(6, &[1; 16]);
            }
            let mut bytes = response.into_bytes();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            for tensor in answers(&bytes).into_iter().flatten() {
                prop_assert_eq!(tensor.shape.iter().product::<usize>(), tensor.values.len());
            }
        }
    }
}
