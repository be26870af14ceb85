//! Invitations: made by operators, used once to sign up.

use crate::auth::accounts::{AccountError, Accounts};
use crate::auth::opaque_token::{self, Kind};
use crate::model::id::UserId;
use crate::model::invitation::Invitation;
use crate::model::name::Email;
use crate::model::secret::Secret;
use crate::model::time::now;
use crate::store::NewInvitation;
use chrono::TimeDelta;

impl Accounts {
    /// Makes an invitation for one address or for anybody. What is sent to the invited is given out here and never again.
    pub async fn invite(
        &self,
        created_by: UserId,
        email: Option<Email>,
        lifetime: TimeDelta,
    ) -> Result<(Invitation, Secret<String>), AccountError> {
        let token = opaque_token::generate(Kind::Invitation);
        let hash = opaque_token::hash(&token);
        let new = NewInvitation { hash, email, created_by, expires_at: now() + lifetime };
        Ok((self.store.create_invitation(new).await?, token))
    }
}
