//! What is done every few minutes for the disks: the cache of builds, old images and old logs are made to fit their
//! budget.

use crate::build::{BuildError, Builder};
use crate::config::DiskBudget;
use crate::engine::{Engine, EngineError};
use crate::model::id::ProjectId;
use crate::model::time::now;
use crate::store::{Store, StoreError};
use chrono::TimeDelta;
use std::collections::HashSet;
use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Between two rounds. The first comes after as long: a start has other things to do.
const PAUSE: Duration = Duration::from_mins(10);

/// Keeps the server within its disk budget.
pub struct Retention {
    pub store: Store,
    pub engine: Arc<dyn Engine>,
    pub builder: Arc<dyn Builder>,
    pub budget: DiskBudget,
}

#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Retention {
    /// Runs a round every ten minutes until `stop` ends.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let rounds = async {
            loop {
                tokio::time::sleep(PAUSE).await;
                self.round().await;
            }
        };
        tokio::select! {
            () = rounds => {}
            () = stop => {}
        }
    }

    /// One round. Each part for itself: what one cannot do keeps no other from it, and is tried again in the next round.
    pub async fn round(&self) {
        for (what, outcome) in [
            ("the cache of builds", self.trim_cache().await),
            ("old images", self.trim_images().await),
            ("old logs", self.trim_logs().await),
        ] {
            if let Err(error) = outcome {
                tracing::warn!(what, error = &error as &dyn Error, "the disk was not tidied");
            }
        }
    }

    async fn trim_cache(&self) -> Result<(), RoundError> {
        let Some(keep) = self.budget.build_cache_bytes else { return Ok(()) };
        let freed = self.builder.trim_cache(keep).await?;
        if freed > 0 {
            tracing::info!(freed_mib = freed >> 20, "the cache of builds was made smaller");
        }
        Ok(())
    }

    async fn trim_logs(&self) -> Result<(), RoundError> {
        let age = TimeDelta::from_std(self.budget.log_age).unwrap_or(TimeDelta::MAX);
        let before = now().checked_sub_signed(age).unwrap_or_default();
        let removed = self.store.trim_logs(before, self.budget.log_bytes_per_project).await?;
        if removed > 0 {
            tracing::info!(removed, "old logs of deployments were removed");
        }
        Ok(())
    }

    /// Removes images that are kept to roll back to, the oldest first, until the budget is met. A project that is being
    /// deployed is left alone: it may be rolled back to one of them at this moment.
    async fn trim_images(&self) -> Result<(), RoundError> {
        let present: HashSet<String> =
            self.engine.images().await?.into_iter().map(|image| image.id).collect();
        let spare = self.store.spare_images().await?.into_iter();
        let there = spare.filter(|spare| present.contains(&spare.image));
        for image in there.skip(self.budget.images_in_all) {
            if self.is_deployed(image.project).await? {
                continue;
            }
            match self.engine.remove_image(&image.image).await {
                Ok(()) => {
                    tracing::info!(image = image.image, project = %image.project, "the image of an old release was removed");
                }
                // By a container that is stopped at this moment: the next round sees.
                Err(EngineError::InUse { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn is_deployed(&self, project: ProjectId) -> Result<bool, StoreError> {
        let unfinished = self.store.unfinished_deployments().await?;
        Ok(unfinished.iter().any(|deployment| deployment.project_id == project))
    }
}
