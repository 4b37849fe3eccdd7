//! Pure functions over known values: what a source does to put a name or a text together.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE};
use proofhouse_artifact::stream::Codec;

use super::value::Value;

/// Most bytes that one call may make.
const MAX_BYTES: usize = 4 << 20;

/// What a call amounts to.
pub(super) enum Folded {
    Value(Value),
    Values(Vec<Value>),
}

/// Calls `name` with known arguments; `None` where it is not pure or the arguments do not suffice.
pub(super) fn call(name: &str, plain: &[Value]) -> Option<Folded> {
    if let Some(method) = name.strip_prefix("builtins.str.").or_else(|| name.strip_prefix("builtins.bytes."))
    {
        return method_of(method, plain);
    }
    let first = plain.first();
    let octets = first.and_then(Value::as_octets);
    Some(Folded::Value(match name {
        "builtins.chr" => Value::text(char::from_u32(u32::try_from(first?.as_integer()?).ok()?)?.to_string()),
        "builtins.ord" => match first? {
            Value::Text(text) => Value::Integer(i64::from(u32::from(text.chars().next()?))),
            Value::Bytes(bytes) => Value::Integer(i64::from(*bytes.first()?)),
            _ => return None,
        },
        "builtins.str" | "os.fspath" | "os.fsdecode" => match first? {
            Value::Text(_) => first?.clone(),
            Value::Integer(n) => Value::text(n.to_string()),
            Value::Bytes(bytes) if plain.len() > 1 => Value::text(std::str::from_utf8(bytes).ok()?),
            Value::Outside(name, _) => Value::text(path_text(name)?),
            _ => return None,
        },
        "builtins.int" => match (first?, plain.get(1).and_then(Value::as_integer)) {
            (Value::Integer(n), _) => Value::Integer(*n),
            (Value::Text(text), None) => Value::Integer(text.trim().parse().ok()?),
            (Value::Text(text), Some(radix @ (2 | 8 | 16))) => {
                let digits =
                    text.trim().trim_start_matches("0x").trim_start_matches("0b").trim_start_matches("0o");
                Value::Integer(i64::from_str_radix(digits, u32::try_from(radix).ok()?).ok()?)
            }
            _ => return None,
        },
        "builtins.len" => Value::Integer(match first? {
            Value::Text(text) => i64::try_from(text.chars().count()).ok()?,
            Value::Bytes(bytes) => i64::try_from(bytes.len()).ok()?,
            _ => return None,
        }),
        "builtins.hex" => Value::text(format!("{:#x}", first?.as_integer()?)),
        "builtins.bytes" | "builtins.bytearray" | "builtins.memoryview" => Value::bytes(octets?),
        "builtins.range" => {
            let numbers: Option<Vec<i64>> = plain.iter().map(Value::as_integer).collect();
            let (from, to, by) = match numbers?[..] {
                [to] => (0, to, 1),
                [from, to] => (from, to, 1),
                [from, to, by] if by != 0 => (from, to, by),
                _ => return None,
            };
            let mut out = Vec::new();
            let mut at = from;
            while (by > 0 && at < to || by < 0 && at > to) && out.len() < 20_000 {
                out.push(Value::Integer(at));
                at = at.checked_add(by)?;
            }
            return Some(Folded::Values(out));
        }
        "base64.b64decode" | "base64.standard_b64decode" | "base64.decodebytes" | "binascii.a2b_base64" => {
            Value::bytes(unbase64(octets?, false)?)
        }
        "base64.urlsafe_b64decode" => Value::bytes(unbase64(octets?, true)?),
        "base64.b16decode"
        | "binascii.unhexlify"
        | "binascii.a2b_hex"
        | "bytes.fromhex"
        | "builtins.bytearray.fromhex" => Value::bytes(unhex(octets?)?),
        "base64.b32decode" => Value::bytes(unbase32(octets?)?),
        "base64.b85decode" => Value::bytes(unbase85(octets?)?),
        "zlib.decompress" => Value::bytes(unpack(Codec::Zlib, octets?)?),
        "gzip.decompress" => Value::bytes(unpack(Codec::Gzip, octets?)?),
        "bz2.decompress" => Value::bytes(unpack(Codec::Bzip2, octets?)?),
        "lzma.decompress" => Value::bytes(unpack(Codec::Xz, octets?)?),
        "codecs.decode" | "codecs.encode" => {
            coded(first?, plain.get(1).and_then(Value::as_text).unwrap_or("utf-8"))?
        }
        "urllib.parse.unquote" | "urllib.unquote" => Value::text(unquote(first?.as_text()?)?),
        "os.path.join" | "posixpath.join" => {
            let parts: Option<Vec<&str>> = plain.iter().map(Value::as_text).collect();
            let mut path = String::new();
            for part in parts? {
                if part.starts_with('/') {
                    path.clear();
                } else if !path.is_empty() && !path.ends_with('/') {
                    path.push('/');
                }
                path.push_str(part);
            }
            Value::text(path)
        }
        "os.path.dirname" => Value::text(first?.as_text()?.rsplit_once('/').map_or("", |(folder, _)| folder)),
        "os.path.basename" => Value::text(first?.as_text()?.rsplit('/').next()?),
        "os.path.abspath" | "os.path.realpath" | "os.path.normpath" => {
            Value::text(normal_path(first?.as_text()?))
        }
        "os.path.expanduser" => Value::text(first?.as_text()?),
        "pathlib.Path.home" => path_value("~")?,
        "pathlib.Path" | "pathlib.PurePath" | "pathlib.PosixPath" => {
            let text = match first? {
                Value::Text(text) => text.to_string(),
                Value::Outside(name, _) => path_text(name)?,
                _ => return None,
            };
            path_value(&text)?
        }
        "operator.add" | "operator.concat" => match (first?, plain.get(1)?) {
            (Value::Text(a), Value::Text(b)) => Value::text(format!("{a}{b}")),
            _ => return None,
        },
        _ => {
            // Methods of a path that is known.
            let inner = name.strip_prefix("pathlib.Path<")?;
            let (path, method) = inner.split_once(">.")?;
            match method {
                "resolve" | "absolute" | "expanduser" => path_value(&normal_path(path))?,
                "joinpath" => path_of(&path_value(path)?, first?)?,
                _ => return None,
            }
        }
    }))
}

/// Methods of texts and bytes; the object is the first argument.
fn method_of(method: &str, plain: &[Value]) -> Option<Folded> {
    let (owner, given) = plain.split_first()?;
    let text = owner.as_text();
    let argument = given.first();
    Some(Folded::Value(match method {
        "format" => format(text?, given)?,
        "encode" => match argument.and_then(Value::as_text) {
            None | Some("utf-8" | "utf8" | "ascii" | "latin-1" | "latin1") => Value::bytes(text?.as_bytes()),
            Some(codec) => coded(owner, codec)?,
        },
        "decode" => match argument.and_then(Value::as_text) {
            Some(codec) if !matches!(codec, "utf-8" | "utf8" | "ascii") => coded(owner, codec)?,
            _ => Value::text(String::from_utf8_lossy(owner.as_octets()?)),
        },
        "replace" => {
            let (from, to) = (argument?.as_text()?, given.get(1)?.as_text()?);
            let made = text?.replace(from, to);
            (made.len() <= MAX_BYTES).then(|| Value::text(made))?
        }
        "lower" | "casefold" => Value::text(text?.to_lowercase()),
        "upper" => Value::text(text?.to_uppercase()),
        "capitalize" | "title" => {
            let mut chars = text?.chars();
            let first = chars.next()?.to_uppercase();
            Value::text(first.chain(chars.flat_map(char::to_lowercase)).collect::<String>())
        }
        "swapcase" => Value::text(
            text?
                .chars()
                .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
                .collect::<String>(),
        ),
        "strip" if given.is_empty() => Value::text(text?.trim()),
        "lstrip" if given.is_empty() => Value::text(text?.trim_start()),
        "rstrip" if given.is_empty() => Value::text(text?.trim_end()),
        "removeprefix" => Value::text(text?.trim_start_matches(argument?.as_text()?)),
        "startswith" => Value::Bool(text?.starts_with(argument?.as_text()?)),
        "endswith" => Value::Bool(text?.ends_with(argument?.as_text()?)),
        "fromhex" => Value::bytes(unhex(argument.or(Some(owner))?.as_octets()?)?),
        "hex" => Value::text(owner.as_octets()?.iter().map(|b| format!("{b:02x}")).collect::<String>()),
        "split" | "rsplit" => {
            let text = text?;
            let parts: Vec<Value> = match argument.and_then(Value::as_text) {
                Some(mark) if !mark.is_empty() => text.split(mark).map(Value::text).collect(),
                None if given.is_empty() => text.split_whitespace().map(Value::text).collect(),
                _ => return None,
            };
            return (parts.len() < 100_000).then_some(Folded::Values(parts));
        }
        "splitlines" => return Some(Folded::Values(text?.lines().map(Value::text).collect())),
        _ => return None,
    }))
}

/// Text in a codec that is no character set: what hides names from a reader.
fn coded(value: &Value, codec: &str) -> Option<Value> {
    let octets = value.as_octets()?;
    Some(match codec.to_ascii_lowercase().replace('_', "-").as_str() {
        "rot13" | "rot-13" => {
            let turned = value.as_text()?.chars().map(|c| match c {
                'a'..='m' | 'A'..='M' => char::from(c as u8 + 13),
                'n'..='z' | 'N'..='Z' => char::from(c as u8 - 13),
                c => c,
            });
            Value::text(turned.collect::<String>())
        }
        "hex" | "hex-codec" => Value::bytes(unhex(octets)?),
        "base64" | "base64-codec" => Value::bytes(unbase64(octets, false)?),
        "zlib" | "zlib-codec" | "zip" => Value::bytes(unpack(Codec::Zlib, octets)?),
        "bz2" | "bz2-codec" => Value::bytes(unpack(Codec::Bzip2, octets)?),
        "utf-8" | "utf8" | "ascii" => Value::text(String::from_utf8_lossy(octets)),
        "latin-1" | "latin1" | "iso-8859-1" => {
            Value::text(octets.iter().map(|b| char::from(*b)).collect::<String>())
        }
        "utf-16" | "utf-16-le" => {
            let units: Vec<u16> = octets.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
            Value::text(String::from_utf16_lossy(&units).trim_start_matches('\u{feff}'))
        }
        "unicode-escape" | "unicode-escape-decode" | "raw-unicode-escape" => {
            Value::text(super::literal::unescape(std::str::from_utf8(octets).ok()?, false))
        }
        _ => return None,
    })
}

/// The bytes that digits of Base64 stand for, as lenient readers read them.
pub(crate) fn unbase64(octets: &[u8], url: bool) -> Option<Vec<u8>> {
    if octets.len() > MAX_BYTES {
        return None;
    }
    let kept: Vec<u8> =
        octets.iter().copied().filter(|b| b.is_ascii_alphanumeric() || b"+/-_=".contains(b)).collect();
    let strict = if url { URL_SAFE.decode(&kept) } else { STANDARD.decode(&kept) };
    let lenient = || {
        let alphabet = if url { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
        let config = GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent);
        GeneralPurpose::new(alphabet, config).decode(&kept)
    };
    strict.or_else(|_| lenient()).ok()
}

/// The bytes that hexadecimal digits stand for.
pub(crate) fn unhex(octets: &[u8]) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = octets
        .iter()
        .filter(|b| !b.is_ascii_whitespace())
        .map(|b| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    let digits = digits?;
    (digits.len() % 2 == 0 && digits.len() <= MAX_BYTES)
        .then(|| digits.chunks_exact(2).map(|p| p[0] << 4 | p[1]).collect())
}

fn unbase32(octets: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut bits, mut held) = (0u64, 0u32);
    for byte in octets.iter().take(MAX_BYTES) {
        let value = match byte.to_ascii_uppercase() {
            c @ b'A'..=b'Z' => c - b'A',
            c @ b'2'..=b'7' => c - b'2' + 26,
            b'=' => continue,
            _ => return None,
        };
        bits = bits << 5 | u64::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(out)
}

fn unbase85(octets: &[u8]) -> Option<Vec<u8>> {
    const DIGITS: &[u8; 85] =
        b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
    if octets.len() > MAX_BYTES {
        return None;
    }
    let mut out = Vec::new();
    for chunk in octets.chunks(5) {
        let mut value = 0u64;
        for at in 0..5 {
            let digit = match chunk.get(at) {
                Some(byte) => DIGITS.iter().position(|d| d == byte)?,
                None => 84,
            };
            value = value * 85 + digit as u64;
        }
        let bytes = u32::try_from(value).ok()?.to_be_bytes();
        out.extend(bytes.iter().take(chunk.len().saturating_sub(1)));
    }
    Some(out)
}

fn unpack(codec: Codec, octets: &[u8]) -> Option<Vec<u8>> {
    codec.unpack(octets, MAX_BYTES as u64).ok().map(|unpacked| unpacked.bytes)
}

fn unquote(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%'
            && let Some(hex) = tail.get(..2).and_then(unhex)
        {
            out.extend(hex);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            out.push(byte);
            rest = tail;
        }
    }
    String::from_utf8(out).ok()
}

/// `str.format` with plain arguments: `{}`, `{0}`, `{0!s}`.
fn format(text: &str, given: &[Value]) -> Option<Value> {
    let mut out = String::new();
    let mut rest = text;
    let mut next = 0;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        if from.get(1..2) == from.get(..1) {
            out.push_str(from.get(..1)?);
            rest = from.get(2..)?;
            continue;
        }
        let (field, after) = from.strip_prefix('{')?.split_once('}')?;
        let field = field.split(['!', ':']).next()?;
        let index = if field.is_empty() {
            next += 1;
            next - 1
        } else {
            field.parse().ok()?
        };
        out.push_str(&shown(given.get(index)?)?);
        rest = after;
    }
    out.push_str(rest);
    (out.len() <= MAX_BYTES).then(|| Value::text(out))
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.to_string()),
        Value::Integer(n) => Some(n.to_string()),
        _ => None,
    }
}

/// `text % given` with `%s`, `%d`, `%c` and `%%`.
pub(super) fn percent(text: &Value, given: &[Value]) -> Option<Value> {
    let mut out = String::new();
    let mut values = given.iter();
    let mut chars = text.as_text()?.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            '%' => out.push('%'),
            's' | 'd' | 'i' => out.push_str(&shown(values.next()?)?),
            'c' => match values.next()? {
                Value::Integer(n) => out.push(char::from_u32(u32::try_from(*n).ok()?)?),
                other => out.push_str(other.as_text()?),
            },
            _ => return None,
        }
    }
    (out.len() <= MAX_BYTES).then(|| Value::text(out))
}

pub(super) fn join(mark: &Value, values: &[Value]) -> Option<Value> {
    match mark {
        Value::Text(mark) => {
            let parts: Option<Vec<&str>> = values.iter().map(Value::as_text).collect();
            let made = parts?.join(mark);
            (made.len() <= MAX_BYTES).then(|| Value::text(made))
        }
        Value::Bytes(mark) => {
            let parts: Option<Vec<&[u8]>> = values.iter().map(Value::as_octets).collect();
            Some(Value::bytes(parts?.join(&mark[..])))
        }
        _ => None,
    }
}

/// The words of an argument vector as one text, where all are known.
pub(super) fn joined(values: &[Value]) -> Option<Value> {
    let parts: Option<Vec<&str>> = values.iter().map(Value::as_text).collect();
    parts.filter(|p| !p.is_empty() && p.len() <= 64).map(|p| Value::text(p.join(" ")))
}

pub(super) fn element(owner: &Value, index: &Value) -> Option<Value> {
    let at = index.as_integer()?;
    let place = |length: usize| {
        if at < 0 {
            usize::try_from(at.checked_add(i64::try_from(length).ok()?)?).ok()
        } else {
            usize::try_from(at).ok()
        }
    };
    match owner {
        Value::Text(text) => {
            text.chars().nth(place(text.chars().count())?).map(|c| Value::text(c.to_string()))
        }
        Value::Bytes(bytes) => bytes.get(place(bytes.len())?).map(|b| Value::Integer(i64::from(*b))),
        _ => None,
    }
}

/// Indices that a slice `[from:to:by]` takes of `length` elements.
fn indices(length: usize, parts: &[Value]) -> Option<Vec<usize>> {
    let part = |at: usize| match parts.get(at) {
        None | Some(Value::None) => Some(None),
        Some(value) => value.as_integer().map(Some),
    };
    let by = part(2)?.unwrap_or(1);
    let length_i = i64::try_from(length).ok()?;
    let clamp =
        |value: i64, low: i64, high: i64| (if value < 0 { value + length_i } else { value }).clamp(low, high);
    let (from, to) = if by > 0 {
        (clamp(part(0)?.unwrap_or(0), 0, length_i), clamp(part(1)?.unwrap_or(length_i), 0, length_i))
    } else {
        (
            part(0)?.map_or(length_i - 1, |v| clamp(v, -1, length_i - 1)),
            part(1)?.map_or(-1, |v| clamp(v, -1, length_i - 1)),
        )
    };
    if by == 0 {
        return None;
    }
    let mut out = Vec::new();
    let mut at = from;
    while (by > 0 && at < to) || (by < 0 && at > to) {
        out.push(usize::try_from(at).ok()?);
        at = at.checked_add(by)?;
    }
    Some(out)
}

pub(super) fn slice(values: &[Value], parts: &[Value]) -> Option<Vec<Value>> {
    Some(indices(values.len(), parts)?.into_iter().filter_map(|at| values.get(at).cloned()).collect())
}

pub(super) fn slice_octets(owner: &Value, parts: &[Value]) -> Option<Value> {
    match owner {
        Value::Text(text) => {
            let chars: Vec<char> = text.chars().collect();
            let cut = indices(chars.len(), parts)?.into_iter().filter_map(|at| chars.get(at));
            Some(Value::text(cut.collect::<String>()))
        }
        Value::Bytes(bytes) => {
            let cut = indices(bytes.len(), parts)?.into_iter().filter_map(|at| bytes.get(at).copied());
            Some(Value::bytes(cut.collect::<Vec<u8>>()))
        }
        _ => None,
    }
}

fn normal_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("{}{}", if path.starts_with('/') { "/" } else { "" }, parts.join("/"))
}

/// A path that is known, as a value whose attributes are those of a path.
fn path_value(path: &str) -> Option<Value> {
    (path.len() < 200 && !path.contains(['<', '>'])).then(|| Value::outside(format!("pathlib.Path<{path}>")))
}

/// The path that such a value stands for.
pub(super) fn path_text(name: &str) -> Option<String> {
    let inner = name.strip_prefix("pathlib.Path<")?;
    let (path, rest) = inner.split_once('>')?;
    let mut path = path.to_owned();
    for step in rest.split('.').filter(|s| !s.is_empty()) {
        if step != "parent" {
            return None;
        }
        path = path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
    }
    Some(path)
}

/// `path / part`.
pub(super) fn path_of(path: &Value, part: &Value) -> Option<Value> {
    let Value::Outside(name, _) = path else { return None };
    let part = match part {
        Value::Text(text) => text.to_string(),
        Value::Outside(name, _) => path_text(name)?,
        _ => return None,
    };
    path_value(&format!("{}/{part}", path_text(name)?))
}
