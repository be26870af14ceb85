//! Claims jobs and runs them, several at a time.

use crate::model::time::Timestamp;
use crate::store::{Job, Store};
use async_trait::async_trait;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Time without a heartbeat after which a job is anybody's.
const LEASE: Duration = Duration::from_secs(30);
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long a lost wake-up can delay a job.
const POLL: Duration = Duration::from_secs(2);

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
        tokio::pin!(stop);
        loop {
            while running.try_join_next().is_some() {}
            let claimed = if running.len() < runner.at_once { runner.claim().await } else { None };
            if let Some(job) = claimed {
                let runner = runner.clone();
                running.spawn(async move { runner.work(job).await });
                continue;
            }
            tokio::select! {
                () = runner.queue.wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                Some(_) = running.join_next(), if !running.is_empty() => {}
                () = &mut stop => break,
            }
        }
        let all_done = async { while running.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all_done).await.is_err() {
            tracing::warn!("deployments were interrupted; they go on at the next start");
            running.shutdown().await;
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

    /// Runs one job, keeps its lease meanwhile, and writes down how it ended.
    async fn work(&self, job: Job) {
        let outcome = {
            let running = self.handler.run(&job);
            tokio::pin!(running);
            loop {
                tokio::select! {
                    outcome = &mut running => break outcome,
                    () = tokio::time::sleep(HEARTBEAT) => {
                        if self.lost(&job).await {
                            // Somebody else runs it now. What it was doing ends here, before it meets itself.
                            return;
                        }
                    }
                }
            }
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
        // Another job may have waited for this one's lock.
        self.queue.wake();
    }

    /// Keeps the lease of a job; answers whether another server has taken it.
    async fn lost(&self, job: &Job) -> bool {
        match self.store.heartbeat_job(job.id, &self.worker, LEASE).await {
            Ok(ours) => {
                if !ours {
                    tracing::error!(job = %job.id, "the lease of a job was lost");
                }
                !ours
            }
            Err(error) => {
                tracing::warn!(job = %job.id, error = &error as &dyn std::error::Error, "cannot keep the lease of a job");
                false
            }
        }
    }
}
