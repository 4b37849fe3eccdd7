//! A request to a model, in either protocol.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::cursor::{OwnedStep, lookalike};
use super::{Fault, Node, Place, ReadError};
use crate::json::{self, Limits};
use crate::{Conversation, Label, Labelling, Message, Name, Origin, Segment, ToolCall, ToolSpec};

/// A chat protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// OpenAI's chat completions, `POST /v1/chat/completions`.
    Openai,
    /// Anthropic's messages, `POST /v1/messages`.
    Anthropic,
}

impl Protocol {
    /// The path of its requests.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Openai => "/v1/chat/completions",
            Self::Anthropic => "/v1/messages",
        }
    }
}

/// How the next token is chosen. What is absent is left to the model's server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// Temperature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Most likely tokens considered (Anthropic).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u64>,
    /// Seed (OpenAI).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Texts before which the model stops.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

/// Whether the model may, must or must not call tools.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToolChoice {
    /// As it likes.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(Name),
}

/// What a part that is no text is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AttachmentKind {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// A document.
    File,
    /// Bytes that only the model's provider can read.
    Sealed,
}

/// Where the bytes of an attachment are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// In the request, in base64.
    Inline {
        /// As declared; nobody has looked at the bytes.
        media_type: String,
        /// The bytes.
        base64: String,
    },
    /// At an address that the model's server will fetch.
    Remote(String),
    /// At the provider, under an identifier.
    Reference(String),
}

/// A part of a message that is no text. Nothing in this crate looks into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Index of its message in the conversation.
    pub message: usize,
    /// The field, for reports.
    pub at: String,
    /// What it is.
    pub kind: AttachmentKind,
    /// The name it came under.
    pub name: Option<String>,
    /// Where the bytes are.
    pub content: Content,
    /// Where it comes from, as a text in its place would.
    pub label: Label,
}

/// A request that was read and can be sent on.
///
/// The typed view and the bytes that [`ChatRequest::to_bytes`] writes are changed together only, by the
/// methods of this type.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatRequest {
    pub(super) protocol: Protocol,
    pub(super) body: Value,
    pub(super) model: String,
    pub(super) conversation: Conversation,
    /// Where the text of each segment stands in the body, by message and segment.
    pub(super) places: Vec<Vec<Place>>,
    pub(super) attachments: Vec<Attachment>,
    pub(super) options: Options,
    pub(super) unlisted: Vec<String>,
}

/// The fields of a request beside its texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Options {
    pub stream: bool,
    pub include_usage: bool,
    pub max_tokens: Option<u64>,
    pub choices: u64,
    pub sampling: Sampling,
    pub tool_choice: ToolChoice,
    pub response_format: Option<Value>,
}

impl ChatRequest {
    /// Reads a request of `protocol`, labelling every text.
    pub fn read(
        protocol: Protocol,
        bytes: &[u8],
        labelling: &Labelling,
        limits: &Limits,
    ) -> Result<Self, ReadError> {
        Self::from_value(protocol, json::parse(bytes, limits)?, labelling)
    }

    /// Reads a request whose JSON was read with [`json::parse`]: whoever needs to know the model before the
    /// labels are known looks it up in `body`.
    pub fn from_value(protocol: Protocol, mut body: Value, labelling: &Labelling) -> Result<Self, ReadError> {
        let mut draft = Draft::new(labelling);
        let root = Node::root(&body);
        root.object()?;
        let model = root.required("model")?.id()?.to_owned();
        let (known, options) = match protocol {
            Protocol::Openai => crate::openai::request::read(&root, &mut draft)?,
            Protocol::Anthropic => crate::anthropic::request::read(&root, &mut draft)?,
        };
        let mut unlisted = Vec::new();
        for (key, value) in root.object()?.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
            if lookalike(key, known).is_some() {
                return Err(root.fail(root.unknown(key, known)));
            }
            if !value.is_null() {
                unlisted.push(key.clone());
            }
        }
        if let ToolChoice::Named(name) = &options.tool_choice
            && !draft.tools.iter().any(|tool| tool.name == *name)
        {
            let fault = Fault::Value(format!("\"tool_choice\" names {name}, which \"tools\" does not have"));
            return Err(root.fail(fault));
        }
        let Draft { messages, places, attachments, tools, extensions, .. } = draft;
        for place in extensions {
            if let Some(Value::Object(members)) = place.resolve(&mut body) {
                members.remove(Provenance::FIELD);
            }
        }
        let conversation = Conversation::new(messages, tools);
        Ok(Self { protocol, body, model, conversation, places, attachments, options, unlisted })
    }

    /// Its protocol.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The model asked for.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The labelled texts, calls and tools. Anthropic's system prompt is the first message; a message with
    /// tool results becomes one message for each result and one for the rest.
    #[must_use]
    pub const fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// What is no text.
    #[must_use]
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// Whether the answer is to come as a stream.
    #[must_use]
    pub const fn stream(&self) -> bool {
        self.options.stream
    }

    /// Whether the caller asked a stream to say the usage. Anthropic's streams always do.
    #[must_use]
    pub const fn include_usage(&self) -> bool {
        self.options.include_usage
    }

    /// The most tokens of an answer.
    #[must_use]
    pub const fn max_tokens(&self) -> Option<u64> {
        self.options.max_tokens
    }

    /// How many answers are asked for; each costs.
    #[must_use]
    pub const fn choices(&self) -> u64 {
        self.options.choices
    }

    /// How tokens are chosen.
    #[must_use]
    pub const fn sampling(&self) -> &Sampling {
        &self.options.sampling
    }

    /// Whether tools may be called.
    #[must_use]
    pub const fn tool_choice(&self) -> &ToolChoice {
        &self.options.tool_choice
    }

    /// The form that the answer is to have, as the caller put it.
    #[must_use]
    pub const fn response_format(&self) -> Option<&Value> {
        self.options.response_format.as_ref()
    }

    /// Fields at the top that are sent on though nothing here looks into them. Some give a model abilities
    /// that no tool declaration shows (`web_search_options`, `mcp_servers`), so a careful policy refuses
    /// every field it has not heard of.
    #[must_use]
    pub fn unlisted(&self) -> &[String] {
        &self.unlisted
    }

    /// The request as it is to be sent on. Keys come in another order than they were read, and without the
    /// labels that the caller stated.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // A JSON value has string keys only and no infinite number, so it can always be written.
        serde_json::to_vec(&self.body).unwrap_or_default()
    }
}

/// What a request to a model says, independent of any protocol; the other direction of [`ChatRequest`].
#[derive(Debug, Clone)]
pub struct Prompt<'a> {
    /// The model asked for.
    pub model: &'a str,
    /// Messages and tools.
    pub conversation: &'a Conversation,
    /// Whether the answer is to come as a stream.
    pub stream: bool,
    /// The most tokens of an answer. Anthropic's protocol needs one; 4096 where this says nothing.
    pub max_tokens: Option<u64>,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Whether tools may be called.
    pub tool_choice: ToolChoice,
    /// Whether to state where texts come from. Proofhouse's gateway reads it; other servers may refuse it.
    pub provenance: bool,
}

impl<'a> Prompt<'a> {
    /// A prompt with nothing else stated.
    #[must_use]
    pub fn new(model: &'a str, conversation: &'a Conversation) -> Self {
        Self {
            model,
            conversation,
            stream: false,
            max_tokens: None,
            sampling: Sampling::default(),
            tool_choice: ToolChoice::Auto,
            provenance: false,
        }
    }

    /// The body of the request in `protocol`.
    #[must_use]
    pub fn to_bytes(&self, protocol: Protocol) -> Vec<u8> {
        let body = match protocol {
            Protocol::Openai => crate::openai::compose::compose(self),
            Protocol::Anthropic => crate::anthropic::compose::compose(self),
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

/// Where a caller says a text comes from: `"proofhouse": {"origin": "web:shop.example"}` beside it.
///
/// A caller knows what it retrieved; a chat protocol has no place to say so. The statement can only lower
/// trust and raise secrecy: a text keeps the lower trust of what its role and its stated origin have.
#[derive(Debug, Clone)]
pub(crate) struct Provenance(pub Option<Origin>);

impl Provenance {
    pub(crate) const FIELD: &'static str = "proofhouse";

    /// Reads the statement of `node`, if it makes one.
    pub(crate) fn read(node: &Node<'_, '_>, draft: &mut Draft<'_>) -> Result<Self, ReadError> {
        let Some(field) = node.member(Self::FIELD) else { return Ok(Self(None)) };
        draft.extensions.push(node.place());
        field.only(&["origin"])?;
        let origin = field.required("origin")?;
        let (kind, name) = origin.text()?.split_once(':').ok_or_else(|| {
            origin.fail(Fault::Value("write retrieved:NAME, web:HOST or file:NAME".to_owned()))
        })?;
        let name = Name::new(name).map_err(|error| origin.fail(error.into()))?;
        let origin = match kind {
            "retrieved" => Origin::Retrieved(name),
            "web" => Origin::Web(name),
            "file" => Origin::File(name),
            other => {
                let why = format!("{other:?} is no origin to state; write retrieved, web or file");
                return Err(origin.fail(Fault::Value(why)));
            }
        };
        Ok(Self(Some(origin)))
    }

    /// The field that states `label`'s origin, where there is one to state.
    pub(crate) fn stated(label: &Label) -> Option<Value> {
        match label.origin {
            Origin::Retrieved(_) | Origin::Web(_) | Origin::File(_) => {
                let origin = format!("{}:{}", label.origin.kind(), label.origin.name()?);
                Some(serde_json::json!({ "origin": origin }))
            }
            _ => None,
        }
    }
}

/// A conversation in the making.
pub(crate) struct Draft<'l> {
    pub labelling: &'l Labelling,
    pub messages: Vec<Message>,
    pub places: Vec<Vec<Place>>,
    pub attachments: Vec<Attachment>,
    pub tools: Vec<ToolSpec>,
    /// Objects that hold a statement of provenance.
    pub extensions: Vec<Place>,
}

impl<'l> Draft<'l> {
    pub(crate) const fn new(labelling: &'l Labelling) -> Self {
        Self {
            labelling,
            messages: Vec::new(),
            places: Vec::new(),
            attachments: Vec::new(),
            tools: Vec::new(),
            extensions: Vec::new(),
        }
    }

    pub(crate) fn open(&mut self, message: Message) {
        self.messages.push(message);
        self.places.push(Vec::new());
    }

    /// The label of what stands where `carrier` speaks and is said to come from `stated`.
    pub(crate) fn label(&self, carrier: &Label, stated: &Provenance) -> Label {
        let Some(origin) = &stated.0 else { return carrier.clone() };
        let label = self.labelling.label(origin);
        Label {
            trust: label.trust.min(carrier.trust),
            secrecy: label.secrecy.max(carrier.secrecy),
            origin: label.origin,
        }
    }

    /// Adds the text at `node` to the last message.
    pub(crate) fn text(&mut self, node: &Node<'_, '_>, label: Label) -> Result<(), ReadError> {
        let segment = Segment::new(node.text()?, label);
        if let (Some(message), Some(places)) = (self.messages.last_mut(), self.places.last_mut()) {
            message.segments.push(segment);
            places.push(node.place());
        }
        Ok(())
    }

    pub(crate) fn attach(
        &mut self,
        node: &Node<'_, '_>,
        kind: AttachmentKind,
        name: Option<&str>,
        content: Content,
        label: Label,
    ) {
        let message = self.messages.len().saturating_sub(1);
        let name = name.map(str::to_owned);
        self.attachments.push(Attachment { message, at: node.shown(), kind, name, content, label });
    }

    /// Adds a declared tool.
    pub(crate) fn tool(&mut self, node: &Node<'_, '_>, tool: ToolSpec) -> Result<(), ReadError> {
        if self.tools.iter().any(|known| known.name == tool.name) {
            return Err(node.fail(Fault::Twice(format!("the tool {}", tool.name))));
        }
        self.tools.push(tool);
        Ok(())
    }

    /// Adds a call to the last message, which the assistant speaks.
    pub(crate) fn call(&mut self, id: &Node<'_, '_>, call: ToolCall) -> Result<(), ReadError> {
        let Some(message) = self.messages.last_mut() else { return Ok(()) };
        if message.calls.iter().any(|known| known.id == call.id) {
            return Err(id.fail(Fault::Twice(format!("the call {:?}", call.id))));
        }
        message.calls.push(call);
        Ok(())
    }

    /// The tool of the latest call with this identifier.
    pub(crate) fn called(&self, id: &Node<'_, '_>) -> Result<Name, ReadError> {
        let wanted = id.id()?;
        let calls = self.messages.iter().rev().flat_map(|message| &message.calls);
        let call = calls.into_iter().find(|call| call.id == wanted);
        call.map(|call| call.name.clone()).ok_or_else(|| id.fail(Fault::UnknownCall(wanted.to_owned())))
    }
}

impl Place {
    /// Moves a place within `messages` down by one message.
    pub(super) fn shift(&mut self) {
        if let [OwnedStep::Key(key), OwnedStep::Index(index), ..] = self.0.as_mut_slice()
            && key == "messages"
        {
            *index += 1;
        }
    }
}

/// A name made from a title or an address: what a name cannot hold becomes `_`, what is too long is cut.
pub(crate) fn plain_name(text: &str) -> Option<Name> {
    let plain = |c: char| if c.is_whitespace() || c.is_control() { '_' } else { c };
    Name::new(text.trim().chars().take(Name::MAX).map(plain).collect::<String>()).ok()
}

/// An object without its empty members.
pub(crate) fn members(pairs: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Map<String, Value> {
    pairs.into_iter().filter_map(|(key, value)| value.map(|v| (key.to_owned(), v))).collect()
}
