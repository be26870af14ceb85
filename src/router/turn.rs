//! Whose turn it is on an HTTP/1 connection, and a time limit for clients that send a request's head byte by byte; and
//! whether an HTTP/2 connection is in use.
//!
//! hyper has one limit for the head and for the wait before it. The wait may be long: a connection that is kept open
//! saves the next request a round trip. The head may not.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::Sleep;

/// Counts up when a request's head is complete and again when its answer is: even while the client is to speak.
#[derive(Debug, Default)]
pub(super) struct Turn(AtomicU64);

impl Turn {
    /// Not a plain count: should a request ever end without a word, the next one still begins at an odd number.
    pub(super) fn request_began(&self) {
        self.0.fetch_or(1, Ordering::Relaxed);
    }

    fn request_ended(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of the head that the client may send now; `None` while it is being answered.
    fn awaited_head(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|count| count % 2 == 0)
    }
}

/// Ends a request when it is dropped.
#[derive(Debug)]
pub(super) enum Answering {
    Http1(Arc<Turn>),
    Http2(Streams),
}

impl Drop for Answering {
    fn drop(&mut self) {
        match self {
            Self::Http1(turn) => turn.request_ended(),
            Self::Http2(streams) => streams.0.send_modify(|open| *open -= 1),
        }
    }
}

/// How many requests of an HTTP/2 connection are being answered. Its pings count for nothing.
#[derive(Debug, Clone)]
pub(super) struct Streams(watch::Sender<usize>);

impl Streams {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    pub(super) fn begin(&self) -> Answering {
        self.0.send_modify(|open| *open += 1);
        Answering::Http2(self.clone())
    }

    /// Ends when no request has begun for so long since the last one ended.
    pub(super) async fn idle_for(&self, limit: Duration) {
        let mut open = self.0.subscribe();
        loop {
            // The sender is here: none of the two can fail.
            drop(open.wait_for(|open| *open == 0).await);
            if tokio::time::timeout(limit, open.changed()).await.is_err() {
                return;
            }
        }
    }
}

/// A client's connection that fails to be read when a head takes longer than the limit, from its first byte on.
#[derive(Debug)]
pub(super) struct TimedHeads<S> {
    stream: S,
    turn: Arc<Turn>,
    limit: Duration,
    begun: Option<Begun>,
}

/// A head of which a part has arrived.
#[derive(Debug)]
struct Begun {
    head: u64,
    /// Started when more of it has to be waited for: most heads come as one piece and need no timer.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedHeads<S> {
    pub(super) fn new(stream: S, turn: Arc<Turn>, limit: Duration) -> Self {
        Self { stream, turn, limit, begun: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedHeads<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        let awaited = self.turn.awaited_head();
        if self.begun.as_ref().map(|begun| begun.head) != awaited {
            self.begun = None;
        }
        let limit = self.limit;
        match (&polled, awaited, &mut self.begun) {
            (Poll::Ready(_), Some(head), None) => self.begun = Some(Begun { head, deadline: None }),
            (Poll::Pending, _, Some(begun)) => {
                let deadline = begun.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
                if deadline.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
            }
            (Poll::Ready(_) | Poll::Pending, _, _) => {}
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedHeads<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
