//! Evasion attacks on a classifier seen through forward passes, counted honestly.
