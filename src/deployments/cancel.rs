//! Stopping a deployment.

use super::{DeployError, Deployments};
use crate::model::deployment::Deployment;
use crate::store::StoreError;

impl Deployments {
    /// Asks for a deployment to be stopped, and gives it as it is then: one that waits is `cancelled` at once, one that runs
    /// when everything that it had made is taken back.
    ///
    /// # Errors
    /// [`DeployError::NotCancellable`] once its release is made, or when it has ended.
    pub async fn cancel(&self, deployment: &Deployment) -> Result<Deployment, DeployError> {
        if !self.store.request_cancel(deployment.id).await? {
            return Err(DeployError::NotCancellable);
        }
        self.interrupts.signal();
        self.journal.wake_readers();
        // It may have left something in the queue that it had replaced there.
        self.queue.wake();
        self.store.deployment(deployment.id).await.map_err(|error: StoreError| error.into())
    }
}
