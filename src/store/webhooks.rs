//! Connections of projects to repositories elsewhere; their secrets are sealed before they come here.

use crate::model::id::{EnvironmentId, ProjectId, WebhookId};
use crate::model::repository_url::RepositoryUrl;
use crate::model::time::{Timestamp, now};
use crate::model::webhook::{Provider, Webhook};
use crate::store::Store;
use crate::store::backend::on;
use crate::store::environment_lock;
use crate::store::error::{StoreError, found};
use crate::store::schema::webhooks;
use crate::store::types::StoredTime;
use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// The field of the conflict when a project has as many connections as it may have.
pub const WEBHOOK_LIMIT: &str = "webhooks";
/// A refusal is noted as often as this: whoever sends nonsense makes no more writes than that.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = webhooks)]
struct WebhookRow {
    id: WebhookId,
    project_id: ProjectId,
    provider: Provider,
    repository: RepositoryUrl,
    tag_environment_id: Option<EnvironmentId>,
    enabled: bool,
    sealed_secret: String,
    sealed_previous: Option<String>,
    previous_until: Option<StoredTime>,
    refused_at: Option<StoredTime>,
    created_at: StoredTime,
    updated_at: StoredTime,
}

impl From<WebhookRow> for Webhook {
    fn from(row: WebhookRow) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            provider: row.provider,
            repository: row.repository,
            tag_environment_id: row.tag_environment_id,
            enabled: row.enabled,
            sealed_secret: row.sealed_secret,
            sealed_previous: row.sealed_previous,
            previous_until: row.previous_until.map(Into::into),
            refused_at: row.refused_at.map(Into::into),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

impl From<Webhook> for WebhookRow {
    fn from(webhook: Webhook) -> Self {
        Self {
            id: webhook.id,
            project_id: webhook.project_id,
            provider: webhook.provider,
            repository: webhook.repository,
            tag_environment_id: webhook.tag_environment_id,
            enabled: webhook.enabled,
            sealed_secret: webhook.sealed_secret,
            sealed_previous: webhook.sealed_previous,
            previous_until: webhook.previous_until.map(Into::into),
            refused_at: webhook.refused_at.map(Into::into),
            created_at: webhook.created_at.into(),
            updated_at: webhook.updated_at.into(),
        }
    }
}

impl Store {
    /// Makes a connection; `at_most` is how many its project may have with this one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] of [`WEBHOOK_LIMIT`]; [`StoreError::NotFound`] when the project or the environment has gone.
    pub async fn create_webhook(&self, webhook: Webhook, at_most: u32) -> Result<(), StoreError> {
        let row = WebhookRow::from(webhook);
        self.transaction(async |connection| {
            // Two that are made at once are counted one after the other.
            environment_lock::lock_all(connection, row.project_id).await?;
            let there = webhooks::table.filter(webhooks::project_id.eq(row.project_id)).count();
            let there: i64 = on!(connection, |c| there.get_result(c).await)?;
            if there >= i64::from(at_most) {
                return Err(StoreError::Conflict { field: WEBHOOK_LIMIT });
            }
            on!(connection, |c| diesel::insert_into(webhooks::table).values(&row).execute(c).await)?;
            Ok(())
        })
        .await
    }

    /// The connections of a project, oldest first.
    pub async fn webhooks(&self, project_id: ProjectId) -> Result<Vec<Webhook>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<WebhookRow> = on!(connection, |c| webhooks::table
            .filter(webhooks::project_id.eq(project_id))
            .order(webhooks::id)
            .select(WebhookRow::as_select())
            .load(c)
            .await)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// A connection.
    pub async fn webhook(&self, id: WebhookId) -> Result<Webhook, StoreError> {
        let mut connection = self.read().await?;
        let row: WebhookRow =
            on!(connection, |c| webhooks::table.find(id).select(WebhookRow::as_select()).first(c).await)?;
        Ok(row.into())
    }

    /// Changes what somebody has said of a connection. Answers with it as it is then.
    pub async fn update_webhook(&self, webhook: &Webhook) -> Result<Webhook, StoreError> {
        let change = (
            webhooks::repository.eq(&webhook.repository),
            webhooks::tag_environment_id.eq(webhook.tag_environment_id),
            webhooks::enabled.eq(webhook.enabled),
            webhooks::updated_at.eq(StoredTime(now())),
        );
        let mut connection = self.write().await?;
        let row: WebhookRow = on!(connection, |c| diesel::update(webhooks::table.find(webhook.id))
            .set(change)
            .returning(WebhookRow::as_returning())
            .get_result(c)
            .await)?;
        Ok(row.into())
    }

    /// Gives a connection another secret; the one until now is taken until `previous_until`, `None`: not any more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is gone, [`StoreError::Stale`] when somebody else has given it another meanwhile.
    pub async fn rotate_webhook(
        &self,
        webhook: &Webhook,
        sealed_secret: String,
        previous_until: Option<Timestamp>,
    ) -> Result<Webhook, StoreError> {
        let change = (
            webhooks::sealed_secret.eq(sealed_secret),
            webhooks::sealed_previous.eq(previous_until.map(|_| &webhook.sealed_secret)),
            webhooks::previous_until.eq(previous_until.map(StoredTime)),
            webhooks::updated_at.eq(StoredTime(now())),
        );
        let as_it_was =
            webhooks::table.find(webhook.id).filter(webhooks::sealed_secret.eq(&webhook.sealed_secret));
        let mut connection = self.write().await?;
        let row: Option<WebhookRow> = on!(connection, |c| diesel::update(as_it_was)
            .set(change)
            .returning(WebhookRow::as_returning())
            .get_result(c)
            .await
            .optional())?;
        row.map(Into::into).ok_or(StoreError::Stale)
    }

    /// Notes that something came for a connection that was not signed with its secret.
    pub async fn note_refused_delivery(&self, id: WebhookId) -> Result<(), StoreError> {
        let now = now();
        let seldom = webhooks::table.find(id).filter(
            webhooks::refused_at.is_null().or(webhooks::refused_at.lt(StoredTime(now - NOTED_EVERY))),
        );
        let mut connection = self.write().await?;
        let change = webhooks::refused_at.eq(StoredTime(now));
        on!(connection, |c| diesel::update(seldom).set(change).execute(c).await)?;
        Ok(())
    }

    /// Removes a connection with its deliveries.
    pub async fn delete_webhook(&self, id: WebhookId) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        found(on!(connection, |c| diesel::delete(webhooks::table.find(id)).execute(c).await)?)
    }
}
