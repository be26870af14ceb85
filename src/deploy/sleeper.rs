//! When an environment falls asleep, and when it is woken.
//!
//! What is counted is what the router has seen: requests, and connections that are open. Checks of the health of an
//! instance do not go through it.

use super::Deployer;
use super::sleep::NotDone;
use crate::engine::EngineError;
use crate::model::id::{DeploymentId, EnvironmentId};
use crate::model::route::{Route, Standing};
use crate::store::StoreError;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often it is looked at who has requests.
const TICK: Duration = Duration::from_millis(500);
/// For how long requests are refused after a start that failed; twice as long after each one more, up to the longest.
const PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// What is being woken when the server stops has so long, as its requests have.
const LAST_WAKING: Duration = Duration::from_secs(20);

/// Looks until it is told to stop.
pub struct Sleeper {
    pub deployer: Arc<Deployer>,
}

/// What is known of one environment.
struct Seen {
    deployment_id: DeploymentId,
    /// After how long without a request it falls asleep; `None`: never.
    after: Option<Duration>,
    requests: u64,
    /// When it was last seen to have one.
    at: Instant,
}

/// What a task has done.
enum News {
    /// It sleeps, or not yet.
    Slept(EnvironmentId, Result<(), NotDone>),
    /// What a killed server has left is done, or not yet.
    Stayed(EnvironmentId, Result<(), NotDone>),
    Woken(EnvironmentId, Result<(), NotDone>),
}

impl Sleeper {
    /// Runs until `stop` ends, and what is being woken then runs.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut rounds = Rounds {
            deployer: self.deployer,
            seen: HashMap::new(),
            left: HashSet::new(),
            knows_left: false,
            failures: HashMap::new(),
            busy: HashSet::new(),
            tasks: JoinSet::new(),
        };
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(stop);
        loop {
            let deployer = Arc::clone(&rounds.deployer);
            tokio::select! {
                _ = tick.tick() => rounds.look().await,
                () = deployer.router.is_wanted() => rounds.wake_wanted(),
                Some(news) = rounds.tasks.join_next() => if let Ok(news) = news {
                    rounds.learn(news);
                },
                () = &mut stop => break,
            }
        }
        let last = async {
            while let Some(news) = rounds.tasks.join_next().await {
                if let Ok(news) = news {
                    rounds.learn(news);
                }
            }
        };
        // What is not done by then is done at the next start.
        let _ = tokio::time::timeout(LAST_WAKING, last).await;
    }
}

struct Rounds {
    deployer: Arc<Deployer>,
    seen: HashMap<EnvironmentId, Seen>,
    /// Environments that are asleep of which something may run all the same.
    left: HashSet<EnvironmentId>,
    /// Whether those that were asleep at the start are among them.
    knows_left: bool,
    /// How often in a row each was not woken.
    failures: HashMap<EnvironmentId, u32>,
    /// Those that something is being done to.
    busy: HashSet<EnvironmentId>,
    tasks: JoinSet<News>,
}

impl Rounds {
    async fn look(&mut self) {
        self.wake_wanted();
        self.settle().await;
        let routes = self.deployer.router.routes();
        let there: HashSet<EnvironmentId> = routes.iter().map(|route| route.environment_id).collect();
        self.seen.retain(|environment, _| there.contains(environment));
        self.failures.retain(|environment, _| there.contains(environment));
        for route in routes {
            match self.is_due(&route).await {
                Ok(Some(requests)) => self.begin(route.environment_id, |deployer, id| async move {
                    News::Slept(id, Box::pin(deployer.fall_asleep(id, route.deployment_id, requests)).await)
                }),
                Ok(None) => {}
                // The next round asks the database again.
                Err(error) => tracing::debug!(%error, "a live release is not known yet"),
            }
        }
    }

    /// Brings about what the server before this one, or a start that failed, has left. What is wanted is woken instead.
    async fn settle(&mut self) {
        if !self.knows_left {
            match self.deployer.store.current_releases().await {
                Ok(live) => {
                    let asleep =
                        live.into_iter().filter(|(_, environment, _)| environment.asleep_at.is_some());
                    self.left.extend(asleep.map(|(_, environment, _)| environment.id));
                    self.knows_left = true;
                }
                Err(error) => tracing::debug!(%error, "what is asleep is not known yet"),
            }
        }
        let wanted = self.deployer.router.wanted();
        let left: Vec<EnvironmentId> = self.left.iter().filter(|id| !wanted.contains(id)).copied().collect();
        for id in left {
            self.begin(id, |deployer, id| async move {
                News::Stayed(id, Box::pin(deployer.stay_asleep(id)).await)
            });
        }
    }

    /// Wakes those that requests wait for.
    fn wake_wanted(&mut self) {
        for id in self.deployer.router.wanted() {
            self.begin(id, |deployer, id| async move { News::Woken(id, Box::pin(deployer.wake(id)).await) });
        }
    }

    /// Does something to an environment, unless something is being done to it.
    fn begin<F>(&mut self, id: EnvironmentId, act: impl FnOnce(Arc<Deployer>, EnvironmentId) -> F)
    where
        F: Future<Output = News> + Send + 'static,
    {
        if self.busy.insert(id) {
            self.tasks.spawn(act(Arc::clone(&self.deployer), id));
        }
    }

    /// Notes what there was of requests. Gives how many there were in all, where it is time to fall asleep.
    async fn is_due(&mut self, route: &Route) -> Result<Option<u64>, StoreError> {
        let id = route.environment_id;
        let Some(counters) = self.deployer.router.counters(id) else { return Ok(None) };
        if self.seen.get(&id).is_none_or(|seen| seen.deployment_id != route.deployment_id) {
            let release = self.deployer.store.current_release(id).await?;
            // While it is switched, the table and the database may speak of two.
            let Some(release) = release.filter(|release| release.deployment_id == route.deployment_id) else {
                return Ok(None);
            };
            let after = release.content.sleep_seconds.duration();
            let (deployment_id, requests, at) = (route.deployment_id, counters.requests, Instant::now());
            self.seen.insert(id, Seen { deployment_id, after, requests, at });
            // Another release has not failed yet.
            self.failures.remove(&id);
        }
        let Some(seen) = self.seen.get_mut(&id) else { return Ok(None) };
        let serves = route.standing == Standing::Open && !route.targets.is_empty();
        if !serves || counters.in_flight > 0 || counters.requests != seen.requests {
            (seen.requests, seen.at) = (counters.requests, Instant::now());
        }
        let is_due = seen.after.is_some_and(|after| seen.at.elapsed() >= after);
        Ok(is_due.then_some(seen.requests))
    }

    fn learn(&mut self, news: News) {
        match news {
            News::Slept(id, slept) => {
                self.busy.remove(&id);
                match slept {
                    Ok(()) | Err(NotDone::NotNow | NotDone::OutOfService) => {}
                    Err(error) => {
                        // What was not stopped is stopped later.
                        self.left.insert(id);
                        tracing::warn!(environment = %id, %error, "an environment does not fall asleep");
                    }
                }
            }
            News::Stayed(id, stayed) => {
                self.busy.remove(&id);
                match stayed {
                    Ok(()) | Err(NotDone::OutOfService) => drop(self.left.remove(&id)),
                    Err(NotDone::NotNow) => {}
                    Err(error) => {
                        tracing::debug!(environment = %id, %error, "what is asleep was not stopped");
                    }
                }
            }
            News::Woken(id, woken) => {
                self.busy.remove(&id);
                self.learn_woken(id, woken);
            }
        }
    }

    fn learn_woken(&mut self, id: EnvironmentId, woken: Result<(), NotDone>) {
        let error = match woken {
            Ok(()) => {
                self.failures.remove(&id);
                return;
            }
            Err(error) => error,
        };
        // What was started may run still.
        self.left.insert(id);
        let error = match error {
            // Its requests wait on, as long as they may.
            NotDone::NotNow
            | NotDone::OutOfService
            | NotDone::Store(_)
            | NotDone::Engine(EngineError::Unavailable { .. }) => return,
            error @ (NotDone::NotHealthy { .. } | NotDone::Config(_) | NotDone::Engine(_)) => error,
        };
        let failures = self.failures.entry(id).or_default();
        *failures = failures.saturating_add(1);
        let pause = PAUSE.saturating_mul(1 << (*failures - 1).min(16)).min(LONGEST_PAUSE);
        tracing::warn!(environment = %id, %error, pause = pause.as_secs(), "an environment was not woken");
        let text =
            format!("It did not start: {error}. The first request in {} s starts it again.", pause.as_secs());
        self.deployer.vitals.note(id, "web", &text);
        self.deployer.router.stays_asleep(id, pause);
    }
}
