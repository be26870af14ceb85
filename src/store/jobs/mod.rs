//! The durable queue of jobs: one row per job, taken by one guarded update under a lease.
//!
//! A running job belongs to its worker until its lease ends; a worker that lives extends it ([`Store::heartbeat_job`]),
//! one that died loses it to the next that asks ([`Store::claim_job`], in [`claim`]). Jobs that share a lock key run
//! one after the other, by a unique index.

mod claim;

pub use claim::Whose;

use crate::model::id::{DeploymentId, JobId};
use crate::model::time::{Timestamp, now};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::schema::jobs;
use crate::store::types::{Json, StoredTime, storable};
use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use std::time::Duration;

/// States of a job, as they are stored. Those that have ended are kept a while, for people who look into the table.
const QUEUED: &str = "queued";
const RUNNING: &str = "running";
const DONE: &str = "done";
const FAILED: &str = "failed";
const CANCELLED: &str = "cancelled";

/// Work to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// What kind of work it is, for example `deploy`.
    pub kind: String,
    pub payload: Value,
    /// Jobs with the same key run one after the other.
    pub lock_key: Option<String>,
    /// The deployment that the work is for; the job goes when the deployment goes.
    pub deployment_id: Option<DeploymentId>,
}

/// Work that a worker has taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub id: JobId,
    pub kind: String,
    pub payload: Value,
    pub lock_key: Option<String>,
    pub deployment_id: Option<DeploymentId>,
    /// How often it was taken, this time included: above 1 after a failure or the end of a worker.
    pub attempts: i32,
    /// How many attempts before this one have not ended: the server was gone first.
    pub deaths: i32,
    pub created_at: Timestamp,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = jobs)]
struct JobRow {
    id: JobId,
    kind: String,
    payload: Json<Value>,
    lock_key: Option<String>,
    deployment_id: Option<DeploymentId>,
    attempts: i32,
    ends: i32,
    created_at: StoredTime,
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            payload: row.payload.0,
            lock_key: row.lock_key,
            deployment_id: row.deployment_id,
            attempts: row.attempts,
            deaths: row.attempts - 1 - row.ends,
            created_at: row.created_at.into(),
        }
    }
}

impl Store {
    /// Puts a job at the end of the queue.
    pub async fn enqueue_job(&self, new: NewJob) -> Result<JobId, StoreError> {
        let mut connection = self.write().await?;
        insert(&mut connection, new).await
    }

    /// Extends the lease of a job from now; `false` when the job is no longer this worker's and it has to stop.
    pub async fn heartbeat_job(&self, id: JobId, worker: &str, lease: Duration) -> Result<bool, StoreError> {
        let mut connection = self.write().await?;
        let change = jobs::lease_until.eq(lease_end(lease));
        let extended = on!(connection, |c| diesel::update(running_by(worker).filter(jobs::id.eq(id)))
            .set(change)
            .execute(c)
            .await)?;
        Ok(extended == 1)
    }

    /// Ends a job that is done; `false` when it is no longer this worker's.
    pub async fn complete_job(&self, id: JobId, worker: &str) -> Result<bool, StoreError> {
        self.end_job(id, worker, DONE, None, None).await
    }

    /// Ends a job that failed, or puts it back into the queue for another attempt at `retry_at`; `false` when it is no
    /// longer this worker's.
    pub async fn fail_job(
        &self,
        id: JobId,
        worker: &str,
        error: &str,
        retry_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let state = if retry_at.is_some() { QUEUED } else { FAILED };
        self.end_job(id, worker, state, Some(error), retry_at).await
    }

    /// Puts every job of a worker that was gone before they ended back into the queue; gives their number.
    pub async fn release_jobs_of(&self, worker: &str) -> Result<usize, StoreError> {
        self.give_back(worker, 0).await
    }

    /// Puts every job of a worker back into the queue, as it stops in order; gives their number.
    pub async fn interrupt_jobs_of(&self, worker: &str) -> Result<usize, StoreError> {
        self.give_back(worker, 1).await
    }

    async fn give_back(&self, worker: &str, ends: i32) -> Result<usize, StoreError> {
        let mut connection = self.write().await?;
        let change = (
            jobs::ends.eq(jobs::ends + ends),
            jobs::state.eq(QUEUED),
            jobs::worker.eq(None::<String>),
            jobs::lease_until.eq(None::<StoredTime>),
        );
        Ok(on!(connection, |c| diesel::update(running_by(worker)).set(change).execute(c).await)?)
    }

    /// Forgets the jobs that ended before a time; gives their number.
    pub async fn prune_jobs(&self, before: Timestamp) -> Result<usize, StoreError> {
        let mut connection = self.write().await?;
        let ended = jobs::table.filter(jobs::finished_at.lt(StoredTime(before)).assume_not_null());
        Ok(on!(connection, |c| diesel::delete(ended).execute(c).await)?)
    }

    /// How many jobs wait or run.
    pub async fn open_jobs(&self) -> Result<i64, StoreError> {
        let mut connection = self.read().await?;
        let open = jobs::table.filter(jobs::state.eq_any([QUEUED, RUNNING])).count();
        Ok(on!(connection, |c| open.get_result(c).await)?)
    }

    async fn end_job(
        &self,
        id: JobId,
        worker: &str,
        state: &str,
        error: Option<&str>,
        retry_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let mut connection = self.write().await?;
        let finished_at = if retry_at.is_some() { None } else { Some(StoredTime::now()) };
        let change = (
            jobs::state.eq(state),
            jobs::worker.eq(None::<String>),
            jobs::lease_until.eq(None::<StoredTime>),
            jobs::error.eq(error.map(storable)),
            jobs::finished_at.eq(finished_at),
            jobs::ends.eq(jobs::ends + 1),
            retry_at.map(|at| jobs::run_at.eq(StoredTime(at))),
        );
        let ended = on!(connection, |c| diesel::update(running_by(worker).filter(jobs::id.eq(id)))
            .set(change)
            .execute(c)
            .await)?;
        Ok(ended == 1)
    }
}

/// The jobs that a worker has taken and still owns.
#[diesel::dsl::auto_type(no_type_alias)]
fn running_by<'a>(worker: &'a str) -> _ {
    let running: &'static str = RUNNING;
    jobs::table.filter(jobs::state.eq(running)).filter(jobs::worker.eq(worker))
}

fn lease_end(lease: Duration) -> StoredTime {
    StoredTime(now() + TimeDelta::from_std(lease).unwrap_or(TimeDelta::MAX))
}

/// Puts a job at the end of the queue, within the transaction of what it is for.
pub(super) async fn insert(connection: &mut Connection, new: NewJob) -> Result<JobId, StoreError> {
    let id = JobId::generate();
    let now = StoredTime::now();
    let row = (
        jobs::id.eq(id),
        jobs::kind.eq(new.kind),
        jobs::payload.eq(Json(new.payload)),
        jobs::lock_key.eq(new.lock_key),
        jobs::deployment_id.eq(new.deployment_id),
        jobs::state.eq(QUEUED),
        jobs::attempts.eq(0),
        jobs::ends.eq(0),
        jobs::run_at.eq(now),
        jobs::created_at.eq(now),
    );
    on!(connection, |c| diesel::insert_into(jobs::table).values(&row).execute(c).await)?;
    Ok(id)
}

/// Cancels the job of a deployment where no worker has taken it.
pub(super) async fn cancel_queued_of(
    connection: &mut Connection,
    deployment_id: DeploymentId,
) -> Result<(), StoreError> {
    let queued = jobs::table.filter(jobs::deployment_id.eq(deployment_id)).filter(jobs::state.eq(QUEUED));
    let change = (jobs::state.eq(CANCELLED), jobs::finished_at.eq(StoredTime::now()));
    on!(connection, |c| diesel::update(queued).set(change).execute(c).await)?;
    Ok(())
}
