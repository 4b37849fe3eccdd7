//! The body of an answer: looked at a last time when hyper takes a piece of it.
//!
//! A model's answer comes in one piece or as a stream. Either way each piece is released under the same
//! rule: the request is counted (module `quarantine`), the gate is read, and only then the piece goes to
//! hyper, which holds it under the connection's [`Outbox`] until the socket has taken it. A stream is pulled
//! by hyper and by nobody else: a client that does not read stops the upstream, and one that goes away drops
//! it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::chat::relay::{Cut, Relay};
use crate::quarantine::{InFlight, Outbox};
use crate::server::Inner;

pub(crate) struct Payload {
    pieces: Source,
    /// Nothing where the words are the gateway's own.
    leaving: Option<Leaving>,
}

enum Source {
    One(Option<Bytes>),
    Many(Box<Relay>),
}

/// What a model's answer needs to leave.
pub(crate) struct Leaving {
    pub in_flight: Arc<InFlight>,
    pub outbox: Arc<Outbox>,
    pub inner: Arc<Inner>,
}

impl Payload {
    /// The gateway's own words.
    pub(crate) fn own(bytes: Bytes) -> Self {
        Self { pieces: Source::One(Some(bytes)), leaving: None }
    }

    /// A model's answer in one piece.
    pub(crate) fn whole(bytes: Bytes, leaving: Leaving) -> Self {
        Self { pieces: Source::One(Some(bytes)), leaving: Some(leaving) }
    }

    /// A model's answer as it is made.
    pub(crate) fn stream(relay: Box<Relay>, leaving: Leaving) -> Self {
        Self { pieces: Source::Many(relay), leaving: Some(leaving) }
    }
}

fn quarantined() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the model was quarantined")
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let (piece, is_last) = match &mut self.pieces {
            Source::One(bytes) => (bytes.take(), true),
            Source::Many(relay) => match ready!(relay.poll_piece(cx)).transpose() {
                Ok(piece) => (piece, false),
                Err(Cut) => return Poll::Ready(Some(Err(quarantined()))),
            },
        };
        let Some(bytes) = piece else {
            self.leaving = None;
            return Poll::Ready(None);
        };
        if let Some(Leaving { in_flight, outbox, inner }) = &self.leaving {
            if in_flight.gate().is_closed() {
                return Poll::Ready(Some(Err(quarantined())));
            }
            // From here until the flush the socket's own check guards these bytes.
            outbox.push(in_flight);
            inner.metrics.released.inc();
        }
        if is_last {
            self.leaving = None;
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.pieces, Source::One(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.pieces {
            Source::One(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Source::Many(_) => SizeHint::default(),
        }
    }
}
