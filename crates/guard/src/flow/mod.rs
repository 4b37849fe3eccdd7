//! Provenance and data flow.
