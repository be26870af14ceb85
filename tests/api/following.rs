//! Logs that are followed while somebody writes them: the journal shows what comes together as one piece.

use crate::support::{Client, Options, Reply, Socket, TestServer, deployment, move_to};
use futures_util::StreamExt;
use gilgal::journal::{Conclusion, Next, Writer};
use gilgal::model::deployment::{DeploymentState as State, Step};
use gilgal::model::id::DeploymentId;
use gilgal::model::log::{Level, Stream};
use reqwest::Method;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Lines of a build that prints as fast as it can.
const MANY: i64 = 4_000;

/// A server, somebody with a project, and its deployment with a log that is written.
async fn written() -> (TestServer, Client, DeploymentId, Writer) {
    let server = TestServer::start_with(Options { has_journal: true, ..Options::default() }).await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    let id = deployment(&server.store, &project).await;
    let writer = server.deployments.journal.write(id, false).await.unwrap();
    (server, ada, id, writer)
}

fn say(writer: &Writer, number: i64) {
    let level = if number % 100 == 0 { Level::Warning } else { Level::Info };
    writer.line(Step::Build, Stream::Build, level, &format!("line {number}"));
}

/// The deployment fails, and its log is closed.
async fn end(server: &TestServer, id: DeploymentId, writer: Writer) {
    writer.conclude(Conclusion::NotLive("build failed".to_owned()));
    move_to(&server.store, id, &[State::UndoingFailure, State::Failed]).await;
    writer.close().await;
}

/// Numbers of the lines that server-sent events bring until the log ends; each has to have its text.
async fn numbers_of_events(client: Client, id: DeploymentId, query: &str) -> Vec<i64> {
    let path = format!("/api/deployments/{id}/logs{query}");
    let request = client.request(Method::GET, &path).header("accept", "text/event-stream");
    let mut body = request.send().await.unwrap().bytes_stream();
    let mut text = String::new();
    while let Some(chunk) = body.next().await {
        text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
    }
    let (lines, end) = text.split_once("event:end\n").expect("the log has an end");
    assert_eq!(end, "data:{\"status\":\"failed\"}\n\n");
    let numbers = lines.split_terminator("\n\n").map(|event| {
        let (data, id) = event.split_once("\nid:").unwrap();
        let body: Value = serde_json::from_str(data.strip_prefix("data:").unwrap()).unwrap();
        assert_eq!((&body["seq"].to_string(), &body["text"]), (&id.to_owned(), &format!("line {id}").into()));
        body["seq"].as_i64().unwrap()
    });
    numbers.collect()
}

/// The same over a WebSocket.
async fn numbers_of_messages(client: Client, id: DeploymentId, query: &str) -> Vec<i64> {
    let mut socket = Socket::open(&client, &format!("/api/deployments/{id}/logs/stream{query}"), &[]).await;
    let mut numbers = Vec::new();
    while let Some(message) = socket.next().await {
        if message.is_close() {
            return numbers;
        }
        let body: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
        assert_eq!(body["text"], format!("line {}", body["seq"]));
        numbers.push(body["seq"].as_i64().unwrap());
    }
    panic!("it has no end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_arrives_whole_and_in_order() {
    let (server, ada, id, writer) = written().await;
    let all: Vec<i64> = (1..=MANY).collect();
    let warnings: Vec<i64> = (1..=MANY / 100).map(|number| number * 100).collect();
    let mut followers = vec![
        (tokio::spawn(numbers_of_events(ada.clone(), id, "")), &all[..]),
        (tokio::spawn(numbers_of_events(ada.clone(), id, "")), &all[..]),
        (tokio::spawn(numbers_of_messages(ada.clone(), id, "")), &all[..]),
        (tokio::spawn(numbers_of_events(ada.clone(), id, "?level=warning")), &warnings[..]),
        (tokio::spawn(numbers_of_messages(ada.clone(), id, "?level=warning")), &warnings[..]),
    ];
    for number in 1..=MANY {
        say(&writer, number);
        if number % 100 == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // In the middle of what comes together, with more to come.
        if number == MANY / 2 {
            let query = "?after=1234";
            followers.push((tokio::spawn(numbers_of_events(ada.clone(), id, query)), &all[1234..]));
            followers.push((tokio::spawn(numbers_of_messages(ada.clone(), id, query)), &all[1234..]));
        }
    }
    end(&server, id, writer).await;
    for (follower, expected) in followers {
        let numbers = tokio::time::timeout(Duration::from_secs(60), follower).await.unwrap().unwrap();
        assert_eq!(numbers, expected);
    }
    let text = Reply::of(
        ada.request(Method::GET, &format!("/api/deployments/{id}/logs")).header("accept", "text/plain"),
    );
    let text = text.await.text;
    let expected: String = (1..=MANY).map(|number| format!("       line {number}\n")).collect();
    assert!(text == expected, "{} lines", text.lines().count());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_after_quiet_comes_at_once() {
    let (server, ada, id, writer) = written().await;
    let mut socket = Socket::open(&ada, &format!("/api/deployments/{id}/logs/stream"), &[]).await;
    let mut delays = Vec::new();
    for number in 1..=9 {
        tokio::time::sleep(Duration::from_millis(120)).await;
        let begin = Instant::now();
        say(&writer, number);
        assert_eq!(socket.json().await["seq"], number);
        delays.push(begin.elapsed());
    }
    delays.sort();
    // One that is not woken looks again after a second. The machine may be busy for some of them.
    assert!(delays[4] < Duration::from_millis(300), "{delays:?}");
    end(&server, id, writer).await;
    assert_eq!(socket.end().await, (1000, "failed".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_after_the_end_is_told_in_the_same_words() {
    let (server, _ada, id, writer) = written().await;
    say(&writer, 1);
    end(&server, id, writer).await;
    let next = server.deployments.journal.read(id, 1).next().await.unwrap();
    assert!(matches!(&next, Next::End(Conclusion::NotLive(words)) if words == "build failed"), "{next:?}");
}
