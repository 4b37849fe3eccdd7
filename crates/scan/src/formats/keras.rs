//! Keras: an architecture in JSON whose loader looks classes and functions up by name, and weights beside it.
//!
//! Two containers hold the same JSON: the `.keras` archive (`config.json`) and HDF5 (the attribute
//! `model_config`). What the loader resolves is judged here, wherever such JSON stands, as the loader of an old
//! release would: releases differ in what they refuse (CVE-2024-3660, CVE-2025-1550, CVE-2025-8747,
//! CVE-2025-9905, CVE-2025-9906, CVE-2025-12058, CVE-2025-12060, CVE-2025-49655), and a file does not choose
//! its reader.
//!
//! Source: `keras/src/saving/serialization_lib.py` and `keras/src/legacy/saving/` of Keras 3.15.

use super::zip;
use crate::scanner::{Content, Scanner};

mod code;
mod config;
pub(super) mod metadata;
mod sizes;

pub(crate) use config::judge;

/// The members that Keras writes; whatever layers keep for themselves lies under `assets/`.
fn expected(name: &str) -> bool {
    matches!(
        name,
        "metadata.json" | "config.json" | "model.weights.h5" | "model.weights.npz" | "model.weights.json"
    ) || name.starts_with("assets/")
        || (name.starts_with("model_") && name.ends_with(".weights.h5"))
}

/// A `.keras` archive.
pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let Some((archive, uncovered)) = zip::open(scanner, content) else { return 0 };
    // What the weights come to at most, once they are unpacked.
    let weights = archive.members().iter().filter(|m| m.name.contains(".weights."));
    let before = scanner.keras_weights;
    scanner.keras_weights = weights.map(|m| m.uncompressed).reduce(u64::saturating_add);
    for member in archive.members() {
        if !expected(&member.name) {
            let message = format!("{:?} is no member that Keras writes", member.name);
            scanner.report("keras/extra-member", content.at(member.header_offset), message);
        }
        zip::read(scanner, content, &archive, member, &mut |scanner, inner| {
            super::scan(scanner, inner);
        });
    }
    scanner.keras_weights = before;
    (content.bytes.len() as u64).saturating_sub(uncovered)
}
