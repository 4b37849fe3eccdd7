//! PDF (ISO 32000-2): text that is drawn so that nobody sees it, and text that is not drawn at all.
//!
//! A reader of our own, because what is asked is not what a page says but what of it people see, and because
//! files come from whoever wants to harm: nothing recurses, every table and stream is bounded, and broken
//! files are read as readers read them. Places come from bounds of letters as fonts state them, not from their
//! outlines; pictures and patterns behind text count as something that text may be read on. An encrypted file
//! is said to be unread, and letters of fonts that do not tell what they say leave the document unread in part.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::Output;

mod around;
mod contents;
mod file;
mod filter;
mod font;
mod geometry;
mod glyphs;
mod layers;
mod object;
mod path;
mod sheet;
mod state;

use contents::Painter;
use file::File;
use font::Font;
use geometry::{Area, Matrix};
use layers::Layers;
use object::{Dict, Object};

/// Most pages.
const MOST_PAGES: usize = 20_000;
/// Most nodes of the tree of pages.
const MOST_NODES: usize = 100_000;
/// Most notes of a page.
const MOST_NOTES: usize = 4096;
/// The page of a file that states none, in points.
const LETTER: Area = Area { x0: 0.0, y0: 0.0, x1: 612.0, y1: 792.0 };

/// Reads a document.
pub(super) fn read(bytes: &[u8], out: &mut Output) {
    let mut file = File::open(bytes);
    if !matches!(file.of_trailer("Encrypt"), Object::Null) {
        out.truncated = true;
        return;
    }
    let catalogue = file.catalogue();
    let layers = Layers::read(&mut file, &catalogue);
    let mut fonts = BTreeMap::new();
    let pages = pages(&mut file, &catalogue);
    if pages.is_empty() {
        file.truncated = true;
    }
    for (at, page) in pages.iter().enumerate() {
        draw(&mut file, page, at + 1, &layers, &mut fonts, out);
    }
    around::read(&mut file, &catalogue, out);
    out.truncated |= file.truncated;
}

/// A page with what it inherits.
struct Page {
    dict: Dict,
    resources: Object,
    bounds: [Object; 2],
}

/// The pages in their order.
fn pages(file: &mut File<'_>, catalogue: &Dict) -> Vec<Page> {
    let mut pages = Vec::new();
    let mut seen = BTreeSet::new();
    let root = catalogue.get("Pages").cloned().unwrap_or_default();
    let mut open = vec![(root, Object::Null, [Object::Null, Object::Null])];
    let mut nodes = 0;
    while let Some((node, resources, bounds)) = open.pop() {
        nodes += 1;
        if pages.len() >= MOST_PAGES || nodes > MOST_NODES || !file.step(1) {
            file.truncated = true;
            break;
        }
        if let Object::Ref(number) = node
            && !seen.insert(number)
        {
            continue;
        }
        let Object::Dict(dict) = file.resolve(&node) else {
            continue;
        };
        let inherited = |key: &str, above: Object| dict.get(key).cloned().unwrap_or(above);
        let resources = inherited("Resources", resources);
        let [media, crop] = bounds;
        let bounds = [inherited("MediaBox", media), inherited("CropBox", crop)];
        match file.get(&dict, "Kids") {
            Object::Array(kids) => {
                open.extend(
                    kids.iter()
                        .rev()
                        .take(MOST_NODES)
                        .map(|k| (k.clone(), resources.clone(), bounds.clone())),
                );
            }
            _ => pages.push(Page { dict, resources, bounds }),
        }
    }
    if pages.is_empty() {
        for dict in file.loose_pages() {
            let of = |key: &str| dict.get(key).cloned().unwrap_or_default();
            let (resources, bounds) = (of("Resources"), [of("MediaBox"), of("CropBox")]);
            pages.push(Page { dict, resources, bounds });
        }
    }
    pages
}

fn area(file: &mut File<'_>, object: &Object) -> Option<Area> {
    let corners: Vec<Object> =
        file.resolve(object).array().iter().take(4).map(|corner| file.resolve(corner)).collect();
    Area::read(&corners).filter(|area| area.width() > 0.0 && area.height() > 0.0)
}

fn draw(
    file: &mut File<'_>,
    page: &Page,
    number: usize,
    layers: &Layers,
    fonts: &mut BTreeMap<u32, Rc<Font>>,
    out: &mut Output,
) {
    let [media, crop] = &page.bounds;
    let media = area(file, media).unwrap_or(LETTER);
    let shown = area(file, crop).map_or(media, |crop| crop.and(media));
    let shown = if shown.width() > 0.0 && shown.height() > 0.0 { shown } else { media };
    let unit = file.get(&page.dict, "UserUnit").number().filter(|u| *u > 0.0).unwrap_or(1.0);
    let scaled = shown.under(Matrix([unit, 0.0, 0.0, unit, 0.0, 0.0]));
    let resources = file.resolve(&page.resources).dict();
    let contents = contents_of(file, &page.dict);
    let place = format!("page {number}");
    let notes = file.get(&page.dict, "Annots");
    let mut painter = Painter::new(file, layers, fonts, out, place.clone(), scaled);
    painter.run(contents, resources, scaled, unit);
    for note in notes.array().iter().take(MOST_NOTES) {
        let note = painter.file.resolve(note).dict();
        appearance(&mut painter, &note, scaled, unit);
    }
    let (sheet, unread) = (std::mem::take(&mut painter.sheet), painter.unread);
    file.truncated |= unread || notes.array().len() > MOST_NOTES;
    sheet.tell(file, &place, out);
    for (at, note) in notes.array().iter().take(MOST_NOTES).enumerate() {
        let note = file.resolve(note).dict();
        around::note(file, &note, &format!("{place}, annotation {}", at + 1), out);
    }
}

/// The contents of a page in one piece.
fn contents_of(file: &mut File<'_>, page: &Dict) -> Rc<[u8]> {
    match file.get(page, "Contents") {
        Object::Stream(stream) => file.bytes(&stream),
        Object::Array(parts) => {
            let mut all = Vec::new();
            for part in parts.iter() {
                if let Object::Stream(stream) = file.resolve(part) {
                    let bytes = file.bytes(&stream);
                    if !file.step(1 + bytes.len() / 256) {
                        break;
                    }
                    all.extend_from_slice(&bytes);
                    all.push(b'\n');
                }
            }
            all.into()
        }
        _ => Rc::default(),
    }
}

/// Draws what a note looks like (ISO 32000-2, 12.5.5).
fn appearance(painter: &mut Painter<'_, '_>, note: &Dict, page: Area, unit: f64) {
    const INVISIBLE: i64 = 1;
    const HIDDEN: i64 = 2;
    const NO_VIEW: i64 = 32;
    let file = &mut *painter.file;
    let looks = file.get(note, "AP").dict();
    let look = match file.get(&looks, "N") {
        Object::Dict(states) => {
            let state = file.get(note, "AS");
            state.name().map(|name| file.get(&states, name)).unwrap_or_default()
        }
        look => look,
    };
    let Object::Stream(look) = look else {
        return;
    };
    let flags = file.get(note, "F").integer().unwrap_or(0);
    let layer = note.get("OC").cloned();
    let is_popup = file.get(note, "Subtype").name() == Some("Popup");
    let hides = flags & (INVISIBLE | HIDDEN | NO_VIEW) != 0
        || is_popup
        || layer.is_some_and(|layer| painter.layers.hide(file, &layer));
    let place = file.get(note, "Rect");
    let place = Area::read(place.array()).unwrap_or(Area { x0: 0.0, y0: 0.0, x1: 0.0, y1: 0.0 });
    let bounds = Area::read(file.get(&look.dict, "BBox").array()).unwrap_or(place);
    let matrix = Matrix::read(file.get(&look.dict, "Matrix").array()).unwrap_or(Matrix::SAME);
    let drawn = bounds.under(matrix);
    let scale = |to: f64, from: f64| if from > 0.0 { to / from } else { 1.0 };
    let (sx, sy) = (scale(place.width(), drawn.width()), scale(place.height(), drawn.height()));
    let fit = Matrix([sx, 0.0, 0.0, sy, place.x0 - drawn.x0 * sx, place.y0 - drawn.y0 * sy])
        .then(Matrix([unit, 0.0, 0.0, unit, 0.0, 0.0]));
    painter.run_form(&look, fit, page, hides);
}

#[cfg(test)]
mod tests;
