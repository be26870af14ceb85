//! Whose turn it is: the deliveries of one connection are decided one after the other, those of several at the same time.

use crate::model::id::HookId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// A turn for each connection that something has come for.
#[derive(Debug, Default)]
pub(super) struct Lanes(StdMutex<HashMap<HookId, Arc<Mutex<()>>>>);

impl Lanes {
    /// Whether somebody has the turn of a connection.
    pub(super) fn is_taken(&self, hook: HookId) -> bool {
        let lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.get(&hook).is_some_and(|lane| lane.try_lock().is_err())
    }

    /// Waits for the turn of a connection; it ends when what is returned is dropped.
    pub(super) async fn of(&self, hook: HookId) -> OwnedMutexGuard<()> {
        let lane = {
            let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Those that nobody has or waits for.
            lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
            lanes.entry(hook).or_default().clone()
        };
        lane.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn one_connection_never_waits_for_another() {
        let lanes = Lanes::default();
        let hooks: Vec<HookId> = (0..100).map(|_| HookId::generate()).collect();
        let mut turns = Vec::new();
        for hook in &hooks {
            turns.push(tokio::time::timeout(Duration::from_secs(10), lanes.of(*hook)).await.unwrap());
        }
        let same = tokio::time::timeout(Duration::from_millis(20), lanes.of(hooks[0])).await;
        assert!(same.is_err(), "two of one connection at once");
        turns.clear();
        drop(lanes.of(hooks[0]).await);
        assert_eq!(lanes.0.lock().unwrap().len(), 1, "what nobody waits for is kept");
    }
}
