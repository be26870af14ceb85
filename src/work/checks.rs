//! Asks providers once more for the checks that pushes wait for: less and less often, for a day.

use crate::hooks::Hooks;
use crate::model::id::HookDeliveryId;
use crate::model::time::{Timestamp, now};
use crate::store::{Store, StoreError};
use chrono::TimeDelta;
use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::time::Duration;

/// Between two rounds. The first comes at once: what ended while no server was there was told to nobody.
const PAUSE: Duration = Duration::from_mins(1);
/// From the delivery to the first question, and from that to the second; each further pause is twice as long.
const FIRST: TimeDelta = TimeDelta::minutes(1);
const LONGEST: TimeDelta = TimeDelta::hours(1);
/// What waits for longer is left to the next check, or to whoever has it delivered again.
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::days(1);

/// Asks for checks until it is told to stop.
pub struct Checks {
    store: Store,
    hooks: Hooks,
    /// How often it was asked for each delivery, and when the next time is.
    asked: HashMap<HookDeliveryId, (u32, Timestamp)>,
}

impl Checks {
    /// What asks for the deliveries of a database.
    #[must_use]
    pub fn new(store: Store, hooks: Hooks) -> Self {
        Self { store, hooks, asked: HashMap::new() }
    }

    /// Runs until `stop` ends.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let rounds = async {
            loop {
                if let Err(error) = self.round(now()).await {
                    tracing::warn!(error = &error as &dyn Error, "checks are not asked for");
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::select! {
            () = rounds => {}
            () = stop => {}
        }
    }

    /// Asks for everything that it is time for.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn round(&mut self, at: Timestamp) -> Result<(), StoreError> {
        let waiting = self.store.deliveries_that_wait(at - GIVEN_UP_AFTER).await?;
        self.asked.retain(|id, _| waiting.iter().any(|delivery| delivery.id == *id));
        let mut questions = Vec::new();
        for delivery in waiting {
            let first = (0, delivery.received_at + FIRST);
            let (count, next) = self.asked.entry(delivery.id).or_insert(first);
            if *next <= at {
                *next = at + pause(*count);
                *count += 1;
                questions.push((delivery.hook_id, delivery.commit));
            }
        }
        questions.sort_unstable();
        questions.dedup();
        for (hook, commit) in questions {
            if let Err(error) = Box::pin(self.hooks.ask_again(hook, &commit)).await {
                tracing::warn!(%hook, %commit, error = &error as &dyn Error, "checks are not asked for");
            }
        }
        Ok(())
    }
}

/// How long nothing is asked after so many questions and one.
fn pause(questions: u32) -> TimeDelta {
    (FIRST * (1 << questions.min(10))).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_less_and_less_often() {
        let minutes: Vec<i64> = (0..8).chain([100]).map(|questions| pause(questions).num_minutes()).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
