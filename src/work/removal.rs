//! What becomes of deleted projects: when their time is over they are removed, and those that are being brought back are.
//!
//! Both go by the database, can be done any number of times, and end with the row: whatever a kill has cut off is done
//! by the next round.

use crate::deployments::{DeployError, Deployments};
use crate::projects::{self, ProjectCleanup};
use crate::store::{Store, StoreError};
use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Between two rounds. The first comes at once.
const PAUSE: Duration = Duration::from_mins(1);
/// Before the next one where something could not be done, and twice as long each time: mostly what a kill has cut off is still
/// going on in the engine.
const SOON: Duration = Duration::from_secs(5);

/// Removes what was deleted, until it is told to stop.
pub struct Removal {
    pub store: Store,
    pub cleanup: Arc<dyn ProjectCleanup>,
    pub deployments: Deployments,
}

#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error(transparent)]
    Deploy(#[from] DeployError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Removal {
    /// Runs until `stop` ends.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let rounds = async {
            let mut soon = SOON;
            loop {
                let is_done = Box::pin(self.round()).await.unwrap_or_else(|error| {
                    tracing::warn!(error = &error as &dyn Error, "deleted projects are not looked after");
                    false
                });
                let pause = if is_done { PAUSE } else { soon };
                soon = if is_done { SOON } else { (soon * 2).min(PAUSE) };
                tokio::time::sleep(pause).await;
            }
        };
        tokio::select! {
            () = rounds => {}
            () = stop => {}
        }
    }

    /// Looks at every project once; gives whether nothing is left of those whose time is over.
    async fn round(&self) -> Result<bool, RoundError> {
        let mut is_done = true;
        for project in self.store.projects_coming_back().await? {
            self.deployments.bring_back(&project, project.owner_id).await?;
        }
        for project in self.store.projects_to_remove().await? {
            // One that cannot be removed keeps no other from it.
            match projects::remove(&self.store, &*self.cleanup, &project).await {
                Ok(()) => {
                    tracing::info!(project = %project.slug, id = %project.id, "a deleted project was removed");
                }
                Err(error) => {
                    is_done = false;
                    let error = &error as &dyn Error;
                    tracing::warn!(project = %project.slug, error, "a deleted project is not removed yet");
                }
            }
        }
        Ok(is_done)
    }
}
