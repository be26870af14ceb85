//! How tries to tell something went, and what follows for the webhook.

use crate::model::id::WebhookId;
use crate::model::time::Timestamp;
use crate::model::webhook::{Attempt, DeliveryState, WebhookDelivery};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::outbox;
use crate::store::schema::{webhook_deliveries, webhooks};
use crate::store::types::{StoredTime, storable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// What becomes of a delivery after a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterAttempt {
    Delivered,
    /// It is tried again then.
    Retry(Timestamp),
    /// It is not tried again, and what is behind it comes.
    GiveUp,
    /// Nothing is told to the webhook any more, for this reason.
    Disable(String),
}

impl Store {
    /// Notes how a try went. A delivery or a webhook that has gone meanwhile is no error.
    pub async fn note_attempt(
        &self,
        delivery: &WebhookDelivery,
        attempt: &Attempt,
        then: &AfterAttempt,
    ) -> Result<(), StoreError> {
        self.transaction(async |connection| {
            // The webhook first, as whoever changes it does: two that lock both wait for each other otherwise.
            Box::pin(note_standing(connection, delivery.webhook_id, attempt, then)).await?;
            Box::pin(note_outcome(connection, delivery, attempt, then)).await?;
            match then {
                AfterAttempt::Disable(reason) => {
                    give_up_pending(connection, delivery.webhook_id, reason).await
                }
                AfterAttempt::Delivered | AfterAttempt::Retry(_) | AfterAttempt::GiveUp => Ok(()),
            }
        })
        .await
    }
}

async fn note_outcome(
    connection: &mut Connection,
    delivery: &WebhookDelivery,
    attempt: &Attempt,
    then: &AfterAttempt,
) -> Result<(), StoreError> {
    let (state, next) = match then {
        AfterAttempt::Delivered => (DeliveryState::Delivered, None),
        AfterAttempt::Retry(at) => (DeliveryState::Pending, Some(StoredTime(*at))),
        AfterAttempt::GiveUp | AfterAttempt::Disable(_) => (DeliveryState::Failed, None),
    };
    // Whoever disables a webhook meanwhile has given up what waits.
    let waiting = webhook_deliveries::table
        .find(delivery.id)
        .filter(webhook_deliveries::state.eq(DeliveryState::Pending));
    let change = (
        webhook_deliveries::state.eq(state),
        webhook_deliveries::attempts.eq(webhook_deliveries::attempts + 1),
        next.map(|at| webhook_deliveries::next_attempt_at.eq(at)),
        webhook_deliveries::attempted_at.eq(StoredTime(attempt.at)),
        webhook_deliveries::duration_ms.eq(attempt.duration_ms),
        webhook_deliveries::response_status.eq(attempt.response_status.map(i32::from)),
        webhook_deliveries::response.eq(attempt.response.as_deref().map(storable)),
        webhook_deliveries::error.eq(attempt.error.as_deref().map(storable)),
        webhook_deliveries::finished_at.eq(next.is_none().then(StoredTime::now)),
    );
    on!(connection, |c| diesel::update(waiting).set(change).execute(c).await)?;
    Ok(())
}

async fn note_standing(
    connection: &mut Connection,
    id: WebhookId,
    attempt: &Attempt,
    then: &AfterAttempt,
) -> Result<(), StoreError> {
    let at = StoredTime(attempt.at);
    let webhook = webhooks::table.find(id);
    if *then == AfterAttempt::Delivered {
        let change = (
            webhooks::failing_since.eq(None::<StoredTime>),
            webhooks::last_success_at.eq(at),
            // What could not be told beside what was.
            webhooks::last_error.eq(attempt.error.as_deref().map(storable)),
            attempt.error.as_ref().map(|_| webhooks::last_error_at.eq(at)),
        );
        on!(connection, |c| diesel::update(webhook).set(change).execute(c).await)?;
        return Ok(());
    }
    let change =
        (webhooks::last_error.eq(attempt.error.as_deref().map(storable)), webhooks::last_error_at.eq(at));
    on!(connection, |c| diesel::update(webhook).set(change).execute(c).await)?;
    let well = webhooks::table.find(id).filter(webhooks::failing_since.is_null());
    on!(connection, |c| diesel::update(well).set(webhooks::failing_since.eq(at)).execute(c).await)?;
    if let AfterAttempt::Disable(reason) = then {
        let enabled = webhooks::table.find(id).filter(webhooks::disabled_at.is_null());
        let change =
            (webhooks::disabled_at.eq(StoredTime::now()), webhooks::disabled_reason.eq(storable(reason)));
        let disabled = on!(connection, |c| diesel::update(enabled).set(change).execute(c).await)?;
        if disabled > 0 {
            Box::pin(outbox::note_disabled(connection, id, reason)).await?;
        }
    }
    Ok(())
}

/// Gives up what waits for a webhook.
pub(in crate::store) async fn give_up_pending(
    connection: &mut Connection,
    id: WebhookId,
    reason: &str,
) -> Result<(), StoreError> {
    let waiting = webhook_deliveries::table
        .filter(webhook_deliveries::webhook_id.eq(id))
        .filter(webhook_deliveries::state.eq(DeliveryState::Pending));
    let change = (
        webhook_deliveries::state.eq(DeliveryState::Failed),
        webhook_deliveries::error.eq(storable(reason)),
        webhook_deliveries::finished_at.eq(StoredTime::now()),
    );
    on!(connection, |c| diesel::update(waiting).set(change).execute(c).await)?;
    Ok(())
}

/// Has what waits for a webhook tried at once.
pub(in crate::store) async fn try_pending_now(
    connection: &mut Connection,
    id: WebhookId,
) -> Result<(), StoreError> {
    let waiting = webhook_deliveries::table
        .filter(webhook_deliveries::webhook_id.eq(id))
        .filter(webhook_deliveries::state.eq(DeliveryState::Pending));
    let soon = webhook_deliveries::next_attempt_at.eq(StoredTime::now());
    on!(connection, |c| diesel::update(waiting).set(soon).execute(c).await)?;
    Ok(())
}
