//! Builds and deployments whose steps are written in a grammar of their own: what one step fetches, another runs.

use super::tools::at;
use crate::formats::shell;
use crate::scanner::{Content, Scanner};

pub(super) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, name: &str, text: &str) {
    let yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    if name == "cmakelists.txt" || name.ends_with(".cmake") {
        steps(scanner, content, &cmake(text));
    }
    if yaml && text.contains("hosts:") {
        steps(scanner, content, &ansible(text));
        accounts(scanner, content, text);
    }
    if yaml {
        strangers(scanner, content, text);
    }
}

/// Steps as lines of a shell, each where it stands.
fn steps(scanner: &mut Scanner<'_>, content: &Content<'_>, lines: &[String]) {
    let mut place = content.place.clone();
    place.line = Some(1);
    shell::together(scanner, &place, &lines.join("\n"));
}

/// The commands that CMake starts; files that it fetches by itself are followed with its builds.
fn cmake(text: &str) -> Vec<String> {
    const STARTS: [&str; 3] = ["execute_process", "add_custom_command", "add_custom_target"];
    const ENDS: [&str; 10] = [
        "WORKING_DIRECTORY",
        "RESULT_VARIABLE",
        "OUTPUT_VARIABLE",
        "ERROR_VARIABLE",
        "OUTPUT_QUIET",
        "ERROR_QUIET",
        "TIMEOUT",
        "DEPENDS",
        "COMMENT",
        "VERBATIM",
    ];
    let mut out: Vec<String> = Vec::new();
    let mut open = String::new();
    for line in text.lines() {
        let plain = line.split('#').next().unwrap_or_default();
        let lower = plain.trim_start().to_ascii_lowercase();
        if open.is_empty() && !STARTS.iter().any(|start| lower.starts_with(start)) {
            out.push(String::new());
            continue;
        }
        open.push_str(plain);
        open.push(' ');
        let closed = open.matches('(').count() <= open.matches(')').count();
        if !closed && open.len() < LONGEST {
            out.push(String::new());
            continue;
        }
        let commands = open.split("COMMAND").skip(1).map(|part| {
            let words = part.split_whitespace().take_while(|w| !ENDS.contains(w));
            words.map(|w| w.trim_matches(['"', ')'])).collect::<Vec<_>>().join(" ")
        });
        out.push(commands.collect::<Vec<_>>().join("; "));
        open.clear();
    }
    out
}

/// Longest call of CMake's that is read as one.
const LONGEST: usize = 4096;

/// Tasks of Ansible that fetch a file and that run one.
fn ansible(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let (mut from, mut fetches) = (String::new(), false);
    for line in text.lines() {
        let plain = line.trim().trim_start_matches("- ");
        let (key, value) = plain.split_once(':').unwrap_or((plain, ""));
        let value = value.trim().trim_matches(['"', '\'']);
        let mut told = String::new();
        match key.rsplit('.').next().unwrap_or(key).trim() {
            "get_url" => fetches = true,
            "url" if fetches => value.clone_into(&mut from),
            "dest" if fetches && !from.is_empty() => {
                told = format!("curl -o {value} {from}");
                from.clear();
                fetches = false;
            }
            "command" | "shell" | "cmd" | "script" | "raw" => value.clone_into(&mut told),
            "ExecStart" | "job" => value.clone_into(&mut told),
            _ => {}
        }
        out.push(told);
    }
    out
}

/// A key of somebody's that is written into the playbook, for the administrator's own account, and watchers that are
/// switched off.
fn accounts(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    /// Lines of one task.
    const TASK: usize = 8;
    const WATCHERS: [&str; 9] = [
        "auditd",
        "falcon-sensor",
        "osqueryd",
        "wazuh-agent",
        "crowdstrike",
        "falco",
        "mdatp",
        "sentinelone",
        "fail2ban",
    ];
    let lines: Vec<&str> = text.lines().collect();
    for (at_line, line) in lines.iter().enumerate() {
        let task = lines.get(at_line..lines.len().min(at_line + TASK)).unwrap_or_default();
        let within = |word: &str| task.iter().any(|line| line.contains(word));
        let message = if line.contains("authorized_key:")
            && within("ssh-")
            && (within("user: root") || within("user=root"))
        {
            "has somebody's key open the administrator's account"
        } else if (line.contains("service:") || line.contains("systemd:"))
            && within("state: stopped")
            && WATCHERS.iter().any(|watcher| within(watcher))
        {
            "switches off what watches the machine"
        } else {
            continue;
        };
        scanner.report("code/harmful", at(content, at_line as u64), message);
    }
}

/// A workflow with the rights and secrets of its repository that runs what the branch of a stranger holds (GitHub,
/// "Preventing pwn requests").
fn strangers(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    const HEADS: [&str; 4] =
        ["event.pull_request.head.", "github.head_ref", "refs/pull/", "event.workflow_run.head_"];
    const RUNS: [&str; 4] = ["run:", "uses: ./", "script:", "uses: \"./"];
    if !["pull_request_target", "workflow_run"].iter().any(|event| text.contains(event)) {
        return;
    }
    let mut taken: Option<u64> = None;
    for (line, index) in text.lines().zip(0u64..) {
        let plain = line.trim().trim_start_matches("- ");
        if plain.starts_with("ref:") && HEADS.iter().any(|head| plain.contains(head)) {
            taken = Some(index);
        } else if let Some(index) = taken.filter(|_| RUNS.iter().any(|run| plain.starts_with(run))) {
            let message = "a workflow with the repository's secrets runs what a stranger's branch holds";
            return scanner.report("code/harmful", at(content, index), message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    #[test]
    fn workflows_that_run_what_strangers_wrote_are_told() {
        let workflow = |event: &str, reference: &str| {
            format!(
                "on:\n  {event}:\njobs:\n  eval:\n    steps:\n      - uses: actions/checkout@v4\n        with:\n          ref: {reference}\n      - run: pip install -e . && python eval.py\n"
            )
        };
        let outcome = |text: String| {
            scan_bytes(&".github/workflows/eval.yml".parse().unwrap(), text.as_bytes(), &Limits::default())
                .outcome
        };
        let head = "${{ github.event.pull_request.head.sha }}";
        assert!(outcome(workflow("pull_request_target", head)) >= Outcome::Suspicious);
        assert!(
            outcome(workflow("workflow_run", "${{ github.event.workflow_run.head_branch }}"))
                >= Outcome::Suspicious
        );
        // Without the rights of the repository, or without what somebody else wrote.
        assert_eq!(outcome(workflow("pull_request", head)), Outcome::Clean);
        assert_eq!(outcome(workflow("pull_request_target", "main")), Outcome::Clean);
    }
}
