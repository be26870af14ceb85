//! What a drain waits for and what it counts, and how the router itself stops.

use super::support::{App, HOST, TestRouter, read_head, read_to_end, route, until};
use crate::model::id::EnvironmentId;
use crate::router::Drained;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// An app that answers when it is allowed to.
async fn slow_app(go: &Arc<Semaphore>) -> App {
    let go = Arc::clone(go);
    App::answering(move |_| {
        let go = Arc::clone(&go);
        async move {
            go.acquire().await.unwrap().forget();
            Response::new(Full::new(Bytes::from("slow")))
        }
    })
    .await
}

async fn begin_request(router: &TestRouter) -> TcpStream {
    let mut stream = TcpStream::connect(router.address).await.unwrap();
    stream
        .write_all(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n").as_bytes())
        .await
        .unwrap();
    stream
}

fn in_flight(router: &TestRouter, id: EnvironmentId) -> usize {
    router.handle.counters(id).unwrap().in_flight
}

#[tokio::test]
async fn a_drain_waits_for_requests_and_counts_them() {
    let go = Arc::new(Semaphore::new(0));
    let (old, new) = (slow_app(&go).await, App::named("new").await);
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let _ = router.handle.set_route(route(id, &[old.address]));
    let mut clients =
        [begin_request(&router).await, begin_request(&router).await, begin_request(&router).await];
    until(|| in_flight(&router, id) == 3).await;

    let switched = router.handle.set_route(route(id, &[new.address]));
    assert_eq!(switched.in_flight, 3);
    let drain = tokio::spawn(switched.drain.finished(Duration::from_secs(20)));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!drain.is_finished());
    go.add_permits(3);
    assert_eq!(drain.await.unwrap(), Drained { completed: 3, cut: 0 });
    for client in &mut clients {
        assert!(read_to_end(client).await.ends_with("slow"));
    }
}

#[tokio::test]
async fn a_drain_ends_at_its_deadline_and_says_what_is_cut() {
    let go = Arc::new(Semaphore::new(0));
    let old = slow_app(&go).await;
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let _ = router.handle.set_route(route(id, &[old.address]));
    let mut clients = [begin_request(&router).await, begin_request(&router).await];
    until(|| in_flight(&router, id) == 2).await;
    let switched = router.handle.remove_route(id);
    go.add_permits(1);
    assert_eq!(switched.drain.finished(Duration::from_millis(300)).await, Drained { completed: 1, cut: 1 });
    drop(old);
    let mut answers = Vec::new();
    for client in &mut clients {
        answers.push(read_to_end(client).await[..12].to_owned());
    }
    answers.sort();
    assert_eq!(answers, ["HTTP/1.1 200", "HTTP/1.1 502"]);
}

#[tokio::test]
async fn a_drain_of_idle_instances_is_immediate_and_closes_their_connections() {
    let app = App::listening(|mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        // Ends when the router closes the connection.
        stream.read_u8().await.unwrap_err();
        panic!("closed");
    })
    .await;
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let _ = router.handle.set_route(route(id, &[app.address]));
    assert!(router.get().await.ends_with("ok"));
    let began = std::time::Instant::now();
    let switched = router.handle.set_route(route(id, &[]));
    assert_eq!(switched.in_flight, 0);
    assert_eq!(switched.drain.finished(Duration::from_secs(10)).await, Drained::default());
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn stopping_lets_requests_end() {
    let go = Arc::new(Semaphore::new(0));
    let app = slow_app(&go).await;
    let router = TestRouter::leading_to(&[app.address]).await;
    let address = router.address;
    let mut client = begin_request(&router).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    until(|| app.requests.load(std::sync::atomic::Ordering::SeqCst) == 1).await;
    let stopping = tokio::spawn(router.stop());
    assert_eq!(read_to_end(&mut idle).await, "", "an idle connection is closed");
    assert!(!stopping.is_finished());
    go.add_permits(1);
    assert!(read_to_end(&mut client).await.ends_with("slow"));
    assert_eq!(stopping.await.unwrap().cut, 0);
    TcpStream::connect(address).await.unwrap_err();
}

#[tokio::test]
async fn a_request_over_a_kept_connection_is_answered_while_the_router_stops() {
    let app = App::named("app").await;
    let router = TestRouter::leading_to(&[app.address]).await;
    let request = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let mut client = TcpStream::connect(router.address).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    let first = read_head(&mut client).await;
    assert!(!first.contains("connection: close"), "{first}");
    client.read_exact(&mut [0; 3]).await.unwrap();
    let stopping = tokio::spawn(router.stop());
    tokio::time::sleep(Duration::from_millis(100)).await;
    client.write_all(request.as_bytes()).await.unwrap();
    let answer = read_to_end(&mut client).await;
    assert!(answer.contains("connection: close") && answer.ends_with("app"), "{answer}");
    assert_eq!(stopping.await.unwrap().cut, 0);
}

#[tokio::test]
async fn requests_do_not_wait_for_a_download_that_keeps_the_router_from_stopping() {
    let go = Arc::new(Semaphore::new(0));
    let (slow, quick) = (slow_app(&go).await, App::named("quick").await);
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let _ = router.handle.set_route(route(id, &[slow.address]));
    let mut download = begin_request(&router).await;
    until(|| in_flight(&router, id) == 1).await;
    let drain = router.handle.set_route(route(id, &[quick.address])).drain;
    let address = router.address;
    let stopping = tokio::spawn(router.stop());
    for _ in 0..3 {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await.unwrap();
        let answer = read_to_end(&mut client).await;
        assert!(answer.contains("connection: close") && answer.ends_with("quick"), "{answer}");
    }
    assert!(!stopping.is_finished());
    go.add_permits(1);
    assert!(read_to_end(&mut download).await.ends_with("slow"));
    assert_eq!(stopping.await.unwrap().cut, 0);
    drop(drain);
}

#[tokio::test]
async fn stopping_cuts_what_does_not_end() {
    let app = slow_app(&Arc::new(Semaphore::new(0))).await;
    let router = TestRouter::with(|options| options.drain_deadline = Duration::from_millis(200)).await;
    let _ = router.handle.set_route(route(EnvironmentId::generate(), &[app.address]));
    let mut client = begin_request(&router).await;
    until(|| app.requests.load(std::sync::atomic::Ordering::SeqCst) == 1).await;
    assert_eq!(router.stop().await.cut, 1);
    assert_eq!(read_to_end(&mut client).await, "");
}

#[tokio::test]
async fn a_request_that_was_sent_before_the_stop_is_answered() {
    let app = App::named("app").await;
    for _ in 0..50 {
        let router = TestRouter::leading_to(&[app.address]).await;
        let mut client = begin_request(&router).await;
        router.stop().await;
        assert!(read_to_end(&mut client).await.ends_with("app"));
    }
}
