//! Keeping to what is committed: the instances of the new release run, and traffic goes to them.
//!
//! Nothing here fails. An engine that does not answer is waited for, and is left to the reconciler when it stays away; what
//! it refuses is said and gone on without.

use super::Deployer;
use super::failure::Failure;
use super::instances;
use super::patience::{until_done, until_stored};
use super::run::Run;
use crate::engine::EngineError;
use crate::model::instance::{Instance, InstanceState};
use crate::model::name::ProcessType;
use crate::router::{Switched, health};

/// Why an instance does not run that should.
enum NotStarted {
    Engine(EngineError),
    Config(Failure),
}

impl Deployer {
    /// Starts what does not run of a committed release, and sends traffic to it. Doing it twice is doing it once.
    ///
    /// # Errors
    /// When the engine is away for too long: traffic goes on to where it went before.
    pub(super) async fn serve_release(&self, run: &Run) -> Result<Switched, EngineError> {
        // Before the first request: what ends from here on is started again, by the engine or right here.
        let instances = until_done(|| async {
            self.keep_running(run).await?;
            self.start_missing(run).await
        })
        .await?;
        let content = run.deployment.record.content.as_ref();
        let targets = content.map(|content| self.targets(&instances, run.instances_of(), content));
        let _one_at_a_time = self.switching.lock().await;
        // It may have been taken out of service since the deployment began, or be started by it.
        let now = until_stored(|| self.store.environment(run.environment.id)).await;
        let environment = now.as_ref().unwrap_or(&run.environment);
        let serves = (run.deployment.id, content.is_some_and(|content| content.sticky));
        let targets = targets.unwrap_or_default();
        Ok(self.router.set_route(self.route_to((&run.project, environment), serves, targets)))
    }

    /// The instances of the deployment, after starting those that were stopped since they were checked, as by a restart
    /// of the host: the engine restarts none that was not yet set to be kept running.
    async fn start_missing(&self, run: &Run) -> Result<Vec<Instance>, EngineError> {
        let mut instances = self.instances_of(run.instances_of()).await?;
        instances.retain(|instance| instance.state == InstanceState::Running);
        let Some(content) = &run.deployment.record.content else { return Ok(instances) };
        for (process_type, index) in instances::places(content) {
            let runs = |instance: &Instance| {
                instance.key.process_type == process_type && instance.key.index == index
            };
            if !instances.iter().any(runs) {
                instances.extend(self.start_again(run, &process_type, index).await?);
            }
        }
        Ok(instances)
    }

    /// Starts one instance and gives it the time to become healthy.
    ///
    /// # Errors
    /// When the engine does not answer.
    async fn start_again(
        &self,
        run: &Run,
        process_type: &ProcessType,
        index: u16,
    ) -> Result<Option<Instance>, EngineError> {
        match self.try_start_again(run, process_type, index).await {
            Ok(instance) => {
                run.detail(&format!("{} was started again", instance.key.shown()));
                Ok(Some(instance))
            }
            Err(NotStarted::Engine(error @ EngineError::Unavailable { .. })) => Err(error),
            Err(NotStarted::Engine(error)) => {
                run.warn(&format!("{process_type}.{index} cannot be started again: {error}"));
                Ok(None)
            }
            Err(NotStarted::Config(failure)) => {
                run.warn(&failure.sentence);
                Ok(None)
            }
        }
    }

    async fn try_start_again(
        &self,
        run: &Run,
        process_type: &ProcessType,
        index: u16,
    ) -> Result<Instance, NotStarted> {
        let content = run.content().map_err(NotStarted::Config)?;
        let spec = self.spec(run, process_type, index).map_err(NotStarted::Config)?;
        self.engine.ensure_network(run.project.id).await.map_err(NotStarted::Engine)?;
        let instance = self.engine.start(&spec).await.map_err(NotStarted::Engine)?;
        self.engine.keep_running(&instance.id).await.map_err(NotStarted::Engine)?;
        if let (true, Some(address)) = (*process_type == ProcessType::web(), instance.address) {
            let host = self.address.host(&run.project.slug, &run.environment.name);
            // Traffic goes to it either way: it was healthy before, and there is no way back.
            if let Err(unhealthy) = health::check(address, &content.health, &host).await {
                run.warn(&format!("{} does not answer yet: {}.", instance.key.shown(), unhealthy.last));
            }
        }
        Ok(instance)
    }
}
