//! Deployments: their rows and how they are found. How one is put into the queue is in [`queue`], how it moves in
//! [`moves`].

mod carried;
pub(super) mod filter;
pub(super) mod moves;
pub(super) mod queue;
mod unasked;

use crate::model::deployment::{
    Deployment, DeploymentOptions, DeploymentRecord, DeploymentSource, DeploymentState,
};
use crate::model::id::{DeploymentId, EnvironmentId, ProjectId, UserId};
use crate::model::name::{BranchName, CommitId};
use crate::store::Store;
use crate::store::backend::on;
use crate::store::error::StoreError;
use crate::store::schema::deployments;
use crate::store::types::{Json, StoredTime};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = deployments)]
struct DeploymentRow {
    id: DeploymentId,
    project_id: ProjectId,
    environment_id: EnvironmentId,
    state: DeploymentState,
    commit_id: CommitId,
    branch: Option<BranchName>,
    previous_commit: Option<CommitId>,
    author_id: Option<UserId>,
    source: DeploymentSource,
    options: Json<DeploymentOptions>,
    record: Json<DeploymentRecord>,
    cancel_requested_at: Option<StoredTime>,
    reason: Option<String>,
    version: Option<i64>,
    created_at: StoredTime,
    started_at: Option<StoredTime>,
    finished_at: Option<StoredTime>,
}

impl From<DeploymentRow> for Deployment {
    fn from(row: DeploymentRow) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            environment_id: row.environment_id,
            state: row.state,
            commit: row.commit_id,
            branch: row.branch,
            previous_commit: row.previous_commit,
            author: row.author_id,
            source: row.source,
            options: row.options.0,
            record: row.record.0,
            cancel_requested_at: row.cancel_requested_at.map(Into::into),
            reason: row.reason,
            version: row.version,
            created_at: row.created_at.into(),
            started_at: row.started_at.map(Into::into),
            finished_at: row.finished_at.map(Into::into),
        }
    }
}

impl Store {
    /// A deployment by its id.
    pub async fn deployment(&self, id: DeploymentId) -> Result<Deployment, StoreError> {
        let mut connection = self.read().await?;
        let row = on!(connection, |c| deployments::table
            .find(id)
            .select(DeploymentRow::as_select())
            .first(c)
            .await)?;
        Ok(row.into())
    }

    /// Deployments by their ids, in no order; those that are gone are left out.
    pub async fn deployments_with(&self, ids: &[DeploymentId]) -> Result<Vec<Deployment>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<DeploymentRow> = on!(connection, |c| deployments::table
            .filter(deployments::id.eq_any(ids))
            .select(DeploymentRow::as_select())
            .load(c)
            .await)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Every deployment that has not ended yet, oldest first: what a starting server resumes or undoes.
    pub async fn unfinished_deployments(&self) -> Result<Vec<Deployment>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<DeploymentRow> = on!(connection, |c| deployments::table
            .filter(deployments::state.eq_any(unfinished_states()))
            .order(deployments::id)
            .select(DeploymentRow::as_select())
            .load(c)
            .await)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// The deployment behind a release: the newest up to its version that has brought something else to the environment than
    /// settings. `None` where there is none, such as for an environment that is gone.
    pub async fn deployment_behind(
        &self,
        environment_id: EnvironmentId,
        version: i64,
    ) -> Result<Option<Deployment>, StoreError> {
        let of_what_is_live = [DeploymentSource::Config, DeploymentSource::Scale, DeploymentSource::Restart];
        let mut connection = self.read().await?;
        let row: Option<DeploymentRow> = on!(connection, |c| deployments::table
            .filter(deployments::environment_id.eq(environment_id))
            .filter(deployments::version.le(version))
            .filter(deployments::source.ne_all(of_what_is_live))
            .order(deployments::version.desc())
            .select(DeploymentRow::as_select())
            .first(c)
            .await
            .optional())?;
        Ok(row.map(Into::into))
    }

    /// The deployments of an environment that have not ended yet, oldest first: one that runs, one that waits.
    pub async fn unfinished_of(&self, environment_id: EnvironmentId) -> Result<Vec<Deployment>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<DeploymentRow> = on!(connection, |c| deployments::table
            .filter(deployments::environment_id.eq(environment_id))
            .filter(deployments::state.eq_any(unfinished_states()))
            .order(deployments::id)
            .select(DeploymentRow::as_select())
            .load(c)
            .await)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}

/// The states in which something can still happen.
fn unfinished_states() -> Vec<DeploymentState> {
    DeploymentState::ALL.into_iter().filter(|state| !state.is_final()).collect()
}

/// The states in which the deployment is yet to go live.
fn undecided_states() -> Vec<DeploymentState> {
    DeploymentState::ALL.into_iter().filter(|state| state.can_go_live()).collect()
}

/// The states in which it is not too late to cancel.
pub(super) fn cancellable_states() -> Vec<DeploymentState> {
    DeploymentState::ALL.into_iter().filter(|state| state.can_be_cancelled()).collect()
}

/// The states in which the deployment has a release: the one that is served, or was until a newer one came.
pub(super) fn committed_states() -> Vec<DeploymentState> {
    DeploymentState::ALL.into_iter().filter(|state| state.is_committed()).collect()
}
