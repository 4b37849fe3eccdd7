//! GGML before GGUF: a vocabulary, which is data, and tensors.

use proofhouse_artifact::ggml;

use crate::scanner::{Content, Scanner};
use crate::tensor::{self, Numbers, Tensor};
use crate::weights::Float;

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let size = content.bytes.len() as u64;
    if ggml::is_importance(content.bytes) {
        return size;
    }
    let file = match ggml::walk(content.bytes) {
        Ok(file) => file,
        Err(error) => {
            if let Some(what) = ggml::overstates(content.bytes) {
                scanner.report("ggml/structure", content.at(4), what);
            }
            let message = format!("{error}: convert it to GGUF");
            scanner.report("format/unscannable", content.place.clone(), message);
            super::kept::pickles(scanner, content);
            return 0;
        }
    };
    if file.end < size {
        let message = format!("{} bytes belong to no tensor that is whole", size - file.end);
        scanner.report("ggml/structure", content.at(file.end), message);
        super::kept::pickles(scanner, content);
    }
    let tensors: Vec<Tensor<'_>> = file.tensors.iter().filter_map(|t| tensor(content, t)).collect();
    tensor::look(scanner, content, "tensor/payload", Numbers::Weights, &tensors);
    file.end
}

fn tensor<'a>(content: &Content<'a>, tensor: &'a ggml::Tensor) -> Option<Tensor<'a>> {
    let begin = usize::try_from(tensor.begin).ok()?;
    let end = begin.checked_add(usize::try_from(tensor.bytes).ok()?)?;
    let float = match tensor.kind {
        0 => Some(Float::Single),
        1 => Some(Float::Half),
        _ => None,
    };
    Some(Tensor { name: &tensor.name, at: tensor.begin, bytes: content.bytes.get(begin..end)?, float })
}
