//! What people are told of a deployment that does not go live.
//!
//! One that stops what is live before it starts its own instances has the last word only when it is undone: until then
//! nobody knows whether what was live comes back.

use super::Deployer;
use super::failure::Failure;
use super::run::Run;
use super::steps;
use crate::journal::Conclusion;
use crate::model::deployment::{Deployment, DeploymentEvent, DeploymentState};

/// How a deployment has failed or was cancelled, until everybody knows it.
#[derive(Debug)]
pub(super) struct Setback {
    /// `Push rejected, release failed.`
    refusal: Option<String>,
    /// A few words that fit behind the name of the branch.
    words: &'static str,
    /// Whether the log says it, and what is live now.
    is_told: bool,
}

impl Deployer {
    /// Shows a failure: the step, the reason, the last lines, what to try, and how to see the whole log.
    pub(super) fn report(&self, run: &mut Run, failure: &Failure) {
        run.error(&failure.sentence);
        for line in &failure.last_lines {
            run.app_line(line);
        }
        let buildpack = run.plan().map(|plan| plan.buildpack.as_str()).unwrap_or_default();
        let lines = [failure.last_lines.as_slice(), failure.shown_lines.as_slice()].concat();
        let known = self.catalog.advice(buildpack, run.current_step(), &lines);
        for sentence in known.iter().chain(&failure.advice) {
            run.error(sentence);
        }
        let command = self.address.ssh_command(&format!("logs {}", run.deployment.id));
        run.error(&format!("Whole log: {command}"));
        run.deployment.reason = Some(failure.sentence.clone());
        let refusal = Some(steps::rejection(run, failure));
        run.setback = Some(Setback { refusal, words: failure.words, is_told: false });
    }
}

pub(super) fn report_cancel(run: &mut Run) {
    run.error(Deployment::CANCELLED);
    run.deployment.reason = Some(Deployment::CANCELLED.to_owned());
    run.setback = Some(Setback { refusal: None, words: "cancelled", is_told: false });
}

/// Says how a deployment did not go live and what is live instead, as soon as that is known.
pub(super) fn tell(run: &mut Run, event: DeploymentEvent) {
    let stops_first = Deployer::strategy(run).stops_first();
    let is_undone = event == DeploymentEvent::Undone;
    let may_have_stopped = match run.deployment.state {
        DeploymentState::Starting | DeploymentState::Checking => stops_first,
        DeploymentState::Queued
        | DeploymentState::Fetching
        | DeploymentState::Detecting
        | DeploymentState::Building
        | DeploymentState::Releasing
        | DeploymentState::Switching
        | DeploymentState::Draining
        | DeploymentState::UndoingFailure
        | DeploymentState::UndoingCancel
        | DeploymentState::Live
        | DeploymentState::Failed
        | DeploymentState::Cancelled
        | DeploymentState::Superseded => false,
    };
    // A server that was killed meanwhile has forgotten how it failed, and not that it stopped what was live.
    let is_due = run.setback.as_ref().map_or(is_undone && stops_first, |setback| !setback.is_told);
    if !is_due || may_have_stopped {
        return;
    }
    let is_live = if run.not_brought_back.is_empty() {
        steps::what_is_live(run)
    } else {
        let faults = run.not_brought_back.join(" ");
        let reason = run.deployment.reason.take();
        run.deployment.reason = Some(reason.map_or_else(|| faults.clone(), |why| format!("{why} {faults}")));
        faults
    };
    let refusal = run.setback.as_ref().and_then(|setback| setback.refusal.as_ref());
    run.error(&refusal.map_or_else(|| is_live.clone(), |refusal| format!("{refusal} {is_live}")));
    if let Some(setback) = &mut run.setback {
        setback.is_told = true;
    }
}

/// Ends the log for those who watch it, once it has said how the deployment ended. Twice is once.
pub(super) fn conclude(run: &Run) {
    if let Some(setback) = run.setback.as_ref().filter(|setback| setback.is_told) {
        run.log.conclude(Conclusion::NotLive(setback.words.to_owned()));
    }
}
