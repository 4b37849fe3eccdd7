//! Server-sent events (the HTML standard, section 9.2), as far as chat protocols use them.

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// Its type; empty where none is given.
    pub event: String,
    /// Its data, lines joined.
    pub data: String,
}

/// Why bytes are no events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// An event, or a line of it, that does not end.
    #[error("an event has more than {0} bytes")]
    TooLarge(usize),
    /// Bytes that are no text.
    #[error("it is not UTF-8")]
    Utf8,
}

/// Reads events from bytes that come in any pieces.
#[derive(Debug)]
pub struct SseDecoder {
    /// Bytes of an event at most.
    limit: usize,
    line: Vec<u8>,
    /// Whether the last byte was a carriage return, which a line feed may follow.
    returned: bool,
    started: bool,
    event: String,
    data: Option<String>,
}

impl SseDecoder {
    /// A decoder for events of at most `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { limit, line: Vec::new(), returned: false, started: false, event: String::new(), data: None }
    }

    /// Reads on; returns the events that ended.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>, SseError> {
        let mut events = Vec::new();
        for byte in bytes {
            let returned = std::mem::replace(&mut self.returned, *byte == b'\r');
            match byte {
                b'\n' if returned => {}
                b'\n' | b'\r' => events.extend(self.end_of_line()?),
                other => {
                    self.line.push(*other);
                    if self.line.len() + self.data.as_ref().map_or(0, String::len) > self.limit {
                        return Err(SseError::TooLarge(self.limit));
                    }
                }
            }
        }
        Ok(events)
    }

    /// Whether the bytes so far end between two events.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.line.is_empty() && self.data.is_none()
    }

    fn end_of_line(&mut self) -> Result<Option<SseEvent>, SseError> {
        let line = std::mem::take(&mut self.line);
        let mut line = std::str::from_utf8(&line).map_err(|_| SseError::Utf8)?;
        if !std::mem::replace(&mut self.started, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return Ok(self.data.take().map(|data| SseEvent { event, data }));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match (field, &mut self.data) {
            ("event", _) => value.clone_into(&mut self.event),
            ("data", Some(data)) => {
                data.push('\n');
                data.push_str(value);
            }
            ("data", empty) => *empty = Some(value.to_owned()),
            // Comments begin with the colon; `id` and `retry` mean nothing to a chat.
            _ => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str =
        "\u{feff}: hello\r\nevent: a\r\ndata: 1\r\ndata:  zwölf\r\n\r\ndata: [DONE]\n\nid: 3\rdata\r\r";

    fn whole() -> Vec<SseEvent> {
        let event = |event: &str, data: &str| SseEvent { event: event.into(), data: data.into() };
        vec![event("a", "1\n zwölf"), event("", "[DONE]"), event("", "")]
    }

    #[test]
    fn every_line_end_ends_a_line() {
        let mut decoder = SseDecoder::new(1000);
        assert_eq!(decoder.push(STREAM.as_bytes()), Ok(whole()));
        assert!(decoder.is_between());
        assert_eq!(decoder.push(b"data: x"), Ok(vec![]));
        assert!(!decoder.is_between());
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut decoder = SseDecoder::new(10);
        assert_eq!(decoder.push(b"data: 1234567"), Err(SseError::TooLarge(10)));
        assert_eq!(SseDecoder::new(10).push(b"\xff\n"), Err(SseError::Utf8));
    }

    proptest! {
        #[test]
        fn the_pieces_do_not_matter(cuts in proptest::collection::vec(0..STREAM.len(), 0..8)) {
            let mut cuts = cuts;
            cuts.extend([0, STREAM.len()]);
            cuts.sort_unstable();
            let mut decoder = SseDecoder::new(1000);
            let mut events = Vec::new();
            for pair in cuts.windows(2) {
                events.extend(decoder.push(&STREAM.as_bytes()[pair[0]..pair[1]]).unwrap());
            }
            prop_assert_eq!(events, whole());
        }
    }
}
