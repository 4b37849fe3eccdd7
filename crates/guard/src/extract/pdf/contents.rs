//! Runs the operators of a page (ISO 32000-2, annex A) as far as they decide what text is drawn, where, and
//! whether anybody sees it. Forms within forms stand on a stack; a form within itself is left out.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::{How, Output};
use super::around::text;
use super::file::File;
use super::font::Font;
use super::geometry::{Area, Matrix};
use super::layers::Layers;
use super::object::{Dict, Item, Lexer, Object, Stream, is_space};
use super::path::Path;
use super::sheet::{Fill, Piece, Sheet, is_overlong};
use super::state::{Paint, Space, State};

/// How deep forms may stand in forms.
const MOST_FORMS: usize = 16;
/// How many states may be kept.
const MOST_STATES: usize = 1024;
/// Most operands before an operator.
const MOST_OPERANDS: usize = 64;
/// Points below which letters are too small to be read, and across which they are a line.
const TINY: f64 = 1.5;
const NARROW: f64 = 0.3;
/// Below this letters shine through.
const FAINT: f64 = 0.1;

/// Draws contents on a sheet.
pub(super) struct Painter<'p, 'f> {
    pub file: &'p mut File<'f>,
    pub layers: &'p Layers,
    pub fonts: &'p mut BTreeMap<u32, Rc<Font>>,
    pub out: &'p mut Output,
    pub sheet: Sheet,
    pub place: String,
    state: State,
    kept: Vec<State>,
    frames: Vec<Frame>,
    marks: Vec<Mark>,
    text_matrix: Matrix,
    line_matrix: Matrix,
    path: Path,
    /// Whether letters were drawn of which nobody says what they are.
    pub unread: bool,
}

/// Contents that are being run.
struct Frame {
    bytes: Rc<[u8]>,
    at: usize,
    resources: Dict,
    kept: usize,
    marks: usize,
    /// Whether the last mark below is of the form itself, and not for its contents to end.
    own_mark: bool,
    stream: Option<usize>,
}

/// Marked content.
struct Mark {
    hides: bool,
    instead: Option<String>,
    pieces: usize,
}

impl<'p, 'f> Painter<'p, 'f> {
    pub(super) fn new(
        file: &'p mut File<'f>,
        layers: &'p Layers,
        fonts: &'p mut BTreeMap<u32, Rc<Font>>,
        out: &'p mut Output,
        place: String,
        page: Area,
    ) -> Self {
        Self {
            file,
            layers,
            fonts,
            out,
            sheet: Sheet::default(),
            place,
            state: State::new(page),
            kept: Vec::new(),
            frames: Vec::new(),
            marks: Vec::new(),
            text_matrix: Matrix::SAME,
            line_matrix: Matrix::SAME,
            path: Path::new(),
            unread: false,
        }
    }

    /// Runs the contents of a page, or an appearance under its matrix, hidden as a whole or not.
    pub(super) fn run(&mut self, bytes: Rc<[u8]>, resources: Dict, page: Area, scale: f64) {
        self.state = State::new(page);
        self.state.matrix = Matrix([scale, 0.0, 0.0, scale, 0.0, 0.0]);
        self.enter(bytes, resources, None);
        self.work();
    }

    /// Draws a form, such as an appearance.
    pub(super) fn run_form(&mut self, stream: &Stream, matrix: Matrix, page: Area, hides: bool) {
        self.state = State::new(page);
        self.state.matrix = matrix;
        self.marks.push(Mark { hides, instead: None, pieces: 0 });
        self.form(stream);
        self.work();
        self.marks.clear();
    }

    fn enter(&mut self, bytes: Rc<[u8]>, resources: Dict, stream: Option<usize>) {
        let (kept, marks) = (self.kept.len(), self.marks.len());
        self.frames.push(Frame { bytes, at: 0, resources, kept, marks, own_mark: false, stream });
    }

    fn work(&mut self) {
        let mut operands: Vec<Object> = Vec::new();
        while let Some(frame) = self.frames.last_mut() {
            let bytes = frame.bytes.clone();
            let mut lexer = Lexer::of_contents(&bytes, frame.at);
            let item = lexer.item();
            let began = std::mem::replace(&mut frame.at, lexer.at);
            if !self.file.step(1 + (lexer.at - began) / 256) {
                self.frames.clear();
                return;
            }
            match item {
                Item::Object(object) => {
                    if operands.len() < MOST_OPERANDS {
                        operands.push(object);
                    }
                }
                Item::Word(word) => {
                    self.operator(word, &operands, &bytes);
                    operands.clear();
                }
                Item::End => {
                    operands.clear();
                    self.leave();
                }
            }
        }
    }

    fn leave(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.marks.truncate(frame.marks.saturating_sub(usize::from(frame.own_mark)));
            // A form keeps its caller's state one below what it began with.
            if frame.stream.is_some()
                && let Some(at) = frame.kept.checked_sub(1)
            {
                self.kept.truncate(frame.kept);
                if let Some(state) = self.kept.get(at).cloned() {
                    self.state = state;
                }
                self.kept.truncate(at);
            } else {
                self.kept.truncate(frame.kept);
            }
        }
    }

    fn operator(&mut self, word: &[u8], operands: &[Object], bytes: &Rc<[u8]>) {
        let numbers: Vec<f64> = operands.iter().filter_map(Object::number).collect();
        let state = &mut self.state;
        match (word, numbers.as_slice()) {
            (b"q", _) => {
                if self.kept.len() < MOST_STATES {
                    self.kept.push(self.state.clone());
                } else {
                    self.file.truncated = true;
                }
            }
            (b"Q", _) => {
                if self.kept.len() > self.frames.last().map_or(0, |frame| frame.kept)
                    && let Some(kept) = self.kept.pop()
                {
                    self.state = kept;
                }
            }
            (b"cm", _) => {
                if let Some(matrix) = Matrix::read(operands) {
                    state.matrix = matrix.then(state.matrix);
                }
            }
            (b"gs", _) => self.parameters(operands),
            (b"Do", _) => self.object(operands),
            (b"sh", _) => {
                let fill = Fill { area: state.clip, paint: None, whole: state.replaces };
                self.sheet.fill(self.file, fill);
            }
            (b"BI", _) => self.picture_in_line(bytes),
            (b"BMC" | b"BDC", _) => self.mark(operands),
            (b"EMC", _) => self.unmark(),
            // Text.
            (b"BT", _) => (self.text_matrix, self.line_matrix) = (Matrix::SAME, Matrix::SAME),
            (b"Tf", [size]) => {
                state.size = *size;
                self.font(operands);
            }
            (b"Tc", [n]) => state.spacing = *n,
            (b"Tw", [n]) => state.word_spacing = *n,
            (b"Tz", [n]) => state.stretch = *n / 100.0,
            (b"TL", [n]) => state.leading = *n,
            (b"Ts", [n]) => state.rise = *n,
            (b"Tr", [n]) => state.mode = *n as i64,
            (b"Td", [x, y]) => self.move_line(*x, *y),
            (b"TD", [x, y]) => {
                state.leading = -*y;
                self.move_line(*x, *y);
            }
            (b"T*", _) => self.move_line(0.0, -self.state.leading),
            (b"Tm", _) => {
                if let Some(matrix) = Matrix::read(operands) {
                    (self.text_matrix, self.line_matrix) = (matrix, matrix);
                }
            }
            (b"Tj" | b"TJ", _) => self.show(operands.last()),
            (b"'", _) => {
                self.move_line(0.0, -self.state.leading);
                self.show(operands.last());
            }
            (b"\"", [word_spacing, spacing]) => {
                (state.word_spacing, state.spacing) = (*word_spacing, *spacing);
                self.move_line(0.0, -self.state.leading);
                self.show(operands.last());
            }
            // Colours.
            (b"g", values) => (state.fill_space, state.fill) = (Space::Grey, Space::Grey.paint(values)),
            (b"G", values) => (state.stroke_space, state.stroke) = (Space::Grey, Space::Grey.paint(values)),
            (b"rg", values) => (state.fill_space, state.fill) = (Space::Rgb, Space::Rgb.paint(values)),
            (b"RG", values) => (state.stroke_space, state.stroke) = (Space::Rgb, Space::Rgb.paint(values)),
            (b"k", values) => (state.fill_space, state.fill) = (Space::Cmyk, Space::Cmyk.paint(values)),
            (b"K", values) => (state.stroke_space, state.stroke) = (Space::Cmyk, Space::Cmyk.paint(values)),
            (b"cs" | b"CS", _) => self.space(word, operands),
            (b"sc" | b"scn", values) => state.fill = painted(&state.fill_space, operands, values),
            (b"SC" | b"SCN", values) => state.stroke = painted(&state.stroke_space, operands, values),
            // Paths.
            (b"m" | b"l" | b"c" | b"v" | b"y" | b"h" | b"re", values) => {
                self.path.draw(word, values, state.matrix);
            }
            (b"W" | b"W*", _) => self.path.clips = true,
            (b"f" | b"F" | b"f*" | b"B" | b"B*" | b"b" | b"b*", _) => self.end_path(true),
            (b"n" | b"S" | b"s", _) => self.end_path(false),
            _ => {}
        }
    }

    fn resources(&mut self, kind: &str) -> Dict {
        let resources = self.frames.last().map(|frame| frame.resources.clone()).unwrap_or_default();
        self.file.get(&resources, kind).dict()
    }

    fn named(&mut self, kind: &str, operands: &[Object]) -> Object {
        let all = self.resources(kind);
        operands.first().and_then(Object::name).and_then(|name| all.get(name).cloned()).unwrap_or_default()
    }

    fn parameters(&mut self, operands: &[Object]) {
        let found = self.named("ExtGState", operands);
        let dict = self.file.resolve(&found).dict();
        if let Some(alpha) = self.file.get(&dict, "ca").number() {
            self.state.fill_alpha = alpha;
        }
        if let Some(alpha) = self.file.get(&dict, "CA").number() {
            self.state.stroke_alpha = alpha;
        }
        match self.file.get(&dict, "BM") {
            Object::Null => {}
            Object::Array(several) => {
                self.state.replaces = several.first().and_then(Object::name) == Some("Normal");
            }
            mode => self.state.replaces = matches!(mode.name(), Some("Normal" | "Compatible")),
        }
        if let [font, size, ..] = self.file.get(&dict, "Font").array() {
            self.state.size = size.number().unwrap_or(self.state.size);
            let font = font.clone();
            self.take_font(&font);
        }
    }

    fn font(&mut self, operands: &[Object]) {
        let found = self.named("Font", operands);
        self.take_font(&found);
    }

    fn take_font(&mut self, found: &Object) {
        let number = match found {
            Object::Ref(number) => Some(*number),
            _ => None,
        };
        let known = number.and_then(|number| self.fonts.get(&number).cloned());
        self.state.font = Some(known.unwrap_or_else(|| {
            let dict = self.file.resolve(found).dict();
            self.file.step(32);
            let font = Rc::new(Font::read(self.file, &dict));
            if let Some(number) = number {
                self.fonts.insert(number, font.clone());
            }
            font
        }));
    }

    fn space(&mut self, word: &[u8], operands: &[Object]) {
        let resources = self.frames.last().map(|frame| frame.resources.clone()).unwrap_or_default();
        let space = match operands.first() {
            Some(name) if name.name() != Some("Pattern") => Space::read(self.file, name, &resources),
            _ => Space::Unknown,
        };
        let paint = space.first();
        if word == b"cs" {
            (self.state.fill_space, self.state.fill) = (space, paint);
        } else {
            (self.state.stroke_space, self.state.stroke) = (space, paint);
        }
    }

    fn object(&mut self, operands: &[Object]) {
        let found = self.named("XObject", operands);
        let Object::Stream(stream) = self.file.resolve(&found) else {
            return;
        };
        let hides = match stream.dict.get("OC").cloned() {
            Some(layer) => self.layers.hide(self.file, &layer),
            None => false,
        };
        match self.file.get(&stream.dict, "Subtype").name() {
            Some("Image") => {
                let clear = ["SMask", "Mask", "ImageMask"].iter().any(|key| {
                    !matches!(self.file.get(&stream.dict, key), Object::Null | Object::Bool(false))
                });
                if !hides {
                    self.picture(!clear);
                }
            }
            Some("Form") => {
                if hides {
                    // What stands in it is drawn for nobody.
                    let mark = Mark { hides, instead: None, pieces: self.sheet.pieces.len() };
                    self.marks.push(mark);
                }
                let before = self.frames.len();
                self.form(&stream);
                if hides {
                    if let Some(frame) = self.frames.get_mut(before) {
                        frame.own_mark = true;
                    } else {
                        self.marks.pop();
                    }
                }
            }
            _ => {}
        }
    }

    fn form(&mut self, stream: &Stream) {
        if self.frames.len() >= MOST_FORMS || self.kept.len() >= MOST_STATES {
            self.file.truncated = true;
            return;
        }
        if self.frames.iter().any(|frame| frame.stream == Some(stream.at)) {
            return;
        }
        self.kept.push(self.state.clone());
        let matrix = Matrix::read(self.file.get(&stream.dict, "Matrix").array()).unwrap_or(Matrix::SAME);
        self.state.matrix = matrix.then(self.state.matrix);
        if let Some(bounds) = Area::read(self.file.get(&stream.dict, "BBox").array()) {
            self.state.clip = self.state.clip.and(bounds.under(self.state.matrix));
        }
        let resources = match self.file.get(&stream.dict, "Resources") {
            Object::Dict(own) => own,
            _ => self.frames.last().map(|frame| frame.resources.clone()).unwrap_or_default(),
        };
        let bytes = self.file.bytes(stream);
        self.enter(bytes, resources, Some(stream.at));
    }

    fn picture(&mut self, whole: bool) {
        let unit = Area { x0: 0.0, y0: 0.0, x1: 1.0, y1: 1.0 };
        let area = unit.under(self.state.matrix).and(self.state.clip);
        let whole = whole
            && self.state.replaces
            && self.state.fill_alpha > 0.99
            && self.state.matrix.is_upright()
            && !self.is_off();
        self.sheet.fill(self.file, Fill { area, paint: None, whole });
    }

    /// Skips the bytes of a picture that stands among the operators.
    fn picture_in_line(&mut self, bytes: &Rc<[u8]>) {
        self.picture(false);
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        let rest = bytes.get(frame.at..).unwrap_or_default();
        if !self.file.step(rest.len() / 64) {
            return;
        }
        let data = rest.windows(3).position(|w| matches!(w, [b'I', b'D', s] if is_space(*s)));
        let Some(data) = data.map(|at| at + 3) else {
            return;
        };
        let rest = rest.get(data..).unwrap_or_default();
        let end = rest
            .windows(4)
            .position(|w| matches!(w, [before, b'E', b'I', after] if is_space(*before) && is_space(*after)));
        frame.at = end.map_or(bytes.len(), |end| frame.at + data + end + 3);
    }

    fn mark(&mut self, operands: &[Object]) {
        let pieces = self.sheet.pieces.len();
        let mut mark = Mark { hides: false, instead: None, pieces };
        if let [tag, properties, ..] = operands {
            let found = match properties {
                Object::Name(name) => self.resources("Properties").get(name).cloned().unwrap_or_default(),
                other => other.clone(),
            };
            if tag.name() == Some("OC") {
                mark.hides = self.layers.hide(self.file, &found);
            }
            let dict = self.file.resolve(&found).dict();
            if let Object::Text(bytes) = self.file.get(&dict, "ActualText") {
                mark.instead = Some(text(&bytes));
            }
            for key in ["Alt", "E"] {
                if let Object::Text(bytes) = self.file.get(&dict, key) {
                    self.out.hide(&text(&bytes), How::Attribute, &self.place);
                }
            }
        }
        if self.marks.len() < MOST_STATES {
            self.marks.push(mark);
        } else {
            self.file.truncated = true;
        }
    }

    fn unmark(&mut self) {
        if self.marks.len() <= self.frames.last().map_or(0, |frame| frame.marks) {
            return;
        }
        let Some(Mark { instead: Some(instead), pieces, .. }) = self.marks.pop() else {
            return;
        };
        let pieces = self.sheet.pieces.get(pieces..).unwrap_or_default();
        if self.file.step(pieces.len()) {
            let drawn = letters(pieces.iter().map(|piece| piece.text.as_str()));
            if letters([instead.as_str()]) != drawn {
                self.out.hide(&instead, How::Attribute, format_args!("{}, text for programs", self.place));
            }
        }
    }

    fn is_off(&self) -> bool {
        self.marks.iter().any(|mark| mark.hides)
    }

    fn move_line(&mut self, x: f64, y: f64) {
        self.line_matrix = Matrix::shift(x, y).then(self.line_matrix);
        self.text_matrix = self.line_matrix;
    }

    fn show(&mut self, what: Option<&Object>) {
        match what {
            Some(Object::Text(bytes)) => self.string(bytes),
            Some(Object::Array(parts)) => {
                for part in parts.iter() {
                    if let Object::Text(bytes) = part {
                        self.string(bytes);
                    } else if let Some(back) = part.number() {
                        let by = -back / 1000.0 * self.state.size;
                        let vertical = self.state.font.as_ref().is_some_and(|font| font.vertical);
                        self.advance(by * self.state.stretch, by, vertical);
                    }
                }
            }
            _ => {}
        }
    }

    fn advance(&mut self, across: f64, down: f64, vertical: bool) {
        let shift = if vertical { Matrix::shift(0.0, down) } else { Matrix::shift(across, 0.0) };
        self.text_matrix = shift.then(self.text_matrix);
    }

    fn string(&mut self, bytes: &[u8]) {
        let Some(font) = self.state.font.clone() else {
            self.unread |= !bytes.is_empty();
            return;
        };
        if !self.file.step(bytes.len() / 8) {
            return;
        }
        let state = &self.state;
        let (mode, size, stretch, rise, spacing, word_spacing) =
            (state.mode, state.size, state.stretch, state.rise, state.spacing, state.word_spacing);
        let paints: Vec<Paint> = match mode % 4 {
            0 => vec![state.fill],
            1 => vec![state.stroke],
            _ => vec![state.fill, state.stroke],
        };
        let alpha = match mode % 4 {
            0 => state.fill_alpha,
            1 => state.stroke_alpha,
            _ => state.fill_alpha.max(state.stroke_alpha),
        };
        let under = Matrix([size * stretch, 0.0, 0.0, size, 0.0, rise]);
        let mut piece: Option<Piece> = None;
        for letter in font.letters(bytes) {
            let matrix = under.then(self.text_matrix).then(self.state.matrix);
            let width = letter.width / 1000.0;
            let (across, up) = matrix.scales();
            let clip = self.state.clip;
            let how = if self.is_off() {
                Some(How::NotDrawn)
            } else if mode == 3 || mode == 7 || alpha < FAINT {
                Some(How::Transparent)
            } else if up * font.scale < TINY || across * font.scale < NARROW {
                Some(How::Tiny)
            } else if clip.width() < 0.5 || clip.height() < 0.5 || !clip.holds(matrix.apply(width / 2.0, 0.3))
            {
                Some(How::OffPage)
            } else {
                None
            };
            let added = if letter.is_space { word_spacing } else { 0.0 };
            let across = (width * size + spacing + added) * stretch;
            let down = -size + spacing + added;
            let start = matrix.apply(0.0, 0.0);
            let corners = Area { x0: 0.0, y0: 0.0, x1: width.max(0.05), y1: 0.7 }.under(matrix);
            self.advance(across, down, font.vertical);
            let end = under.then(self.text_matrix).then(self.state.matrix).apply(0.0, 0.0);
            let Some(says) = letter.text else {
                self.unread = true;
                continue;
            };
            if is_overlong(&says) {
                self.out.hide(&says, How::Alternative, format_args!("{}, one letter", self.place));
                continue;
            }
            match &mut piece {
                Some(piece) if piece.how == how => {
                    piece.text.push_str(&says);
                    piece.bounds = piece.bounds.or(corners);
                    piece.end = end;
                }
                other => {
                    let next = Piece {
                        text: says,
                        bounds: corners,
                        start,
                        end,
                        size: up,
                        how,
                        paints: paints.clone(),
                        fills: 0,
                    };
                    if let Some(done) = other.replace(next) {
                        self.sheet.piece(self.file, done);
                    }
                }
            }
        }
        if let Some(done) = piece {
            self.sheet.piece(self.file, done);
        }
    }

    fn end_path(&mut self, fills: bool) {
        let mut path = std::mem::replace(&mut self.path, Path::new());
        path.close();
        if fills && !self.is_off() && self.state.fill_alpha >= FAINT {
            let whole = self.state.replaces && self.state.fill_alpha > 0.99;
            let (clip, paint) = (self.state.clip, self.state.fill);
            for area in path.rectangles {
                self.sheet.fill(self.file, Fill { area: area.and(clip), paint, whole });
            }
            if path.others {
                self.sheet.fill(self.file, Fill { area: path.area.and(clip), paint, whole: false });
            }
        }
        if path.clips && path.area != Area::NONE {
            self.state.clip = self.state.clip.and(path.area);
        }
    }
}

fn painted(space: &Space, operands: &[Object], values: &[f64]) -> Paint {
    if operands.last().is_some_and(|last| last.name().is_some()) { None } else { space.paint(values) }
}

fn letters<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().flat_map(str::chars).filter(|c| c.is_alphanumeric()).collect()
}
