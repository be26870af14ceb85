//! Invitations, and the keys that sign access tokens.

use crate::support::{Client, Options, TestServer};
use gilgal::config::Registration;
use serde_json::{Value, json};

async fn by_invitation() -> (TestServer, Client) {
    let options = Options { registration: Registration::Invite, ..Options::default() };
    let server = TestServer::start_with(options).await;
    let root = server.sign_up("root").await;
    (server, root)
}

fn account(name: &str, invitation: &Value) -> Value {
    let email = format!("{name}@example.com");
    json!({ "email": email, "username": name, "password": "correct horse", "invitation": invitation["invitation"] })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_lets_one_person_in() {
    let (server, root) = by_invitation().await;
    let client = server.anonymous();
    let reply = root.post("/api/invitations", json!({})).await;
    let invitation = reply.expect(201);
    insta::assert_json_snapshot!("created_invitation", reply.redacted());
    let without = client.post("/api/auth/register", account("ada", &json!({}))).await;
    assert_eq!(without.refusal(403), "invitation_required");
    let forged = client.post("/api/auth/register", account("ada", &json!({ "invitation": "gli_x" }))).await;
    assert_eq!(forged.refusal(403), "invitation_required");
    let names: Vec<_> = (0..6).map(|number| account(&format!("user{number}"), &invitation)).collect();
    let racing = names.iter().map(|account| client.post("/api/auth/register", account.clone()));
    let replies = futures_util::future::join_all(racing).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    assert_eq!(server.store.count_users().await.unwrap(), 2);
    let listed = root.get("/api/invitations").await.expect(200);
    assert!(listed["data"][0]["used_at"].is_string() && listed["data"][0]["used_by"].is_string());
    assert!(!listed.to_string().contains("gli_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_may_be_for_one_address() {
    let (server, root) = by_invitation().await;
    let client = server.anonymous();
    let invitation = root.post("/api/invitations", json!({ "email": "ada@example.com" })).await.expect(201);
    let other = client.post("/api/auth/register", account("eve", &invitation)).await;
    assert_eq!(other.refusal(403), "invitation_required");
    client.post("/api/auth/register", account("ada", &invitation)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_can_be_taken_back_and_is_the_operators_to_give() {
    let (server, root) = by_invitation().await;
    let client = server.anonymous();
    let invitation = root.post("/api/invitations", json!({ "expires_in_hours": 1 })).await.expect(201);
    let path = format!("/api/invitations/{}", invitation["id"].as_str().unwrap());
    assert_eq!(root.delete(&path).await.status, 204);
    assert_eq!(root.delete(&path).await.refusal(404), "invitation_not_found");
    let late = client.post("/api/auth/register", account("ada", &invitation)).await;
    assert_eq!(late.refusal(403), "invitation_required");
    for hours in [json!(0), json!(2161), json!("1"), json!(-1)] {
        let refused = root.post("/api/invitations", json!({ "expires_in_hours": hours })).await;
        assert_eq!(refused.refused_fields(), ["expires_in_hours"]);
    }
    let invitation = root.post("/api/invitations", json!({})).await.expect(201);
    client.post("/api/auth/register", account("ada", &invitation)).await.expect(201);
    let login = json!({ "email": "ada@example.com", "password": "correct horse" });
    let session = client.post("/api/auth/login", login).await.expect(200);
    let ada = client.with_token(session["access_token"].as_str().unwrap());
    assert_eq!(ada.post("/api/invitations", json!({})).await.refusal(403), "forbidden");
    assert_eq!(ada.get("/api/invitations").await.refusal(403), "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_retired_key_are_accepted_until_they_expire() {
    let server = TestServer::start().await;
    let root = server.sign_up("root").await;
    let before = root.get("/api/signing-keys").await.expect(200);
    let made = root.post("/api/signing-keys", json!({})).await.expect(201);
    let after = root.get("/api/signing-keys").await.expect(200);
    assert_eq!(after["data"].as_array().unwrap().len(), 2, "the old token is accepted");
    assert_eq!((&after["data"][0]["id"], &after["data"][0]["retired_at"]), (&made["id"], &Value::Null));
    assert_eq!(after["data"][1]["id"], before["data"][0]["id"]);
    assert!(after["data"][1]["retired_at"].is_string());
    // A new login is signed with the new key.
    let login = json!({ "email": "root@example.com", "password": "correct horse" });
    let session = server.anonymous().post("/api/auth/login", login).await.expect(200);
    let again = server.anonymous().with_token(session["access_token"].as_str().unwrap());
    assert_eq!(again.get("/api/auth/me").await.status, 200);
}
