//! How many instances there are.

use super::{DeployError, Deployments, not_taken};
use crate::model::basis::DeploymentBasis;
use crate::model::deployment::{Deployment, DeploymentSource};
use crate::model::environment::{Environment, EnvironmentSettings};
use crate::model::name::{CommitId, ProcessType};
use crate::model::process::Formation;
use crate::model::release::{Release, ReleaseContent};
use crate::model::user::User;
use std::collections::BTreeMap;

impl Deployments {
    /// Sets how many instances of some process types there are, and brings it to what is live: instances are added or taken
    /// away, and the others go on. `None` where nothing has to be done for it: it is so already, or will be when the
    /// environment is started, or with its first deployment.
    ///
    /// # Errors
    /// As of [`Deployments::set_formation`] and [`Deployments::apply_formation`].
    pub async fn scale(
        &self,
        environment: &Environment,
        counts: &BTreeMap<ProcessType, u16>,
        author: &User,
    ) -> Result<Option<Deployment>, DeployError> {
        match self.set_formation(environment, counts, None).await? {
            Some(commit) => self.apply_formation(environment, commit, author).await.map(Some),
            None => Ok(None),
        }
    }

    /// Sets how many instances of some process types there are. Answers with the commit that it is to be applied to, if to
    /// any. `as_read` is what must be set at that moment; `None`: anything.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it was changed and must not have been. When what is live has no such process type, the operator does not give as many, or nothing is deployed to the project.
    /// Nothing is set then.
    ///
    /// [`StoreError::Stale`]: crate::store::StoreError::Stale
    pub async fn set_formation(
        &self,
        environment: &Environment,
        counts: &BTreeMap<ProcessType, u16>,
        as_read: Option<&EnvironmentSettings>,
    ) -> Result<Option<CommitId>, DeployError> {
        let live = self.store.current_release(environment.id).await?;
        let wanted = self.wanted(environment, live.as_ref(), counts)?;
        // What is about to be live may write a volume that what is live has not.
        for deployment in self.store.unfinished_of(environment.id).await? {
            refuse_many_writers(deployment.record.content.as_ref(), &wanted)?;
        }
        let commit = match &live {
            Some(live) => Some(live.commit.clone().ok_or(DeployError::NotReleased)?),
            None => None,
        };
        self.store.set_formation(environment.id, counts, as_read).await.map_err(not_taken)?;
        let is_so = live.is_none_or(|live| {
            let same = |of: &ProcessType| wanted.instances(of) == live.content.formation.instances(of);
            environment.stopped_at.is_some() || known(&live.content).all(same)
        });
        match self.under_way(environment).await? {
            None if is_so => Ok(None),
            under_way => Ok(commit.or(under_way)),
        }
    }

    /// Brings the formation that is set to what is live.
    ///
    /// # Errors
    /// When nothing is deployed to the project.
    pub async fn apply_formation(
        &self,
        environment: &Environment,
        commit: CommitId,
        author: &User,
    ) -> Result<Deployment, DeployError> {
        let basis = DeploymentBasis::Live { restart: false, rebuild: false };
        self.queue_live(environment, commit, (DeploymentSource::Scale, basis), author).await
    }

    /// The formation that there will be, if it may be so.
    fn wanted(
        &self,
        environment: &Environment,
        live: Option<&Release>,
        counts: &BTreeMap<ProcessType, u16>,
    ) -> Result<Formation, DeployError> {
        let content = live.map(|live| &live.content);
        let mut wanted = content.map(|content| content.formation.clone()).unwrap_or_default();
        wanted.0.extend(environment.settings.formation.0.clone());
        wanted.0.extend(counts.clone());
        let of_instances: Vec<ProcessType> = if let Some(content) = content {
            known(content).cloned().collect()
        } else {
            // Which there will be is not known yet.
            let set = wanted.0.keys().filter(|of| !of.is_release() && **of != ProcessType::web());
            set.cloned().chain([ProcessType::web()]).collect()
        };
        let unknown: Vec<ProcessType> =
            counts.keys().filter(|of| !of_instances.contains(of)).cloned().collect();
        if !unknown.is_empty() {
            return Err(DeployError::NoProcess(unknown, of_instances));
        }
        let instances = of_instances.iter().map(|of| u32::from(wanted.instances(of))).sum();
        if let Some(sentence) = self.maxima.exceeded_by(instances, &BTreeMap::new()) {
            return Err(DeployError::TooMuch(sentence));
        }
        if instances == 0 {
            let sentence = "At least one instance of some process type has to run.".to_owned();
            return Err(DeployError::TooMuch(sentence));
        }
        refuse_many_writers(content, &wanted)?;
        Ok(wanted)
    }
}

/// The process types that have instances.
fn known(content: &ReleaseContent) -> impl Iterator<Item = &ProcessType> {
    content.processes.keys().filter(|of| !of.is_release())
}

fn refuse_many_writers(content: Option<&ReleaseContent>, wanted: &Formation) -> Result<(), DeployError> {
    match content.and_then(|content| content.many_writers(wanted)) {
        Some(many) => Err(DeployError::TooMuch(format!("{many} {}", many.way_out()))),
        None => Ok(()),
    }
}
