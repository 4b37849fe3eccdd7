//! Token budgets that cannot be overshot.
//!
//! What a request will cost is known only afterwards, so its most is taken beforehand: every byte it sends
//! could be a token, and it may answer with all the tokens it was allowed. What it did not use comes back when
//! it settles. A request that ends without saying what it used (a client that left, an instance that broke) is
//! charged what was reserved, never nothing. So whatever runs at the same time, the sum of what was spent and
//! what is reserved never passes the limit (module test `nothing_overshoots`).
//!
//! A window is a fixed span of the calendar, counted from 1970: a budget of a day starts again at midnight UTC.
//! That is a budget, not a rate; rates are the limiter's.

use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// Tokens that a key may use in a window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenBudget {
    /// Tokens, sent and answered together.
    pub tokens: u64,
    /// Length of the window in seconds.
    pub window_seconds: NonZeroU64,
}

/// What one key has spent.
#[derive(Debug)]
pub(crate) struct Purse {
    budget: TokenBudget,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Number of the window since 1970.
    window: u64,
    spent: u64,
    reserved: u64,
}

/// Why nothing was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broke {
    /// It fits into no window.
    Never,
    /// Not into this one; seconds until the next.
    Until(u64),
}

impl Purse {
    pub(crate) fn new(budget: TokenBudget) -> Self {
        Self { budget, state: Mutex::default() }
    }

    pub(crate) fn budget(&self) -> TokenBudget {
        self.budget
    }

    /// Takes `tokens` out of the window that `now_seconds` lies in.
    pub(crate) fn reserve(self: &Arc<Self>, tokens: u64, now_seconds: u64) -> Result<Reservation, Broke> {
        if tokens > self.budget.tokens {
            return Err(Broke::Never);
        }
        let length = self.budget.window_seconds.get();
        let window = now_seconds / length;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that goes back does not open a window again.
        if window > state.window {
            // What is reserved belongs to requests that still run; it counts in the window they end in.
            *state = State { window, spent: 0, reserved: state.reserved };
        }
        let taken = state.spent.saturating_add(state.reserved).saturating_add(tokens);
        if taken > self.budget.tokens {
            return Err(Broke::Until(length - now_seconds % length));
        }
        state.reserved += tokens;
        Ok(Reservation { purse: Some(Arc::clone(self)), tokens })
    }
}

/// Tokens taken beforehand. Dropping it charges all of them.
#[derive(Debug)]
pub(crate) struct Reservation {
    purse: Option<Arc<Purse>>,
    tokens: u64,
}

impl Reservation {
    /// For keys without a budget.
    pub(crate) fn unlimited() -> Self {
        Self { purse: None, tokens: 0 }
    }

    /// Gives back what was not used. What was used beyond the reservation is charged too, and bars the key
    /// until its next window.
    pub(crate) fn settle(mut self, used: u64) {
        self.close(used);
    }

    fn close(&mut self, used: u64) {
        if let Some(purse) = self.purse.take() {
            let mut state = purse.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.reserved = state.reserved.saturating_sub(self.tokens);
            state.spent = state.spent.saturating_add(used);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.close(self.tokens);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn purse(tokens: u64) -> Arc<Purse> {
        Arc::new(Purse::new(TokenBudget { tokens, window_seconds: NonZeroU64::new(60).unwrap() }))
    }

    #[test]
    fn what_is_not_used_comes_back_and_what_is_forgotten_does_not() {
        let purse = purse(100);
        purse.reserve(80, 0).unwrap().settle(10);
        drop(purse.reserve(80, 1).unwrap());
        assert_eq!(purse.reserve(11, 2).unwrap_err(), Broke::Until(58));
        assert_eq!(purse.reserve(101, 2).unwrap_err(), Broke::Never);
        purse.reserve(10, 59).unwrap().settle(10);
        purse.reserve(100, 60).unwrap().settle(1);
        // Back in time is the same window.
        assert_eq!(purse.reserve(100, 1).unwrap_err(), Broke::Until(59));
    }

    #[test]
    fn a_request_that_outlives_its_window_is_charged_to_the_next() {
        let purse = purse(100);
        let long = purse.reserve(60, 59).unwrap();
        assert!(purse.reserve(50, 60).is_err());
        long.settle(20);
        assert!(purse.reserve(80, 61).is_ok());
    }

    #[test]
    fn nothing_overshoots() {
        let purse = purse(10_000);
        let spent: u64 = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..8_u64)
                .map(|worker| {
                    let purse = Arc::clone(&purse);
                    scope.spawn(move || {
                        let mut spent = 0;
                        for round in 0..500_u64 {
                            let want = 1 + (worker * 7 + round * 13) % 97;
                            if let Ok(reservation) = purse.reserve(want, 1) {
                                std::thread::yield_now();
                                let used = if round % 5 == 0 { want } else { want / 2 };
                                if round % 5 == 0 {
                                    drop(reservation)
                                } else {
                                    reservation.settle(used)
                                }
                                spent += used;
                            }
                        }
                        spent
                    })
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        assert!(spent <= 10_000, "{spent}");
        assert!(spent > 9_000, "the budget was used: {spent}");
    }

    proptest! {
        #[test]
        fn the_books_balance(steps in prop::collection::vec((0_u64..60, 0_u64..60, any::<bool>()), 0..60)) {
            let purse = purse(300);
            let mut open = Vec::new();
            let mut spent = 0_u64;
            for (want, used, settle) in steps {
                match purse.reserve(want, 1) {
                    Ok(reservation) => open.push((reservation, want)),
                    Err(_) => prop_assert!(spent + open.iter().map(|(_, w)| w).sum::<u64>() + want > 300),
                }
                if settle && let Some((reservation, want)) = open.pop() {
                    reservation.settle(used.min(want));
                    spent += used.min(want);
                }
                prop_assert!(spent + open.iter().map(|(_, w)| w).sum::<u64>() <= 300);
            }
        }
    }
}
