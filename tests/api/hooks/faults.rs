//! What is not lost where the database is busy, or where one of several hooks cannot take what the others can.

use super::shared::{about_other, deployments_of, told};
use super::{PUSH, connected, deployments};
use crate::support::{Client, TestServer};
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use serde_json::{Value, json};
use std::time::Duration;

/// The database of a server, behind its back.
fn database(server: &TestServer) -> SqliteConnection {
    SqliteConnection::establish(server.directory().join("gilgal.db").to_str().unwrap()).unwrap()
}

/// Keeps everybody else from writing until it is dropped.
fn lock(server: &TestServer) -> SqliteConnection {
    let mut held = database(server);
    held.batch_execute("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE").unwrap();
    held
}

async fn deliveries(ada: &Client, hook: &str) -> Vec<Value> {
    let listed = ada.get(&format!("/api/hooks/{hook}/deliveries")).await.expect(200);
    listed["data"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_waits_for_a_busy_database_or_is_to_be_sent_again() {
    let (server, ada, hook) = connected("github").await;
    let held = lock(&server);
    let releasing = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        drop(held);
    };
    let (taken, ()) = tokio::join!(hook.github("push", "1", PUSH), releasing);
    taken.expect(202);
    assert_eq!(deliveries(&ada, &hook.id).await.len(), 1);

    // For longer than anybody waits for it: nothing is said to be done that is not.
    let held = lock(&server);
    assert_eq!(hook.github("push", "2", PUSH).await.refusal(503), "unavailable");
    drop(held);
    assert_eq!(deliveries(&ada, &hook.id).await.len(), 1);
    let again = hook.github("push", "2", PUSH).await.expect(202);
    assert_ne!(again["replayed"], true, "it is the first that was taken");
    assert_eq!(deliveries(&ada, &hook.id).await.len(), 2);
    assert_eq!(deployments(&ada).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_fails_keeps_nothing_from_the_others_and_is_told_when_it_comes_again() {
    let (server, ada, hook) = connected("github").await;
    let failing = told(&ada, "Blog", &json!(hook.id)).await;
    let well = told(&ada, "Engine", &json!(hook.id)).await;
    let refuse = |refused: &Value| {
        let id = refused["id"].as_str().unwrap();
        let trigger = format!(
            "DROP TRIGGER IF EXISTS refuse; CREATE TRIGGER refuse BEFORE INSERT ON hook_deliveries \
             WHEN NEW.hook_id = '{id}' BEGIN SELECT RAISE(ABORT, 'refused'); END"
        );
        database(&server).batch_execute(&trigger).unwrap();
    };
    let counts = async || {
        let mut counts = Vec::new();
        for made in [&failing, &well] {
            counts.push(deliveries(&ada, made["id"].as_str().unwrap()).await.len());
        }
        counts
    };
    refuse(&failing);
    let first = about_other(&"a".repeat(40));
    let handed = hook.github("push", "1", &first).await.expect(202);
    assert_eq!(counts().await, [0, 1]);
    assert_eq!(handed["deployment_id"], deployments_of(&ada, "engine").await[0]["id"]);
    // Nor the other way round.
    refuse(&well);
    let second = about_other(&"b".repeat(40));
    hook.github("push", "2", &second).await.expect(202);
    assert_eq!(counts().await, [1, 1]);

    // It comes again: who has taken it does nothing more.
    database(&server).batch_execute("DROP TRIGGER refuse").unwrap();
    hook.github("push", "1", &first).await.expect(202);
    hook.github("push", "2", &second).await.expect(202);
    assert_eq!(counts().await, [2, 2]);
    hook.github("push", "1", &first).await.expect(202);
    assert_eq!(counts().await, [2, 2]);
}
