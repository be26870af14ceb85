//! Watching a release for a while after it went live: one that crashes again and again, or answers far worse than the one
//! before, is rolled back.
//!
//! Never a second time for the same release, never one that somebody has rolled back to (nor one that was rolled back to
//! from here), and never while something newer is deployed.

use crate::deployments::{DeployError, Deployments, TakenBack};
use crate::engine::{Engine, EngineError};
use crate::model::basis::DeploymentBasis;
use crate::model::id::{DeploymentId, EnvironmentId};
use crate::model::release::Release;
use crate::model::time::{Timestamp, now};
use crate::model::vitals::Vitals;
use crate::router::{Answered, ReleaseCounters, RouterHandle};
use crate::store::{Store, StoreError};
use chrono::TimeDelta;
use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// Ends of one instance by itself that make a crash loop.
const CRASHES: u32 = 3;
/// Answers without which nothing is said about their kind, of the new release and of the one before.
const LEAST_ANSWERS: u64 = 50;
/// A release fails whose share of errors is at least so many percent, and so many times that of the one before.
const ERROR_PERCENT: u64 = 20;
const TIMES_WORSE: u64 = 5;
/// The same for the time that an answer takes.
const SLOW: Duration = Duration::from_secs(1);

/// Watches until it is told to stop.
pub struct Watch {
    pub store: Store,
    pub engine: Arc<dyn Engine>,
    pub router: RouterHandle,
    pub deployments: Deployments,
    /// Where what is done is noted for people.
    pub vitals: Vitals,
}

/// A release that is live.
struct Watched {
    deployment_id: DeploymentId,
    /// `None`: it is not watched, or not any more.
    open: Option<Open>,
}

/// A release that is watched.
struct Open {
    release: Release,
    before: i64,
    until: Timestamp,
}

#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error(transparent)]
    Deploy(#[from] DeployError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Watch {
    /// Runs until `stop` ends.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let rounds = async {
            let mut watched = HashMap::new();
            loop {
                tokio::time::sleep(PAUSE).await;
                Box::pin(self.round(&mut watched)).await;
            }
        };
        tokio::select! {
            () = rounds => {}
            () = stop => {}
        }
    }

    async fn round(&self, watched: &mut HashMap<EnvironmentId, Watched>) {
        let routes = self.router.routes();
        watched.retain(|id, _| routes.iter().any(|route| route.environment_id == *id));
        for route in routes {
            let id = route.environment_id;
            if watched.get(&id).is_none_or(|known| known.deployment_id != route.deployment_id) {
                match self.open(id, route.deployment_id).await {
                    Ok(Some(open)) => {
                        let deployment_id = route.deployment_id;
                        watched.insert(id, Watched { deployment_id, open });
                    }
                    // While it is switched, the table and the database may speak of two.
                    Ok(None) => continue,
                    Err(error) => {
                        tracing::debug!(%error, "a live release is not known yet");
                        continue;
                    }
                }
            }
            let Some(known) = watched.get_mut(&id) else { continue };
            let Some(open) = &known.open else { continue };
            if now() >= open.until {
                known.open = None;
                continue;
            }
            match self.look(open).await {
                Ok(true) => known.open = None,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(environment = %id, error = &error as &dyn Error, "a new release is not watched at the moment");
                }
            }
        }
    }

    /// Decides whether the release of a deployment is watched; `None` where it is not what the database calls live.
    async fn open(
        &self,
        id: EnvironmentId,
        deployment_id: DeploymentId,
    ) -> Result<Option<Option<Open>>, StoreError> {
        let release = self.store.current_release(id).await?;
        let Some(release) = release.filter(|release| release.deployment_id == deployment_id) else {
            return Ok(None);
        };
        let until = release.created_at + TimeDelta::seconds(release.content.watch_seconds.0.into());
        // Its instances are those of the release before it.
        if until <= now() || release.content.instances_of.is_some() {
            return Ok(Some(None));
        }
        let was_chosen = match self.store.deployment(deployment_id).await?.options.basis {
            DeploymentBasis::Release { .. } => true,
            DeploymentBasis::Commit | DeploymentBasis::Live { .. } | DeploymentBasis::Promotion { .. } => {
                false
            }
        };
        let before = self.store.release_before(id, release.version).await?;
        let Some(before) = before.filter(|_| !was_chosen) else { return Ok(Some(None)) };
        Ok(Some(Some(Open { release, before: before.version, until })))
    }

    /// Looks at a release once, and takes it back where it fails. Gives whether it need not be looked at any more.
    async fn look(&self, open: &Open) -> Result<bool, WatchError> {
        let crashing = self.crashing(open).await?;
        let counters = self.router.release_counters(open.release.environment_id);
        let counters = counters.filter(|counters| counters.deployment_id == open.release.deployment_id);
        let (version, before) = (open.release.version, open.before);
        let worse = || counters.and_then(|counters| worse(counters, version, before));
        let Some(why) = crashing.or_else(worse) else { return Ok(false) };
        let environment = open.release.environment_id;
        match self.deployments.take_back(&open.release, &why).await? {
            TakenBack::Queued(deployment) => {
                tracing::warn!(%environment, version, why, %deployment, "a release is taken back");
                self.vitals.note(environment, "web", &format!("v{version} is taken back. {why}"));
                Ok(true)
            }
            // Somebody mends it already, or goes back. If that does not go live, this one is looked at again.
            TakenBack::Overtaken => Ok(false),
            TakenBack::Nowhere => {
                tracing::warn!(%environment, version, why, "a release fails and there is none to go back to");
                let text = format!("{why} There is no earlier release that is known to be better.");
                self.vitals.note(environment, "web", &text);
                Ok(true)
            }
        }
    }

    /// What there is to say of an instance that crashes again and again.
    async fn crashing(&self, open: &Open) -> Result<Option<String>, EngineError> {
        let release = &open.release;
        for instance in self.engine.list().await? {
            let key = &instance.key;
            if key.deployment_id != release.deployment_id || key.is_one_off() {
                continue;
            }
            let Some(life) = self.engine.life(&instance.id).await? else { continue };
            // A container of this deployment is no older than it: every restart counts.
            let crashes = life.restarts;
            if crashes >= CRASHES {
                let seconds = (now() - release.created_at).num_seconds();
                return Ok(Some(format!(
                    "{} ended {crashes} times within {seconds} s of going live.",
                    key.shown()
                )));
            }
        }
        Ok(None)
    }
}

/// What there is to say of a release that answers far worse than the one before it.
fn worse(counters: ReleaseCounters, version: i64, before: i64) -> Option<String> {
    let ReleaseCounters { now, before: old, .. } = counters;
    if now.answers < LEAST_ANSWERS {
        return None;
    }
    let old = old.filter(|old| old.answers >= LEAST_ANSWERS);
    let (percent, usual) = (error_percent(now), old.map_or(0, error_percent));
    if percent >= ERROR_PERCENT.max(usual.saturating_mul(TIMES_WORSE)) {
        let compared = old.map_or_else(String::new, |_| format!(", {usual} % of those of v{before}"));
        return Some(format!(
            "{percent} % of the {} answers of v{version} were errors{compared}.",
            now.answers
        ));
    }
    let (mean, usual) = (mean(now), mean(old?));
    let times = u32::try_from(TIMES_WORSE).unwrap_or(u32::MAX);
    (mean >= SLOW.max(usual.saturating_mul(times))).then(|| {
        format!(
            "An answer of v{version} took {} ms on average of {}, one of v{before} {} ms.",
            mean.as_millis(),
            now.answers,
            usual.as_millis()
        )
    })
}

fn error_percent(answered: Answered) -> u64 {
    (answered.errors * 100).checked_div(answered.answers).unwrap_or_default()
}

fn mean(answered: Answered) -> Duration {
    let count = u32::try_from(answered.answers).unwrap_or(u32::MAX);
    answered.waited.checked_div(count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(answers: u64, errors: u64, mean_ms: u64) -> Answered {
        Answered { answers, errors, waited: Duration::from_millis(mean_ms * answers) }
    }

    fn said(now: Answered, before: Option<Answered>) -> Option<String> {
        worse(ReleaseCounters { deployment_id: DeploymentId::generate(), now, before }, 7, 6)
    }

    #[test]
    fn a_release_that_is_far_worse_is_told_from_one_that_is_not() {
        let good = Some(answered(1000, 10, 20));
        for (now, before) in [
            (answered(49, 49, 20), good),
            (answered(50, 9, 20), good),
            // As bad as ever.
            (answered(100, 30, 20), Some(answered(100, 25, 20))),
            (answered(100, 0, 999), good),
            (answered(100, 0, 3000), Some(answered(100, 0, 700))),
            // Nothing to compare with.
            (answered(100, 0, 9000), None),
            (answered(100, 0, 9000), Some(answered(10, 0, 1))),
        ] {
            assert_eq!(said(now, before), None, "{now:?} {before:?}");
        }
        let of = |now, before| said(now, before).unwrap();
        assert_eq!(
            of(answered(100, 43, 20), good),
            "43 % of the 100 answers of v7 were errors, 1 % of those of v6."
        );
        assert_eq!(of(answered(60, 30, 20), None), "50 % of the 60 answers of v7 were errors.");
        assert_eq!(
            of(answered(100, 0, 1500), good),
            "An answer of v7 took 1500 ms on average of 100, one of v6 20 ms."
        );
    }
}
