//! Sealing once more where webhooks lead, and what they sign with.

use super::Again;
use crate::model::id::WebhookId;
use crate::model::webhook::seal_purpose;
use crate::store::backend::on;
use crate::store::error::StoreError;
use crate::store::schema::webhooks;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

impl<E, F: Fn(&str, &str) -> Result<Option<String>, E>> Again<'_, F> {
    pub(super) async fn webhooks(&mut self) -> Result<Result<(), E>, StoreError> {
        type Row = (WebhookId, String, Option<String>, Option<String>);
        let mut connection = self.store.write().await?;
        let rows: Vec<Row> = on!(connection, |c| webhooks::table
            .select((
                webhooks::id,
                webhooks::sealed_target,
                webhooks::sealed_secret,
                webhooks::sealed_previous_secret
            ))
            .load(c)
            .await)?;
        for (id, target, secret, previous) in rows {
            let mut again = |sealed: Option<String>| {
                let Some(sealed) = sealed else { return Ok(None) };
                self.values += 1;
                (self.reseal)(&seal_purpose(id), &sealed)
            };
            let sealed =
                again(Some(target)).and_then(|target| Ok((target, again(secret)?, again(previous)?)));
            let (target, secret, previous) = match sealed {
                Ok(sealed) => sealed,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if target.is_none() && secret.is_none() && previous.is_none() {
                continue;
            }
            // `None` leaves a column as it is.
            let change = (
                target.map(|sealed| webhooks::sealed_target.eq(sealed)),
                secret.map(|sealed| webhooks::sealed_secret.eq(sealed)),
                previous.map(|sealed| webhooks::sealed_previous_secret.eq(sealed)),
            );
            on!(connection, |c| diesel::update(webhooks::table.find(id)).set(change).execute(c).await)?;
        }
        Ok(Ok(()))
    }
}
