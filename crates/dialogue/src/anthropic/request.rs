//! The request.

use serde_json::Value;

use crate::wire::{
    AttachmentKind, Content, Draft, Fault, Node, Options, Provenance, ReadError, Sampling, ToolChoice,
    plain_name,
};
use crate::{Arguments, Label, Message, Name, Origin, Role, ToolCall, ToolSpec};

/// What is understood, or is a plain setting that brings no text into the context and no tool.
const KNOWN: &[&str] = &[
    "cache_control",
    "inference_geo",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

/// What any block may have.
const EVERY: &[&str] = &["type", "cache_control", Provenance::FIELD];

const HERE: &str = "run the tool yourself and send what it brought as a tool_result";

pub(crate) fn read(
    root: &Node<'_, '_>,
    draft: &mut Draft<'_>,
) -> Result<(&'static [&'static str], Options), ReadError> {
    if let Some(tools) = root.member("tools") {
        for tool in tools.elements()? {
            read_tool(&tool, draft)?;
        }
    }
    if let Some(system) = root.member("system") {
        instructions(&system, draft)?;
    }
    let messages = root.required("messages")?;
    let messages = messages.elements()?;
    if messages.len() == 0 {
        return Err(root.fail(Fault::Value("\"messages\" is empty".to_owned())));
    }
    for message in messages {
        read_message(&message, draft)?;
    }
    Ok((KNOWN, options(root)?))
}

fn options(root: &Node<'_, '_>) -> Result<Options, ReadError> {
    let number = |key| root.member(key).map(|node| node.number()).transpose();
    let mut stop = Vec::new();
    if let Some(node) = root.member("stop_sequences") {
        for text in node.elements()? {
            stop.push(text.text()?.to_owned());
        }
    }
    let format = match root.member("output_config") {
        Some(node) => {
            node.object()?;
            node.member("format").map(|format| format.value.clone())
        }
        None => None,
    };
    Ok(Options {
        stream: root.member("stream").map_or(Ok(false), |node| node.boolean())?,
        include_usage: true,
        max_tokens: Some(root.required("max_tokens")?.whole()?),
        choices: 1,
        sampling: Sampling {
            temperature: number("temperature")?,
            top_p: number("top_p")?,
            top_k: root.member("top_k").map(|node| node.whole()).transpose()?,
            seed: None,
            stop,
        },
        tool_choice: root.member("tool_choice").map_or(Ok(ToolChoice::Auto), |node| tool_choice(&node))?,
        response_format: format,
    })
}

fn tool_choice(node: &Node<'_, '_>) -> Result<ToolChoice, ReadError> {
    node.only(&["type", "name", "disable_parallel_tool_use"])?;
    match node.required("type")?.text()? {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::None),
        "any" => Ok(ToolChoice::Required),
        "tool" => Ok(ToolChoice::Named(node.required("name")?.name()?)),
        other => Err(node.fail(Fault::Value(format!("{other:?} is none of auto, none, any and tool")))),
    }
}

fn read_tool(node: &Node<'_, '_>, draft: &mut Draft<'_>) -> Result<(), ReadError> {
    if let Some(kind) = node.member("type")
        && kind.text()? != "custom"
    {
        return Err(kind.unsupported(
            format!("a tool of type {:?}", kind.text()?.chars().take(40).collect::<String>()),
            "declare a tool with an input_schema, and run it yourself",
        ));
    }
    node.only(&[
        "type",
        "name",
        "description",
        "input_schema",
        "cache_control",
        "strict",
        "eager_input_streaming",
    ])?;
    let schema = node.required("input_schema")?;
    let description = node.member("description").map(|d| d.text()).transpose()?.unwrap_or_default();
    let tool = ToolSpec {
        name: node.required("name")?.name()?,
        description: description.to_owned(),
        parameters: Value::Object(schema.object()?.clone()),
    };
    draft.tool(node, tool)
}

/// Instructions of the application: a string, or text blocks.
fn instructions(node: &Node<'_, '_>, draft: &mut Draft<'_>) -> Result<(), ReadError> {
    let label = draft.labelling.label(&Origin::System);
    draft.open(Message::new(Role::System, Vec::new()));
    if node.value.is_string() {
        return draft.text(node, label);
    }
    for block in node.elements()? {
        match block.required("type")?.text()? {
            "text" => text_block(&block, &label, draft)?,
            other => return Err(unknown_block(&block, other)),
        }
    }
    Ok(())
}

fn read_message(node: &Node<'_, '_>, draft: &mut Draft<'_>) -> Result<(), ReadError> {
    node.only(&["role", "content", Provenance::FIELD])?;
    let role = node.required("role")?;
    let content = node.required("content")?;
    let (role, origin) = match role.text()? {
        "user" => (Role::User, Origin::User),
        "assistant" => (Role::Assistant, Origin::Assistant),
        "system" => {
            node.only(&["role", "content"])?;
            return instructions(&content, draft);
        }
        other => return Err(role.fail(Fault::UnknownRole(other.chars().take(40).collect()))),
    };
    let carrier = draft.labelling.label(&origin);
    let stated = Provenance::read(node, draft)?;
    let label = draft.label(&carrier, &stated);
    if content.value.is_string() {
        draft.open(Message::new(role, Vec::new()));
        return draft.text(&content, label);
    }
    // What tools answered comes in messages of the user, and becomes messages of its own.
    let mut open = false;
    for block in content.elements()? {
        if block.required("type")?.value == "tool_result" {
            if role != Role::User {
                return Err(block.unsupported("a tool_result of the assistant", "send it as the user's"));
            }
            tool_result(&block, draft)?;
            open = false;
            continue;
        }
        if !std::mem::replace(&mut open, true) {
            draft.open(Message::new(role, Vec::new()));
        }
        read_block(&block, role, &label, draft)?;
    }
    Ok(())
}

fn tool_result(node: &Node<'_, '_>, draft: &mut Draft<'_>) -> Result<(), ReadError> {
    node.only(&[EVERY, &["tool_use_id", "content", "is_error"]].concat())?;
    let id = node.required("tool_use_id")?;
    let carrier = draft.labelling.label(&Origin::Tool(draft.called(&id)?));
    let stated = Provenance::read(node, draft)?;
    let label = draft.label(&carrier, &stated);
    draft.open(Message::tool(id.id()?, Vec::new()));
    match node.member("content") {
        None => Ok(()),
        Some(content) if content.value.is_string() => draft.text(&content, label),
        Some(content) => {
            for block in content.elements()? {
                read_block(&block, Role::Tool, &label, draft)?;
            }
            Ok(())
        }
    }
}

fn read_block(
    node: &Node<'_, '_>,
    role: Role,
    around: &Label,
    draft: &mut Draft<'_>,
) -> Result<(), ReadError> {
    let kind = node.required("type")?.text()?;
    match (kind, role) {
        ("text", _) => text_block(node, around, draft),
        ("image", Role::User | Role::Tool) => {
            node.only(&[EVERY, &["source"]].concat())?;
            let stated = Provenance::read(node, draft)?;
            let label = draft.label(around, &stated);
            let content = bytes(&node.required("source")?)?;
            draft.attach(node, AttachmentKind::Image, None, content, label);
            Ok(())
        }
        ("document", Role::User | Role::Tool) => document(node, around, draft),
        ("search_result", Role::User | Role::Tool) => search_result(node, around, draft),
        ("tool_use", Role::Assistant) => {
            node.only(&["type", "cache_control", "id", "name", "input"])?;
            let id = node.required("id")?;
            let call = ToolCall {
                id: id.id()?.to_owned(),
                name: node.required("name")?.name()?,
                arguments: Arguments::new(node.required("input")?.object()?.clone()),
            };
            draft.call(&id, call)
        }
        ("thinking", Role::Assistant) => {
            node.only(&["type", "thinking", "signature"])?;
            draft.text(&node.required("thinking")?, around.clone())
        }
        ("redacted_thinking", Role::Assistant) => {
            node.only(&["type", "data"])?;
            let content = Content::Inline {
                media_type: "application/octet-stream".to_owned(),
                base64: node.required("data")?.text()?.to_owned(),
            };
            draft.attach(node, AttachmentKind::Sealed, None, content, around.clone());
            Ok(())
        }
        (other, _) => Err(unknown_block(node, other)),
    }
}

fn text_block(node: &Node<'_, '_>, around: &Label, draft: &mut Draft<'_>) -> Result<(), ReadError> {
    node.only(&[EVERY, &["text", "citations"]].concat())?;
    let stated = Provenance::read(node, draft)?;
    let label = draft.label(around, &stated);
    draft.text(&node.required("text")?, label.clone())?;
    // An answer that is sent back carries what it cited, which the model reads again.
    if let Some(citations) = node.member("citations") {
        for citation in citations.elements()? {
            citation.required("type")?.id()?;
            for (key, value) in citation.object()? {
                match (value, citation.member(key)) {
                    (Value::String(_), Some(text)) if key != "type" => draft.text(&text, label.clone())?,
                    (Value::Object(_) | Value::Array(_), Some(node)) => return Err(node.kind("a string")),
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

fn document(node: &Node<'_, '_>, around: &Label, draft: &mut Draft<'_>) -> Result<(), ReadError> {
    node.only(&[EVERY, &["source", "title", "context", "citations"]].concat())?;
    citing(node)?;
    let title = node.member("title");
    let name = title.map(|title| title.text()).transpose()?;
    let mut stated = Provenance::read(node, draft)?;
    if stated.0.is_none() {
        stated =
            Provenance(name.and_then(plain_name).or_else(|| Name::new("document").ok()).map(Origin::File));
    }
    let label = draft.label(around, &stated);
    for text in [title, node.member("context")].into_iter().flatten() {
        draft.text(&text, label.clone())?;
    }
    let source = node.required("source")?;
    match source.required("type")?.text()? {
        "text" => {
            source.only(&["type", "media_type", "data"])?;
            source.required("media_type")?.id()?;
            draft.text(&source.required("data")?, label)
        }
        "content" => {
            source.only(&["type", "content"])?;
            let content = source.required("content")?;
            if content.value.is_string() {
                return draft.text(&content, label);
            }
            for block in content.elements()? {
                match block.required("type")?.text()? {
                    "text" | "image" => read_block(&block, Role::User, &label, draft)?,
                    other => return Err(unknown_block(&block, other)),
                }
            }
            Ok(())
        }
        _ => {
            let content = bytes(&source)?;
            draft.attach(node, AttachmentKind::File, name, content, label);
            Ok(())
        }
    }
}

fn search_result(node: &Node<'_, '_>, around: &Label, draft: &mut Draft<'_>) -> Result<(), ReadError> {
    node.only(&[EVERY, &["source", "title", "content", "citations"]].concat())?;
    citing(node)?;
    let source = node.required("source")?;
    let mut stated = Provenance::read(node, draft)?;
    if stated.0.is_none() {
        let name = plain_name(source.text()?).or_else(|| Name::new("search").ok());
        stated = Provenance(name.map(Origin::Retrieved));
    }
    let label = draft.label(around, &stated);
    draft.text(&source, label.clone())?;
    draft.text(&node.required("title")?, label.clone())?;
    for block in node.required("content")?.elements()? {
        match block.required("type")?.text()? {
            "text" => text_block(&block, &label, draft)?,
            other => return Err(unknown_block(&block, other)),
        }
    }
    Ok(())
}

/// Whether to cite is a switch, no text.
fn citing(node: &Node<'_, '_>) -> Result<(), ReadError> {
    let Some(citations) = node.member("citations") else { return Ok(()) };
    citations.only(&["enabled"])?;
    citations.member("enabled").map_or(Ok(false), |enabled| enabled.boolean()).map(|_| ())
}

/// Where the bytes of an image or a document are.
fn bytes(source: &Node<'_, '_>) -> Result<Content, ReadError> {
    match source.required("type")?.text()? {
        "base64" => {
            source.only(&["type", "media_type", "data"])?;
            Ok(Content::Inline {
                media_type: source.required("media_type")?.id()?.to_owned(),
                base64: source.required("data")?.text()?.to_owned(),
            })
        }
        "url" => {
            source.only(&["type", "url"])?;
            Ok(Content::Remote(source.required("url")?.text()?.to_owned()))
        }
        "file" => {
            source.only(&["type", "file_id"])?;
            Ok(Content::Reference(source.required("file_id")?.id()?.to_owned()))
        }
        other => {
            let what = format!("a source of type {:?}", other.chars().take(40).collect::<String>());
            Err(source.unsupported(what, "send base64, text, content, url or file"))
        }
    }
}

fn unknown_block(node: &Node<'_, '_>, kind: &str) -> ReadError {
    node.unsupported(format!("a block of type {:?} here", kind.chars().take(40).collect::<String>()), HERE)
}
