//! Previews of pull requests from the command line.

use super::terminal::{Terminal, assert_screen};
use crate::support::{Options, Reply, TestServer};
use reqwest::Method;
use serde_json::{Value, json};

/// As much of the newest commit as names it.
const COMMIT: &str = "3f9c01ab3f9c01ab";

/// Tells of a merge request, as GitLab does.
async fn tell(server: &TestServer, hook: &Value, number: u64, source: u64) {
    let event = json!({
        "user": { "username": "eve" }, "project": { "path_with_namespace": "ada/shop" },
        "object_attributes": {
            "iid": number, "title": "Colours \u{1b}[31m", "source_branch": "colours", "target_branch": "main",
            "source_project_id": source, "target_project_id": 1, "action": "open",
            "last_commit": { "id": "3f9c01ab".repeat(5) },
        },
    });
    let sent = server.anonymous().request(Method::POST, hook["path"].as_str().unwrap());
    let sent = sent.header("x-gitlab-token", hook["secret"].as_str().unwrap());
    let sent = Reply::of(sent.header("x-gitlab-event", "Merge Request Hook").json(&event)).await;
    assert!(sent.status < 300, "{}", sent.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_requests_are_listed_let_in_and_removed() {
    let (server, ada, _) = Terminal::with_shop(Options::default()).await;
    assert_screen!("no_previews", ada.run(&["previews"]).await);
    assert_screen!("connect_with_previews", ada.run(&["connect", "github", "ada/shop", "--previews"]).await);
    ada.run(&["hooks", "remove"]).await.expect(0);
    let hook = ada.run(&["connect", "gitlab", "ada/shop", "--json"]).await.expect(0).json();
    assert_eq!(hook["previews"], Value::Null);
    assert_screen!("on", ada.run(&["hooks", "previews", "--most", "5"]).await);
    assert_screen!("changed", ada.run(&["hooks", "previews", "--days", "3"]).await);
    assert_screen!("too_many", ada.run(&["hooks", "previews", "--most", "101"]).await);
    assert_screen!("hooks", ada.run(&["hooks"]).await);
    tell(&server, &hook, 7, 1).await;
    tell(&server, &hook, 8, 2).await;
    assert_screen!("previews", ada.run(&["previews"]).await);
    assert_screen!("approve_nothing", ada.run(&["previews", "approve", "9", COMMIT]).await);
    assert_screen!("approve_own", ada.run(&["previews", "approve", "7", COMMIT]).await);
    assert_screen!("approve_another", ada.run(&["previews", "approve", "8", "3f9c01ab3f9c01ac"]).await);
    assert_screen!("approve_short", ada.run(&["previews", "approve", "8", "3f9c01a"]).await);
    assert_screen!("approve", ada.run(&["previews", "approve", "8", COMMIT]).await);
    assert_screen!("remove", ada.run(&["previews", "remove", "7"]).await);
    assert_screen!("remove_nothing", ada.run(&["previews", "remove", "9"]).await);
    assert_screen!("previews_then", ada.run(&["previews"]).await);
    assert_screen!("deliveries", ada.run(&["hooks", "deliveries"]).await);
    assert_screen!("off", ada.run(&["hooks", "previews", "--off"]).await);

    ada.run(&["config", "set", "A=1", "B=2"]).await.expect(0);
    assert_screen!("marked", ada.run(&["config", "previews", "A", "B"]).await);
    assert_screen!("marked_again", ada.run(&["config", "previews", "A"]).await);
    assert_screen!("marked_no_more", ada.run(&["config", "previews", "B", "--off"]).await);
    assert_screen!("config", ada.run(&["config"]).await);
}
