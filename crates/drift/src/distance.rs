//! Distances that say how far, not how surely: Jensen–Shannon and Wasserstein.

/// Jensen–Shannon distance (the square root of the divergence) in base 2, between two sets of counts over the
/// same bins. Between 0 and 1; 0 when a side is empty.
#[must_use]
pub fn jensen_shannon(reference: &[u64], current: &[u64]) -> f64 {
    let (n_ref, n_cur) = (reference.iter().sum::<u64>() as f64, current.iter().sum::<u64>() as f64);
    if n_ref == 0.0 || n_cur == 0.0 {
        return 0.0;
    }
    let term = |share: f64, middle: f64| if share > 0.0 { share * (share / middle).log2() } else { 0.0 };
    let divergence: f64 = reference
        .iter()
        .zip(current)
        .map(|(r, c)| {
            let (r, c) = (*r as f64 / n_ref, *c as f64 / n_cur);
            let middle = 0.5 * (r + c);
            0.5 * (term(r, middle) + term(c, middle))
        })
        .sum();
    divergence.max(0.0).sqrt()
}

/// First Wasserstein distance between two finite samples, sorted ascending: the area between their
/// distribution functions, in the unit of the values. 0 when a side is empty.
#[must_use]
pub fn wasserstein_1(reference: &[f64], current: &[f64]) -> f64 {
    if reference.is_empty() || current.is_empty() {
        return 0.0;
    }
    let (mut i, mut j, mut area) = (0usize, 0usize, 0.0);
    let mut last: Option<f64> = None;
    while i < reference.len() || j < current.len() {
        let x = match (reference.get(i), current.get(j)) {
            (Some(a), Some(b)) => a.min(*b),
            (Some(a), None) => *a,
            (None, Some(b)) => *b,
            (None, None) => break,
        };
        if let Some(last) = last {
            let gap = i as f64 / reference.len() as f64 - j as f64 / current.len() as f64;
            area += gap.abs() * (x - last);
        }
        while reference.get(i).is_some_and(|v| *v <= x) {
            i += 1;
        }
        while current.get(j).is_some_and(|v| *v <= x) {
            j += 1;
        }
        last = Some(x);
    }
    area
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_distances() {
        assert_eq!(wasserstein_1(&[0.0, 1.0, 3.0], &[5.0, 6.0, 8.0]), 5.0);
        assert_eq!(wasserstein_1(&[], &[1.0]), 0.0);
        assert_eq!(jensen_shannon(&[10, 0], &[0, 20]), 1.0);
        assert_eq!(jensen_shannon(&[10, 10], &[20, 20]), 0.0);
    }
}
