//! Logins, as their owners see them.

use crate::model::id::TokenFamilyId;
use crate::model::time::Timestamp;

/// A login that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginSession {
    pub id: TokenFamilyId,
    /// The address that logged in; `None` for a login from before they were noted.
    pub peer: Option<String>,
    /// What the client called itself.
    pub user_agent: Option<String>,
    pub created_at: Timestamp,
    /// When its tokens were renewed last.
    pub last_used_at: Timestamp,
}
