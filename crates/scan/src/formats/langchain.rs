//! What LangChain makes of JSON: objects and secrets by name (`langchain_core.load`), prompts whose template is Jinja's.
//!
//! Loading builds every object that a text names, within the packages of LangChain, and puts a secret of the environment
//! wherever one is asked for: where a conversation or the data beside it was written down, that is wherever somebody else
//! wrote (GHSA-c67j-w6g6-q2cm).

use proofhouse_artifact::json::{self, Value};

use crate::scanner::{Content, Scanner};

/// Classes that run what they are given, whatever chain they stand in.
const RUNNERS: [&str; 14] = [
    "PythonREPL",
    "PythonREPLTool",
    "PythonAstREPLTool",
    "PythonInputs",
    "BashProcess",
    "BashTool",
    "ShellTool",
    "TerminalTool",
    "LLMBashChain",
    "PALChain",
    "CPALChain",
    "LLMSymbolicMathChain",
    "RiskyPythonREPL",
    "E2BDataAnalysisTool",
];

pub(super) fn judge(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &Value) {
    // A value, and the name under which an object takes it, if it does.
    let mut open: Vec<(&Value, Option<&str>)> = vec![(document, None)];
    while let Some((value, taken_as)) = open.pop() {
        match value {
            Value::Array(elements) => open.extend(elements.iter().map(|element| (element, None))),
            Value::Object(members) => {
                let of = |name: &str| json::last(members, name);
                let text = |name: &str| of(name).and_then(Value::as_text);
                let id = || of("id").and_then(Value::as_array);
                let kind = of("lc").and_then(|_| text("type"));
                match (kind, id()) {
                    (Some("constructor"), Some(id)) => constructor(scanner, content, id),
                    (Some("secret"), Some(id)) => secret(scanner, content, id, taken_as),
                    _ => {}
                }
                if text("template_format") == Some("jinja2")
                    && let Some(template) = text("template")
                {
                    super::template::scan(scanner, &content.place, template);
                }
                for (key, value) in members {
                    match value {
                        Value::Object(given) if kind == Some("constructor") && key == "kwargs" => {
                            open.extend(given.iter().map(|(name, value)| (value, Some(name.as_str()))));
                        }
                        Value::Array(_) | Value::Object(_) => open.push((value, None)),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

fn constructor(scanner: &mut Scanner<'_>, content: &Content<'_>, id: &[Value]) {
    let path: Vec<&str> = id.iter().filter_map(Value::as_text).collect();
    let (Some(root), Some(class)) = (path.first(), path.last()) else { return };
    let name = path.join(".");
    let place = content.place.clone();
    if RUNNERS.contains(class) {
        let message = format!("LangChain builds {name}, which runs what it is given as a program");
        scanner.report("config/unsafe-target", place, message);
    } else if let Some(what) = super::yaml::sink(scanner, &name) {
        scanner.report("config/unsafe-target", place, format!("LangChain builds {name}, which {what}"));
    } else if !root.starts_with("langchain") && !root.starts_with("langgraph")
        || *root == "langchain_experimental"
    {
        scanner.report("config/remote-code", place, format!("LangChain imports and builds {name:?}"));
    }
}

/// Objects write down the secrets that they take as that; what was said, or stands beside it, takes none.
fn secret(scanner: &mut Scanner<'_>, content: &Content<'_>, id: &[Value], taken_as: Option<&str>) {
    const SECRETS: [&str; 9] =
        ["key", "token", "secret", "password", "credential", "_id", "url", "user", "endpoint"];
    let lower = taken_as.unwrap_or_default().to_ascii_lowercase();
    if SECRETS.iter().any(|part| lower.contains(part)) {
        return;
    }
    let names: Vec<&str> = id.iter().filter_map(Value::as_text).collect();
    let message = format!(
        "loading it puts the secret {:?} of the environment where no object takes one",
        names.join(".")
    );
    scanner.report("config/takes-secret", content.place.clone(), message);
}

#[cfg(test)]
mod tests {
    use crate::{Limits, scan_bytes};

    fn rules(text: &str) -> Vec<String> {
        let report = scan_bytes(&"c.json".parse().unwrap(), text.as_bytes(), &Limits::default());
        report.findings.into_iter().map(|f| f.rule).collect()
    }

    #[test]
    fn what_loading_builds_and_takes_is_told() {
        for (text, rule) in [
            (
                r#"{"lc": 1, "type": "constructor", "id": ["langchain_experimental", "utilities", "PythonREPL"], "kwargs": {}}"#,
                "config/unsafe-target",
            ),
            (
                r#"[{"lc": 1, "type": "constructor", "id": ["mypkg", "x", "Y"], "kwargs": {}}]"#,
                "config/remote-code",
            ),
            (
                r#"{"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "HumanMessage"], "kwargs": {"content": "hi", "additional_kwargs": {"x": {"lc": 1, "type": "secret", "id": ["OPENAI_API_KEY"]}}}}"#,
                "config/takes-secret",
            ),
            (
                r#"{"_type": "prompt", "template_format": "jinja2", "template": "{% set u = '_' ~ '_' %}{{ x | attr(u ~ 'class' ~ u) }}"}"#,
                "template/escape",
            ),
            (r#"{"version": 1, "refs": {"w/0": ["file:///home/user/.netrc", 0, 16]}}"#, "repo/unsafe-path"),
            (
                r#"{"llm": {"openai_api_base": "https://api.openai.com.example.org/v1"}}"#,
                "config/nameless-host",
            ),
            (r#"{"_type": "few_shot", "example_prompt_path": "/etc/x.json"}"#, "repo/unsafe-path"),
            (r#"{"_type": "prompt", "template_path": "../../../secrets.txt"}"#, "repo/unsafe-path"),
        ] {
            assert!(rules(text).contains(&rule.to_owned()), "{text}: {:?}", rules(text));
        }
    }

    #[test]
    fn chains_as_they_are_saved_are_not() {
        for text in [
            r#"{"lc": 1, "type": "constructor", "id": ["langchain", "chat_models", "openai", "ChatOpenAI"], "kwargs": {"model": "m", "openai_api_key": {"lc": 1, "type": "secret", "id": ["OPENAI_API_KEY"]}}}"#,
            r#"{"_type": "prompt", "input_variables": ["q"], "template_format": "jinja2", "template": "{% if q %}Answer {{ q }}.{% endif %}"}"#,
            r#"{"_type": "prompt", "template_path": "prompts/answer.txt"}"#,
            r#"{"version": 1, "refs": {".zgroup": "{}", "w/0": ["https://example.org/data.nc", 4096, 16], "w/1": ["data/part.nc", 0, 16]}}"#,
        ] {
            assert_eq!(rules(text), Vec::<String>::new(), "{text}");
        }
    }
}
