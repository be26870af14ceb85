//! Accounts.

use crate::model::id::UserId;
use crate::model::name::{Email, Username};
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::model::user::{ServerRole, User};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::{StoreError, missing};
use crate::store::invitations;
use crate::store::schema::users;
use crate::store::types::{StoredTime, times_since};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

/// An account to make.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub email: Email,
    pub username: Username,
    /// The password as `auth` hashed it, never the password.
    pub password_hash: Secret<String>,
}

/// What is to change of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = users)]
pub struct UserChange {
    pub email: Option<Email>,
    pub username: Option<Username>,
}

/// An account without its password.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = users)]
pub(super) struct UserRow {
    id: UserId,
    email: Email,
    username: Username,
    role: ServerRole,
    disabled_at: Option<StoredTime>,
    created_at: StoredTime,
    updated_at: StoredTime,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id,
            email: row.email,
            username: row.username,
            role: row.role,
            disabled_at: row.disabled_at.map(Into::into),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

impl Store {
    /// Makes an account. The first one of the server is its operator; of many that race to be first, one is.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a taken `email` or `username`.
    pub async fn create_user(&self, new: NewUser) -> Result<User, StoreError> {
        self.create_user_by(new, None).await
    }

    /// Makes an account by the invitation that has a hash, as of [`Store::create_user`].
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the invitation cannot be used, or not by this address.
    pub async fn create_invited_user(&self, new: NewUser, invitation: &str) -> Result<User, StoreError> {
        self.create_user_by(new, Some(invitation)).await
    }

    async fn create_user_by(&self, new: NewUser, invitation: Option<&str>) -> Result<User, StoreError> {
        self.transaction(async |connection| {
            let role = first_or_member(connection).await?;
            let now = StoredTime::now();
            let row = UserRow {
                id: UserId::generate(),
                email: new.email,
                username: new.username,
                role,
                disabled_at: None,
                created_at: now,
                updated_at: now,
            };
            let password_hash = users::password_hash.eq(new.password_hash.expose());
            let insert = diesel::insert_into(users::table);
            on!(connection, |c| insert.values((&row, password_hash)).execute(c).await)?;
            if let Some(invitation) = invitation {
                invitations::accept(connection, invitation, &row.email, row.id).await?;
            }
            Ok(row.into())
        })
        .await
    }

    /// Whether accounts have an address and a name already, both of them.
    pub async fn are_taken(&self, email: &Email, username: &Username) -> Result<bool, StoreError> {
        let mut connection = self.read().await?;
        let by_email = exists(users::table.filter(users::email.eq(email)));
        let by_username = exists(users::table.filter(users::username.eq(username)));
        let both = diesel::select(by_email.and(by_username));
        Ok(on!(connection, |c| both.get_result(c).await)?)
    }

    /// An account by its id.
    pub async fn user(&self, id: UserId) -> Result<User, StoreError> {
        let mut connection = self.read().await?;
        let row = on!(connection, |c| users::table.find(id).select(UserRow::as_select()).first(c).await)?;
        Ok(row.into())
    }

    /// An account and the hash of its password, by e-mail address.
    pub async fn user_credentials(
        &self,
        email: &Email,
    ) -> Result<Option<(User, Secret<String>)>, StoreError> {
        let mut connection = self.read().await?;
        let found: Option<(UserRow, String)> = on!(connection, |c| users::table
            .filter(users::email.eq(email))
            .select((UserRow::as_select(), users::password_hash))
            .first(c)
            .await
            .optional())?;
        Ok(found.map(|(row, hash)| (row.into(), Secret::new(hash))))
    }

    /// How many accounts there are.
    pub async fn count_users(&self) -> Result<i64, StoreError> {
        let mut connection = self.read().await?;
        Ok(on!(connection, |c| users::table.count().get_result(c).await)?)
    }

    /// Changes an account. With `unless_changed_since` only if nothing else of it has changed since that time.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a taken `email` or `username`; [`StoreError::Stale`] when something has changed.
    pub async fn update_user(
        &self,
        id: UserId,
        change: &UserChange,
        unless_changed_since: Option<Timestamp>,
    ) -> Result<User, StoreError> {
        let mut connection = self.write().await?;
        let change = (change, users::updated_at.eq(StoredTime::now()));
        let (earliest, latest) = times_since(unless_changed_since);
        let unchanged = users::table.find(id).filter(users::updated_at.between(earliest, latest));
        let row: Option<UserRow> = on!(connection, |c| diesel::update(unchanged)
            .set(change)
            .returning(UserRow::as_returning())
            .get_result(c)
            .await
            .optional())?;
        row.map(Into::into).ok_or_else(|| missing(unless_changed_since))
    }

    /// The hash of an account's password.
    pub async fn password_hash(&self, id: UserId) -> Result<Secret<String>, StoreError> {
        let mut connection = self.read().await?;
        let hash: String =
            on!(connection, |c| users::table.find(id).select(users::password_hash).first(c).await)?;
        Ok(Secret::new(hash))
    }
}

/// Makes other transactions that lock the account wait until this one has ended.
pub(super) async fn lock(connection: &mut Connection, id: UserId) -> Result<(), StoreError> {
    let row = users::table.find(id).select(users::id);
    let _id: UserId = match connection {
        Connection::Postgres(postgres) => row.for_no_key_update().first(&mut **postgres).await?,
        // A transaction in SQLite is the only one that writes.
        Connection::Sqlite(sqlite) => row.first(&mut **sqlite).await?,
    };
    Ok(())
}

/// [`lock`] of an account whose password still has a hash.
///
/// # Errors
/// [`StoreError::Stale`] when it has another one by now, or the account is gone.
pub(super) async fn lock_with_password(
    connection: &mut Connection,
    id: UserId,
    password_hash: &Secret<String>,
) -> Result<(), StoreError> {
    let row = users::table.find(id).filter(users::password_hash.eq(password_hash.expose())).select(users::id);
    let found: Option<UserId> = match connection {
        Connection::Postgres(postgres) => row.for_no_key_update().first(&mut **postgres).await.optional()?,
        Connection::Sqlite(sqlite) => row.first(&mut **sqlite).await.optional()?,
    };
    found.map(drop).ok_or(StoreError::Stale)
}

/// The role of the next account, which nobody else can take before the transaction ends.
async fn first_or_member(connection: &mut Connection) -> Result<ServerRole, StoreError> {
    // In SQLite the transaction is the only one that writes; in PostgreSQL two could both see an empty table.
    if let Connection::Postgres(postgres) = connection {
        postgres.batch_execute("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE").await?;
    }
    let anybody = exists(users::table.select(users::id));
    let anybody: bool = on!(connection, |c| diesel::select(anybody).get_result(c).await)?;
    Ok(if anybody { ServerRole::Member } else { ServerRole::Operator })
}
