//! After the switch: the new instances are kept running, the old ones are stopped, old images are removed.

use crate::deploy::Deployer;
use crate::deploy::instances::STOP_GRACE;
use crate::deploy::patience::{unless_away, until_done};
use crate::deploy::run::Run;
use crate::engine::EngineError;
use crate::journal::Conclusion;
use crate::model::time::now;
use crate::store::{PageRequest, StoreError};
use futures_util::future::join_all;
use std::collections::BTreeSet;

/// Releases of an environment whose images are kept to roll back to.
const RELEASES_KEPT: usize = 10;

impl Deployer {
    /// Never fails the deployment: what cannot be cleaned now is cleaned by the reconciler, and said in the server's log.
    ///
    /// # Errors
    /// Only where a test interrupts it.
    pub(in crate::deploy) async fn drain(&self, run: &mut Run) -> Result<(), StoreError> {
        if !run.has_traffic {
            // The server was killed since the switch: its router may have come up with the table before it.
            self.take_traffic(run).await;
            run.log.conclude(Conclusion::Live);
        }
        until_done(|| self.keep_running(run)).await;
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
        let old = until_done(|| self.other_instances(&run.deployment)).await;
        for stopped in join_all(old.iter().map(|instance| self.engine.stop(&instance.id, STOP_GRACE))).await {
            if let Err(error) = stopped {
                warn(&error, "an old instance was not stopped");
            }
        }
        self.interrupted(run, "stopped")?;
        self.remove_old_images(run).await;
        tracing::info!(
            project = %run.project.slug, environment = %run.environment.name, version = run.deployment.version,
            commit = run.deployment.commit.short(), since_queued_ms = (now() - run.deployment.created_at).num_milliseconds(),
            "deployed"
        );
        Ok(())
    }

    async fn keep_running(&self, run: &Run) -> Result<(), EngineError> {
        for instance in self.instances_of(run.deployment.id).await? {
            let kept = self.engine.keep_running(&instance.id).await;
            unless_away(kept, "an instance is not set to be restarted")?;
        }
        Ok(())
    }

    async fn remove_old_images(&self, run: &Run) {
        let releases = match self.store.releases_of(run.environment.id, PageRequest::first()).await {
            Ok(releases) => releases.data,
            Err(error) => {
                return tracing::warn!(error = &error as &dyn std::error::Error, "old images are kept");
            }
        };
        let (kept, old) = releases.split_at(releases.len().min(RELEASES_KEPT));
        let kept: BTreeSet<&str> = kept.iter().map(|release| release.content.image.as_str()).collect();
        for release in old.iter().filter(|release| !kept.contains(release.content.image.as_str())) {
            if let Err(error) = self.engine.remove_image(&release.content.image).await {
                warn(&error, "an old image was not removed");
            }
        }
    }
}

fn warn(error: &EngineError, what: &str) {
    tracing::warn!(error = error as &dyn std::error::Error, "{what}");
}
