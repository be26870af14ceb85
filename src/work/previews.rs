//! Looks after the previews of pull requests: removes those that are closed or too old, and makes those that are wanted and
//! were not made.
//!
//! Both go by the database, can be done any number of times, and end with the row: whatever a kill has cut off is done
//! by the next round.

use crate::hooks::{HookError, Hooks};
use crate::model::preview::Preview;
use crate::projects::environments::{self, EnvironmentError};
use crate::projects::{Overwrite, ProjectCleanup};
use crate::store::{Store, StoreError};
use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Between two rounds, unless something happens. The first comes at once.
const PAUSE: Duration = Duration::from_mins(1);

/// Looks after previews until it is told to stop.
pub struct Previews {
    pub store: Store,
    pub cleanup: Arc<dyn ProjectCleanup>,
    pub hooks: Hooks,
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
        for preview in self.store.previews_to_start().await? {
            if let Err(error) = self.hooks.start_again(&preview).await {
                let (number, error) = (preview.number, &error as &dyn Error);
                tracing::warn!(project = %preview.project_id, number, error, "a preview is not made yet");
            }
        }
        Ok(())
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
