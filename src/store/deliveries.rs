//! What webhooks are told: a queue for each, in the order of the ids, and the log of it.

mod attempts;

pub use attempts::AfterAttempt;
pub(super) use attempts::{give_up_pending, try_pending_now};

use crate::model::id::{ProjectId, UserId, WebhookDeliveryId, WebhookId};
use crate::model::time::Timestamp;
use crate::model::webhook::{Attempt, DeliveryState, Event, Webhook, WebhookDelivery};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::page::{Cursor, Page, PageRequest};
use crate::store::schema::{projects, webhook_deliveries, webhooks};
use crate::store::types::{Json, StoredTime};
use crate::store::webhooks::WebhookRow;
use diesel::dsl::{case_when, exists, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// Most deliveries that are given at once: more than are sent at once.
const AT_ONCE: i64 = 100;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = webhook_deliveries)]
struct DeliveryRow {
    id: WebhookDeliveryId,
    webhook_id: WebhookId,
    event: Json<Event>,
    state: DeliveryState,
    attempts: i32,
    next_attempt_at: StoredTime,
    attempted_at: Option<StoredTime>,
    duration_ms: Option<i64>,
    response_status: Option<i32>,
    response: Option<String>,
    error: Option<String>,
    created_at: StoredTime,
    finished_at: Option<StoredTime>,
}

impl From<DeliveryRow> for WebhookDelivery {
    fn from(row: DeliveryRow) -> Self {
        let last = row.attempted_at.map(|at| Attempt {
            at: at.into(),
            duration_ms: row.duration_ms.unwrap_or(0),
            response_status: row.response_status.and_then(|status| status.try_into().ok()),
            response: row.response,
            error: row.error.clone(),
        });
        Self {
            id: row.id,
            webhook_id: row.webhook_id,
            event: row.event.0,
            state: row.state,
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at.into(),
            last,
            error: row.error,
            created_at: row.created_at.into(),
            finished_at: row.finished_at.map(Into::into),
        }
    }
}

/// The next thing that a webhook is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDelivery {
    pub delivery: WebhookDelivery,
    pub webhook: Webhook,
    /// Of the project.
    pub owner: UserId,
}

/// Whose webhooks are told nothing more for now.
#[derive(Debug, Clone, Default)]
pub struct Busy {
    pub webhooks: Vec<WebhookId>,
    pub projects: Vec<ProjectId>,
    pub owners: Vec<UserId>,
}

impl Store {
    /// The oldest delivery that waits for each webhook, where its time has come and the webhook is not disabled; first for the
    /// webhooks that were told something longest ago, however old what waits is. Nothing of who is busy, which hides nobody else's.
    pub async fn due_deliveries(&self, now: Timestamp, busy: &Busy) -> Result<Vec<DueDelivery>, StoreError> {
        let older = diesel::alias!(webhook_deliveries as older);
        let pending = DeliveryState::Pending;
        let waits_longer = older
            .filter(older.field(webhook_deliveries::webhook_id).eq(webhook_deliveries::webhook_id))
            .filter(older.field(webhook_deliveries::state).eq(pending))
            .filter(older.field(webhook_deliveries::id).lt(webhook_deliveries::id));
        let (succeeded, failed) = (webhooks::last_success_at, webhooks::last_error_at);
        let last = || case_when(succeeded.is_null().or(failed.gt(succeeded)), failed).otherwise(succeeded);
        let due = webhook_deliveries::table
            .inner_join(webhooks::table.inner_join(projects::table))
            .filter(webhook_deliveries::state.eq(pending))
            .filter(webhook_deliveries::next_attempt_at.le(StoredTime(now)))
            .filter(webhooks::disabled_at.is_null())
            .filter(webhooks::id.ne_all(&busy.webhooks))
            .filter(webhooks::project_id.ne_all(&busy.projects))
            .filter(projects::owner_id.ne_all(&busy.owners))
            .filter(not(exists(waits_longer)))
            .order((
                last().is_not_null(),
                last(),
                webhook_deliveries::next_attempt_at,
                webhook_deliveries::id,
            ))
            .limit(AT_ONCE);
        let mut connection = self.read().await?;
        let rows: Vec<(DeliveryRow, WebhookRow, UserId)> = on!(connection, |c| due
            .select((DeliveryRow::as_select(), WebhookRow::as_select(), projects::owner_id))
            .load(c)
            .await)?;
        let read = |(delivery, webhook, owner): (DeliveryRow, WebhookRow, UserId)| DueDelivery {
            delivery: delivery.into(),
            webhook: webhook.into(),
            owner,
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Tells a webhook an event, behind what waits already. What waits is tried at once: somebody looks.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the webhook has gone.
    pub async fn queue_delivery(
        &self,
        webhook_id: WebhookId,
        event: Event,
    ) -> Result<WebhookDelivery, StoreError> {
        self.transaction(async |connection| {
            try_pending_now(connection, webhook_id).await?;
            insert(connection, webhook_id, event).await
        })
        .await
    }

    /// A delivery.
    pub async fn webhook_delivery(&self, id: WebhookDeliveryId) -> Result<WebhookDelivery, StoreError> {
        let mut connection = self.read().await?;
        let row: DeliveryRow = on!(connection, |c| webhook_deliveries::table
            .find(id)
            .select(DeliveryRow::as_select())
            .first(c)
            .await)?;
        Ok(row.into())
    }

    /// What a webhook was told and is to be told, newest first.
    pub async fn deliveries_of(
        &self,
        webhook_id: WebhookId,
        page: PageRequest,
    ) -> Result<Page<WebhookDelivery>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<DeliveryRow> = on!(connection, |c| {
            let mut query = webhook_deliveries::table
                .filter(webhook_deliveries::webhook_id.eq(webhook_id))
                .select(DeliveryRow::as_select())
                .into_boxed();
            if let Some(after) = page.after_id() {
                query = query.filter(webhook_deliveries::id.lt(WebhookDeliveryId::from_uuid(after)));
            }
            query.order(webhook_deliveries::id.desc()).limit(page.rows()).load(c).await
        })?;
        let deliveries = rows.into_iter().map(WebhookDelivery::from).collect();
        Ok(Page::from_rows(deliveries, page, |delivery| Cursor::id(delivery.id.as_uuid())))
    }

    /// Forgets the deliveries that were ended before a time, and of each webhook all but the newest `most`. Of those that wait
    /// the newest `most` go on waiting; the others have failed, and say why. Gives the number of those that are forgotten.
    pub async fn prune_deliveries(&self, before: Timestamp, most: i64) -> Result<usize, StoreError> {
        let mut connection = self.write().await?;
        let ended = webhook_deliveries::table
            .filter(webhook_deliveries::finished_at.lt(StoredTime(before)).assume_not_null());
        let mut removed = on!(connection, |c| diesel::delete(ended).execute(c).await)?;
        let all: Vec<WebhookId> = on!(connection, |c| webhooks::table.select(webhooks::id).load(c).await)?;
        for webhook in all {
            let of_one = |waits: bool| {
                webhook_deliveries::table
                    .filter(webhook_deliveries::webhook_id.eq(webhook))
                    .filter(webhook_deliveries::state.eq(DeliveryState::Pending).eq(waits))
            };
            if let Some(newest) = newest_beyond(&mut connection, webhook, true, most).await? {
                let change = (
                    webhook_deliveries::state.eq(DeliveryState::Failed),
                    webhook_deliveries::error
                        .eq(format!("More than {most} newer events wait for this webhook.")),
                    webhook_deliveries::finished_at.eq(StoredTime::now()),
                );
                let given_up = of_one(true).filter(webhook_deliveries::id.le(newest));
                on!(connection, |c| diesel::update(given_up).set(change).execute(c).await)?;
            }
            if let Some(newest) = newest_beyond(&mut connection, webhook, false, most).await? {
                let old = of_one(false).filter(webhook_deliveries::id.le(newest));
                removed += on!(connection, |c| diesel::delete(old).execute(c).await)?;
            }
        }
        Ok(removed)
    }
}

/// The newest delivery of a webhook that is too much beside the `most` newer ones: of those that wait, or of the others.
async fn newest_beyond(
    connection: &mut Connection,
    webhook: WebhookId,
    waits: bool,
    most: i64,
) -> Result<Option<WebhookDeliveryId>, StoreError> {
    Ok(on!(connection, |c| webhook_deliveries::table
        .filter(webhook_deliveries::webhook_id.eq(webhook))
        .filter(webhook_deliveries::state.eq(DeliveryState::Pending).eq(waits))
        .order(webhook_deliveries::id.desc())
        .offset(most)
        .select(webhook_deliveries::id)
        .first(c)
        .await
        .optional())?)
}

/// Puts an event behind what a webhook is told already.
pub(super) async fn insert(
    connection: &mut Connection,
    webhook_id: WebhookId,
    event: Event,
) -> Result<WebhookDelivery, StoreError> {
    let now = StoredTime::now();
    let row = DeliveryRow {
        id: WebhookDeliveryId::generate(),
        webhook_id,
        event: Json(event),
        state: DeliveryState::Pending,
        attempts: 0,
        next_attempt_at: now,
        attempted_at: None,
        duration_ms: None,
        response_status: None,
        response: None,
        error: None,
        created_at: now,
        finished_at: None,
    };
    on!(connection, |c| diesel::insert_into(webhook_deliveries::table).values(&row).execute(c).await)?;
    Ok(row.into())
}
