//! After the switch: the new instances are kept running, the old ones are stopped, old images are removed.

use crate::deploy::Deployer;
use crate::deploy::patience::{unless_away, until_done};
use crate::deploy::run::Run;
use crate::engine::EngineError;
use crate::journal::Conclusion;
use crate::model::instance::InstanceId;
use crate::model::time::now;
use crate::store::StoreError;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked whether another deployment waits while old instances answer.
const DRAIN_LOOK: Duration = Duration::from_millis(500);

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
        self.end_old(run).await;
        self.interrupted(run, "stopped")?;
        self.push_after(run).await;
        self.remove_old_images(run).await;
        Ok(())
    }

    /// Waits until what is old has ended, or until a newer deployment waits for its turn: then it ends behind this one.
    async fn end_old(&self, run: &mut Run) {
        let old = self.old_instances(run).await;
        let mut ending = self.endings.begin(Arc::clone(&self.engine), run.drain.take(), old);
        // Instances of a release that stays live could be wanted again by the next one: those are waited for.
        let is_left = run.instances_of() == run.deployment.id;
        let drained = tokio::select! {
            biased;
            drained = &mut ending => drained.unwrap_or_default(),
            () = self.newer_waits(run, DRAIN_LOOK), if is_left => {
                run.detail("A newer deployment waits: what is open on the old release keeps its time to end");
                return;
            }
        };
        if drained.cut > 0 {
            run.warn(&format!(
                "{} connections to the old release were cut at the end of their time.",
                drained.cut
            ));
        }
        // What has come meanwhile, as by the replacement of one that did not answer.
        let late = self.old_instances(run).await;
        if !late.is_empty() {
            let _drained = self.endings.begin(Arc::clone(&self.engine), None, late).await;
        }
    }

    /// What is to be stopped and is not about to end already.
    async fn old_instances(&self, run: &Run) -> Vec<InstanceId> {
        let old = until_done(|| self.unwanted_instances(run)).await.unwrap_or_else(|error| {
            warn(&error, "old instances were not stopped");
            Vec::new()
        });
        old.into_iter().filter(|instance| !self.endings.has(instance)).map(|instance| instance.id).collect()
    }

    pub(in crate::deploy) async fn keep_running(&self, run: &Run) -> Result<(), EngineError> {
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
