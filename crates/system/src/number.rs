//! Numbers that know their range.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// The number lies outside its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{value} is not {expected}")]
pub struct OutOfRange {
    value: f64,
    expected: &'static str,
}

macro_rules! bounded {
    ($(#[$doc:meta])* $name:ident, $inner:ty, $kind:literal, $expected:literal, |$x:ident| $holds:expr, $limits:tt) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
        #[serde(transparent)]
        pub struct $name($inner);

        impl $name {
            /// Checks the range.
            pub fn new($x: $inner) -> Result<Self, OutOfRange> {
                if $holds { Ok(Self($x)) } else { Err(OutOfRange { value: $x as f64, expected: $expected }) }
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Self::new(<$inner>::deserialize(d)?).map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let mut schema = json_schema!($limits);
                schema.insert("type".to_owned(), $kind.into());
                schema.insert("description".to_owned(), $expected.into());
                schema
            }
        }
    };
}

bounded!(
    /// A probability or share.
    Probability, f64, "number", "a number from 0 to 1",
    |x| (0.0..=1.0).contains(&x), { "minimum": 0, "maximum": 1 }
);
bounded!(
    /// Confidence of a two-sided interval.
    Confidence, f64, "number", "a number above 0.5 and below 1",
    |x| x > 0.5 && x < 1.0, { "exclusiveMinimum": 0.5, "exclusiveMaximum": 1 }
);
bounded!(
    /// Radius of a perturbation, in the units of the model's input.
    Epsilon, f64, "number", "a number above 0",
    |x| x > 0.0 && x.is_finite(), { "exclusiveMinimum": 0 }
);
bounded!(
    /// A finite number above zero.
    Positive, f64, "number", "a number above 0",
    |x| x > 0.0 && x.is_finite(), { "exclusiveMinimum": 0 }
);
bounded!(
    /// A count of at least one.
    Count, u32, "integer", "a whole number from 1 to 4294967295",
    |x| x >= 1, { "minimum": 1, "maximum": 4_294_967_295_u32 }
);

impl Count {
    pub(crate) const ONE_MEBI: Self = Self(1 << 20);
    pub(crate) const TWO_THOUSAND: Self = Self(2_000);
}

/// What a calibrated person expects: with 90 % confidence between `low` and `high`, most likely `likely`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Fifth percentile.
    #[schemars(range(min = 0))]
    pub low: f64,
    /// Most likely value.
    #[schemars(range(min = 0))]
    pub likely: f64,
    /// Ninety-fifth percentile.
    #[schemars(range(min = 0))]
    pub high: f64,
}

impl Range {
    /// Whether the three numbers are finite, not negative and in order.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        self.low >= 0.0 && self.low <= self.likely && self.likely <= self.high && self.high.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_the_ranges() {
        assert!(Probability::new(0.0).is_ok() && Probability::new(1.0).is_ok());
        assert!(Probability::new(1.0001).is_err() && Probability::new(f64::NAN).is_err());
        assert!(Confidence::new(0.5).is_err() && Confidence::new(1.0).is_err());
        assert!(Confidence::new(0.95).is_ok());
        assert!(Epsilon::new(0.0).is_err() && Epsilon::new(f64::INFINITY).is_err());
        assert!(Count::new(0).is_err());
        assert!(!Range { low: 1.0, likely: 0.5, high: 2.0 }.is_ordered());
        assert!(!Range { low: 0.0, likely: f64::NAN, high: 2.0 }.is_ordered());
    }
}
