//! One webhook for the repositories of several projects, as that of a GitHub App is: what comes for its connection and is
//! about the repository of another one that is told by it is handed over (`docs/decisions/0163`).

use super::decide::other_repository;
use super::{HookError, Hooks};
use crate::model::hook::{Delivery, DeliveryOutcome, Event, Hook};
use crate::model::id::{HookDeliveryId, HookId};
use crate::store::StoreError;

impl Hooks {
    /// Hands a delivery over to the connections that it is about. `None`: there are none, or it is about its own. The first of
    /// several that starts a deployment says what became of it.
    pub(super) async fn hand_over(
        &self,
        hook: &Hook,
        delivery: &Delivery,
    ) -> Result<Option<DeliveryOutcome>, HookError> {
        let said = repository_of(&delivery.parsed);
        // Nor is what was handed over handed on: two would wait for each other.
        if !hook.enabled || hook.via.is_some() || other_repository(hook, said).is_none() {
            return Ok(None);
        }
        let mut first: Option<DeliveryOutcome> = None;
        for other in self.store.hooks_via(hook.id).await? {
            if other_repository(&other, said).is_some() {
                continue;
            }
            let outcome = Box::pin(self.take_over(&other, delivery)).await?;
            if !first.as_ref().is_some_and(DeliveryOutcome::is_deployed) {
                first = Some(outcome);
            }
        }
        Ok(first)
    }

    /// Decides what has come for another connection, unless it came before.
    async fn take_over(&self, hook: &Hook, delivery: &Delivery) -> Result<DeliveryOutcome, HookError> {
        let _lane = self.lanes.of(hook.id).await;
        let content = delivery.content.as_deref();
        if let Some(known) = self.store.known_delivery(hook.id, &delivery.key, content).await? {
            return Ok(known.outcome);
        }
        let verdict = self.decide(hook, &delivery.parsed).await?;
        let taken = Delivery {
            id: HookDeliveryId::generate(),
            hook_id: hook.id,
            outcome: verdict.outcome,
            commit: verdict.commit,
            unchanged_from: verdict.unchanged_from,
            redelivery_of: None,
            ..delivery.clone()
        };
        let outcome = taken.outcome.clone();
        self.store.note_delivery(taken).await?;
        Ok(outcome)
    }

    /// Refuses that a connection is told by another one which cannot do so.
    pub(super) async fn check_via(&self, hook: &Hook, via: Option<HookId>) -> Result<(), HookError> {
        let Some(id) = via else { return Ok(()) };
        let told_by = match self.store.hook(id).await {
            Ok(told_by) => told_by,
            Err(StoreError::NotFound) => return Err(HookError::Via("There is no such hook.")),
            Err(error) => return Err(error.into()),
        };
        if told_by.provider != hook.provider {
            return Err(HookError::Via("That hook is one of another provider."));
        }
        if id == hook.id || told_by.via.is_some() || !self.store.hooks_via(hook.id).await?.is_empty() {
            return Err(HookError::Via("A hook that is told by another one tells none itself."));
        }
        Ok(())
    }
}

/// The repository that a delivery is about.
fn repository_of(event: &Event) -> Option<&str> {
    match event {
        Event::Push { moves } => moves.first()?.repository.as_deref(),
        Event::PullRequest { pull_request } => pull_request.repository.as_deref(),
        Event::Checks { checks } => checks.repository.as_deref(),
        Event::Ping | Event::Other | Event::Unreadable { .. } => None,
    }
}
