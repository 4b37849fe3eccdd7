//! What a native library asks of the system, by what its loader links: names of the functions that it imports.
//!
//! Machine code is not analysed, so a library is never proven inert. But one that only computes imports arithmetic and
//! memory, and one that starts a program, opens a connection or writes a file imports what does so, or says whom it
//! means in a text. The first is not proven, the second is told of.
//!
//! Read is what `ld.so` reads (System V ABI, chapter 5): segments, the dynamic section, relocations and the symbols that
//! these name. Sections are for linkers and debuggers, and a lie in them changes nothing.

use std::collections::HashSet;

use memchr::memmem;
use proofhouse_core::Place;

use crate::scanner::Scanner;

/// Tells of a native library, which is known by `how`: it runs what nobody has looked at.
pub(crate) fn report(scanner: &mut Scanner<'_>, place: Place, bytes: &[u8], how: &str) {
    match acts(bytes) {
        Some(why) => scanner.report("repo/native-library", place, format!("{how}: {why}")),
        None => scanner.report("repo/native-code", place, format!("{how}, which imports nothing that acts")),
    }
}

/// Functions that do something outside the process, or bring in code, by the beginnings of their names (`=` where the
/// whole name counts).
const ACTING: [&str; 75] = [
    // Programs.
    "=system",
    "=popen",
    "=execl",
    "=execle",
    "=execlp",
    "execv",
    "=fexecve",
    "posix_spawn",
    "=fork",
    "=vfork",
    "=forkpty",
    "=clone",
    "=clone3",
    "=wordexp",
    "=daemon",
    "=kill",
    "=ptrace",
    "=syscall",
    // Code.
    "=dlopen",
    "=dlmopen",
    "=mprotect",
    "=pkey_mprotect",
    "=memfd_create",
    "=process_vm_writev",
    "PyRun_",
    "PyEval_Eval",
    "Py_CompileString",
    "PyMarshal_",
    "lua_",
    "luaL_",
    // Connections.
    "=socket",
    "=connect",
    "=bind",
    "=listen",
    "=accept",
    "=accept4",
    "=send",
    "=sendto",
    "=sendmsg",
    "=getaddrinfo",
    "gethostby",
    "res_query",
    "curl_",
    "SSL_",
    // Files.
    "=open",
    "=open64",
    "=openat",
    "=openat64",
    "=creat",
    "=creat64",
    "=fopen",
    "=fopen64",
    "=freopen",
    "=freopen64",
    "=unlink",
    "=unlinkat",
    "=remove",
    "=rename",
    "=renameat",
    "=symlink",
    "=link",
    "=chmod",
    "=fchmod",
    "=mkdir",
    "=rmdir",
    "=shm_open",
    "=mkstemp",
    "_ZNSt14basic_ofstream",
    "_ZNSt13basic_fstream",
    "_ZNSt13basic_filebuf",
    "_ZNSt10filesystem",
    // Who uses the machine.
    "=getpwuid",
    "=getpwnam",
    "=setuid",
    "=environ",
];

/// Texts that a library which only computes has no use for.
const SAID: [&[u8]; 13] = [
    b"/bin/sh",
    b"/bin/bash",
    b"bash -",
    b"sh -c",
    b"curl ",
    b"wget ",
    b"/dev/tcp/",
    b"/etc/passwd",
    b"/.ssh/",
    b"python -c",
    b"python3 -c",
    b"\0execve\0",
    b"__import__",
];

/// Modules of Python that a library imports by name to act through them.
const MODULES: [&[u8]; 7] = [
    b"\0os\0",
    b"\0posix\0",
    b"\0subprocess\0",
    b"\0pty\0",
    b"\0socket\0",
    b"\0runpy\0",
    b"\0urllib.request\0",
];

/// Why a native library does more than compute, or cannot be told to do no more.
fn acts(bytes: &[u8]) -> Option<String> {
    let Some(imports) = imports(bytes) else {
        return Some("its imports cannot be read".to_owned());
    };
    let acting = |name: &&[u8]| {
        ACTING.iter().any(|act| match act.strip_prefix('=') {
            Some(whole) => *name == whole.as_bytes(),
            None => name.starts_with(act.as_bytes()),
        })
    };
    if let Some(name) = imports.iter().copied().find(acting) {
        return Some(format!("it calls {:?}", String::from_utf8_lossy(name)));
    }
    let python = imports.iter().any(|name| name.starts_with(b"PyImport_"));
    let said = SAID
        .iter()
        .chain(MODULES.iter().filter(|_| python))
        .find(|text| memmem::find(bytes, text).is_some())?;
    let said = String::from_utf8_lossy(said);
    Some(format!("it says {:?}", said.trim_matches('\0')))
}

/// Names of the symbols that a shared library's relocations ask for: all of them, since a name of the library's own may
/// be bound to somebody else's. None where it is a program, for another kind of machine, or broken.
fn imports(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    const SHARED: u16 = 3;
    const MACHINES: [u16; 2] = [62, 183];
    let elf = Elf { bytes };
    let ours = bytes.starts_with(b"\x7fELF\x02\x01\x01") && elf.u16(16)? == SHARED;
    if !ours || !MACHINES.contains(&elf.u16(18)?) {
        return None;
    }
    let (_, dynamic) = elf.segments()?.find(|(kind, _)| *kind == Segment::DYNAMIC)?;
    // One that names an interpreter is a program.
    if elf.segments()?.any(|(kind, _)| kind == Segment::INTERPRETER) {
        return None;
    }
    let entries = elf.dynamic(dynamic.offset)?;
    let value = |tag: u64| entries.iter().find(|(found, _)| *found == tag).map(|(_, value)| *value);
    let (symbols, texts) = (elf.offset(value(tag::SYMBOLS)?)?, elf.offset(value(tag::TEXTS)?)?);
    let texts = bytes.get(texts..texts.checked_add(usize::try_from(value(tag::TEXTS_SIZE)?).ok()?)?)?;
    let mut seen = HashSet::new();
    for (table, size, entry) in [
        (tag::RELA, tag::RELA_SIZE, RELA),
        (tag::REL, tag::REL_SIZE, REL),
        (tag::CALLS, tag::CALLS_SIZE, if value(tag::CALLS_KIND) == Some(tag::REL) { REL } else { RELA }),
    ] {
        let Some(table) = value(table) else { continue };
        let (table, size) = (elf.offset(table)?, usize::try_from(value(size)?).ok()?);
        let relocations = bytes.get(table..table.checked_add(size)?)?;
        for relocation in relocations.chunks_exact(entry) {
            // The upper half of the second word is the number of the symbol (`ELF64_R_SYM`); most have none.
            let symbol = usize::try_from(Elf { bytes: relocation }.u32(12)?).ok()?;
            if symbol > 0 {
                seen.insert(elf.u32(symbols.checked_add(symbol.checked_mul(SYMBOL)?)?)?);
            }
            if seen.len() > MOST {
                return None;
            }
        }
    }
    let name = |at: u32| {
        let tail = texts.get(usize::try_from(at).ok()?..)?;
        let tail = tail.get(..tail.len().min(LONGEST))?;
        tail.get(..memchr::memchr(0, tail).unwrap_or(tail.len()))
    };
    let mut names: Vec<&[u8]> = seen.into_iter().map(name).collect::<Option<_>>()?;
    names.sort_unstable();
    Some(names)
}

/// Names that are read of one library, and bytes of one.
const MOST: usize = 1 << 18;
const LONGEST: usize = 1 << 12;
/// Bytes of an entry of the tables.
const RELA: usize = 24;
const REL: usize = 16;
const SYMBOL: usize = 24;

/// Tags of the dynamic section.
mod tag {
    pub(super) const CALLS_SIZE: u64 = 2;
    pub(super) const TEXTS: u64 = 5;
    pub(super) const SYMBOLS: u64 = 6;
    pub(super) const RELA: u64 = 7;
    pub(super) const RELA_SIZE: u64 = 8;
    pub(super) const TEXTS_SIZE: u64 = 10;
    pub(super) const REL: u64 = 17;
    pub(super) const REL_SIZE: u64 = 18;
    pub(super) const CALLS_KIND: u64 = 20;
    pub(super) const CALLS: u64 = 23;
}

/// Part of a file that is mapped.
#[derive(Debug, Clone, Copy)]
struct Segment {
    offset: usize,
    address: u64,
    size: u64,
}

impl Segment {
    const LOAD: u32 = 1;
    const DYNAMIC: u32 = 2;
    const INTERPRETER: u32 = 3;
}

/// A file of 64 bits whose numbers begin with their lowest byte.
#[derive(Debug, Clone, Copy)]
struct Elf<'b> {
    bytes: &'b [u8],
}

impl<'b> Elf<'b> {
    fn segments(self) -> Option<impl Iterator<Item = (u32, Segment)> + 'b> {
        let (first, size, count) =
            (usize::try_from(self.u64(32)?).ok()?, usize::from(self.u16(54)?), self.u16(56)?);
        Some((0..usize::from(count)).map_while(move |index| {
            let at = first.checked_add(index.checked_mul(size)?)?;
            let offset = usize::try_from(self.u64(at + 8)?).ok()?;
            Some((self.u32(at)?, Segment { offset, address: self.u64(at + 16)?, size: self.u64(at + 32)? }))
        }))
    }

    /// Tags and values up to the end of the section.
    fn dynamic(self, mut at: usize) -> Option<Vec<(u64, u64)>> {
        /// Entries of a section: linkers write some thirty.
        const MOST: usize = 1000;
        let mut out = Vec::new();
        for _ in 0..MOST {
            let (tag, value) = (self.u64(at)?, self.u64(at.checked_add(8)?)?);
            if tag == 0 {
                return Some(out);
            }
            out.push((tag, value));
            at = at.checked_add(16)?;
        }
        None
    }

    /// Where in the file the bytes lie that are mapped at an address.
    fn offset(self, address: u64) -> Option<usize> {
        let mut loaded =
            self.segments()?.filter(|(kind, _)| *kind == Segment::LOAD).map(|(_, segment)| segment);
        let segment =
            loaded.find(|s| address.checked_sub(s.address).is_some_and(|within| within < s.size))?;
        segment.offset.checked_add(usize::try_from(address - segment.address).ok()?)
    }

    fn u16(self, at: usize) -> Option<u16> {
        Some(u16::from_le_bytes(*self.bytes.get(at..)?.first_chunk()?))
    }

    fn u32(self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(*self.bytes.get(at..)?.first_chunk()?))
    }

    fn u64(self, at: usize) -> Option<u64> {
        Some(u64::from_le_bytes(*self.bytes.get(at..)?.first_chunk()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A library of one segment whose only relocation asks for a symbol of that name.
    fn library(import: &str) -> Vec<u8> {
        const TABLES: u64 = 0x200;
        let mut out = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0".to_vec();
        out.resize(64, 0);
        out[32] = 64;
        out[54] = 56;
        out[56] = 2;
        for (kind, offset) in [(1_u64, 0), (2, 0x100_u64)] {
            // Flags stand in the upper half; all addresses are offsets.
            out.extend(
                [kind, offset, offset, offset, 0x1000, 0x1000, 8].iter().flat_map(|word| word.to_le_bytes()),
            );
        }
        out.resize(0x100, 0);
        let texts = format!("\0{import}\0");
        let entries = [(5, TABLES), (10, texts.len() as u64), (6, 0x300), (7, 0x400), (8, 24), (0, 0)];
        out.extend(entries.iter().flat_map(|(tag, value)| [*tag, *value]).flat_map(u64::to_le_bytes));
        out.resize(0x200, 0);
        out.extend(texts.bytes());
        out.resize(0x300 + 24, 0);
        out.push(1);
        out.resize(0x400, 0);
        out.extend([0x10_u64, 1 << 32 | 7, 0].iter().flat_map(|word| word.to_le_bytes()));
        out.resize(0x1000, 0);
        out
    }

    #[test]
    fn imports_tell_what_a_library_is_for() {
        for plain in ["sqrtf", "memcpy", "ecosystem", "opened"] {
            assert_eq!(acts(&library(plain)), None, "{plain}");
        }
        for acting in
            ["system", "execve", "socket", "fopen64", "PyRun_SimpleString", "_ZNSt14basic_ofstreamIcE"]
        {
            assert!(acts(&library(acting)).is_some_and(|why| why.contains(acting)), "{acting}");
        }
    }

    #[test]
    fn a_library_of_many_names_is_read_within_bounds() {
        const COUNT: u64 = 200_000;
        let mut many = library("sqrtf");
        // Every relocation asks for another name in one long text, which none of them ends.
        let (texts, symbols) = (0x1000, 0x1000 + (1 << 20));
        let relocations = symbols + COUNT * 24;
        let end = relocations + COUNT * 24;
        for (at, value) in
            [(0x108, texts), (0x118, 1 << 20), (0x128, symbols), (0x138, relocations), (0x148, COUNT * 24)]
        {
            many.splice(at..at + 8, value.to_le_bytes());
        }
        many.splice(64 + 32..64 + 40, end.to_le_bytes());
        many.resize(usize::try_from(symbols).unwrap(), b'A');
        many.extend((0..COUNT).flat_map(|n| [n, 0, 0]).flat_map(u64::to_le_bytes));
        many.extend((0..COUNT).flat_map(|n| [0, n << 32 | 1, 0]).flat_map(u64::to_le_bytes));
        let started = std::time::Instant::now();
        assert_eq!(acts(&many), None);
        assert!(started.elapsed().as_secs() < 20);
    }

    #[test]
    fn what_is_not_read_is_told() {
        let plain = library("sqrtf");
        assert!(acts(&plain[..0x180]).is_some(), "cut");
        for (at, byte) in [(4, 1), (5, 2), (16, 2), (18, 8), (64 + 56, 3)] {
            let mut other = plain.clone();
            other[at] = byte;
            assert!(acts(&other).is_some(), "{at}");
        }
        let mut says = plain;
        says.splice(0x800..0x807, *b"/bin/sh");
        assert_eq!(acts(&says).as_deref(), Some("it says \"/bin/sh\""));
    }
}
