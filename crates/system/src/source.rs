//! The untyped file with the place of everything in it.
//!
//! The text is read once without types to learn where each value stands, and once with types. Keeping
//! places out of the types keeps the types plain for everybody who uses them.

use std::collections::BTreeMap;
use std::fmt;

use proofhouse_core::Place;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

/// Where every value of a system file stands.
///
/// List items are known by position and, where they have an `id` (or, for flows, `from` and `to`), by
/// that as well: `flows[3].carries`, `flows[gateway->reader].carries`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceMap {
    file: String,
    positions: BTreeMap<String, (u64, u64)>,
}

impl SourceMap {
    /// Where `path` stands, or the nearest enclosing path that is written.
    #[must_use]
    pub fn place(&self, path: &str) -> Place {
        let mut rest = path;
        loop {
            if let Some(&(line, column)) = self.positions.get(rest) {
                return Place { line: Some(line), column: Some(column), ..Place::file(&self.file) };
            }
            match rest.rfind(['.', '[']) {
                Some(cut) => rest = &rest[..cut],
                None => return Place::file(&self.file),
            }
        }
    }

    /// Whether `path` is written in the file.
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        self.positions.contains_key(path)
    }

    pub(crate) fn new(file: &str, root: &Node) -> Self {
        let mut map = Self { file: file.to_owned(), positions: BTreeMap::new() };
        // An explicit stack: the path so far and the node.
        let mut open = vec![(String::new(), root)];
        while let Some((path, node)) = open.pop() {
            if !path.is_empty() {
                map.positions.entry(path.clone()).or_insert((node.line, node.column));
            }
            match &node.value {
                Value::Map(entries) => open.extend(entries.iter().map(|(key, value)| {
                    (if path.is_empty() { key.name.clone() } else { format!("{path}.{}", key.name) }, value)
                })),
                Value::List(items) => {
                    for (i, item) in items.iter().enumerate() {
                        open.push((format!("{path}[{i}]"), item));
                        if let Some(id) = item.identity() {
                            open.push((format!("{path}[{id}]"), item));
                        }
                    }
                }
                _ => {}
            }
        }
        map
    }
}

/// A value and where it stands.
#[derive(Debug)]
pub(crate) struct Node {
    pub value: Value,
    pub line: u64,
    pub column: u64,
}

/// A key and where it stands.
#[derive(Debug)]
pub(crate) struct Key {
    pub name: String,
    pub line: u64,
    pub column: u64,
}

#[derive(Debug)]
pub(crate) enum Value {
    Null,
    Bool,
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

impl Node {
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(k, _)| k.name == key).map(|(_, v)| v),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn identity(&self) -> Option<String> {
        if let Some(id) = self.get("id").and_then(Node::text) {
            return Some(id.to_owned());
        }
        Some(format!("{}->{}", self.get("from")?.text()?, self.get("to")?.text()?))
    }

    fn new(value: Value, at: Location) -> Self {
        Self { value, line: at.line(), column: at.column() }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(d)?;
        Ok(Self::new(spanned.value, spanned.referenced))
    }
}

/// Depth is bounded by the parser's budget before this is called again.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Bool)
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Integer(v.into()))
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Integer(v.into()))
    }

    fn visit_i128<E: de::Error>(self, v: i128) -> Result<Value, E> {
        Ok(Value::Integer(v))
    }

    fn visit_u128<E: de::Error>(self, v: u128) -> Result<Value, E> {
        Ok(Value::Integer(i128::try_from(v).unwrap_or(i128::MAX)))
    }

    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Value, E> {
        Ok(Value::Float(v))
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<Value, E> {
        Ok(Value::Text(v.to_owned()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        Value::deserialize(d)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let (line, column) = (key.referenced.line(), key.referenced.column());
            entries.push((Key { name: key.value, line, column }, map.next_value()?));
        }
        Ok(Value::Map(entries))
    }
}
