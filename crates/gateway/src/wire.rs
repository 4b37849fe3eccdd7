//! A client's socket as hyper sees it: read through the strict framing, written under the quarantine.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use crate::framing::{Framer, HeadLimits, Violation};
use crate::quarantine::Outbox;

const READ_BYTES: usize = 16 * 1024;

/// How long a closed connection is still read from.
const LINGER: Duration = Duration::from_millis(500);

pub(crate) struct Wire {
    stream: TcpStream,
    framer: Framer,
    /// Bytes that passed and that hyper has not taken yet, from `taken` on.
    released: Vec<u8>,
    taken: usize,
    violation: Option<Violation>,
    outbox: Arc<Outbox>,
    /// Runs while the peer takes nothing of what is written.
    stalled: Option<Pin<Box<Sleep>>>,
    write_timeout: Duration,
}

impl Wire {
    pub(crate) fn new(
        stream: TcpStream,
        limits: HeadLimits,
        write_timeout: Duration,
        outbox: Arc<Outbox>,
    ) -> Self {
        Self {
            stream,
            framer: Framer::new(limits),
            released: Vec::new(),
            taken: 0,
            violation: None,
            outbox,
            stalled: None,
            write_timeout,
        }
    }

    /// What the peer did wrong in a request head, which nothing has answered yet.
    pub(crate) fn unanswered_violation(&self) -> Option<Violation> {
        self.violation.filter(|_| self.framer.at_head())
    }

    /// Whether the peer began a head and did not end it.
    pub(crate) fn is_waiting_for_head(&self) -> bool {
        self.framer.in_head()
    }

    /// Writes a last answer, which may be empty, and closes.
    ///
    /// A socket closed with unread bytes resets the connection and takes the answer with it: a caller whose
    /// body was too large would never read why. So what still arrives is read away for a moment.
    pub(crate) async fn finish(mut self, answer: &[u8]) {
        let closing = async {
            self.stream.write_all(answer).await?;
            self.stream.shutdown().await?;
            let mut sink = [0; 4096];
            while self.stream.read(&mut sink).await? > 0 {}
            io::Result::Ok(())
        };
        // The peer may be gone or endless; either way the connection is over.
        let _ = tokio::time::timeout(LINGER, closing).await;
    }

    /// Closes so that what the kernel still holds is thrown away.
    pub(crate) fn abort(self) {
        // Failing to set the option leaves an ordinary close, which the quarantine has already counted out.
        let _ = self.stream.set_zero_linger();
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let this = &mut *self;
            let waiting = this.released.get(this.taken..).unwrap_or_default();
            if !waiting.is_empty() {
                let now = waiting.len().min(buf.remaining());
                buf.put_slice(waiting.get(..now).unwrap_or_default());
                this.taken += now;
                if this.taken == this.released.len() {
                    this.released.clear();
                    this.taken = 0;
                }
                return Poll::Ready(Ok(()));
            }
            if let Some(violation) = this.violation {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, violation.code)));
            }
            let mut bytes = [0; READ_BYTES];
            let mut read = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.violation = this.framer.feed(read.filled(), &mut this.released).err();
        }
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        // The last look before bytes leave: an answer of a model that was quarantined meanwhile stays here,
        // and with it the connection, because its framing can no longer be kept.
        if self.outbox.is_tainted() {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the model was quarantined",
            )));
        }
        let this = &mut *self;
        if let Poll::Ready(written) = Pin::new(&mut this.stream).poll_write(cx, buf) {
            this.stalled = None;
            return Poll::Ready(written);
        }
        // A peer that asks and never reads would keep its connection, and an answer, for ever.
        let stalled = this.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(this.write_timeout)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper asks for this when its buffer is empty, so whatever was handed to it has been written.
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.outbox.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
