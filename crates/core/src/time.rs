//! Points in time. Engines never read a clock; whoever calls them passes one of these.

use std::fmt;
use std::str::FromStr;

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time in UTC with millisecond precision, written in RFC 3339 (`2026-11-23T05:13:00.000Z`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text is not an RFC 3339 time, or lies outside the years 0 to 9999.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time such as 2026-11-23T05:13:00Z or a date such as 2026-11-23")]
pub struct TimestampError(String);

const MAX_MS: i64 = 253_402_300_799_999; // 9999-12-31T23:59:59.999Z
const MIN_MS: i64 = -62_167_219_200_000; // 0000-01-01T00:00:00.000Z

impl Timestamp {
    /// Milliseconds since 1970-01-01T00:00:00Z, clamped to the years 0 to 9999.
    #[must_use]
    pub const fn from_unix_ms(ms: i64) -> Self {
        if ms > MAX_MS {
            Self(MAX_MS)
        } else if ms < MIN_MS {
            Self(MIN_MS)
        } else {
            Self(ms)
        }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// This time moved by whole days.
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        Self::from_unix_ms(self.0.saturating_add(days.saturating_mul(86_400_000)))
    }

    /// This time moved by milliseconds.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self::from_unix_ms(self.0.saturating_add(ms))
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Accepts RFC 3339 and a bare date, which means its first moment in UTC.
    fn from_str(s: &str) -> Result<Self, TimestampError> {
        let error = || TimestampError(s.to_owned());
        let full = if s.len() == 10 { format!("{s}T00:00:00Z") } else { s.to_owned() };
        let parsed = OffsetDateTime::parse(&full, &Rfc3339).map_err(|_| error())?;
        let ms = i64::try_from(parsed.unix_timestamp_nanos() / 1_000_000).map_err(|_| error())?;
        Ok(Self::from_unix_ms(ms))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The constructor keeps the value inside the years that OffsetDateTime can hold.
        let t = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            t.year(),
            u8::from(t.month()),
            t.day(),
            t.hour(),
            t.minute(),
            t.second(),
            t.millisecond()
        )
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_and_offsets() {
        let date: Timestamp = "2026-11-23".parse().unwrap();
        assert_eq!(date.to_string(), "2026-11-23T00:00:00.000Z");
        assert_eq!("2026-11-23T01:00:00+01:00".parse(), Ok(date));
        assert!("yesterday".parse::<Timestamp>().is_err());
        assert_eq!(date.plus_days(8).to_string(), "2026-12-01T00:00:00.000Z");
    }

    proptest! {
        #[test]
        fn text_round_trips(ms in any::<i64>()) {
            let t = Timestamp::from_unix_ms(ms);
            prop_assert_eq!(t.to_string().parse(), Ok(t));
        }
    }
}
