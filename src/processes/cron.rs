//! Commands of a schedule: each run is a one-off command with the image, the variables and the limits of what is live.
//!
//! Its shared state is the runs that are under way, to leave out or stop the one before. The database has every run, and
//! lets one at most be for a minute.

mod execution;
mod under_way;

pub use self::under_way::CronRuns;

use self::execution::{AHEAD, Execution, failed};
use self::under_way::Turn;
use super::one_off::typed;
use super::{ProcessError, Processes};
use crate::engine::InstanceSpec;
use crate::journal::Mask;
use crate::model::cron::{CronJob, CronRun, CronRunState};
use crate::model::environment::Environment;
use crate::model::id::{CronRunId, UserId};
use crate::model::instance::InstanceKey;
use crate::model::name::CronName;
use crate::model::one_off::OneOffKind;
use crate::model::project::Project;
use crate::model::release::Release;
use crate::model::time::{Timestamp, now};
use crate::model::user::User;
use crate::secrets::{open_files, open_variables};
use crate::store::{Page, PageRequest, StoreError};
use tokio::sync::mpsc;

/// A command of a schedule, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronEntry {
    pub name: CronName,
    pub job: CronJob,
    /// When it is to run next.
    pub next: Option<Timestamp>,
    pub last: Option<CronRun>,
}

/// A run that has begun, and what it prints; nobody has to read that.
pub struct CronStarted {
    pub run: CronRun,
    pub lines: mpsc::Receiver<String>,
}

impl Processes {
    /// The commands of the schedule of what is live in an environment, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn cron(&self, environment: &Environment) -> Result<Vec<CronEntry>, ProcessError> {
        let Some(live) = self.store.current_release(environment.id).await? else { return Ok(Vec::new()) };
        let mut entries = Vec::new();
        for (name, job) in live.content.cron {
            let newest = self.store.cron_runs_of(environment.id, &name, PageRequest::new(1, None)).await?;
            let next = job.next_after(now());
            entries.push(CronEntry { name, job, next, last: newest.data.into_iter().next() });
        }
        Ok(entries)
    }

    /// The runs of a command, newest first; of one that is not in the schedule any more, too.
    ///
    /// # Errors
    /// [`ProcessError::NoCron`] when there is no such command and never was one.
    pub async fn cron_history(
        &self,
        environment: &Environment,
        name: &CronName,
        page: PageRequest,
    ) -> Result<Page<CronRun>, ProcessError> {
        let runs = self.store.cron_runs_of(environment.id, name, page).await?;
        if runs.data.is_empty() {
            let live = self.store.current_release(environment.id).await?;
            if !live.is_some_and(|live| live.content.cron.contains_key(name)) {
                return Err(ProcessError::NoCron(name.clone()));
            }
        }
        Ok(runs)
    }

    /// Runs a command of the schedule at once, whatever its schedule says.
    ///
    /// # Errors
    /// When there is no such command, it runs already and is not to run twice, or it cannot be begun.
    pub async fn run_cron(
        &self,
        project: &Project,
        environment: &Environment,
        name: &CronName,
        user: &User,
    ) -> Result<CronStarted, ProcessError> {
        let live = self.store.current_release(environment.id).await?;
        let live = live.ok_or_else(|| ProcessError::NothingLive(environment.name.clone()))?;
        let job = live.content.cron.get(name).cloned().ok_or_else(|| ProcessError::NoCron(name.clone()))?;
        let run = new_run(&live, name, (None, Some(user.id)));
        let turn = self.cron_runs.reserve(&run, job.overlap);
        let turn = turn.ok_or_else(|| ProcessError::CronRuns(name.clone()))?;
        self.begin_cron(project, &live, job, (run, turn)).await
    }

    /// Runs a command of the schedule for its minute, or leaves it out. `None`: that was done already.
    ///
    /// # Errors
    /// When the database does not answer: to be tried again within the minute.
    pub async fn run_cron_at(
        &self,
        project: &Project,
        live: &Release,
        (name, job): (&CronName, &CronJob),
        minute: Timestamp,
    ) -> Result<Option<CronRun>, ProcessError> {
        let mut run = new_run(live, name, (Some(minute), None));
        let Some(turn) = self.cron_runs.reserve(&run, job.overlap) else {
            run.state = CronRunState::Skipped;
            run.reason = Some("The run before it had not ended.".to_owned());
            run.finished_at = Some(run.started_at);
            return match self.store.begin_cron_run(run.clone()).await {
                Ok(()) => Ok(Some(run)),
                Err(StoreError::Conflict { .. }) => Ok(None),
                Err(error) => Err(error.into()),
            };
        };
        match self.begin_cron(project, live, job.clone(), (run, turn)).await {
            Ok(started) => Ok(Some(started.run)),
            Err(ProcessError::Store(StoreError::Conflict { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Notes a run and starts it behind the caller's back.
    async fn begin_cron(
        &self,
        project: &Project,
        live: &Release,
        job: CronJob,
        (run, mut turn): (CronRun, Turn),
    ) -> Result<CronStarted, ProcessError> {
        let environment_id = live.environment_id;
        self.store.begin_cron_run(run.clone()).await?;
        let prepared = async {
            let variables = open_variables(&self.master_key, environment_id, &live.content)?;
            let files = open_files(&self.master_key, environment_id, &live.content)?;
            let [.., high, low] = *uuid::Uuid::now_v7().as_bytes();
            let place =
                self.one_offs.begin(environment_id, OneOffKind::Cron, u16::from_be_bytes([high, low]));
            let place = place.map_err(|too_many| ProcessError::TooMany(too_many.0))?;
            let process_type = OneOffKind::Cron.process_type();
            let spec = InstanceSpec {
                limits: live.content.limits_of(&process_type),
                key: InstanceKey {
                    project_id: project.id,
                    environment_id,
                    deployment_id: live.instances_of(),
                    process_type,
                    index: place.index(),
                },
                generation: 0,
                image: live.content.image.clone(),
                command: typed(&job.command),
                stop_signal: None,
                environment: variables,
                files,
                volumes: live.content.volumes.clone(),
                port: live.content.port,
                slug: project.slug.clone(),
            };
            Ok::<_, ProcessError>((spec, place))
        };
        let (spec, place) = match prepared.await {
            Ok(prepared) => prepared,
            Err(error) => {
                self.end_cron(&run, failed(error.to_string())).await;
                return Err(error);
            }
        };
        // Only now does it take the place of another one: whatever keeps it from starting keeps that one running.
        turn.begin();
        let mask = Mask::new(spec.environment.iter().map(|(_, value)| value));
        let (lines, receiver) = mpsc::channel(AHEAD);
        let started = CronStarted { run: run.clone(), lines: receiver };
        let processes = self.clone();
        let execution = Execution { processes, run, spec, job, turn, mask, lines, _place: place };
        tokio::spawn(execution.carry_out());
        Ok(started)
    }
}

fn new_run(
    live: &Release,
    name: &CronName,
    (scheduled_at, requested_by): (Option<Timestamp>, Option<UserId>),
) -> CronRun {
    CronRun {
        id: CronRunId::generate(),
        environment_id: live.environment_id,
        name: name.clone(),
        scheduled_at,
        requested_by,
        version: live.version,
        state: CronRunState::Running,
        exit_code: None,
        reason: None,
        output: String::new(),
        started_at: now(),
        finished_at: None,
    }
}
