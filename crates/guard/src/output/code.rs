//! Where in Markdown's code the text is (CommonMark 0.31, 4.5 and 6.1): fences of backticks and spans.
//!
//! Advanced by one character at a time, so that it never depends on how the text was cut. A span ends with its
//! line: nobody turns the rest of an answer into code with one backtick.

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Code {
    within: Within,
    /// Backticks that stand directly before, and whether only spaces stand before them in their line.
    run: usize,
    leads: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Within {
    #[default]
    Text,
    /// After so many backticks; text after all, unless as many follow in its line.
    Span(usize),
    /// After a line that begins with so many.
    Fence(usize),
}

impl Code {
    /// What the next character, which is no backtick, stands in.
    pub(super) const fn within(self) -> Within {
        self.closed().within
    }

    /// Whether every character has to be passed.
    pub(super) const fn is_busy(self) -> bool {
        self.run > 0 || matches!(self.within, Within::Span(_))
    }

    /// Passes a character; `before` is what stands before it.
    pub(super) fn pass(&mut self, c: char, before: &[u8]) {
        if c == '`' {
            if self.run == 0 {
                let indent = before.iter().rev().take(4).take_while(|b| **b == b' ').count();
                let line = before.len() == indent || before.get(before.len() - indent - 1) == Some(&b'\n');
                self.leads = indent < 4 && line;
            }
            self.run += 1;
            return;
        }
        *self = self.closed();
        if c == '\n' && matches!(self.within, Within::Span(_)) {
            self.within = Within::Text;
        }
    }

    /// After a run of backticks that has come to its end.
    const fn closed(self) -> Self {
        let within = match (self.run, self.within) {
            (0, within) => within,
            (run, Within::Text) if run >= 3 && self.leads => Within::Fence(run),
            (run, Within::Text) => Within::Span(run),
            (run, Within::Span(opened)) if run == opened => Within::Text,
            (run, Within::Fence(opened)) if run >= opened && self.leads => Within::Text,
            (_, within) => within,
        };
        Self { within, run: 0, leads: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with what stands in code in capitals.
    fn shown(text: &str) -> String {
        let mut code = Code::default();
        text.char_indices()
            .map(|(at, c)| {
                let inside = c != '`' && code.within() != Within::Text;
                code.pass(c, &text.as_bytes()[..at]);
                if inside { c.to_ascii_uppercase() } else { c }
            })
            .collect()
    }

    #[test]
    fn spans_and_fences_are_code() {
        for (text, expected) in [
            ("a `b` c", "a `B` c"),
            ("a ``b ` c`` d", "a ``B ` C`` d"),
            ("a `b\nc` d\ne", "a `B\nc` D\ne"),
            ("```sh\na `b`\n```\nc", "```SH\nA `B`\n```\nc"),
            ("a\n  ````\nb\n```\nc\n````\nd", "a\n  ````\nB\n```\nC\n````\nd"),
            ("a ```b``` c", "a ```B``` c"),
            ("plain", "plain"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }
}
