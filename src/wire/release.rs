//! Bodies of the releases of an environment.

use crate::model::id::{DeploymentId, ReleaseId};
use crate::model::name::{CommitId, ProcessType, Username};
use crate::model::release_diff::ReleaseDiff;
use crate::model::time::Timestamp;
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
    /// Who made it; `null` where the account is gone.
    pub author: Option<Username>,
    pub image: String,
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
