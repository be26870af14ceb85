//! Taking back what a deployment has made before the switch.

use super::Deployer;
use super::failure::StepError;
use super::pipeline::Run;
use crate::store::PageRequest;
use std::time::Duration;

/// Time between the signal to stop and being killed: no request was ever sent to these instances.
const STOP_GRACE: Duration = Duration::from_secs(3);

impl Deployer {
    /// Stops the new instances and removes an image that no release uses. Running twice is running once.
    ///
    /// An engine that does not answer is not waited for: the reconciler removes what is left when it is back.
    pub(super) async fn undo(&self, run: &mut Run) -> Result<(), StepError> {
        match self.instances_of(run.deployment.id).await {
            Ok(instances) => {
                for instance in instances {
                    if let Err(error) = self.engine.stop(&instance.id, STOP_GRACE).await {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "an instance was not undone"
                        );
                    }
                }
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "what is to be undone is not known yet"
                );
            }
        }
        if let Some(image) = run.deployment.record.image.clone() {
            let releases = self.store.releases_of(run.environment.id, PageRequest::first()).await?.data;
            let used = releases.iter().any(|release| release.content.image == image);
            if !used && let Err(error) = self.engine.remove_image(&image).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "an image was not undone");
            }
        }
        Ok(())
    }
}
