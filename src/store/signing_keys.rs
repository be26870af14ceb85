//! The list of keys that sign access tokens.

use crate::model::id::SigningKeyId;
use crate::model::signing_key::SigningKey;
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::backend::on;
use crate::store::error::StoreError;
use crate::store::schema::signing_keys;
use crate::store::types::StoredTime;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_keys)]
struct SigningKeyRow {
    id: SigningKeyId,
    created_at: StoredTime,
    retired_at: Option<StoredTime>,
}

impl From<SigningKeyRow> for SigningKey {
    fn from(row: SigningKeyRow) -> Self {
        let SigningKeyRow { id, created_at, retired_at } = row;
        Self { id, created_at: created_at.into(), retired_at: retired_at.map(Into::into) }
    }
}

impl Store {
    /// The keys, newest first.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<SigningKeyRow> = on!(connection, |c| signing_keys::table
            .order(signing_keys::id.desc())
            .select(SigningKeyRow::as_select())
            .load(c)
            .await)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Adds a key, which signs from now on; those that signed until now are retired. Keys that were retired before
    /// `forgotten` are removed: no token of theirs can be out any more.
    pub async fn add_signing_key(
        &self,
        id: SigningKeyId,
        at: Timestamp,
        forgotten: Timestamp,
    ) -> Result<(), StoreError> {
        let row = SigningKeyRow { id, created_at: at.into(), retired_at: None };
        self.transaction(async |connection| {
            let old = signing_keys::table.filter(signing_keys::retired_at.lt(StoredTime(forgotten)));
            on!(connection, |c| diesel::delete(old).execute(c).await)?;
            let current = signing_keys::table.filter(signing_keys::retired_at.is_null());
            let retired = signing_keys::retired_at.eq(StoredTime(at));
            on!(connection, |c| diesel::update(current).set(retired).execute(c).await)?;
            on!(connection, |c| diesel::insert_into(signing_keys::table).values(&row).execute(c).await)?;
            Ok(())
        })
        .await
    }
}
