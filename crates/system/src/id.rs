//! Identifiers: what findings, suppressions and diffs hang on, so they outlive names and order.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A stable identifier: 1 to 64 of `a-z 0-9 - _ .`, beginning with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(String);

/// A threat of the catalogue, such as `MOD-02`: three capitals, a hyphen, two digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreatId(String);

/// The text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct IdError {
    text: String,
    expected: &'static str,
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(s: &str) -> Result<Self, IdError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let starts = s.chars().next().is_some_and(plain);
        if starts && s.len() <= 64 && s.chars().all(|c| plain(c) || "-_.".contains(c)) {
            Ok(Self(s.to_owned()))
        } else {
            Err(IdError {
                text: s.to_owned(),
                expected: "an identifier (1 to 64 of a-z 0-9 - _ . beginning with a letter or digit)",
            })
        }
    }
}

impl FromStr for ThreatId {
    type Err = IdError;

    fn from_str(s: &str) -> Result<Self, IdError> {
        match s.as_bytes() {
            [a, b, c, b'-', d, e]
                if [a, b, c].iter().all(|x| x.is_ascii_uppercase())
                    && [d, e].iter().all(|x| x.is_ascii_digit()) =>
            {
                Ok(Self(s.to_owned()))
            }
            _ => Err(IdError { text: s.to_owned(), expected: "a threat id such as MOD-02" }),
        }
    }
}

/// Text in, text out, with the pattern in the schema.
macro_rules! text_type {
    ($name:ident, $pattern:literal) => {
        impl $name {
            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}

text_type!(Id, "^[a-z0-9][a-z0-9._-]{0,63}$");
text_type!(ThreatId, "^[A-Z]{3}-[0-9]{2}$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_plain() {
        assert!("cheque-reader.v2_a".parse::<Id>().is_ok());
        for bad in ["", "-a", ".a", "A", "a b", "a/b", "ä", &"a".repeat(65)] {
            assert!(bad.parse::<Id>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn threat_ids_have_one_form() {
        assert!("MOD-02".parse::<ThreatId>().is_ok());
        for bad in ["MOD-2", "mod-02", "MOD-002", "MOD_02", "", "MÖD-02"] {
            assert!(bad.parse::<ThreatId>().is_err(), "{bad:?}");
        }
    }
}
