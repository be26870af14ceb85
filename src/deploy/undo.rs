//! Taking back what a deployment has made before it was committed.

use super::Deployer;
use super::instances::{Place, UNUSED_GRACE, place};
use super::patience::{unless_away, until_done, until_stored};
use super::room;
use super::run::Run;
use crate::engine::EngineError;
use crate::store::StoreError;
use std::collections::BTreeSet;

impl Deployer {
    /// Stops the new instances and removes an image that no release uses. Running twice is running once. An engine that stays
    /// away is not waited for for ever: instances that are left then, and an image, are removed by the reconciler, and what was
    /// live is started by it.
    pub(super) async fn undo(&self, run: &mut Run) -> Result<(), StoreError> {
        drop(self.sleeping.turn(run.environment.id).await);
        self.end_trial(run).await;
        let undone: &Run = run;
        let released = until_stored(|| self.store.released_images()).await?;
        let image = undone.deployment.record.content.as_ref().map(|content| content.image.as_str());
        // Another environment of the project may be about to start the very same; then it is swept later.
        let is_shared = until_stored(|| self.something_else_is_deployed(undone)).await?;
        let unreleased = image.filter(|image| !released.contains(*image)).map(str::to_owned);
        let unused = unreleased.as_deref().filter(|_| !is_shared);
        let kept = until_stored(|| self.kept_places(undone)).await?;
        let taken_back = until_done(|| self.take_back(undone, &kept, unused)).await;
        let brought_back = match taken_back {
            Ok(()) => until_done(|| self.bring_back(undone)).await,
            Err(error) => Err(error),
        };
        if let Some(image) = &unreleased
            && self.engine.has_image(image).await.unwrap_or(true)
        {
            self.left_behind.notify_one();
        }
        run.not_brought_back = match brought_back {
            Ok(faults) => faults,
            Err(error) => {
                tracing::error!(
                    deployment = %run.deployment.id, error = &error as &dyn std::error::Error,
                    "the engine was away for too long to undo a deployment"
                );
                // Nothing is going to be there soon.
                self.router.end_hold(run.environment.id);
                let stopped = run.previous.filter(|_| Self::strategy(run).stops_first());
                stopped.map(|version| room::not_started(version, &error)).into_iter().collect()
            }
        };
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
