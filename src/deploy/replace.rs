//! Replacing a live instance that does not answer: another one is started beside it and checked, and only when that one is
//! healthy the old one goes. What fails changes nothing.

use super::Deployer;
use super::instances::{STOP_GRACE, UNUSED_GRACE, belongs};
use crate::engine::EngineError;
use crate::model::environment::Environment;
use crate::model::id::EnvironmentId;
use crate::model::instance::{Instance, InstanceId, InstanceState};
use crate::model::project::Project;
use crate::model::release::Release;
use crate::model::vitals::Replacement;
use crate::router::health::{self, Unhealthy};
use crate::secrets::ClosedVariable;
use crate::store::StoreError;
use std::time::Duration;

/// How often a new instance is looked at for a crash.
const CRASH_LOOK: Duration = Duration::from_millis(250);

/// An instance was replaced.
pub(super) struct Replaced {
    /// The one that is there now.
    pub(super) by: InstanceId,
}

/// Why an instance was not replaced.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotReplaced {
    /// It is gone, or a deployment replaces it anyway.
    #[error("there is nothing to replace now")]
    NotNow,
    #[error("the new instance ended with exit code {0}")]
    Crashed(i64),
    #[error("the new instance is {0}")]
    Unhealthy(#[from] Unhealthy),
    #[error("the new instance has no address")]
    NoAddress,
    #[error(transparent)]
    Config(#[from] ClosedVariable),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Deployer {
    /// Puts another instance in the place of one; gives its name besides.
    pub(super) async fn replace(
        &self,
        environment: EnvironmentId,
        id: &InstanceId,
        why: &str,
    ) -> (String, Result<Replaced, NotReplaced>) {
        let old = match self.engine.inspect(id).await {
            Ok(Some(old)) => old,
            Ok(None) => return (id.0.clone(), Err(NotReplaced::NotNow)),
            Err(error) => return (id.0.clone(), Err(error.into())),
        };
        let name = old.key.shown();
        let outcome = Box::pin(self.replace_instance(environment, &old, why)).await;
        (name, outcome)
    }

    async fn replace_instance(
        &self,
        environment: EnvironmentId,
        old: &Instance,
        why: &str,
    ) -> Result<Replaced, NotReplaced> {
        let name = old.key.shown();
        let generation = rand::random_range(1..=u32::MAX);
        let Some(replacement) = self.vitals.begin_replacing(&old.key, generation) else {
            return Err(NotReplaced::NotNow);
        };
        // Only now: what falls asleep looks for the one while this looks for the other.
        let release = self.replaceable(environment, old).await?;
        tracing::warn!(instance = name, %environment, why, "an instance that does not answer is replaced");
        self.vitals.note(environment, &name, &format!("It does not answer ({why}) and is replaced."));
        if release.content.strategy().stops_first() {
            let replaced = self.start_instead(old, &replacement).await;
            // However it has ended: what there is of it gets requests from now on.
            drop(replacement);
            self.look_again.notify_one();
            return replaced;
        }
        // A deployment that comes to its instances meanwhile waits until it is over.
        let _turn = self.sleeping.turn(environment).await;
        let release = self.replaceable(environment, old).await?;
        let new = self.start_beside(&release, old, generation).await?;
        match self.serve_instead(&release, old, &new, &replacement).await {
            Ok(()) => {
                tracing::info!(instance = name, %environment, "an instance was replaced");
                self.vitals.note(environment, &name, "A new instance has taken its place.");
                Ok(Replaced { by: new.id })
            }
            Err(error) => {
                self.stop_quietly(&new, UNUSED_GRACE).await;
                Err(error)
            }
        }
    }

    /// The release that an instance is one of, where it is live and no deployment is about to replace it.
    async fn replaceable(&self, id: EnvironmentId, old: &Instance) -> Result<Release, NotReplaced> {
        if old.state != InstanceState::Running || self.is_being_changed(id).await? {
            return Err(NotReplaced::NotNow);
        }
        let release = self.store.current_release(id).await?;
        let is_its = |release: &Release| belongs(old, release.instances_of(), &release.content);
        let release = release.filter(is_its).ok_or(NotReplaced::NotNow)?;
        let environment = self.store.environment(id).await?;
        let project = self.store.project(environment.project_id).await?;
        if is_served(&environment) && project.is_in_service() {
            Ok(release)
        } else {
            Err(NotReplaced::NotNow)
        }
    }

    /// Stops an instance that no other may run beside, starts it anew, and gives it the time to become healthy: until then
    /// nobody is sent to it. There is no way back: what does not answer serves nobody.
    async fn start_instead(
        &self,
        old: &Instance,
        replacement: &Replacement,
    ) -> Result<Replaced, NotReplaced> {
        let (environment, name) = (old.key.environment_id, old.key.shown());
        let (new, release, host) = {
            // A deployment that begins meanwhile waits until it is over, and stops what was started.
            let _turn = self.sleeping.turn(environment).await;
            let release = self.replaceable(environment, old).await?;
            let project = self.store.project(old.key.project_id).await?;
            let of = self.store.environment(environment).await?;
            let spec = self.spec_of(&project.slug, &release.content, old.key.clone())?;
            replacement.begins_alone();
            self.send_nobody_to(old, (&project, &of), &release).await?;
            self.engine.stop(&old.id, STOP_GRACE).await?;
            // Where this comes to nothing, its place is empty, and is filled as one that was removed by hand.
            let new = self.engine.start(&spec).await?;
            self.engine.keep_running(&new.id).await?;
            (new, release, self.address.host(&project.slug, &of.name))
        };
        self.vitals.note(environment, &name, "It was stopped and started anew.");
        match self.prove(&new, &release, &host).await {
            Ok(()) => {}
            Err(why @ NotReplaced::Crashed(_)) => return Err(why),
            // There may be no other.
            Err(why) => {
                self.vitals.note(environment, &name, &format!("It was started anew and is not well: {why}."));
            }
        }
        Ok(Replaced { by: new.id })
    }

    /// Takes an instance out of its route, which is about to end: what it is answering is cut with it.
    async fn send_nobody_to(
        &self,
        old: &Instance,
        of: (&Project, &Environment),
        release: &Release,
    ) -> Result<(), NotReplaced> {
        let mut instances = self.engine.list().await?;
        instances.retain(|instance| instance.id != old.id);
        let _one_at_a_time = self.switching.lock().await;
        drop(self.router.set_route(self.route(of, release, &instances)));
        Ok(())
    }

    /// Starts an instance of another generation in the same place.
    async fn start_beside(
        &self,
        release: &Release,
        old: &Instance,
        generation: u32,
    ) -> Result<Instance, NotReplaced> {
        let project = self.store.project(old.key.project_id).await?;
        let mut spec = self.spec_of(&project.slug, &release.content, old.key.clone())?;
        spec.generation = generation;
        self.engine.ensure_network(project.id).await?;
        Ok(self.engine.start(&spec).await?)
    }

    /// Waits until the new instance is healthy, sends requests to it, and stops the old one.
    async fn serve_instead(
        &self,
        release: &Release,
        old: &Instance,
        new: &Instance,
        replacement: &Replacement,
    ) -> Result<(), NotReplaced> {
        let environment = self.store.environment(release.environment_id).await?;
        let project = self.store.project(environment.project_id).await?;
        self.prove(new, release, &self.address.host(&project.slug, &environment.name)).await?;
        self.engine.keep_running(&new.id).await?;
        {
            let _one_at_a_time = self.switching.lock().await;
            // It may have been taken out of service or deleted, or have fallen asleep.
            let environment = self.store.environment(release.environment_id).await?;
            let project = self.store.project(environment.project_id).await?;
            if !is_served(&environment) || !project.is_in_service() {
                return Err(NotReplaced::NotNow);
            }
            // What was deployed meanwhile replaces both.
            let current = self.store.current_release(environment.id).await?;
            let is_live = |current: &Release| current.instances_of() == release.instances_of();
            let current = current.filter(is_live).ok_or(NotReplaced::NotNow)?;
            let instances = self.engine.list().await?;
            replacement.is_healthy();
            let route = self.route((&project, &environment), &current, &instances);
            // It was not sent requests any more, unless it was the only one; those are cut with it.
            drop(self.router.set_route(route));
        }
        self.stop_quietly(old, STOP_GRACE).await;
        Ok(())
    }

    /// Waits until a new instance of a release is healthy.
    pub(super) async fn prove(
        &self,
        new: &Instance,
        release: &Release,
        host: &str,
    ) -> Result<(), NotReplaced> {
        let address = match (&new.state, new.address) {
            // One that has ended has none.
            (InstanceState::Exited { code, .. }, _) => return Err(NotReplaced::Crashed(*code)),
            (InstanceState::Created | InstanceState::Running, None) => return Err(NotReplaced::NoAddress),
            (InstanceState::Created | InstanceState::Running, Some(address)) => address,
        };
        tokio::select! {
            checked = health::check(address, &release.content.health, host) => { checked?; }
            code = self.ended(new) => return Err(NotReplaced::Crashed(code?)),
        }
        Ok(())
    }

    /// Ends when an instance has ended, with its exit code.
    async fn ended(&self, instance: &Instance) -> Result<i64, EngineError> {
        loop {
            match self.engine.inspect(&instance.id).await?.map(|now| now.state) {
                Some(InstanceState::Exited { code, .. }) => return Ok(code),
                Some(InstanceState::Created | InstanceState::Running) => {}
                None => return Err(EngineError::NotFound { what: instance.key.shown() }),
            }
            tokio::time::sleep(CRASH_LOOK).await;
        }
    }

    /// Stops an instance. One that cannot be stopped now is removed by the reconciler.
    pub(super) async fn stop_quietly(&self, instance: &Instance, grace: Duration) {
        if let Err(error) = self.engine.stop(&instance.id, grace).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "an instance was not stopped");
        }
    }
}

/// Whether the web instances of an environment are to run.
const fn is_served(environment: &Environment) -> bool {
    let Environment { disabled_at, stopped_at, asleep_at, .. } = environment;
    disabled_at.is_none() && stopped_at.is_none() && asleep_at.is_none()
}
