//! What a template does that takes memory or time beyond any conversation.

use super::{Judge, Kind, MAX_REPEATED};
use crate::template::parser::Expr;

impl Judge {
    /// What grows beyond any conversation.
    pub(super) fn growth(&mut self, operator: &str, left: &Expr, right: &Expr) {
        match operator {
            "*" => {
                let text = self.fold(left).zip(number(right)).or(self.fold(right).zip(number(left)));
                if let Some((text, times)) = text
                    && text.len() as f64 * times > MAX_REPEATED
                {
                    self.concern(Kind::Exhausts, format!("it repeats a text {times:.0} times"));
                } else if let Some(times) = [left, right].into_iter().find_map(number)
                    && times > MAX_REPEATED
                    && [left, right].iter().any(|side| repeats(side))
                {
                    self.concern(Kind::Exhausts, format!("it repeats something {times:.0} times"));
                }
            }
            "%" => self.filled(left),
            "**" if [left, right].iter().any(|side| matches!(side, Expr::Binary("**", ..))) => {
                self.concern(Kind::Exhausts, "it raises a number to a power of a power");
            }
            "**" if number(right).is_some_and(|n| n > 10_000.0) => {
                self.concern(Kind::Exhausts, "it raises a number to a power of many thousand digits");
            }
            _ => {}
        }
    }

    /// Padding to a width is repetition too.
    pub(super) fn width(&mut self, name: &str, plain: &[Expr], named: &[(String, Expr)]) {
        let pads =
            ["center", "ljust", "rjust", "zfill", "indent", "expandtabs", "tojson", "wordwrap", "lipsum"]
                .contains(&name);
        let widths = plain.iter().chain(named.iter().map(|(_, value)| value));
        if pads && widths.filter_map(number).any(|n| n > MAX_REPEATED) {
            self.concern(Kind::Exhausts, format!("{name:?} pads a text beyond a million characters"));
        }
    }

    /// A text that is filled in may state a width: `'{:>9}'`, `'%9d'`.
    pub(super) fn filled(&mut self, text: &Expr) {
        const DIGITS: usize = 7;
        let Some(text) = self.fold(text) else { return };
        let wide = text.split(['%', '{']).skip(1).any(|field| {
            let spec = field.split('}').next().unwrap_or_default();
            let from = spec.rfind(':').map_or(0, |at| at + 1);
            let numbers = spec.get(from..).unwrap_or_default().split(|c: char| !c.is_ascii_digit());
            numbers.take(3).any(|number| number.trim_start_matches('0').len() >= DIGITS)
        });
        if wide {
            self.concern(Kind::Exhausts, "it fills in a text to a width beyond a million characters");
        }
    }
}

/// Whether a value has one of these names in it more than once, end to end: what it becomes is twice as long.
pub(super) fn doubles(value: &Expr, name: &str) -> bool {
    mentions(value, name) >= 2.0
}

/// How many times what a name holds is in a text that is put together.
fn mentions(value: &Expr, name: &str) -> f64 {
    match value {
        Expr::Name(own) => f64::from(u8::from(own == name)),
        Expr::Attribute(..) => f64::from(u8::from(super::variable(value).is_some_and(|own| own == name))),
        Expr::Binary("~" | "+", left, right) => mentions(left, name) + mentions(right, name),
        Expr::Binary("*", of, times) => {
            let plain = mentions(of, name) * number(times).unwrap_or(1.0);
            plain.max(mentions(times, name) * number(of).unwrap_or(1.0))
        }
        Expr::List(parts) | Expr::Of(parts) => parts.iter().map(|part| mentions(part, name)).sum(),
        Expr::Filter(of, filter, ..) if filter == "join" => mentions(of, name),
        Expr::Call(callee, plain, _) => match callee.as_ref() {
            Expr::Attribute(_, method) if method == "join" => {
                plain.iter().map(|part| mentions(part, name)).sum()
            }
            _ => 0.0,
        },
        _ => 0.0,
    }
}

/// Whether multiplying it makes more of it: a text, a list, or what was said.
fn repeats(value: &Expr) -> bool {
    matches!(value, Expr::List(_) | Expr::Text(_)) || crate::template::words::mentions_content(value)
}

/// How often a loop over `range` runs, where that is a constant.
pub(super) fn rounds(over: &Expr) -> Option<f64> {
    let over = if let Expr::Of(parts) = over { parts.first()? } else { over };
    let Expr::Call(callee, plain, _) = over else { return None };
    if !matches!(callee.as_ref(), Expr::Name(name) if name == "range") {
        return None;
    }
    match plain.as_slice() {
        [to] => number(to),
        [from, to, ..] => Some((number(to)? - number(from)?).abs()),
        [] => None,
    }
}

fn number(value: &Expr) -> Option<f64> {
    match value {
        Expr::Number(n) => Some(*n),
        Expr::Binary("*", a, b) => Some(number(a)? * number(b)?),
        Expr::Binary("+", a, b) => Some(number(a)? + number(b)?),
        Expr::Binary("**", a, b) => Some(number(a)?.powf(number(b)?)),
        _ => None,
    }
}
