//! Python code in a layer: marshalled, in base64.
//!
//! Marshalled code is a program and is not proven inert; what it names tells how bad it is. The names are
//! collected without following the layout of code objects, which every release of Python changes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::tables::Tables;

/// Most names looked at. A layer's function has a dozen.
const MAX_NAMES: usize = 400;

/// The bytes of base64 as Keras writes it, in lines.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(text).ok()
}

/// Something harmful that the code names, if it names a known sink.
pub(super) fn sink(tables: &Tables, code: &[u8]) -> Option<String> {
    let names = names(code);
    let mut modules: Vec<&str> =
        names.iter().map(String::as_str).filter(|n| tables.knows_module(n)).collect();
    modules.push("builtins");
    modules.iter().find_map(|module| {
        let name = names.iter().find(|name| tables.sink(module, name).is_some())?;
        Some(format!("{module}.{name}"))
    })
}

/// Texts in marshalled bytes that may be names: a type that stands for text, a length, and as many characters of
/// dotted names.
fn names(code: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    for at in 0..code.len() {
        let tail = code.get(at..).unwrap_or_default();
        let text = match tail {
            // The high bit marks what is referred to later.
            [kind, length, rest @ ..] if matches!(kind & 0x7f, b'z' | b'Z') => {
                rest.get(..usize::from(*length))
            }
            [kind, a, b, c, d, rest @ ..] if matches!(kind & 0x7f, b'a' | b'A' | b'u' | b't' | b's') => {
                let length = u32::from_le_bytes([*a, *b, *c, *d]);
                usize::try_from(length).ok().and_then(|length| rest.get(..length))
            }
            _ => None,
        };
        let named = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
        let text = text.filter(|t| (2..64).contains(&t.len()) && t.iter().all(named));
        if let Some(text) = text.and_then(|t| std::str::from_utf8(t).ok()) {
            names.push(text.to_owned());
            if names.len() == MAX_NAMES {
                break;
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_code_names_is_found() {
        let tables = Tables::built_in();
        let code = b"\xe3\0\0\0\0\xda\x02os\xda\x06system\xfa\x04true";
        assert_eq!(sink(tables, code).as_deref(), Some("os.system"));
        assert_eq!(sink(tables, b"\xda\x04exec").as_deref(), Some("builtins.exec"));
        assert_eq!(sink(tables, b"\xda\x02tf\xda\x06reduce"), None);
    }
}
