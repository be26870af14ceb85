//! WebSocket (RFC 6455): from a request to a connection that is talked over.
//!
//! A route that is one is a GET of the table like every other; its handler asks for the [`Handshake`] once it knows that the
//! caller may have it, so that access, limits and the audit log are where they are for all.
//!
//! Browsers cannot send an `Authorization` header with a WebSocket: a page offers the token as a subprotocol instead, as
//! Kubernetes has it. What a browser sends on behalf of a page says which page it was (`Origin`), and that is looked at
//! although nothing of the browser's own lets anybody in.

mod feed;

pub(super) use self::feed::{End, feed};

use crate::api::Api;
use crate::api::error::{ApiError, Code};
use crate::api::request::Request;
use crate::api::server::Slot;
use crate::model::admission::Place;
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tracing::Instrument;
use warp::http::HeaderMap;
use warp::http::header::{HOST, HeaderValue, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use warp::reply::{Reply, Response};
use warp::ws::{Message, WebSocket, Ws};

/// Sockets that one account may have open.
pub(super) const PER_ACCOUNT: usize = 64;

/// Bytes of the largest message that is taken from a client who has nothing to say.
pub(super) const LARGEST_OF_READERS: usize = 4 * 1024;

/// The subprotocol whose successor in the list is a token.
const BEARER: &str = "gilgal.bearer";
/// Bytes of output that wait for a client before more is asked for.
const WRITE_BUFFER: usize = 1024 * 1024;
/// How long a client may take to answer the end of a conversation.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why a conversation ends (RFC 6455 §7.4.1).
pub(super) const NORMAL: u16 = 1000;
pub(super) const GOING_AWAY: u16 = 1001;
pub(super) const POLICY: u16 = 1008;

/// A request that can become a WebSocket.
pub(super) struct Upgrade {
    pub(super) ws: Ws,
    /// The place of its connection, which is taken for as long as the conversation goes on.
    pub(super) slot: Option<Slot>,
}

/// A WebSocket whose caller may have it.
pub(super) struct Handshake {
    upgrade: Upgrade,
    place: Place,
    protocol: Option<HeaderValue>,
    largest: usize,
}

/// The token that a page has offered as a subprotocol.
pub(super) fn offered_token(headers: &HeaderMap) -> Option<&str> {
    let mut offers = offers(headers);
    offers.find(|offer| *offer == BEARER)?;
    offers.next()
}

/// Makes a WebSocket of a request. `protocol` is the subprotocol that its client must speak, if it is one; `largest` the
/// bytes of the largest message that is taken.
///
/// # Errors
/// When it is none, comes from a page that may not use the API, or its account has as many as it may.
pub(super) fn handshake(
    api: &Api,
    request: &mut Request,
    protocol: Option<&'static str>,
    largest: usize,
) -> Result<Handshake, ApiError> {
    let headers = &request.headers;
    let offered = |wanted: &str| offers(headers).any(|offer| offer == wanted);
    if let Some(wanted) = protocol.filter(|wanted| request.upgrade.is_none() || !offered(wanted)) {
        let message = format!("This is a WebSocket of the subprotocol {wanted}: open it as one.");
        return Err(ApiError::new(Code::UpgradeRequired, message));
    }
    if !is_from_here(headers) && api.cors.allowed(headers).is_none() {
        let message =
            "Pages of this origin may not use the API: the operator can name it in GILGAL_CORS_ORIGINS.";
        return Err(ApiError::new(Code::Forbidden, message));
    }
    let chosen = protocol.or_else(|| offered(BEARER).then_some(BEARER)).map(HeaderValue::from_static);
    let account = request.caller()?.user.id;
    let upgrade = request.upgrade.take().ok_or_else(|| {
        ApiError::new(Code::UpgradeRequired, "This is a WebSocket: open it as one (RFC 6455, version 13).")
    })?;
    let place = api.sockets.admit_account(account).map_err(|_| {
        let message = format!("Your account has {PER_ACCOUNT} WebSockets open. Close one, and try again.");
        ApiError::too_many_connections(message)
    })?;
    Ok(Handshake { upgrade, place, protocol: chosen, largest })
}

impl Handshake {
    /// The client may take nothing for so long, and not only for half a minute.
    pub(super) fn patient_for(self, time: Duration) -> Self {
        if let Some(slot) = &self.upgrade.slot {
            slot.patience.set(time);
        }
        self
    }

    /// Answers the request, and talks with the client from then on.
    pub(super) fn talk<F, T>(self, talk: F) -> Response
    where
        F: FnOnce(WebSocket) -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        let Self { upgrade: Upgrade { ws, slot }, place, protocol, largest } = self;
        let ws = ws.max_message_size(largest).max_frame_size(largest).max_write_buffer_size(WRITE_BUFFER);
        let span = tracing::Span::current();
        let kept = (slot, place);
        let upgraded = ws.on_upgrade(move |socket| {
            let talk = async move {
                talk(socket).await;
                drop(kept);
            };
            talk.instrument(span)
        });
        let mut response = upgraded.into_response();
        if let Some(protocol) = protocol {
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        response
    }
}

/// Ends a conversation, and waits a moment for the client to do so too: a connection that is cut off may take what was
/// sent last with it.
pub(super) async fn close(mut socket: WebSocket, code: u16, reason: String) {
    let farewell = async {
        // Refused where the client was the first to say so.
        socket.send(Message::close_with(code, reason)).await.ok();
        while let Some(Ok(_)) = socket.next().await {}
    };
    drop(tokio::time::timeout(FAREWELL, farewell).await);
}

/// The subprotocols that a client speaks.
fn offers(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// Whether a request comes from no page, or from one of the host that it is sent to.
fn is_from_here(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_ascii_lowercase);
    let origin = text(origin).and_then(|origin| Some(origin.split_once("://")?.1.to_owned()));
    origin.is_some() && origin == headers.get(HOST).and_then(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let lines = lines.iter().map(|(name, value)| {
            (warp::http::header::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        lines.collect()
    }

    #[test]
    fn a_token_follows_the_word_for_it() {
        for (offered, token) in [
            ("gilgal.bearer, glg_x", Some("glg_x")),
            ("gilgal.run.v1,gilgal.bearer,glg_x", Some("glg_x")),
            ("gilgal.bearer", None),
            ("glg_x, gilgal.bearer", None),
            ("gilgal.run.v1", None),
        ] {
            assert_eq!(offered_token(&headers(&[("sec-websocket-protocol", offered)])), token, "{offered}");
        }
        assert_eq!(offered_token(&HeaderMap::new()), None);
    }

    #[test]
    fn a_page_is_from_here_where_its_host_is_asked() {
        for (origin, host, expected) in [
            ("https://gilgal.example.com", "gilgal.example.com", true),
            ("http://127.0.0.1:3000", "127.0.0.1:3000", true),
            ("https://GILGAL.example.com", "gilgal.example.com", true),
            ("https://example.com", "gilgal.example.com", false),
            ("https://gilgal.example.com:8443", "gilgal.example.com", false),
            ("null", "gilgal.example.com", false),
            ("null", "null", false),
        ] {
            let asked = headers(&[("origin", origin), ("host", host)]);
            assert_eq!(is_from_here(&asked), expected, "{origin} {host}");
        }
        assert!(is_from_here(&headers(&[("host", "a")])), "no browser");
    }
}
