//! Moving a deployment from state to state, each move with its event in one transaction.

use super::{cancellable_states, carried};
use crate::model::deployment::{Deployment, DeploymentRecord, DeploymentState, RecordedEvent};
use crate::model::id::DeploymentId;
use crate::model::name::CommitId;
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::jobs;
use crate::store::outbox;
use crate::store::schema::{deployment_events, deployments};
use crate::store::types::{Json, StoredTime, storable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = deployment_events)]
struct EventRow {
    deployment_id: DeploymentId,
    seq: i64,
    state: DeploymentState,
    occurred_at: StoredTime,
    detail: Option<String>,
}

/// What a move writes beside the state.
struct Move<'a> {
    from: DeploymentState,
    to: DeploymentState,
    record: Option<&'a DeploymentRecord>,
    reason: Option<&'a str>,
    detail: Option<&'a str>,
}

impl Store {
    /// Moves a deployment on, with what its steps have made so far.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is no longer in the state `from`.
    pub async fn advance_deployment(
        &self,
        id: DeploymentId,
        from: DeploymentState,
        to: DeploymentState,
        record: &DeploymentRecord,
        detail: Option<&str>,
    ) -> Result<(), StoreError> {
        self.move_deployment(id, Move { from, to, record: Some(record), reason: None, detail }).await
    }

    /// Moves a deployment with the reason why it does not go live. What it has made stays noted: as it is in the
    /// database, or as in `record`.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is no longer in the state `from`.
    pub async fn finish_deployment(
        &self,
        id: DeploymentId,
        from: DeploymentState,
        to: DeploymentState,
        record: Option<&DeploymentRecord>,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        self.move_deployment(id, Move { from, to, record, reason, detail: reason }).await
    }

    /// Notes which commit a deployment has turned out to be about: one that deploys what a branch points at learns it when
    /// it begins.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is no longer `fetching`.
    pub async fn set_deployment_commit(&self, id: DeploymentId, commit: &CommitId) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        let fetching = deployments::table.find(id).filter(deployments::state.eq(DeploymentState::Fetching));
        let change = (deployments::commit_id.eq(commit), deployments::previous_commit.eq(commit));
        let changed = on!(connection, |c| diesel::update(fetching).set(change).execute(c).await)?;
        if changed == 1 { Ok(()) } else { Err(StoreError::Stale) }
    }

    async fn move_deployment(&self, id: DeploymentId, step: Move<'_>) -> Result<(), StoreError> {
        let now = StoredTime::now();
        self.transaction(async |connection| {
            let does_not_go_live = step.to.is_final() && step.to.setback().is_some();
            if does_not_go_live {
                carried::lock_environment_of(connection, id).await?;
            }
            let from = deployments::table.find(id).filter(deployments::state.eq(step.from));
            // `None` leaves a column as it is.
            let change = (
                deployments::state.eq(step.to),
                step.record.map(|record| deployments::record.eq(Json(record.clone()))),
                step.reason.map(|reason| deployments::reason.eq(storable(reason))),
                (step.to == DeploymentState::Fetching).then(|| deployments::started_at.eq(now)),
                step.to.is_final().then(|| deployments::finished_at.eq(now)),
            );
            let moved = on!(connection, |c| diesel::update(from).set(change).execute(c).await)?;
            if moved == 0 {
                let known: i64 =
                    on!(connection, |c| deployments::table.find(id).count().get_result(c).await)?;
                return Err(if known == 0 { StoreError::NotFound } else { StoreError::Stale });
            }
            insert_event(connection, id, step.to, step.detail).await?;
            if does_not_go_live {
                Box::pin(carried::leave_carried(connection, id)).await?;
            }
            Ok(())
        })
        .await
    }

    /// Asks for a deployment to be cancelled; answers whether it will be. One that waits is cancelled at once; one that
    /// runs looks at the request, of which the first counts; for one that is committed it is too late.
    pub async fn request_cancel(&self, id: DeploymentId) -> Result<bool, StoreError> {
        let now = StoredTime::now();
        self.transaction(async |connection| {
            carried::lock_environment_of(connection, id).await?;
            let waiting = deployments::table.find(id).filter(deployments::state.eq(DeploymentState::Queued));
            let cancelled = (
                deployments::state.eq(DeploymentState::Cancelled),
                deployments::reason.eq(Deployment::CANCELLED),
                deployments::cancel_requested_at.eq(now),
                deployments::finished_at.eq(now),
            );
            if on!(connection, |c| diesel::update(waiting).set(cancelled).execute(c).await)? == 1 {
                let reason = Some(Deployment::CANCELLED);
                insert_event(connection, id, DeploymentState::Cancelled, reason).await?;
                jobs::cancel_queued_of(connection, id).await?;
                Box::pin(carried::leave_carried(connection, id)).await?;
                return Ok(true);
            }
            // Guarded by the state in the same statement: a commit comes before it or sees the request.
            let running = deployments::table
                .find(id)
                .filter(deployments::state.eq_any(cancellable_states()))
                .filter(deployments::cancel_requested_at.is_null());
            let requested = deployments::cancel_requested_at.eq(now);
            if on!(connection, |c| diesel::update(running).set(requested).execute(c).await)? == 1 {
                return Ok(true);
            }
            let now: (DeploymentState, Option<StoredTime>) = on!(connection, |c| deployments::table
                .find(id)
                .select((deployments::state, deployments::cancel_requested_at))
                .first(c)
                .await)?;
            Ok(now.0.can_be_cancelled() && now.1.is_some())
        })
        .await
    }

    /// What happened to a deployment, in order.
    pub async fn deployment_events(&self, id: DeploymentId) -> Result<Vec<RecordedEvent>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<EventRow> = on!(connection, |c| deployment_events::table
            .filter(deployment_events::deployment_id.eq(id))
            .order(deployment_events::seq)
            .select(EventRow::as_select())
            .load(c)
            .await)?;
        let event = |row: EventRow| RecordedEvent {
            seq: row.seq,
            state: row.state,
            at: row.occurred_at.into(),
            detail: row.detail,
        };
        Ok(rows.into_iter().map(event).collect())
    }
}

/// Adds the next event of a deployment, also for its project's webhooks; the transaction has written the deployment's row before, which keeps others out.
pub(in crate::store) async fn insert_event(
    connection: &mut Connection,
    deployment_id: DeploymentId,
    state: DeploymentState,
    detail: Option<&str>,
) -> Result<(), StoreError> {
    let last: Option<i64> = on!(connection, |c| deployment_events::table
        .filter(deployment_events::deployment_id.eq(deployment_id))
        .select(diesel::dsl::max(deployment_events::seq))
        .first(c)
        .await)?;
    let row = EventRow {
        deployment_id,
        seq: last.unwrap_or(0) + 1,
        state,
        occurred_at: StoredTime::now(),
        detail: detail.map(storable),
    };
    on!(connection, |c| diesel::insert_into(deployment_events::table).values(&row).execute(c).await)?;
    Box::pin(outbox::note_move(connection, deployment_id, state, detail)).await
}
