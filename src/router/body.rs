//! Bodies on their way through: streamed, counted, and never kept.

use crate::router::connection::Connection;
use crate::router::problem::Problem;
use crate::router::target::InFlight;
use crate::router::turn::Answering;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Why the body of a request did not arrive as a whole. Found again in the source chain of hyper's error.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body is larger than allowed")]
    TooLarge,
    #[error("the client did not send the whole body")]
    Client(#[source] hyper::Error),
}

/// The body of a request, on its way to an instance.
#[derive(Debug)]
pub(super) struct RequestBody(Option<Upload>);

#[derive(Debug)]
struct Upload {
    incoming: Incoming,
    left: u64,
    progress: Arc<Progress>,
}

/// How an upload goes, for whoever decides that somebody is too slow.
#[derive(Debug, Default)]
pub(super) struct Progress {
    frames: AtomicU64,
    waiting_for_client: AtomicBool,
}

impl Progress {
    /// Parts of the body that have arrived so far.
    pub(super) fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Whether the instance would take more of the body than the client has sent.
    pub(super) fn is_waiting_for_client(&self) -> bool {
        self.waiting_for_client.load(Ordering::Relaxed)
    }
}

impl RequestBody {
    /// No body at all.
    pub(super) const EMPTY: Self = Self(None);

    /// A body of at most `limit` bytes, and how it goes. Without any bytes to come there is nothing to watch.
    pub(super) fn new(incoming: Incoming, limit: Option<u64>) -> (Self, Option<Arc<Progress>>) {
        if incoming.is_end_stream() {
            return (Self::EMPTY, None);
        }
        let progress = Arc::new(Progress::default());
        let upload = Upload { incoming, left: limit.unwrap_or(u64::MAX), progress: Arc::clone(&progress) };
        (Self(Some(upload)), Some(progress))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(upload) = &mut self.0 else { return Poll::Ready(None) };
        let polled = Pin::new(&mut upload.incoming).poll_frame(context);
        upload.progress.waiting_for_client.store(polled.is_pending(), Ordering::Relaxed);
        let frame = match ready!(polled) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(BodyError::Client(error)))),
            None => return Poll::Ready(None),
        };
        upload.progress.frames.fetch_add(1, Ordering::Relaxed);
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match upload.left.checked_sub(length) {
            Some(left) => upload.left = left,
            None => return Poll::Ready(Some(Err(BodyError::TooLarge))),
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|upload| upload.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |upload| upload.incoming.size_hint())
    }
}

/// The connection that an answer comes over, and the request's place among the target's.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) in_flight: InFlight,
    pub(super) connection: Connection,
}

impl Lease {
    /// Gives the connection back to the pool and ends the request.
    fn release(self) {
        self.in_flight.target().pool().put(self.connection);
    }
}

/// The body of an answer, on its way to the client.
#[derive(Debug)]
pub(super) struct ResponseBody {
    content: Content,
    /// Ends the request on the client's connection once the body is gone.
    pub(super) answering: Option<Answering>,
}

#[derive(Debug)]
enum Content {
    /// From the instance. The lease is gone once the last byte has passed.
    App { incoming: Incoming, lease: Option<Lease> },
    /// One of our own pages, until it is sent; or nothing.
    Page(Option<Bytes>),
}

impl ResponseBody {
    pub(super) fn from_app(incoming: Incoming, lease: Lease) -> Self {
        Self { content: Content::App { incoming, lease: Some(lease) }, answering: None }
    }

    pub(super) fn page(text: String) -> Self {
        Self { content: Content::Page(Some(Bytes::from(text))), answering: None }
    }

    pub(super) fn empty() -> Self {
        Self { content: Content::Page(None), answering: None }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.get_mut().content {
            Content::Page(page) => Poll::Ready(page.take().map(|page| Ok(Frame::data(page)))),
            Content::App { incoming, lease } => {
                let frame = ready!(Pin::new(incoming).poll_frame(context));
                if frame.is_none()
                    && let Some(lease) = lease.take()
                {
                    lease.release();
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Page(page) => page.is_none(),
            Content::App { incoming, .. } => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Page(page) => SizeHint::with_exact(page.as_ref().map_or(0, |page| page.len() as u64)),
            Content::App { incoming, .. } => incoming.size_hint(),
        }
    }
}

impl Drop for ResponseBody {
    /// hyper stops asking once the announced length has passed, so the end may be seen only here. Dropped before the
    /// end, when the client has gone, the connection is closed with the lease: what is still to come has no reader.
    fn drop(&mut self) {
        if let Content::App { incoming, lease } = &mut self.content
            && incoming.is_end_stream()
            && let Some(lease) = lease.take()
        {
            lease.release();
        }
    }
}

/// Waits for the app's answer as long as it may take, counted anew whenever a part of the body has arrived: an upload
/// takes as long as the client's line needs.
pub(super) async fn wait_for_head<F: Future>(
    limit: Duration,
    progress: Option<&Progress>,
    sending: F,
) -> Result<F::Output, Problem> {
    let mut sending = pin!(sending);
    loop {
        let frames = progress.map(Progress::frames);
        if let Ok(sent) = tokio::time::timeout(limit, sending.as_mut()).await {
            return Ok(sent);
        }
        if progress.map(Progress::frames) == frames {
            let client_is_late = progress.is_some_and(Progress::is_waiting_for_client);
            return Err(if client_is_late { Problem::ClientTooSlow } else { Problem::TooSlow });
        }
    }
}
