//! Which label a text gets, by where it comes from. The operator states it; the text has no say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Label, Name, Origin, Secrecy, Trust};

/// Labels by origin.
///
/// Without any statement the application and its operator are trusted, the user is the principal, and
/// everything else, the model's own words included, is untrusted: a model repeats what it read. Only the
/// user's words and what tools return may be somebody's private matter; they are private until stated
/// otherwise for a tool, source, file or site by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Labelling {
    /// Tools, sources, files and sites whose label differs from the default, by kind and name.
    pub stated: BTreeMap<String, BTreeMap<Name, Stated>>,
    /// Trust of the user's own words; `principal` where nothing is stated. An application whose user
    /// messages carry documents states `untrusted`.
    pub user: Option<Trust>,
}

/// What the operator states about a named origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stated {
    /// How far it is trusted.
    pub trust: Trust,
    /// Whether what it says is confidential.
    pub secrecy: Secrecy,
}

impl Labelling {
    /// The label of text from `origin`.
    #[must_use]
    pub fn label(&self, origin: &Origin) -> Label {
        let stated =
            origin.name().and_then(|name| self.stated.get(origin.kind()).and_then(|kind| kind.get(name)));
        let (trust, secrecy) = match (stated, origin) {
            (Some(stated), _) => (stated.trust, stated.secrecy),
            (None, Origin::System | Origin::Operator) => (Trust::Trusted, Secrecy::Public),
            (None, Origin::User) => (self.user.unwrap_or(Trust::Principal), Secrecy::Private),
            (None, Origin::Tool(_)) => (Trust::Untrusted, Secrecy::Private),
            (None, _) => (Trust::Untrusted, Secrecy::Public),
        };
        Label { origin: origin.clone(), trust, secrecy }
    }

    /// The same, with a statement about a named origin.
    #[must_use]
    pub fn stating(mut self, origin: &Origin, stated: Stated) -> Self {
        if let Some(name) = origin.name() {
            self.stated.entry(origin.kind().to_owned()).or_default().insert(name.clone(), stated);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_vouched_for_is_untrusted() {
        let labelling = Labelling::default();
        let tool = Origin::Tool(Name::new("lookup").unwrap());
        assert_eq!(labelling.label(&tool).trust, Trust::Untrusted);
        assert_eq!(labelling.label(&Origin::Assistant).trust, Trust::Untrusted);
        assert_eq!(labelling.label(&Origin::User).trust, Trust::Principal);
        assert_eq!(labelling.label(&Origin::System).trust, Trust::Trusted);
    }

    #[test]
    fn a_statement_holds_for_its_kind_and_name_only() {
        let tool = |name| Origin::Tool(Name::new(name).unwrap());
        let stated = Stated { trust: Trust::Principal, secrecy: Secrecy::Public };
        let labelling = Labelling::default().stating(&tool("clock"), stated);
        assert_eq!(labelling.label(&tool("clock")).trust, Trust::Principal);
        assert_eq!(labelling.label(&tool("mail")).trust, Trust::Untrusted);
        let file = Origin::File(Name::new("clock").unwrap());
        assert_eq!(labelling.label(&file).trust, Trust::Untrusted);
    }
}
