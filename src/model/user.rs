//! Accounts and the keys that prove who somebody is.

use crate::model::id::{SshKeyId, UserId};
use crate::model::name::{Email, Username};
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What an account may do on the server as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerRole {
    /// Runs the server: sees and may do everything. The first account is one.
    Operator,
    /// Owns projects of their own.
    Member,
}

impl ServerRole {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Member => "member",
        }
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub email: Email,
    pub username: Username,
    pub role: ServerRole,
    /// Set when the operator has locked the account: no login, no key, no token of it is accepted.
    pub disabled_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A public SSH key that identifies its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshKey {
    pub id: SshKeyId,
    pub user_id: UserId,
    pub title: String,
    /// One line in OpenSSH's format, without a comment.
    pub public_key: String,
    /// `SHA256:…` as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}
