//! Webhooks; where they lead and what they sign with are sealed before they come here.

use crate::model::id::{HookId, ProjectId, WebhookId};
use crate::model::time::Timestamp;
use crate::model::webhook::{EventKind, Webhook, WebhookFormat, WebhookStanding};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::deliveries::{give_up_pending, try_pending_now};
use crate::store::environment_lock;
use crate::store::error::{StoreError, found, missing};
use crate::store::schema::webhooks;
use crate::store::types::{Json, StoredTime, storable, times_since};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// The field of the conflict when a project has as many webhooks as it may have.
pub const WEBHOOK_LIMIT: &str = "webhooks";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = webhooks)]
pub(super) struct WebhookRow {
    id: WebhookId,
    project_id: ProjectId,
    format: WebhookFormat,
    target: String,
    sealed_target: String,
    events: Json<Option<Vec<EventKind>>>,
    sealed_secret: Option<String>,
    sealed_previous_secret: Option<String>,
    previous_until: Option<StoredTime>,
    disabled_at: Option<StoredTime>,
    disabled_reason: Option<String>,
    failing_since: Option<StoredTime>,
    last_success_at: Option<StoredTime>,
    last_error: Option<String>,
    last_error_at: Option<StoredTime>,
    created_at: StoredTime,
    updated_at: StoredTime,
    hook_id: Option<HookId>,
}

impl From<WebhookRow> for Webhook {
    fn from(row: WebhookRow) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            hook_id: row.hook_id,
            format: row.format,
            target: row.target,
            sealed_target: row.sealed_target,
            events: row.events.0,
            sealed_secret: row.sealed_secret,
            sealed_previous_secret: row.sealed_previous_secret,
            previous_until: row.previous_until.map(Into::into),
            standing: WebhookStanding {
                disabled_at: row.disabled_at.map(Into::into),
                disabled_reason: row.disabled_reason,
                failing_since: row.failing_since.map(Into::into),
                last_success_at: row.last_success_at.map(Into::into),
                last_error: row.last_error,
                last_error_at: row.last_error_at.map(Into::into),
            },
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

impl From<Webhook> for WebhookRow {
    fn from(webhook: Webhook) -> Self {
        let standing = webhook.standing;
        Self {
            id: webhook.id,
            project_id: webhook.project_id,
            format: webhook.format,
            target: webhook.target,
            sealed_target: webhook.sealed_target,
            events: Json(webhook.events),
            sealed_secret: webhook.sealed_secret,
            sealed_previous_secret: webhook.sealed_previous_secret,
            previous_until: webhook.previous_until.map(Into::into),
            disabled_at: standing.disabled_at.map(Into::into),
            disabled_reason: standing.disabled_reason,
            failing_since: standing.failing_since.map(Into::into),
            last_success_at: standing.last_success_at.map(Into::into),
            last_error: standing.last_error,
            last_error_at: standing.last_error_at.map(Into::into),
            created_at: webhook.created_at.into(),
            updated_at: webhook.updated_at.into(),
            hook_id: webhook.hook_id,
        }
    }
}

/// What somebody changes of a webhook; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct WebhookUpdate {
    /// As much of where it leads as may be shown, and the whole of it, sealed.
    pub target: Option<(String, String)>,
    pub events: Option<Option<Vec<EventKind>>>,
    /// `Ok`: it is told again; `Err`: it is told nothing any more, and why.
    pub enabled: Option<Result<(), &'static str>>,
}

impl Store {
    /// Makes a webhook; `at_most` is how many its project may have with this one, the feedback of its hooks not counted.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] of [`WEBHOOK_LIMIT`]; [`StoreError::NotFound`] when the project has gone.
    pub async fn create_webhook(&self, webhook: Webhook, at_most: u32) -> Result<(), StoreError> {
        let row = WebhookRow::from(webhook);
        self.transaction(async |connection| {
            // Two that are made at once are counted one after the other.
            environment_lock::lock_all(connection, row.project_id).await?;
            let there = webhooks::table
                .filter(webhooks::project_id.eq(row.project_id))
                .filter(webhooks::hook_id.is_null())
                .count();
            let there: i64 = on!(connection, |c| there.get_result(c).await)?;
            if there >= i64::from(at_most) {
                return Err(StoreError::Conflict { field: WEBHOOK_LIMIT });
            }
            on!(connection, |c| diesel::insert_into(webhooks::table).values(&row).execute(c).await)?;
            Ok(())
        })
        .await
    }

    /// The webhooks of a project, oldest first.
    pub async fn webhooks_of(&self, project_id: ProjectId) -> Result<Vec<Webhook>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<WebhookRow> = on!(connection, |c| webhooks::table
            .filter(webhooks::project_id.eq(project_id))
            .order(webhooks::id)
            .select(WebhookRow::as_select())
            .load(c)
            .await)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// A webhook.
    pub async fn webhook(&self, id: WebhookId) -> Result<Webhook, StoreError> {
        let mut connection = self.read().await?;
        let row: WebhookRow =
            on!(connection, |c| webhooks::table.find(id).select(WebhookRow::as_select()).first(c).await)?;
        Ok(row.into())
    }

    /// The feedback of a connection to a repository.
    pub async fn feedback_of(&self, hook: HookId) -> Result<Option<Webhook>, StoreError> {
        let mut connection = self.read().await?;
        let row: Option<WebhookRow> = on!(connection, |c| webhooks::table
            .filter(webhooks::hook_id.eq(hook))
            .select(WebhookRow::as_select())
            .first(c)
            .await
            .optional())?;
        Ok(row.map(Into::into))
    }

    /// Changes what somebody has said of a webhook. One that is told nothing any more gives up what waits. Answers with
    /// the webhook as it is then. With `unless_changed_since` only if nothing else of it has changed since that time.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when something has.
    pub async fn update_webhook(
        &self,
        id: WebhookId,
        update: WebhookUpdate,
        unless_changed_since: Option<Timestamp>,
    ) -> Result<Webhook, StoreError> {
        let WebhookUpdate { target, events, enabled } = update;
        let now = StoredTime::now();
        let begins_anew = target.is_some() || enabled.is_some();
        self.transaction(async |connection| {
            let change = (
                begins_anew.then(|| webhooks::failing_since.eq(None::<StoredTime>)),
                target.map(|(shown, sealed)| {
                    (webhooks::target.eq(storable(&shown)), webhooks::sealed_target.eq(sealed))
                }),
                events.map(|events| webhooks::events.eq(Json(events))),
                enabled.map(|enabled| {
                    (
                        webhooks::disabled_at.eq(enabled.err().map(|_| now)),
                        webhooks::disabled_reason.eq(enabled.err()),
                    )
                }),
                webhooks::updated_at.eq(now),
            );
            let (earliest, latest) = times_since(unless_changed_since);
            let unchanged = webhooks::table.find(id).filter(webhooks::updated_at.between(earliest, latest));
            let row: Option<WebhookRow> = on!(connection, |c| diesel::update(unchanged)
                .set(change)
                .returning(WebhookRow::as_returning())
                .get_result(c)
                .await
                .optional())?;
            let row = row.ok_or_else(|| missing(unless_changed_since))?;
            if let Some(enabled) = enabled {
                // Also when it is enabled: in PostgreSQL something may have been written while it was being disabled.
                give_up_pending(connection, id, enabled.err().unwrap_or("The webhook was disabled.")).await?;
            } else if begins_anew {
                try_pending_now(connection, id).await?;
            }
            Ok(row.into())
        })
        .await
    }

    /// Gives a webhook another secret. The one until now, sealed too, signs beside it until `previous_until`.
    pub async fn rotate_webhook(
        &self,
        id: WebhookId,
        sealed_secret: &str,
        previous: Option<(&str, Timestamp)>,
    ) -> Result<Webhook, StoreError> {
        let change = (
            webhooks::sealed_secret.eq(sealed_secret),
            webhooks::sealed_previous_secret.eq(previous.map(|(sealed, _)| sealed)),
            webhooks::previous_until.eq(previous.map(|(_, until)| StoredTime(until))),
            webhooks::updated_at.eq(StoredTime::now()),
        );
        let mut connection = self.write().await?;
        let row: WebhookRow = on!(connection, |c| diesel::update(webhooks::table.find(id))
            .set(change)
            .returning(WebhookRow::as_returning())
            .get_result(c)
            .await)?;
        Ok(row.into())
    }

    /// Removes a webhook with what waits for it and its log.
    pub async fn delete_webhook(&self, id: WebhookId) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        found(on!(connection, |c| diesel::delete(webhooks::table.find(id)).execute(c).await)?)
    }
}

/// Makes something the feedback of a connection, or takes it away. What is it already leads to another place at most.
pub(super) async fn set_feedback(
    connection: &mut Connection,
    hook: HookId,
    feedback: Option<Webhook>,
) -> Result<(), StoreError> {
    let Some(feedback) = feedback else {
        let of_hook = webhooks::table.filter(webhooks::hook_id.eq(hook));
        on!(connection, |c| diesel::delete(of_hook).execute(c).await)?;
        return Ok(());
    };
    let row = WebhookRow::from(feedback);
    let place = (
        webhooks::target.eq(&row.target),
        webhooks::sealed_target.eq(&row.sealed_target),
        webhooks::updated_at.eq(row.updated_at),
    );
    on!(connection, |c| diesel::insert_into(webhooks::table)
        .values(&row)
        .on_conflict(webhooks::id)
        .do_update()
        .set(place)
        .execute(c)
        .await)?;
    Ok(())
}
