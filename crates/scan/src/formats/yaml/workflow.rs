//! Expressions of GitHub's workflows: which of them put into a command what a stranger writes.
//!
//! An expression is read as its own evaluator reads it (GitHub, "Evaluate expressions in workflows and actions"): names in
//! any case, parts by dots or in brackets, texts in single quotes, values handed on by functions and by `||`. A part that is
//! computed may be any part, so that nobody has shown what such an expression is.

use std::collections::HashSet;

/// Longest expression, and expressions in each other, that GitHub takes itself.
const LONGEST: usize = 21_000;
const DEPTH: u32 = 50;
/// Values that one expression may hand on.
const MOST: usize = 1_000;

/// What the expressions of a text put into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Puts {
    /// What the repository or GitHub itself says.
    Known,
    /// Nobody can say.
    Unresolved,
    /// What whoever opens an issue, or asks for a merge, chooses.
    Chosen,
}

/// What the expressions in `text` put there; `carried` are names of variables and outputs that hold what strangers write.
pub(super) fn puts(text: &str, carried: &HashSet<String>) -> Puts {
    let mut worst = Puts::Known;
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("${{") {
        let end = end(behind);
        let expression = behind.get(..end).unwrap_or(behind);
        worst = worst.max(expression_puts(expression, carried));
        rest = behind.get(end..).unwrap_or_default();
    }
    worst
}

/// Where an expression ends: two braces that stand in no text.
fn end(text: &str) -> usize {
    let mut quoted = false;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            b'}' if !quoted && bytes.get(at + 1) == Some(&b'}') => return at,
            _ => {}
        }
    }
    bytes.len()
}

fn expression_puts(expression: &str, carried: &HashSet<String>) -> Puts {
    let lower = expression.to_ascii_lowercase();
    if !["github", "env", "outputs"].iter().any(|name| lower.contains(name)) {
        return Puts::Known;
    }
    let mut reader = Reader { rest: &lower };
    let read = (lower.len() <= LONGEST).then(|| reader.logical(0)).flatten();
    match read.filter(|_| reader.rest.trim_start().is_empty()) {
        Some(values) => values.iter().map(|value| value.puts(carried)).max().unwrap_or(Puts::Known),
        // What is no expression of theirs, such as another tool's, is not read by GitHub.
        None if lower.contains("github") => Puts::Unresolved,
        None => Puts::Known,
    }
}

/// A value that an expression hands on.
struct Reached {
    /// Names from the context on; none where a part is computed, or any.
    path: Vec<Option<String>>,
    /// Whether it is written out with all that is in it.
    whole: bool,
}

impl Reached {
    fn puts(&self, carried: &HashSet<String>) -> Puts {
        let names: Vec<&str> = self.path.iter().map(|part| part.as_deref().unwrap_or("*")).collect();
        match names.as_slice() {
            ["github", inner @ ..] => self.of_github(inner),
            ["env", .., name] | ["needs" | "steps" | "jobs", .., "outputs", name]
                if carried.contains(*name) || *name == "*" && !carried.is_empty() =>
            {
                Puts::Chosen
            }
            _ => Puts::Known,
        }
    }

    fn of_github(&self, names: &[&str]) -> Puts {
        /// What strangers choose, by the last names of a path.
        const CHOSEN: [&[&str]; 14] = [
            &["title"],
            &["body"],
            &["head_ref"],
            &["head", "ref"],
            &["head", "label"],
            &["message"],
            &["author", "name"],
            &["author", "email"],
            &["committer", "name"],
            &["committer", "email"],
            &["page_name"],
            &["display_title"],
            &["head_branch"],
            &["head", "repo", "default_branch"],
        ];
        /// Objects with such texts in them.
        const WITH: [&[&str]; 14] = [
            &[],
            &["event"],
            &["event", "issue"],
            &["event", "pull_request"],
            &["event", "pull_request", "head"],
            &["event", "pull_request", "head", "repo"],
            &["event", "comment"],
            &["event", "review"],
            &["event", "discussion"],
            &["event", "head_commit"],
            &["event", "head_commit", "author"],
            &["event", "commits"],
            &["event", "pages"],
            &["event", "workflow_run"],
        ];
        // What somebody with rights in the repository has set.
        let own = ["inputs", "labels", "assignees", "requested_reviewers", "client_payload"];
        if names.iter().any(|name| own.contains(name)) {
            return Puts::Known;
        }
        let ends = |tail: &[&str]| {
            names.len() >= tail.len()
                && names.iter().rev().zip(tail.iter().rev()).all(|(name, end)| name == end || *name == "*")
        };
        // Where a part may be any, only those that follow say what it leads to.
        let computed = names.last() == Some(&"*");
        if !computed && CHOSEN.iter().any(|tail| ends(tail)) {
            return Puts::Chosen;
        }
        let alike = |object: &[&str]| {
            object.len() == names.len()
                && object.iter().zip(names).all(|(known, name)| known == name || *name == "*")
        };
        if self.whole && !computed && WITH.iter().any(|object| alike(object)) {
            return Puts::Chosen;
        }
        if computed { Puts::Unresolved } else { Puts::Known }
    }
}

/// Reads an expression in small letters.
struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn take(&mut self, sign: &str) -> bool {
        self.rest = self.rest.trim_start();
        let found = self.rest.strip_prefix(sign);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    /// Operands between `||` and `&&`, of which any may be the value.
    fn logical(&mut self, depth: u32) -> Option<Vec<Reached>> {
        let mut values = self.compared(depth)?;
        while self.take("||") || self.take("&&") {
            values.extend(self.compared(depth)?);
        }
        (depth <= DEPTH && values.len() <= MOST).then_some(values)
    }

    /// What is compared becomes true or false.
    fn compared(&mut self, depth: u32) -> Option<Vec<Reached>> {
        let mut values = self.operand(depth)?;
        while ["==", "!=", "<=", ">=", "<", ">"].iter().any(|sign| self.take(sign)) {
            self.operand(depth)?;
            values.clear();
        }
        Some(values)
    }

    fn operand(&mut self, depth: u32) -> Option<Vec<Reached>> {
        let mut denied = false;
        while self.take("!") {
            denied = true;
        }
        let mut values = self.primary(depth)?;
        loop {
            if self.take(".") {
                let name = if self.take("*") { None } else { Some(self.word()?) };
                extend(&mut values, name.as_deref());
            } else if self.take("[") {
                self.index(&mut values, depth)?;
            } else {
                break;
            }
        }
        if denied {
            values.clear();
        }
        Some(values)
    }

    /// A part in brackets: by its name, by its number, all of them, or computed.
    fn index(&mut self, values: &mut [Reached], depth: u32) -> Option<()> {
        let before = self.rest;
        let number = self.word().is_some_and(|word| word.bytes().all(|b| b.is_ascii_digit()));
        if number && self.take("]") {
            return Some(());
        }
        self.rest = before;
        if let Some(name) = self.text()
            && self.take("]")
        {
            extend(values, Some(&name));
            return Some(());
        }
        self.rest = before;
        if !self.take("*") {
            self.logical(depth + 1)?;
        }
        extend(values, None);
        self.take("]").then_some(())
    }

    fn primary(&mut self, depth: u32) -> Option<Vec<Reached>> {
        if depth > DEPTH {
            return None;
        }
        if self.take("(") {
            let values = self.logical(depth + 1)?;
            return self.take(")").then_some(values);
        }
        self.rest = self.rest.trim_start();
        if self.rest.starts_with('\'') {
            self.text()?;
            return Some(Vec::new());
        }
        if self.rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
            let number = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
            self.rest = self.rest.trim_start_matches(number);
            return Some(Vec::new());
        }
        let word = self.word()?;
        if !self.take("(") {
            return Some(vec![Reached { path: vec![Some(word)], whole: false }]);
        }
        let mut values = Vec::new();
        while !self.take(")") {
            values.extend(self.logical(depth + 1)?);
            self.take(",");
        }
        match word.as_str() {
            "contains" | "startswith" | "endswith" | "hashfiles" | "success" | "failure" | "always"
            | "cancelled" => values.clear(),
            "tojson" => values.iter_mut().for_each(|value| value.whole = true),
            "fromjson" => values.iter_mut().for_each(|value| value.whole = false),
            _ => {}
        }
        Some(values)
    }

    fn word(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let end = self.rest.find(|c: char| !word(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end).filter(|(name, _)| !name.is_empty())?;
        self.rest = rest;
        Some(name.to_owned())
    }

    /// A text, in which two quotes stand for one.
    fn text(&mut self) -> Option<String> {
        let mut text = String::new();
        self.rest = self.rest.trim_start().strip_prefix('\'')?;
        loop {
            let (part, behind) = self.rest.split_once('\'')?;
            text.push_str(part);
            self.rest = behind;
            match behind.strip_prefix('\'') {
                Some(more) => {
                    text.push('\'');
                    self.rest = more;
                }
                None => return Some(text),
            }
        }
    }
}

/// The part of that name, of each value.
fn extend(values: &mut [Reached], name: Option<&str>) {
    for value in values {
        value.path.push(name.map(str::to_owned));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(expression: &str) -> Puts {
        puts(&format!("echo ${{{{ {expression} }}}} end"), &HashSet::from(["title".to_owned()]))
    }

    #[test]
    fn what_strangers_write_is_followed_through_expressions() {
        for expression in [
            "github.event.issue.title",
            "'}}' && github.event.issue.title",
            "GitHub . event['issue'][ 'TITLE' ]",
            "(github.event || 1).issue.body",
            "fromJSON(toJSON(github)).event.issue.title",
            "fromJSON( toJSON( github.event.issue ) ) [ 'title' ]",
            "github.event[format('iss{0}', 'ue')].title",
            "github.event.*.title",
            "join(github.event.commits.*.message, ' ')",
            "github.event.pages[0].page_name",
            "format('{0}', github.head_ref)",
            "toJSON(github)",
            "toJSON(github.event.pull_request.head)",
            "env.title",
            "needs.a.outputs.title",
        ] {
            assert_eq!(of(expression), Puts::Chosen, "{expression}");
        }
        for expression in [
            "github.event.issue[format('titl{0}', 'e')]",
            "github[env.x].issue[env.y]",
            "toJSON(github.event.*)",
            "github.event.issue.title +",
            &"(".repeat(100_000),
            &format!("{}github.event.issue.title{}", "(".repeat(100), ")".repeat(100)),
        ] {
            let open = of(expression);
            assert!(open == Puts::Unresolved || !expression.contains("github"), "{expression:.80}");
        }
    }

    #[test]
    fn what_the_repository_says_is_known() {
        for expression in [
            "github.sha",
            "github.event.issue.title == 'x' && 'a' || 'b'",
            "contains(github.event.pull_request.labels.*.name, 'gpu')",
            "!github.event.issue.title",
            "toJSON(github.event.issue.number)",
            "join(github.event.pull_request.labels.*.name, ',')",
            "github.event.inputs[matrix.name] || '0'",
            "matrix.os[0]",
            "env.version",
            "steps.a.outputs.version",
            "secrets['A B']",
        ] {
            assert_eq!(of(expression), Puts::Known, "{expression}");
        }
        assert_eq!(puts("${{ 'open", &HashSet::new()), Puts::Known);
    }
}
