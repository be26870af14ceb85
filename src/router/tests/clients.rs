//! Clients that are slow, idle or too many.

use super::support::{App, HOST, TestRouter, read_head, read_to_end, route, until};
use crate::model::id::EnvironmentId;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const SHORT: Duration = Duration::from_millis(150);

async fn strict_router(app: &App) -> TestRouter {
    let router = TestRouter::with(|options| options.header_timeout = SHORT).await;
    let _ = router.handle.set_route(route(EnvironmentId::generate(), &[app.address]));
    router
}

/// Sends a head byte by byte and returns how long the router had the patience.
async fn drip(stream: &mut TcpStream) -> Duration {
    let began = Instant::now();
    let head = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Slow: {}", "x".repeat(10_000));
    for byte in head.bytes() {
        if stream.write_all(&[byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(began.elapsed() < Duration::from_secs(10), "the router waits for ever");
    }
    began.elapsed()
}

#[tokio::test]
async fn a_head_that_drips_in_is_cut_off() {
    let app = App::named("app").await;
    let router = strict_router(&app).await;
    let mut stream = TcpStream::connect(router.address).await.unwrap();
    assert!(drip(&mut stream).await >= SHORT / 2);

    // Also one that comes after a good request.
    let mut stream = TcpStream::connect(router.address).await.unwrap();
    stream.write_all(format!("HEAD / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await.unwrap();
    read_head(&mut stream).await;
    assert!(drip(&mut stream).await >= SHORT / 2);
    assert_eq!(app.requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_client_that_says_nothing_is_let_go() {
    let app = App::named("app").await;
    let router = strict_router(&app).await;
    for start in ["", "P", "PRI * HTTP/2.0\r\n\r\nS"] {
        let began = Instant::now();
        let mut stream = TcpStream::connect(router.address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await;
        assert!(began.elapsed() < Duration::from_secs(5), "{start:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_may_wait_longer_than_a_head() {
    let app = App::named("app").await;
    let router = strict_router(&app).await;
    let mut stream = TcpStream::connect(router.address).await.unwrap();
    for _ in 0..3 {
        stream.write_all(format!("HEAD / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await.unwrap();
        assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 200"));
        tokio::time::sleep(SHORT * 2).await;
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_the_end() {
    let app = App::named("app").await;
    let router = TestRouter::with(|options| options.keep_alive_timeout = SHORT).await;
    let _ = router.handle.set_route(route(EnvironmentId::generate(), &[app.address]));
    let mut stream = TcpStream::connect(router.address).await.unwrap();
    stream.write_all(format!("HEAD / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await.unwrap();
    read_head(&mut stream).await;
    let began = Instant::now();
    assert_eq!(read_to_end(&mut stream).await, "");
    assert!(began.elapsed() < Duration::from_secs(5));
}

/// A frame of HTTP/2 (RFC 9113 §4.1) on stream 0.
fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, 0], payload].concat()
}

#[tokio::test]
async fn an_http2_client_that_only_pings_is_let_go() {
    const SETTINGS: u8 = 4;
    const PING: u8 = 6;
    let router = TestRouter::with(|options| {
        options.keep_alive_timeout = SHORT;
        options.header_timeout = SHORT;
    })
    .await;
    let mut stream = TcpStream::connect(router.address).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&frame(SETTINGS, 0, b"")).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let pinging = async {
        while writing.write_all(&frame(PING, 0, b"whatever")).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let reading = async {
        let mut all = Vec::new();
        drop(reading.read_to_end(&mut all).await);
        all
    };
    let both = async { tokio::join!(pinging, reading).1 };
    let said = tokio::time::timeout(Duration::from_secs(5), both).await.expect("it is served for ever");
    // GOAWAY, with no error.
    assert!(said.windows(9).any(|bytes| bytes == [0, 0, 8, 7, 0, 0, 0, 0, 0]), "{said:?}");
}

#[tokio::test]
async fn an_http2_request_that_takes_long_is_not_idle() {
    let app = App::answering(|_| async {
        tokio::time::sleep(SHORT * 4).await;
        hyper::Response::new(Full::new(Bytes::from("late")))
    })
    .await;
    let router = TestRouter::with(|options| {
        options.keep_alive_timeout = SHORT;
        options.header_timeout = SHORT;
    })
    .await;
    let _ = router.handle.set_route(route(EnvironmentId::generate(), &[app.address]));
    let stream = TokioIo::new(TcpStream::connect(router.address).await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let request = hyper::Request::get(format!("http://{HOST}/")).body(Full::new(Bytes::new())).unwrap();
    let answer = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(answer.to_bytes(), "late");
}

#[tokio::test]
async fn more_clients_than_allowed_wait() {
    let app = App::named("app").await;
    let router = TestRouter::with(|options| options.max_connections = 1).await;
    let _ = router.handle.set_route(route(EnvironmentId::generate(), &[app.address]));
    let mut first = TcpStream::connect(router.address).await.unwrap();
    first.write_all(format!("HEAD / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await.unwrap();
    read_head(&mut first).await;
    let waiting = router.get();
    tokio::pin!(waiting);
    assert!(tokio::time::timeout(SHORT, &mut waiting).await.is_err());
    drop(first);
    assert!(waiting.await.ends_with("app"));
}

#[tokio::test]
async fn one_client_does_not_shut_the_others_out() {
    let app = App::named("app").await;
    let router = TestRouter::with(|options| options.max_connections_per_peer = 2).await;
    let _ = router.handle.set_route(route(EnvironmentId::generate(), &[app.address]));
    let greedy = || async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        socket.connect(router.address).await.unwrap()
    };
    let first = greedy().await;
    let _second = greedy().await;
    let told = read_to_end(&mut greedy().await).await;
    assert!(told.starts_with("HTTP/1.1 429 "), "{told}");
    let (head, body) = told.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}", body.len())), "{told}");
    assert!(router.get().await.ends_with("app"));

    drop(first);
    let again = async {
        loop {
            let mut stream = greedy().await;
            stream.write_all(format!("GET / HTTP/1.0\r\nHost: {HOST}\r\n\r\n").as_bytes()).await.unwrap();
            if read_to_end(&mut stream).await.ends_with("app") {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), again).await.unwrap();
}

#[tokio::test]
async fn requests_one_after_the_other_on_one_connection() {
    let app = App::named("app").await;
    let router = strict_router(&app).await;
    let request = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let last = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    let answer = router.raw(&format!("{request}{request}{last}")).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3, "{answer}");
    until(|| app.requests.load(Ordering::SeqCst) == 3).await;
    assert_eq!(app.connections.load(Ordering::SeqCst), 1);
}
