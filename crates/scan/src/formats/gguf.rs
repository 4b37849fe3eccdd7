//! GGUF: tensors and values, and a chat template that the loader runs.

use proofhouse_artifact::gguf::{self, IssueKind};

use crate::scanner::{Content, Scanner};
use crate::tensor::{self, Numbers, Tensor};
use crate::weights::Float;

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let file = match gguf::parse(content.bytes) {
        Ok(file) => file,
        Err(error) => {
            scanner.report("gguf/malformed", content.at(error.offset().unwrap_or(0)), error.to_string());
            return 0;
        }
    };
    let mut uncovered = 0;
    for issue in &file.issues {
        let rule = match issue.kind {
            IssueKind::Hole(bytes) => {
                uncovered += bytes;
                "gguf/structure"
            }
            IssueKind::Unknown => "format/unscannable",
            _ => "gguf/structure",
        };
        scanner.report(rule, content.at(issue.offset), issue.to_string());
    }
    let tensors: Vec<Tensor<'_>> = file.tensors.iter().filter_map(|t| tensor(content, &file, t)).collect();
    tensor::look(scanner, content, "tensor/payload", Numbers::Weights, &tensors);
    for text in file.texts.iter().filter(|t| t.key.starts_with("tokenizer.chat_template")) {
        super::template::scan(scanner, &content.at(text.offset).within(text.key.clone()), &text.value);
    }
    for text in &file.texts {
        super::kept::metadata(scanner, &content.at(text.offset), &text.key, &text.value);
    }
    for text in file.texts.iter().filter(|t| t.key.starts_with("general.")) {
        let place = content.at(text.offset).within(text.key.clone());
        super::orders::prompt(scanner, &place, &text.key, &text.value);
    }
    (content.bytes.len() as u64).saturating_sub(uncovered)
}

fn tensor<'a>(content: &Content<'a>, file: &gguf::Gguf, tensor: &'a gguf::Tensor) -> Option<Tensor<'a>> {
    let begin = usize::try_from(tensor.begin).ok()?;
    let end = begin.checked_add(usize::try_from(tensor.bytes?).ok()?)?;
    // `enum ggml_type` of ggml.h; the other types are packed or whole numbers.
    let float = match tensor.kind {
        0 => Some(Float::Single),
        1 => Some(Float::Half),
        28 => Some(Float::Double),
        30 => Some(Float::Brain),
        _ => None,
    };
    let float = float.filter(|_| !file.big_endian);
    Some(Tensor { name: &tensor.name, at: tensor.begin, bytes: content.bytes.get(begin..end)?, float })
}
