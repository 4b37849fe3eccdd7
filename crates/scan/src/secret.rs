//! Credentials in files, by the structure that their providers give them: a prefix, a length, an alphabet, a check
//! sum where there is one, and the randomness of the rest.
//!
//! The boundary for generative AI (`guard`) has a longer table for the text that leaves a model, with rules about what
//! to do there; an engine does not import another. Here are the kinds that are found in repositories of models, and
//! only kinds whose structure leaves no doubt.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

/// One kind of credential.
struct Kind {
    name: &'static str,
    prefix: &'static str,
    /// Characters behind the prefix.
    length: std::ops::RangeInclusive<usize>,
    holds: fn(u8) -> bool,
    check: Check,
}

#[derive(Clone, Copy)]
enum Check {
    /// As random as letters and digits are.
    Random,
    /// As random as letters are, in both cases: some providers use no digits.
    Letters,
    /// The last six characters are the base62 CRC-32 of those before (GitHub, npm), or it is random.
    Sum,
    /// Contains this mark, and is random.
    Mark(&'static str),
}

const fn alnum(b: u8) -> bool {
    b.is_ascii_alphanumeric()
}

const fn url(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'-'
}

const fn upper(b: u8) -> bool {
    b.is_ascii_uppercase() || b.is_ascii_digit()
}

const fn hex(b: u8) -> bool {
    b.is_ascii_digit() || (b >= b'a' && b <= b'f')
}

const fn kind(
    name: &'static str,
    prefix: &'static str,
    from: usize,
    to: usize,
    holds: fn(u8) -> bool,
    check: Check,
) -> Kind {
    Kind { name, prefix, length: from..=to, holds, check }
}

/// Sorted by nothing: the first that fits counts.
const KINDS: [Kind; 22] = [
    kind("an Anthropic key", "sk-ant-", 80, 120, url, Check::Random),
    kind("an AWS access key id", "AKIA", 16, 16, upper, Check::Random),
    kind("an AWS temporary key id", "ASIA", 16, 16, upper, Check::Random),
    kind("a DigitalOcean token", "dop_v1_", 64, 64, hex, Check::Random),
    kind("a GitHub fine-grained token", "github_pat_", 82, 82, url, Check::Random),
    kind("a GitHub token", "ghp_", 36, 36, alnum, Check::Sum),
    kind("a GitHub OAuth token", "gho_", 36, 36, alnum, Check::Sum),
    kind("a GitHub app token", "ghs_", 36, 36, alnum, Check::Sum),
    kind("a GitLab token", "glpat-", 20, 60, url, Check::Random),
    kind("a Google API key", "AIza", 35, 35, url, Check::Random),
    kind("a Google OAuth secret", "GOCSPX-", 28, 28, url, Check::Random),
    kind("a Groq key", "gsk_", 52, 52, alnum, Check::Random),
    kind("a Hugging Face token", "hf_", 34, 40, alnum, Check::Letters),
    kind("an npm token", "npm_", 36, 36, alnum, Check::Sum),
    kind("an NVIDIA key", "nvapi-", 60, 70, url, Check::Random),
    kind("an OpenAI project key", "sk-proj-", 74, 180, url, Check::Mark("T3BlbkFJ")),
    kind("an OpenAI key", "sk-", 48, 48, alnum, Check::Mark("T3BlbkFJ")),
    kind("a PyPI token", "pypi-AgE", 50, 250, url, Check::Random),
    kind("a Replicate token", "r8_", 37, 37, alnum, Check::Random),
    kind("a Slack token", "xoxb-", 30, 200, url, Check::Random),
    kind("a Stripe key", "sk_live_", 24, 247, alnum, Check::Random),
    kind("a Weights & Biases key", "wandb_v1_", 40, 100, url, Check::Random),
];

/// What a private key in PEM (RFC 7468) begins with.
const PEM: &str = "-----BEGIN ";

/// What is asked of a token beside the shape that its provider gives it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chosen {
    /// By chance, as providers do: in a text an example is harmless.
    ByChance,
    /// Anything but one character again and again: where no text belongs, an example has no reader that it could teach.
    Somehow,
}

/// What the credential at `at` is, if there is one.
fn at(text: &[u8], at: usize, chosen: Chosen) -> Option<&'static str> {
    let rest = text.get(at..)?;
    if let Some(body) = rest.strip_prefix(PEM.as_bytes()) {
        return private_key(body).then_some("a private key");
    }
    let fresh = at.checked_sub(1).and_then(|before| text.get(before)).is_none_or(|b| !url(*b));
    let kind = KINDS.iter().find(|kind| fresh && fits(kind, rest, chosen).is_some())?;
    Some(kind.name)
}

/// Most that are told of one part.
const MAX_FOUND: usize = 20;

/// Bytes that one may reach over the end of what is looked through.
pub(crate) const REACH: usize = 4 << 10;

/// What a value is that is nothing but the shape of a credential, an example or not.
pub(crate) fn shape(value: &str) -> Option<&'static str> {
    let value = value.trim().as_bytes();
    let all = |kind: &&Kind| fits(kind, value, Chosen::Somehow) == Some(value.len());
    KINDS.iter().find(all).map(|kind| kind.name)
}

/// Credentials that begin in `range` of a text, with where they begin.
pub(crate) fn secrets(bytes: &[u8], range: Range<usize>) -> Vec<(usize, &'static str)> {
    among(bytes, range, &|_| false)
}

/// The same, and what has the shape of one where `numbers` stand.
pub(crate) fn among(
    bytes: &[u8],
    range: Range<usize>,
    numbers: &dyn Fn(usize) -> bool,
) -> Vec<(usize, &'static str)> {
    let Some(beginnings) = &*BEGINNINGS else { return Vec::new() };
    let end = range.end.saturating_add(REACH).min(bytes.len());
    let seen = bytes.get(..end).unwrap_or_default();
    let mut found = Vec::new();
    let mut from = range.start;
    while found.len() < MAX_FOUND
        && let Some(run) = printable_run(seen, from..range.end)
    {
        from = run.end;
        let text = seen.get(run.clone()).unwrap_or_default();
        let begin = beginnings.find_iter(text).map(|m| run.start + m.start());
        let chosen = |at| if numbers(at) { Chosen::Somehow } else { Chosen::ByChance };
        let credentials = begin
            .filter(|at| range.contains(at))
            .filter_map(|at| Some((at, self::at(bytes, at, chosen(at))?)));
        found.extend(credentials.take(MAX_FOUND - found.len()));
    }
    found
}

/// Printable characters that every credential begins with: the shortest is an AWS key of twenty, and the label of a
/// private key is longer.
const PRINTABLE: usize = 20;
/// Bytes that are looked at together, and how far apart: some eight of any twenty bytes in a row are.
const WORD: usize = 8;
const STEP: usize = PRINTABLE - WORD + 1;
/// Words that are passed over at once, and the bytes that they stand in.
const WORDS: usize = 8;
const STRETCH: usize = (WORDS - 1) * STEP + WORD;
/// What bytes beyond ASCII have set.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The first run of printable bytes from `range` on that is long enough for a credential that begins there. Numbers
/// have no such runs, and a look at eight bytes of thirteen tells: a sweep of weights costs a fraction of what an
/// automaton takes.
fn printable_run(bytes: &[u8], range: Range<usize>) -> Option<Range<usize>> {
    let mut at = range.start;
    // What begins in the range has its word at most so far behind it.
    while at < range.end.saturating_add(STEP) {
        let rest = bytes.get(at..)?;
        if rest.first_chunk().is_some_and(all_beyond_ascii) {
            at += WORDS * STEP;
            continue;
        }
        let Some(word) = rest.first_chunk::<WORD>() else { break };
        if u64::from_le_bytes(*word) & HIGH != 0 || !word.iter().all(|b| printable(*b)) {
            at += STEP;
            continue;
        }
        let before = bytes.get(range.start..at)?.iter().rev().take_while(|b| printable(**b)).count();
        let behind = rest.iter().take_while(|b| printable(**b)).count();
        if before + behind >= PRINTABLE {
            return Some(at - before..at + behind);
        }
        at += behind.max(STEP);
    }
    None
}

/// Whether every word has a byte beyond ASCII, as nearly all words of numbers have.
fn all_beyond_ascii(stretch: &[u8; STRETCH]) -> bool {
    let word = |n: usize| stretch.get(n * STEP..).and_then(|rest| rest.first_chunk::<WORD>());
    (0..WORDS).all(|n| word(n).is_some_and(|word| u64::from_le_bytes(*word) & HIGH != 0))
}

const fn printable(b: u8) -> bool {
    matches!(b, b' '..=b'~')
}

/// All beginnings in one automaton: one pass for all of them.
static BEGINNINGS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let all = KINDS.iter().map(|kind| kind.prefix).chain([PEM]);
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(all).ok()
});

/// How long the credential is that `rest` begins with.
fn fits(kind: &Kind, rest: &[u8], chosen: Chosen) -> Option<usize> {
    let body = rest.strip_prefix(kind.prefix.as_bytes())?;
    let run = body.iter().take(kind.length.end() + 1).take_while(|b| (kind.holds)(**b)).count();
    if !kind.length.contains(&run) {
        return None;
    }
    let token = body.get(..run)?;
    let fits = match kind.check {
        _ if chosen == Chosen::Somehow => shaped(token),
        Check::Random => random(token),
        Check::Letters => random(token) || (mixed(token) && varied(token)),
        Check::Sum => sum_is_right(token) || random(token),
        Check::Mark(mark) => random(token) && token.windows(mark.len()).any(|w| w == mark.as_bytes()),
    };
    fits.then_some(kind.prefix.len() + run)
}

/// Whether a value that is called a credential is one: letters and digits by chance, and no placeholder.
pub(crate) fn is_random(value: &str) -> bool {
    let token = value.as_bytes();
    (16..=200).contains(&token.len())
        && token.iter().all(|b| url(*b) || b"+/=.:~".contains(b))
        && random(token)
        && (token.iter().filter(|b| b.is_ascii_digit()).count() >= 3 || mixed(token))
}

/// Whether an address signs in with a password: `scheme://user:password@host`, on another machine than one's own.
pub(crate) fn signs_in(value: &str) -> bool {
    const HOLDERS: [&str; 11] = [
        "pass", "secret", "changeme", "user", "postgres", "mysql", "example", "root", "guest", "minio",
        "admin",
    ];
    let Some((scheme, rest)) = value.trim().split_once("://") else { return false };
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "+.-_".contains(c));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some(((user, password), host)) =
        authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?, host)))
    else {
        return false;
    };
    let lower = password.to_ascii_lowercase();
    let host = host.split(':').next().unwrap_or_default();
    plain(scheme)
        && !user.is_empty()
        && password.len() >= 8
        && password.bytes().any(|b| b.is_ascii_digit())
        && password.bytes().all(|b| b.is_ascii_graphic() && !b"${}<>*".contains(&b))
        && !HOLDERS.iter().any(|word| lower.contains(word))
        && !matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0" | "" | "db" | "host" | "hostname")
}

/// Has digits, and is as varied as random characters are.
fn random(token: &[u8]) -> bool {
    token.iter().any(u8::is_ascii_digit) && varied(token)
}

/// Has digits and letters, and not one of them alone: with the prefix and the length more than numbers make by chance.
fn shaped(token: &[u8]) -> bool {
    let first = token.first();
    token.iter().any(u8::is_ascii_digit)
        && token.iter().any(u8::is_ascii_alphabetic)
        && token.iter().filter(|byte| Some(*byte) != first).count() >= 4
}

/// As varied as such characters are, and no example. The bound is below the mean of random strings by more than five
/// standard deviations for each length (as measured for the same bound in `guard`).
fn varied(token: &[u8]) -> bool {
    let bound = match token.len() {
        0..24 => 3.0,
        24..32 => 3.2,
        _ => 3.4,
    };
    let lower = token.to_ascii_lowercase();
    let example = [
        "example",
        "xxxx",
        "placeholder",
        "your",
        "sample",
        "redacted",
        "dummy",
        "0123456789",
        "1234567890",
        "abcdef",
    ];
    entropy(token) >= bound
        && !example.iter().any(|word| lower.windows(word.len()).any(|w| w == word.as_bytes()))
}

/// Letters of both cases, eight of each: of 34 random ones one kind has fewer once in a thousand tokens, and names put
/// together from words have fewer capitals.
fn mixed(token: &[u8]) -> bool {
    let upper = token.iter().filter(|b| b.is_ascii_uppercase()).count();
    let lower = token.iter().filter(|b| b.is_ascii_lowercase()).count();
    upper.min(lower) >= 8
}

/// Bits a byte.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let all = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    let share = |count: u32| f64::from(count) / all;
    counts.iter().filter(|c| **c > 0).map(|c| -share(*c) * share(*c).log2()).sum()
}

fn sum_is_right(token: &[u8]) -> bool {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some((body, sum)) = token.len().checked_sub(6).map(|at| token.split_at(at)) else { return false };
    let mut crc = !body.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    });
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(crc % 62) as usize];
        crc /= 62;
    }
    digits == sum
}

/// Whether a private key with a body begins so: a label alone is found in documentation.
fn private_key(rest: &[u8]) -> bool {
    let label = rest.iter().take(40).take_while(|b| b.is_ascii_uppercase() || **b == b' ').count();
    let private = rest.get(..label).is_some_and(|l| l.ends_with(b"PRIVATE KEY"));
    let body = rest.get(label..).and_then(|r| r.strip_prefix(b"-----")).unwrap_or_default();
    private && body.iter().take(400).filter(|b| b.is_ascii_alphanumeric()).count() >= 100
}

#[cfg(test)]
mod tests {
    /// Credentials anywhere in a text.
    fn secrets(text: &[u8]) -> Vec<(usize, &'static str)> {
        super::secrets(text, 0..text.len())
    }

    /// A token whose characters come from a fixed generator: no real one.
    fn made(prefix: &str, length: usize) -> String {
        let mut state = 0x9e37_79b9_u32;
        let alphabet = b"aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAcCfDiFlGoIqJuLwMyOhPkReTbVnXsZ";
        let body: String = (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                char::from(alphabet[(state >> 16) as usize % alphabet.len()])
            })
            .collect();
        format!("{prefix}{body}")
    }

    #[test]
    fn values_that_are_called_credentials_are_random_or_none() {
        for value in [&made("", 40)[..], "8f3a1c9be07d4526a1f0c3d9e8b7a6c5d4e3f201"] {
            assert!(super::is_random(value), "{value}");
        }
        for value in [
            "YOUR_API_KEY_GOES_HERE",
            "${OPENAI_API_KEY}",
            "<token>",
            "",
            "hunter2",
            "sk-xxxxxxxxxxxxxxxxxxxx1",
        ] {
            assert!(!super::is_random(value), "{value}");
        }
        assert!(super::signs_in("postgresql://trainer:Vh7Kq2Zp9w@db.example.invalid:5432/optuna"));
        for value in [
            "postgresql://postgres:postgres1@db:5432/x",
            "redis://user:password123@cache.example.org",
            "mysql://a:Vh7Kq2Zp9w@localhost/x",
            "https://example.org/a:b@c",
            "postgres://${USER}:${PASS1234}@host.example.org/x",
            "git@github.com:a/b",
        ] {
            assert!(!super::signs_in(value), "{value}");
        }
    }

    #[test]
    fn tokens_are_known_by_their_structure() {
        for (prefix, length, what) in [
            ("hf_", 34, "a Hugging Face token"),
            ("ghp_", 36, "a GitHub token"),
            ("AIza", 35, "a Google API key"),
        ] {
            let text = format!("token = '{}'\n", made(prefix, length));
            let found = secrets(text.as_bytes());
            assert_eq!(found.first().copied(), Some((9, what)));
            // One character less, in the middle of a word, or all the same.
            assert!(secrets(format!("'{}'", made(prefix, length - 2)).as_bytes()).is_empty());
            assert!(secrets(format!("x{}", made(prefix, length)).as_bytes()).is_empty());
            assert!(secrets(format!("{prefix}{}", "x".repeat(length)).as_bytes()).is_empty());
        }
    }

    /// A sweep by leaps finds what a look at each byte does, wherever it stands and chunks end.
    #[test]
    fn leaps_miss_no_credential() {
        let shortest = made("AKIA", 16).to_ascii_uppercase();
        let token = made("hf_", 34);
        for text in [shortest.as_str(), token.as_str()] {
            for offset in 0..70 {
                for fill in [0u8, 0xbc, b' ', b'\n'] {
                    let bytes = [&vec![fill; offset][..], text.as_bytes(), &[fill; 40]].concat();
                    assert_eq!(secrets(&bytes).len(), 1, "{text} {offset} {fill}");
                    for cut in [offset.saturating_sub(3), offset, offset + 1, offset + 19] {
                        let both = [0..cut, cut..bytes.len()].map(|part| super::secrets(&bytes, part).len());
                        assert_eq!(both.iter().sum::<usize>(), 1, "{text} {offset} {fill} {cut}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_token_of_letters_alone_is_one() {
        let letters: String = made("", 80).chars().filter(char::is_ascii_alphabetic).take(34).collect();
        assert_eq!(letters.len(), 34);
        assert_eq!(secrets(format!("hf_{letters}").as_bytes()).len(), 1);
        for name in [
            "hf_pretrained_model_configuration_and_such",
            "hf_AutoModelForSequenceClassificationX",
            "hf_aaaaaaaaaaaaaaaaaAAAAAAAAAAAAAAAAAA",
        ] {
            assert!(secrets(name.as_bytes()).is_empty(), "{name}");
        }
        // Of a provider that uses digits, letters alone are a name.
        assert!(secrets(format!("r8_{letters}abc").as_bytes()).is_empty());
    }

    #[test]
    fn an_example_counts_where_no_text_belongs() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        for example in ["AKIAIOSFODNN7EXAMPLE", &token] {
            let bytes = [b"\0\0\0\0", example.as_bytes(), b"\0\0\0\0"].concat();
            assert!(secrets(&bytes).is_empty());
            let all = 0..bytes.len();
            assert_eq!(super::among(&bytes, all.clone(), &|at| at == 4).len(), 1, "{example}");
            assert!(super::among(&bytes, all, &|at| at == 3).is_empty());
            assert!(super::shape(example).is_some());
            assert!(super::shape(&format!("for example {example}")).is_none());
        }
        for none in ["AKIAAAAAAAAAAAAAAAAA", "AKIAXXXXXXXXXXXXXXX1", "ghp_short", "AKIAGLVEERTYPQWKLMNA", ""]
        {
            assert_eq!(super::shape(none), None, "{none}");
        }
    }

    #[test]
    fn a_label_without_a_key_is_none() {
        let key =
            format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", made("", 200));
        assert_eq!(secrets(key.as_bytes()).len(), 1);
        assert!(secrets(b"write -----BEGIN PRIVATE KEY----- first\n").is_empty());
        assert!(secrets(key.replace("PRIVATE", "PUBLIC").as_bytes()).is_empty());
    }
}
