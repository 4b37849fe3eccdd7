//! Corrections for looking at many columns at once.

/// Holm's adjusted p-values (Holm 1979), in the order given. They bound the chance of any false alarm
/// whatever the dependence between the columns, and are never above Bonferroni's.
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut highest = 0.0f64;
    for (rank, index) in order.into_iter().enumerate() {
        highest = highest.max(p_values[index] * (p_values.len() - rank) as f64).min(1.0);
        adjusted[index] = highest;
    }
    adjusted
}

/// Bonferroni's adjusted p-values.
#[must_use]
pub fn bonferroni(p_values: &[f64]) -> Vec<f64> {
    p_values.iter().map(|p| (p * p_values.len() as f64).min(1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Reference: R's p.adjust(method = "holm") rule worked by hand.
    #[test]
    fn holm_steps_down_and_keeps_order() {
        assert_eq!(holm(&[0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02]);
        assert_eq!(holm(&[]), [0.0; 0]);
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
    }

    #[test]
    fn holm_is_never_above_bonferroni() {
        let p = [0.2, 0.001, 0.03, 0.5, 0.04];
        assert!(holm(&p).iter().zip(bonferroni(&p)).all(|(h, b)| *h <= b));
    }
}
