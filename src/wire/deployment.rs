//! Bodies of `/api/deployments`.

use crate::model::basis::DeploymentBasis;
use crate::model::deployment::{
    DeploymentOptions, DeploymentSource, DeploymentState, RecordedEvent, Setback, Status, Step,
};
use crate::model::id::{DeploymentId, EnvironmentId, ProjectId};
use crate::model::image::ImageName;
use crate::model::name::{BranchName, CommitId, Username};
use crate::model::origin::Origin;
use crate::model::repository_url::{ReferenceName, RepositoryUrl};
use crate::model::time::Timestamp;
use crate::wire::form::{Body, Form};
use crate::wire::plan::PlanBody;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeploymentBody {
    pub id: DeploymentId,
    pub project_id: ProjectId,
    pub environment_id: EnvironmentId,
    /// Of the release that it made: `7` for v7.
    pub version: Option<i64>,
    pub status: Status,
    /// What runs now, or `done`.
    pub step: Step,
    /// Why it did not go live; of a rollback that the server has started by itself, why it has.
    pub reason: Option<String>,
    /// `null` until it is fetched, where it comes from another repository.
    pub commit: Option<CommitId>,
    pub branch: Option<BranchName>,
    /// Who pushed; `null` where the account is gone.
    pub author: Option<Username>,
    pub source: DeploymentSource,
    pub made_from: MadeFromBody,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// How many deployments or, where it waits for the limit on builds, builds are to begin before it, as it looks now; of one that waits
    /// only, and left out in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u32>,
    /// What was recognised; left out in lists, and before it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanBody>,
    /// In the order in which they began. In lists it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<StepBody>>,
}

/// What a deployment is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MadeFromBody {
    /// Its commit, which is built.
    Commit,
    /// An archive that was sent, which is its commit.
    Upload,
    /// What it fetches from another repository.
    Repository {
        #[schema(value_type = String)]
        url: RepositoryUrl,
        /// A branch, a tag or a commit; `null`: what the `HEAD` of the repository is.
        #[schema(value_type = Option<String>)]
        reference: Option<ReferenceName>,
    },
    /// An image of a registry.
    Image {
        #[schema(value_type = String)]
        image: ImageName,
    },
    /// A release of the environment, or of another one from which it is promoted.
    Release { environment_id: EnvironmentId, version: i64 },
    /// What was live, with other settings.
    Live,
}

impl MadeFromBody {
    /// What a deployment to an environment is made from.
    #[must_use]
    pub fn of(options: DeploymentOptions, here: EnvironmentId) -> Self {
        match options.basis {
            DeploymentBasis::Commit => match options.origin {
                None => Self::Commit,
                Some(Origin::Upload) => Self::Upload,
                Some(Origin::Repository { url, reference, only: _ }) => Self::Repository { url, reference },
                Some(Origin::Image { image }) => Self::Image { image },
            },
            DeploymentBasis::Live { .. } => Self::Live,
            DeploymentBasis::Release { version, .. } => Self::Release { environment_id: here, version },
            DeploymentBasis::Promotion { environment_id, version, .. } => {
                Self::Release { environment_id, version }
            }
        }
    }
}

const TRUTH: &str = "true or false";

/// `POST /api/projects/:id/deployments`.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct NewDeploymentBody {
    pub commit: Option<CommitId>,
    /// What it points at when the turn of the deployment comes.
    pub branch: Option<BranchName>,
    /// The URL of a repository elsewhere, from which is deployed once, or `git@host:path`.
    #[schema(value_type = Option<String>)]
    pub repository: Option<RepositoryUrl>,
    /// A branch, a tag or a commit of that repository; what its `HEAD` is unless given.
    #[schema(value_type = Option<String>)]
    pub reference: Option<ReferenceName>,
    /// An image of a registry, which is run as it is: `ghcr.io/a/b:1`.
    #[schema(value_type = Option<String>)]
    pub image: Option<ImageName>,
    /// Name or id; `production` unless given.
    pub environment: Option<String>,
    /// Build every layer anew.
    #[schema(value_type = Option<bool>)]
    pub no_cache: bool,
}

impl Body for NewDeploymentBody {
    fn take(form: &mut Form) -> Option<Self> {
        let (commit, branch) = (form.optional("commit"), form.optional("branch"));
        let (repository, reference) = (form.optional("repository"), form.optional("reference"));
        let image = form.optional("image");
        let environment = form.optional("environment");
        let no_cache = form.optional_value("no_cache", TRUTH).unwrap_or_default();
        let given = [
            ("commit", commit.is_some()),
            ("branch", branch.is_some()),
            ("repository", repository.is_some()),
            ("image", image.is_some()),
        ];
        for (name, _) in given.into_iter().filter(|(_, is_given)| *is_given).skip(1) {
            form.refuse(name, "Give one of commit, branch, repository and image.");
        }
        if reference.is_some() && repository.is_none() && !form.is_refused("repository") {
            form.refuse("reference", "It is of the repository, which is not given.");
        }
        Some(Self { commit, branch, repository, reference, image, environment, no_cache })
    }
}

/// `POST /api/deployments/:id/redeploy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
pub struct RedeployBody {
    /// Build every layer anew.
    #[schema(value_type = Option<bool>)]
    pub no_cache: bool,
}

impl Body for RedeployBody {
    fn take(form: &mut Form) -> Option<Self> {
        Some(Self { no_cache: form.optional_value("no_cache", TRUTH).unwrap_or_default() })
    }
}

/// `POST /api/deployments/:id/rollback`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
pub struct RollbackBody {
    /// Build the commit again: for when the image is gone.
    #[schema(value_type = Option<bool>)]
    pub rebuild: bool,
}

impl Body for RollbackBody {
    fn take(form: &mut Form) -> Option<Self> {
        Some(Self { rebuild: form.optional_value("rebuild", TRUTH).unwrap_or_default() })
    }
}

/// `POST /api/deployments/:id/promote`.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct PromoteBody {
    /// Name or id of the environment that it comes to.
    pub environment: String,
}

impl Body for PromoteBody {
    fn take(form: &mut Form) -> Option<Self> {
        Some(Self { environment: form.required("environment")? })
    }
}

/// One step of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepBody {
    pub name: Step,
    pub status: StepStatus,
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// Milliseconds between the two.
    pub duration_ms: Option<i64>,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    Running,
    Done,
    Failed,
    Cancelled,
    Superseded,
}

/// The steps that the recorded moves of a deployment tell of, oldest first.
#[must_use]
pub fn steps(events: &[RecordedEvent]) -> Vec<StepBody> {
    let mut steps: Vec<StepBody> = Vec::new();
    for event in events {
        let name = event.state.step();
        // A restarted server may record the state that it resumes in once more.
        if steps.last().is_some_and(|last| last.finished_at.is_none() && last.name == name) {
            continue;
        }
        if let Some(last) = steps.last_mut().filter(|last| last.finished_at.is_none()) {
            last.status = ended_as(last.name, event.state);
            last.finished_at = Some(event.at);
            last.duration_ms = Some((event.at - last.started_at).num_milliseconds());
        }
        if !event.state.is_final() {
            let started = (event.at, None, None);
            let (started_at, finished_at, duration_ms) = started;
            steps.push(StepBody { name, status: StepStatus::Running, started_at, finished_at, duration_ms });
        }
    }
    steps
}

/// How a step ended that was followed by a state.
const fn ended_as(step: Step, next: DeploymentState) -> StepStatus {
    match (step, next.setback()) {
        // What was to be taken back is.
        (Step::Undo, _) | (_, None) => StepStatus::Done,
        (_, Some(Setback::Failure)) => StepStatus::Failed,
        (_, Some(Setback::Cancel)) => StepStatus::Cancelled,
        (_, Some(Setback::Superseded)) => StepStatus::Superseded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeploymentState as State;
    use chrono::{DateTime, TimeDelta};

    /// Events one second apart.
    fn events(states: &[State]) -> Vec<RecordedEvent> {
        let begin = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let event = |(seq, state): (i64, &State)| RecordedEvent {
            seq,
            state: *state,
            at: begin + TimeDelta::seconds(seq),
            detail: None,
        };
        (1..).zip(states).map(event).collect()
    }

    fn summary(states: &[State]) -> Vec<(Step, StepStatus, Option<i64>)> {
        steps(&events(states)).into_iter().map(|step| (step.name, step.status, step.duration_ms)).collect()
    }

    #[test]
    fn a_running_deployment_ends_with_a_running_step() {
        assert_eq!(summary(&[]), []);
        assert_eq!(
            summary(&[State::Queued, State::Fetching, State::Detecting]),
            [
                (Step::Queue, StepStatus::Done, Some(1000)),
                (Step::Fetch, StepStatus::Done, Some(1000)),
                (Step::Detect, StepStatus::Running, None),
            ]
        );
    }

    #[test]
    fn the_step_that_failed_is_named_and_so_is_the_undoing() {
        assert_eq!(
            summary(&[State::Queued, State::Building, State::UndoingFailure, State::Failed]),
            [
                (Step::Queue, StepStatus::Done, Some(1000)),
                (Step::Build, StepStatus::Failed, Some(1000)),
                (Step::Undo, StepStatus::Done, Some(1000)),
            ]
        );
        assert_eq!(summary(&[State::Queued, State::Cancelled])[0].1, StepStatus::Cancelled);
        let cancelled = summary(&[State::Building, State::UndoingCancel, State::Cancelled]);
        assert_eq!((cancelled[0].1, cancelled[1].1), (StepStatus::Cancelled, StepStatus::Done));
        assert_eq!(summary(&[State::Queued, State::Superseded])[0].1, StepStatus::Superseded);
    }

    #[test]
    fn a_step_that_is_resumed_is_one_step() {
        assert_eq!(
            summary(&[State::Building, State::Building, State::Releasing])[0],
            (Step::Build, StepStatus::Done, Some(2000))
        );
    }
}
