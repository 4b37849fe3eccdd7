//! HDF5: data, unless it leads to another file, needs a plugin, or brings a Keras architecture.

use std::ops::Range;

use proofhouse_artifact::Format;
use proofhouse_artifact::hdf5::{self, IssueKind, Survey, Target};

use super::{json, kept, payload};
use crate::scanner::{Content, Scanner};
use crate::tensor::{self, Numbers, Tensor};
use crate::weights::Float;

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let survey = match hdf5::survey(content.bytes) {
        Ok(survey) => survey,
        Err(error) => {
            scanner.report("hdf5/malformed", content.at(error.offset().unwrap_or(0)), error.to_string());
            return 0;
        }
    };
    let mut uncovered = 0;
    for issue in &survey.issues {
        let rule = match issue.kind {
            IssueKind::Unknown => "format/unscannable",
            IssueKind::Trailing(bytes) => {
                uncovered += bytes;
                "hdf5/structure"
            }
            IssueKind::Overlap => "hdf5/structure",
            _ => "hdf5/malformed",
        };
        scanner.report(rule, content.at(issue.offset), issue.to_string());
    }
    outside(scanner, content, &survey);
    declared(scanner, content, &survey);
    uncovered += unclaimed(scanner, content, &survey);
    for text in &survey.texts {
        if text.value.trim_start().starts_with(['{', '[']) {
            let place =
                content.place.clone().within(format!("{}@{}", text.object, text.name)).at(text.offset);
            let bytes = text.value.as_bytes();
            if Format::detect(bytes) == Format::Json {
                let inner = Content { bytes, format: Format::Json, place, depth: content.depth + 1 };
                json::scan(scanner, &inner);
            } else if text.name == "model_config" {
                scanner.report("hdf5/malformed", place, "the architecture is no JSON");
            }
        }
    }
    for text in survey.texts.iter().filter(|text| text.value.contains('\n')) {
        // A pickle of protocol 0 is a text, and PyTables loads an attribute that is one.
        let place = content.place.clone().within(format!("{}@{}", text.object, text.name)).at(text.offset);
        let bytes = text.value.as_bytes();
        kept::pickles(scanner, &Content { bytes, format: Format::Text, place, depth: content.depth + 1 });
    }
    for handle in survey.texts.iter().filter(|t| t.name == "MATLAB_class" && t.value == "function_handle") {
        let message = "a function handle of MATLAB, which is a program that runs where the value is used";
        let place = content.place.clone().within(handle.object.as_str()).at(handle.offset);
        scanner.report("format/unscannable", place, message);
    }
    for (text, bytes) in &survey.packed {
        let format = Format::detect(bytes);
        if matches!(format, Format::Pickle(_)) {
            let place =
                content.place.clone().within(format!("{}@{}", text.object, text.name)).at(text.offset);
            crate::pickle::scan(scanner, &Content { bytes, format, place, depth: content.depth + 1 });
        }
    }
    heaps(scanner, content, &survey);
    let tensors: Vec<Tensor<'_>> = survey
        .datasets
        .iter()
        .filter_map(|dataset| Some((dataset, tensor(content, dataset)?)))
        // An object that h5py keeps for Python in a dataset of bytes is a pickle in plain sight.
        .filter(|(dataset, tensor)| dataset.float.is_some() || !object(scanner, content, tensor))
        .map(|(_, tensor)| tensor)
        .collect();
    // What Keras writes about itself stands in every file of weights of its.
    let marks = ["keras_version", "model_config", "layer_names", "backend"];
    let keras = survey.texts.iter().any(|t| marks.contains(&t.name.as_str()));
    let numbers = if keras { Numbers::Weights } else { Numbers::Data };
    tensor::look(scanner, content, "hdf5/embedded-payload", numbers, &tensors);
    filtered(scanner, content, &survey, numbers);
    (content.bytes.len() as u64).saturating_sub(uncovered)
}

/// Datasets whose chunks are compressed: what they are is seen when they are unpacked.
fn filtered(scanner: &mut Scanner<'_>, content: &Content<'_>, survey: &Survey, numbers: Numbers) {
    for dataset in survey.datasets.iter().filter(|dataset| !dataset.chunks.is_empty()) {
        if !scanner.limits.content {
            return;
        }
        let limit = scanner.decompressed_left.min(dataset.declared.max(1));
        let bytes = &dataset.unpacked(content.bytes, limit)[..];
        scanner.decompressed_left = scanner.decompressed_left.saturating_sub(bytes.len() as u64);
        let place = content.place.clone().within(dataset.path.as_str());
        let inner = Content { bytes, format: Format::Hdf5, place, depth: content.depth + 1 };
        let tensor = Tensor { name: "", at: 0, bytes, float: None };
        tensor::look(scanner, &inner, "hdf5/embedded-payload", numbers, &[tensor]);
    }
}

/// Elements of varying length: PyTables keeps objects in them, as pickles that it loads.
fn heaps(scanner: &mut Scanner<'_>, content: &Content<'_>, survey: &Survey) {
    for range in &survey.objects_of_heaps {
        let bytes = slice(content.bytes, range).unwrap_or_default();
        let format = Format::detect(bytes);
        let place = content.place.clone().within("heap").at(range.start);
        if matches!(format, Format::Pickle(1..)) {
            crate::pickle::scan(scanner, &Content { bytes, format, place, depth: content.depth + 1 });
        } else if let Some(what) = payload::kind(bytes) {
            scanner.report("hdf5/embedded-payload", place, format!("an element is {what}"));
        }
    }
}

/// Looks into bytes that are one pickle and nothing else; whether they are.
fn object(scanner: &mut Scanner<'_>, content: &Content<'_>, tensor: &Tensor<'_>) -> bool {
    if payload::kind(tensor.bytes) != Some("a pickle") {
        return false;
    }
    let place = content.place.clone().within(tensor.name).at(tensor.at);
    let format = Format::detect(tensor.bytes);
    let inner = Content { bytes: tensor.bytes, format, place, depth: content.depth + 1 };
    crate::pickle::scan(scanner, &inner) == tensor.bytes.len() as u64
}

fn tensor<'a>(content: &Content<'a>, dataset: &'a hdf5::Dataset) -> Option<Tensor<'a>> {
    let range = dataset.data.as_ref()?;
    let float = match dataset.float {
        Some(2) => Some(Float::Half),
        Some(4) => Some(Float::Single),
        Some(8) => Some(Float::Double),
        _ => None,
    };
    Some(Tensor { name: &dataset.path, at: range.start, bytes: slice(content.bytes, range)?, float })
}

/// Shapes for which a reader makes room that no machine has, where the file is small: loaders of weights read them all.
fn declared(scanner: &mut Scanner<'_>, content: &Content<'_>, survey: &Survey) {
    /// Less than this a machine has; and so much that packs so well is one value all over, which is no weights. Where
    /// next to nothing is stored, less is out of proportion as well.
    const MOST: [(u64, u64); 2] = [(3 << 30, 800), (1 << 28, 100_000)];
    let all = survey.datasets.iter().fold(0u64, |sum, dataset| sum.saturating_add(dataset.declared));
    if MOST.iter().any(|(most, ratio)| all > *most && all / ratio > content.bytes.len() as u64) {
        let message =
            format!("{} bytes declare {all}, for which whoever reads them makes room", content.bytes.len());
        scanner.report("hdf5/exhausts", content.place.clone(), message);
    }
}

/// What opening the file would reach elsewhere.
fn outside(scanner: &mut Scanner<'_>, content: &Content<'_>, survey: &Survey) {
    for link in &survey.links {
        let message = match &link.target {
            Target::Soft(_) => continue,
            Target::External { file, object } => format!("it leads to {object:?} in the file {file:?}"),
            Target::UserDefined(class) => {
                format!("it is a link of class {class}, which the application follows")
            }
        };
        scanner.report(
            "hdf5/external",
            content.place.clone().within(link.path.as_str()).at(link.offset),
            message,
        );
    }
    // A dot is the file itself (HDF5 file format, "Virtual Dataset Storage").
    for external in survey.external.iter().filter(|external| external.file != ".") {
        let place = content.place.clone().within(external.dataset.as_str()).at(external.offset);
        scanner.report(
            "hdf5/external",
            place,
            format!("its data are taken from the file {:?}", external.file),
        );
    }
    for (dataset, id) in &survey.filters {
        let place = content.place.clone().within(dataset.as_str());
        scanner.report("hdf5/filter", place, format!("its data need the plugin of filter {id}"));
    }
}

/// Bytes that no structure has: in front and between.
fn unclaimed(scanner: &mut Scanner<'_>, content: &Content<'_>, survey: &Survey) -> u64 {
    let mut uncovered = 0;
    let front = slice(content.bytes, &(0..survey.user_block)).unwrap_or_default();
    if front.iter().any(|b| *b != 0) && !is_head_of_matlab(front) {
        uncovered += survey.user_block;
        let message = format!("{} bytes stand before the file", survey.user_block);
        scanner.report("hdf5/structure", content.at(0), message);
        let end = front.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
        let bytes = front.get(..end).unwrap_or_default();
        let place = content.place.clone();
        let inner = Content { bytes, format: Format::detect(bytes), place, depth: content.depth + 1 };
        super::scan(scanner, &inner);
    }
    for gap in &survey.gaps {
        uncovered += gap.end.saturating_sub(gap.start);
        let what = slice(content.bytes, gap).and_then(payload::kind);
        let what = what.map_or_else(String::new, |what| format!(": {what}"));
        let message = format!("{} bytes belong to nothing{what}", gap.end - gap.start);
        scanner.report("hdf5/structure", content.at(gap.start), message);
    }
    uncovered
}

/// What MATLAB writes in front of the file from version 7.3 on: a line of text, its version and the order of bytes.
fn is_head_of_matlab(front: &[u8]) -> bool {
    let (Some(text), Some(rest)) = (front.get(..116), front.get(128..)) else { return false };
    text.starts_with(b"MATLAB 7.3 MAT-file")
        && text.iter().all(|b| b.is_ascii_graphic() || matches!(b, b' ' | 0))
        && front.get(116..124).is_some_and(|unused| unused.iter().all(|b| matches!(b, b' ' | 0)))
        && front.get(124..128) == Some(b"\0\x02IM")
        && rest.iter().all(|b| *b == 0)
}

fn slice<'a>(bytes: &'a [u8], range: &Range<u64>) -> Option<&'a [u8]> {
    let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
    bytes.get(start..end)
}

#[cfg(test)]
mod tests {
    use super::is_head_of_matlab;

    #[test]
    fn only_the_head_that_matlab_writes_may_stand_in_front() {
        let mut head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .".to_vec();
        head.resize(116, b' ');
        head.extend(b"\0\0\0\0\0\0\0\0\0\x02IM");
        head.resize(512, 0);
        assert!(is_head_of_matlab(&head));
        for (at, byte) in [(40, 0x80), (120, b'x'), (125, 1), (300, b'c')] {
            let mut other = head.clone();
            other[at] = byte;
            assert!(!is_head_of_matlab(&other), "{at}");
        }
    }
}
