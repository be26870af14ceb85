//! Sealing once more where drains lead, and their tokens.

use super::Again;
use crate::model::drain::seal_purpose;
use crate::model::id::DrainId;
use crate::store::backend::on;
use crate::store::drains::PLAIN;
use crate::store::error::StoreError;
use crate::store::schema::drains;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

impl<E, F: Fn(&str, &str) -> Result<Option<String>, E>> Again<'_, F> {
    pub(super) async fn drains(&mut self) -> Result<Result<(), E>, StoreError> {
        let mut connection = self.store.write().await?;
        let rows: Vec<(DrainId, String, Option<String>)> = on!(connection, |c| drains::table
            .select((drains::id, drains::sealed_url, drains::sealed_token))
            .load(c)
            .await)?;
        for (id, url, token) in rows {
            let mut again = |sealed: Option<String>| {
                let Some(sealed) = sealed else { return Ok(None) };
                self.values += 1;
                (self.reseal)(&seal_purpose(id), &sealed)
            };
            // What was never sealed is by the next start of the server.
            let url = Some(url).filter(|sealed| sealed != PLAIN);
            let sealed = again(url).and_then(|url| Ok((url, again(token)?)));
            let (url, token) = match sealed {
                Ok(sealed) => sealed,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if url.is_none() && token.is_none() {
                continue;
            }
            // `None` leaves a column as it is.
            let change = (
                url.map(|sealed| drains::sealed_url.eq(sealed)),
                token.map(|sealed| drains::sealed_token.eq(sealed)),
            );
            on!(connection, |c| diesel::update(drains::table.find(id)).set(change).execute(c).await)?;
        }
        Ok(Ok(()))
    }
}
