//! Rules on digests.

use proofhouse_core::{Digest, Finding, Severity};

use super::{Index, finding};
use crate::document::{Component, Hash};
use crate::property;

/// What is not known by a digest can be swapped.
pub(super) fn missing(index: &Index) -> Vec<Finding> {
    let identified = |c: &Component| match c.component_type.as_str() {
        "file" | "data" => !c.hashes.is_empty(),
        // A model of several files is known by their digest, or at least by theirs.
        "machine-learning-model" => {
            let hashed_files = c.components.iter().filter(|part| part.component_type == "file");
            !c.hashes.is_empty() || c.property(property::MODEL_DIGEST).is_some() || hashed_files.count() > 0
        }
        _ => true,
    };
    let unknown = index.components.iter().filter(|(_, component)| !identified(component));
    unknown
        .map(|(pointer, component)| {
            finding(
                "missing-hash",
                Severity::High,
                pointer,
                format!("the {} {:?} has no digest", component.component_type, component.name),
                "Record its SHA-256 in hashes.",
            )
        })
        .collect()
}

/// The schema allows any known length for any algorithm, and algorithms that no longer bind.
pub(super) fn malformed(index: &Index) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (pointer, component) in &index.components {
        let own = (format!("{pointer}/hashes"), &component.hashes);
        let referred = component.external_references.iter().enumerate();
        let referred = referred.map(|(i, r)| (format!("{pointer}/externalReferences/{i}/hashes"), &r.hashes));
        for (pointer, hashes) in std::iter::once(own).chain(referred) {
            findings
                .extend(hashes.iter().enumerate().filter_map(|(i, h)| length(&format!("{pointer}/{i}"), h)));
            if !hashes.is_empty() && hashes.iter().all(|h| ["MD5", "SHA-1"].contains(&h.alg.as_str())) {
                findings.push(finding(
                    "weak-hash",
                    Severity::Medium,
                    &pointer,
                    "only MD5 or SHA-1, for both of which collisions can be made".to_owned(),
                    "Add a SHA-256.",
                ));
            }
        }
        if let Some(text) = component.property(property::MODEL_DIGEST)
            && text.parse::<Digest>().is_err()
        {
            findings.push(finding(
                "malformed-hash",
                Severity::High,
                &format!("{pointer}/properties"),
                format!("{} is {text:?}, which is no digest", property::MODEL_DIGEST),
                "Write it as sha256:<64 lowercase hexadecimal characters>.",
            ));
        }
    }
    findings
}

fn length(pointer: &str, hash: &Hash) -> Option<Finding> {
    let characters = match hash.alg.as_str() {
        "MD5" => 32,
        "SHA-1" => 40,
        "SHA-256" | "SHA3-256" | "BLAKE2b-256" | "BLAKE3" => 64,
        "SHA-384" | "SHA3-384" | "BLAKE2b-384" => 96,
        "SHA-512" | "SHA3-512" | "BLAKE2b-512" => 128,
        _ => return None, // The schema knows the names.
    };
    let good = hash.content.len() == characters && hash.content.bytes().all(|b| b.is_ascii_hexdigit());
    (!good).then(|| {
        finding(
            "malformed-hash",
            Severity::High,
            pointer,
            format!(
                "a {} has {characters} hexadecimal characters, this has {}",
                hash.alg,
                hash.content.len()
            ),
            "Compute the digest again.",
        )
    })
}

/// Documents a claim rests on are named by digest, or anybody can replace them.
pub(super) fn evidence(index: &Index) -> Vec<Finding> {
    const KINDS: [&str; 9] = [
        "attestation",
        "evidence",
        "electronic-signature",
        "digital-signature",
        "threat-model",
        "risk-assessment",
        "static-analysis-report",
        "dynamic-analysis-report",
        "quality-metrics",
    ];
    let mut findings = Vec::new();
    for (pointer, component) in &index.components {
        for (i, reference) in component.external_references.iter().enumerate() {
            let kind = reference.reference_type.as_str();
            if KINDS.contains(&kind) && reference.hashes.is_empty() {
                findings.push(finding(
                    "evidence-without-hash",
                    Severity::Medium,
                    &format!("{pointer}/externalReferences/{i}"),
                    format!("the {kind} at {:?} has no digest", reference.url),
                    "Record the SHA-256 of the document in hashes.",
                ));
            }
        }
    }
    findings
}
