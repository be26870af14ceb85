//! Connections of projects to repositories elsewhere; their secrets are sealed before they come here.

use crate::model::hook::{Hook, Provider};
use crate::model::id::{EnvironmentId, HookId, ProjectId};
use crate::model::preview::PreviewSettings;
use crate::model::repository_url::RepositoryUrl;
use crate::model::time::{Timestamp, now};
use crate::model::webhook::Webhook;
use crate::store::Store;
use crate::store::backend::on;
use crate::store::environment_lock;
use crate::store::error::{StoreError, found};
use crate::store::feedback;
use crate::store::previews;
use crate::store::schema::hooks;
use crate::store::types::{Json, StoredTime};
use crate::store::webhooks::set_feedback;
use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// The field of the conflict when a project has as many connections as it may have.
pub const HOOK_LIMIT: &str = "hooks";
/// A refusal is noted as often as this: whoever sends nonsense makes no more writes than that.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = hooks)]
struct HookRow {
    id: HookId,
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
    previews: Option<Json<PreviewSettings>>,
    wait_for_checks: bool,
    via_hook_id: Option<HookId>,
}

impl From<HookRow> for Hook {
    fn from(row: HookRow) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            provider: row.provider,
            repository: row.repository,
            tag_environment_id: row.tag_environment_id,
            previews: row.previews.map(|previews| previews.0),
            enabled: row.enabled,
            wait_for_checks: row.wait_for_checks,
            via: row.via_hook_id,
            sealed_secret: row.sealed_secret,
            sealed_previous: row.sealed_previous,
            previous_until: row.previous_until.map(Into::into),
            refused_at: row.refused_at.map(Into::into),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

impl From<Hook> for HookRow {
    fn from(hook: Hook) -> Self {
        Self {
            id: hook.id,
            project_id: hook.project_id,
            provider: hook.provider,
            repository: hook.repository,
            tag_environment_id: hook.tag_environment_id,
            enabled: hook.enabled,
            wait_for_checks: hook.wait_for_checks,
            via_hook_id: hook.via,
            sealed_secret: hook.sealed_secret,
            sealed_previous: hook.sealed_previous,
            previous_until: hook.previous_until.map(Into::into),
            refused_at: hook.refused_at.map(Into::into),
            created_at: hook.created_at.into(),
            updated_at: hook.updated_at.into(),
            previews: hook.previews.map(Json),
        }
    }
}

impl Store {
    /// Makes a connection, with its feedback where it has some; `at_most` is how many its project may have with this one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] of [`HOOK_LIMIT`]; [`StoreError::NotFound`] when the project or the environment has gone.
    pub async fn create_hook(
        &self,
        hook: Hook,
        feedback: Option<Webhook>,
        at_most: u32,
    ) -> Result<(), StoreError> {
        let row = HookRow::from(hook);
        self.transaction(async |connection| {
            // Two that are made at once are counted one after the other.
            environment_lock::lock_all(connection, row.project_id).await?;
            let there = hooks::table.filter(hooks::project_id.eq(row.project_id)).count();
            let there: i64 = on!(connection, |c| there.get_result(c).await)?;
            if there >= i64::from(at_most) {
                return Err(StoreError::Conflict { field: HOOK_LIMIT });
            }
            on!(connection, |c| diesel::insert_into(hooks::table).values(&row).execute(c).await)?;
            set_feedback(connection, row.id, feedback).await
        })
        .await
    }

    /// The connections of a project, oldest first.
    pub async fn hooks(&self, project_id: ProjectId) -> Result<Vec<Hook>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<HookRow> = on!(connection, |c| hooks::table
            .filter(hooks::project_id.eq(project_id))
            .order(hooks::id)
            .select(HookRow::as_select())
            .load(c)
            .await)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// The connections, of any project, to which another one hands over what is about their repository, oldest first.
    pub async fn hooks_via(&self, id: HookId) -> Result<Vec<Hook>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<HookRow> = on!(connection, |c| hooks::table
            .filter(hooks::via_hook_id.eq(id))
            .order(hooks::id)
            .select(HookRow::as_select())
            .load(c)
            .await)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// A connection.
    pub async fn hook(&self, id: HookId) -> Result<Hook, StoreError> {
        let mut connection = self.read().await?;
        let row: HookRow =
            on!(connection, |c| hooks::table.find(id).select(HookRow::as_select()).first(c).await)?;
        Ok(row.into())
    }

    /// Changes what somebody has said of a connection, and what its feedback is then. Answers with it as it is then. Where it
    /// makes no previews any more, those that it has made are over.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is gone, or somebody else has changed it meanwhile.
    pub async fn update_hook(&self, hook: &Hook, feedback: Option<Webhook>) -> Result<Hook, StoreError> {
        let change = (
            hooks::repository.eq(&hook.repository),
            hooks::tag_environment_id.eq(hook.tag_environment_id),
            hooks::previews.eq(hook.previews.map(Json)),
            hooks::enabled.eq(hook.enabled),
            hooks::wait_for_checks.eq(hook.wait_for_checks),
            hooks::via_hook_id.eq(hook.via),
            hooks::updated_at.eq(StoredTime(now())),
        );
        let as_it_was = hooks::table.find(hook.id).filter(hooks::updated_at.eq(StoredTime(hook.updated_at)));
        self.transaction(async |connection| {
            let repository = hooks::table.find(hook.id).select(hooks::repository);
            let repository: Option<String> = on!(connection, |c| repository.first(c).await.optional())?;
            // What was made of the pull requests of another repository is none of those of this one.
            let is_moved = repository.is_some_and(|before| before != hook.repository.as_str());
            let row: Option<HookRow> = on!(connection, |c| diesel::update(as_it_was)
                .set(change)
                .returning(HookRow::as_returning())
                .get_result(c)
                .await
                .optional())?;
            if is_moved {
                previews::part_with_all_of(connection, hook.id).await?;
                feedback::forget_all_of(connection, hook.id).await?;
            } else if hook.previews.is_none() {
                previews::end_all_of(connection, hook.id).await?;
            }
            let hook: Hook = row.ok_or(StoreError::Stale)?.into();
            set_feedback(connection, hook.id, feedback).await?;
            Ok(hook)
        })
        .await
    }

    /// Gives a connection another secret; the one until now is taken until `previous_until`, `None`: not any more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is gone, [`StoreError::Stale`] when somebody else has given it another meanwhile.
    pub async fn rotate_hook(
        &self,
        hook: &Hook,
        sealed_secret: String,
        previous_until: Option<Timestamp>,
    ) -> Result<Hook, StoreError> {
        let change = (
            hooks::sealed_secret.eq(sealed_secret),
            hooks::sealed_previous.eq(previous_until.map(|_| &hook.sealed_secret)),
            hooks::previous_until.eq(previous_until.map(StoredTime)),
            hooks::updated_at.eq(StoredTime(now())),
        );
        let as_it_was = hooks::table.find(hook.id).filter(hooks::sealed_secret.eq(&hook.sealed_secret));
        let mut connection = self.write().await?;
        let row: Option<HookRow> = on!(connection, |c| diesel::update(as_it_was)
            .set(change)
            .returning(HookRow::as_returning())
            .get_result(c)
            .await
            .optional())?;
        row.map(Into::into).ok_or(StoreError::Stale)
    }

    /// Notes that something came for a connection that was not signed with its secret.
    pub async fn note_refused_delivery(&self, id: HookId) -> Result<(), StoreError> {
        let now = now();
        let seldom = hooks::table
            .find(id)
            .filter(hooks::refused_at.is_null().or(hooks::refused_at.lt(StoredTime(now - NOTED_EVERY))));
        let mut connection = self.write().await?;
        let change = hooks::refused_at.eq(StoredTime(now));
        on!(connection, |c| diesel::update(seldom).set(change).execute(c).await)?;
        Ok(())
    }

    /// Removes a connection with its deliveries; the previews that it has made are over.
    pub async fn delete_hook(&self, id: HookId) -> Result<(), StoreError> {
        self.transaction(async |connection| {
            previews::end_all_of(connection, id).await?;
            found(on!(connection, |c| diesel::delete(hooks::table.find(id)).execute(c).await)?)
        })
        .await
    }
}
