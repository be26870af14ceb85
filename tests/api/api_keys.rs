//! `/api/api-keys`, and what a key reaches.

use crate::support::{Client, Reply, TestServer, deployment, lines};
use futures_util::StreamExt;
use gilgal::api::{Access, Endpoint};
use gilgal::model::log::Stream;
use gilgal::model::scope::Scope;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn create(client: &Client, scopes: &[&str]) -> Value {
    client.post("/api/api-keys", json!({ "title": "ci", "scopes": scopes })).await.expect(201)
}

fn with_key(server: &TestServer, key: &Value) -> Client {
    server.anonymous().with_token(key["key"].as_str().unwrap())
}

fn path(key: &Value) -> String {
    format!("/api/api-keys/{}", key["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_used_and_removed() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let reply =
        ada.post("/api/api-keys", json!({ "title": "ci", "scopes": ["read", "deploy", "read"] })).await;
    let key = reply.expect(201);
    let secret = key["key"].as_str().unwrap();
    assert!(secret.starts_with("glg_") && secret.len() == 47, "256 bits in base64");
    insta::assert_json_snapshot!("created_api_key", reply.redacted());

    let listed = ada.get("/api/api-keys").await.expect(200);
    assert!(!listed.to_string().contains(secret), "it is shown once");
    assert_eq!((&listed["data"][0]["id"], &listed["data"][0]["last_used_at"]), (&key["id"], &Value::Null));

    let bot = with_key(&server, &key);
    assert_eq!(bot.get("/api/auth/me").await.expect(200)["username"], "ada");
    assert!(ada.get("/api/api-keys").await.expect(200)["data"][0]["last_used_at"].is_string());
    assert_eq!(ada.delete(&path(&key)).await.status, 204);
    assert_eq!(bot.get("/api/auth/me").await.refusal(401), "unauthenticated");
    assert_eq!(ada.delete(&path(&key)).await.refusal(404), "api_key_not_found");
}

/// Every route × every scope.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_reaches_as_far_as_its_scopes() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let mut bots = Vec::new();
    for scope in Scope::ALL {
        bots.push((scope, with_key(&server, &create(&ada, &[scope.as_str()]).await)));
    }
    for endpoint in Endpoint::ALL.iter().copied() {
        let row = endpoint.row();
        let Some(needed) = row.access.scope() else { continue };
        let path = row.path.replace(":id", "00000000-0000-7000-8000-000000000000");
        let path = path.replace(":name", "A").replace(":version", "1");
        for (scope, bot) in &bots {
            // A body that no endpoint takes: nothing is changed by those that are let in.
            let body = json!({ "no_such_field": true });
            let reply = bot.send(row.method.as_str().parse().unwrap(), &path, body).await;
            if *scope >= needed {
                assert_ne!(reply.status, 403, "{endpoint:?} with {scope:?}: {}", reply.text);
            } else {
                assert_eq!(reply.refusal(403), "insufficient_scope", "{endpoint:?} with {scope:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lets_people_in_needs_the_widest_scope() {
    let credentials = [
        Endpoint::CreateKey,
        Endpoint::DeleteKey,
        Endpoint::CreateApiKey,
        Endpoint::RotateApiKey,
        Endpoint::DeleteApiKey,
        Endpoint::UpdateAccount,
        Endpoint::ChangePassword,
        Endpoint::RemoveAccount,
        Endpoint::EndSession,
        Endpoint::EnrolSecondFactor,
        Endpoint::ConfirmSecondFactor,
        Endpoint::RemoveSecondFactor,
    ];
    for endpoint in credentials {
        assert_eq!(endpoint.row().access, Access::Account(Scope::Admin), "{endpoint:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_gives_way_to_the_new_one() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let first = create(&ada, &["read"]).await;
    let rotate = async |body| ada.post(&format!("{}/rotate", path(&first)), body).await;
    let me = async |key: &Value| with_key(&server, key).get("/api/auth/me").await.status;

    let second = rotate(json!({ "overlap_seconds": 600 })).await.expect(200);
    assert_eq!((me(&first).await, me(&second).await), (200, 200), "for ten minutes");
    assert_eq!((&second["id"], &second["title"]), (&first["id"], &first["title"]));
    assert_ne!(second["hint"], Value::Null);

    let third = Reply::of(ada.request(Method::POST, &format!("{}/rotate", path(&first)))).await.expect(200);
    assert_eq!((me(&first).await, me(&second).await, me(&third).await), (401, 401, 200), "at once");
    for overlap in [json!(-1), json!(604_801), json!("600"), json!(1.5)] {
        let refused = rotate(json!({ "overlap_seconds": overlap })).await;
        assert_eq!(refused.refused_fields(), ["overlap_seconds"]);
    }
    assert_eq!(me(&third).await, 200, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_expires() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let soon = gilgal::model::time::now() + chrono::TimeDelta::seconds(1);
    let body = json!({ "title": "ci", "scopes": ["read"], "expires_at": soon });
    let key = ada.post("/api/api-keys", body).await.expect(201);
    let bot = with_key(&server, &key);
    assert_eq!(bot.get("/api/auth/me").await.status, 200);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(bot.get("/api/auth/me").await.refusal(401), "unauthenticated");
    let hint = key["hint"].clone();
    let rotated = ada.post(&format!("{}/rotate", path(&key)), json!({ "overlap_seconds": 600 })).await;
    assert_eq!(rotated.refusal(409), "api_key_expired");
    assert_eq!(ada.get("/api/api-keys").await.expect(200)["data"][0]["hint"], hint, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_drafts_are_refused_by_field() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let refused = async |body| ada.post("/api/api-keys", body).await.refused_fields();
    assert_eq!(refused(json!({})).await, ["scopes", "title"]);
    for scopes in [json!([]), json!("read"), json!(["root"]), json!([1]), json!({}), json!(null)] {
        assert_eq!(refused(json!({ "title": "ci", "scopes": scopes })).await, ["scopes"]);
    }
    for time in [json!("2020-01-01T00:00:00Z"), json!("tomorrow"), json!(5)] {
        let body = json!({ "title": "ci", "scopes": ["read"], "expires_at": time });
        assert_eq!(refused(body).await, ["expires_at"]);
    }
    assert_eq!(ada.get("/api/api-keys").await.expect(200)["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_others_are_not_found() {
    let server = TestServer::start().await;
    let (ada, eve) = (server.sign_up("ada").await, server.sign_up("eve").await);
    let key = create(&ada, &["admin"]).await;
    assert_eq!(eve.delete(&path(&key)).await.refusal(404), "api_key_not_found");
    let rotated = eve.post(&format!("{}/rotate", path(&key)), json!({})).await;
    assert_eq!(rotated.refusal(404), "api_key_not_found");
    assert_eq!(with_key(&server, &key).get("/api/auth/me").await.status, 200);
    for forged in ["glg_", "glg_AAAA", "glg_' OR 1=1 --", &"glg_x".repeat(1000)] {
        let reply = server.anonymous().with_token(forged).get("/api/auth/me").await;
        assert_eq!(reply.refusal(401), "unauthenticated");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_a_key_ends_its_streams() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    let id = deployment(&server.store, &project).await;
    lines(&server.store, id, 1, &[(Stream::Build, "line")]).await;
    let key = create(&ada, &["read"]).await;
    let logs = format!("/api/deployments/{id}/logs");
    let request = with_key(&server, &key).request(Method::GET, &logs).header("accept", "text/event-stream");
    let mut body = request.send().await.unwrap().bytes_stream();
    body.next().await.unwrap().unwrap();
    assert_eq!(ada.delete(&path(&key)).await.status, 204);
    let begin = Instant::now();
    while body.next().await.is_some() {}
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}
