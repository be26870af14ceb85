//! Bodies of previews: environments of pull requests.

use crate::model::id::{EnvironmentId, HookId, ProjectId};
use crate::model::name::{CommitId, ConfigName, EnvironmentName};
use crate::model::preview::{Preview, PreviewSettings, PreviewState};
use crate::model::time::{Timestamp, now};
use crate::wire::form::{Body, Form};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/projects/:id/previews/:number/approve`.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct ApprovePreviewBody {
    /// The commit that somebody has looked at. What was pushed since is not approved with it.
    pub commit: CommitId,
}

impl Body for ApprovePreviewBody {
    fn take(form: &mut Form) -> Option<Self> {
        Some(Self { commit: form.required("commit")? })
    }
}

/// How previews of pull requests are made. What is left out is as usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PreviewSettingsBody {
    /// Previews that the project may have at a time: 10, at most 100; no more than the operator lets it have.
    #[schema(minimum = 1, maximum = 100)]
    pub most: u32,
    /// Days after the last push until a preview is removed: 7, at most 90.
    #[schema(minimum = 1, maximum = 90)]
    pub days: u32,
    /// Seconds without a request until a preview sleeps: 900, at most a day; 0: it does not.
    #[schema(maximum = 86_400)]
    pub sleep_seconds: u32,
}

impl Default for PreviewSettingsBody {
    fn default() -> Self {
        PreviewSettings::default().into()
    }
}

impl From<PreviewSettings> for PreviewSettingsBody {
    fn from(settings: PreviewSettings) -> Self {
        let PreviewSettings { most, days, sleep_seconds } = settings;
        Self { most, days, sleep_seconds }
    }
}

impl From<PreviewSettingsBody> for PreviewSettings {
    fn from(body: PreviewSettingsBody) -> Self {
        let PreviewSettingsBody { most, days, sleep_seconds } = body;
        Self { most, days, sleep_seconds }
    }
}

/// A pull request that has a preview, or waits for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewBody {
    pub number: u64,
    pub project_id: ProjectId,
    /// The hook that has told of it; `null`: it is gone.
    pub hook_id: Option<HookId>,
    pub state: PreviewState,
    /// Its environment: `pr-7`.
    pub environment: EnvironmentName,
    /// `null`: the environment is not there (yet).
    pub environment_id: Option<EnvironmentId>,
    pub url: String,
    pub title: String,
    pub author: Option<String>,
    /// The branch that is to be merged.
    pub branch: String,
    /// The branch that it is to be merged into.
    pub base_branch: Option<String>,
    /// Its newest commit; `null` where the provider does not say.
    pub commit: Option<CommitId>,
    /// Whether it comes from a fork: each commit has to be approved.
    pub fork: bool,
    /// The commit of a fork that was approved last.
    pub approved_commit: Option<CommitId>,
    /// The config vars that it gets: those of the environment that it is to be merged into that are marked for previews, and
    /// of these no secret where it comes from a fork.
    #[serde(default)]
    pub config: Vec<ConfigName>,
    /// When it is removed, unless something is pushed to it.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl PreviewBody {
    /// A preview, with the name and the address of its environment, and the variables that it gets.
    #[must_use]
    pub fn of(
        preview: Preview,
        (environment, url): (EnvironmentName, String),
        config: Vec<ConfigName>,
    ) -> Self {
        Self {
            state: preview.state(now()),
            number: preview.number,
            project_id: preview.project_id,
            hook_id: preview.hook_id,
            environment,
            environment_id: preview.environment_id,
            url,
            config,
            title: preview.title,
            author: preview.author,
            branch: preview.head_branch,
            base_branch: preview.base_branch,
            commit: preview.head,
            fork: preview.is_fork,
            approved_commit: preview.approved,
            expires_at: preview.expires_at,
            created_at: preview.created_at,
            updated_at: preview.updated_at,
        }
    }
}
