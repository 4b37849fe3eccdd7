//! The strict reader of HTTP/1.1 framing, in front of hyper.
//!
//! What two readers of one byte stream understand differently is how requests are smuggled. hyper is
//! memory-safe and lenient: it reads bare line feeds, drops a Content-Length beside Transfer-Encoding,
//! merges repeated lengths and accepts two Host headers, and by the time a service sees the request the
//! evidence is gone. So the bytes pass through here first. A head is released to hyper only when it is
//! complete and every rule below holds; a body only chunk by chunk. What any known server reads differently
//! is refused, not repaired (RFC 9112 sections 2.2, 3.2, 5, 6 and 7; RFC 9110 section 5.5).
//!
//! Bounded memory: one head of at most `head_bytes`, and nothing else is kept.

/// Limits on a request head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadLimits {
    /// Bytes of the whole head.
    pub bytes: usize,
    /// Number of header lines.
    pub headers: usize,
}

/// Why a byte stream is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The answer's status: 400 or 431.
    pub status: u16,
    /// Stable code for the audit record.
    pub code: &'static str,
    /// What the sender did, for the answer.
    pub message: &'static str,
}

const fn bad(code: &'static str, message: &'static str) -> Violation {
    Violation { status: 400, code, message }
}

/// Reads a connection's bytes, request after request.
#[derive(Debug)]
pub(crate) struct Framer {
    limits: HeadLimits,
    head: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Collecting a head.
    Head,
    /// In a body with so many bytes to come.
    Fixed(u64),
    /// In a chunk's size line: digits seen, size so far.
    Size {
        digits: u8,
        size: u64,
    },
    /// After the carriage return of a size line.
    SizeEnd {
        size: u64,
    },
    /// In a chunk's data.
    Data(u64),
    /// Expecting CR, then LF, after a chunk's data.
    DataCr,
    DataLf,
    /// After the last chunk: the empty line that ends the body.
    EndCr,
    EndLf,
}

impl Framer {
    pub(crate) fn new(limits: HeadLimits) -> Self {
        Self { limits, head: Vec::new(), state: State::Head }
    }

    /// Whether a head has begun and is not complete.
    pub(crate) fn in_head(&self) -> bool {
        self.state == State::Head && !self.head.is_empty()
    }

    /// Whether the stream is in, or between, heads: an answer can be written without cutting into a body.
    pub(crate) fn at_head(&self) -> bool {
        self.state == State::Head
    }

    /// Takes bytes from the peer and appends to `released` those that hyper may see.
    ///
    /// After a violation the connection is of no use any more.
    pub(crate) fn feed(&mut self, mut input: &[u8], released: &mut Vec<u8>) -> Result<(), Violation> {
        while let Some(&byte) = input.first() {
            match self.state {
                State::Head => {
                    let room = self.limits.bytes.saturating_sub(self.head.len());
                    let start = self.head.len().saturating_sub(3);
                    let taken = input.len().min(room);
                    self.head.extend_from_slice(input.get(..taken).unwrap_or_default());
                    let end =
                        find(self.head.get(start..).unwrap_or_default(), b"\r\n\r\n").map(|n| start + n + 4);
                    let Some(end) = end else {
                        early(&self.head, start)?;
                        if taken < input.len() || room == taken {
                            return Err(Violation {
                                status: 431,
                                code: "framing/head-too-large",
                                message: "the request head is larger than this gateway takes",
                            });
                        }
                        return Ok(());
                    };
                    let before = self.head.len() - taken;
                    input = input.get(end - before..).unwrap_or_default();
                    self.head.truncate(end);
                    self.state = head(&self.head, self.limits)?;
                    released.append(&mut self.head);
                }
                State::Fixed(left) | State::Data(left) => {
                    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                    released.extend_from_slice(input.get(..taken).unwrap_or_default());
                    input = input.get(taken..).unwrap_or_default();
                    let left = left - taken as u64;
                    self.state = match (self.state, left) {
                        (State::Fixed(_), 0) => State::Head,
                        (State::Fixed(_), left) => State::Fixed(left),
                        (_, 0) => State::DataCr,
                        (_, left) => State::Data(left),
                    };
                }
                _ => {
                    self.state = chunk_byte(self.state, byte)?;
                    released.push(byte);
                    input = input.get(1..).unwrap_or_default();
                }
            }
        }
        Ok(())
    }
}

/// What can be seen before a head is complete: a peer that never sends the empty line must not be waited
/// for when its first bytes are already wrong. Looks at the bytes from `from`, and at the first.
fn early(head: &[u8], from: usize) -> Result<(), Violation> {
    if head.first().is_some_and(|b| !b.is_ascii_uppercase()) {
        return Err(bad("framing/request-line", "the request does not begin with a method"));
    }
    let bare = head
        .get(from..)
        .unwrap_or_default()
        .windows(2)
        .any(|w| (w[1] == b'\n' && w[0] != b'\r') || (w[0] == b'\r' && w[1] != b'\n'));
    if bare {
        return Err(bad("framing/line-end", "lines end with CR LF, both of them"));
    }
    Ok(())
}

/// Chunked coding without its ornaments: no extensions, no trailers, CR LF everywhere, at most eight digits.
fn chunk_byte(state: State, byte: u8) -> Result<State, Violation> {
    let wrong = Err(bad("framing/chunk", "the chunked body is malformed, or has extensions or trailers"));
    match (state, byte) {
        (State::Size { digits, size }, b) if digits < 8 && b.is_ascii_hexdigit() => {
            let digit = char::from(b).to_digit(16).unwrap_or_default();
            Ok(State::Size { digits: digits + 1, size: size * 16 + u64::from(digit) })
        }
        (State::Size { digits: 1.., size }, b'\r') => Ok(State::SizeEnd { size }),
        (State::SizeEnd { size: 0 }, b'\n') => Ok(State::EndCr),
        (State::SizeEnd { size }, b'\n') => Ok(State::Data(size)),
        (State::DataCr, b'\r') => Ok(State::DataLf),
        (State::DataLf, b'\n') => Ok(State::Size { digits: 0, size: 0 }),
        (State::EndCr, b'\r') => Ok(State::EndLf),
        (State::EndLf, b'\n') => Ok(State::Head),
        _ => wrong,
    }
}

/// Judges a complete head and says how its body is framed.
fn head(bytes: &[u8], limits: HeadLimits) -> Result<State, Violation> {
    early(bytes, 0)?;
    let text = bytes.strip_suffix(b"\r\n\r\n").unwrap_or(bytes);
    let mut lines = split_lines(text);
    let method = request_line(lines.next().unwrap_or_default())?;
    let mut seen = Seen::default();
    for (count, line) in lines.enumerate() {
        if count >= limits.headers {
            return Err(Violation {
                status: 431,
                code: "framing/too-many-headers",
                message: "the request has more headers than this gateway takes",
            });
        }
        seen.header(line)?;
    }
    seen.body(method)
}

fn split_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    // `early` has seen to it that every LF follows a CR and every CR precedes an LF.
    text.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// `METHOD /path HTTP/1.1`, one space between, a path of plain characters. No query, no percent sign, no
/// empty, `.` or `..` part: no operation needs one, and every one of them has been a way round a check.
fn request_line(line: &[u8]) -> Result<&[u8], Violation> {
    let wrong = bad("framing/request-line", "the request line is not METHOD /path HTTP/1.1");
    let mut parts = line.split(|b| *b == b' ');
    let (method, target, version) = (parts.next(), parts.next(), parts.next());
    let (Some(method), Some(target), Some(version), None) = (method, target, version, parts.next()) else {
        return Err(wrong);
    };
    if method.is_empty() || method.len() > 16 || !method.iter().all(u8::is_ascii_uppercase) {
        return Err(wrong);
    }
    if version != b"HTTP/1.1" {
        return Err(bad("framing/version", "this gateway speaks HTTP/1.1"));
    }
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"/-._~".contains(b);
    let Some(path) = target.strip_prefix(b"/").filter(|path| path.iter().all(plain)) else {
        return Err(bad(
            "framing/target",
            "the target is a plain path: no scheme and host, no query, no percent sign",
        ));
    };
    let odd = |part: &[u8]| part.is_empty() || part == b"." || part == b"..";
    if !path.is_empty() && path.split(|b| *b == b'/').any(odd) {
        return Err(bad("framing/target", "the path has an empty, \".\" or \"..\" part"));
    }
    Ok(method)
}

/// The headers that decide about framing and identity, as met so far.
#[derive(Default)]
struct Seen {
    host: bool,
    length: Option<u64>,
    chunked: bool,
    authorization: bool,
    api_key: bool,
    approval: bool,
    content_type: bool,
}

impl Seen {
    fn header(&mut self, line: &[u8]) -> Result<(), Violation> {
        if line.first().is_some_and(|b| *b == b' ' || *b == b'\t') {
            return Err(bad("framing/folded-header", "a header is folded over two lines"));
        }
        let Some(colon) = line.iter().position(|b| *b == b':') else {
            return Err(bad("framing/header", "a header line has no colon"));
        };
        let (name, value) =
            (line.get(..colon).unwrap_or_default(), line.get(colon + 1..).unwrap_or_default());
        // Narrower than RFC 9110's token: an underscore is a hyphen to some servers, and nothing else is in use.
        if name.is_empty() || !name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-') {
            return Err(bad(
                "framing/header-name",
                "a header name has other characters than letters, digits and -",
            ));
        }
        if !value.iter().all(|b| (0x20..0x7f).contains(b) || *b == b'\t') {
            return Err(bad("framing/header-value", "a header value has control or non-ASCII characters"));
        }
        let value = value.trim_ascii();
        match name.to_ascii_lowercase().as_slice() {
            b"host" => {
                let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(b);
                if value.is_empty() || !value.iter().all(plain) {
                    return Err(bad("framing/host", "the Host header is not a plain host"));
                }
                once(&mut self.host, "framing/host", "there is more than one Host header")
            }
            b"content-length" => {
                let digits = !value.is_empty() && value.len() <= 18 && value.iter().all(u8::is_ascii_digit);
                let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                match (digits, number, self.length) {
                    (true, Some(number), None) => {
                        self.length = Some(number);
                        Ok(())
                    }
                    _ => Err(bad(
                        "framing/content-length",
                        "Content-Length is not one plain number, given once",
                    )),
                }
            }
            b"transfer-encoding" => {
                if !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(bad(
                        "framing/transfer-encoding",
                        "Transfer-Encoding is not exactly \"chunked\"",
                    ));
                }
                once(&mut self.chunked, "framing/transfer-encoding", "Transfer-Encoding is given twice")
            }
            b"authorization" => once(
                &mut self.authorization,
                "framing/repeated-header",
                "Authorization is given more than once",
            ),
            b"x-api-key" => {
                once(&mut self.api_key, "framing/repeated-header", "x-api-key is given more than once")
            }
            b"proofhouse-approval" => once(
                &mut self.approval,
                "framing/repeated-header",
                "Proofhouse-Approval is given more than once; separate approvals with spaces",
            ),
            b"content-type" => once(
                &mut self.content_type,
                "framing/repeated-header",
                "Content-Type is given more than once",
            ),
            // Naming another header here asks a proxy to drop it: Connection: authorization.
            b"connection" | b"proxy-connection" => {
                if value.eq_ignore_ascii_case(b"close") || value.eq_ignore_ascii_case(b"keep-alive") {
                    Ok(())
                } else {
                    Err(bad("framing/connection", "Connection is neither close nor keep-alive"))
                }
            }
            b"upgrade" | b"http2-settings" | b"trailer" => {
                Err(bad("framing/upgrade", "this gateway neither upgrades connections nor takes trailers"))
            }
            b"expect" if !value.eq_ignore_ascii_case(b"100-continue") => {
                Err(bad("framing/expect", "Expect is not 100-continue"))
            }
            _ => Ok(()),
        }
    }

    fn body(&self, method: &[u8]) -> Result<State, Violation> {
        if !self.host {
            return Err(bad("framing/host", "there is no Host header"));
        }
        let state = match (self.chunked, self.length) {
            (true, Some(_)) => {
                return Err(bad(
                    "framing/two-lengths",
                    "Content-Length and Transfer-Encoding exclude each other",
                ));
            }
            (true, None) => State::Size { digits: 0, size: 0 },
            (false, Some(length @ 1..)) => State::Fixed(length),
            (false, _) => State::Head,
        };
        if state != State::Head && method != b"POST" {
            return Err(bad("framing/unexpected-body", "only POST has a body here"));
        }
        Ok(state)
    }
}

fn once(seen: &mut bool, code: &'static str, message: &'static str) -> Result<(), Violation> {
    if std::mem::replace(seen, true) { Err(bad(code, message)) } else { Ok(()) }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: HeadLimits = HeadLimits { bytes: 1024, headers: 10 };

    fn read(input: &[u8]) -> Result<Vec<u8>, Violation> {
        let mut out = Vec::new();
        Framer::new(LIMITS).feed(input, &mut out).map(|()| out)
    }

    fn code(input: &str) -> &'static str {
        read(input.as_bytes()).expect_err(input).code
    }

    #[test]
    fn good_streams_pass_unchanged() {
        for stream in [
            "GET /v2/models/m/ready HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /x HTTP/1.1\r\nHost: a:80\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: [::1]:1\r\n\r\n",
            "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ] {
            assert_eq!(read(stream.as_bytes()).as_deref(), Ok(stream.as_bytes()));
        }
    }

    #[test]
    fn a_head_is_held_until_it_is_complete() {
        let mut framer = Framer::new(LIMITS);
        let mut out = Vec::new();
        framer.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r", &mut out).unwrap();
        assert!(out.is_empty() && framer.in_head());
        framer.feed(b"\n", &mut out).unwrap();
        assert_eq!(out, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(!framer.in_head() && framer.at_head());
    }

    #[test]
    fn limits_hold_at_their_edge() {
        let pad = |n: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(n));
        let fixed = pad(0).len();
        assert!(read(pad(1024 - fixed).as_bytes()).is_ok());
        assert_eq!(read(pad(1025 - fixed).as_bytes()).unwrap_err().status, 431);
        let many = |n: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(n));
        assert!(read(many(9).as_bytes()).is_ok());
        assert_eq!(code(&many(10)), "framing/too-many-headers");
    }

    #[test]
    fn garbage_is_refused_before_its_head_ends() {
        assert_eq!(code("\x16\x03\x01"), "framing/request-line");
        assert_eq!(code("GET / HTTP/1.1\nHost"), "framing/line-end");
    }

    proptest! {
        #[test]
        fn any_bytes_end_somewhere(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(out) = read(&bytes) {
                prop_assert!(bytes.starts_with(&out));
            }
        }

        #[test]
        fn where_a_stream_is_cut_changes_nothing(
            pieces in prop::collection::vec(prop_oneof![
                Just("GET / HTTP/1.1\r\n"), Just("POST /a HTTP/1.1\r\n"), Just("Host: a\r\n"), Just("\r\n"),
                Just("Content-Length: 5\r\n"), Just("Transfer-Encoding: chunked\r\n"), Just("5\r\n"), Just("0\r\n"),
                Just("hello"), Just("\n"), Just("\r"), Just(" "), Just("Connection: x\r\n"),
            ], 0..12),
            cuts in prop::collection::vec(1usize..9, 1..40),
        ) {
            let stream = pieces.concat();
            let mut framer = Framer::new(LIMITS);
            let (mut out, mut rest, mut result) = (Vec::new(), stream.as_bytes(), Ok(()));
            for cut in cuts.iter().cycle() {
                if rest.is_empty() || result.is_err() { break; }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                result = framer.feed(now, &mut out);
                rest = later;
            }
            let whole = read(stream.as_bytes());
            prop_assert_eq!(result.is_ok(), whole.is_ok());
            if let Ok(whole) = whole {
                prop_assert_eq!(out, whole);
            }
        }
    }
}
