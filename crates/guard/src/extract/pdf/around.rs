//! What stands around the pages of a PDF: data about the document, notes, fields, bookmarks, labels for
//! programs that read aloud, scripts, names of attachments.

use std::collections::BTreeSet;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::super::{How, Output};
use super::file::File;
use super::object::{Dict, Object};

/// Most entries of a tree.
const MOST_ENTRIES: usize = 50_000;
/// Most events of a part in XML.
const MOST_EVENTS: usize = 200_000;

/// Reads all of it.
pub(super) fn read(file: &mut File<'_>, catalogue: &Dict, out: &mut Output) {
    information(file, out);
    if let Object::Stream(stream) = file.get(catalogue, "Metadata") {
        let bytes = file.bytes(&stream);
        out.hide(&of_xml(&bytes), How::Metadata, "XMP");
    }
    let action = file.get(catalogue, "OpenAction").dict();
    self::action(file, &action, "when opened", out);
    let names = file.get(catalogue, "Names").dict();
    let scripts = file.get(&names, "JavaScript");
    tree(file, &scripts, &["Kids", "Names"], "Kids", |file, dict| {
        for pair in file.get(dict, "Names").array().chunks(2).take(MOST_ENTRIES) {
            if let [_, one] = pair {
                let one = file.resolve(one).dict();
                self::action(file, &one, "script", out);
            }
        }
    });
    let attached = file.get(&names, "EmbeddedFiles");
    tree(file, &attached, &["Kids", "Names"], "Kids", |file, dict| {
        for pair in file.get(dict, "Names").array().chunks(2).take(MOST_ENTRIES) {
            if let [name, one] = pair {
                let one = file.resolve(one).dict();
                strings(file, &one, &["UF", "F", "Desc"], How::Metadata, "attachment", out);
                if let Object::Text(name) = file.resolve(name) {
                    seen_or_hidden(file, &text(&name), How::Metadata, "attachment", out);
                }
                // What is attached is a document of its own, and was not read.
                out.truncated = true;
            }
        }
    });
    fields(file, catalogue, out);
    let outlines = file.get(catalogue, "Outlines");
    tree(file, &outlines, &["First", "Next"], "First", |file, dict| {
        strings(file, dict, &["Title"], How::Metadata, "bookmark", out);
    });
    let structure = file.get(catalogue, "StructTreeRoot");
    tree(file, &structure, &["K"], "K", |file, dict| {
        strings(file, dict, &["Alt", "ActualText", "E", "T"], How::Attribute, "structure", out);
    });
}

fn information(file: &mut File<'_>, out: &mut Output) {
    let info = file.of_trailer("Info").dict();
    for (key, value) in info.iter().take(1024) {
        if let Object::Text(bytes) = file.resolve(value) {
            let value = text(&bytes);
            let is_date = value.starts_with("D:") && !value.contains(' ') && value.len() < 40;
            if !is_date {
                out.hide(&value, How::Metadata, format_args!("information, {key}"));
            }
        }
    }
}

fn fields(file: &mut File<'_>, catalogue: &Dict, out: &mut Output) {
    let form = file.get(catalogue, "AcroForm").dict();
    let fields = form.get("Fields").cloned().unwrap_or_default();
    tree(file, &fields, &["Kids"], "Kids", |file, dict| {
        strings(file, dict, &["T", "TU", "TM"], How::Attribute, "field", out);
        strings(file, dict, &["V", "DV"], How::Program, "field", out);
        for key in ["V", "RV", "DV"] {
            if let Object::Stream(stream) = file.get(dict, key) {
                let bytes = file.bytes(&stream);
                seen_or_hidden(file, &text(&bytes), How::Program, "field", out);
            }
        }
        for option in file.get(dict, "Opt").array().iter().take(4096) {
            let option = file.resolve(option);
            for one in option.array().iter().take(2).chain([&option]) {
                if let Object::Text(bytes) = one {
                    seen_or_hidden(file, &text(bytes), How::Program, "field, choice", out);
                }
            }
        }
    });
    let parts = match file.get(&form, "XFA") {
        one @ Object::Stream(_) => vec![one],
        several => several.array().iter().take(64).map(|part| file.resolve(part)).collect(),
    };
    for part in parts {
        if let Object::Stream(stream) = part {
            let bytes = file.bytes(&stream);
            out.hide(&of_xml(&bytes), How::Program, "XFA form");
        }
    }
}

/// Reads the words of a note, whether or not it is drawn.
pub(super) fn note(file: &mut File<'_>, note: &Dict, place: &str, out: &mut Output) {
    strings(file, note, &["Contents", "T", "Subj", "RC"], How::Note, place, out);
    strings(file, note, &["TU"], How::Attribute, place, out);
    let look = file.get(note, "MK").dict();
    strings(file, &look, &["CA", "RC", "AC"], How::Note, place, out);
    let action = file.get(note, "A").dict();
    self::action(file, &action, place, out);
}

fn action(file: &mut File<'_>, action: &Dict, place: &str, out: &mut Output) {
    strings(file, action, &["URI"], How::Attribute, place, out);
    strings(file, action, &["JS"], How::Program, place, out);
    if let Object::Stream(stream) = file.get(action, "JS") {
        let bytes = file.bytes(&stream);
        out.hide(&text(&bytes), How::Program, place);
    }
}

fn strings(file: &mut File<'_>, dict: &Dict, keys: &[&str], how: How, place: &str, out: &mut Output) {
    for key in keys {
        if let Object::Text(bytes) = file.get(dict, key) {
            seen_or_hidden(file, &text(&bytes), how, place, out);
        }
    }
}

/// What people see on a page is not hidden because it also stands elsewhere.
fn seen_or_hidden(file: &mut File<'_>, text: &str, how: How, place: &str, out: &mut Output) {
    let known = out.hidden.len().min(64);
    let said = |hidden: &super::super::Hidden| hidden.text == text && hidden.how == how;
    let repeated = out.hidden.iter().rev().take(known).any(said);
    let seen = text.len() < 256 && file.step(1 + out.visible.len() / 256) && out.visible.contains(text);
    if !repeated && !seen {
        out.hide(text, how, place);
    }
}

/// Walks dictionaries that lead to each other by some keys, each once.
fn tree(
    file: &mut File<'_>,
    root: &Object,
    keys: &[&str],
    down: &str,
    mut each: impl FnMut(&mut File<'_>, &Dict),
) {
    let mut seen = BTreeSet::new();
    let mut open: Vec<Object> = vec![root.clone()];
    let mut looked = 0;
    while let Some(object) = open.pop() {
        if let Object::Ref(number) = object
            && !seen.insert(number)
        {
            continue;
        }
        looked += 1;
        if looked > MOST_ENTRIES || !file.step(1) {
            file.truncated = true;
            return;
        }
        match file.resolve(&object) {
            Object::Array(several) => {
                open.extend(several.iter().rev().take(MOST_ENTRIES).cloned());
            }
            Object::Dict(dict) => {
                each(file, &dict);
                for key in keys.iter().filter(|key| **key != "Names") {
                    if **key == *down || dict.get(key).is_some() {
                        open.extend(dict.get(key).cloned());
                    }
                }
            }
            _ => {}
        }
    }
}

/// A string of text (ISO 32000-2, 7.9.2.2).
pub(super) fn text(bytes: &[u8]) -> String {
    /// `PDFDocEncoding` from 0x18 to 0x1f and from 0x80 to 0xa0.
    const LOW: &str = "\u{2d8}\u{2c7}\u{2c6}\u{2d9}\u{2dd}\u{2db}\u{2da}\u{2dc}";
    const HIGH: &str = "\u{2022}\u{2020}\u{2021}\u{2026}\u{2014}\u{2013}\u{192}\u{2044}\u{2039}\u{203a}\u{2212}\
         \u{2030}\u{201e}\u{201c}\u{201d}\u{2018}\u{2019}\u{201a}\u{2122}\u{fb01}\u{fb02}\u{141}\u{152}\u{160}\
         \u{178}\u{17d}\u{131}\u{142}\u{153}\u{161}\u{17e}\u{fffd}\u{20ac}";
    match bytes {
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] => super::super::kind::decoded(bytes).into_owned(),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => bytes
            .iter()
            .map(|byte| {
                let of = |table: &str, first: u8| table.chars().nth(usize::from(byte - first));
                match byte {
                    0x18..=0x1f => of(LOW, 0x18),
                    0x80..=0xa0 => of(HIGH, 0x80),
                    _ => None,
                }
                .unwrap_or(char::from(*byte))
            })
            .collect(),
    }
}

/// The words of a part in XML, and the values of its attributes that have several.
fn of_xml(bytes: &[u8]) -> String {
    let source = super::super::kind::decoded(bytes);
    let mut reader = Reader::from_str(&source);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    let mut words: Vec<String> = Vec::new();
    for _ in 0..MOST_EVENTS {
        match reader.read_event() {
            Ok(Event::Text(said)) => words.push(said.to_string()),
            Ok(Event::CData(said)) => words.push(said.to_string()),
            Ok(Event::GeneralRef(said)) => {
                let name = said.to_string();
                words.push(format!("&{name};"));
            }
            Ok(Event::Start(element) | Event::Empty(element)) => {
                for attribute in element.attributes().with_checks(false).take(64).flatten() {
                    let value = attribute.value.to_string();
                    if value.trim().contains(' ') {
                        words.push(value);
                    }
                }
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let words: Vec<&str> = words.iter().map(|w| w.trim()).filter(|w| !w.is_empty()).collect();
    words.join("\n")
}
