//! The access log: one line for each request, off unless the target `gilgal::access` is set to debug.

use hyper::body::Incoming;
use hyper::header::{HOST, HeaderValue};
use hyper::{Method, Request, StatusCode};
use std::time::Instant;

/// A request, as far as its line needs it.
#[derive(Debug)]
pub(super) struct AccessLine {
    method: Method,
    host: Option<HeaderValue>,
    path: String,
    started: Instant,
}

impl AccessLine {
    /// Notes what is gone later; `None` while the log is off. The query is left out: people put secrets there.
    pub(super) fn begin(request: &Request<Incoming>) -> Option<Self> {
        tracing::enabled!(target: "gilgal::access", tracing::Level::DEBUG).then(|| Self {
            method: request.method().clone(),
            host: request.headers().get(HOST).cloned(),
            path: request.uri().path().to_owned(),
            started: Instant::now(),
        })
    }

    /// Writes the line, once the head of the answer is known.
    pub(super) fn end(self, status: StatusCode, request_id: &HeaderValue) {
        tracing::debug!(
            target: "gilgal::access",
            method = %self.method,
            host = ?self.host,
            path = self.path,
            status = status.as_u16(),
            milliseconds = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            id = ?request_id,
        );
    }
}
