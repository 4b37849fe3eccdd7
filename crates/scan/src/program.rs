//! Headers of programs: what a system that starts one reads first.
//!
//! A magic number of two or four bytes is nothing among random ones, of which a hub has more than 2^60. A header counts
//! where so many bytes are as its format has them that neither chance nor numbers make them; whether tables follow it
//! does not matter, since a payload is often a header with something else behind it, or is loaded piece by piece.

/// ELF, 64 bytes or 52: its sizes are those of its class, or its identification is complete.
pub(crate) fn elf(bytes: &[u8]) -> bool {
    let [0x7f, b'E', b'L', b'F', class @ 1..=2, order @ 1..=2, 1, ..] = bytes else { return false };
    let field = |at| u16_at(bytes, at, *order == 2);
    if !matches!(field(16), Some(1..=4)) || !field(18).is_some_and(|machine| (1..=260).contains(&machine)) {
        return false;
    }
    let (sizes, header, entry) = if *class == 2 { (52, 64, 56) } else { (40, 52, 32) };
    let sized = field(sizes) == Some(header)
        && (field(sizes + 2) == Some(entry) || field(sizes + 4) == Some(0))
        && (field(sizes + 4) > Some(0) || field(sizes + 8) > Some(0));
    sized || identified(bytes, *order == 2)
}

/// Whether the identification of an ELF header is complete: a system's number or none, zeros up to the type, and version
/// one behind the machine.
///
/// With magic number, class, order, type and machine these are 24 bytes in order, some 170 bits that chance would have
/// to hit. Nor do numbers look so: of four bytes each the first is 13073.4 and the next five smaller than any that a
/// network trains (below 10^-38, two of them zero), of eight bytes the first is below 10^-300 and the next zero; as whole
/// numbers they are 1179403647 and then 65794 and two zeros, as bytes they are letters behind a control character.
fn identified(bytes: &[u8], big: bool) -> bool {
    let known = bytes.get(7).is_some_and(|system| matches!(system, 0..=18 | 64 | 97 | 255));
    let padding = bytes.get(8..16).is_some_and(|padding| padding.iter().all(|byte| *byte == 0));
    let version = bytes.get(20..24);
    known && padding && version == Some(if big { &[0, 0, 0, 1] } else { &[1, 0, 0, 0] })
}

/// What compilers for Windows begin a program with: sizes in a header for DOS that no tool changes. 128 bits in order,
/// and as whole numbers of four bytes 9460301, 3, 4 and 65535.
const DOS: &[u8; 16] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0";

/// A program of Windows: a header for DOS that leads to one of PE, or that is as compilers write it.
pub(crate) fn windows(bytes: &[u8]) -> bool {
    bytes.starts_with(DOS) || portable(bytes).is_some()
}

/// The same where it could begin at any byte: the header of PE lies near, and names a machine.
pub(crate) fn windows_anywhere(bytes: &[u8]) -> bool {
    const FARTHEST: usize = 4096;
    let near = bytes.get(..bytes.len().min(FARTHEST + 6)).unwrap_or_default();
    let machine = || u16_at(portable(near)?, 4, false);
    bytes.starts_with(DOS) || matches!(machine(), Some(0x014c | 0x8664 | 0x01c0 | 0x01c4 | 0xaa64))
}

/// The header of PE that one for DOS leads to.
fn portable(bytes: &[u8]) -> Option<&[u8]> {
    let at = usize::try_from(u32_at(bytes, 0x3c)?).ok()?;
    let header = bytes.get(at..)?;
    (bytes.starts_with(b"MZ") && header.starts_with(b"PE\0\0")).then_some(header)
}

/// Mach-O, for the machines that macOS and iOS run on; those that hold several are told by [`crate::content::executable`].
pub(crate) fn macos(bytes: &[u8]) -> bool {
    matches!(bytes, [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..])
        && matches!(u32_at(bytes, 4), Some(7 | 12 | 0x0100_0007 | 0x0100_000c))
        && u32_at(bytes, 12).is_some_and(|kind| (1..=12).contains(&kind))
        // None are as good as any: what was looked at are some ninety bits already.
        && u32_at(bytes, 16).is_some_and(|commands| commands <= 1000)
}

fn u16_at(bytes: &[u8], at: usize, big: bool) -> Option<u16> {
    let raw = *bytes.get(at..)?.first_chunk::<2>()?;
    Some(if big { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of a program of 64 bits, with nothing in it but what says so.
    fn bare() -> Vec<u8> {
        let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
        elf.resize(64, 0);
        elf
    }

    #[test]
    fn a_header_is_one_without_tables_too() {
        assert!(elf(&bare()));
        assert!(elf(b"\x7fELF\x01\x02\x01\x03\0\0\0\0\0\0\0\0\0\x03\0\x08\0\0\0\x01"));
        assert!(macos(b"\xcf\xfa\xed\xfe\x07\0\0\x01\x03\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0"));
        assert!(windows(&[&DOS[..], &[7; 20]].concat()) && windows_anywhere(DOS));
    }

    #[test]
    fn less_than_a_header_is_none() {
        for (at, byte) in [(4, 3), (6, 0), (7, 99), (9, 1), (16, 9), (18, 0), (20, 2)] {
            let mut elf = bare();
            elf[at] = byte;
            assert!(!super::elf(&elf), "{at}");
        }
        assert!(!elf(&bare()[..20]));
        assert!(!windows(b"MZ\x90\0\x03\0\0\0\x04\0\0\0 and a text behind it"));
        let mut leads = b"MZ".to_vec();
        leads.resize(0x40, 0);
        leads[0x3c] = 0x40;
        leads.extend(b"PE\0\0\x64\x86");
        assert!(windows(&leads) && windows_anywhere(&leads));
        leads[0x44] = 0;
        assert!(windows(&leads) && !windows_anywhere(&leads));
    }
}
