//! `/health`, `/ready`, `/version`, and how the server stops.

use crate::support::TestServer;
use serde_json::json;
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
    insta::assert_json_snapshot!("not_ready", server.anonymous().get("/ready").await.expect(503));
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
