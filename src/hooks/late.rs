//! Decisions that take longer than an answer may: a provider is asked for the checks of a commit.
//!
//! What is decided late was noted as waiting for its checks. Where the server ends in between, it is what it was noted as: the
//! end of another check, or a redelivery, decides it.

use super::decide::{Verdict, skipped};
use super::{HookError, Hooks};
use crate::model::hook::{Event, Hook, SkipReason};
use crate::model::id::HookDeliveryId;
use crate::store::patiently;
use std::error::Error;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long an answer waits for what is decided; one that is handed over may wait so long twice.
const ANSWER_WITHIN: Duration = Duration::from_millis(400);
/// How long the database may be away before it is forgotten what was decided.
const PATIENCE: Duration = Duration::from_mins(1);

/// A decision that goes on behind an answer.
pub(super) type Late = JoinHandle<Result<Verdict, HookError>>;

impl Hooks {
    /// Decides what a delivery is. `Some`: that goes on, and meanwhile the delivery waits for checks.
    pub(super) async fn decide_in_time(
        &self,
        hook: &Hook,
        event: &Event,
    ) -> Result<(Verdict, Option<Late>), HookError> {
        let is_asked = matches!(event, Event::Push { .. } | Event::Checks { .. }) && hook.wait_for_checks;
        if !is_asked {
            return Ok((self.decide(hook, event).await?, None));
        }
        // By it the push is found again that waits.
        let commit = match event {
            Event::Push { moves } => moves.iter().find_map(|moved| moved.after.clone()),
            _ => None,
        };
        let (hooks, hook, event) = (self.clone(), hook.clone(), event.clone());
        let mut deciding = tokio::spawn(async move { hooks.decide(&hook, &event).await });
        match tokio::time::timeout(ANSWER_WITHIN, &mut deciding).await {
            Ok(decided) => {
                Ok((decided.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?, None))
            }
            Err(_elapsed) => {
                let message = "The provider is being asked for the checks of the commit.";
                let verdict = skipped(SkipReason::WaitsForChecks, message);
                Ok((Verdict { commit, ..verdict }, Some(deciding)))
            }
        }
    }

    /// Notes what a delivery has turned out to be, once that is decided.
    pub(super) fn note_late(&self, delivery: HookDeliveryId, late: Option<Late>) {
        let Some(late) = late else { return };
        let store = self.store.clone();
        tokio::spawn(async move {
            let noted: Result<(), Box<dyn Error + Send + Sync>> = async {
                let Verdict { outcome, commit, unchanged_from } = late.await??;
                let note =
                    || store.decide_delivery(delivery, &outcome, commit.as_ref(), unchanged_from.as_ref());
                Ok(patiently(PATIENCE, note).await?)
            }
            .await;
            if let Err(error) = noted {
                tracing::error!(%delivery, error = &*error as &dyn Error, "a delivery that waits for checks was not decided");
            }
        });
    }
}
