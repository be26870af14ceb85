//! Bodies of `/health`, `/ready` and `/version`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /health`: the process answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthBody {
    /// Always `ok`: who cannot answer does not.
    pub status: String,
}

/// `GET /ready`: whether deployments can be taken now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadyBody {
    pub ready: bool,
    pub checks: Vec<CheckBody>,
}

/// One thing that the server needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckBody {
    /// `database`, `engine`.
    pub name: String,
    pub ok: bool,
    /// What is wrong, in one sentence.
    pub reason: Option<String>,
}

/// `GET /version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionBody {
    pub name: String,
    pub version: String,
}
