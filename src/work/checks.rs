//! Asks providers once more for the checks that pushes wait for: less and less often, for a day.

use crate::hooks::Hooks;
use crate::model::id::{HookDeliveryId, HookId};
use crate::model::name::CommitId;
use crate::model::time::{Timestamp, now};
use crate::store::{Store, StoreError};
use chrono::TimeDelta;
use futures_util::StreamExt;
use futures_util::stream;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::error::Error;
use std::future::Future;
use std::time::Duration;

/// Between two rounds. The first comes at once: what ended while no server was there was told to nobody.
const PAUSE: Duration = Duration::from_mins(1);
/// From the delivery to the first question, and from that to the second; each further pause is twice as long.
const FIRST: TimeDelta = TimeDelta::minutes(1);
const LONGEST: TimeDelta = TimeDelta::hours(1);
/// Commits that a connection is asked about in a round, and connections that are asked at a time.
const OF_HOOK: usize = 8;
const HOOKS_AT_ONCE: usize = 32;
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
        let known: HashSet<_> = waiting.iter().map(|delivery| delivery.id).collect();
        self.asked.retain(|id, _| known.contains(id));
        // Those of one connection one after the other, and so many of it in a round: a provider that does not answer takes
        // its time for each.
        let mut questions: BTreeMap<HookId, BTreeSet<CommitId>> = BTreeMap::new();
        for delivery in waiting {
            let first = (0, delivery.received_at + FIRST);
            let (count, next) = self.asked.entry(delivery.id).or_insert(first);
            let of_hook = questions.entry(delivery.hook_id).or_default();
            if *next <= at && (of_hook.len() < OF_HOOK || of_hook.contains(&delivery.commit)) {
                *next = at + pause(*count);
                *count += 1;
                of_hook.insert(delivery.commit);
            }
        }
        let hooks = &self.hooks;
        stream::iter(questions)
            .for_each_concurrent(HOOKS_AT_ONCE, |(hook, commits)| async move {
                for commit in commits {
                    if let Err(error) = Box::pin(hooks.ask_again(hook, &commit)).await {
                        tracing::warn!(%hook, %commit, error = &error as &dyn Error, "checks are not asked for");
                    }
                }
            })
            .await;
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
