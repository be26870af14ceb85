//! Requests that must not be carried out twice.

use crate::model::id::UserId;
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::backend::on;
use crate::store::error::StoreError;
use crate::store::schema::idempotent_requests::{self as requests, dsl};
use crate::store::types::StoredTime;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// What is known of a request by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Nothing: it is this one's to carry out.
    New,
    /// It is being carried out, or was when the server ended.
    UnderWay,
    /// It was carried out and answered so.
    Answered(String),
    /// The key belongs to another request.
    Other,
}

impl Store {
    /// Begins a request of an account, unless one with its key was begun after `oldest`. Of any number of simultaneous
    /// calls one is told [`Begun::New`].
    pub async fn begin_request(
        &self,
        user_id: UserId,
        key: &str,
        request_hash: &str,
        oldest: Timestamp,
    ) -> Result<Begun, StoreError> {
        let row = (
            dsl::user_id.eq(user_id),
            dsl::key.eq(key),
            dsl::request_hash.eq(request_hash),
            dsl::created_at.eq(StoredTime::now()),
        );
        self.transaction(async |connection| {
            let expired = requests::table.find((user_id, key)).filter(dsl::created_at.lt(StoredTime(oldest)));
            on!(connection, |c| diesel::delete(expired).execute(c).await)?;
            let insert = diesel::insert_into(requests::table).values(row).on_conflict_do_nothing();
            if on!(connection, |c| insert.execute(c).await)? == 1 {
                return Ok(Begun::New);
            }
            let known = requests::table.find((user_id, key)).select((dsl::request_hash, dsl::sealed_answer));
            let (hash, answer): (String, Option<String>) = on!(connection, |c| known.first(c).await)?;
            Ok(match answer {
                _ if hash != request_hash => Begun::Other,
                Some(answer) => Begun::Answered(answer),
                None => Begun::UnderWay,
            })
        })
        .await
    }

    /// Keeps the answer of a request that was begun.
    pub async fn answer_request(
        &self,
        user_id: UserId,
        key: &str,
        sealed_answer: &str,
    ) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        let request = requests::table.find((user_id, key));
        let answer = dsl::sealed_answer.eq(sealed_answer);
        on!(connection, |c| diesel::update(request).set(answer).execute(c).await)?;
        Ok(())
    }

    /// Forgets a request that came to nothing: it may be sent again with the same key.
    pub async fn forget_request(&self, user_id: UserId, key: &str) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        let request = requests::table.find((user_id, key));
        on!(connection, |c| diesel::delete(request).execute(c).await)?;
        Ok(())
    }

    /// Forgets every request that was begun before a time.
    pub async fn forget_requests_before(&self, oldest: Timestamp) -> Result<usize, StoreError> {
        let mut connection = self.write().await?;
        let old = requests::table.filter(dsl::created_at.lt(StoredTime(oldest)));
        Ok(on!(connection, |c| diesel::delete(old).execute(c).await)?)
    }
}
