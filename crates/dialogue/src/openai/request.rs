//! The request.

use serde_json::Value;

use crate::wire::{
    AttachmentKind, Content, Draft, Fault, Node, Options, Provenance, ReadError, Sampling, ToolChoice,
    call_arguments,
};
use crate::{Label, Message, Origin, Role, ToolCall, ToolSpec};

/// What is understood, or is a plain setting that brings no text into the context and no tool.
const KNOWN: &[&str] = &[
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
];

pub(crate) fn read(
    root: &Node<'_, '_>,
    draft: &mut Draft<'_>,
) -> Result<(&'static [&'static str], Options), ReadError> {
    for (key, instead) in [
        ("functions", "declare \"tools\""),
        ("function_call", "use \"tool_choice\""),
        ("prediction", "leave it out: its text would reach the model unchecked"),
    ] {
        if let Some(node) = root.member(key) {
            return Err(node.unsupported(format!("{key:?}"), instead));
        }
    }
    if let Some(tools) = root.member("tools") {
        for tool in tools.elements()? {
            read_tool(&tool, draft)?;
        }
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
    let whole = |key| root.member(key).map(|node| node.whole()).transpose();
    let flag = |node: Option<Node<'_, '_>>| node.map_or(Ok(false), |node| node.boolean());
    let max_tokens = match (whole("max_tokens")?, whole("max_completion_tokens")?) {
        (Some(a), Some(b)) if a != b => {
            let why = "\"max_tokens\" and \"max_completion_tokens\" differ; give one".to_owned();
            return Err(root.fail(Fault::Value(why)));
        }
        (a, b) => b.or(a),
    };
    let choices = whole("n")?.unwrap_or(1);
    if !(1..=128).contains(&choices) {
        return Err(root.fail(Fault::Value("\"n\" is 1 to 128".to_owned())));
    }
    let mut stop = Vec::new();
    if let Some(node) = root.member("stop") {
        if node.value.is_string() {
            stop.push(node.text()?.to_owned());
        } else {
            for text in node.elements()? {
                stop.push(text.text()?.to_owned());
            }
        }
    }
    let seed = match root.member("seed") {
        None => None,
        Some(node) => Some(node.value.as_i64().ok_or_else(|| node.kind("a whole number"))?),
    };
    let mut include_usage = false;
    if let Some(node) = root.member("stream_options") {
        node.only(&["include_usage", "include_obfuscation"])?;
        include_usage = flag(node.member("include_usage"))?;
    }
    let response_format = root.member("response_format");
    if let Some(node) = &response_format {
        node.object()?;
    }
    Ok(Options {
        stream: flag(root.member("stream"))?,
        include_usage,
        max_tokens,
        choices,
        sampling: Sampling {
            temperature: number("temperature")?,
            top_p: number("top_p")?,
            top_k: None,
            seed,
            stop,
        },
        tool_choice: root.member("tool_choice").map_or(Ok(ToolChoice::Auto), |node| tool_choice(&node))?,
        response_format: response_format.map(|node| node.value.clone()),
    })
}

fn tool_choice(node: &Node<'_, '_>) -> Result<ToolChoice, ReadError> {
    match node.value.as_str() {
        Some("auto") => return Ok(ToolChoice::Auto),
        Some("none") => return Ok(ToolChoice::None),
        Some("required") => return Ok(ToolChoice::Required),
        Some(other) => {
            return Err(node.fail(Fault::Value(format!("{other:?} is none of auto, none and required"))));
        }
        None => {}
    }
    function_kind(node, "offer only the tools that may be called")?;
    node.only(&["type", "function"])?;
    let function = node.required("function")?;
    function.only(&["name"])?;
    Ok(ToolChoice::Named(function.required("name")?.name()?))
}

/// Refuses every type but `function`.
fn function_kind(node: &Node<'_, '_>, instead: &'static str) -> Result<(), ReadError> {
    match node.required("type")?.text()? {
        "function" => Ok(()),
        other => Err(node.unsupported(format!("the type {other:?}"), instead)),
    }
}

fn read_tool(node: &Node<'_, '_>, draft: &mut Draft<'_>) -> Result<(), ReadError> {
    function_kind(node, "declare a function with a JSON Schema of its arguments")?;
    node.only(&["type", "function"])?;
    let function = node.required("function")?;
    function.only(&["name", "description", "parameters", "strict"])?;
    let parameters = match function.member("parameters") {
        Some(node) => Value::Object(node.object()?.clone()),
        None => serde_json::json!({ "type": "object", "properties": {} }),
    };
    let description = function.member("description").map(|d| d.text()).transpose()?.unwrap_or_default();
    let name = function.required("name")?.name()?;
    draft.tool(node, ToolSpec { name, description: description.to_owned(), parameters })
}

fn read_message(node: &Node<'_, '_>, draft: &mut Draft<'_>) -> Result<(), ReadError> {
    let role = node.required("role")?;
    let (known, role, origin): (&[&str], _, _) = match role.text()? {
        "system" => (&["name"], Role::System, Origin::System),
        "developer" => (&["name"], Role::Operator, Origin::Operator),
        "user" => (&["name"], Role::User, Origin::User),
        "assistant" => (
            &["name", "refusal", "audio", "tool_calls", "function_call", "annotations", "reasoning_content"],
            Role::Assistant,
            Origin::Assistant,
        ),
        "tool" => {
            let id = node.required("tool_call_id")?;
            (&["tool_call_id", "name"], Role::Tool, Origin::Tool(draft.called(&id)?))
        }
        "function" => {
            return Err(node.unsupported("the role \"function\"", "use the role tool and \"tool_calls\""));
        }
        other => return Err(role.fail(Fault::UnknownRole(other.chars().take(40).collect()))),
    };
    let known = [&["role", "content", Provenance::FIELD], known].concat();
    node.only(&known)?;
    if let Some(name) = node.member("name") {
        // The model reads it; this is the provider's own rule, and leaves no room for a sentence.
        let text = name.text()?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
        if text.is_empty() || text.len() > 64 || !text.bytes().all(plain) {
            return Err(
                name.fail(Fault::Value("a name has 1 to 64 letters, digits, \"_\", \"-\" and \".\"".into()))
            );
        }
    }
    let carrier = draft.labelling.label(&origin);
    let stated = Provenance::read(node, draft)?;
    let label = draft.label(&carrier, &stated);
    let mut message = Message::new(role, Vec::new());
    if role == Role::Tool {
        message.answers = Some(node.required("tool_call_id")?.id()?.to_owned());
    }
    draft.open(message);
    match node.member("content") {
        Some(content) if content.value.is_string() => draft.text(&content, label.clone())?,
        Some(content) => {
            for part in content.elements()? {
                read_part(&part, role, &label, draft)?;
            }
        }
        None if role == Role::Assistant => {}
        None => return Err(node.fail(Fault::Missing("content".to_owned()))),
    }
    if role == Role::Assistant { assistant(node, &label, draft) } else { Ok(()) }
}

fn assistant(node: &Node<'_, '_>, label: &Label, draft: &mut Draft<'_>) -> Result<(), ReadError> {
    if let Some(call) = node.member("function_call") {
        return Err(call.unsupported("\"function_call\"", "use \"tool_calls\""));
    }
    for key in ["refusal", "reasoning_content"] {
        if let Some(text) = node.member(key) {
            draft.text(&text, label.clone())?;
        }
    }
    if let Some(audio) = node.member("audio") {
        audio.only(&["id"])?;
        let id = Content::Reference(audio.required("id")?.id()?.to_owned());
        draft.attach(&audio, AttachmentKind::Audio, None, id, label.clone());
    }
    // Clients send an answer back as they got it. Annotations are no part of a request, and carry titles
    // and addresses that nothing would check.
    if let Some(annotations) = node.member("annotations")
        && annotations.elements()?.len() > 0
    {
        return Err(annotations.unsupported("an annotation", "leave \"annotations\" out"));
    }
    let Some(calls) = node.member("tool_calls") else { return Ok(()) };
    for call in calls.elements()? {
        function_kind(&call, "offer functions only")?;
        call.only(&["id", "type", "function", "index"])?;
        let function = call.required("function")?;
        function.only(&["name", "arguments"])?;
        let id = call.required("id")?;
        let arguments = function.required("arguments")?;
        let parsed = call_arguments(arguments.text()?, usize::MAX)
            .map_err(|why| arguments.fail(Fault::Value(format!("the arguments {why}"))))?;
        let new =
            ToolCall { id: id.id()?.to_owned(), name: function.required("name")?.name()?, arguments: parsed };
        draft.call(&id, new)?;
    }
    Ok(())
}

fn read_part(
    node: &Node<'_, '_>,
    role: Role,
    around: &Label,
    draft: &mut Draft<'_>,
) -> Result<(), ReadError> {
    let kind = node.required("type")?;
    let stated = Provenance::read(node, draft)?;
    let label = draft.label(around, &stated);
    let only = |field| node.only(&["type", field, Provenance::FIELD, "prompt_cache_breakpoint"]);
    match (kind.text()?, role) {
        ("text", _) => {
            only("text")?;
            draft.text(&node.required("text")?, label)
        }
        ("refusal", Role::Assistant) => {
            only("refusal")?;
            draft.text(&node.required("refusal")?, label)
        }
        ("image_url", Role::User | Role::Tool) => {
            only("image_url")?;
            let image = node.required("image_url")?;
            image.only(&["url", "detail"])?;
            image.member("detail").map(|detail| detail.id()).transpose()?;
            let content = content_of(image.required("url")?.text()?);
            draft.attach(node, AttachmentKind::Image, None, content, label);
            Ok(())
        }
        ("input_audio", Role::User) => {
            only("input_audio")?;
            let audio = node.required("input_audio")?;
            audio.only(&["data", "format"])?;
            let media_type = format!("audio/{}", audio.required("format")?.id()?);
            let base64 = audio.required("data")?.text()?.to_owned();
            draft.attach(node, AttachmentKind::Audio, None, Content::Inline { media_type, base64 }, label);
            Ok(())
        }
        ("file", Role::User) => {
            only("file")?;
            let file = node.required("file")?;
            file.only(&["file_data", "file_id", "filename"])?;
            let content = match (file.member("file_data"), file.member("file_id")) {
                (Some(data), None) => content_of(data.text()?),
                (None, Some(id)) => Content::Reference(id.id()?.to_owned()),
                _ => return Err(file.fail(Fault::Missing("file_data\" or \"file_id".to_owned()))),
            };
            let filename = file.member("filename");
            let name = filename.map(|n| n.text()).transpose()?;
            let label = match name.and_then(crate::wire::plain_name) {
                Some(name) if stated.0.is_none() => {
                    draft.label(&label, &Provenance(Some(Origin::File(name))))
                }
                _ => label,
            };
            if let Some(filename) = filename {
                // The model is told it.
                draft.text(&filename, label.clone())?;
            }
            draft.attach(node, AttachmentKind::File, name, content, label);
            Ok(())
        }
        (other, _) => {
            let what =
                format!("a part of type {:?} in this role", other.chars().take(40).collect::<String>());
            Err(kind.unsupported(what, "send text, image_url, input_audio or file parts of a user"))
        }
    }
}

/// A `data:` address holds the bytes; any other is for the model's server to fetch. Bare base64 is what
/// `file_data` has with some clients.
fn content_of(address: &str) -> Content {
    if let Some((media_type, base64)) =
        address.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"))
    {
        return Content::Inline { media_type: media_type.to_owned(), base64: base64.to_owned() };
    }
    if address.contains(':') {
        return Content::Remote(address.to_owned());
    }
    Content::Inline { media_type: "application/octet-stream".to_owned(), base64: address.to_owned() }
}
