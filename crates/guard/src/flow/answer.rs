//! What the model says against the rules for links.

use proofhouse_dialogue::Trust;
use url::{Position, Url};

use super::carry::views;
use super::judge::Judge;
use super::links::{Link, LinkKind, links};
use super::provenance::address::Address;
use super::provenance::{Meaning, Standing, plain_url, standing};
use super::{Reason, Rule, argument, host};

/// Judges the links of an answer.
pub(super) fn judge(judge: &Judge<'_>, text: &str) -> Vec<Reason> {
    let (found, more) = links(text, judge.policy.limits.links);
    let mut reasons = Vec::new();
    if more {
        let message = format!("more than {} links in one answer", judge.policy.limits.links);
        reasons.push(Reason::deny(Rule::Budget, message));
    }
    for link in &found {
        match &link.target {
            Ok(url) => reasons.extend(Target { judge, link, url }.judge()),
            Err(_) => reasons
                .push(Reason::deny(Rule::LinkForm, "a link that leads nowhere plain programs agree on")),
        }
    }
    reasons
}

struct Target<'a> {
    judge: &'a Judge<'a>,
    link: &'a Link,
    url: &'a Url,
}

impl Target<'_> {
    fn judge(&self) -> Vec<Reason> {
        let standing =
            standing(&Meaning::Url(Box::new(self.url.clone())), &self.judge.context, Trust::Principal);
        // What the user or the operator wrote out, the model may repeat.
        if standing.from(Trust::Principal).next().is_some() {
            return Vec::new();
        }
        if self.url.scheme() == "mailto" {
            return self.mail();
        }
        let mut reasons = Vec::new();
        let name = self.name();
        if let Err(problem) = plain_url(self.url.as_str())
            && !self.is_listed(self.url)
        {
            reasons.push(self.about(Rule::LinkForm, format!("{name}: {problem}"), &standing));
        } else if !self.url.username().is_empty() || self.url.password().is_some() {
            reasons.push(self.about(
                Rule::LinkForm,
                format!("{name}: a link carries no credentials"),
                &standing,
            ));
        }
        let quoted = !standing.steps.is_empty();
        let cited = quoted && self.judge.policy.links.cited && self.link.kind == LinkKind::Followed;
        if !self.is_listed(self.url) && !cited {
            let rule = match self.link.kind {
                LinkKind::Followed => Rule::LinkHost,
                LinkKind::Loaded => Rule::ImageHost,
            };
            reasons.push(self.about(
                rule,
                format!("{name} is not among the hosts that the policy lists"),
                &standing,
            ));
        }
        if !quoted && let Some(problem) = self.data() {
            reasons.push(self.about(Rule::LinkData, format!("the link to {name} {problem}"), &standing));
        }
        if argument::redirects(self.url, |other| self.is_listed(other)) {
            let message = format!("the link to {name} carries another one to a host that is not listed");
            reasons.push(self.about(Rule::LinkRedirect, message, &standing));
        }
        if let Some(step) = self.judge.private().carried_in(self.url.as_str()) {
            let message = format!("the link to {name} carries data out of a private text");
            reasons.push(Reason::deny(Rule::LinkPrivate, message).along([step.clone()]));
        }
        reasons
    }

    /// The host as it can be shown: never what stands behind it.
    fn name(&self) -> String {
        let host =
            self.url.host().map_or_else(|| format!("a {} link", self.url.scheme()), |h| host::canonical(&h));
        // A long host is data.
        match host.len() > 80 {
            true => format!("{}…", host.chars().take(40).collect::<String>()),
            false => host,
        }
    }

    fn about(&self, rule: Rule, message: String, standing: &Standing) -> Reason {
        Reason::deny(rule, message).along(standing.steps.iter().take(4).cloned())
    }

    fn is_listed(&self, url: &Url) -> bool {
        let rules = &self.judge.policy.links;
        let followed = self.link.kind == LinkKind::Followed && rules.hosts.iter().any(|h| h.covers(url));
        followed || rules.images.iter().any(|h| h.covers(url))
    }

    /// What in a link that stands nowhere could be data.
    fn data(&self) -> Option<String> {
        let rules = &self.judge.policy.links;
        let behind = &self.url[Position::BeforePath..];
        let length = behind.chars().count();
        if length > rules.max_data {
            return Some(format!("has {length} characters behind its host and stands in no text"));
        }
        let opaque = views(behind).iter().any(|view| {
            view.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| {
                run.len() > rules.max_opaque && !self.judge.public().any(|text| text.contains(run))
            })
        });
        opaque.then(|| {
            format!("holds a run of more than {} letters and digits that stands in no text", rules.max_opaque)
        })
    }

    /// A mail that a click prepares: to an address that is trusted, and empty.
    fn mail(&self) -> Vec<Reason> {
        let address = Address::parse(self.url.path());
        let Some(address) = address.filter(|_| self.url.query().is_none()) else {
            return vec![Reason::deny(Rule::LinkForm, "a mail link has one plain address and nothing else")];
        };
        let listed = self.judge.policy.links.hosts.iter().any(|h| h.covers_host(address.host()));
        let standing = standing(&Meaning::Addresses(vec![address]), &self.judge.context, Trust::Principal);
        if listed || standing.from(Trust::Principal).next().is_some() {
            return Vec::new();
        }
        vec![self.about(
            Rule::LinkHost,
            "a mail link to an address that the policy does not list".to_owned(),
            &standing,
        )]
    }
}
