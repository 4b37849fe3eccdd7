//! What one conversation must not give away: its canaries and its confidential texts.

use std::sync::Arc;

use super::Overlap;
use super::canary::Canaries;
use super::overlap::Texts;

/// Canaries and confidential texts of one conversation.
///
/// A canary is a string that stands nowhere but in a confidential text. It is found in any case, with
/// separators or invisible characters between its characters, reversed, and in the encodings a model can
/// write by heart (rot13, hexadecimal, base64, percent).
#[derive(Debug, Clone, Default)]
pub struct Confidential {
    overlap: Overlap,
    secrets: Arc<Secrets>,
}

/// What scanners need of it.
#[derive(Debug, Clone)]
pub(super) struct Secrets {
    pub canaries: Canaries,
    pub texts: Texts,
    /// Bytes where one of them may begin, beside the beginnings of words.
    pub begins: [bool; 256],
}

impl Default for Secrets {
    fn default() -> Self {
        Self { canaries: Canaries::default(), texts: Texts::default(), begins: [false; 256] }
    }
}

/// Why something cannot be kept confidential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfidentialError {
    /// Too short to be told from ordinary text.
    #[error("the canary {0:?} has fewer than {min} letters and digits", min = super::canary::MIN_UNITS)]
    CanaryTooShort(String),
    /// Longer than is matched.
    #[error("the canary {0:?} has more than {max} letters and digits", max = super::canary::MAX_UNITS)]
    CanaryTooLong(String),
    /// More text than is indexed.
    #[error("confidential texts have more than {max} words together", max = super::overlap::MAX_WORDS)]
    TooMuchText,
}

impl Confidential {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, with another limit on what may be repeated. Holds for texts added afterwards.
    #[must_use]
    pub const fn overlap(mut self, overlap: Overlap) -> Self {
        self.overlap = overlap;
        self
    }

    /// The same, with a canary. `name` is what findings call it.
    pub fn canary(mut self, name: &str, canary: &str) -> Result<Self, ConfidentialError> {
        let secrets = Arc::make_mut(&mut self.secrets);
        secrets.canaries.add(name, canary)?;
        secrets.mark();
        Ok(self)
    }

    /// The same, with a text that must not be repeated word for word, such as the system prompt.
    pub fn text(mut self, name: &str, text: &str) -> Result<Self, ConfidentialError> {
        let secrets = Arc::make_mut(&mut self.secrets);
        secrets.texts.add(name, text, self.overlap)?;
        secrets.mark();
        Ok(self)
    }

    pub(super) fn secrets(&self) -> Arc<Secrets> {
        Arc::clone(&self.secrets)
    }
}

impl Secrets {
    fn mark(&mut self) {
        self.canaries.mark(&mut self.begins);
        self.texts.mark(&mut self.begins);
    }
}
