//! The questions rules are made of.

use proofhouse_system::{
    Actor, Capability, Component, ComponentKind, Content, Context, Dataset, DatasetRole, Decision, Flow,
    Model, System,
};

use crate::graph::{SystemGraph, Writers};
use crate::judgement::{Change, Fact, Judgement, Tri};

/// A system under examination.
pub(crate) struct Case<'a> {
    pub graph: SystemGraph<'a>,
}

impl<'a> Case<'a> {
    pub fn new(system: &'a System) -> Self {
        Self { graph: SystemGraph::new(system) }
    }

    pub fn system(&self) -> &'a System {
        self.graph.system()
    }

    pub fn fact(&self, path: &str, value: impl Into<String>) -> Fact {
        Fact { path: path.to_owned(), value: value.into(), line: self.graph.line(path) }
    }

    /// A yes-or-no fact of the file.
    pub fn flag(&self, path: &str, value: Option<bool>) -> Judgement {
        match value {
            Some(v) => Judgement::on(
                v,
                self.fact(path, v.to_string()),
                Change { path: path.to_owned(), to: (!v).to_string() },
            ),
            None => Judgement::missing(path),
        }
    }

    /// Something that follows from a fact that is written; `to` is what it would have to say instead.
    pub fn says(&self, holds: bool, path: &str, value: impl Into<String>, to: Option<&str>) -> Judgement {
        let change = to.map(|to| Change { path: path.to_owned(), to: to.to_owned() });
        Judgement::on(holds, self.fact(path, value), change)
    }

    pub fn context(&self, name: &str, read: fn(&Context) -> Option<bool>) -> Judgement {
        self.flag(&format!("context.{name}"), read(&self.system().context))
    }

    pub fn model(&self, name: &str, read: fn(&Model) -> Option<bool>) -> Judgement {
        match &self.system().model {
            Some(model) => self.flag(&format!("model.{name}"), read(model)),
            None => self.says(false, "model", "none", None),
        }
    }

    /// There is a model, whatever else.
    pub fn has_model(&self) -> Judgement {
        match &self.system().model {
            Some(model) => self.says(true, "model.id", model.id.as_str(), None),
            None => self.has(&[ComponentKind::Model, ComponentKind::Inference, ComponentKind::LlmApp]),
        }
    }

    /// There is a model that answers somebody.
    pub fn is_deployed(&self) -> Judgement {
        let service = self.has(&[ComponentKind::Inference, ComponentKind::LlmApp, ComponentKind::Agent]);
        match &self.system().deployment {
            Some(d) => service.or(self.says(true, "deployment.environment", d.environment.as_str(), None)),
            None => service,
        }
    }

    /// There is a component of one of these kinds. Lists are complete, so this is never unknown.
    pub fn has(&self, kinds: &[ComponentKind]) -> Judgement {
        match self.graph.of_kind(kinds).min_by_key(|c| &c.id) {
            Some(c) => {
                let path = format!("components[{}].kind", c.id);
                self.says(true, &path, word(&c.kind), None).along(vec![c.id.to_string()])
            }
            None => {
                let names: Vec<String> = kinds.iter().map(word).collect();
                Judgement::on(false, self.fact("components", format!("no {}", names.join(", no "))), None)
            }
        }
    }

    pub fn any_dataset(
        &self,
        roles: &[DatasetRole],
        name: &str,
        read: impl Fn(&Dataset) -> Option<bool>,
    ) -> Judgement {
        let wanted = self.system().datasets.iter().filter(|d| roles.is_empty() || roles.contains(&d.role));
        Judgement::any(
            wanted.map(|d| self.flag(&format!("datasets[{}].{name}", d.id), read(d))),
            self.fact("datasets", "none"),
        )
    }

    pub fn any_decision(&self, judge: impl Fn(&Decision) -> Judgement) -> Judgement {
        Judgement::any(self.system().decisions.iter().map(judge), self.fact("decisions", "none"))
    }

    pub fn any_component(
        &self,
        kinds: &[ComponentKind],
        judge: impl Fn(&'a Component) -> Judgement,
    ) -> Judgement {
        let parts = self.graph.of_kind(kinds).map(|c| {
            let judged = judge(c);
            if judged.proof.path.is_empty() { judged.along(vec![c.id.to_string()]) } else { judged }
        });
        Judgement::any(parts, self.fact("components", "none of the kinds in question"))
    }

    pub fn any_flow(&self, judge: impl Fn(&'a Flow) -> Judgement) -> Judgement {
        Judgement::any(self.system().flows.iter().map(judge), self.fact("flows", "none"))
    }

    pub fn any_actor(&self, judge: impl Fn(&'a Actor) -> Judgement) -> Judgement {
        Judgement::any(self.system().actors.iter().map(judge), self.fact("actors", "none"))
    }

    pub fn actor_flag(&self, actor: &Actor, name: &str, value: Option<bool>) -> Judgement {
        self.flag(&format!("actors[{}].{name}", actor.id), value)
    }

    /// The actor is outside the operator's organisation.
    pub fn is_external(&self, actor: &Actor) -> Judgement {
        let external = self.graph.external(actor.id.as_str()).is_some();
        let to = if external { "internal" } else { "outsider" };
        self.says(external, &format!("actors[{}].trust", actor.id), word(&actor.trust), Some(to))
    }

    pub fn has_capability(&self, actor: &Actor, capability: Capability) -> Judgement {
        let path = format!("actors[{}].capabilities", actor.id);
        match &actor.capabilities {
            None => Judgement::missing(path),
            Some(list) => {
                let holds = list.contains(&capability);
                let to = if holds { format!("without {}", word(&capability)) } else { word(&capability) };
                self.says(holds, &path, words(list), Some(&to))
            }
        }
    }

    /// An external actor with a capability.
    pub fn external_with(&self, capability: Capability) -> Judgement {
        self.any_actor(|a| self.is_external(a).and(self.has_capability(a, capability)))
    }

    /// Everybody who can write records or labels the model learns from.
    pub fn training_writers(&self) -> Writers {
        let wanted = [Content::TrainingData, Content::Labels, Content::Documents];
        let mut writers = Writers::default();
        if let Some(model) = &self.system().model {
            match &model.trained_on {
                None => writers.missing.push("model.trained_on".to_owned()),
                Some(ids) => {
                    for dataset in ids.iter().filter_map(|id| self.system().dataset(id)) {
                        match &dataset.component {
                            Some(c) => writers.merge(self.graph.writers_of(c.as_str(), &wanted)),
                            None => writers.missing.push(format!("datasets[{}].component", dataset.id)),
                        }
                    }
                }
            }
        }
        // Whoever changes the pipeline changes more than records, and is another threat (INF-03).
        for pipeline in self.graph.of_kind(&[ComponentKind::Pipeline]) {
            writers.merge(self.writers_into(pipeline, &wanted));
        }
        writers
    }

    /// Everybody who shapes what the model is asked.
    pub fn input_writers(&self) -> Writers {
        let services =
            [ComponentKind::Gateway, ComponentKind::Inference, ComponentKind::LlmApp, ComponentKind::Agent];
        let mut writers = Writers::default();
        for service in self.graph.of_kind(&services) {
            // Who runs a service is not who asks it.
            writers.merge(self.writers_into(service, &[Content::Requests]));
        }
        writers
    }

    /// Everybody who can write what flows into a component, without those who can change the component.
    fn writers_into(&self, component: &Component, wanted: &[Content]) -> Writers {
        let mut writers = self.graph.writers_of(component.id.as_str(), wanted);
        let own = format!("components[{}].writers", component.id);
        writers.known.retain(|w| w.granted_by != own);
        writers.missing.retain(|path| *path != own);
        writers.looked_at.retain(|path| *path != own);
        writers
    }

    /// This actor writes training records: by a flow, or by a capability said of them.
    pub fn trains(&self, actor: &Actor, writers: &Writers) -> Judgement {
        self.writes(actor, writers).or(self.has_capability(actor, Capability::TrainData))
    }

    /// This actor shapes what the model is asked.
    pub fn asks(&self, actor: &Actor, writers: &Writers) -> Judgement {
        self.writes(actor, writers)
            .or(self.has_capability(actor, Capability::Input))
            .or(self.has_capability(actor, Capability::Query))
    }

    /// This actor writes what those writers write.
    pub(super) fn writes(&self, actor: &Actor, writers: &Writers) -> Judgement {
        let id = actor.id.as_str();
        let ways = writers.known.iter().filter(|w| w.actor == id).map(|w| {
            let to = format!("without {id}");
            self.says(true, &w.granted_by, format!("includes {id}"), Some(&to)).along(w.path.clone())
        });
        ways.reduce(Judgement::or).unwrap_or_else(|| {
            let unknown = writers.missing.iter().map(Judgement::missing).reduce(Judgement::or);
            unknown.unwrap_or_else(|| {
                // Everything that was looked at is the proof; a long list of it helps nobody.
                let fact = match writers.looked_at.first() {
                    Some(path) => self.fact(path, format!("without {id}")),
                    None => self.fact("flows", format!("none that {id} writes")),
                };
                Judgement::on(false, fact, None)
            })
        })
    }

    /// Somebody outside the organisation can write records the model learns from.
    pub fn external_trains(&self) -> Judgement {
        let writers = self.training_writers();
        let by_actor = self.any_actor(|a| self.is_external(a).and(self.trains(a, &writers)));
        // A writer who is not described at all may be external too.
        self.or_missing(by_actor, &writers)
    }

    /// Somebody outside the organisation shapes what the model is asked.
    pub fn external_asks(&self) -> Judgement {
        let writers = self.input_writers();
        let by_actor = self.any_actor(|a| self.is_external(a).and(self.asks(a, &writers)));
        self.or_missing(by_actor, &writers)
    }

    /// Where nobody is known, a writer who is not described at all may still be there.
    pub(super) fn or_missing(&self, judged: Judgement, writers: &Writers) -> Judgement {
        if judged.holds != Tri::False {
            return judged;
        }
        writers.missing.iter().map(Judgement::missing).fold(judged, Judgement::or)
    }

    /// A decision about a person.
    pub fn about_people(&self) -> Judgement {
        use proofhouse_system::DecisionAbout::NaturalPerson;
        self.any_decision(|d| {
            let path = format!("decisions[{}].about", d.id);
            match d.about {
                None => Judgement::missing(path),
                Some(about) => {
                    let to = if about == NaturalPerson { "thing" } else { "natural-person" };
                    self.says(about == NaturalPerson, &path, word(&about), Some(to))
                }
            }
        })
    }
}

/// A word of the file as it is written there.
pub(crate) fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// A list of words as it is written in the file.
pub(crate) fn words<T: serde::Serialize>(values: &[T]) -> String {
    format!("[{}]", values.iter().map(word).collect::<Vec<_>>().join(", "))
}
