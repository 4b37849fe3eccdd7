//! Office Open XML (ECMA-376): runs that are hidden, white or tiny, comments, notes, deleted text,
//! descriptions, fields, properties, custom XML; slides and sheets by their text.

use std::collections::BTreeMap;

use proofhouse_artifact::zip::{Archive, Limits};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::colour::{Colour, WHITE};
use super::{How, Output};

/// Most members of an archive.
const MOST_MEMBERS: usize = 4096;
/// Most bytes of one member.
const MOST_MEMBER_BYTES: u64 = 16 << 20;
/// Most bytes of all members.
const MOST_BYTES: usize = 48 << 20;
/// Most events of one member.
const MOST_EVENTS: usize = 4_000_000;

/// Reads a document.
pub(super) fn read(bytes: &[u8], out: &mut Output) {
    let Ok(archive) = Archive::walk(bytes, &Limits { max_members: MOST_MEMBERS }) else {
        out.truncated = true;
        return;
    };
    let mut opened = 0;
    let mut parts: Vec<(String, String)> = Vec::new();
    for member in archive.members() {
        let name = member.name.trim_start_matches('/').to_owned();
        if !(name.ends_with(".xml") || name.ends_with(".rels")) || name == "[Content_Types].xml" {
            continue;
        }
        match archive.read(member, MOST_MEMBER_BYTES) {
            Ok(content) if opened + content.bytes.len() <= MOST_BYTES => {
                opened += content.bytes.len();
                parts.push((name, super::kind::decoded(&content.bytes).into_owned()));
            }
            _ => out.truncated = true,
        }
    }
    let mut styles = Styles::default();
    if let Some((_, xml)) = parts.iter().find(|(name, _)| name == "word/styles.xml") {
        styles.read(xml, out);
    }
    for (name, xml) in &parts {
        let class = class_of(name);
        if let Some(class) = class {
            part(name, xml, class, &styles, out);
        }
    }
}

/// How text of a part is read: drawn unless its own marks say otherwise, or hidden as a whole.
fn class_of(name: &str) -> Option<Option<How>> {
    let is = |prefix: &str| name.starts_with(prefix);
    if name.ends_with(".rels")
        || name == "word/styles.xml"
        || is("word/theme")
        || is("ppt/theme")
        || is("xl/theme")
    {
        return None;
    }
    Some(if is("word/comments") || is("xl/comments") || is("ppt/comments") {
        Some(How::Comment)
    } else if is("word/footnotes") || is("word/endnotes") || is("ppt/notesSlides") {
        Some(How::Note)
    } else if is("docProps/") {
        Some(How::Metadata)
    } else if is("customXml/") || is("word/settings") || is("word/glossary") {
        Some(How::Program)
    } else if is("word/document")
        || is("word/header")
        || is("word/footer")
        || is("ppt/slides/")
        || is("xl/sharedStrings")
        || is("xl/worksheets/")
    {
        None
    } else {
        return None;
    })
}

/// What a run's properties say.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    hidden: Option<bool>,
    /// Half points.
    size: Option<f64>,
    colour: Option<Colour>,
    behind: Option<Colour>,
}

impl Run {
    fn property(&mut self, name: &str, element: &BytesStart<'_>) {
        let value = attribute(element, "val");
        let off = matches!(value.as_deref(), Some("0" | "false" | "off"));
        match name {
            "vanish" | "webHidden" | "specVanish" => self.hidden = Some(!off),
            "sz" => self.size = value.and_then(|v| v.parse().ok()).or(self.size),
            "color" => self.colour = value.and_then(|v| Colour::hex(&v)).map(|(c, _)| c),
            "shd" => {
                self.behind =
                    attribute(element, "fill").and_then(|v| Colour::hex(&v)).map(|(c, _)| c).or(self.behind);
            }
            "highlight" => {
                self.behind =
                    value.and_then(|v| Colour::parse(&v.to_ascii_lowercase())).map(|(c, _)| c).or(self.behind)
            }
            _ => {}
        }
    }

    fn over(self, below: Self) -> Self {
        Self {
            hidden: self.hidden.or(below.hidden),
            size: self.size.or(below.size),
            colour: self.colour.or(below.colour),
            behind: self.behind.or(below.behind),
        }
    }

    fn hides(&self) -> Option<How> {
        if self.hidden == Some(true) {
            Some(How::NotDrawn)
        } else if self.size.is_some_and(|s| s <= 4.0) {
            Some(How::Tiny)
        } else if self.colour.is_some_and(|c| c.is_lost_on(self.behind.unwrap_or(WHITE))) {
            Some(How::Camouflage)
        } else {
            None
        }
    }
}

/// Run properties by style.
#[derive(Debug, Default)]
struct Styles(BTreeMap<String, Run>);

impl Styles {
    fn read(&mut self, xml: &str, out: &mut Output) {
        let mut id: Option<String> = None;
        events(xml, out, |event, _| match event {
            Event::Start(e) | Event::Empty(e) => {
                if e.local_name().as_ref() == "style" {
                    id = attribute(e, "styleId");
                } else if let Some(id) = &id
                    && self.0.len() < 4096
                {
                    self.0.entry(id.clone()).or_default().property(e.local_name().as_ref(), e);
                }
            }
            _ => {}
        });
    }
}

fn part(name: &str, xml: &str, whole: Option<How>, styles: &Styles, out: &mut Output) {
    let mut run = Run::default();
    let mut paragraph_style = Run::default();
    let (mut in_run, mut in_text, mut deleted, mut in_field, mut paragraphs) =
        (false, false, 0usize, false, 0usize);
    let mut pending: Option<(String, How, usize)> = None;
    let data = matches!(whole, Some(How::Metadata | How::Program));
    events(xml, out, |event, out| match event {
        Event::Start(e) | Event::Empty(e) => {
            let empty = matches!(event, Event::Empty(_));
            let local = e.local_name();
            match local.as_ref() {
                "p" if !empty => {
                    paragraphs += 1;
                    paragraph_style = Run::default();
                    flush(&mut pending, name, out);
                    out.line();
                }
                "r" if !empty => (in_run, run) = (true, Run::default()),
                "pStyle" => paragraph_style = style(styles, e),
                "rStyle" => run = run.over(style(styles, e)),
                "t" | "delText" => in_text = !empty,
                "instrText" => (in_text, in_field) = (!empty, !empty),
                "del" | "moveFrom" if !empty => deleted += 1,
                "tab" | "br" if in_run => out.show(" "),
                "docPr" | "cNvPr" => {
                    for attribute_name in ["descr", "title"] {
                        if let Some(text) = attribute(e, attribute_name) {
                            out.hide(
                                &text,
                                How::Attribute,
                                format_args!("{name} paragraph {paragraphs}, picture description"),
                            );
                        }
                    }
                }
                property if in_run => run.property(property, e),
                _ => {}
            }
        }
        Event::End(e) => match e.local_name().as_ref() {
            "r" => in_run = false,
            "t" | "delText" => in_text = false,
            "instrText" => (in_text, in_field) = (false, false),
            "del" | "moveFrom" => deleted = deleted.saturating_sub(1),
            "si" | "row" => out.line(),
            _ => {}
        },
        Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
            let text = text_of(event);
            let how = whole.or_else(|| {
                if deleted > 0 {
                    Some(How::Deleted)
                } else if in_field {
                    Some(How::Program)
                } else {
                    run.over(paragraph_style).hides()
                }
            });
            if !(in_text || data) {
                return;
            }
            match (how, &mut pending) {
                (None, _) => {
                    flush(&mut pending, name, out);
                    out.show(&text);
                }
                (Some(how), Some((before, kind, at)))
                    if *kind == how && *at == paragraphs && before.len() < 1 << 20 =>
                {
                    if data {
                        before.push(' ');
                    }
                    before.push_str(&text);
                }
                (Some(how), _) => {
                    flush(&mut pending, name, out);
                    pending = Some((text, how, paragraphs));
                }
            }
        }
        Event::Comment(text) => out.hide(text, How::Comment, name),
        _ => {}
    });
    flush(&mut pending, name, out);
    out.line();
}

fn flush(pending: &mut Option<(String, How, usize)>, name: &str, out: &mut Output) {
    if let Some((text, how, paragraph)) = pending.take() {
        out.hide(&text, how, format_args!("{name} paragraph {paragraph}"));
    }
}

fn style(styles: &Styles, element: &BytesStart<'_>) -> Run {
    attribute(element, "val").and_then(|id| styles.0.get(&id).copied()).unwrap_or_default()
}

fn attribute(element: &BytesStart<'_>, local: &str) -> Option<String> {
    let found = element
        .attributes()
        .with_checks(false)
        .take(64)
        .flatten()
        .find(|a| a.key.local_name().as_ref() == local)?;
    let raw = found.value.to_string();
    Some(quick_xml::escape::unescape(&raw).map(|t| t.into_owned()).unwrap_or(raw))
}

fn text_of(event: &Event<'_>) -> String {
    match event {
        Event::Text(t) => t.to_string(),
        Event::CData(t) => t.to_string(),
        Event::GeneralRef(r) => {
            let name = r.to_string();
            let raw = format!("&{name};");
            quick_xml::escape::unescape(&raw).map(|t| t.into_owned()).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// Walks the events of a part; a broken part is read as far as it goes.
fn events(xml: &str, out: &mut Output, mut each: impl FnMut(&Event<'_>, &mut Output)) {
    let mut reader = Reader::from_str(xml);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    for _ in 0..MOST_EVENTS {
        match reader.read_event() {
            Ok(Event::Eof) => return,
            Ok(event) => each(&event, out),
            Err(_) => break,
        }
    }
    out.truncated = true;
}
