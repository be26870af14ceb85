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

/// Times that a job is begun before it is given up. From then on it is tried to end it, however often that fails.
const MAX_ATTEMPTS: i32 = 20;
/// Times that the server may be gone before a job has ended: a deployment that kills it must not do so for ever.
const MAX_DEATHS: i32 = 3;
/// Most seconds between two tries of a job; the first comes after one.
const LONGEST_PAUSE: i32 = 5;
/// The same of its end; each pause is a second longer.
const LONGEST_PAUSE_OF_END: i32 = 300;

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
        let is_given_up = job.attempts > MAX_ATTEMPTS || job.deaths >= MAX_DEATHS;
        let result = if is_given_up {
            self.deployer.give_up(payload.deployment_id).await
        } else {
            self.deployer.run(payload.deployment_id).await
        };
        match result {
            Ok(()) => Outcome::Done,
            Err(error) => {
                let (deployment, cause) = (payload.deployment_id, &error as &dyn std::error::Error);
                if is_given_up {
                    tracing::error!(%deployment, error = cause, "a deployment can be neither done nor ended");
                } else {
                    tracing::error!(%deployment, error = cause, "a deployment waits for the database");
                }
                Outcome::Retry { at: now() + pause_after(job.attempts), reason: error.to_string() }
            }
        }
    }
}

/// How long a job waits that was tried so often. It never stops: what is under way in an environment keeps everything else
/// from it.
fn pause_after(attempts: i32) -> TimeDelta {
    let seconds = match attempts - MAX_ATTEMPTS {
        ..=0 => attempts.clamp(1, LONGEST_PAUSE),
        ends => LONGEST_PAUSE.saturating_add(ends).min(LONGEST_PAUSE_OF_END),
    };
    TimeDelta::seconds(seconds.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_ended_is_tried_more_and_more_seldom() {
        let pauses = [1, 4, 5, 20, 21, 41, 314, 315, 316, i32::MAX].map(|of| pause_after(of).num_seconds());
        assert_eq!(pauses, [1, 4, 5, 5, 6, 26, 299, 300, 300, 300]);
    }
}
