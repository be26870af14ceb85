//! `/api/auth`.

use crate::support::{Client, Options, Reply, TestServer};
use gilgal::config::Registration;
use serde_json::{Value, json};

fn account(username: &str) -> Value {
    json!({ "email": format!("{username}@example.com"), "username": username, "password": "correct horse" })
}

async fn log_in(client: &Client, username: &str) -> Value {
    let login = json!({ "email": format!("{username}@example.com"), "password": "correct horse" });
    client.post("/api/auth/login", login).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_and_used() {
    let server = TestServer::start().await;
    let client = server.anonymous();
    let registered = client.post("/api/auth/register", account("ada")).await;
    registered.expect(201);
    insta::assert_json_snapshot!("registered", registered.redacted());

    let login = json!({ "email": "ADA@example.com", "password": "correct horse" });
    let login = client.post("/api/auth/login", login).await;
    let session = login.expect(200);
    insta::assert_json_snapshot!("session", login.redacted());

    let me = client.with_token(session["access_token"].as_str().unwrap()).get("/api/auth/me").await;
    assert_eq!(me.expect(200), session["user"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_first_account_is_the_operator() {
    let server = TestServer::start().await;
    let client = server.anonymous();
    let roles: Vec<Value> = [
        client.post("/api/auth/register", account("ada")).await.expect(201),
        client.post("/api/auth/register", account("bob")).await.expect(201),
    ]
    .map(|user| user["role"].clone())
    .into();
    assert_eq!(roles, ["operator", "member"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_is_named() {
    let server = TestServer::start().await;
    let body = json!({ "email": "ada", "username": "A b", "password": "short", "role": "operator" });
    let reply = server.anonymous().post("/api/auth/register", body).await;
    assert_eq!(reply.refused_fields(), ["email", "password", "role", "username"]);
    insta::assert_json_snapshot!("wrong_fields", reply.redacted());
    assert_eq!(
        server.anonymous().post("/api/auth/register", json!({})).await.refused_fields(),
        ["email", "password", "username"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_are_refused() {
    let server = TestServer::start().await;
    let client = server.anonymous();
    for name in [
        "../../etc/passwd",
        "'; DROP TABLE users; --",
        "$(id)",
        "`id`",
        "a\u{0}b",
        "a\nb",
        "\u{1b}[2J",
        "-rf",
        "<script>alert(1)</script>",
        "{{7*7}}",
        "\u{202e}ada",
        "ädä",
        &"x".repeat(5000),
    ] {
        let body = json!({ "email": "ada@example.com", "username": name, "password": "correct horse" });
        assert_eq!(client.post("/api/auth/register", body).await.refused_fields(), ["username"], "{name:?}");
    }
    assert_eq!(server.store.count_users().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn e_mail_and_username_are_unique() {
    let server = TestServer::start().await;
    let client = server.anonymous();
    client.post("/api/auth/register", account("ada")).await.expect(201);
    let mut body = account("ada");
    let both = client.post("/api/auth/register", body.clone()).await;
    assert_eq!(both.refusal(409), "taken");
    let fields = json!({ "email": "This email is taken.", "username": "This username is taken." });
    assert_eq!(both.expect(409)["error"]["details"], json!({ "field": "email", "fields": fields }));
    body["email"] = json!("other@example.com");
    let reply = client.post("/api/auth/register", body).await;
    assert_eq!(reply.expect(409)["error"]["details"], json!({ "field": "username" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_server_takes_its_first_account_only() {
    let options = Options { registration: Registration::Closed, ..Options::default() };
    let server = TestServer::start_with(options).await;
    let client = server.anonymous();
    let names: Vec<String> = (0..8).map(|number| format!("user{number}")).collect();
    let racing = names.iter().map(|name| client.post("/api/auth/register", account(name)));
    let replies = futures_util::future::join_all(racing).await;
    let (made, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 201);
    assert_eq!(made.len(), 1);
    for reply in refused {
        assert_eq!(reply.refusal(403), "registration_closed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_account_is_made_on_the_machine_of_the_server() {
    for registration in [Registration::Open, Registration::Closed] {
        let server = TestServer::start_with(Options { registration, ..Options::default() }).await;
        let request = || {
            let url = format!("http://{}/api/auth/register", server.address);
            reqwest::Client::builder().no_proxy().build().unwrap().post(url).json(&account("ada"))
        };
        for (name, value) in [
            ("x-forwarded-for", "203.0.113.9"),
            ("forwarded", "for=127.0.0.1"),
            ("via", "1.1 proxy"),
            ("host", "gilgal.example.com"),
        ] {
            let reply = Reply::of(request().header(name, value)).await;
            assert_eq!(reply.refusal(403), "registration_closed", "{name}");
        }
        assert_eq!(server.store.count_users().await.unwrap(), 0);
        assert_eq!(Reply::of(request()).await.expect(201)["role"], "operator");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down_for_known_and_unknown_accounts_alike() {
    let server = TestServer::start().await;
    server.anonymous().post("/api/auth/register", account("ada")).await.expect(201);
    let client = server.anonymous();
    let guess = async |name: &str, password: &str| {
        let email = format!("{name}@example.com");
        client.post("/api/auth/login", json!({ "email": email, "password": password })).await
    };
    for name in ["ada", "nobody"] {
        let guesses = (0..40).map(|_| guess(name, "correct hors"));
        let replies = futures_util::future::join_all(guesses).await;
        let (answered, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 401);
        // Five are free; on a slow machine there is time for one or two after a wait.
        assert!((5..8).contains(&answered.len()), "{name}: {}", answered.len());
        for reply in refused {
            assert_eq!(reply.refusal(429), "rate_limited");
            assert_ne!(reply.headers["retry-after"], "0");
        }
    }
    // Another account is not concerned.
    server.sign_up("bob").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_login_does_not_say_why() {
    let server = TestServer::start().await;
    server.sign_up("ada").await;
    let client = server.anonymous();
    let attempt = async |email: &str, password: &str| {
        let reply = client.post("/api/auth/login", json!({ "email": email, "password": password })).await;
        assert_eq!(reply.refusal(401), "invalid_credentials");
        assert_eq!(reply.headers["www-authenticate"], "Bearer realm=\"gilgal\"");
        reply.redacted()
    };
    let wrong_password = attempt("ada@example.com", "correct hors").await;
    assert_eq!(attempt("nobody@example.com", "correct horse").await, wrong_password);
    assert_eq!(attempt("ada@example.com", "").await, wrong_password);
    assert_eq!(attempt("ada@example.com", &"x".repeat(100_000)).await, wrong_password);
    insta::assert_json_snapshot!("failed_login", wrong_password);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_used_once() {
    let server = TestServer::start().await;
    server.sign_up("ada").await;
    let client = server.anonymous();
    let first = log_in(&client, "ada").await;
    let refresh = async |session: &Value| {
        client.post("/api/auth/refresh", json!({ "refresh_token": session["refresh_token"] })).await
    };
    let me = async |session: &Value| {
        client.with_token(session["access_token"].as_str().unwrap()).get("/api/auth/me").await.status
    };
    let second = refresh(&first).await.expect(200);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(me(&second).await, 200);

    // Whoever comes with the old one has a copy: the login ends for both.
    assert_eq!(refresh(&first).await.refusal(401), "invalid_refresh_token");
    assert_eq!(refresh(&second).await.refusal(401), "invalid_refresh_token");
    assert_eq!(me(&second).await, 401);
    // Another login of the same account goes on.
    let other = log_in(&client, "ada").await;
    assert_eq!(me(&other).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_refresh_tokens_are_refused() {
    let server = TestServer::start().await;
    server.sign_up("ada").await;
    let client = server.anonymous();
    let access_token = log_in(&client, "ada").await["access_token"].clone();
    for token in [json!(""), json!("glr_"), json!("glr_AAAA"), json!("' OR 1=1 --"), access_token] {
        let reply = client.post("/api/auth/refresh", json!({ "refresh_token": token })).await;
        assert_eq!(reply.refusal(401), "invalid_refresh_token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_ends_both_tokens_at_once() {
    let server = TestServer::start().await;
    server.sign_up("ada").await;
    let client = server.anonymous();
    let session = log_in(&client, "ada").await;
    let token = json!({ "refresh_token": session["refresh_token"] });
    assert_eq!(client.post("/api/auth/logout", token.clone()).await.status, 204);
    let me = client.with_token(session["access_token"].as_str().unwrap()).get("/api/auth/me").await;
    assert_eq!(me.refusal(401), "unauthenticated");
    assert_eq!(client.post("/api/auth/refresh", token.clone()).await.refusal(401), "invalid_refresh_token");
    assert_eq!(client.post("/api/auth/logout", token).await.status, 204, "again is the same as once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_access_token_is_refused() {
    let server = TestServer::start().await;
    let client = server.sign_up("ada").await;
    let session = log_in(&client, "ada").await;
    let token = session["access_token"].as_str().unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let claims = message.split_once('.').unwrap().1;
    // {"alg":"none"}
    let unsigned = format!("eyJhbGciOiJub25lIn0.{claims}.");
    for bad in ["", "x", "a.b.c", session["refresh_token"].as_str().unwrap(), &unsigned, message] {
        let reply = client.with_token(bad).get("/api/auth/me").await;
        assert_eq!(reply.refusal(401), "unauthenticated", "{bad}");
    }
    let request = |name, value: String| {
        server.anonymous().request(reqwest::Method::GET, "/api/auth/me").header(name, value)
    };
    for header in [format!("Basic {token}"), token.to_owned(), format!("Token {token}"), "Bearer".to_owned()]
    {
        assert_eq!(request("authorization", header).send().await.unwrap().status(), 401);
    }
    let in_url = server.anonymous().get(&format!("/api/auth/me?access_token={token}")).await;
    assert_eq!(in_url.refusal(401), "unauthenticated", "no token in a URL");
    assert_eq!(request("authorization", format!("bearer {token}")).send().await.unwrap().status(), 200);
    assert!(signature.len() > 40);
}
