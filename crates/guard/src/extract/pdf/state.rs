//! What the operators of a page set (ISO 32000-2, 8.4 and 9.3).

use std::rc::Rc;

use super::super::colour::{Colour, WHITE};
use super::file::File;
use super::font::Font;
use super::geometry::{Area, Matrix};
use super::object::{Dict, Object};

/// The state of drawing.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub matrix: Matrix,
    pub clip: Area,
    pub fill: Paint,
    pub stroke: Paint,
    pub fill_space: Space,
    pub stroke_space: Space,
    pub fill_alpha: f64,
    pub stroke_alpha: f64,
    /// Whether what is drawn replaces what was there, as far as alpha lets it.
    pub replaces: bool,
    pub font: Option<Rc<Font>>,
    pub size: f64,
    pub spacing: f64,
    pub word_spacing: f64,
    pub stretch: f64,
    pub leading: f64,
    pub rise: f64,
    pub mode: i64,
}

/// A colour, or none that can be told: patterns, spaces of programs.
pub(super) type Paint = Option<Colour>;

impl State {
    pub(super) fn new(clip: Area) -> Self {
        let black = Some(Colour(0.0, 0.0, 0.0));
        Self {
            matrix: Matrix::SAME,
            clip,
            fill: black,
            stroke: black,
            fill_space: Space::Grey,
            stroke_space: Space::Grey,
            fill_alpha: 1.0,
            stroke_alpha: 1.0,
            replaces: true,
            font: None,
            size: 0.0,
            spacing: 0.0,
            word_spacing: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
            mode: 0,
        }
    }
}

/// How numbers become a colour.
#[derive(Debug, Clone)]
pub(super) enum Space {
    Grey,
    Rgb,
    Cmyk,
    Lab,
    /// A table of colours of the space below it.
    Indexed(Box<Space>, Rc<[u8]>),
    /// Ink on paper: none of it, all of it, and how it grows.
    Ink(Box<Space>, Vec<f64>, Vec<f64>, f64),
    Unknown,
}

impl Space {
    pub(super) fn read(file: &mut File<'_>, object: &Object, resources: &Dict) -> Self {
        Self::at_depth(file, object, resources, 0)
    }

    fn at_depth(file: &mut File<'_>, object: &Object, resources: &Dict, depth: usize) -> Self {
        if depth > 4 {
            return Self::Unknown;
        }
        let mut object = file.resolve(object);
        if let Some(name) = object.name() {
            match name {
                "DeviceGray" | "CalGray" | "G" => return Self::Grey,
                "DeviceRGB" | "CalRGB" | "RGB" => return Self::Rgb,
                "DeviceCMYK" | "CMYK" => return Self::Cmyk,
                _ => {
                    let spaces = file.get(resources, "ColorSpace").dict();
                    object = file.get(&spaces, name);
                    if object.name().is_some() {
                        return Self::at_depth(file, &object, &Dict::default(), depth + 1);
                    }
                }
            }
        }
        let parts: Vec<Object> = object.array().iter().take(5).map(|part| file.resolve(part)).collect();
        match parts.as_slice() {
            [Object::Name(name), rest @ ..] => match (&**name, rest) {
                ("CalGray" | "DeviceGray", _) => Self::Grey,
                ("CalRGB" | "DeviceRGB", _) => Self::Rgb,
                ("DeviceCMYK", _) => Self::Cmyk,
                ("Lab", _) => Self::Lab,
                ("ICCBased", [profile, ..]) => match file.get(&profile.dict(), "N").integer() {
                    Some(1) => Self::Grey,
                    Some(3) => Self::Rgb,
                    Some(4) => Self::Cmyk,
                    _ => Self::Unknown,
                },
                ("Indexed" | "I", [below, _, table]) => {
                    let below = Self::at_depth(file, below, resources, depth + 1);
                    let table = match table {
                        Object::Text(bytes) => bytes.clone(),
                        Object::Stream(stream) => file.bytes(stream),
                        _ => return Self::Unknown,
                    };
                    Self::Indexed(Box::new(below), table)
                }
                ("Separation", [_, below, function, ..]) => {
                    let below = Self::at_depth(file, below, resources, depth + 1);
                    let function = function.dict();
                    if file.get(&function, "FunctionType").integer() != Some(2) {
                        return Self::Unknown;
                    }
                    let mut ends = |key: &str| -> Vec<f64> {
                        file.get(&function, key).array().iter().take(4).filter_map(Object::number).collect()
                    };
                    let (none, all) = (ends("C0"), ends("C1"));
                    let growth = file.get(&function, "N").number().unwrap_or(1.0);
                    Self::Ink(Box::new(below), none, all, growth)
                }
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }

    /// The colour that is set with the space itself.
    pub(super) fn first(&self) -> Paint {
        match self {
            Self::Unknown => None,
            Self::Indexed(..) => self.paint(&[0.0]),
            Self::Ink(..) => self.paint(&[1.0]),
            _ => Some(Colour(0.0, 0.0, 0.0)),
        }
    }

    pub(super) fn paint(&self, values: &[f64]) -> Paint {
        match (self, values) {
            (Self::Grey, [grey]) => Some(Colour(grey * 255.0, grey * 255.0, grey * 255.0)),
            (Self::Rgb, [r, g, b]) => Some(Colour(r * 255.0, g * 255.0, b * 255.0)),
            (Self::Cmyk, [c, m, y, k]) => {
                let part = |ink: &f64| 255.0 * (1.0 - ink.clamp(0.0, 1.0)) * (1.0 - k.clamp(0.0, 1.0));
                Some(Colour(part(c), part(m), part(y)))
            }
            // How light it is says whether it is white.
            (Self::Lab, [light, a, b]) if *light > 97.0 && a.abs() < 4.0 && b.abs() < 4.0 => Some(WHITE),
            (Self::Indexed(below, table), [index]) => {
                let parts = match **below {
                    Self::Grey => 1,
                    Self::Rgb => 3,
                    Self::Cmyk => 4,
                    _ => return None,
                };
                let at = (*index).clamp(0.0, 255.0) as usize * parts;
                let values: Vec<f64> =
                    table.get(at..at + parts)?.iter().map(|byte| f64::from(*byte) / 255.0).collect();
                below.paint(&values)
            }
            (Self::Ink(below, none, all, growth), [tint]) => {
                let grown = tint.clamp(0.0, 1.0).powf(*growth);
                let values: Vec<f64> = none.iter().zip(all).map(|(c0, c1)| c0 + grown * (c1 - c0)).collect();
                below.paint(&values)
            }
            _ => None,
        }
    }
}
