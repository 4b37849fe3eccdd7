//! Walking several arrays of different strides together, as broadcasting asks for.

/// The most dimensions that remain after those that can be walked as one are joined.
pub(crate) const MOST_DIMENSIONS: usize = 8;

/// How `K` arrays are walked to fill one, in row-major order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walk<const K: usize> {
    /// Sizes of all dimensions but the innermost.
    outer: Vec<usize>,
    /// Strides of each array in them.
    steps: Vec<[isize; K]>,
    /// Size of the innermost dimension.
    pub inner: usize,
    /// Strides of each array in it.
    pub step: [isize; K],
    /// Where each array begins.
    base: [usize; K],
}

impl<const K: usize> Walk<K> {
    /// A walk over `dims` with `strides[array][dimension]`. Dimensions of size 1 are dropped, and those that
    /// all arrays cross alike are joined. `None` when too many remain.
    pub(crate) fn new(dims: &[usize], strides: [Vec<isize>; K], base: [usize; K]) -> Option<Self> {
        let mut joined: Vec<(usize, [isize; K])> = Vec::new();
        for (d, size) in dims.iter().enumerate() {
            if *size == 1 {
                continue;
            }
            let step: [isize; K] = std::array::from_fn(|k| strides[k][d]);
            match joined.last_mut() {
                Some((before, steps))
                    if (0..K).all(|k| Some(steps[k]) == step[k].checked_mul(*size as isize)) =>
                {
                    *before *= size;
                    *steps = step;
                }
                _ => joined.push((*size, step)),
            }
        }
        let (inner, step) = joined.pop().unwrap_or((1, [0; K]));
        (joined.len() < MOST_DIMENSIONS).then(|| Self {
            outer: joined.iter().map(|j| j.0).collect(),
            steps: joined.iter().map(|j| j.1).collect(),
            inner,
            step,
            base,
        })
    }

    /// Calls `row` with the beginning of each innermost row in each array.
    #[inline(always)]
    pub(crate) fn rows(&self, mut row: impl FnMut([usize; K])) {
        if self.inner == 0 || self.outer.contains(&0) {
            return;
        }
        let mut at = self.base.map(|b| b as isize);
        let mut index = [0usize; MOST_DIMENSIONS];
        loop {
            row(at.map(|a| a as usize));
            let mut d = self.outer.len();
            loop {
                if d == 0 {
                    return;
                }
                d -= 1;
                index[d] += 1;
                for (at, step) in at.iter_mut().zip(&self.steps[d]) {
                    *at += step;
                }
                if index[d] < self.outer[d] {
                    break;
                }
                index[d] = 0;
                for (at, step) in at.iter_mut().zip(&self.steps[d]) {
                    *at -= step * self.outer[d] as isize;
                }
            }
        }
    }
}

/// Row-major strides.
pub(crate) fn strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1isize; shape.len()];
    for d in (0..shape.len().saturating_sub(1)).rev() {
        strides[d] = strides[d + 1].saturating_mul(shape[d + 1].max(1) as isize);
    }
    strides
}

/// Strides of an array of `shape` seen as one of `out` by broadcasting. `None` where it does not fit.
pub(crate) fn broadcast(shape: &[usize], out: &[usize]) -> Option<Vec<isize>> {
    let lead = out.len().checked_sub(shape.len())?;
    let own = strides(shape);
    (0..out.len())
        .map(|d| {
            let Some(i) = d.checked_sub(lead) else { return Some(0) };
            match shape[i] {
                1 => Some(0),
                n if n == out[d] => Some(own[i]),
                _ => None,
            }
        })
        .collect()
}

/// The shape that several broadcast to. `None` where they do not.
pub(crate) fn broadcast_shape(shapes: &[&[usize]]) -> Option<Vec<usize>> {
    let rank = shapes.iter().map(|s| s.len()).max()?;
    let mut out = vec![1; rank];
    for shape in shapes {
        for (d, n) in shape.iter().enumerate() {
            let o = &mut out[rank - shape.len() + d];
            if *o == 1 {
                *o = *n;
            } else if *n != 1 && *n != *o {
                return None;
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shapes_broadcast_as_numpy_does() {
        assert_eq!(broadcast_shape(&[&[2, 1, 4], &[3, 1]]), Some(vec![2, 3, 4]));
        assert_eq!(broadcast_shape(&[&[2], &[3]]), None);
        assert_eq!(broadcast_shape(&[&[], &[0, 1]]), Some(vec![0, 1]));
        assert_eq!(broadcast(&[3, 1], &[2, 3, 4]), Some(vec![0, 1, 0]));
    }

    proptest! {
        #[test]
        fn a_walk_visits_what_indices_do(dims in proptest::collection::vec(0usize..4, 0..5), mask in 0u32..32) {
            let own = strides(&dims);
            let other: Vec<isize> =
                (0..dims.len()).map(|d| if mask >> d & 1 == 1 { 0 } else { own[d] }).collect();
            let walk = Walk::new(&dims, [own.clone(), other.clone()], [0, 0]).unwrap();
            let mut visited = Vec::new();
            walk.rows(|[a, b]| {
                for i in 0..walk.inner as isize {
                    visited.push((a as isize + i * walk.step[0], b as isize + i * walk.step[1]));
                }
            });
            let n: usize = dims.iter().product();
            let expected: Vec<(isize, isize)> = (0..n)
                .map(|flat| {
                    let (mut rest, mut at) = (flat, (0, 0));
                    for d in (0..dims.len()).rev() {
                        let i = (rest % dims[d]) as isize;
                        rest /= dims[d];
                        at = (at.0 + i * own[d], at.1 + i * other[d]);
                    }
                    at
                })
                .collect();
            prop_assert_eq!(visited, expected);
        }
    }
}
