//! Deployments and their logs from the command line.

use super::terminal::{Terminal, assert_screen};
use crate::support::{TestServer, deployment, lines, move_to};
use gilgal::model::deployment::DeploymentState as State;
use gilgal::model::id::DeploymentId;
use gilgal::model::log::Stream;
use std::time::Duration;

const LINES: [(Stream, &str); 4] = [
    (Stream::Step, "Node.js app detected"),
    (Stream::Build, "\u{1b}[32mok\u{1b}[0m \u{1b}[2J"),
    (Stream::Build, "-----> Released v8"),
    (Stream::Notice, "Push rejected, failed to compile Node.js app."),
];

async fn with_deployment() -> (TestServer, Terminal, DeploymentId) {
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    ada.init_repository(&[]).await;
    let project = ada.run(&["create", "Shop", "--json"]).await.expect(0).json();
    let id = deployment(&server.store, &project).await;
    lines(&server.store, id, 1, &LINES).await;
    (server, ada, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn deployments_are_listed_and_shown() {
    let (server, ada, id) = with_deployment().await;
    move_to(&server.store, id, &[State::Fetching, State::Building, State::UndoingFailure, State::Failed])
        .await;
    let project = ada.run(&["info", "--json"]).await.json();
    let second = deployment(&server.store, &project).await;
    for columns in [60, 100] {
        let list = ada.run_with(&["deployments"], &[("COLUMNS", &columns.to_string())], "").await;
        assert!(list.stdout.lines().all(|line| line.chars().count() <= columns), "{list}");
        assert_screen!(format!("deployments_in_{columns}_columns"), list);
    }
    assert_screen!("failed_deployments", ada.run(&["deployments", "--status", "failed"]).await);
    assert_screen!("deployments_of_no_status", ada.run(&["deployments", "--status", "live"]).await);
    assert_screen!("deployment", ada.run(&["deployments", "show", &id.to_string()]).await);
    let short = &id.to_string()[28..];
    let json = ada.run(&["deployments", "show", short, "--json"]).await.expect(0).json();
    assert_eq!((&json["id"], &json["status"]), (&id.to_string().into(), &"failed".into()));
    let newest = ada.run(&["deployments", "show", "--json"]).await.expect(0).json();
    assert_eq!(newest["id"], second.to_string());
    assert_screen!("no_such_deployment", ada.run(&["deployments", "show", "00000"]).await);
    assert_screen!("no_reference", ada.run(&["deployments", "show", "newest"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_waits_is_cancelled_once() {
    let (_server, ada, _) = with_deployment().await;
    assert_screen!("cancelled", ada.run(&["cancel"]).await);
    assert_screen!("not_cancellable", ada.run(&["deployments", "cancel"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_shown_as_the_pusher_saw_it() {
    let (server, ada, id) = with_deployment().await;
    assert_screen!("log", ada.run(&["logs"]).await);
    assert_screen!("log_json", ada.run(&["logs", "--json"]).await);
    // A whole id needs no project.
    let elsewhere = ada.run(&["logs", "-d", &id.to_string(), "--server", &ada.address()]).await;
    assert_eq!(elsewhere.expect(0).stdout, ada.run(&["logs"]).await.stdout);
    let many: Vec<_> = (0..2500).map(|_| (Stream::Build, "line")).collect();
    lines(&server.store, id, 5, &many).await;
    assert_eq!(ada.run(&["logs"]).await.expect(0).stdout.lines().count(), 2504, "all pages are there");
}

#[tokio::test(flavor = "multi_thread")]
async fn following_goes_on_until_the_deployment_has_ended() {
    let (server, ada, id) = with_deployment().await;
    let store = server.store.clone();
    let later = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(700)).await;
        lines(&store, id, 5, &[(Stream::Detail, "later")]).await;
        move_to(&store, id, &[State::UndoingFailure, State::Failed]).await;
    });
    let (logs, lines, attached, json) = tokio::join!(
        ada.run(&["logs", "-f"]),
        ada.run(&["logs", "-f", "--json"]),
        ada.run(&["deployments", "attach"]),
        ada.run(&["deployments", "attach", "--json"]),
    );
    later.await.unwrap();
    assert_screen!("followed_log", logs);
    let lines: Vec<serde_json::Value> =
        lines.expect(0).stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["seq"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(lines[4]["text"], "later");
    assert_screen!("attached", attached);
    assert_eq!((json.code, &json.json()["status"]), (1, &"failed".into()));
}

/// The server may be started again while somebody watches.
#[tokio::test(flavor = "multi_thread")]
async fn following_survives_a_server_that_is_away_for_a_moment() {
    let (server, ada, id) = with_deployment().await;
    let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = proxy.local_addr().unwrap();
    let (server_address, store) = (server.address, server.store.clone());
    let carrying = tokio::spawn(async move {
        // The second connection of the command is the one that follows; it is cut off, the next ones are not.
        for number in 0.. {
            let (mut client, _) = proxy.accept().await.unwrap();
            let mut upstream = tokio::net::TcpStream::connect(server_address).await.unwrap();
            let store = store.clone();
            tokio::spawn(async move {
                let carry = tokio::io::copy_bidirectional(&mut client, &mut upstream);
                if number > 0 {
                    carry.await.ok();
                } else if tokio::time::timeout(Duration::from_millis(700), carry).await.is_err() {
                    lines(&store, id, 5, &[(Stream::Detail, "said while nobody listened")]).await;
                    move_to(&store, id, &[State::UndoingFailure, State::Failed]).await;
                }
            });
        }
    });
    let token = session_token(&server).await;
    let url = format!("http://{address}");
    let variables = [("GILGAL_URL", url.as_str()), ("GILGAL_TOKEN", token.as_str())];
    let screen = ada.run_with(&["logs", "-f", "-d", &id.to_string()], &variables, "").await;
    carrying.abort();
    assert_screen!("followed_through_a_break", screen);
}

async fn session_token(server: &TestServer) -> String {
    let login = serde_json::json!({ "email": "ada@example.com", "password": "correct horse" });
    let session = server.anonymous().post("/api/auth/login", login).await.expect(200);
    session["access_token"].as_str().unwrap().to_owned()
}
