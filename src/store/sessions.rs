//! Logins, as a list of their own.

use crate::model::id::{TokenFamilyId, UserId};
use crate::model::secret::Secret;
use crate::model::session::LoginSession;
use crate::model::time::now;
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::page::{Cursor, Page, PageRequest};
use crate::store::refresh_tokens::revoke;
use crate::store::schema::{refresh_tokens, sessions, users};
use crate::store::types::StoredTime;
use crate::store::users::lock_with_password;
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct SessionRow {
    id: TokenFamilyId,
    peer: Option<String>,
    user_agent: Option<String>,
    created_at: StoredTime,
    last_used_at: StoredTime,
}

impl From<SessionRow> for LoginSession {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.id,
            peer: row.peer,
            user_agent: row.user_agent,
            created_at: row.created_at.into(),
            last_used_at: row.last_used_at.into(),
        }
    }
}

impl Store {
    /// The logins of an account that go on, newest first.
    pub async fn sessions_of(
        &self,
        user_id: UserId,
        page: PageRequest,
    ) -> Result<Page<LoginSession>, StoreError> {
        let mut connection = self.read().await?;
        let usable = refresh_tokens::table
            .filter(refresh_tokens::family_id.eq(sessions::id))
            .filter(refresh_tokens::revoked_at.is_null())
            .filter(refresh_tokens::used_at.is_null())
            .filter(refresh_tokens::expires_at.gt(StoredTime(now())));
        let rows: Vec<SessionRow> = on!(connection, |c| {
            let mut query = sessions::table
                .filter(sessions::user_id.eq(user_id))
                .filter(exists(usable))
                .select(SessionRow::as_select())
                .into_boxed();
            if let Some(after) = page.after_id() {
                query = query.filter(sessions::id.lt(TokenFamilyId::from_uuid(after)));
            }
            query.order(sessions::id.desc()).limit(page.rows()).load(c).await
        })?;
        let sessions = rows.into_iter().map(LoginSession::from).collect();
        Ok(Page::from_rows(sessions, page, |session| Cursor::id(session.id.as_uuid())))
    }

    /// Ends a login of an account, with its tokens, and answers with it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the account has no such login.
    pub async fn end_session(&self, user_id: UserId, id: TokenFamilyId) -> Result<LoginSession, StoreError> {
        self.transaction(async |connection| {
            let session = sessions::table.find(id).filter(sessions::user_id.eq(user_id));
            let row: SessionRow = on!(connection, |c| diesel::delete(session)
                .returning(SessionRow::as_returning())
                .get_result(c)
                .await)?;
            revoke(connection, id).await?;
            Ok(row.into())
        })
        .await
    }

    /// Replaces the hash of an account's password and ends its logins, all but the one that is kept.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the hash is not the `current` one any more, or the account is gone.
    pub async fn change_password(
        &self,
        user_id: UserId,
        current: &Secret<String>,
        new: &Secret<String>,
        kept: Option<TokenFamilyId>,
    ) -> Result<(), StoreError> {
        self.transaction(async |connection| {
            lock_with_password(connection, user_id, current).await?;
            let change = (users::password_hash.eq(new.expose()), users::updated_at.eq(StoredTime::now()));
            let account = diesel::update(users::table.find(user_id)).set(change);
            on!(connection, |c| account.execute(c).await)?;
            end_others(connection, user_id, kept).await
        })
        .await
    }
}

async fn end_others(
    connection: &mut Connection,
    user_id: UserId,
    kept: Option<TokenFamilyId>,
) -> Result<(), StoreError> {
    let of_account = sessions::table.filter(sessions::user_id.eq(user_id));
    let families = refresh_tokens::table
        .filter(refresh_tokens::user_id.eq(user_id))
        .filter(refresh_tokens::revoked_at.is_null());
    let revoked = refresh_tokens::revoked_at.eq(StoredTime::now());
    if let Some(kept) = kept {
        let others = families.filter(refresh_tokens::family_id.ne(kept));
        on!(connection, |c| diesel::update(others).set(revoked).execute(c).await)?;
        let others = of_account.filter(sessions::id.ne(kept));
        on!(connection, |c| diesel::delete(others).execute(c).await)?;
    } else {
        on!(connection, |c| diesel::update(families).set(revoked).execute(c).await)?;
        on!(connection, |c| diesel::delete(of_account).execute(c).await)?;
    }
    Ok(())
}
