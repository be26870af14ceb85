//! Asking the instances that are live whether they still answer.
//!
//! The check is the one that they passed before they got traffic, made rarer. What fails it a few times in a row gets no
//! more requests as long as others answer, and another instance takes its place ([`super::replace`]). A process that has
//! ended is no business of this: the engine starts it again.

use super::Deployer;
use super::replace::{NotReplaced, Replaced};
use crate::engine::Life;
use crate::model::environment::HealthCheck;
use crate::model::id::{DeploymentId, EnvironmentId};
use crate::model::instance::{InstanceId, InstanceState};
use crate::model::route::Route;
use crate::model::time::now;
use crate::router::health::{self, ProbeFailure};
use chrono::TimeDelta;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often it is looked at whose turn it is.
const TICK: Duration = Duration::from_millis(500);
/// Pause between two replacements of one environment; twice as long after each of the last hour, up to the longest.
const PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_mins(15);
const HOUR: Duration = Duration::from_hours(1);

/// A container is started so soon after it was made; one that was started later was started again.
const AT_ONCE: TimeDelta = TimeDelta::seconds(10);

/// Asks until it is told to stop.
pub struct Liveness {
    pub deployer: Arc<Deployer>,
}

/// An environment whose instances are asked.
struct Watched {
    deployment_id: DeploymentId,
    check: HealthCheck,
    host: String,
    pulses: HashMap<InstanceId, Pulse>,
    /// When instances of it were replaced, or tried to be, within the last hour.
    replacements: Vec<Instant>,
}

/// What is known of one instance.
struct Pulse {
    address: SocketAddr,
    next: Instant,
    /// Whether an answer is waited for.
    is_asked: bool,
    failures: u16,
}

/// What a task brings back.
enum News {
    Asked(EnvironmentId, InstanceId, Result<(), Silence>),
    Replaced(EnvironmentId, InstanceId, String, Result<Replaced, NotReplaced>),
}

/// Why an instance has not answered.
enum Silence {
    Failed(ProbeFailure),
    /// It was started again a moment ago, as after a crash or a restart of the host, and has its time.
    Starting,
    /// It does not run, or is not there any more.
    Gone,
}

impl Liveness {
    /// Runs until `stop` ends.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut rounds = Rounds { deployer: self.deployer, watched: HashMap::new(), tasks: JoinSet::new() };
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(stop);
        loop {
            tokio::select! {
                _ = tick.tick() => rounds.begin().await,
                Some(news) = rounds.tasks.join_next() => if let Ok(news) = news {
                    rounds.learn(news);
                },
                () = &mut stop => return,
            }
        }
    }
}

struct Rounds {
    deployer: Arc<Deployer>,
    watched: HashMap<EnvironmentId, Watched>,
    tasks: JoinSet<News>,
}

impl Rounds {
    /// Asks those whose turn it is.
    async fn begin(&mut self) {
        let routes = self.deployer.router.routes();
        let there: HashSet<EnvironmentId> = routes.iter().map(|route| route.environment_id).collect();
        self.watched.retain(|environment, _| there.contains(environment));
        for route in routes {
            if let Err(error) = self.meet(&route).await {
                // The next round asks the database again.
                tracing::debug!(%error, "a live release is not known yet");
            }
        }
        let this_moment = Instant::now();
        for (environment, watched) in &mut self.watched {
            for (id, pulse) in &mut watched.pulses {
                if pulse.is_asked || pulse.next > this_moment || watched.check.live_interval_ms == 0 {
                    continue;
                }
                pulse.is_asked = true;
                let (deployer, environment, id) = (Arc::clone(&self.deployer), *environment, id.clone());
                let (address, check, host) = (pulse.address, watched.check.clone(), watched.host.clone());
                self.tasks.spawn(async move {
                    let answer = match health::ask(address, &check, &host).await {
                        Ok(_) => Ok(()),
                        Err(failure) => Err(because(&deployer, &id, &check, failure).await),
                    };
                    News::Asked(environment, id, answer)
                });
            }
        }
    }

    /// Takes the targets of a route among those that are asked.
    async fn meet(&mut self, route: &Route) -> Result<(), crate::store::StoreError> {
        let id = route.environment_id;
        if self.watched.get(&id).is_none_or(|watched| watched.deployment_id != route.deployment_id) {
            let release = self.deployer.store.current_release(id).await?;
            // While it is switched, the table and the database may speak of two.
            let Some(release) = release.filter(|release| release.deployment_id == route.deployment_id) else {
                return Ok(());
            };
            let before = self.watched.remove(&id);
            let (pulses, replacements) =
                before.map(|before| (before.pulses, before.replacements)).unwrap_or_default();
            let host = route.hosts.first().cloned().unwrap_or_default();
            let check = release.content.health;
            let deployment_id = route.deployment_id;
            self.watched.insert(id, Watched { deployment_id, check, host, pulses, replacements });
        }
        let Some(watched) = self.watched.get_mut(&id) else { return Ok(()) };
        let vitals = &self.deployer.vitals;
        let is_served = |id: &InstanceId| route.targets.iter().any(|target| target.instance_id == *id);
        // One that gets no requests is asked on: it may answer again.
        watched.pulses.retain(|id, _| is_served(id) || vitals.silence_of(id).is_some());
        let next = Instant::now() + millis(watched.check.live_interval_ms);
        for target in &route.targets {
            let pulse = watched.pulses.entry(target.instance_id.clone()).or_insert_with(|| Pulse {
                address: target.address,
                next,
                is_asked: false,
                failures: 0,
            });
            pulse.address = target.address;
        }
        Ok(())
    }

    fn learn(&mut self, news: News) {
        match news {
            News::Asked(environment, id, answer) => self.learn_answer(environment, id, answer),
            News::Replaced(environment, id, name, outcome) => {
                self.learn_outcome(environment, &id, &name, outcome);
            }
        }
    }

    fn learn_answer(&mut self, environment: EnvironmentId, id: InstanceId, answer: Result<(), Silence>) {
        let deployer = Arc::clone(&self.deployer);
        let Some(watched) = self.watched.get_mut(&environment) else { return };
        let check = watched.check.clone();
        let Some(pulse) = watched.pulses.get_mut(&id) else { return };
        pulse.is_asked = false;
        pulse.next = Instant::now() + millis(check.live_interval_ms);
        let failure = match answer {
            Ok(()) => {
                pulse.failures = 0;
                if deployer.vitals.answers(&id) {
                    tracing::info!(instance = id.0, %environment, "an instance answers again");
                    deployer.look_again.notify_one();
                }
                return;
            }
            Err(Silence::Gone) => {
                // The engine starts it again; what it is then is found out anew.
                watched.pulses.remove(&id);
                deployer.vitals.answers(&id);
                return;
            }
            Err(Silence::Starting) => {
                pulse.failures = 0;
                return;
            }
            Err(Silence::Failed(failure)) => failure,
        };
        pulse.failures = pulse.failures.saturating_add(1);
        if pulse.failures < check.live_failures {
            return;
        }
        let failures = pulse.failures;
        let why = failure.to_string();
        if deployer.vitals.is_silent_because(&id, &why) {
            tracing::warn!(instance = id.0, %environment, failures, why, "an instance does not answer");
            deployer.look_again.notify_one();
        }
        if watched.may_replace() {
            watched.replacements.push(Instant::now());
            self.tasks.spawn(async move {
                let (name, outcome) = deployer.replace(environment, &id, &why).await;
                News::Replaced(environment, id, name, outcome)
            });
        }
    }

    fn learn_outcome(
        &mut self,
        environment: EnvironmentId,
        id: &InstanceId,
        name: &str,
        outcome: Result<Replaced, NotReplaced>,
    ) {
        let Some(watched) = self.watched.get_mut(&environment) else { return };
        match outcome {
            Ok(Replaced { by }) => {
                watched.pulses.remove(id);
                let count = watched.replacements.len();
                let what = format!("in place of one that did not answer ({count} in the last hour)");
                self.deployer.vitals.has_replaced(&by, what);
            }
            Err(NotReplaced::NotNow) => {
                // Nothing was tried.
                watched.replacements.pop();
            }
            Err(error) => {
                let pause = watched.pause().as_secs();
                tracing::warn!(instance = name, %environment, %error, pause, "an instance was not replaced");
                let text = format!("It was not replaced: {error}. It is tried again in {pause} s.");
                self.deployer.vitals.note(environment, name, &text);
            }
        }
    }
}

impl Watched {
    /// Whether it is time to replace an instance: the more of them there were, the more seldom.
    fn may_replace(&mut self) -> bool {
        self.replacements.retain(|at| at.elapsed() < HOUR);
        self.replacements.last().is_none_or(|last| last.elapsed() >= self.pause())
    }

    /// Between the last replacement and the next.
    fn pause(&self) -> Duration {
        pause_after(self.replacements.len())
    }
}

/// The pause after so many replacements within an hour.
fn pause_after(count: usize) -> Duration {
    let doublings = u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}

/// Why an instance has not answered: one that does not run, or has just begun to, has a better reason than the check gives.
async fn because(
    deployer: &Deployer,
    id: &InstanceId,
    check: &HealthCheck,
    failure: ProbeFailure,
) -> Silence {
    let instance = match deployer.engine.inspect(id).await {
        Ok(Some(instance)) if instance.state == InstanceState::Running => instance,
        Ok(Some(_) | None) => return Silence::Gone,
        // An engine that does not answer says nothing about the instance.
        Err(_) => return Silence::Failed(failure),
    };
    let Ok(Some(Life { since: Some(since), restarts, .. })) = deployer.engine.life(id).await else {
        return Silence::Failed(failure);
    };
    // The first time it was checked before it got requests.
    let is_again = restarts > 0 || instance.created_at.is_some_and(|made| since - made > AT_ONCE);
    let deadline = TimeDelta::milliseconds(check.deadline_ms.into());
    if is_again && now() - since < deadline { Silence::Starting } else { Silence::Failed(failure) }
}

fn millis(milliseconds: u32) -> Duration {
    Duration::from_millis(u64::from(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_with_every_replacement() {
        let pauses: Vec<u64> = (1..=7).map(|count| pause_after(count).as_secs()).collect();
        assert_eq!(pauses, [30, 60, 120, 240, 480, 900, 900]);
        assert_eq!(pause_after(100), LONGEST_PAUSE);
    }
}
