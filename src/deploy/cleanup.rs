//! Removing everything of a project that is not a row, for when it is deleted.

use super::instances::STOP_GRACE;
use super::{Deployer, patience};
use crate::model::environment::Environment;
use crate::model::project::Project;
use crate::projects::{CleanupError, ProjectCleanup};
use async_trait::async_trait;
use futures_util::future::try_join_all;
use std::error::Error;
use std::time::{Duration, Instant};

/// Time that a cancelled deployment gets to take back what it has made.
const UNDO_TIME: Duration = Duration::from_secs(20);

fn failed<E: Error + Send + Sync + 'static>(what: &'static str) -> impl Fn(E) -> CleanupError {
    move |error| CleanupError { what, source: Box::new(error) }
}

#[async_trait]
impl ProjectCleanup for Deployer {
    async fn remove_everything(&self, project: &Project) -> Result<(), CleanupError> {
        let environments =
            self.store.environments_of(project.id).await.map_err(failed("the environments"))?;
        for deployment in self.store.unfinished_deployments().await.map_err(failed("the deployments"))? {
            if deployment.project_id == project.id {
                // One that cannot be cancelled any more is about to end: it is waited for like the others.
                let _ = self.store.request_cancel(deployment.id).await.map_err(failed("a deployment"))?;
            }
        }
        self.interrupts.signal();
        self.journal.wake_readers();
        self.wait_for_the_end(project).await?;
        self.remove_routes(&environments).await;
        let instances = self.engine.list().await.map_err(failed("the instances"))?;
        let stopping = instances
            .iter()
            .filter(|instance| instance.key.project_id == project.id)
            .map(|instance| self.engine.stop(&instance.id, STOP_GRACE));
        try_join_all(stopping).await.map_err(failed("the instances"))?;
        self.remove_images_of(project.id).await.map_err(failed("the images"))?;
        let removed = patience::while_in_use(|| self.engine.remove_network(project.id)).await;
        removed.map_err(failed("the network"))?;
        // A deployment that did not end in its time may have set one again.
        self.remove_routes(&environments).await;
        let (repositories, id) = (self.repositories.clone(), project.id);
        tokio::task::spawn_blocking(move || repositories.remove(id))
            .await
            .map_err(failed("the repository"))?
            .map_err(failed("the repository"))
    }
}

impl Deployer {
    /// Waits a while for cancelled deployments to have undone what they made. What is left then is removed all the same,
    /// and what still appears later belongs to nothing and is removed by the reconciler.
    async fn wait_for_the_end(&self, project: &Project) -> Result<(), CleanupError> {
        let begun = Instant::now();
        while begun.elapsed() < UNDO_TIME {
            let unfinished = self.store.unfinished_deployments().await.map_err(failed("the deployments"))?;
            if !unfinished.iter().any(|deployment| deployment.project_id == project.id) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Takes the routes of a project's environments away. The project is disabled, so that no round of the reconciler that
    /// begins from here on sets one again; one that has begun is waited for.
    async fn remove_routes(&self, environments: &[Environment]) {
        let _one_at_a_time = self.switching.lock().await;
        for environment in environments {
            drop(self.router.remove_route(environment.id));
        }
    }
}
