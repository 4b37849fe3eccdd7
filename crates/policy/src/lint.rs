//! What must not be in a policy, read from its text.
//!
//! A high finding keeps a bundle from being compiled. The reason is always the same: a policy has to give
//! the same answer here and on a stock Open Policy Agent, and whatever an engine lacks or stubs becomes
//! undefined, and undefined denies nothing.

use std::collections::BTreeSet;

use proofhouse_core::{Finding, Place, Severity};

use crate::bundle::{Bundle, is_test};
use crate::policy::{Entrypoint, Limits, engine};
use crate::tokens::{Kind, Token, package_of, rule_heads, tokens};
use crate::{PolicyError, builtins};

/// Brackets nested deeper than this are refused: parsers recurse.
const MAX_NESTING: usize = 64;

/// Everything the lint objects to, in order of file and place.
#[must_use]
pub fn lint(bundle: &Bundle) -> Vec<Finding> {
    let mut findings = Vec::new();
    let functions: BTreeSet<String> = bundle.rego().flat_map(|(_, source)| declared(source)).collect();
    for (name, source) in bundle.rego() {
        File { name, source, functions: &functions }.lint(&mut findings);
    }
    manifest(bundle, &mut findings);
    untested(bundle, &mut findings);
    annotated_twice(bundle, &mut findings);
    // A file nested too deeply must not reach the engine's parser, which recurses.
    if !findings.iter().any(|f| f.rule == "rego/nesting") {
        for (name, source) in bundle.rego() {
            if let Err(PolicyError::Syntax { reason, .. }) =
                engine(&Bundle::from_files([]), std::iter::once((name, source)), Limits::default())
            {
                let place = Place::file(name);
                findings.push(finding(
                    "rego/syntax",
                    Severity::High,
                    place,
                    reason,
                    "Repair the file's syntax.",
                ));
            }
        }
    }
    if let Err(reason) = bundle.data() {
        let place = Place::file("data.json");
        findings.push(finding("bundle/data", Severity::High, place, reason, "Repair the data document."));
    }
    findings.sort_by(|a, b| (&a.place, &a.rule).cmp(&(&b.place, &b.rule)));
    findings
}

fn finding(
    rule: &str,
    severity: Severity,
    place: Place,
    message: impl Into<String>,
    remediation: &str,
) -> Finding {
    Finding {
        rule: rule.to_owned(),
        severity,
        message: message.into(),
        place,
        remediation: remediation.to_owned(),
        references: Vec::new(),
    }
}

/// The rules a file declares, with their package: `proofhouse.shape.has`.
fn declared(source: &str) -> Vec<String> {
    let package = package_of(source).unwrap_or_default();
    let tokens = tokens(source);
    rule_heads(&tokens).iter().map(|head| format!("{package}.{}", head.text)).collect()
}

struct File<'a> {
    name: &'a str,
    source: &'a str,
    functions: &'a BTreeSet<String>,
}

impl File<'_> {
    fn lint(&self, findings: &mut Vec<Finding>) {
        let all = tokens(self.source);
        let code: Vec<Token<'_>> = all.iter().filter(|t| t.kind != Kind::Comment).copied().collect();
        if package_of(self.source).is_none() {
            let message = "the file declares no package";
            findings.push(self.at(None, "rego/package", message, "Begin the file with `package name`."));
        }
        self.nesting(&code, findings);
        self.names(&code, findings);
        self.imports(&code, findings);
    }

    fn at(&self, token: Option<&Token<'_>>, rule: &str, message: impl Into<String>, todo: &str) -> Finding {
        let mut place = Place::file(self.name);
        if let Some(token) = token {
            (place.line, place.column) = (Some(token.line), Some(token.column));
        }
        finding(rule, Severity::High, place, message, todo)
    }

    fn nesting(&self, code: &[Token<'_>], findings: &mut Vec<Finding>) {
        let mut depth = 0_usize;
        for token in code.iter().filter(|t| t.kind == Kind::Mark) {
            match token.text {
                "{" | "[" | "(" => depth += 1,
                "}" | "]" | ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > MAX_NESTING {
                let message = format!("brackets are nested deeper than {MAX_NESTING}");
                findings.push(self.at(
                    Some(token),
                    "rego/nesting",
                    message,
                    "Name the inner parts as rules.",
                ));
                return;
            }
        }
    }

    /// Calls, interpolated texts, replaced builtins.
    fn names(&self, code: &[Token<'_>], findings: &mut Vec<Finding>) {
        let package = package_of(self.source).unwrap_or_default();
        let imported = imports(code);
        for (index, token) in code.iter().enumerate() {
            let next = code.get(index + 1);
            let before = index.checked_sub(1).and_then(|i| code.get(i));
            if token.text == "$" && token.kind == Kind::Mark {
                findings.push(self.at(
                    Some(token),
                    "rego/interpolation",
                    "interpolated texts exist in newer Open Policy Agents only",
                    "Write sprintf or concat.",
                ));
            }
            if token.kind == Kind::Unfinished {
                let message = "a text that does not end";
                findings.push(self.at(Some(token), "rego/syntax", message, "Close the quotation mark."));
            }
            if before.is_some_and(|b| b.text == "with") {
                let root = token.text.split('.').next().unwrap_or_default();
                if root != "input" && root != "data" {
                    findings.push(self.at(
                        Some(token),
                        "rego/replaced-builtin",
                        format!("`with` replaces {}, which engines support differently", token.text),
                        "Replace input or data only.",
                    ));
                } else if !is_test(self.name) {
                    findings.push(self.at(
                        Some(token),
                        "rego/with",
                        "a gate must not replace its own input or data",
                        "Keep `with` to tests.",
                    ));
                }
            }
            let call = token.kind == Kind::Name
                && !KEYWORDS.contains(&token.text)
                && next.is_some_and(|n| n.text == "(" && n.joined);
            // After a bracket, `.name(` is no plain call but a way to reach one that is not read here.
            let hidden = call && before.is_some_and(|b| b.text == "." && token.joined);
            if call && (hidden || !self.may_call(token.text, &package, &imported)) {
                findings.push(self.at(
                    Some(token),
                    "rego/builtin",
                    format!("{} is not in the subset that every engine shares", token.text),
                    "Give the fact in the input instead; builtins that see the world, the clock or keys are not for gates.",
                ));
            }
        }
    }

    fn may_call(&self, name: &str, package: &str, imported: &[(String, String)]) -> bool {
        if builtins::is_allowed(name) || self.functions.contains(&format!("{package}.{name}")) {
            return true;
        }
        if let Some(full) = name.strip_prefix("data.") {
            return self.functions.contains(full);
        }
        let (alias, rest) = name.split_once('.').unwrap_or((name, ""));
        imported.iter().filter(|(known, _)| known == alias).any(|(_, path)| {
            let full = if rest.is_empty() { path.clone() } else { format!("{path}.{rest}") };
            self.functions.contains(&full)
        })
    }

    fn imports(&self, code: &[Token<'_>], findings: &mut Vec<Finding>) {
        for pair in code.windows(2).filter(|pair| pair[0].text == "import" && pair[0].column == 1) {
            let path = pair[1].text;
            let known = path == "rego.v1" || path == "data" || path.starts_with("data.") || path == "input";
            if !known && !path.starts_with("input.") {
                findings.push(self.at(
                    Some(&pair[1]),
                    "rego/import",
                    format!("{path} is not an import that every engine knows"),
                    "Import rego.v1, data or input.",
                ));
            }
        }
    }
}

/// Words that may stand before a bracket without being called; `set()` is how the empty set is written.
const KEYWORDS: [&str; 10] = ["set", "if", "in", "not", "some", "every", "contains", "else", "with", "as"];

/// Imported names of `data`, with the path behind each.
fn imports(code: &[Token<'_>]) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (index, token) in code.iter().enumerate() {
        if token.text != "import" || token.column != 1 {
            continue;
        }
        let Some(path) = code.get(index + 1).and_then(|t| t.text.strip_prefix("data.")) else { continue };
        let alias = match (code.get(index + 2), code.get(index + 3)) {
            (Some(word), Some(alias)) if word.text == "as" => alias.text,
            _ => path.rsplit('.').next().unwrap_or(path),
        };
        out.push((alias.to_owned(), path.to_owned()));
    }
    out
}

fn manifest(bundle: &Bundle, findings: &mut Vec<Finding>) {
    let place = Place::file(".manifest");
    let manifest = match bundle.manifest() {
        None => {
            let message = "the bundle has no manifest, so its revision is unknown";
            findings.push(finding("bundle/manifest", Severity::Low, place, message, "Add a .manifest."));
            return;
        }
        Some(Err(error)) => {
            let todo = "Write {\"revision\": …, \"roots\": […]}.";
            findings.push(finding("bundle/manifest", Severity::High, place, error.to_string(), todo));
            return;
        }
        Some(Ok(manifest)) => manifest,
    };
    if manifest.rego_version != 1 {
        let message = format!("rego_version {} is not supported", manifest.rego_version);
        findings.push(finding("bundle/manifest", Severity::High, place, message, "Write Rego v1."));
    }
    for (name, source) in bundle.rego() {
        let package = package_of(source).unwrap_or_default().replace('.', "/");
        let owned = manifest.roots.iter().any(|root| {
            root.is_empty()
                || package == *root
                || package.strip_prefix(root.as_str()).is_some_and(|r| r.starts_with('/'))
        });
        if !owned {
            let message = format!("package {package} lies outside the roots of the manifest");
            let todo = "Add the root to .manifest; a stock engine refuses the bundle otherwise.";
            findings.push(finding("bundle/roots", Severity::High, Place::file(name), message, todo));
        }
    }
}

/// Entry points whose package has no test.
fn untested(bundle: &Bundle, findings: &mut Vec<Finding>) {
    for entrypoint in Entrypoint::ALL {
        let package = entrypoint.package();
        let owns =
            |source: &str| package_of(source).is_some_and(|p| p == package || p == format!("{package}_test"));
        let policy = bundle.policies().find(|(_, source)| owns(source));
        let tested = bundle.rego().any(|(name, source)| is_test(name) && owns(source));
        if let (Some((name, _)), false) = (policy, tested) {
            let message = format!("package {package} has no tests");
            let todo = "Add a _test.rego file in the same package.";
            findings.push(finding("rego/untested", Severity::Medium, Place::file(name), message, todo));
        }
    }
}

/// Packages annotated in more than one file, which a stock engine refuses.
fn annotated_twice(bundle: &Bundle, findings: &mut Vec<Finding>) {
    let mut annotated = BTreeSet::new();
    for (name, source) in bundle.rego() {
        let before: Vec<Token<'_>> =
            tokens(source).into_iter().take_while(|t| t.kind == Kind::Comment).collect();
        if before.iter().any(|t| t.text.trim_start_matches('#').trim() == "METADATA")
            && let Some(package) = package_of(source)
            && !annotated.insert(package.clone())
        {
            let message = format!("package {package} is annotated in another file already");
            let todo = "Keep one METADATA block for the package; write a plain comment here.";
            findings.push(finding("rego/annotation", Severity::High, Place::file(name), message, todo));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(source: &str) -> Vec<String> {
        let bundle = Bundle::from_files([("a.rego", source)]);
        let serious = |f: &Finding| f.severity >= Severity::High;
        lint(&bundle).into_iter().filter(serious).map(|f| f.rule).collect()
    }

    #[test]
    fn the_shipped_bundle_is_clean() {
        assert_eq!(lint(&Bundle::shipped()), []);
    }

    #[test]
    fn builtins_outside_the_subset_are_refused() {
        for call in [
            "http.send({\"method\": \"get\", \"url\": \"http://localhost\"})",
            "opa.runtime()",
            "rand.intn(\"a\", 3)",
            "time.now_ns()",
            "rego.metadata.rule()",
            "crypto.sha256(\"a\")",
            "io.jwt.decode(\"a\")",
            "numbers.range(1, 3000000)",
            "net.lookup_ip_addr(\"localhost\")",
            "uuid.rfc4122(\"a\")",
            "print(1)",
            "no_such_function(1)",
            "data.other.f(1)",
        ] {
            assert_eq!(rules(&format!("package a\nx := {call}\n")), ["rego/builtin"], "{call}");
        }
    }

    #[test]
    fn own_and_imported_functions_may_be_called() {
        let bundle = Bundle::from_files([
            (".manifest", r#"{"revision":"1"}"#),
            ("a.rego", "package a.b\nf(x) := x\n"),
            (
                "c.rego",
                "package c\nimport data.a.b\nimport data.a.b as z\ng(x) := x\ny := [b.f(1), z.f(1), g(1), data.a.b.f(1)]\n",
            ),
        ]);
        assert_eq!(lint(&bundle), []);
    }

    #[test]
    fn words_in_texts_and_comments_are_no_calls() {
        assert!(rules("package a\n# http.send(\nx := \"http.send(1)\"\ny := `opa.runtime()`\n").is_empty());
    }

    #[test]
    fn what_engines_read_differently_is_refused() {
        assert!(rules("package a\nx := $\"{input.y}\"\n").contains(&"rego/interpolation".to_owned()));
        assert_eq!(rules("package a\nimport future.keywords\n"), ["rego/import"]);
        assert_eq!(
            rules("package a\nimport rego.v1\nx if count([1]) == 1 with count as 1\n"),
            ["rego/replaced-builtin"]
        );
        assert_eq!(rules("package a\nimport rego.v1\nx if y with input as {}\ny := 1\n"), ["rego/with"]);
        assert!(rules("x := 1\n").contains(&"rego/package".to_owned()));
        assert!(rules("package a\nx := \"open\n").contains(&"rego/syntax".to_owned()));
    }

    #[test]
    fn deep_nesting_never_reaches_a_parser() {
        let source = format!("package a\nx := {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(rules(&source), ["rego/nesting"]);
    }

    #[test]
    fn a_package_is_annotated_once() {
        let text = "# METADATA\n# title: A\npackage a\n";
        let bundle = Bundle::from_files([("a.rego", text), ("b.rego", text), ("c.rego", "package a\n")]);
        let serious = |f: &Finding| f.severity >= Severity::High;
        let found: Vec<String> = lint(&bundle)
            .into_iter()
            .filter(serious)
            .map(|f| format!("{} {}", f.rule, f.place.path))
            .collect();
        assert_eq!(found, ["rego/annotation b.rego"]);
    }

    #[test]
    fn packages_stay_inside_the_roots() {
        let bundle = Bundle::from_files([
            (".manifest", r#"{"revision":"1","roots":["a"]}"#),
            ("a.rego", "package a.b\nx := 1\n"),
            ("b.rego", "package ab\nx := 1\n"),
        ]);
        let all = lint(&bundle);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].rule.as_str(), all[0].place.path.as_str()), ("bundle/roots", "b.rego"));
    }
}
