//! `Idempotency-Key`: what was sent twice is done once.

use crate::support::{Client, Reply, TestServer};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

async fn post(client: &Client, path: &str, key: &str, body: Value) -> Reply {
    Reply::of(client.request(Method::POST, path).header("idempotency-key", key).json(&body)).await
}

async fn projects(client: &Client) -> usize {
    client.get("/api/projects").await.expect(200)["data"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_sent_again_is_answered_again_and_not_done_again() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let first = post(&ada, "/api/projects", "one", json!({ "name": "Shop" })).await;
    let made = first.expect(201);
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let again = post(&ada, "/api/projects", "one", json!({ "name": "Shop" })).await;
    assert_eq!(again.expect(201), made);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_ne!(again.headers["x-request-id"], first.headers["x-request-id"]);
    assert_eq!(projects(&ada).await, 1);
    post(&ada, "/api/projects", "two", json!({ "name": "Shop" })).await.expect(201);
    assert_eq!(projects(&ada).await, 2);
    let entries = ada.get("/api/audit?action=create_project").await.expect(200);
    assert_eq!(entries["data"].as_array().unwrap().len(), 2, "what was not done is not in the audit log");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_is_carried_out() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let many = (0..10).map(|_| post(&ada, "/api/projects", "one", json!({ "name": "Shop" })));
    let replies = futures_util::future::join_all(many).await;
    let ids: std::collections::HashSet<_> =
        replies.iter().map(|reply| reply.expect(201)["id"].to_string()).collect();
    assert_eq!((ids.len(), projects(&ada).await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_one_request_of_one_account() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.sign_up("ada").await, server.sign_up("bob").await);
    post(&ada, "/api/projects", "one", json!({ "name": "Shop" })).await.expect(201);
    let other = post(&ada, "/api/projects", "one", json!({ "name": "Blog" })).await;
    assert_eq!(other.refusal(422), "idempotency_key_reused");
    let elsewhere = post(&ada, "/api/api-keys", "one", json!({ "name": "Shop" })).await;
    assert_eq!(elsewhere.refusal(422), "idempotency_key_reused");
    post(&bob, "/api/projects", "one", json!({ "name": "Blog" })).await.expect(201);
    assert_eq!(projects(&bob).await, 1);
    for key in ["", " ", "a b", &"x".repeat(256), "ä"] {
        let reply = post(&ada, "/api/projects", key, json!({ "name": "Shop" })).await;
        assert_eq!(reply.refusal(400), "invalid_idempotency_key", "{key:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_may_be_sent_again_put_right() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let refused = post(&ada, "/api/projects", "one", json!({ "name": "" })).await;
    assert_eq!(refused.refused_fields(), ["name"]);
    post(&ada, "/api/projects", "one", json!({ "name": "Shop" })).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_a_secret_is_kept_sealed() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let body = json!({ "title": "ci", "scopes": ["read"] });
    let made = post(&ada, "/api/api-keys", "one", body.clone()).await.expect(201);
    assert_eq!(post(&ada, "/api/api-keys", "one", body).await.expect(201), made);
    assert!(!server.database_has(made["key"].as_str().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_finds_the_answer() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let hasty = post(&ada, "/api/projects", "one", json!({ "name": "Shop" }));
    let _ = tokio::time::timeout(Duration::from_millis(2), hasty).await;
    let made = post(&ada, "/api/projects", "one", json!({ "name": "Shop" })).await.expect(201);
    assert_eq!((&made["slug"], projects(&ada).await), (&json!("shop"), 1));
}
