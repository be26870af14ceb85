//! What a job does at its end and could as well leave out: somebody may end that, and the job goes on without it.
//!
//! It is kept here only as long as it is done: a server that was killed begins it anew, and then it can be ended again.

use crate::model::id::DeploymentId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What is under way, by the deployment that it belongs to.
#[derive(Debug, Clone, Default)]
pub struct Extras(Arc<Mutex<HashMap<DeploymentId, Arc<Notify>>>>);

/// What is under way, until it is dropped.
#[derive(Debug)]
pub struct Extra {
    extras: Extras,
    deployment: DeploymentId,
    end: Arc<Notify>,
}

impl Extras {
    /// Says that it is under way, one of each deployment at most.
    #[must_use]
    pub fn begin(&self, deployment: DeploymentId) -> Extra {
        let end = Arc::new(Notify::new());
        self.lock().insert(deployment, Arc::clone(&end));
        Extra { extras: self.clone(), deployment, end }
    }

    /// Asks for it to end. `false`: there is nothing of that deployment under way.
    #[must_use]
    pub fn end(&self, deployment: DeploymentId) -> bool {
        let found = self.lock().get(&deployment).cloned();
        // One that has not begun to wait hears of it all the same.
        found.is_some_and(|end| {
            end.notify_one();
            true
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeploymentId, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Extra {
    /// Ends when somebody has asked for it.
    pub async fn is_to_end(&self) {
        self.end.notified().await;
    }
}

impl Drop for Extra {
    fn drop(&mut self) {
        self.extras.lock().remove(&self.deployment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn only_what_is_under_way_is_ended() {
        let (extras, deployment) = (Extras::default(), DeploymentId::generate());
        assert!(!extras.end(deployment));
        let extra = extras.begin(deployment);
        let other = extras.begin(DeploymentId::generate());
        assert!(extra.is_to_end().now_or_never().is_none());
        assert!(extras.end(deployment));
        assert!(extra.is_to_end().now_or_never().is_some());
        assert!(other.is_to_end().now_or_never().is_none());
        drop(extra);
        assert!(!extras.end(deployment));
    }
}
