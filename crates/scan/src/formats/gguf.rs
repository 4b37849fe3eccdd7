//! GGUF: tensors and values, and a chat template that the loader runs.

use proofhouse_artifact::gguf::{self, IssueKind};

use crate::scanner::{Content, Scanner};

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
    for text in file.texts.iter().filter(|t| t.key.starts_with("tokenizer.chat_template")) {
        super::template::scan(scanner, &content.at(text.offset).within(text.key.clone()), &text.value);
    }
    (content.bytes.len() as u64).saturating_sub(uncovered)
}
