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
    /// Whether requests are let through to them.
    #[serde(default)]
    pub standing: Standing,
    /// What people see when none of them answers, in HTML; `None`: a page of the router's.
    #[serde(default)]
    pub error_page: Option<String>,
    /// Whether clients stay with the instance that answered them first.
    #[serde(default)]
    pub sticky: bool,
    /// The healthy `web` instances. Empty: the app exists but cannot serve now (503, not 404).
    pub targets: Vec<RouteTarget>,
}

/// One instance that takes requests.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RouteTarget {
    pub instance_id: InstanceId,
    pub address: SocketAddr,
}

/// Whether an app is in service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Standing {
    #[default]
    Open,
    /// It is being worked on: requests get a page, which may be the app's own HTML.
    Maintenance { page: Option<String> },
    /// Somebody has stopped it.
    Stopped,
    /// Its web instances are stopped until the next request: that waits while they start.
    Asleep,
}
