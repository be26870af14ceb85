//! Stopping the web instances of an environment that nobody asks for, and starting them again for the first who does.
//!
//! That it is asleep stands in the database before an instance is stopped, and until all run again and are healthy: a
//! server that is killed in between stops what is left of them, and starts them when somebody asks ([`super::sleeper`]).
//! Other process types and the schedule go on.
//!
//! One thing at a time is done to an environment (its turn), and nothing while a deployment starts or stops instances: that
//! has waited for the turn to be over, and what comes after it sees the deployment.

use super::Deployer;
use super::instances::{STOP_GRACE, UNUSED_GRACE, belongs, places};
use super::patience::until_stored;
use super::replace::NotReplaced;
use crate::engine::EngineError;
use crate::model::deployment::DeploymentState;
use crate::model::environment::Environment;
use crate::model::id::{DeploymentId, EnvironmentId};
use crate::model::instance::{Instance, InstanceKey};
use crate::model::name::ProcessType;
use crate::model::project::Project;
use crate::model::release::Release;
use crate::model::route::{Route, Standing};
use crate::secrets::ClosedVariable;
use crate::store::StoreError;
use futures_util::future::try_join_all;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::OwnedMutexGuard;

/// One turn an environment.
#[derive(Debug, Default)]
pub struct Sleeping(Mutex<HashMap<EnvironmentId, Arc<tokio::sync::Mutex<()>>>>);

impl Sleeping {
    /// Waits for the turn of an environment, which ends when it is dropped.
    pub(super) async fn turn(&self, id: EnvironmentId) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Nobody has or waits for the others.
            turns.retain(|other, turn| *other == id || Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(id).or_default())
        };
        turn.lock_owned().await
    }
}

/// An environment did not fall asleep, or was not woken.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotDone {
    /// A deployment is under way, or somebody has just asked for it.
    #[error("it is not the time for it")]
    NotNow,
    /// It is gone, or none of it is to run: what there is of it is removed by others.
    #[error("it is out of service")]
    OutOfService,
    #[error("{name}: {why}")]
    NotHealthy { name: String, why: NotReplaced },
    #[error(transparent)]
    Config(#[from] ClosedVariable),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is live in an environment.
pub(super) struct Live {
    pub(super) project: Project,
    pub(super) environment: Environment,
    pub(super) release: Release,
}

impl Deployer {
    /// Stops the web instances of a deployment, unless there were more requests than `requests` until now.
    pub(super) async fn fall_asleep(
        &self,
        id: EnvironmentId,
        deployment: DeploymentId,
        requests: u64,
    ) -> Result<(), NotDone> {
        let _turn = self.sleeping.turn(id).await;
        let (release, drain) = {
            let _one_at_a_time = self.switching.lock().await;
            let live = self.live(id).await?;
            let is_idle = || {
                let counters = self.router.counters(id);
                counters.is_some_and(|counters| counters.requests == requests && counters.in_flight == 0)
                    && !live.web_keys().any(|key| self.vitals.is_being_replaced(&key))
            };
            let Environment { asleep_at, maintenance_at, .. } = &live.environment;
            let is_due = asleep_at.is_none() && maintenance_at.is_none();
            let is_same = live.release.deployment_id == deployment;
            if !is_idle() || !is_due || !is_same || !self.store.unfinished_of(id).await?.is_empty() {
                return Err(NotDone::NotNow);
            }
            let open = self.router.routes().into_iter().find(|route| route.environment_id == id);
            let open = open.filter(|open| open.standing == Standing::Open).ok_or(NotDone::NotNow)?;
            let environment = self.store.put_to_sleep(id).await?;
            // From here on requests wait, and nothing is replaced. What began while the database was asked is still seen.
            drop(self.router.set_route(Route { standing: Standing::Asleep, ..open.clone() }));
            if !is_idle() {
                until_stored(|| self.store.wake_up(id)).await?;
                drop(self.router.set_route(open));
                return Err(NotDone::NotNow);
            }
            let route = self.route_to((&live.project, &environment), live.serves(), Vec::new());
            (live.release, self.router.set_route(route).drain)
        };
        tracing::info!(environment = %id, version = release.version, "an environment falls asleep");
        self.vitals.note(
            id,
            "web",
            "Nobody has asked for it: its instances are stopped until somebody does.",
        );
        // A request may have come at the last moment.
        drain.finished(release.content.drain_seconds.duration()).await;
        self.stop_web(&release).await
    }

    /// Brings about what a server that was killed has left of falling asleep or of waking.
    pub(super) async fn stay_asleep(&self, id: EnvironmentId) -> Result<(), NotDone> {
        let _turn = self.sleeping.turn(id).await;
        let (release, drain) = {
            let _one_at_a_time = self.switching.lock().await;
            let live = self.live(id).await?;
            if live.environment.asleep_at.is_none() {
                return Ok(());
            }
            if self.is_being_changed(id).await? {
                return Err(NotDone::NotNow);
            }
            let of = (&live.project, &live.environment);
            let route = self.route_to(of, live.serves(), Vec::new());
            (live.release, self.router.set_route(route).drain)
        };
        drain.finished(release.content.drain_seconds.duration()).await;
        self.stop_web(&release).await
    }

    /// Starts the web instances of an environment that is asleep, and lets the requests that wait go to them once all are
    /// healthy.
    pub(super) async fn wake(&self, id: EnvironmentId) -> Result<(), NotDone> {
        let _turn = self.sleeping.turn(id).await;
        let begun = Instant::now();
        let live = self.live(id).await?;
        if live.environment.asleep_at.is_none() {
            // Its route is to say so, too.
            self.look_again.notify_one();
            return Ok(());
        }
        if self.is_being_changed(id).await? {
            return Err(NotDone::NotNow);
        }
        tracing::info!(environment = %id, version = live.release.version, "an environment is woken");
        let mut started = Vec::new();
        let woken = async {
            self.engine.ensure_network(live.project.id).await?;
            for key in live.web_keys() {
                let spec = self.spec_of(&live.project.slug, &live.release.content, key)?;
                started.push(self.engine.start(&spec).await?);
            }
            self.serve_woken(&live, &started).await
        };
        let woken = woken.await;
        if let Err(error) = woken {
            for instance in &started {
                self.stop_quietly(instance, UNUSED_GRACE).await;
            }
            return Err(error);
        }
        let seconds = begun.elapsed().as_secs_f64();
        self.vitals.note(
            id,
            "web",
            &format!("Somebody has asked for it: its instances run after {seconds:.1} s."),
        );
        Ok(())
    }

    async fn serve_woken(&self, live: &Live, started: &[Instance]) -> Result<(), NotDone> {
        let id = live.environment.id;
        let host = self.address.host(&live.project.slug, &live.environment.name);
        let host = host.as_str();
        try_join_all(started.iter().map(|instance| async move {
            let proved = self.prove(instance, &live.release, host).await;
            proved.map_err(|why| NotDone::NotHealthy { name: instance.key.shown(), why })
        }))
        .await?;
        for instance in started {
            self.engine.keep_running(&instance.id).await?;
        }
        let instances = self.engine.list().await?;
        let _one_at_a_time = self.switching.lock().await;
        let now = self.live(id).await?;
        if now.release.instances_of() != live.release.instances_of() {
            return Err(NotDone::NotNow);
        }
        // However long it takes: it may be done already, and what was started is not to be stopped then.
        let environment = until_stored(|| self.store.wake_up(id)).await?;
        drop(self.router.set_route(self.route((&now.project, &environment), &now.release, &instances)));
        Ok(())
    }

    /// What is live in an environment that is in service.
    pub(super) async fn live(&self, id: EnvironmentId) -> Result<Live, NotDone> {
        let environment = match self.store.environment(id).await {
            Err(StoreError::NotFound) => return Err(NotDone::OutOfService),
            environment => environment?,
        };
        let project = self.store.project(environment.project_id).await?;
        let is_out = environment.disabled_at.is_some() || environment.stopped_at.is_some();
        if is_out || !project.is_in_service() {
            return Err(NotDone::OutOfService);
        }
        let release = self.store.current_release(id).await?.ok_or(NotDone::OutOfService)?;
        Ok(Live { project, environment, release })
    }

    /// Whether a deployment is starting or stopping instances of an environment.
    pub(super) async fn is_being_changed(&self, id: EnvironmentId) -> Result<bool, StoreError> {
        let unfinished = self.store.unfinished_of(id).await?;
        Ok(unfinished.iter().any(|deployment| changes_instances(deployment.state)))
    }

    async fn stop_web(&self, release: &Release) -> Result<(), NotDone> {
        let (of, web) = (release.instances_of(), ProcessType::web());
        let instances = self.engine.list().await?;
        let its_web = instances
            .iter()
            .filter(|instance| instance.key.environment_id == release.environment_id)
            .filter(|instance| instance.key.process_type == web && belongs(instance, of, &release.content));
        try_join_all(its_web.map(|instance| self.engine.stop(&instance.id, STOP_GRACE))).await?;
        Ok(())
    }
}

impl Live {
    /// What its route is to say of its release.
    const fn serves(&self) -> (DeploymentId, bool) {
        (self.release.deployment_id, self.release.content.sticky)
    }

    /// Those of its web instances.
    fn web_keys(&self) -> impl Iterator<Item = InstanceKey> {
        let web = ProcessType::web();
        let places = places(&self.release.content).into_iter().filter(move |(of, _)| *of == web);
        places.map(|(process_type, index)| InstanceKey {
            project_id: self.project.id,
            environment_id: self.environment.id,
            deployment_id: self.release.instances_of(),
            process_type,
            index,
        })
    }
}

/// Whether a deployment in a state starts or stops instances, or is about to.
pub(super) const fn changes_instances(state: DeploymentState) -> bool {
    match state {
        DeploymentState::Starting
        | DeploymentState::Checking
        | DeploymentState::Switching
        | DeploymentState::Draining
        | DeploymentState::UndoingFailure
        | DeploymentState::UndoingCancel => true,
        DeploymentState::Queued
        | DeploymentState::Fetching
        | DeploymentState::Detecting
        | DeploymentState::Building
        | DeploymentState::Releasing
        | DeploymentState::Live
        | DeploymentState::Failed
        | DeploymentState::Cancelled
        | DeploymentState::Superseded => false,
    }
}
