//! What statements say: predicate types, and the ones other tools define.

mod test_result;
mod vsa;

pub use test_result::{TestOutcome, TestResult};
pub use vsa::{VerificationOutcome, VerificationSummary, Verifier};

/// in-toto test result v0.1.
pub const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";
/// SLSA verification summary v1.
pub const VERIFICATION_SUMMARY: &str = "https://slsa.dev/verification_summary/v1";
/// OpenSSF Model Signing v1.0.
pub const MODEL_SIGNATURE: &str = "https://model_signing/signature/v1.0";
/// The result of one check on one subject, with everything it depends on.
pub const EVIDENCE: &str = "https://proofhouse.dev/attestation/evidence/v1";
/// Which instances a recall reached, and what each answered.
pub const RECALL_CERTIFICATE: &str = "https://proofhouse.dev/attestation/recall-certificate/v1";
/// What was released, on which evidence, by which decision.
pub const RELEASE: &str = "https://proofhouse.dev/attestation/release/v1";

/// A type that is the predicate of a statement.
///
/// ```
/// use proofhouse_attest::{Predicate, ResourceDescriptor, Statement, predicate};
/// use proofhouse_core::Digest;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Release {
///     environment: String,
/// }
///
/// impl Predicate for Release {
///     const TYPE: &'static str = predicate::RELEASE;
/// }
///
/// let model = ResourceDescriptor::sha256("cheque-reader", &Digest::of(b"model"));
/// let release = Release { environment: "production".into() };
/// let statement = Statement::new(vec![model], &release).unwrap();
/// assert_eq!(statement.predicate_as::<Release>().unwrap().environment, "production");
/// ```
pub trait Predicate {
    /// The URI that names the type.
    const TYPE: &'static str;
}
