//! What is written: an [`Event`] on its way in, an [`Entry`] once it has its place.
//!
//! The bytes of a leaf are the canonical JSON (RFC 8785) of
//! `{"v":1,"seq":…,"at":…,"kind":…,"actor":…,"subject":…,"body":…}`. Its place is part of the leaf, so
//! that two equal events are two different leaves and a leaf cannot be moved.

use std::fmt;
use std::str::FromStr;

use proofhouse_core::{Digest, Timestamp, canonical};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::merkle;

/// The most bytes a leaf may have. An entry of a tlog-tiles bundle has a 16-bit length; what is larger
/// belongs into an object that the event names by digest.
pub const MAX_LEAF_BYTES: usize = 65_535;

/// Deepest nesting of a body.
pub const MAX_BODY_DEPTH: usize = 32;

/// Integers beyond this are not exact in canonical JSON, where every number is an IEEE 754 double.
const MAX_EXACT_INTEGER: u64 = 1 << 53;

const LEAF_VERSION: u8 = 1;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// What happened. The text form is part of the leaf and never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum EventKind { $($(#[doc = $doc])+ $variant,)+ }

        impl EventKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The kind as leaves spell it, such as `evidence-recorded`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

kinds! {
    /// A system file was taken in.
    SystemRegistered = "system-registered",
    /// Questions about the system were answered.
    QuestionsAnswered = "questions-answered",
    /// Threats were derived from the system file.
    ThreatsDerived = "threats-derived",
    /// The state of one threat changed.
    ThreatChanged = "threat-changed",
    /// A threat that had been dealt with is open again.
    ThreatReopened = "threat-reopened",
    /// The test plan was written.
    PlanWritten = "plan-written",
    /// A model, dataset, policy bundle or BOM was taken in.
    SubjectRecorded = "subject-recorded",
    /// Signed evidence was recorded.
    EvidenceRecorded = "evidence-recorded",
    /// The gate decided.
    GateDecided = "gate-decided",
    /// A threat was accepted for a time.
    WaiverGranted = "waiver-granted",
    /// A release was made.
    ReleaseMade = "release-made",
    /// A copy of a model started at a target, or renewed its lease.
    InstanceStarted = "instance-started",
    /// A copy of a model stopped.
    InstanceStopped = "instance-stopped",
    /// A batch of gateway audit records, held as commitments.
    GatewayAudit = "gateway-audit",
    /// A series of looks at traffic, alarmed or not.
    TrafficObserved = "traffic-observed",
    /// A runtime fact that may re-open threats.
    SignalRaised = "signal-raised",
    /// A digest shall be served nowhere.
    RecallOrdered = "recall-ordered",
    /// A recall is complete.
    RecallCertified = "recall-certified",
    /// A risk was scored.
    RiskScored = "risk-scored",
    /// A run of the whole life began.
    RunStarted = "run-started",
    /// A run of the whole life ended.
    RunFinished = "run-finished",
    /// A signing key was created.
    KeyCreated = "key-created",
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no kind of event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of event")]
pub struct EventKindError(String);

impl FromStr for EventKind {
    type Err = EventKindError;

    fn from_str(s: &str) -> Result<Self, EventKindError> {
        Self::ALL.iter().copied().find(|k| k.as_str() == s).ok_or_else(|| EventKindError(s.to_owned()))
    }
}

impl Serialize for EventKind {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EventKind {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Something that happened, not yet in the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The digest of what it happened to, where there is one.
    pub subject: Option<Digest>,
    /// Who did it: a person, a key or a component, such as `gateway/eu-1`.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// The rest; see [`body`](crate::body) for the fields each kind has.
    pub body: Value,
}

/// An event in its place in the ledger.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Its place, from 0; also the index of its leaf.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// Who did it.
    pub actor: String,
    /// The digest of what it happened to.
    pub subject: Option<Digest>,
    /// The rest.
    pub body: Value,
    /// The hash of its leaf.
    pub leaf_hash: Digest,
}

/// Why an event cannot be written, or a leaf cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeafError {
    /// More bytes than a leaf may have.
    #[error(
        "the leaf would have {bytes} bytes, at most {MAX_LEAF_BYTES} are allowed; store the document as an \
         object and put its digest into the body"
    )]
    TooLarge {
        /// Bytes of the leaf.
        bytes: usize,
    },
    /// An array or object nested too deeply.
    #[error("the body nests more than {MAX_BODY_DEPTH} levels")]
    TooDeep,
    /// An integer that canonical JSON would round.
    #[error("the body holds the integer {0}, which JSON numbers cannot hold exactly; write it as text")]
    InexactInteger(String),
    /// A text with a NUL character, which PostgreSQL cannot store.
    #[error("the body holds a text with a NUL character")]
    Nul,
    /// The actor is empty, too long or has control characters.
    #[error("an actor has 1 to 200 characters, none of them a control character; this is {0:?}")]
    Actor(String),
    /// Not JSON, or not the fields of a leaf.
    #[error("the leaf cannot be read: {0}")]
    Malformed(String),
    /// JSON, but not its canonical form.
    #[error("the leaf is not canonical JSON (RFC 8785)")]
    NotCanonical,
    /// The leaf belongs elsewhere.
    #[error("the leaf says it is number {found}")]
    Misplaced {
        /// The place it names.
        found: u64,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Leaf {
    v: u8,
    seq: u64,
    at: Timestamp,
    kind: EventKind,
    actor: String,
    // Always present: null where there is none.
    #[serde(deserialize_with = "Option::deserialize")]
    subject: Option<Digest>,
    body: Value,
}

impl Event {
    /// The bytes of the leaf at place `seq`, and the entry they make.
    pub fn to_leaf(&self, seq: u64) -> Result<(Vec<u8>, Entry), LeafError> {
        let length = self.actor.chars().count();
        if length == 0 || length > 200 || self.actor.chars().any(char::is_control) {
            return Err(LeafError::Actor(self.actor.chars().take(200).collect()));
        }
        check_body(&self.body)?;
        let leaf = Leaf {
            v: LEAF_VERSION,
            seq,
            at: self.at,
            kind: self.kind,
            actor: self.actor.clone(),
            subject: self.subject,
            body: self.body.clone(),
        };
        let bytes = canonical::to_vec(&leaf).map_err(|e| LeafError::Malformed(e.to_string()))?;
        if bytes.len() > MAX_LEAF_BYTES {
            return Err(LeafError::TooLarge { bytes: bytes.len() });
        }
        // Read back rather than copied: what the views are made of is what was hashed, to the last digit.
        let entry = Entry::from_leaf(seq, &bytes)?;
        Ok((bytes, entry))
    }
}

impl Entry {
    /// Reads the leaf at place `seq`. Refuses whatever [`Event::to_leaf`] would not have written.
    pub fn from_leaf(seq: u64, bytes: &[u8]) -> Result<Self, LeafError> {
        if bytes.len() > MAX_LEAF_BYTES {
            return Err(LeafError::TooLarge { bytes: bytes.len() });
        }
        let leaf: Leaf = serde_json::from_slice(bytes).map_err(|e| LeafError::Malformed(e.to_string()))?;
        if leaf.v != LEAF_VERSION {
            return Err(LeafError::Malformed(format!("its version is {}, known is {LEAF_VERSION}", leaf.v)));
        }
        let again = canonical::to_vec(&leaf).map_err(|e| LeafError::Malformed(e.to_string()))?;
        if again != bytes {
            return Err(LeafError::NotCanonical);
        }
        if leaf.seq != seq {
            return Err(LeafError::Misplaced { found: leaf.seq });
        }
        Ok(Self {
            seq,
            at: leaf.at,
            kind: leaf.kind,
            actor: leaf.actor,
            subject: leaf.subject,
            body: leaf.body,
            leaf_hash: merkle::leaf_hash(bytes),
        })
    }
}

/// Walks the body with a stack of its own: a body may come from a request.
fn check_body(body: &Value) -> Result<(), LeafError> {
    let mut waiting = vec![(body, 1)];
    while let Some((value, depth)) = waiting.pop() {
        if depth > MAX_BODY_DEPTH {
            return Err(LeafError::TooDeep);
        }
        match value {
            Value::Number(n) => {
                let magnitude = n.as_u64().or_else(|| n.as_i64().map(i64::unsigned_abs));
                if magnitude.is_some_and(|m| m > MAX_EXACT_INTEGER) {
                    return Err(LeafError::InexactInteger(n.to_string()));
                }
            }
            Value::String(text) if text.contains('\0') => return Err(LeafError::Nul),
            Value::Array(items) => waiting.extend(items.iter().map(|v| (v, depth + 1))),
            Value::Object(fields) => {
                if fields.keys().any(|k| k.contains('\0')) {
                    return Err(LeafError::Nul);
                }
                waiting.extend(fields.values().map(|v| (v, depth + 1)));
            }
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn event(body: Value) -> Event {
        let at = Timestamp::from_unix_ms(1_790_000_000_000);
        Event { kind: EventKind::PlanWritten, subject: None, actor: "tester".into(), at, body }
    }

    #[test]
    fn the_bytes_of_a_leaf_are_these() {
        let (bytes, entry) = event(json!({"b": 1.0, "a": [null]})).to_leaf(7).unwrap();
        assert_eq!(
            String::from_utf8(bytes.clone()).unwrap(),
            r#"{"actor":"tester","at":"2026-09-21T14:13:20.000Z","body":{"a":[null],"b":1},"kind":"plan-written","seq":7,"subject":null,"v":1}"#
        );
        assert_eq!(entry.leaf_hash, merkle::leaf_hash(&bytes));
        assert_eq!(Entry::from_leaf(7, &bytes).unwrap(), entry);
        assert_eq!(Entry::from_leaf(8, &bytes), Err(LeafError::Misplaced { found: 7 }));
    }

    #[test]
    fn other_spellings_of_a_leaf_are_refused() {
        let (bytes, _) = event(json!({"a": 1})).to_leaf(0).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        for (from, to) in [
            ("{\"a\":1}", "{\"a\": 1}"),
            ("{\"a\":1}", "{\"a\":1.0}"),
            ("{\"a\":1}", "{\"a\":1,\"a\":1}"),
            ("\"v\":1", "\"v\":2"),
            ("\"subject\":null,", ""),
            ("\"v\":1", "\"v\":1,\"w\":1"),
            ("plan-written", "plan-forged"),
            ("tester", "t\\u0065ster"),
            ("14:13:20.000Z", "14:13:20Z"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert!(Entry::from_leaf(0, changed.as_bytes()).is_err(), "{changed}");
        }
        assert!(Entry::from_leaf(0, &vec![b'['; MAX_LEAF_BYTES]).is_err());
    }

    #[test]
    fn kinds_are_spelt_one_way() {
        for kind in EventKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
            assert!(kind.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
        }
        assert!("Plan-Written".parse::<EventKind>().is_err());
    }

    #[test]
    fn integers_are_exact_or_refused() {
        assert!(event(json!(1u64 << 53)).to_leaf(0).is_ok());
        for n in [json!((1u64 << 53) + 1), json!(-(1i64 << 53) - 1), json!(u64::MAX)] {
            assert!(matches!(event(n).to_leaf(0), Err(LeafError::InexactInteger(_))));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Entry::from_leaf(0, &bytes).is_err());
        }

        #[test]
        fn what_is_written_is_read(text in "\\PC{0,30}", number in any::<f64>(), seq in 0u64..1 << 53) {
            prop_assume!(number.is_finite());
            let event = event(json!({"text": text, "list": [number, {"k": null}]}));
            let (bytes, entry) = event.to_leaf(seq).unwrap();
            prop_assert_eq!(&entry.body["text"], &json!(text));
            prop_assert_eq!(entry.body["list"][0].as_f64(), Some(number));
            prop_assert_eq!(Entry::from_leaf(seq, &bytes), Ok(entry));
        }
    }
}
