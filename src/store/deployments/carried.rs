//! What a deployment carries for the case that it does not go live: see [`crate::model::basis`].

use super::DeploymentRow;
use super::queue::{NewDeployment, enqueue, lock_enabled, row_of, set_options, waiting};
use crate::model::basis::{Meeting, Order};
use crate::model::deployment::{Deployment, DeploymentOptions};
use crate::model::id::{DeploymentId, EnvironmentId};
use crate::store::backend::{Connection, on};
use crate::store::environment_lock;
use crate::store::error::StoreError;
use crate::store::schema::deployments;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// Locks the environment of a deployment that is about to end without going live, before anything else of it is.
pub(super) async fn lock_environment_of(
    connection: &mut Connection,
    id: DeploymentId,
) -> Result<(), StoreError> {
    let environment: EnvironmentId =
        on!(connection, |c| deployments::table.find(id).select(deployments::environment_id).first(c).await)?;
    environment_lock::lock(connection, environment).await
}

/// Puts what a deployment has carried into the queue again, now that it has ended without going live. What waits there
/// meanwhile is newer: it joins, or takes the place. The transaction has locked the environment.
pub(super) async fn leave_carried(connection: &mut Connection, id: DeploymentId) -> Result<(), StoreError> {
    let row: DeploymentRow =
        on!(connection, |c| deployments::table.find(id).select(DeploymentRow::as_select()).first(c).await)?;
    let ended = Deployment::from(row);
    let Some(left) = ended.options.carries else { return Ok(()) };
    match lock_enabled(connection, ended.environment_id).await {
        Ok(()) => {}
        // Nothing more is deployed there.
        Err(StoreError::Disabled) => return Ok(()),
        Err(error) => return Err(error),
    }
    let order = Order::from(left);
    if let Some(waiting) = waiting(connection, ended.environment_id).await? {
        let options = match order.meets(&waiting.order()) {
            Meeting::Join(options) => options,
            // What it carries already is newer, too, and somebody was promised that it comes back.
            Meeting::Replace(carries) => {
                let carries = waiting.options.carries.clone().or(carries);
                DeploymentOptions { carries, ..waiting.options.clone() }
            }
        };
        if set_options(connection, waiting, options).await?.is_some() {
            return Ok(());
        }
    }
    let Order { commit, source, author, options, .. } = order;
    let new = NewDeployment {
        id: DeploymentId::generate(),
        project_id: ended.project_id,
        environment_id: ended.environment_id,
        commit,
        branch: None,
        previous_commit: None,
        author,
        source,
        options,
    };
    enqueue(connection, row_of(new), Vec::new()).await?;
    Ok(())
}
