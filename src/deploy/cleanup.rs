//! Removing everything of a project that is not a row, for when it is deleted.

use super::images::SweepError;
use super::instances::STOP_GRACE;
use super::{Deployer, patience};
use crate::engine::EngineError;
use crate::model::deployment::Deployment;
use crate::model::environment::Environment;
use crate::model::instance::{Instance, InstanceKey};
use crate::model::project::Project;
use crate::model::volume::Volume;
use crate::projects::{CleanupError, ProjectCleanup};
use crate::store::StoreError;
use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};
use std::error::Error;
use std::time::{Duration, Instant};

/// Time that a cancelled deployment gets to take back what it has made, and what is being woken to end.
const UNDO_TIME: Duration = Duration::from_secs(20);

fn failed<E: Error + Send + Sync + 'static>(what: &'static str) -> impl Fn(E) -> CleanupError {
    move |error| CleanupError { what, source: Box::new(error) }
}

impl Deployer {
    /// Removes the networks of projects that there are not: what a deletion has left whose server was killed, or whose
    /// database was restored from before them. Docker has address ranges for few.
    ///
    /// # Errors
    /// When the networks or the projects are not known. A network that cannot be removed is left to the next sweep.
    pub(super) async fn sweep_networks(&self) -> Result<(), SweepError> {
        for id in self.engine.networks().await? {
            match self.store.project(id).await {
                Err(StoreError::NotFound) => match self.engine.remove_network(id).await {
                    Ok(()) => tracing::info!(project = %id, "a network without a project was removed"),
                    Err(error) => {
                        tracing::warn!(project = %id, error = &error as &dyn Error, "a network without a project is kept");
                    }
                },
                known => drop(known?),
            }
        }
        Ok(())
    }
}

#[async_trait]
impl ProjectCleanup for Deployer {
    async fn remove_everything(&self, project: &Project) -> Result<(), CleanupError> {
        let environments =
            self.store.environments_of(project.id).await.map_err(failed("the environments"))?;
        self.remove_routes(&environments).await;
        self.end_deployments(|deployment| deployment.project_id == project.id).await?;
        self.end_waking(&environments).await;
        let of_it = |key: &InstanceKey| key.project_id == project.id;
        self.stop_instances(of_it).await.map_err(failed("the instances"))?;
        self.remove_volumes(|volume| volume.project_id == project.id).await?;
        self.remove_images_of(project.id).await.map_err(failed("the images"))?;
        // A command that had just begun may have its container only now, and be in the way.
        let removed = patience::while_in_use(|| async {
            self.stop_instances(of_it).await?;
            self.engine.remove_network(project.id).await
        });
        removed.await.map_err(failed("the network"))?;
        // A deployment that did not end in its time may have set one again.
        self.remove_routes(&environments).await;
        let (repositories, id) = (self.repositories.clone(), project.id);
        tokio::task::spawn_blocking(move || repositories.remove(id))
            .await
            .map_err(failed("the repository"))?
            .map_err(failed("the repository"))
    }

    async fn stop_project(&self, project: &Project) -> Result<(), CleanupError> {
        let environments =
            self.store.environments_of(project.id).await.map_err(failed("the environments"))?;
        self.remove_routes(&environments).await;
        self.end_deployments(|deployment| deployment.project_id == project.id).await?;
        // Before it is asked whether the project was brought back meanwhile: what that has started is not stopped.
        let instances = self.engine.list().await.map_err(failed("the instances"))?;
        let project = self.store.project(project.id).await.map_err(failed("the project"))?;
        if project.is_in_service() {
            return Ok(());
        }
        // A deployment that did not end in its time may have set one again.
        self.remove_routes(&environments).await;
        let of_it = |instance: &&Instance| instance.key.project_id == project.id;
        let stopped = self.stop_each(instances.iter().filter(of_it)).await;
        stopped.map_err(failed("the instances"))
    }

    async fn remove_environment(&self, environment: &Environment) -> Result<(), CleanupError> {
        self.end_deployments(|deployment| deployment.environment_id == environment.id).await?;
        self.remove_routes(std::slice::from_ref(environment)).await;
        self.end_waking(std::slice::from_ref(environment)).await;
        let stopped = self.stop_instances(|key| key.environment_id == environment.id).await;
        stopped.map_err(failed("the instances"))?;
        self.remove_volumes(|volume| volume.environment_id == environment.id).await?;
        // A deployment that did not end in its time may have set one again.
        self.remove_routes(std::slice::from_ref(environment)).await;
        Ok(())
    }

    async fn remove_unused_images(&self) {
        if let Err(error) = self.sweep_images().await {
            tracing::warn!(error = &error as &dyn Error, "images were not swept");
        }
    }
}

impl Deployer {
    /// Cancels deployments, and waits a while until they have undone what they made. What is left then is removed all the
    /// same, and what still appears later belongs to nothing and is removed by the reconciler.
    async fn end_deployments(&self, of_it: impl Fn(&Deployment) -> bool) -> Result<(), CleanupError> {
        let mut ending = self.store.unfinished_deployments().await.map_err(failed("the deployments"))?;
        ending.retain(of_it);
        for deployment in &ending {
            // One that cannot be cancelled any more is about to end: it is waited for like the others.
            let _ = self.store.request_cancel(deployment.id).await.map_err(failed("a deployment"))?;
        }
        self.interrupts.signal();
        self.journal.wake_readers();
        let begun = Instant::now();
        while begun.elapsed() < UNDO_TIME {
            let unfinished = self.store.unfinished_deployments().await.map_err(failed("the deployments"))?;
            // Not for what was queued since then, as by whoever brings the project back.
            if !unfinished.iter().any(|now| ending.iter().any(|deployment| deployment.id == now.id)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Waits a while until nothing of environments is being woken or falls asleep: what is started makes its volumes and its
    /// network again. They or their project are disabled, so that neither begins from here on.
    async fn end_waking(&self, environments: &[Environment]) {
        let turns = join_all(environments.iter().map(|environment| self.sleeping.turn(environment.id)));
        drop(tokio::time::timeout(UNDO_TIME, turns).await);
    }

    async fn stop_instances(&self, of_it: impl Fn(&InstanceKey) -> bool) -> Result<(), EngineError> {
        let instances = self.engine.list().await?;
        self.stop_each(instances.iter().filter(|instance| of_it(&instance.key))).await
    }

    async fn stop_each(&self, instances: impl Iterator<Item = &Instance>) -> Result<(), EngineError> {
        try_join_all(instances.map(|instance| self.engine.stop(&instance.id, STOP_GRACE))).await?;
        Ok(())
    }

    /// Removes volumes with everything in them: whoever deletes a project or an environment has confirmed it by its name.
    async fn remove_volumes(&self, of_it: impl Fn(&Volume) -> bool) -> Result<(), CleanupError> {
        let volumes = self.engine.volumes().await.map_err(failed("the volumes"))?;
        for volume in volumes.iter().filter(|volume| of_it(volume)) {
            let (environment, name) = (volume.environment_id, &volume.name);
            let removed = patience::while_in_use(|| self.engine.remove_volume(environment, name)).await;
            removed.map_err(failed("a volume"))?;
            tracing::warn!(project = %volume.project_id, %environment, volume = %name, "a volume was removed");
        }
        Ok(())
    }

    /// Takes the routes of environments away. They or their project are disabled, so that no round of the reconciler that
    /// begins from here on sets one again; one that has begun is waited for.
    async fn remove_routes(&self, environments: &[Environment]) {
        let _one_at_a_time = self.switching.lock().await;
        for environment in environments {
            drop(self.router.remove_route(environment.id));
        }
    }
}
