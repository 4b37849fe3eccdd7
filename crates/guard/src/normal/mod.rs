//! Normal forms of text.
