//! What has come for the connections of projects, and what became of it.

use crate::model::hook::{Delivery, DeliveryOutcome, Event, MOST_DELIVERIES};
use crate::model::id::{HookDeliveryId, HookId};
use crate::model::name::CommitId;
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::backend::on;
use crate::store::error::StoreError;
use crate::store::hook_bodies;
use crate::store::hook_memory::remember;
use crate::store::hook_surplus::{beside, forget_surplus};
use crate::store::page::{Cursor, Page, PageRequest};
use crate::store::schema::hook_deliveries as deliveries;
use crate::store::types::{Json, StoredTime, storable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::collections::BTreeMap;

/// Bytes of a body that its row has; the whole of a longer one is beside it, for as long as there is room.
const LONGEST_BODY: usize = 2 * 1024;

/// What a delivery has said of a commit, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushOutcome {
    pub id: HookDeliveryId,
    pub parsed: Event,
    pub outcome: DeliveryOutcome,
    pub commit: Option<CommitId>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = deliveries)]
struct DeliveryRow {
    id: HookDeliveryId,
    hook_id: HookId,
    delivery_key: String,
    event: String,
    headers: Json<BTreeMap<String, String>>,
    body: String,
    is_truncated: bool,
    parsed: Json<Event>,
    outcome: Json<DeliveryOutcome>,
    commit_id: Option<CommitId>,
    unchanged_from: Option<CommitId>,
    redelivery_of: Option<HookDeliveryId>,
    received_at: StoredTime,
    content_digest: Option<String>,
}

impl From<DeliveryRow> for Delivery {
    fn from(row: DeliveryRow) -> Self {
        Self {
            id: row.id,
            hook_id: row.hook_id,
            key: row.delivery_key,
            content: row.content_digest,
            event: row.event,
            headers: row.headers.0,
            body: row.body,
            is_truncated: row.is_truncated,
            parsed: row.parsed.0,
            outcome: row.outcome.0,
            commit: row.commit_id,
            unchanged_from: row.unchanged_from,
            redelivery_of: row.redelivery_of,
            received_at: row.received_at.into(),
        }
    }
}

impl From<Delivery> for DeliveryRow {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            hook_id: delivery.hook_id,
            delivery_key: delivery.key,
            event: storable(&delivery.event),
            headers: Json(delivery.headers),
            is_truncated: delivery.is_truncated || delivery.body.len() > LONGEST_BODY,
            body: storable(&delivery.body[..delivery.body.floor_char_boundary(LONGEST_BODY)]),
            parsed: Json(delivery.parsed),
            outcome: Json(delivery.outcome),
            commit_id: delivery.commit,
            unchanged_from: delivery.unchanged_from,
            redelivery_of: delivery.redelivery_of,
            received_at: delivery.received_at.into(),
            content_digest: delivery.content,
        }
    }
}

impl Store {
    /// Notes a delivery, with the whole of its body. Of each connection the newest [`MOST_DELIVERIES`] that name a commit are kept, and as many of those
    /// that name none: checks that end, which are many, take no push away that waits for them. Of all connections of a project
    /// [`crate::model::hook::MOST_DELIVERIES_OF_A_PROJECT`] are, of which those that name no commit are forgotten first.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] of `delivery_key` when it was noted before, [`StoreError::NotFound`] when its connection is
    /// gone.
    pub async fn note_delivery(&self, delivery: Delivery) -> Result<(), StoreError> {
        let (id, hook) = (delivery.id, delivery.hook_id);
        let packed = match delivery.body.len() {
            0..=LONGEST_BODY => None,
            _ => Some(hook_bodies::packed(storable(&delivery.body)).await?),
        };
        let row = DeliveryRow::from(delivery.clone());
        let names_none = row.commit_id.is_none();
        self.transaction(async |connection| {
            on!(connection, |c| diesel::insert_into(deliveries::table).values(&row).execute(c).await)?;
            remember(connection, &delivery).await?;
            let of_project = beside(connection, hook).await?;
            if let Some(packed) = &packed {
                Box::pin(hook_bodies::keep(connection, (hook, id), &of_project, packed)).await?;
            }
            Box::pin(forget_surplus(connection, &of_project, id)).await
        })
        .await?;
        let mut connection = self.write().await?;
        let oldest: Option<HookDeliveryId> = on!(connection, |c| deliveries::table
            .filter(deliveries::hook_id.eq(hook))
            .filter(deliveries::commit_id.is_null().eq(names_none))
            .order(deliveries::id.desc())
            .offset(MOST_DELIVERIES)
            .select(deliveries::id)
            .first(c)
            .await
            .optional())?;
        if let Some(oldest) = oldest {
            let surplus = deliveries::table
                .filter(deliveries::hook_id.eq(hook))
                .filter(deliveries::commit_id.is_null().eq(names_none))
                .filter(deliveries::id.le(oldest));
            on!(connection, |c| diesel::delete(surplus).execute(c).await)?;
        }
        Ok(())
    }

    /// Changes what has become of a delivery. One that was forgotten meanwhile is no error.
    pub async fn decide_delivery(
        &self,
        id: HookDeliveryId,
        outcome: &DeliveryOutcome,
        commit: Option<&CommitId>,
        unchanged_from: Option<&CommitId>,
    ) -> Result<(), StoreError> {
        let change = (
            deliveries::outcome.eq(Json(outcome.clone())),
            deliveries::commit_id.eq(commit.cloned()),
            deliveries::unchanged_from.eq(unchanged_from.cloned()),
        );
        let mut connection = self.write().await?;
        on!(connection, |c| diesel::update(deliveries::table.find(id)).set(change).execute(c).await)?;
        Ok(())
    }

    /// The delivery of a connection that is known by a key, or has come with the same content; the first of them.
    pub async fn known_delivery(
        &self,
        hook_id: HookId,
        key: &str,
        content: Option<&str>,
    ) -> Result<Option<Delivery>, StoreError> {
        let mut connection = self.read().await?;
        let row: Option<DeliveryRow> = on!(connection, |c| deliveries::table
            .filter(deliveries::hook_id.eq(hook_id))
            .filter(deliveries::delivery_key.eq(key).or(deliveries::content_digest.eq(content)))
            .order(deliveries::id)
            .select(DeliveryRow::as_select())
            .first(c)
            .await
            .optional())?;
        Ok(row.map(Into::into))
    }

    /// A delivery of a connection, with the whole of its body where that is still kept.
    pub async fn hook_delivery(&self, hook_id: HookId, id: HookDeliveryId) -> Result<Delivery, StoreError> {
        let mut connection = self.read().await?;
        let row: DeliveryRow = on!(connection, |c| deliveries::table
            .find(id)
            .filter(deliveries::hook_id.eq(hook_id))
            .select(DeliveryRow::as_select())
            .first(c)
            .await)?;
        let whole = if row.is_truncated { hook_bodies::of(&mut connection, id).await? } else { None };
        let delivery = Delivery::from(row);
        Ok(match whole {
            Some(body) => Delivery { body, is_truncated: false, ..delivery },
            None => delivery,
        })
    }

    /// The deliveries of a connection, newest first, with the beginnings of their bodies.
    pub async fn hook_deliveries_of(
        &self,
        hook_id: HookId,
        page: PageRequest,
    ) -> Result<Page<Delivery>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<DeliveryRow> = on!(connection, |c| {
            let mut query = deliveries::table
                .filter(deliveries::hook_id.eq(hook_id))
                .select(DeliveryRow::as_select())
                .into_boxed();
            if let Some(after) = page.after_id() {
                query = query.filter(deliveries::id.lt(HookDeliveryId::from_uuid(after)));
            }
            query.order(deliveries::id.desc()).limit(page.rows()).load(c).await
        })?;
        let data = rows.into_iter().map(Delivery::from).collect();
        Ok(Page::from_rows(data, page, |last| Cursor::id(last.id.as_uuid())))
    }

    /// What the deliveries of a connection that name commits have said since the first one that has named this one, and
    /// what became of them, newest first.
    pub async fn pushes_since(
        &self,
        hook_id: HookId,
        commit: &CommitId,
    ) -> Result<Vec<PushOutcome>, StoreError> {
        type Row = (HookDeliveryId, Json<Event>, Json<DeliveryOutcome>, Option<CommitId>);
        let mut connection = self.read().await?;
        let first: Option<HookDeliveryId> = on!(connection, |c| deliveries::table
            .filter(deliveries::hook_id.eq(hook_id))
            .filter(deliveries::commit_id.eq(commit))
            .order(deliveries::id)
            .select(deliveries::id)
            .first(c)
            .await
            .optional())?;
        let Some(first) = first else { return Ok(Vec::new()) };
        let rows: Vec<Row> = on!(connection, |c| deliveries::table
            .filter(deliveries::hook_id.eq(hook_id))
            .filter(deliveries::commit_id.is_not_null())
            .filter(deliveries::id.ge(first))
            .order(deliveries::id.desc())
            .limit(MOST_DELIVERIES)
            .select((deliveries::id, deliveries::parsed, deliveries::outcome, deliveries::commit_id))
            .load(c)
            .await)?;
        let read = |(id, parsed, outcome, commit): Row| PushOutcome {
            id,
            parsed: parsed.0,
            outcome: outcome.0,
            commit,
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Whether a delivery has brought a branch to a commit without a change of what the project watches, seen from what
    /// was live then.
    pub async fn is_unchanged_from(
        &self,
        hook_id: HookId,
        commit: &CommitId,
        live: &CommitId,
    ) -> Result<bool, StoreError> {
        let mut connection = self.read().await?;
        let known: i64 = on!(connection, |c| deliveries::table
            .filter(deliveries::hook_id.eq(hook_id))
            .filter(deliveries::commit_id.eq(commit))
            .filter(deliveries::unchanged_from.eq(live))
            .count()
            .get_result(c)
            .await)?;
        Ok(known > 0)
    }

    /// Forgets the deliveries from before a time, but not by what they are known. Gives how many.
    pub async fn forget_hook_deliveries(&self, before: Timestamp) -> Result<usize, StoreError> {
        let mut connection = self.write().await?;
        let old = deliveries::table.filter(deliveries::received_at.lt(StoredTime(before)));
        Ok(on!(connection, |c| diesel::delete(old).execute(c).await)?)
    }
}
