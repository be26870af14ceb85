//! Logs of deployments.

use crate::fixture::{Database, enqueue, on_both, project, user};
use gilgal::model::deployment::Step;
use gilgal::model::id::DeploymentId;
use gilgal::model::log::{Level, LogLine, NewLine, Stream};
use gilgal::model::time::now;
use gilgal::store::{LogFilter, StoreError};

on_both![lines_are_kept_in_order, lines_can_be_written_again];

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
    let (_, production) = project(&store, &ada, "shop").await;
    let id = enqueue(&store, &production, 'a').await.deployment.id;
    store.append_log(id, &[line(1, "one"), line(2, "two")]).await.unwrap();
    store.append_log(id, &[line(2, "another"), line(3, "nul\0")]).await.unwrap();
    let texts: Vec<_> = store.log_lines(id, 0, 10, LogFilter::default()).await.unwrap();
    let texts: Vec<_> = texts.into_iter().map(|line| line.line.text).collect();
    assert_eq!(texts, ["one", "two", "nul^@"]);
    let gone = store.append_log(DeploymentId::generate(), &[line(1, "one")]).await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
}
