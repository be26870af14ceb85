//! What the API needs of parts that it does not know: given to it by `app`.

use crate::deployments::Deployments;
use crate::drains::Drains;
use crate::hooks::Hooks;
use crate::journal::Piece;
use crate::model::id::DeploymentId;
use crate::notifications::Notifications;
use crate::processes::Processes;
use crate::projects::ProjectCleanup;
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use std::sync::Arc;

/// The parts behind the API.
#[derive(Clone)]
pub struct Ports {
    pub cleanup: Arc<dyn ProjectCleanup>,
    pub deployments: Deployments,
    pub processes: Processes,
    pub drains: Drains,
    pub hooks: Hooks,
    pub notifications: Notifications,
    pub follower: Arc<dyn LogFollower>,
    pub readiness: Arc<dyn Readiness>,
}

/// Reads the log of a deployment while it is being written.
pub trait LogFollower: Send + Sync {
    /// Every line with a number above `after`, in order, without gaps: the stored ones at once, the others as they come.
    /// May end when the outcome is known, or when the lines cannot be read; then it is asked again.
    fn follow(&self, deployment: DeploymentId, after: i64) -> BoxStream<'static, Arc<Piece>>;
}

/// Knows whether the server can do its work.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// Asks each thing that the server needs; within seconds, whatever state they are in.
    async fn check(&self) -> Vec<Check>;
}

/// The state of one thing that the server needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// `database`, `engine`.
    pub name: &'static str,
    /// What is wrong, in one sentence that anybody may read.
    pub outcome: Result<(), String>,
}
