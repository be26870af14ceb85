//! `/api/deployments/:id/logs` in its three forms.

use crate::support::{Client, Reply, lines, move_to, with_log};
use futures_util::StreamExt;
use gilgal::model::deployment::DeploymentState as State;
use gilgal::model::id::DeploymentId;
use gilgal::model::log::Stream;
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const LINES: [(Stream, &str); 4] = [
    (Stream::Step, "Node.js app detected"),
    (Stream::Build, "\u{1b}[32mok\u{1b}[0m \u{1b}[2J"),
    (Stream::Build, "-----> Released v8"),
    (Stream::Notice, "Push rejected, failed to compile Node.js app."),
];

async fn fetch(client: &Client, id: DeploymentId, query: &str, accept: &str) -> Reply {
    let path = format!("/api/deployments/{id}/logs{query}");
    Reply::of(client.request(Method::GET, &path).header("accept", accept)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn json_comes_in_pages() {
    let (_server, ada, id) = with_log(&LINES).await;
    let all = fetch(&ada, id, "", "application/json").await;
    insta::assert_json_snapshot!("log", all.redacted());
    let page = fetch(&ada, id, "?limit=3", "*/*").await.expect(200);
    assert_eq!((page["data"].as_array().unwrap().len(), &page["next"]), (3, &json!("3")));
    for next in ["?after=3", "?cursor=3"] {
        let rest = fetch(&ada, id, next, "").await.expect(200);
        assert_eq!((&rest["data"][0]["seq"], &rest["next"]), (&json!(4), &json!(null)));
    }
    assert_eq!(fetch(&ada, id, "?level=error", "").await.expect(200)["data"][0]["seq"], 4);
    assert_eq!(fetch(&ada, id, "?step=detect", "").await.expect(200)["data"].as_array().unwrap().len(), 3);
    for query in ["?after=x", "?level=loud", "?step=dance", "?limit=1001", "?follow=1"] {
        assert_eq!(fetch(&ada, id, query, "").await.refusal(400), "invalid_query", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_what_the_pusher_saw() {
    let (server, ada, id) = with_log(&LINES).await;
    let reply = fetch(&ada, id, "", "text/plain").await;
    assert_eq!(reply.headers["content-type"], "text/plain; charset=utf-8");
    let shown = "-----> Node.js app detected\n       ok ^[[2J\n       -----> Released v8\n !     \
                 Push rejected, failed to compile Node.js app.\n";
    assert_eq!(reply.text, shown);
    assert_eq!(fetch(&ada, id, "?after=4", "text/plain").await.text, "");

    let many: Vec<_> = (0..2500).map(|_| (Stream::Build, "line")).collect();
    lines(&server.store, id, 5, &many).await;
    assert_eq!(fetch(&ada, id, "", "text/plain").await.text.lines().count(), 2504, "it is not cut");
}

/// Reads events until the server ends them.
async fn events(response: reqwest::Response) -> String {
    let mut body = response.bytes_stream();
    let mut text = String::new();
    while let Some(chunk) = body.next().await {
        text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
    }
    text
}

fn ids(events: &str) -> Vec<&str> {
    events.lines().filter_map(|line| line.strip_prefix("id:")).map(str::trim).collect()
}

async fn follow(client: &Client, id: DeploymentId, query: &str) -> reqwest::Response {
    let path = format!("/api/deployments/{id}/logs{query}");
    let request = client.request(Method::GET, &path).header("accept", "text/event-stream");
    let response = request.send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    response
}

#[tokio::test(flavor = "multi_thread")]
async fn events_follow_the_deployment_to_its_end() {
    let (server, ada, id) = with_log(&LINES).await;
    let response = follow(&ada, id, "").await;
    let reading = tokio::spawn(events(response));
    tokio::time::sleep(Duration::from_millis(50)).await;
    lines(&server.store, id, 5, &[(Stream::Detail, "later")]).await;
    move_to(&server.store, id, &[State::UndoingFailure, State::Failed]).await;
    let text = tokio::time::timeout(Duration::from_secs(10), reading).await.unwrap().unwrap();
    assert_eq!(ids(&text), ["1", "2", "3", "4", "5"]);
    assert!(text.contains("later"), "{text}");
    assert!(text.ends_with("event:end\ndata:{\"status\":\"failed\"}\n\n"), "{text}");

    assert_eq!(ids(&events(follow(&ada, id, "?after=3").await).await), ["4", "5"]);
    assert_eq!(ids(&events(follow(&ada, id, "?level=error").await).await), ["4"]);
    let path = format!("/api/deployments/{id}/logs");
    let resumed = ada.request(Method::GET, &path).header("accept", "text/event-stream");
    let resumed = resumed.header("last-event-id", "4").send().await.unwrap();
    assert_eq!(ids(&events(resumed).await), ["5"]);
    // A browser comes back to the URL that it began with.
    let again = ada.request(Method::GET, &format!("{path}?after=1")).header("accept", "text/event-stream");
    let again = again.header("last-event-id", "4").send().await.unwrap();
    assert_eq!(ids(&events(again).await), ["5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn following_ends_with_the_login() {
    let (server, _ada, id) = with_log(&LINES).await;
    let client = server.anonymous();
    let login = json!({ "email": "ada@example.com", "password": "correct horse" });
    let session = client.post("/api/auth/login", login).await.expect(200);
    let ada = client.with_token(session["access_token"].as_str().unwrap());
    let response = follow(&ada, id, "").await;
    let logout = json!({ "refresh_token": session["refresh_token"] });
    assert_eq!(client.post("/api/auth/logout", logout).await.status, 204);
    let text = tokio::time::timeout(Duration::from_secs(20), events(response)).await.unwrap();
    assert!(!text.contains("event:end"), "it is not the end of the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn following_does_not_hold_up_the_end_of_the_server() {
    let (server, ada, id) = with_log(&LINES).await;
    let reading = tokio::spawn(events(follow(&ada, id, "").await));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let begin = Instant::now();
    server.stop().await;
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert_eq!(ids(&reading.await.unwrap()), ["1", "2", "3", "4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_takes_nothing_is_let_go() {
    let (server, ada, id) = with_log(&LINES).await;
    let much = "x".repeat(8 * 1024);
    let lots: Vec<_> = (0..3_000).map(|_| (Stream::Build, much.as_str())).collect();
    // More than the system keeps for it.
    lines(&server.store, id, 5, &lots).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "GET /api/deployments/{id}/logs HTTP/1.1\r\nHost: api.test\r\nAccept: text/event-stream\r\n\
         Authorization: Bearer {}\r\n\r\n",
        ada.token().unwrap()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    tokio::time::sleep(Duration::from_secs(40)).await;
    // What the system has kept, and then the end, in the middle of a log that goes on.
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "it is kept, and has {} bytes more", rest.len());
    assert!(rest.len() < 20 * 1024 * 1024, "{} bytes", rest.len());
}
