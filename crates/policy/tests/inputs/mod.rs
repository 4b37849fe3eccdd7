//! Inputs that the shipped gates allow, built from the public types.
#![allow(dead_code, reason = "each test file uses some of them")]

use proofhouse_core::{Digest, Measurement, Severity, ThreatState, Verdict};
use proofhouse_policy::input::{boundary, deploy, release, request, runtime};

pub const NOW_NS: u64 = 1_800_000_000_000_000_000;
pub const DAY_NS: u64 = 86_400_000_000_000;

pub fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

pub fn evidence(check: &str, threat: &str, measurements: &[Measurement]) -> release::Evidence {
    release::Evidence {
        digest: digest(&format!("envelope of {check}")),
        check: check.to_owned(),
        subject: digest("model"),
        verdict: Verdict::Pass,
        fresh: true,
        threats: vec![threat.to_owned()],
        signer: "assessor".to_owned(),
        trusted: true,
        criterion: "as stated in the plan".to_owned(),
        measurements: measurements.iter().map(release::Measurement::from).collect(),
        findings: release::Counts::default(),
    }
}

/// Every list has an element, so that every key of every element is there to be deleted.
pub fn release() -> release::Input {
    let threat = |id: &str, check: &str| release::Threat {
        id: id.to_owned(),
        severity: Severity::High,
        state: ThreatState::Open,
        required_checks: vec![check.to_owned()],
        automatic: true,
    };
    release::Input {
        schema: release::SCHEMA.to_owned(),
        request: release::Request {
            now_ns: NOW_NS,
            environment: "production".to_owned(),
            actor: "releaser".to_owned(),
        },
        model: release::Model {
            name: "cheque-reader".to_owned(),
            version: "1.0.0".to_owned(),
            digest: digest("model"),
            files: vec![release::File {
                path: "model.onnx".parse().unwrap(),
                size: 10,
                sha256: digest("model.onnx"),
            }],
        },
        signature: release::Signature {
            present: true,
            verified: true,
            trusted: true,
            digest: Some(digest("model")),
            signer: "builder".to_owned(),
        },
        system: release::System { digest: digest("system") },
        threat_model: release::ThreatModel {
            digest: digest("threats"),
            system_digest: digest("system"),
            threats: vec![
                threat("T-PICKLE", "scan"),
                threat("T-EVASION", "evasion"),
                threat("T-EXTRACT", "extraction"),
            ],
        },
        evidence: vec![
            evidence("scan", "T-PICKLE", &[]),
            evidence(
                "evasion",
                "T-EVASION",
                &[
                    Measurement::proportion("accuracy", 970, 1000, 0.95),
                    Measurement::proportion("accuracy", 95, 100, 0.95).of_slice("class=1"),
                    Measurement::proportion("evasion-success", 10, 200, 0.95),
                ],
            ),
        ],
        bom: release::Bom {
            present: true,
            digest: Some(digest("bom")),
            model_digest: Some(digest("model")),
            files_match: true,
            lint: release::BomLint::default(),
        },
        datasets: vec![release::Dataset {
            name: "train".to_owned(),
            digest: digest("train"),
            provenance_verified: true,
            licence: "CC0-1.0".to_owned(),
        }],
        requirements: release::Requirements {
            floors: vec![
                release::Floor {
                    metric: "accuracy".to_owned(),
                    slice: String::new(),
                    floor: 0.9,
                    confidence: 0.95,
                },
                release::Floor {
                    metric: "accuracy".to_owned(),
                    slice: "*".to_owned(),
                    floor: 0.8,
                    confidence: 0.95,
                },
            ],
            ceilings: vec![release::Ceiling {
                metric: "evasion-success".to_owned(),
                slice: String::new(),
                ceiling: 0.2,
                confidence: 0.95,
            }],
        },
        waivers: vec![release::Waiver {
            code: "threat/untested".to_owned(),
            subject: "T-EXTRACT".to_owned(),
            owner: "product".to_owned(),
            approved_by: "security".to_owned(),
            reason: "the model is published anyway".to_owned(),
            expires_ns: NOW_NS + 30 * DAY_NS,
        }],
        recalled: vec![digest("an older model")],
    }
}

pub fn deploy() -> deploy::Input {
    deploy::Input {
        schema: deploy::SCHEMA.to_owned(),
        request: deploy::Request {
            now_ns: NOW_NS,
            environment: "production".to_owned(),
            region: "eu".to_owned(),
            actor: "operator".to_owned(),
        },
        model: deploy::Model {
            name: "cheque-reader".to_owned(),
            version: "1.0.0".to_owned(),
            digest: digest("model"),
        },
        release: deploy::Release {
            present: true,
            digest: Some(digest("decision")),
            trusted: true,
            allow: true,
            model_digest: Some(digest("model")),
            environments: vec!["production".to_owned()],
            regions: vec!["eu".to_owned()],
            expires_ns: NOW_NS + DAY_NS,
        },
        signature: deploy::Signature { verified: true, trusted: true, digest: Some(digest("model")) },
        target: deploy::Target { kind: "host".to_owned(), name: "here".to_owned(), max_instances: 4 },
        instances: vec![deploy::Instance {
            id: "i1".to_owned(),
            digest: Some(digest("model")),
            state: "ready".to_owned(),
        }],
        recalled: vec![digest("an older model")],
    }
}

/// A signal that is answered with watching.
pub fn runtime() -> runtime::Input {
    runtime::Input {
        schema: runtime::SCHEMA.to_owned(),
        request: runtime::Request { now_ns: NOW_NS, environment: "production".to_owned() },
        signal: runtime::Signal {
            digest: digest("signal"),
            kind: "drift".to_owned(),
            severity: Severity::Critical,
            model_digest: digest("model"),
            details: runtime::Details {
                alarm: false,
                columns: vec!["amount".to_owned()],
                budget: 0.05,
                observations: 1000,
            },
        },
        system: runtime::System {
            digest: digest("system"),
            value_at_risk: 2.0e6,
            risk_appetite: 1.0e6,
            has_fallback: true,
        },
        recalled: vec![digest("an older model")],
    }
}

pub fn request() -> request::Input {
    request::Input {
        schema: request::SCHEMA.to_owned(),
        request: request::Request { now_ns: NOW_NS, method: "POST".to_owned(), operation: "chat".to_owned() },
        principal: request::Principal {
            key_id: "k1".to_owned(),
            role: "teller".to_owned(),
            models: vec!["cheque-reader".to_owned()],
        },
        model: request::Model {
            name: "cheque-reader".to_owned(),
            digest: digest("model"),
            quarantined: false,
        },
        body: request::Body { bytes: 10, max_bytes: 100 },
        guard: request::Guard {
            read: true,
            segments: 2,
            verdict: "attack".to_owned(),
            // The application's own text may speak of what it likes.
            hits: vec![request::Hit {
                origin: "system".to_owned(),
                trust: "trusted".to_owned(),
                verdict: "attack".to_owned(),
                score_milli: 990,
                alarms: vec!["invisible-payload".to_owned()],
            }],
            ..request::Guard::default()
        },
    }
}

/// A mail in which private data, untrusted text and a way out meet, and which a person approved.
pub fn boundary() -> boundary::Input {
    let step = |origin: &str, trust: &str, secrecy: &str| boundary::Step {
        place: "message".to_owned(),
        message: 1,
        segment: 0,
        origin: origin.to_owned(),
        name: String::new(),
        trust: trust.to_owned(),
        secrecy: secrecy.to_owned(),
    };
    let (page, words) = (step("web", "untrusted", "public"), step("user", "principal", "private"));
    boundary::Input {
        schema: boundary::SCHEMA.to_owned(),
        request: boundary::Request { now_ns: NOW_NS, environment: "production".to_owned() },
        act: boundary::Act {
            kind: "call".to_owned(),
            tool: "mail".to_owned(),
            declared: true,
            effects: vec!["send".to_owned()],
            outbound: true,
            digest: digest("call"),
        },
        context: boundary::Context {
            digest: digest("conversation"),
            exposed: true,
            exposed_by: vec![page.clone()],
            private: true,
            private_by: vec![words.clone()],
            labels: vec![boundary::Label {
                origin: "web".to_owned(),
                name: String::new(),
                trust: "untrusted".to_owned(),
                secrecy: "public".to_owned(),
                segments: 1,
            }],
        },
        arguments: vec![boundary::Argument {
            argument: "to".to_owned(),
            declared: true,
            reads: "address".to_owned(),
            known: false,
            sources: vec![words.clone()],
            trusted: true,
            untrusted: false,
            private: false,
        }],
        builtin: boundary::Builtin {
            verdict: "needs-approval".to_owned(),
            reasons: vec![boundary::Reason {
                code: "flow/trifecta".to_owned(),
                verdict: "needs-approval".to_owned(),
                message: "all three meet".to_owned(),
                argument: String::new(),
                path: vec![words, page],
            }],
        },
        approval: boundary::Approval { present: true, by: "ada".to_owned(), expires_ns: NOW_NS + DAY_NS },
    }
}
