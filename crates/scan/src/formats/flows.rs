//! Flows that are drawn: nodes in JSON, of which one takes what a stranger sends and another runs it (n8n, Node-RED).

use proofhouse_artifact::json::Value;

use crate::scanner::{Content, Scanner};

pub(super) fn judge(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &Value) {
    let nodes = document.member("nodes").unwrap_or(document);
    let nodes: Vec<&Value> =
        nodes.as_array().unwrap_or_default().iter().filter(|node| text(node, "type").is_some()).collect();
    let kind = |node: &Value| text(node, "type").unwrap_or_default().to_owned();
    let open = nodes.iter().any(|node| {
        let kind = kind(node);
        let hook =
            kind.ends_with(".webhook") || kind.ends_with(".formTrigger") || kind.ends_with(".chatTrigger");
        let asked = parameter(node, "authentication").is_some_and(|how| how != "none");
        hook && !asked || kind == "http in" || kind == "websocket in" || kind == "mqtt in"
    });
    for node in nodes {
        let kind = kind(node);
        let command = parameter(node, "command").unwrap_or_default();
        let code = ["jsCode", "functionCode", "pythonCode"]
            .iter()
            .find_map(|key| parameter(node, key))
            .unwrap_or_default();
        let filled = command.starts_with('=') && command.contains("{{");
        let starts =
            ["child_process", "execSync", "subprocess", "os.system"].iter().any(|call| code.contains(call));
        let runs = (kind.ends_with(".executeCommand") || kind.ends_with(".ssh")) && filled || starts;
        let exec = kind == "exec" && text(node, "addpay").is_some_and(|from| !from.is_empty());
        if open && (runs || exec) {
            let message = format!("a node of type {kind:?} runs what anybody sends to the flow");
            return scanner.report("code/harmful", content.place.clone(), message);
        }
    }
}

fn text<'v>(node: &'v Value, name: &str) -> Option<&'v str> {
    node.member(name).and_then(Value::as_text)
}

fn parameter<'v>(node: &'v Value, name: &str) -> Option<&'v str> {
    text(node.member("parameters")?, name)
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    fn outcome(text: &str) -> Outcome {
        scan_bytes(&"flow.json".parse().unwrap(), text.as_bytes(), &Limits::default()).outcome
    }

    #[test]
    fn what_strangers_have_run_is_told() {
        for text in [
            r#"{"nodes": [{"type": "n8n-nodes-base.webhook", "parameters": {"path": "x"}}, {"type": "n8n-nodes-base.executeCommand", "parameters": {"command": "={{ $json.body.c }}"}}]}"#,
            r#"[{"type": "http in", "url": "/x"}, {"type": "exec", "command": "", "addpay": "payload"}]"#,
        ] {
            assert_eq!(outcome(text), Outcome::Suspicious, "{text}");
        }
        for text in [
            r#"{"nodes": [{"type": "n8n-nodes-base.cron", "parameters": {}}, {"type": "n8n-nodes-base.executeCommand", "parameters": {"command": "python train.py"}}]}"#,
            r#"{"nodes": [{"type": "n8n-nodes-base.webhook", "parameters": {"path": "x", "authentication": "headerAuth"}}, {"type": "n8n-nodes-base.set", "parameters": {"value": "={{ $json.a }}"}}]}"#,
            r#"[{"type": "http in", "url": "/x"}, {"type": "function", "func": "return msg;"}]"#,
        ] {
            assert_eq!(outcome(text), Outcome::Clean, "{text}");
        }
    }
}
