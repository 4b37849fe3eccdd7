//! An obedient stand-in for a language model.
