//! After the switch: the new instances are kept running, the old ones are stopped, old images are removed.

use crate::deploy::Deployer;
use crate::deploy::instances::STOP_GRACE;
use crate::deploy::patience::{unless_away, until_done};
use crate::deploy::run::Run;
use crate::engine::EngineError;
use crate::journal::Conclusion;
use crate::model::time::now;
use crate::store::StoreError;
use futures_util::future::join_all;
use std::collections::HashSet;

impl Deployer {
    /// Never fails the deployment: what cannot be cleaned now is cleaned by the reconciler, and said in the server's log.
    ///
    /// # Errors
    /// Only where a test interrupts it.
    pub(in crate::deploy) async fn drain(&self, run: &mut Run) -> Result<(), StoreError> {
        if !run.has_traffic {
            // The server was killed since the switch: its router may have come up with the table before it. Or the engine
            // was away.
            self.take_traffic(run).await;
            self.release_requests(run);
            run.log.conclude(Conclusion::Live);
        }
        if run.has_traffic {
            self.stop_old(run).await?;
        } else {
            tracing::error!(deployment = %run.deployment.id, "the engine was away for too long to switch traffic");
        }
        // Nobody has asked for it: it says why it was done.
        run.deployment.reason = run.deployment.options.automatic.clone().map(|automatic| automatic.why);
        tracing::info!(
            project = %run.project.slug, environment = %run.environment.name, version = run.deployment.version,
            commit = run.deployment.commit.short(), since_queued_ms = (now() - run.deployment.created_at).num_milliseconds(),
            "deployed"
        );
        Ok(())
    }

    /// Sets what is new to be kept running, and stops what is old once it has answered. What the engine does not do is left to
    /// the reconciler.
    async fn stop_old(&self, run: &mut Run) -> Result<(), StoreError> {
        if let Err(error) = until_done(|| self.keep_running(run)).await {
            warn(&error, "instances are not set to be restarted");
        }
        self.interrupted(run, "kept")?;
        if let Some(drain) = run.drain.take() {
            let drained = drain.await.unwrap_or_default();
            if drained.cut > 0 {
                run.warn(&format!(
                    "{} connections to the old release were cut at the end of their time.",
                    drained.cut
                ));
            }
        }
        let old = until_done(|| self.unwanted_instances(run)).await.unwrap_or_else(|error| {
            warn(&error, "old instances were not stopped");
            Vec::new()
        });
        for stopped in join_all(old.iter().map(|instance| self.engine.stop(&instance.id, STOP_GRACE))).await {
            if let Err(error) = stopped {
                warn(&error, "an old instance was not stopped");
            }
        }
        self.interrupted(run, "stopped")?;
        self.push_after(run).await;
        self.remove_old_images(run).await;
        Ok(())
    }

    async fn keep_running(&self, run: &Run) -> Result<(), EngineError> {
        for instance in self.instances_of(run.instances_of()).await? {
            let kept = self.engine.keep_running(&instance.id).await;
            unless_away(kept, "an instance is not set to be restarted")?;
        }
        Ok(())
    }

    /// Removes the images of the project that none of the newest releases of an environment has. Not while something else
    /// of the project is deployed: it may be made from one of them, or have made one that is not noted yet.
    async fn remove_old_images(&self, run: &Run) {
        // Before the releases: what is built from now on is not among them.
        let images = match self.engine.images().await {
            Ok(images) => images,
            Err(error) => return warn(&error, "old images are kept"),
        };
        let cleaned = async {
            let kept = self.kept_images(run).await?;
            let of_project = images.iter().filter(|image| image.project_id == run.project.id);
            for image in of_project.filter(|image| !kept.contains(&image.id)) {
                if self.something_else_is_deployed(run).await? {
                    return Ok(());
                }
                if let Err(error) = self.engine.remove_image(&image.id).await {
                    warn(&error, "an old image was not removed");
                }
            }
            Ok::<_, StoreError>(())
        };
        if let Err(error) = cleaned.await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old images are kept");
        }
    }

    /// The images that the environments of the project may be rolled back to.
    async fn kept_images(&self, run: &Run) -> Result<HashSet<String>, StoreError> {
        let mut kept = HashSet::new();
        for environment in self.store.environments_of(run.project.id).await? {
            kept.extend(self.store.newest_images_of(environment.id, self.images_kept).await?);
        }
        Ok(kept)
    }

    pub(in crate::deploy) async fn something_else_is_deployed(&self, run: &Run) -> Result<bool, StoreError> {
        let unfinished = self.store.unfinished_deployments().await?;
        let mut of_project = unfinished.iter().filter(|other| other.project_id == run.project.id);
        Ok(of_project.any(|other| other.id != run.deployment.id))
    }
}

fn warn(error: &EngineError, what: &str) {
    tracing::warn!(error = error as &dyn std::error::Error, "{what}");
}
