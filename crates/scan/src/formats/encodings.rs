//! Texts in other encodings than UTF-8 that readers of JSON, YAML and XML take by themselves: with two or four bytes a
//! character (RFC 4627, chapter 3; YAML 1.2, chapter 5.2), and what the declaration of an XML document names.

/// Larger texts are no configurations.
const MOST: usize = 64 << 20;

/// The text, if these are the bytes of one.
pub(super) fn decoded(bytes: &[u8]) -> Option<String> {
    if bytes.len() > MOST {
        return None;
    }
    four_bytes(bytes).or_else(|| two_bytes(bytes)).or_else(|| of_xml(bytes))
}

/// UTF-32: with its mark, or beginning with a character of ASCII.
fn four_bytes(bytes: &[u8]) -> Option<String> {
    let big = match bytes {
        [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, 0x09..=0x7e, ..] => true,
        [0xff, 0xfe, 0, 0, ..] | [0x09..=0x7e, 0, 0, 0, ..] => false,
        _ => return None,
    };
    let unit = |four: &[u8; 4]| if big { u32::from_be_bytes(*four) } else { u32::from_le_bytes(*four) };
    let units = bytes.chunks_exact(4).filter_map(|four| Some(unit(four.first_chunk()?)));
    let text: String = units.map(char::from_u32).collect::<Option<_>>()?;
    bytes.len().is_multiple_of(4).then(|| text.trim_start_matches('\u{feff}').to_owned())
}

/// UTF-16: with its mark, or beginning with a character of ASCII.
fn two_bytes(bytes: &[u8]) -> Option<String> {
    let big = match bytes {
        [0xfe, 0xff, ..] | [0, 0x09..=0x7e, 0, 0x09..=0x7e, ..] => true,
        [0xff, 0xfe, ..] | [0x09..=0x7e, 0, 0x09..=0x7e, 0, ..] => false,
        _ => return None,
    };
    let unit = |pair: &[u8; 2]| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
    let units = bytes.chunks_exact(2).filter_map(|pair| Some(unit(pair.first_chunk()?)));
    let text: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    bytes.len().is_multiple_of(2).then(|| text.trim_start_matches('\u{feff}').to_owned())
}

/// A document that declares one byte for each character, of which those of ASCII are the same in all: which letters the
/// others are does not matter here. Encodings in which a byte of ASCII may be half of a letter are not among them.
fn of_xml(bytes: &[u8]) -> Option<String> {
    const ONE_BYTE: [&str; 5] = ["iso-8859-", "iso8859-", "latin", "windows-125", "cp125"];
    let (declaration, _) = bytes
        .get(..200.min(bytes.len()))?
        .strip_prefix(b"<?xml")?
        .split_at_checked(memchr::memmem::find(bytes.get(5..200.min(bytes.len()))?, b"?>")?)?;
    let declaration = String::from_utf8_lossy(declaration).to_ascii_lowercase();
    let (_, name) = declaration.split_once("encoding")?;
    let name = name.trim_start_matches([' ', '\t', '\r', '\n', '=', '"', '\'']);
    ONE_BYTE.iter().any(|known| name.starts_with(known)).then(|| {
        // Control characters beyond ASCII are letters of Windows, or nothing that a document has.
        let letter = |byte: &u8| if (0x80..0xa0).contains(byte) { '\u{fffd}' } else { char::from(*byte) };
        bytes.iter().map(letter).collect()
    })
}
