//! Colours of style sheets and documents, and whether letters can be told from what is behind them.

/// Red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Colour(pub f64, pub f64, pub f64);

pub(super) const WHITE: Colour = Colour(255.0, 255.0, 255.0);

/// Least contrast, as WCAG 2 counts it from 1 to 21, below which nobody reads: 4.5 is asked for, and
/// deliberately pale text has about 2.
const LEAST_CONTRAST: f64 = 1.25;

const NAMES: &[(&str, Colour)] = &[
    ("white", WHITE),
    ("black", Colour(0.0, 0.0, 0.0)),
    ("red", Colour(255.0, 0.0, 0.0)),
    ("blue", Colour(0.0, 0.0, 255.0)),
    ("green", Colour(0.0, 128.0, 0.0)),
    ("yellow", Colour(255.0, 255.0, 0.0)),
    ("gray", Colour(128.0, 128.0, 128.0)),
    ("grey", Colour(128.0, 128.0, 128.0)),
    ("silver", Colour(192.0, 192.0, 192.0)),
    ("snow", Colour(255.0, 250.0, 250.0)),
    ("ivory", Colour(255.0, 255.0, 240.0)),
    ("azure", Colour(240.0, 255.0, 255.0)),
    ("ghostwhite", Colour(248.0, 248.0, 255.0)),
    ("whitesmoke", Colour(245.0, 245.0, 245.0)),
    ("floralwhite", Colour(255.0, 250.0, 240.0)),
    ("mintcream", Colour(245.0, 255.0, 250.0)),
];

impl Colour {
    /// Parses a colour of CSS; the second value is its opacity.
    pub(super) fn parse(text: &str) -> Option<(Self, f64)> {
        let text = text.trim();
        if text == "transparent" {
            return Some((WHITE, 0.0));
        }
        if let Some((_, colour)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Some((*colour, 1.0));
        }
        if let Some(digits) = text.strip_prefix('#') {
            return Self::hex(digits);
        }
        let (function, body) = text.strip_suffix(')')?.split_once('(')?;
        let numbers: Vec<f64> = body
            .split([',', ' ', '/'])
            .filter(|p| !p.is_empty())
            .filter_map(|p| match p.strip_suffix('%') {
                Some(percent) => percent.parse::<f64>().ok().map(|n| n / 100.0),
                None => p.trim_end_matches("deg").parse().ok(),
            })
            .collect();
        let alpha = numbers.get(3).copied().unwrap_or(1.0);
        match (function, numbers.as_slice()) {
            ("rgb" | "rgba", [r, g, b, ..]) => {
                let scale = if body.contains('%') { 255.0 } else { 1.0 };
                Some((Self(r * scale, g * scale, b * scale), alpha))
            }
            // Only how light it is matters where everything is white or black.
            ("hsl" | "hsla", [_, _, light, ..]) => {
                Some((Self(light * 255.0, light * 255.0, light * 255.0), alpha))
            }
            _ => None,
        }
    }

    /// Parses three, four, six or eight hexadecimal digits.
    pub(super) fn hex(digits: &str) -> Option<(Self, f64)> {
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let n: Vec<f64> = digits.chars().filter_map(|c| c.to_digit(16)).map(f64::from).collect();
        match n.as_slice() {
            [r, g, b] => Some((Self(r * 17.0, g * 17.0, b * 17.0), 1.0)),
            [r, g, b, a] => Some((Self(r * 17.0, g * 17.0, b * 17.0), a / 15.0)),
            [r1, r0, g1, g0, b1, b0, alpha @ ..] => {
                let opacity = if let [a1, a0] = alpha { (a1 * 16.0 + a0) / 255.0 } else { 1.0 };
                Some((Self(r1 * 16.0 + r0, g1 * 16.0 + g0, b1 * 16.0 + b0), opacity))
            }
            _ => None,
        }
    }

    fn luminance(self) -> f64 {
        let part = |v: f64| {
            let v = (v / 255.0).clamp(0.0, 1.0);
            if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(self.0) + 0.7152 * part(self.1) + 0.0722 * part(self.2)
    }

    /// Whether letters in this colour cannot be told from `behind`.
    pub(super) fn is_lost_on(self, behind: Self) -> bool {
        let (a, b) = (self.luminance(), behind.luminance());
        let distance = (self.0 - behind.0).abs() + (self.1 - behind.1).abs() + (self.2 - behind.2).abs();
        (a.max(b) + 0.05) / (a.min(b) + 0.05) < LEAST_CONTRAST && distance < 120.0
    }
}
