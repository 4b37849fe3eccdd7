//! Names of members that lead elsewhere where they are unpacked.

/// Whether unpacking the member would leave its folder, or is read in more than one way.
pub(super) fn is_unsafe(name: &str) -> bool {
    name.is_empty()
        || name.starts_with('/')
        || name.contains('\\')
        || name.chars().any(char::is_control)
        || name.split('/').any(|part| part == "..")
        || name.as_bytes().get(1) == Some(&b':')
}

/// Whether some system unpacks the member under another name, or not at all.
pub(super) fn is_odd(name: &str) -> bool {
    name.contains(':') || name.split('/').any(|part| part.len() > MAX_PART || renamed(part))
}

/// Longest part of a name that file systems hold.
const MAX_PART: usize = 255;

/// Whether Windows writes a part of a name elsewhere: it drops blanks and dots at its end, and keeps some names for
/// devices, with any ending.
fn renamed(part: &str) -> bool {
    if part != "." && part.ends_with(['.', ' ']) {
        return true;
    }
    let stem = part.split('.').next().unwrap_or(part).trim_end().to_ascii_lowercase();
    let numbered = |name: &str| {
        stem.strip_prefix(name).is_some_and(|n| n.len() == 1 && n.bytes().all(|b| (b'1'..=b'9').contains(&b)))
    };
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$")
        || numbered("com")
        || numbered("lpt")
}
