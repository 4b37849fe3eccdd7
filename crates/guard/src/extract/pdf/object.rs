//! The objects of PDF (ISO 32000-2, 7.3) and the tokens they and the contents of pages are made of.
//!
//! Nothing recurses: containers that are open stand on a stack of their own. What is broken ends early,
//! as readers do it; nothing here fails.

use std::collections::BTreeMap;
use std::rc::Rc;

/// How deep arrays and dictionaries may stand in each other.
const MOST_NESTING: usize = 64;
/// Most objects in one array or dictionary, with what stands in it.
const MOST_ELEMENTS: usize = 1 << 20;

/// An object. Copies share what is large.
#[derive(Debug, Clone, Default)]
pub(super) enum Object {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    Text(Rc<[u8]>),
    Name(Rc<str>),
    Array(Rc<[Object]>),
    Dict(Dict),
    Ref(u32),
    Stream(Stream),
}

/// A dictionary.
#[derive(Debug, Clone, Default)]
pub(super) struct Dict(Rc<BTreeMap<Rc<str>, Object>>);

/// A stream: its dictionary and where its bytes stand in the file.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub dict: Dict,
    pub at: usize,
    pub length: usize,
}

impl Dict {
    pub(super) fn new(entries: BTreeMap<Rc<str>, Object>) -> Self {
        Self(Rc::new(entries))
    }

    pub(super) fn get(&self, key: &str) -> Option<&Object> {
        self.0.get(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Object)> {
        self.0.iter().map(|(key, value)| (&**key, value))
    }
}

impl Object {
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(n) => Some(*n as f64),
            Self::Real(n) => Some(*n),
            _ => None,
        }
    }

    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(*n),
            Self::Real(n) if n.abs() < 1e15 => Some(*n as i64),
            _ => None,
        }
    }

    pub(super) fn size(&self) -> Option<usize> {
        self.integer().and_then(|n| usize::try_from(n).ok())
    }

    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn array(&self) -> &[Self] {
        match self {
            Self::Array(values) => values,
            _ => &[],
        }
    }

    /// The dictionary of a dictionary or a stream; an empty one of anything else.
    pub(super) fn dict(&self) -> Dict {
        match self {
            Self::Dict(dict) => dict.clone(),
            Self::Stream(stream) => stream.dict.clone(),
            _ => Dict::default(),
        }
    }
}

/// What stands next.
#[derive(Debug)]
pub(super) enum Item<'a> {
    Object(Object),
    /// An operator or a word of the file's own structure.
    Word(&'a [u8]),
    End,
}

enum Token<'a> {
    Object(Object),
    Word(&'a [u8]),
    Open(Container),
    Close,
    End,
}

#[derive(Clone, Copy)]
enum Container {
    Array,
    Dict,
}

/// Reads objects and words.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    data: &'a [u8],
    pub at: usize,
    /// Whether `7 0 R` is a reference: in files it is, in the contents of pages it is not.
    references: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn of_file(data: &'a [u8], at: usize) -> Self {
        Self { data, at, references: true }
    }

    pub(super) fn of_contents(data: &'a [u8], at: usize) -> Self {
        Self { data, at, references: false }
    }

    pub(super) fn item(&mut self) -> Item<'a> {
        let mut open: Vec<(Container, Vec<Object>)> = Vec::new();
        let mut elements = 0;
        loop {
            let start = self.at;
            let object = match self.token() {
                Token::Object(object) => object,
                Token::Word(b"null") => Object::Null,
                Token::Word(b"true") => Object::Bool(true),
                Token::Word(b"false") => Object::Bool(false),
                Token::Word(word) if open.is_empty() => return Item::Word(word),
                // A word within a container: it was never closed. So was one where everything ends.
                Token::Word(_) => {
                    self.at = start;
                    closed(&mut open)
                }
                Token::End if open.is_empty() => return Item::End,
                Token::End => closed(&mut open),
                Token::Open(_) if open.len() >= MOST_NESTING => {
                    self.at = self.data.len();
                    return Item::End;
                }
                Token::Open(container) => {
                    open.push((container, Vec::new()));
                    continue;
                }
                Token::Close if open.is_empty() => continue,
                Token::Close => closed(&mut open),
            };
            elements += 1;
            if elements > MOST_ELEMENTS {
                self.at = self.data.len();
                return Item::End;
            }
            match open.last_mut() {
                Some((_, values)) => values.push(object),
                None => return Item::Object(object),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.data.get(self.at + ahead).copied()
    }

    fn token(&mut self) -> Token<'a> {
        self.skip_space();
        let Some(first) = self.peek(0) else {
            return Token::End;
        };
        match first {
            b'[' => self.open(1, Container::Array),
            b'<' if self.peek(1) == Some(b'<') => self.open(2, Container::Dict),
            b'<' => Token::Object(Object::Text(self.hexadecimal())),
            b'>' if self.peek(1) == Some(b'>') => self.close(2),
            b']' | b'>' => self.close(1),
            b'(' => Token::Object(Object::Text(self.literal())),
            b'/' => Token::Object(Object::Name(self.name())),
            b')' | b'{' | b'}' => {
                self.at += 1;
                Token::Word(b"{}")
            }
            _ => self.word(),
        }
    }

    fn open(&mut self, length: usize, container: Container) -> Token<'a> {
        self.at += length;
        Token::Open(container)
    }

    fn close(&mut self, length: usize) -> Token<'a> {
        self.at += length;
        Token::Close
    }

    pub(super) fn skip_space(&mut self) {
        while let Some(byte) = self.peek(0) {
            if byte == b'%' {
                while !matches!(self.peek(0), None | Some(b'\n' | b'\r')) {
                    self.at += 1;
                }
            } else if is_space(byte) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    fn regular(&mut self) -> &'a [u8] {
        let start = self.at;
        while self.peek(0).is_some_and(is_regular) {
            self.at += 1;
        }
        self.data.get(start..self.at).unwrap_or_default()
    }

    fn word(&mut self) -> Token<'a> {
        let word = self.regular();
        let Some(number) = number(word) else {
            return Token::Word(word);
        };
        if self.references
            && let Object::Int(target) = number
            && let Ok(target) = u32::try_from(target)
        {
            let mut ahead = self.clone();
            ahead.skip_space();
            let generation = ahead.regular();
            if !generation.is_empty() && generation.len() < 6 && generation.iter().all(u8::is_ascii_digit) {
                ahead.skip_space();
                if ahead.regular() == b"R" {
                    self.at = ahead.at;
                    return Token::Object(Object::Ref(target));
                }
            }
        }
        Token::Object(number)
    }

    fn name(&mut self) -> Rc<str> {
        self.at += 1;
        let raw = self.regular();
        let mut name = String::new();
        let mut rest = raw;
        while let [first, tail @ ..] = rest {
            rest = tail;
            if *first == b'#'
                && let [high, low, tail @ ..] = tail
                && let (Some(high), Some(low)) = (digit(*high), digit(*low))
            {
                name.push(char::from(high * 16 + low));
                rest = tail;
            } else {
                name.push(char::from(*first));
            }
        }
        name.into()
    }

    fn hexadecimal(&mut self) -> Rc<[u8]> {
        self.at += 1;
        let mut digits = Vec::new();
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            if byte == b'>' {
                break;
            }
            digits.extend(digit(byte));
        }
        digits
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => high * 16 + low,
                [high] => high * 16,
                _ => 0,
            })
            .collect()
    }

    fn literal(&mut self) -> Rc<[u8]> {
        self.at += 1;
        let mut out = Vec::new();
        let mut depth = 1usize;
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match byte {
                b'(' => depth += 1,
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                b'\\' => {
                    self.escape(&mut out);
                    continue;
                }
                _ => {}
            }
            out.push(byte);
        }
        out.into()
    }

    fn escape(&mut self, out: &mut Vec<u8>) {
        let Some(byte) = self.peek(0) else {
            return;
        };
        self.at += 1;
        match byte {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'\r' => {
                if self.peek(0) == Some(b'\n') {
                    self.at += 1;
                }
            }
            b'\n' => {}
            b'0'..=b'7' => {
                let mut value = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(next @ b'0'..=b'7') = self.peek(0) else {
                        break;
                    };
                    value = value * 8 + u32::from(next - b'0');
                    self.at += 1;
                }
                out.push((value & 0xff) as u8);
            }
            other => out.push(other),
        }
    }
}

/// Closes the innermost container.
fn closed(open: &mut Vec<(Container, Vec<Object>)>) -> Object {
    match open.pop() {
        Some((Container::Array, values)) => Object::Array(values.into()),
        Some((Container::Dict, values)) => {
            let mut entries = BTreeMap::new();
            let mut values = values.into_iter();
            while let Some(key) = values.next() {
                if let Object::Name(key) = key {
                    entries.insert(key, values.next().unwrap_or_default());
                }
            }
            Object::Dict(Dict::new(entries))
        }
        None => Object::Null,
    }
}

fn number(word: &[u8]) -> Option<Object> {
    if !word.iter().any(u8::is_ascii_digit)
        || !word.iter().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.'))
    {
        return None;
    }
    let text = std::str::from_utf8(word).ok()?;
    if let Ok(n) = text.parse::<i64>() {
        return Some(Object::Int(n));
    }
    // `--5` and `1.2-3` are written by some programs and read by most.
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let text = text.trim_start_matches(['-', '+']);
    let text = text.split(['-', '+']).next().unwrap_or_default();
    let end = text.match_indices('.').nth(1).map_or(text.len(), |(at, _)| at);
    Some(Object::Real(sign * text.get(..end)?.parse::<f64>().unwrap_or(0.0)))
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

const fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}
