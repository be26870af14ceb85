//! Taking back what a deployment has made before it was committed.

use super::Deployer;
use super::instances::UNUSED_GRACE;
use super::patience::{unless_away, until_done, until_stored};
use super::run::Run;
use crate::engine::EngineError;
use crate::store::{PageRequest, StoreError};
use std::time::Duration;

/// How long an engine that does not answer is waited for. After it the deployment ends all the same: instances that are
/// left then, and an image, are removed by the reconciler.
const ENGINE_PATIENCE: Duration = Duration::from_mins(10);

impl Deployer {
    /// Stops the new instances and removes an image that no release uses. Running twice is running once.
    pub(super) async fn undo(&self, run: &Run) -> Result<(), StoreError> {
        let releases =
            until_stored(|| self.store.releases_of(run.environment.id, PageRequest::first())).await?;
        let image = run.deployment.record.content.as_ref().map(|content| content.image.as_str());
        let unused =
            image.filter(|image| releases.data.iter().all(|release| release.content.image != *image));
        let taken_back = until_done(|| self.take_back(run, unused));
        if tokio::time::timeout(ENGINE_PATIENCE, taken_back).await.is_err() {
            tracing::error!(deployment = %run.deployment.id, "the engine was away for too long to undo a deployment");
        }
        Ok(())
    }

    async fn take_back(&self, run: &Run, image: Option<&str>) -> Result<(), EngineError> {
        for instance in self.instances_of(run.deployment.id).await? {
            let stopped = self.engine.stop(&instance.id, UNUSED_GRACE).await;
            unless_away(stopped, "an instance was not undone")?;
        }
        match image {
            Some(image) => unless_away(self.engine.remove_image(image).await, "an image was not undone"),
            None => Ok(()),
        }
    }
}
