//! The instances of an environment.

use super::{ProcessError, Processes};
use crate::model::environment::Environment;
use crate::model::id::DeploymentId;
use crate::model::instance::{Instance, InstanceState};
use crate::model::name::ProcessType;
use crate::model::time::Timestamp;
use crate::store::StoreError;
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
}

impl Processes {
    /// The instances of an environment, in the order of their names; those of a deployment that is under way among them.
    ///
    /// # Errors
    /// When the engine or the database does not answer.
    pub async fn list(&self, environment: &Environment) -> Result<Vec<Process>, ProcessError> {
        let mut instances = self.engine.list().await?;
        instances.retain(|instance| instance.key.environment_id == environment.id);
        instances.sort_by(|a, b| (&a.key.process_type, a.key.index).cmp(&(&b.key.process_type, b.key.index)));
        let versions = self.versions(environment, &instances).await?;
        let lives = try_join_all(instances.iter().map(|instance| self.engine.life(&instance.id))).await?;
        // One that has gone since is not there any more.
        let there = instances.into_iter().zip(lives).filter_map(|(instance, life)| Some((instance, life?)));
        Ok(there
            .map(|(instance, life)| Process {
                name: instance.key.shown(),
                state: state_of(&instance),
                since: life.since,
                restarts: life.restarts,
                version: versions.get(&instance.key.deployment_id).copied(),
                process_type: instance.key.process_type,
            })
            .collect())
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
}

const fn state_of(instance: &Instance) -> ProcessState {
    match instance.state {
        InstanceState::Created => ProcessState::Starting,
        InstanceState::Running => ProcessState::Running,
        InstanceState::Exited { code, out_of_memory } => ProcessState::Crashed { code, out_of_memory },
    }
}
