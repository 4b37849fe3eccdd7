//! Compiled Python beside its source, as every run of it leaves behind in `__pycache__`.
//!
//! Instructions are not followed. But all that they can name is in the file, and where each name and each text of it
//! stands in the source beside it, the file is not one that brings something else. Source: CPython `marshal.c`,
//! `importlib._bootstrap_external`, 3.8 to 3.13.

use crate::scanner::{Content, Scanner};

/// Objects of one file.
const MOST: usize = 1 << 20;

/// Names that compilers put in by themselves.
const OWN: [&str; 16] = [
    "<module>",
    "<lambda>",
    "<listcomp>",
    "<dictcomp>",
    "<setcomp>",
    "<genexpr>",
    "<locals>",
    ".0",
    "__name__",
    "__module__",
    "__qualname__",
    "__doc__",
    "__annotations__",
    "__classcell__",
    "__firstlineno__",
    "__static_attributes__",
];

/// Whether a compiled file has nothing but the names and texts of the source that it was made of.
pub(super) fn is_of_its_source(scanner: &Scanner<'_>, content: &Content<'_>) -> bool {
    let Some((project, path, _)) = scanner.near(&content.place) else { return false };
    let Some((folder, file)) = path.rsplit_once("__pycache__/") else { return false };
    let Some((name, _)) = file.split_once('.') else { return false };
    let Some(source) = project.text(&format!("{folder}{name}.py")) else { return false };
    texts(content.bytes).is_some_and(|texts| texts.iter().all(|text| stands(&source, text)))
}

/// Whether a text stands in a source: as it is, or line by line where it has several.
fn stands(source: &str, text: &str) -> bool {
    let own = |part: &str| part.is_empty() || OWN.contains(&part) || source.contains(part);
    // Where it was compiled, and the paths of functions within functions.
    text.ends_with(".py")
        || own(text)
        || text.split('.').all(own) && !text.contains(char::is_whitespace)
        || text.lines().map(str::trim).all(own)
}

/// All texts of a compiled file; `None` for what is none, or of another version.
fn texts(bytes: &[u8]) -> Option<Vec<String>> {
    let [a, b, b'\r', b'\n', ..] = *bytes else { return None };
    let new = match u16::from_le_bytes([a, b]) {
        3400..=3439 => false,
        3495 | 3531 | 3571 => true,
        _ => return None,
    };
    let mut reader = Reader { rest: bytes.get(16..)?, new, out: Vec::new() };
    reader.read()?;
    reader.rest.is_empty().then_some(reader.out)
}

/// What is still to be read.
enum Open {
    Objects(usize),
    /// Keys and values up to the mark that ends them.
    Pairs,
    Number,
}

struct Reader<'b> {
    rest: &'b [u8],
    new: bool,
    out: Vec<String>,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn length(&mut self) -> Option<usize> {
        let raw: [u8; 4] = *self.take(4)?.first_chunk()?;
        usize::try_from(u32::from_le_bytes(raw)).ok()
    }

    fn read(&mut self) -> Option<()> {
        let mut open = vec![Open::Objects(1)];
        let mut left = MOST;
        while let Some(next) = open.pop() {
            left = left.checked_sub(1)?;
            match next {
                Open::Objects(0) => {}
                Open::Objects(count) => {
                    open.push(Open::Objects(count - 1));
                    self.object(&mut open)?;
                }
                Open::Pairs => {
                    if self.rest.first().map(|b| b & 0x7f) == Some(b'0') {
                        self.byte()?;
                    } else {
                        open.push(Open::Pairs);
                        open.push(Open::Objects(2));
                    }
                }
                Open::Number => {
                    self.length()?;
                }
            }
        }
        Some(())
    }

    fn object(&mut self, open: &mut Vec<Open>) -> Option<()> {
        match self.byte()? & 0x7f {
            b'N' | b'F' | b'T' | b'S' | b'.' => {}
            b'i' | b'r' => {
                self.length()?;
            }
            b'I' | b'g' => {
                self.take(8)?;
            }
            b'y' => {
                self.take(16)?;
            }
            b'l' => {
                let raw: [u8; 4] = *self.take(4)?.first_chunk()?;
                let digits = usize::try_from(i32::from_le_bytes(raw).unsigned_abs()).ok()?;
                self.take(digits.checked_mul(2)?)?;
            }
            b's' => {
                let length = self.length()?;
                self.take(length)?;
            }
            b't' | b'u' | b'a' | b'A' => {
                let length = self.length()?;
                self.text(length)?;
            }
            b'z' | b'Z' => {
                let length = usize::from(self.byte()?);
                self.text(length)?;
            }
            b')' => {
                let count = usize::from(self.byte()?);
                open.push(Open::Objects(count));
            }
            b'(' | b'[' | b'<' | b'>' => {
                let count = self.length()?;
                open.push(Open::Objects((count <= self.rest.len()).then_some(count)?));
            }
            b'{' => open.push(Open::Pairs),
            b'c' => {
                // The first to be read is pushed last.
                let (numbers, objects, tables) = if self.new { (5, 8, 2) } else { (6, 8, 1) };
                open.push(Open::Objects(tables));
                open.push(Open::Number);
                open.push(Open::Objects(objects));
                open.extend((0..numbers).map(|_| Open::Number));
            }
            _ => return None,
        }
        Some(())
    }

    fn text(&mut self, length: usize) -> Option<()> {
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.out.push(text);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::{stands, texts};

    /// `def f(x): return x + 1`, as CPython 3.11 compiles it.
    const COMPILED: &[u8] = b"\xa7\x0d\x0d\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xf3\x0c\x00\x00\x00\x97\x00d\x00\x84\x00Z\x00d\x01S\x00)\x02c\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\xf3\x0c\x00\x00\x00\x97\x00|\x00d\x01z\x00\x00\x00S\x00)\x02N\xe9\x01\x00\x00\x00\xa9\x00)\x01\xda\x01xs\x01\x00\x00\x00 \xfa\x04u.py\xda\x01fr\x06\x00\x00\x00\x01\x00\x00\x00s\x0a\x00\x00\x00\x80\x00\x90\x11\x90Q\x91\x15\x88,\xf3\x00\x00\x00\x00N)\x01r\x06\x00\x00\x00r\x03\x00\x00\x00r\x07\x00\x00\x00r\x05\x00\x00\x00\xfa\x08<module>r\x08\x00\x00\x00\x01\x00\x00\x00s\x14\x00\x00\x00\xf0\x03\x01\x01\x01\xd8\x00\x16\xd0\x00\x16\xd0\x00\x16\xd0\x00\x16\xd0\x00\x16r\x07\x00\x00\x00";

    #[test]
    fn names_of_a_compiled_file_are_read() {
        let found = texts(COMPILED).unwrap();
        assert_eq!(found, ["x", "u.py", "f", "<module>"]);
        let source = "def f(x): return x + 1\n";
        assert!(found.iter().all(|text| stands(source, text)));
        assert!(!stands(source, "os") && !stands(source, "system") && stands(source, "f.<locals>.x"));
        assert_eq!(texts(&COMPILED[..COMPILED.len() - 1]), None);
        assert_eq!(texts(&[COMPILED, b"x"].concat()), None);
    }
}
