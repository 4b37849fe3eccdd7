//! What the machine knows of a value.

use std::collections::HashMap;
use std::sync::Arc;

/// Where a value that is not known came from, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Taint(u16);

impl Taint {
    pub(super) const NONE: Self = Self(0);
    /// From the network.
    pub(super) const NETWORK: Self = Self(1);
    /// From the environment, or a file of credentials.
    pub(super) const SECRET: Self = Self(2);
    /// Decoded, decompressed or decrypted.
    pub(super) const DECODED: Self = Self(4);
    /// From a file.
    pub(super) const FILE: Self = Self(8);
    /// From whoever calls a function that was handed to somebody.
    pub(super) const CALLER: Self = Self(16);
    /// From whoever makes an object or calls a method: ordinary.
    pub(super) const GIVEN: Self = Self(32);
    /// One variable of the environment, by its name: a key that a service asks for.
    pub(super) const KEY: Self = Self(64);
    /// From a hub of models or data, by its own client: as trustworthy as the model that asks for it.
    pub(super) const HUB: Self = Self(128);
    /// The letters of a secret themselves, and not what somebody gives to whoever has it.
    pub(super) const BARE: Self = Self(256);
    /// A key that only its own services ask for.
    pub(super) const OWN: Self = Self(512);

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// A value. What holds others lies in the heap of the machine, so that no nesting makes anything recurse.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Unknown(Taint),
    None,
    Bool(bool),
    Integer(i64),
    Text(Arc<str>),
    /// A text of which parts are known, with [`GAP`] for the others, and where those came from.
    Begins(Arc<str>, Taint),
    Bytes(Arc<[u8]>),
    /// Something of another package by its dotted name; `()` stands for the result of a call.
    Outside(Arc<str>, Taint),
    /// A cell of the heap.
    Cell(usize),
    Function(usize),
    Class(usize),
    Module(usize),
    /// One of these, none of which is such a choice itself.
    OneOf(Arc<Vec<Value>>),
}

/// Stands for what is not known of a text.
pub(super) const GAP: char = '\u{fffc}';
/// Longest text with gaps that is kept.
const MAX_GAPPED: usize = 4096;
/// Most alternatives that are kept apart.
const MAX_CHOICES: usize = 12;

impl Value {
    pub(super) const UNKNOWN: Self = Self::Unknown(Taint::NONE);

    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Arc::from(text.as_ref()))
    }

    pub(super) fn bytes(bytes: impl AsRef<[u8]>) -> Self {
        Self::Bytes(Arc::from(bytes.as_ref()))
    }

    pub(super) fn outside(name: impl AsRef<str>) -> Self {
        Self::Outside(Arc::from(name.as_ref()), Taint::NONE)
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// A text, or one with gaps.
    pub(super) fn beginning(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Begins(text, _) => Some(text),
            _ => None,
        }
    }

    /// A text with gaps; unknown as a whole where nothing of it is known.
    pub(super) fn with_gaps(known: &str, taint: Taint) -> Self {
        if known.trim_matches(GAP).is_empty() || known.len() > MAX_GAPPED {
            Self::Unknown(taint)
        } else {
            Self::Begins(Arc::from(known), taint)
        }
    }

    /// What is known of it as a part of a text.
    pub(super) fn part(&self) -> String {
        match self {
            Self::Integer(n) => n.to_string(),
            other => other.beginning().map_or_else(|| GAP.to_string(), str::to_owned),
        }
    }

    pub(super) fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(n) => Some(*n),
            Self::Bool(b) => Some(i64::from(*b)),
            _ => None,
        }
    }

    /// Text as UTF-8, or bytes.
    pub(super) fn as_octets(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text.as_bytes()),
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// What it may be.
    pub(super) fn choices(&self) -> &[Self] {
        match self {
            Self::OneOf(all) => all,
            other => std::slice::from_ref(other),
        }
    }

    /// Either of both. Beyond what is kept apart, what can be called stays and the rest is unknown.
    pub(super) fn or(self, other: Self) -> Self {
        if self == other {
            return self;
        }
        let mut all: Vec<Self> = Vec::new();
        for value in other.choices().iter().chain(self.choices()) {
            if !all.contains(value) {
                all.push(value.clone());
            }
        }
        if all.len() > MAX_CHOICES {
            all.retain(|v| matches!(v, Self::Outside(..) | Self::Function(_) | Self::Class(_)));
            all.truncate(MAX_CHOICES - 1);
            all.push(Self::UNKNOWN);
        }
        match all.len() {
            1 => all.pop().unwrap_or(Self::UNKNOWN),
            _ => Self::OneOf(Arc::new(all)),
        }
    }
}

/// What the heap holds.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    /// A list, tuple, set or iterator.
    Sequence(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    Object {
        class: Option<usize>,
        fields: HashMap<String, Value>,
    },
    /// A callable with arguments it has already.
    Partial {
        callee: Value,
        plain: Vec<Value>,
        named: Vec<(String, Value)>,
    },
    Property(Value),
    Static(Value),
    OfClass(Value),
    /// The compiled form of a known source.
    Code(Arc<str>),
}

/// Arguments of a call.
#[derive(Debug, Clone, Default)]
pub(super) struct Arguments {
    pub(super) plain: Vec<Value>,
    pub(super) named: Vec<(String, Value)>,
}

impl Arguments {
    pub(super) fn of(plain: impl IntoIterator<Item = Value>) -> Self {
        Self { plain: plain.into_iter().collect(), named: Vec::new() }
    }

    /// The argument at a place, or of a name.
    pub(super) fn get(&self, place: usize, name: &str) -> Option<&Value> {
        self.plain.get(place).or_else(|| self.named(name))
    }

    pub(super) fn named(&self, name: &str) -> Option<&Value> {
        self.named.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Value> {
        self.plain.iter().chain(self.named.iter().map(|(_, v)| v))
    }
}
