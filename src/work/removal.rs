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
            loop {
                if let Err(error) = self.round().await {
                    tracing::warn!(error = &error as &dyn Error, "deleted projects are not looked after");
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::select! {
            () = rounds => {}
            () = stop => {}
        }
    }

    async fn round(&self) -> Result<(), RoundError> {
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
                    let error = &error as &dyn Error;
                    tracing::warn!(project = %project.slug, error, "a deleted project is not removed yet");
                }
            }
        }
        Ok(())
    }
}
