//! Where a line of Python ends in the middle of something: IPython looks for magics and commands at the beginning of
//! statements alone, so that a `%` in a text over several lines is one of its letters.

/// What is open behind the lines so far.
#[derive(Debug, Default)]
pub(super) struct Open {
    /// The quote of a text over several lines, three of which end it.
    text: Option<char>,
    brackets: usize,
    /// The last line goes on behind a backslash.
    goes_on: bool,
}

/// What a line ends in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    Code,
    Comment,
    Text,
}

impl Open {
    /// Whether the next line goes on with a statement.
    pub(super) fn is_open(&self) -> bool {
        self.text.is_some() || self.brackets > 0 || self.goes_on
    }

    /// Reads a line of Python.
    pub(super) fn read(&mut self, line: &str) -> End {
        let mut rest = line;
        self.goes_on = false;
        loop {
            if let Some(quote) = self.text {
                match end_of_text(rest, quote) {
                    Some(behind) => rest = behind,
                    None => return End::Text,
                }
                self.text = None;
            }
            let Some(at) = rest.find(['\'', '"', '#', '(', '[', '{', ')', ']', '}', '\\']) else {
                return End::Code;
            };
            let (found, behind) = rest.get(at..).unwrap_or_default().split_at(1);
            match found {
                "#" => return End::Comment,
                "(" | "[" | "{" => self.brackets += 1,
                ")" | "]" | "}" => self.brackets = self.brackets.saturating_sub(1),
                "\\" => self.goes_on = behind.trim_end().is_empty(),
                quote => {
                    let letter = quote.chars().next().unwrap_or('"');
                    match behind.strip_prefix(&*quote.repeat(2)) {
                        Some(text) => {
                            self.text = Some(letter);
                            rest = text;
                        }
                        // A text of one line ends with it, closed or not.
                        None => rest = end_of_line_text(behind, letter),
                    }
                    continue;
                }
            }
            rest = behind;
        }
    }
}

/// What stands behind the three quotes that end a text.
fn end_of_text(text: &str, quote: char) -> Option<&str> {
    let mut at = 0;
    while let Some(found) = text.get(at..)?.find([quote, '\\']) {
        let here = text.get(at + found..)?;
        if here.starts_with('\\') {
            // Whatever stands behind it is a letter of the text.
            at += found + 1 + here.chars().nth(1).map_or(0, char::len_utf8);
        } else if let Some(behind) = here.get(3..).filter(|_| here.chars().take(3).all(|c| c == quote)) {
            return Some(behind);
        } else {
            at += found + 1;
        }
    }
    None
}

fn end_of_line_text(text: &str, quote: char) -> &str {
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            _ if letter == quote => return text.get(at + letter.len_utf8()..).unwrap_or_default(),
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_brackets_and_backslashes_go_on() {
        for (lines, open, end) in [
            (&["x = 1"][..], false, End::Code),
            (&["x = 'a#' # (b"], false, End::Comment),
            (&["x = '''"], true, End::Text),
            (&["x = '''", "%s", "''' + f(", "1)"], false, End::Code),
            (&["x = \"\"\"a\\\"\"\"", "\"\"\""], false, End::Code),
            (&["f(1,"], true, End::Code),
            (&["f('('", ")"], false, End::Code),
            (&["x = 1 + \\"], true, End::Code),
            (&["x = 'it\\'s'"], false, End::Code),
            (&["x = 'open"], false, End::Code),
            (&["x = ''"], false, End::Code),
            (&["x = '\\\\' + \"\"\"é\\"], true, End::Text),
            (&["x = '", "'''", "'''"], false, End::Code),
        ] {
            let mut state = Open::default();
            let last = lines.iter().map(|line| state.read(line)).last();
            assert_eq!((state.is_open(), last), (open, Some(end)), "{lines:?}");
        }
    }
}
