//! Releases. They are made and read, never changed.

use crate::model::deployment::{DeploymentRecord, DeploymentState};
use crate::model::environment::Environment;
use crate::model::id::{DeploymentId, EnvironmentId, ReleaseId, UserId};
use crate::model::name::CommitId;
use crate::model::pins::Pins;
use crate::model::project::Project;
use crate::model::release::{Release, ReleaseContent};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::deployments::committed_states;
use crate::store::deployments::moves::insert_event;
use crate::store::environments::EnvironmentRow;
use crate::store::error::StoreError;
use crate::store::page::{Cursor, Page, PageRequest};
use crate::store::pins;
use crate::store::projects::ProjectRow;
use crate::store::restore::{RestoredSettings, restore};
use crate::store::schema::{deployments, environments, projects, releases};
use crate::store::types::{Json, StoredTime};
use diesel::dsl::{exists, max, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// A release to make; its environment gives it the next version.
#[derive(Debug, Clone)]
pub struct NewRelease {
    pub id: ReleaseId,
    pub environment_id: EnvironmentId,
    pub deployment_id: DeploymentId,
    pub commit: Option<CommitId>,
    pub created_by: Option<UserId>,
    pub content: ReleaseContent,
    /// What is set for the environment with it: a rollback brings back more than instances.
    pub restores: Option<RestoredSettings>,
    /// What the builds of the environment go by from here on; `None`: what they go by already.
    pub pins: Option<Pins>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = releases)]
struct ReleaseRow {
    id: ReleaseId,
    environment_id: EnvironmentId,
    deployment_id: DeploymentId,
    version: i64,
    commit_id: Option<CommitId>,
    created_by: Option<UserId>,
    content: Json<ReleaseContent>,
    created_at: StoredTime,
    /// That of the content.
    image: String,
}

impl From<ReleaseRow> for Release {
    fn from(row: ReleaseRow) -> Self {
        Self {
            id: row.id,
            environment_id: row.environment_id,
            deployment_id: row.deployment_id,
            version: row.version,
            commit: row.commit_id,
            created_by: row.created_by,
            content: row.content.0,
            created_at: row.created_at.into(),
        }
    }
}

impl Store {
    /// Commits a deployment that is `checking`: makes its release, with the next version of its environment, and moves it
    /// to `switching` with what it has made, and sets the environment back where the release asks for it, all or nothing. Asked
    /// again, as after a lost answer, it gives the release that is there. `None`: somebody has asked for the deployment to be cancelled, and nothing was done.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the environment or the deployment has gone, [`StoreError::Stale`] when the
    /// deployment is in another state.
    pub async fn commit_release(
        &self,
        new: NewRelease,
        record: &DeploymentRecord,
    ) -> Result<Option<Release>, StoreError> {
        let committing = self.transaction(async |connection| {
            crate::store::environment_lock::lock(connection, new.environment_id).await?;
            let existing: Option<ReleaseRow> = on!(connection, |c| releases::table
                .filter(releases::deployment_id.eq(new.deployment_id))
                .select(ReleaseRow::as_select())
                .first(c)
                .await
                .optional())?;
            if let Some(row) = existing {
                return Ok(Some(row.into()));
            }
            let id = new.deployment_id;
            let checked =
                deployments::table.find(id).filter(deployments::state.eq(DeploymentState::Checking));
            let change = (
                deployments::state.eq(DeploymentState::Switching),
                deployments::record.eq(Json(record.clone())),
            );
            let moved = on!(connection, |c| diesel::update(
                checked.filter(deployments::cancel_requested_at.is_null())
            )
            .set(change)
            .execute(c)
            .await)?;
            if moved == 0 {
                let cancelled: i64 = on!(connection, |c| checked.count().get_result(c).await)?;
                return if cancelled == 1 { Ok(None) } else { Err(StoreError::Stale) };
            }
            insert_event(connection, id, DeploymentState::Switching, None).await?;
            crate::store::standing::start(connection, new.environment_id, id).await?;
            if let Some(restored) = &new.restores {
                Box::pin(restore(connection, new.environment_id, restored)).await?;
            }
            if let Some(pins) = &new.pins {
                Box::pin(pins::set(connection, new.environment_id, id, pins)).await?;
            }
            insert(connection, new).await.map(|row| Some(row.into()))
        });
        // Whoever waits for it does not carry it about.
        Box::pin(committing).await
    }

    /// The release of an environment that is served: the newest whose deployment has switched traffic to it.
    pub async fn current_release(
        &self,
        environment_id: EnvironmentId,
    ) -> Result<Option<Release>, StoreError> {
        let mut connection = self.read().await?;
        let row: Option<ReleaseRow> = on!(connection, |c| releases::table
            .inner_join(deployments::table)
            .filter(releases::environment_id.eq(environment_id))
            .filter(deployments::state.eq_any(committed_states()))
            .order(releases::version.desc())
            .select(ReleaseRow::as_select())
            .first(c)
            .await
            .optional())?;
        Ok(row.map(Into::into))
    }

    /// A release by its version.
    pub async fn release(&self, environment_id: EnvironmentId, version: i64) -> Result<Release, StoreError> {
        let mut connection = self.read().await?;
        let row: ReleaseRow = on!(connection, |c| releases::table
            .filter(releases::environment_id.eq(environment_id))
            .filter(releases::version.eq(version))
            .select(ReleaseRow::as_select())
            .first(c)
            .await)?;
        Ok(row.into())
    }

    /// The newest release of an environment that is older than a version.
    pub async fn release_before(
        &self,
        environment_id: EnvironmentId,
        version: i64,
    ) -> Result<Option<Release>, StoreError> {
        let mut connection = self.read().await?;
        let row: Option<ReleaseRow> = on!(connection, |c| releases::table
            .filter(releases::environment_id.eq(environment_id))
            .filter(releases::version.lt(version))
            .order(releases::version.desc())
            .select(ReleaseRow::as_select())
            .first(c)
            .await
            .optional())?;
        Ok(row.map(Into::into))
    }

    /// The releases of an environment, newest first.
    pub async fn releases_of(
        &self,
        environment_id: EnvironmentId,
        page: PageRequest,
    ) -> Result<Page<Release>, StoreError> {
        let mut connection = self.read().await?;
        let below = page.after_number().unwrap_or(i64::MAX);
        let rows: Vec<ReleaseRow> = on!(connection, |c| releases::table
            .filter(releases::environment_id.eq(environment_id))
            .filter(releases::version.lt(below))
            .order(releases::version.desc())
            .limit(page.rows())
            .select(ReleaseRow::as_select())
            .load(c)
            .await)?;
        let releases = rows.into_iter().map(Release::from).collect();
        Ok(Page::from_rows(releases, page, |release| Cursor::number(release.version)))
    }

    /// The release that is served of every environment that has one: what should run on this server. A disabled or
    /// deleted project, or a disabled environment, serves nothing.
    pub async fn current_releases(&self) -> Result<Vec<(Project, Environment, Release)>, StoreError> {
        let (newer, its_deployment) = diesel::alias!(releases as newer, deployments as its_deployment);
        let same_environment = newer.field(releases::environment_id).eq(releases::environment_id);
        let superseded_by = newer
            .inner_join(
                its_deployment
                    .on(its_deployment.field(deployments::id).eq(newer.field(releases::deployment_id))),
            )
            .filter(same_environment)
            .filter(newer.field(releases::version).gt(releases::version))
            .filter(its_deployment.field(deployments::state).eq_any(committed_states()));
        let current = releases::table
            .inner_join(deployments::table)
            .inner_join(environments::table.inner_join(projects::table))
            .filter(deployments::state.eq_any(committed_states()))
            .filter(projects::disabled_at.is_null())
            .filter(projects::deleted_at.is_null())
            .filter(environments::disabled_at.is_null())
            .filter(not(exists(superseded_by)))
            .order(releases::environment_id);
        let mut connection = self.read().await?;
        let rows: Vec<(ProjectRow, EnvironmentRow, ReleaseRow)> = on!(connection, |c| current
            .select((ProjectRow::as_select(), EnvironmentRow::as_select(), ReleaseRow::as_select()))
            .load(c)
            .await)?;
        Ok(rows
            .into_iter()
            .map(|(project, environment, row)| (project.into(), environment.into(), row.into()))
            .collect())
    }
}

async fn insert(connection: &mut Connection, new: NewRelease) -> Result<ReleaseRow, StoreError> {
    let last: Option<i64> = on!(connection, |c| releases::table
        .filter(releases::environment_id.eq(new.environment_id))
        .select(max(releases::version))
        .first(c)
        .await)?;
    let row = ReleaseRow {
        id: new.id,
        environment_id: new.environment_id,
        deployment_id: new.deployment_id,
        version: last.unwrap_or(0) + 1,
        commit_id: new.commit,
        created_by: new.created_by,
        image: new.content.image.clone(),
        content: Json(new.content),
        created_at: StoredTime::now(),
    };
    on!(connection, |c| diesel::insert_into(releases::table).values(&row).execute(c).await)?;
    let version = deployments::version.eq(row.version);
    on!(connection, |c| diesel::update(deployments::table.find(row.deployment_id))
        .set(version)
        .execute(c)
        .await)?;
    Ok(row)
}
