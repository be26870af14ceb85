//! Bodies of the audit log.

use crate::model::audit::{AuditEntry, Change, CredentialKind};
use crate::model::id::{AuditEntryId, ProjectId, UserId};
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// One thing that somebody has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditBody {
    pub id: AuditEntryId,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub user_id: Option<UserId>,
    pub username: Option<String>,
    /// What they have proved who they are with.
    pub credential: Option<CredentialKind>,
    /// The login or the key.
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

impl From<AuditEntry> for AuditBody {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { id, at, what } = entry;
        let Change {
            user_id,
            username,
            credential,
            credential_id,
            action,
            project_id,
            subject,
            peer,
            request_id,
            before,
            after,
        } = what;
        Self {
            id,
            at,
            user_id,
            username,
            credential,
            credential_id,
            action,
            project_id,
            subject,
            peer,
            request_id,
            before,
            after,
        }
    }
}
