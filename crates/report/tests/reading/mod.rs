//! Reads a page back: just enough of HTML for what the report writes (quoted attributes, no comments).

use std::collections::BTreeSet;

pub enum Token {
    Open { tag: String, attributes: Vec<(String, String)> },
    Close(String),
    Text(String),
}

pub struct Page(Vec<Token>);

const VOID: [&str; 3] = ["meta", "br", "hr"];

impl Page {
    pub fn read(html: &str) -> Self {
        let mut tokens = Vec::new();
        let mut rest = html.trim_start_matches("<!DOCTYPE html>");
        while let Some(start) = rest.find('<') {
            tokens.push(Token::Text(rest[..start].to_owned()));
            let end = end_of_tag(&rest[start..]) + start;
            let inside = &rest[start + 1..end];
            rest = &rest[end + 1..];
            if let Some(tag) = inside.strip_prefix('/') {
                tokens.push(Token::Close(tag.to_owned()));
                continue;
            }
            let (tag, attributes) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
            tokens.push(Token::Open { tag: tag.to_owned(), attributes: attributes_of(attributes) });
            if tag == "style" {
                // Raw text: what looks like a tag inside is none.
                let close = rest.find("</style>").unwrap();
                rest = &rest[close..];
            }
        }
        tokens.push(Token::Text(rest.to_owned()));
        Self(tokens.into_iter().filter(|t| !matches!(t, Token::Text(s) if s.is_empty())).collect())
    }

    pub fn tokens(&self) -> &[Token] {
        &self.0
    }

    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0.iter().flat_map(|t| match t {
            Token::Open { tag, attributes } => {
                attributes.iter().map(|(a, v)| (tag.as_str(), a.as_str(), v.as_str())).collect()
            }
            _ => Vec::new(),
        })
    }

    pub fn has_tag(&self, name: &str) -> bool {
        self.0.iter().any(|t| matches!(t, Token::Open { tag, .. } if tag.eq_ignore_ascii_case(name)))
    }

    /// The first tag that does not close what is open.
    pub fn unbalanced(&self) -> Option<String> {
        let mut open: Vec<&str> = Vec::new();
        for token in &self.0 {
            match token {
                Token::Open { tag, .. } if !VOID.contains(&tag.as_str()) => open.push(tag),
                Token::Close(tag) if open.pop() != Some(tag) => return Some(tag.clone()),
                _ => {}
            }
        }
        open.last().map(|s| (*s).to_owned())
    }

    fn ids(&self) -> impl Iterator<Item = &str> {
        self.attributes().filter(|(_, a, _)| *a == "id").map(|(_, _, v)| v)
    }

    pub fn repeated_ids(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        self.ids().filter(|id| !seen.insert(*id)).map(str::to_owned).collect()
    }

    /// Targets of links and labels that are not on the page.
    pub fn dangling(&self) -> Vec<String> {
        let ids: BTreeSet<&str> = self.ids().collect();
        self.attributes()
            .flat_map(|(_, a, v)| match a {
                "href" => vec![v.trim_start_matches('#')],
                "aria-labelledby" => v.split(' ').collect(),
                _ => vec![],
            })
            .filter(|target| !ids.contains(target))
            .map(str::to_owned)
            .collect()
    }

    pub fn headings(&self) -> Vec<u8> {
        self.0
            .iter()
            .filter_map(|t| match t {
                Token::Open { tag, .. } if tag.len() == 2 && tag.starts_with('h') => tag[1..].parse().ok(),
                _ => None,
            })
            .collect()
    }

    /// Text or attributes that print what is not a number.
    pub fn numbers_in_doubt(&self) -> Vec<String> {
        let doubtful = |s: &str| s.split(|c: char| !c.is_alphanumeric()).any(|w| matches!(w, "NaN" | "inf"));
        let text = self.0.iter().filter_map(|t| match t {
            Token::Text(s) if doubtful(s) => Some(s.clone()),
            _ => None,
        });
        let attributes = self.attributes().filter(|(_, _, v)| doubtful(v)).map(|(_, _, v)| v.to_owned());
        text.chain(attributes).collect()
    }
}

/// Position of the `>` that ends the tag at the start of `s`, outside quotes.
fn end_of_tag(s: &str) -> usize {
    let mut quoted = false;
    for (i, c) in s.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '>' if !quoted => return i,
            _ => {}
        }
    }
    panic!("a tag that does not end: {}", &s[..s.len().min(80)]);
}

fn attributes_of(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let name_end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let name = rest[..name_end].to_owned();
        rest = &rest[name_end..];
        let value = match rest.strip_prefix("=\"") {
            Some(quoted) => {
                let end = quoted.find('"').unwrap();
                rest = &quoted[end + 1..];
                quoted[..end].to_owned()
            }
            None => String::new(),
        };
        rest = rest.trim_start();
        out.push((name, value));
    }
    out
}
