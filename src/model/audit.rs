//! The audit log: who changed what, from where.

use crate::model::id::{AuditEntryId, ProjectId, UserId};
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What somebody has proved with who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    Session,
    ApiKey,
    SshKey,
}

impl CredentialKind {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::ApiKey => "api_key",
            Self::SshKey => "ssh_key",
        }
    }
}

/// One thing that somebody has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub id: AuditEntryId,
    pub at: Timestamp,
    pub what: Change,
}

/// What was changed, by whom and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Who; there is still an entry when the account is gone.
    pub user_id: Option<UserId>,
    pub username: Option<String>,
    /// What they have proved who they are with.
    pub credential: Option<CredentialKind>,
    /// Which one.
    pub credential_id: Option<String>,
    /// `create_project`, `change_password`.
    pub action: String,
    pub project_id: Option<ProjectId>,
    /// The path that was asked for.
    pub subject: String,
    /// The address that asked.
    pub peer: String,
    pub request_id: String,
    /// As it was, without secrets, where that is known.
    pub before: Option<Value>,
    /// As it is since, without secrets, where that is known.
    pub after: Option<Value>,
}
