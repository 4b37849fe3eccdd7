//! Chat templates, wherever they lie: in GGUF, in `tokenizer_config.json`, in a file of their own.

use proofhouse_core::Place;

use crate::scanner::Scanner;
use crate::template::{Kind, judge};

/// Reports what a template does beyond laying out messages.
pub(crate) fn scan(scanner: &mut Scanner<'_>, place: &Place, source: &str) {
    for concern in judge(source) {
        let rule = match concern.kind {
            Kind::Escape => "template/escape",
            Kind::Computed => "template/computed",
            Kind::Loads => "template/loads",
            Kind::Exhausts => "template/exhausts",
            Kind::Words => "template/words",
            Kind::Broken => "template/malformed",
        };
        let before = source.get(..concern.at).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let message = format!("line {line} of the template: {}", concern.what);
        scanner.report(rule, place.clone(), message);
    }
}
