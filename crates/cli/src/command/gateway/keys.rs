//! Keys of a stand-alone gateway: those of its clients, and the one that approvals are made with.

use std::io::Write as _;
use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use proofhouse_gateway::{ApiKey, TokenBudget};
use proofhouse_guard::flow::ApprovalKey;

use super::ROLE;

/// Clients' keys, and the one that was made just now, to be shown once.
pub struct Clients {
    pub kept: Vec<ApiKey>,
    pub issued: Option<String>,
}

/// The clients of a file, which holds hashes only; without one, or where it does not exist, one new client.
pub fn clients(file: Option<&Path>, budget: Option<TokenBudget>) -> anyhow::Result<Clients> {
    let budgeted = |mut key: ApiKey| {
        key.budget = key.budget.or(budget);
        key
    };
    if let Some(file) = file
        && file.exists()
    {
        let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let kept: Vec<ApiKey> = serde_json::from_slice(&text)
            .with_context(|| format!("{} is no list of keys, as this command writes it", file.display()))?;
        return Ok(Clients { kept: kept.into_iter().map(budgeted).collect(), issued: None });
    }
    let (rate, burst) = (NonZeroU32::new(50), NonZeroU32::new(100));
    let (key, secret) =
        ApiKey::generate("client", ROLE, rate.unwrap_or(NonZeroU32::MIN), burst.unwrap_or(NonZeroU32::MIN))?;
    if let Some(file) = file {
        write_new(file, &serde_json::to_vec_pretty(&[&key])?)?;
    }
    Ok(Clients { kept: vec![budgeted(key)], issued: Some(secret.expose().to_owned()) })
}

/// The key in a file; made where there is none.
pub fn approval(file: &Path) -> anyhow::Result<ApprovalKey> {
    if !file.exists() {
        let bytes: [u8; 32] = rand::random();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        write_new(file, format!("{hex}\n").as_bytes())?;
        return Ok(ApprovalKey::new(bytes));
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let text = text.trim();
    let mut bytes = [0; 32];
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    let is_hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let value = pair.filter(|_| is_hex).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        *byte = value.with_context(|| format!("{} does not hold 64 hexadecimal digits", file.display()))?;
    }
    anyhow::ensure!(is_hex, "{} does not hold 64 hexadecimal digits", file.display());
    Ok(ApprovalKey::new(bytes))
}

/// Writes a file that only its owner reads, and that was not there.
fn write_new(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("cannot write {}", file.display()))?;
    out.write_all(bytes).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proofhouse_core::Digest;

    #[test]
    fn an_approval_key_is_the_same_when_it_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("approval.key");
        let made = approval(&file).unwrap();
        let given = made.approve(Digest::of(b"a"), "ann", 10);
        assert!(approval(&file).unwrap().accepts(&given, Digest::of(b"a"), 1));
        for text in ["", "00", &"g".repeat(64)] {
            std::fs::write(&file, text).unwrap();
            assert!(approval(&file).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_is_issued_once_and_kept_as_a_hash() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.json");
        let first = clients(Some(&file), None).unwrap();
        let secret = first.issued.unwrap();
        assert!(!std::fs::read_to_string(&file).unwrap().contains(&secret));
        let second = clients(Some(&file), None).unwrap();
        assert!(second.issued.is_none() && second.kept[0].hash == first.kept[0].hash);
    }
}
