//! TensorFlow Lite: built-in operators compute; custom ones run a library, or TensorFlow itself.

use proofhouse_artifact::{ArtifactError, Format, tflite};

use super::{payload, tensorflow};
use crate::scanner::{Content, Scanner};

/// Custom operators that the stock runtime and MediaPipe's bring along.
const STOCK: [&str; 12] = [
    "TFLite_Detection_PostProcess",
    "AudioSpectrogram",
    "Mfcc",
    "NumericVerify",
    "HashtableFind",
    "HashtableImport",
    "HashtableSize",
    "Convolution2DTransposeBias",
    "MaxPoolingWithArgmax2D",
    "MaxUnpooling2D",
    "TransformTensorBilinear",
    "Landmarks2TransformMatrix",
];

/// Padding behind the last buffer.
const PADDING: u64 = 64;

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let model = match tflite::parse(content.bytes) {
        Ok(model) => model,
        Err(error) => {
            let rule = match error {
                ArtifactError::Limit { .. } => "format/unscannable",
                _ => "tflite/malformed",
            };
            scanner.report(rule, content.at(error.offset().unwrap_or(0)), error.to_string());
            return 0;
        }
    };
    for name in &model.custom {
        let place = content.place.clone().within(name.as_str());
        if let Some(operation) = name.strip_prefix("Flex") {
            tensorflow::attributes(scanner, &place, operation, content.bytes);
            tensorflow::operation(scanner, place, operation, 1);
        } else if !STOCK.contains(&name.as_str()) {
            let message = format!("the custom operator {name:?} needs somebody's library");
            scanner.report("tflite/custom-operator", place, message);
        }
    }
    for issue in &model.issues {
        let rule = if issue.exhausts { "tflite/exhausts" } else { "tflite/malformed" };
        scanner.report(rule, content.at(issue.offset), issue.what.clone());
    }
    for answer in model.fixed_answers.iter().take(20) {
        scanner.report("tflite/fixed-answer", content.at(answer.offset), answer.what.clone());
    }
    for buffer in &model.buffers {
        let range = usize::try_from(buffer.start).ok().zip(usize::try_from(buffer.end).ok());
        let bytes = range.and_then(|(start, end)| content.bytes.get(start..end));
        if let Some(what) = bytes.and_then(payload::kind) {
            scanner.report(
                "tflite/embedded-payload",
                content.at(buffer.start),
                format!("a buffer is {what}"),
            );
        }
    }
    behind(scanner, content, model.end)
}

/// Metadata tools append a zip archive with labels; the FlatBuffer does not know of it.
fn behind(scanner: &mut Scanner<'_>, content: &Content<'_>, end: u64) -> u64 {
    let size = content.bytes.len() as u64;
    let tail = usize::try_from(end).ok().and_then(|end| content.bytes.get(end..)).unwrap_or_default();
    let zip = tail.windows(4).take(PADDING as usize).position(|w| w == b"PK\x03\x04");
    if let Some(bytes) = zip.and_then(|at| tail.get(at..)) {
        let place = content.place.clone().within("metadata.zip");
        let inner = Content { bytes, format: Format::detect(bytes), place, depth: content.depth + 1 };
        super::scan(scanner, &inner);
        return size;
    }
    if tail.len() as u64 > PADDING || tail.iter().any(|b| *b != 0) {
        let what = payload::kind(tail).map_or_else(String::new, |what| format!(": {what}"));
        let message = format!("{} bytes follow what the model refers to{what}", tail.len());
        scanner.report("tflite/structure", content.at(end), message);
        let format = Format::detect(tail);
        if !matches!(format, Format::Unknown) {
            let place = content.place.clone().within("behind the model");
            super::scan(scanner, &Content { bytes: tail, format, place, depth: content.depth + 1 });
        }
        return end;
    }
    size
}
