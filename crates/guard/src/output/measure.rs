//! How random bytes look.

/// Shannon entropy of the bytes' frequencies, in bits per byte. A word has about 3, random letters and
/// digits of the length of a key 4 to 5.
pub(crate) fn entropy(bytes: &[u8]) -> f64 {
    if bytes.is_empty() {
        return 0.0;
    }
    let mut counts = [0_u32; 256];
    for &byte in bytes {
        counts[usize::from(byte)] += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "texts are far shorter than 2^52 bytes")]
    let all = bytes.len() as f64;
    counts
        .iter()
        .filter(|n| **n > 0)
        .map(|n| {
            let share = f64::from(*n) / all;
            -share * share.log2()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::entropy;

    #[test]
    fn repetition_has_none_and_variety_has_much() {
        assert_eq!(entropy(b""), 0.0);
        assert_eq!(entropy(b"aaaa"), 0.0);
        assert!((entropy(b"abcdefgh") - 3.0).abs() < 1e-12);
    }
}
