//! Weights without a structure: all but a head of known length is numbers.

use proofhouse_artifact::raw;

use crate::scanner::{Content, Scanner};
use crate::tensor::{self, Numbers, Tensor};
use crate::weights::Float;

pub(crate) fn darknet(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    numbers(scanner, content, raw::darknet(content.bytes))
}

pub(crate) fn llama2c(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    numbers(scanner, content, raw::llama2c(content.bytes))
}

fn numbers(scanner: &mut Scanner<'_>, content: &Content<'_>, head: Option<usize>) -> u64 {
    let Some((head, bytes)) = head.and_then(|head| Some((head, content.bytes.get(head..)?))) else {
        scanner.report("format/unscannable", content.at(0), "the numbers of this file are no weights");
        return 0;
    };
    let tensor = Tensor { name: "", at: head as u64, bytes, float: Some(Float::Single) };
    tensor::look(scanner, content, "tensor/payload", Numbers::Weights, &[tensor]);
    super::kept::pickles(scanner, content);
    content.bytes.len() as u64
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    #[test]
    fn weights_of_darknet_are_numbers_and_nothing_else() {
        let head: Vec<u8> = [0u32, 2, 0, 32000, 0].iter().flat_map(|n| n.to_le_bytes()).collect();
        let floats: Vec<u8> = (0..3000).flat_map(|n| ((n as f32).sin() / 9.0).to_le_bytes()).collect();
        let outcome =
            |bytes: &[u8]| scan_bytes(&"yolo.weights".parse().unwrap(), bytes, &Limits::default()).outcome;
        assert_eq!(outcome(&[head.clone(), floats.clone()].concat()), Outcome::Clean);
        let mut pickle = b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R.".to_vec();
        pickle.resize(pickle.len().next_multiple_of(4), 0);
        assert!(outcome(&[head.clone(), floats.clone(), pickle].concat()) > Outcome::Unscannable);
        assert!(outcome(&[head, floats, b"a text that is no number".repeat(40)].concat()) > Outcome::Clean);
    }
}
