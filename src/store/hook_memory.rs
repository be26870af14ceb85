//! By what deliveries are known that come again, also once what became of them is forgotten.

use crate::model::hook::Delivery;
use crate::model::id::HookId;
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::schema::hook_memory as memory;
use crate::store::types::StoredTime;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// What stands for a delivery: its id, and its content where the id is not signed.
fn known_by<'a>(key: &'a str, content: Option<&'a str>) -> impl Iterator<Item = String> + use<'a> {
    [format!("id:{key}")].into_iter().chain(content.map(|content| format!("content:{content}")))
}

/// Remembers a delivery that has come. One that somebody has asked for again has come before.
pub(super) async fn remember(connection: &mut Connection, delivery: &Delivery) -> Result<(), StoreError> {
    if delivery.redelivery_of.is_some() {
        return Ok(());
    }
    let received_at = StoredTime(delivery.received_at);
    for known_by in known_by(&delivery.key, delivery.content.as_deref()) {
        let row = (
            memory::hook_id.eq(delivery.hook_id),
            memory::known_by.eq(known_by),
            memory::received_at.eq(received_at),
        );
        let new = diesel::insert_into(memory::table).values(row).on_conflict_do_nothing();
        on!(connection, |c| new.execute(c).await)?;
    }
    Ok(())
}

impl Store {
    /// When a delivery with this key or this content came to a connection, if one has.
    pub async fn remembered_delivery(
        &self,
        hook_id: HookId,
        key: &str,
        content: Option<&str>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let mut connection = self.read().await?;
        let first: Option<StoredTime> = on!(connection, |c| memory::table
            .filter(memory::hook_id.eq(hook_id))
            .filter(memory::known_by.eq_any(known_by(key, content)))
            .order(memory::received_at)
            .select(memory::received_at)
            .first(c)
            .await
            .optional())?;
        Ok(first.map(Into::into))
    }

    /// Forgets what came before a time. Gives by how much deliveries were known.
    pub async fn forget_hook_memory(&self, before: Timestamp) -> Result<usize, StoreError> {
        let mut connection = self.write().await?;
        let old = memory::table.filter(memory::received_at.lt(StoredTime(before)));
        Ok(on!(connection, |c| diesel::delete(old).execute(c).await)?)
    }
}
