//! Environments.

use crate::model::environment::{Environment, EnvironmentSettings};
use crate::model::id::{EnvironmentId, PreviewId, ProjectId};
use crate::model::name::{BranchName, EnvironmentName, Slug};
use crate::model::setting_times::SettingTimes;
use crate::model::time::now;
use crate::model::webhook::EventKind;
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::environment_lock;
use crate::store::error::{StoreError, found};
use crate::store::outbox::{self, Happening};
use crate::store::schema::{environments, previews};
use crate::store::types::{Json, StoredTime};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

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
    host: String,
    disabled_at: Option<StoredTime>,
    maintenance_at: Option<StoredTime>,
    stopped_at: Option<StoredTime>,
    asleep_at: Option<StoredTime>,
    settings_set_at: Json<SettingTimes>,
}

/// An environment to make.
#[derive(Debug, Clone)]
pub struct NewEnvironment {
    pub project_id: ProjectId,
    /// The project's, which the host name begins with.
    pub slug: Slug,
    pub name: EnvironmentName,
    pub branch: Option<BranchName>,
    pub settings: EnvironmentSettings,
    /// The pull request that it is for; `None`: it is for none.
    pub preview: Option<PreviewId>,
    /// How many environments the project may have with this one, those of pull requests left out.
    pub at_most: u32,
}

/// The field of the conflict when a project has as many environments as it may have.
pub const ENVIRONMENT_LIMIT: &str = "environments";

impl From<EnvironmentRow> for Environment {
    fn from(row: EnvironmentRow) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            name: row.name,
            branch: row.branch,
            settings: row.settings.0,
            settings_set_at: row.settings_set_at.0,
            disabled_at: row.disabled_at.map(Into::into),
            maintenance_at: row.maintenance_at.map(Into::into),
            stopped_at: row.stopped_at.map(Into::into),
            asleep_at: row.asleep_at.map(Into::into),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

impl EnvironmentRow {
    /// The row of an environment of the project with a slug.
    pub(super) fn of(environment: Environment, slug: &Slug) -> Self {
        Self {
            host: environment.name.host_label(slug),
            id: environment.id,
            project_id: environment.project_id,
            name: environment.name,
            branch: environment.branch,
            settings: Json(environment.settings),
            settings_set_at: Json(environment.settings_set_at),
            created_at: environment.created_at.into(),
            updated_at: environment.updated_at.into(),
            disabled_at: environment.disabled_at.map(Into::into),
            maintenance_at: environment.maintenance_at.map(Into::into),
            stopped_at: environment.stopped_at.map(Into::into),
            asleep_at: environment.asleep_at.map(Into::into),
        }
    }
}

impl Store {
    /// Makes an environment.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a `name`, `branch` or `host` that another one has, or of [`ENVIRONMENT_LIMIT`];
    /// [`StoreError::NotFound`] when the project has gone.
    pub async fn create_environment(&self, new: NewEnvironment) -> Result<Environment, StoreError> {
        let created_at = now();
        let environment = Environment {
            id: EnvironmentId::generate(),
            project_id: new.project_id,
            name: new.name,
            branch: new.branch,
            settings: new.settings,
            settings_set_at: SettingTimes::default(),
            disabled_at: None,
            maintenance_at: None,
            stopped_at: None,
            asleep_at: None,
            created_at,
            updated_at: created_at,
        };
        let row = EnvironmentRow::of(environment, &new.slug);
        self.transaction(async |connection| {
            // Two that are made at once are counted one after the other.
            environment_lock::lock_all(connection, new.project_id).await?;
            if new.preview.is_none() && count_own(connection, new.project_id).await? >= i64::from(new.at_most)
            {
                return Err(StoreError::Conflict { field: ENVIRONMENT_LIMIT });
            }
            refuse_taken_name(connection, new.project_id, &row.name, row.id).await?;
            on!(connection, |c| diesel::insert_into(environments::table).values(&row).execute(c).await)?;
            if let Some(preview) = new.preview {
                let its = previews::environment_id.eq(Some(row.id));
                let preview = diesel::update(previews::table.find(preview)).set(its);
                found(on!(connection, |c| preview.execute(c).await)?)?;
            }
            Box::pin(outbox::note(connection, Happening::new(row.id, EventKind::EnvironmentCreated))).await
        })
        .await?;
        Ok(row.into())
    }

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

    /// The environment of a project with a name.
    pub async fn environment_named(
        &self,
        project_id: ProjectId,
        name: &EnvironmentName,
    ) -> Result<Option<Environment>, StoreError> {
        let mut connection = self.read().await?;
        let row: Option<EnvironmentRow> = on!(connection, |c| environments::table
            .filter(environments::project_id.eq(project_id))
            .filter(environments::name.eq(name))
            .select(EnvironmentRow::as_select())
            .first(c)
            .await
            .optional())?;
        Ok(row.map(Into::into))
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
            .filter(environments::disabled_at.is_null())
            .select(EnvironmentRow::as_select())
            .first(c)
            .await
            .optional())?;
        Ok(row.map(Into::into))
    }

    /// The environment of a project that what is merged into a branch is deployed to, or else production.
    pub async fn base_environment(
        &self,
        project_id: ProjectId,
        branch: Option<&BranchName>,
    ) -> Result<Option<Environment>, StoreError> {
        let following = match branch {
            Some(branch) => self.environment_following(project_id, branch).await?,
            None => None,
        };
        match following {
            Some(environment) => Ok(Some(environment)),
            None => self.environment_named(project_id, &EnvironmentName::production()).await,
        }
    }
}

impl Store {
    /// Changes an environment of the project with a slug to what `decide` makes of it as it is now: its name, branch and
    /// settings. A refusal of `decide` changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another environment has the `name`, the `branch` or the `host`.
    pub async fn change_environment<E>(
        &self,
        id: EnvironmentId,
        slug: &Slug,
        decide: impl FnOnce(&Environment) -> Result<Environment, E>,
    ) -> Result<Result<Environment, E>, StoreError> {
        self.transaction(async |connection| {
            environment_lock::lock(connection, id).await?;
            let row: EnvironmentRow = on!(connection, |c| environments::table
                .find(id)
                .select(EnvironmentRow::as_select())
                .first(c)
                .await)?;
            let before = row.into();
            let wanted = match decide(&before) {
                Ok(wanted) => wanted,
                Err(refusal) => return Ok(Err(refusal)),
            };
            refuse_taken_name(connection, wanted.project_id, &wanted.name, id).await?;
            let (at, Environment { settings, settings_set_at, .. }) = (now(), before);
            let change = (
                environments::name.eq(&wanted.name),
                environments::host.eq(wanted.name.host_label(slug)),
                environments::branch.eq(&wanted.branch),
                environments::settings.eq(Json(wanted.settings.clone())),
                environments::settings_set_at.eq(Json(settings_set_at.after(
                    &settings,
                    &wanted.settings,
                    at,
                ))),
                environments::updated_at.eq(StoredTime::from(at)),
            );
            let row: EnvironmentRow = on!(connection, |c| diesel::update(environments::table.find(id))
                .set(change)
                .returning(EnvironmentRow::as_returning())
                .get_result(c)
                .await)?;
            Ok(Ok(row.into()))
        })
        .await
    }
}

/// The environments of a project that are not those of pull requests.
async fn count_own(connection: &mut Connection, project_id: ProjectId) -> Result<i64, StoreError> {
    let of_pull_requests = previews::table
        .filter(previews::project_id.eq(project_id))
        .filter(previews::environment_id.is_not_null())
        .count();
    let of_pull_requests: i64 = on!(connection, |c| of_pull_requests.get_result(c).await)?;
    let of_project = environments::table.filter(environments::project_id.eq(project_id)).count();
    let of_project: i64 = on!(connection, |c| of_project.get_result(c).await)?;
    Ok(of_project - of_pull_requests)
}

/// Tells a name that another environment of the project has from a host name that another project has: equal names have
/// equal host names, and the databases differ in which of the two they say.
async fn refuse_taken_name(
    connection: &mut Connection,
    project_id: ProjectId,
    name: &EnvironmentName,
    except: EnvironmentId,
) -> Result<(), StoreError> {
    let others = environments::table
        .filter(environments::project_id.eq(project_id))
        .filter(environments::name.eq(name))
        .filter(environments::id.ne(except))
        .count();
    let others: i64 = on!(connection, |c| others.get_result(c).await)?;
    if others == 0 { Ok(()) } else { Err(StoreError::Conflict { field: "name" }) }
}
