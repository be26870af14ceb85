//! After the switch: the new instances are kept running, the old ones are stopped, old images are removed.

use crate::deploy::Deployer;
use crate::deploy::failure::StepError;
use crate::deploy::pipeline::Run;
use crate::engine::EngineError;
use crate::model::time::now;
use crate::store::PageRequest;
use futures_util::future::join_all;
use std::collections::BTreeSet;
use std::time::Duration;

/// Time between the signal to stop and being killed, once no request runs any more.
const STOP_GRACE: Duration = Duration::from_secs(10);
/// Releases of an environment whose images are kept to roll back to.
const RELEASES_KEPT: usize = 10;

impl Deployer {
    /// Never fails the deployment: what cannot be cleaned now is cleaned by the reconciler, and said in the server's log.
    pub(in crate::deploy) async fn drain(&self, run: &mut Run) -> Result<(), StepError> {
        for id in &run.deployment.record.instances {
            if let Err(error) = self.engine.keep_running(id).await {
                warn(&error, "an instance is not set to be restarted");
            }
        }
        if let Some(drain) = run.drain.take() {
            let drained = drain.await.unwrap_or_default();
            if drained.cut > 0 {
                run.warn(&format!(
                    "{} connections to the old release were cut at the end of their time.",
                    drained.cut
                ));
            }
        }
        match self.other_instances(&run.deployment).await {
            Ok(old) => {
                let stopping = old.iter().map(|instance| self.engine.stop(&instance.id, STOP_GRACE));
                for result in join_all(stopping).await {
                    if let Err(error) = result {
                        warn(&error, "an old instance was not stopped");
                    }
                }
            }
            Err(error) => warn(&error, "the old instances are not known"),
        }
        self.remove_old_images(run).await;
        tracing::info!(
            project = %run.project.slug, environment = %run.environment.name, version = run.deployment.version,
            commit = run.deployment.commit.short(), since_queued_ms = (now() - run.deployment.created_at).num_milliseconds(),
            "deployed"
        );
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
