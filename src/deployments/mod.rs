//! Starting and stopping deployments without a push, for every front door.
//!
//! One use case a file. Nothing here deploys: it stores what is wanted, and the queue's workers do it. Who may ask for it is
//! decided by the front door, from the access table. Each answers with the deployment that does it: a new one, or one that
//! waits and does the same ([`crate::model::basis`]).

mod cancel;
mod deploy;
mod error;
mod promote;
mod redeploy;
mod rollback;
mod scale;
mod settings;
mod sources;
mod standing;

pub use self::deploy::Wanted;
pub use self::error::DeployError;
pub use self::rollback::TakenBack;
pub use self::settings::Change;
pub use self::sources::{UploadOptions, Uploads};

use crate::git::Repositories;
use crate::jobs::{BuildTurns, Extras, Interrupts, Queue};
use crate::journal::Journal;
use crate::model::deployment::{Deployment, DeploymentOptions, DeploymentSource};
use crate::model::environment::Environment;
use crate::model::id::DeploymentId;
use crate::model::name::CommitId;
use crate::model::process::Maxima;
use crate::model::user::User;
use crate::outbound::Outbound;
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
    /// What deployments still do that are live.
    pub extras: Extras,
    /// What environments may have.
    pub maxima: Maxima,
    /// Tells the reconciler that something is to be stopped, or routed otherwise.
    pub look_again: Arc<Notify>,
    /// What archives may take, and what may be reached of other hosts.
    pub uploads: Uploads,
    pub outbound: Outbound,
    /// Whose image is built next.
    pub builds: Arc<BuildTurns>,
}

impl Deployments {
    /// Queues a deployment for somebody.
    async fn queue(&self, new: NewDeployment, author: &User, what: &str) -> Result<Deployment, DeployError> {
        let new = NewDeployment { author: Some(author.id), ..new };
        let why = format!("superseded by {what} of {}", author.username);
        match self.enqueue(new, &why).await.map_err(not_taken)? {
            Joined::Running(deployment) | Joined::New(Enqueued { deployment, .. }) => Ok(deployment),
        }
    }

    /// Queues a deployment, or joins one that does the same, and wakes whoever works and whoever watches. What it takes the
    /// place of is superseded for the reason `why`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the environment has gone, [`StoreError::Disabled`] when nothing is deployed to it.
    pub async fn enqueue(&self, new: NewDeployment, why: &str) -> Result<Joined, StoreError> {
        let joined = self.store.queue_deployment(new, why).await?;
        self.queue.wake();
        // Those who watch what was superseded are waiting for its log.
        self.journal.wake_readers();
        Ok(joined)
    }
}

/// What is queued for an environment when nobody has pushed: of no branch, and so far nobody's.
fn new_deployment(
    environment: &Environment,
    commit: CommitId,
    source: DeploymentSource,
    options: DeploymentOptions,
) -> NewDeployment {
    NewDeployment {
        id: DeploymentId::generate(),
        project_id: environment.project_id,
        environment_id: environment.id,
        // What comes from elsewhere follows nothing that is in the repository.
        previous_commit: options.origin.is_none().then(|| commit.clone()),
        commit,
        branch: None,
        author: None,
        source,
        options,
    }
}

/// Why an environment takes neither a deployment nor a setting of one.
fn not_taken(error: StoreError) -> DeployError {
    match error {
        StoreError::Disabled => DeployError::Disabled,
        other => other.into(),
    }
}
