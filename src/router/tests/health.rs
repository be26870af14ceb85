//! When an instance counts as healthy.

use super::support::{App, HOST, LOCAL, dead_address, read_head};
use crate::model::environment::{HealthCheck, Probe};
use crate::router::health::{ProbeFailure, check};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

fn quick(deadline_ms: u32) -> HealthCheck {
    HealthCheck { deadline_ms, attempt_timeout_ms: 100, interval_ms: 50, ..HealthCheck::default() }
}

/// An app that answers with one status after the other; the last one stays.
async fn answering(statuses: &'static [u16]) -> App {
    let next = Arc::new(AtomicUsize::new(0));
    App::answering(move |request| {
        assert_eq!(request.headers()["host"], HOST);
        assert_eq!(request.headers()["user-agent"], "gilgal-health-check");
        let index = next.fetch_add(1, Ordering::SeqCst).min(statuses.len() - 1);
        async move {
            let mut response = Response::new(Full::new(Bytes::new()));
            *response.status_mut() = StatusCode::from_u16(statuses[index]).unwrap();
            response
        }
    })
    .await
}

#[tokio::test]
async fn everything_below_500_is_healthy() {
    for (status, shown) in [(200, "GET / -> 200"), (302, "GET / -> 302"), (404, "GET / -> 404")] {
        let app = answering(Box::leak(Box::new([status]))).await;
        let healthy = check(app.address, &HealthCheck::default(), HOST).await.unwrap();
        assert_eq!(healthy.detail, shown);
        assert_eq!(app.requests.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn refused_until_it_listens() {
    let address = dead_address().await;
    let starting = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let listener = TcpListener::bind(address).await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    });
    let healthy = check(address, &HealthCheck::default(), HOST).await.unwrap();
    starting.await.unwrap();
    assert_eq!(healthy.detail, "GET / -> 204");
    assert!(
        healthy.after >= Duration::from_millis(300) && healthy.after < Duration::from_millis(600),
        "{healthy:?}"
    );
}

#[tokio::test]
async fn an_app_that_is_still_loading() {
    let app = answering(&[503, 500, 502, 200]).await;
    let healthy = check(app.address, &quick(10_000), HOST).await.unwrap();
    assert_eq!(healthy.detail, "GET / -> 200");
    assert_eq!(app.requests.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn successes_must_be_in_a_row() {
    let app = answering(&[200, 200, 500, 200, 200, 200]).await;
    let wanted = HealthCheck { successes: 3, ..quick(10_000) };
    check(app.address, &wanted, HOST).await.unwrap();
    assert_eq!(app.requests.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn never_healthy_says_why() {
    let silent = TcpListener::bind(LOCAL).await.unwrap();
    let closing = App::listening(|mut stream| async move { drop(read_head(&mut stream).await) }).await;
    let reset = App::listening(|stream| async move { drop(stream) }).await;
    let mail = App::listening(|mut stream| async move {
        let _ = stream.write_all(b"220 mail.example.com ESMTP\r\n").await;
        read_head(&mut stream).await;
    })
    .await;
    let broken = answering(&[500]).await;
    for (address, expected) in [
        (dead_address().await, ProbeFailure::Refused),
        (silent.local_addr().unwrap(), ProbeFailure::TimedOut),
        (closing.address, ProbeFailure::ClosedEarly),
        (reset.address, ProbeFailure::ClosedEarly),
        (mail.address, ProbeFailure::NotHttp),
        (broken.address, ProbeFailure::Status(500)),
    ] {
        let began = Instant::now();
        let unhealthy = check(address, &quick(400), HOST).await.unwrap_err();
        assert_eq!(unhealthy.last, expected);
        assert!(unhealthy.attempts >= 2, "{unhealthy:?}");
        assert!(began.elapsed() < Duration::from_secs(2));
    }
}

#[tokio::test]
async fn a_port_that_accepts_is_enough_for_tcp() {
    let listener = TcpListener::bind(LOCAL).await.unwrap();
    let address = listener.local_addr().unwrap();
    let wanted = HealthCheck { probe: Probe::Tcp, ..quick(300) };
    let healthy = check(address, &wanted, HOST).await.unwrap();
    assert_eq!(healthy.detail, format!("port {} accepts connections", address.port()));
    drop(listener);
    assert_eq!(check(address, &wanted, HOST).await.unwrap_err().last, ProbeFailure::Refused);
}

#[tokio::test]
async fn a_path_that_cannot_be_asked_for_fails_at_once() {
    let app = answering(&[200]).await;
    let wanted = HealthCheck { probe: Probe::Http { path: "no path".to_owned() }, ..quick(5_000) };
    let unhealthy = check(app.address, &wanted, HOST).await.unwrap_err();
    assert_eq!((unhealthy.attempts, unhealthy.last), (1, ProbeFailure::InvalidPath));
}
