//! Core ML models: the protocol buffer of `.mlmodel` and the weights file of `.mlpackage`.
//!
//! A pipeline holds models, so they are visited from a stack. Source: `Model.proto`, `NeuralNetwork.proto`,
//! `MIL.proto`, `LinkedModel.proto` of Core ML's format; `MILBlob` for the weights.

use crate::ArtifactError;
use crate::cursor::Cursor;
use crate::protobuf::{Field, Fields, Value};

/// Fields that are looked at.
const MAX_ITEMS: u64 = 20_000_000;
/// Levels of messages.
const MAX_DEPTH: u64 = 256;
/// Values whose place is kept.
const MAX_VALUES: usize = 1 << 20;

/// What a model says.
#[derive(Debug, Default)]
pub struct Model {
    /// Classes of the application that run: custom models and custom layers, with their place.
    pub custom: Vec<(String, u64)>,
    /// Files that the model takes weights or models from, with their place.
    pub files: Vec<(String, u64)>,
    /// Kinds of models by field number, the pipeline's own included.
    pub kinds: Vec<u32>,
    /// Serialized models that only the system reads: place and number of bytes.
    pub opaque: Vec<(u64, u64)>,
    /// Longer values among layers and in programs that are no messages: place and number of bytes.
    pub values: Vec<(u64, u64)>,
    /// Loops that nothing ends.
    pub endless: Vec<u64>,
    /// What does not make sense.
    pub errors: Vec<ArtifactError>,
}

impl Model {
    fn value(&mut self, at: u64, bytes: &[u8]) {
        /// Less holds no program.
        const SHORTEST: usize = 64;
        if bytes.len() >= SHORTEST && self.values.len() < MAX_VALUES {
            self.values.push((at, bytes.len() as u64));
        }
    }
}

/// Fields of `Model` that say what kind it is.
fn is_kind(number: u32) -> bool {
    matches!(number, 200..=202 | 300..=304 | 400..=404 | 500..=502 | 555 | 556 | 560 | 600..=610 | 900 | 2000..=2006 | 3000)
}

/// Whether the bytes are a model: a version, a description, one kind, nothing else.
#[must_use]
pub fn is_model(bytes: &[u8]) -> bool {
    let (mut version, mut kind) = (false, false);
    for field in Fields::new(bytes) {
        match field {
            Ok(Field { number: 1, value: Value::Varint(1..=100), .. }) => version = true,
            Ok(Field { number: 2, value: Value::Bytes(_), .. })
            | Ok(Field { number: 10, value: Value::Varint(_), .. }) => {}
            Ok(Field { number, value: Value::Bytes(_), .. }) if is_kind(number) => kind = true,
            Ok(_) => return false,
            Err(_) => break,
        }
    }
    version && kind
}

/// Reads a model.
#[must_use]
pub fn model(bytes: &[u8]) -> Model {
    let mut out = Model::default();
    let mut items = 0u64;
    let mut stack = vec![(Kind::Model, Fields::new(bytes))];
    while let Some((kind, mut fields)) = stack.pop() {
        let field = match fields.next() {
            None => continue,
            Some(Err(error)) => {
                out.errors.push(error);
                continue;
            }
            Some(Ok(field)) => field,
        };
        stack.push((kind, fields));
        items += 1;
        // Each level is read once more than the one above it, to tell messages from bytes.
        let (what, limit) = if items > MAX_ITEMS { ("fields", MAX_ITEMS) } else { ("levels", MAX_DEPTH) };
        if items > MAX_ITEMS || stack.len() as u64 > MAX_DEPTH {
            out.errors.push(ArtifactError::Limit { format: "Core ML model", what, limit });
            return out;
        }
        let text = |field: &Field<'_>, number: u32| {
            field.message().into_iter().flatten().filter_map(Result::ok).find_map(|f| match f.value {
                Value::Bytes(name) if f.number == number => Some(String::from_utf8_lossy(name).into_owned()),
                _ => None,
            })
        };
        if kind == Kind::Model && is_kind(field.number) {
            out.kinds.push(field.number);
        }
        let child = match (kind, field.number) {
            (Kind::Model, 200..=202) => Kind::Pipeline,
            (Kind::Model, 303 | 403 | 500) => Kind::Network,
            (Kind::Model, 502) => Kind::Program,
            (Kind::Model, 555) => {
                out.custom.push((text(&field, 10).unwrap_or_default(), field.offset));
                continue;
            }
            (Kind::Model, 556) => Kind::Linked,
            (Kind::Model, 3000) => {
                if let Value::Bytes(bytes) = field.value {
                    out.opaque.push((field.value_offset, bytes.len() as u64));
                }
                continue;
            }
            // A classifier's pipeline is inside, the pipeline's models are models.
            (Kind::Pipeline, 1) => Kind::PipelineOrModel,
            (Kind::PipelineOrModel, number) if is_kind(number) => {
                out.kinds.push(number);
                match number {
                    200..=202 => Kind::Pipeline,
                    303 | 403 | 500 => Kind::Network,
                    502 => Kind::Program,
                    555 => {
                        out.custom.push((text(&field, 10).unwrap_or_default(), field.offset));
                        continue;
                    }
                    556 => Kind::Linked,
                    _ => continue,
                }
            }
            (Kind::PipelineOrModel, 1) if matches!(field.value, Value::Bytes(_)) => Kind::PipelineOrModel,
            (Kind::Network, 1) => Kind::Layer,
            (Kind::Layer, 500) => {
                out.custom.push((text(&field, 10).unwrap_or_default(), field.offset));
                continue;
            }
            (Kind::Layer, BRANCH) => Kind::Branch,
            (Kind::Layer, LOOP) => {
                if is_endless(&field) {
                    out.endless.push(field.offset);
                }
                Kind::Loop
            }
            (Kind::Branch, 1 | 2) | (Kind::Loop, 3 | 4) => Kind::Network,
            // Weights are values a few messages down: `InnerProductLayerParams.weights.rawValue`.
            (Kind::Layer | Kind::Weights, _) => {
                if let Value::Bytes(bytes) = field.value {
                    if bytes.len() > 1 && Fields::new(bytes).all(|f| f.is_ok()) {
                        stack.push((Kind::Weights, Fields::at(bytes, field.value_offset)));
                    } else {
                        out.value(field.value_offset, bytes);
                    }
                }
                continue;
            }
            (Kind::Linked, _) => {
                if let Value::Bytes(_) = field.value {
                    let inner = field.message().into_iter().flatten().filter_map(Result::ok);
                    for parameter in inner.filter(|f| matches!(f.value, Value::Bytes(_))) {
                        let name = text(&parameter, 1).or_else(|| text(&field, parameter.number));
                        out.files.extend(name.map(|n| (n, field.offset)));
                    }
                }
                continue;
            }
            // Programs nest deeply and their values are spread widely: a file value is a message of a name and an
            // offset, wherever it stands.
            (Kind::Program, _) => {
                if let Value::Bytes(bytes) = field.value {
                    if let Some(path) = bytes.strip_prefix(b"@model_path/").filter(|b| b.len() < 4096) {
                        out.files.push((String::from_utf8_lossy(path).into_owned(), field.offset));
                        continue;
                    }
                    // What is no message is a name or a number's bytes.
                    let message = bytes.len() > 1 && Fields::new(bytes).all(|f| f.is_ok());
                    if message && !bytes.iter().all(|b| (0x20..0x7f).contains(b)) {
                        stack.push((Kind::Program, Fields::at(bytes, field.value_offset)));
                    } else {
                        out.value(field.value_offset, bytes);
                    }
                }
                continue;
            }
            _ => continue,
        };
        match field.message() {
            Some(fields) => stack.push((child, fields)),
            None => {
                let what = format!("field {} holds no message", field.number);
                out.errors.push(ArtifactError::malformed("Core ML model", field.offset, what));
            }
        }
    }
    out
}

/// Layers that hold networks, and one that leaves a loop (`NeuralNetworkLayer`).
const BRANCH: u32 = 605;
const LOOP: u32 = 615;
const LOOP_BREAK: u32 = 620;

/// Whether a loop has no number of rounds, and neither its condition nor its body leaves it or sets the value that it asks
/// for (`LoopLayerParams`).
fn is_endless(field: &Field<'_>) -> bool {
    let of = |number: u32| {
        let fields = field.message().into_iter().flatten().filter_map(Result::ok);
        fields.filter(move |field| field.number == number)
    };
    let bounded = of(1).any(|rounds| !matches!(rounds.value, Value::Varint(0)));
    let Some(Value::Bytes(condition)) = of(2).last().map(|name| name.value) else { return false };
    if bounded {
        return false;
    }
    let mut networks: Vec<Field<'_>> = of(3).chain(of(4)).collect();
    // More than any network has.
    let mut left = MAX_DEPTH * 1024;
    while let Some(network) = networks.pop() {
        for layer in network.message().into_iter().flatten().filter_map(Result::ok).filter(|f| f.number == 1)
        {
            for part in layer.message().into_iter().flatten().filter_map(Result::ok) {
                left = left.saturating_sub(1);
                let sets = part.number == 3 && part.value == Value::Bytes(condition);
                if sets || part.number == LOOP_BREAK {
                    return false;
                }
                if left == 0 {
                    return true;
                }
                if matches!(part.number, BRANCH | LOOP) {
                    networks.extend(part.message().into_iter().flatten().filter_map(Result::ok));
                }
            }
        }
    }
    true
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Model,
    Pipeline,
    PipelineOrModel,
    Network,
    Layer,
    Branch,
    Loop,
    Weights,
    Linked,
    Program,
}

/// Whether the bytes are the weights of a program: a header of 64 bytes and blobs led by a fixed word.
#[must_use]
pub fn is_blobs(bytes: &[u8]) -> bool {
    let head = bytes.get(..64).unwrap_or_default();
    let rest = bytes.get(64..68).unwrap_or_default();
    matches!(head, [_, _, 0, 0, 2, 0, 0, 0, ..])
        && head.iter().skip(8).all(|b| *b == 0)
        && rest == SENTINEL.to_le_bytes()
}

const SENTINEL: u32 = 0xdead_beef;

/// Where blobs lie: first byte and number of bytes. They fill the file, aligned to 64.
///
/// # Errors
/// A blob is not where the one before ends, or reaches beyond the file.
pub fn blobs(bytes: &[u8]) -> Result<Vec<(u64, u64)>, ArtifactError> {
    let mut head = Cursor::new("Core ML weights", bytes, 0);
    let count = head.u32()?;
    head.take(60)?;
    let mut all = Vec::new();
    for _ in 0..count {
        let at = head.offset();
        if head.u32()? != SENTINEL {
            return Err(head.error("a blob does not begin where the one before ends"));
        }
        head.take(4)?;
        let (size, offset) = (head.u64()?, head.u64()?);
        head.take(40)?;
        if offset != at + 64 {
            return Err(head.error("a blob's bytes do not follow its head"));
        }
        head.take(size)?;
        all.push((offset, size));
        let pad = head.offset().next_multiple_of(64) - head.offset();
        let pad = head.take(pad.min(head.left()))?;
        if pad.iter().any(|b| *b != 0) {
            return Err(head.error("bytes stand between two blobs"));
        }
    }
    if head.left() > 0 {
        return Err(head.error(format!("{} bytes follow the last blob", head.left())));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A field of a number that takes two bytes of tag.
    fn field(number: u32, content: &[u8]) -> Vec<u8> {
        let tag = number << 3 | 2;
        let tag = if tag < 128 { vec![tag as u8] } else { vec![tag as u8 | 0x80, (tag >> 7) as u8] };
        [&tag[..], &[content.len() as u8], content].concat()
    }

    #[test]
    fn custom_classes_are_found_at_any_depth() {
        let custom = [&[8, 4][..], &field(2, b""), &field(555, &field(10, b"Evil"))].concat();
        assert!(is_model(&custom));
        assert_eq!(model(&custom).custom[0].0, "Evil");
        let layer = field(1, &field(500, &field(10, b"Layer")));
        let network = [&[8, 4][..], &field(500, &layer)].concat();
        assert_eq!(model(&network).custom[0].0, "Layer");
        let pipeline = [&[8, 4][..], &field(202, &field(1, &custom))].concat();
        assert_eq!(model(&pipeline).custom[0].0, "Evil");
        let classifier = [&[8, 4][..], &field(200, &field(1, &field(1, &network)))].concat();
        assert_eq!(model(&classifier).custom[0].0, "Layer");
    }

    #[test]
    fn loops_end_by_a_number_a_condition_or_a_way_out() {
        let endless = |rounds: &[u8], inner: &[u8]| {
            let body = field(4, &field(1, inner));
            let looped = field(1, &field(615, &[rounds, &field(2, b"go"), &body].concat()));
            model(&[&[8, 4][..], &field(2, b""), &field(500, &looped)].concat()).endless.len()
        };
        let (other, sets) = (field(3, b"y"), field(3, b"go"));
        assert_eq!(endless(&[], &other), 1);
        assert_eq!(endless(&[8, 0], &other), 1);
        assert_eq!(endless(&[8, 9], &other), 0);
        assert_eq!(endless(&[], &sets), 0);
        assert_eq!(endless(&field(3, b""), &other), 1);
        assert_eq!(endless(&field(3, &field(1, &sets)), &other), 0);
        assert_eq!(endless(&[], &field(620, b"")), 0);
        // What a loop or a branch holds is looked at as the network around it is.
        let custom = field(500, &field(10, b"Layer"));
        for held in [field(615, &field(4, &field(1, &custom))), field(605, &field(2, &field(1, &custom)))] {
            let network = field(500, &field(1, &held));
            let found = model(&[&[8, 4][..], &field(2, b""), &network].concat());
            assert_eq!(found.custom.len(), 1);
        }
    }

    #[test]
    fn files_of_a_program_are_found() {
        let value = field(5, &[field(1, b"@model_path/../../secret"), vec![0x10, 64]].concat());
        let program = [&[8, 7][..], &field(502, &field(2, &value))].concat();
        assert_eq!(model(&program).files[0].0, "../../secret");
    }

    #[test]
    fn blobs_fill_their_file() {
        let mut bytes = [&1u32.to_le_bytes()[..], &2u32.to_le_bytes(), &[0; 56]].concat();
        bytes.extend(SENTINEL.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(3u64.to_le_bytes());
        bytes.extend(128u64.to_le_bytes());
        bytes.extend([0; 40]);
        bytes.extend([7; 3]);
        assert!(is_blobs(&bytes));
        assert_eq!(blobs(&bytes).unwrap(), [(128, 3)]);
        bytes.extend([0; 61]);
        assert!(blobs(&bytes).is_ok());
        bytes.push(1);
        assert!(blobs(&bytes).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (is_model(&bytes), model(&bytes), blobs(&bytes));
        }
    }
}
