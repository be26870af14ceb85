//! Bodies of the releases of an environment.

use crate::model::deployment::DeploymentSource;
use crate::model::id::{DeploymentId, ReleaseId};
use crate::model::name::{BranchName, CommitId, ProcessType, Username};
use crate::model::release_diff::ReleaseDiff;
use crate::model::time::Timestamp;
use crate::wire::deployment::MadeFromBody;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseBody {
    pub id: ReleaseId,
    pub version: i64,
    /// Whether it is the one that is served.
    pub current: bool,
    /// The deployment that made it.
    pub deployment_id: DeploymentId,
    pub commit: Option<CommitId>,
    /// How that deployment came about, the branch that it was for, and what it was made from; `null` where it is gone, or there
    /// was none.
    #[serde(default)]
    pub source: Option<DeploymentSource>,
    #[serde(default)]
    pub branch: Option<BranchName>,
    #[serde(default)]
    pub made_from: Option<MadeFromBody>,
    /// Who made it; `null` where the account is gone.
    pub author: Option<Username>,
    pub image: String,
    /// Whether the engine still has its image, without which it has to be built again to be gone back to; `null`: the engine
    /// does not answer.
    #[serde(default)]
    pub image_exists: Option<bool>,
    /// What it was made of, where that is an image of a registry: `docker.io/library/nginx@sha256:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_image: Option<String>,
    /// Commands by process type.
    pub processes: BTreeMap<ProcessType, String>,
    /// Instances by process type.
    pub formation: BTreeMap<ProcessType, u16>,
    /// Names of its config vars.
    pub config: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// What is different from the release before, or from the one that is asked for with `against`. In lists it is left out, and
    /// where there is none to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<ReleaseDiff>,
}

/// Where a release came from, in a few words: `push to main`, `rollback to v3`.
#[must_use]
pub fn came_from(source: DeploymentSource, branch: Option<&BranchName>, made_from: &MadeFromBody) -> String {
    let word = source.as_str();
    match (made_from, branch) {
        (MadeFromBody::Release { version, .. }, _) => {
            let way = if source == DeploymentSource::Promote { "of" } else { "to" };
            format!("{word} {way} v{version}")
        }
        (MadeFromBody::Upload, _) => format!("{word}: an archive"),
        (MadeFromBody::Image { image }, _) => format!("{word}: {image}"),
        (MadeFromBody::Repository { url, reference: Some(reference) }, _) => {
            format!("{word}: {url} {reference}")
        }
        (MadeFromBody::Repository { url, reference: None }, _) => format!("{word}: {url}"),
        (MadeFromBody::Commit, Some(branch)) => match source {
            DeploymentSource::Push => format!("{word} to {branch}"),
            DeploymentSource::Api
            | DeploymentSource::Webhook
            | DeploymentSource::Redeploy
            | DeploymentSource::Rollback
            | DeploymentSource::Promote
            | DeploymentSource::Config
            | DeploymentSource::Scale
            | DeploymentSource::Restart => format!("{word} of {branch}"),
        },
        (MadeFromBody::Commit | MadeFromBody::Live, _) => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::EnvironmentId;

    #[test]
    fn where_a_release_came_from_is_said_in_a_few_words() {
        let main: BranchName = "main".parse().unwrap();
        let image = MadeFromBody::Image { image: "nginx:1".parse().unwrap() };
        let release = MadeFromBody::Release { environment_id: EnvironmentId::generate(), version: 3 };
        assert_eq!(came_from(DeploymentSource::Push, Some(&main), &MadeFromBody::Commit), "push to main");
        assert_eq!(
            came_from(DeploymentSource::Webhook, Some(&main), &MadeFromBody::Commit),
            "webhook of main"
        );
        assert_eq!(came_from(DeploymentSource::Api, None, &MadeFromBody::Commit), "api");
        assert_eq!(came_from(DeploymentSource::Rollback, Some(&main), &release), "rollback to v3");
        assert_eq!(came_from(DeploymentSource::Promote, None, &release), "promote of v3");
        assert_eq!(came_from(DeploymentSource::Api, None, &MadeFromBody::Upload), "api: an archive");
        assert_eq!(came_from(DeploymentSource::Scale, Some(&main), &MadeFromBody::Live), "scale");
        assert!(came_from(DeploymentSource::Api, None, &image).starts_with("api: "));
    }
}
