//! Watching a release for a while after it went live: one that crashes again and again, or answers far worse than the one
//! before, is rolled back.
//!
//! Never a second time for the same release, never one that somebody has rolled back to (nor one that was rolled back to
//! from here), and never while something newer is deployed.

use crate::deployments::{DeployError, Deployments, TakenBack};
use crate::engine::{Engine, EngineError};
use crate::model::basis::DeploymentBasis;
use crate::model::id::{DeploymentId, EnvironmentId};
use crate::model::instance::{Instance, InstanceState};
use crate::model::name::ProcessType;
use crate::model::release::Release;
use crate::model::time::{Timestamp, now};
use crate::model::vitals::Vitals;
use crate::router::{ReleaseCounters, RouterHandle, worse};
use crate::store::{Store, StoreError};
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
    /// Whether it was seen to fail, and what was being deployed came first: that may fail in its turn.
    is_overtaken: bool,
}

/// What a look at a release has come to.
enum Look {
    Well,
    /// It fails, and something else is being deployed.
    Overtaken,
    /// There is nothing left to do about it.
    Over,
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
            let Some(open) = &mut known.open else { continue };
            if now() >= open.until && !open.is_overtaken {
                known.open = None;
                continue;
            }
            match self.look(open).await {
                Ok(Look::Well) => open.is_overtaken = false,
                Ok(Look::Overtaken) => open.is_overtaken = true,
                Ok(Look::Over) => known.open = None,
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
        let first = self.first_of(&release).await?;
        let until = first.watched_until();
        if until <= now() {
            return Ok(Some(None));
        }
        let was_chosen = match self.store.deployment(first.deployment_id).await?.options.basis {
            DeploymentBasis::Release { .. } => true,
            DeploymentBasis::Commit | DeploymentBasis::Live { .. } | DeploymentBasis::Promotion { .. } => {
                false
            }
        };
        let before = self.store.release_before(id, first.version).await?;
        let Some(before) = before.filter(|_| !was_chosen) else { return Ok(Some(None)) };
        Ok(Some(Some(Open { release, before: before.version, until, is_overtaken: false })))
    }

    /// The release whose instances run a release: itself, or an earlier one of which only the number of instances was changed.
    /// That changes nothing about whether they are any good.
    async fn first_of(&self, release: &Release) -> Result<Release, StoreError> {
        let mut first = release.clone();
        while first.deployment_id != release.instances_of() {
            match self.store.release_before(release.environment_id, first.version).await? {
                Some(before) => first = before,
                None => break,
            }
        }
        Ok(first)
    }

    /// Looks at a release once, and takes it back where it fails.
    async fn look(&self, open: &Open) -> Result<Look, WatchError> {
        let crashing = self.crashing(open).await?;
        let counters = self.router.release_counters(open.release.environment_id);
        let mut counters = counters.filter(|counters| counters.deployment_id == open.release.deployment_id);
        if let Some(ReleaseCounters { now, .. }) = counters.as_mut().filter(|now| now.now.unreachable > 0)
            && self.has_run_since_it_went_live(&open.release).await?
        {
            *now = now.blamed_for_closed_ports();
        }
        let (version, before) = (open.release.version, format!("v{}", open.before));
        let worse = || {
            let ReleaseCounters { now, before: old, .. } = counters?;
            // What has only another number of instances is not compared with itself.
            let old = old.filter(|_| open.release.content.instances_of.is_none());
            let old = old.map(|old| (before.as_str(), old));
            worse(LEAST_ANSWERS, (&format!("v{version}"), now), old)
        };
        let Some(why) = crashing.or_else(worse) else { return Ok(Look::Well) };
        let environment = open.release.environment_id;
        let images = self.engine.images().await?.into_iter().map(|image| image.id).collect();
        match self.deployments.take_back(&open.release, &why, &images).await? {
            TakenBack::Queued(deployment) => {
                tracing::warn!(%environment, version, why, %deployment, "a release is taken back");
                self.vitals.note(environment, "web", &format!("v{version} is taken back. {why}"));
                Ok(Look::Over)
            }
            // Somebody mends it already, or goes back. If that does not go live, this one is looked at again.
            TakenBack::Overtaken => Ok(Look::Overtaken),
            TakenBack::Nowhere => {
                tracing::warn!(%environment, version, why, "a release fails and there is none to go back to");
                let text = format!("{why} There is no earlier release that is known to be better.");
                self.vitals.note(environment, "web", &text);
                Ok(Look::Over)
            }
        }
    }

    /// Whether a web instance runs that has not ended since its release went live. What was started again needs its time
    /// until it listens, and the engine or the host may have been restarted.
    async fn has_run_since_it_went_live(&self, release: &Release) -> Result<bool, EngineError> {
        for Instance { id, key, state, .. } in self.engine.list().await? {
            let is_of_it =
                key.deployment_id == release.instances_of() && key.process_type == ProcessType::web();
            if !is_of_it || state != InstanceState::Running {
                continue;
            }
            let since = self.engine.life(&id).await?.and_then(|life| life.since);
            if since.is_some_and(|since| since <= release.created_at) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What there is to say of an instance that crashes again and again.
    async fn crashing(&self, open: &Open) -> Result<Option<String>, EngineError> {
        let release = &open.release;
        for instance in self.engine.list().await? {
            let key = &instance.key;
            if key.deployment_id != release.instances_of() || key.is_one_off() {
                continue;
            }
            let Some(life) = self.engine.life(&instance.id).await? else { continue };
            // Its containers are no older than it, or than the window of what it has in common with: every restart counts.
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
