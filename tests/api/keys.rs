//! `/api/keys`.

use crate::support::TestServer;
use serde_json::{Value, json};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIYkiMziLjXbGlFIBW4GN2bYR9wiguLIrdzSRCsHi42";
const FINGERPRINT: &str = "SHA256:HyRq/uJiVzXt0AgV2zpkOjG8YtDLySAFw1eclaotKp4";

fn key(title: &str, public_key: &str) -> Value {
    json!({ "title": title, "public_key": public_key })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_added_listed_and_removed() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let reply = ada.post("/api/keys", key(" laptop ", &format!("{KEY} ada@laptop\n"))).await;
    let added = reply.expect(201);
    assert_eq!((&added["fingerprint"], &added["public_key"]), (&json!(FINGERPRINT), &json!(KEY)));
    insta::assert_json_snapshot!("added_key", reply.redacted());

    let list = ada.get("/api/keys").await.expect(200);
    assert_eq!(list, json!({ "data": [added], "next": null }));
    let path = format!("/api/keys/{}", added["id"].as_str().unwrap());
    assert_eq!(ada.delete(&path).await.status, 204);
    assert_eq!(ada.delete(&path).await.refusal(404), "key_not_found");
    assert_eq!(ada.get("/api/keys").await.expect(200)["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_one_account() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.sign_up("ada").await, server.sign_up("bob").await);
    let id = ada.post("/api/keys", key("laptop", KEY)).await.expect(201)["id"].clone();
    let with_comment = format!("{KEY} another comment");
    for client in [&ada, &bob] {
        let reply = client.post("/api/keys", key("same", &with_comment)).await;
        assert_eq!(reply.refusal(409), "taken");
    }
    let path = format!("/api/keys/{}", id.as_str().unwrap());
    assert_eq!(bob.delete(&path).await.refusal(404), "key_not_found");
    assert_eq!(bob.get("/api/keys").await.expect(200)["data"], json!([]));
    assert_eq!(ada.get("/api/keys").await.expect(200)["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_what_to_do() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let private =
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----";
    let mut refusals = Vec::new();
    for public_key in [private, "ssh-dss AAAAB3NzaC1kc3MAAACB", "hello", "", &format!("{KEY}\n{KEY}")] {
        let reply = ada.post("/api/keys", key("key", public_key)).await;
        assert_eq!(reply.refused_fields(), ["public_key"]);
        assert!(!reply.text.contains("b3BlbnNz"), "what was sent must not come back");
        refusals.push(reply.redacted()["error"]["details"]["fields"]["public_key"].clone());
    }
    insta::assert_json_snapshot!("refused_keys", refusals);
    assert_eq!(ada.post("/api/keys", key("", KEY)).await.refused_fields(), ["title"]);
    assert_eq!(ada.post("/api/keys", key("", "hello")).await.refused_fields(), ["public_key", "title"]);
    assert_eq!(ada.post("/api/keys", key("a\u{1b}[2J", KEY)).await.refused_fields(), ["title"]);
    for id in ["x", "..", "%2e%2e", "00000000-0000-0000-0000-000000000000"] {
        assert_eq!(ada.delete(&format!("/api/keys/{id}")).await.status, 404, "{id}");
    }
}
