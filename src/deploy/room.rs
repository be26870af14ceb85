//! Making room for instances that cannot run beside the old ones, as both would write a volume: the old ones stop first,
//! requests wait or are turned away, and what fails brings the old ones back.

use super::Deployer;
use super::failure::StepError;
use super::instances::{self, STOP_GRACE};
use super::patience::{unless_away, until_stored};
use super::run::Run;
use crate::engine::EngineError;
use crate::model::deployment::{Deployment, DeploymentState};
use crate::model::environment::Environment;
use crate::model::instance::{Instance, InstanceKey, InstanceState};
use crate::model::name::ProcessType;
use crate::model::release::{Release, ReleaseContent};
use crate::model::route::Route;
use crate::model::volume::Strategy;
use crate::router::{Drain, health};
use futures_util::future::{join, join_all, try_join_all};
use std::error::Error;
use std::time::{Duration, Instant};

/// Longest time that the requests which the old instances are answering hold up those that wait.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// Whether a deployment says where the route of its environment leads: one that switches it, and one that has taken out of it
/// what it stops first. The reconciler would bring back what is about to end.
pub(super) fn has_the_route(deployment: &Deployment) -> bool {
    match deployment.state {
        DeploymentState::Switching => true,
        DeploymentState::Starting
        | DeploymentState::Checking
        | DeploymentState::UndoingFailure
        | DeploymentState::UndoingCancel => strategy_of(deployment).stops_first(),
        DeploymentState::Queued
        | DeploymentState::Fetching
        | DeploymentState::Detecting
        | DeploymentState::Building
        | DeploymentState::Releasing
        | DeploymentState::Draining
        | DeploymentState::Live
        | DeploymentState::Failed
        | DeploymentState::Cancelled
        | DeploymentState::Superseded => false,
    }
}

/// How a deployment takes the place of what is live; one that leaves its instances as they are stops none.
fn strategy_of(deployment: &Deployment) -> Strategy {
    let content = deployment.record.content.as_ref();
    let own = content.filter(|content| content.instances_of.is_none());
    own.map_or(Strategy::Rolling, ReleaseContent::strategy)
}

impl Deployer {
    /// How the deployment takes the place of what is live.
    pub(super) fn strategy(run: &Run) -> Strategy {
        strategy_of(&run.deployment)
    }

    /// Stops the old instances, where the new ones cannot run beside them. Doing it twice is doing it once.
    pub(super) async fn make_room(&self, run: &mut Run) -> Result<(), StepError> {
        let strategy = Self::strategy(run);
        if !strategy.stops_first() {
            return Ok(());
        }
        // Said while the old ones still serve.
        if !self.engine.has_image(&run.content()?.image).await? {
            return Err(self.image_missing(run).await);
        }
        let old = self.unwanted_instances(run).await?;
        self.hold_requests(run);
        if old.is_empty() {
            // The table of a server that was killed may still lead to what it had stopped.
            drop(self.without_targets(run).await);
            return Ok(());
        }
        let before =
            run.previous.map_or_else(|| "what ran before".to_owned(), |version| format!("v{version}"));
        run.step(&match strategy {
            Strategy::Hold => format!("Holding requests while {before} stops"),
            Strategy::Recreate | Strategy::Rolling | Strategy::Canary => format!("Stopping {before}"),
        });
        let longest = run.drain_seconds().duration().min(DRAIN_LIMIT);
        let drain = self.without_targets(run).await;
        let drained = async {
            if let Some(drain) = drain {
                drain.finished(longest).await;
            }
        };
        // Those that a release before has left behind it answer, too.
        join(drained, self.endings.ended(&old, longest)).await;
        run.stopped_at = Some(Instant::now());
        try_join_all(old.iter().map(|instance| self.engine.stop(&instance.id, STOP_GRACE))).await?;
        self.reach(run, "stopped")
    }

    /// Lets requests wait until the new instances are there. One that goes on after the server was killed does it again.
    pub(super) fn hold_requests(&self, run: &Run) {
        match Self::strategy(run) {
            Strategy::Hold => self.router.hold(run.environment.id),
            Strategy::Rolling | Strategy::Recreate | Strategy::Canary => {}
        }
    }

    /// Takes every target out of the route, where it has any.
    async fn without_targets(&self, run: &Run) -> Option<Drain> {
        let _one_at_a_time = self.switching.lock().await;
        let leads_there =
            |route: &Route| route.environment_id == run.environment.id && !route.targets.is_empty();
        let known = self.router.routes().into_iter().find(leads_there)?;
        Some(self.router.set_route(Route { targets: Vec::new(), ..known }).drain)
    }

    /// Lets requests that wait go on, and says how it was.
    pub(super) fn release_requests(&self, run: &mut Run) {
        let held = self.router.end_hold(run.environment.id);
        if let Some(stopped_at) = run.stopped_at.take() {
            run.detail(&format!("No instance ran for {:.1} s", stopped_at.elapsed().as_secs_f64()));
        }
        if let Some(held) = held {
            let turned_away = match held.turned_away {
                0 => String::new(),
                count => format!(", {count} were turned away"),
            };
            run.detail(&format!(
                "{} requests were held for up to {:.1} s{turned_away}",
                held.requests,
                held.lasted.as_secs_f64()
            ));
        }
    }

    /// Starts what is live again, where the deployment has stopped it and does not go live. Gives why it does not serve again;
    /// nothing where it does.
    ///
    /// # Errors
    /// When the engine does not answer: to be done again.
    pub(super) async fn bring_back(&self, run: &Run) -> Result<Vec<String>, EngineError> {
        if !Self::strategy(run).stops_first() {
            return Ok(Vec::new());
        }
        let live = until_stored(|| self.store.current_release(run.environment.id)).await;
        let live = live.unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "what is live is not known");
            None
        });
        // As it is now: it may have been woken since the deployment began.
        let now = until_stored(|| self.store.environment(run.environment.id)).await;
        let environment = now.as_ref().unwrap_or(&run.environment);
        let is_stopped = environment.stopped_at.is_some();
        let faults = match live.filter(|live| live.deployment_id != run.deployment.id && !is_stopped) {
            Some(live) => self.start_release(run, environment, &live).await?,
            None => Vec::new(),
        };
        self.router.end_hold(run.environment.id);
        Ok(faults)
    }

    /// Starts the instances of a live release that do not run, and sends traffic to them. Gives what is wrong with them.
    async fn start_release(
        &self,
        run: &Run,
        environment: &Environment,
        live: &Release,
    ) -> Result<Vec<String>, EngineError> {
        let mut faults = Vec::new();
        let of = live.instances_of();
        let runs = |instance: &Instance| instance.state == InstanceState::Running;
        let mut there = self.instances_of(of).await?;
        if run.stopped_at.is_some() {
            // One that was told to stop may still run, and is about to end.
            let stops = there.iter().map(|instance| self.engine.stop(&instance.id, STOP_GRACE));
            for stopped in join_all(stops).await {
                unless_away(stopped, "an instance that was being stopped was not")?;
            }
            there.clear();
        }
        for (process_type, index) in instances::awake_places(&live.content, environment.asleep_at.is_some()) {
            let fills = |instance: &Instance| instances::place(instance) == (process_type.clone(), index);
            if there.iter().any(|instance| fills(instance) && runs(instance)) {
                continue;
            }
            let key = InstanceKey {
                project_id: run.project.id,
                environment_id: run.environment.id,
                deployment_id: of,
                process_type: process_type.clone(),
                index,
            };
            match self.start_live(run, live, key).await {
                Err(error @ EngineError::Unavailable { .. }) => return Err(error),
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn Error,
                        "an instance of the live release was not started again"
                    );
                    faults.push(not_started(live.version, &error));
                }
                Ok(fault) => faults.extend(fault),
            }
        }
        let instances = self.engine.list().await?;
        let _one_at_a_time = self.switching.lock().await;
        // It may be a deletion that the deployment was cancelled by: the reconciler removes what was started.
        let project = until_stored(|| self.store.project(run.project.id)).await;
        if project.is_ok_and(|project| project.is_in_service()) {
            drop(self.router.set_route(self.route((&run.project, environment), live, &instances)));
        }
        // Those of several instances may have the same cause.
        faults.dedup();
        Ok(faults)
    }

    /// Starts one instance of a live release; gives what is wrong with it nevertheless.
    async fn start_live(
        &self,
        run: &Run,
        live: &Release,
        key: InstanceKey,
    ) -> Result<Option<String>, EngineError> {
        let name = key.shown();
        let spec = match self.spec_of(&run.project.slug, &live.content, key) {
            Ok(spec) => spec,
            Err(error) => return Ok(Some(not_started(live.version, &error))),
        };
        self.engine.ensure_network(run.project.id).await?;
        let instance = self.engine.start(&spec).await?;
        // It was healthy before, and there is no other: it is kept whatever it answers.
        self.engine.keep_running(&instance.id).await?;
        run.detail(&format!("{name} of v{} was started again", live.version));
        if let (true, Some(address)) = (instance.key.process_type == ProcessType::web(), instance.address) {
            let host = self.address.host(&run.project.slug, &run.environment.name);
            if let Err(unhealthy) = health::check(address, &live.content.health, &host).await {
                let fault = format!("{name} of v{} does not answer yet: {}.", live.version, unhealthy.last);
                return Ok(Some(fault));
            }
        }
        Ok(None)
    }
}

/// That a release which was stopped does not run again, and why.
pub(super) fn not_started(version: i64, error: &dyn Error) -> String {
    let why = error.to_string();
    format!("v{version} was not started again: {}.", why.trim_end_matches('.'))
}
