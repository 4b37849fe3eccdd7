//! An answer as the model makes it: read event by event, scanned, judged, and written again.
//!
//! Text leaves as far as the scanner lets it. Calls do not leave while they are written: they are put
//! together, judged when the turn is complete, and only then written out, whole, or withheld with a word
//! about why. Whatever the upstream does (garbage, an early end, silence, more than it was asked for), the
//! caller's stream ends in the words of its protocol.
//!
//! Nothing here runs by itself: hyper pulls the pieces (module `payload`), so a client that does not read
//! stops the upstream and one that leaves drops it. All events that are ready are written as one piece,
//! because hyper writes to the socket once for each.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as _, Incoming};
use proofhouse_dialogue::StopReason;
use proofhouse_dialogue::json::Limits;
use proofhouse_dialogue::wire::{
    AssembleError, Protocol, StreamEvent, StreamReader, StreamWriter, TurnAssembler, Usage,
};
use tokio::time::{Instant, Sleep, sleep};

use super::exchange::{Exchange, failed, note_findings};
use super::{Scanned, Scanning};
use crate::audit::Draft;
use crate::budget::Reservation;
use crate::quarantine::Gate;
use crate::refusal::{Refusal, Shape};
use crate::server::UnderWay;

/// Bytes that are gathered before a piece is handed on although more would be ready.
const PIECE: usize = 16 * 1024;

/// Largest event of a stream that is read.
const EVENT_BYTES: usize = 1 << 20;

/// The answer was cut off, and its framing with it.
pub(crate) struct Cut;

pub(crate) struct Relay {
    exchange: Exchange,
    /// Dropped when the stream ends, and the upstream's work with it.
    upstream: Option<Incoming>,
    reader: StreamReader,
    writer: StreamWriter,
    assembler: Option<TurnAssembler>,
    voices: BTreeMap<(u32, Voice), Box<dyn Scanning>>,
    begun: bool,
    /// Something that the model thought was replaced.
    thought_redacted: bool,
    usage: Usage,
    out: Vec<u8>,
    bytes_out: u64,
    state: State,
    gate: Arc<Gate>,
    closing: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Runs while the upstream says nothing.
    idle: Pin<Box<Sleep>>,
    deadline: Pin<Box<Sleep>>,
    /// Runs while the client hears nothing.
    heartbeat: Pin<Box<Sleep>>,
    reservation: Option<Reservation>,
    draft: Option<Draft>,
    _under_way: Option<UnderWay>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Ended,
    Quarantined,
}

/// Kinds of text in one answer. Each has a scanner, because what one holds back is not the beginning of what
/// another says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Voice {
    Thought,
    Text,
    Refusal,
}

/// Why a stream ends before the model has finished.
enum End {
    /// An output rule cut it.
    Filtered,
    /// It is longer than its tokens can be.
    Ceiling,
    /// It cannot go on.
    Refused(Refusal),
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Relay {
    pub(crate) fn new(
        exchange: Exchange,
        upstream: Incoming,
        gate: &Arc<Gate>,
        reservation: Reservation,
        response_bytes: u64,
    ) -> Self {
        let limits = &exchange.chat.limits;
        Self {
            reader: StreamReader::new(
                exchange.protocol,
                Limits { bytes: EVENT_BYTES, ..Limits::default() },
                usize::try_from(response_bytes).unwrap_or(usize::MAX),
            ),
            writer: StreamWriter::new(exchange.protocol, exchange.wants_usage),
            assembler: Some(TurnAssembler::new(exchange.ceiling())),
            voices: BTreeMap::new(),
            begun: false,
            thought_redacted: false,
            usage: Usage::default(),
            out: Vec::new(),
            bytes_out: 0,
            state: State::Running,
            closing: Box::pin({
                let gate = Arc::clone(gate);
                async move { gate.closing().await }
            }),
            gate: Arc::clone(gate),
            idle: Box::pin(sleep(limits.idle_timeout)),
            deadline: Box::pin(sleep(limits.stream_timeout)),
            heartbeat: Box::pin(sleep(limits.heartbeat)),
            reservation: Some(reservation),
            draft: None,
            _under_way: None,
            exchange,
            upstream: Some(upstream),
        }
    }

    /// From here on the record of the request is kept by the stream, and closed with it.
    pub(crate) fn keep(&mut self, draft: Draft, under_way: UnderWay) {
        self.draft = Some(draft);
        self._under_way = Some(under_way);
    }

    /// The next piece; nothing once the stream has ended.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        if self.state == State::Running && self.deadline.as_mut().poll(cx).is_ready() {
            self.end(End::Refused(Refusal::LATE));
        }
        loop {
            if self.state != State::Quarantined && self.closing.as_mut().poll(cx).is_ready() {
                self.state = State::Quarantined;
                self.upstream = None;
                self.close(&Refusal::QUARANTINED);
            }
            if self.state == State::Quarantined {
                return Poll::Ready(Some(Err(Cut)));
            }
            if self.out.len() >= PIECE || (self.state == State::Ended && !self.out.is_empty()) {
                return Poll::Ready(Some(Ok(self.piece())));
            }
            if self.state == State::Ended {
                return Poll::Ready(None);
            }
            let Some(upstream) = &mut self.upstream else { return Poll::Ready(None) };
            match Pin::new(upstream).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let wait = self.exchange.chat.limits.idle_timeout;
                    self.idle.as_mut().reset(Instant::now() + wait);
                    if let Ok(bytes) = frame.into_data() {
                        self.take(&bytes);
                    }
                }
                Poll::Ready(Some(Err(_))) => self.end(End::Refused(Refusal::BROKEN)),
                Poll::Ready(None) => self.end(End::Refused(Refusal::TRUNCATED)),
                Poll::Pending if !self.out.is_empty() => return Poll::Ready(Some(Ok(self.piece()))),
                Poll::Pending => {
                    if self.idle.as_mut().poll(cx).is_ready() {
                        self.end(End::Refused(Refusal::LATE));
                    } else if self.heartbeat.as_mut().poll(cx).is_ready() {
                        self.out.extend_from_slice(heartbeat(self.exchange.protocol));
                    } else {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    fn piece(&mut self) -> Bytes {
        let wait = self.exchange.chat.limits.heartbeat;
        self.heartbeat.as_mut().reset(Instant::now() + wait);
        self.bytes_out += self.out.len() as u64;
        Bytes::from(std::mem::take(&mut self.out))
    }

    fn take(&mut self, bytes: &[u8]) {
        let events = self.reader.push(bytes).map_err(|error| {
            tracing::debug!(%error, "a stream is not in the protocol");
            End::Refused(Refusal::GARBLED)
        });
        let done = events.and_then(|events| {
            for event in events {
                if self.event(event)? {
                    return Ok(true);
                }
            }
            Ok(false)
        });
        match done {
            Ok(true) => {
                self.state = State::Ended;
                self.upstream = None;
                self.finished("ok");
            }
            Ok(false) => {}
            Err(end) => self.end(end),
        }
    }

    /// Takes one event; true when it was the last.
    fn event(&mut self, event: StreamEvent) -> Result<bool, End> {
        if let Some(assembler) = &mut self.assembler {
            assembler.push(&event).map_err(|error| match error {
                AssembleError::TooLarge(_) => End::Ceiling,
                AssembleError::Server(_) => End::Refused(Refusal::UPSTREAM_ERROR),
                error => {
                    tracing::debug!(%error, "a stream makes no answer");
                    End::Refused(Refusal::GARBLED)
                }
            })?;
        }
        match event {
            StreamEvent::Start { .. } => self.begin()?,
            StreamEvent::Text { choice, text } => self.speak(choice, Voice::Text, &text)?,
            StreamEvent::Refusal { choice, text } => self.speak(choice, Voice::Refusal, &text)?,
            StreamEvent::Reasoning { choice, text } => self.speak(choice, Voice::Thought, &text)?,
            StreamEvent::ReasoningSignature { choice, signature } => self.sign(choice, signature)?,
            // Nobody here can read what is sealed.
            StreamEvent::ReasoningSealed { .. } => {
                self.note(&Scanned { findings: vec!["sealed"], ..Scanned::default() })
            }
            StreamEvent::Usage(usage) => self.usage = usage,
            StreamEvent::Done => {
                self.conclude()?;
                return Ok(true);
            }
            StreamEvent::Error(_) => return Err(End::Refused(Refusal::UPSTREAM_ERROR)),
            // Calls are put together by the assembler and leave once they are judged; the turn has
            // stopped when all of it has.
            _ => {}
        }
        Ok(false)
    }

    fn begin(&mut self) -> Result<(), End> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        self.write(&StreamEvent::Start {
            id: self.exchange.answer_id(),
            model: self.exchange.model.clone(),
            created: self.exchange.created,
            input: self.usage.input,
        })
    }

    fn speak(&mut self, choice: u32, voice: Voice, text: &str) -> Result<(), End> {
        if u64::from(choice) >= self.exchange.choices {
            return Err(Refusal::GARBLED.into());
        }
        self.begin()?;
        let scanner = match self.voices.entry((choice, voice)) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => entry.insert(self.exchange.scanner()?),
        };
        let scanned = scanner.push(text).map_err(failed)?;
        self.release(choice, voice, scanned)
    }

    /// Ends what a voice says.
    fn hush(&mut self, choice: u32, voice: Voice) -> Result<(), End> {
        let Some(mut scanner) = self.voices.remove(&(choice, voice)) else { return Ok(()) };
        let rest = scanner.finish().map_err(failed)?;
        self.release(choice, voice, rest)
    }

    fn release(&mut self, choice: u32, voice: Voice, scanned: Scanned) -> Result<(), End> {
        self.note(&scanned);
        self.thought_redacted |= voice == Voice::Thought && !scanned.findings.is_empty();
        if !scanned.text.is_empty() {
            let text = scanned.text;
            self.write(&match voice {
                Voice::Thought => StreamEvent::Reasoning { choice, text },
                Voice::Text => StreamEvent::Text { choice, text },
                Voice::Refusal => StreamEvent::Refusal { choice, text },
            })?;
        }
        if scanned.cut { Err(End::Filtered) } else { Ok(()) }
    }

    /// The provider's proof holds for the words it signed and for no others.
    fn sign(&mut self, choice: u32, signature: String) -> Result<(), End> {
        self.hush(choice, Voice::Thought)?;
        if !self.thought_redacted {
            self.write(&StreamEvent::ReasoningSignature { choice, signature })?;
        }
        Ok(())
    }

    /// The model has finished: what was held back leaves, and its calls are judged.
    fn conclude(&mut self) -> Result<(), End> {
        self.begin()?;
        while let Some((choice, voice)) = self.voices.keys().next().copied() {
            self.hush(choice, voice)?;
        }
        let Some(assembler) = self.assembler.take() else { return Err(Refusal::GARBLED.into()) };
        let response = assembler.finish().map_err(|error| {
            tracing::debug!(%error, "a stream makes no answer");
            Refusal::GARBLED
        })?;
        if response.answers.len() as u64 > self.exchange.choices {
            return Err(Refusal::GARBLED.into());
        }
        self.usage = response.usage;
        let mut unrecorded = super::ChatRecord::default();
        for (choice, mut answer) in (0_u32..).zip(response.answers) {
            // The scanner has let it out; what is left to judge are the calls.
            let spoke = !std::mem::take(&mut answer.turn.text).is_empty();
            let record = self.draft.as_mut().map_or(&mut unrecorded, Draft::chat);
            let released = self.exchange.judge(answer.turn, choice, record)?;
            if let Some(explanation) = released.explanation {
                let text = if spoke { format!("\n\n{explanation}") } else { explanation };
                self.write(&StreamEvent::Text { choice, text })?;
            }
            for (n, call) in (0_u32..).zip(released.calls) {
                let arguments = serde_json::to_string(&call.arguments).map_err(|_| Refusal::GARBLED)?;
                self.write(&StreamEvent::CallStart { choice, call: n, id: call.id, name: call.name })?;
                self.write(&StreamEvent::CallArguments { choice, call: n, text: arguments })?;
            }
            self.write(&StreamEvent::Stop { choice, reason: released.stop })?;
        }
        self.write(&StreamEvent::Usage(self.usage))?;
        self.write(&StreamEvent::Done)
    }

    fn write(&mut self, event: &StreamEvent) -> Result<(), End> {
        let bytes = self.writer.write(event).map_err(|error| {
            tracing::debug!(%error, "an answer cannot be said in its protocol");
            Refusal::GARBLED
        })?;
        self.out.extend_from_slice(&bytes);
        Ok(())
    }

    /// Says in the stream what would have been the answer before it.
    fn say(&mut self, refusal: &Refusal) {
        let (event, shape) = match self.exchange.protocol {
            Protocol::Openai => ("", Shape::OpenAi),
            Protocol::Anthropic => ("event: error\n", Shape::Anthropic),
        };
        let error = refusal.value(shape, &self.exchange.request_id);
        self.out.extend_from_slice(format!("{event}data: {error}\n\n").as_bytes());
    }

    fn note(&mut self, scanned: &Scanned) {
        if let Some(draft) = &mut self.draft {
            note_findings(&self.exchange.metrics, scanned, draft.chat());
        }
    }

    /// Ends the stream early, in the words of its protocol. What scanners hold back stays back.
    fn end(&mut self, end: End) {
        self.state = State::Ended;
        self.upstream = None;
        self.voices.clear();
        let (reason, refusal) = match end {
            End::Filtered => (StopReason::Filtered, Refusal::FILTERED),
            End::Ceiling => (StopReason::Length, Refusal::OVER_CEILING),
            End::Refused(refusal) => {
                self.say(&refusal);
                return self.close(&refusal);
            }
        };
        let written = self.begin().and_then(|()| {
            for choice in 0..u32::try_from(self.exchange.choices).unwrap_or(1) {
                self.write(&StreamEvent::Stop { choice, reason })?;
            }
            self.write(&StreamEvent::Usage(self.usage))?;
            self.write(&StreamEvent::Done)
        });
        if let Err(End::Refused(refusal)) = written {
            self.say(&refusal);
        }
        // Its usage will never be known, so what was reserved is charged.
        self.finished(refusal.code);
    }

    /// Notes that the stream ended for this reason. What was reserved stays charged.
    fn close(&mut self, refusal: &Refusal) {
        self.exchange.metrics.ended(self.exchange.protocol, refusal.code);
        if let Some(draft) = &mut self.draft {
            draft.end(refusal.status, refusal.code);
        }
        self.books();
    }

    fn finished(&mut self, code: &'static str) {
        self.exchange.metrics.ended(self.exchange.protocol, code);
        if let Some(draft) = &mut self.draft {
            draft.end(200, code);
        }
        if code == "ok"
            && let (Some(reservation), Some(draft)) = (self.reservation.take(), &mut self.draft)
        {
            self.exchange.settle(reservation, self.usage, draft.chat());
        }
        self.books();
    }

    fn books(&mut self) {
        if let Some(draft) = &mut self.draft {
            draft.record.bytes_out = self.bytes_out + self.out.len() as u64;
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if self.state == State::Running && self.gate.is_closed() {
            // The connection was cut for what it still held, before this was asked for another piece.
            self.close(&Refusal::QUARANTINED);
        } else if self.state == State::Running {
            // The client is gone, or did not read. The record says so already; the sizes are added.
            self.exchange.metrics.ended(self.exchange.protocol, "client/gone");
            self.books();
        }
    }
}

/// What a client of the protocol passes over.
const fn heartbeat(protocol: Protocol) -> &'static [u8] {
    match protocol {
        Protocol::Openai => b": waiting\n\n",
        Protocol::Anthropic => b"event: ping\ndata: {\"type\": \"ping\"}\n\n",
    }
}
