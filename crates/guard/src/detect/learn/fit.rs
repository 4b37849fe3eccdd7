//! Changes weights as little as it takes.
//!
//! Each row demands that its best window lies above a line, or below it. The change of the weights that meets
//! the demands and is shortest is found by dual coordinate ascent (Hsieh et al., ICML 2008), started from the
//! weights that are there instead of from zero: a demand that is met pulls at nothing, and one that is not
//! pulls until it is, or until it may pull no harder. So there is no step size to guess, and what no demand is
//! about stays as it was, to the bit.

use std::ops::Range;

use super::super::corpus::Draw;
use super::super::features::Slot;
use super::super::train::{Reading, Row, holds};
use super::super::weights::{Header, WeightsError, WeightsFile};
use super::super::windows::{Blocks, Weights, Window, norm, windows};
use super::super::{Calibration, LinearDetector};

/// What a row demands of the margin of its best window.
pub(super) struct Demand {
    pub row: Row,
    /// The line: an attack has to lie above it, a harmless text below.
    pub line: f32,
    /// How hard it may pull, against one for a lesson.
    pub force: f32,
}

/// Weights under way.
pub(super) struct Fit<'a> {
    base: &'a LinearDetector,
    old: Vec<f32>,
    weights: Vec<f32>,
    held: Vec<Held>,
    reading: Reading,
    order: Vec<usize>,
}

struct Held {
    demand: Demand,
    calibration: Calibration,
    /// How hard each window pulls; those that do not are not kept.
    pulls: Vec<(Window, f32)>,
}

impl Weights for Fit<'_> {
    type Sum = f32;

    #[inline]
    fn weight(&self, slot: u32) -> f32 {
        self.weights.get(slot as usize).copied().unwrap_or(0.0)
    }

    #[inline]
    fn add(&self, sum: &mut f32, slot: Slot, fresh: bool) {
        if fresh {
            *sum += self.weight(slot.index());
        }
    }

    fn total(&self, sum: &f32) -> f64 {
        f64::from(*sum)
    }
}

impl<'a> Fit<'a> {
    pub(super) fn new(base: &'a LinearDetector, demands: Vec<Demand>) -> Self {
        let old = base.floats();
        let hold = |demand: Demand| {
            let calibration = *base.calibration(demand.row.carrier);
            Held { demand, calibration, pulls: Vec::new() }
        };
        let held: Vec<Held> = demands.into_iter().map(hold).collect();
        let order = (0..held.len()).collect();
        Self { base, weights: old.clone(), old, held, reading: Reading::default(), order }
    }

    /// Visits every row once. `most` is how hard a row of force one may pull; it only grows from pass to pass.
    pub(super) fn pass(&mut self, most: f32, draw: &mut Draw) {
        let mut order = std::mem::take(&mut self.order);
        draw.shuffle(&mut order);
        for at in &order {
            self.visit(*at, most);
        }
        self.order = order;
    }

    fn visit(&mut self, at: usize, most: f32) {
        let Some(held) = self.held.get(at) else { return };
        let row = &held.demand.row;
        let blocks = Blocks::read(&row.text, self.base.tables(), self);
        let bias = self.base.header().bias;
        let mut count = 0;
        let mut best: Option<(Window, f32)> = None;
        for window in windows(blocks.len(), row.carrier) {
            count += 1;
            let counts = row.payload.as_ref().is_none_or(|p: &Range<usize>| holds(&blocks.bytes(&window), p));
            let logit = blocks.logit(&window, bias);
            if counts && best.as_ref().is_none_or(|(_, most)| logit > *most) {
                best = Some((window, logit));
            }
        }
        let Some((best, logit)) = best else { return };
        let line = held.demand.line + held.calibration.attack - held.calibration.correct(0.0, count);
        let met = if row.attack { logit >= line } else { logit <= line };
        if met && held.pulls.is_empty() {
            return;
        }
        let sign = if row.attack { 1.0 } else { -1.0 };
        let most = most * held.demand.force;
        let mut reading = std::mem::take(&mut self.reading);
        reading.read(&row.text, self.base.tables());
        let mut pulls = held.pulls.clone();
        if !pulls.iter().any(|(window, _)| *window == best) {
            pulls.push((best, 0.0));
        }
        for (window, pull) in &mut pulls {
            let slots = reading.slots(window);
            let (norm, length) = (norm(count_of(slots)), square(slots));
            if length == 0.0 {
                continue;
            }
            let sum: f32 = slots.iter().map(|slot| self.weight(*slot)).sum();
            let short = sign * (line - (bias + sum * norm));
            let next = (*pull + short / (norm * norm * length)).clamp(0.0, most);
            let change = sign * (next - *pull) * norm;
            *pull = next;
            for slot in slots {
                if let Some(weight) = self.weights.get_mut(*slot as usize) {
                    *weight += change;
                }
            }
        }
        pulls.retain(|(_, pull)| *pull > 0.0);
        self.reading = reading;
        if let Some(held) = self.held.get_mut(at) {
            held.pulls = pulls;
        }
    }

    /// The weights file that lies `share` of the way from the old weights to these. At zero it has the old
    /// weights, for nothing is rounded anew.
    pub(super) fn file(&self, share: f32, header: Header) -> Result<Vec<u8>, WeightsError> {
        let chars = 1usize << header.char_bits;
        let bytes: Vec<i8> = self
            .old
            .iter()
            .zip(&self.weights)
            .enumerate()
            .map(|(slot, (old, new))| {
                let scale = if slot < chars { header.char_scale } else { header.word_scale };
                let weight = share.mul_add(new - old, *old);
                if scale > 0.0 { (weight / scale).round().clamp(-127.0, 127.0) as i8 } else { 0 }
            })
            .collect();
        WeightsFile::write(&header, &bytes)
    }
}

fn count_of(slots: &[u32]) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "features of a text that was cut to some kilobytes")]
    let count = slots.len() as f32;
    count
}

/// The squared length of a window's features before they are normed: a slot that stands there three times
/// counts nine.
fn square(slots: &[u32]) -> f32 {
    let mut sorted = slots.to_vec();
    sorted.sort_unstable();
    sorted.chunk_by(|a, b| a == b).map(|run| count_of(run).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use proofhouse_dialogue::Carrier;

    use super::*;

    fn demand(text: &str, attack: bool, line: f32) -> Demand {
        let (text, source) = (text.to_owned(), "test".to_owned());
        Demand { row: Row { text, attack, carrier: Carrier::Chat, source, payload: None }, line, force: 1.0 }
    }

    fn detector(fit: &Fit<'_>, share: f32) -> LinearDetector {
        let header = fit.base.header().clone();
        LinearDetector::from_bytes(&fit.file(share, header).unwrap()).unwrap()
    }

    #[test]
    fn demands_are_met_and_nothing_else_changes() {
        let base = LinearDetector::embedded();
        let (up, down) =
            ("the gardener opens the gate when the moon asks", "when does the gate of the garden open");
        let mut fit = Fit::new(&base, vec![demand(up, true, 0.5), demand(down, false, -6.0)]);
        let mut draw = Draw::new(1);
        (0..20).for_each(|_| fit.pass(1e3, &mut draw));
        let after = detector(&fit, 1.0);
        assert!((after.margin(up, Carrier::Chat) - 0.5).abs() < 0.2, "{}", after.margin(up, Carrier::Chat));
        assert!(after.margin(down, Carrier::Chat) < -5.8, "{}", after.margin(down, Carrier::Chat));
        let other = "42 + 17 = 59";
        assert_eq!(after.margin(other, Carrier::Chat), base.margin(other, Carrier::Chat));
        let none = detector(&fit, 0.0);
        assert_eq!(none.digest(), base.digest());
    }

    #[test]
    fn a_pull_ends_where_it_may_pull_no_harder() {
        let base = LinearDetector::embedded();
        let up = "the gardener opens the gate when the moon asks";
        let margin = |most: f32| {
            let mut fit = Fit::new(&base, vec![demand(up, true, 0.5)]);
            (0..5).for_each(|_| fit.pass(most, &mut Draw::new(1)));
            detector(&fit, 1.0).margin(up, Carrier::Chat)
        };
        let before = base.margin(up, Carrier::Chat);
        assert!(before < margin(1.0) && margin(1.0) < margin(2.0) && margin(2.0) < 0.0);
    }

    #[test]
    fn what_is_met_already_leaves_every_weight() {
        let base = LinearDetector::embedded();
        let mut fit = Fit::new(&base, vec![demand("what is the weather like", false, 0.0)]);
        fit.pass(10.0, &mut Draw::new(1));
        assert_eq!(fit.weights, fit.old);
    }
}
