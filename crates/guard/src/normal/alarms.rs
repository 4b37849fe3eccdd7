//! What is alarming about the characters of a text, whatever it says: payloads that no reader sees,
//! direction tricks, words of mixed scripts.
//!
//! What ordinary text needs is not counted: emoji sequences and flags, joiners of Arabic and Indic
//! scripts, break hints of scripts without spaces, variation selectors after emoji and ideographs, soft
//! hyphens at a hyphenator's density, a byte order mark at the start.

use std::cell::LazyCell;
use std::ops::Range;

use super::code_points::{Seen, Traits, is_all_plain};
use super::invisible::{TATWEEL, is_common_mark, is_invisible, is_terminal_control};
use super::look_alikes;

mod payload;
mod wanted;

pub(super) use payload::Payload;
use wanted::Wanted;

/// Fewest decodable bytes of a payload that is an alarm by itself.
pub const LEAST_PAYLOAD: usize = 8;
/// Most places kept per alarm.
pub const MOST_PLACES: usize = 32;

/// A finding about the characters of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// What it is.
    pub kind: AlarmKind,
    /// Where, in bytes of the text that was given; at most [`MOST_PLACES`].
    pub places: Vec<Range<usize>>,
    /// How many code points (for [`AlarmKind::MixedScripts`]: words) it is about, all places counted.
    pub count: usize,
}

/// Kinds of alarms.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AlarmKind {
    /// Bytes are written in characters that show nothing.
    InvisiblePayload {
        /// In which.
        channel: Channel,
        /// What they say, as far as it is text.
        text: String,
    },
    /// Characters that change the direction of writing, where no script needs them: people read another
    /// text than the model.
    Direction,
    /// Words made of letters from several scripts that look alike.
    MixedScripts,
    /// Many characters that show nothing.
    Invisibles,
    /// Stacks of marks over letters.
    MarkFlood,
    /// Escape sequences or overstrikes, which hide text on a terminal.
    Terminal,
    /// Words whose letters stand in no order that a language has, and that no reading undid: a cipher that
    /// somebody with its key can read, and nobody else.
    Cipher,
}

/// Where a payload was hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// Tag characters, U+E0020 to U+E007E: ASCII that shows nothing.
    Tags,
    /// Variation selectors, one per byte.
    VariationSelectors,
    /// Zero-width characters as digits of a binary number.
    ZeroWidth,
}

impl AlarmKind {
    /// A short name that never changes meaning, for reports and rules.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::InvisiblePayload { .. } => "invisible-payload",
            Self::Direction => "direction",
            Self::MixedScripts => "mixed-scripts",
            Self::Invisibles => "invisibles",
            Self::MarkFlood => "mark-flood",
            Self::Terminal => "terminal",
            Self::Cipher => "cipher",
        }
    }

    /// Whether it leaves something unread, so that a text with it is not benign, whatever the rest says.
    #[must_use]
    pub const fn is_unreadable(&self) -> bool {
        matches!(self, Self::Cipher)
    }

    /// Whether it decides by itself: no ordinary text does this. The other kinds add suspicion.
    #[must_use]
    pub const fn is_conclusive(&self) -> bool {
        matches!(self, Self::InvisiblePayload { .. })
    }
}

/// Looks at the characters of `source`. Plain ASCII raises nothing and costs one pass over its bytes;
/// ordinary text of any script costs one look at a table for each character.
pub(super) fn raise(source: &str) -> (Vec<Alarm>, Vec<Payload>) {
    if is_all_plain(source) {
        return (Vec::new(), Vec::new());
    }
    raise_with(source, &Seen::of(source))
}

/// [`raise`], where it is known what there is to see.
pub(super) fn raise_with(source: &str, seen: &Seen) -> (Vec<Alarm>, Vec<Payload>) {
    let survey = Survey::of(source, seen);
    let payloads = payload::found(&survey.unwanted);
    let mut alarms: Vec<Alarm> = payloads
        .iter()
        .map(|p| Alarm {
            kind: AlarmKind::InvisiblePayload { channel: p.channel, text: p.text.clone() },
            places: places(p.places.iter().cloned()),
            count: p.bytes,
        })
        .collect();
    let mut raise = |kind, found: &[Range<usize>], least: usize| {
        if found.len() >= least {
            alarms.push(Alarm { kind, places: places(found.iter().cloned()), count: found.len() });
        }
    };
    raise(AlarmKind::Direction, &survey.direction, 1);
    raise(AlarmKind::MixedScripts, &survey.mixed, 2);
    let invisible: Vec<Range<usize>> = survey.unwanted.iter().map(|(span, _)| span.clone()).collect();
    raise(AlarmKind::Invisibles, &invisible, 8);
    raise(AlarmKind::MarkFlood, &survey.floods, 3);
    raise(AlarmKind::Terminal, &survey.terminal, 1);
    (alarms, payloads)
}

/// Neighbouring ranges as one, the first [`MOST_PLACES`].
fn places(ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        let full = places.len() == MOST_PLACES;
        match places.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            _ if full => break,
            _ => places.push(range),
        }
    }
    places
}

/// Words of mixed scripts, where they may be. Short words are symbols: Δt, µm, x̄.
fn mixed(source: &str, may_be: bool) -> Vec<Range<usize>> {
    if !may_be {
        return Vec::new();
    }
    look_alikes::mixed_words(source)
        .filter(|(word, _)| source.get(word.clone()).is_some_and(|w| w.chars().nth(3).is_some()))
        .map(|(word, _)| word)
        .collect()
}

/// What one pass over the characters finds.
#[derive(Default)]
struct Survey {
    /// Invisible characters that nothing in the text needs.
    unwanted: Vec<(Range<usize>, char)>,
    direction: Vec<Range<usize>>,
    mixed: Vec<Range<usize>>,
    floods: Vec<Range<usize>>,
    terminal: Vec<Range<usize>>,
}

impl Survey {
    fn of(source: &str, seen: &Seen) -> Self {
        let may_mix = seen.traits.any(Traits::MIXES) && source.bytes().any(|b| b.is_ascii_alphabetic());
        let mut survey = Self { mixed: mixed(source, may_mix), ..Self::default() };
        let wanted = LazyCell::new(|| Wanted::of(source, &seen.closer));
        let mut marks = 0..0;
        let mut stacked = 0usize;
        let mut end = 0;
        for at in &seen.closer {
            let Some(c) = source.get(*at..).and_then(|rest| rest.chars().next()) else { break };
            let span = *at..at + c.len_utf8();
            // Between them stands another character.
            if span.start != end {
                stacked = 0;
            }
            end = span.end;
            // Many in a row make an Arabic word longer, which headings are.
            if is_common_mark(c) && c != TATWEEL {
                stacked += 1;
                marks = if stacked == 1 { span } else { marks.start..span.end };
                if stacked == 3 {
                    survey.floods.push(marks.clone());
                } else if stacked > 3
                    && let Some(last) = survey.floods.last_mut()
                {
                    last.end = marks.end;
                }
                continue;
            }
            if is_terminal_control(c) {
                survey.terminal.push(span);
            } else if is_invisible(c) {
                if !wanted.has(*at) {
                    survey.unwanted.push((span, c));
                }
            } else {
                stacked = 0;
            }
        }
        if !seen.closer.is_empty() && wanted::may_turn(source) {
            survey.direction = wanted::direction_tricks(source);
        }
        survey
    }
}
