//! Threats to what the model runs on: access, transport, isolation, records, recall.

use proofhouse_system::{Capability, ComponentKind, Content, FailureMode, ModelSource};

use super::{Case, Rule, case::word};
use crate::judgement::Judgement;

/// What callers reach.
const ENDPOINTS: &[ComponentKind] =
    &[ComponentKind::Gateway, ComponentKind::Inference, ComponentKind::LlmApp, ComponentKind::ToolServer];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "INF-01",
        meaning: "Callers reach the model across a boundary, so each call has to be from somebody who \
                  may make it.",
        decide: |c| {
            c.any_component(ENDPOINTS, |x| {
                let calls = c
                    .graph
                    .flows_into(x.id.as_str())
                    .iter()
                    .filter(|f| f.carries.contains(&Content::Requests));
                let none = c.fact(&format!("components[{}]", x.id), "no requests flow in");
                Judgement::any(calls.map(|f| c.graph.crosses(f)), none)
            })
        },
    },
    Rule {
        id: "INF-02",
        meaning: "Somebody outside can make the system work, and without a limit as much as they like.",
        decide: |c| c.has(ENDPOINTS).and(c.external_asks()),
    },
    Rule {
        id: "INF-03",
        meaning: "Whoever gets into the training pipeline decides what the model will be.",
        decide: |c| c.has(&[ComponentKind::Pipeline]),
    },
    Rule {
        id: "INF-04",
        meaning: "The organisation's own weights are worth stealing and lie where they can be read.",
        decide: |c| match c.system().model.as_ref().map(|m| m.source) {
            None => c.says(false, "model", "none", None),
            Some(None) => Judgement::missing("model.source"),
            Some(Some(source)) => {
                let own = source == ModelSource::Own;
                c.says(own, "model.source", word(&source), None)
                    .and(c.model("weights_valuable", |m| m.weights_valuable))
            }
        },
    },
    Rule {
        id: "INF-05",
        meaning: "Something crosses a boundary, where it could be read or changed, or come from \
                  somebody else.",
        decide: |c| c.any_flow(|f| c.graph.crosses(f)),
    },
    Rule {
        id: "INF-06",
        meaning: "Training, registry and serving are parts of one system; where nothing keeps them \
                  apart, one lost part is all lost.",
        decide: |c| {
            let serving = c.has(&[ComponentKind::Inference, ComponentKind::LlmApp, ComponentKind::Agent]);
            serving.and(c.has(&[ComponentKind::Pipeline, ComponentKind::Registry, ComponentKind::Tool]))
        },
    },
    Rule {
        id: "INF-07",
        meaning: "Logs hold data about people, for longer and for more eyes than the request needed.",
        decide: |c| {
            c.any_component(&[ComponentKind::Log], |x| {
                c.flag(&format!("components[{}].personal_data", x.id), x.personal_data)
            })
        },
    },
    Rule {
        id: "INF-08",
        meaning: "Decisions and releases have to be provable later, against somebody with an interest \
                  in another story.",
        decide: |c| {
            let decided = match c.system().decisions.iter().min_by_key(|d| &d.id) {
                Some(d) => c.says(true, &format!("decisions[{}].id", d.id), d.id.as_str(), None),
                None => c.says(false, "decisions", "none", None),
            };
            decided.or(c.has_model())
        },
    },
    Rule {
        id: "INF-09",
        meaning: "Pipelines and services hold keys, and keys end up in code, notebooks and settings.",
        decide: |c| {
            c.has(&[
                ComponentKind::Pipeline,
                ComponentKind::Inference,
                ComponentKind::Gateway,
                ComponentKind::LlmApp,
            ])
        },
    },
    Rule {
        id: "INF-10",
        meaning: "Callers of different rights share a service or a cache, and what is one's may be \
                  shown to another.",
        decide: |c| {
            c.any_component(ENDPOINTS, |x| {
                c.flag(&format!("components[{}].multi_tenant", x.id), x.multi_tenant)
                    .or(c.flag(&format!("components[{}].shared_cache", x.id), x.shared_cache))
            })
        },
    },
    Rule {
        id: "INF-11",
        meaning: "One person can both make a model and release it, and nobody else has to look.",
        decide: |c| both_builds_and_releases(c),
    },
    Rule {
        id: "INF-12",
        meaning: "A model that serves has to be stoppable everywhere, in time, on the day it is found \
                  unsafe.",
        decide: |c| c.is_deployed(),
    },
    Rule {
        id: "INF-13",
        meaning: "When a part fails decisions go on without it, and the way they go on may be the \
                  wrong one.",
        decide: |c| {
            let parts = [
                ComponentKind::Gateway,
                ComponentKind::Inference,
                ComponentKind::FeatureStore,
                ComponentKind::Guard,
            ];
            c.any_component(&parts, |x| {
                let path = format!("components[{}].on_failure", x.id);
                match x.on_failure {
                    None => Judgement::missing(path),
                    Some(mode) => {
                        let goes_on = mode != FailureMode::Closed;
                        c.says(goes_on, &path, word(&mode), Some(if goes_on { "closed" } else { "open" }))
                    }
                }
            })
        },
    },
    Rule {
        id: "INF-14",
        meaning: "A release without attacks on it first leaves finding the weak points to others.",
        decide: |c| c.has_model(),
    },
];

fn both_builds_and_releases(c: &Case<'_>) -> Judgement {
    let people = c.system().people.iter().map(|p| {
        c.flag(&format!("people[{}].builds", p.id), p.builds)
            .and(c.flag(&format!("people[{}].releases", p.id), p.releases))
    });
    let actors = c.system().actors.iter().map(|a| {
        let builds = c
            .has_capability(a, Capability::Model)
            .or(c.has_capability(a, Capability::SourceControl))
            .or(c.has_capability(a, Capability::TrainData));
        c.has_capability(a, Capability::Release).and(builds)
    });
    let by_actor = Judgement::any(actors, c.fact("actors", "none"));
    // Without a list of people nobody has said that the duties are apart.
    people.reduce(Judgement::or).unwrap_or_else(|| Judgement::missing("people")).or(by_actor)
}
