//! Attacks on systems with a language model.
