//! The values inside a call's arguments, each with its place.

use std::fmt;

use proofhouse_dialogue::ToolCall;
use serde_json::{Number, Value};

use super::policy::{ArgumentPath, Limits, PathPart};

/// One value that is no container.
#[derive(Debug, Clone)]
pub(super) struct Leaf<'a> {
    pub place: Place<'a>,
    pub value: LeafValue<'a>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum LeafValue<'a> {
    Null,
    Flag(bool),
    Number(&'a Number),
    Text(&'a str),
    /// An empty list or object: nothing to judge, but an argument that is there.
    Empty,
}

/// Where in the arguments: `items[2].price`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place<'a>(Vec<At<'a>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At<'a> {
    Member(&'a str),
    Element(usize),
}

impl Place<'_> {
    /// Whether a rule for `path` covers this place.
    pub fn is_under(&self, path: &ArgumentPath) -> bool {
        let parts = path.parts();
        parts.len() <= self.0.len()
            && parts.iter().zip(&self.0).all(|(part, at)| match (part, at) {
                (PathPart::Member(name), At::Member(here)) => name == here,
                (PathPart::Each, At::Element(_)) => true,
                _ => false,
            })
    }

    /// The names of members on the way, which the model chose too.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|at| match at {
            At::Member(name) => Some(*name),
            At::Element(_) => None,
        })
    }
}

impl fmt::Display for Place<'_> {
    /// Names that the model invented are shortened and escaped: this ends in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, at) in self.0.iter().enumerate() {
            match at {
                At::Member(name) => {
                    let dot = if n == 0 { "" } else { "." };
                    write!(
                        f,
                        "{dot}{}",
                        name.chars().take(64).flat_map(char::escape_default).collect::<String>()
                    )?;
                }
                At::Element(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// All values of a call in order, or why there are too many.
pub(super) fn leaves<'a>(call: &'a ToolCall, limits: &Limits) -> Result<Vec<Leaf<'a>>, String> {
    let mut leaves = Vec::new();
    let mut bytes = 0_usize;
    let top = call.arguments.as_object();
    let mut open: Vec<(Vec<At<'a>>, &'a Value)> =
        top.iter().rev().map(|(key, value)| (vec![At::Member(key)], value)).collect();
    while let Some((place, value)) = open.pop() {
        if place.len() > limits.depth {
            return Err(format!("arguments nested deeper than {}", limits.depth));
        }
        if open.len().saturating_add(leaves.len()) >= limits.values {
            return Err(format!("more than {} values in the arguments", limits.values));
        }
        let names: usize =
            place.last().map_or(0, |at| if let At::Member(name) = at { name.len() } else { 0 });
        bytes = bytes.saturating_add(names);
        let value = match value {
            Value::Array(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate().take(limits.values + 1).rev() {
                    open.push((inside(&place, At::Element(index)), item));
                }
                continue;
            }
            Value::Object(members) if !members.is_empty() => {
                let members: Vec<_> = members.iter().take(limits.values + 1).collect();
                for (key, member) in members.into_iter().rev() {
                    open.push((inside(&place, At::Member(key)), member));
                }
                continue;
            }
            Value::Array(_) | Value::Object(_) => LeafValue::Empty,
            Value::Null => LeafValue::Null,
            Value::Bool(flag) => LeafValue::Flag(*flag),
            Value::Number(number) => LeafValue::Number(number),
            Value::String(text) => {
                bytes = bytes.saturating_add(text.len());
                LeafValue::Text(text)
            }
        };
        if bytes > limits.argument_bytes {
            return Err(format!("more than {} bytes of arguments", limits.argument_bytes));
        }
        leaves.push(Leaf { place: Place(place), value });
    }
    Ok(leaves)
}

fn inside<'a>(place: &[At<'a>], at: At<'a>) -> Vec<At<'a>> {
    let mut inside = place.to_vec();
    inside.push(at);
    inside
}

#[cfg(test)]
mod tests {
    use proofhouse_dialogue::{Arguments, Name};
    use serde_json::json;

    use super::*;

    fn call(arguments: Value) -> ToolCall {
        let arguments = Arguments::try_from(arguments).unwrap();
        ToolCall { id: "1".into(), name: Name::new("t").unwrap(), arguments }
    }

    #[test]
    fn every_value_has_its_place() {
        let call = call(json!({"a": [{"b": 1}, []], "c": null}));
        let leaves = leaves(&call, &Limits::default()).unwrap();
        let places: Vec<String> = leaves.iter().map(|l| l.place.to_string()).collect();
        assert_eq!(places, ["a[0].b", "a[1]", "c"]);
        let covers = |path: &str, n: usize| leaves[n].place.is_under(&path.parse().unwrap());
        assert!(covers("a", 0) && covers("a[]", 0) && covers("a[].b", 0) && covers("a", 1));
        assert!(!covers("a.b", 0) && !covers("a[].c", 0) && !covers("b", 0) && !covers("a[].b.c", 0));
    }

    #[test]
    fn a_member_with_a_dot_in_its_name_is_not_two_members() {
        let call = call(json!({"a.b": 1}));
        let leaves = leaves(&call, &Limits::default()).unwrap();
        assert!(!leaves[0].place.is_under(&"a.b".parse().unwrap()));
    }

    #[test]
    fn work_is_bounded() {
        let limits = Limits::default();
        assert!(leaves(&call(json!({"a": vec![1; 1000]})), &limits).is_err());
        assert!(leaves(&call(json!({"a": "x".repeat(300 << 10)})), &limits).is_err());
        let mut deep = json!(1);
        for _ in 0..40 {
            deep = json!([deep]);
        }
        assert!(leaves(&call(json!({"a": deep})), &limits).is_err());
    }
}
