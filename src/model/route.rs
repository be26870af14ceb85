//! What the router is told: which host name leads to which instances.

use crate::model::id::{DeploymentId, EnvironmentId};
use crate::model::instance::InstanceId;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// All host names of one environment and where they lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub environment_id: EnvironmentId,
    /// The deployment whose release is served.
    pub deployment_id: DeploymentId,
    /// Lower-case host names without a port.
    pub hosts: Vec<String>,
    /// The healthy `web` instances. Empty: the app exists but cannot serve now (503, not 404).
    pub targets: Vec<RouteTarget>,
}

/// One instance that takes requests.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RouteTarget {
    pub instance_id: InstanceId,
    pub address: SocketAddr,
}
