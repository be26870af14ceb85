//! Invitations: what lets somebody sign up on a server that is not open.

use crate::model::id::{InvitationId, UserId};
use crate::model::name::Email;
use crate::model::time::Timestamp;

/// An invitation, without what is sent to the invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    pub id: InvitationId,
    /// The only address that may sign up with it; `None` for any.
    pub email: Option<Email>,
    /// `None` when the account is gone.
    pub created_by: Option<UserId>,
    pub expires_at: Timestamp,
    /// Who signed up with it.
    pub used_by: Option<UserId>,
    pub used_at: Option<Timestamp>,
    pub created_at: Timestamp,
}
