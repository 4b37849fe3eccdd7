//! Links and images in what a model says: finding them as the programs that show the answer would.
//!
//! Nobody knows which program shows it, so the union of what they do is taken: Markdown destinations and
//! reference definitions (CommonMark, GFM autolinks), HTML attributes that load or lead somewhere, CSS
//! `url()`, each also after character references and backslash escapes are resolved. A destination is read
//! as browsers do (WHATWG URL), relative to a page that leads nowhere; what stays on that page is no link
//! out.

use url::Url;

/// A link in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What happens with it.
    pub kind: LinkKind,
    /// The destination as it is written, after the markup's own escapes were undone.
    pub written: String,
    /// Where it leads, where that can be told.
    pub target: Option<Url>,
}

/// What happens with a link when the answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkKind {
    /// A person may follow it.
    Followed,
    /// It is loaded unasked: images, styles, frames.
    Loaded,
}

/// The page that answers are read as if they stood on.
const BASE: &str = "https://answer.invalid/";

/// The links of a text, each once, and whether there are more than `most`.
pub(super) fn links(text: &str, most: usize) -> (Vec<Link>, bool) {
    let mut found = Found { links: Vec::new(), most, more: false };
    for view in views(text) {
        found.markdown(&view);
        found.html(&view);
        found.css(&view);
        found.bare(&view);
    }
    (found.links, found.more)
}

/// The text as it stands, and as it reads once references and escapes are resolved.
fn views(text: &str) -> Vec<String> {
    let mut views = vec![text.to_owned()];
    for step in [resolved as fn(&str) -> String, unescaped, resolved] {
        let next = views.last().map(|view| step(view)).unwrap_or_default();
        if !views.contains(&next) {
            views.push(next);
        }
    }
    views
}

struct Found {
    links: Vec<Link>,
    most: usize,
    more: bool,
}

impl Found {
    fn add(&mut self, kind: LinkKind, written: String, target: Option<Url>) {
        let known = |link: &&mut Link| link.written == written && link.target == target;
        if let Some(known) = self.links.iter_mut().find(known) {
            known.kind = known.kind.max(kind);
        } else if self.links.len() < self.most {
            self.links.push(Link { kind, written, target });
        } else {
            self.more = true;
        }
    }

    /// A destination as it stands in a document.
    fn destination(&mut self, kind: LinkKind, text: &str) {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
        if text.is_empty() {
            return;
        }
        let base = Url::parse(BASE).ok();
        match base.as_ref().map(|base| base.join(text)) {
            Some(Ok(url)) if base.as_ref().is_some_and(|base| base.origin() == url.origin()) => {}
            Some(Ok(url)) => self.add(kind, text.to_owned(), Some(url)),
            Some(Err(_)) | None => self.add(kind, text.to_owned(), None),
        }
    }

    /// `[text](destination "title")` and `[name]: destination`.
    fn markdown(&mut self, text: &str) {
        for (at, _) in text.match_indices("](") {
            let kind = match opening(text, at).and_then(|open| text.get(..open)) {
                Some(front) if !front.ends_with('!') => LinkKind::Followed,
                _ => LinkKind::Loaded,
            };
            self.destination(kind, inline(text.get(at + 2..).unwrap_or_default()));
        }
        // Which of the names an image uses is not followed up: one image makes all of them images.
        let kind = if text.contains("![") { LinkKind::Loaded } else { LinkKind::Followed };
        for (at, _) in text.match_indices("]:") {
            let rest = text.get(at + 2..).unwrap_or_default().trim_start();
            let rest = rest.strip_prefix('<').unwrap_or(rest);
            let end = rest.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(rest.len());
            let target = rest.get(..end).unwrap_or_default();
            if target.contains("//") || target.contains(":") || target.contains('\\') {
                self.destination(kind, target);
            }
        }
    }

    /// Attributes that load something or lead somewhere.
    fn html(&mut self, text: &str) {
        for (at, _) in text.match_indices('<') {
            let rest = text.get(at + 1..).unwrap_or_default();
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
            if name.is_empty() {
                continue;
            }
            for (attribute, value) in attributes(rest.get(name.len()..).unwrap_or_default()) {
                self.attribute(&name.to_ascii_lowercase(), &attribute, &value);
            }
        }
    }

    fn attribute(&mut self, tag: &str, attribute: &str, value: &str) {
        let followed =
            matches!(tag, "a" | "area" | "form" | "button" | "input" | "q" | "blockquote" | "del" | "ins");
        match attribute {
            "href" | "xlink:href" | "action" | "formaction" | "cite" => {
                self.destination(if followed { LinkKind::Followed } else { LinkKind::Loaded }, value);
            }
            "src" | "poster" | "data" | "background" | "ping" | "manifest" | "longdesc" | "dynsrc"
            | "lowsrc" => {
                self.destination(LinkKind::Loaded, value);
            }
            "srcset" | "imagesrcset" => {
                for candidate in value.split([',', ' ', '\t', '\n']).filter(|c| c.contains(['/', ':', '\\']))
                {
                    self.destination(LinkKind::Loaded, candidate);
                }
            }
            "srcdoc" => {
                let (inner, more) = links(value, self.most.saturating_sub(self.links.len()).min(16));
                self.more |= more;
                inner.into_iter().for_each(|link| self.add(LinkKind::Loaded, link.written, link.target));
            }
            "content" => {
                let lower = value.to_ascii_lowercase();
                if let Some(at) = lower.find("url=") {
                    self.destination(
                        LinkKind::Loaded,
                        value.get(at + 4..).unwrap_or_default().trim_matches(['\'', '"']),
                    );
                }
            }
            _ => {}
        }
    }

    /// `url(…)` and `@import`.
    fn css(&mut self, text: &str) {
        let lower = text.to_ascii_lowercase();
        for (at, start) in lower.match_indices("url(").chain(lower.match_indices("@import")) {
            let rest = text.get(at + start.len()..).unwrap_or_default().trim_start();
            let (quote, rest) = match rest.chars().next() {
                Some(c @ ('"' | '\'')) => (Some(c), rest.get(1..).unwrap_or_default()),
                _ => (None, rest),
            };
            let ends = |c: char| quote.map_or(c == ')' || c == ';' || c.is_whitespace(), |q| c == q);
            let value = rest.split(ends).next().unwrap_or_default();
            if value.contains(['/', ':', '\\']) {
                self.destination(LinkKind::Loaded, value);
            }
        }
    }

    /// What programs turn into links by themselves: `https://…`, `www.…`, `mailto:…`.
    fn bare(&mut self, text: &str) {
        let lower = text.to_ascii_lowercase();
        for scheme in
            ["http://", "https://", "ftp://", "ws://", "wss://", "http:\\\\", "https:\\\\", "mailto:", "www."]
        {
            for (at, _) in lower.match_indices(scheme) {
                let front = lower.get(..at).and_then(|front| front.chars().next_back());
                // `https` holds `http`, and `xhttp://` is somebody's own scheme.
                if front.is_some_and(|c| {
                    c.is_ascii_alphanumeric() || (scheme == "www." && matches!(c, '/' | '.' | '-' | '@'))
                }) {
                    continue;
                }
                let rest = text.get(at..).unwrap_or_default();
                let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`' | '“' | '”');
                let piece = rest.split(ends).next().unwrap_or_default();
                let piece = trimmed(piece);
                if piece.len() <= scheme.len() {
                    continue;
                }
                match scheme {
                    "www." => self.destination(LinkKind::Followed, &format!("http://{piece}")),
                    _ => self.destination(LinkKind::Followed, piece),
                }
            }
        }
    }
}

/// The bracket that belongs to the closing one at `at`.
fn opening(text: &str, at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, c) in text.get(..at)?.char_indices().rev().take(4096) {
        match c {
            ']' => depth += 1,
            '[' if depth == 0 => return Some(index),
            '[' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The destination at the start of what stands behind `](`.
fn inline(text: &str) -> &str {
    let text = text.trim_start();
    if let Some(rest) = text.strip_prefix('<') {
        return rest.split(['>', '\n']).next().unwrap_or_default();
    }
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return text.get(..at).unwrap_or_default(),
            ')' => depth -= 1,
            c if c.is_whitespace() => return text.get(..at).unwrap_or_default(),
            _ => {}
        }
    }
    text
}

/// A bare URL without the punctuation that follows it in a sentence.
fn trimmed(piece: &str) -> &str {
    let mut piece = piece;
    loop {
        let shorter =
            piece.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '~', ']', '|', '…', '’']);
        let shorter = match shorter.strip_suffix(')') {
            Some(inner) if inner.matches('(').count() <= inner.matches(')').count() => inner,
            _ => shorter,
        };
        if shorter.len() == piece.len() {
            return piece;
        }
        piece = shorter;
    }
}

/// Attributes of a tag with lower-case names, up to its end. Quotes may be missing, as browsers allow.
fn attributes(tag: &str) -> Vec<(String, String)> {
    const MOST: usize = 64;
    let mut found = Vec::new();
    let mut rest = tag;
    while found.len() < MOST {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() || rest.starts_with('>') {
            break;
        }
        let end =
            rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/')).unwrap_or(rest.len());
        // A sign that starts no name is stepped over.
        let end = end.max(rest.chars().next().map_or(0, char::len_utf8));
        let (name, after) = rest.split_at(end);
        let after = after.trim_start();
        let Some(value) = after.strip_prefix('=') else {
            rest = after;
            continue;
        };
        let value = value.trim_start();
        let (value, after) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let value = value.get(1..).unwrap_or_default();
                value.split_once(quote).unwrap_or((value, ""))
            }
            _ => value.split_at(value.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(value.len())),
        };
        found.push((name.to_ascii_lowercase(), value.to_owned()));
        rest = after;
    }
    found
}

/// Without the backslashes that Markdown takes as escapes.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.peek().is_some_and(char::is_ascii_punctuation) {
            continue;
        }
        out.push(c);
    }
    out
}

/// With character references resolved: numeric ones, and the named ones that a URL could be built from.
fn resolved(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (front, reference) = rest.split_at(at);
        out.push_str(front);
        match reference_at(reference) {
            Some((c, length)) => {
                out.push(c);
                rest = reference.get(length..).unwrap_or_default();
            }
            None => {
                out.push('&');
                rest = reference.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

fn reference_at(text: &str) -> Option<(char, usize)> {
    const NAMED: [(&str, char); 20] = [
        ("amp", '&'),
        ("AMP", '&'),
        ("colon", ':'),
        ("sol", '/'),
        ("bsol", '\\'),
        ("period", '.'),
        ("quest", '?'),
        ("equals", '='),
        ("num", '#'),
        ("commat", '@'),
        ("lowbar", '_'),
        ("Tab", '\t'),
        ("NewLine", '\n'),
        ("lpar", '('),
        ("rpar", ')'),
        ("lsqb", '['),
        ("rsqb", ']'),
        ("excl", '!'),
        ("lt", '<'),
        ("gt", '>'),
    ];
    if let Some(number) = text.strip_prefix("&#") {
        let (digits, radix, head) = match number.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16, 3),
            None => (number, 10, 2),
        };
        let length = digits.bytes().take_while(|b| char::from(*b).is_digit(radix)).count();
        let value = u32::from_str_radix(digits.get(..length.min(8))?, radix).ok()?;
        let semicolon = usize::from(digits.as_bytes().get(length) == Some(&b';'));
        return Some((char::from_u32(value)?, head + length + semicolon));
    }
    let name = text.get(1..)?;
    let (name, _) = name.split_once(';').filter(|(name, _)| name.len() <= 8)?;
    NAMED.iter().find(|(known, _)| *known == name).map(|(_, c)| (*c, name.len() + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hosts of the links of a text, `!` before those that are loaded unasked.
    fn hosts(text: &str) -> Vec<String> {
        let (links, _) = links(text, 64);
        let mut hosts: Vec<String> = links
            .iter()
            .map(|link| {
                let mark = if link.kind == LinkKind::Loaded { "!" } else { "" };
                let host = link.target.as_ref().and_then(|u| u.host_str().map(str::to_owned));
                format!("{mark}{}", host.unwrap_or_else(|| "?".to_owned()))
            })
            .collect();
        hosts.dedup();
        hosts
    }

    #[test]
    fn markdown() {
        assert_eq!(hosts("[a](https://evil.example/x)"), ["evil.example"]);
        assert_eq!(hosts("![a](https://evil.example/x)"), ["!evil.example"]);
        assert_eq!(hosts("[![a](//img.example/x)](https://evil.example)"), ["!img.example", "evil.example"]);
        assert_eq!(hosts("![a][r]\n\n[r]: <https://evil.example/x>"), ["!evil.example"]);
        assert_eq!(hosts("[a][r]\n\n  [r]:\n//evil.example/x 'title'"), ["evil.example"]);
        assert_eq!(hosts("[a]( <https://evil.example/x y> \"t\")"), ["evil.example"]);
        assert_eq!(hosts(r"[a](https:\/\/evil.example)"), ["evil.example"]);
        assert_eq!(hosts("[a](&#104;ttps&colon;&sol;&#x2f;evil.example)"), ["evil.example"]);
        assert_eq!(hosts("<https://evil.example> www.evil2.example"), ["evil.example", "www.evil2.example"]);
        assert_eq!(hosts("[mail](mailto:a@evil.example)"), ["?"]);
        assert_eq!(hosts("[a](javascript:alert)"), ["?"]);
    }

    #[test]
    fn html_and_css() {
        for text in [
            "<img src=https://evil.example/x>",
            "<IMG\nSRC = 'ht\ntps://evil.example/x'/>",
            "<img/src=\"//evil.example/x\">",
            "<img srcset='a.png 1x, https://evil.example/x 2x'>",
            "<source srcset=\"https://evil.example/x\">",
            "<p style=\"background:url(https://evil.example/x)\">",
            "<style>@import '//evil.example/x';</style>",
            "<link rel=preload href=\\\\evil.example/x>",
            "<meta http-equiv=refresh content='0;URL=https://evil.example/x'>",
            "<iframe srcdoc=\"<img src='https://evil.example'>\">",
            "<a href='/x' ping=https://evil.example/x>y</a>",
            "<svg><image xlink:href='https://evil.example/x'/></svg>",
            "<base href=https://evil.example/>",
            "<img src='https://evil.example/x'",
        ] {
            assert!(hosts(text).contains(&"!evil.example".to_owned()), "{text}: {:?}", hosts(text));
        }
        assert_eq!(hosts("<a href='https://evil.example'>y</a>"), ["evil.example"]);
    }

    #[test]
    fn what_leads_nowhere_is_no_link() {
        for text in [
            "a < b and c > d",
            "[a](/docs/x) and [b](#c)",
            "and/or http: https://",
            "x[1]: see there",
            "a www. b",
        ] {
            assert_eq!(hosts(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn hidden_characters_do_not_hide_a_host() {
        assert_eq!(hosts("https://ev\u{200b}il.example/"), ["evil.example"]);
        assert_eq!(hosts("https://ev\u{ad}il.example/"), ["evil.example"]);
        assert_eq!(hosts("HTTPS:\\\\EVIL.example"), ["evil.example"]);
    }

    #[test]
    fn more_than_can_be_judged_is_said() {
        let many: String = (0..100).map(|n| format!("https://h{n}.example ")).collect();
        let (some, more) = links(&many, 64);
        assert!(more && some.len() == 64);
    }
}
