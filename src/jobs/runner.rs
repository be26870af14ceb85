//! Claims jobs and runs them, several at a time.

use super::in_hand::InHand;
use crate::model::time::{Timestamp, now};
use crate::store::{Job, Store, Whose};
use async_trait::async_trait;
use chrono::TimeDelta;
use futures_util::FutureExt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};

/// Time without a heartbeat after which a job is anybody's.
const LEASE: Duration = Duration::from_secs(30);
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long a lost wake-up can delay a job.
const POLL: Duration = Duration::from_secs(2);
/// How often jobs that have ended are looked for that can be forgotten, and how old they have to be.
const PRUNE_EVERY: Duration = Duration::from_hours(1);
const KEPT: TimeDelta = TimeDelta::days(7);
/// Before a job is tried again that has met a mistake in this program.
const AFTER_PANIC: TimeDelta = TimeDelta::seconds(1);

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// To be tried again at a later time, for the reason given.
    Retry {
        at: Timestamp,
        reason: String,
    },
    /// Not to be tried again.
    Failed {
        reason: String,
    },
}

/// Does the work of a job. May be called again for the same job after a crash.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    async fn run(&self, job: &Job) -> Outcome;
}

/// Wakes the runner when a job was stored.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    wake: Arc<Notify>,
}

impl Queue {
    /// Says that there may be a job to claim.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

/// Runs the jobs of the queue.
pub struct Runner<H> {
    pub store: Store,
    pub queue: Queue,
    pub handler: Arc<H>,
    /// Name of this server in the leases.
    pub worker: String,
    /// How many jobs run at the same time; up to as many again for owners who have none.
    pub at_once: usize,
}

impl<H: Handler> Runner<H> {
    /// Runs jobs until `stop` ends; then gives those that run `grace`, and leaves the others to the next start.
    pub async fn run(self, stop: impl Future<Output = ()>, grace: Duration) {
        let runner = Arc::new(self);
        let mut running = JoinSet::new();
        // A lease can run out while the database is away. The job is then claimed again by the server that runs it, which
        // only renews the lease.
        let in_hand = InHand::default();
        tokio::pin!(stop);
        let mut prune = tokio::time::interval(PRUNE_EVERY);
        loop {
            while let Some(ended) = running.try_join_next() {
                note_end(ended);
            }
            let claimed = if let Some(whose) = runner.may_claim(running.len()) {
                tokio::select! {
                    biased;
                    () = &mut stop => break,
                    job = runner.claim(whose) => job,
                }
            } else {
                None
            };
            if let Some(job) = claimed
                && let Some(held) = in_hand.take(job.id)
            {
                let runner = runner.clone();
                running.spawn(async move {
                    runner.work(job).await;
                    drop(held);
                    // Another job may have waited for this one's lock.
                    runner.queue.wake();
                });
                continue;
            }
            tokio::select! {
                () = runner.queue.wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                _ = prune.tick() => runner.prune().await,
                Some(ended) = running.join_next(), if !running.is_empty() => note_end(ended),
                () = &mut stop => break,
            }
        }
        let all_done = async {
            while let Some(ended) = running.join_next().await {
                note_end(ended);
            }
        };
        if tokio::time::timeout(grace, all_done).await.is_err() {
            tracing::warn!("deployments were interrupted; they go on at the next start");
            running.shutdown().await;
            // This is no fault of theirs. The next start would find them all the same.
            if let Err(error) = runner.store.interrupt_jobs_of(&runner.worker).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "interrupted jobs are left to the next start"
                );
            }
        }
    }

    /// Whose job may be claimed beside those that run. Beyond as many as run at once, as many again are for owners who
    /// have none: the slow jobs of one keep nobody else waiting, and do not run one by one either when nobody else waits.
    fn may_claim(&self, running: usize) -> Option<Whose> {
        if running < self.at_once {
            Some(Whose::Anybodys)
        } else {
            (running < self.at_once.saturating_mul(2)).then_some(Whose::IdleOwners)
        }
    }

    async fn claim(&self, whose: Whose) -> Option<Job> {
        match self.store.claim_job(&self.worker, LEASE, whose).await {
            Ok(job) => job,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot look for jobs");
                None
            }
        }
    }

    async fn prune(&self) {
        if let Err(error) = self.store.prune_jobs(now() - KEPT).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old jobs are kept");
        }
    }

    /// Runs one job, keeps its lease meanwhile, and writes down how it ended.
    async fn work(&self, job: Job) {
        let outcome = tokio::select! {
            outcome = self.run_caught(&job) => outcome,
            // Somebody else runs it now. What it was doing ends here, before it meets itself.
            () = self.keep_lease(&job) => return,
        };
        let written = match &outcome {
            Outcome::Done => self.store.complete_job(job.id, &self.worker).await,
            Outcome::Retry { at, reason } => {
                self.store.fail_job(job.id, &self.worker, reason, Some(*at)).await
            }
            Outcome::Failed { reason } => self.store.fail_job(job.id, &self.worker, reason, None).await,
        };
        if let Err(error) = written {
            // The lease runs out, and the job is run again: it takes that well.
            tracing::error!(job = %job.id, error = &error as &dyn std::error::Error, "cannot write down how a job ended");
        }
    }

    /// Runs a job; one that panics is tried again, as after the end of its server.
    async fn run_caught(&self, job: &Job) -> Outcome {
        // Nothing of the handler is used again that could be half done: each attempt starts from the database.
        let run = AssertUnwindSafe(self.handler.run(job)).catch_unwind();
        run.await.unwrap_or_else(|_panic| {
            tracing::error!(job = %job.id, attempts = job.attempts, "a job has panicked, and is tried again");
            Outcome::Retry { at: now() + AFTER_PANIC, reason: "a mistake in the program".to_owned() }
        })
    }

    /// Keeps the lease of a job; ends only when another server has taken the job.
    async fn keep_lease(&self, job: &Job) {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            match self.store.heartbeat_job(job.id, &self.worker, LEASE).await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::error!(job = %job.id, "the lease of a job was lost");
                    return;
                }
                Err(error) => {
                    tracing::warn!(job = %job.id, error = &error as &dyn std::error::Error, "cannot keep the lease of a job");
                }
            }
        }
    }
}

/// Says when the task of a job has not ended by itself; its lease runs out, and the job is run again.
fn note_end(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(error = &error as &dyn std::error::Error, "the task of a job was lost");
    }
}
