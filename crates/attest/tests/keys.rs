//! Keys, key files, envelopes and statements through the public interface.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like the tests")]

use p256::pkcs8::{EncodePrivateKey, LineEnding};
use proofhouse_attest::dsse::{self, Envelope};
use proofhouse_attest::predicate::TestResult;
use proofhouse_attest::{
    Error, ResourceDescriptor, SigningKey, Statement, TrustedKeys, VerifyingKey, keyfile, sign_statement,
    verify_statement,
};
use proofhouse_core::Digest;
use proptest::prelude::*;
use serde_json::{Value, json};

/// The key of RFC 6979, appendix A.2.5: public for good, so signatures in tests are the same everywhere.
fn rfc_key() -> SigningKey {
    let hex = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
    let secret = p256::SecretKey::from_slice(Digest::from_hex(hex).unwrap().as_bytes()).unwrap();
    SigningKey::from_pem(&secret.to_pkcs8_pem(LineEnding::LF).unwrap()).unwrap()
}

#[test]
fn signatures_are_those_of_rfc_6979() {
    let signature = rfc_key().sign(b"sample").unwrap();
    let r = Digest::from_hex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716").unwrap();
    let s = Digest::from_hex("f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8").unwrap();
    // DER: SEQUENCE of two INTEGERs; both have the top bit set and so a leading zero.
    let mut der = vec![0x30, 70, 0x02, 33, 0];
    der.extend_from_slice(r.as_bytes());
    der.extend_from_slice(&[0x02, 33, 0]);
    der.extend_from_slice(s.as_bytes());
    assert_eq!(signature, der);
}

#[test]
fn a_key_is_known_by_its_pem_text() {
    let key = rfc_key().verifying_key();
    let pem = key.to_pem();
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\n") && pem.ends_with("-----END PUBLIC KEY-----\n"));
    assert!(pem.lines().all(|line| line.len() <= 64));
    assert_eq!(key.id().to_string(), Digest::of(pem.as_bytes()).to_hex());
    let windows = VerifyingKey::from_pem(&pem.replace('\n', "\r\n")).unwrap();
    assert_eq!(windows.id(), key.id(), "the id is over the text this crate writes, not the file's");
}

#[test]
fn other_keys_are_refused_with_the_way_out() {
    let message = |pem: &str| SigningKey::from_pem(pem).unwrap_err().to_string();
    assert!(message("-----BEGIN EC PRIVATE KEY-----\n").contains("openssl pkcs8 -topk8"));
    assert!(message("-----BEGIN ENCRYPTED PRIVATE KEY-----\n").contains("encrypted"));
    assert!(message("").contains("PKCS#8"));
    // openssl genpkey -algorithm ed25519 | openssl pkey -pubout
    let ed25519 = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    assert!(matches!(VerifyingKey::from_pem(ed25519), Err(Error::PublicKey)));
}

#[test]
fn debug_shows_no_secret() {
    let key = rfc_key();
    assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.id()));
}

#[test]
fn generated_keys_differ() {
    assert_ne!(SigningKey::generate().unwrap().id(), SigningKey::generate().unwrap().id());
}

#[test]
fn key_files_are_private_and_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::generate().unwrap();
    let files = keyfile::write_new(dir.path(), "release", &key).unwrap();
    assert_eq!(keyfile::read_signing(&files.private).unwrap().id(), key.id());
    assert_eq!(keyfile::read_verifying(&files.public).unwrap().id(), key.id());

    let again = keyfile::write_new(dir.path(), "release", &SigningKey::generate().unwrap());
    assert!(matches!(again, Err(Error::KeyExists(path)) if path == files.private));
    std::fs::remove_file(&files.private).unwrap();
    let half = keyfile::write_new(dir.path(), "release", &key);
    assert!(matches!(half, Err(Error::KeyExists(path)) if path == files.public));
    assert!(!files.private.exists(), "no half pair is left behind");

    for name in ["", "../x", "a/b", ".hidden", "a b", "-rf"] {
        assert!(matches!(keyfile::write_new(dir.path(), name, &key), Err(Error::KeyName(_))), "{name:?}");
    }
    let swapped = keyfile::read_signing(&files.public);
    assert!(swapped.is_err(), "a public key is no private key");
}

#[cfg(unix)]
#[test]
fn modes_are_set_and_asked_for() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let dir = tempfile::tempdir().unwrap();
    let files = keyfile::write_new(dir.path(), "k", &SigningKey::generate().unwrap()).unwrap();
    assert_eq!(mode(&files.private), 0o600);
    assert_eq!(mode(&files.public) & 0o700, 0o600);
    for shared in [0o640, 0o604, 0o660, 0o644] {
        std::fs::set_permissions(&files.private, std::fs::Permissions::from_mode(shared)).unwrap();
        let message = keyfile::read_signing(&files.private).unwrap_err().to_string();
        assert!(message.contains("chmod 600"), "{message}");
    }
}

#[test]
fn the_encoding_is_that_of_the_dsse_specification() {
    let encoded = dsse::pae("http://example.com/HelloWorld", b"hello world");
    assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    assert_eq!(dsse::pae("é", b""), "DSSEv1 2 é 0 ".as_bytes(), "lengths count bytes");
}

fn signed() -> (SigningKey, Vec<u8>) {
    let key = rfc_key();
    let subject = vec![ResourceDescriptor::sha256("model", &Digest::of(b"model"))];
    let result = TestResult::new(vec![], vec!["scan".into()], vec![], vec![]);
    let statement = Statement::new(subject, &result).unwrap();
    let bytes = sign_statement(&statement, &key).unwrap().to_json().unwrap();
    (key, bytes)
}

#[test]
fn a_statement_comes_back_as_it_was_said() {
    let (key, bytes) = signed();
    assert_eq!(bytes, signed().1, "the same statement and key give the same bytes");
    let verified = verify_statement(&bytes, &key.verifying_key().into()).unwrap();
    assert_eq!(verified.signer(), key.id());
    let statement = verified.statement();
    assert_eq!(statement.subject_digest("sha256"), Some(Digest::of(b"model").to_hex().as_str()));
    assert!(statement.speaks_of(&Digest::of(b"model")) && !statement.speaks_of(&Digest::of(b"other")));
    assert_eq!(statement.predicate_as::<TestResult>().unwrap().passed_tests, ["scan"]);
}

#[test]
fn strangers_are_named() {
    let (key, bytes) = signed();
    let nobody = verify_statement(&bytes, &TrustedKeys::new()).unwrap_err();
    assert!(matches!(nobody, Error::UnknownKey(id) if id == key.id()));
    let other: TrustedKeys = SigningKey::generate().unwrap().verifying_key().into();
    assert!(matches!(verify_statement(&bytes, &other), Err(Error::UnknownKey(_))));
}

#[test]
fn envelopes_are_read_strictly() {
    let (key, bytes) = signed();
    let trusted: TrustedKeys = key.verifying_key().into();
    let envelope: Value = serde_json::from_slice(&bytes).unwrap();
    let with = |pointer: &str, value: Value| {
        let mut changed = envelope.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        verify_statement(&serde_json::to_vec(&changed).unwrap(), &trusted)
    };
    assert!(with("/signatures/0/keyid", json!("")).is_ok(), "the key's name is a hint");
    assert!(with("/signatures/0/keyid", json!("my laptop")).is_ok());
    let foreign = json!(Digest::of(b"the same key as another tool names it").to_hex());
    assert!(with("/signatures/0/keyid", foreign).is_ok());
    assert!(with("/payloadType", json!("text/plain")).is_err(), "the type is signed");
    assert!(matches!(with("/signatures", json!([])), Err(Error::Unsigned)));
    assert!(matches!(with("/payload", json!("!!")), Err(Error::Json { what: "payload", .. })));
    assert!(matches!(with("/payload", json!("eA")), Err(Error::Json { .. })), "no padding");
    assert!(matches!(with("/payload", json!("eB==")), Err(Error::Json { .. })), "slack bits");
    let many = vec![envelope["signatures"][0].clone(); dsse::MAX_SIGNATURES + 1];
    assert!(matches!(with("/signatures", json!(many)), Err(Error::Limit { .. })));
    let stranger = json!({"keyid": Digest::of(b"").to_hex(), "sig": "AAAA"});
    assert!(with("/signatures", json!([stranger, envelope["signatures"][0]])).is_ok());

    let text = String::from_utf8(bytes).unwrap();
    let twice = text.replacen('{', r#"{"payload":"","#, 1);
    assert!(verify_statement(twice.as_bytes(), &trusted).unwrap_err().to_string().contains("appears twice"));
}

#[test]
fn only_statements_are_statements() {
    let key = rfc_key();
    let trusted: TrustedKeys = key.verifying_key().into();
    let verify = |payload_type: &str, payload: &str| {
        let envelope = Envelope::sign(payload_type, payload.as_bytes().to_vec(), &key).unwrap();
        verify_statement(&envelope.to_json().unwrap(), &trusted)
    };
    const TYPE: &str = "application/vnd.in-toto+json";
    let statement = |statement_type: &str, subject: &str| {
        format!(r#"{{"_type":"{statement_type}","subject":{subject},"predicateType":"p","predicate":{{}}}}"#)
    };
    let subject = r#"[{"name":"m","digest":{"sha256":"aa"}}]"#;
    let v1 = "https://in-toto.io/Statement/v1";
    assert!(verify(TYPE, &statement(v1, subject)).is_ok());
    assert!(matches!(verify("text/plain", &statement(v1, subject)), Err(Error::PayloadType { .. })));
    let v01 = verify(TYPE, &statement("https://in-toto.io/Statement/v0.1", subject));
    assert!(matches!(v01, Err(Error::StatementType(_))));
    assert!(matches!(verify(TYPE, &statement(v1, "[]")), Err(Error::NoSubject)));
    assert!(matches!(verify(TYPE, &statement(v1, r#"[{"name":"m"}]"#)), Err(Error::NoSubject)));
    let twice = statement(v1, r#"[{"digest":{"sha256":"aa","sha256":"bb"}}]"#);
    assert!(matches!(verify(TYPE, &twice), Err(Error::Json { .. })));
}

#[test]
fn a_predicate_is_read_as_what_it_is() {
    let subject = vec![ResourceDescriptor::sha256("m", &Digest::of(b"m"))];
    let statement = Statement::with_type("https://example.org/other", subject.clone(), json!({})).unwrap();
    assert!(matches!(statement.predicate_as::<TestResult>(), Err(Error::PredicateType { .. })));
    assert!(matches!(Statement::with_type("p", vec![], json!({})), Err(Error::NoSubject)));
    // 2^53 + 1 has no double: canonical JSON would sign 2^53.
    let inexact = Statement::with_type("p", subject.clone(), json!({"seeds": [9_007_199_254_740_993_u64]}));
    assert!(matches!(inexact, Err(Error::Canonical(_))));
    assert!(Statement::with_type("p", subject, json!({"seed": 9_007_199_254_740_992_u64})).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// One changed byte of an envelope: refused, or the same is said as before.
    #[test]
    fn a_changed_byte_says_nothing_new(at: prop::sample::Index, byte: u8) {
        let (key, bytes) = signed();
        let trusted: TrustedKeys = key.verifying_key().into();
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] = byte;
        if let Ok(verified) = verify_statement(&changed, &trusted) {
            prop_assert_eq!(verified, verify_statement(&bytes, &trusted).unwrap());
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_statement(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(verify_statement(&bytes, &rfc_key().verifying_key().into()).is_err());
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(SigningKey::from_pem(&text).is_err() && VerifyingKey::from_pem(&text).is_err());
    }
}
