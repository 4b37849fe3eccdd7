//! Mail addresses: `name@host` with an ASCII name (RFC 5322 dot-atom) and a host by name.

use super::super::host;

/// A mail address in the one form it is compared in: lower case, no trailing dot, host as DNS has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    local: String,
    host: String,
}

impl Address {
    /// Reads an address that stands by itself.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.split_once('@')?;
        let is_atom = !local.is_empty()
            && local.len() <= 64
            && local.bytes().all(is_atom_byte)
            && local.split('.').all(|part| !part.is_empty());
        let is_domain = domain.contains('.')
            && domain.len() <= 255
            && domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.'));
        if !is_atom || !is_domain {
            return None;
        }
        let host = host::host_of(domain)?;
        // Digits that stand for a numeric address are no mail domain.
        let named =
            host.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_alphabetic()));
        named.then(|| Self { local: local.to_ascii_lowercase(), host })
    }

    /// Its host, lower case, in the encoding of DNS.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
}

const fn is_atom_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric()
        || matches!(
            b,
            b'.' | b'!'
                | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'/'
                | b'='
                | b'?'
                | b'^'
                | b'_'
                | b'`'
                | b'{'
                | b'|'
                | b'}'
                | b'~'
                | b'-'
        )
}

/// Reads a value that is one address or several, separated by commas or semicolons, each perhaps with a
/// name before it (`Bob <bob@corp.example>`). A name that could pass for an address is refused.
pub(super) fn list(text: &str) -> Result<Vec<Address>, &'static str> {
    if text.chars().any(|c| c.is_control()) {
        return Err("an address holds no control characters");
    }
    text.split([',', ';'])
        .map(|one| {
            let one = one.trim();
            let bare = match one.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
                Some((name, _)) if name.contains(['@', '<', '>', ':']) => {
                    return Err("the name before an address holds no address");
                }
                Some((_, address)) => address,
                None => one,
            };
            Address::parse(bare).ok_or("it is no mail address")
        })
        .collect()
}

/// Addresses that stand in a text. Each is taken as long as it goes, so a shorter address inside a longer
/// one is not found.
pub fn addresses(text: &str) -> impl Iterator<Item = Address> {
    text.split(|c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '<' | '>'
                    | '('
                    | ')'
                    | '['
                    | ']'
                    | '"'
                    | ','
                    | ';'
                    | ':'
                    | '“'
                    | '”'
                    | '„'
                    | '«'
                    | '»'
                    | '、'
                    | '，'
                    | '。'
            )
    })
    .filter(|piece| piece.matches('@').count() == 1)
    .filter_map(|piece| {
        let piece = piece.trim_start_matches(['\'', '*', '_', '`', '‘', '’']);
        let piece = piece.trim_end_matches(['.', '!', '?', '\'', '*', '_', '`', '’', '…']);
        Address::parse(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_text(text: &str) -> Vec<String> {
        addresses(text).map(|a| format!("{}@{}", a.local, a.host)).collect()
    }

    #[test]
    fn addresses_are_whole() {
        assert_eq!(in_text("Mail Bob@Corp.Example. Now!"), ["bob@corp.example"]);
        assert_eq!(in_text("(mailto:bob@corp.example)"), ["bob@corp.example"]);
        assert_eq!(in_text("<bob@corp.example>, *al@corp.example*"), ["bob@corp.example", "al@corp.example"]);
        assert_eq!(in_text("bob@corp.example.evil.example"), ["bob@corp.example.evil.example"]);
        assert_eq!(in_text("xbob@corp.example"), ["xbob@corp.example"]);
        assert_eq!(in_text("é.bob@corp.example a@b@corp.example bob@corp bob@1.2.3.4"), [""; 0]);
        // A Cyrillic о in the host is another host.
        assert_eq!(in_text("bob@cоrp.example"), ["bob@xn--crp-sed.example"]);
    }

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        assert_eq!(list("Bob <bob@corp.example>; al@corp.example").unwrap().len(), 2);
        for text in [
            "bob@corp.example,",
            "bob@corp.example evil@evil.example",
            "bob@corp.example <evil@evil.example>",
            "bob@corp.example\r\nBcc: evil@evil.example",
            "bob@corp.example?cc=evil@evil.example",
            "\"bob@corp.example\"@evil.example",
            "",
        ] {
            assert!(list(text).is_err(), "{text:?}");
        }
    }
}
