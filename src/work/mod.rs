//! The jobs of the queue: each translates a stored payload into a call. And what is done by the clock ([`checks`],
//! [`cron`], [`housekeeping`], [`previews`], [`removal`], [`retention`], [`watch`]) or when something ends ([`crashes`]).

mod checks;
mod crashes;
mod cron;
mod housekeeping;
mod previews;
mod removal;
mod retention;
mod watch;

pub use checks::Checks;
pub use crashes::Crashes;
pub use cron::Cron;
pub use housekeeping::{Housekeeping, HousekeepingError};
pub use previews::Previews;
pub use removal::Removal;
pub use retention::Retention;
pub use watch::Watch;

use crate::deploy::Deployer;
use crate::jobs::{Handler, Outcome};
use crate::model::id::DeploymentId;
use crate::model::time::now;
use crate::store::Job;
use async_trait::async_trait;
use chrono::TimeDelta;
use serde::Deserialize;
use std::sync::Arc;

/// Times that a job is begun before it is given up.
const MAX_ATTEMPTS: i32 = 20;
/// The same before not even its end is tried any more: the next start of the server finds it.
const LAST_ATTEMPT: i32 = 2 * MAX_ATTEMPTS;
/// Times that the server may be gone before a job has ended: a deployment that kills it must not do so for ever.
const MAX_DEATHS: i32 = 3;
/// Most seconds between two tries; the first comes after one.
const LONGEST_PAUSE: i32 = 5;

/// Runs every kind of job that there is.
pub struct Work {
    pub deployer: Arc<Deployer>,
}

#[derive(Deserialize)]
struct DeployPayload {
    deployment_id: DeploymentId,
}

#[async_trait]
impl Handler for Work {
    async fn run(&self, job: &Job) -> Outcome {
        match job.kind.as_str() {
            "deploy" => self.deploy(job).await,
            unknown => Outcome::Failed { reason: format!("there is no kind of job \"{unknown}\"") },
        }
    }
}

impl Work {
    async fn deploy(&self, job: &Job) -> Outcome {
        let payload: DeployPayload = match serde_json::from_value(job.payload.clone()) {
            Ok(payload) => payload,
            Err(error) => return Outcome::Failed { reason: error.to_string() },
        };
        let result = if job.attempts > MAX_ATTEMPTS || job.deaths >= MAX_DEATHS {
            self.deployer.give_up(payload.deployment_id).await
        } else {
            self.deployer.run(payload.deployment_id).await
        };
        match result {
            Ok(()) => Outcome::Done,
            Err(error) if job.attempts >= LAST_ATTEMPT => {
                tracing::error!(deployment = %payload.deployment_id, error = &error as &dyn std::error::Error, "a deployment can be neither done nor ended");
                Outcome::Failed { reason: error.to_string() }
            }
            Err(error) => {
                tracing::error!(deployment = %payload.deployment_id, error = &error as &dyn std::error::Error, "a deployment waits for the database");
                let pause = TimeDelta::seconds(job.attempts.clamp(1, LONGEST_PAUSE).into());
                Outcome::Retry { at: now() + pause, reason: error.to_string() }
            }
        }
    }
}
