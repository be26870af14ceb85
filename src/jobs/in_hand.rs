//! The jobs that this server is working on.

use crate::model::id::JobId;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The jobs in hand: each at most once.
#[derive(Debug, Clone, Default)]
pub(super) struct InHand(Arc<Mutex<HashSet<JobId>>>);

/// One job in hand; no longer, when this is dropped, however that comes about.
#[derive(Debug)]
pub(super) struct Held {
    job: JobId,
    of: InHand,
}

impl InHand {
    /// Takes a job in hand; `None` when it is already.
    pub(super) fn take(&self, job: JobId) -> Option<Held> {
        self.lock().insert(job).then(|| Held { job, of: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<JobId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of.lock().remove(&self.job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_job_is_out_of_hand_when_its_task_panics() {
        let (in_hand, job) = (InHand::default(), JobId::generate());
        let held = in_hand.take(job).unwrap();
        assert!(in_hand.take(job).is_none());
        let task = tokio::spawn(async move {
            let _held = held;
            panic!("on purpose");
        });
        assert!(task.await.is_err());
        assert!(in_hand.take(job).is_some());
    }
}
