//! What every request passes on its way in and out: its id, its line in the log, the headers that protect browsers.

use crate::api::cors::Cors;
use crate::api::error::ApiError;
use crate::api::origin::Ends;
use crate::config::Mode;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Instant;
use tower_service::Service;
use tracing::Instrument;
use uuid::Uuid;
use warp::http::header::{HeaderName, HeaderValue};
use warp::http::{HeaderMap, Request};
use warp::reply::Response;

/// Names a request in its answer, in the body of an error and in the log.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Nothing here is a page, may be framed, guessed at or kept. A front door that serves pages sets its own.
const SECURITY_HEADERS: [(HeaderName, HeaderValue); 6] = [
    header("cache-control", "no-store"),
    header("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    header("cross-origin-resource-policy", "same-origin"),
    header("referrer-policy", "no-referrer"),
    header("x-content-type-options", "nosniff"),
    header("x-frame-options", "DENY"),
];

const fn header(name: &'static str, value: &'static str) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), HeaderValue::from_static(value))
}

/// A handler broke its promise not to panic.
#[derive(Debug, thiserror::Error)]
#[error("the handler panicked")]
struct Panicked;

/// Answers one request that came over a connection with a service.
pub(super) async fn answer<S, B>(
    mut service: S,
    mut request: Request<B>,
    ends: Ends,
    mode: Mode,
    cors: Cors,
) -> Response
where
    S: Service<Request<B>, Response = Response, Error = std::convert::Infallible>,
{
    let id = request_id(request.headers());
    request.headers_mut().insert(REQUEST_ID, id.clone());
    request.extensions_mut().insert(ends);
    let peer = ends.peer;
    let shown = id.to_str().unwrap_or_default().to_owned();
    // The path alone: a query may hold what somebody should not have put there.
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = tracing::info_span!("request", id = shown, %method, path, %peer, user = tracing::field::Empty);
    async move {
        let begin = Instant::now();
        let allowed = cors.allowed(request.headers());
        let preflight = allowed.as_ref().and_then(|_| Cors::preflight(request.method(), request.headers()));
        let mut response = match preflight {
            Some(response) => response,
            None => match AssertUnwindSafe(service.call(request)).catch_unwind().await {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(_) => ApiError::internal(Panicked).into_response(mode, &shown),
            },
        };
        cors.mark(allowed, response.headers_mut());
        let headers = response.headers_mut();
        for (name, value) in SECURITY_HEADERS {
            headers.entry(name).or_insert(value);
        }
        headers.insert(REQUEST_ID, id);
        let milliseconds = begin.elapsed().as_millis();
        tracing::info!(status = response.status().as_u16(), milliseconds, "answered");
        response
    }
    .instrument(span)
    .await
}

/// The id that the client gave, if it is a plain word, or a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let given = headers.get(REQUEST_ID).filter(|id| {
        let id = id.as_bytes();
        (1..=64).contains(&id.len()) && id.iter().all(plain)
    });
    let new = || HeaderValue::try_from(Uuid::now_v7().to_string());
    given.cloned().map_or_else(new, Ok).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_taken_over_only_when_it_is_a_plain_word() {
        let id = |text: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(text).unwrap());
            request_id(&headers)
        };
        assert_eq!(id(b"trace-1.a_B"), "trace-1.a_B");
        for bad in [&b""[..], b"two words", b"<script>", b"\xff", &[b'a'; 65]] {
            assert_eq!(id(bad).len(), 36, "{bad:?}");
        }
    }
}
