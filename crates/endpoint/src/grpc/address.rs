//! Addresses of models behind gRPC: `grpc://host:port/model?version=1`.

use crate::EndpointError;

/// Where a model is. The scheme is this house's own: gRPC has none for the parts of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GrpcAddress {
    /// Whether the connection is encrypted: `grpcs`.
    pub secure: bool,
    pub host: String,
    pub port: u16,
    pub model: String,
    /// Empty for the one that the server chooses.
    pub version: String,
}

impl GrpcAddress {
    /// Whether an address is meant for gRPC.
    pub(crate) fn is_meant(url: &str) -> bool {
        url.starts_with("grpc://") || url.starts_with("grpcs://")
    }

    /// Reads an address.
    pub(crate) fn read(text: &str) -> Result<Self, EndpointError> {
        const FORM: &str = "write it as grpc://host:port/MODEL or grpc://host:port/MODEL?version=1";
        let refuse = |why: &str| EndpointError::Setting(format!("the address {why}; {FORM}"));
        let (secure, rest) = match text.split_once("://") {
            Some(("grpc", rest)) => (false, rest),
            Some(("grpcs", rest)) => (true, rest),
            _ => return Err(refuse("begins with neither grpc:// nor grpcs://")),
        };
        let (authority, path) = rest.split_once('/').ok_or_else(|| refuse("names no model"))?;
        // hyper knows what a host is; it does not know these schemes.
        let uri: hyper::Uri = format!("http://{authority}/").parse().map_err(|_| refuse("is no URL"))?;
        if authority.contains('@') {
            return Err(EndpointError::Setting(
                "the address holds a name or password; give a key by its environment variable".to_owned(),
            ));
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| refuse("has no host"))?;
        let port = uri.port_u16().or(secure.then_some(443)).ok_or_else(|| refuse("has no port"))?;
        let (model, query) = path.split_once('?').unwrap_or((path, ""));
        let version = match query.split_once('=') {
            _ if query.is_empty() => "",
            Some(("version", version)) if !version.is_empty() && !version.contains('&') => version,
            _ => return Err(refuse("has something else than a version behind its question mark")),
        };
        let (model, version) = (unescaped(model), unescaped(version));
        match (model, version) {
            (Some(model), Some(version)) if !model.is_empty() && !path.contains('/') => {
                Ok(Self { secure, host: host.to_owned(), port, model, version })
            }
            (Some(model), Some(_)) if model.is_empty() => Err(refuse("names no model")),
            (Some(_), Some(_)) => Err(refuse("has several parts behind its host")),
            _ => Err(refuse("is badly escaped")),
        }
    }

    /// Host and port, as they stand in a request.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The address, for people.
    pub(crate) fn shown(&self) -> String {
        let scheme = if self.secure { "grpcs" } else { "grpc" };
        let version =
            if self.version.is_empty() { String::new() } else { format!("?version={}", self.version) };
        format!("{scheme}://{}/{}{version}", self.authority(), self.model)
    }
}

/// A part of an address without its escapes; nothing where it holds what would break a terminal.
fn unescaped(text: &str) -> Option<String> {
    let plain = super::status::decoded(text.as_bytes());
    (!plain.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)).then_some(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_read_or_refused() {
        let read = |text: &str| GrpcAddress::read(text).map(|a| (a.shown(), a.model, a.version));
        let some = |a: &str, b: &str, c: &str| Ok((a.to_owned(), b.to_owned(), c.to_owned()));
        assert_eq!(read("grpc://h:8001/m"), some("grpc://h:8001/m", "m", ""));
        assert_eq!(read("grpcs://h/m?version=2"), some("grpcs://h:443/m?version=2", "m", "2"));
        assert_eq!(read("grpc://[::1]:9/a%20b"), some("grpc://[::1]:9/a b", "a b", ""));
        for (text, says) in [
            ("http://h:1/m", "neither grpc://"),
            ("grpc://h/m", "no port"),
            ("grpc://h:1", "names no model"),
            ("grpc://h:1/", "names no model"),
            ("grpc://h:1/v2/models/m", "several parts"),
            ("grpc://h:1/m?v=1", "behind its question mark"),
            ("grpc://h:1/m?version=", "behind its question mark"),
            ("grpc://key@h:1/m", "environment variable"),
            ("grpc://:1/m", "no host"),
            ("grpc://h:1/m%1b[2J", "badly escaped"),
            ("grpc://h h:1/m", "no URL"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(grpcs?://)?[a-z:/?=%@&\\[\\]0-9]{0,40}") {
            let _ = GrpcAddress::read(&text);
        }
    }
}
