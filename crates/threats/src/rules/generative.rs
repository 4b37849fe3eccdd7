//! The questions that rules about systems that write, retrieve or act are made of.
//!
//! Three things decide most of them: whether somebody other than the user writes what the model reads,
//! whether it can see what not everybody may see, and whether something can leave through it.

use proofhouse_dialogue::{Effect, Secrecy, Trust};
use proofhouse_system::{
    Assistant, Boundary, ComponentKind, Content, DetectorMode, InputForm, Sink, Source, SourceKind, Task,
    Tool,
};

use super::case::{Case, word, words};
use crate::judgement::{Judgement, Tri};

/// Parts that let a model do something or keep something.
const ACTING: &[ComponentKind] =
    &[ComponentKind::Agent, ComponentKind::Tool, ComponentKind::ToolServer, ComponentKind::Memory];
/// Where text that others wrote is put into a model's context.
const READERS: &[ComponentKind] =
    &[ComponentKind::LlmApp, ComponentKind::Agent, ComponentKind::RagIndex, ComponentKind::Memory];
/// Where a link or an image in an answer is fetched without anybody deciding to.
const FETCHING: &[Sink] = &[Sink::Link, Sink::Markup];

impl Case<'_> {
    /// The model writes, or there is an application around one that does.
    pub(super) fn speaks(&self) -> Judgement {
        let model = match &self.system().model {
            Some(m) => {
                let writes = m.task == Task::Generation;
                let to = if writes { "classification" } else { "generation" };
                self.says(writes, "model.task", word(&m.task), Some(to))
            }
            None => self.says(false, "model", "none", None),
        };
        model.or(self.has(&[ComponentKind::LlmApp, ComponentKind::Prompt, ComponentKind::Agent]))
    }

    /// Passages of other texts are looked up and put into the context.
    pub(super) fn retrieves(&self) -> Judgement {
        let retrieved = self.boundary().map(|b| {
            let of = b.sources.iter().filter(|s| s.kind == SourceKind::Retrieved);
            let each =
                of.map(|s| self.says(true, &format!("boundary.sources[{}].kind", s.name), "retrieved", None));
            Judgement::any(each, self.fact("boundary.sources", "none retrieved"))
        });
        let index = self.has(&[ComponentKind::RagIndex]);
        retrieved.map_or(index.clone(), |r| index.or(r))
    }

    /// A model can do something, or keep something for later.
    pub(super) fn acts(&self) -> Judgement {
        let parts = self.has(ACTING);
        match self.boundary().and_then(|b| b.tools.first()) {
            Some(tool) => {
                let path = format!("boundary.tools[{}].name", tool.name);
                parts.or(self.says(true, &path, tool.name.as_str(), None))
            }
            None => parts,
        }
    }

    /// A yes-or-no fact about the application around the model.
    pub(super) fn assistant(&self, name: &str, read: fn(&Assistant) -> Option<bool>) -> Judgement {
        self.flag(&format!("assistant.{name}"), self.system().assistant.as_ref().and_then(read))
    }

    /// Where the model's words go.
    pub(super) fn output_reaches(&self, sinks: &[Sink]) -> Judgement {
        const PATH: &str = "assistant.output_reaches";
        let Some(list) = self.system().assistant.as_ref().and_then(|a| a.output_reaches.as_ref()) else {
            return Judgement::missing(PATH);
        };
        let reached = list.iter().any(|s| sinks.contains(s));
        let named = words(sinks);
        let to = if reached { format!("without any of {named}") } else { format!("any of {named}") };
        self.says(reached, PATH, words(list), Some(&to))
    }

    /// Forms in which others' content reaches the model.
    pub(super) fn takes_in(&self, forms: &[InputForm]) -> Judgement {
        const PATH: &str = "assistant.inputs";
        let Some(list) = self.system().assistant.as_ref().and_then(|a| a.inputs.as_ref()) else {
            return Judgement::missing(PATH);
        };
        let takes = list.iter().any(|f| forms.contains(f));
        self.says(takes, PATH, words(list), Some(if takes { "[text]" } else { "[text, image]" }))
    }

    /// A tool of which something holds. The list of tools is complete; a system that could have tools and
    /// states none has not said.
    pub(super) fn any_tool(&self, judge: impl Fn(&str, &Tool) -> Judgement) -> Judgement {
        match self.boundary() {
            None => Judgement::missing("boundary.tools"),
            Some(b) => Judgement::any(
                b.tools.iter().map(|t| judge(&format!("boundary.tools[{}]", t.name), t)),
                self.fact("boundary.tools", "none"),
            ),
        }
    }

    /// A tool that has one of these effects.
    pub(super) fn any_tool_that(&self, effects: &[Effect]) -> Judgement {
        self.any_tool(|path, tool| {
            let has = tool.effects.iter().any(|e| effects.contains(e));
            let to = if has { "[read]".to_owned() } else { words(effects) };
            self.says(has, &format!("{path}.effects"), words(&tool.effects), Some(&to))
        })
    }

    /// A source of text of which something holds. Where there is an index and no source is described, it is
    /// the description that is missing, not the source.
    pub(super) fn any_source(&self, judge: impl Fn(&str, &Source) -> Judgement) -> Judgement {
        let described = self.boundary().map_or(&[][..], |b| b.sources.as_slice());
        if described.is_empty()
            && (self.boundary().is_none() || self.has(&[ComponentKind::RagIndex]).holds == Tri::True)
        {
            return Judgement::missing("boundary.sources");
        }
        Judgement::any(
            described.iter().map(|s| judge(&format!("boundary.sources[{}]", s.name), s)),
            self.fact("boundary.sources", "none"),
        )
    }

    /// Text that somebody other than the user and the operator writes gets into the context.
    pub(super) fn others_write(&self) -> Judgement {
        let sources = self.any_source(|path, source| {
            let untrusted = source.trust == Trust::Untrusted;
            let to = if untrusted { "trusted" } else { "untrusted" };
            self.says(untrusted, &format!("{path}.trust"), word(&source.trust), Some(to))
        });
        let answers = self.any_tool(|path, tool| {
            // A tool whose answers nobody vouches for is untrusted.
            let trust = tool.answers.map_or(Trust::Untrusted, |a| a.trust);
            let untrusted = trust == Trust::Untrusted;
            let to = if untrusted { "principal" } else { "untrusted" };
            self.says(untrusted, &format!("{path}.answers.trust"), word(&trust), Some(to))
        });
        sources.or(answers).or(self.external_writes_documents(READERS))
    }

    /// Somebody outside the organisation can write documents that reach one of these parts.
    pub(super) fn external_writes_documents(&self, kinds: &[ComponentKind]) -> Judgement {
        self.any_component(kinds, |part| {
            let writers = self.graph.writers_of(part.id.as_str(), &[Content::Documents]);
            let by_actor = self.any_actor(|a| self.is_external(a).and(self.writes(a, &writers)));
            self.or_missing(by_actor, &writers)
        })
    }

    /// The model can see what not everybody may see: by a source, by a tool, or otherwise.
    pub(super) fn sees_private(&self) -> Judgement {
        let sources = self.any_source(|path, source| {
            let private = source.secrecy == Secrecy::Private;
            let to = if private { "public" } else { "private" };
            self.says(private, &format!("{path}.secrecy"), word(&source.secrecy), Some(to))
        });
        let answers = self.any_tool(|path, tool| {
            // A tool of which nothing is said answers privately.
            let secrecy = tool.answers.map_or(Secrecy::Private, |a| a.secrecy);
            let private = secrecy == Secrecy::Private;
            let to = if private { "public" } else { "private" };
            self.says(private, &format!("{path}.answers.secrecy"), word(&secrecy), Some(to))
        });
        sources
            .or(answers)
            .or(self.assistant("others_data_reachable", |a| a.others_data_reachable))
            .or(self.assistant("secrets_in_reach", |a| a.secrets_in_reach))
    }

    /// Something can leave: by a tool, or by a link that is fetched.
    pub(super) fn can_send(&self) -> Judgement {
        self.any_tool_that(&[Effect::Send, Effect::Pay]).or(self.output_reaches(FETCHING))
    }

    /// Somebody shapes what the model is asked, insiders included.
    pub(super) fn anybody_writes_to_it(&self) -> Judgement {
        let writers = self.input_writers();
        let by_actor = self.any_actor(|a| self.asks(a, &writers));
        self.or_missing(by_actor, &writers)
    }

    /// A filter stands in front of the model and something rests on it.
    pub(super) fn relies_on_a_filter(&self) -> Judgement {
        let detector = match self.boundary() {
            None => Judgement::missing("boundary.detector"),
            Some(b) => {
                let on = b.detector.mode != DetectorMode::Off;
                self.says(
                    on,
                    "boundary.detector.mode",
                    word(&b.detector.mode),
                    Some(if on { "off" } else { "record" }),
                )
            }
        };
        self.has(&[ComponentKind::Guard]).or(detector)
    }

    /// What is said or stored in one conversation can be read in a later one.
    pub(super) fn keeps_what_was_said(&self) -> Judgement {
        self.has(&[ComponentKind::Memory]).or(self.assistant("remembers", |a| a.remembers))
    }

    fn boundary(&self) -> Option<&Boundary> {
        self.system().boundary.as_ref()
    }
}
