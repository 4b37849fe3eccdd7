//! Sees whether a server answers in HTTP/1. What speaks no HTTP/2 breaks off, and all that is heard of it then is a
//! broken pipe: nobody would guess that the address is one of REST.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How an answer in HTTP/1 begins; no frame of HTTP/2 does, for it would have 4.7 MB.
const OLDER: &[u8] = b"HTTP/1.";

/// A stream whose first bytes are looked at.
pub(super) struct Greeted<S> {
    stream: S,
    looked: bool,
    older: Arc<AtomicBool>,
}

impl<S> Greeted<S> {
    /// The stream, and what will be known of how the server answers.
    pub(super) fn new(stream: S) -> (Self, Arc<AtomicBool>) {
        let older = Arc::new(AtomicBool::new(false));
        (Self { stream, looked: false, older: Arc::clone(&older) }, older)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Greeted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if !std::mem::replace(&mut self.looked, true) {
            let first = buffer.filled().get(before..).unwrap_or_default();
            self.older.store(first.starts_with(OLDER), Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Greeted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
