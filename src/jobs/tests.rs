//! The runner on a database.

use super::{Handler, Outcome, Queue, Runner};
use crate::store::{Job, NewJob, Store};
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Panics at the first attempts of a job.
struct Clumsy {
    panics: i32,
    attempts: AtomicI32,
    done: Notify,
}

#[async_trait]
impl Handler for Clumsy {
    async fn run(&self, job: &Job) -> Outcome {
        self.attempts.store(job.attempts, Ordering::SeqCst);
        assert!(job.attempts > self.panics, "on purpose");
        self.done.notify_one();
        Outcome::Done
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_panics_is_tried_again_and_its_attempts_count() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::connect(&format!("sqlite://{}/gilgal.db", folder.path().display())).await.unwrap();
    store.migrate().await.unwrap();
    for _ in 0..2 {
        let job = NewJob {
            kind: "clumsy".to_owned(),
            payload: serde_json::Value::Null,
            lock_key: Some("shop".to_owned()),
            deployment_id: None,
        };
        store.enqueue_job(job).await.unwrap();
    }
    let clumsy = Arc::new(Clumsy { panics: 1, attempts: AtomicI32::new(0), done: Notify::new() });
    let runner = Runner {
        store: store.clone(),
        queue: Queue::default(),
        handler: clumsy.clone(),
        worker: "worker".to_owned(),
        at_once: 2,
    };
    let second_done = async {
        clumsy.done.notified().await;
        clumsy.done.notified().await;
    };
    let ended =
        tokio::time::timeout(Duration::from_secs(25), runner.run(second_done, Duration::from_secs(5)));
    ended.await.unwrap();
    assert_eq!(clumsy.attempts.load(Ordering::SeqCst), 2);
    assert_eq!(store.open_jobs().await.unwrap(), 0);
}
