//! Chat templates, wherever they lie: in GGUF, in `tokenizer_config.json`, in a file of their own.

use proofhouse_core::Place;

use crate::scanner::Scanner;
use crate::template::{Concern, Kind, judge};

/// Reports what a template does beyond laying out messages.
pub(crate) fn scan(scanner: &mut Scanner<'_>, place: &Place, source: &str) {
    tell(scanner, place, source, judge(source));
}

/// The same of a text that may be in another language of templates: only what leads out of one is told.
pub(crate) fn ways_out(scanner: &mut Scanner<'_>, place: &Place, source: &str) {
    let concerns = judge(source).into_iter().filter(|concern| concern.kind == Kind::Escape).collect();
    tell(scanner, place, source, concerns);
}

fn tell(scanner: &mut Scanner<'_>, place: &Place, source: &str, concerns: Vec<Concern>) {
    for concern in concerns {
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
