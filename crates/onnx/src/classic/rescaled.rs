//! Trees behind a change of each feature, as trees of the features before it.

use super::tree::{Test, TreeEnsemble, TreeNode};

impl TreeEnsemble {
    /// The ensemble that answers rows as this one answers `change` of them, feature by feature: every threshold becomes the
    /// float32 at which the changed feature passes it, so that both answer alike to the last bit. `change` must not fall
    /// anywhere, as scaling by positive factors in float32 does not. Nothing where a tree asks whether a feature equals a
    /// value, or where a changed feature is no number.
    #[must_use]
    pub fn behind(&self, change: &dyn Fn(usize, f32) -> f32) -> Option<Self> {
        let mut before = self.clone();
        for node in &mut before.nodes {
            let TreeNode::Branch { feature, test, threshold, .. } = node else { continue };
            let changed = |x: f32| change(*feature as usize, x);
            *threshold = match test {
                Test::AtMost | Test::Above => last_within(&changed, *threshold)?,
                // Below t: at most the float before t. The first value that is not below takes the threshold's place.
                Test::Below | Test::AtLeast => last_within(&changed, threshold.next_down())?.next_up(),
                Test::Equal | Test::NotEqual | Test::Member(_) => return None,
            };
        }
        Some(before)
    }
}

/// The largest value that `changed` takes to `limit` at most: minus infinity where none is, infinity where all are.
fn last_within(changed: &dyn Fn(f32) -> f32, limit: f32) -> Option<f32> {
    let (mut within, mut beyond) = (key(f32::NEG_INFINITY), key(f32::INFINITY));
    while beyond - within > 1 {
        let middle = i64::midpoint(within, beyond);
        let value = changed(value(middle));
        if value.is_nan() {
            return None;
        }
        if value <= limit { within = middle } else { beyond = middle }
    }
    let largest = value(within);
    Some(if largest == f32::MAX { f32::INFINITY } else { largest })
}

/// Floats in their order as whole numbers.
fn key(value: f32) -> i64 {
    let bits = i64::from(value.to_bits() & 0x7fff_ffff);
    if value.is_sign_negative() { -bits } else { bits }
}

fn value(key: i64) -> f32 {
    let size = f32::from_bits(u32::try_from(key.unsigned_abs()).unwrap_or(u32::MAX));
    if key < 0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_last_value_within_is_found(
            limit in -50.0f32..50.0, offset in -20.0f32..20.0, scale in 0.001f32..100.0,
        ) {
            let changed = |x: f32| (x - offset) * scale;
            let last = last_within(&changed, limit).unwrap();
            prop_assert!(changed(last) <= limit && changed(last.next_up()) > limit);
        }
    }

    #[test]
    fn what_is_never_or_always_within_has_no_bound() {
        assert_eq!(last_within(&|_| 1.0, 0.5), Some(f32::NEG_INFINITY));
        assert_eq!(last_within(&|_| 0.0, 0.5), Some(f32::INFINITY));
        assert_eq!(last_within(&|_| f32::NAN, 0.5), None);
        assert_eq!([-2.5, 0.0, 3.0].map(|v| value(key(v))), [-2.5, 0.0, 3.0]);
    }
}
