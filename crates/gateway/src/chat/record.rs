//! What records and monitors learn about a conversation: labels, digests, scores, decisions and counts.
//! Never a text.

use std::collections::{BTreeMap, BTreeSet};

use proofhouse_core::{Digest, Hasher, Timestamp};
use proofhouse_guard::flow::Verdict;
use serde::{Deserialize, Serialize};

use super::Inspected;
use crate::audit::AuditRecord;

/// Segments and calls that a record names. A conversation may have thousands; the rest are counted.
pub(crate) const NAMED: usize = 8;

/// What was found in a conversation, and what was done about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatRecord {
    /// Whether the answer was a stream.
    pub stream: bool,
    /// Whether what answered proved the model's digest. What an endpoint serves is its own affair.
    pub digest_proven: bool,
    /// The worst that the guard found: `benign`, `grey` or `attack`; empty where it read nothing.
    pub verdict: String,
    /// The highest score of a segment, in thousandths.
    pub score_milli: u16,
    /// Codes of the boundary policy's reasons, where it refused the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Segments that were read.
    pub segments: u32,
    /// Segments by origin and trust, such as `tool untrusted`.
    pub labels: BTreeMap<String, u32>,
    /// One digest over the digests of all normal forms, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normal_forms: Option<Digest>,
    /// The most suspicious segments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspicious: Vec<SegmentRecord>,
    /// Tools the model called, and what was decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<CallRecord>,
    /// Calls in all.
    pub calls_made: u32,
    /// Calls that were withheld.
    pub calls_withheld: u32,
    /// What the output rules found and replaced, by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub redactions: BTreeMap<String, u32>,
    /// Tokens the model read, as its server says.
    pub tokens_in: u64,
    /// Tokens the model wrote, as its server says.
    pub tokens_out: u64,
    /// Tokens reserved beforehand.
    pub tokens_reserved: u64,
    /// Tokens charged.
    pub tokens_charged: u64,
}

/// One segment, by where it stands and not by what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRecord {
    /// Which, counted from 0.
    pub index: u32,
    /// Where it comes from, such as `tool lookup`.
    pub origin: String,
    /// How far it is trusted.
    pub trust: String,
    /// Digest of its normal form.
    pub normal_form: Digest,
    /// The score in thousandths.
    pub score_milli: u16,
    /// `benign`, `grey` or `attack`.
    pub verdict: String,
    /// Kinds of alarms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<String>,
}

/// One call, by tool and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The tool.
    pub tool: String,
    /// `allow`, `needs-approval` or `deny`.
    pub decision: String,
    /// Codes of the rules that objected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// Who approved it, where that mattered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// Names exactly this call at this point of the conversation.
    pub call: Digest,
}

/// A conversation as a monitor sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedChat {
    /// The request's id.
    pub request_id: String,
    /// When it arrived.
    pub at: Timestamp,
    /// The model's name.
    pub model: String,
    /// The model's digest.
    pub digest: Digest,
    /// The worst that the guard found: `benign`, `grey` or `attack`.
    pub verdict: String,
    /// The highest score of a segment.
    pub score: f64,
    /// Where the most suspicious segment comes from, such as `web`.
    pub origin: String,
    /// Kinds of alarms over all segments.
    pub alarms: Vec<String>,
    /// Whether the boundary refused the request.
    pub refused: bool,
    /// Where the texts come from that look like an attack, such as `retrieved supplier-pages/stove.html`; the
    /// most suspicious first, as many as a record names.
    pub attacks: Vec<String>,
    /// Calls of tools that were withheld.
    pub calls_withheld: u32,
    /// Their tools, as many as a record names.
    pub withheld: Vec<String>,
    /// What the output rules replaced.
    pub redactions: u32,
}

impl ObservedChat {
    /// What a record says about a conversation that the guard has read; nothing about any other request.
    pub(crate) fn of(record: &AuditRecord) -> Option<Self> {
        let chat = record.chat.as_deref().filter(|chat| !chat.verdict.is_empty())?;
        let worst = chat.suspicious.first();
        let alarms: BTreeSet<&String> = chat.suspicious.iter().flat_map(|segment| &segment.alarms).collect();
        let attacks = chat.suspicious.iter().filter(|segment| segment.verdict == "attack");
        let withheld = chat.calls.iter().filter(|call| call.decision != Verdict::Allow.to_string());
        Some(Self {
            request_id: record.request_id.clone(),
            at: record.at,
            model: record.model.clone()?,
            digest: record.digest?,
            verdict: chat.verdict.clone(),
            score: f64::from(chat.score_milli) / 1000.0,
            origin: worst
                .map(|s| s.origin.split(' ').next().unwrap_or_default().to_owned())
                .unwrap_or_default(),
            alarms: alarms.into_iter().cloned().collect(),
            refused: !chat.reasons.is_empty(),
            attacks: attacks.map(|s| s.origin.clone()).collect(),
            calls_withheld: chat.calls_withheld,
            withheld: withheld.map(|call| call.tool.clone()).collect(),
            redactions: chat.redactions.values().sum(),
        })
    }
}

impl ChatRecord {
    /// Notes what the guard found.
    pub(crate) fn note(&mut self, inspected: &Inspected) {
        let milli = |score: f64| (score.clamp(0.0, 1.0) * 1000.0).round() as u16;
        inspected.verdict().clone_into(&mut self.verdict);
        self.segments = u32::try_from(inspected.segments.len()).unwrap_or(u32::MAX);
        let mut forms = Hasher::with_domain("proofhouse.gateway.normal-forms/v1");
        for segment in &inspected.segments {
            forms.field(segment.normal_form.as_bytes());
            let label = format!("{} {}", segment.label.origin.kind(), segment.label.trust);
            *self.labels.entry(label).or_default() += 1;
            self.score_milli = self.score_milli.max(milli(segment.score));
        }
        self.normal_forms = Some(forms.finish());
        let mut ranked: Vec<_> = inspected
            .segments
            .iter()
            .enumerate()
            .filter(|(_, segment)| segment.verdict != "benign" || !segment.alarms.is_empty())
            .collect();
        ranked.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score));
        self.suspicious = ranked
            .into_iter()
            .take(NAMED)
            .map(|(index, segment)| SegmentRecord {
                index: u32::try_from(index).unwrap_or(u32::MAX),
                origin: segment.label.origin.to_string(),
                trust: segment.label.trust.to_string(),
                normal_form: segment.normal_form,
                score_milli: milli(segment.score),
                verdict: segment.verdict.to_owned(),
                alarms: segment.alarms.iter().map(|alarm| (*alarm).to_owned()).collect(),
            })
            .collect();
    }
}
