//! The SSH keys that identify their owners.

use crate::model::id::{SshKeyId, UserId};
use crate::model::time::Timestamp;
use crate::model::user::{SshKey, User};
use crate::store::Store;
use crate::store::backend::on;
use crate::store::error::StoreError;
use crate::store::schema::{ssh_keys, users as users_table};
use crate::store::types::StoredTime;
use crate::store::users::{self, UserRow};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// Most keys of an account.
pub const MOST_SSH_KEYS: u32 = 100;
/// The field of the conflict when an account has as many.
pub const SSH_KEY_LIMIT: &str = "ssh_keys";

/// A key to add to an account.
#[derive(Debug, Clone)]
pub struct NewSshKey {
    pub user_id: UserId,
    pub title: String,
    /// One line in OpenSSH's format, without a comment.
    pub public_key: String,
    /// `SHA256:…` as `ssh-keygen -l` prints it.
    pub fingerprint: String,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = ssh_keys)]
struct SshKeyRow {
    id: SshKeyId,
    user_id: UserId,
    title: String,
    public_key: String,
    fingerprint: String,
    created_at: StoredTime,
    last_used_at: Option<StoredTime>,
}

impl From<SshKeyRow> for SshKey {
    fn from(row: SshKeyRow) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            title: row.title,
            public_key: row.public_key,
            fingerprint: row.fingerprint,
            created_at: row.created_at.into(),
            last_used_at: row.last_used_at.map(Into::into),
        }
    }
}

impl Store {
    /// Adds a key. A key identifies one account: it cannot be added twice, not by another account either.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a `public_key` that is known already, or of [`SSH_KEY_LIMIT`]; [`StoreError::NotFound`] when the
    /// account has gone.
    pub async fn add_ssh_key(&self, new: NewSshKey) -> Result<SshKey, StoreError> {
        let row = SshKeyRow {
            id: SshKeyId::generate(),
            user_id: new.user_id,
            title: new.title,
            public_key: new.public_key,
            fingerprint: new.fingerprint,
            created_at: StoredTime::now(),
            last_used_at: None,
        };
        self.transaction(async |connection| {
            users::lock(connection, row.user_id).await?;
            let owned = ssh_keys::table.filter(ssh_keys::user_id.eq(row.user_id)).count();
            let owned: i64 = on!(connection, |c| owned.get_result(c).await)?;
            if owned >= i64::from(MOST_SSH_KEYS) {
                return Err(StoreError::Conflict { field: SSH_KEY_LIMIT });
            }
            on!(connection, |c| diesel::insert_into(ssh_keys::table).values(&row).execute(c).await)?;
            Ok(())
        })
        .await?;
        Ok(row.into())
    }

    /// The keys of an account, oldest first.
    pub async fn ssh_keys(&self, user_id: UserId) -> Result<Vec<SshKey>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<SshKeyRow> = on!(connection, |c| ssh_keys::table
            .filter(ssh_keys::user_id.eq(user_id))
            .order(ssh_keys::id)
            .select(SshKeyRow::as_select())
            .load(c)
            .await)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Removes a key of an account, and answers with it.
    pub async fn delete_ssh_key(&self, user_id: UserId, id: SshKeyId) -> Result<SshKey, StoreError> {
        let mut connection = self.write().await?;
        let key = ssh_keys::table.find(id).filter(ssh_keys::user_id.eq(user_id));
        let row: SshKeyRow = on!(connection, |c| diesel::delete(key)
            .returning(SshKeyRow::as_returning())
            .get_result(c)
            .await)?;
        Ok(row.into())
    }

    /// The key with a fingerprint and the account that it identifies.
    pub async fn user_by_fingerprint(&self, fingerprint: &str) -> Result<Option<(SshKey, User)>, StoreError> {
        let mut connection = self.read().await?;
        let found: Option<(SshKeyRow, UserRow)> = on!(connection, |c| ssh_keys::table
            .inner_join(users_table::table)
            .filter(ssh_keys::fingerprint.eq(fingerprint))
            .select((SshKeyRow::as_select(), UserRow::as_select()))
            .first(c)
            .await
            .optional())?;
        Ok(found.map(|(key, user)| (key.into(), user.into())))
    }

    /// Notes that a key was used. A key that was removed meanwhile is no error.
    pub async fn touch_ssh_key(&self, id: SshKeyId, at: Timestamp) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        let used = ssh_keys::last_used_at.eq(StoredTime(at));
        on!(connection, |c| diesel::update(ssh_keys::table.find(id)).set(used).execute(c).await)?;
        Ok(())
    }
}
