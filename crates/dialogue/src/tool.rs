//! Tools and calls of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Name;

/// What a tool does to the world. A tool may have several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Looks something up and changes nothing.
    Read,
    /// Changes state inside the operator's systems.
    Write,
    /// Lets something reach a party outside: mail, message, request to an address.
    Send,
    /// Moves money or grants something of value.
    Pay,
}

impl Effect {
    /// Whether information can leave through it.
    #[must_use]
    pub const fn is_outbound(self) -> bool {
        matches!(self, Self::Send | Self::Pay)
    }
}

/// A tool as the caller of a model declares it on the wire. What it may do is not said there: the
/// operator's boundary policy states effects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Its name.
    pub name: Name,
    /// What the model is told about it.
    pub description: String,
    /// JSON Schema of its arguments.
    pub parameters: Value,
}

/// A call of a tool, as a model writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Identifier that the tool's answer refers to.
    pub id: String,
    /// Which tool. Models invent names, so this is checked against the declared tools by whoever acts on it.
    pub name: Name,
    /// With what.
    pub arguments: Arguments,
}

/// Arguments of a call: a JSON object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Arguments(Map<String, Value>);

/// Why a text is no arguments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentsError {
    /// Not JSON, or not an object.
    #[error("arguments of a tool call are a JSON object: {0}")]
    NotAnObject(String),
}

impl Arguments {
    /// The arguments as an object.
    #[must_use]
    pub const fn new(object: Map<String, Value>) -> Self {
        Self(object)
    }

    /// The object.
    #[must_use]
    pub const fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }

    /// An argument by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

impl TryFrom<Value> for Arguments {
    type Error = ArgumentsError;

    fn try_from(value: Value) -> Result<Self, ArgumentsError> {
        match value {
            Value::Object(object) => Ok(Self(object)),
            other => Err(ArgumentsError::NotAnObject(format!("{other:.40}"))),
        }
    }
}
