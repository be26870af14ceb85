//! Log drains; where they lead and their tokens are sealed before they come here.

use crate::model::drain::{Drain, DrainProgress};
use crate::model::id::{DrainId, EnvironmentId, ProjectId};
use crate::model::instance::InstanceId;
use crate::model::time::{Timestamp, now};
use crate::store::Store;
use crate::store::backend::on;
use crate::store::environment_lock;
use crate::store::error::{StoreError, found, missing};
use crate::store::schema::drains;
use crate::store::types::{Json, StoredTime, times_since};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::collections::BTreeMap;

/// The field of the conflict when a project has as many drains as it may have.
pub const DRAIN_LIMIT: &str = "drains";

/// In the place of a ciphertext: `url` is the whole URL, from before it was sealed.
pub(super) const PLAIN: &str = "";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = drains)]
struct DrainRow {
    id: DrainId,
    project_id: ProjectId,
    environment_id: Option<EnvironmentId>,
    url: String,
    sealed_token: Option<String>,
    certificates: Option<String>,
    last_success_at: Option<StoredTime>,
    last_error: Option<String>,
    last_error_at: Option<StoredTime>,
    dropped: i64,
    sent: Json<BTreeMap<InstanceId, Timestamp>>,
    created_at: StoredTime,
    updated_at: StoredTime,
    sealed_url: String,
}

impl From<DrainRow> for Drain {
    fn from(row: DrainRow) -> Self {
        let progress = DrainProgress {
            last_success_at: row.last_success_at.map(Into::into),
            last_error: row.last_error,
            last_error_at: row.last_error_at.map(Into::into),
            dropped: u64::try_from(row.dropped).unwrap_or(0),
            sent: row.sent.0,
        };
        Self {
            id: row.id,
            project_id: row.project_id,
            environment_id: row.environment_id,
            url: row.url,
            sealed_url: row.sealed_url,
            sealed_token: row.sealed_token,
            certificates: row.certificates,
            progress,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

impl From<Drain> for DrainRow {
    fn from(drain: Drain) -> Self {
        let DrainProgress { last_success_at, last_error, last_error_at, dropped, sent } = drain.progress;
        Self {
            id: drain.id,
            project_id: drain.project_id,
            environment_id: drain.environment_id,
            url: drain.url,
            sealed_token: drain.sealed_token,
            certificates: drain.certificates,
            last_success_at: last_success_at.map(Into::into),
            last_error,
            last_error_at: last_error_at.map(Into::into),
            dropped: i64::try_from(dropped).unwrap_or(i64::MAX),
            sent: Json(sent),
            created_at: drain.created_at.into(),
            updated_at: drain.updated_at.into(),
            sealed_url: drain.sealed_url,
        }
    }
}

impl Store {
    /// Makes a drain; `at_most` is how many its project may have with this one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] of [`DRAIN_LIMIT`]; [`StoreError::NotFound`] when the project or the environment has gone.
    pub async fn create_drain(&self, drain: Drain, at_most: u32) -> Result<(), StoreError> {
        let row = DrainRow::from(drain);
        self.transaction(async |connection| {
            // Two that are made at once are counted one after the other.
            environment_lock::lock_all(connection, row.project_id).await?;
            let there = drains::table.filter(drains::project_id.eq(row.project_id)).count();
            let there: i64 = on!(connection, |c| there.get_result(c).await)?;
            if there >= i64::from(at_most) {
                return Err(StoreError::Conflict { field: DRAIN_LIMIT });
            }
            on!(connection, |c| diesel::insert_into(drains::table).values(&row).execute(c).await)?;
            Ok(())
        })
        .await
    }

    /// Every drain there is, or those of a project, oldest first.
    pub async fn drains(&self, project_id: Option<ProjectId>) -> Result<Vec<Drain>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<DrainRow> = on!(connection, |c| {
            let mut query = drains::table.select(DrainRow::as_select()).into_boxed();
            if let Some(project_id) = project_id {
                query = query.filter(drains::project_id.eq(project_id));
            }
            query.order(drains::id).load(c).await
        })?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// A drain.
    pub async fn drain(&self, id: DrainId) -> Result<Drain, StoreError> {
        let mut connection = self.read().await?;
        let row: DrainRow =
            on!(connection, |c| drains::table.find(id).select(DrainRow::as_select()).first(c).await)?;
        Ok(row.into())
    }

    /// Changes what somebody has said of a drain; how far it is stays. With `unless_changed_since` only if nobody has since that
    /// time. Answers with the drain as it is then.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody has.
    pub async fn update_drain(
        &self,
        drain: &Drain,
        unless_changed_since: Option<Timestamp>,
    ) -> Result<Drain, StoreError> {
        let change = (
            drains::environment_id.eq(drain.environment_id),
            drains::url.eq(&drain.url),
            drains::sealed_url.eq(&drain.sealed_url),
            drains::sealed_token.eq(&drain.sealed_token),
            drains::certificates.eq(&drain.certificates),
            drains::updated_at.eq(StoredTime(now())),
        );
        let mut connection = self.write().await?;
        let (earliest, latest) = times_since(unless_changed_since);
        let unchanged = drains::table.find(drain.id).filter(drains::updated_at.between(earliest, latest));
        let row: Option<DrainRow> = on!(connection, |c| diesel::update(unchanged)
            .set(change)
            .returning(DrainRow::as_returning())
            .get_result(c)
            .await
            .optional())?;
        row.map(Into::into).ok_or_else(|| missing(unless_changed_since))
    }

    /// The drains from before their URLs were sealed, with where they lead.
    pub async fn plain_drains(&self) -> Result<Vec<(DrainId, String)>, StoreError> {
        let mut connection = self.read().await?;
        let plain = drains::table.filter(drains::sealed_url.eq(PLAIN));
        Ok(on!(connection, |c| plain.select((drains::id, drains::url)).load(c).await)?)
    }

    /// Seals where a drain leads that is not sealed yet: what of it may be shown, and the ciphertext.
    pub async fn seal_drain(&self, id: DrainId, shown: &str, sealed: &str) -> Result<(), StoreError> {
        let plain = drains::table.find(id).filter(drains::sealed_url.eq(PLAIN));
        let change = (drains::url.eq(shown), drains::sealed_url.eq(sealed));
        let mut connection = self.write().await?;
        on!(connection, |c| diesel::update(plain).set(change).execute(c).await)?;
        Ok(())
    }

    /// Notes how far a drain is. One that has gone is no error.
    pub async fn note_drain_progress(&self, id: DrainId, progress: &DrainProgress) -> Result<(), StoreError> {
        let DrainProgress { last_success_at, last_error, last_error_at, dropped, sent } = progress.clone();
        let change = (
            drains::last_success_at.eq(last_success_at.map(StoredTime::from)),
            drains::last_error.eq(last_error),
            drains::last_error_at.eq(last_error_at.map(StoredTime::from)),
            drains::dropped.eq(i64::try_from(dropped).unwrap_or(i64::MAX)),
            drains::sent.eq(Json(sent)),
        );
        let mut connection = self.write().await?;
        on!(connection, |c| diesel::update(drains::table.find(id)).set(change).execute(c).await)?;
        Ok(())
    }

    /// Removes a drain.
    pub async fn delete_drain(&self, id: DrainId) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        found(on!(connection, |c| diesel::delete(drains::table.find(id)).execute(c).await)?)
    }
}
