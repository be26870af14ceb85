//! What ends a step before its work is done: somebody cancels the deployment, or its time is over.

use super::Deployer;
use super::failure::{Failure, StepError};
use super::run::Run;
use crate::model::deployment::{DeploymentEvent, Step};
use crate::model::id::DeploymentId;
use crate::model::time::now;
use std::time::Duration;

impl Deployer {
    /// Runs a step that stops where it is when the deployment is cancelled, or has taken too long: dropping a build or a check
    /// ends it.
    pub(super) async fn unless_ended(
        &self,
        (id, step, left): (DeploymentId, Step, Duration),
        work: impl Future<Output = Result<(), StepError>>,
    ) -> Result<DeploymentEvent, StepError> {
        let work = async {
            work.await?;
            self.failpoints.linger(step).await;
            Ok(DeploymentEvent::Advanced)
        };
        tokio::select! {
            result = work => result,
            () = self.cancelled(id) => Ok(DeploymentEvent::Cancelled),
            () = tokio::time::sleep(left) => Err(self.took_too_long()),
        }
    }

    /// How long a deployment may still take to be committed.
    pub(super) fn left(&self, run: &Run) -> Duration {
        let taken =
            run.deployment.started_at.map_or(Duration::ZERO, |at| (now() - at).to_std().unwrap_or_default());
        self.timeout.saturating_sub(taken)
    }

    fn took_too_long(&self) -> StepError {
        let sentence = format!("The deployment was not ready within {} s.", self.timeout.as_secs());
        Failure::new("took too long", sentence)
            .advise("The operator of the server can give it more time: GILGAL_DEPLOY_TIMEOUT_SECONDS.")
            .into()
    }

    /// Ends when somebody has asked for the deployment to be cancelled.
    async fn cancelled(&self, id: DeploymentId) {
        let mut interrupts = self.interrupts.subscribe();
        loop {
            // The look comes first: what was asked for before this step began, or before a restart, counts too.
            match self.store.deployment(id).await {
                Ok(deployment) if deployment.cancel_requested_at.is_some() => return,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "cannot see whether a deployment is cancelled"
                    );
                }
            }
            interrupts.time_to_look().await;
        }
    }
}
