//! What happens to a project, as it is told to others.

use crate::model::config_file::ConfigEdit;
use crate::model::deployment::{DeploymentSource, DeploymentState};
use crate::model::id::{DeploymentId, EnvironmentId, EventId, ProjectId};
use crate::model::name::{BranchName, CommitId, EnvironmentName, Slug, Username};
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Something that has happened to a project: all that is told of it, as it was then. What it is about may be gone when it
/// is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub id: EventId,
    pub kind: EventKind,
    pub at: Timestamp,
    pub project: ProjectFacts,
    pub environment: Option<EnvironmentFacts>,
    pub deployment: Option<DeploymentFacts>,
    pub instance: Option<InstanceFacts>,
    /// What was changed of the config: names, never values.
    #[serde(default)]
    pub edits: Vec<ConfigEdit>,
    /// Who did it; `None`: nobody, or the account is gone.
    pub author: Option<Username>,
    /// Why: one sentence.
    pub reason: Option<String>,
}

impl Event {
    /// Most changes of the config that are told one by one.
    pub const MOST_EDITS: usize = 100;
    /// Most bytes of a reason.
    pub const LONGEST_REASON: usize = 2048;

    /// What `shop:staging` is called; without an environment the project alone.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.environment {
            Some(environment) => format!("{}:{}", self.project.slug, environment.name),
            None => self.project.slug.to_string(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectFacts {
    pub id: ProjectId,
    pub slug: Slug,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentFacts {
    pub id: EnvironmentId,
    pub name: EnvironmentName,
    /// The pull or merge request that it is a preview of, where its provider calls it so.
    #[serde(default)]
    pub pull_request: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentFacts {
    pub id: DeploymentId,
    /// Of the release that it has made.
    pub version: Option<i64>,
    /// `None` until it is known.
    pub commit: Option<CommitId>,
    /// What a delivery of a hook has said that it would be.
    #[serde(default)]
    pub announced: Option<CommitId>,
    pub branch: Option<BranchName>,
    pub source: DeploymentSource,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceFacts {
    /// `web.1`
    pub name: String,
    /// 128 + signal where a signal ended it.
    pub exit_code: i64,
    /// How often it has ended by itself within the last minutes.
    pub crashes: u32,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)?) => {
        /// What has happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum EventKind {
            $($(#[$doc])* #[serde(rename = $word)] $variant),+
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that is stored, told and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

kinds! {
    DeploymentQueued = "deployment.queued",
    DeploymentStarted = "deployment.started",
    /// Its release has the traffic.
    DeploymentSucceeded = "deployment.succeeded",
    DeploymentFailed = "deployment.failed",
    DeploymentCancelled = "deployment.cancelled",
    /// A newer one has taken its place in the queue.
    DeploymentSuperseded = "deployment.superseded",
    /// An earlier release has the traffic again.
    DeploymentRolledBack = "deployment.rolled_back",
    /// An instance has ended by itself, and is started again.
    InstanceCrashed = "instance.crashed",
    /// It has done so again and again.
    InstanceCrashLooping = "instance.crash_looping",
    ConfigChanged = "config.changed",
    EnvironmentCreated = "environment.created",
    EnvironmentDeleted = "environment.deleted",
    /// A webhook takes nothing any more: it has failed for too long.
    WebhookDisabled = "webhook.disabled",
    /// Somebody wants to see whether the webhook works.
    Test = "webhook.test",
}

impl EventKind {
    /// Whether one can ask for it: a test comes to whoever is tested.
    #[must_use]
    pub const fn is_chosen(self) -> bool {
        !matches!(self, Self::Test)
    }

    /// Every kind that one can ask for.
    pub fn chosen() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|kind| kind.is_chosen())
    }

    /// Every kind that is about a deployment.
    pub fn of_deployments() -> impl Iterator<Item = Self> {
        Self::chosen().filter(|kind| kind.as_str().starts_with("deployment."))
    }

    /// What is told of a deployment that comes into a state; `None`: nothing.
    #[must_use]
    pub const fn of_move(to: DeploymentState, source: DeploymentSource) -> Option<Self> {
        match to {
            DeploymentState::Queued => Some(Self::DeploymentQueued),
            DeploymentState::Fetching => Some(Self::DeploymentStarted),
            // The traffic has been switched: what is left is to let the old instances finish.
            DeploymentState::Draining => Some(match source {
                DeploymentSource::Rollback => Self::DeploymentRolledBack,
                DeploymentSource::Push
                | DeploymentSource::Api
                | DeploymentSource::Webhook
                | DeploymentSource::Redeploy
                | DeploymentSource::Promote
                | DeploymentSource::Config
                | DeploymentSource::Scale
                | DeploymentSource::Restart => Self::DeploymentSucceeded,
            }),
            DeploymentState::Failed => Some(Self::DeploymentFailed),
            DeploymentState::Cancelled => Some(Self::DeploymentCancelled),
            DeploymentState::Superseded => Some(Self::DeploymentSuperseded),
            DeploymentState::Detecting
            | DeploymentState::Building
            | DeploymentState::Releasing
            | DeploymentState::Starting
            | DeploymentState::Checking
            | DeploymentState::Switching
            | DeploymentState::Live
            | DeploymentState::UndoingFailure
            | DeploymentState::UndoingCancel => None,
        }
    }
}

/// A word is no kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Events are {}.", EventKind::chosen().map(EventKind::as_str).collect::<Vec<_>>().join(", "))]
pub struct UnknownEvent;

impl FromStr for EventKind {
    type Err = UnknownEvent;

    fn from_str(word: &str) -> Result<Self, UnknownEvent> {
        Self::chosen().find(|kind| kind.as_str() == word).ok_or(UnknownEvent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeploymentState as State;

    #[test]
    fn a_deployment_that_ends_is_told_once() {
        let told = |states: &[DeploymentState]| {
            let kinds = states.iter().filter_map(|state| EventKind::of_move(*state, DeploymentSource::Push));
            kinds.map(EventKind::as_str).collect::<Vec<_>>()
        };
        assert_eq!(
            told(&[
                State::Queued,
                State::Fetching,
                State::Building,
                State::Switching,
                State::Draining,
                State::Live
            ]),
            ["deployment.queued", "deployment.started", "deployment.succeeded"]
        );
        assert_eq!(told(&[State::UndoingFailure, State::Failed]), ["deployment.failed"]);
        let back = EventKind::of_move(State::Draining, DeploymentSource::Rollback);
        assert_eq!(back, Some(EventKind::DeploymentRolledBack));
    }

    #[test]
    fn a_test_cannot_be_asked_for_as_an_event() {
        assert_eq!("deployment.failed".parse(), Ok(EventKind::DeploymentFailed));
        for unknown in ["webhook.test", "deployment", "", "DeploymentFailed"] {
            assert_eq!(unknown.parse::<EventKind>(), Err(UnknownEvent), "{unknown}");
        }
    }
}
