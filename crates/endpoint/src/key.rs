//! A key that shows itself to nobody but the server it is for.

use std::fmt;

use zeroize::Zeroizing;

use crate::EndpointError;

/// A secret for a server.
#[derive(Clone)]
pub struct Key(Zeroizing<String>);

impl Key {
    /// The key in an environment variable.
    pub fn from_env(variable: &str) -> Result<Self, EndpointError> {
        let text = std::env::var(variable).map_err(|_| EndpointError::NoKey(variable.to_owned()))?;
        Self::new(&text).ok_or_else(|| EndpointError::NoKey(variable.to_owned()))
    }

    /// A key from a text that can stand in a header.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        plain.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// `text` without the key, should a server have sent it back.
    pub(crate) fn removed_from(&self, text: &str) -> String {
        text.replace(self.expose(), "[key]")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_nothing() {
        let key = Key::new(" sk-123 ").unwrap();
        assert_eq!(format!("{key:?}"), "Key(..)");
        assert_eq!(key.removed_from("bad key sk-123!"), "bad key [key]!");
        assert!(Key::new("").is_none() && Key::new("a b").is_none() && Key::new("a\nb").is_none());
    }
}
