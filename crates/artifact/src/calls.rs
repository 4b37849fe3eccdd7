//! Functions that call each other: whether one leads back to itself, and how much they are once every call is replaced by
//! what it calls.

/// What calls come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calls {
    /// This function leads back to itself.
    Circle(usize),
    /// The largest function, and its size with all that it calls in place of the calls.
    Largest(usize, u64),
    /// There is no function.
    None,
}

/// Follows `calls`, pairs of who calls and who is called, each as often as it is made, between functions of the sizes
/// `own`.
pub(crate) fn follow(own: &[u64], calls: &[(usize, usize)]) -> Calls {
    let mut sizes = own.to_vec();
    // Functions by those that call them, and how many calls of each are left to be seen to end.
    let mut callers: Vec<Vec<usize>> = vec![Vec::new(); own.len()];
    let mut left: Vec<usize> = vec![0; own.len()];
    for (from, to) in calls {
        if let (Some(callers), Some(left)) = (callers.get_mut(*to), left.get_mut(*from)) {
            callers.push(*from);
            *left += 1;
        }
    }
    let mut ended: Vec<usize> = left.iter().zip(0..).filter(|(n, _)| **n == 0).map(|(_, at)| at).collect();
    while let Some(function) = ended.pop() {
        let size = sizes.get(function).copied().unwrap_or(0);
        for caller in callers.get_mut(function).map(std::mem::take).unwrap_or_default() {
            if let (Some(left), Some(sum)) = (left.get_mut(caller), sizes.get_mut(caller)) {
                *left -= 1;
                *sum = sum.saturating_add(size);
                if *left == 0 {
                    ended.push(caller);
                }
            }
        }
    }
    if let Some(function) = left.iter().position(|n| *n > 0) {
        return Calls::Circle(function);
    }
    let largest = sizes.iter().zip(0..).max_by_key(|(size, _)| **size);
    largest.map_or(Calls::None, |(size, at)| Calls::Largest(at, *size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_and_sizes_are_told() {
        assert_eq!(follow(&[], &[]), Calls::None);
        assert_eq!(follow(&[3, 4], &[(0, 1), (0, 1)]), Calls::Largest(0, 11));
        assert!(matches!(follow(&[1; 3], &[(0, 1), (1, 2), (2, 1)]), Calls::Circle(0 | 1)));
        assert!(matches!(follow(&[1], &[(0, 0)]), Calls::Circle(0)));
        let doubling: Vec<(usize, usize)> = (0..99).flat_map(|n| [(n, n + 1); 2]).collect();
        assert!(matches!(follow(&[1; 100], &doubling), Calls::Largest(_, u64::MAX)));
        // What is called and is not there counts for nothing.
        assert_eq!(follow(&[1], &[(0, 7), (7, 0)]), Calls::Largest(0, 1));
    }
}
