//! A connection whose other end has to take what is sent to it.

use crate::api::passing::STALLED;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How long the other end of a connection may take nothing: half a minute, unless what is said over it is to wait longer.
#[derive(Clone)]
pub(super) struct Patience(Arc<RwLock<Duration>>);

impl Default for Patience {
    fn default() -> Self {
        Self(Arc::new(RwLock::new(STALLED)))
    }
}

impl Patience {
    /// Holds from when the next bytes have to wait.
    pub(super) fn set(&self, time: Duration) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = time;
    }

    fn get(&self) -> Duration {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that ends when nothing of what waits to be written is taken for as long as its [`Patience`]. Without it a client that asks
/// and never reads keeps its place, and what was to be sent, until the system gives it up, which may be never.
pub(super) struct Patient {
    stream: TcpStream,
    patience: Patience,
    /// There while something waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    pub(super) const fn new(stream: TcpStream, patience: Patience) -> Self {
        Self { stream, patience, stalled: None }
    }

    fn watched<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = &self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience.get())));
        stalled.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watched(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watched(context, written)
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    #[tokio::test]
    async fn who_takes_nothing_is_waited_for_as_long_as_is_set() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut silent = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let patience = Patience::default();
        assert_eq!(patience.get(), STALLED);
        let mut patient = Patient::new(listener.accept().await.unwrap().0, patience.clone());
        patience.set(Duration::from_millis(300));
        let begin = Instant::now();
        let error = patient.write_all(&vec![0; 64 * 1024 * 1024]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begin.elapsed() >= Duration::from_millis(300));
        silent.shutdown().await.unwrap();
    }
}
