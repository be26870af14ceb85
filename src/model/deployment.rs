//! Deployments and the one machine that moves them.
//!
//! ```text
//! queued → fetching → detecting → building → releasing → starting → checking → switching → draining → live
//! any state before switching + failure or cancel → undoing → failed | cancelled
//! queued + cancel → cancelled: nothing was made yet
//! queued + a newer one for the environment → superseded
//! ```
//!
//! Entering `switching` is the commit point: the release is stored in the same transaction. Everything before it can be
//! undone; from then on the deployment can only go on, however often it is interrupted, and ends `live`.

use crate::model::basis::{Automatic, Carried, DeploymentBasis, Order};
use crate::model::id::{DeploymentId, EnvironmentId, ProjectId, UserId};
use crate::model::image::ImageName;
use crate::model::instance::InstanceId;
use crate::model::name::{BranchName, CommitId};
use crate::model::origin::Origin;
use crate::model::plan::BuildPlan;
use crate::model::release::ReleaseContent;
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One attempt to bring a commit live in an environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    pub id: DeploymentId,
    pub project_id: ProjectId,
    pub environment_id: EnvironmentId,
    pub state: DeploymentState,
    /// [`CommitId::unknown`] until it is fetched, where it comes from another repository.
    pub commit: CommitId,
    pub branch: Option<BranchName>,
    /// What the branch pointed at when the push began; the branch is moved only from there or by fast-forward.
    pub previous_commit: Option<CommitId>,
    pub author: Option<UserId>,
    pub source: DeploymentSource,
    pub options: DeploymentOptions,
    /// What the steps have made so far; written before the next step starts.
    pub record: DeploymentRecord,
    /// Set by whoever wants it stopped; the running step looks at it.
    pub cancel_requested_at: Option<Timestamp>,
    /// Why it did not go live: one sentence.
    pub reason: Option<String>,
    /// Version of the release that it made.
    pub version: Option<i64>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

impl Deployment {
    /// The reason of a deployment that somebody has cancelled.
    pub const CANCELLED: &str = "The deployment was cancelled.";

    /// Added to why a deployment was superseded that the newer one carries along.
    pub const COMES_BACK: &str = "; should that not go live, this is done after all";

    /// What it is to bring live, as far as it matters to others that wait.
    #[must_use]
    pub fn order(&self) -> Order {
        Order {
            commit: self.commit.clone(),
            branch: self.branch.clone(),
            source: self.source,
            author: self.author,
            options: self.options.clone(),
        }
    }
}

/// What started a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentSource {
    Push,
    /// Somebody has asked for a commit or a branch without pushing it.
    Api,
    /// What was deployed once is deployed again.
    Redeploy,
    /// Back to a release of the environment.
    Rollback,
    /// A release of another environment is brought here.
    Promote,
    /// Config vars or other settings have changed.
    Config,
    /// The formation has changed.
    Scale,
    /// New instances of the same.
    Restart,
}

impl DeploymentSource {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Api => "api",
            Self::Redeploy => "redeploy",
            Self::Rollback => "rollback",
            Self::Promote => "promote",
            Self::Config => "config",
            Self::Scale => "scale",
            Self::Restart => "restart",
        }
    }
}

/// What the person who started a deployment asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeploymentOptions {
    /// What it is made from. Those that were stored before there was a choice are made from a commit.
    pub basis: DeploymentBasis,
    /// Where its commit comes from; `None`: it is in the repository.
    pub origin: Option<Origin>,
    /// Build every layer anew.
    pub no_cache: bool,
    /// Move the branch when the deployment goes live: a push does. A redeployment does not: it deploys what the branch
    /// points at when it begins.
    pub move_branch: bool,
    /// What it has replaced in the queue and leaves there again if it does not go live.
    pub carries: Option<Carried>,
    /// Why the server has started it by itself.
    pub automatic: Option<Automatic>,
}

/// What the steps of a deployment have made. Every field is written before the next step starts, so that a restarted
/// server undoes or resumes from it and never guesses.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeploymentRecord {
    pub plan: Option<BuildPlan>,
    /// Everything that decides what runs, from the moment when there is an image. The release command, the instances and
    /// the release all have this, whatever is set meanwhile.
    pub content: Option<ReleaseContent>,
    /// Instances that were started.
    pub instances: Vec<InstanceId>,
}

impl DeploymentRecord {
    /// The image of a registry that was pulled, by its digest.
    #[must_use]
    pub fn pulled_image(&self) -> Option<&ImageName> {
        self.content.as_ref()?.plan.prebuilt.as_ref()?.source.as_ref()
    }
}

/// Where a deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentState {
    Queued,
    Fetching,
    Detecting,
    Building,
    Releasing,
    Starting,
    Checking,
    Switching,
    Draining,
    Live,
    /// Taking back what was made, because a step failed.
    UndoingFailure,
    /// Taking back what was made, because somebody cancelled it.
    UndoingCancel,
    Failed,
    Cancelled,
    Superseded,
}

/// Something that happened to a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeploymentEvent {
    /// The current step is done; the first one moves a queued deployment to its first step.
    Advanced,
    /// The current step failed.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// A newer deployment took its place in the queue.
    Superseded,
    /// Everything it had made is taken back.
    Undone,
}

/// What keeps a deployment from going live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setback {
    /// A step failed.
    Failure,
    /// Somebody cancelled it.
    Cancel,
    /// A newer deployment took its place.
    Superseded,
}

/// The move is not one of the machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a deployment that is {state} cannot take the event {event:?}")]
pub struct IllegalMove {
    pub state: DeploymentState,
    pub event: DeploymentEvent,
}

impl DeploymentState {
    /// Every state, in the order of a deployment that goes well and then the others.
    pub const ALL: [Self; 15] = [
        Self::Queued,
        Self::Fetching,
        Self::Detecting,
        Self::Building,
        Self::Releasing,
        Self::Starting,
        Self::Checking,
        Self::Switching,
        Self::Draining,
        Self::Live,
        Self::UndoingFailure,
        Self::UndoingCancel,
        Self::Failed,
        Self::Cancelled,
        Self::Superseded,
    ];

    /// The state after an event.
    ///
    /// # Errors
    /// When the event cannot happen in this state, for example a cancel after the switch.
    pub const fn next(self, event: DeploymentEvent) -> Result<Self, IllegalMove> {
        use DeploymentEvent as Event;
        use DeploymentState as State;
        let illegal = Err(IllegalMove { state: self, event });
        match (self, event) {
            (State::Queued, Event::Advanced) => Ok(State::Fetching),
            (State::Fetching, Event::Advanced) => Ok(State::Detecting),
            (State::Detecting, Event::Advanced) => Ok(State::Building),
            (State::Building, Event::Advanced) => Ok(State::Releasing),
            (State::Releasing, Event::Advanced) => Ok(State::Starting),
            (State::Starting, Event::Advanced) => Ok(State::Checking),
            (State::Checking, Event::Advanced) => Ok(State::Switching),
            (State::Switching, Event::Advanced) => Ok(State::Draining),
            (State::Draining, Event::Advanced) => Ok(State::Live),
            (State::Queued, Event::Superseded) => Ok(State::Superseded),
            (State::UndoingFailure, Event::Undone) => Ok(State::Failed),
            (State::Queued, Event::Cancelled) | (State::UndoingCancel, Event::Undone) => Ok(State::Cancelled),
            (
                State::Queued
                | State::Fetching
                | State::Detecting
                | State::Building
                | State::Releasing
                | State::Starting
                | State::Checking,
                Event::Failed,
            ) => Ok(State::UndoingFailure),
            (
                State::Fetching
                | State::Detecting
                | State::Building
                | State::Releasing
                | State::Starting
                | State::Checking,
                Event::Cancelled,
            ) => Ok(State::UndoingCancel),
            (
                State::Switching
                | State::Draining
                | State::Live
                | State::UndoingFailure
                | State::UndoingCancel
                | State::Failed
                | State::Cancelled
                | State::Superseded,
                Event::Failed | Event::Cancelled,
            )
            | (
                State::Live
                | State::UndoingFailure
                | State::UndoingCancel
                | State::Failed
                | State::Cancelled
                | State::Superseded,
                Event::Advanced,
            )
            | (
                State::Fetching
                | State::Detecting
                | State::Building
                | State::Releasing
                | State::Starting
                | State::Checking
                | State::Switching
                | State::Draining
                | State::Live
                | State::UndoingFailure
                | State::UndoingCancel
                | State::Failed
                | State::Cancelled
                | State::Superseded,
                Event::Superseded,
            )
            | (
                State::Queued
                | State::Fetching
                | State::Detecting
                | State::Building
                | State::Releasing
                | State::Starting
                | State::Checking
                | State::Switching
                | State::Draining
                | State::Live
                | State::Failed
                | State::Cancelled
                | State::Superseded,
                Event::Undone,
            ) => illegal,
        }
    }

    /// Whether nothing can happen to the deployment any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Live | Self::Failed | Self::Cancelled | Self::Superseded => true,
            Self::Queued
            | Self::Fetching
            | Self::Detecting
            | Self::Building
            | Self::Releasing
            | Self::Starting
            | Self::Checking
            | Self::Switching
            | Self::Draining
            | Self::UndoingFailure
            | Self::UndoingCancel => false,
        }
    }

    /// Whether the deployment has yet to become live and can: it is neither over nor being undone, and traffic is not
    /// known to be on it.
    #[must_use]
    pub const fn can_go_live(self) -> bool {
        match self {
            Self::Queued
            | Self::Fetching
            | Self::Detecting
            | Self::Building
            | Self::Releasing
            | Self::Starting
            | Self::Checking
            | Self::Switching => true,
            Self::Draining
            | Self::Live
            | Self::UndoingFailure
            | Self::UndoingCancel
            | Self::Failed
            | Self::Cancelled
            | Self::Superseded => false,
        }
    }

    /// Whether it is not too late to stop the deployment.
    #[must_use]
    pub const fn can_be_cancelled(self) -> bool {
        self.next(DeploymentEvent::Cancelled).is_ok()
    }

    /// Whether the release is made: the router serves it or is about to, and the deployment can only go on.
    #[must_use]
    pub const fn is_committed(self) -> bool {
        match self {
            Self::Switching | Self::Draining | Self::Live => true,
            Self::Queued
            | Self::Fetching
            | Self::Detecting
            | Self::Building
            | Self::Releasing
            | Self::Starting
            | Self::Checking
            | Self::UndoingFailure
            | Self::UndoingCancel
            | Self::Failed
            | Self::Cancelled
            | Self::Superseded => false,
        }
    }

    /// What keeps the deployment from going live, in the states that it is in because of it.
    #[must_use]
    pub const fn setback(self) -> Option<Setback> {
        match self {
            Self::UndoingFailure | Self::Failed => Some(Setback::Failure),
            Self::UndoingCancel | Self::Cancelled => Some(Setback::Cancel),
            Self::Superseded => Some(Setback::Superseded),
            Self::Queued
            | Self::Fetching
            | Self::Detecting
            | Self::Building
            | Self::Releasing
            | Self::Starting
            | Self::Checking
            | Self::Switching
            | Self::Draining
            | Self::Live => None,
        }
    }

    /// The coarse status that users of the API see.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Queued => Status::Queued,
            Self::Fetching | Self::Detecting | Self::Building => Status::Building,
            Self::Releasing
            | Self::Starting
            | Self::Checking
            | Self::Switching
            | Self::Draining
            | Self::UndoingFailure
            | Self::UndoingCancel => Status::Deploying,
            Self::Live => Status::Success,
            Self::Failed => Status::Failed,
            Self::Cancelled => Status::Cancelled,
            Self::Superseded => Status::Superseded,
        }
    }

    /// The step that runs in this state.
    #[must_use]
    pub const fn step(self) -> Step {
        match self {
            Self::Queued => Step::Queue,
            Self::Fetching => Step::Fetch,
            Self::Detecting => Step::Detect,
            Self::Building => Step::Build,
            Self::Releasing => Step::Release,
            Self::Starting => Step::Start,
            Self::Checking => Step::Check,
            Self::Switching => Step::Switch,
            Self::Draining => Step::Drain,
            Self::UndoingFailure | Self::UndoingCancel => Step::Undo,
            Self::Live | Self::Failed | Self::Cancelled | Self::Superseded => Step::Done,
        }
    }

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Fetching => "fetching",
            Self::Detecting => "detecting",
            Self::Building => "building",
            Self::Releasing => "releasing",
            Self::Starting => "starting",
            Self::Checking => "checking",
            Self::Switching => "switching",
            Self::Draining => "draining",
            Self::Live => "live",
            Self::UndoingFailure => "undoing_failure",
            Self::UndoingCancel => "undoing_cancel",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
        }
    }
}

impl fmt::Display for DeploymentState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The status of a deployment in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Queued,
    Building,
    Deploying,
    Success,
    Failed,
    Cancelled,
    Superseded,
}

impl Status {
    /// The word that is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Building => "building",
            Self::Deploying => "deploying",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
        }
    }
}

/// A step of a deployment, as log lines and timings name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Queue,
    Fetch,
    Detect,
    Build,
    Release,
    Start,
    Check,
    Switch,
    Drain,
    Undo,
    Done,
}

impl Step {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Fetch => "fetch",
            Self::Detect => "detect",
            Self::Build => "build",
            Self::Release => "release",
            Self::Start => "start",
            Self::Check => "check",
            Self::Switch => "switch",
            Self::Drain => "drain",
            Self::Undo => "undo",
            Self::Done => "done",
        }
    }
}

/// A move of a deployment, as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// 1 for the first event of the deployment.
    pub seq: i64,
    pub state: DeploymentState,
    pub at: Timestamp,
    pub detail: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [DeploymentEvent; 5] = [
        DeploymentEvent::Advanced,
        DeploymentEvent::Failed,
        DeploymentEvent::Cancelled,
        DeploymentEvent::Superseded,
        DeploymentEvent::Undone,
    ];

    #[test]
    fn every_pair_of_state_and_event_is_decided() {
        let mut table = String::new();
        for state in DeploymentState::ALL {
            for event in EVENTS {
                if let Ok(next) = state.next(event) {
                    table.push_str(&format!("{state} + {event:?} = {next}\n"));
                }
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn a_deployment_without_trouble_goes_through_every_step_once() {
        let mut state = DeploymentState::Queued;
        let mut steps = vec![state.step()];
        while !state.is_final() {
            state = state.next(DeploymentEvent::Advanced).unwrap();
            steps.push(state.step());
        }
        assert_eq!(state, DeploymentState::Live);
        assert_eq!(steps.len(), 10);
    }

    #[test]
    fn a_committed_deployment_ends_live_and_nothing_else_does() {
        for state in DeploymentState::ALL {
            let live = |event| state.next(event).is_ok_and(DeploymentState::is_committed);
            let ways_on: Vec<_> = EVENTS.into_iter().filter(|event| state.next(*event).is_ok()).collect();
            if state.is_committed() {
                assert!(ways_on.into_iter().all(live), "{state}");
            } else {
                let commits = ways_on.into_iter().any(live);
                assert_eq!(commits, state == DeploymentState::Checking, "{state}");
            }
        }
    }

    #[test]
    fn final_and_committed_states_cannot_fail() {
        for state in DeploymentState::ALL.into_iter().filter(|state| state.is_final() || state.is_committed())
        {
            assert!(state.next(DeploymentEvent::Failed).is_err());
            assert!(state.next(DeploymentEvent::Cancelled).is_err());
        }
    }
}
