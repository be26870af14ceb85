//! Decisions that take longer than an answer may: a provider is asked for the checks of a commit.
//!
//! What is decided late was noted as waiting for its checks. Where the server ends in between, it is what it was noted as: the
//! end of another check, or a redelivery, decides it.

use super::decide::{Verdict, skipped};
use super::named::other_repository;
use super::shared::Handed;
use super::{HookError, Hooks};
use crate::model::hook::{Delivery, DeliveryOutcome, Event, Hook, SkipReason};
use crate::model::id::HookDeliveryId;
use crate::store::patiently;
use std::error::Error;
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinHandle;

/// How long an answer waits for what is decided; one that is handed over may wait so long twice.
const ANSWER_WITHIN: Duration = Duration::from_millis(400);
/// How long the database may be away before it is forgotten what was decided.
const PATIENCE: Duration = Duration::from_mins(1);

/// A decision, and the turn that it has until it is noted: what is decided next knows what this one has started.
pub(super) struct Decided {
    pub(super) verdict: Verdict,
    pub(super) turn: Option<OwnedMutexGuard<()>>,
}

/// One that goes on behind an answer.
pub(super) type Late = JoinHandle<Result<Decided, HookError>>;
/// What came of one; `None`: that is not known.
pub(super) type TurnedOut = JoinHandle<Option<DeliveryOutcome>>;

impl Hooks {
    /// Decides what a delivery is. `Some`: that goes on, and meanwhile the delivery waits for checks.
    pub(super) async fn decide_in_time(
        &self,
        hook: &Hook,
        event: &Event,
    ) -> Result<(Decided, Option<Late>), HookError> {
        let is_asked = matches!(event, Event::Push { .. } | Event::Checks { .. }) && hook.wait_for_checks;
        // What is about another repository is decided without a question.
        if !is_asked || other_repository(hook, event.repository()).is_some() {
            return Ok((Decided { verdict: self.decide(hook, event).await?, turn: None }, None));
        }
        // By it the push is found again that waits.
        let commit = match event {
            Event::Push { moves } => moves.iter().find_map(|moved| moved.after.clone()),
            Event::Ping
            | Event::PullRequest { .. }
            | Event::Checks { .. }
            | Event::Other
            | Event::Unreadable { .. } => None,
        };
        let (hooks, hook, event) = (self.clone(), hook.clone(), event.clone());
        // Behind one that is being asked about, it is not waited for.
        let patience = if self.asking.is_taken(hook.id) { Duration::ZERO } else { ANSWER_WITHIN };
        let mut deciding = tokio::spawn(async move {
            let turn = Some(hooks.asking.of(hook.id).await);
            if !hooks.is_as_it_was(&hook).await? {
                return Ok(Decided { verdict: changed_meanwhile(), turn });
            }
            Ok(Decided { verdict: hooks.decide(&hook, &event).await?, turn })
        });
        match tokio::time::timeout(patience, &mut deciding).await {
            Ok(decided) => {
                Ok((decided.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?, None))
            }
            Err(_elapsed) => {
                let message = "The provider is being asked for the checks of the commit.";
                let verdict = skipped(SkipReason::WaitsForChecks, message);
                Ok((Decided { verdict: Verdict { commit, ..verdict }, turn: None }, Some(deciding)))
            }
        }
    }

    /// Notes what a delivery has turned out to be, once that is decided, and gives it.
    pub(super) fn note_late(&self, delivery: HookDeliveryId, late: Option<Late>) -> Option<TurnedOut> {
        let late = late?;
        let store = self.store.clone();
        Some(tokio::spawn(async move {
            let noted: Result<DeliveryOutcome, Box<dyn Error + Send + Sync>> = async {
                let Decided { verdict, turn } = late.await??;
                let Verdict { outcome, commit, unchanged_from } = verdict;
                let note =
                    || store.decide_delivery(delivery, &outcome, commit.as_ref(), unchanged_from.as_ref());
                let noted = patiently(PATIENCE, note).await;
                drop(turn);
                noted?;
                Ok(outcome)
            }
            .await;
            noted
                .inspect_err(|error| {
                    let error = &**error as &dyn Error;
                    tracing::error!(%delivery, error, "a delivery that waits for checks was not decided");
                })
                .ok()
        }))
    }

    /// Notes what a delivery has turned out to be where it was handed over to, once all of that is decided.
    pub(super) fn note_handed(&self, delivery: &Delivery, handed: Handed) {
        if !handed.is_open() {
            return;
        }
        let store = self.store.clone();
        let (id, commit) = (delivery.id, delivery.commit.clone());
        let unchanged_from = delivery.unchanged_from.clone();
        tokio::spawn(async move {
            let Some(outcome) = handed.turned_out().await else { return };
            let note = || store.decide_delivery(id, &outcome, commit.as_ref(), unchanged_from.as_ref());
            if let Err(error) = patiently(PATIENCE, note).await {
                tracing::error!(delivery = %id, error = &error as &dyn Error, "it was not noted what became of a delivery elsewhere");
            }
        });
    }
}

/// The verdict on what was decided for a connection that is gone by now, or another one.
pub(super) fn changed_meanwhile() -> Verdict {
    skipped(
        SkipReason::Disabled,
        "The hook was removed, switched off or moved while the checks were asked for.",
    )
}
