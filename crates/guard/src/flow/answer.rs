//! What the model says against the rules for links.

use proofhouse_dialogue::Trust;
use url::Url;

use super::carry::Carried;
use super::judge::Judge;
use super::links::{Link, LinkKind, links};
use super::provenance::address::Address;
use super::provenance::{Meaning, Standing, standing};
use super::{Reason, Rule};
use crate::link::{LinkPlace, LinkRefusal};

/// Judges the links of an answer.
pub(super) fn judge(judge: &Judge<'_>, text: &str) -> Vec<Reason> {
    let (found, more) = links(text, judge.policy.limits.links);
    let mut reasons = Vec::new();
    if more {
        let message = format!("more than {} links in one answer", judge.policy.limits.links);
        reasons.push(Reason::deny(Rule::Budget, message));
    }
    for link in &found {
        reasons.extend(Target { judge, link }.judge());
    }
    reasons
}

struct Target<'a> {
    judge: &'a Judge<'a>,
    link: &'a Link,
}

impl Target<'_> {
    fn judge(&self) -> Vec<Reason> {
        let standing = self.link.target.as_ref().map(|url| self.standing(url)).unwrap_or_default();
        // What the user or the operator wrote out, the model may repeat.
        if standing.from(Trust::Principal).next().is_some() {
            return Vec::new();
        }
        let quoted = !standing.steps.is_empty();
        let place = match self.link.kind {
            LinkKind::Followed => LinkPlace::Clicked,
            LinkKind::Loaded => LinkPlace::Fetched,
        };
        let mut reasons = Vec::new();
        if let Err(refusal) = self.judge.policy.links.judge(&self.link.written, place) {
            let rule = self.rule(&refusal);
            let excused = match rule {
                // Whoever wrote it there knew what it says.
                Rule::LinkData => quoted,
                Rule::LinkHost => quoted && self.judge.policy.cites,
                _ => false,
            };
            if !excused {
                let path = standing.steps.iter().take(4).cloned();
                reasons.push(Reason::deny(rule, refusal.to_string()).along(path));
            }
        }
        let carried = self.judge.private().carried_in(&self.link.written);
        if carried != Carried::Nothing {
            let message =
                "the link carries data out of a private text, or can be read in too many ways to tell";
            reasons.push(Reason::deny(Rule::LinkPrivate, message).along(carried.step().cloned()));
        }
        reasons
    }

    /// The texts in which the link stands whole; of a mail link, in which its address does.
    fn standing(&self, url: &Url) -> Standing {
        let meaning = match url.scheme() {
            "mailto" if url.query().is_none() && url.fragment().is_none() => {
                match Address::parse(url.path()) {
                    Some(address) => Meaning::Addresses(vec![address]),
                    None => return Standing::default(),
                }
            }
            _ => Meaning::Url(Box::new(url.clone())),
        };
        standing(&meaning, &self.judge.context, Trust::Principal)
    }

    fn rule(&self, refusal: &LinkRefusal) -> Rule {
        match refusal {
            LinkRefusal::Carries { .. } | LinkRefusal::Opaque { .. } => Rule::LinkData,
            LinkRefusal::Redirect { .. } => Rule::LinkRedirect,
            LinkRefusal::Host { .. }
            | LinkRefusal::LookAlike { .. }
            | LinkRefusal::Address { .. }
            | LinkRefusal::Port { .. } => match self.link.kind {
                LinkKind::Followed => Rule::LinkHost,
                LinkKind::Loaded => Rule::ImageHost,
            },
            _ => Rule::LinkForm,
        }
    }
}
