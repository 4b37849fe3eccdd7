//! Duties that a system file must name somebody for. Facts of the file, not claims about the model: what
//! is not stated is unknown, and a duty held by nobody fails.

use proofhouse_core::{Finding, Reference, Severity, Verdict};
use proofhouse_system::Holder;
use serde_json::json;

use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;

/// An executive answers for the system.
pub struct Accountability;

impl Check for Accountability {
    fn kinds(&self) -> &'static [&'static str] {
        &["accountability-check"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        Ok(vec![Setup::of(context.project.subject(), json!({}))])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        let about = &context.project.system.system;
        Ok(held(
            context,
            self.name(),
            &[("system.accountable_executive", about.accountable_executive.as_ref())],
        ))
    }
}

/// Somebody runs the system, and somebody stands in.
pub struct Staffing;

impl Check for Staffing {
    fn kinds(&self) -> &'static [&'static str] {
        &["staffing-check"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        Ok(vec![Setup::of(context.project.subject(), json!({}))])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        let about = &context.project.system.system;
        Ok(held(
            context,
            self.name(),
            &[("system.owner", about.owner.as_ref()), ("system.deputy", about.deputy.as_ref())],
        ))
    }
}

fn held(context: &Context<'_>, check: &str, duties: &[(&str, Option<&Holder>)]) -> Outcome {
    let verdicts = duties.iter().map(|(_, holder)| Verdict::from(holder.map(|h| h.name().is_some())));
    let findings = duties
        .iter()
        .filter(|(_, holder)| holder.is_none_or(|h| h.name().is_none()))
        .map(|(path, holder)| {
            let (severity, message) = match holder {
                Some(_) => (Severity::High, format!("{path} is held by nobody")),
                None => (Severity::Medium, format!("{path} is not stated")),
            };
            finding(context, check, path, severity, message)
        })
        .collect();
    let names: Vec<&str> = duties.iter().map(|(path, _)| *path).collect();
    Outcome::new(Verdict::all(verdicts), format!("{} are named", names.join(" and "))).found(findings)
}

/// Nobody can both build and release.
pub struct DutySeparation;

impl Check for DutySeparation {
    fn kinds(&self) -> &'static [&'static str] {
        &["duty-separation-check"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        Ok(vec![Setup::of(context.project.subject(), json!({"people": context.project.system.people}))])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        let people = &context.project.system.people;
        let verdicts = people.iter().map(|p| match (p.builds, p.releases) {
            (Some(true), Some(true)) => Verdict::Fail,
            (Some(false), _) | (_, Some(false)) => Verdict::Pass,
            _ => Verdict::Unknown,
        });
        let verdict = Verdict::all(verdicts);
        let findings = people
            .iter()
            .filter(|p| p.builds == Some(true) && p.releases == Some(true))
            .map(|p| {
                let message = format!("{} can both build and release", p.role);
                finding(context, self.name(), &format!("people[{}]", p.id), Severity::High, message)
            })
            .collect();
        Ok(Outcome::new(verdict, "no person of the system file both builds and releases").found(findings))
    }
}

fn finding(context: &Context<'_>, check: &str, path: &str, severity: Severity, message: String) -> Finding {
    Finding {
        rule: format!("{check}/{}", if severity == Severity::High { "vacant" } else { "unstated" }),
        severity,
        message,
        place: context.project.system.place(path),
        remediation: "state in the system file who holds the duty; two people where one could be missing"
            .to_owned(),
        references: vec![Reference::new("NIST-RMF", "1.0", "GOVERN 2.1")],
    }
}
