//! The audit log: everything that changes something is in it.

use crate::support::{Client, TestServer, acceptable};
use gilgal::api::Endpoint;
use gilgal::store::{AuditFilter, PageRequest};
use reqwest::Method;
use serde_json::{Value, json};

async fn newest(client: &Client) -> Value {
    client.get("/api/audit?limit=1").await.expect(200)["data"][0].clone()
}

/// A new endpoint that changes something fails here until `acceptable` knows a request for it that is carried out.
#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_that_changes_something_is_in_the_log() {
    for endpoint in Endpoint::ALL.iter().copied() {
        let row = endpoint.row();
        if row.method == "GET" {
            continue;
        }
        let server = TestServer::start().await;
        let root = server.sign_up("root").await;
        let request = Box::pin(acceptable(&server, &root, endpoint)).await;
        let reply = request.send(&root).await;
        assert!(reply.status < 300, "{endpoint:?}: {} {}", reply.status, reply.text);
        let all = AuditFilter::default();
        let entry = server.store.audit_log(&all, PageRequest::first()).await.unwrap().data.remove(0).what;
        if endpoint.is_audited() {
            assert_eq!(entry.action, endpoint.word());
            assert_eq!(entry.request_id, reply.headers["x-request-id"].to_str().unwrap());
            let who = request.body.as_ref().filter(|_| endpoint == Endpoint::Register);
            let who = who.map_or("root", |body| body["username"].as_str().unwrap());
            assert_eq!(
                (entry.username.as_deref(), entry.peer.as_str()),
                (Some(who), "127.0.0.1"),
                "{endpoint:?}"
            );
        } else {
            assert_ne!(entry.action, endpoint.word());
        }
        let kept = format!("{entry:?}");
        for secret in ["correct horse", "glg_", "glr_", "gli_", "glh_", "eyJ"] {
            let hint = kept.matches(secret).count();
            assert!(
                hint == 0 || secret == "glg_" && !kept.contains("\"key\""),
                "{endpoint:?}: {secret} in {kept}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_says_who_what_and_how_it_was_before() {
    let server = TestServer::start().await;
    let root = server.sign_up("root").await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    assert_eq!(newest(&root).await["project_id"], project["id"]);
    ada.send(Method::PATCH, "/api/projects/shop", json!({ "name": "Store" })).await.expect(200);
    let entry = newest(&root).await;
    insta::assert_json_snapshot!("audit_entry", entry, {
        ".id" => "[id]", ".at" => "[at]", ".user_id" => "[id]", ".credential_id" => "[id]", ".project_id" => "[id]",
        ".request_id" => "[id]", ".before.id" => "[id]", ".after.id" => "[id]", ".before.created_at" => "[at]",
        ".before.updated_at" => "[at]", ".after.created_at" => "[at]", ".after.updated_at" => "[at]",
    });
    // Who is refused has changed nothing, and leaves no entry.
    ada.send(Method::PATCH, "/api/projects/shop", json!({ "name": "" })).await.refused_fields();
    ada.delete("/api/projects/shop").await.refusal(422);
    assert_eq!(newest(&root).await["id"], entry["id"]);

    let key = ada.post("/api/api-keys", json!({ "title": "ci", "scopes": ["write"] })).await.expect(201);
    let bot = ada.with_token(key["key"].as_str().unwrap());
    bot.delete("/api/projects/shop?confirm=shop").await.expect(204);
    let entry = newest(&root).await;
    assert_eq!((&entry["credential"], &entry["credential_id"]), (&json!("api_key"), &key["id"]));
    assert_eq!((&entry["before"]["name"], &entry["after"]), (&json!("Store"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_in_the_log_although_something_after_it_has_failed() {
    let server = TestServer::start().await;
    let root = server.sign_up("root").await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    ada.post("/api/projects/shop/environments", json!({ "name": "staging" })).await.expect(201);
    // What is in the way before anything was changed leaves no entry.
    ada.delete("/api/environments/shop:staging?confirm=nothing").await.refusal(422);
    assert_eq!(newest(&root).await["action"], "create_environment");
    *server.surroundings.removing_fails.lock().unwrap() = true;
    for (path, action) in [
        ("/api/environments/shop:staging?confirm=staging", "delete_environment"),
        ("/api/projects/shop?confirm=shop", "delete_project"),
    ] {
        assert_eq!(ada.delete(path).await.refusal(503), "unavailable");
        let entry = newest(&root).await;
        assert_eq!((&entry["action"], &entry["username"]), (&json!(action), &json!("ada")));
        assert_eq!((&entry["project_id"], &entry["after"]), (&project["id"], &Value::Null));
        assert!(entry["before"]["id"].is_string(), "{entry}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_project_is_its_owners_to_read() {
    let server = TestServer::start().await;
    let root = server.sign_up("root").await;
    let (ada, eve) = (server.sign_up("ada").await, server.sign_up("eve").await);
    let shop = ada.create_project("Shop").await;
    eve.create_project("Blog").await;
    let log = ada.get("/api/projects/shop/audit").await.expect(200);
    let entries = log["data"].as_array().unwrap();
    assert!(!entries.is_empty() && entries.iter().all(|entry| entry["project_id"] == shop["id"]), "{log}");
    assert_eq!(eve.get("/api/projects/shop/audit").await.refusal(404), "project_not_found");
    assert_eq!(ada.get("/api/audit").await.refusal(403), "forbidden");
    let logins = root.get("/api/audit?action=login").await.expect(200);
    assert_eq!(logins["data"].as_array().unwrap().len(), 3);
    assert_eq!(root.get("/api/audit?action=maintenance+on").await.expect(200)["data"], json!([]));
    for no_action in ["", "%00", "a%00b", "Login", "login%0a", "a__b", "%27%3b--", &"a".repeat(65)] {
        for path in ["/api/audit", "/api/projects/shop/audit"] {
            let reply = root.get(&format!("{path}?action={no_action}")).await;
            assert_eq!(reply.refusal(400), "invalid_query", "{path} {no_action}");
        }
    }
    let eves = eve.get("/api/auth/me").await.expect(200)["id"].as_str().unwrap().to_owned();
    let of_eve = root.get(&format!("/api/audit?user_id={eves}&limit=2")).await.expect(200);
    assert!(of_eve["data"].as_array().unwrap().iter().all(|entry| entry["username"] == "eve"));
    assert!(of_eve["next"].is_string());
}
