//! Projects.

use crate::model::environment::{Environment, EnvironmentSettings};
use crate::model::id::{EnvironmentId, ProjectId, UserId};
use crate::model::name::{BranchName, EnvironmentName, Slug};
use crate::model::project::{Deletion, Project};
use crate::model::setting_times::SettingTimes;
use crate::model::time::{Timestamp, now};
use crate::store::Store;
use crate::store::backend::on;
use crate::store::environment_lock::lock_all as lock_environments;
use crate::store::environments::EnvironmentRow;
use crate::store::error::{StoreError, found, missing};
use crate::store::page::{Cursor, Page, PageRequest};
use crate::store::schema::{environments, projects};
use crate::store::types::{StoredTime, times_since};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// A project to make.
#[derive(Debug, Clone)]
pub struct NewProject {
    pub owner_id: UserId,
    pub name: String,
    pub slug: Slug,
    /// How many projects the owner may have with this one. Two that are made in the same moment may both be the last.
    pub at_most: u32,
}

/// Which projects are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    There,
    /// Deleted, and not removed yet.
    Deleted,
    Either,
}

/// The field of the conflict when an owner has as many projects as it may have.
pub const PROJECT_LIMIT: &str = "projects";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = projects)]
pub(super) struct ProjectRow {
    id: ProjectId,
    owner_id: UserId,
    name: String,
    slug: Slug,
    framework: Option<String>,
    disabled_at: Option<StoredTime>,
    created_at: StoredTime,
    updated_at: StoredTime,
    deleted_at: Option<StoredTime>,
    removed_after: Option<StoredTime>,
}

impl From<ProjectRow> for Project {
    fn from(row: ProjectRow) -> Self {
        let deletion = row.deleted_at.zip(row.removed_after);
        Self {
            id: row.id,
            owner_id: row.owner_id,
            name: row.name,
            slug: row.slug,
            framework: row.framework,
            disabled_at: row.disabled_at.map(Into::into),
            deletion: deletion.map(|(at, until)| Deletion { at: at.into(), final_at: until.into() }),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

impl Store {
    /// Makes a project together with its environment `production`, which follows the branch `main`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a taken `slug`, for the `host` that an environment of another project has, or of
    /// [`PROJECT_LIMIT`]; [`StoreError::NotFound`] when the owner has gone.
    pub async fn create_project(
        &self,
        new: NewProject,
        settings: EnvironmentSettings,
    ) -> Result<(Project, Environment), StoreError> {
        let created_at = now();
        let project = ProjectRow {
            id: ProjectId::generate(),
            owner_id: new.owner_id,
            name: new.name,
            slug: new.slug,
            framework: None,
            disabled_at: None,
            created_at: created_at.into(),
            updated_at: created_at.into(),
            deleted_at: None,
            removed_after: None,
        };
        let production = Environment {
            id: EnvironmentId::generate(),
            project_id: project.id,
            name: EnvironmentName::production(),
            branch: Some(BranchName::main()),
            settings,
            settings_set_at: SettingTimes::default(),
            disabled_at: None,
            maintenance_at: None,
            stopped_at: None,
            asleep_at: None,
            created_at,
            updated_at: created_at,
        };
        let environment = EnvironmentRow::of(production, &project.slug);
        self.transaction(async |connection| {
            let owned = projects::table.filter(projects::owner_id.eq(new.owner_id)).count();
            let owned: i64 = on!(connection, |c| owned.get_result(c).await)?;
            if owned >= i64::from(new.at_most) {
                return Err(StoreError::Conflict { field: PROJECT_LIMIT });
            }
            on!(connection, |c| diesel::insert_into(projects::table).values(&project).execute(c).await)?;
            on!(connection, |c| diesel::insert_into(environments::table)
                .values(&environment)
                .execute(c)
                .await)?;
            Ok(())
        })
        .await?;
        Ok((project.into(), environment.into()))
    }

    /// A project by its id.
    pub async fn project(&self, id: ProjectId) -> Result<Project, StoreError> {
        let read = async || {
            let mut connection = self.read().await?;
            let row =
                on!(connection, |c| projects::table.find(id).select(ProjectRow::as_select()).first(c).await)?;
            Ok(row.into())
        };
        self.memory.recall(|memory| &memory.projects, id, read).await
    }

    /// A project by its slug.
    pub async fn project_by_slug(&self, slug: &Slug) -> Result<Option<Project>, StoreError> {
        let read = async || {
            let mut connection = self.read().await?;
            let project = projects::table.filter(projects::slug.eq(slug));
            let row = on!(connection, |c| project.select(ProjectRow::as_select()).first(c).await.optional())?;
            Ok(row.map(Into::into))
        };
        self.memory.recall(|memory| &memory.slugs, slug.clone(), read).await
    }

    /// The projects of an account, or of everybody, newest first.
    pub async fn projects_of(
        &self,
        owner: Option<UserId>,
        presence: Presence,
        page: PageRequest,
    ) -> Result<Page<Project>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<ProjectRow> = on!(connection, |c| {
            let mut query = projects::table.select(ProjectRow::as_select()).into_boxed();
            query = match presence {
                Presence::There => query.filter(projects::deleted_at.is_null()),
                Presence::Deleted => query.filter(projects::deleted_at.is_not_null()),
                Presence::Either => query,
            };
            if let Some(owner) = owner {
                query = query.filter(projects::owner_id.eq(owner));
            }
            if let Some(after) = page.after_id() {
                query = query.filter(projects::id.lt(ProjectId::from_uuid(after)));
            }
            query.order(projects::id.desc()).limit(page.rows()).load(c).await
        })?;
        let projects = rows.into_iter().map(Project::from).collect();
        Ok(Page::from_rows(projects, page, |project| Cursor::id(project.id.as_uuid())))
    }

    /// Changes the free-form name of a project; its slug stays. With `unless_changed_since` only if nothing else of it has
    /// changed since that time.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when something has, or the project has gone.
    pub async fn rename_project(
        &self,
        id: ProjectId,
        name: &str,
        unless_changed_since: Option<Timestamp>,
    ) -> Result<Project, StoreError> {
        let change = (projects::name.eq(name), projects::updated_at.eq(StoredTime::now()));
        let mut connection = self.write().await?;
        let (earliest, latest) = times_since(unless_changed_since);
        let unchanged = projects::table.find(id).filter(projects::updated_at.between(earliest, latest));
        let row: Option<ProjectRow> = on!(connection, |c| diesel::update(unchanged)
            .set(change)
            .returning(ProjectRow::as_returning())
            .get_result(c)
            .await
            .optional())?;
        row.map(Into::into).ok_or_else(|| missing(unless_changed_since))
    }

    /// Notes which framework was recognised last.
    pub async fn set_project_framework(&self, id: ProjectId, framework: &str) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        let change = (projects::framework.eq(framework), projects::updated_at.eq(StoredTime::now()));
        let changed =
            on!(connection, |c| diesel::update(projects::table.find(id)).set(change).execute(c).await)?;
        found(changed)
    }

    /// Disables a project since a time, or enables it again. A deployment is queued before it, and is seen by whoever asks
    /// after it, or not at all.
    pub async fn set_project_disabled(
        &self,
        id: ProjectId,
        since: Option<Timestamp>,
    ) -> Result<Project, StoreError> {
        let change = (
            projects::disabled_at.eq(since.map(StoredTime::from)),
            projects::updated_at.eq(StoredTime::now()),
        );
        self.transaction(async |connection| {
            lock_environments(connection, id).await?;
            let row: ProjectRow = on!(connection, |c| diesel::update(projects::table.find(id))
                .set(change)
                .returning(ProjectRow::as_returning())
                .get_result(c)
                .await)?;
            Ok(row.into())
        })
        .await
    }

    /// Removes a project with everything that belongs to it: environments, deployments with their logs and jobs, releases.
    pub async fn delete_project(&self, id: ProjectId) -> Result<(), StoreError> {
        self.transaction(async |connection| {
            // In the order of every other transaction: environments before what they belong to.
            lock_environments(connection, id).await?;
            let deleted = on!(connection, |c| diesel::delete(projects::table.find(id)).execute(c).await)?;
            found(deleted)
        })
        .await
    }
}
