//! XML, as OpenVINO and PMML models are written: which elements there are, and what would be taken from elsewhere.
//!
//! Nothing is expanded and nothing is followed: entities are only listed. A document is read as events, so depth
//! costs nothing. Source: XML 1.0, 4.2 "Entity Declarations".

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::ArtifactError;

/// Elements of one document.
const MAX_ELEMENTS: u64 = 20_000_000;

/// What a document says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Name of the root element.
    pub root: String,
    /// The document type declaration, if there is one.
    pub doctype: Option<Doctype>,
    /// Processing instructions other than the XML declaration.
    pub instructions: Vec<String>,
    /// Elements of interest: name and attributes.
    pub elements: Vec<Element>,
}

/// A document type declaration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doctype {
    /// Where it begins.
    pub offset: u64,
    /// Addresses and files that it names: of itself and of entities.
    pub external: Vec<String>,
    /// Names of entities that it declares.
    pub entities: Vec<String>,
}

/// An element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name without a prefix.
    pub name: String,
    /// Its attributes, escapes undone.
    pub attributes: BTreeMap<String, String>,
    /// Where it begins in the file.
    pub offset: u64,
    /// How many elements it stands in.
    pub depth: u64,
}

/// Whether a text is meant as XML: it begins with a declaration, or behind comments and instructions with a document type or
/// a model's root element.
#[must_use]
pub fn is_xml(bytes: &[u8]) -> bool {
    let mut text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if text.starts_with(b"<?xml") {
        return true;
    }
    // What may stand in front of the root.
    while let Some(rest) = behind(text, b"<!--", b"-->").or_else(|| behind(text, b"<?", b"?>")) {
        text = rest.trim_ascii_start();
    }
    let html =
        |rest: &[u8]| rest.trim_ascii_start().get(..4).is_some_and(|w| w.eq_ignore_ascii_case(b"html"));
    text.strip_prefix(b"<!DOCTYPE").is_some_and(|rest| !html(rest)) || root(text).is_some_and(is_of_a_model)
}

/// The name of the element that begins a text, without its prefix.
fn root(text: &[u8]) -> Option<&[u8]> {
    const LONGEST: usize = 256;
    let name = text.strip_prefix(b"<")?;
    let length =
        name.iter().take(LONGEST).position(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'))?;
    name[..length].rsplit(|b| *b == b':').next()
}

/// Whether writers of models, of layers and of Java's beans leave the declaration off of such an element.
fn is_of_a_model(name: &[u8]) -> bool {
    [&b"PMML"[..], b"net", b"CustomLayer", b"java"].contains(&name) || name.starts_with(b"java.")
}

/// What follows a part of a text that begins and ends so.
fn behind<'t>(text: &'t [u8], start: &[u8], end: &[u8]) -> Option<&'t [u8]> {
    let inner = text.strip_prefix(start)?;
    memchr::memmem::find(inner, end).map(|at| &inner[at + end.len()..])
}

/// Reads a document; `keep` says which elements are of interest.
///
/// # Errors
/// It is not well-formed, or has more elements than any model.
pub fn survey(bytes: &[u8], keep: &dyn Fn(&str) -> bool) -> Result<Survey, ArtifactError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| ArtifactError::malformed("XML", e.valid_up_to() as u64, "the text is not UTF-8"))?;
    let mut reader = Reader::from_str(text);
    let mut out = Survey::default();
    let (mut elements, mut depth) = (0u64, 0u64);
    loop {
        let at = reader.buffer_position();
        let event = reader
            .read_event()
            .map_err(|e| ArtifactError::malformed("XML", reader.error_position(), e.to_string()))?;
        match event {
            Event::Eof => break,
            Event::Start(start) => {
                element(&start, (at, depth), keep, &mut out)?;
                depth += 1;
                elements += 1;
            }
            Event::Empty(start) => {
                element(&start, (at, depth), keep, &mut out)?;
                elements += 1;
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::DocType(text) => {
                let doctype = doctype(&text, at);
                match &mut out.doctype {
                    None => out.doctype = Some(doctype),
                    Some(first) => {
                        first.external.extend(doctype.external);
                        first.entities.extend(doctype.entities);
                    }
                }
            }
            Event::PI(text) => out.instructions.push(text.to_string()),
            _ => {}
        }
        if elements > MAX_ELEMENTS {
            return Err(ArtifactError::Limit { format: "XML", what: "elements", limit: MAX_ELEMENTS });
        }
    }
    if depth > 0 || out.root.is_empty() {
        return Err(ArtifactError::malformed(
            "XML",
            bytes.len() as u64,
            "the document ends within an element",
        ));
    }
    Ok(out)
}

fn element(
    start: &BytesStart<'_>,
    (at, depth): (u64, u64),
    keep: &dyn Fn(&str) -> bool,
    out: &mut Survey,
) -> Result<(), ArtifactError> {
    let name = start.local_name().as_ref().to_owned();
    if out.root.is_empty() {
        out.root.clone_from(&name);
    }
    if !keep(&name) {
        return Ok(());
    }
    let mut attributes = BTreeMap::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| ArtifactError::malformed("XML", at, e.to_string()))?;
        let key = attribute.key.local_name().as_ref().to_owned();
        let raw = attribute.value.into_owned();
        // An entity that the document declares stays as it is written.
        let value = quick_xml::escape::unescape(&raw).map(std::borrow::Cow::into_owned).unwrap_or(raw);
        attributes.insert(key, value);
    }
    out.elements.push(Element { name, attributes, offset: at, depth });
    Ok(())
}

/// The entities and addresses in a document type declaration.
fn doctype(text: &str, offset: u64) -> Doctype {
    let mut out = Doctype { offset, ..Doctype::default() };
    let mut words = Words(text);
    let mut previous = String::new();
    while let Some(word) = words.next() {
        match word {
            Word::Name(name) => {
                if previous == "<!ENTITY" && name != "%" {
                    out.entities.push(name.to_owned());
                }
                if name != "%" {
                    previous = name.to_owned();
                }
            }
            Word::Text(text) => {
                // PUBLIC has a name and then an address, SYSTEM an address.
                match previous.as_str() {
                    "SYSTEM" => {
                        out.external.push(text.to_owned());
                        previous.clear();
                    }
                    "PUBLIC" => previous = "SYSTEM".to_owned(),
                    _ => previous.clear(),
                }
            }
        }
    }
    out
}

enum Word<'a> {
    Name(&'a str),
    Text(&'a str),
}

/// Words and quoted texts of a declaration.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<Word<'a>> {
        let break_at = |c: char| c.is_whitespace() || matches!(c, '[' | ']' | '>' | '"' | '\'');
        loop {
            self.0 = self.0.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '>'));
            let Some(comment) = self.0.strip_prefix("<!--") else { break };
            self.0 = comment.split_once("-->").map_or("", |(_, rest)| rest);
        }
        let first = self.0.chars().next()?;
        if matches!(first, '"' | '\'') {
            let rest = self.0.get(1..).unwrap_or_default();
            let (text, rest) = rest.split_once(first).unwrap_or((rest, ""));
            self.0 = rest;
            return Some(Word::Text(text));
        }
        let end = self.0.find(break_at).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(Word::Name(name))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn entities_are_listed_and_never_followed() {
        let text = br#"<?xml version="1.0"?><!DOCTYPE net [<!ENTITY a SYSTEM "file:///etc/passwd">
            <!ENTITY % p PUBLIC "x" 'http://example.org/x.dtd'><!-- <!ENTITY no "x"> --><!ENTITY b "&a;&a;">]><net name="&a;"/>"#;
        let survey = survey(text, &|_| true).unwrap();
        let doctype = survey.doctype.unwrap();
        assert_eq!(doctype.external, ["file:///etc/passwd", "http://example.org/x.dtd"]);
        assert_eq!(doctype.entities, ["a", "p", "b"]);
        assert_eq!((survey.root.as_str(), survey.elements[0].attributes["name"].as_str()), ("net", "&a;"));
    }

    #[test]
    fn what_is_no_document_is_an_error() {
        assert!(survey(b"<net><layer></net>", &|_| true).is_err());
        assert!(survey(b"<net>", &|_| true).is_err());
        assert!(survey(b"", &|_| true).is_err());
        assert!(is_xml(b"\n<?xml?>") && !is_xml(b"<!DOCTYPE html><p>") && !is_xml(b"a < b"));
        for odd in [
            "<!-- a -->\n<?b?> <!DOCTYPE PMML>",
            "<p:PMML xmlns:p='x'>",
            "<java\n>",
            "<java>",
            "<!---->\n<CustomLayer/>",
        ] {
            assert!(is_xml(odd.as_bytes()), "{odd}");
        }
        assert!(
            !is_xml(b"<!-- a --> <p>") && !is_xml(b"<network>") && !is_xml(b"<!-- open") && !is_xml(b"<net")
        );
    }

    proptest! {
        #[test]
        fn arbitrary_text_ends(text in "[<>!?\\[\\]\"'a-eENTITYSYSTEMDOCTYPE &;%/=-]{0,200}") {
            let _ = survey(text.as_bytes(), &|_| true);
            let _ = doctype(&text, 0);
        }
    }
}
