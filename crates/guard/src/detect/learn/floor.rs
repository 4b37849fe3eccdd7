//! What new weights have to hold: texts that a fixed seed draws and that no training sees.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proofhouse_dialogue::Carrier;
use serde::{Deserialize, Serialize};

use super::super::LinearDetector;
use super::super::corpus::{self, Draw, Sample};
use super::super::train::base_form;
use super::stages::{Stages, Text};

/// The share of a group of harmless texts that may be called an attack.
pub const MOST: f64 = 0.02;
/// The share of frozen attacks that may be lost.
pub const FORGOTTEN: f64 = 0.02;
/// The seed of the frozen texts; training draws from other seeds.
const FROZEN: u64 = 0x0F20_2E41;
/// Texts in each frozen group.
const FROZEN_TEXTS: usize = 1500;
/// Attacks of a group that a second detector reads: it takes milliseconds for each.
const READ_TWICE: usize = 100;

/// One frozen group of texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floor {
    /// Its name, such as `documents`.
    pub group: String,
    /// Whether its texts attack.
    pub attack: bool,
    /// Texts.
    pub texts: usize,
    /// Called an attack by the old weights alone.
    pub before: usize,
    /// Called an attack by the new ones alone.
    pub after: usize,
    /// The same of the guard as it is configured, where a second detector reads after the weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub together: Option<Together>,
}

/// What two detectors call an attack together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Together {
    /// Texts that both were shown.
    pub texts: usize,
    /// With the old weights.
    pub before: usize,
    /// With the new ones.
    pub after: usize,
}

/// The kind of a text, as floors are named.
pub(super) fn kind(sample: &Sample) -> &'static str {
    match (sample.attack, sample.carrier, sample.family.starts_with("b.")) {
        (true, Carrier::Chat, _) => "direct attacks",
        (true, ..) => "attacks in documents",
        (_, Carrier::Chat, true) => "harmless with an attack's words",
        (_, Carrier::Chat, false) => "ordinary requests",
        (_, Carrier::Document, _) => "documents",
        (_, Carrier::Code, _) => "code and logs",
    }
}

/// The frozen texts, and what the old weights call them.
pub(super) struct Floors<'a> {
    stages: Stages<'a>,
    groups: Vec<Group>,
}

struct Group {
    name: &'static str,
    attack: bool,
    texts: Vec<Text>,
    before: usize,
    together: Option<usize>,
}

impl<'a> Floors<'a> {
    pub(super) fn new(base: &LinearDetector, stages: Stages<'a>) -> Self {
        let groups = FROZEN_GROUPS.iter().map(|((attack, name), texts)| {
            let texts = texts.iter().map(|(text, carrier)| Text::new(text.clone(), *carrier)).collect();
            let mut group = Group { name, attack: *attack, texts, before: 0, together: None };
            group.before = group.alone(base);
            group.together = stages.is_joint().then(|| group.both(base, stages));
            group
        });
        Self { stages, groups: groups.collect() }
    }

    /// The first floor that `after` breaks. The small groups come first, and what costs milliseconds a text last.
    pub(super) fn broken(&self, after: &LinearDetector) -> Option<Floor> {
        let mut groups: Vec<&Group> = self.groups.iter().collect();
        groups.sort_by_key(|group| group.texts.len());
        let alone = groups.iter().find(|group| !group.holds(group.alone(after), group.before, None));
        let broken = alone.or_else(|| {
            groups.iter().find(|group| {
                let Some(before) = group.together else { return false };
                !group.holds(group.both(after, self.stages), before, Some(group.read_twice()))
            })
        });
        broken.map(|group| self.floor(group, after))
    }

    /// All floors.
    pub(super) fn measure(&self, after: &LinearDetector) -> Vec<Floor> {
        self.groups.iter().map(|group| self.floor(group, after)).collect()
    }

    fn floor(&self, group: &Group, after: &LinearDetector) -> Floor {
        Floor {
            group: group.name.to_owned(),
            attack: group.attack,
            texts: group.texts.len(),
            before: group.before,
            after: group.alone(after),
            together: group.together.map(|before| Together {
                texts: group.read_twice(),
                before,
                after: group.both(after, self.stages),
            }),
        }
    }
}

impl Group {
    fn alone(&self, detector: &LinearDetector) -> usize {
        self.texts.iter().filter(|text| text.margin(detector) >= 0.0).count()
    }

    /// Harmless texts rarely get as far as the second detector, attacks nearly always.
    const fn read_twice(&self) -> usize {
        let all = self.texts.len();
        if self.attack && all > READ_TWICE { READ_TWICE } else { all }
    }

    fn both(&self, detector: &LinearDetector, stages: Stages<'_>) -> usize {
        // Every so many, for the texts are in alphabetical order.
        let step = self.texts.len().div_ceil(self.read_twice().max(1)).max(1);
        let shown = self.texts.iter().step_by(step).take(self.read_twice());
        shown.filter(|text| text.is_attack(detector, stages)).count()
    }

    fn holds(&self, after: usize, before: usize, of: Option<usize>) -> bool {
        // Of a small group one text is more than the share; it may be that one.
        let of = |share: f64| (share * of.unwrap_or(self.texts.len()) as f64).ceil() as usize;
        if self.attack { after + of(FORGOTTEN) >= before } else { after <= of(MOST).max(before) }
    }
}

type Texts = BTreeSet<(String, Carrier)>;

/// Harmless texts by kind, a list written by hand, and attacks.
static FROZEN_GROUPS: LazyLock<BTreeMap<(bool, &'static str), Texts>> = LazyLock::new(|| {
    let mut draw = Draw::new(FROZEN);
    let mut groups: BTreeMap<(bool, &str), Texts> = BTreeMap::new();
    for _ in 0..4 * FROZEN_TEXTS {
        for sample in [corpus::benign(&mut draw), corpus::attack(&mut draw)] {
            let group = groups.entry((sample.attack, kind(&sample))).or_default();
            if group.len() < FROZEN_TEXTS {
                group.insert((base_form(&sample.text), sample.carrier));
            }
        }
    }
    let by_hand =
        include_str!("harmless.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    groups
        .insert((false, "harmless, by hand"), by_hand.map(|line| (base_form(line), Carrier::Chat)).collect());
    groups
});
