//! Instances: running containers of a process type of a release.

use crate::model::id::{DeploymentId, EnvironmentId, ProjectId};
use crate::model::name::ProcessType;
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// The engine's own name for an instance, for example a container id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(pub String);

/// Which place of which deployment an instance fills: `web.2` of deployment D.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InstanceKey {
    pub project_id: ProjectId,
    pub environment_id: EnvironmentId,
    pub deployment_id: DeploymentId,
    pub process_type: ProcessType,
    /// Counts from 1 within the process type.
    pub index: u16,
}

impl InstanceKey {
    /// `web.1`, as people see it.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{}.{}", self.process_type, self.index)
    }
}

/// What the engine knows of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub id: InstanceId,
    pub key: InstanceKey,
    /// Tells it from others of the same key: one that did not answer is replaced by another one beside it.
    pub generation: u32,
    pub state: InstanceState,
    /// Where it can be reached from the router, once it has an address.
    pub address: Option<SocketAddr>,
    /// When the engine made it.
    pub created_at: Option<Timestamp>,
}

#[cfg(test)]
impl Instance {
    /// The only one of its deployment: it runs, and has no address.
    pub(crate) fn running(id: &str) -> Self {
        Self {
            id: InstanceId(id.to_owned()),
            key: InstanceKey {
                project_id: ProjectId::generate(),
                environment_id: EnvironmentId::generate(),
                deployment_id: DeploymentId::generate(),
                process_type: "web".parse().unwrap(),
                index: 1,
            },
            generation: 0,
            state: InstanceState::Running,
            address: None,
            created_at: None,
        }
    }
}

/// What an instance is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstanceState {
    Created,
    Running,
    /// It ended.
    Exited {
        /// The exit code; 128 + signal where a signal ended it (137: killed).
        code: i64,
        /// The kernel killed it for exceeding its memory limit.
        out_of_memory: bool,
    },
}
