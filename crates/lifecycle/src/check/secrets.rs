//! Secrets where a model can see them: in the documents that are indexed, and in prompt, tools and
//! configuration. What the output rules would stop on its way out should not be there in the first place.

use proofhouse_core::{Finding, Measurement, Place, Reference, Severity, Unit, Verdict};
use proofhouse_guard::output::{Confidential, Filter, OutputRules};
use serde_json::json;

use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;
use crate::language::pages;

/// A text that is looked through, and where it is.
struct Text {
    place: Place,
    content: String,
}

/// Keys, passwords and tokens in indexed documents.
pub struct IndexSecrets;

impl Check for IndexSecrets {
    fn kinds(&self) -> &'static [&'static str] {
        &["index-secret-scan"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        let indexed = context.datasets.iter().filter(|d| !d.documents().is_empty());
        Ok(indexed.map(|d| Setup::of(d.subject(), json!({"rules": "secret"}))).collect())
    }

    fn run(&self, context: &Context<'_>, setup: &Setup) -> Result<Outcome, LifecycleError> {
        let dataset = context.datasets.by_digest(&setup.subject.digest)?;
        let texts: Vec<Text> = pages(dataset)
            .into_iter()
            .map(|p| Text { place: Place::file(p.name.as_str()), content: p.careless() })
            .collect();
        Ok(looked_through(self.name(), "indexed documents", &texts))
    }
}

/// The same in what is released: prompt, tools, configuration.
pub struct ExposedSecrets;

impl Check for ExposedSecrets {
    fn kinds(&self) -> &'static [&'static str] {
        &["secret-exposure-scan"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        Ok(vec![Setup::of(context.model.subject(), json!({"rules": "secret"}))])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        let texts: Vec<Text> = context
            .model
            .files()
            .iter()
            .map(|(entry, bytes)| Text {
                place: Place::file(entry.path.as_str()),
                content: String::from_utf8_lossy(bytes).into_owned(),
            })
            .collect();
        Ok(looked_through(self.name(), "files of the model folder", &texts))
    }
}

fn looked_through(check: &str, what: &str, texts: &[Text]) -> Outcome {
    let filter = Filter::new(&OutputRules::default());
    let none = Confidential::new();
    let findings: Vec<Finding> = texts
        .iter()
        .flat_map(|text| {
            let found = filter.findings(&none, &text.content);
            found.into_iter().filter(|f| f.rule.starts_with("secret/")).map(|f| {
                let line = text.content.get(..f.span.start).map_or(0, |t| t.matches('\n').count()) as u64 + 1;
                Finding {
                    rule: format!("{check}/{}", f.rule),
                    severity: f.severity,
                    message: f.reason.clone(),
                    place: Place { line: Some(line), ..text.place.clone() },
                    remediation: "take it out, and have it replaced: what a model could see is known"
                        .to_owned(),
                    references: vec![Reference::new("CWE", "4.16", "CWE-522")],
                }
            })
        })
        .collect();
    let serious = findings.iter().filter(|f| f.severity >= Severity::Medium).count();
    let criterion = format!("no key, password or token in {} {what}: {serious} found", texts.len());
    Outcome::new(Verdict::from((!texts.is_empty()).then_some(serious == 0)), criterion)
        .measured(vec![Measurement::new("secrets", findings.len() as f64, Unit::Count)])
        .found(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_with_its_line_and_ordinary_text_is_not() {
        let text = |content: &str| [Text { place: Place::file("prompt.md"), content: content.to_owned() }];
        assert_eq!(looked_through("x", "files", &text("You help.\nBe kind.")).verdict, Verdict::Pass);
        // Assembled here so that no scanner of this repository finds a key in it.
        let key = format!("-----BEGIN {} KEY-----\nMIIB\n", "PRIVATE");
        let outcome = looked_through("x", "files", &text(&format!("You help.\n{key}")));
        assert_eq!((outcome.verdict, outcome.findings[0].place.line), (Verdict::Fail, Some(2)));
        assert_eq!(looked_through("x", "files", &[]).verdict, Verdict::Unknown);
    }
}
