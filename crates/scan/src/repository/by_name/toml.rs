//! TOML (its specification, 1.0), read for its texts: each with the table and the key that it stands under, however it is
//! spelt: dotted, quoted, in line, over several lines or with escapes.
//!
//! What is malformed is skipped to the next line: readers of the format refuse the file, and nothing is installed by it.

use std::rc::Rc;

/// Texts of one file that are kept, and characters of a table's name: descriptions of projects have short ones.
const MOST: usize = 100_000;
const LONGEST_TABLE: usize = 512;
/// Values in each other.
const DEPTH: usize = 1_000;

/// A text of the file.
pub(crate) struct Entry {
    /// Names of the tables around it, with dots between them.
    pub(crate) table: Rc<str>,
    pub(crate) key: Rc<str>,
    pub(crate) value: String,
    /// Lines before it.
    pub(crate) line: u64,
}

/// The texts of a file, in their order.
pub(crate) fn texts(text: &str) -> Vec<Entry> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { rest: text, line: 0, entries: Vec::new(), open: Vec::new() };
    let mut place = Place { table: "".into(), key: "".into() };
    while reader.entries.len() < MOST {
        reader.skip();
        let Some(first) = reader.rest.chars().next() else { break };
        match (reader.open.last(), first) {
            (Some((Open::Array, _)), ']') | (Some((Open::Table, _)), '}') => {
                reader.advance(1);
                if let Some((_, outer)) = reader.open.pop() {
                    place = outer;
                }
            }
            (Some((Open::Array, _)), _) => reader.value(&mut place),
            (None, '[') => {
                reader.rest = reader.rest.trim_start_matches('[');
                place.table = reader.keys().join(".").into();
                reader.rest_of_line();
            }
            (Some((Open::Table, _)) | None, _) => {
                let mut keys = reader.keys();
                if !reader.rest.starts_with('=') {
                    reader.rest_of_line();
                    if let Some((_, outer)) = std::mem::take(&mut reader.open).into_iter().next() {
                        place = outer;
                    }
                    continue;
                }
                reader.advance(1);
                let key: Rc<str> = keys.pop().unwrap_or_default().into();
                // A table that is named in front of a key holds for that key alone.
                let outer = place.table.clone();
                if !keys.is_empty() {
                    place.table = within(&outer, &keys.join("."));
                }
                place.key = key;
                let deeper = reader.open.len();
                reader.value(&mut place);
                match reader.open.get_mut(deeper) {
                    Some((_, kept)) => kept.table = outer,
                    None => place.table = outer,
                }
            }
        }
    }
    reader.entries
}

fn within(table: &str, name: &str) -> Rc<str> {
    let whole = if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") };
    whole.chars().take(LONGEST_TABLE).collect::<String>().into()
}

/// Where the next text belongs.
#[derive(Clone)]
struct Place {
    table: Rc<str>,
    key: Rc<str>,
}

enum Open {
    Array,
    Table,
}

struct Reader<'t> {
    rest: &'t str,
    line: u64,
    entries: Vec<Entry>,
    /// What is open around the next value, and where what follows it belongs.
    open: Vec<(Open, Place)>,
}

impl Reader<'_> {
    fn advance(&mut self, bytes: usize) {
        let (gone, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.line += gone.matches('\n').count() as u64;
        self.rest = rest;
    }

    fn rest_of_line(&mut self) {
        self.advance(self.rest.find('\n').unwrap_or(self.rest.len()));
    }

    /// Blanks, ends of lines, comments, and commas between values.
    fn skip(&mut self) {
        loop {
            let body = self.rest.trim_start_matches([' ', '\t', '\r', '\n', ',']);
            self.advance(self.rest.len() - body.len());
            if !self.rest.starts_with('#') {
                return;
            }
            self.rest_of_line();
        }
    }

    /// Names with dots between them.
    fn keys(&mut self) -> Vec<String> {
        let mut keys = Vec::new();
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            let quoted = self.rest.starts_with(['"', '\'']);
            let key = if quoted { self.text() } else { self.bare() };
            keys.push(key.chars().take(LONGEST_TABLE).collect());
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            match self.rest.strip_prefix('.') {
                Some(rest) => self.rest = rest,
                None => return keys,
            }
        }
    }

    fn bare(&mut self) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let (key, rest) = self.rest.split_at(self.rest.find(|c| !plain(c)).unwrap_or(self.rest.len()));
        self.rest = rest;
        key.to_owned()
    }

    fn value(&mut self, place: &mut Place) {
        self.skip();
        let open = match self.rest.chars().next() {
            Some('"' | '\'') => {
                let line = self.line;
                let value = self.text();
                let Place { table, key } = place.clone();
                self.entries.push(Entry { table, key, value, line });
                return;
            }
            Some('[') if self.open.len() < DEPTH => Open::Array,
            Some('{') if self.open.len() < DEPTH => Open::Table,
            _ => {
                let end = self.rest.find([',', ']', '}', '\n', '#']).unwrap_or(self.rest.len());
                return self.advance(end);
            }
        };
        self.advance(1);
        let outer = place.clone();
        if matches!(open, Open::Table) {
            place.table = within(&place.table, &place.key);
        }
        self.open.push((open, outer));
    }

    /// A text in quotes of any kind.
    fn text(&mut self) -> String {
        let quote = if self.rest.starts_with('"') { "\"" } else { "'" };
        let long = quote.repeat(3);
        let mark = if self.rest.starts_with(&long) { long.as_str() } else { quote };
        self.advance(mark.len());
        let end = self.end(mark);
        let raw = self.rest.get(..end).unwrap_or_default();
        let value = if quote == "'" {
            raw.to_owned()
        } else {
            crate::lines::unescaped(raw).replace("\\\"", "\"").replace("\\\\", "\\")
        };
        self.advance((end + mark.len()).min(self.rest.len()));
        value
    }

    /// How long the text is that `mark` ends.
    fn end(&self, mark: &str) -> usize {
        let mut escaped = false;
        for (at, byte) in self.rest.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if mark.starts_with('"') => escaped = true,
                // A text of one line ends with it.
                b'\n' if mark.len() == 1 => return at,
                _ if self.rest.as_bytes().get(at..).is_some_and(|rest| rest.starts_with(mark.as_bytes())) => {
                    return at;
                }
                _ => {}
            }
        }
        self.rest.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_the_place_that_tomllib_gives_them() {
        let text = "a = 'x'\n[t.\"u.v\"] # c\nb.c = \"y\\u003a\\\n   z\"\nd = [1, 'p', {e = \"\"\"\nq\"\"\", f.g = 'r'}] # c\nh = {i = ['s'], j = 't'}\nk = 'end'\n[[l]]\nm = 2020-01-01\nn = '''o'''\n";
        let read: Vec<String> =
            texts(text).iter().map(|e| format!("{}|{}={:?}", e.table, e.key, e.value)).collect();
        assert_eq!(
            read,
            [
                "|a=\"x\"",
                "t.u.v.b|c=\"y:z\"",
                "t.u.v|d=\"p\"",
                "t.u.v.d|e=\"\\nq\"",
                "t.u.v.d.f|g=\"r\"",
                "t.u.v.h|i=\"s\"",
                "t.u.v.h|j=\"t\"",
                "t.u.v|k=\"end\"",
                "l|n=\"o\"",
            ]
        );
    }

    #[test]
    fn what_is_malformed_ends() {
        for text in ["a", "a = [", "a = {b = [{", "[", "= 'x'", "a = \"x", "a.\nb = 'c'", "}]\n", "'"] {
            texts(&text.repeat(1000));
        }
    }
}
