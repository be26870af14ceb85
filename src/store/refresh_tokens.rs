//! Refresh tokens: each is used once, and the tokens that descend from one login are a family.

use crate::model::id::{RefreshTokenId, TokenFamilyId, UserId};
use crate::model::secret::Secret;
use crate::model::time::{Timestamp, now};
use crate::model::user::User;
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::schema::{refresh_tokens, sessions, users};
use crate::store::types::{StoredTime, storable};
use crate::store::users::{UserRow, lock_with_password};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// A login that begins.
#[derive(Debug, Clone)]
pub struct NewSession {
    pub user_id: UserId,
    /// The hash that its password was checked against.
    pub password_hash: Secret<String>,
    /// Its id.
    pub family_id: TokenFamilyId,
    /// Its first token.
    pub token: RefreshToken,
    /// The address that logged in.
    pub peer: Option<String>,
    /// What the client called itself.
    pub user_agent: Option<String>,
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
    /// Begins a login with its first token.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the account has another password by now, or is gone.
    pub async fn start_session(&self, new: NewSession) -> Result<(), StoreError> {
        let NewSession { user_id, password_hash, family_id, token, peer, user_agent } = new;
        let now = StoredTime::now();
        let session = (
            sessions::id.eq(family_id),
            sessions::user_id.eq(user_id),
            sessions::peer.eq(peer),
            sessions::user_agent.eq(user_agent.map(|agent| storable(&agent))),
            sessions::created_at.eq(now),
            sessions::last_used_at.eq(now),
        );
        self.transaction(async |connection| {
            lock_with_password(connection, user_id, &password_hash).await?;
            let begin = diesel::insert_into(sessions::table).values(session);
            on!(connection, |c| begin.execute(c).await)?;
            insert(connection, user_id, family_id, token).await
        })
        .await
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
                insert(connection, old.user_id, old.family_id, new).await?;
                let renewed = sessions::last_used_at.eq(StoredTime(now));
                let session = diesel::update(sessions::table.find(old.family_id)).set(renewed);
                on!(connection, |c| session.execute(c).await)?;
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
        let read = async || self.read_user_with_tokens(user_id, family_id).await;
        self.memory.recall(|memory| &memory.logins, (user_id, family_id), read).await
    }

    async fn read_user_with_tokens(
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

    /// Revokes the family of the token with a hash, as a log-out does, and tells whose it was. A token that is unknown is
    /// no error.
    pub async fn revoke_family(&self, hash: &str) -> Result<Option<User>, StoreError> {
        self.transaction(async |connection| {
            let token = refresh_tokens::table.inner_join(users::table).filter(refresh_tokens::hash.eq(hash));
            let found: Option<(TokenFamilyId, UserRow)> = on!(connection, |c| token
                .select((refresh_tokens::family_id, UserRow::as_select()))
                .first(c)
                .await
                .optional())?;
            let Some((family, user)) = found else { return Ok(None) };
            revoke(connection, family).await?;
            Ok(Some(user.into()))
        })
        .await
    }
}

async fn insert(
    connection: &mut Connection,
    user_id: UserId,
    family_id: TokenFamilyId,
    token: RefreshToken,
) -> Result<(), StoreError> {
    let row = RefreshTokenRow {
        id: RefreshTokenId::generate(),
        user_id,
        family_id,
        hash: token.hash,
        expires_at: token.expires_at.into(),
        used_at: None,
        revoked_at: None,
        created_at: StoredTime::now(),
    };
    on!(connection, |c| diesel::insert_into(refresh_tokens::table).values(&row).execute(c).await)?;
    Ok(())
}

pub(super) async fn revoke(connection: &mut Connection, family: TokenFamilyId) -> Result<(), StoreError> {
    let valid = refresh_tokens::table
        .filter(refresh_tokens::family_id.eq(family))
        .filter(refresh_tokens::revoked_at.is_null());
    let revoked = refresh_tokens::revoked_at.eq(StoredTime::now());
    on!(connection, |c| diesel::update(valid).set(revoked).execute(c).await)?;
    Ok(())
}
