//! Stopping a deployment.

use super::Deployments;
use crate::model::id::DeploymentId;
use crate::store::StoreError;

impl Deployments {
    /// Asks for a deployment to be stopped: one that waits is `cancelled` at once, one that runs when everything that it had
    /// made is taken back. Of one that is live, what it still does without which it is live as well ends: the push of its
    /// image. `false`, and nothing is done, once its release is made, or when it has ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn cancel(&self, deployment: DeploymentId) -> Result<bool, StoreError> {
        if !self.store.request_cancel(deployment).await? {
            return Ok(self.extras.end(deployment));
        }
        self.interrupts.signal();
        self.journal.wake_readers();
        // It may have left something in the queue that it had replaced there.
        self.queue.wake();
        Ok(true)
    }
}
