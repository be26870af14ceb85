//! Moving a deployment through its states.

use super::Deployer;
use super::failure::{Failure, StepError};
use super::steps;
use crate::journal::{Conclusion, Writer};
use crate::model::deployment::{Deployment, DeploymentEvent, DeploymentState, Step};
use crate::model::environment::Environment;
use crate::model::id::DeploymentId;
use crate::model::log::{Level, Stream};
use crate::model::project::Project;
use crate::model::time::now;
use crate::router::Drained;
use crate::store::StoreError;
use tokio::task::JoinHandle;

/// A deployment while it runs: its row as last written, what it belongs to, and its log.
pub(super) struct Run {
    pub(super) deployment: Deployment,
    pub(super) project: Project,
    pub(super) environment: Environment,
    /// Whether a release was live before.
    pub(super) was_live: bool,
    /// Name of whoever started it.
    pub(super) author: Option<String>,
    pub(super) log: Writer,
    /// What the router is still finishing on the old instances, after the switch.
    pub(super) drain: Option<JoinHandle<Drained>>,
}

impl Run {
    fn say(&self, stream: Stream, level: Level, text: &str) {
        self.log.line(self.deployment.state.step(), stream, level, text);
    }

    /// `-----> text`
    pub(super) fn step(&self, text: &str) {
        self.say(Stream::Step, Level::Info, text);
    }

    /// `=====> text`
    pub(super) fn outcome(&self, text: &str) {
        self.say(Stream::Outcome, Level::Info, text);
    }

    /// A line below a step.
    pub(super) fn detail(&self, text: &str) {
        self.say(Stream::Detail, Level::Info, text);
    }

    pub(super) fn warn(&self, text: &str) {
        self.say(Stream::Notice, Level::Warning, text);
    }

    pub(super) fn error(&self, text: &str) {
        self.say(Stream::Notice, Level::Error, text);
    }

    /// What an instance printed.
    pub(super) fn app_line(&self, text: &str) {
        self.say(Stream::App, Level::Info, text);
    }

    /// The step that runs now.
    pub(super) const fn current_step(&self) -> Step {
        self.deployment.state.step()
    }
}

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
        let was_live = self.store.current_release(environment.id).await?.is_some();
        let log = self.journal.write(id).await?;
        let mut run = Run { deployment, project, environment, was_live, author, log, drain: None };
        if run.deployment.state != DeploymentState::Queued {
            run.detail("The deployment was interrupted and goes on from its record.");
        }
        let result = self.drive(&mut run).await;
        run.log.close().await;
        result
    }

    /// Ends a deployment that has killed the server again and again.
    ///
    /// # Errors
    /// When the database does not answer; to be called again later.
    pub async fn give_up(&self, id: DeploymentId) -> Result<(), StoreError> {
        let deployment = self.store.deployment(id).await?;
        if let Ok(undoing) = deployment.state.next(DeploymentEvent::Failed) {
            let reason = "The deployment was interrupted too often and was given up.";
            self.store.finish_deployment(id, deployment.state, undoing, Some(reason)).await?;
        }
        self.run(id).await
    }

    async fn drive(&self, run: &mut Run) -> Result<(), StoreError> {
        while !run.deployment.state.is_final() {
            let state = run.deployment.state;
            let (event, conclusion) = match self.run_step(run).await {
                Ok(DeploymentEvent::Cancelled) => {
                    report_cancel(run);
                    (DeploymentEvent::Cancelled, Some("cancelled"))
                }
                Ok(event) => (event, None),
                Err(StepError::Failed(failure)) => {
                    self.report(run, &failure);
                    (DeploymentEvent::Failed, Some(failure.words))
                }
                Err(StepError::Store(error)) => return Err(error),
            };
            let next = state.next(event).unwrap_or_else(|illegal| {
                // Only a mistake in this program comes here; ending is better than doing it again for ever.
                tracing::error!(deployment = %run.deployment.id, %illegal, "a step has answered with an illegal move");
                DeploymentState::Failed
            });
            self.record_move(run, next).await?;
            // Only now: who is told that it failed must be able to rely on it.
            if let Some(words) = conclusion {
                run.log.conclude(Conclusion::NotLive(words.to_owned()));
            }
        }
        Ok(())
    }

    /// Does the work of the state that the deployment is in.
    async fn run_step(&self, run: &mut Run) -> Result<DeploymentEvent, StepError> {
        let id = run.deployment.id;
        match run.deployment.state {
            DeploymentState::UndoingFailure | DeploymentState::UndoingCancel => {
                self.undo(run).await?;
                return Ok(DeploymentEvent::Undone);
            }
            DeploymentState::Switching => self.switch(run).await?,
            DeploymentState::Draining => self.drain(run).await?,
            DeploymentState::Queued
            | DeploymentState::Fetching
            | DeploymentState::Detecting
            | DeploymentState::Building
            | DeploymentState::Releasing
            | DeploymentState::Starting
            | DeploymentState::Checking
            | DeploymentState::Live
            | DeploymentState::Failed
            | DeploymentState::Cancelled
            | DeploymentState::Superseded => {
                tokio::select! {
                    result = self.run_cancellable_step(run) => result?,
                    () = self.cancelled(id) => return Ok(DeploymentEvent::Cancelled),
                }
            }
        }
        Ok(DeploymentEvent::Advanced)
    }

    /// The steps that stop where they are when the deployment is cancelled: dropping a build or a check ends it.
    async fn run_cancellable_step(&self, run: &mut Run) -> Result<(), StepError> {
        match run.deployment.state {
            DeploymentState::Fetching => self.fetch(run).await,
            DeploymentState::Detecting => self.detect(run).await,
            DeploymentState::Building => self.build(run).await,
            DeploymentState::Releasing => self.release(run).await,
            DeploymentState::Starting => self.start(run).await,
            DeploymentState::Checking => self.check(run).await,
            DeploymentState::Queued
            | DeploymentState::Switching
            | DeploymentState::Draining
            | DeploymentState::Live
            | DeploymentState::UndoingFailure
            | DeploymentState::UndoingCancel
            | DeploymentState::Failed
            | DeploymentState::Cancelled
            | DeploymentState::Superseded => Ok(()),
        }
    }

    /// Ends when somebody has asked for the deployment to be cancelled.
    async fn cancelled(&self, id: DeploymentId) {
        let mut interrupts = self.interrupts.subscribe();
        loop {
            // The look comes first: what was asked for before this step began, or before a restart, counts too.
            match self.store.deployment(id).await {
                Ok(deployment) if deployment.cancel_requested_at.is_some() => return,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "cannot see whether a deployment is cancelled"
                    );
                }
            }
            interrupts.time_to_look().await;
        }
    }

    /// Writes the move down before anything else happens.
    async fn record_move(&self, run: &mut Run, next: DeploymentState) -> Result<(), StoreError> {
        let deployment = &mut run.deployment;
        let from = deployment.state;
        if next.is_final() || deployment.reason.is_some() {
            self.store.finish_deployment(deployment.id, from, next, deployment.reason.as_deref()).await?;
        } else {
            self.store.advance_deployment(deployment.id, from, next, &deployment.record, None).await?;
        }
        deployment.state = next;
        if next == DeploymentState::Fetching {
            deployment.started_at = Some(now());
        }
        Ok(())
    }

    /// Shows a failure: the step, the reason, the last lines, what to try, and how to see the whole log.
    fn report(&self, run: &mut Run, failure: &Failure) {
        run.error(&failure.sentence);
        if !failure.last_lines.is_empty() {
            for line in &failure.last_lines {
                run.app_line(line);
            }
        }
        let buildpack =
            run.deployment.record.plan.as_ref().map(|plan| plan.buildpack.as_str()).unwrap_or_default();
        let lines = [failure.last_lines.as_slice(), failure.shown_lines.as_slice()].concat();
        for sentence in self.catalog.advice(buildpack, &lines).iter().chain(&failure.advice) {
            run.error(sentence);
        }
        run.error(&format!(
            "Whole log: ssh -p {} git@{} logs {}",
            self.address.ssh_port, self.address.ssh_host, run.deployment.id
        ));
        run.error(&steps::rejection(run, failure));
        run.deployment.reason = Some(failure.sentence.clone());
    }
}

fn report_cancel(run: &mut Run) {
    run.error("The deployment was cancelled.");
    run.error(&steps::what_is_live(run));
    run.deployment.reason = Some("The deployment was cancelled.".to_owned());
}
