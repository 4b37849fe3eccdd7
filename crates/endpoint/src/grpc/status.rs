//! Why a call over gRPC came to nothing (gRPC, "Status codes and their use in gRPC").

use std::fmt;

/// A status of gRPC, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrpcStatus(pub u32);

/// Each status from 0 on: its name, and what it means to somebody who asks a model.
const STATUSES: [(&str, &str); 17] = [
    ("OK", "all is well"),
    ("CANCELLED", "the question was given up on the way"),
    ("UNKNOWN", "the server failed and does not say how"),
    (
        "INVALID_ARGUMENT",
        "the question is not what the model takes, whatever the server declares: names, datatypes or shapes differ",
    ),
    (
        "DEADLINE_EXCEEDED",
        "the answer took too long; allow more with --timeout, or ask for fewer rows with --batch",
    ),
    ("NOT_FOUND", "there is no such model, or no such version of it"),
    ("ALREADY_EXISTS", "what was asked for is there already"),
    ("PERMISSION_DENIED", "the server knows the key and does not let it in"),
    (
        "RESOURCE_EXHAUSTED",
        "the server throttles, or takes no message of this size; ask less with --per-minute, --concurrent or --batch",
    ),
    ("FAILED_PRECONDITION", "the server is in no state to answer; the model may not be loaded"),
    ("ABORTED", "the server gave the question up"),
    ("OUT_OF_RANGE", "a value is outside of what the model takes"),
    (
        "UNIMPLEMENTED",
        "the server has no Open Inference Protocol at this address, or does not have this call of it",
    ),
    ("INTERNAL", "the server failed"),
    ("UNAVAILABLE", "the server is overloaded, or not up yet"),
    ("DATA_LOSS", "the server lost what it needs to answer"),
    ("UNAUTHENTICATED", "the server wants a key; give the variable that holds it with --key-env"),
];

impl GrpcStatus {
    pub(crate) const OK: Self = Self(0);
    pub(crate) const UNKNOWN: Self = Self(2);
    pub(crate) const NOT_FOUND: Self = Self(5);
    pub(crate) const UNIMPLEMENTED: Self = Self(12);
    pub(crate) const UNAVAILABLE: Self = Self(14);

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().map_or("which gRPC has not", |(name, _)| name)
    }

    /// What it means.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.row().map_or("the server answers with a status of its own", |(_, meaning)| meaning)
    }

    /// Whether asking again may help: what an overloaded or failing server says. Some servers say UNKNOWN and INTERNAL
    /// where over REST they say 500.
    #[must_use]
    pub const fn is_passing(self) -> bool {
        matches!(self.0, 2 | 4 | 8 | 10 | 13 | 14)
    }

    fn row(self) -> Option<(&'static str, &'static str)> {
        STATUSES.get(usize::try_from(self.0).ok()?).copied()
    }
}

impl fmt::Display for GrpcStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.name())
    }
}

/// `grpc-message`: percent-encoded UTF-8. What is no encoding stands for itself.
pub(crate) fn decoded(message: &[u8]) -> String {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let mut out = Vec::with_capacity(message.len());
    let mut rest = message;
    while let Some((first, behind)) = rest.split_first() {
        let byte = match (*first, digit(behind.first()), digit(behind.get(1))) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        out.push(byte.unwrap_or(*first));
        rest = behind.get(if byte.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_names_and_meanings() {
        assert_eq!(GrpcStatus(5).to_string(), "5 NOT_FOUND");
        assert_eq!(GrpcStatus::UNAVAILABLE.name(), "UNAVAILABLE");
        assert_eq!(GrpcStatus::UNIMPLEMENTED.name(), "UNIMPLEMENTED");
        assert_eq!(GrpcStatus(16).name(), "UNAUTHENTICATED");
        assert_eq!(GrpcStatus(99).to_string(), "99 which gRPC has not");
        assert!(GrpcStatus(14).is_passing() && !GrpcStatus(3).is_passing() && !GrpcStatus(99).is_passing());
    }

    #[test]
    fn messages_are_decoded_as_far_as_they_are_encoded() {
        assert_eq!(decoded(b"no%20such%20model%3A %e2%82%ac"), "no such model: \u{20ac}");
        assert_eq!(decoded(b"100% of %zz %4"), "100% of %zz %4");
        assert_eq!(decoded(b"%ff%25"), "\u{fffd}%");
    }
}
