//! What tells a token from text that only begins like one.
//!
//! A check takes the token from its prefix on and what follows the prefix, and says what makes it one.

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};

use super::super::entropy;

/// See the module.
pub(super) type Check = fn(token: &str, content: &str) -> Option<&'static str>;

/// As random as letters and digits of this length are, at least nearly, and no example. The bound lies below
/// the mean entropy of random strings of the length by more than five standard deviations (measured in
/// `tests.rs`), so a real token is practically never missed.
pub(super) fn random(_: &str, content: &str) -> Option<&'static str> {
    let bound = match content.len() {
        0..24 => 3.0,
        24..32 => 3.2,
        32..48 => 3.5,
        _ => 3.8,
    };
    let digits = content.bytes().filter(u8::is_ascii_digit).count();
    let mixed = digits > 0 || has_both_cases(content);
    (mixed && entropy(content.as_bytes()) >= bound && !is_example(content))
        .then_some("prefix, length and randomness are those of such a token")
}

/// The same for sixteen different characters.
pub(super) fn hex(_: &str, content: &str) -> Option<&'static str> {
    let bound = if content.len() < 40 { 2.7 } else { 3.0 };
    (entropy(content.as_bytes()) >= bound && !is_example(content))
        .then_some("prefix, length and randomness are those of such a token")
}

/// The same for capitals and digits.
pub(super) fn upper_random(_: &str, content: &str) -> Option<&'static str> {
    (entropy(content.as_bytes()) >= 3.0 && !is_example(content))
        .then_some("prefix, length and randomness are those of such a token")
}

fn has_both_cases(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_lowercase()) && text.bytes().any(|b| b.is_ascii_uppercase())
}

/// Written to be read, not to be used.
pub(super) fn is_example(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    [
        "example",
        "xxxx",
        "placeholder",
        "your",
        "sample",
        "redacted",
        "dummy",
        "abcdef0123",
        "0123456789",
        "1234567890",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

/// GitHub and npm: thirty characters, then their CRC-32 in base62. A wrong check sum means a mistyped or
/// made-up token, which is told only where it is as random as a real one: formats change.
pub(super) fn base62_crc(token: &str, content: &str) -> Option<&'static str> {
    let (body, sum) = content.split_at_checked(content.len().checked_sub(6)?)?;
    if base62(crc32(body.as_bytes())).as_bytes() == sum.as_bytes() {
        return Some("its check sum is right");
    }
    random(token, content)
}

fn base62(mut number: u32) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut out = [b'0'; 6];
    for digit in out.iter_mut().rev() {
        *digit = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    out.iter().map(|b| char::from(*b)).collect()
}

/// CRC-32 of IEEE 802.3.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

/// `github_pat_`: twenty-two characters, an underscore, fifty-nine characters.
pub(super) fn github_fine(token: &str, content: &str) -> Option<&'static str> {
    (content.as_bytes().get(22) == Some(&b'_')).then(|| random(token, content)).flatten()
}

/// An access key id is base32; the documentation's own ends in EXAMPLE.
pub(super) fn aws_key(_: &str, content: &str) -> Option<&'static str> {
    let base32 = content.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b));
    (base32
        && content.bytes().any(|b| b.is_ascii_digit())
        && entropy(content.as_bytes()) >= 2.5
        && !is_example(content))
    .then_some("prefix, alphabet and length are those of an access key id")
}

/// A session token says where it comes from: its first bytes decode to `origin`.
pub(super) fn aws_session(token: &str, content: &str) -> Option<&'static str> {
    random(token, content).map(|_| "its first bytes are those of a session token")
}

/// Base64 of so many bytes.
pub(super) fn base64_of(_: &str, content: &str, bytes: usize) -> Option<&'static str> {
    let engine = GeneralPurpose::new(
        &ALPHABET,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
    );
    let decoded = engine.decode(content).ok()?;
    (decoded.len() == bytes && entropy(&decoded) >= 3.5)
        .then_some("it decodes to as many random bytes as such a key has")
}

/// OpenAI writes the base64 of its name into every key.
pub(super) fn openai(_: &str, content: &str) -> Option<&'static str> {
    (content.contains("T3BlbkFJ") && entropy(content.as_bytes()) >= 3.5)
        .then_some("the mark of OpenAI's keys is in it")
}

/// A macaroon whose location is `pypi.org` (or `test.pypi.org`), as its encoding shows.
pub(super) fn pypi(token: &str, content: &str) -> Option<&'static str> {
    (content.starts_with("IcHlwaS5vcmc") || content.starts_with("NdGVzdC5weXBpLm9yZw"))
        .then(|| random(token, content))
        .flatten()
        .map(|_| "it decodes to a token of pypi.org")
}

/// Numbers of workspace and bot come first.
pub(super) fn slack(token: &str, content: &str) -> Option<&'static str> {
    let numbers = content.split('-').take(2).filter(|part| part.len() >= 8 || !token.starts_with("xoxb-"));
    let plausible = numbers.flat_map(str::bytes).any(|b| b.is_ascii_digit());
    plausible.then(|| random(token, content)).flatten()
}

/// A header that is JSON and names an algorithm (RFC 7515), then at least one part more.
pub(super) fn jwt(token: &str, _: &str) -> Option<&'static str> {
    let mut parts = token.split('.');
    let header = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
    let header: serde_json::Value = serde_json::from_slice(&header).ok()?;
    let algorithm = header.get("alg")?.as_str()?;
    let payload = parts.next()?;
    (!algorithm.is_empty() && payload.len() >= 4).then_some("its header decodes and names an algorithm")
}

/// Bech32 (BIP 173), whose check sum finds every error of up to four characters.
pub(super) fn age(token: &str, _: &str) -> Option<&'static str> {
    const CHARSET: &str = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
    let (human, data) = token.rsplit_once('1')?;
    let values = data.chars().map(|c| CHARSET.find(c)).collect::<Option<Vec<_>>>()?;
    let human = human.to_ascii_lowercase();
    let expanded = human
        .bytes()
        .map(|b| usize::from(b >> 5))
        .chain([0])
        .chain(human.bytes().map(|b| usize::from(b & 31)))
        .chain(values);
    let sum = expanded.fold(1_usize, |sum, value| {
        let top = sum >> 25;
        let shifted = (sum & 0x01ff_ffff) << 5 ^ value;
        [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]
            .iter()
            .enumerate()
            .filter(|(bit, _)| top >> bit & 1 == 1)
            .fold(shifted, |sum, (_, generator)| sum ^ generator)
    });
    (sum == 1).then_some("its check sum is right")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_sums_agree_with_published_ones() {
        // The check value of CRC-32 in every catalogue of CRCs.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        // A revoked token that its owner published to show the format.
        assert_eq!(base62(crc32(b"zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ")), "0mLq17");
        // An identity of the age specification's own test vectors.
        let identity = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
        assert!(age(identity, "").is_some());
        assert!(age(&identity.replace("4EG", "4EH"), "").is_none());
    }
}
