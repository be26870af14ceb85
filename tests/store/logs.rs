//! Logs of deployments.

use crate::fixture::{Database, enqueue, on_both, project, user};
use chrono::TimeDelta;
use gilgal::model::deployment::{DeploymentState as State, Step};
use gilgal::model::id::DeploymentId;
use gilgal::model::log::{Level, LogLine, NewLine, Stream};
use gilgal::model::time::now;
use gilgal::store::{LogFilter, StoreError};

on_both![lines_are_kept_in_order, lines_can_be_written_again, old_logs_are_removed];

fn line(seq: i64, text: &str) -> LogLine {
    let (level, step) = if seq % 2 == 0 { (Level::Info, Step::Build) } else { (Level::Error, Step::Start) };
    LogLine { seq, line: NewLine { at: now(), level, step, stream: Stream::Build, text: text.to_owned() } }
}

async fn lines_are_kept_in_order(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let id = enqueue(&store, &production, 'a').await.deployment.id;
    assert_eq!(store.last_log_seq(id).await.unwrap(), 0);
    // More than one statement holds.
    let lines: Vec<_> = (1..=2_500).map(|seq| line(seq, "\u{1b}[31mrot ✓ 'quoted'")).collect();
    store.append_log(id, &lines).await.unwrap();
    store.append_log(id, &[]).await.unwrap();
    assert_eq!(store.last_log_seq(id).await.unwrap(), 2_500);
    assert_eq!(store.log_lines(id, 0, 10_000, LogFilter::default()).await.unwrap(), lines);
    assert_eq!(store.log_lines(id, 2_498, 1, LogFilter::default()).await.unwrap(), lines[2_498..2_499]);

    let errors = LogFilter { level: Some(Level::Error), step: None };
    assert_eq!(store.log_lines(id, 0, 10_000, errors).await.unwrap().len(), 1_250);
    let none = LogFilter { level: Some(Level::Error), step: Some(Step::Build) };
    assert_eq!(store.log_lines(id, 0, 10_000, none).await.unwrap(), []);
}

async fn lines_can_be_written_again(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let id = enqueue(&store, &production, 'a').await.deployment.id;
    store.append_log(id, &[line(1, "one"), line(2, "two")]).await.unwrap();
    store.append_log(id, &[line(2, "another"), line(3, "nul\0")]).await.unwrap();
    let texts: Vec<_> = store.log_lines(id, 0, 10, LogFilter::default()).await.unwrap();
    let texts: Vec<_> = texts.into_iter().map(|line| line.line.text).collect();
    assert_eq!(texts, ["one", "two", "nul^@"]);
    // Counted as they are stored, each once.
    let text = u64::try_from("onetwonul^@".len()).unwrap();
    assert_eq!(store.log_bytes().await.unwrap()[&shop.id], text + 3 * 80);
    let gone = store.append_log(DeploymentId::generate(), &[line(1, "one")]).await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
}

async fn old_logs_are_removed(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let mut ended = Vec::new();
    for digit in ['a', 'b', 'c'] {
        let id = enqueue(&store, &production, digit).await.deployment.id;
        store.append_log(id, &[line(1, &"x".repeat(1000)), line(2, "\u{1b}[31m✓")]).await.unwrap();
        store.finish_deployment(id, State::Queued, State::Cancelled, None, None).await.unwrap();
        ended.push(id);
    }
    let running = enqueue(&store, &production, 'd').await.deployment.id;
    store.append_log(running, &[line(1, &"x".repeat(100_000))]).await.unwrap();
    let bytes = store.log_bytes().await.unwrap()[&shop.id];
    assert!((103_000..105_000).contains(&bytes), "{bytes}");

    let left = async || {
        let mut left = Vec::new();
        for id in ended.iter().chain([&running]) {
            left.push(store.last_log_seq(*id).await.unwrap());
        }
        left
    };
    let long_ago = now() - TimeDelta::days(1);
    assert_eq!(store.trim_logs(long_ago, 1 << 20).await.unwrap(), 0);
    assert_eq!(store.trim_logs(long_ago, 2500).await.unwrap(), 1);
    assert_eq!(left().await, [0, 2, 2, 1]);
    // However old they are, the last one stays, and the one that is being written.
    assert_eq!(store.trim_logs(now() + TimeDelta::days(1), 1 << 20).await.unwrap(), 1);
    assert_eq!(left().await, [0, 0, 2, 1]);
    let bytes = store.log_bytes().await.unwrap()[&shop.id];
    assert!((101_000..102_000).contains(&bytes), "{bytes}");
    assert_eq!(store.trim_logs(now() + TimeDelta::days(1), 0).await.unwrap(), 0);
}
