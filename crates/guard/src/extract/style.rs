//! What style sheets do to an element, as far as it decides whether text shows.

use super::How;
use super::colour::{Colour, WHITE};

/// Most rules that are kept.
const MOST_RULES: usize = 4096;

/// The style of an element; copied to its children, then changed by their own rules.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub not_drawn: bool,
    pub invisible: bool,
    pub off_page: bool,
    opacity: f64,
    /// In pixels.
    font: f64,
    colour: Option<Colour>,
    ink: f64,
    behind: Option<Colour>,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            not_drawn: false,
            invisible: false,
            off_page: false,
            opacity: 1.0,
            font: 16.0,
            colour: None,
            ink: 1.0,
            behind: None,
        }
    }
}

impl Style {
    /// How text of this style is hidden, if it is.
    pub(super) fn hides(&self) -> Option<How> {
        if self.not_drawn {
            Some(How::NotDrawn)
        } else if self.invisible || self.opacity < 0.1 || self.ink < 0.1 {
            Some(How::Transparent)
        } else if self.font <= 2.5 {
            Some(How::Tiny)
        } else if self.off_page {
            Some(How::OffPage)
        } else if self.colour.is_some_and(|c| c.is_lost_on(self.behind.unwrap_or(WHITE))) {
            Some(How::Camouflage)
        } else {
            None
        }
    }

    /// Applies declarations, `name: value; …`.
    pub(super) fn apply(&mut self, declarations: &str) {
        let inherited = *self;
        let mut size = [None, None];
        let mut cuts_off = false;
        let mut away = false;
        for declaration in declarations.split(';') {
            let Some((name, value)) = declaration.split_once(':') else { continue };
            let name = name.trim().to_ascii_lowercase();
            let value = value.trim().to_ascii_lowercase();
            let value = value.trim_end_matches("!important").trim();
            let pixels = length(value, inherited.font);
            match name.as_str() {
                "display" => self.not_drawn |= value == "none",
                "content-visibility" => self.not_drawn |= value == "hidden",
                "visibility" => self.invisible = matches!(value, "hidden" | "collapse"),
                "opacity" => {
                    let opacity = value
                        .strip_suffix('%')
                        .map_or_else(|| value.parse().ok(), |p| p.parse().ok().map(|p: f64| p / 100.0));
                    self.opacity *= opacity.unwrap_or(1.0_f64).clamp(0.0, 1.0);
                }
                "filter" => self.opacity *= if value.contains("opacity(0") { 0.0 } else { 1.0 },
                "font-size" => self.font = font(value, inherited.font),
                "font" => {
                    let sized = value.split([' ', '/']).find(|part| length(part, 16.0).is_some());
                    self.font = sized.map_or(self.font, |part| font(part, inherited.font));
                }
                "color" | "-webkit-text-fill-color" => {
                    if let Some((colour, ink)) = Colour::parse(value) {
                        self.colour = Some(colour);
                        self.ink = ink;
                    }
                }
                "background" | "background-color" => {
                    let found = Colour::parse(value).or_else(|| value.split(' ').find_map(Colour::parse));
                    if let Some((colour, _)) = found.filter(|(_, alpha)| *alpha > 0.5) {
                        self.behind = Some(colour);
                    }
                    // Letters on a picture cannot be judged.
                    if value.contains("url(") || value.contains("gradient") {
                        self.behind = Some(Colour(127.0, 127.0, 127.0));
                    }
                }
                "left" | "top" | "right" | "bottom" | "margin-left" | "margin-top" => {
                    away |= pixels.is_some_and(|p| p.abs() >= 900.0)
                }
                "text-indent" => self.off_page |= pixels.is_some_and(|p| p.abs() >= 900.0),
                "clip" => self.off_page |= value.starts_with("rect(0") || value.starts_with("rect(1px"),
                "clip-path" => {
                    self.off_page |=
                        ["inset(50%", "inset(100%", "circle(0"].iter().any(|s| value.starts_with(s))
                }
                "transform" => {
                    self.off_page |= value.contains("scale(0)")
                        || (value.contains("translate") && value.contains("-9999"));
                }
                "overflow" | "overflow-x" | "overflow-y" => cuts_off |= matches!(value, "hidden" | "clip"),
                "width" | "max-width" => size[0] = pixels,
                "height" | "max-height" => size[1] = pixels,
                _ => {}
            }
        }
        self.off_page |= away || (cuts_off && size.iter().flatten().any(|p| *p <= 1.0));
    }
}

/// A length in pixels.
fn length(value: &str, font: f64) -> Option<f64> {
    let end = value.find(|c: char| c.is_ascii_alphabetic() || c == '%').unwrap_or(value.len());
    let number: f64 = value.get(..end)?.trim().parse().ok()?;
    Some(match value.get(end..)?.trim() {
        "" | "px" => number,
        "pt" => number * 4.0 / 3.0,
        "em" => number * font,
        "rem" => number * 16.0,
        "ch" | "ex" => number * font / 2.0,
        "vw" | "vh" | "%" => number * 10.0,
        "in" => number * 96.0,
        "cm" => number * 38.0,
        "mm" => number * 3.8,
        _ => return None,
    })
}

fn font(value: &str, inherited: f64) -> f64 {
    if let Some(percent) = value.strip_suffix('%') {
        return percent.trim().parse::<f64>().map_or(inherited, |p| inherited * p / 100.0);
    }
    length(value, inherited).unwrap_or(match value {
        "xx-small" => 9.0,
        "x-small" => 10.0,
        "small" | "smaller" => 13.0,
        "medium" => 16.0,
        "large" | "larger" => 18.0,
        "x-large" | "xx-large" => 24.0,
        _ => inherited,
    })
}

/// Rules of style sheets: the last compound of each selector, with its declarations.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    rules: Vec<(Selector, String)>,
}

#[derive(Debug, Default)]
struct Selector {
    tag: Option<String>,
    id: Option<String>,
    classes: Vec<String>,
}

impl Sheet {
    /// Adds the rules of a style sheet. Rules inside a condition count, those for print only do not.
    pub(super) fn add(&mut self, css: &str) {
        let mut rest = css;
        let mut cleaned = String::new();
        while let Some((before, after)) = rest.split_once("/*") {
            cleaned.push_str(before);
            rest = after.split_once("*/").map_or("", |(_, tail)| tail);
        }
        cleaned.push_str(rest);
        let mut at = 0;
        let mut print_until = None;
        let mut depth = 0usize;
        while let Some(open) = cleaned.get(at..).and_then(|r| r.find(['{', '}'])) {
            let here = at + open;
            let head = cleaned.get(at..here).unwrap_or_default().trim();
            at = here + 1;
            if cleaned.as_bytes().get(here) == Some(&b'}') {
                depth = depth.saturating_sub(1);
                if print_until == Some(depth) {
                    print_until = None;
                }
                continue;
            }
            if head.starts_with('@') {
                if head.contains("print") && !head.contains("screen") && print_until.is_none() {
                    print_until = Some(depth);
                }
                depth += 1;
                continue;
            }
            let end = cleaned.get(at..).and_then(|r| r.find('}')).map_or(cleaned.len(), |e| at + e);
            let declarations = cleaned.get(at..end).unwrap_or_default();
            at = (end + 1).min(cleaned.len());
            for selector in head.split(',').filter(|_| print_until.is_none()) {
                if self.rules.len() < MOST_RULES
                    && let Some(selector) = Selector::parse(selector)
                {
                    self.rules.push((selector, declarations.to_owned()));
                }
            }
        }
    }

    /// The declarations that meet an element, in order.
    pub(super) fn of<'s>(
        &'s self,
        tag: &'s str,
        id: &'s str,
        classes: &'s str,
    ) -> impl Iterator<Item = &'s str> {
        self.rules
            .iter()
            .filter(move |(selector, _)| selector.meets(tag, id, classes))
            .map(|(_, d)| d.as_str())
    }
}

impl Selector {
    fn parse(text: &str) -> Option<Self> {
        let last = text.split([' ', '>', '+', '~']).rfind(|p| !p.is_empty())?;
        // What is before or after an element, or depends on the pointer, is not the element's text.
        if last.contains("::")
            || last.contains(":before")
            || last.contains(":after")
            || last.contains(":hover")
        {
            return None;
        }
        let last = last.split([':', '[']).next()?;
        let mut selector = Self::default();
        let mut rest = last;
        while !rest.is_empty() {
            let (mark, body) = match rest.as_bytes().first()? {
                b'.' | b'#' => rest.split_at(1),
                _ => ("", rest),
            };
            let end = body.find(['.', '#']).unwrap_or(body.len());
            let name = body.get(..end)?.to_owned();
            match mark {
                "." => selector.classes.push(name),
                "#" => selector.id = Some(name),
                _ if name != "*" => selector.tag = Some(name.to_ascii_lowercase()),
                _ => {}
            }
            rest = body.get(end..)?;
        }
        (selector.tag.is_some() || selector.id.is_some() || !selector.classes.is_empty() || last == "*")
            .then_some(selector)
    }

    fn meets(&self, tag: &str, id: &str, classes: &str) -> bool {
        self.tag.as_ref().is_none_or(|t| t == tag)
            && self.id.as_ref().is_none_or(|i| i == id)
            && self.classes.iter().all(|c| classes.split_ascii_whitespace().any(|k| k == c))
    }
}
