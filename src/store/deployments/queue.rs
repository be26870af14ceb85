//! Putting a deployment into the queue of its environment, where at most one waits.

use super::moves::insert_event;
use super::{DeploymentRow, undecided_states};
use crate::model::basis::{DeploymentBasis, Meeting, Order};
use crate::model::deployment::{
    Deployment, DeploymentOptions, DeploymentRecord, DeploymentSource, DeploymentState,
};
use crate::model::id::{DeploymentId, EnvironmentId, ProjectId, UserId};
use crate::model::name::{BranchName, CommitId};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::environment_lock;
use crate::store::error::StoreError;
use crate::store::jobs::{self, NewJob};
use crate::store::schema::{deployments, environments as environment_rows, projects};
use crate::store::types::{Json, StoredTime, storable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// A deployment to make.
#[derive(Debug, Clone)]
pub struct NewDeployment {
    pub id: DeploymentId,
    pub project_id: ProjectId,
    pub environment_id: EnvironmentId,
    pub commit: CommitId,
    pub branch: Option<BranchName>,
    /// What the branch pointed at when the push began.
    pub previous_commit: Option<CommitId>,
    pub author: Option<UserId>,
    pub source: DeploymentSource,
    pub options: DeploymentOptions,
}

impl NewDeployment {
    fn order(&self) -> Order {
        Order {
            commit: self.commit.clone(),
            branch: self.branch.clone(),
            source: self.source,
            author: self.author,
            options: self.options.clone(),
        }
    }
}

/// A deployment that waits for its turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Enqueued {
    pub deployment: Deployment,
    /// The deployments that waited until now and are superseded by this one.
    pub superseded: Vec<DeploymentId>,
}

/// Where somebody finds the deployment that does what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Joined {
    /// One that waits or runs already.
    Running(Deployment),
    New(Enqueued),
}

impl Store {
    /// The deployment that does what a new one is to do, or else a new one with the job that will run it: of the waiting
    /// one's place or of an empty one, by the rule of [`crate::model::basis`]. A push joins also what is under way with the
    /// same commit to the same branch, unless somebody has cancelled it or something else would be deployed after it. Of any
    /// number of simultaneous calls for the same one makes it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the environment has gone, [`StoreError::Disabled`] when nothing is deployed to it.
    pub async fn queue_deployment(
        &self,
        new: NewDeployment,
        superseded_reason: &str,
    ) -> Result<Joined, StoreError> {
        self.transaction(async |connection| {
            lock_enabled(connection, new.environment_id).await?;
            let running = async {
                let Some(running) = on_its_way(connection, &new).await? else { return Ok(None) };
                let is_outdone = is_outdone(connection, &running, &new).await?;
                Ok::<_, StoreError>((!is_outdone).then_some(running))
            };
            if let Some(running) = Box::pin(running).await? {
                return Ok(Joined::Running(running));
            }
            // Many statements, for two databases: too large to be moved about.
            Box::pin(meet_waiting(connection, new, superseded_reason)).await
        })
        .await
    }

    /// Puts a deployment and the job that will run it into the queue, in the place of the one that waits there, which
    /// is superseded for `superseded_reason`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the environment has gone, [`StoreError::Disabled`] when nothing is deployed to it.
    pub async fn enqueue_deployment(
        &self,
        new: NewDeployment,
        superseded_reason: &str,
    ) -> Result<Enqueued, StoreError> {
        let row = row_of(new);
        self.transaction(async |connection| {
            lock_enabled(connection, row.environment_id).await?;
            let superseded = supersede(connection, row.environment_id, superseded_reason).await?;
            Box::pin(enqueue(connection, row, superseded)).await
        })
        .await
    }
}

/// Lets a new deployment join the one that waits, or take its place.
async fn meet_waiting(
    connection: &mut Connection,
    mut new: NewDeployment,
    superseded_reason: &str,
) -> Result<Joined, StoreError> {
    let mut reason = superseded_reason.to_owned();
    let waiting = waiting(connection, new.environment_id).await?;
    match waiting.map(|waiting| (waiting.order().meets(&new.order()), waiting)) {
        Some((Meeting::Join(options), waiting)) => {
            if let Some(joined) = set_options(connection, waiting, options).await? {
                return Ok(Joined::Running(joined));
            }
            // It has just begun, and what it begins with is not changed any more.
        }
        Some((Meeting::Replace(carries), waiting)) => {
            if waiting.options.basis != DeploymentBasis::Commit {
                reason.push_str(Deployment::COMES_BACK);
            }
            new.options.carries = carries;
        }
        None => {}
    }
    let superseded = supersede(connection, new.environment_id, &reason).await?;
    enqueue(connection, row_of(new), superseded).await.map(Joined::New)
}

/// Changes what a waiting deployment is to do; `None` where it does not wait any more.
pub(super) async fn set_options(
    connection: &mut Connection,
    waiting: Deployment,
    options: DeploymentOptions,
) -> Result<Option<Deployment>, StoreError> {
    let still = deployments::table.find(waiting.id).filter(deployments::state.eq(DeploymentState::Queued));
    let change = deployments::options.eq(Json(options.clone()));
    let changed = on!(connection, |c| diesel::update(still).set(change).execute(c).await)?;
    Ok((changed == 1).then_some(Deployment { options, ..waiting }))
}

/// Locks an environment, and makes sure that it and its project take deployments: disabling one waits for the lock.
pub(in crate::store) async fn lock_enabled(
    connection: &mut Connection,
    id: EnvironmentId,
) -> Result<(), StoreError> {
    environment_lock::lock(connection, id).await?;
    let enabled = environment_rows::table
        .inner_join(projects::table)
        .filter(environment_rows::id.eq(id))
        .filter(environment_rows::disabled_at.is_null())
        .filter(projects::disabled_at.is_null())
        .filter(projects::deleted_at.is_null())
        .count();
    let enabled: i64 = on!(connection, |c| enabled.get_result(c).await)?;
    if enabled == 1 { Ok(()) } else { Err(StoreError::Disabled) }
}

/// The newest deployment that is to go live with the same commit, and does the same to the same branch.
async fn on_its_way(
    connection: &mut Connection,
    new: &NewDeployment,
) -> Result<Option<Deployment>, StoreError> {
    let rows: Vec<DeploymentRow> = on!(connection, |c| deployments::table
        .filter(deployments::environment_id.eq(new.environment_id))
        .filter(deployments::commit_id.eq(&new.commit))
        .filter(deployments::state.eq_any(undecided_states()))
        .filter(deployments::cancel_requested_at.is_null())
        .order(deployments::id.desc())
        .select(DeploymentRow::as_select())
        .load(c)
        .await)?;
    let order = new.order();
    // What a branch points at in the end is not known before what is under way has ended.
    let joins =
        |deployment: &Deployment| !order.follows_branch() && deployment.order().deploys_the_same(&order);
    Ok(rows.into_iter().map(Deployment::from).find(joins))
}

/// Whether something waits that would take the place of what is under way: then a newer wish for the same has to take the
/// place of that. Settings change nothing of what was pushed.
async fn is_outdone(
    connection: &mut Connection,
    running: &Deployment,
    new: &NewDeployment,
) -> Result<bool, StoreError> {
    let waiting = waiting(connection, new.environment_id).await?;
    let outdoes = |waiting: Deployment| match waiting.options.basis {
        DeploymentBasis::Live { .. } => false,
        DeploymentBasis::Commit | DeploymentBasis::Release { .. } | DeploymentBasis::Promotion { .. } => {
            waiting.id != running.id
        }
    };
    Ok(waiting.is_some_and(outdoes))
}

/// The deployment of an environment that nobody has begun.
pub(super) async fn waiting(
    connection: &mut Connection,
    environment_id: EnvironmentId,
) -> Result<Option<Deployment>, StoreError> {
    let row: Option<DeploymentRow> = on!(connection, |c| deployments::table
        .filter(deployments::environment_id.eq(environment_id))
        .filter(deployments::state.eq(DeploymentState::Queued))
        .order(deployments::id.desc())
        .select(DeploymentRow::as_select())
        .first(c)
        .await
        .optional())?;
    Ok(row.map(Into::into))
}

/// Adds the row with its first event and its job; the transaction has locked the environment.
pub(super) async fn enqueue(
    connection: &mut Connection,
    row: DeploymentRow,
    superseded: Vec<DeploymentId>,
) -> Result<Enqueued, StoreError> {
    on!(connection, |c| diesel::insert_into(deployments::table).values(&row).execute(c).await)?;
    insert_event(connection, row.id, row.state, None).await?;
    let job = NewJob {
        kind: "deploy".to_owned(),
        payload: serde_json::json!({ "deployment_id": row.id }),
        lock_key: Some(row.environment_id.to_string()),
        deployment_id: Some(row.id),
    };
    jobs::insert(connection, job).await?;
    Ok(Enqueued { deployment: row.into(), superseded })
}

pub(super) fn row_of(new: NewDeployment) -> DeploymentRow {
    DeploymentRow {
        id: new.id,
        project_id: new.project_id,
        environment_id: new.environment_id,
        state: DeploymentState::Queued,
        commit_id: new.commit,
        branch: new.branch,
        previous_commit: new.previous_commit,
        author_id: new.author,
        source: new.source,
        options: Json(new.options),
        record: Json(DeploymentRecord::default()),
        cancel_requested_at: None,
        reason: None,
        version: None,
        created_at: StoredTime::now(),
        started_at: None,
        finished_at: None,
    }
}

/// Ends the deployments of an environment that nobody has begun, and cancels their jobs.
async fn supersede(
    connection: &mut Connection,
    environment_id: EnvironmentId,
    reason: &str,
) -> Result<Vec<DeploymentId>, StoreError> {
    let waiting = deployments::table
        .filter(deployments::environment_id.eq(environment_id))
        .filter(deployments::state.eq(DeploymentState::Queued));
    let change = (
        deployments::state.eq(DeploymentState::Superseded),
        deployments::reason.eq(storable(reason)),
        deployments::finished_at.eq(StoredTime::now()),
    );
    let superseded: Vec<DeploymentId> = on!(connection, |c| diesel::update(waiting)
        .set(change)
        .returning(deployments::id)
        .get_results(c)
        .await)?;
    for &id in &superseded {
        insert_event(connection, id, DeploymentState::Superseded, Some(reason)).await?;
        jobs::cancel_queued_of(connection, id).await?;
    }
    Ok(superseded)
}
