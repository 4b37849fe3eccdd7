//! Where a link leads, and whether it may lead there.
//!
//! A link or an image in an answer is an outbound effect: an image is fetched without anybody's click, and
//! path and query carry what the model put there to whoever owns the host. So a link is read the way a
//! browser reads it (the WHATWG URL standard, through the `url` crate) and held against hosts the operator
//! named; what a browser would understand differently from what a person sees (userinfo, backslashes, tabs
//! in the scheme, addresses written as one number) is refused by itself. One decision for what a model
//! says and for what it passes to a tool.
//!
//! ```
//! use proofhouse_guard::link::{LinkPlace, LinkRefusal, LinkRules};
//!
//! let rules = LinkRules::to(["help.example", "*.shop.example"]).unwrap();
//! assert!(rules.judge("https://help.example/returns", LinkPlace::Clicked).is_ok());
//! let refused = rules.judge("https://help.example@evil.example/", LinkPlace::Clicked);
//! assert!(matches!(refused, Err(LinkRefusal::Userinfo { .. })));
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

mod covert;
mod host;

pub(crate) use covert::percent_decoded;
use host::host_name;
pub use host::{HostPattern, HostPatternError};

/// Longest link that is read, in bytes. Browsers take more; nobody needs more.
pub const LINK_BYTES: usize = 2048;

/// Stands for the page a relative link is on. No host can have this name (RFC 2606).
const HERE: &str = "relative.invalid";

/// How a link reaches its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkPlace {
    /// A person has to follow it.
    Clicked,
    /// Whoever shows the text fetches it: images, styles, frames, refreshes.
    Fetched,
    /// A tool is given it.
    Argument,
}

/// Which links may leave. Without any statement none to another host may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LinkRules {
    /// Hosts that links may lead to.
    pub hosts: Vec<HostPattern>,
    /// Hosts that images and the like may be fetched from, where they differ from `hosts`.
    pub images: Option<Vec<HostPattern>>,
    /// Schemes, without the colon.
    pub schemes: Vec<String>,
    /// Longest path in bytes.
    pub path_bytes: usize,
    /// Longest query with fragment in bytes: what a link may say to its host.
    pub query_bytes: usize,
    /// The same for what is fetched without a click.
    pub fetched_query_bytes: usize,
    /// Longest run of letters and digits that looks random, in path, query and fragment.
    pub opaque_bytes: usize,
}

impl Default for LinkRules {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            images: None,
            schemes: vec!["https".to_owned(), "mailto".to_owned()],
            path_bytes: 256,
            query_bytes: 128,
            fetched_query_bytes: 32,
            opaque_bytes: 24,
        }
    }
}

/// Where an accepted link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// To the page it is on.
    Relative,
    /// To this host, in its ASCII form.
    Host(String),
}

/// Why a link is refused. It names the host and never what the link carries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LinkRefusal {
    /// `javascript:`, `data:` and whatever else the operator did not name.
    #[error("the scheme {scheme} is not allowed")]
    Scheme {
        /// In lower case.
        scheme: String,
    },
    /// A host the operator did not name.
    #[error("{host} is not an allowed host")]
    Host {
        /// In its ASCII form.
        host: String,
    },
    /// A host that is drawn like one the operator named, or hides behind its name.
    #[error("{host} only looks like {like}")]
    LookAlike {
        /// In its ASCII form.
        host: String,
        /// The allowed host.
        like: String,
    },
    /// An address instead of a name, in whatever notation.
    #[error("{address} is an address, not a name")]
    Address {
        /// In its usual form.
        address: String,
    },
    /// A port other than the scheme's own.
    #[error("port {port} of {host} is not allowed")]
    Port {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// `https://what.you.see@where.it.goes/`.
    #[error("a name stands before the host {host}")]
    Userinfo {
        /// The host it really leads to.
        host: String,
    },
    /// Characters that readers and browsers take differently.
    #[error("the link is written so that people and browsers read it differently")]
    Obscured,
    /// More path, query or fragment than the limit.
    #[error("the {part} carries {bytes} bytes, {limit} are allowed")]
    Carries {
        /// `path` or `query`.
        part: &'static str,
        /// How many.
        bytes: usize,
        /// How many may be.
        limit: usize,
    },
    /// A part that looks like encoded data.
    #[error("the link to {host} carries {bytes} bytes that look like data")]
    Opaque {
        /// The host.
        host: String,
        /// Length of the run.
        bytes: usize,
    },
    /// An allowed host that is asked to send the reader on to another.
    #[error("{host} is asked to lead on to another host: {onward}")]
    Redirect {
        /// The host named first.
        host: String,
        /// Why the link inside is refused.
        onward: Box<LinkRefusal>,
    },
    /// Longer than is read.
    #[error("the link has more than {LINK_BYTES} bytes")]
    TooLong,
    /// No URL.
    #[error("the link is no URL")]
    Malformed,
}

impl LinkRules {
    /// The default limits, with these hosts.
    pub fn to<'a>(hosts: impl IntoIterator<Item = &'a str>) -> Result<Self, HostPatternError> {
        let hosts = hosts.into_iter().map(HostPattern::new).collect::<Result<_, _>>()?;
        Ok(Self { hosts, ..Self::default() })
    }

    /// Decides about one link, as it stands in the text after the markup's own escapes were undone.
    pub fn judge(&self, link: &str, place: LinkPlace) -> Result<Target, LinkRefusal> {
        self.judge_nested(link, place, 2)
    }

    fn judge_nested(&self, link: &str, place: LinkPlace, depth: usize) -> Result<Target, LinkRefusal> {
        if link.len() > LINK_BYTES {
            return Err(LinkRefusal::TooLong);
        }
        let link = link.trim_matches(|c: char| c <= ' ');
        let url = match parse(link) {
            Ok(url) => url,
            Err(_) if obscured(link) => return Err(LinkRefusal::Obscured),
            Err(error) => return Err(error),
        };
        let scheme = url.scheme();
        // A relative link is read with the scheme of its page, which no rule needs to name.
        let relative = url.host_str() == Some(HERE);
        if relative {
            self.judge_carried(&url, HERE, place, depth)?;
            return Ok(Target::Relative);
        }
        if !self.schemes.iter().any(|s| s.eq_ignore_ascii_case(scheme)) {
            return Err(LinkRefusal::Scheme { scheme: scheme.to_owned() });
        }
        if obscured(link) {
            return Err(LinkRefusal::Obscured);
        }
        let host = match url.host() {
            Some(host) => host.to_owned(),
            None => mail_host(&url).ok_or(LinkRefusal::Malformed)?,
        };
        let name = host_name(&host);
        if !url.username().is_empty() || url.password().is_some() {
            return Err(LinkRefusal::Userinfo { host: name });
        }
        self.judge_host(&host, &name, url.port(), place)?;
        self.judge_carried(&url, &name, place, depth)?;
        Ok(Target::Host(name))
    }

    fn judge_host(
        &self,
        host: &Host,
        name: &str,
        port: Option<u16>,
        place: LinkPlace,
    ) -> Result<(), LinkRefusal> {
        let allowed = match (&self.images, place) {
            (Some(images), LinkPlace::Fetched) => images,
            _ => &self.hosts,
        };
        if let Some(pattern) = allowed.iter().find(|pattern| pattern.covers(host, port)) {
            return pattern.judge_labels(name);
        }
        if let Some(port) = port
            && allowed.iter().any(|pattern| pattern.covers(host, None))
        {
            return Err(LinkRefusal::Port { host: name.to_owned(), port });
        }
        if !matches!(host, Host::Domain(_)) {
            return Err(LinkRefusal::Address { address: name.to_owned() });
        }
        match allowed.iter().find(|pattern| pattern.is_imitated_by(name)) {
            Some(like) => Err(LinkRefusal::LookAlike { host: name.to_owned(), like: like.to_string() }),
            None => Err(LinkRefusal::Host { host: name.to_owned() }),
        }
    }

    /// What the link tells its host.
    fn judge_carried(
        &self,
        url: &Url,
        host: &str,
        place: LinkPlace,
        depth: usize,
    ) -> Result<(), LinkRefusal> {
        let path = url.path();
        let said = url.query().map_or(0, str::len) + url.fragment().map_or(0, str::len);
        let limit = match place {
            LinkPlace::Fetched => self.fetched_query_bytes,
            LinkPlace::Clicked | LinkPlace::Argument => self.query_bytes,
        };
        if depth > 0
            && let Some(onward) = covert::onward(url).find_map(|l| self.judge_onward(&l, place, depth))
        {
            return Err(LinkRefusal::Redirect { host: host.to_owned(), onward: Box::new(onward) });
        }
        if path.len() > self.path_bytes {
            return Err(LinkRefusal::Carries { part: "path", bytes: path.len(), limit: self.path_bytes });
        }
        if said > limit {
            return Err(LinkRefusal::Carries { part: "query", bytes: said, limit });
        }
        let parts = [Some(path), url.query(), url.fragment()];
        match parts.iter().flatten().map(|part| covert::opaque(part)).max() {
            Some(bytes) if bytes > self.opaque_bytes => {
                Err(LinkRefusal::Opaque { host: host.to_owned(), bytes })
            }
            _ => Ok(()),
        }
    }

    fn judge_onward(&self, link: &str, place: LinkPlace, depth: usize) -> Option<LinkRefusal> {
        self.judge_nested(link, place, depth - 1).err()
    }
}

fn parse(link: &str) -> Result<Url, LinkRefusal> {
    match Url::parse(link) {
        Ok(url) => Ok(url),
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            let here = Url::parse("https://relative.invalid/").map_err(|_| LinkRefusal::Malformed)?;
            here.join(link).map_err(|_| LinkRefusal::Malformed)
        }
        Err(_) => Err(LinkRefusal::Malformed),
    }
}

/// Whether a link is written in a way that only its parser understands: tabs and line ends, which a browser
/// drops, backslashes, which it takes for slashes, and one slash or none where two belong.
fn obscured(link: &str) -> bool {
    let authority = link.split(['?', '#']).next().unwrap_or(link);
    if link.contains(['\t', '\n', '\r']) || authority.contains('\\') {
        return true;
    }
    match authority.split_once(':') {
        Some((scheme, rest))
            if matches!(&*scheme.to_ascii_lowercase(), "http" | "https" | "ftp" | "ws" | "wss") =>
        {
            !rest.starts_with("//") || rest.starts_with("///")
        }
        _ => authority.starts_with("///"),
    }
}

/// The host behind `mailto:`.
fn mail_host(url: &Url) -> Option<Host> {
    if url.scheme() != "mailto" || url.path().contains(',') {
        return None;
    }
    let (_, domain) = url.path().rsplit_once('@')?;
    Host::parse(domain).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules() -> LinkRules {
        LinkRules::to(["help.example", "*.shop.example", "api.example:8443"]).unwrap()
    }

    #[track_caller]
    fn refused(link: &str) -> LinkRefusal {
        rules().judge(link, LinkPlace::Clicked).expect_err(link)
    }

    #[test]
    fn named_hosts_are_reached_and_nothing_else() {
        for link in [
            "https://help.example",
            "https://help.example./a",
            "HTTPS://HELP.EXAMPLE/Returns?item=42#top",
            "https://a.b.shop.example/",
            "https://api.example:8443/v1",
            "mailto:care@help.example",
            "/returns",
            "returns.html#today",
            "#top",
            "",
        ] {
            assert!(rules().judge(link, LinkPlace::Clicked).is_ok(), "{link}");
        }
        for link in [
            "https://evil.example/",
            "https://shop.example/",
            "https://notshop.example/",
            "//evil.example/x",
            "\\\\evil.example/x",
            "/\\evil.example/x",
            "mailto:a@evil.example",
            "https://localhost/",
        ] {
            assert!(matches!(refused(link), LinkRefusal::Host { .. } | LinkRefusal::Obscured), "{link}");
        }
    }

    #[test]
    fn what_people_and_browsers_read_differently_is_refused() {
        assert!(matches!(refused("https://help.example@evil.net/"), LinkRefusal::Userinfo { .. }));
        assert!(matches!(refused("https://a:b@help.example/"), LinkRefusal::Userinfo { .. }));
        for link in [
            "https://help.example\\@evil.net/",
            "https:/help.example/",
            "https:help.example",
            "https:///help.example/",
            "ht\ntps://help.example/",
            "https://help.exa\tmple/",
            "///help.example/",
        ] {
            assert_eq!(refused(link), LinkRefusal::Obscured, "{link:?}");
        }
    }

    #[test]
    fn addresses_are_known_in_every_notation() {
        for link in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://１２７.0.0.1/",
            "https://127。0。0。1/",
        ] {
            assert_eq!(refused(link), LinkRefusal::Address { address: "127.0.0.1".into() }, "{link}");
        }
        assert_eq!(
            refused("https://[::ffff:7f00:1]/"),
            LinkRefusal::Address { address: "[::ffff:7f00:1]".into() }
        );
    }

    #[test]
    fn schemes_that_run_or_carry_are_refused() {
        for link in [
            "javascript:alert(1)",
            "JaVa\nScript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "http://help.example/",
        ] {
            assert!(matches!(refused(link), LinkRefusal::Scheme { .. }), "{link:?}");
        }
    }

    #[test]
    fn imitations_are_called_by_their_name() {
        for link in [
            "https://help.example.evil.net/",
            "https://www.help.example.evil.net/",
            "https://help-example.net/",
            // Cyrillic е, in Unicode and in punycode.
            "https://h\u{435}lp.example/",
            "https://xn--hlp-rdd.example/",
        ] {
            assert!(matches!(refused(link), LinkRefusal::LookAlike { .. }), "{link}: {:?}", refused(link));
        }
        // Characters that the host name drops lead to the named host after all.
        assert!(rules().judge("https://he\u{ad}lp.example/", LinkPlace::Clicked).is_ok());
        assert!(matches!(refused("https://help.example:444/"), LinkRefusal::Port { port: 444, .. }));
    }

    #[test]
    fn links_carry_little() {
        let long = format!("https://help.example/?q={}", "word+".repeat(40));
        assert!(matches!(refused(&long), LinkRefusal::Carries { part: "query", .. }));
        let image = "https://help.example/a.png?text=what+the+user+said+to+me+in+private";
        assert!(rules().judge(image, LinkPlace::Clicked).is_ok());
        let fetched = rules().judge(image, LinkPlace::Fetched).unwrap_err();
        assert!(matches!(fetched, LinkRefusal::Carries { part: "query", limit: 32, .. }));
        assert!(matches!(
            refused("https://help.example/p/dGhlIHNlY3JldCByZWNpcGUgaXMgNDI"),
            LinkRefusal::Opaque { bytes: 31, .. }
        ));
        assert!(matches!(
            refused(&format!("https://help.example/{}", "a/".repeat(200))),
            LinkRefusal::Carries { part: "path", .. }
        ));
        assert_eq!(refused(&format!("https://help.example/{}", "a".repeat(3000))), LinkRefusal::TooLong);
        // A UUID is an identifier, not a message.
        assert!(
            rules()
                .judge("https://help.example/o/8c1ad5e4-7f26-4c50-9f4e-2a2f7a1b6a10", LinkPlace::Clicked)
                .is_ok()
        );
    }

    #[test]
    fn allowed_hosts_do_not_lead_on() {
        for link in [
            "https://help.example/go?to=https://evil.net/",
            "https://help.example/go?to=https%3A%2F%2Fevil.net",
            "https://help.example/go?to=https%253A%252F%252Fevil.net",
            "https://help.example/go?next=//evil.net/a",
            "https://help.example/go/https://evil.net/",
            "https://help.example/go#https://evil.net/",
        ] {
            assert!(matches!(refused(link), LinkRefusal::Redirect { .. }), "{link}: {:?}", refused(link));
        }
        assert!(
            rules().judge("https://help.example/go?to=https://a.shop.example/", LinkPlace::Clicked).is_ok()
        );
    }

    #[test]
    fn names_below_a_host_are_no_messages() {
        assert!(rules().judge("https://cdn.eu.shop.example/", LinkPlace::Fetched).is_ok());
        for host in
            ["nbswy3dpo5xxe3deebugk3dmn4qho33s.shop.example", "the.code.word.is.flibbertigibbet.shop.example"]
        {
            assert!(matches!(refused(&format!("https://{host}/")), LinkRefusal::Opaque { .. }), "{host}");
        }
    }

    #[test]
    fn images_may_have_hosts_of_their_own() {
        let rules = LinkRules { images: Some(vec![]), ..LinkRules::to(["*"]).unwrap() };
        assert!(rules.judge("https://any.example/", LinkPlace::Clicked).is_ok());
        assert!(rules.judge("https://any.example/", LinkPlace::Fetched).is_err());
        assert!(rules.judge("https://127.0.0.1/", LinkPlace::Clicked).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_judged(link in "\\PC{0,80}", scheme in "(https?:)?/{0,3}") {
            let _ = rules().judge(&format!("{scheme}{link}"), LinkPlace::Fetched);
        }

        /// No wording makes another host out of one that was not named.
        #[test]
        fn accepted_hosts_were_named(link in "(https?:)?[/\\\\]{0,3}[a-z.@:\\\\/?#]{0,12}(help|evil)[.](example|net)[a-z.@:\\\\/?#]{0,12}") {
            if let Ok(Target::Host(host)) = rules().judge(&link, LinkPlace::Clicked) {
                let named = host == "help.example" || host.ends_with(".shop.example") || host == "api.example";
                prop_assert!(named, "{link} leads to {host}");
            }
        }
    }
}
