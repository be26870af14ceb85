//! API keys.

use crate::model::api_key::ApiKey;
use crate::model::id::{ApiKeyId, UserId};
use crate::model::scope::Scope;
use crate::model::time::{Timestamp, now};
use crate::model::user::User;
use crate::store::Store;
use crate::store::backend::on;
use crate::store::error::StoreError;
use crate::store::schema::{api_keys, users as users_table};
use crate::store::types::{Json, StoredTime};
use crate::store::users::{self, UserRow};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// The field of the conflict when an account has as many API keys as it may have.
pub const API_KEY_LIMIT: &str = "api_keys";

/// A key to make.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    pub user_id: UserId,
    pub title: String,
    pub secret: NewSecret,
    pub scopes: Vec<Scope>,
    pub expires_at: Option<Timestamp>,
    /// How many keys the account may have with this one.
    pub at_most: u32,
}

/// What is kept of a key that was just made.
#[derive(Debug, Clone)]
pub struct NewSecret {
    /// Hash of the key; the key itself is never stored.
    pub hash: String,
    /// How the key begins.
    pub hint: String,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys)]
struct ApiKeyRow {
    id: ApiKeyId,
    user_id: UserId,
    title: String,
    scopes: Json<Vec<Scope>>,
    expires_at: Option<StoredTime>,
    last_used_at: Option<StoredTime>,
    created_at: StoredTime,
    hint: String,
    previous_until: Option<StoredTime>,
}

impl From<ApiKeyRow> for ApiKey {
    fn from(row: ApiKeyRow) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            title: row.title,
            hint: row.hint,
            scopes: row.scopes.0,
            expires_at: row.expires_at.map(Into::into),
            last_used_at: row.last_used_at.map(Into::into),
            previous_until: row.previous_until.map(Into::into),
            created_at: row.created_at.into(),
        }
    }
}

impl Store {
    /// Makes a key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] of [`API_KEY_LIMIT`]; [`StoreError::NotFound`] when the account has gone.
    pub async fn create_api_key(&self, new: NewApiKey) -> Result<ApiKey, StoreError> {
        let row = ApiKeyRow {
            id: ApiKeyId::generate(),
            user_id: new.user_id,
            title: new.title,
            scopes: Json(new.scopes),
            expires_at: new.expires_at.map(Into::into),
            last_used_at: None,
            created_at: StoredTime::now(),
            hint: new.secret.hint,
            previous_until: None,
        };
        self.transaction(async |connection| {
            users::lock(connection, new.user_id).await?;
            let owned = api_keys::table.filter(api_keys::user_id.eq(new.user_id)).count();
            let owned: i64 = on!(connection, |c| owned.get_result(c).await)?;
            if owned >= i64::from(new.at_most) {
                return Err(StoreError::Conflict { field: API_KEY_LIMIT });
            }
            let hash = api_keys::hash.eq(&new.secret.hash);
            let insert = diesel::insert_into(api_keys::table);
            on!(connection, |c| insert.values((&row, hash)).execute(c).await)?;
            Ok(())
        })
        .await?;
        Ok(row.into())
    }

    /// The keys of an account, oldest first.
    pub async fn api_keys(&self, user_id: UserId) -> Result<Vec<ApiKey>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<ApiKeyRow> = on!(connection, |c| api_keys::table
            .filter(api_keys::user_id.eq(user_id))
            .order(api_keys::id)
            .select(ApiKeyRow::as_select())
            .load(c)
            .await)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Gives a key of an account another secret. The one until now is accepted until `previous_until`, or not any more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the account has no such key; [`StoreError::Stale`] when it has expired.
    pub async fn rotate_api_key(
        &self,
        user_id: UserId,
        id: ApiKeyId,
        secret: NewSecret,
        previous_until: Option<Timestamp>,
    ) -> Result<ApiKey, StoreError> {
        let key = api_keys::table.find(id).filter(api_keys::user_id.eq(user_id));
        self.transaction(async |connection| {
            let old = key.select((api_keys::hash, api_keys::expires_at));
            let (old, expires_at): (String, Option<StoredTime>) = on!(connection, |c| old.first(c).await)?;
            if expires_at.is_some_and(|expires_at| Timestamp::from(expires_at) <= now()) {
                return Err(StoreError::Stale);
            }
            let change = (
                api_keys::hash.eq(secret.hash),
                api_keys::hint.eq(secret.hint),
                api_keys::previous_hash.eq(previous_until.map(|_| old)),
                api_keys::previous_until.eq(previous_until.map(StoredTime::from)),
            );
            let row: ApiKeyRow = on!(connection, |c| diesel::update(key)
                .set(change)
                .returning(ApiKeyRow::as_returning())
                .get_result(c)
                .await)?;
            Ok(row.into())
        })
        .await
    }

    /// Removes a key of an account, and answers with it.
    pub async fn delete_api_key(&self, user_id: UserId, id: ApiKeyId) -> Result<ApiKey, StoreError> {
        let mut connection = self.write().await?;
        let key = api_keys::table.find(id).filter(api_keys::user_id.eq(user_id));
        let row: ApiKeyRow = on!(connection, |c| diesel::delete(key)
            .returning(ApiKeyRow::as_returning())
            .get_result(c)
            .await)?;
        Ok(row.into())
    }

    /// The key that has a hash at a time, or had it before a rotation that still lets it pass, and whose it is.
    pub async fn api_key_by_hash(
        &self,
        hash: &str,
        at: Timestamp,
    ) -> Result<Option<(ApiKey, User)>, StoreError> {
        let mut connection = self.read().await?;
        let at = StoredTime(at);
        let before = api_keys::previous_hash.eq(hash).and(api_keys::previous_until.gt(at));
        let found: Option<(ApiKeyRow, UserRow)> = on!(connection, |c| api_keys::table
            .inner_join(users_table::table)
            .filter(api_keys::hash.eq(hash).or(before))
            .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(at)))
            .select((ApiKeyRow::as_select(), UserRow::as_select()))
            .first(c)
            .await
            .optional())?;
        Ok(found.map(|(key, user)| (key.into(), user.into())))
    }

    /// Notes that a key was used. A key that was removed meanwhile is no error.
    pub async fn touch_api_key(&self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        let used = api_keys::last_used_at.eq(StoredTime(at));
        on!(connection, |c| diesel::update(api_keys::table.find(id)).set(used).execute(c).await)?;
        Ok(())
    }
}
