//! What a link hides: other links, data, another host's face.

use std::borrow::Cow;

use url::Url;

/// Links within a link: in its path, query and fragment, percent-decoded up to two times. A redirector on an
/// allowed host is a way to every host.
pub(super) fn onward(url: &Url) -> impl Iterator<Item = String> {
    let query = url.query_pairs().flat_map(|(name, value)| [name.into_owned(), value.into_owned()]);
    // An authority ended before the path, so two slashes in it begin another.
    let path = url.path().strip_prefix('/').map(str::to_owned);
    let fragment = url.fragment().map(str::to_owned);
    query.chain(path).chain(fragment).flat_map(|part| {
        let once = percent_decoded(&part).into_owned();
        let twice = percent_decoded(&once).into_owned();
        [part, once, twice].into_iter().filter_map(|text| embedded(&text))
    })
}

/// The first absolute link in a text: from its scheme on, or from the beginning if that is `//host`.
fn embedded(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("//") || lower.starts_with("\\\\") || lower.starts_with("/\\") {
        return Some(text.to_owned());
    }
    let at = ["http:", "https:", "ftp:", "javascript:", "data:"]
        .iter()
        .filter_map(|scheme| lower.find(scheme))
        .filter(|at| !lower.as_bytes()[..*at].last().is_some_and(u8::is_ascii_alphanumeric))
        .min()?;
    text.get(at..).map(str::to_owned)
}

/// Percent escapes undone where they make UTF-8.
pub(crate) fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|b| char::from(*b).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                // Two hexadecimal digits fit a byte.
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Length of the longest run of letters and digits that looks random: long, of both, and with more entropy
/// than words and numbers have.
pub(super) fn opaque(part: &str) -> usize {
    part.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|run| {
            let digits = run.bytes().filter(u8::is_ascii_digit).count();
            let upper = run.bytes().filter(u8::is_ascii_uppercase).count();
            let mixed = (digits > 0 || upper > 2) && digits < run.len();
            run.len() >= 16 && mixed && crate::output::entropy(run.as_bytes()) >= 3.0
        })
        .map(str::len)
        .max()
        .unwrap_or(0)
}

/// A host name with the letters of other scripts that are drawn like Latin ones replaced by those. Only for
/// telling people why a host is refused: the decision is made on the name itself.
pub(super) fn drawn_like(name: &str) -> String {
    if !name.contains("xn--") {
        return name.replace("rn", "m").replace('0', "o").replace('1', "l");
    }
    let (unicode, _) = idna::domain_to_unicode(name);
    unicode.chars().map(latin).collect()
}

const fn latin(c: char) -> char {
    match c {
        'а' | 'α' | 'ɑ' => 'a',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ҽ' | 'є' => 'e',
        'ɡ' => 'g',
        'һ' => 'h',
        'і' | 'ı' | 'ι' => 'i',
        'ј' => 'j',
        'κ' | 'к' => 'k',
        'ӏ' => 'l',
        'м' => 'm',
        'ո' | 'п' => 'n',
        'о' | 'ο' | 'օ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ѡ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'ү' | 'γ' => 'y',
        'ᴢ' => 'z',
        other => other,
    }
}
