//! What every route has in common.

use crate::support::{Options, Reply, TestServer};
use gilgal::config::Mode;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_its_id_and_protects_browsers() {
    let server = TestServer::start().await;
    let client = server.anonymous();
    for path in ["/health", "/nowhere", "/api/auth/me"] {
        let reply = client.get(path).await;
        assert_eq!(reply.headers["x-request-id"].len(), 36);
        for (name, value) in [
            ("cache-control", "no-store"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(reply.headers[name], value, "{path}");
        }
    }
    let with_id = |id: &'static str| client.request(Method::GET, "/nowhere").header("x-request-id", id);
    let reply = Reply::of(with_id("trace-17")).await;
    assert_eq!(reply.headers["x-request-id"], "trace-17");
    assert_eq!(reply.refusal(404), "route_not_found");
    assert_ne!(Reply::of(with_id("two words")).await.headers["x-request-id"], "two words");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_are_answered_in_json() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    for path in ["/", "/api", "/api/", "/api/project", "/api/projects/", "/api/projects/a/b", "/API/projects"]
    {
        assert_eq!(ada.get(path).await.refusal(404), "route_not_found", "{path}");
    }
    for (method, path, allow) in [
        (Method::PATCH, "/api/projects", "GET, POST"),
        (Method::POST, "/api/projects/shop", "GET, PUT, PATCH, DELETE"),
        (Method::GET, "/api/auth/login", "POST"),
        (Method::DELETE, "/health", "GET"),
        (Method::OPTIONS, "/api/keys", "GET, POST"),
    ] {
        let reply = Reply::of(ada.request(method, path)).await;
        assert_eq!(reply.refusal(405), "method_not_allowed", "{path}");
        assert_eq!(reply.headers["allow"], allow, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_get_without_the_body() {
    let server = TestServer::start().await;
    let reply = Reply::of(server.anonymous().request(Method::HEAD, "/health")).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, ""));
    assert_eq!(reply.headers["content-length"], "15");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_cannot_be_read_are_refused() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let send = async |kind: &'static str, body: Vec<u8>| {
        Reply::of(ada.request(Method::POST, "/api/projects").header("content-type", kind).body(body)).await
    };
    let json = "application/json";
    for body in ["", "{", "{\"name\": \"shop\"", "name=shop", "\u{feff}{}", "{\"name\": \"\\ud800\"}"] {
        assert_eq!(send(json, body.into()).await.refusal(400), "malformed_body", "{body}");
    }
    for body in ["[]", "null", "5", "\"shop\""] {
        assert_eq!(send(json, body.into()).await.refusal(400), "malformed_body", "{body}");
    }
    assert_eq!(send(json, b"{\"name\": \"\xff\"}".to_vec()).await.refusal(400), "malformed_body");
    assert_eq!(send(json, "[".repeat(500_000).into()).await.refusal(400), "malformed_body");
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"]
    {
        assert_eq!(send(kind, b"{}".to_vec()).await.refusal(415), "unsupported_media_type", "{kind}");
    }
    assert_eq!(send("Application/JSON; charset=utf-8", b"{\"name\":\"ok\"}".to_vec()).await.status, 201);
    let compressed = ada.request(Method::POST, "/api/projects").header("content-encoding", "gzip");
    assert_eq!(Reply::of(compressed.json(&json!({}))).await.refusal(415), "unsupported_media_type");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_refused() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let body = json!({ "name": "x".repeat(1024 * 1024) });
    assert_eq!(ada.post("/api/projects", body).await.refusal(413), "body_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_logged_in_is_told_before_the_body_is_read() {
    let server = TestServer::start().await;
    let request = server.anonymous().request(Method::POST, "/api/projects").body("{");
    let reply = Reply::of(request).await;
    assert_eq!(reply.refusal(401), "unauthenticated");
    assert_eq!(reply.headers["www-authenticate"], "Bearer realm=\"gilgal\"");
    insta::assert_json_snapshot!("unauthenticated", reply.redacted());
}

#[tokio::test(flavor = "multi_thread")]
async fn causes_are_shown_in_development() {
    let server = TestServer::start_with(Options { mode: Mode::Development, ..Options::default() }).await;
    let ada = server.sign_up("ada").await;
    ada.create_project("Shop").await;
    *server.surroundings.removing_fails.lock().unwrap() = true;
    let reply = ada.delete("/api/projects/shop?confirm=shop").await;
    assert_eq!(reply.refusal(503), "unavailable");
    assert_eq!(reply.headers["retry-after"], "5");
    insta::assert_json_snapshot!("causes", reply.redacted());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_does_not_shut_the_others_out() {
    let server = TestServer::start_with(Options { connections_per_peer: 2, ..Options::default() }).await;
    let greedy = || async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        socket.connect(server.address).await.unwrap()
    };
    let _held = (greedy().await, greedy().await);
    let mut told = String::new();
    greedy().await.read_to_string(&mut told).await.unwrap();
    let (head, body) = told.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 429 Too Many Requests"), "{head}");
    assert!(head.contains(&format!("Content-Length: {}", body.len())), "{told}");
    let error: Value = serde_json::from_str(body).unwrap();
    assert_eq!(error["error"]["code"], "too_many_connections");
    server.anonymous().get("/health").await.expect(200);

    // Behind a proxy that is trusted there are many.
    let through_proxy = async || {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.3:0".parse().unwrap()).unwrap();
        let mut connection = socket.connect(server.address).await.unwrap();
        connection.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut head = [0; 15];
        connection.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        connection
    };
    let _held = (through_proxy().await, through_proxy().await, through_proxy().await);
}
