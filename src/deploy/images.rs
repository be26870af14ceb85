//! Removing images that nobody needs any more.
//!
//! An undo removes the image that its deployment has made, and a drain those of old releases. What they have left (the
//! engine was away, the server was killed between a build and its record) is found by its labels.

use super::{Deployer, patience};
use crate::build::BuildError;
use crate::engine::EngineError;
use crate::model::id::ProjectId;
use crate::model::pins::BaseImage;
use crate::store::StoreError;
use std::collections::HashSet;
use std::error::Error;
use std::time::Duration;
use tokio::time::Instant;

/// Why it was not looked for what nobody needs.
#[derive(Debug, thiserror::Error)]
pub(super) enum SweepError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Between two looks for images and networks that nobody needs.
const SWEEP: Duration = Duration::from_hours(1);
/// The same where something was left behind: deployments that end together are one reason for a look.
const SOON: Duration = Duration::from_secs(15);

/// When the next look for images and networks that nobody needs is due.
pub(super) struct Sweeping {
    due: Instant,
}

impl Sweeping {
    /// The first is due at once.
    pub(super) fn begin() -> Self {
        Self { due: Instant::now() }
    }

    pub(super) const fn due(&self) -> Instant {
        self.due
    }

    /// A deployment has left something behind.
    pub(super) fn hurry(&mut self) {
        self.due = self.due.min(Instant::now() + SOON);
    }

    pub(super) async fn sweep_if_due(&mut self, deployer: &Deployer) {
        if Instant::now() < self.due {
            return;
        }
        let images = deployer.sweep_images().await;
        let networks = deployer.sweep_networks().await;
        let is_done = matches!(images, Ok(true)) && networks.is_ok();
        self.due = Instant::now() + if is_done { SWEEP } else { SOON };
        for error in [images.err(), networks.err()].into_iter().flatten() {
            tracing::warn!(error = &error as &dyn Error, "images and networks were not swept");
        }
    }
}

impl Deployer {
    /// Removes every image of a project; what it ran is stopped.
    ///
    /// # Errors
    /// When the engine refuses.
    pub(super) async fn remove_images_of(&self, project: ProjectId) -> Result<(), EngineError> {
        for image in self.engine.images().await? {
            if image.project_id == project {
                patience::while_in_use(|| self.engine.remove_image(&image.id)).await?;
            }
        }
        Ok(())
    }

    /// Takes the names of ours from base images that neither the builds of an environment go by any more nor those of a
    /// release that it can go back to. While anything is deployed
    /// nothing is done: a build may have found one, and not have gone live by it yet.
    async fn sweep_bases(&self) -> Result<(), SweepError> {
        if !self.store.unfinished_deployments().await?.is_empty() {
            return Ok(());
        }
        let mut pins = self.store.all_pins().await?;
        // A rollback brings back what its release was built by, as long as there is its image.
        let there: Vec<String> = self.engine.images().await?.into_iter().map(|image| image.id).collect();
        for (environment, version) in self.store.newest_releases_of(&there).await? {
            pins.push(self.store.release(environment, version).await?.content.plan.pins);
        }
        let kept: HashSet<BaseImage> = pins.into_iter().flat_map(|pins| pins.images.into_values()).collect();
        Ok(self.builder.forget_bases_but(&kept).await?)
    }

    /// Removes the images that no release has. A project that is being deployed is left alone: a build may have found an
    /// image and not have noted it yet. Gives whether none was left for that.
    ///
    /// # Errors
    /// When the images or the releases are not known. An image that cannot be removed is left to the next sweep.
    pub(super) async fn sweep_images(&self) -> Result<bool, SweepError> {
        self.sweep_bases().await?;
        let images = self.engine.images().await?;
        if images.is_empty() {
            return Ok(true);
        }
        let released = self.store.released_images().await?;
        let mut is_done = true;
        for image in images.iter().filter(|image| !released.contains(&image.id)) {
            // Asked for each: removing takes its time, and deployments begin meanwhile.
            let unfinished = self.store.unfinished_deployments().await?;
            if unfinished.iter().any(|deployment| deployment.project_id == image.project_id) {
                is_done = false;
                continue;
            }
            match self.engine.remove_image(&image.id).await {
                Ok(()) => {
                    tracing::info!(image = %image.id, project = %image.project_id, "an image without a release was removed");
                }
                Err(error) => {
                    tracing::warn!(image = %image.id, error = &error as &dyn Error, "an image without a release is kept");
                }
            }
        }
        Ok(is_done)
    }
}
