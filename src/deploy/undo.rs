//! Taking back what a deployment has made before it was committed.

use super::Deployer;
use super::instances::{Place, UNUSED_GRACE, place};
use super::patience::{unless_away, until_done, until_stored};
use super::run::Run;
use crate::engine::EngineError;
use crate::store::StoreError;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long an engine that does not answer is waited for. After it the deployment ends all the same: instances that are
/// left then, and an image, are removed by the reconciler.
const ENGINE_PATIENCE: Duration = Duration::from_mins(10);

impl Deployer {
    /// Stops the new instances and removes an image that no release uses. Running twice is running once.
    pub(super) async fn undo(&self, run: &mut Run) -> Result<(), StoreError> {
        drop(self.sleeping.turn(run.environment.id).await);
        self.end_trial(run).await;
        let run = &*run;
        let released = until_stored(|| self.store.released_images()).await?;
        let image = run.deployment.record.content.as_ref().map(|content| content.image.as_str());
        let unused = image.filter(|image| !released.contains(*image));
        let kept = until_stored(|| self.kept_places(run)).await?;
        let taken_back = until_done(|| self.take_back(run, &kept, unused));
        if tokio::time::timeout(ENGINE_PATIENCE, taken_back).await.is_err() {
            tracing::error!(deployment = %run.deployment.id, "the engine was away for too long to undo a deployment");
        }
        // However long it takes: without it nothing serves.
        until_done(|| self.bring_back(run)).await;
        Ok(())
    }

    async fn take_back(
        &self,
        run: &Run,
        kept: &BTreeSet<Place>,
        image: Option<&str>,
    ) -> Result<(), EngineError> {
        let started = self.instances_of(run.instances_of()).await?.into_iter();
        for instance in started.filter(|instance| !kept.contains(&place(instance))) {
            let stopped = self.engine.stop(&instance.id, UNUSED_GRACE).await;
            unless_away(stopped, "an instance was not undone")?;
        }
        match image {
            Some(image) => unless_away(self.engine.remove_image(image).await, "an image was not undone"),
            None => Ok(()),
        }
    }
}
