//! Moving a deployment from state to state, each move with its event in one transaction.

use super::unfinished_states;
use crate::model::deployment::{DeploymentRecord, DeploymentState, RecordedEvent};
use crate::model::id::DeploymentId;
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::{StoreError, found};
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

    /// Moves a deployment with the reason why it does not go live; what it has made stays noted.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is no longer in the state `from`.
    pub async fn finish_deployment(
        &self,
        id: DeploymentId,
        from: DeploymentState,
        to: DeploymentState,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        self.move_deployment(id, Move { from, to, record: None, reason, detail: reason }).await
    }

    async fn move_deployment(&self, id: DeploymentId, step: Move<'_>) -> Result<(), StoreError> {
        let now = StoredTime::now();
        self.transaction(async |connection| {
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
            insert_event(connection, id, step.to, step.detail).await
        })
        .await
    }

    /// Notes what the steps of a deployment have made, within a step.
    pub async fn save_record(&self, id: DeploymentId, record: &DeploymentRecord) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        let change = deployments::record.eq(Json(record.clone()));
        let changed =
            on!(connection, |c| diesel::update(deployments::table.find(id)).set(change).execute(c).await)?;
        found(changed)
    }

    /// Asks for a deployment to be cancelled; answers whether it had not ended yet. The first request counts.
    pub async fn request_cancel(&self, id: DeploymentId) -> Result<bool, StoreError> {
        self.transaction(async |connection| {
            let state: DeploymentState =
                on!(connection, |c| deployments::table.find(id).select(deployments::state).first(c).await)?;
            let unfinished = deployments::table
                .find(id)
                .filter(deployments::state.eq_any(unfinished_states()))
                .filter(deployments::cancel_requested_at.is_null());
            let change = deployments::cancel_requested_at.eq(StoredTime::now());
            on!(connection, |c| diesel::update(unfinished).set(change).execute(c).await)?;
            Ok(!state.is_final())
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

/// Adds the next event of a deployment; the transaction has written the deployment's row before, which keeps others out.
pub(super) async fn insert_event(
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
    Ok(())
}
