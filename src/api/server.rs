//! The listener of the API.

use crate::api::error::Code;
use crate::api::origin::Ends;
use crate::api::patience::{Patience, Patient};
use crate::api::route::routes;
use crate::api::{Api, connection};
use crate::model::admission::{Admission, Place};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use warp::http::StatusCode;
use warp::http::header::{CONNECTION, HeaderValue};

/// Connections at the same time; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 2048;
/// How long a client may take to send the head of a request, and a connection may be idle between two.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);
/// Bytes that the head of a request may have, at least; hyper's own limit is 400 KiB.
const HEAD_LIMIT: usize = 64 * 1024;
/// How long requests in flight may take after the server was told to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a connection without a request is kept then.
const IDLE_GRACE: Duration = Duration::from_secs(1);
/// How long accepting waits when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("the API cannot listen on {address}: {source}")]
pub struct BindError {
    /// What was asked for.
    pub address: SocketAddr,
    /// Why, as the system says it.
    #[source]
    pub source: std::io::Error,
}

/// The place of a connection, among all and among those of its peer. It is given back when the connection has ended and
/// nobody talks over it any more: a WebSocket outlives the request that it comes from.
#[derive(Clone)]
pub(super) struct Slot {
    _both: Arc<(OwnedSemaphorePermit, Place)>,
    /// How long the client may take nothing.
    pub(super) patience: Patience,
}

/// A listener that does not answer yet.
#[derive(Debug)]
pub struct BoundApi {
    listener: TcpListener,
    address: SocketAddr,
    admission: Admission,
}

/// Takes the address, so that what can fail at the start has failed before anything is served. `per_peer` is the number
/// of connections that one client may have.
pub async fn bind(address: SocketAddr, per_peer: usize) -> Result<BoundApi, BindError> {
    let listener = TcpListener::bind(address).await.map_err(|source| BindError { address, source })?;
    on(listener, address, per_peer)
}

/// The same on a socket that listens already, which must not block; `address` is what the settings say.
pub fn on(listener: TcpListener, address: SocketAddr, per_peer: usize) -> Result<BoundApi, BindError> {
    let address = listener.local_addr().map_err(|source| BindError { address, source })?;
    Ok(BoundApi { listener, address, admission: Admission::shares_of(MAX_CONNECTIONS, per_peer) })
}

impl BoundApi {
    /// Where it listens: the port that was given for port 0.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until `shutdown` is ready; then ends the answers that would last, says in the others that their
    /// connection ends, and waits for them for ten seconds at most.
    pub async fn serve(self, api: Arc<Api>, shutdown: impl Future<Output = ()>) {
        let service = warp::service(routes(&api));
        let builder = builder();
        let end = watch::Sender::new(false);
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let shutdown = async {
            shutdown.await;
            api.stopping.send_replace(true);
            // A client that was promised a connection may be sending a request over it at this moment.
            if slots.available_permits() < MAX_CONNECTIONS {
                tokio::time::sleep(IDLE_GRACE).await;
            }
        };
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let slot = tokio::select! {
                () = &mut shutdown => break,
                slot = Arc::clone(&slots).acquire_owned() => slot,
            };
            let Ok(slot) = slot else { break };
            let (stream, peer) = tokio::select! {
                () = &mut shutdown => break,
                accepted = accept(&self.listener) => accepted,
            };
            let is_proxy = api.options.trusted_proxies.iter().any(|network| network.contains(&peer.ip()));
            let admitted =
                if is_proxy { self.admission.admit_proxy() } else { self.admission.admit(peer.ip()) };
            let share = match admitted {
                Ok(share) => share,
                Err(reason) => {
                    tracing::debug!(%peer, ?reason, "a client was turned away");
                    // As far as it goes: a new connection has room for so much.
                    drop(stream.into_std().and_then(|mut stream| stream.write(&turned_away())));
                    continue;
                }
            };
            let (service, mode, cors) = (service.clone(), api.options.mode, api.cors.clone());
            let ends = Ends { peer, own: stream.local_addr().ok() };
            let slot = Slot { _both: Arc::new((slot, share)), patience: Patience::default() };
            let (stopping, held) = (api.stopping.subscribe(), slot.clone());
            let answer = service_fn(move |mut request| {
                request.extensions_mut().insert(held.clone());
                let answer = connection::answer(service.clone(), request, ends, mode, cors.clone());
                let stopping = stopping.clone();
                async move {
                    let mut response = answer.await;
                    if *stopping.borrow() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                    }
                    Ok::<_, Infallible>(response)
                }
            });
            let stream = TokioIo::new(Patient::new(stream, slot.patience.clone()));
            let serving = builder.serve_connection(stream, answer).with_upgrades();
            let mut ending = end.subscribe();
            tokio::spawn(async move {
                let mut serving = std::pin::pin!(serving);
                let ending = async move { drop(ending.wait_for(|ending| *ending).await) };
                let served = tokio::select! {
                    served = serving.as_mut() => served,
                    () = ending => {
                        serving.as_mut().graceful_shutdown();
                        serving.await
                    }
                };
                if let Err(error) = served {
                    tracing::debug!(%peer, %error, "connection ended");
                }
                drop(slot);
            });
        }
        drop(self.listener);
        end.send_replace(true);
        // A WebSocket has a slot too, and ends by itself.
        let ended = slots.acquire_many(u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX));
        if tokio::time::timeout(DRAIN, ended).await.is_err() {
            tracing::warn!("requests that took too long were cut off");
        }
    }
}

/// What a client is told that has too many connections already, whatever it asks for.
fn turned_away() -> Vec<u8> {
    let code = Code::TooManyConnections;
    let message = "Your address has too many connections open here. Close some, and try again.";
    let id = uuid::Uuid::now_v7();
    let error = json!({ "code": code.word(), "message": message, "details": {}, "request_id": id });
    let body = json!({ "error": error }).to_string();
    let (status, length) = (code.status(), body.len());
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nRetry-After: 5\r\nX-Request-Id: {id}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// HTTP/1.1 only: nobody speaks HTTP/2 without TLS here, and hyper waits for its preface without a time limit.
fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_PATIENCE).max_buf_size(HEAD_LIMIT);
    builder
}

/// The next connection. An error is one of that connection, or the system is at its limits, which passes.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are small: waiting for more to send would only delay them.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
