//! Taking the next job.

use super::{Job, JobRow, QUEUED, RUNNING, lease_end};
use crate::model::id::{DeploymentId, JobId, ProjectId, UserId};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::schema::{deployments, jobs, projects};
use crate::store::types::StoredTime;
use diesel::dsl::{case_when, exists, not};
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
    /// take turns, those with the fewest running jobs first, and so do the projects of one.
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
        let next = next.select((jobs::id, (projects::owner_id, projects::id).nullable()));
        let mut connection = self.read().await?;
        // All of them: an environment has one that waits.
        let next: Vec<(JobId, Option<Whom>)> = on!(connection, |c| next.load(c).await)?;
        if next.is_empty() {
            return Ok(None);
        }
        let running = under_way(&mut connection).await?;
        let Some((id, whom)) = running.fairest(&next) else { return Ok(None) };
        Ok(match whose {
            Whose::Anybodys => Some(id),
            Whose::IdleOwners => (running.under_way(whom).0 == 0).then_some(id),
        })
    }

    /// How many deployments are to begin before one that waits, as it looks now; `None` when it does not wait.
    pub async fn deployments_before(&self, id: DeploymentId) -> Result<Option<u32>, StoreError> {
        type Row = (JobId, Option<Whom>, Option<DeploymentId>, Option<String>);
        let waiting = owned_jobs().filter(jobs::state.eq(QUEUED)).order((jobs::run_at, jobs::id));
        let waiting = waiting.select((
            jobs::id,
            (projects::owner_id, projects::id).nullable(),
            jobs::deployment_id,
            jobs::lock_key,
        ));
        let locks = jobs::table.filter(jobs::state.eq(RUNNING)).select(jobs::lock_key);
        let mut connection = self.read().await?;
        let mut waiting: Vec<Row> = on!(connection, |c| waiting.load(c).await)?;
        let Some(its) = waiting.iter().find(|(_, _, deployment, _)| *deployment == Some(id)) else {
            return Ok(None);
        };
        let (its_job, its_lock) = (its.0, its.3.clone());
        let locks: Vec<Option<String>> = on!(connection, |c| locks.load(c).await)?;
        let is_held = |lock: &Option<String>| lock.is_some() && locks.contains(lock);
        let is_blocked = is_held(&its_lock);
        // Others that wait for their own environment do not keep it waiting.
        waiting.retain(|(job, _, _, lock)| *job == its_job || !is_held(lock));
        let mut next: Vec<(JobId, Option<Whom>)> =
            waiting.into_iter().map(|(job, whom, _, _)| (job, whom)).collect();
        let mut running = under_way(&mut connection).await?;
        let mut before = u32::from(is_blocked);
        while let Some((job, whom)) = running.fairest(&next) {
            if job == its_job {
                break;
            }
            before += 1;
            running.begin(whom);
            next.retain(|(other, _)| *other != job);
        }
        Ok(Some(before))
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
            // One of this server whose lease has run out is held by it all the same: that is no attempt of its own.
            jobs::attempts.eq(case_when(
                jobs::worker.assume_not_null().eq(worker).and(jobs::state.eq(RUNNING)),
                jobs::attempts,
            )
            .otherwise(jobs::attempts + 1)),
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

/// Whose a job is.
type Whom = (UserId, ProjectId);

/// The jobs that run, by whose they are.
#[derive(Default)]
struct Running {
    of_owner: HashMap<UserId, usize>,
    of_project: HashMap<ProjectId, usize>,
}

async fn under_way(connection: &mut Connection) -> Result<Running, StoreError> {
    let running = owned_jobs().filter(jobs::state.eq(RUNNING));
    let running = running.select((projects::owner_id, projects::id).nullable());
    let all: Vec<Option<Whom>> = on!(connection, |c| running.load(c).await)?;
    let mut running = Running::default();
    for whom in all {
        running.begin(whom);
    }
    Ok(running)
}

impl Running {
    fn begin(&mut self, whom: Option<Whom>) {
        if let Some((owner, project)) = whom {
            *self.of_owner.entry(owner).or_default() += 1;
            *self.of_project.entry(project).or_default() += 1;
        }
    }

    /// How many run of an owner, and of a project.
    fn under_way(&self, whom: Option<Whom>) -> (usize, usize) {
        let count = |(owner, project)| {
            let of_owner = self.of_owner.get(&owner).copied().unwrap_or_default();
            (of_owner, self.of_project.get(&project).copied().unwrap_or_default())
        };
        whom.map(count).unwrap_or_default()
    }

    /// The first of the jobs whose owner, and then whose project, has the fewest running.
    fn fairest(&self, next: &[(JobId, Option<Whom>)]) -> Option<(JobId, Option<Whom>)> {
        // The first one of equals.
        next.iter().min_by_key(|(_, whom)| self.under_way(*whom)).copied()
    }
}
