//! Second factors of accounts, and the codes that stand in for a lost one.

use crate::model::id::UserId;
use crate::model::second_factor::SecondFactor;
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::{StoreError, found};
use crate::store::schema::{recovery_codes, second_factors};
use crate::store::types::StoredTime;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

impl Store {
    /// The second factor of an account, confirmed or not.
    pub async fn second_factor(&self, user_id: UserId) -> Result<Option<SecondFactor>, StoreError> {
        let mut connection = self.read().await?;
        let found: Option<(String, Option<StoredTime>, i64)> = on!(connection, |c| second_factors::table
            .find(user_id)
            .select((second_factors::sealed_secret, second_factors::confirmed_at, second_factors::last_step))
            .first(c)
            .await
            .optional())?;
        let Some((sealed_secret, confirmed_at, last_step)) = found else { return Ok(None) };
        let left = recovery_codes::table
            .filter(recovery_codes::user_id.eq(user_id))
            .filter(recovery_codes::used_at.is_null())
            .count();
        let recovery_codes_left = on!(connection, |c| left.get_result(c).await)?;
        let confirmed_at = confirmed_at.map(Into::into);
        Ok(Some(SecondFactor { sealed_secret, confirmed_at, last_step, recovery_codes_left }))
    }

    /// Gives an account a secret that is to be confirmed, in the place of one that was not.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it has a confirmed one.
    pub async fn propose_second_factor(
        &self,
        user_id: UserId,
        sealed_secret: &str,
    ) -> Result<(), StoreError> {
        self.transaction(async |connection| {
            let unconfirmed =
                second_factors::table.find(user_id).filter(second_factors::confirmed_at.is_null());
            on!(connection, |c| diesel::delete(unconfirmed).execute(c).await)?;
            let row = (
                second_factors::user_id.eq(user_id),
                second_factors::sealed_secret.eq(sealed_secret),
                second_factors::last_step.eq(0_i64),
                second_factors::created_at.eq(StoredTime::now()),
            );
            let confirmed = second_factors::table.find(user_id).count();
            let confirmed: i64 = on!(connection, |c| confirmed.get_result(c).await)?;
            if confirmed > 0 {
                return Err(StoreError::Stale);
            }
            on!(connection, |c| diesel::insert_into(second_factors::table).values(row).execute(c).await)?;
            Ok(())
        })
        .await
    }

    /// Confirms a second factor with the step of a right code, and keeps the hashes of its recovery codes.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when there is none to be confirmed.
    pub async fn confirm_second_factor(
        &self,
        user_id: UserId,
        step: i64,
        recovery: &[String],
    ) -> Result<(), StoreError> {
        self.transaction(async |connection| {
            let unconfirmed =
                second_factors::table.find(user_id).filter(second_factors::confirmed_at.is_null());
            let change =
                (second_factors::confirmed_at.eq(StoredTime::now()), second_factors::last_step.eq(step));
            let changed = on!(connection, |c| diesel::update(unconfirmed).set(change).execute(c).await)?;
            if changed == 0 {
                return Err(StoreError::Stale);
            }
            forget_recovery_codes(connection, user_id).await?;
            for hash in recovery {
                let row = (recovery_codes::user_id.eq(user_id), recovery_codes::hash.eq(hash));
                on!(connection, |c| diesel::insert_into(recovery_codes::table).values(row).execute(c).await)?;
            }
            Ok(())
        })
        .await
    }

    /// Takes the code of a time step, once: of any number that come with it, one passes.
    pub async fn use_second_factor(&self, user_id: UserId, step: i64) -> Result<bool, StoreError> {
        let mut connection = self.write().await?;
        let newer = second_factors::table
            .find(user_id)
            .filter(second_factors::confirmed_at.is_not_null())
            .filter(second_factors::last_step.lt(step));
        let used = second_factors::last_step.eq(step);
        Ok(on!(connection, |c| diesel::update(newer).set(used).execute(c).await)? == 1)
    }

    /// Takes a recovery code by its hash, once.
    pub async fn use_recovery_code(&self, user_id: UserId, hash: &str) -> Result<bool, StoreError> {
        let mut connection = self.write().await?;
        let unused = recovery_codes::table
            .filter(recovery_codes::user_id.eq(user_id))
            .filter(recovery_codes::hash.eq(hash))
            .filter(recovery_codes::used_at.is_null());
        let used = recovery_codes::used_at.eq(StoredTime::now());
        Ok(on!(connection, |c| diesel::update(unused).set(used).execute(c).await)? == 1)
    }

    /// Removes the second factor of an account with its recovery codes.
    pub async fn remove_second_factor(&self, user_id: UserId) -> Result<(), StoreError> {
        self.transaction(async |connection| {
            forget_recovery_codes(connection, user_id).await?;
            let factor = second_factors::table.find(user_id);
            found(on!(connection, |c| diesel::delete(factor).execute(c).await)?)
        })
        .await
    }
}

async fn forget_recovery_codes(connection: &mut Connection, user_id: UserId) -> Result<(), StoreError> {
    let codes = recovery_codes::table.filter(recovery_codes::user_id.eq(user_id));
    on!(connection, |c| diesel::delete(codes).execute(c).await)?;
    Ok(())
}
