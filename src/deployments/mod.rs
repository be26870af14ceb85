//! Starting and stopping deployments without a push, for every front door.
//!
//! One use case a file. Nothing here deploys: it stores what is wanted, and the queue's workers do it. Who may ask for it is
//! decided by the front door, from the access table. Each answers with the deployment that does it: a new one, or one that
//! waits and does the same ([`crate::model::basis`]).

mod cancel;
mod deploy;
mod error;
mod promote;
mod rollback;
mod settings;
mod standing;

pub use self::deploy::Wanted;
pub use self::error::DeployError;
pub use self::settings::Change;

use crate::git::Repositories;
use crate::jobs::{Interrupts, Queue};
use crate::journal::Journal;
use crate::model::basis::DeploymentBasis;
use crate::model::deployment::{Deployment, DeploymentOptions, DeploymentSource};
use crate::model::environment::Environment;
use crate::model::id::DeploymentId;
use crate::model::name::CommitId;
use crate::model::process::Maxima;
use crate::model::user::User;
use crate::store::{Enqueued, Joined, NewDeployment, Store, StoreError};
use std::sync::Arc;
use tokio::sync::Notify;

/// What queueing deployments needs of the rest of the server.
#[derive(Clone)]
pub struct Deployments {
    pub store: Store,
    pub repositories: Repositories,
    pub queue: Queue,
    pub journal: Journal,
    pub interrupts: Interrupts,
    /// What environments may have.
    pub maxima: Maxima,
    /// Tells the reconciler that something is to be stopped, or routed otherwise.
    pub look_again: Arc<Notify>,
}

impl Deployments {
    /// Queues what is made from a release, for somebody.
    async fn queue_basis(
        &self,
        environment: &Environment,
        commit: CommitId,
        (source, basis): (DeploymentSource, DeploymentBasis),
        author: &User,
        what: &str,
    ) -> Result<Deployment, DeployError> {
        let new = NewDeployment {
            id: DeploymentId::generate(),
            project_id: environment.project_id,
            environment_id: environment.id,
            previous_commit: Some(commit.clone()),
            commit,
            branch: None,
            author: Some(author.id),
            source,
            options: DeploymentOptions { basis, ..DeploymentOptions::default() },
        };
        self.queue(new, author, what).await
    }

    /// Queues a deployment, and wakes whoever works and whoever watches.
    async fn queue(&self, new: NewDeployment, author: &User, what: &str) -> Result<Deployment, DeployError> {
        self.queue_because(new, &format!("superseded by {what} of {}", author.username)).await
    }

    /// The same; what it supersedes is told why.
    async fn queue_because(&self, new: NewDeployment, why: &str) -> Result<Deployment, DeployError> {
        let deployment = match self.store.queue_deployment(new, why).await {
            Ok(Joined::Running(deployment) | Joined::New(Enqueued { deployment, .. })) => deployment,
            Err(StoreError::Disabled) => return Err(DeployError::Disabled),
            Err(error) => return Err(error.into()),
        };
        self.queue.wake();
        // Those who watch what was superseded are waiting for its log.
        self.journal.wake_readers();
        Ok(deployment)
    }
}
