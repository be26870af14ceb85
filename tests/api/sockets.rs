//! `WebSocket`: the logs that are followed over it, and commands.

use crate::support::{
    Client, Reply, Socket, TestServer, commit, lines, move_to, token_as_subprotocol, with_log,
};
use gilgal::model::deployment::DeploymentState as State;
use gilgal::model::id::DeploymentId;
use gilgal::model::log::Stream;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Message;

const LINES: [(Stream, &str); 3] =
    [(Stream::Step, "Node.js app detected"), (Stream::Build, "ok"), (Stream::Notice, "Push rejected.")];

fn log(id: DeploymentId, query: &str) -> String {
    format!("/api/deployments/{id}/logs/stream{query}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_followed_to_its_end() {
    let (server, ada, id) = with_log(&LINES).await;
    let stored = ada.get(&format!("/api/deployments/{id}/logs")).await.expect(200);
    let mut socket = Socket::open(&ada, &log(id, ""), &[]).await;
    for line in stored["data"].as_array().unwrap() {
        assert_eq!(socket.json().await, *line, "the same JSON as elsewhere");
    }
    lines(&server.store, id, 4, &[(Stream::Detail, "later")]).await;
    assert_eq!(socket.json().await["text"], "later");
    move_to(&server.store, id, &[State::UndoingFailure, State::Failed]).await;
    assert_eq!(socket.end().await, (1000, "failed".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_resumed_and_filtered() {
    let (server, ada, id) = with_log(&LINES).await;
    move_to(&server.store, id, &[State::UndoingFailure, State::Failed]).await;
    for (query, expected) in [("?after=2", vec![3]), ("?level=error", vec![3]), ("?step=detect", vec![1, 2])]
    {
        let mut socket = Socket::open(&ada, &log(id, query), &[]).await;
        for seq in expected {
            assert_eq!(socket.json().await["seq"], seq, "{query}");
        }
        assert_eq!(socket.end().await.0, 1000, "{query}");
    }
    for query in ["?after=x", "?limit=1", "?token=x"] {
        let refused = Socket::attempt(&ada, &log(id, query), &[]).await.err();
        assert_eq!(refused, Some((400, "invalid_query".to_owned())), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opens_one_says_who_they_are() {
    let (server, ada, id) = with_log(&LINES).await;
    let (anonymous, eve) = (server.anonymous(), server.sign_up("eve").await);
    let refused = async |client: &Client, headers: &[(&'static str, String)]| {
        Socket::attempt(client, &log(id, ""), headers).await.err().map(|(status, _)| status)
    };
    assert_eq!(refused(&anonymous, &[]).await, Some(401));
    assert_eq!(refused(&eve, &[]).await, Some(404));
    let wrong = ("sec-websocket-protocol", "gilgal.bearer, glg_x".to_owned());
    assert_eq!(refused(&anonymous, &[wrong]).await, Some(401));
    // As pages do, whose browser takes no header from them; the word is chosen, not the token.
    let mut socket = Socket::open(&anonymous, &log(id, ""), &[token_as_subprotocol(&ada)]).await;
    assert_eq!(socket.protocol.as_deref(), Some("gilgal.bearer"));
    assert_eq!(socket.json().await["seq"], 1);
    // Only where one is opened.
    let (name, token) = token_as_subprotocol(&ada);
    let plain = anonymous.request(Method::GET, "/api/auth/me").header(name, token);
    assert_eq!(Reply::of(plain).await.refusal(401), "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_are_turned_away() {
    let (_server, ada, id) = with_log(&LINES).await;
    for (origin, status) in [
        (format!("http://{}", ada.address()), None),
        ("https://dashboard.test".to_owned(), None),
        ("https://evil.test".to_owned(), Some(403)),
        ("null".to_owned(), Some(403)),
    ] {
        let opened = Socket::attempt(&ada, &log(id, ""), &[("origin", origin.clone())]).await;
        assert_eq!(opened.err().map(|(status, _)| status), status, "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_asks_for_none_is_told_so() {
    let (_server, ada, id) = with_log(&LINES).await;
    let reply = ada.get(&log(id, "")).await;
    assert_eq!(reply.refusal(426), "upgrade_required");
    assert_eq!(reply.headers["upgrade"], "websocket");
    let environments = ada.get("/api/projects/shop/environments").await.expect(200);
    let run = format!("/api/environments/{}/run", environments["data"][0]["id"].as_str().unwrap());
    let without = Socket::attempt(&ada, &run, &[]).await.err();
    assert_eq!(without, Some((426, "upgrade_required".to_owned())), "without the subprotocol");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_ends_with_the_login_and_with_the_server() {
    let (server, ada, id) = with_log(&LINES).await;
    let client = server.anonymous();
    let login = json!({ "email": "ada@example.com", "password": "correct horse" });
    let session = client.post("/api/auth/login", login).await.expect(200);
    let other = client.with_token(session["access_token"].as_str().unwrap());
    let (mut first, mut second) = (
        Socket::open(&other, &log(id, "?after=2"), &[]).await,
        Socket::open(&ada, &log(id, "?after=2"), &[]).await,
    );
    first.json().await;
    second.json().await;
    let logout = json!({ "refresh_token": session["refresh_token"] });
    assert_eq!(client.post("/api/auth/logout", logout).await.status, 204);
    assert_eq!(first.end().await.0, 1008);
    let begin = Instant::now();
    let (end, ()) = tokio::join!(second.end(), server.stop());
    assert_eq!(end.0, 1001);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_so_many_and_one_that_takes_nothing_is_let_go() {
    let (server, ada, id) = with_log(&LINES).await;
    let much = "x".repeat(8 * 1024);
    let lots: Vec<_> = (0..3_000).map(|_| (Stream::Build, much.as_str())).collect();
    lines(&server.store, id, 4, &lots).await;
    // More than the system keeps for it.
    let stalled = Socket::open(&ada, &log(id, ""), &[]).await;
    let mut others = Vec::new();
    for _ in 1..64 {
        others.push(Socket::open(&ada, &log(id, "?level=warning"), &[]).await);
    }
    let refused = Socket::attempt(&ada, &log(id, ""), &[]).await.err();
    assert_eq!(refused, Some((429, "too_many_connections".to_owned())));
    let mut request = ada.request(Method::GET, &log(id, ""));
    for (name, value) in [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        request = request.header(name, value);
    }
    assert_eq!(Reply::of(request).await.headers["retry-after"], "5");
    let begin = Instant::now();
    while Socket::attempt(&ada, &log(id, "?level=warning"), &[]).await.is_err() {
        assert!(begin.elapsed() < Duration::from_secs(100), "the one that takes nothing is kept");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(begin.elapsed() > Duration::from_secs(10), "it was given time");
    drop((stalled, others));
}

/// The WebSocket of commands in an environment where nothing is live.
async fn run(server: &TestServer, ada: &Client) -> Socket {
    let project = ada.create_project("Blog").await;
    commit(&server.deployments.repositories, &project, "main");
    let environments = ada.get("/api/projects/blog/environments").await.expect(200);
    let path = format!("/api/environments/{}/run", environments["data"][0]["id"].as_str().unwrap());
    let protocol = ("sec-websocket-protocol", "gilgal.run.v1".to_owned());
    Socket::open(ada, &path, &[protocol]).await
}

async fn error_of(mut socket: Socket, first: Message) -> (Value, u16) {
    socket.send(first).await;
    let error = socket.json().await;
    assert!(error["error"]["request_id"].is_string(), "{error}");
    (error["error"]["code"].clone(), socket.end().await.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_cannot_run_is_explained() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let socket = run(&server, &ada).await;
    assert_eq!(socket.protocol.as_deref(), Some("gilgal.run.v1"));
    let answer = error_of(socket, Message::text(r#"{"command": ["ls"]}"#)).await;
    assert_eq!(answer, (json!("nothing_to_deploy"), 1000));
    // Whoever may run commands is in the audit log with each.
    let entry = ada.get("/api/audit?limit=1").await.expect(200)["data"][0].clone();
    assert_eq!((&entry["action"], &entry["username"]), (&json!("run_command"), &json!("ada")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_message_that_is_none_is_explained() {
    let server = TestServer::start().await;
    for (number, message) in [
        Message::text("{}"),
        Message::text(r#"{"command": "ls"}"#),
        Message::text(r#"{"command": ["ls"], "terminal": {"columns": 0, "rows": 1}}"#),
        Message::binary(b"ls".to_vec()),
    ]
    .into_iter()
    .enumerate()
    {
        let ada = server.sign_up(&format!("ada{number}")).await;
        let project = ada.create_project(&format!("Blog {number}")).await;
        let path = format!("/api/projects/{}/environments", project["id"].as_str().unwrap());
        let environments = ada.get(&path).await.expect(200);
        let path = format!("/api/environments/{}/run", environments["data"][0]["id"].as_str().unwrap());
        let protocol = ("sec-websocket-protocol", "gilgal.run.v1".to_owned());
        let socket = Socket::open(&ada, &path, &[protocol]).await;
        let shown = format!("{message:?}");
        assert_eq!(error_of(socket, message).await, (json!("malformed_body"), 1000), "{shown}");
    }
}
