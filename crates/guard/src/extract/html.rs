//! HTML: what a browser draws and what it does not.
//!
//! Tokens are those of the standard (html5ever); elements are followed with a bounded stack of our own, as
//! far as styles are inherited, since a tree of hostile input has no bound. Styles are judged from the
//! document alone: style sheets that it links to and scripts are not fetched or run.

use std::cell::RefCell;

use html5ever::TokenizerResult;
use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

use super::style::{Sheet, Style};
use super::{How, Output};

/// Most tokens of a document.
const MOST_TOKENS: usize = 2_000_000;
/// Most elements inside each other; deeper ones are read with the style of the deepest.
const MOST_NESTED: usize = 512;
/// Most separators between two `<`: the tokenizer compares each attribute of a tag with every other.
const MOST_SEPARATORS: usize = 20_000;

/// Attributes whose text is for people who do not see, or for programs.
const TELLING: &[&str] = &[
    "alt",
    "title",
    "aria-label",
    "aria-description",
    "aria-placeholder",
    "aria-valuetext",
    "aria-roledescription",
    "placeholder",
    "summary",
    "label",
    "content",
    "value",
    "srcdoc",
    "standby",
    "abbr",
];
/// Elements without content.
const EMPTY: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];
/// Elements that begin a line of their own.
const LINES: &[&str] = &[
    "p",
    "div",
    "br",
    "li",
    "ul",
    "ol",
    "tr",
    "table",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "section",
    "article",
    "header",
    "footer",
    "nav",
    "main",
    "blockquote",
    "pre",
    "hr",
    "dt",
    "dd",
    "form",
    "figure",
    "td",
    "th",
    "body",
];
/// Elements that end where the next of their kind begins.
const SELF_ENDING: &[&str] = &["p", "li", "tr", "td", "th", "dt", "dd", "option"];

/// Reads a page, or a piece of one.
pub(super) fn read(source: &str, out: &mut Output) {
    let (source, rest) = bounded(source);
    let tokens = tokens(source, out);
    let mut sheet = Sheet::default();
    for (_, token) in &tokens {
        if let Piece::Text(text, Raw::Style) = token {
            sheet.add(text);
        }
    }
    let mut walk = Walk { out, sheet: &sheet, stack: Vec::new(), beyond: 0, pending: None };
    for (line, token) in tokens {
        walk.token(line, token);
    }
    walk.flush();
    if !rest.is_empty() {
        out.truncated = true;
        out.show(rest);
    }
}

/// The part of a page that can be tokenized in reasonable time, and the rest.
fn bounded(source: &str) -> (&str, &str) {
    let mut separators = 0;
    let mut last_open = 0;
    for (at, b) in source.bytes().enumerate() {
        match b {
            b'<' => (separators, last_open) = (0, at),
            b' ' | b'\n' | b'\t' | b'\r' | 0xc | b'/' | b'"' | b'\'' => separators += 1,
            _ => {}
        }
        if separators > MOST_SEPARATORS {
            return source.split_at(last_open);
        }
    }
    (source, "")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Raw {
    /// Text of an ordinary element.
    No,
    Style,
    Script,
    Title,
}

enum Piece {
    Open { tag: String, attributes: Vec<(String, String)>, closed: bool },
    Close(String),
    Text(String, Raw),
    Comment(String),
}

struct Sink {
    pieces: RefCell<Vec<(u64, Piece)>>,
    raw: RefCell<Raw>,
    full: RefCell<bool>,
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<()> {
        let mut pieces = self.pieces.borrow_mut();
        if pieces.len() >= MOST_TOKENS {
            *self.full.borrow_mut() = true;
            return TokenSinkResult::Continue;
        }
        match token {
            Token::TagToken(tag) => {
                let name = tag.name.to_string();
                *self.raw.borrow_mut() = Raw::No;
                if tag.kind == TagKind::EndTag {
                    pieces.push((line, Piece::Close(name)));
                    return TokenSinkResult::Continue;
                }
                let attributes =
                    tag.attrs.iter().map(|a| (a.name.local.to_string(), a.value.to_string())).collect();
                let (raw, kind) = match name.as_str() {
                    "style" => (Raw::Style, Some(RawKind::Rawtext)),
                    "script" => (Raw::Script, Some(RawKind::ScriptData)),
                    "title" => (Raw::Title, Some(RawKind::Rcdata)),
                    "textarea" => (Raw::No, Some(RawKind::Rcdata)),
                    "xmp" | "noembed" | "noframes" => (Raw::No, Some(RawKind::Rawtext)),
                    _ => (Raw::No, None),
                };
                *self.raw.borrow_mut() = raw;
                pieces.push((line, Piece::Open { tag: name, attributes, closed: tag.self_closing }));
                return kind.map_or(TokenSinkResult::Continue, TokenSinkResult::RawData);
            }
            Token::CommentToken(text) => pieces.push((line, Piece::Comment(text.to_string()))),
            Token::CharacterTokens(text) => {
                let raw = *self.raw.borrow();
                match pieces.last_mut() {
                    Some((_, Piece::Text(before, kind))) if *kind == raw => before.push_str(&text),
                    _ => pieces.push((line, Piece::Text(text.to_string(), raw))),
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

fn tokens(source: &str, out: &mut Output) -> Vec<(u64, Piece)> {
    let sink = Sink { pieces: RefCell::default(), raw: RefCell::new(Raw::No), full: RefCell::default() };
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(source));
    // The tokenizer stops after a script, so that it could be run.
    while !input.is_empty() {
        if let TokenizerResult::Done = tokenizer.feed(&input) {
            break;
        }
    }
    tokenizer.end();
    out.truncated |= *tokenizer.sink.full.borrow();
    tokenizer.sink.pieces.take()
}

struct Element {
    tag: String,
    style: Style,
}

struct Walk<'a> {
    out: &'a mut Output,
    sheet: &'a Sheet,
    stack: Vec<Element>,
    /// Open elements that the stack has no room for.
    beyond: usize,
    /// Hidden text whose end is not reached: adjacent pieces are one.
    pending: Option<(String, How, u64)>,
}

impl Walk<'_> {
    fn token(&mut self, line: u64, piece: Piece) {
        match piece {
            Piece::Comment(text) => {
                self.flush();
                self.out.hide(&text, How::Comment, format_args!("line {line}"));
            }
            Piece::Text(text, raw) => self.text(&text, raw, line),
            Piece::Close(tag) => self.close(&tag),
            Piece::Open { tag, attributes, closed } => self.open(tag, &attributes, closed, line),
        }
    }

    fn text(&mut self, text: &str, raw: Raw, line: u64) {
        let style = self.stack.last().map(|e| e.style).unwrap_or_default();
        let how = match raw {
            Raw::Style => return self.sheet_text(text, line),
            Raw::Script => Some(How::Program),
            Raw::Title => Some(How::Metadata),
            Raw::No => style.hides(),
        };
        let Some(how) = how else {
            if !text.trim().is_empty() {
                self.flush();
            }
            // White space of the source is one space, as it is drawn.
            let mut words = text.split_ascii_whitespace().peekable();
            if text.starts_with(|c: char| c.is_ascii_whitespace()) && !self.out.visible.ends_with([' ', '\n'])
            {
                self.out.show(" ");
            }
            while let Some(word) = words.next() {
                self.out.show(word);
                if words.peek().is_some() || text.ends_with(|c: char| c.is_ascii_whitespace()) {
                    self.out.show(" ");
                }
            }
            return;
        };
        match &mut self.pending {
            Some((before, kind, _)) if *kind == how => before.push_str(text),
            _ => {
                if !text.trim().is_empty() {
                    self.flush();
                    self.pending = Some((text.to_owned(), how, line));
                }
            }
        }
    }

    /// A style sheet may carry text in comments and in what it puts before and after elements.
    fn sheet_text(&mut self, css: &str, line: u64) {
        for comment in css.split("/*").skip(1).filter_map(|c| c.split("*/").next()) {
            self.out.hide(comment, How::Comment, format_args!("line {line}"));
        }
        for content in css.split("content:").skip(1) {
            let value = content.trim_start();
            if let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\''))
                && let Some(text) = value.get(1..).and_then(|v| v.split(quote).next())
            {
                self.out.hide(text, How::Program, format_args!("line {line}, generated by a style sheet"));
            }
        }
    }

    fn open(&mut self, tag: String, attributes: &[(String, String)], closed: bool, line: u64) {
        if LINES.contains(&tag.as_str()) {
            self.flush();
            self.out.line();
        }
        if SELF_ENDING.contains(&tag.as_str()) && self.stack.last().is_some_and(|e| e.tag == tag) {
            self.stack.pop();
        }
        let value = |name: &str| attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let parent = self.stack.last().map(|e| e.style).unwrap_or_default();
        let mut style = parent;
        for declarations in
            self.sheet.of(&tag, value("id").unwrap_or_default(), value("class").unwrap_or_default())
        {
            style.apply(declarations);
        }
        if let Some(colour) = value("bgcolor") {
            style.apply(&format!("background: {colour}"));
        }
        if let Some(colour) = value("color").filter(|_| tag == "font") {
            style.apply(&format!("color: {colour}"));
        }
        if let Some(own) = value("style") {
            style.apply(own);
        }
        let hidden_input = tag == "input" && value("type").is_some_and(|t| t.eq_ignore_ascii_case("hidden"));
        let no_size = matches!(tag.as_str(), "iframe" | "object" | "embed" | "svg" | "canvas")
            && ["width", "height"]
                .iter()
                .any(|n| value(n).is_some_and(|v| matches!(v.trim_end_matches("px"), "0" | "1")));
        style.not_drawn |= value("hidden").is_some()
            || hidden_input
            || matches!(
                tag.as_str(),
                "template" | "noscript" | "datalist" | "noframes" | "noembed" | "head" | "desc"
            );
        style.off_page |= no_size;
        self.attributes(&tag, attributes, line, style.hides());
        if closed || EMPTY.contains(&tag.as_str()) {
            return;
        }
        if self.stack.len() >= MOST_NESTED {
            self.beyond += 1;
            self.out.truncated = true;
        } else {
            self.stack.push(Element { tag, style });
        }
    }

    fn attributes(&mut self, tag: &str, attributes: &[(String, String)], line: u64, hidden: Option<How>) {
        for (name, value) in attributes {
            let data = name.starts_with("data-") && value.contains(' ');
            if !TELLING.contains(&name.as_str()) && !data {
                continue;
            }
            // A value in a visible field is seen.
            let shown =
                tag == "input" && matches!(name.as_str(), "value" | "placeholder") && hidden.is_none();
            if shown {
                self.out.show(value);
                self.out.show(" ");
            } else if name == "srcdoc" {
                self.out.hide(&strip_tags(value), How::NotDrawn, format_args!("line {line}, {tag} {name}"));
            } else {
                let how = if tag == "meta" { How::Metadata } else { How::Attribute };
                self.out.hide(value, how, format_args!("line {line}, {tag} {name}"));
            }
        }
    }

    fn close(&mut self, tag: &str) {
        if LINES.contains(&tag) {
            self.flush();
            self.out.line();
        }
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        if let Some(at) = self.stack.iter().rposition(|e| e.tag == tag) {
            self.stack.truncate(at);
        }
    }

    fn flush(&mut self) {
        if let Some((text, how, line)) = self.pending.take() {
            self.out.hide(&text, how, format_args!("line {line}"));
        }
    }
}

/// A page inside an attribute, without its tags.
fn strip_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    for part in html.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, rest)| rest));
        text.push(' ');
    }
    text
}
