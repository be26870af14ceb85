//! Putting a deployment into the queue that nobody has asked for.

use super::queue::{Enqueued, NewDeployment, enqueue, lock_enabled, row_of};
use super::{committed_states, unfinished_states};
use crate::model::deployment::Deployment;
use crate::model::id::{DeploymentId, EnvironmentId};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::schema::{deployments, environments, releases};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

impl Store {
    /// Queues a deployment because of what is wrong with the release of `failed`, as long as that is live and to run, and
    /// nothing else is on its way. `None`: it is not, and what somebody wants comes first.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the environment has gone, [`StoreError::Disabled`] when nothing is deployed to it.
    pub async fn queue_unasked(
        &self,
        new: NewDeployment,
        failed: DeploymentId,
    ) -> Result<Option<Deployment>, StoreError> {
        self.transaction(async |connection| {
            // Whoever queues something takes the same lock: it is seen here, or takes the place of this one.
            lock_enabled(connection, new.environment_id).await?;
            if is_overtaken(connection, new.environment_id, failed).await? {
                return Ok(None);
            }
            let Enqueued { deployment, .. } = Box::pin(enqueue(connection, row_of(new), Vec::new())).await?;
            Ok(Some(deployment))
        })
        .await
    }
}

/// Whether a deployment is not what is live and runs, or another one is on its way.
async fn is_overtaken(
    connection: &mut Connection,
    id: EnvironmentId,
    failed: DeploymentId,
) -> Result<bool, StoreError> {
    let others: i64 = on!(connection, |c| deployments::table
        .filter(deployments::environment_id.eq(id))
        .filter(deployments::state.eq_any(unfinished_states()))
        .filter(deployments::id.ne(failed))
        .count()
        .get_result(c)
        .await)?;
    let live: Option<DeploymentId> = on!(connection, |c| releases::table
        .inner_join(deployments::table)
        .filter(releases::environment_id.eq(id))
        .filter(deployments::state.eq_any(committed_states()))
        .order(releases::version.desc())
        .select(releases::deployment_id)
        .first(c)
        .await
        .optional())?;
    let runs: i64 = on!(connection, |c| environments::table
        .find(id)
        .filter(environments::stopped_at.is_null())
        .count()
        .get_result(c)
        .await)?;
    Ok(others > 0 || live != Some(failed) || runs == 0)
}
