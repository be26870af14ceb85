//! The instances of an environment.

use super::{ProcessError, Processes};
use crate::engine::Life;
use crate::model::environment::Environment;
use crate::model::id::DeploymentId;
use crate::model::instance::{Instance, InstanceState};
use crate::model::name::ProcessType;
use crate::model::time::{Timestamp, now};
use crate::store::StoreError;
use chrono::TimeDelta;
use futures_util::future::try_join_all;
use std::collections::HashMap;

/// One instance, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// `web.1`
    pub name: String,
    pub process_type: ProcessType,
    pub state: ProcessState,
    /// When it was started last, or has ended.
    pub since: Option<Timestamp>,
    /// How often it was started again after it had ended by itself.
    pub restarts: u32,
    /// Of the release that it runs; `None`: of a deployment that is not live yet.
    pub version: Option<i64>,
    /// What there is to say besides: that it does not answer, or what it has taken the place of.
    pub remark: Option<String>,
}

/// What an instance is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessState {
    Starting,
    Running,
    /// It has ended, and is started again unless its deployment is not live yet.
    Crashed {
        code: i64,
        out_of_memory: bool,
    },
    /// It runs and does not answer the health check any more.
    Silent,
    /// It is stopped as nobody asked for it; the next request starts it.
    Asleep,
    /// It ends again and again, soon after it was started; the engine waits longer each time.
    CrashLooping {
        /// How it ended, while it does not run.
        code: Option<i64>,
    },
}

/// Starts after an end that make a crash loop, and how long one that runs must have run to be out of it.
const LOOPS: u32 = 3;
const OUT_OF_LOOP: TimeDelta = TimeDelta::seconds(60);

impl Processes {
    /// The instances of an environment, in the order of their names; those of a deployment that is under way, and
    /// commands that run beside, among them.
    ///
    /// # Errors
    /// When the engine or the database does not answer.
    pub async fn list(&self, environment: &Environment) -> Result<Vec<Process>, ProcessError> {
        let mut instances = self.engine.list().await?;
        // A command that has ended is about to be removed, and has not crashed.
        let is_over = |instance: &Instance| {
            let ends = instance.key.is_one_off() || instance.key.process_type.is_release();
            ends && matches!(instance.state, InstanceState::Exited { .. })
        };
        instances.retain(|instance| instance.key.environment_id == environment.id && !is_over(instance));
        instances.sort_by(|a, b| (&a.key.process_type, a.key.index).cmp(&(&b.key.process_type, b.key.index)));
        let versions = self.versions(environment, &instances).await?;
        let lives = try_join_all(instances.iter().map(|instance| self.engine.life(&instance.id))).await?;
        // One that has gone since is not there any more.
        let there = instances.into_iter().zip(lives).filter_map(|(instance, life)| Some((instance, life?)));
        let mut processes: Vec<Process> = there
            .map(|(instance, life)| Process {
                name: instance.key.shown(),
                state: self.state_of(&instance, life),
                remark: self.vitals.remark_on(&instance.id),
                since: life.since,
                restarts: life.restarts,
                version: versions.get(&instance.key.deployment_id).copied(),
                process_type: instance.key.process_type,
            })
            .collect();
        if let Some(since) = environment.asleep_at.filter(|_| environment.stopped_at.is_none()) {
            self.add_sleeping(environment, since, &mut processes).await?;
        }
        Ok(processes)
    }

    /// Adds the web instances of an environment that sleeps, but those that are just being started.
    async fn add_sleeping(
        &self,
        environment: &Environment,
        since: Timestamp,
        processes: &mut Vec<Process>,
    ) -> Result<(), ProcessError> {
        let Some(live) = self.store.current_release(environment.id).await? else { return Ok(()) };
        let web = ProcessType::web();
        for index in 1..=live.content.formation.instances(&web) {
            let name = format!("{web}.{index}");
            if processes.iter().all(|process| process.name != name) {
                processes.push(Process {
                    name,
                    process_type: web.clone(),
                    state: ProcessState::Asleep,
                    since: Some(since),
                    restarts: 0,
                    version: Some(live.version),
                    remark: None,
                });
            }
        }
        // The order is that of names, with 10 behind 9.
        processes.sort_by_key(|process| process.process_type.clone());
        Ok(())
    }

    /// The versions of the releases that instances run. Those that go on from one release to the next run the newest.
    async fn versions(
        &self,
        environment: &Environment,
        instances: &[Instance],
    ) -> Result<HashMap<DeploymentId, i64>, ProcessError> {
        let mut versions = HashMap::new();
        if let Some(live) = self.store.current_release(environment.id).await? {
            versions.insert(live.instances_of(), live.version);
        }
        for instance in instances {
            let id = instance.key.deployment_id;
            if versions.contains_key(&id) {
                continue;
            }
            match self.store.deployment(id).await {
                Ok(deployment) => versions.extend(deployment.version.map(|version| (id, version))),
                Err(StoreError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(versions)
    }

    fn state_of(&self, instance: &Instance, life: Life) -> ProcessState {
        let loops = life.restarts >= LOOPS;
        match instance.state {
            InstanceState::Created => ProcessState::Starting,
            InstanceState::Running if self.vitals.is_on_trial(instance) => ProcessState::Starting,
            InstanceState::Running if loops && life.since.is_some_and(|at| now() - at < OUT_OF_LOOP) => {
                ProcessState::CrashLooping { code: None }
            }
            InstanceState::Running if self.vitals.silence_of(&instance.id).is_some() => ProcessState::Silent,
            InstanceState::Running => ProcessState::Running,
            InstanceState::Exited { code, out_of_memory: false } if loops => {
                ProcessState::CrashLooping { code: Some(code) }
            }
            InstanceState::Exited { code, out_of_memory } => ProcessState::Crashed { code, out_of_memory },
        }
    }
}
