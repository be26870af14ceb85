//! Taking the next job.

use super::{Job, JobRow, QUEUED, RUNNING, lease_end};
use crate::model::id::{JobId, UserId};
use crate::store::Store;
use crate::store::backend::on;
use crate::store::error::StoreError;
use crate::store::schema::{deployments, jobs, projects};
use crate::store::types::StoredTime;
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::collections::HashMap;
use std::time::Duration;

/// Whose jobs may be taken. A job is its deployment's project's owner's; one of no deployment is everybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    Anybodys,
    /// Of owners of whose jobs none runs.
    IdleOwners,
}

impl Store {
    /// Takes the oldest job that may run: a queued one whose time has come and whose lock key no running job has and no
    /// older one that waits, or a running one whose lease has ended. A job that is to be tried again keeps its turn. Owners
    /// take turns: of those with the fewest running jobs.
    ///
    /// The job is picked with a plain read and then taken with one update that is guarded by what was read, so that no
    /// transaction and no row lock is held; who loses the race picks again.
    pub async fn claim_job(
        &self,
        worker: &str,
        lease: Duration,
        whose: Whose,
    ) -> Result<Option<Job>, StoreError> {
        while let Some(id) = self.next_job(whose).await? {
            match self.take_job(id, worker, lease).await {
                Ok(Some(job)) => return Ok(Some(job)),
                // Another worker has taken it, or a job with the same lock key.
                Ok(None) | Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn next_job(&self, whose: Whose) -> Result<Option<JobId>, StoreError> {
        let now = StoredTime::now();
        let other = diesel::alias!(jobs as other);
        let running = other.field(jobs::state).eq(RUNNING);
        let waits_longer = other.field(jobs::state).eq(QUEUED).and(other.field(jobs::id).lt(jobs::id));
        let locked =
            other.filter(other.field(jobs::lock_key).eq(jobs::lock_key)).filter(running.or(waits_longer));
        let due = jobs::state.eq(QUEUED).and(jobs::run_at.le(now)).and(not(exists(locked)));
        let abandoned = jobs::state.eq(RUNNING).and(jobs::lease_until.lt(now).assume_not_null());
        let next = owned_jobs().filter(due.or(abandoned)).order((jobs::run_at, jobs::id));
        let next = next.select((jobs::id, projects::owner_id.nullable()));
        let running = owned_jobs().filter(jobs::state.eq(RUNNING));
        let running = running.select(projects::owner_id.nullable());
        let mut connection = self.read().await?;
        // All of them: an environment has one that waits.
        let next: Vec<(JobId, Option<UserId>)> = on!(connection, |c| next.load(c).await)?;
        if next.is_empty() {
            return Ok(None);
        }
        let running: Vec<Option<UserId>> = on!(connection, |c| running.load(c).await)?;
        Ok(fairest(&next, &running, whose))
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

/// The jobs, with their projects where they have one.
#[diesel::dsl::auto_type(no_type_alias)]
fn owned_jobs() -> _ {
    jobs::table
        .left_join(deployments::table.on(jobs::deployment_id.eq(deployments::id.nullable())))
        .left_join(projects::table.on(projects::id.eq(deployments::project_id)))
}

/// The first of the jobs whose owner has the fewest running.
fn fairest(next: &[(JobId, Option<UserId>)], running: &[Option<UserId>], whose: Whose) -> Option<JobId> {
    let mut counts: HashMap<UserId, usize> = HashMap::new();
    for owner in running.iter().flatten() {
        *counts.entry(*owner).or_default() += 1;
    }
    let under_way = |owner: Option<UserId>| owner.and_then(|owner| counts.get(&owner)).copied().unwrap_or(0);
    // The first one of equals.
    let (id, owner) = next.iter().min_by_key(|(_, owner)| under_way(*owner))?;
    match whose {
        Whose::Anybodys => Some(*id),
        Whose::IdleOwners => (under_way(*owner) == 0).then_some(*id),
    }
}
