//! A deployment while it runs, and what it says in its log.

use super::failure::Failure;
use super::setback::Setback;
use crate::journal::Writer;
use crate::model::deployment::{Deployment, Step};
use crate::model::environment::{DrainSeconds, Environment};
use crate::model::id::DeploymentId;
use crate::model::log::{Level, Stream};
use crate::model::name::ProcessType;
use crate::model::plan::BuildPlan;
use crate::model::project::Project;
use crate::model::release::ReleaseContent;
use crate::router::{Drain, Drained};
use std::time::Instant;
use tokio::task::JoinHandle;

/// A deployment while it runs: its row as last written, what it belongs to, and its log.
pub(super) struct Run {
    pub(super) deployment: Deployment,
    pub(super) project: Project,
    pub(super) environment: Environment,
    /// Version of the release that is to be replaced, if there is one and this one has not replaced it already.
    pub(super) previous: Option<i64>,
    /// Name of whoever started it.
    pub(super) author: Option<String>,
    pub(super) log: Writer,
    /// Whether this process has sent traffic to it.
    pub(super) has_traffic: bool,
    /// What the router is still finishing on the old instances, after the switch.
    pub(super) drain: Option<JoinHandle<Drained>>,
    /// What the router is still finishing on new instances that were tried out and are not to be live.
    pub(super) trial: Option<Drain>,
    /// When the old instances were stopped, where the new ones cannot run beside them.
    pub(super) stopped_at: Option<Instant>,
    /// How it has failed or was cancelled, until everybody is told.
    pub(super) setback: Option<Setback>,
    /// Why what it had stopped does not serve again, after it was undone; whole sentences.
    pub(super) not_brought_back: Vec<String>,
}

impl Run {
    fn say(&self, stream: Stream, level: Level, text: &str) {
        self.log.line(self.current_step(), stream, level, text);
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

    /// What the build printed.
    pub(super) fn build_line(&self, text: &str) {
        self.say(Stream::Build, Level::Info, text);
    }

    /// The step that runs now.
    pub(super) const fn current_step(&self) -> Step {
        self.deployment.state.step()
    }

    /// The deployment that the instances are named after.
    pub(super) fn instances_of(&self) -> DeploymentId {
        let content = self.deployment.record.content.as_ref();
        content.and_then(|content| content.instances_of).unwrap_or(self.deployment.id)
    }

    /// Whether what is going to run is known without looking at the source.
    pub(super) const fn has_content(&self) -> bool {
        self.deployment.record.content.is_some()
    }

    /// Notes what is going to run. The plan is a part of it from here on.
    pub(super) fn set_content(&mut self, content: ReleaseContent) {
        self.deployment.record.plan = None;
        self.deployment.record.content = Some(content);
    }

    /// How it is built, or was.
    pub(super) fn plan(&self) -> Option<&BuildPlan> {
        self.deployment.record.plan()
    }

    /// What the old instances get to finish their requests.
    pub(super) fn drain_seconds(&self) -> DrainSeconds {
        let content = self.deployment.record.content.as_ref();
        content.map_or(self.environment.settings.drain_seconds, |content| content.drain_seconds)
    }

    /// Memory that one instance of a process type may use.
    pub(super) fn memory_limit_mib(&self, process_type: &ProcessType) -> u32 {
        let content = self.deployment.record.content.as_ref();
        content.map_or(self.environment.settings.limits, |content| content.limits_of(process_type)).memory_mib
    }

    /// What is going to run.
    pub(super) fn content(&self) -> Result<&ReleaseContent, Failure> {
        let content = self.deployment.record.content.as_ref();
        content.ok_or_else(|| Failure::new("deployment failed", "The record of the deployment has no image."))
    }
}
