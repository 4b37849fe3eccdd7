//! Where in Markdown, HTML or CSS the text is: whether a link destination comes next, and whether it is
//! fetched by itself.
//!
//! Advanced by one character at a time, so that it never depends on how the text was cut. It errs towards
//! *destination* and *fetched*: a relative word in such a place is judged and passes.

use crate::link::LinkPlace;

/// Nested brackets that are remembered; more count as images.
const BRACKETS: usize = 16;
/// Longest name of a tag or attribute that matters.
const NAME: usize = 12;
/// Longest tag; after that it was none.
const TAG: usize = 8192;

/// A place where a destination stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Destination {
    pub place: LinkPlace,
    pub ends: Ends,
    /// Whether HTML's escapes hold, or Markdown's as well.
    pub html: bool,
}

/// What ends a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// This byte.
    With(u8),
    /// A space, or the end of the tag.
    Space,
    /// A candidate of `srcset`: a space, a comma, or the quote.
    Candidate(u8),
    /// A space or the closing parenthesis.
    Parenthesis,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Markup {
    state: State,
    /// For each open bracket whether an exclamation mark stands before it.
    brackets: Vec<bool>,
    /// Whether the bracket just closed was an image's.
    image: bool,
    previous: Option<char>,
}

#[derive(Debug, Clone, Default, PartialEq)]
enum State {
    #[default]
    Text,
    /// After `]`.
    Closed,
    /// After `](`, `]:` or `url(`: a destination, perhaps after spaces, `<` or a quote.
    Expected {
        place: LinkPlace,
        html: bool,
        opened: bool,
    },
    /// In front of a destination with known end.
    At(Destination),
    /// After `<`.
    Angle,
    Tag(Tag),
}

#[derive(Debug, Clone, PartialEq)]
struct Tag {
    name: String,
    part: Part,
    attribute: String,
    bytes: usize,
    /// A destination begins at the next character.
    destination: Option<Destination>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Name,
    Between,
    Attribute,
    /// After `=`.
    Equals,
    /// Within a value, with its quote or a space.
    Value(u8),
}

impl Markup {
    /// The destination that begins at the next character.
    pub(crate) fn destination(&self) -> Option<Destination> {
        match &self.state {
            State::At(destination) => Some(*destination),
            State::Expected { place, html, opened } => Some(Destination {
                place: *place,
                ends: if *opened { Ends::With(b'>') } else { Ends::Parenthesis },
                html: *html,
            }),
            State::Tag(tag) => tag.destination,
            _ => None,
        }
    }

    /// Whether a destination may begin at the next character, whatever it is.
    pub(crate) fn expects_link(&self) -> bool {
        self.destination().is_some()
    }

    /// Whether every character has to be passed.
    pub(crate) fn is_busy(&self) -> bool {
        self.state != State::Text
    }

    /// Passes a character; `before` is what stands before it.
    pub(crate) fn pass(&mut self, c: char, before: &[u8]) {
        let state = std::mem::take(&mut self.state);
        self.state = match state {
            State::Closed if c == '(' => State::Expected { place: self.place(), html: false, opened: false },
            // A definition may serve an image.
            State::Closed if c == ':' => {
                State::Expected { place: LinkPlace::Fetched, html: false, opened: false }
            }
            State::Expected { place, html, opened: false } if c.is_whitespace() => {
                State::Expected { place, html, opened: false }
            }
            State::Expected { place, html, opened: false } if c == '<' => {
                State::Expected { place, html, opened: true }
            }
            State::Expected { place, html: true, .. } if c == '"' || c == '\'' => {
                State::At(Destination { place, ends: Ends::With(c as u8), html: true })
            }
            State::Angle if c.is_ascii_alphabetic() => State::Tag(Tag {
                name: c.to_ascii_lowercase().to_string(),
                part: Part::Name,
                attribute: String::new(),
                bytes: 0,
                destination: None,
            }),
            State::Tag(tag) => tag.pass(c, before).map_or(State::Text, State::Tag),
            _ => self.begin(c, before),
        };
        self.previous = Some(c);
    }

    fn place(&self) -> LinkPlace {
        if self.image { LinkPlace::Fetched } else { LinkPlace::Clicked }
    }

    fn begin(&mut self, c: char, before: &[u8]) -> State {
        match c {
            '[' => {
                if self.brackets.len() < BRACKETS {
                    self.brackets.push(before.last() == Some(&b'!'));
                }
                State::Text
            }
            ']' => {
                // Where brackets were not counted any more, be strict.
                self.image = self.brackets.pop().unwrap_or(true);
                State::Closed
            }
            '(' if ends_with(before, b"url") => {
                State::Expected { place: LinkPlace::Fetched, html: true, opened: false }
            }
            '<' => State::Angle,
            _ => State::Text,
        }
    }
}

impl Tag {
    /// Passes a character; nothing once the tag has ended.
    fn pass(mut self, c: char, before: &[u8]) -> Option<Self> {
        self.destination = None;
        self.bytes += c.len_utf8();
        if self.bytes > TAG {
            return None;
        }
        let space = c.is_whitespace() || c == '/';
        match self.part {
            Part::Value(quote) if c as u32 == u32::from(quote) || quote == b' ' && c.is_whitespace() => {
                self.part = Part::Between;
            }
            Part::Value(b' ') if c == '>' => return None,
            Part::Value(quote) => self.destination = self.within(c, before, quote),
            Part::Equals if c == '"' || c == '\'' => {
                self.part = Part::Value(c as u8);
                self.destination = self.leads().map(|place| self.at(place, c as u8));
            }
            Part::Equals if c.is_whitespace() => self.destination = self.unquoted(),
            _ if c == '>' => return None,
            // The value began with this character, which was judged before it was passed.
            Part::Equals => self.part = Part::Value(b' '),
            Part::Name if space => self.part = Part::Between,
            Part::Name => push(&mut self.name, c),
            Part::Between | Part::Attribute if c == '=' => {
                self.part = Part::Equals;
                self.destination = self.unquoted();
            }
            Part::Attribute if space => self.part = Part::Between,
            Part::Between if space => {}
            Part::Between => {
                self.attribute.clear();
                push(&mut self.attribute, c);
                self.part = Part::Attribute;
            }
            Part::Attribute => push(&mut self.attribute, c),
        }
        Some(self)
    }

    /// Destinations inside a value: the next candidate of `srcset`, what a refresh or a style names.
    fn within(&self, c: char, before: &[u8], quote: u8) -> Option<Destination> {
        let fetched = |ends| Some(Destination { place: LinkPlace::Fetched, ends, html: true });
        match (self.attribute.as_str(), c) {
            ("srcset" | "imagesrcset", ',') => fetched(Ends::Candidate(quote)),
            ("srcset" | "imagesrcset", c) if c.is_whitespace() => fetched(Ends::Candidate(quote)),
            ("content", '=') if ends_with(before, b"url") => fetched(Ends::With(quote)),
            (_, '(') if ends_with(before, b"url") => fetched(Ends::Parenthesis),
            (_, '"' | '\'') if ends_with(before, b"url(") => fetched(Ends::With(c as u8)),
            _ => None,
        }
    }

    fn unquoted(&self) -> Option<Destination> {
        self.leads().map(|place| Destination { place, ends: Ends::Space, html: true })
    }

    fn at(&self, place: LinkPlace, quote: u8) -> Destination {
        let ends = match self.attribute.as_str() {
            "srcset" | "imagesrcset" => Ends::Candidate(quote),
            _ => Ends::With(quote),
        };
        Destination { place, ends, html: true }
    }

    /// Where the attribute leads, if it does.
    fn leads(&self) -> Option<LinkPlace> {
        let leads = matches!(
            self.attribute.as_str(),
            "href"
                | "xlink:href"
                | "src"
                | "srcset"
                | "imagesrcset"
                | "poster"
                | "background"
                | "action"
                | "formaction"
                | "data"
                | "cite"
                | "longdesc"
                | "manifest"
                | "ping"
                | "codebase"
                | "lowsrc"
                | "dynsrc"
        );
        let clicked = matches!(
            self.name.as_str(),
            "a" | "area" | "form" | "button" | "blockquote" | "q" | "del" | "ins"
        );
        leads.then_some(if clicked { LinkPlace::Clicked } else { LinkPlace::Fetched })
    }
}

fn push(name: &mut String, c: char) {
    if name.len() < NAME {
        name.push(c.to_ascii_lowercase());
    } else {
        // Longer than any that matters; it must not be taken for one.
        name.replace_range(.., "…");
    }
}

fn ends_with(before: &[u8], what: &[u8]) -> bool {
    before.len() >= what.len() && before[before.len() - what.len()..].eq_ignore_ascii_case(what)
}
