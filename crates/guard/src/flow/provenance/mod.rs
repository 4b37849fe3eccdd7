//! Where a value stands: the rule by which an argument "comes from" a text.
//!
//! A value comes from a segment when it stands there *whole*, in the reading that its rule states:
//!
//! * **text**: its words, split at white space, are consecutive words of the segment. Every word is equal
//!   byte for byte; only what punctuation the segment has around the first and after the last word
//!   (quotes, brackets, commas, sentence marks) is not part of the value. `evil` does not come from
//!   `attacker@evil.example`, nor `4711` from `4711-A`.
//! * **amount**: a number of the segment equals it as a number. A number is a maximal run of digits and
//!   separators that stands free of letters, dates, times, versions and codes; `1.000,50`, `1,000.50`
//!   and `1 000,50` are the same. Where a run can be read in two ways (`1,500`), every match is
//!   *ambiguous* ([`number`]).
//! * **address**: `name@host`, taken whole; `bob@corp.example` does not stand in
//!   `bob@corp.example.evil.example` ([`address`]). Case does not count.
//! * **URL**: the whole URL in the form browsers give it, or `host/path` written without a scheme where the
//!   value says `https`. **Host**: the host of such a URL or address, or written by itself.
//!
//! A value that spans two segments stands in neither. Texts of the model are not looked at.

pub mod address;
pub mod number;
mod words;

use proofhouse_dialogue::Trust;
use serde_json::Value;
use url::Url;

use self::address::Address;
use self::number::Readings;
use super::context::{Context, Seen};
use super::host;
use super::leaves::LeafValue;
use super::{Reads, Step};

pub(super) use words::words;

/// A value in the reading that decides what it is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meaning {
    Text(String),
    Amount(Readings),
    Addresses(Vec<Address>),
    Url(Box<Url>),
    Host(String),
}

impl Meaning {
    /// Reads a value, or says what is wrong with it.
    pub fn read(value: LeafValue<'_>, reads: Reads) -> Result<Self, &'static str> {
        match (value, reads) {
            (LeafValue::Number(number), Reads::Auto | Reads::Amount) => Readings::of_json(number)
                .map(Self::Amount)
                .ok_or("it is no number that can be compared exactly"),
            (LeafValue::Number(number), Reads::Text) => Ok(Self::Text(number.to_string())),
            (LeafValue::Text(text), _) => Self::read_text(text, reads),
            (LeafValue::Flag(flag), Reads::Auto | Reads::Text) => Ok(Self::Text(flag.to_string())),
            _ => Err("it is of another type"),
        }
    }

    fn read_text(text: &str, reads: Reads) -> Result<Self, &'static str> {
        match reads {
            Reads::Text => Ok(Self::Text(text.to_owned())),
            Reads::Amount => Readings::of_value(text).map(Self::Amount).ok_or("it is no number"),
            Reads::Address => address::list(text).map(Self::Addresses),
            Reads::Url => plain_url(text).map(|url| Self::Url(Box::new(url))),
            Reads::Host => {
                host::host_of(text).filter(|_| is_plain(text)).map(Self::Host).ok_or("it is no host")
            }
            Reads::Auto => Ok(Self::guess(text)),
        }
    }

    fn guess(text: &str) -> Self {
        if let Some(readings) = Readings::of_value(text) {
            return Self::Amount(readings);
        }
        if let Ok(addresses) = address::list(text) {
            return Self::Addresses(addresses);
        }
        match plain_url(text) {
            Ok(url) => Self::Url(Box::new(url)),
            Err(_) => Self::Text(text.to_owned()),
        }
    }

    /// What the reading is called in facts.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Amount(_) => "amount",
            Self::Addresses(_) => "address",
            Self::Url(_) => "url",
            Self::Host(_) => "host",
        }
    }

    /// Whether it means the same as a value that a policy lists.
    pub fn is(&self, listed: &Value) -> bool {
        let listed = match listed {
            Value::Number(number) => LeafValue::Number(number),
            Value::Bool(flag) => LeafValue::Flag(*flag),
            Value::String(text) => LeafValue::Text(text),
            _ => return false,
        };
        match (self, listed) {
            (Self::Text(text), LeafValue::Text(listed)) => text == listed,
            (Self::Text(text), LeafValue::Flag(flag)) => *text == flag.to_string(),
            (Self::Amount(readings), listed) => match Self::read(listed, Reads::Amount) {
                Ok(Self::Amount(other)) => readings.equals(&other),
                _ => false,
            },
            (Self::Addresses(_), listed) => Self::read(listed, Reads::Address).is_ok_and(|m| m == *self),
            (Self::Url(_), listed) => Self::read(listed, Reads::Url).is_ok_and(|m| m == *self),
            (Self::Host(_), listed) => Self::read(listed, Reads::Host).is_ok_and(|m| m == *self),
            _ => false,
        }
    }
}

/// A URL that every program reads alike: `http` or `https`, printable ASCII, nothing escaped or folded in
/// its authority, no credentials, a host that is a name in one script.
pub(super) fn plain_url(text: &str) -> Result<Url, &'static str> {
    if !is_plain(text) || text.contains(['\\', '"', '<', '>', '`', '{', '}', '|', '^']) {
        return Err("a URL is written in printable ASCII without spaces, quotes or backslashes");
    }
    let url = Url::parse(text).map_err(|_| "it is no URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("a URL starts with http:// or https://");
    }
    let after = text.split_once(':').map_or("", |(_, rest)| rest);
    let Some(after) = after.strip_prefix("//").filter(|rest| !rest.starts_with('/')) else {
        return Err("a URL has exactly two slashes before its host");
    };
    let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains(['@', '%']) || !url.username().is_empty() || url.password().is_some() {
        return Err("a URL carries no credentials and no escapes before its path");
    }
    match url.host() {
        Some(url::Host::Domain(name)) if !host::is_international(name) => Ok(url),
        // What browsers fold into an address of digits is written as such or not at all.
        Some(numeric @ (url::Host::Ipv4(_) | url::Host::Ipv6(_)))
            if authority.starts_with(&host::canonical(&numeric)) =>
        {
            Ok(url)
        }
        _ => Err("its host is a number in disguise or a name in another script"),
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Where a value stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Texts that name it, most trusted first.
    pub steps: Vec<Step>,
    /// It stands there only as a number that can be read in another way as well.
    pub ambiguous: bool,
}

impl Standing {
    /// The texts of at least that trust that name it.
    pub fn from(&self, trust: Trust) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.label.trust >= trust)
    }

    /// The untrusted texts that name it.
    pub fn untrusted(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.label.trust == Trust::Untrusted)
    }
}

/// The longest value, in words, that is looked for.
const MAX_WORDS: usize = 256;

/// The texts in which a value stands. With `trust`, ambiguity is judged among the texts of at least that
/// trust.
pub(super) fn standing(meaning: &Meaning, context: &Context<'_>, trust: Trust) -> Standing {
    let mut found: Vec<(Step, bool)> =
        context.sources().filter_map(|seen| Some((seen.step.clone(), stands(meaning, seen)?))).collect();
    found.sort_by(|(a, _), (b, _)| b.label.trust.cmp(&a.label.trust).then_with(|| a.cmp(b)));
    let mut vouching = found.iter().filter(|(step, _)| step.label.trust >= trust).peekable();
    let ambiguous = vouching.peek().is_some() && vouching.all(|(_, exact)| !exact);
    Standing { steps: found.into_iter().map(|(step, _)| step).collect(), ambiguous }
}

/// Whether the value stands in a segment, and whether it can be read there in no other way.
fn stands(meaning: &Meaning, seen: &Seen<'_>) -> Option<bool> {
    match meaning {
        Meaning::Text(text) => words::contains(seen.text, text, MAX_WORDS).then_some(true),
        Meaning::Amount(readings) => {
            let matching = number::numbers(seen.text).filter(|found| found.equals(readings));
            matching.map(|found| found.is_exact() && readings.is_exact()).max()
        }
        Meaning::Addresses(wanted) => {
            let here: Vec<Address> = address::addresses(seen.text).collect();
            wanted.iter().all(|address| here.contains(address)).then_some(true)
        }
        Meaning::Url(url) => words::urls(seen.text).any(|found| found == **url).then_some(true),
        Meaning::Host(name) => {
            let by_url =
                words::urls(seen.text).any(|u| u.host().is_some_and(|h| host::canonical(&h) == *name));
            let by_address = || address::addresses(seen.text).any(|a| a.host() == name);
            let by_itself =
                || words::words(seen.text).any(|word| host::host_of(word).as_deref() == Some(name));
            (by_url || by_address() || by_itself()).then_some(true)
        }
    }
}
