//! Which tool is meant, and with which arguments.

use std::collections::BTreeSet;

use proofhouse_dialogue::ToolSpec;
use serde_json::{Map, Value};

use crate::context::{Context, Who};
use crate::extract::{accounts, amounts, dates, emails, ids, labelled, number, object, paths, quoted, urls};
use crate::orders::{is_order, what_in};
use crate::speak;
use crate::words::{Class, Sentence, content_words, fold};

const DOING: [Class; 4] = [Class::Send, Class::Pay, Class::Write, Class::Read];

/// A tool as the stand-in sees it.
pub(crate) struct Known<'t> {
    pub spec: &'t ToolSpec,
    /// What it does: by its name, or where that says nothing, by its description.
    pub classes: BTreeSet<Class>,
    /// The words of its name.
    name: Vec<String>,
    /// The words of its name, its description and its parameters.
    words: BTreeSet<String>,
    pub parameters: Vec<Parameter<'t>>,
}

/// A parameter of a tool.
pub(crate) struct Parameter<'t> {
    pub name: &'t str,
    schema: &'t Value,
    pub required: bool,
    kind: Kind,
}

/// What a parameter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Email,
    Url,
    Account,
    Amount,
    Id,
    Date,
    Path,
    Subject,
    Body,
    Query,
    Flag,
    Other,
}

impl<'t> Known<'t> {
    pub(crate) fn new(spec: &'t ToolSpec) -> Self {
        let spoken = spaced(spec.name.as_str());
        let find = |text: &str| -> Vec<(usize, Class)> {
            let sentence = Sentence::new(text);
            DOING.into_iter().filter_map(|class| Some((sentence.find(class)?, class))).collect()
        };
        let mut found = find(&spoken);
        if found.is_empty() {
            found = find(&spec.description);
            found.sort_by_key(|(at, _)| *at);
            found.truncate(1);
        }
        let required: Vec<&str> = spec
            .parameters
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let properties = spec.parameters.get("properties").and_then(Value::as_object);
        let parameters: Vec<Parameter<'t>> = properties
            .into_iter()
            .flatten()
            .map(|(name, schema)| Parameter {
                name,
                schema,
                required: required.contains(&name.as_str()),
                kind: kind(name, schema),
            })
            .collect();
        let mut words: BTreeSet<String> = content_words(&spoken).into_iter().collect();
        words.extend(content_words(&spec.description));
        words.extend(parameters.iter().flat_map(|p| content_words(&spaced(p.name))));
        Self {
            spec,
            classes: found.into_iter().map(|(_, class)| class).collect(),
            name: content_words(&spoken),
            words,
            parameters,
        }
    }

    /// Words that a text shares with the tool, those of its name counting twice.
    pub(crate) fn overlap(&self, text: &str) -> usize {
        let words: BTreeSet<String> = content_words(text).into_iter().collect();
        words.iter().filter(|w| self.words.contains(*w)).count()
            + words.iter().filter(|w| self.name.contains(w)).count()
    }

    /// Whether it asks for a text to look for.
    pub(crate) fn is_search(&self) -> bool {
        self.classes.contains(&Class::Read)
            && self.parameters.iter().any(|p| p.kind == Kind::Query)
            && self.parameters.iter().filter(|p| p.required).all(|p| p.kind == Kind::Query)
    }
}

/// "send_mail", "sendMail" and "send-mail" as words.
fn spaced(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && out.ends_with(char::is_lowercase) {
            out.push(' ');
        }
        out.push(if matches!(c, '_' | '-' | '.' | ':' | '/') { ' ' } else { c });
    }
    out
}

fn kind(name: &str, schema: &Value) -> Kind {
    let name = fold(&spaced(name));
    let words: Vec<&str> = name.split(' ').collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let about = schema.get("description").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let text = schema.get("type").and_then(Value::as_str);
    if text == Some("boolean") {
        return Kind::Flag;
    }
    if format == "email"
        || has(&["email", "mail", "recipient", "recipients", "to", "cc", "bcc"])
        || about.contains("e-mail") && !has(&["body", "subject", "text", "content"])
    {
        return Kind::Email;
    }
    if format == "uri" || has(&["url", "uri", "link", "href", "endpoint", "site", "webhook", "page"]) {
        return Kind::Url;
    }
    if has(&["iban", "payee", "beneficiary"]) || about.contains("iban") {
        return Kind::Account;
    }
    if has(&["amount", "sum", "price", "total", "value", "cents", "eur", "euros", "usd"]) {
        return Kind::Amount;
    }
    if format.starts_with("date") || has(&["date", "day", "when", "time"]) {
        return Kind::Date;
    }
    if has(&["path", "file", "filename"]) {
        return Kind::Path;
    }
    if has(&["subject", "title"]) {
        return Kind::Subject;
    }
    if has(&[
        "body",
        "text",
        "message",
        "content",
        "note",
        "comment",
        "reason",
        "data",
        "payload",
        "summary",
        "description",
    ]) {
        return Kind::Body;
    }
    if has(&["query", "q", "question", "search", "term", "terms", "keywords", "topic"]) {
        return Kind::Query;
    }
    if has(&[
        "id",
        "number",
        "order",
        "ticket",
        "invoice",
        "customer",
        "account",
        "reference",
        "code",
        "no",
        "user",
    ]) || matches!(text, Some("integer" | "number"))
    {
        return Kind::Id;
    }
    Kind::Other
}

/// The tools that a sentence asks for, and whether by name.
pub(crate) fn asked_for(
    sentence: &Sentence,
    window: &str,
    who: Who,
    tools: &[Known<'_>],
) -> Vec<(usize, bool)> {
    let mut out: Vec<(usize, bool)> = Vec::new();
    for (index, tool) in tools.iter().enumerate() {
        let name = fold(tool.spec.name.as_str());
        let place = sentence.folded.find(&name).or_else(|| {
            let spoken = fold(&spaced(tool.spec.name.as_str()));
            let compound = spoken.contains(' ') && sentence.folded.contains(&format!("{spoken} tool"));
            if compound { sentence.folded.find(&spoken) } else { None }
        });
        // A plain word as a name ("search") is no mention.
        let distinct =
            name.contains(['_', '-', '.']) || tool.spec.name.as_str().chars().any(char::is_uppercase);
        if let Some(at) = place.filter(|_| {
            distinct || sentence.has(Class::Call) || sentence.folded.contains(&format!("{name}("))
        }) && !sentence.is_negated(at)
            && (who != Who::Description || sentence.has(Class::Lead))
        {
            out.push((index, true));
        }
    }
    if !out.is_empty() {
        return out;
    }
    for class in DOING {
        let ordered = sentence.all(class).any(|at| is_order(sentence, at, who));
        if !ordered {
            continue;
        }
        let able: Vec<(usize, &Known<'_>)> =
            tools.iter().enumerate().filter(|(_, tool)| tool.classes.contains(&class)).collect();
        let best = able
            .iter()
            .map(|(index, tool)| (tool.overlap(&sentence.raw), *index))
            .max_by_key(|(n, index)| (*n, usize::MAX - index));
        let Some((overlap, index)) = best else { continue };
        let Some(tool) = tools.get(index) else { continue };
        let alone = able.len() == 1;
        let aimed = match class {
            // To whom: else it is only talk about mails.
            Class::Send => {
                tool.parameters.iter().filter(|p| p.required || tool.parameters.len() < 4).all(|p| {
                    match p.kind {
                        Kind::Email => !emails(window).is_empty() || to_self(sentence),
                        Kind::Url => !urls(window).is_empty(),
                        _ => true,
                    }
                })
            }
            Class::Pay => {
                !amounts(window).is_empty() || !ids(window).is_empty() || !accounts(window).is_empty()
            }
            _ => true,
        };
        if aimed
            && (overlap > 0 || (alone && (class != Class::Read || !urls(window).is_empty())))
            && !out.iter().any(|(i, _)| *i == index)
        {
            out.push((index, false));
        }
    }
    out
}

fn to_self(sentence: &Sentence) -> bool {
    sentence
        .tokens
        .iter()
        .any(|token| ["me", "my", "mir", "mich", "moi", "mi", "me.", "мне"].contains(&token.text.as_str()))
}

/// The arguments of a call that a text asks for. `None` where one is missing that nobody could guess,
/// unless it is to be called in any case.
pub(crate) fn arguments(
    tool: &Known<'_>,
    window: &str,
    context: &Context<'_>,
    in_any_case: bool,
) -> Option<Map<String, Value>> {
    let given = object(window).unwrap_or_default();
    // A call as models write it: {"name": ..., "arguments": {...}}.
    let given = ["arguments", "args", "parameters", "input"]
        .iter()
        .find_map(|key| given.get(*key).and_then(Value::as_object).cloned())
        .unwrap_or(given);
    if tool.parameters.is_empty() {
        return Some(given);
    }
    let mut out = Map::new();
    for parameter in &tool.parameters {
        let value = given.get(parameter.name).cloned().or_else(|| {
            let text = from_text(parameter, tool, window, context)?;
            typed(parameter.schema, &text)
        });
        match value {
            Some(value) => {
                out.insert(parameter.name.to_owned(), value);
            }
            None if parameter.required && in_any_case => {
                out.insert(parameter.name.to_owned(), placeholder(parameter.schema));
            }
            None if parameter.required => return None,
            None => {}
        }
    }
    Some(out)
}

fn from_text(
    parameter: &Parameter<'_>,
    tool: &Known<'_>,
    window: &str,
    context: &Context<'_>,
) -> Option<String> {
    if let Some(values) = parameter.schema.get("enum").and_then(Value::as_array) {
        let folded = fold(window);
        let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        let named = texts.iter().find(|text| folded.contains(&fold(text))).copied();
        return named.or_else(|| texts.first().copied().filter(|_| parameter.required)).map(str::to_owned);
    }
    let first = |found: Vec<String>| found.into_iter().next();
    let explicit = labelled(window, parameter.name);
    match parameter.kind {
        Kind::Email => {
            let near = explicit.as_deref().and_then(|text| first(emails(text)));
            near.or_else(|| first(emails(window))).or_else(|| {
                let own = to_self(&Sentence::new(window)) || parameter.required;
                if own { context.known(parameter.name).or_else(|| context.own_email()) } else { None }
            })
        }
        Kind::Url => {
            let url = first(urls(window))?;
            Some(speak::filled(&url, what_in(window), window, context))
        }
        Kind::Account => explicit
            .filter(|text| text.chars().any(|c| c.is_ascii_digit()))
            .or_else(|| first(accounts(window)))
            .or_else(|| first(quoted(window)))
            .or_else(|| context.known(parameter.name)),
        Kind::Amount => explicit
            .and_then(|text| first(amounts(&text)))
            .or_else(|| {
                first(amounts(window)).filter(|found| !ids(window).iter().take(1).any(|id| id == found))
            })
            .or_else(|| context.known(parameter.name).and_then(|text| first(amounts(&text)))),
        Kind::Date => first(dates(window)).or(explicit),
        Kind::Path => first(paths(window)).or_else(|| first(quoted(window))).or(explicit),
        Kind::Id => {
            let text = explicit.filter(|text| text.chars().any(|c| c.is_ascii_digit()));
            text.and_then(|text| first(ids(&text)).or(Some(text)))
                .or_else(|| first(ids(window)))
                .or_else(|| first(quoted(window)).filter(|q| !q.contains(' ')))
                .or_else(|| context.known(parameter.name))
                .or_else(|| first(ids(&context.question())))
        }
        Kind::Subject => explicit.or_else(|| {
            let quotes = quoted(window);
            let several = tool.parameters.iter().any(|p| p.kind == Kind::Body) && quotes.len() < 2;
            if several { Some("Your request".to_owned()) } else { first(quotes) }
        }),
        Kind::Body => {
            let data =
                what_in(window).map(|what| context.gather(what, window)).filter(|data| !data.is_empty());
            let quote = quoted(window).pop();
            match (explicit.or(quote), data) {
                (Some(text), Some(data)) if !text.contains(&data) && what_in(&text).is_some() => {
                    Some(format!("{text}\n{data}"))
                }
                (Some(text), None) => Some(text),
                (Some(text), Some(data)) => Some(format!("{text}\n{data}")),
                (None, Some(data)) => Some(data),
                (None, None) => {
                    let answers: Vec<&str> = context.tool_answers().map(super::context::Said::text).collect();
                    Some(if answers.is_empty() { window.to_owned() } else { answers.join("\n") })
                }
            }
        }
        Kind::Query => explicit.or_else(|| first(quoted(window))).or_else(|| Some(window.trim().to_owned())),
        Kind::Flag => Some("true".to_owned()),
        Kind::Other => explicit
            .or_else(|| first(quoted(window)))
            .or_else(|| context.known(parameter.name))
            .or_else(|| first(ids(window))),
    }
}

/// A text as what the schema asks for.
fn typed(schema: &Value, text: &str) -> Option<Value> {
    match schema.get("type").and_then(Value::as_str) {
        Some("integer") => {
            let digits: String =
                text.chars().filter(|c| c.is_ascii_digit() || *c == '.' || *c == ',').collect();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a float becomes the nearest integer there is"
            )]
            number(&digits).map(|n| Value::from(n.round() as i64))
        }
        Some("number") => {
            let digits: String =
                text.chars().filter(|c| c.is_ascii_digit() || *c == '.' || *c == ',').collect();
            number(&digits).map(Value::from)
        }
        Some("boolean") => Some(Value::Bool(text == "true")),
        Some("array") => Some(Value::Array(vec![Value::from(text)])),
        Some("object") => serde_json::from_str(text).ok(),
        _ => Some(Value::from(text)),
    }
}

fn placeholder(schema: &Value) -> Value {
    if let Some(default) = schema.get("default") {
        return default.clone();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("integer" | "number") => Value::from(1),
        Some("boolean") => Value::Bool(true),
        Some("array") => Value::Array(Vec::new()),
        Some("object") => Value::Object(Map::new()),
        _ => Value::from(""),
    }
}

/// What makes two calls the same errand: tool and arguments, but not the words of a message.
pub(crate) fn errand(tool: &Known<'_>, arguments: &Map<String, Value>) -> String {
    let wordy = |name: &str| {
        tool.parameters
            .iter()
            .any(|p| p.name == name && matches!(p.kind, Kind::Body | Kind::Subject | Kind::Query))
    };
    let plain: Map<String, Value> =
        arguments.iter().filter(|(name, _)| !wordy(name)).map(|(k, v)| (k.clone(), v.clone())).collect();
    format!("{} {}", tool.spec.name, Value::Object(plain))
}
