//! Editors and assistants for programming: what they start when somebody opens the folder, and what they are told to start
//! in place of their own programs. Their files are known by their keys, so that one that is handed over by itself is read
//! as well as one in its folder.

use proofhouse_artifact::json::Value;

use super::tools::{at, commands, document};
use super::trusts;
use crate::formats::shell;
use crate::scanner::{Content, Scanner};

/// Values of a document that are looked at.
const MOST: usize = 100_000;

pub(super) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, name: &str, text: &str) {
    match name {
        "tasks.json" => tasks(scanner, content, text),
        "settings.json" | "launch.json" | "settings.local.json" | "hooks.json" => {
            settings(scanner, content, document(text).as_ref());
        }
        _ if name.ends_with(".code-workspace") => {
            tasks(scanner, content, text);
            settings(scanner, content, document(text).as_ref());
        }
        ".mcp.json" | "mcp.json" | "mcp_config.json" | "claude_desktop_config.json" => {
            servers(scanner, content, document(text).as_ref());
        }
        "workspace.xml" | "watchertasks.xml" | "external tools.xml" => runs(scanner, content, text),
        _ if name.ends_with(".run.xml") || text.contains("ProjectStartup") && name.ends_with(".xml") => {
            runs(scanner, content, text);
        }
        "config.toml" => asks_nobody(scanner, content, text),
        _ => {}
    }
}

/// Tasks that are run because a folder is opened.
fn tasks(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    if text.contains("\"folderOpen\"") && text.contains("runOn") {
        let message = "an editor runs a task of this file when the folder is opened";
        scanner.report("repo/tool-command", content.place.clone(), message);
    }
}

/// Keys of settings, with programs that are started in place of an editor's own, and variables for all of them.
fn settings(scanner: &mut Scanner<'_>, content: &Content<'_>, document: Option<&Value>) {
    let mut open: Vec<(String, &Value)> = document.map(|d| (String::new(), d)).into_iter().collect();
    let mut left = MOST;
    while let Some((key, value)) = open.pop() {
        left = left.saturating_sub(1);
        if left == 0 {
            return;
        }
        match value {
            Value::Object(members) => {
                let variables = key == "env" || key.contains(".env.");
                for (inner, value) in members {
                    match value.as_text() {
                        Some(text) if variables => {
                            trusts::environment(scanner, &content.place, inner, text);
                        }
                        // Folders of a workspace have a path as well.
                        Some(text) if key != "folders" => setting(scanner, content, inner, text),
                        Some(_) => {}
                        None => open.push((inner.clone(), value)),
                    }
                    if inner == "chat.tools.autoApprove" && *value == Value::Bool(true) {
                        let message = "an assistant is told to ask nobody before it runs something";
                        scanner.report("repo/tool-command", content.place.clone(), message);
                    }
                }
            }
            Value::Array(elements) => {
                let words = commands(value).join(" ");
                if key.ends_with("Command") && shell::is_harmful(&words) {
                    let message = format!("{key:?} has an editor run {words:?}");
                    scanner.report("code/runs-fetched", content.place.clone(), message);
                }
                open.extend(elements.iter().map(|element| (key.clone(), element)));
            }
            _ => {}
        }
    }
}

fn setting(scanner: &mut Scanner<'_>, content: &Content<'_>, key: &str, text: &str) {
    const PROGRAMS: [&str; 9] = [
        "python.defaultInterpreterPath",
        "python.pythonPath",
        "git.path",
        "path",
        "executablePath",
        "serverPath",
        "program",
        "apiKeyHelper",
        "pythonPath",
    ];
    // Paths of sources and of data are settings as well; a program has none of their endings.
    let data = [".py", ".json", ".js", ".ts", ".toml", ".yaml", ".md", ".txt", ".ipynb"]
        .iter()
        .any(|end| text.ends_with(end));
    let named = PROGRAMS.contains(&key)
        || key.ends_with(".executablePath")
        || key.ends_with(".serverPath")
        || key.ends_with("Interpreter");
    let debugged = key == "program"
        && (text.contains("/build")
            || text.contains("/target")
            || text.contains("/bin/")
            || text.contains("/out"));
    if named && !data && !debugged && trusts::own(text) && !text.ends_with('/') {
        let message = format!("an editor starts a program of this folder: {key} is {text:?}");
        scanner.report("repo/tool-command", content.place.clone(), message);
    }
    let free = key == "defaultMode" && text == "bypassPermissions";
    if free {
        let message = "an assistant is told to ask nobody before it runs something";
        scanner.report("repo/tool-command", content.place.clone(), message);
    }
}

/// Codex: no approval, and no sandbox.
fn asks_nobody(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    let says = |key: &str, value: &str| {
        text.lines().any(|line| {
            line.split_once('=').is_some_and(|(k, v)| k.trim() == key && v.trim().trim_matches('"') == value)
        })
    };
    if says("approval_policy", "never") && says("sandbox_mode", "danger-full-access") {
        let message = "an assistant is told to ask nobody before it runs something";
        scanner.report("repo/tool-command", content.place.clone(), message);
    }
}

/// Servers that an assistant starts when somebody opens the folder.
fn servers(scanner: &mut Scanner<'_>, content: &Content<'_>, document: Option<&Value>) {
    let servers = document.and_then(|d| d.member("mcpServers").or_else(|| d.member("servers")));
    for (name, server) in servers.and_then(Value::as_object).unwrap_or_default() {
        for (variable, value) in server.member("env").and_then(Value::as_object).unwrap_or_default() {
            trusts::environment(scanner, &content.place, variable, value.as_text().unwrap_or_default());
        }
        if let Some(url) = server.member("url").and_then(Value::as_text)
            && let Some(why) = crate::address::host(url).and_then(crate::address::nameless)
        {
            let message = format!("the server {name:?} is at {url:?}, {why}");
            scanner.report("config/nameless-host", content.place.clone(), message);
        }
        let Some(command) = server.member("command").and_then(Value::as_text) else { continue };
        let arguments: Vec<&str> = server
            .member("args")
            .and_then(Value::as_array)
            .map(|args| args.iter().filter_map(Value::as_text).collect())
            .unwrap_or_default();
        let words = server.member("args").map(commands).unwrap_or_default().join(" ");
        let whole = format!("{command} {words}");
        let rule = if shell::is_harmful(&whole) || imports(&arguments) {
            "code/runs-fetched"
        } else if package(command, &arguments).is_some_and(shell::foreign) {
            "repo/requirement"
        } else if command.contains('/') || ["sh", "bash", "zsh", "cmd", "powershell"].contains(&command) {
            "repo/tool-command"
        } else {
            // A package's own server, by the program that runs packages.
            "code/command"
        };
        let message = format!("an assistant starts {whole:?} for the server {name:?}");
        scanner.report(rule, content.place.clone(), message);
    }
}

/// Whether a program is told to import code from an address.
fn imports(arguments: &[&str]) -> bool {
    let pairs = arguments.windows(2).any(|pair| {
        matches!(pair, ["--import" | "--require" | "-r" | "--loader" | "--preload", from] if from.contains("://") || from.starts_with("data:"))
    });
    pairs || arguments.iter().any(|a| a.starts_with("--import=data:") || a.starts_with("--import=http"))
}

/// The package that a runner of packages is to take.
fn package<'a>(command: &str, arguments: &[&'a str]) -> Option<&'a str> {
    let runner = command.rsplit('/').next().unwrap_or(command);
    if !["npx", "uvx", "bunx", "pnpx", "pipx", "deno", "uv", "pnpm", "yarn"].contains(&runner) {
        return None;
    }
    let from = arguments
        .windows(2)
        .find(|pair| matches!(pair, ["--from" | "--package" | "-p" | "--spec" | "--with", _]));
    let first =
        arguments.iter().find(|a| !a.starts_with('-') && !["run", "dlx", "tool", "exec", "x"].contains(a));
    from.map(|pair| pair[1]).or(first.copied())
}

/// Configurations that an editor of JetBrains runs, when the project is opened or when somebody says so.
fn runs(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    let opened = text.find("ProjectStartup").and_then(|at| text.get(at..)).is_some_and(|rest| {
        rest.split("</component>").next().is_some_and(|inner| inner.contains("<configuration "))
    });
    if opened {
        let message = "an editor runs a configuration when the project is opened";
        scanner.report("repo/tool-command", content.place.clone(), message);
    }
    for (line, index) in text.lines().zip(0u64..) {
        for value in line.split("value=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let plain = value
                .replace("&quot;", "\"")
                .replace("&apos;", "'")
                .replace("&gt;", ">")
                .replace("&lt;", "<")
                .replace("&#10;", "\n")
                .replace("&amp;", "&");
            if shell::is_harmful(&plain) {
                let shown: String = plain.chars().take(80).collect();
                scanner.report("code/runs-fetched", at(content, index), format!("an editor runs {shown:?}"));
            }
        }
    }
}
