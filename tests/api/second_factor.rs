//! `/api/auth/totp`, and logins of accounts that have a second factor.

use crate::support::{Client, Reply, TestServer, totp, totp_step};
use reqwest::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse";

async fn log_in(server: &TestServer, code: Option<&str>) -> Reply {
    let mut body = json!({ "email": "ada@example.com", "password": PASSWORD });
    if let Some(code) = code {
        body["code"] = json!(code);
    }
    server.anonymous().post("/api/auth/login", body).await
}

/// Turns the second factor on; gives the secret, the step that was used and the recovery codes.
async fn enrol(ada: &Client) -> (String, u64, Vec<String>) {
    let enrolment = ada.post("/api/auth/totp", json!({ "password": PASSWORD })).await.expect(201);
    let secret = enrolment["secret"].as_str().unwrap().to_owned();
    assert!(enrolment["otpauth_url"].as_str().unwrap().contains(&secret));
    let used = totp_step();
    let confirmed =
        ada.post("/api/auth/totp/confirm", json!({ "code": totp(&secret, used) })).await.expect(200);
    let codes = confirmed["recovery_codes"].as_array().unwrap();
    (secret, used, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_needs_a_code_that_was_not_used() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let (secret, used, _) = enrol(&ada).await;
    let missing = log_in(&server, None).await;
    assert_eq!(missing.refusal(401), "second_factor_required");
    insta::assert_json_snapshot!("second_factor_required", missing.redacted());
    assert_eq!(
        log_in(&server, Some(&totp(&secret, used))).await.refusal(401),
        "invalid_second_factor",
        "used"
    );
    assert_eq!(log_in(&server, Some(&totp(&secret, used + 100))).await.refusal(401), "invalid_second_factor");
    let next = totp(&secret, used + 1);
    log_in(&server, Some(&next)).await.expect(200);
    assert_eq!(log_in(&server, Some(&next)).await.refusal(401), "invalid_second_factor", "a replay");
    // A wrong password says nothing of the second factor.
    let wrong = json!({ "email": "ada@example.com", "password": "correct hors", "code": next });
    assert_eq!(server.anonymous().post("/api/auth/login", wrong).await.refusal(401), "invalid_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_logins_with_one_code_one_passes() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let (secret, used, _) = enrol(&ada).await;
    let next = totp(&secret, used + 1);
    let replies = futures_util::future::join_all((0..5).map(|_| log_in(&server, Some(&next)))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_stands_in_once() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let (_, _, codes) = enrol(&ada).await;
    assert_eq!(codes.len(), 10);
    log_in(&server, Some(&codes[0].to_uppercase())).await.expect(200);
    assert_eq!(log_in(&server, Some(&codes[0])).await.refusal(401), "invalid_second_factor");
    let state = ada.get("/api/auth/totp").await.expect(200);
    assert_eq!((&state["enabled"], &state["recovery_codes_left"]), (&json!(true), &json!(9)));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_turned_on_by_a_code_and_off_by_the_password() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let off = async |password: &str| {
        ada.send(Method::DELETE, "/api/auth/totp", json!({ "password": password })).await
    };
    assert_eq!(ada.get("/api/auth/totp").await.expect(200)["enabled"], false);
    assert_eq!(off(PASSWORD).await.refusal(409), "second_factor_state");
    let confirm = async |code: &str| ada.post("/api/auth/totp/confirm", json!({ "code": code })).await;
    assert_eq!(confirm("123456").await.refusal(409), "second_factor_state");
    let wrong = ada.post("/api/auth/totp", json!({ "password": "guess" })).await;
    assert_eq!(wrong.refusal(403), "wrong_password");
    // A secret that was not confirmed asks nothing of a login.
    ada.post("/api/auth/totp", json!({ "password": PASSWORD })).await.expect(201);
    assert_eq!(confirm("12345").await.refusal(401), "invalid_second_factor");
    log_in(&server, None).await.expect(200);

    enrol(&ada).await;
    assert_eq!(log_in(&server, None).await.refusal(401), "second_factor_required");
    let again = ada.post("/api/auth/totp", json!({ "password": PASSWORD })).await;
    assert_eq!(again.refusal(409), "second_factor_state");
    assert_eq!(off("guess").await.refusal(403), "wrong_password");
    assert_eq!(off(PASSWORD).await.status, 204);
    log_in(&server, None).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_a_code_are_slowed_down() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    enrol(&ada).await;
    let guesses = (0..20).map(|number| {
        let server = &server;
        async move { log_in(server, Some(&format!("{number:06}"))).await }
    });
    let replies = futures_util::future::join_all(guesses).await;
    let (judged, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 401);
    assert!((4..9).contains(&judged.len()), "{}", judged.len());
    assert!(refused.iter().all(|reply| reply.refusal(429) == "rate_limited"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_it_is_in_the_audit_log_or_the_database() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let (secret, _, codes) = enrol(&ada).await;
    let log: Value = ada.get("/api/audit").await.expect(200);
    assert!(log.to_string().contains("enrol_second_factor"));
    let mut kept = log.to_string().into_bytes();
    for file in ["gilgal.db", "gilgal.db-wal"] {
        kept.extend(std::fs::read(server.directory().join(file)).unwrap_or_default());
    }
    let kept = String::from_utf8_lossy(&kept);
    for secret in codes.iter().chain([&secret]) {
        assert!(!kept.contains(secret.as_str()), "{secret}");
    }
}
