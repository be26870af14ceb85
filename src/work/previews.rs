//! Looks after the previews of pull requests: removes those that are closed or too old, and makes those that are wanted and
//! were not made.
//!
//! Both go by the database, can be done any number of times, and end with the row: whatever a kill has cut off is done
//! by the next round.

use crate::hooks::{HookError, Hooks};
use crate::model::id::PreviewId;
use crate::model::preview::Preview;
use crate::projects::environments::{self, EnvironmentError};
use crate::projects::{Overwrite, ProjectCleanup};
use crate::store::{Store, StoreError};
use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Between two rounds, unless something happens. The first comes at once.
const PAUSE: Duration = Duration::from_mins(1);

/// Longest time until one is tried again that could not be made.
const LONGEST: Duration = Duration::from_hours(1);

/// Looks after previews until it is told to stop.
pub struct Previews {
    store: Store,
    cleanup: Arc<dyn ProjectCleanup>,
    hooks: Hooks,
    /// Those that could not be made: how often, and when the next try is.
    failed: Mutex<HashMap<PreviewId, (u32, Instant)>>,
}

#[derive(Debug, thiserror::Error)]
enum PreviewError {
    #[error(transparent)]
    Hook(#[from] HookError),
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Previews {
    /// What looks after the previews of a database.
    #[must_use]
    pub fn new(store: Store, cleanup: Arc<dyn ProjectCleanup>, hooks: Hooks) -> Self {
        Self { store, cleanup, hooks, failed: Mutex::default() }
    }

    /// Runs until `stop` ends.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let rounds = async {
            loop {
                if let Err(error) = self.round().await {
                    tracing::warn!(error = &error as &dyn Error, "previews are not looked after");
                }
                drop(tokio::time::timeout(PAUSE, self.hooks.when_previews_change()).await);
            }
        };
        tokio::select! {
            () = rounds => {}
            () = stop => {}
        }
    }

    /// Does what is to be done now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn round(&self) -> Result<(), StoreError> {
        for preview in self.store.previews_to_remove().await? {
            // One that cannot be removed keeps no other from it.
            let number = preview.number;
            match self.remove(&preview).await {
                Ok(()) => tracing::info!(project = %preview.project_id, number, "a preview is removed"),
                Err(error) => {
                    let error = &error as &dyn Error;
                    tracing::warn!(project = %preview.project_id, number, error, "a preview is not removed yet");
                }
            }
        }
        let wanted = self.store.previews_to_start().await?;
        self.failed().retain(|id, _| wanted.iter().any(|preview| preview.id == *id));
        for preview in wanted {
            if self.failed().get(&preview.id).is_some_and(|(_, next)| *next > Instant::now()) {
                continue;
            }
            match self.hooks.start_again(&preview).await {
                Ok(()) => drop(self.failed().remove(&preview.id)),
                Err(error) => {
                    let again = self.note_failure(preview.id);
                    let (number, error) = (preview.number, &error as &dyn Error);
                    tracing::warn!(
                        project = %preview.project_id, number, again_in = again.as_secs(), error,
                        "a preview is not made yet"
                    );
                }
            }
        }
        Ok(())
    }

    fn failed(&self) -> MutexGuard<'_, HashMap<PreviewId, (u32, Instant)>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that one could not be made. Gives how long it is left alone.
    fn note_failure(&self, id: PreviewId) -> Duration {
        let mut failed = self.failed();
        let (count, next) = failed.entry(id).or_insert((0, Instant::now()));
        *count += 1;
        let pause = pause(*count);
        *next = Instant::now() + pause;
        pause
    }

    async fn remove(&self, preview: &Preview) -> Result<(), PreviewError> {
        if let Some(environment) = self.hooks.begin_removal(preview.id).await? {
            let whole = (&environment, Overwrite::Anything);
            let confirmation = Some(environment.name.as_str());
            environments::disable(&self.store, whole, confirmation).await?;
            Box::pin(environments::remove(&self.store, &*self.cleanup, &environment)).await?;
        }
        Ok(self.store.forget_preview(preview.id).await?)
    }
}

/// How long one is left alone that could not be made so often: twice as long each time.
fn pause(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(10);
    PAUSE.saturating_mul(1 << doublings).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_cannot_be_made_is_tried_less_and_less_often() {
        let minutes: Vec<u64> = (1..9).chain([100]).map(|failures| pause(failures).as_secs() / 60).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
