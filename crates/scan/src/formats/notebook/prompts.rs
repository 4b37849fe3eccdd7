//! What IPython takes from a cell before it reads it: blank lines, the margin, and prompts that were copied along with the
//! code (`IPython/core/inputtransformer2.py`: `leading_empty_lines`, `leading_indent`, `classic_prompt`, `ipython_prompt`).

use std::borrow::Cow;

/// The cell as IPython reads it.
pub(super) fn without(cell: &str) -> Cow<'_, str> {
    if !cell.contains(">>>") && !cell.contains("In [") && !cell.contains("...") {
        return Cow::Borrowed(cell);
    }
    let text = super::cell::from_the_margin(cell.trim_start_matches(['\n', '\r']));
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().skip_while(|line| line.trim().is_empty()).collect();
    let second = lines.get(1).copied().unwrap_or_default();
    let prompts: [(bool, Strip); 2] = [
        (first.starts_with(">>>") && classic(first).is_some() || classic(second).is_some(), classic),
        (numbered(first).is_some() || numbered(second).is_some(), numbered),
    ];
    let Some((_, strip)) = prompts.iter().find(|(has, _)| *has) else { return Cow::Borrowed(cell) };
    lines.iter().flat_map(|line| [strip(line).unwrap_or(line), "\n"]).collect::<String>().into()
}

/// What is left of a line without its prompt, if it has one.
type Strip = fn(&str) -> Option<&str>;

fn classic(line: &str) -> Option<&str> {
    let rest = line.strip_prefix(">>>").or_else(|| line.strip_prefix("..."))?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(' ') }
}

fn numbered(line: &str) -> Option<&str> {
    let inner = line.trim_start();
    let dots = inner.trim_start_matches('.');
    if inner.len() - dots.len() >= 3 {
        let rest = dots.strip_prefix(':')?;
        return Some(rest.strip_prefix(' ').unwrap_or(rest));
    }
    let mode = line.strip_prefix("[nav]").or_else(|| line.strip_prefix("[ins]")).unwrap_or(line);
    let rest = mode.strip_prefix(' ').unwrap_or(line).strip_prefix("In [")?;
    let behind = rest.trim_start_matches(|c: char| c.is_numeric());
    behind.strip_prefix("]: ").filter(|_| behind.len() < rest.len())
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn prompts_are_taken_away_where_ipython_takes_them() {
        for (cell, read) in [
            (">>> a = 1\n>>> !ls\n1\n", "a = 1\n!ls\n1\n"),
            ("\n  >>> for a in b:\n  ...     c(a)\n", "for a in b:\n    c(a)\n"),
            ("x = 1\n... y\n", "x = 1\ny\n"),
            ("In [1]: %%bash\n   ...: ls\n", "%%bash\nls\n"),
            ("[ins] In [12]: a\n", "a\n"),
            ("x\n   ....: y\n", "x\ny\n"),
            ("... a\n", "... a\n"),
            (">>>a\n", ">>>a\n"),
            ("x = ...\n>> y\n", "x = ...\n>> y\n"),
            ("In [a]: b\n", "In [a]: b\n"),
        ] {
            assert_eq!(without(cell), read, "{cell:?}");
        }
    }
}
