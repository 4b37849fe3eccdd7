//! The system as a graph: who can write what, what crosses a boundary, what leads where.
//!
//! Lists of the system file are taken as complete: a component that is not described does not exist (that
//! the described system is the observed one is a check of its own). Single facts are not: a component
//! whose writers are not listed may be written by anybody.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proofhouse_system::{Actor, ActorTrust, Component, ComponentKind, Content, Flow, System, ZoneTrust};

use crate::judgement::{Change, Fact, Judgement};

/// The system file as a graph. Components are nodes, flows are edges.
#[derive(Debug)]
pub struct SystemGraph<'a> {
    system: &'a System,
    components: BTreeMap<&'a str, &'a Component>,
    into: BTreeMap<&'a str, Vec<&'a Flow>>,
    out: BTreeMap<&'a str, Vec<&'a Flow>>,
}

/// An actor who can write some content, and how it gets there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// The actor's id.
    pub actor: String,
    /// Component ids from where they write to where it arrives.
    pub path: Vec<String>,
    /// The fact that lets them: `flows[…].writers`, `components[…].writers` or `actors[…].capabilities`.
    pub granted_by: String,
}

/// Everybody known to be able to write some content, nearest first, and the facts that are missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Writers {
    /// Known writers; an actor appears once, with the shortest way.
    pub known: Vec<Writer>,
    /// Facts that would have to be known to be sure that there are no others.
    pub missing: Vec<String>,
    /// Places whose writers are known.
    pub looked_at: Vec<String>,
}

impl<'a> SystemGraph<'a> {
    /// The graph of a system.
    #[must_use]
    pub fn new(system: &'a System) -> Self {
        let mut into: BTreeMap<&str, Vec<&Flow>> = BTreeMap::new();
        let mut out: BTreeMap<&str, Vec<&Flow>> = BTreeMap::new();
        for flow in &system.flows {
            into.entry(flow.to.as_str()).or_default().push(flow);
            out.entry(flow.from.as_str()).or_default().push(flow);
        }
        // The order of the file must not decide which of two equally short ways is shown.
        for flows in into.values_mut().chain(out.values_mut()) {
            flows.sort_by_key(|f| f.key());
        }
        let components = system.components.iter().map(|c| (c.id.as_str(), c)).collect();
        Self { system, components, into, out }
    }

    /// The system.
    #[must_use]
    pub fn system(&self) -> &'a System {
        self.system
    }

    /// Components of the given kinds, in the order of the file.
    pub fn of_kind<'k>(
        &self,
        kinds: &'k [ComponentKind],
    ) -> impl Iterator<Item = &'a Component> + use<'a, 'k> {
        self.system.components.iter().filter(|c| kinds.contains(&c.kind))
    }

    /// Flows that reach a component.
    #[must_use]
    pub fn flows_into(&self, component: &str) -> &[&'a Flow] {
        self.into.get(component).map_or(&[], Vec::as_slice)
    }

    /// Flows that leave a component.
    #[must_use]
    pub fn flows_out_of(&self, component: &str) -> &[&'a Flow] {
        self.out.get(component).map_or(&[], Vec::as_slice)
    }

    /// Whether what leaves `from` can reach `to`, over any flows; a component reaches itself.
    #[must_use]
    pub fn reaches(&self, from: &str, to: &str) -> bool {
        let mut seen = BTreeSet::from([from]);
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            if at == to {
                return true;
            }
            open.extend(self.flows_out_of(at).iter().map(|f| f.to.as_str()).filter(|next| seen.insert(next)));
        }
        false
    }

    /// How far a component's zone is trusted; absent where the zone is not known.
    #[must_use]
    pub fn trust_of(&self, component: &str) -> Option<ZoneTrust> {
        let zone = self.components.get(component)?.zone.as_ref()?;
        self.system.zone(zone).map(|z| z.trust)
    }

    /// Everybody who can write what arrives at `target` in flows that carry `wanted`, or what it holds.
    ///
    /// Whoever can write at the origin of a flow can write what it carries, so the search goes backwards
    /// over flows of content: records, labels, requests, answers, documents. It does not go through logs,
    /// measurements, code or model files: they are not *content* that passes on what it was made from.
    #[must_use]
    pub fn writers_of(&self, target: &str, wanted: &[Content]) -> Writers {
        let mut found = Writers::default();
        let mut seen = BTreeSet::from([target.to_owned()]);
        let mut open: VecDeque<(String, Vec<String>)> =
            VecDeque::from([(target.to_owned(), vec![target.to_owned()])]);
        while let Some((at, path)) = open.pop_front() {
            if let Some(component) = self.components.get(at.as_str()) {
                let granted_by = format!("components[{at}].writers");
                found.add(component.writers.as_deref(), &granted_by, &path);
            }
            for flow in self.flows_into(&at) {
                let carried = |c: &Content| if at == target { wanted.contains(c) } else { is_content(*c) };
                if !flow.carries.iter().any(carried) {
                    continue;
                }
                let from = flow.from.to_string();
                let mut longer = vec![from.clone()];
                longer.extend(path.iter().cloned());
                found.add(flow.writers.as_deref(), &format!("flows[{}].writers", flow.key()), &longer);
                if seen.insert(from.clone()) {
                    open.push_back((from, longer));
                }
            }
        }
        found
    }

    /// Whether a flow crosses from one zone into another.
    #[must_use]
    pub fn crosses(&self, flow: &Flow) -> Judgement {
        let zone = |id: &str| self.components.get(id).and_then(|c| c.zone.as_ref());
        let (from, to) = (flow.from.as_str(), flow.to.as_str());
        match (zone(from), zone(to)) {
            (Some(a), Some(b)) => {
                let path = format!("components[{to}].zone");
                let fact =
                    Fact { line: self.line(&path), value: format!("{b} (from {a})"), path: path.clone() };
                // Only where they differ would moving one end the answer.
                let change = (a != b).then(|| Change { path, to: a.to_string() });
                Judgement::on(a != b, fact, change).along(vec![from.to_owned(), to.to_owned()])
            }
            (None, _) => Judgement::missing(format!("components[{from}].zone")),
            (_, None) => Judgement::missing(format!("components[{to}].zone")),
        }
    }

    /// Line of a path of the system file.
    #[must_use]
    pub fn line(&self, path: &str) -> Option<u64> {
        self.system.place(path).line
    }

    /// The actor, if outside the operator's organisation.
    #[must_use]
    pub fn external(&self, actor: &str) -> Option<&'a Actor> {
        let found = self.system.actors.iter().find(|a| a.id.as_str() == actor)?;
        (found.trust != ActorTrust::Internal).then_some(found)
    }
}

impl Writers {
    fn add(&mut self, writers: Option<&[proofhouse_system::Id]>, granted_by: &str, path: &[String]) {
        let Some(writers) = writers else {
            self.missing.push(granted_by.to_owned());
            return;
        };
        self.looked_at.push(granted_by.to_owned());
        for actor in writers {
            self.push(Writer {
                actor: actor.to_string(),
                path: path.to_vec(),
                granted_by: granted_by.to_owned(),
            });
        }
    }

    fn push(&mut self, writer: Writer) {
        let same = |w: &&mut Writer| w.actor == writer.actor && w.granted_by == writer.granted_by;
        match self.known.iter_mut().find(same) {
            Some(known) if (writer.path.len(), &writer.path) < (known.path.len(), &known.path) => {
                *known = writer
            }
            Some(_) => {}
            None => self.known.push(writer),
        }
    }

    /// Adds what another place found.
    pub fn merge(&mut self, other: Self) {
        other.known.into_iter().for_each(|w| self.push(w));
        for (into, from) in [(&mut self.missing, other.missing), (&mut self.looked_at, other.looked_at)] {
            for path in from {
                if !into.contains(&path) {
                    into.push(path);
                }
            }
        }
    }
}

fn is_content(content: Content) -> bool {
    matches!(
        content,
        Content::TrainingData
            | Content::Labels
            | Content::Requests
            | Content::Responses
            | Content::Decisions
            | Content::Documents
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
schema: proofhouse.system/v1
system: { id: s, name: S, purpose: P }
zones: [{ id: out, trust: public }, { id: in, trust: internal }]
actors: [{ id: customer, trust: outsider }, { id: staff, trust: internal }]
components:
  - { id: reviews, kind: data-source, zone: out, writers: [customer] }
  - { id: cleaner, kind: pipeline, zone: in, writers: [] }
  - { id: table, kind: dataset, zone: in, writers: [staff] }
  - { id: log, kind: log, writers: [] }
flows:
  - { from: reviews, to: cleaner, carries: [documents], writers: [] }
  - { from: cleaner, to: table, carries: [training-data], writers: [] }
  - { from: table, to: cleaner, carries: [training-data], writers: [] }
  - { from: log, to: table, carries: [telemetry], writers: [customer] }
";

    #[test]
    fn writing_reaches_through_others_and_cycles_end() {
        let system = System::parse("t.yaml", TEXT).unwrap();
        let graph = SystemGraph::new(&system);
        let writers = graph.writers_of("table", &[Content::TrainingData]);
        let customer = writers.known.iter().find(|w| w.actor == "customer").unwrap();
        assert_eq!(customer.path, ["reviews", "cleaner", "table"]);
        assert_eq!(customer.granted_by, "components[reviews].writers");
        assert!(writers.missing.is_empty());
        // Telemetry is no training data, whoever writes it.
        assert!(!writers.known.iter().any(|w| w.granted_by.contains("log->table")));
    }

    #[test]
    fn an_unlisted_writer_is_missing_not_nobody() {
        let text = TEXT.replace("kind: pipeline, zone: in, writers: []", "kind: pipeline, zone: in");
        let system = System::parse("t.yaml", &text).unwrap();
        let writers = SystemGraph::new(&system).writers_of("table", &[Content::TrainingData]);
        assert_eq!(writers.missing, ["components[cleaner].writers"]);
    }

    #[test]
    fn boundaries_and_reachability() {
        use crate::judgement::Tri;
        let system = System::parse("t.yaml", TEXT).unwrap();
        let graph = SystemGraph::new(&system);
        let crosses: Vec<Tri> = system.flows.iter().map(|f| graph.crosses(f).holds).collect();
        assert_eq!(crosses, [Tri::True, Tri::False, Tri::False, Tri::Unknown]);
        assert!(graph.reaches("reviews", "table") && !graph.reaches("table", "reviews"));
        assert_eq!(graph.trust_of("reviews"), Some(ZoneTrust::Public));
        assert_eq!(graph.trust_of("log"), None);
    }
}
