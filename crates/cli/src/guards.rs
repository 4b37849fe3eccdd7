//! Guards as configuration files state them, with the weights that such a file names.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use proofhouse_guard::{Guard, GuardConfig};
use proofhouse_lifecycle::encoder;

/// Bytes of a configuration.
const CONFIG_BYTES: u64 = 4 << 20;
/// Bytes of a weights file: two tables of the largest size, and room for a header.
const WEIGHTS_BYTES: u64 = 4 << 20;

/// What is stated about a guard, and what it names beside it.
#[derive(Debug, Default)]
pub struct StatedGuard {
    pub config: GuardConfig,
    /// The bytes of its weights where it states some of its own.
    pub weights: Option<Vec<u8>>,
    /// Where the folder of its encoder is looked for.
    pub folder: PathBuf,
}

impl StatedGuard {
    /// Reads a configuration, JSON or YAML; the shipped one without a file. Weights are looked for beside it.
    pub fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(file) = file else { return Ok(Self::default()) };
        let text = String::from_utf8(bounded(file, CONFIG_BYTES)?)
            .with_context(|| format!("{} is not UTF-8", file.display()))?;
        // YAML holds JSON too.
        let config: GuardConfig = serde_saphyr::from_str(&text)
            .with_context(|| format!("{} is no guard configuration", file.display()))?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let read = |weights| bounded(&folder.join(weights), WEIGHTS_BYTES);
        let weights =
            config.detector.weights.as_ref().map(read).transpose().context("the detector's weights")?;
        Ok(Self { config, weights, folder: folder.to_owned() })
    }

    /// The guard.
    pub fn make(self) -> anyhow::Result<Guard> {
        encoder::guard(self.config, self.weights.as_deref(), &self.folder)
            .context("the guard cannot be made ready")
    }
}

fn bounded(path: &Path, most: u64) -> anyhow::Result<Vec<u8>> {
    let at = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    File::open(path).with_context(at)?.take(most + 1).read_to_end(&mut bytes).with_context(at)?;
    ensure!(bytes.len() as u64 <= most, "{} has more than {most} bytes", path.display());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proofhouse_guard::EncoderChoice;

    use super::*;

    #[test]
    fn each_way_to_state_an_encoder_is_read_from_yaml() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("guard.yaml");
        let read = |encoder: &str| {
            std::fs::write(&file, format!("detector:\n  encoder: {encoder}\n")).unwrap();
            StatedGuard::read(Some(&file)).map(|stated| stated.config.detector.encoder)
        };
        assert_eq!(read("none").unwrap(), Some(EncoderChoice::Off));
        assert_eq!(read("shipped").unwrap(), Some(EncoderChoice::Shipped));
        let digest = "sha256:e283bdd53d032b14db85461a8e863a113b07f527d5c0a6c65897dcbddbc6804d";
        let stated = read(&format!("{{folder: encoder, digest: \"{digest}\"}}")).unwrap();
        assert!(
            matches!(stated, Some(EncoderChoice::Folder { folder, .. }) if folder == Path::new("encoder"))
        );
        assert!(read("other").is_err());
        std::fs::write(&file, "prompt_is_public: true\n").unwrap();
        assert_eq!(StatedGuard::read(Some(&file)).unwrap().config.detector.encoder, None);
    }
}
