//! Serving one client, from its first byte to its last.

use crate::router::body::ResponseBody;
use crate::router::exchange;
use crate::router::forwarded::Client;
use crate::router::handle::{Phase, Shared};
use crate::router::options::RouterOptions;
use crate::router::protocol::{self, Protocol};
use crate::router::turn::{Answering, Streams, TimedHeads, Turn};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustix::net::sockopt;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

/// Serves a client until one of both sides has enough.
pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    set_up(&stream);
    let detecting = tokio::time::timeout(shared.options.header_timeout, protocol::detect(&stream));
    let detected = tokio::select! {
        detected = detecting => detected,
        () = shared.idle_connections_end() => return,
    };
    // Too slow, broken, or closed without a word: nobody is there to be told.
    let Ok(Ok(Some(protocol))) = detected else { return };
    let client = Arc::new(Client::new(peer.ip(), false));
    match protocol {
        Protocol::Http1 => serve_http1(stream, &client, &shared).await,
        Protocol::Http2 => serve_http2(stream, &client, &shared).await,
    }
}

async fn serve_http1(stream: TcpStream, client: &Arc<Client>, shared: &Arc<Shared>) {
    let turn = Arc::new(Turn::default());
    let stream = TimedHeads::new(stream, Arc::clone(&turn), shared.options.header_timeout);
    let service = service_fn(|request| {
        turn.request_began();
        let answer = exchange::answer(Arc::clone(shared), Arc::clone(client), request);
        let (turn, shared) = (Arc::clone(&turn), Arc::clone(shared));
        async move { Ok::<_, Infallible>(ending(answer.await, turn, &shared)) }
    });
    let connection = http1_builder(&shared.options).serve_connection(TokioIo::new(stream), service);
    // HTTP/1 has no word for "no more requests" but an answer: a client that has been promised a connection may be
    // sending one at this moment.
    let finish = http1::UpgradeableConnection::graceful_shutdown;
    until_done(connection.with_upgrades(), finish, shared.idle_connections_end()).await;
}

/// Gives the turn back to the client when the answer is sent; a connection that was upgraded has no turns any more. Once
/// the router drains, the answer says that it is the last one, and hyper closes after it (RFC 9112 §9.6).
fn ending(mut response: Response<ResponseBody>, turn: Arc<Turn>, shared: &Shared) -> Response<ResponseBody> {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.body_mut().answering = Some(Answering::Http1(turn));
        if shared.is_draining() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
    response
}

async fn serve_http2(stream: TcpStream, client: &Arc<Client>, shared: &Arc<Shared>) {
    let (client, for_requests) = (Arc::clone(client), Arc::clone(shared));
    let streams = Streams::new();
    let for_service = streams.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let answering = for_service.begin();
        let answer = exchange::answer(Arc::clone(&for_requests), Arc::clone(&client), request);
        async move {
            let mut response = answer.await;
            response.body_mut().answering = Some(answering);
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http2_builder(&shared.options).serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let idle = async {
        tokio::select! {
            () = streams.idle_for(shared.options.keep_alive_timeout) => {}
            () = shared.reached(Phase::Draining) => std::future::pending().await,
        }
    };
    // HTTP/2 says in a frame which requests still count (RFC 9113 §6.8): nothing is lost, whenever it is sent.
    let draining = shared.reached(Phase::Draining);
    let serving = until_done(connection.as_mut(), |c| c.get_mut().as_mut().graceful_shutdown(), draining);
    tokio::select! {
        biased;
        () = serving => return,
        () = idle => connection.as_mut().graceful_shutdown(),
    }
    // It may have sent a request before it was told. One that goes on pinging and does not leave is cut off.
    tokio::select! {
        _ = connection => {}
        () = streams.idle_for(shared.options.header_timeout) => {}
    }
}

/// Drives a connection to its end. Once `stopping` is ready, it is told to `finish`: it ends after the request that it is
/// answering.
async fn until_done<C: Future>(connection: C, finish: fn(Pin<&mut C>), stopping: impl Future<Output = ()>) {
    let mut connection = pin!(connection);
    tokio::select! {
        // The connection first: a request that is already here is seen before the connection is told to close.
        biased;
        // hyper has answered clients that break the rules; an error here is theirs, or a connection that broke.
        _ = &mut connection => return,
        () = stopping => finish(connection.as_mut()),
    }
    let _ = connection.await;
}

fn http1_builder(options: &RouterOptions) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // Counted from the answer before: a head that has begun has `header_timeout`, see `turn`.
        .header_read_timeout(options.keep_alive_timeout)
        .max_buf_size(options.max_header_bytes.max(MINIMUM_BUFFER));
    builder
}

/// hyper takes no smaller one.
const MINIMUM_BUFFER: usize = 8192;

fn http2_builder(options: &RouterOptions) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(20))
        .max_concurrent_streams(250)
        .max_header_list_size(u32::try_from(options.max_header_bytes).unwrap_or(u32::MAX));
    builder
}

/// No waiting to fill packets, and a peer that has vanished is noticed after about two minutes: a WebSocket may be
/// silent for hours. A socket that does not take an option is served without it.
fn set_up(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, Duration::from_mins(1));
    let _ = sockopt::set_tcp_keepintvl(stream, Duration::from_secs(15));
    let _ = sockopt::set_tcp_keepcnt(stream, 4);
}
