//! Which values of a plan may share a buffer.

use super::value::{Data, Kind};

/// The buffers that a run of a plan needs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slots {
    sizes: Vec<(Kind, usize)>,
    scratch: usize,
}

impl Slots {
    /// Bytes of all of them. Saturates.
    pub(crate) fn bytes(&self) -> usize {
        self.sizes
            .iter()
            .map(|(kind, len)| len.saturating_mul(kind.bytes()))
            .chain([self.scratch.saturating_mul(4)])
            .fold(0, usize::saturating_add)
    }

    /// Makes them.
    pub(crate) fn allocate(&self) -> (Vec<Data>, Vec<f32>) {
        (self.sizes.iter().map(|(kind, len)| Data::zeros(*kind, *len)).collect(), vec![0.0; self.scratch])
    }
}

/// Gives each value, in the order in which they are made, a buffer that no value alive at the same time has.
/// `last` says for each the step that reads it last (`usize::MAX` for those that stay). The smallest free
/// buffer that is large enough is taken, or else the largest one, which grows.
pub(crate) fn assign(sizes: &[(Kind, usize)], last: &[usize], scratch: usize) -> (Slots, Vec<usize>) {
    let mut slots = Slots { sizes: Vec::new(), scratch };
    // Until when each buffer is in use.
    let mut busy: Vec<usize> = Vec::new();
    let mut assigned = Vec::with_capacity(sizes.len());
    for (at, (kind, len)) in sizes.iter().enumerate() {
        let stored = |k: Kind| k == Kind::Int;
        let free = (0..busy.len())
            .filter(|s| busy[*s] < at && stored(slots.sizes[*s].0) == stored(*kind))
            .min_by_key(|s| {
                let held = slots.sizes[*s].1;
                if held >= *len { (0, held) } else { (1, usize::MAX - held) }
            });
        let slot = free.unwrap_or_else(|| {
            slots.sizes.push((*kind, *len));
            busy.push(0);
            busy.len() - 1
        });
        slots.sizes[slot].1 = slots.sizes[slot].1.max(*len);
        busy[slot] = last[at];
        assigned.push(slot);
    }
    (slots, assigned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn values_alive_together_never_share(
            values in proptest::collection::vec((1usize..50, 0usize..6, any::<bool>()), 1..40),
        ) {
            let sizes: Vec<(Kind, usize)> =
                values.iter().map(|v| (if v.2 { Kind::Float } else { Kind::Int }, v.0)).collect();
            let last: Vec<usize> = values.iter().enumerate().map(|(at, v)| at + v.1).collect();
            let (slots, assigned) = assign(&sizes, &last, 0);
            for i in 0..values.len() {
                let held = slots.sizes[assigned[i]];
                prop_assert!(held.1 >= sizes[i].1 && held.0 == sizes[i].0);
                for j in i + 1..values.len() {
                    prop_assert!(assigned[i] != assigned[j] || last[i] < j);
                }
            }
            prop_assert!(slots.bytes() <= sizes.iter().map(|(k, n)| k.bytes() * n).sum());
        }
    }
}
