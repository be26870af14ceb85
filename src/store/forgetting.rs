//! Removing what nobody has a use for any more.

use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::backend::on;
use crate::store::error::StoreError;
use crate::store::schema::{audit, invitations, refresh_tokens, sessions};
use crate::store::types::StoredTime;
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

impl Store {
    /// Forgets the refresh tokens that expired before a time, and the logins that have none any more. Gives how many tokens.
    pub async fn forget_tokens_before(&self, oldest: Timestamp) -> Result<usize, StoreError> {
        self.transaction(async |connection| {
            let expired = refresh_tokens::table.filter(refresh_tokens::expires_at.lt(StoredTime(oldest)));
            let forgotten = on!(connection, |c| diesel::delete(expired).execute(c).await)?;
            let tokens = refresh_tokens::table.filter(refresh_tokens::family_id.eq(sessions::id));
            // One that begins at this moment has its first token in the same transaction.
            let ended = sessions::table.filter(not(exists(tokens)));
            on!(connection, |c| diesel::delete(ended).execute(c).await)?;
            Ok(forgotten)
        })
        .await
    }

    /// Forgets the invitations that expired before a time, used or not.
    pub async fn forget_invitations_before(&self, oldest: Timestamp) -> Result<usize, StoreError> {
        let mut connection = self.write().await?;
        let expired = invitations::table.filter(invitations::expires_at.lt(StoredTime(oldest)));
        Ok(on!(connection, |c| diesel::delete(expired).execute(c).await)?)
    }

    /// Forgets the entries of the audit log from before a time.
    pub async fn forget_audit_before(&self, oldest: Timestamp) -> Result<usize, StoreError> {
        let mut connection = self.write().await?;
        let old = audit::table.filter(audit::occurred_at.lt(StoredTime(oldest)));
        Ok(on!(connection, |c| diesel::delete(old).execute(c).await)?)
    }
}
