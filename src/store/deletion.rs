//! Projects that were deleted and are still there, for a while.

use crate::model::id::ProjectId;
use crate::model::project::Project;
use crate::model::time::{Timestamp, now};
use crate::store::Store;
use crate::store::backend::on;
use crate::store::deployments::cancellable_states;
use crate::store::environment_lock::lock_all as lock_environments;
use crate::store::error::StoreError;
use crate::store::projects::ProjectRow;
use crate::store::schema::{deployments, projects};
use crate::store::types::{StoredTime, times_since};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

impl Store {
    /// Notes that a project is deleted since now, and is really removed after a time; of two times the earlier one. A
    /// deployment is queued before it, and is cancelled by it unless it is committed, or not at all.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it has gone.
    pub async fn mark_project_deleted(
        &self,
        id: ProjectId,
        final_at: Timestamp,
    ) -> Result<Project, StoreError> {
        self.transaction(async |connection| {
            lock_environments(connection, id).await?;
            let known: (Option<StoredTime>, Option<StoredTime>) = on!(connection, |c| projects::table
                .find(id)
                .select((projects::deleted_at, projects::removed_after))
                .first(c)
                .await)?;
            let deleted_at = known.0.unwrap_or_else(StoredTime::now);
            // What has not gone live does not any more, whoever is killed now.
            let undecided = deployments::table
                .filter(deployments::project_id.eq(id))
                .filter(deployments::state.eq_any(cancellable_states()))
                .filter(deployments::cancel_requested_at.is_null());
            let cancelled = deployments::cancel_requested_at.eq(StoredTime::now());
            on!(connection, |c| diesel::update(undecided).set(cancelled).execute(c).await)?;
            let earlier = known.0.and(known.1).map_or(final_at, |until| final_at.min(until.into()));
            let change = (
                projects::deleted_at.eq(Some(deleted_at)),
                projects::removed_after.eq(Some(StoredTime(earlier))),
                projects::updated_at.eq(StoredTime::now()),
            );
            let row: ProjectRow = on!(connection, |c| diesel::update(projects::table.find(id))
                .set(change)
                .returning(ProjectRow::as_returning())
                .get_result(c)
                .await)?;
            Ok(row.into())
        })
        .await
    }

    /// Takes back that a project is deleted, unless its time is over; `None` where it is, or where it was not deleted. It
    /// counts as being brought back until [`Store::note_brought_back`].
    pub async fn undelete_project(
        &self,
        id: ProjectId,
        unless_changed_since: Option<Timestamp>,
    ) -> Result<Option<Project>, StoreError> {
        let mut connection = self.write().await?;
        let (earliest, latest) = times_since(unless_changed_since);
        let in_time = projects::table
            .find(id)
            .filter(projects::deleted_at.is_not_null())
            .filter(projects::removed_after.gt(StoredTime(now())))
            .filter(projects::updated_at.between(earliest, latest));
        let change =
            (projects::deleted_at.eq(None::<StoredTime>), projects::updated_at.eq(StoredTime::now()));
        let row: Option<ProjectRow> = on!(connection, |c| diesel::update(in_time)
            .set(change)
            .returning(ProjectRow::as_returning())
            .get_result(c)
            .await
            .optional())?;
        Ok(row.map(Into::into))
    }

    /// Notes that what a project had live was asked for again.
    pub async fn note_brought_back(&self, id: ProjectId) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        let there = projects::table.find(id).filter(projects::deleted_at.is_null());
        let done = projects::removed_after.eq(None::<StoredTime>);
        on!(connection, |c| diesel::update(there).set(done).execute(c).await)?;
        Ok(())
    }

    /// The projects whose deletion is final.
    pub async fn projects_to_remove(&self) -> Result<Vec<Project>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<ProjectRow> = on!(connection, |c| projects::table
            .filter(projects::deleted_at.is_not_null())
            .filter(projects::removed_after.le(StoredTime(now())))
            .select(ProjectRow::as_select())
            .load(c)
            .await)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Puts off the removal of every deleted project that would be removed before a time.
    pub async fn postpone_removals(&self, until: Timestamp) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        let earlier = projects::table
            .filter(projects::deleted_at.is_not_null())
            .filter(projects::removed_after.lt(StoredTime(until)));
        let later = projects::removed_after.eq(Some(StoredTime(until)));
        on!(connection, |c| diesel::update(earlier).set(later).execute(c).await)?;
        Ok(())
    }

    /// The projects that are being brought back.
    pub async fn projects_coming_back(&self) -> Result<Vec<Project>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<ProjectRow> = on!(connection, |c| projects::table
            .filter(projects::deleted_at.is_null())
            .filter(projects::removed_after.is_not_null())
            .select(ProjectRow::as_select())
            .load(c)
            .await)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// The ids of all projects that are deleted.
    pub async fn deleted_projects(&self) -> Result<Vec<ProjectId>, StoreError> {
        let mut connection = self.read().await?;
        let deleted = projects::table.filter(projects::deleted_at.is_not_null()).select(projects::id);
        Ok(on!(connection, |c| deleted.load(c).await)?)
    }
}
