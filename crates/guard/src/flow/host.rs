//! Hosts in the one form they are compared in.
//!
//! Read as a browser reads them (WHATWG URL, UTS 46): a host has the same form here whatever its case, its
//! trailing dot, its escapes or its script, and a number in disguise (`0x7f.1`, `2130706433`) is the address
//! it stands for.

use url::Host;

/// The one form of a host.
pub(super) fn canonical<S: AsRef<str>>(host: &Host<S>) -> String {
    match host {
        Host::Domain(name) => name.as_ref().trim_end_matches('.').to_ascii_lowercase(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => format!("[{address}]"),
    }
}

/// The one form of a host as written, where it is one.
pub(super) fn host_of(text: &str) -> Option<String> {
    let host = canonical(&Host::parse(text).ok()?);
    (!host.is_empty()).then_some(host)
}

/// Whether a host is written in Unicode or in the encoding of it: such a name can look like another one.
pub(super) fn is_international(host: &str) -> bool {
    !host.is_ascii() || host.split('.').any(|label| label.starts_with("xn--"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_has_one_form() {
        for text in
            ["docs.example", "DOCS.example.", "docs%2eexample", "docs\u{3002}example", "do\u{ad}cs.example"]
        {
            assert_eq!(host_of(text).as_deref(), Some("docs.example"), "{text}");
        }
        assert_eq!(host_of("0x7f.1").as_deref(), Some("127.0.0.1"));
        assert_eq!(host_of("[0:0::1]").as_deref(), Some("[::1]"));
        for text in ["", "a b", "a/b", "."] {
            assert_eq!(host_of(text), None, "{text}");
        }
        assert!(is_international("xn--dcs-5cd.example") && !is_international("docs.example"));
    }
}
