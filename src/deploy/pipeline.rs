//! Moving a deployment through its states.

use super::Deployer;
use super::failure::{Failure, StepError};
use super::patience::until_stored;
use super::run::Run;
use super::setback;
use crate::model::basis::DeploymentBasis;
use crate::model::deployment::{Deployment, DeploymentEvent, DeploymentState};
use crate::model::id::{DeploymentId, ReleaseId};
use crate::model::pins::Pins;
use crate::model::time::now;
use crate::store::{NewRelease, StoreError};
use std::collections::BTreeMap;

impl Deployer {
    /// Brings a deployment to a final state, from wherever it is. Safe to be called again after a crash.
    ///
    /// # Errors
    /// When the database does not answer; to be called again later.
    pub async fn run(&self, id: DeploymentId) -> Result<(), StoreError> {
        let deployment = self.store.deployment(id).await?;
        if deployment.state.is_final() {
            return Ok(());
        }
        let project = self.store.project(deployment.project_id).await?;
        let environment = self.store.environment(deployment.environment_id).await?;
        let author = match deployment.author {
            Some(user) => Some(self.store.user(user).await?.username.to_string()),
            None => None,
        };
        let served = self.store.current_release(environment.id).await?;
        let previous = served.filter(|release| release.deployment_id != id).map(|release| release.version);
        let resumed = deployment.state != DeploymentState::Queued;
        let log = self.journal.write(id, resumed).await?;
        let mut run = Run {
            deployment,
            project,
            environment,
            previous,
            author,
            log,
            has_traffic: false,
            drain: None,
            trial: None,
            stopped_at: None,
            setback: None,
            not_brought_back: Vec::new(),
        };
        // Every step is in it: too large to be moved about.
        let result = Box::pin(self.go_on(&mut run, resumed)).await;
        run.log.close().await;
        result
    }

    /// Ends a deployment that has killed the server again and again. One that is committed goes on all the same.
    ///
    /// # Errors
    /// When the database does not answer; to be called again later.
    pub async fn give_up(&self, id: DeploymentId) -> Result<(), StoreError> {
        let deployment = self.store.deployment(id).await?;
        if let Ok(undoing) = deployment.state.next(DeploymentEvent::Failed) {
            let reason = Some("The deployment was interrupted too often and was given up.");
            self.store.finish_deployment(id, deployment.state, undoing, None, reason).await?;
        }
        self.run(id).await
    }

    async fn go_on(&self, run: &mut Run, resumed: bool) -> Result<(), StoreError> {
        // Before the first line.
        self.mask_config(run, &BTreeMap::new(), &BTreeMap::new()).await?;
        if resumed {
            run.detail("The deployment was interrupted and goes on from its record.");
        }
        while !run.deployment.state.is_final() {
            let mut outcome = Box::pin(self.run_step(run)).await;
            if matches!(outcome, Ok(DeploymentEvent::Advanced))
                && run.deployment.state == DeploymentState::Checking
            {
                outcome = Box::pin(self.commit(run)).await;
            }
            self.conclude_step(run, outcome).await?;
        }
        Ok(())
    }

    /// Writes down how a step ended, and tells those who watch.
    async fn conclude_step(
        &self,
        run: &mut Run,
        outcome: Result<DeploymentEvent, StepError>,
    ) -> Result<(), StoreError> {
        let event = match outcome {
            Ok(event) => event,
            Err(StepError::Failed(failure)) => {
                let failure = Box::pin(self.name_what_could_go(failure)).await;
                self.report(run, &failure);
                DeploymentEvent::Failed
            }
            Err(StepError::Store(error)) => return Err(error),
        };
        if event == DeploymentEvent::Cancelled {
            setback::report_cancel(run);
        }
        setback::tell(run, event);
        let next = run.deployment.state.next(event).unwrap_or_else(|illegal| {
            // Only a mistake in this program comes here; ending is better than doing it again for ever.
            tracing::error!(deployment = %run.deployment.id, %illegal, "a step has answered with an illegal move");
            if illegal.state.is_committed() { DeploymentState::Live } else { DeploymentState::Failed }
        });
        self.record_move(run, next).await?;
        // Only now: who is told that it failed must be able to rely on it.
        setback::conclude(run);
        Ok(())
    }

    /// Does the work of the state that the deployment is in.
    async fn run_step(&self, run: &mut Run) -> Result<DeploymentEvent, StepError> {
        let end = (run.deployment.id, run.current_step(), self.left(run));
        self.reach(run, "begin")?;
        // Boxed where a step is large: one that is not taken costs nothing then.
        let event = match run.deployment.state {
            DeploymentState::Queued => DeploymentEvent::Advanced,
            DeploymentState::Fetching => self.unless_ended(end, Box::pin(self.fetch(run))).await?,
            DeploymentState::Detecting => self.unless_ended(end, Box::pin(self.detect(run))).await?,
            DeploymentState::Building => self.unless_ended(end, Box::pin(self.build(run))).await?,
            DeploymentState::Releasing => self.unless_ended(end, Box::pin(self.release(run))).await?,
            DeploymentState::Starting => Box::pin(self.unless_ended(end, self.start(run))).await?,
            DeploymentState::Checking => Box::pin(self.unless_ended(end, self.check(run))).await?,
            DeploymentState::Switching => {
                self.switch(run).await?;
                DeploymentEvent::Advanced
            }
            DeploymentState::Draining => {
                self.drain(run).await?;
                DeploymentEvent::Advanced
            }
            DeploymentState::UndoingFailure | DeploymentState::UndoingCancel => {
                self.undo(run).await?;
                DeploymentEvent::Undone
            }
            DeploymentState::Live
            | DeploymentState::Failed
            | DeploymentState::Cancelled
            | DeploymentState::Superseded => return Ok(DeploymentEvent::Advanced),
        };
        self.reach(run, "end")?;
        Ok(event)
    }

    /// The commit point: the release is made and the deployment moved on in one transaction, unless somebody has asked
    /// for it to be cancelled.
    async fn commit(&self, run: &mut Run) -> Result<DeploymentEvent, StepError> {
        let new = NewRelease {
            id: ReleaseId::generate(),
            environment_id: run.environment.id,
            deployment_id: run.deployment.id,
            commit: Some(run.deployment.commit.clone()),
            created_by: run.deployment.author,
            content: run.content()?.clone(),
            restores: self.restored(run, run.content()?).await?,
            pins: pins(run)?,
        };
        let record = &run.deployment.record;
        let _one_at_a_time = self.switching.lock().await;
        let committed = until_stored(|| Box::pin(self.store.commit_release(new.clone(), record))).await?;
        let Some(release) = committed else { return Ok(DeploymentEvent::Cancelled) };
        run.deployment.version = Some(release.version);
        Ok(DeploymentEvent::Advanced)
    }

    /// Writes the move down before anything else happens, however long the database takes: what was done is not done
    /// again for it.
    async fn record_move(&self, run: &mut Run, next: DeploymentState) -> Result<(), StoreError> {
        let Deployment { id, state: from, ref record, ref reason, .. } = run.deployment;
        let written = if next == DeploymentState::Switching {
            // By the commit.
            Ok(())
        } else if next.is_final() || reason.is_some() {
            let reason = reason.as_deref();
            until_stored(|| self.store.finish_deployment(id, from, next, Some(record), reason)).await
        } else {
            until_stored(|| self.store.advance_deployment(id, from, next, record, None)).await
        };
        run.deployment.state = match written {
            Ok(()) => next,
            Err(StoreError::Stale) => self.state_instead(id, next).await?,
            Err(error) => return Err(error),
        };
        if next == DeploymentState::Fetching {
            run.deployment.started_at = Some(now());
            // While it waited, somebody may have asked for more, or set something.
            run.deployment.options = until_stored(|| self.store.deployment(id)).await?.options;
            run.environment = until_stored(|| self.store.environment(run.environment.id)).await?;
        }
        Ok(())
    }

    /// The state that a deployment is in where a move did not find it in the one before: the move was done and only its
    /// answer was lost, or somebody has cancelled or superseded a deployment that was about to begin.
    async fn state_instead(
        &self,
        id: DeploymentId,
        wanted: DeploymentState,
    ) -> Result<DeploymentState, StoreError> {
        let state = until_stored(|| self.store.deployment(id)).await?.state;
        if state == wanted || state.is_final() { Ok(state) } else { Err(StoreError::Stale) }
    }

    /// Says to the failpoints where the deployment is.
    pub(super) fn reach(&self, run: &Run, moment: &str) -> Result<(), StepError> {
        if run.deployment.state.can_be_cancelled() {
            let reached = self.failpoints.reach(run.current_step(), moment);
            return reached.map_err(|error| Failure::new("failed on purpose", error.to_string()).into());
        }
        Ok(self.interrupted(run, moment)?)
    }

    /// The same for a step that cannot fail: it can be interrupted.
    pub(super) fn interrupted(&self, run: &Run, moment: &str) -> Result<(), StoreError> {
        let reached = self.failpoints.reach(run.current_step(), moment);
        reached.map_err(|error| StoreError::Unavailable(error.into()))
    }
}

/// What the builds of the environment go by with what is going live: with what was built, or is taken from another release;
/// not with what is live already.
fn pins(run: &Run) -> Result<Option<Pins>, Failure> {
    let is_live_already =
        matches!(run.deployment.options.basis, DeploymentBasis::Live { rebuild: false, .. });
    let pins = &run.content()?.plan.pins;
    Ok((!is_live_already && !pins.is_empty()).then(|| pins.clone()))
}
