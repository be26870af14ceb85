//! Refresh tokens: each is used once, and the tokens that descend from one login are a family.

use crate::model::id::{RefreshTokenId, TokenFamilyId, UserId};
use crate::model::time::{Timestamp, now};
use crate::model::user::User;
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::schema::{refresh_tokens, users};
use crate::store::types::StoredTime;
use crate::store::users::UserRow;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// The first token of a login.
#[derive(Debug, Clone)]
pub struct NewRefreshToken {
    pub user_id: UserId,
    pub family_id: TokenFamilyId,
    pub token: RefreshToken,
}

/// A token as it is kept.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    /// Hash of the token; the token itself is never stored.
    pub hash: String,
    pub expires_at: Timestamp,
}

/// What came of an attempt to trade a token for a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotateOutcome {
    /// The new token is stored.
    Rotated {
        /// Whose it is.
        user: User,
        family_id: TokenFamilyId,
    },
    /// It was used before, so somebody has a copy: its whole family is revoked now.
    Reused,
    /// There is no such token, or its family was revoked.
    Unknown,
    Expired,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = refresh_tokens)]
struct RefreshTokenRow {
    id: RefreshTokenId,
    user_id: UserId,
    family_id: TokenFamilyId,
    hash: String,
    expires_at: StoredTime,
    used_at: Option<StoredTime>,
    revoked_at: Option<StoredTime>,
    created_at: StoredTime,
}

impl Store {
    /// Stores the first token of a login.
    pub async fn insert_refresh_token(&self, new: NewRefreshToken) -> Result<(), StoreError> {
        insert(&mut self.write().await?, new).await
    }

    /// Trades the token with a hash for a new one of the same family.
    pub async fn rotate_refresh_token(
        &self,
        hash: &str,
        new: RefreshToken,
    ) -> Result<RotateOutcome, StoreError> {
        self.transaction(async |connection| {
            let by_hash = refresh_tokens::table.filter(refresh_tokens::hash.eq(hash));
            let now = now();
            // Two that come with the same token: this statement lets one of them pass.
            let unused = by_hash
                .filter(refresh_tokens::used_at.is_null())
                .filter(refresh_tokens::revoked_at.is_null())
                .filter(refresh_tokens::expires_at.gt(StoredTime(now)));
            let mark = refresh_tokens::used_at.eq(StoredTime(now));
            let taken = on!(connection, |c| diesel::update(unused).set(mark).execute(c).await)?;
            let found: Option<RefreshTokenRow> =
                on!(connection, |c| by_hash.select(RefreshTokenRow::as_select()).first(c).await.optional())?;
            let Some(old) = found else { return Ok(RotateOutcome::Unknown) };
            if taken == 1 {
                let next = NewRefreshToken { user_id: old.user_id, family_id: old.family_id, token: new };
                insert(connection, next).await?;
                let owner = users::table.find(old.user_id);
                let user = on!(connection, |c| owner.select(UserRow::as_select()).first(c).await)?;
                Ok(RotateOutcome::Rotated { user: user.into(), family_id: old.family_id })
            } else if old.used_at.is_some() {
                revoke(connection, old.family_id).await?;
                Ok(RotateOutcome::Reused)
            } else if old.revoked_at.is_some() {
                Ok(RotateOutcome::Unknown)
            } else {
                Ok(RotateOutcome::Expired)
            }
        })
        .await
    }

    /// The account that a family of tokens belongs to, unless the family is revoked.
    pub async fn user_with_tokens(
        &self,
        user_id: UserId,
        family_id: TokenFamilyId,
    ) -> Result<Option<User>, StoreError> {
        let mut connection = self.read().await?;
        let valid = refresh_tokens::table
            .filter(refresh_tokens::user_id.eq(user_id))
            .filter(refresh_tokens::family_id.eq(family_id))
            .filter(refresh_tokens::revoked_at.is_null());
        let row: Option<UserRow> = on!(connection, |c| users::table
            .find(user_id)
            .filter(diesel::dsl::exists(valid))
            .select(UserRow::as_select())
            .first(c)
            .await
            .optional())?;
        Ok(row.map(Into::into))
    }

    /// Revokes the family of the token with a hash, as a log-out does. A token that is unknown is no error.
    pub async fn revoke_family(&self, hash: &str) -> Result<(), StoreError> {
        self.transaction(async |connection| {
            let family =
                refresh_tokens::table.filter(refresh_tokens::hash.eq(hash)).select(refresh_tokens::family_id);
            let family: Option<TokenFamilyId> = on!(connection, |c| family.first(c).await.optional())?;
            match family {
                Some(family) => revoke(connection, family).await,
                None => Ok(()),
            }
        })
        .await
    }

    /// Revokes every token of an account, as a change of its password does.
    pub async fn revoke_tokens_of(&self, user_id: UserId) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        let valid = refresh_tokens::table
            .filter(refresh_tokens::user_id.eq(user_id))
            .filter(refresh_tokens::revoked_at.is_null());
        let revoked = refresh_tokens::revoked_at.eq(StoredTime::now());
        on!(connection, |c| diesel::update(valid).set(revoked).execute(c).await)?;
        Ok(())
    }
}

async fn insert(connection: &mut Connection, new: NewRefreshToken) -> Result<(), StoreError> {
    let row = RefreshTokenRow {
        id: RefreshTokenId::generate(),
        user_id: new.user_id,
        family_id: new.family_id,
        hash: new.token.hash,
        expires_at: new.token.expires_at.into(),
        used_at: None,
        revoked_at: None,
        created_at: StoredTime::now(),
    };
    on!(connection, |c| diesel::insert_into(refresh_tokens::table).values(&row).execute(c).await)?;
    Ok(())
}

async fn revoke(connection: &mut Connection, family: TokenFamilyId) -> Result<(), StoreError> {
    let valid = refresh_tokens::table
        .filter(refresh_tokens::family_id.eq(family))
        .filter(refresh_tokens::revoked_at.is_null());
    let revoked = refresh_tokens::revoked_at.eq(StoredTime::now());
    on!(connection, |c| diesel::update(valid).set(revoked).execute(c).await)?;
    Ok(())
}
