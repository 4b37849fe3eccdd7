//! Code that a source runs without having it written down: texts that are evaluated, modules and names that are computed,
//! programs whose names are decoded.
//!
//! A table of calls knows only what it lists; here it is asked what a call is *given*. A text that stands in the source is
//! looked at as a source of its own. Anything else is not known, and where it comes from a decoder, or is put together
//! out of pieces, somebody did not want it to be read. Values are followed by the names that they are assigned to, in the
//! file as a whole: what one line decodes is decoded wherever its name stands.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::children;
use super::profile::{PROFILES, Profile};
use super::tokens::{Kind, Token, closing, statement, tokens};

/// What is found at a line, counted from zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dynamic {
    pub(super) line: u64,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// Runs, loads or starts what it decodes or puts together.
    Decoded(String),
    /// Evaluates a text that is not written in the source.
    Evaluates(String),
    /// Loads, reaches or starts what it computes.
    Computes(String),
}

/// Longest line of what a person wrote. Tools write longer ones, in which one letter is the name of many things.
const LINE: usize = 2000;
/// How deep texts in texts are looked at.
const DEPTH: u32 = 3;

pub(super) fn profile(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}

/// All that a source does of that kind, in order of its lines.
pub(super) fn look(profile: &'static Profile, text: &str) -> Vec<Dynamic> {
    within(profile, text, 0)
}

fn within(profile: &'static Profile, text: &str, depth: u32) -> Vec<Dynamic> {
    let tokens = tokens(&profile.syntax, text);
    let written = text.lines().all(|line| line.len() <= LINE);
    let source = Source::of(profile, &tokens, written, depth);
    let mut found: Vec<Dynamic> = (0..tokens.len()).filter_map(|at| source.judge(at)).collect();
    if profile.name == "javascript" {
        found.extend(children::look(&source));
    }
    found.sort_by_key(|found| found.line);
    found
}

/// The tokens of a source, and what is known of its names.
pub(super) struct Source<'t> {
    pub(super) tokens: &'t [Token<'t>],
    profile: &'static Profile,
    /// What each name is assigned, all over the source.
    assigned: BTreeMap<&'t str, Vec<Range<usize>>>,
    /// Names of what is decoded.
    decoded: BTreeSet<&'t str>,
    /// Names of texts that are put together out of pieces.
    spelt: BTreeSet<&'t str>,
    /// Names of what loads modules.
    loaders: BTreeSet<&'t str>,
    written: bool,
    depth: u32,
}

impl<'t> Source<'t> {
    fn of(profile: &'static Profile, tokens: &'t [Token<'t>], written: bool, depth: u32) -> Self {
        let mut source = Self {
            tokens,
            profile,
            assigned: assignments(tokens),
            decoded: BTreeSet::new(),
            spelt: BTreeSet::new(),
            loaders: profile.loaders.iter().copied().collect(),
            written,
            depth,
        };
        // A few rounds: what is made of something decoded is decoded.
        for _ in 0..4 {
            let all: Vec<(&str, bool, bool, bool)> = source
                .assigned
                .iter()
                .map(|(name, values)| {
                    let any = |f: &dyn Fn(Range<usize>) -> bool| values.iter().cloned().any(f);
                    let loads = any(&|r| source.is_loader(r));
                    (*name, any(&|r| source.is_decoded(r)), any(&|r| source.is_spelt(r)), loads)
                })
                .collect();
            let before = source.decoded.len() + source.spelt.len() + source.loaders.len();
            for (name, decoded, spelt, loads) in all {
                // In what a tool wrote, a name stands for many things.
                if decoded && (written || name.len() > 2) {
                    source.decoded.insert(name);
                }
                if spelt && (written || name.len() > 2) {
                    source.spelt.insert(name);
                }
                if loads {
                    source.loaders.insert(name);
                }
            }
            if before == source.decoded.len() + source.spelt.len() + source.loaders.len() {
                break;
            }
        }
        source
    }

    fn slice(&self, range: Range<usize>) -> &'t [Token<'t>] {
        self.tokens.get(range).unwrap_or_default()
    }

    pub(super) fn token(&self, at: usize) -> Option<&'t Token<'t>> {
        self.tokens.get(at)
    }

    pub(super) fn is_mark(&self, at: usize, mark: &str) -> bool {
        self.token(at).is_some_and(|t| t.is(mark))
    }

    fn before(&self, at: usize) -> Option<&'t Token<'t>> {
        self.token(at.checked_sub(1)?)
    }

    /// Whether an expression turns data into text, here or where one of its names is assigned.
    fn is_decoded(&self, range: Range<usize>) -> bool {
        let start = range.start;
        self.slice(range).iter().enumerate().any(|(offset, token)| match token.kind {
            Kind::Word => {
                let member = (start + offset).checked_sub(1).is_some_and(|b| self.is_mark(b, "."));
                self.profile.decoders.contains(&token.text) && self.is_mark_after(start + offset)
                    || !member && self.decoded.contains(token.text)
            }
            Kind::Spliced | Kind::Command => words(token.text).any(|word| self.decoded.contains(word)),
            _ => false,
        })
    }

    /// Whether a name is called or has a member: a decoder that is none of these is somebody's variable.
    fn is_mark_after(&self, at: usize) -> bool {
        self.profile.bare || self.is_mark(at + 1, "(") || self.is_mark(at + 1, ".")
    }

    /// Whether an expression puts a text together out of constant pieces: `"ex" + "ec"`, `["ex", "ec"].join("")`.
    fn is_spelt(&self, range: Range<usize>) -> bool {
        let start = range.start;
        let tokens = self.slice(range);
        let text = |t: Option<&Token<'_>>| t.is_some_and(|t| t.kind == Kind::Text && !t.text.is_empty());
        tokens.iter().enumerate().any(|(index, token)| match token.kind {
            Kind::Mark if matches!(token.text, "+" | "..") => {
                let both =
                    index.checked_sub(1).is_some_and(|b| text(tokens.get(b))) && text(tokens.get(index + 1));
                both && self.profile.name != "r"
            }
            Kind::Word if token.text == "join" => {
                let empty = tokens.get(index + 2).is_some_and(|t| t.kind == Kind::Text && t.text.is_empty());
                let bare = !tokens.get(index + 1).is_some_and(|t| t.is("(")) && self.profile.bare;
                let list =
                    index.checked_sub(2).and_then(|b| tokens.get(b)).is_some_and(|t| t.kind != Kind::Word)
                        && index.checked_sub(2).is_some_and(|b| tokens.get(b).is_some_and(|t| t.is("]")));
                list && (empty || bare)
            }
            Kind::Word
                if matches!(token.text, "paste0" | "paste" | "string")
                    && tokens.get(index + 1).is_some_and(|t| t.is("(")) =>
            {
                let inner =
                    self.slice(start + index + 2..closing(self.tokens, start + index + 1).saturating_sub(1));
                let texts = inner.iter().filter(|t| t.kind == Kind::Text && !t.text.is_empty()).count();
                let values = inner
                    .iter()
                    .filter(|t| t.kind == Kind::Word && !matches!(t.text, "c" | "collapse" | "sep"))
                    .count();
                texts >= 2 && values == 0
            }
            Kind::Word => self.spelt.contains(token.text),
            Kind::Spliced => words(token.text).any(|word| self.spelt.contains(word)),
            _ => false,
        })
    }

    fn is_loader(&self, range: Range<usize>) -> bool {
        let tokens = self.slice(range);
        let alone = |t: &Token<'_>| t.kind == Kind::Word && self.loaders.contains(t.text);
        let made = tokens.first().is_some_and(|t| t.text == "createRequire");
        made || matches!(tokens, [t] if alone(t)) && self.profile.name == "javascript"
    }

    /// What is passed to the call whose name stands at `at`, and whether it is called at all.
    pub(super) fn arguments(&self, at: usize) -> Option<Range<usize>> {
        if self.is_mark(at + 1, "(") {
            return Some(at + 2..closing(self.tokens, at + 1).saturating_sub(1));
        }
        let next = self.token(at + 1).filter(|_| self.profile.bare)?;
        let here = next.line == self.token(at)?.line;
        let block = next.is("{") && !matches!(self.token(at)?.text, "qx" | "qw");
        let value = !block
            && (next.kind != Kind::Mark || matches!(next.text, "$" | "@" | "[" | "%" | "{" | "&" | "("));
        let word =
            next.kind == Kind::Word && matches!(next.text, "do" | "if" | "unless" | "and" | "or" | "end");
        (here && value && !word).then(|| at + 1..statement(self.tokens, at + 1))
    }

    /// The first of several arguments.
    pub(super) fn first(&self, arguments: Range<usize>) -> Range<usize> {
        let mut depth = 0i64;
        for at in arguments.clone() {
            let Some(token) = self.token(at).filter(|t| t.kind == Kind::Mark) else { continue };
            match token.text {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                "," if depth == 0 => return arguments.start..at,
                _ => {}
            }
        }
        arguments
    }

    /// The text that an expression is, if it is written in the source: itself, or what its one name is assigned.
    pub(super) fn constant(&self, range: Range<usize>) -> Option<&'t str> {
        match self.slice(range) {
            [token] if token.kind == Kind::Text => Some(token.text),
            [token] if token.kind == Kind::Word => match self.assigned.get(token.text)?.as_slice() {
                [one] => match self.slice(one.clone()) {
                    [value] if value.kind == Kind::Text => Some(value.text),
                    _ => None,
                },
                _ => None,
            },
            // A variable of Perl.
            [sigil, token] if sigil.is("$") && token.kind == Kind::Word => {
                match self.assigned.get(token.text)?.as_slice() {
                    [one] => match self.slice(one.clone()) {
                        [value] if value.kind == Kind::Text => Some(value.text),
                        _ => None,
                    },
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn judge(&self, at: usize) -> Option<Dynamic> {
        let token = self.token(at)?;
        let what = match token.kind {
            Kind::Word => self.word(at, token),
            Kind::Command => {
                let decoded = words(token.text).any(|word| self.decoded.contains(word));
                decoded.then(|| What::Decoded("a command between backticks".to_owned()))
            }
            Kind::Mark if token.text == "[" => self.index(at),
            Kind::Text => self.text(at, token),
            _ => None,
        }?;
        Some(Dynamic { line: token.line, what })
    }

    fn word(&self, at: usize, token: &Token<'t>) -> Option<What> {
        let profile = self.profile;
        let name = token.text;
        let before = self.before(at);
        let member = before.is_some_and(|t| t.is(".") || t.is(":") || t.is("->") || t.is("::") || t.is("&."));
        let defined = before.is_some_and(|t| {
            matches!(t.text, "function" | "def" | "sub" | "func" | "class" | "alias") && t.kind == Kind::Word
        });
        if defined
            || before.is_some_and(|t| matches!(t.text, "$" | "@" | "%") && t.kind == Kind::Mark)
                && profile.bare
        {
            return None;
        }
        let of_root = member
            && at.checked_sub(2).and_then(|b| self.token(b)).is_some_and(|t| profile.roots.contains(&t.text));
        let told = format!("{name:?}");
        if profile.evaluators.contains(&name) && (!member || of_root || profile.methods.contains(&name))
            || profile.methods.contains(&name) && (member || profile.name != "julia")
        {
            return self.evaluates(at, name, &told);
        }
        if self.loaders.contains(name) && (!member || of_root) {
            let arguments = self.arguments(at).filter(|range| !range.is_empty())?;
            let first = self.first(arguments);
            let foreign = profile.name != "javascript";
            if let Some(text) = self.constant(first.clone()) {
                return (foreign && text.contains("://")).then_some(What::Evaluates(told));
            }
            if self.is_decoded(first.clone()) {
                return Some(What::Decoded(told));
            }
            if self.is_path(first.clone()) {
                return None;
            }
            return Some(match () {
                () if foreign => What::Evaluates(told),
                () if self.is_spelt(first) => What::Decoded(told),
                () => What::Computes(told),
            });
        }
        if profile.reflectors.contains(&name) {
            let arguments = self.arguments(at).filter(|range| !range.is_empty())?;
            let first = self.first(arguments);
            // `send(:instance_eval, text)`: what is asked for by its name is called by it.
            let named =
                self.slice(first.clone()).last().filter(|t| matches!(t.kind, Kind::Word | Kind::Text));
            let evaluates = named.is_some_and(|t| {
                first.len() <= 2
                    && (profile.evaluators.contains(&t.text) || profile.methods.contains(&t.text))
            });
            if evaluates {
                return Some(What::Evaluates(told));
            }
            let built = self.is_decoded(first.clone()) || self.is_spelt(first);
            return built.then_some(What::Decoded(told));
        }
        if profile.starts.contains(&name) {
            let arguments = self.arguments(at).filter(|range| !range.is_empty())?;
            return self.is_decoded(arguments).then_some(What::Decoded(told));
        }
        // `(…).constructor("…")` makes a function of a text.
        if profile.name == "javascript" && name == "constructor" && member {
            let receiver = at.checked_sub(2).and_then(|b| self.token(b))?;
            let function =
                receiver.is(")") || receiver.is("]") || receiver.is("}") || receiver.text == "constructor";
            let arguments = self.arguments(at).filter(|range| !range.is_empty())?;
            return (function && self.constant(arguments) != Some("return this"))
                .then_some(What::Computes(told));
        }
        None
    }

    fn evaluates(&self, at: usize, name: &str, told: &str) -> Option<What> {
        let Some(arguments) = self.arguments(at) else {
            // `(0, eval)(s)`, `f = loadstring`: the function itself is a value. As the name of a member it is none.
            let next = self.token(at + 1);
            let value = next
                .is_none_or(|t| t.kind == Kind::Mark && matches!(t.text, ")" | "," | ";" | "]" | "."))
                || next.is_some_and(|t| t.text == "or" || t.text == "||");
            let own = matches!(name, "eval" | "loadstring" | "execScript") && self.profile.name != "perl";
            return (own && value).then(|| What::Evaluates(told.to_owned()));
        };
        // R's `parse` reads expressions of a text only where it is given one.
        if name == "parse" && self.profile.name == "r" {
            let text = self.slice(arguments.clone()).iter().position(|t| t.text == "text")?;
            let range = arguments.start + text + 2..arguments.end;
            return self.given(self.first(range), told);
        }
        // The body of a function is its last argument.
        if matches!(name, "Function" | "AsyncFunction" | "GeneratorFunction") {
            let mut rest = arguments.clone();
            loop {
                let first = self.first(rest.clone());
                if first.end >= arguments.end {
                    return self.given(first, told);
                }
                rest = first.end + 1..arguments.end;
            }
        }
        self.given(self.first(arguments), told)
    }

    /// What an evaluator is given.
    fn given(&self, range: Range<usize>, told: &str) -> Option<What> {
        let first = self.token(range.start)?;
        if range.is_empty() {
            return None;
        }
        if let Some(text) = self.constant(range.clone()) {
            let inner =
                if self.depth < DEPTH { within(self.profile, text, self.depth + 1) } else { Vec::new() };
            return inner.into_iter().next().map(|found| found.what).or_else(|| {
                // What the tables of calls would find in it, they find in the line that it stands in.
                (self.depth >= DEPTH).then(|| What::Evaluates(told.to_owned()))
            });
        }
        // Expressions of the language that are quoted, functions and blocks.
        let quoted = first.is(":") && self.profile.name == "julia"
            || matches!(first.text, "quote" | "Expr" | "function");
        if quoted || first.is("{") {
            return None;
        }
        if self.is_decoded(range) {
            return Some(What::Decoded(told.to_owned()));
        }
        Some(What::Evaluates(told.to_owned()))
    }

    /// `x[…]` where the index is put together, and `globalThis[…](…)` where it is computed at all.
    fn index(&self, at: usize) -> Option<What> {
        if !matches!(self.profile.name, "javascript" | "lua") {
            return None;
        }
        let receiver = self.before(at)?;
        let holds = receiver.kind == Kind::Word || receiver.is(")") || receiver.is("]");
        if !holds || matches!(receiver.text, "return" | "in" | "of" | "case" | "typeof") {
            return None;
        }
        let end = closing(self.tokens, at);
        let inner = at + 1..end.saturating_sub(1);
        let tokens = self.slice(inner.clone());
        let called = self.is_mark(end, "(") || self.is_mark(end, "[") || self.is_mark(end, ".");
        let root = self.profile.roots.contains(&receiver.text) && receiver.kind == Kind::Word
            || receiver.is(")")
                && self.before(at - 1).is_some_and(|t| t.is("("))
                && self.tokens.get(at.wrapping_sub(3)).is_some_and(|t| t.text == "getfenv");
        let plain = matches!(tokens, [] | [Token { kind: Kind::Text | Kind::Number, .. }]);
        let shown = || format!("{}[…]", receiver.text);
        if plain {
            let constructor = matches!(tokens, [t] if t.text == "constructor") && called;
            return constructor.then(|| What::Computes(format!("{:?}", "constructor")));
        }
        let built = self.is_decoded(inner.clone()) || self.is_spelt(inner);
        if built && (called || root) && (self.written || root) {
            return Some(What::Decoded(shown()));
        }
        (root && called).then(|| What::Computes(shown()))
    }

    /// Sources that stand in an address, and modules that run texts.
    fn text(&self, at: usize, token: &Token<'_>) -> Option<What> {
        if self.profile.name != "javascript" {
            return None;
        }
        if token.text.starts_with("data:text/javascript")
            || token.text.starts_with("data:application/javascript")
        {
            return Some(What::Decoded("a source in an address".to_owned()));
        }
        let module = token.text.strip_prefix("node:").unwrap_or(token.text);
        let imported = self.before(at).is_some_and(|t| t.text == "from" || t.text == "import" || t.is("("));
        let runs = matches!(module, "vm" | "inspector" | "repl" | "wasi") && imported;
        let import =
            at.checked_sub(2).and_then(|b| self.token(b)).is_some_and(|t| self.loaders.contains(t.text))
                || self.before(at).is_some_and(|t| t.kind == Kind::Word);
        (runs && import).then(|| What::Evaluates(format!("the module {module:?}")))
    }

    /// Whether an expression is the path of a file rather than the name of anything: it says a folder, or a file's place.
    fn is_path(&self, range: Range<usize>) -> bool {
        let of_path = |t: &Token<'_>| match t.kind {
            Kind::Word => self.profile.paths.contains(&t.text),
            Kind::Text | Kind::Spliced => {
                t.text.contains('/') && !t.text.starts_with("data:") && !t.text.contains("://")
            }
            _ => false,
        };
        let tokens = self.slice(range);
        tokens.iter().any(of_path)
            || tokens.iter().filter(|t| t.kind == Kind::Word).any(|t| {
                let values = self.assigned.get(t.text).map(Vec::as_slice).unwrap_or_default();
                !values.is_empty() && values.iter().all(|range| self.slice(range.clone()).iter().any(of_path))
            })
    }
}

/// What each name is assigned, and the bodies of what is defined under it.
fn assignments<'t>(tokens: &'t [Token<'t>]) -> BTreeMap<&'t str, Vec<Range<usize>>> {
    const DEFINES: [&str; 4] = ["function", "def", "sub", "func"];
    /// Tokens of a body that no bracket closes.
    const BODY: usize = 120;
    let mut out: BTreeMap<&str, Vec<Range<usize>>> = BTreeMap::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.kind != Kind::Word {
            continue;
        }
        let next = tokens.get(at + 1);
        if next.is_some_and(|t| t.kind == Kind::Mark && matches!(t.text, "=" | "<-" | "<<-" | ":=" | "+=")) {
            let value = at + 2..statement(tokens, at + 2);
            // `a, b := …`: each of them.
            let mut other = at;
            while let Some(before) = other.checked_sub(2)
                && tokens.get(before + 1).is_some_and(|t| t.is(",") && t.line == token.line)
                && let Some(name) = tokens.get(before).filter(|t| t.kind == Kind::Word && at - before < 16)
            {
                out.entry(name.text).or_default().push(value.clone());
                other = before;
            }
            out.entry(token.text).or_default().push(value);
        }
        let defines =
            at.checked_sub(1).and_then(|b| tokens.get(b)).is_some_and(|t| DEFINES.contains(&t.text));
        if defines {
            let rest = tokens.iter().enumerate().skip(at + 1).take(BODY);
            let end = rest
                .clone()
                .find(|(_, t)| t.is("{"))
                .map(|(open, _)| closing(tokens, open))
                .or_else(|| rest.clone().find(|(_, t)| DEFINES.contains(&t.text)).map(|(next, _)| next))
                .unwrap_or(tokens.len().min(at + 1 + BODY));
            out.entry(token.text).or_default().push(at + 1..end);
        }
    }
    out
}

/// The words of a text into which values are put.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{What, look, profile};

    fn kind(name: &str, text: &str) -> &'static str {
        let found = look(profile(name).unwrap(), text);
        let any = |f: fn(&What) -> bool| found.iter().any(|d| f(&d.what));
        match () {
            () if any(|w| matches!(w, What::Decoded(_))) => "decoded",
            () if any(|w| matches!(w, What::Evaluates(_))) => "evaluates",
            () if any(|w| matches!(w, What::Computes(_))) => "computes",
            () => "",
        }
    }

    #[test]
    fn what_is_not_written_down_is_told() {
        for (name, text, expected) in [
            (
                "javascript",
                "const k = Buffer.from('6e6574', 'hex').toString();\nconst m = require(k);",
                "decoded",
            ),
            ("javascript", "const r = require; const n = process.argv[2];\nr(n)('x')", "computes"),
            ("javascript", "const f = ['ex', 'ec'].join('');\nm[f]('id')", "decoded"),
            ("javascript", "(0, eval)(s)", "evaluates"),
            ("javascript", "new Function('a', atob(s))(1)", "decoded"),
            ("javascript", "[]['filter']['constructor'](s)()", "computes"),
            ("javascript", "(() => {}).constructor(s)()", "computes"),
            ("javascript", "globalThis[n](s)", "computes"),
            ("javascript", "import vm from 'node:vm'", "evaluates"),
            ("javascript", "await import('data:text/javascript;base64,' + b)", "decoded"),
            ("javascript", "eval(\"new Function(x)\")", "evaluates"),
            ("r", "n <- rawToChar(as.raw(c(1, 2)))\ndo.call(n, list('x'))", "decoded"),
            ("r", "g <- get(paste(c('s','y'), collapse = ''), envir = baseenv())", "decoded"),
            ("r", "eval(parse(text = x))", "evaluates"),
            ("ruby", "k = Kernel\nk.send(['a', 'b'].join.to_sym, 'x')", "decoded"),
            ("ruby", "instance_eval(File.read(x))", "evaluates"),
            ("ruby", "Kernel.send(:instance_eval, x)", "evaluates"),
            ("ruby", "instance_eval URI.open(x).read", "evaluates"),
            ("perl", "my $p = pack('H*', 'aa');\nmy $r = qx{$p};", "decoded"),
            ("perl", "eval $s;", "evaluates"),
            (
                "lua",
                "local s = ''\nfor _, c in ipairs(t) do s = s .. string.char(c) end\n(loadstring or load)(s)()",
                "evaluates",
            ),
            ("lua", "local e = _G['o' .. 's'][n]", "decoded"),
            ("julia", "s = String(base64decode(x))\ninclude_string(Main, s)", "evaluates"),
            ("go", "b, _ := hex.DecodeString(x)\nexec.Command(string(b), y).Run()", "decoded"),
        ] {
            assert_eq!(kind(name, text), expected, "{name}: {text}");
        }
    }

    #[test]
    fn what_is_written_down_is_not() {
        for (name, text) in [
            ("javascript", "const f = handlers[kind]; handlers[kind](value); this['on' + name](x);"),
            ("javascript", "const p = path.join(__dirname, 'a.json'); const pkg = require(p);"),
            ("javascript", "var g = Function('return this')(); class A { constructor(x) { this.x = x } }"),
            ("javascript", "const s = atob(x); show(s); const t = 'a' + 'b'; t.length"),
            ("javascript", "async function eval_model(m) { return m.eval() } model.eval(x)"),
            ("r", "fit <- do.call(xgb.train, list(p)); rbind(do.call('rbind', xs)); match.fun(f)"),
            (
                "r",
                "mf[[1]] <- as.name('model.frame'); eval(mf, parent.frame()); source(file.path('R', 'x.R'))",
            ),
            ("ruby", "begin; x.instance_eval do\n y\nend; end; record.send(\"#{name}=\", v)"),
            ("perl", "eval { require X; 1 } or die; my $x = reverse @y; do { 1 } while $z;"),
            (
                "lua",
                "local m = torch.load(opt.path); local r = require('models/' .. opt.net); os.getenv('HOME')",
            ),
            ("julia", "eval(:(x = 1)); @eval f() = 1; include(joinpath(@__DIR__, \"a.jl\"))"),
            ("go", "exec.Command(\"git\", \"rev-parse\")"),
        ] {
            assert_eq!(kind(name, text), "", "{name}: {text}");
        }
    }
}
