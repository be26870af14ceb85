//! API keys: what programs prove with who they act for.

use crate::model::id::{ApiKeyId, UserId};
use crate::model::scope::Scope;
use crate::model::time::Timestamp;

/// An API key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub user_id: UserId,
    pub title: String,
    /// How the key begins, so that people can tell which one they hold.
    pub hint: String,
    pub scopes: Vec<Scope>,
    /// `None`: it does not expire.
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    /// Until when the key from before the last rotation is accepted too.
    pub previous_until: Option<Timestamp>,
    pub created_at: Timestamp,
}
