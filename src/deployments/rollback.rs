//! Going back to a release.

use super::{DeployError, Deployments, new_deployment, not_taken};
use crate::model::basis::{Automatic, DeploymentBasis};
use crate::model::deployment::{Deployment, DeploymentOptions, DeploymentSource};
use crate::model::environment::Environment;
use crate::model::id::DeploymentId;
use crate::model::release::Release;
use crate::model::time::now;
use crate::model::user::User;
use crate::store::StoreError;
use std::collections::HashSet;

/// What became of taking a release back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenBack {
    /// It will be, by this deployment.
    Queued(DeploymentId),
    /// Something else is deployed, or nothing is to run any more: that comes first.
    Overtaken,
    /// There is no release that is known to be better, or it was tried already.
    Nowhere,
}

impl Deployments {
    /// Makes a release of an environment live again: image, config and formation as they were. Unless a version is given it
    /// is the release before the one that is live. With `rebuild` its commit is built again, for when its image is gone.
    ///
    /// # Errors
    /// When there is no such release, it is the one that is live, or nothing is deployed to the project.
    pub async fn rollback(
        &self,
        environment: &Environment,
        version: Option<i64>,
        rebuild: bool,
        author: &User,
    ) -> Result<Deployment, DeployError> {
        let live = self.store.current_release(environment.id).await?;
        let live = live.ok_or_else(|| DeployError::NothingLive(environment.name.clone()))?;
        let release = match version {
            Some(version) => self.release(environment, version).await?,
            None => self.release_before(environment, live.version).await?,
        };
        let version = release.version;
        if version == live.version {
            return Err(DeployError::LiveAlready(version));
        }
        // Only releases that somebody pushed an image for have no commit; the live one's is as good as any to show.
        let commit = release.commit.or(live.commit).ok_or(DeployError::NotReleased)?;
        let basis = DeploymentBasis::Release { version, asked_at: now(), rebuild };
        let what = format!("a rollback to v{version}");
        let options = DeploymentOptions { basis, ..DeploymentOptions::default() };
        let new = new_deployment(environment, commit, DeploymentSource::Rollback, options);
        self.queue(new, author, &what).await
    }

    /// Takes a release back that has failed soon after it went live: the newest one before it that has proved itself is made
    /// live again, by the server itself, or else the newest that has not failed so as well; of those whose image is in
    /// `images`. Never in the place of what somebody wants.
    ///
    /// # Errors
    /// When nothing is deployed to the project.
    pub async fn take_back(
        &self,
        failed: &Release,
        why: &str,
        images: &HashSet<String>,
    ) -> Result<TakenBack, DeployError> {
        let environment = self.store.environment(failed.environment_id).await?;
        let taken_back = self.store.versions_taken_back(environment.id).await?;
        if taken_back.contains(&failed.version) {
            return Ok(TakenBack::Nowhere);
        }
        let mut bad = vec![failed.clone()];
        for version in taken_back {
            match self.store.release(environment.id, version).await {
                Ok(release) => bad.push(release),
                Err(StoreError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut next = failed.clone();
        let mut candidate = None;
        while let Some(release) = self.store.release_before(environment.id, next.version).await? {
            let has_proved_itself = release.watched_until() <= next.created_at;
            let same = |bad: &Release| release.content.differs_in_formation_only(&bad.content);
            if has_proved_itself && same(failed) && candidate.is_none() {
                // It ran well before: what has changed is not in it.
                return Ok(TakenBack::Nowhere);
            }
            if !bad.iter().any(same) && images.contains(&release.content.image) {
                // One that was replaced before its time was over may have what fails in it: only where there is no better one.
                if has_proved_itself || candidate.is_none() {
                    candidate = Some(release.clone());
                }
                if has_proved_itself {
                    break;
                }
            }
            next = release;
        }
        let Some(Release { version, commit, .. }) = candidate else { return Ok(TakenBack::Nowhere) };
        let commit = commit.or(failed.commit.clone()).ok_or(DeployError::NotReleased)?;
        let options = DeploymentOptions {
            basis: DeploymentBasis::Release { version, asked_at: now(), rebuild: false },
            automatic: Some(Automatic { from: failed.version, why: why.to_owned() }),
            ..DeploymentOptions::default()
        };
        let new = new_deployment(&environment, commit, DeploymentSource::Rollback, options);
        let queued = self.store.queue_unasked(new, failed.deployment_id).await.map_err(not_taken)?;
        let Some(deployment) = queued else { return Ok(TakenBack::Overtaken) };
        self.queue.wake();
        Ok(TakenBack::Queued(deployment.id))
    }

    /// A release by its version.
    pub(super) async fn release(
        &self,
        environment: &Environment,
        version: i64,
    ) -> Result<Release, DeployError> {
        match self.store.release(environment.id, version).await {
            Err(StoreError::NotFound) => Err(DeployError::NoRelease(version)),
            found => Ok(found?),
        }
    }

    async fn release_before(&self, environment: &Environment, live: i64) -> Result<Release, DeployError> {
        let before = self.store.release_before(environment.id, live).await?;
        before.ok_or(DeployError::NoneBefore(live))
    }
}
