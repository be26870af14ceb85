//! What has come for connections of projects and waits for the checks of a commit.

use crate::model::hook::{DeliveryOutcome, SkipReason};
use crate::model::id::{HookDeliveryId, HookId};
use crate::model::name::CommitId;
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::backend::on;
use crate::store::error::StoreError;
use crate::store::schema::{hook_deliveries as deliveries, hooks};
use crate::store::types::{Json, StoredTime};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// A delivery that is decided once the checks of a commit have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingDelivery {
    pub id: HookDeliveryId,
    pub hook_id: HookId,
    pub commit: CommitId,
    pub received_at: Timestamp,
}

impl Store {
    /// The deliveries since a time that wait for the checks of a commit, of the connections that wait for them now.
    pub async fn deliveries_that_wait(&self, since: Timestamp) -> Result<Vec<WaitingDelivery>, StoreError> {
        type Row = (HookDeliveryId, HookId, Option<CommitId>, Json<DeliveryOutcome>, StoredTime);
        let mut connection = self.read().await?;
        let waiting: Vec<HookId> = on!(connection, |c| hooks::table
            .filter(hooks::enabled.eq(true))
            .filter(hooks::wait_for_checks.eq(true))
            .select(hooks::id)
            .load(c)
            .await)?;
        let rows: Vec<Row> = on!(connection, |c| deliveries::table
            .filter(deliveries::hook_id.eq_any(&waiting))
            .filter(deliveries::commit_id.is_not_null())
            .filter(deliveries::received_at.ge(StoredTime(since)))
            .order(deliveries::id)
            .select((
                deliveries::id,
                deliveries::hook_id,
                deliveries::commit_id,
                deliveries::outcome,
                deliveries::received_at,
            ))
            .load(c)
            .await)?;
        let waiting = |(id, hook_id, commit, outcome, received_at): Row| {
            let commit = commit.filter(|_| outcome.0.is_skipped_for(SkipReason::WaitsForChecks))?;
            Some(WaitingDelivery { id, hook_id, commit, received_at: received_at.into() })
        };
        Ok(rows.into_iter().filter_map(waiting).collect())
    }
}
