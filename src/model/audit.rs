//! The audit log: who changed what, from where.

use crate::model::id::{AuditEntryId, ProjectId, UserId};
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::str::FromStr;

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

/// The words of an action, to look for: `create_project`, `maintenance on`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionWords(String);

/// A text cannot be the words of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an action is lower-case words, as in `create_project`")]
pub struct NoAction;

impl ActionWords {
    /// As they are stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ActionWords {
    type Err = NoAction;

    fn from_str(text: &str) -> Result<Self, NoAction> {
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
        let valid = text.len() <= 64 && text.split(['_', ' ']).all(is_word);
        if valid { Ok(Self(text.to_owned())) } else { Err(NoAction) }
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
