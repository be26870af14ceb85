//! Claims jobs and runs them, several at a time.

use crate::model::id::JobId;
use crate::model::time::{Timestamp, now};
use crate::store::{Job, Store};
use async_trait::async_trait;
use chrono::TimeDelta;
use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Time without a heartbeat after which a job is anybody's.
const LEASE: Duration = Duration::from_secs(30);
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long a lost wake-up can delay a job.
const POLL: Duration = Duration::from_secs(2);
/// How often jobs that have ended are looked for that can be forgotten, and how old they have to be.
const PRUNE_EVERY: Duration = Duration::from_hours(1);
const KEPT: TimeDelta = TimeDelta::days(7);

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
    /// How many jobs run at the same time.
    pub at_once: usize,
}

impl<H: Handler> Runner<H> {
    /// Runs jobs until `stop` ends; then gives those that run `grace`, and leaves the others to the next start.
    pub async fn run(self, stop: impl Future<Output = ()>, grace: Duration) {
        let runner = Arc::new(self);
        let mut running = JoinSet::new();
        // A lease can run out while the database is away. The job is then claimed again by the server that runs it, which
        // only renews the lease.
        let in_hand: Arc<Mutex<HashSet<JobId>>> = Arc::default();
        tokio::pin!(stop);
        let mut prune = tokio::time::interval(PRUNE_EVERY);
        loop {
            while running.try_join_next().is_some() {}
            let claimed = if running.len() < runner.at_once {
                tokio::select! {
                    biased;
                    () = &mut stop => break,
                    job = runner.claim() => job,
                }
            } else {
                None
            };
            if let Some(job) = claimed
                && lock(&in_hand).insert(job.id)
            {
                let (runner, in_hand) = (runner.clone(), in_hand.clone());
                running.spawn(async move {
                    let id = job.id;
                    runner.work(job).await;
                    lock(&in_hand).remove(&id);
                    // Another job may have waited for this one's lock.
                    runner.queue.wake();
                });
                continue;
            }
            tokio::select! {
                () = runner.queue.wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                _ = prune.tick() => runner.prune().await,
                Some(_) = running.join_next(), if !running.is_empty() => {}
                () = &mut stop => break,
            }
        }
        let all_done = async { while running.join_next().await.is_some() {} };
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

    async fn claim(&self) -> Option<Job> {
        match self.store.claim_job(&self.worker, LEASE).await {
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
            outcome = self.handler.run(&job) => outcome,
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

fn lock(in_hand: &Mutex<HashSet<JobId>>) -> MutexGuard<'_, HashSet<JobId>> {
    in_hand.lock().unwrap_or_else(PoisonError::into_inner)
}
