//! Instances that are dead, slow or rude, and which requests are tried again.

use super::support::{App, HOST, TestRouter, dead_address, read_head, route};
use crate::model::id::EnvironmentId;
use crate::model::route::Route;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;

/// An app that answers `served` requests on each connection and closes it in the middle of the next.
async fn closing_app(served: usize, heads: &Arc<AtomicUsize>) -> App {
    let heads = Arc::clone(heads);
    App::listening(move |mut stream| {
        let heads = Arc::clone(&heads);
        async move {
            for _ in 0..served {
                if read_head(&mut stream).await.is_empty() {
                    return;
                }
                heads.fetch_add(1, Ordering::SeqCst);
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
            }
            if !read_head(&mut stream).await.is_empty() {
                heads.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await
}

async fn ask(router: &TestRouter, method: &str) -> String {
    let length = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
    router.raw(&format!("{method} / HTTP/1.1\r\nHost: {HOST}\r\n{length}Connection: close\r\n\r\n")).await
}

#[tokio::test]
async fn a_get_is_sent_again_when_its_idle_connection_was_closed() {
    let heads = Arc::default();
    let app = closing_app(1, &heads).await;
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let _ = router.handle.set_route(route(id, &[app.address]));
    for _ in 0..3 {
        assert!(ask(&router, "GET").await.starts_with("HTTP/1.1 200"));
    }
    assert_eq!(app.connections.load(Ordering::SeqCst), 3);
    let counters = router.handle.counters(id).unwrap();
    assert_eq!((counters.requests, counters.retries, counters.status_5xx), (3, 2, 0));
}

#[tokio::test]
async fn a_post_is_not_sent_again_once_it_was_sent() {
    let heads = Arc::default();
    let app = closing_app(1, &heads).await;
    let router = TestRouter::leading_to(&[app.address]).await;
    assert!(ask(&router, "POST").await.starts_with("HTTP/1.1 200"));
    let answer = ask(&router, "POST").await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    assert!(answer.contains("x-gilgal-error: app_hung_up"), "{answer}");
    assert_eq!(heads.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_get_is_not_sent_again_on_a_new_connection() {
    let heads = Arc::default();
    let app = closing_app(0, &heads).await;
    let router = TestRouter::leading_to(&[app.address]).await;
    assert!(ask(&router, "GET").await.starts_with("HTTP/1.1 502"));
    assert_eq!(heads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_harms_nobody() {
    let app = App::listening(|mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    })
    .await;
    let router = TestRouter::leading_to(&[app.address]).await;
    for _ in 0..20 {
        assert!(ask(&router, "POST").await.starts_with("HTTP/1.1 200"));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_dead_instance_is_passed_over() {
    let alive = App::named("alive").await;
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let _ = router.handle.set_route(route(id, &[dead_address().await, alive.address, dead_address().await]));
    for method in ["GET", "POST", "GET", "POST", "GET", "POST"] {
        assert!(ask(&router, method).await.ends_with("alive"));
    }
    let counters = router.handle.counters(id).unwrap();
    assert_eq!(counters.status_2xx, 6);
    assert!((1..=2).contains(&counters.retries), "then they are passed over: {counters:?}");
}

#[tokio::test]
async fn without_a_living_instance_the_answer_is_quick() {
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let began = Instant::now();
    let _ = router.handle.set_route(route(id, &[dead_address().await, dead_address().await]));
    for _ in 0..3 {
        let answer = router.get().await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.contains("x-gilgal-error: app_unreachable"), "{answer}");
        assert!(answer.contains("retry-after: 2"), "{answer}");
    }
    let now = router.handle.release_counters(id).unwrap().now;
    assert_eq!((now.answers, now.errors, now.unreachable), (0, 0, 3));
    let blamed = now.blamed_for_closed_ports();
    assert_eq!((blamed.answers, blamed.errors, blamed.unreachable), (3, 3, 0));
    let _ = router.handle.set_route(route(id, &[]));
    let answer = router.get().await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("retry-after: 2") && answer.contains("no_instance"), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(router.handle.counters(id).unwrap().status_5xx, 4);
}

#[tokio::test]
async fn an_instance_that_does_not_answer_is_given_up() {
    let app = App::answering(|_| async {
        tokio::time::sleep(Duration::from_mins(1)).await;
        Response::new(Full::new(Bytes::new()))
    })
    .await;
    let router = TestRouter::with(|options| options.response_timeout = Duration::from_millis(100)).await;
    let id = EnvironmentId::generate();
    let _ = router.handle.set_route(route(id, &[app.address]));
    let answer = router.get().await;
    assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
    assert_eq!(app.requests.load(Ordering::SeqCst), 1, "it is not asked again");
    assert_eq!(router.handle.counters(id).unwrap().in_flight, 0);
}

#[tokio::test]
async fn what_is_not_http_is_not_passed_on() {
    let app = App::listening(|mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(b"220 mail.example.com ESMTP\r\n\r\n").await.unwrap();
    })
    .await;
    let router = TestRouter::leading_to(&[app.address]).await;
    let answer = router.get().await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    assert!(answer.contains("x-gilgal-error: app_bad_response"), "{answer}");
    assert!(!answer.contains("ESMTP"), "{answer}");
}

#[tokio::test]
async fn programs_get_json() {
    let router = TestRouter::start().await;
    let request = "GET / HTTP/1.1\r\nHost: none.example.com\r\nAccept: application/json\r\n\
                   X-Request-Id: abc-123-def\r\nConnection: close\r\n\r\n";
    let answer = router.raw(request).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains("x-request-id: abc-123-def"), "{head}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["error"]["code"], "no_such_app");
    assert_eq!(body["error"]["request_id"], "abc-123-def");
}

#[tokio::test]
async fn people_get_the_page_of_an_app_that_does_not_answer() {
    let app = App::answering(|_| async {
        let mut broken = Response::new(Full::new(Bytes::from("its own")));
        *broken.status_mut() = hyper::StatusCode::BAD_GATEWAY;
        broken
    })
    .await;
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let page = Some("<h1>Ask Ada</h1>".to_owned());
    for (addresses, code) in [(vec![], "no_instance"), (vec![dead_address().await], "app_unreachable")] {
        let _ = router.handle.set_route(Route { error_page: page.clone(), ..route(id, &addresses) });
        let answer = router.get().await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.ends_with("<h1>Ask Ada</h1>"), "{answer}");
        assert!(answer.contains(&format!("x-gilgal-error: {code}")), "{answer}");
        assert!(answer.contains("retry-after: "), "{answer}");
    }
    // What the app says is not replaced, nor what is not its fault.
    let _ = router.handle.set_route(Route { error_page: page, ..route(id, &[app.address]) });
    assert!(router.get().await.ends_with("its own"));
    let _ = router.handle.remove_route(id);
    assert!(!router.get().await.contains("Ask Ada"));
}
