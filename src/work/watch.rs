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
use crate::router::{ReleaseCounters, RouterHandle, worse};
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
        let (version, before) = (open.release.version, format!("v{}", open.before));
        let worse = || {
            let ReleaseCounters { now, before: old, .. } = counters?;
            let old = old.map(|old| (before.as_str(), old));
            worse(LEAST_ANSWERS, (&format!("v{version}"), now), old)
        };
        let Some(why) = crashing.or_else(worse) else { return Ok(false) };
        let environment = open.release.environment_id;
        let images = self.engine.images().await?.into_iter().map(|image| image.id).collect();
        match self.deployments.take_back(&open.release, &why, &images).await? {
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
