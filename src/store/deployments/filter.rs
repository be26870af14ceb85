//! The deployments of a project, by what is asked for.

use super::DeploymentRow;
use crate::model::deployment::{Deployment, DeploymentOptions, DeploymentSource, DeploymentState, Status};
use crate::model::id::{DeploymentId, EnvironmentId, ProjectId};
use crate::model::name::CommitId;
use crate::store::Store;
use crate::store::backend::on;
use crate::store::error::StoreError;
use crate::store::page::{Cursor, Page, PageRequest};
use crate::store::schema::deployments;
use crate::store::types::Json;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// Rollbacks of an environment that are looked at.
const ROLLBACKS: i64 = 200;

/// Which deployments are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct DeploymentFilter {
    pub status: Option<Status>,
    pub environment_id: Option<EnvironmentId>,
    pub commit: Option<CommitId>,
}

impl Store {
    /// The deployments of a project, newest first.
    pub async fn deployments_of(
        &self,
        project_id: ProjectId,
        filter: &DeploymentFilter,
        page: PageRequest,
    ) -> Result<Page<Deployment>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<DeploymentRow> = on!(connection, |c| {
            let mut query = deployments::table
                .filter(deployments::project_id.eq(project_id))
                .select(DeploymentRow::as_select())
                .into_boxed();
            if let Some(status) = filter.status {
                query = query.filter(deployments::state.eq_any(states_of(status)));
            }
            if let Some(environment_id) = filter.environment_id {
                query = query.filter(deployments::environment_id.eq(environment_id));
            }
            if let Some(commit) = &filter.commit {
                query = query.filter(deployments::commit_id.eq(commit));
            }
            if let Some(after) = page.after_id() {
                query = query.filter(deployments::id.lt(DeploymentId::from_uuid(after)));
            }
            query.order(deployments::id.desc()).limit(page.rows()).load(c).await
        })?;
        let deployments = rows.into_iter().map(Deployment::from).collect();
        Ok(Page::from_rows(deployments, page, |deployment| Cursor::id(deployment.id.as_uuid())))
    }
}

impl Store {
    /// Versions of releases of an environment that the server has taken back by itself, or has tried to; of the newest
    /// rollbacks.
    pub async fn versions_taken_back(&self, environment_id: EnvironmentId) -> Result<Vec<i64>, StoreError> {
        let mut connection = self.read().await?;
        let options: Vec<Json<DeploymentOptions>> = on!(connection, |c| deployments::table
            .filter(deployments::environment_id.eq(environment_id))
            .filter(deployments::source.eq(DeploymentSource::Rollback))
            .order(deployments::id.desc())
            .limit(ROLLBACKS)
            .select(deployments::options)
            .load(c)
            .await)?;
        Ok(options.into_iter().filter_map(|options| Some(options.0.automatic?.from)).collect())
    }
}

fn states_of(status: Status) -> Vec<DeploymentState> {
    DeploymentState::ALL.into_iter().filter(|state| state.status() == status).collect()
}
