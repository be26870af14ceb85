//! Taking the next job.

use super::{Job, JobRow, QUEUED, RUNNING, lease_end};
use crate::model::id::JobId;
use crate::store::Store;
use crate::store::backend::on;
use crate::store::error::StoreError;
use crate::store::schema::jobs;
use crate::store::types::StoredTime;
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::time::Duration;

impl Store {
    /// Takes the oldest job that may run: a queued one whose time has come and whose lock key no running job has and no
    /// older one that waits, or a running one whose lease has ended. A job that is to be tried again keeps its turn.
    ///
    /// The job is picked with a plain read and then taken with one update that is guarded by what was read, so that no
    /// transaction and no row lock is held; who loses the race picks again.
    pub async fn claim_job(&self, worker: &str, lease: Duration) -> Result<Option<Job>, StoreError> {
        while let Some(id) = self.next_job().await? {
            match self.take_job(id, worker, lease).await {
                Ok(Some(job)) => return Ok(Some(job)),
                // Another worker has taken it, or a job with the same lock key.
                Ok(None) | Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn next_job(&self) -> Result<Option<JobId>, StoreError> {
        let now = StoredTime::now();
        let other = diesel::alias!(jobs as other);
        let running = other.field(jobs::state).eq(RUNNING);
        let waits_longer = other.field(jobs::state).eq(QUEUED).and(other.field(jobs::id).lt(jobs::id));
        let locked =
            other.filter(other.field(jobs::lock_key).eq(jobs::lock_key)).filter(running.or(waits_longer));
        let due = jobs::state.eq(QUEUED).and(jobs::run_at.le(now)).and(not(exists(locked)));
        let abandoned = jobs::state.eq(RUNNING).and(jobs::lease_until.lt(now).assume_not_null());
        let next = jobs::table.filter(due.or(abandoned)).order((jobs::run_at, jobs::id)).select(jobs::id);
        let mut connection = self.read().await?;
        Ok(on!(connection, |c| next.first(c).await.optional())?)
    }

    async fn take_job(&self, id: JobId, worker: &str, lease: Duration) -> Result<Option<Job>, StoreError> {
        let now = StoredTime::now();
        let due = jobs::state.eq(QUEUED).and(jobs::run_at.le(now));
        let abandoned = jobs::state.eq(RUNNING).and(jobs::lease_until.lt(now).assume_not_null());
        let free = jobs::table.find(id).filter(due.or(abandoned));
        let change = (
            jobs::state.eq(RUNNING),
            jobs::worker.eq(worker),
            jobs::lease_until.eq(lease_end(lease)),
            jobs::attempts.eq(jobs::attempts + 1),
        );
        let mut connection = self.write().await?;
        let row: Option<JobRow> = on!(connection, |c| diesel::update(free)
            .set(change)
            .returning(JobRow::as_returning())
            .get_result(c)
            .await
            .optional())?;
        Ok(row.map(Into::into))
    }
}
