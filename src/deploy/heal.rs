//! Starting the instances of live releases that are not there: removed or stopped by hand, lost with the engine's data, or
//! left by a server that was killed between stopping one and starting another.
//!
//! A process that has ended by itself is no business of this: the engine starts it again. What does not answer is asked
//! and replaced by [`super::liveness`].

use super::Deployer;
use super::instances::{RUNS_FOR, awake_places};
use super::reconcile::Current;
use super::replace::NotReplaced;
use super::sleep::{Live, NotDone};
use crate::engine::EngineError;
use crate::model::id::EnvironmentId;
use crate::model::instance::{Instance, InstanceKey, InstanceState};
use crate::model::name::ProcessType;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How long an instance must not be there before it is started: `docker restart` and a restart of the engine start it
/// themselves.
const GRACE: Duration = Duration::from_secs(5);
/// Before what could not be started is tried again; twice as long after each failure more, up to the longest.
const PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// The instances that are not there, and those of them that are being started.
#[derive(Default)]
pub(super) struct Healing {
    missing: HashMap<InstanceKey, Missing>,
    tasks: JoinSet<(InstanceKey, Result<(), NotDone>)>,
}

/// What is known of one that is not there.
struct Missing {
    /// When it is to be started.
    at: Instant,
    failures: u32,
    is_in_hand: bool,
}

impl Healing {
    /// Starts those whose time has come. Gives when the next one is to be looked at.
    pub(super) fn begin(
        &mut self,
        deployer: &Arc<Deployer>,
        missing: &HashSet<InstanceKey>,
    ) -> Option<Instant> {
        self.missing.retain(|key, known| known.is_in_hand || missing.contains(key));
        let now = Instant::now();
        for key in missing {
            let first = || Missing { at: now + GRACE, failures: 0, is_in_hand: false };
            let known = self.missing.entry(key.clone()).or_insert_with(first);
            if known.is_in_hand || known.at > now {
                continue;
            }
            known.is_in_hand = true;
            let (deployer, key) = (Arc::clone(deployer), key.clone());
            self.tasks.spawn(async move {
                let outcome = Box::pin(deployer.heal(&key)).await;
                (key, outcome)
            });
        }
        self.missing.values().filter(|known| !known.is_in_hand).map(|known| known.at).min()
    }

    /// Waits until one was started, or was not; for ever while none is being started.
    pub(super) async fn learn(&mut self, deployer: &Deployer) {
        let (key, outcome) = match self.tasks.join_next().await {
            Some(Ok(ended)) => ended,
            // A panic was told where it happened; which one it was shows when it is looked for the next time.
            Some(Err(_)) => {
                self.missing.retain(|_, known| !known.is_in_hand);
                return;
            }
            None => std::future::pending().await,
        };
        let Some(known) = self.missing.get_mut(&key) else { return };
        known.is_in_hand = false;
        match outcome {
            Ok(()) => drop(self.missing.remove(&key)),
            // Whoever changes it starts it; what is asleep or out of service is not missing the next time.
            Err(NotDone::NotNow | NotDone::OutOfService) => known.at = Instant::now() + GRACE,
            Err(error) => {
                known.failures = known.failures.saturating_add(1);
                let pause = pause_after(known.failures);
                known.at = Instant::now() + pause;
                let (name, seconds) = (key.shown(), pause.as_secs());
                tracing::warn!(instance = name, environment = %key.environment_id, %error, pause = seconds, "an instance that is not there was not started");
                if !matches!(error, NotDone::Engine(EngineError::Unavailable { .. })) {
                    // Some of them are sentences, with a dot at the end.
                    let why = error.to_string();
                    let why = why.trim_end_matches('.');
                    let text = format!(
                        "It is not there, and was not brought back: {why}. It is tried again in {seconds} s."
                    );
                    deployer.vitals.note(key.environment_id, &name, &text);
                }
            }
        }
    }
}

fn pause_after(failures: u32) -> Duration {
    PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}

impl Deployer {
    /// The instances that are to run and do not, and that the engine is not about to start. Those of environments that a
    /// deployment is changing are its own.
    pub(super) async fn missing(
        &self,
        current: &HashMap<EnvironmentId, Current>,
        instances: &[Instance],
        changing: &HashSet<EnvironmentId>,
    ) -> HashSet<InstanceKey> {
        let mut missing = HashSet::new();
        let is_still = |live: &&Current| {
            live.environment.stopped_at.is_none() && !changing.contains(&live.environment.id)
        };
        for Current { project, environment, release } in current.values().filter(is_still) {
            for (process_type, index) in awake_places(&release.content, environment.asleep_at.is_some()) {
                let key = InstanceKey {
                    project_id: project.id,
                    environment_id: environment.id,
                    deployment_id: release.instances_of(),
                    process_type,
                    index,
                };
                if !self.vitals.is_being_replaced(&key) && !self.is_there(&key, instances).await {
                    missing.insert(key);
                }
            }
        }
        missing
    }

    /// Whether an instance of the key runs, or the engine is about to start one.
    async fn is_there(&self, key: &InstanceKey, instances: &[Instance]) -> bool {
        let of_key: Vec<&Instance> = instances.iter().filter(|instance| instance.key == *key).collect();
        if of_key.iter().any(|instance| instance.state == InstanceState::Running) {
            return true;
        }
        for instance in of_key {
            match self.engine.life(&instance.id).await {
                Ok(life) if !life.is_some_and(|life| life.is_restarting) => {}
                // What is not known is left alone.
                Ok(_) | Err(_) => return true,
            }
        }
        false
    }

    /// Starts an instance that is not there and gives it the time to become healthy: then it gets requests, and after that
    /// time as well, as there may be no other.
    async fn heal(&self, key: &InstanceKey) -> Result<(), NotDone> {
        let Some(replacement) = self.vitals.begin_replacing(key, 0) else { return Err(NotDone::NotNow) };
        let name = key.shown();
        let (live, instance) = {
            // A deployment that begins meanwhile finds what was started, and stops it where it has to.
            let _turn = self.sleeping.turn(key.environment_id).await;
            let live = self.live_without(key).await?;
            tracing::warn!(instance = name, environment = %key.environment_id, "an instance that is not there is started");
            let spec = self.spec_of(&live.project.slug, &live.release.content, key.clone())?;
            self.engine.ensure_network(live.project.id).await?;
            let instance = self.engine.start(&spec).await?;
            self.engine.keep_running(&instance.id).await?;
            (live, instance)
        };
        self.vitals.note(key.environment_id, &name, "It was not there any more, and was started again.");
        if key.process_type == ProcessType::web() {
            let host = self.address.host(&live.project.slug, &live.environment.name);
            match self.prove(&instance, &live.release, &host).await {
                Ok(()) => {}
                Err(why @ NotReplaced::Crashed(_)) => return Err(NotDone::NotHealthy { name, why }),
                Err(why) => self.vitals.note(
                    key.environment_id,
                    &name,
                    &format!("It was started again and is not well: {why}."),
                ),
            }
        } else {
            tokio::time::sleep(RUNS_FOR).await;
            if let Some(InstanceState::Exited { code, .. }) =
                self.engine.inspect(&instance.id).await?.map(|now| now.state)
            {
                return Err(NotDone::NotHealthy { name, why: NotReplaced::Crashed(code) });
            }
        }
        drop(replacement);
        self.look_again.notify_one();
        Ok(())
    }

    /// What is live in the environment of an instance that belongs to it and is not there.
    async fn live_without(&self, key: &InstanceKey) -> Result<Live, NotDone> {
        let live = self.live(key.environment_id).await?;
        if self.is_being_changed(key.environment_id).await? {
            return Err(NotDone::NotNow);
        }
        let instances = self.engine.list().await?;
        let is_asleep = live.environment.asleep_at.is_some();
        let is_wanted = live.release.instances_of() == key.deployment_id
            && awake_places(&live.release.content, is_asleep)
                .contains(&(key.process_type.clone(), key.index));
        if !is_wanted || self.is_there(key, &instances).await {
            return Err(NotDone::NotNow);
        }
        Ok(live)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_started_is_tried_more_and_more_seldom() {
        let pauses: Vec<u64> = (1..=8).map(|failures| pause_after(failures).as_secs()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(pause_after(u32::MAX), LONGEST_PAUSE);
    }
}
