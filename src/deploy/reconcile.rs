//! Keeping what runs and what the router believes in step with the releases that are current.
//!
//! Woken by what the engine tells (an instance has another address after a restart of Docker) and by a timer. It needs
//! no retries of its own: the next round sees what this one could not do.

use super::Deployer;
use super::heal::Healing;
use super::images::Sweeping;
use super::instances::{STOP_GRACE, belongs};
use super::orphans::Removing;
use super::room::has_the_route;
use super::sleep::changes_instances;
use crate::engine::EngineError;
use crate::model::environment::Environment;
use crate::model::id::EnvironmentId;
use crate::model::instance::{Instance, InstanceId, InstanceKey, InstanceState};
use crate::model::project::Project;
use crate::model::release::Release;
use crate::model::route::{Route, Standing};
use crate::store::StoreError;
use futures_util::{FutureExt, StreamExt};
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A round at least this often.
const TICK: Duration = Duration::from_secs(30);
/// Events that come together are one reason for a round.
const SETTLE: Duration = Duration::from_millis(50);

/// Runs rounds until it is told to stop.
pub struct Reconciler {
    pub deployer: Arc<Deployer>,
}

/// A release that is live, and where.
pub(super) struct Current {
    pub(super) project: Project,
    pub(super) environment: Environment,
    pub(super) release: Release,
}

#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Reconciler {
    /// Runs until `stop` ends.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut events = self.deployer.engine.events();
        tokio::pin!(stop);
        let mut sweeping = Sweeping::begin();
        let (mut healing, mut removing) = (Healing::default(), Removing::default());
        let mut has_told_of_apps = false;
        loop {
            let round = async {
                // Before the engine is asked, which may be away.
                has_told_of_apps = has_told_of_apps || self.tell_of_apps().await;
                let round = self.round(&mut healing, &mut removing).await;
                sweeping.sweep_if_due(&self.deployer).await;
                if !removing.is_idle() {
                    // Their images and networks were in use.
                    sweeping.hurry();
                }
                round
            };
            let round = tokio::select! {
                round = round => round,
                () = &mut stop => return,
            };
            let next = sweeping.due().min(Instant::now() + TICK);
            let next = match round {
                Ok(due) => due.map_or(next, |due| due.min(next)),
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "a reconciliation was not finished"
                    );
                    next
                }
            };
            tokio::select! {
                // What comes meanwhile is seen by the next round.
                _ = events.next() => {
                    tokio::time::sleep(SETTLE).await;
                    while events.next().now_or_never().flatten().is_some() {}
                }
                () = self.deployer.look_again.notified() => {}
                () = self.deployer.left_behind.notified() => sweeping.hurry(),
                () = healing.learn(&self.deployer) => {}
                () = tokio::time::sleep_until(next) => {}
                () = &mut stop => return,
            }
        }
    }

    /// Tells the router of the apps that its table does not have, as behind a lost one: they are there and cannot serve until
    /// the engine has told where their instances are. Gives whether it could.
    async fn tell_of_apps(&self) -> bool {
        let deployer = &self.deployer;
        let _one_at_a_time = deployer.switching.lock().await;
        let known: HashSet<EnvironmentId> =
            deployer.router.routes().into_iter().map(|route| route.environment_id).collect();
        match deployer.store.current_releases().await {
            Ok(current) => {
                for (project, environment, release) in current {
                    if !known.contains(&environment.id) {
                        let route = deployer.route((&project, &environment), &release, &[]);
                        drop(deployer.router.set_route(route));
                    }
                }
                true
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the router was not told of every app"
                );
                false
            }
        }
    }

    /// One round: orphans are stopped, what is missing is started, and the router learns where the instances are. Gives when
    /// something that is missing is to be looked at again.
    async fn round(
        &self,
        healing: &mut Healing,
        removing: &mut Removing,
    ) -> Result<Option<Instant>, RoundError> {
        let deployer = &self.deployer;
        let (orphans, missing) = {
            let _one_at_a_time = deployer.switching.lock().await;
            // Instances first: what starts after this look is not taken for an orphan.
            let instances = deployer.engine.list().await?;
            // Before the database is asked, which may be away.
            deployer.correct_addresses(&instances);
            let unfinished = deployer.store.unfinished_deployments().await?;
            let switching: HashSet<EnvironmentId> = unfinished
                .iter()
                .filter(|deployment| has_the_route(deployment))
                .map(|deployment| deployment.environment_id)
                .collect();
            let busy: HashSet<EnvironmentId> =
                unfinished.iter().map(|deployment| deployment.environment_id).collect();
            let changing = unfinished.iter().filter(|deployment| changes_instances(deployment.state));
            let changing: HashSet<EnvironmentId> =
                changing.map(|deployment| deployment.environment_id).collect();
            let current = self.update_routes(&instances, &switching).await?;
            let missing = deployer.missing(&current, &instances, &changing).await;
            let there = instances.iter().map(|instance| instance.id.clone()).collect();
            deployer.vitals.retain(&there);
            let surplus = surplus(&instances, |key| deployer.vitals.is_being_replaced(key));
            let orphans = instances
                .into_iter()
                .filter(|instance| !busy.contains(&instance.key.environment_id))
                .filter(|instance| {
                    let is_served = current.contains_key(&instance.key.environment_id);
                    !(is_served && instance.key.is_one_off() && deployer.one_offs.has(&instance.key))
                })
                .filter(|instance| {
                    let live = current.get(&instance.key.environment_id);
                    let is_open = live.is_some_and(|live| live.environment.stopped_at.is_none());
                    !(is_open && deployer.endings.has(instance))
                })
                .filter(|instance| {
                    let live = current.get(&instance.key.environment_id);
                    let is_wanted = |Current { environment, release, .. }: &Current| {
                        environment.stopped_at.is_none()
                            && belongs(instance, release.instances_of(), &release.content)
                    };
                    surplus.contains(&instance.id) || !live.is_some_and(is_wanted)
                })
                .collect::<Vec<_>>();
            (orphans, missing)
        };
        let due = healing.begin(deployer, &missing);
        removing.begin(orphans, |id| {
            let engine = Arc::clone(&deployer.engine);
            async move { engine.stop(&id, STOP_GRACE).await }
        });
        Ok(due)
    }

    /// Tells the router where the instances of the current releases are; answers with the current releases.
    async fn update_routes(
        &self,
        instances: &[Instance],
        switching: &HashSet<EnvironmentId>,
    ) -> Result<HashMap<EnvironmentId, Current>, RoundError> {
        let deployer = &self.deployer;
        let known: HashMap<EnvironmentId, Route> =
            deployer.router.routes().into_iter().map(|route| (route.environment_id, route)).collect();
        let mut current = HashMap::new();
        for (project, environment, release) in deployer.store.current_releases().await? {
            let id = environment.id;
            if !switching.contains(&id) {
                let route = deployer.route((&project, &environment), &release, instances);
                let is_served = |known: &Route| known.standing == Standing::Open && !known.targets.is_empty();
                // One that was interrupted while it fell asleep: requests that it is answering are waited for (`sleep`).
                let falls_asleep =
                    route.standing == Standing::Asleep && known.get(&id).is_some_and(is_served);
                if !falls_asleep && known.get(&id) != Some(&route) {
                    tracing::info!(project = %project.slug, targets = route.targets.len(), "a route was brought up to date");
                    drop(deployer.router.set_route(route));
                }
            }
            current.insert(id, Current { project, environment, release });
        }
        for environment in known.keys().filter(|id| !current.contains_key(id) && !switching.contains(id)) {
            drop(deployer.router.remove_route(*environment));
        }
        Ok(current)
    }
}

/// Instances whose place another one fills: what a replacement has left that was interrupted. The older one stays, which
/// was checked and is set to be kept running, unless it does not run.
fn surplus(instances: &[Instance], is_being_replaced: impl Fn(&InstanceKey) -> bool) -> HashSet<InstanceId> {
    let mut staying: HashMap<&InstanceKey, &Instance> = HashMap::new();
    let rank = |instance: &Instance| {
        (instance.state != InstanceState::Running, instance.created_at, instance.generation)
    };
    for instance in instances {
        let stays = staying.entry(&instance.key).or_insert(instance);
        if rank(instance) < rank(stays) {
            *stays = instance;
        }
    }
    instances
        .iter()
        .filter(|instance| staying.get(&instance.key).is_some_and(|stays| stays.id != instance.id))
        .filter(|instance| !is_being_replaced(&instance.key))
        .map(|instance| instance.id.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_in_one_place_the_older_one_stays_if_it_runs() {
        let older = Instance::running("older");
        let newer = Instance { id: InstanceId("newer".to_owned()), generation: 9, ..older.clone() };
        let both = |older: Instance| [newer.clone(), older, Instance::running("other")];
        let gone = |ids: &[&str]| ids.iter().map(|id| InstanceId((*id).to_owned())).collect::<HashSet<_>>();
        assert_eq!(surplus(&both(older.clone()), |_| false), gone(&["newer"]));
        assert_eq!(surplus(&both(older.clone()), |key| *key == older.key), gone(&[]));
        let ended = InstanceState::Exited { code: 1, out_of_memory: false };
        assert_eq!(surplus(&both(Instance { state: ended, ..older }), |_| false), gone(&["older"]));
    }
}
