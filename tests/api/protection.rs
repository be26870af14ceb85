//! Rate limits, CORS, entity tags, addresses that proxies tell.

use crate::support::{Client, Options, Reply, TestServer};
use gilgal::api::RequestLimits;
use reqwest::Method;
use serde_json::json;
use std::net::IpAddr;
use std::num::NonZeroU32;

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_its_share_of_requests() {
    let request_limits = RequestLimits { per_peer: None, per_account: NonZeroU32::new(10) };
    let server = TestServer::start_with(Options { request_limits, ..Options::default() }).await;
    let (ada, bob) = (server.sign_up("ada").await, server.sign_up("bob").await);
    for _ in 0..10 {
        ada.get("/api/auth/me").await.expect(200);
    }
    let refused = ada.get("/api/auth/me").await;
    assert_eq!(refused.refusal(429), "rate_limited");
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=6).contains(&wait), "{wait}");
    bob.get("/api/auth/me").await.expect(200);
    server.anonymous().get("/health").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_has_its_share_of_requests() {
    let request_limits = RequestLimits { per_peer: NonZeroU32::new(5), per_account: None };
    let server = TestServer::start_with(Options { request_limits, ..Options::default() }).await;
    // The test's proxy is trusted: it says who is behind it.
    let proxy =
        reqwest::Client::builder().no_proxy().local_address(IpAddr::from([127, 0, 0, 3])).build().unwrap();
    let get = async |client: &'static str, path: &str| {
        let request = proxy.get(format!("http://{}{path}", server.address)).header("x-forwarded-for", client);
        Reply::of(request).await
    };
    for _ in 0..5 {
        assert_eq!(get("203.0.113.1", "/api/auth/me").await.refusal(401), "unauthenticated");
    }
    assert_eq!(get("203.0.113.1", "/api/auth/me").await.refusal(429), "rate_limited");
    assert_eq!(get("203.0.113.1", "/nowhere").await.refusal(429), "rate_limited");
    get("203.0.113.1", "/health").await.expect(200);
    assert_eq!(get("203.0.113.2", "/nowhere").await.refusal(404), "route_not_found");
    // What a client says of itself is not believed.
    let forged = server.anonymous().request(Method::GET, "/nowhere").header("x-forwarded-for", "203.0.113.1");
    assert_eq!(Reply::of(forged).await.refusal(404), "route_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_named_origins_only_may_read_answers() {
    let server = TestServer::start().await;
    let ask = async |method: Method, origin: &'static str| {
        let request = server.anonymous().request(method, "/api/projects").header("origin", origin);
        Reply::of(request.header("access-control-request-method", "POST")).await
    };
    let preflight = ask(Method::OPTIONS, "https://dashboard.test").await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.headers["access-control-allow-origin"], "https://dashboard.test");
    assert!(preflight.headers["access-control-allow-headers"].to_str().unwrap().contains("Authorization"));
    assert!(!preflight.headers.contains_key("access-control-allow-credentials"));
    let read = ask(Method::GET, "https://dashboard.test").await;
    assert_eq!(read.refusal(401), "unauthenticated");
    assert_eq!(read.headers["access-control-allow-origin"], "https://dashboard.test");
    for origin in ["https://evil.test", "null", "https://dashboard.test.evil.test", "http://dashboard.test"] {
        for method in [Method::OPTIONS, Method::GET] {
            let reply = ask(method, origin).await;
            assert!(!reply.headers.contains_key("access-control-allow-origin"), "{origin}");
            assert_eq!(reply.headers["vary"], "Origin");
        }
    }
}

async fn conditional(client: &Client, method: Method, header: &str, tag: &str) -> Reply {
    let request = client.request(method.clone(), "/api/projects/shop").header(header, tag);
    Reply::of(match method {
        Method::GET | Method::DELETE => request,
        _ => request.json(&json!({ "name": "Store" })),
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_needs_no_more_than_the_tag_of_what_it_changes() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    ada.create_project("Shop").await;
    let tag = ada.get("/api/projects/shop").await.headers["etag"].to_str().unwrap().to_owned();
    for (tag, status) in [(tag.as_str(), 304), ("*", 304), ("\"other\"", 200), (&format!("W/{tag}"), 304)] {
        let reply = conditional(&ada, Method::GET, "if-none-match", tag).await;
        assert_eq!((reply.status, reply.text.is_empty()), (status, status == 304), "{tag}");
    }
    for stale in ["\"other\"", "", "other", &format!("W/{tag}")] {
        for method in [Method::PUT, Method::PATCH, Method::DELETE] {
            let reply = conditional(&ada, method.clone(), "if-match", stale).await;
            assert_eq!(reply.refusal(412), "precondition_failed", "{method} {stale}");
        }
    }
    assert_eq!(ada.get("/api/projects/shop").await.expect(200)["name"], "Shop");
    let changed = conditional(&ada, Method::PATCH, "if-match", &tag).await;
    assert_eq!(changed.expect(200)["name"], "Store");
    let current = ada.get("/api/projects/shop").await;
    assert_eq!(changed.headers["etag"], current.headers["etag"]);
    let stale = conditional(&ada, Method::PATCH, "if-match", &tag).await;
    assert_eq!(stale.refusal(412), "precondition_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_of_the_same_state_one_is_made() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    ada.create_project("Shop").await;
    let file = json!({ "path": "/app/a.json", "content": "0" });
    let file = ada.post("/api/environments/shop:production/files", file).await.expect(200);
    let file = format!("/api/files/{}", file["file"]["id"].as_str().unwrap());
    let drain = json!({ "url": "https://logs.example/in" });
    let drain = ada.post("/api/projects/shop/drains", drain).await.expect(201);
    let drain = format!("/api/drains/{}", drain["id"].as_str().unwrap());
    let changed = [
        (Method::PATCH, "/api/projects/shop", "name", ""),
        (Method::PATCH, "/api/environments/shop:production", "build_command", ""),
        (Method::PUT, file.as_str(), "content", ""),
        (Method::PATCH, drain.as_str(), "url", "https://logs.example/"),
        (Method::PATCH, "/api/auth/me", "username", "ada-"),
    ];
    for (method, path, field, prefix) in changed {
        for round in 0..5 {
            let tag = ada.get(path).await.headers["etag"].to_str().unwrap().to_owned();
            let change = |number: u8| {
                let body = json!({ field: format!("{prefix}{round}-{number}") });
                Reply::of(ada.request(method.clone(), path).header("if-match", &tag).json(&body))
            };
            let (one, other) = tokio::join!(change(1), change(2));
            let mut statuses = [one.status, other.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 412], "{path}");
        }
    }
}
