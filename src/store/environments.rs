//! Environments.

use crate::model::environment::{Environment, EnvironmentSettings};
use crate::model::id::{EnvironmentId, ProjectId};
use crate::model::name::{BranchName, EnvironmentName, ProcessType};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::schema::environments;
use crate::store::types::{Json, StoredTime};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::collections::BTreeMap;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = environments)]
pub(super) struct EnvironmentRow {
    id: EnvironmentId,
    project_id: ProjectId,
    name: EnvironmentName,
    branch: Option<BranchName>,
    settings: Json<EnvironmentSettings>,
    created_at: StoredTime,
    updated_at: StoredTime,
}

impl From<EnvironmentRow> for Environment {
    fn from(row: EnvironmentRow) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            name: row.name,
            branch: row.branch,
            settings: row.settings.0,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

impl From<Environment> for EnvironmentRow {
    fn from(environment: Environment) -> Self {
        Self {
            id: environment.id,
            project_id: environment.project_id,
            name: environment.name,
            branch: environment.branch,
            settings: Json(environment.settings),
            created_at: environment.created_at.into(),
            updated_at: environment.updated_at.into(),
        }
    }
}

impl Store {
    /// The environments of a project, oldest first: `production` is the first.
    pub async fn environments_of(&self, project_id: ProjectId) -> Result<Vec<Environment>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<EnvironmentRow> = on!(connection, |c| environments::table
            .filter(environments::project_id.eq(project_id))
            .order(environments::id)
            .select(EnvironmentRow::as_select())
            .load(c)
            .await)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// An environment by its id.
    pub async fn environment(&self, id: EnvironmentId) -> Result<Environment, StoreError> {
        let mut connection = self.read().await?;
        let row = on!(connection, |c| environments::table
            .find(id)
            .select(EnvironmentRow::as_select())
            .first(c)
            .await)?;
        Ok(row.into())
    }

    /// The environment of a project that a push to a branch deploys to.
    pub async fn environment_following(
        &self,
        project_id: ProjectId,
        branch: &BranchName,
    ) -> Result<Option<Environment>, StoreError> {
        let mut connection = self.read().await?;
        let row: Option<EnvironmentRow> = on!(connection, |c| environments::table
            .filter(environments::project_id.eq(project_id))
            .filter(environments::branch.eq(branch))
            .select(EnvironmentRow::as_select())
            .first(c)
            .await
            .optional())?;
        Ok(row.map(Into::into))
    }

    /// Sets the branch that an environment follows and its settings.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another environment of the project follows the `branch`.
    pub async fn update_environment(
        &self,
        id: EnvironmentId,
        branch: Option<BranchName>,
        settings: &EnvironmentSettings,
    ) -> Result<Environment, StoreError> {
        let mut connection = self.write().await?;
        let change = (
            environments::branch.eq(branch),
            environments::settings.eq(Json(settings.clone())),
            environments::updated_at.eq(StoredTime::now()),
        );
        let row: EnvironmentRow = on!(connection, |c| diesel::update(environments::table.find(id))
            .set(change)
            .returning(EnvironmentRow::as_returning())
            .get_result(c)
            .await)?;
        Ok(row.into())
    }

    /// Sets how many instances of some process types an environment has; what is set of others stays.
    pub async fn set_formation(
        &self,
        id: EnvironmentId,
        counts: &BTreeMap<ProcessType, u16>,
    ) -> Result<(), StoreError> {
        self.transaction(async |connection| {
            lock(connection, id).await?;
            let row = environments::table.find(id).select(environments::settings);
            let mut settings: Json<EnvironmentSettings> = on!(connection, |c| row.first(c).await)?;
            settings.0.formation.0.extend(counts.clone());
            let change =
                (environments::settings.eq(settings), environments::updated_at.eq(StoredTime::now()));
            on!(connection, |c| diesel::update(environments::table.find(id)).set(change).execute(c).await)?;
            Ok(())
        })
        .await
    }
}

/// [`lock`]s every environment of a project.
pub(super) async fn lock_all(connection: &mut Connection, project_id: ProjectId) -> Result<(), StoreError> {
    let rows = environments::table.filter(environments::project_id.eq(project_id)).select(environments::id);
    if let Connection::Postgres(postgres) = connection {
        let _ids: Vec<EnvironmentId> = rows.for_no_key_update().load(&mut **postgres).await?;
    }
    Ok(())
}

/// Makes other transactions that lock the environment wait until this one has ended.
pub(super) async fn lock(connection: &mut Connection, id: EnvironmentId) -> Result<(), StoreError> {
    let row = environments::table.find(id).select(environments::id);
    let _id: EnvironmentId = match connection {
        Connection::Postgres(postgres) => row.for_no_key_update().first(&mut **postgres).await?,
        // A transaction in SQLite is the only one that writes.
        Connection::Sqlite(sqlite) => row.first(&mut **sqlite).await?,
    };
    Ok(())
}
