//! Pushes that wait for checks of which nobody tells any more: the provider did not answer when the last one ended, or told
//! it while no server was there.

use super::decide::Verdict;
use super::{HookError, Hooks};
use crate::model::id::HookId;
use crate::model::name::CommitId;
use crate::store::StoreError;
use std::collections::HashSet;

impl Hooks {
    /// Asks for the checks of a commit once more, deploys what waits for them if all have succeeded, and notes what became of
    /// it. A connection that is gone, or does not wait any more, is no error.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ask_again(&self, hook: HookId, commit: &CommitId) -> Result<(), HookError> {
        let _until_noted = self.asking.of(hook).await;
        let hook = match self.store.hook(hook).await {
            Ok(hook) if hook.enabled && hook.wait_for_checks => hook,
            Ok(_) | Err(StoreError::NotFound) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let mut started = HashSet::new();
        for (delivery, moved) in self.waiting(&hook, commit).await? {
            let verdict = Box::pin(self.decide_move(&hook, &moved)).await?;
            let Verdict { outcome, commit: _, unchanged_from } = verdict;
            if outcome.is_deployed() {
                started.insert(delivery);
            } else if started.contains(&delivery) {
                // Of several references, one that is deployed says more.
                continue;
            }
            self.store.decide_delivery(delivery, &outcome, Some(commit), unchanged_from.as_ref()).await?;
        }
        Ok(())
    }
}
