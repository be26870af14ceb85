//! The clock of the schedules: looks every minute at what is live, and runs what is due.
//!
//! A minute in which the server did not run is over: nothing is made up for. Every run is noted before it begins, and there
//! is one for a minute at most, so that looking twice is looking once.

use crate::model::time::{Timestamp, now};
use crate::processes::{ProcessError, Processes};
use crate::store::{Store, StoreError};
use chrono::{DurationRound, TimeDelta};
use std::error::Error;
use std::future::Future;
use std::time::Duration;

const MINUTE: TimeDelta = TimeDelta::minutes(1);
/// Before the database is asked again, within the minute.
const PAUSE: Duration = Duration::from_secs(5);

/// Runs commands when their time comes.
pub struct Cron {
    pub store: Store,
    pub processes: Processes,
}

impl Cron {
    /// Runs until `stop` ends. What runs then is cut off, and marked so at the next start.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let minutes = async {
            let mut last = minute_of(now());
            loop {
                let next = last + MINUTE;
                tokio::time::sleep((next - now()).to_std().unwrap_or_default()).await;
                // One that was slept through is over.
                let minute = minute_of(now());
                if minute <= last {
                    continue;
                }
                last = minute;
                while let Err(error) = self.look(minute).await {
                    tracing::warn!(error = &error as &dyn Error, "the schedules are not known at the moment");
                    tokio::time::sleep(PAUSE).await;
                    if minute_of(now()) != minute {
                        break;
                    }
                }
            }
        };
        tokio::select! {
            () = minutes => {}
            () = stop => {}
        }
    }

    /// Runs what is due in a minute.
    async fn look(&self, minute: Timestamp) -> Result<(), StoreError> {
        for (project, environment, release) in self.store.current_releases().await? {
            if environment.stopped_at.is_some() {
                continue;
            }
            for due in release.content.cron.iter().filter(|(_, job)| job.is_due(minute)) {
                match self.processes.run_cron_at(&project, &release, due, minute).await {
                    Ok(_) => {}
                    Err(ProcessError::Store(error @ StoreError::Unavailable(_))) => return Err(error),
                    Err(error) => {
                        let command = due.0;
                        tracing::warn!(project = %project.slug, %command, error = &error as &dyn Error, "a command of the schedule was not run");
                    }
                }
            }
        }
        Ok(())
    }
}

fn minute_of(time: Timestamp) -> Timestamp {
    time.duration_trunc(MINUTE).unwrap_or(time)
}
