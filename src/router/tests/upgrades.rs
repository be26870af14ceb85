//! Websockets and other connections that stop being HTTP.

use super::support::{App, HOST, TestRouter, read_head, read_to_end, route, until, within_seconds};
use crate::model::id::EnvironmentId;
use crate::router::Drained;
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

type WebSocket = WebSocketStream<TcpStream>;

async fn echo_app() -> App {
    App::listening(|stream| async {
        let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
        while let Some(Ok(message)) = socket.next().await {
            if message.is_text() && socket.send(message).await.is_err() {
                return;
            }
        }
    })
    .await
}

async fn open(router: &TestRouter) -> WebSocket {
    let stream = TcpStream::connect(router.address).await.unwrap();
    client_async(format!("ws://{HOST}/chat"), stream).await.unwrap().0
}

async fn echoes(socket: &mut WebSocket) -> bool {
    let sent = socket.send(Message::text("hello")).await.is_ok();
    sent && matches!(within_seconds(socket.next()).await, Some(Ok(message)) if message == Message::text("hello"))
}

#[tokio::test]
async fn a_websocket_outlives_the_switch_until_the_deadline() {
    let (old, new) = (echo_app().await, echo_app().await);
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let _ = router.handle.set_route(route(id, &[old.address]));
    let mut before = open(&router).await;
    assert!(echoes(&mut before).await);
    assert_eq!(router.handle.counters(id).unwrap().in_flight, 1);

    let switched = router.handle.set_route(route(id, &[new.address]));
    assert_eq!(switched.in_flight, 1);
    let mut after = open(&router).await;
    assert!(echoes(&mut after).await);
    let drained = switched.drain.finished(Duration::from_millis(200)).await;
    assert_eq!(drained, Drained { completed: 0, cut: 1 });
    assert!(echoes(&mut before).await, "only stopping the instance ends it");
    drop(old);
    assert!(!echoes(&mut before).await);
    assert!(echoes(&mut after).await);
    assert_eq!(router.handle.counters(id).unwrap().status_1xx, 2);
}

#[tokio::test]
async fn a_websocket_that_closes_lets_the_drain_end() {
    let app = echo_app().await;
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let _ = router.handle.set_route(route(id, &[app.address]));
    let mut socket = open(&router).await;
    let switched = router.handle.remove_route(id);
    let drain = tokio::spawn(switched.drain.finished(Duration::from_secs(20)));
    assert!(echoes(&mut socket).await);
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}
    drop(socket);
    assert_eq!(drain.await.unwrap(), Drained { completed: 1, cut: 0 });
}

#[tokio::test]
async fn a_silent_websocket_is_not_an_unfinished_request() {
    let app = echo_app().await;
    let router = TestRouter::with(|options| {
        options.header_timeout = Duration::from_millis(100);
        options.keep_alive_timeout = Duration::from_millis(100);
        options.response_timeout = Duration::from_millis(100);
    })
    .await;
    let _ = router.handle.set_route(route(EnvironmentId::generate(), &[app.address]));
    let mut socket = open(&router).await;
    assert!(echoes(&mut socket).await);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(echoes(&mut socket).await);
}

#[tokio::test]
async fn a_router_that_stops_lets_a_websocket_end() {
    let app = echo_app().await;
    let router = TestRouter::leading_to(&[app.address]).await;
    let mut socket = open(&router).await;
    let stopping = tokio::spawn(router.stop());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(echoes(&mut socket).await);
    assert!(!stopping.is_finished());
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}
    drop(socket);
    assert_eq!(within_seconds(stopping).await.unwrap().cut, 0);
}

#[tokio::test]
async fn websockets_end_when_the_router_has_stopped() {
    let app = echo_app().await;
    let router = TestRouter::with(|options| options.drain_deadline = Duration::from_millis(100)).await;
    let _ = router.handle.set_route(route(EnvironmentId::generate(), &[app.address]));
    let mut socket = open(&router).await;
    within_seconds(router.stop()).await;
    assert!(!echoes(&mut socket).await);
}

/// Answers every request with a switch to a protocol that says `ping` first and then echoes.
async fn switching_app(protocol: &'static str) -> App {
    App::listening(move |mut stream| async move {
        let head = read_head(&mut stream).await;
        if !head.to_lowercase().contains("upgrade: ") {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain").await;
            return;
        }
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: {protocol}\r\n\r\nping"
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        let (mut read, mut write) = stream.split();
        let _ = tokio::io::copy(&mut read, &mut write).await;
    })
    .await
}

#[tokio::test]
async fn any_protocol_passes_and_half_closed_is_not_closed() {
    let app = switching_app("anything/2").await;
    let router = TestRouter::leading_to(&[app.address]).await;
    let mut stream = TcpStream::connect(router.address).await.unwrap();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: anything/2\r\n\r\nearly"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let head = read_head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert!(head.contains("upgrade: anything/2"), "{head}");
    stream.write_all(b"-late").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(read_to_end(&mut stream).await, "pingearly-late");
    until(|| router.handle.routes().len() == 1).await;
}

#[tokio::test]
async fn h2c_is_not_passed_on_and_a_switch_that_nobody_asked_for_is_refused() {
    let app = switching_app("h2c").await;
    let router = TestRouter::leading_to(&[app.address]).await;
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n"
    );
    assert!(router.raw(&request).await.ends_with("plain"));

    let rude = App::listening(|mut stream| async move {
        read_head(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
            .await
            .unwrap();
        let _ = stream.read_u8().await;
    })
    .await;
    let router = TestRouter::leading_to(&[rude.address]).await;
    let answer = router.get().await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
}
