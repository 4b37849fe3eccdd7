//! Two-sample statistics on a frozen reference profile, with a stated false-alarm budget.
