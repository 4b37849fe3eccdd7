//! Threats to data: poisoning, provenance, quality, privacy, licences.

use proofhouse_system::{Capability, ComponentKind, Content, DatasetRole, Task};

use super::{Case, Rule, case::word};
use crate::judgement::Judgement;

const LEARNED: &[DatasetRole] = &[DatasetRole::Train, DatasetRole::Validation];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "DAT-01",
        meaning: "Somebody outside the organisation can write records the model learns from, and so \
                  can make it worse at everything.",
        decide: |c| c.external_trains(),
    },
    Rule {
        id: "DAT-02",
        meaning: "Outsiders can write training records and somebody gains when the model errs, so \
                  errors can be planted where they pay.",
        decide: |c| {
            let gains = c.any_actor(|a| c.actor_flag(a, "gains_from_error", a.gains_from_error));
            c.external_trains().and(gains)
        },
    },
    Rule {
        id: "DAT-03",
        meaning: "The same outsider can write training records and shape what the model is asked: a \
                  mark planted in training can be shown again later.",
        decide: |c| {
            let (training, input) = (c.training_writers(), c.input_writers());
            c.any_actor(|a| c.is_external(a).and(c.trains(a, &training)).and(c.asks(a, &input)))
        },
    },
    Rule {
        id: "DAT-04",
        meaning: "An outsider controls what training records look like but not their labels, which is \
                  enough for poison that a label check cannot see.",
        decide: |c| {
            let training = c.training_writers();
            c.any_actor(|a| {
                let labels = c.has_capability(a, Capability::Label);
                c.is_external(a).and(c.trains(a, &training)).and(labels.negate())
            })
        },
    },
    Rule {
        id: "DAT-05",
        meaning: "Labels or feedback come back from people or processes, so whoever gives them teaches \
                  the next model.",
        decide: |c| {
            let source = c.has(&[ComponentKind::LabelSource]);
            let returned = c.any_flow(|f| {
                let from = c.system().component(&f.from).map(|x| x.kind);
                let people = [ComponentKind::Human, ComponentKind::BusinessProcess, ComponentKind::Inference];
                let holds = f.carries.contains(&Content::Labels) && from.is_some_and(|k| people.contains(&k));
                let path = format!("flows[{}].carries", f.key());
                c.says(holds, &path, words_of(f), None).along(vec![f.from.to_string(), f.to.to_string()])
            });
            source.or(returned)
        },
    },
    Rule {
        id: "DAT-06",
        meaning: "Training or test data come from outside; unless their origin is attested nobody can \
                  say what the model was made from.",
        decide: |c| c.any_dataset(&[], "third_party", |d| d.third_party),
    },
    Rule {
        id: "DAT-07",
        meaning: "Data cross from one zone into another on their way to training and could be changed \
                  there.",
        decide: |c| {
            c.any_flow(|f| {
                let data = f.carries.iter().any(|x| matches!(x, Content::TrainingData | Content::Labels));
                let path = format!("flows[{}].carries", f.key());
                c.says(data, &path, words_of(f), None).and(c.graph.crosses(f))
            })
        },
    },
    Rule {
        id: "DAT-08",
        meaning: "The model depends on data that can be wrong, missing or out of date.",
        decide: |c| {
            c.any_dataset_at_all().or(c.has(&[ComponentKind::DataSource, ComponentKind::FeatureStore]))
        },
    },
    Rule {
        id: "DAT-09",
        meaning: "Records are linked by time or entity, so a careless split lets the answer leak into \
                  training or the test into the model.",
        decide: |c| {
            supervised(c).and(c.any_dataset(LEARNED, "time_or_entity_linked", |d| d.time_or_entity_linked))
        },
    },
    Rule {
        id: "DAT-10",
        meaning: "Features are computed in two places; where the two differ the model sees something \
                  it was never trained on.",
        decide: |c| {
            c.has(&[ComponentKind::FeatureStore])
                .or(c.model("features_computed_twice", |m| m.features_computed_twice))
        },
    },
    Rule {
        id: "DAT-11",
        meaning: "Data about people are kept; a basis, a need and a limit have to be shown for them.",
        decide: |c| {
            let stores = [
                ComponentKind::Dataset,
                ComponentKind::FeatureStore,
                ComponentKind::LabelSource,
                ComponentKind::RagIndex,
            ];
            let stored = c.any_component(&stores, |x| {
                c.flag(&format!("components[{}].personal_data", x.id), x.personal_data)
            });
            c.any_dataset(&[], "personal_data", |d| d.personal_data).or(stored)
        },
    },
    Rule {
        id: "DAT-12",
        meaning: "Data belong to somebody else, who sets terms for their use.",
        decide: |c| c.any_dataset(&[], "third_party", |d| d.third_party),
    },
    Rule {
        id: "DAT-13",
        meaning: "People are decided about, so a sample that misses some of them does them harm.",
        decide: |c| c.about_people(),
    },
    Rule {
        id: "DAT-14",
        meaning: "The release is judged by data that others train and tune against too, so a good \
                  score may be memory.",
        decide: |c| c.any_dataset(&[DatasetRole::Test], "shared_benchmark", |d| d.shared_benchmark),
    },
    Rule {
        id: "DAT-15",
        meaning: "Updates from parties outside the operator's control go into the model.",
        decide: |c| c.model("federated", |m| m.federated),
    },
    Rule {
        id: "DAT-16",
        meaning: "A score about people is learned from a label that stands in for what is meant.",
        decide: |c| c.about_people().and(c.any_dataset(LEARNED, "proxy_label", |d| d.proxy_label)),
    },
    Rule {
        id: "DAT-17",
        meaning: "Fields of place, device or time can give away who somebody is even where names are \
                  gone.",
        decide: |c| c.any_dataset(&[], "linkage_fields", |d| d.linkage_fields),
    },
    Rule {
        id: "DAT-18",
        meaning: "The model depends on data that nobody has promised to keep supplying.",
        decide: |c| {
            let parts =
                c.system().datasets.iter().map(|d| {
                    c.flag(&format!("datasets[{}].supply_secured", d.id), d.supply_secured).negate()
                });
            Judgement::any(parts, c.fact("datasets", "none"))
        },
    },
];

fn supervised(c: &Case<'_>) -> Judgement {
    match &c.system().model {
        Some(m) => {
            let holds = matches!(m.task, Task::Classification | Task::Regression);
            c.says(holds, "model.task", word(&m.task), None)
        }
        None => c.says(false, "model", "none", None),
    }
}

fn words_of(flow: &proofhouse_system::Flow) -> String {
    super::case::words(&flow.carries)
}

impl Case<'_> {
    fn any_dataset_at_all(&self) -> Judgement {
        match self.system().datasets.iter().min_by_key(|d| &d.id) {
            Some(d) => self.says(true, &format!("datasets[{}].id", d.id), d.id.as_str(), None),
            None => self.says(false, "datasets", "none", None),
        }
    }
}
