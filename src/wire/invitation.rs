//! Bodies of `/api/invitations`.

use crate::model::id::{InvitationId, UserId};
use crate::model::invitation::Invitation;
use crate::model::name::Email;
use crate::model::time::Timestamp;
use crate::wire::form::{Body, Form};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/invitations`.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct NewInvitationBody {
    /// The only address that may sign up with it; any unless given.
    pub email: Option<Email>,
    /// Hours for which it can be used: a week unless given, 90 days at most.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 2160)]
    pub expires_in_hours: u32,
}

impl NewInvitationBody {
    const USUAL_HOURS: u32 = 7 * 24;
    const MOST_HOURS: u32 = 90 * 24;
}

impl Body for NewInvitationBody {
    fn take(form: &mut Form) -> Option<Self> {
        let email = form.optional("email");
        let hours = form.optional_value::<u32>("expires_in_hours", "a number of hours from 1 to 2160");
        let expires_in_hours = hours.unwrap_or(Self::USUAL_HOURS);
        if !(1..=Self::MOST_HOURS).contains(&expires_in_hours) {
            form.refuse("expires_in_hours", "This must be a number of hours from 1 to 2160.");
        }
        Some(Self { email, expires_in_hours })
    }
}

/// An invitation, without what is sent to the invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvitationBody {
    pub id: InvitationId,
    /// `null`: for anybody.
    pub email: Option<Email>,
    pub created_by: Option<UserId>,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    pub used_by: Option<UserId>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub used_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<Invitation> for InvitationBody {
    fn from(invitation: Invitation) -> Self {
        let Invitation { id, email, created_by, expires_at, used_by, used_at, created_at } = invitation;
        Self { id, email, created_by, expires_at, used_by, used_at, created_at }
    }
}

/// The answer to `POST /api/invitations`: the only time that the invitation itself is shown.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ShownInvitationBody {
    /// What the invited send as `invitation` when they sign up.
    pub invitation: String,
    #[serde(flatten)]
    pub body: InvitationBody,
}
