//! What is in the texts of a conversation.

use std::ops::Range;

use proofhouse_core::Digest;
use proofhouse_dialogue::{Carrier, Label, Origin, Segment, Trust};
use serde::Serialize;

use super::Guard;
use crate::detect::{self, Score};
use crate::normal::{Budget, NormalForm, SpanMap, Transform, normalise};

/// What was made of a text. The order is the order of concern.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// It looks like any other text.
    #[default]
    Benign,
    /// It has something of an attack.
    Grey,
    /// Some of it was not read: it holds more than the bounds of the work allow, or a second detector that was to
    /// read it failed. Not benign.
    Unread,
    /// It looks like an attack, or hides a message that no reader sees.
    Attack,
}

/// What was found in a conversation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// The worst of any segment.
    pub verdict: Finding,
    /// Each segment, oldest first.
    pub segments: Vec<SegmentInspection>,
    /// Bytes that were read.
    pub bytes: usize,
}

/// What was found in one segment. Ranges are bytes of its text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentInspection {
    /// Which message, from 0.
    pub message: usize,
    /// Which segment of it, from 0.
    pub segment: usize,
    /// Its label.
    pub label: Label,
    /// What kind of text it is.
    pub carrier: Carrier,
    /// What was made of it.
    pub verdict: Finding,
    /// Digest of its normal form; nothing where it was not read.
    pub normal_form: Option<Digest>,
    /// How likely an attack, calibrated for its carrier; nothing where it was not scored: the application's
    /// own instructions direct the model, and what the model said was judged when it was said.
    pub score: Option<f32>,
    /// How far above the threshold of an attack, in logits.
    pub margin: Option<f32>,
    /// What was undone to read what scored highest; empty for the text as it stands.
    pub read_by: Vec<Transform>,
    /// Where that stands.
    pub spans: Vec<Range<usize>>,
    /// Where the phrases stand that spoke most for an attack, strongest first.
    pub reasons: Vec<Range<usize>>,
    /// It gives a plain order, such as to set aside all instructions; the score was below the threshold.
    pub order: bool,
    /// Kinds of alarms about its characters.
    pub alarms: Vec<&'static str>,
    /// A second detector had a say in it.
    pub second: bool,
    /// Why a second detector that was asked said nothing. What the first one calls an attack is one; anything else
    /// was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_failed: Option<String>,
}

/// Readings of one text that a second detector is asked about: what it is told by the first one's word on the text as
/// it stands can be wrong where the order stands in quotation marks, or in pieces.
const VIEWS_ASKED_ABOUT: usize = 3;

/// Inspects segments until the work is used up.
pub(super) struct Inspector<'g> {
    pub guard: &'g Guard,
    pub left: usize,
}

impl Inspector<'_> {
    pub fn segment(&mut self, message: usize, index: usize, segment: &Segment) -> SegmentInspection {
        let mut found = SegmentInspection {
            message,
            segment: index,
            label: segment.label.clone(),
            carrier: segment.carrier,
            verdict: Finding::Unread,
            normal_form: None,
            score: None,
            margin: None,
            read_by: Vec::new(),
            spans: Vec::new(),
            reasons: Vec::new(),
            order: false,
            alarms: Vec::new(),
            second: false,
            second_failed: None,
        };
        let Some(left) = self.left.checked_sub(segment.text.len()) else {
            // What comes after is not read either, so that nobody buys silence with a shorter text.
            self.left = 0;
            return found;
        };
        self.left = left;
        let work = &self.guard.config.work;
        let budget = Budget { views: work.views, view_bytes: work.decoded_bytes, ..Budget::default() };
        let form = normalise(&segment.text, &budget);
        found.verdict = if form.truncated { Finding::Unread } else { Finding::Benign };
        found.normal_form = Some(form.digest);
        found.alarms = form.alarms.iter().map(|alarm| alarm.kind.id()).collect();
        let own = segment.label.trust == Trust::Trusted;
        if !own && form.alarms.iter().any(|alarm| alarm.kind.is_conclusive()) {
            found.verdict = Finding::Attack;
        }
        if !own && form.alarms.iter().any(|alarm| alarm.kind.is_unreadable()) {
            found.verdict = found.verdict.max(Finding::Grey);
        }
        if !own && segment.label.origin != Origin::Assistant {
            self.score(&form, segment.carrier, &mut found);
        }
        found
    }

    fn score(&self, form: &NormalForm<'_>, carrier: Carrier, found: &mut SegmentInspection) {
        let texts: Vec<&str> = form.texts().collect();
        let asked = self.guard.asked_from(carrier);
        let many = if self.guard.second.is_some() { VIEWS_ASKED_ABOUT } else { 1 };
        let mut judged = self.guard.first.score_views(&texts, carrier, asked, many);
        if let Some(second) = &self.guard.second {
            for (at, score) in judged.iter_mut().filter(|(_, first)| first.margin >= asked) {
                let text = texts.get(*at).copied().unwrap_or_default();
                match second.confirm(text, carrier, score) {
                    Ok(Some(both)) => (*score, found.second) = (both, true),
                    Ok(None) => {}
                    Err(error) => found.second_failed = Some(error.to_string()),
                }
                if score.verdict == detect::Verdict::Attack || found.second_failed.is_some() {
                    break;
                }
            }
        }
        // The first of the worst: the nearest to what is written.
        let Some((at, score)) = judged.iter().rev().max_by_key(|(_, score)| score.verdict) else { return };
        let (spans, read_by) = reading(form, *at);
        found.take(score, spans, read_by);
        if found.second_failed.is_some() {
            found.verdict = found.verdict.max(Finding::Unread);
        }
        if found.verdict < Finding::Attack {
            let order =
                texts.iter().enumerate().find_map(|(at, text)| Some((at, detect::plain_order(text)?)));
            if let Some((at, order)) = order {
                let (spans, read_by) = reading(form, at);
                found.order(spans.source(order), read_by);
            }
        }
    }
}

/// Where a text of a normal form came from, and what was undone to read it. The first is the base form.
fn reading<'f>(form: &'f NormalForm<'_>, at: usize) -> (&'f SpanMap, Vec<Transform>) {
    match at.checked_sub(1).and_then(|view| form.views.get(view)) {
        Some(view) => (&view.spans, view.how.clone()),
        None => (&form.spans, Vec::new()),
    }
}

impl SegmentInspection {
    /// A plain order makes an attack of it, whatever else was found.
    fn order(&mut self, place: Range<usize>, read_by: Vec<Transform>) {
        self.verdict = Finding::Attack;
        self.order = true;
        self.read_by = read_by;
        self.spans = vec![place.clone()];
        self.reasons = vec![place];
    }

    fn take(&mut self, score: &Score, spans: &SpanMap, read_by: Vec<Transform>) {
        self.verdict = self.verdict.max(match score.verdict {
            detect::Verdict::Benign => Finding::Benign,
            detect::Verdict::Grey => Finding::Grey,
            detect::Verdict::Attack => Finding::Attack,
        });
        self.score = Some(score.probability);
        self.margin = Some(score.margin);
        self.read_by = read_by;
        self.spans = score.spans.iter().map(|span| spans.source(span.clone())).collect();
        self.reasons = score.reasons.iter().map(|reason| spans.source(reason.range.clone())).collect();
    }
}
