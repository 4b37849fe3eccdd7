//! Threats from the supply chain: artifacts, dependencies, registries, providers.

use proofhouse_system::{Capability, ComponentKind, Content, ModelSource};

use super::{
    Case, Rule,
    case::{word, words},
    model::from_elsewhere,
};
use crate::judgement::{Change, Judgement};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "SUP-01",
        meaning: "The model is a file in a format that can carry code or call it, and is loaded by a \
                  program that trusts it.",
        decide: |c| match &c.system().model {
            Some(m) => {
                // Only formats that are nothing but tensors are ruled out. One that is not known here is
                // not known to be inert.
                let extension = m.file.as_str().rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
                c.says(extension != "safetensors", "model.file", m.file.as_str(), Some("a safetensors file"))
            }
            None => c.has(&[ComponentKind::Model, ComponentKind::Adapter]),
        },
    },
    Rule {
        id: "SUP-02",
        meaning: "The model crosses from one zone into another between being built and being used, and \
                  could be replaced there.",
        decide: |c| {
            c.any_flow(|f| {
                let artifact = f.carries.contains(&Content::Artifact);
                let path = format!("flows[{}].carries", f.key());
                c.says(artifact, &path, words(&f.carries), None).and(c.graph.crosses(f))
            })
        },
    },
    Rule {
        id: "SUP-03",
        meaning: "Training and serving stand on packages that others write.",
        decide: |c| c.has_model().or(c.has(&[ComponentKind::Pipeline, ComponentKind::Inference])),
    },
    Rule {
        id: "SUP-04",
        meaning: "The model is called by name at a provider, who can change what the name means.",
        decide: |c| match c.system().model.as_ref().map(|m| m.source) {
            None => c.says(false, "model", "none", None),
            Some(None) => Judgement::missing("model.source"),
            Some(Some(source)) => {
                let hosted = source == ModelSource::Hosted;
                let to = if hosted { "own" } else { "hosted" };
                c.says(hosted, "model.source", word(&source), Some(to))
            }
        },
    },
    Rule {
        id: "SUP-05",
        meaning: "More than the release identity can write to the registry that serving trusts.",
        decide: |c| c.any_component(&[ComponentKind::Registry], |x| registry_writers(c, x)),
    },
    Rule {
        id: "SUP-06",
        meaning: "Without a complete bill of materials nobody can tell whether an advisory concerns \
                  this model.",
        decide: |c| c.has_model(),
    },
    Rule {
        id: "SUP-07",
        meaning: "A graph made elsewhere may compute something besides what it is said to.",
        decide: from_elsewhere,
    },
    Rule {
        id: "SUP-08",
        meaning: "An agent uses tools somebody else runs and can change.",
        decide: |c| {
            c.any_component(&[ComponentKind::Tool, ComponentKind::ToolServer], |x| {
                c.flag(&format!("components[{}].third_party", x.id), x.third_party)
            })
        },
    },
    Rule {
        id: "SUP-09",
        meaning: "Something is fetched by name from a public hub, where names can be imitated or \
                  change hands.",
        decide: |c| c.model("fetched_by_name", |m| m.fetched_by_name),
    },
];

/// Whether anybody but one release identity can write to a registry.
fn registry_writers(c: &Case<'_>, registry: &proofhouse_system::Component) -> Judgement {
    let path = format!("components[{}].writers", registry.id);
    let Some(writers) = &registry.writers else { return Judgement::missing(path) };
    let others: Vec<Judgement> = writers
        .iter()
        .filter_map(|id| c.system().actor(id))
        .map(|a| c.has_capability(a, Capability::Release).negate())
        .collect();
    let many = Judgement::on(
        writers.len() > 1,
        c.fact(&path, words(writers)),
        Change { path: path.clone(), to: "only the release identity".to_owned() },
    );
    others.into_iter().fold(many, Judgement::or)
}
