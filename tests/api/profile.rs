//! What owners change of their accounts: address, name, password, logins, the account itself.

use crate::support::{Client, TestServer, deployment};
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PASSWORD: &str = "correct horse";

async fn log_in(server: &TestServer, name: &str, password: &str) -> Value {
    let login = json!({ "email": format!("{name}@example.com"), "password": password });
    server.anonymous().post("/api/auth/login", login).await.expect(200)
}

fn client(server: &TestServer, session: &Value) -> Client {
    server.anonymous().with_token(session["access_token"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_needs_the_password() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    server.sign_up("bob").await;
    let patch = async |body| ada.send(Method::PATCH, "/api/auth/me", body).await;
    assert_eq!(patch(json!({ "username": "countess" })).await.expect(200)["username"], "countess");
    assert_eq!(patch(json!({ "email": "new@example.com" })).await.refusal(403), "wrong_password");
    let wrong = json!({ "email": "new@example.com", "password": "correct hors" });
    assert_eq!(patch(wrong).await.refusal(403), "wrong_password");
    let right = json!({ "email": "NEW@example.com", "password": PASSWORD });
    assert_eq!(patch(right).await.expect(200)["email"], "new@example.com");
    log_in(&server, "new", PASSWORD).await;

    assert_eq!(patch(json!({ "username": "bob" })).await.refusal(409), "taken");
    let taken = json!({ "email": "bob@example.com", "password": PASSWORD });
    assert_eq!(patch(taken).await.refusal(409), "taken");
    assert_eq!(patch(json!({ "role": "operator" })).await.refused_fields(), ["role"]);
    assert_eq!(patch(json!({})).await.expect(200)["username"], "countess");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_password_ends_every_other_login_and_its_streams() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let other = log_in(&server, "ada", PASSWORD).await;
    let project = ada.create_project("Shop").await;
    let id = deployment(&server.store, &project).await;
    let logs = format!("/api/deployments/{id}/logs");
    let following = client(&server, &other).request(Method::GET, &logs).header("accept", "text/event-stream");
    let mut body = following.send().await.unwrap().bytes_stream();

    let change = async |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        ada.post("/api/auth/password", body).await
    };
    assert_eq!(change("correct hors", "battery staple").await.refusal(403), "wrong_password");
    assert_eq!(change(PASSWORD, "short").await.refused_fields(), ["new_password"]);
    assert_eq!(change(PASSWORD, "battery staple").await.status, 204);

    assert_eq!(client(&server, &other).get("/api/auth/me").await.refusal(401), "unauthenticated");
    let refresh = json!({ "refresh_token": other["refresh_token"] });
    let refreshed = server.anonymous().post("/api/auth/refresh", refresh).await;
    assert_eq!(refreshed.refusal(401), "invalid_refresh_token");
    let begin = Instant::now();
    while body.next().await.is_some() {}
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());

    assert_eq!(ada.get("/api/auth/me").await.status, 200, "the login that asked goes on");
    log_in(&server, "ada", "battery staple").await;
    let old = json!({ "email": "ada@example.com", "password": PASSWORD });
    assert_eq!(server.anonymous().post("/api/auth/login", old).await.refusal(401), "invalid_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_the_password_of_a_login_are_slowed_down_too() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let body = json!({ "current_password": "guess", "new_password": "battery staple" });
    let guesses = (0..12).map(|_| ada.post("/api/auth/password", body.clone()));
    let replies = futures_util::future::join_all(guesses).await;
    assert!(replies.iter().any(|reply| reply.status == 429), "{replies:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_are_listed_and_ended_one_by_one() {
    let server = TestServer::start().await;
    let (ada, eve) = (server.sign_up("ada").await, server.sign_up("eve").await);
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let request = server.anonymous().request(Method::POST, "/api/auth/login");
    let phone: Value =
        request.header("user-agent", "phone/1").json(&login).send().await.unwrap().json().await.unwrap();
    let list = ada.get("/api/auth/sessions").await.expect(200);
    let sessions = list["data"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!((&sessions[0]["user_agent"], &sessions[0]["current"]), (&json!("phone/1"), &json!(false)));
    assert_eq!((&sessions[1]["peer"], &sessions[1]["current"]), (&json!("127.0.0.1"), &json!(true)));

    let page = ada.get("/api/auth/sessions?limit=1").await.expect(200);
    assert_eq!(page["data"], json!([sessions[0]]));
    let next = format!("/api/auth/sessions?limit=1&cursor={}", page["next"].as_str().unwrap());
    let page = ada.get(&next).await.expect(200);
    assert_eq!((&page["data"], &page["next"]), (&json!([sessions[1]]), &Value::Null));

    let path = format!("/api/auth/sessions/{}", sessions[0]["id"].as_str().unwrap());
    assert_eq!(eve.delete(&path).await.refusal(404), "session_not_found");
    assert_eq!(client(&server, &phone).get("/api/auth/me").await.status, 200);
    assert_eq!(ada.delete(&path).await.status, 204);
    assert_eq!(client(&server, &phone).get("/api/auth/me").await.status, 401);
    assert_eq!(ada.delete(&path).await.refusal(404), "session_not_found");
    assert_eq!(ada.get("/api/auth/sessions").await.expect(200)["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_removed_when_nothing_depends_on_it() {
    let server = TestServer::start().await;
    let (root, ada) = (server.sign_up("root").await, server.sign_up("ada").await);
    let remove = async |client: &Client, password: &str, confirm: &str| {
        let body = json!({ "password": password, "confirm": confirm });
        client.send(Method::DELETE, "/api/auth/me", body).await
    };
    ada.create_project("Shop").await;
    assert_eq!(remove(&ada, PASSWORD, "yes").await.refusal(422), "confirmation_required");
    assert_eq!(remove(&ada, "correct hors", "ada").await.refusal(403), "wrong_password");
    assert_eq!(remove(&ada, PASSWORD, "ada").await.refusal(409), "owns_projects");
    assert_eq!(ada.delete("/api/projects/shop?confirm=shop").await.status, 204);
    assert_eq!(remove(&ada, PASSWORD, "ada").await.status, 204);
    assert_eq!(ada.get("/api/auth/me").await.refusal(401), "unauthenticated");
    assert_eq!(remove(&root, PASSWORD, "root").await.refusal(409), "last_operator");
    assert_eq!(root.get("/api/auth/me").await.status, 200);
    // Its name and address are free again.
    server.sign_up("ada").await;
}
