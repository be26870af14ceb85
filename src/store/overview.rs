//! What lists show of many things, asked for all of them at once.

use crate::model::deployment::DeploymentState;
use crate::model::id::{EnvironmentId, ProjectId, UserId};
use crate::model::name::Username;
use crate::store::Store;
use crate::store::backend::on;
use crate::store::deployments::committed_states;
use crate::store::error::StoreError;
use crate::store::schema::{deployments, environments, projects, releases, users};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::collections::{HashMap, HashSet};

/// How a project is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProjectActivity {
    /// Of its newest deployment; `None` where there is none.
    pub newest: Option<DeploymentState>,
    /// Whether a release of it is served.
    pub serves: bool,
}

impl Store {
    /// How some projects are doing.
    pub async fn activity_of(
        &self,
        ids: &[ProjectId],
    ) -> Result<HashMap<ProjectId, ProjectActivity>, StoreError> {
        let &[id] = ids else { return self.read_activity_of(ids).await };
        let read = async || Ok(self.read_activity_of(ids).await?.remove(&id));
        let activity = self.memory.recall(|memory| &memory.activity, id, read).await?;
        Ok(activity.map(|activity| (id, activity)).into_iter().collect())
    }

    async fn read_activity_of(
        &self,
        ids: &[ProjectId],
    ) -> Result<HashMap<ProjectId, ProjectActivity>, StoreError> {
        let mut connection = self.read().await?;
        let newest = deployments::table
            .filter(deployments::project_id.eq(projects::id))
            .order(deployments::id.desc())
            .select(deployments::state)
            .limit(1)
            .single_value();
        let newest: Vec<(ProjectId, Option<DeploymentState>)> = on!(connection, |c| projects::table
            .filter(projects::id.eq_any(ids))
            .select((projects::id, newest))
            .load(c)
            .await)?;
        let live = releases::table
            .inner_join(deployments::table)
            .filter(releases::environment_id.eq(environments::id))
            .filter(deployments::state.eq_any(committed_states()));
        let serving: Vec<ProjectId> = on!(connection, |c| environments::table
            .filter(environments::project_id.eq_any(ids))
            .filter(exists(live))
            .select(environments::project_id)
            .load(c)
            .await)?;
        let serving: HashSet<ProjectId> = serving.into_iter().collect();
        let activity = |(id, newest)| (id, ProjectActivity { newest, serves: serving.contains(&id) });
        Ok(newest.into_iter().map(activity).collect())
    }

    /// The versions of the releases that are served of some environments.
    pub async fn live_versions(
        &self,
        ids: &[EnvironmentId],
    ) -> Result<HashMap<EnvironmentId, i64>, StoreError> {
        let mut connection = self.read().await?;
        let version = releases::table
            .inner_join(deployments::table)
            .filter(releases::environment_id.eq(environments::id))
            .filter(deployments::state.eq_any(committed_states()))
            .order(releases::version.desc())
            .select(releases::version)
            .limit(1)
            .single_value();
        let versions: Vec<(EnvironmentId, Option<i64>)> = on!(connection, |c| environments::table
            .filter(environments::id.eq_any(ids))
            .select((environments::id, version))
            .load(c)
            .await)?;
        Ok(versions.into_iter().filter_map(|(id, version)| Some((id, version?))).collect())
    }

    /// The names of some accounts; those that are gone have none.
    pub async fn usernames(&self, ids: &[UserId]) -> Result<HashMap<UserId, Username>, StoreError> {
        let mut connection = self.read().await?;
        let names = users::table.filter(users::id.eq_any(ids)).select((users::id, users::username));
        let names: Vec<(UserId, Username)> = on!(connection, |c| names.load(c).await)?;
        Ok(names.into_iter().collect())
    }
}
