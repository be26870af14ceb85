//! One webhook for the repositories of several projects, as that of a GitHub App is: what comes for its connection and is
//! about the repository of another one that is told by it is handed over (`docs/decisions/0163`).

use super::late::{Decided, TurnedOut};
use super::named::other_repository;
use super::{HookError, Hooks};
use crate::model::hook::{Delivery, DeliveryOutcome, Hook};
use crate::model::id::{HookDeliveryId, HookId};
use crate::store::StoreError;
use futures_util::future::join_all;
use std::error::Error;

/// Bytes of a body that are noted for each to whom it is handed over.
const LONGEST_COPY: usize = 16 * 1024;
/// Connections that one other may tell.
const MOST_TOLD: usize = 100;

/// What became of a delivery with those that it was handed over to, each in its turn.
#[derive(Debug, Default)]
pub(super) struct Handed(Vec<Taken>);

/// The same with one of them.
#[derive(Debug)]
struct Taken {
    outcome: DeliveryOutcome,
    /// `Some`: it is not decided yet.
    late: Option<TurnedOut>,
}

impl Handed {
    /// The first that is deployed says it, else the last.
    pub(super) fn outcome(&self) -> Option<DeliveryOutcome> {
        let deployed = self.0.iter().find(|taken| taken.outcome.is_deployed());
        deployed.or(self.0.last()).map(|taken| taken.outcome.clone())
    }

    /// Whether it may turn out to be something else.
    pub(super) fn is_open(&self) -> bool {
        self.0.iter().any(|taken| taken.late.is_some())
    }

    /// What it is once all have decided.
    pub(super) async fn turned_out(mut self) -> Option<DeliveryOutcome> {
        for taken in &mut self.0 {
            if let Some(late) = taken.late.take()
                && let Ok(Some(outcome)) = late.await
            {
                taken.outcome = outcome;
            }
        }
        self.outcome()
    }
}

impl Hooks {
    /// Hands a delivery over to the connections that it is about, those of its own repository included. A delivery that came
    /// before is handed to those that have not taken it yet.
    ///
    /// # Errors
    /// When none of them has taken it, and one could not.
    pub(super) async fn hand_over(&self, hook: &Hook, delivery: &Delivery) -> Result<Handed, HookError> {
        let Some(said) = delivery.parsed.repository() else { return Ok(Handed::default()) };
        // Nor is what was handed over handed on.
        if !hook.enabled || hook.via.is_some() {
            return Ok(Handed::default());
        }
        let before = self.known(hook.id, delivery).await?;
        let mut told = self.store.hooks_via(hook.id).await?;
        // What came before does nothing of what was set since.
        told.retain(|other| {
            let is_newer = before.as_ref().is_some_and(|before| other.updated_at > before.received_at);
            !is_newer && is_told(hook, other, said)
        });
        // All at once: each may have to ask a provider.
        let taking = told.iter().map(|other| Box::pin(self.take_over(hook, other.id, (delivery, said))));
        let taken = join_all(taking).await;
        let (mut handed, mut failed) = (Handed::default(), None);
        for (other, taken) in told.iter().zip(taken) {
            match taken {
                Ok(taken) => handed.0.extend(taken),
                // The others are told all the same.
                Err(error) => {
                    tracing::error!(hook = %other.id, error = &error as &dyn Error, "a delivery was not handed over");
                    failed = Some(error);
                }
            }
        }
        match failed {
            Some(error) if handed.0.is_empty() => Err(error),
            Some(_) | None => Ok(handed),
        }
    }

    /// Decides what has come for another connection, unless it came before. `None`: it is not told by that one any more.
    async fn take_over(
        &self,
        from: &Hook,
        id: HookId,
        (delivery, said): (&Delivery, &str),
    ) -> Result<Option<Taken>, HookError> {
        let _lane = self.lanes.of(id).await;
        // As it is now: it may have been changed while the delivery waited.
        let hook = match self.store.hook(id).await {
            Ok(hook) if is_told(from, &hook, said) => hook,
            Ok(_) | Err(StoreError::NotFound) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if let Some(known) = self.known(id, delivery).await? {
            return Ok(Some(Taken { outcome: known.outcome, late: None }));
        }
        let (decided, late) = self.decide_in_time(&hook, &delivery.parsed).await?;
        let Decided { verdict, turn: _until_noted } = decided;
        // The whole body is with the one that it came for.
        let beginning = delivery.body.floor_char_boundary(LONGEST_COPY);
        let taken = Delivery {
            body: delivery.body[..beginning].to_owned(),
            is_truncated: beginning < delivery.body.len(),
            id: HookDeliveryId::generate(),
            hook_id: id,
            outcome: verdict.outcome,
            commit: verdict.commit,
            unchanged_from: verdict.unchanged_from,
            key: delivery.key.clone(),
            content: delivery.content.clone(),
            event: delivery.event.clone(),
            headers: delivery.headers.clone(),
            parsed: delivery.parsed.clone(),
            redelivery_of: None,
            received_at: delivery.received_at,
        };
        let outcome = taken.outcome.clone();
        let id = taken.id;
        self.keep(taken).await?;
        Ok(Some(Taken { outcome, late: self.note_late(id, late) }))
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
        if told_by.repository.host() != hook.repository.host() {
            return Err(HookError::Via("The repository of that hook is on another host."));
        }
        if id == hook.id || told_by.via.is_some() || !self.store.hooks_via(hook.id).await?.is_empty() {
            return Err(HookError::Via("A hook that is told by another one tells none itself."));
        }
        let told = self.store.hooks_via(id).await?;
        if told.len() >= MOST_TOLD && told.iter().all(|told| told.id != hook.id) {
            return Err(HookError::Via("That hook tells 100 others already, and no more can name it."));
        }
        Ok(())
    }
}

/// Whether a connection is told by another one of what is about a repository.
fn is_told(by: &Hook, hook: &Hook, said: &str) -> bool {
    hook.via == Some(by.id)
        // Two hosts may have a repository of the same name.
        && hook.repository.host() == by.repository.host()
        && other_repository(hook, Some(said)).is_none()
}
