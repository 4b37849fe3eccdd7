//! Gradient boosting models: trees of numbers that run nothing; what is left is that every byte is one of theirs.

use proofhouse_artifact::boosters;
use proofhouse_artifact::boosters::ubjson::{Event, Visit};
use proofhouse_artifact::json::Value;

use super::payload;
use crate::scanner::{Content, Scanner};

pub(crate) fn ubjson(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let mut found = Both::default();
    let walked = boosters::ubjson::walk(content.bytes, &mut found);
    for range in &found.texts.0 {
        let bytes = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let bytes = bytes.and_then(|(from, to)| content.bytes.get(from..to));
        if let Some(what) = bytes.and_then(payload::kind) {
            scanner.report("booster/structure", content.at(range.start), format!("a text is {what}"));
        }
    }
    if let Some((broken, unknown)) = found.model.issues() {
        tell(scanner, content, broken, unknown);
    }
    match walked {
        Ok(()) => content.bytes.len() as u64,
        Err(error) => {
            let abused = boosters::ubjson::is_abuse(&error);
            let rule = if abused { "booster/structure" } else { "format/unscannable" };
            scanner.report(rule, content.at(error.offset().unwrap_or(0)), error.to_string());
            0
        }
    }
}

/// One walk for the texts and the model.
#[derive(Default)]
struct Both<'a> {
    texts: boosters::ubjson::LongTexts,
    model: boosters::xgboost::Binary<'a>,
}

impl<'a> Visit<'a> for Both<'a> {
    fn event(&mut self, event: Event<'a>) {
        self.texts.event(event);
        self.model.event(event);
    }
}

/// Bytes of a model in which texts are looked for.
const LARGEST_TEXTS: usize = 64 << 20;

pub(crate) fn catboost(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let model = match boosters::catboost(content.bytes) {
        Ok(model) => model,
        Err(error) => {
            scanner.report("booster/structure", content.at(error.offset().unwrap_or(0)), error.to_string());
            return 0;
        }
    };
    // Each takes a number of eight bytes in every leaf.
    if u64::from(model.dimension) > content.bytes.len() as u64 {
        let message =
            format!("the model says that it gives {} scores a row, and is smaller", model.dimension);
        scanner.report("booster/structure", content.place.clone(), message);
    }
    for table in &model.tables {
        let range = usize::try_from(table.start).ok().zip(usize::try_from(table.end).ok());
        let bytes = range.and_then(|(from, to)| content.bytes.get(from..to));
        if let Some(what) = bytes.and_then(payload::kind) {
            let message = format!("a table of categories is {what}");
            scanner.report("booster/structure", content.at(table.start), message);
        }
    }
    // What is said about the model is for whoever serves it.
    let texts = content.bytes.get(..content.bytes.len().min(LARGEST_TEXTS)).unwrap_or_default();
    super::kept::between(scanner, &content.place, &String::from_utf8_lossy(texts));
    let size = content.bytes.len() as u64;
    if model.end == size {
        return size;
    }
    let bytes = size - model.end;
    if model.parts.is_empty() {
        let message =
            format!("{bytes} bytes follow the trees, and the model names no part that they could be");
        scanner.report("booster/structure", content.at(model.end), message);
    } else {
        let message = format!("{bytes} bytes of tables and texts behind the trees are not looked into");
        scanner.report("format/unscannable", content.at(model.end), message);
    }
    model.end
}

/// XGBoost's binary format before UBJSON; whether all of its bytes are one of its models.
pub(super) fn legacy(scanner: &mut Scanner<'_>, content: &Content<'_>) -> bool {
    let Ok(broken) = boosters::xgboost::legacy(content.bytes) else { return false };
    tell(scanner, content, broken, Vec::new());
    // Attributes are texts.
    let texts = content.bytes.get(..content.bytes.len().min(LARGEST_TEXTS)).unwrap_or_default();
    super::kept::between(scanner, &content.place, &String::from_utf8_lossy(texts));
    super::kept::pickles(scanner, content);
    true
}

/// LightGBM's text.
pub(super) fn lightgbm(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    for issue in boosters::lightgbm::issues(text) {
        let rule = if issue.broken { "booster/structure" } else { "format/unscannable" };
        scanner.report(rule, content.at(issue.offset), issue.what);
    }
}

/// XGBoost's JSON, if the document is a model.
pub(super) fn xgboost(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &Value) {
    if !boosters::xgboost::is_model(document) {
        return;
    }
    let (broken, unknown) = boosters::xgboost::issues(document);
    tell(scanner, content, broken, unknown);
}

fn tell(scanner: &mut Scanner<'_>, content: &Content<'_>, broken: Vec<String>, unknown: Vec<String>) {
    for what in broken {
        scanner.report("booster/structure", content.place.clone(), what);
    }
    for what in unknown {
        scanner.report("format/unscannable", content.place.clone(), what);
    }
}
