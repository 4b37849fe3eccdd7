//! Arrays of MATLAB: numbers and characters, which may lie in cells and structures; functions and objects do more.

use proofhouse_artifact::matlab::{self, Beyond, Kind, Order, Survey};
use proofhouse_artifact::stream::Codec;
use proofhouse_artifact::{ArtifactError, Format};

use super::kept;
use crate::scanner::{Content, Scanner};
use crate::tensor::{self, Numbers, Tensor};
use crate::weights::Float;

/// Most functions and objects that are told of one file.
const TOLD: usize = 64;

pub(crate) fn level5(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let order = matlab::order(content.bytes).unwrap_or(Order::Little);
    walked(scanner, content, matlab::level5(content.bytes), order)
}

pub(crate) fn level4(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    walked(scanner, content, matlab::level4(content.bytes), Order::Little)
}

/// What a walk found; all bytes are accounted for, or none.
fn walked(
    scanner: &mut Scanner<'_>,
    content: &Content<'_>,
    survey: Result<Survey, ArtifactError>,
    order: Order,
) -> u64 {
    let survey = match survey {
        Ok(survey) => survey,
        Err(error) => {
            let rule = match error {
                ArtifactError::Limit { .. } => "format/unscannable",
                _ => "matlab/malformed",
            };
            scanner.report(rule, content.at(error.offset().unwrap_or(0)), error.to_string());
            kept::pickles(scanner, content);
            return 0;
        }
    };
    let slice = |range: &std::ops::Range<u64>| {
        let range = usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?;
        content.bytes.get(range)
    };
    for (at, what) in survey.beyond.iter().take(TOLD) {
        let (rule, message) = match what {
            Beyond::Function => {
                ("matlab/function", "a function, whose text runs when it is called".to_owned())
            }
            Beyond::Java => {
                ("matlab/java-object", "an object of Java, which loading deserializes".to_owned())
            }
            Beyond::Object(class) => {
                ("matlab/object", format!("an object of the class {class:?}, whose own code loads it"))
            }
        };
        scanner.report(rule, content.at(*at), message);
    }
    let tensors: Vec<Tensor<'_>> = survey
        .numbers
        .iter()
        .map(|numbers| Tensor {
            name: &numbers.name,
            at: numbers.range.start,
            bytes: slice(&numbers.range).unwrap_or_default(),
            float: match numbers.kind {
                Kind::Single => Some(Float::Single),
                Kind::Double => Some(Float::Double),
                Kind::Text | Kind::Other => None,
            },
        })
        .collect();
    tensor::look(scanner, content, "tensor/payload", Numbers::Data, &tensors);
    kept::pickles(scanner, content);
    for range in &survey.packed {
        packed(scanner, content, range.start, slice(range).unwrap_or_default(), order);
    }
    content.bytes.len() as u64
}

/// An element that is packed by zlib.
fn packed(scanner: &mut Scanner<'_>, content: &Content<'_>, at: u64, stored: &[u8], order: Order) {
    if content.depth >= scanner.limits.depth {
        return scanner.report("zip/budget", content.at(at), "elements are packed in each other too deep");
    }
    let unpacked = match Codec::Zlib.unpack(stored, scanner.decompressed_left) {
        Ok(unpacked) => unpacked,
        Err(error) => {
            let rule = match error {
                ArtifactError::Limit { .. } => "format/unscannable",
                _ => "matlab/malformed",
            };
            return scanner.report(rule, content.at(at), format!("an element cannot be unpacked: {error}"));
        }
    };
    scanner.decompressed_left = scanner.decompressed_left.saturating_sub(unpacked.bytes.len() as u64);
    if unpacked.trailing > 0 {
        let message = format!("{} bytes follow a packed element", unpacked.trailing);
        scanner.report("matlab/malformed", content.at(at), message);
    }
    let member = format!("element at {at}");
    let member = content.place.member.as_ref().map_or(member.clone(), |outer| format!("{outer}!{member}"));
    let mut place = content.place.clone().within(member);
    place.offset = None;
    let inner = Content { bytes: &unpacked.bytes, format: Format::Matlab5, place, depth: content.depth + 1 };
    let survey = matlab::elements(&unpacked.bytes, 0, order);
    walked(scanner, &inner, survey, order);
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use crate::{Limits, Outcome, scan_bytes};

    fn tagged(kind: u32, bytes: &[u8]) -> Vec<u8> {
        let mut out = [&kind.to_le_bytes()[..], &(bytes.len() as u32).to_le_bytes(), bytes].concat();
        out.resize(out.len().next_multiple_of(8), 0);
        out
    }

    fn array(class: u32, values: &[u8]) -> Vec<u8> {
        let flags = [class.to_le_bytes(), [0; 4]].concat();
        let dims = [1u32.to_le_bytes(), (values.len() as u32).to_le_bytes()].concat();
        tagged(14, &[tagged(6, &flags), tagged(5, &dims), tagged(1, b"x"), tagged(2, values)].concat())
    }

    fn outcome(elements: &[Vec<u8>]) -> Outcome {
        let mut head = b"MATLAB 5.0 MAT-file".to_vec();
        head.resize(124, b' ');
        let bytes = [head, b"\0\x01IM".to_vec(), elements.concat()].concat();
        scan_bytes(&"data.mat".parse().unwrap(), &bytes, &Limits::default()).outcome
    }

    fn squeezed(element: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(element).unwrap();
        let stream = encoder.finish().unwrap();
        [&15u32.to_le_bytes()[..], &(stream.len() as u32).to_le_bytes(), &stream].concat()
    }

    #[test]
    fn arrays_are_data_and_what_does_more_is_told() {
        let pickle = b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R.";
        assert_eq!(outcome(&[array(9, b"12345")]), Outcome::Clean);
        assert_eq!(outcome(&[squeezed(&array(9, b"12345")), array(4, b"text")]), Outcome::Clean);
        assert_eq!(outcome(&[squeezed(&array(9, pickle))]), Outcome::Malicious);
        assert_eq!(outcome(&[array(9, pickle)]), Outcome::Malicious);
        let function = {
            let flags = [16u32.to_le_bytes(), [0; 4]].concat();
            let dims = [1u32.to_le_bytes(); 2].concat();
            tagged(14, &[tagged(6, &flags), tagged(5, &dims), tagged(1, b"f"), array(9, b"1")].concat())
        };
        assert_eq!(outcome(std::slice::from_ref(&function)), Outcome::Suspicious);
        assert_eq!(outcome(&[squeezed(&function)]), Outcome::Suspicious);
        let mut surplus = squeezed(&array(9, b"1"));
        surplus.extend(b"more");
        let length = surplus.len() as u32 - 8;
        surplus[4..8].copy_from_slice(&length.to_le_bytes());
        assert_eq!(outcome(&[surplus]), Outcome::Suspicious, "bytes follow the stream");
        let deep = (0..40).fold(array(9, b"1"), |inner, _| squeezed(&inner));
        assert!(outcome(&[deep]) > Outcome::Clean);
    }
}
