//! Threats to the model: evasion, extraction, privacy, backdoors, performance.

use proofhouse_system::{Capability, ComponentKind, DatasetRole, ModelSource, OutputForm, Task};

use super::{
    Case, Rule,
    case::{word, words},
};
use crate::judgement::Judgement;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "MOD-01",
        meaning: "An attacker can have the weights and shape what the model is asked, and can compute \
                  the smallest change that makes it err.",
        decide: |c| {
            let insider = c.any_actor(|a| {
                let internal = c.is_external(a).negate();
                internal.and(c.has_capability(a, Capability::Model))
            });
            predictive(c)
                .and(c.model("weights_public", |m| m.weights_public).or(insider))
                .and(c.external_asks())
        },
    },
    Rule {
        id: "MOD-02",
        meaning: "Whoever is judged by the model also shapes what it is asked, and can try until it \
                  errs in their favour.",
        decide: |c| {
            let input = c.input_writers();
            let judged = c.any_actor(|a| c.actor_flag(a, "judged", a.judged).and(c.asks(a, &input)));
            predictive(c).and(judged)
        },
    },
    Rule {
        id: "MOD-03",
        meaning: "An outsider sets some of the named features of an event and can choose the values \
                  that pass.",
        decide: |c| predictive(c).and(named_features(c)).and(c.external_asks()),
    },
    Rule {
        id: "MOD-04",
        meaning: "Somebody outside can ask the model and see its answers, and with enough of them \
                  build a copy.",
        decide: |c| c.external_with(Capability::Query),
    },
    Rule {
        id: "MOD-05",
        meaning: "The model learned from data about people and others can ask it, so its answers may \
                  tell who was in the data.",
        decide: |c| personal_training(c).and(anybody_asks(c)),
    },
    Rule {
        id: "MOD-06",
        meaning: "The model learned from data about people and shows more than a label, from which \
                  parts of the data can be rebuilt.",
        decide: |c| personal_training(c).and(shows_scores(c)),
    },
    Rule {
        id: "MOD-07",
        meaning: "What the training data look like as a whole is a secret that answers can give away.",
        decide: |c| {
            c.any_dataset(&[DatasetRole::Train], "confidential_distribution", |d| d.confidential_distribution)
        },
    },
    Rule {
        id: "MOD-08",
        meaning: "What a request costs depends on its content, so a few crafted ones can take the \
                  capacity of many.",
        decide: |c| c.model("cost_depends_on_input", |m| m.cost_depends_on_input),
    },
    Rule {
        id: "MOD-09",
        meaning: "Weights or updates come from elsewhere and may carry behaviour that only their maker \
                  knows.",
        decide: |c| {
            let adapter = c.any_component(&[ComponentKind::Adapter], |x| {
                c.flag(&format!("components[{}].third_party", x.id), x.third_party)
            });
            from_elsewhere(c).or(c.model("federated", |m| m.federated)).or(adapter)
        },
    },
    Rule {
        id: "MOD-10",
        meaning: "Decisions rest on the model, so it has to be shown that it is good enough on cases \
                  it has not seen.",
        decide: |c| c.has_model(),
    },
    Rule {
        id: "MOD-11",
        meaning: "People are decided about, and the model may be wrong more often about some groups \
                  than about others.",
        decide: |c| c.about_people(),
    },
    Rule {
        id: "MOD-12",
        meaning: "Decisions can go against people, or rules for models apply, and both ask for \
                  reasons.",
        decide: |c| {
            use proofhouse_system::DecisionAbout::NaturalPerson;
            let adverse = c.any_decision(|d| {
                let about = match d.about {
                    None => Judgement::missing(format!("decisions[{}].about", d.id)),
                    Some(about) => c.says(
                        about == NaturalPerson,
                        &format!("decisions[{}].about", d.id),
                        word(&about),
                        None,
                    ),
                };
                c.flag(&format!("decisions[{}].adverse", d.id), d.adverse).and(about)
            });
            adverse.or(c.context("us_bank", |x| x.us_bank))
        },
    },
    Rule {
        id: "MOD-13",
        meaning: "The model serves while the world moves on, and nothing in the model notices.",
        decide: |c| c.is_deployed(),
    },
    Rule {
        id: "MOD-14",
        meaning: "A score is acted on without a person, so a confident error goes straight through.",
        decide: |c| c.model("automatic_threshold", |m| m.automatic_threshold),
    },
    Rule {
        id: "MOD-15",
        meaning: "Anybody may use the model for anything its input allows, also for a task it was not \
                  made for.",
        decide: |c| {
            predictive(c)
                .and(c.external_with(Capability::Query))
                .and(c.context("general_capability_public", |x| x.general_capability_public))
        },
    },
    Rule {
        id: "MOD-16",
        meaning: "Chance affects security, privacy or sampling here, so whoever can predict it has an \
                  advantage.",
        decide: |c| c.model("randomness_matters", |m| m.randomness_matters),
    },
    Rule {
        id: "MOD-17",
        meaning: "The model was optimised on a reward and may serve the reward rather than what was \
                  meant by it.",
        decide: |c| {
            c.model("optimised_on_reward", |m| m.optimised_on_reward).or(c.has(&[ComponentKind::Agent]))
        },
    },
    Rule {
        id: "MOD-18",
        meaning: "A recommender that learns from what it has shown makes the popular more popular.",
        decide: |c| match &c.system().model {
            Some(m) => c.says(m.task == Task::Recommendation, "model.task", word(&m.task), None),
            None => c.says(false, "model", "none", None),
        },
    },
];

/// The model predicts rather than writes.
fn predictive(c: &Case<'_>) -> Judgement {
    match &c.system().model {
        Some(m) => c.says(m.task != Task::Generation, "model.task", word(&m.task), None),
        None => c.says(false, "model", "none", None),
    }
}

/// Features are named fields of an event, and not the pixels of an image.
fn named_features(c: &Case<'_>) -> Judgement {
    let tables = c.system().datasets.iter().filter_map(|d| Some((d, d.features.as_ref()?)));
    let parts = tables.map(|(d, features)| {
        let named = features.columns.is_some();
        let name = if named { "columns" } else { "prefix" };
        c.says(named, &format!("datasets[{}].features.{name}", d.id), name, None)
    });
    Judgement::any(parts, c.fact("datasets", "none"))
}

fn personal_training(c: &Case<'_>) -> Judgement {
    c.any_dataset(&[DatasetRole::Train, DatasetRole::Validation], "personal_data", |d| d.personal_data)
}

fn anybody_asks(c: &Case<'_>) -> Judgement {
    c.any_actor(|a| c.has_capability(a, Capability::Query))
}

fn shows_scores(c: &Case<'_>) -> Judgement {
    match c.system().model.as_ref().map(|m| &m.exposes) {
        None => c.says(false, "model", "none", None),
        Some(None) => Judgement::missing("model.exposes"),
        Some(Some(forms)) => {
            let more = forms.iter().any(|f| *f != OutputForm::Label);
            c.says(more, "model.exposes", words(forms), Some(if more { "[label]" } else { "[scores]" }))
        }
    }
}

/// Weights, or weights to start from, were made by somebody else.
pub(super) fn from_elsewhere(c: &Case<'_>) -> Judgement {
    match c.system().model.as_ref().map(|m| m.source) {
        None => c.says(false, "model", "none", None),
        Some(None) => Judgement::missing("model.source"),
        Some(Some(source)) => {
            let elsewhere = source != ModelSource::Own;
            c.says(
                elsewhere,
                "model.source",
                word(&source),
                Some(if elsewhere { "own" } else { "third-party" }),
            )
        }
    }
}
