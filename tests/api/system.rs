//! `/health`, `/ready`, `/version`, and how the server stops.

use crate::support::TestServer;
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn health_and_version_are_for_anybody() {
    let server = TestServer::start().await;
    let anybody = server.anonymous();
    assert_eq!(anybody.get("/health").await.expect(200), json!({ "status": "ok" }));
    let version = json!({ "name": "gilgal", "version": env!("CARGO_PKG_VERSION") });
    assert_eq!(anybody.get("/version").await.expect(200), version);
    let schema = anybody.get("/api/gilgal.schema.json").await.expect(200);
    assert_eq!(schema, gilgal::buildpack::project_file::schema());
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_says_what_is_missing() {
    let server = TestServer::start().await;
    insta::assert_json_snapshot!("ready", server.anonymous().get("/ready").await.expect(200));
    *server.surroundings.engine.lock().unwrap() = Err("Docker does not answer.".to_owned());
    tokio::time::sleep(Duration::from_secs(1)).await;
    insta::assert_json_snapshot!("not_ready", server.anonymous().get("/ready").await.expect(503));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_ask_whether_it_is_ready_are_one_question_a_second() {
    let server = TestServer::start().await;
    let anybody = server.anonymous();
    let begin = Instant::now();
    let replies = futures_util::future::join_all((0..100).map(|_| anybody.get("/ready"))).await;
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.text == replies[0].text));
    let seconds = usize::try_from(begin.elapsed().as_secs()).unwrap();
    let asked = server.surroundings.checks.load(Ordering::Relaxed);
    assert!((1..=1 + seconds).contains(&asked), "{asked} questions in {seconds} s");
    tokio::time::sleep(Duration::from_secs(1)).await;
    anybody.get("/ready").await.expect(200);
    assert_eq!(server.surroundings.checks.load(Ordering::Relaxed), asked + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_does_not_hold_up_the_end() {
    let server = TestServer::start().await;
    let client = server.anonymous();
    client.get("/health").await.expect(200);
    let begin = Instant::now();
    server.stop().await;
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}
