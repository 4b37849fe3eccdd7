//! Checkpoints as signed notes: C2SP `signed-note`, `tlog-checkpoint`, Ed25519 (algorithm 0x01).
//!
//! A checkpoint is the three lines *origin*, *size* and *root in base64*; a note adds an empty line and
//! signature lines `— <name> <base64(key hash ‖ signature)>`. Anyone with the verifier key can check one
//! with any C2SP client, and whoever keeps one can prove later that the ledger was rewritten or cut.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use proofhouse_core::Digest;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Longest note that is read.
const MAX_NOTE_BYTES: usize = 16 * 1024;
/// Most signature lines that are read; a witness adds one each.
const MAX_SIGNATURES: usize = 32;
/// Key type 0x01 of C2SP `signed-note`.
const ALGORITHM_ED25519: u8 = 1;

/// The state of a log: so many leaves with this root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, such as `proofhouse.local/ledger`.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// The tree's root.
    pub root: Digest,
}

/// A checkpoint with the note that proves who stated it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What is stated.
    pub checkpoint: Checkpoint,
    /// The signed note, to be kept outside this machine.
    pub note: String,
}

/// The name of a key or log: not empty, no white space, no `+`, no control character.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// A public key with its name, written `name+hash+base64`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    key: VerifyingKey,
}

/// Why a note, key or name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Not a key name.
    #[error(
        "{0:?} cannot name a key: a name has 1 to 200 characters and no white space, control character or \"+\""
    )]
    Name(String),
    /// Not a verifier key.
    #[error("this is not a verifier key of the form name+hash+base64: {0}")]
    VerifierKey(&'static str),
    /// Not a secret key.
    #[error("this is not a secret key of the form PRIVATE+KEY+name+hash+base64: {0}")]
    SecretKey(&'static str),
    /// Not a note.
    #[error("this is not a signed note, line {line}: {reason}")]
    Note {
        /// Line, counted from 1.
        line: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// Nobody trusted has signed it.
    #[error("the note is not signed by {0}")]
    NotSigned(String),
    /// A trusted name, a wrong signature.
    #[error("the signature by {0} does not fit the note: it was changed, or signed by another key")]
    BadSignature(String),
}

impl KeyName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = NoteError;

    fn from_str(s: &str) -> Result<Self, NoteError> {
        let length = s.chars().count();
        let bad = |c: char| c == '+' || c.is_whitespace() || c.is_control();
        if length == 0 || length > 200 || s.contains(bad) {
            return Err(NoteError::Name(s.chars().take(200).collect()));
        }
        Ok(Self(s.to_owned()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Checkpoint {
    /// The text that is signed: three lines, each with its newline.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.as_bytes()))
    }

    fn parse(text: &str) -> Result<Self, NoteError> {
        let error = |line, reason| NoteError::Note { line, reason };
        let mut lines = text.lines();
        let origin = lines.next().unwrap_or_default();
        origin.parse::<KeyName>().map_err(|_| error(1, "the origin is not a log name"))?;
        let size_text = lines.next().unwrap_or_default();
        let size: u64 = size_text.parse().map_err(|_| error(2, "the size is not a number"))?;
        // One spelling only: no sign, no leading zero.
        if size.to_string() != size_text {
            return Err(error(2, "the size is not written plainly"));
        }
        let root = decode(lines.next().unwrap_or_default())
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .ok_or(error(3, "the root is not 32 bytes in base64"))?;
        if lines.next().is_some() {
            return Err(error(4, "this ledger writes no extension lines"));
        }
        Ok(Self { origin: origin.to_owned(), size, root: Digest::from_bytes(root) })
    }
}

impl SignedCheckpoint {
    /// Reads `note` and checks the signature of `trusted`. Signatures by other keys, such as those of
    /// witnesses, are passed over; one in the trusted key's name must hold.
    pub fn open(note: &str, trusted: &VerifierKey) -> Result<Self, NoteError> {
        let (text, signatures) = split(note)?;
        let mut signed = false;
        for line in signatures {
            if line.name != trusted.name.as_str() || line.key_hash != trusted.hash() {
                continue;
            }
            let bytes = <[u8; 64]>::try_from(line.signature)
                .map_err(|_| NoteError::BadSignature(trusted.name.to_string()))?;
            // Strict: a signature has one form, a weak public key signs nothing.
            trusted
                .key
                .verify_strict(text.as_bytes(), &Signature::from_bytes(&bytes))
                .map_err(|_| NoteError::BadSignature(trusted.name.to_string()))?;
            signed = true;
        }
        if !signed {
            return Err(NoteError::NotSigned(trusted.to_string()));
        }
        Ok(Self { checkpoint: Checkpoint::parse(text)?, note: note.to_owned() })
    }
}

struct SignatureLine<'a> {
    name: &'a str,
    key_hash: [u8; 4],
    signature: Vec<u8>,
}

/// Splits a note into its text, with the last newline, and its signature lines.
fn split(note: &str) -> Result<(&str, Vec<SignatureLine<'_>>), NoteError> {
    let error = |line, reason| NoteError::Note { line, reason };
    if note.len() > MAX_NOTE_BYTES {
        return Err(error(1, "it is longer than 16 KiB"));
    }
    if note.chars().any(|c| c.is_control() && c != '\n') {
        return Err(error(1, "it holds a control character"));
    }
    // The last empty line ends the text.
    let at = note.rfind("\n\n").ok_or(error(1, "there is no empty line before the signatures"))?;
    let (text, rest) = note.split_at(at + 1);
    let first_line = text.matches('\n').count() + 2;
    let lines = rest[1..]
        .strip_suffix('\n')
        .ok_or(error(first_line, "the last signature line has no newline"))?
        .split('\n');
    let mut signatures = Vec::new();
    for (offset, line) in lines.enumerate() {
        let malformed = error(first_line + offset, "a signature line is \"— name base64\"");
        if offset == MAX_SIGNATURES {
            return Err(error(first_line + offset, "there are more than 32 signatures"));
        }
        let (name, encoded) =
            line.strip_prefix("— ").and_then(|l| l.split_once(' ')).ok_or(malformed.clone())?;
        name.parse::<KeyName>().map_err(|_| malformed.clone())?;
        let bytes = decode(encoded).ok_or(malformed.clone())?;
        let (key_hash, signature) = bytes.split_first_chunk::<4>().ok_or(malformed.clone())?;
        if signature.is_empty() {
            return Err(malformed);
        }
        signatures.push(SignatureLine { name, key_hash: *key_hash, signature: signature.to_vec() });
    }
    Ok((text, signatures))
}

/// Canonical base64 only: padded, no bits left over.
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

impl VerifierKey {
    pub(crate) const fn new(name: KeyName, key: VerifyingKey) -> Self {
        Self { name, key }
    }

    /// The key's name.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The first four bytes of SHA-256(name ‖ newline ‖ algorithm ‖ key).
    #[must_use]
    pub fn hash(&self) -> [u8; 4] {
        let digest = Sha256::new()
            .chain_update(self.name.as_str())
            .chain_update([b'\n', ALGORITHM_ED25519])
            .chain_update(self.key.as_bytes())
            .finalize();
        let [a, b, c, d, ..] = <[u8; 32]>::from(digest);
        [a, b, c, d]
    }

    /// The note that states `checkpoint` with this signature by this key.
    pub(crate) fn note(&self, checkpoint: &Checkpoint, signature: &Signature) -> String {
        let mut signed = self.hash().to_vec();
        signed.extend(signature.to_bytes());
        format!("{}\n— {} {}\n", checkpoint.to_text(), self.name, STANDARD.encode(signed))
    }
}

/// `hash+base64` of `key bytes` under `name`: the tail that verifier and secret keys share.
pub(crate) fn encode_key(hash: [u8; 4], key: &[u8; 32]) -> String {
    let mut bytes = Zeroizing::new([ALGORITHM_ED25519; 33]);
    bytes[1..].copy_from_slice(key);
    format!("{:08x}+{}", u32::from_be_bytes(hash), STANDARD.encode(bytes.as_slice()))
}

/// Splits `name+hash+base64` and checks the algorithm; the hash is for the caller to check.
pub(crate) fn decode_key(text: &str) -> Result<(KeyName, [u8; 4], [u8; 32]), &'static str> {
    // Base64 may contain "+", a name and a hash may not.
    let mut parts = text.splitn(3, '+');
    let mut part = || parts.next().ok_or("there are fewer than three parts");
    let (name, hash, encoded) = (part()?, part()?, part()?);
    let name = name.parse().map_err(|_| "the name is not a key name")?;
    if hash.len() != 8 || !hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err("the hash is not eight lowercase hexadecimal characters");
    }
    let hash = u32::from_str_radix(hash, 16).map_err(|_| "the hash is not hexadecimal")?.to_be_bytes();
    let bytes = Zeroizing::new(decode(encoded).ok_or("the key is not base64")?);
    match bytes.split_first() {
        Some((&ALGORITHM_ED25519, key)) => {
            Ok((name, hash, key.try_into().map_err(|_| "an Ed25519 key has 32 bytes")?))
        }
        _ => Err("the algorithm is not Ed25519 (0x01)"),
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(s: &str) -> Result<Self, NoteError> {
        let (name, hash, bytes) = decode_key(s.trim_end_matches('\n')).map_err(NoteError::VerifierKey)?;
        let key = VerifyingKey::from_bytes(&bytes)
            .map_err(|_| NoteError::VerifierKey("the key is no point on the curve"))?;
        let verifier = Self { name, key };
        if verifier.hash() != hash {
            return Err(NoteError::VerifierKey("the hash does not fit the name and key"));
        }
        Ok(verifier)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.name, encode_key(self.hash(), self.key.as_bytes()))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::CheckpointKey;

    fn key() -> CheckpointKey {
        CheckpointKey::from_seed("proofhouse.test/ledger".parse().unwrap(), &[7; 32])
    }

    fn signed() -> SignedCheckpoint {
        let root = Digest::of(b"root");
        key().sign(Checkpoint { origin: "proofhouse.test/ledger".to_owned(), size: 12, root })
    }

    #[test]
    fn a_note_has_the_shape_of_the_specification() {
        let note = signed().note;
        let lines: Vec<&str> = note.split('\n').collect();
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[..2], ["proofhouse.test/ledger", "12"]);
        assert_eq!(STANDARD.decode(lines[2]).unwrap(), Digest::of(b"root").as_bytes());
        assert_eq!((lines[3], lines[5]), ("", ""));
        assert!(lines[4].starts_with("— proofhouse.test/ledger "));
        assert_eq!(SignedCheckpoint::open(&note, key().verifier()).unwrap(), signed());
        // Another implementation reads the text.
        let text = lines[..3].join("\n") + "\n";
        let theirs = tlog_tiles::Checkpoint::from_bytes(text.as_bytes()).unwrap();
        assert_eq!((theirs.origin(), theirs.size()), ("proofhouse.test/ledger", 12));
    }

    #[test]
    fn key_and_note_are_those_that_another_implementation_makes() {
        // Made with Python's hashlib and `cryptography` from the seed of 32 bytes 0x07, by the text of C2SP
        // signed-note.
        let key_line = "proofhouse.test/ledger+cccff7f3+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
        let note = "proofhouse.test/ledger\n12\n\
            SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n\n\
            — proofhouse.test/ledger zM/38yJpiqrjf39Xg5W2loe0747YGQTl4b6pcl3/Si87OBxYnuXfQr1j9vxV\
            lCTKIX6BN9xtz1ATwag9TCH3hulHUAs=\n";
        assert_eq!(key().verifier().to_string(), key_line);
        assert_eq!(key_line.parse::<VerifierKey>().unwrap(), *key().verifier());
        assert_eq!(signed().note, note);
        let error = SignedCheckpoint::open(&note.replace("12", "13"), key().verifier()).unwrap_err();
        assert!(matches!(error, NoteError::BadSignature(_)), "{error}");
    }

    #[test]
    fn every_single_changed_byte_is_found() {
        let note = signed().note.into_bytes();
        for at in 0..note.len() {
            for bit in [0, 3, 7] {
                let mut changed = note.clone();
                changed[at] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(changed) else { continue };
                assert!(SignedCheckpoint::open(&changed, key().verifier()).is_err(), "{changed:?}");
            }
        }
    }

    #[test]
    fn other_signatures_are_passed_over_but_never_enough() {
        let note = signed().note;
        let witness = CheckpointKey::from_seed("witness.test".parse().unwrap(), &[9; 32]);
        let line = witness.sign(signed().checkpoint).note.lines().last().unwrap().to_owned();
        let both = format!("{note}{line}\n");
        assert!(SignedCheckpoint::open(&both, key().verifier()).is_ok());
        assert!(SignedCheckpoint::open(&both, witness.verifier()).is_ok());
        let other = CheckpointKey::from_seed("proofhouse.test/ledger".parse().unwrap(), &[8; 32]);
        assert!(matches!(SignedCheckpoint::open(&both, other.verifier()), Err(NoteError::NotSigned(_))));
        let many = note.clone() + &format!("{line}\n").repeat(40);
        assert!(SignedCheckpoint::open(&many, key().verifier()).is_err());
    }

    #[test]
    fn a_signed_text_that_is_no_checkpoint_is_refused() {
        use ed25519_dalek::Signer as _;
        let signing = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
        let verifier = key().verifier().clone();
        let root = STANDARD.encode([0u8; 32]);
        for text in [
            "proofhouse.test/ledger\n012\nROOT\n",
            "proofhouse.test/ledger\n+12\nROOT\n",
            "proofhouse.test/ledger\n-1\nROOT\n",
            "proofhouse.test/ledger\n18446744073709551616\nROOT\n",
            "proofhouse.test/ledger\n12\nAAAA\n",
            "proofhouse.test/ledger\n12\n",
            "proofhouse.test/ledger\n12\nROOT\nextension\n",
            "two words\n12\nROOT\n",
            "\n12\nROOT\n",
        ] {
            let text = text.replace("ROOT", &root);
            let mut bytes = verifier.hash().to_vec();
            bytes.extend(signing.sign(text.as_bytes()).to_bytes());
            let note = format!("{text}\n— {} {}\n", verifier.name(), STANDARD.encode(bytes));
            assert!(
                matches!(SignedCheckpoint::open(&note, &verifier), Err(NoteError::Note { .. })),
                "{text:?}"
            );
        }
    }

    #[test]
    fn names_that_would_confuse_are_refused() {
        for bad in ["", "a b", "a+b", "a\nb", "a\u{a0}b", "a\u{2003}b", &"x".repeat(201)] {
            assert!(bad.parse::<KeyName>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_without_panic(text in "\\PC{0,40}\n?\n?(— )?\\PC{0,40}\n?") {
            prop_assert!(SignedCheckpoint::open(&text, key().verifier()).is_err());
            prop_assert!(text.parse::<VerifierKey>().is_err());
        }

        #[test]
        fn a_cut_or_grown_note_is_refused(at in any::<prop::sample::Index>(), more in "[ -~\n]{1,9}") {
            let note = signed().note;
            let cut: String = note.chars().take(at.index(note.chars().count())).collect();
            prop_assert!(SignedCheckpoint::open(&cut, key().verifier()).is_err());
            prop_assert!(SignedCheckpoint::open(&(note + &more), key().verifier()).is_err());
        }
    }
}
