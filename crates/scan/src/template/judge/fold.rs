//! Texts that a template puts together, as far as they are known without running it.

use super::{Judge, MAX_REPEATED, variable};
use crate::template::parser::Expr;

impl Judge {
    /// A text that is known without running anything.
    pub(super) fn fold(&self, value: &Expr) -> Option<String> {
        let text = match value {
            Expr::Text(text) => text.clone(),
            Expr::Name(name) => self.texts.get(name)?.clone(),
            Expr::Attribute(..) => self.texts.get(&variable(value)?)?.clone(),
            Expr::Binary("~" | "+", left, right) => self.fold(left)? + &self.fold(right)?,
            Expr::Filter(of, name, plain, _) => self.fold_filter(of, name, plain)?,
            Expr::Call(callee, plain, _) => match callee.as_ref() {
                Expr::Attribute(of, method) => match method.as_str() {
                    "join" => self.fold_list(plain.first()?)?.join(&self.fold(of)?),
                    "format" => {
                        let mut parts = self.fold(of)?;
                        for argument in plain {
                            parts = parts.replacen("{}", &self.fold(argument)?, 1);
                        }
                        parts
                    }
                    "replace" | "lower" | "upper" | "strip" => self.fold_filter(of, method, plain)?,
                    _ => return None,
                },
                _ => return None,
            },
            _ => return None,
        };
        // What is put together here is bounded, whatever the template multiplies.
        (text.len() as f64 <= MAX_REPEATED).then_some(text)
    }

    pub(super) fn fold_filter(&self, of: &Expr, name: &str, plain: &[Expr]) -> Option<String> {
        Some(match name {
            "join" => {
                let glue = plain.first().map_or(Some(String::new()), |g| self.fold(g))?;
                self.fold_list(of)?.join(&glue)
            }
            "lower" => self.fold(of)?.to_lowercase(),
            "upper" => self.fold(of)?.to_uppercase(),
            "trim" | "strip" => self.fold(of)?.trim().to_owned(),
            "reverse" => self.fold(of)?.chars().rev().collect(),
            "string" | "safe" => self.fold(of)?,
            "replace" => self.fold(of)?.replace(&self.fold(plain.first()?)?, &self.fold(plain.get(1)?)?),
            "format" => {
                let mut text = self.fold(of)?;
                for argument in plain {
                    let (placeholder, value) = match argument {
                        Expr::Number(code) => ("%c", char::from_u32(*code as u32)?.to_string()),
                        other => ("%s", self.fold(other)?),
                    };
                    text = text.replacen(placeholder, &value, 1);
                }
                text
            }
            _ => return None,
        })
    }

    pub(super) fn fold_list(&self, value: &Expr) -> Option<Vec<String>> {
        match value {
            Expr::List(parts) => parts.iter().map(|p| self.fold(p)).collect(),
            other => Some(self.fold(other)?.chars().map(String::from).collect()),
        }
    }
}
