//! Bringing what is set for an environment to what runs there.

use super::{DeployError, Deployments, new_deployment, not_taken};
use crate::model::basis::DeploymentBasis;
use crate::model::deployment::{Deployment, DeploymentOptions, DeploymentSource};
use crate::model::environment::Environment;
use crate::model::name::{CommitId, ProcessType};
use crate::model::process::Formation;
use crate::model::release::Release;
use crate::model::user::User;
use std::collections::BTreeMap;

/// What has changed for an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Something that instances or the router go by: config vars, files, limits, the health check, the time to drain.
    Runtime,
    /// Something that the build reads.
    Build,
}

impl Deployments {
    /// Brings what was set to what is live: a restart, or a build where the build reads it. `None` where nothing is live
    /// or about to be: the first deployment will have it. To be called after it was stored.
    ///
    /// # Errors
    /// When nothing is deployed to the project.
    pub async fn apply_settings(
        &self,
        environment: &Environment,
        change: Change,
        author: &User,
    ) -> Result<Option<Deployment>, DeployError> {
        if environment.stopped_at.is_some() && self.store.unfinished_of(environment.id).await?.is_empty() {
            // It has them when it is started.
            return Ok(None);
        }
        let live = self.store.current_release(environment.id).await?.and_then(|release| release.commit);
        let commit = match live {
            Some(commit) => commit,
            // What is under way may have read what was set before.
            None => match self.store.unfinished_of(environment.id).await?.pop() {
                Some(first) => first.commit,
                None => return Ok(None),
            },
        };
        let rebuild = match change {
            Change::Runtime => false,
            Change::Build => true,
        };
        let basis = DeploymentBasis::Live { restart: false, rebuild };
        self.queue_live(environment, commit, (DeploymentSource::Config, basis), author).await.map(Some)
    }

    /// Replaces every instance of what is live by a new one.
    ///
    /// # Errors
    /// When nothing is live, or nothing is deployed to the project.
    pub async fn restart(&self, environment: &Environment, author: &User) -> Result<Deployment, DeployError> {
        let live = self.live(environment).await?;
        let basis = DeploymentBasis::Live { restart: true, rebuild: false };
        let commit = live.commit.ok_or(DeployError::NotReleased)?;
        self.queue_live(environment, commit, (DeploymentSource::Restart, basis), author).await
    }

    /// Sets how many instances of some process types there are, and brings it to what is live: instances are added or taken
    /// away, and the others go on. `None` where that is so already, or will be when the environment is started.
    ///
    /// # Errors
    /// When nothing is live, it has no such process type, or the operator does not give as many.
    pub async fn scale(
        &self,
        environment: &Environment,
        counts: &BTreeMap<ProcessType, u16>,
        author: &User,
    ) -> Result<Option<Deployment>, DeployError> {
        let live = self.live(environment).await?;
        let known: Vec<&ProcessType> = live.content.processes.keys().filter(|of| !of.is_release()).collect();
        if let Some(unknown) = counts.keys().find(|of| !known.contains(of)) {
            let known: Vec<String> = known.iter().map(ToString::to_string).collect();
            return Err(DeployError::NoProcess(unknown.clone(), known.join(", ")));
        }
        let mut wanted: Formation = live.content.formation.clone();
        wanted.0.extend(environment.settings.formation.0.clone());
        wanted.0.extend(counts.clone());
        let instances = known.iter().map(|of| u32::from(wanted.instances(of))).sum();
        if let Some(sentence) = self.maxima.exceeded_by(instances, &BTreeMap::new()) {
            return Err(DeployError::TooMuch(sentence));
        }
        if instances == 0 {
            let sentence = "At least one instance of some process type has to run.".to_owned();
            return Err(DeployError::TooMuch(sentence));
        }
        if let Some(many) = live.content.many_writers(&wanted) {
            return Err(DeployError::TooMuch(format!("{many} {}", many.way_out())));
        }
        // What is about to be live may write a volume that what is live has not.
        for deployment in self.store.unfinished_of(environment.id).await? {
            let content = deployment.record.content.as_ref();
            if let Some(many) = content.and_then(|content| content.many_writers(&wanted)) {
                return Err(DeployError::TooMuch(format!("{many} {}", many.way_out())));
            }
        }
        let commit = live.commit.ok_or(DeployError::NotReleased)?;
        // Nothing is set that is refused.
        self.store.set_formation(environment.id, counts).await.map_err(not_taken)?;
        let same = |of: &&ProcessType| wanted.instances(of) == live.content.formation.instances(of);
        let is_so = known.iter().all(same) || environment.stopped_at.is_some();
        if is_so && self.store.unfinished_of(environment.id).await?.is_empty() {
            return Ok(None);
        }
        let basis = DeploymentBasis::Live { restart: false, rebuild: false };
        self.queue_live(environment, commit, (DeploymentSource::Scale, basis), author).await.map(Some)
    }

    async fn live(&self, environment: &Environment) -> Result<Release, DeployError> {
        let live = self.store.current_release(environment.id).await?;
        live.ok_or_else(|| DeployError::NothingLive(environment.name.clone()))
    }

    async fn queue_live(
        &self,
        environment: &Environment,
        commit: CommitId,
        (source, basis): (DeploymentSource, DeploymentBasis),
        author: &User,
    ) -> Result<Deployment, DeployError> {
        let options = DeploymentOptions { basis, ..DeploymentOptions::default() };
        let new = new_deployment(environment, commit, source, options);
        self.queue(new, author, "a change of its settings").await
    }
}
