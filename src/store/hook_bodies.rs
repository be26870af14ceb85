//! The bodies of deliveries that are too long for their rows, compressed. Of each project the newest are kept, as far as they
//! take no more room together than they may.

use crate::model::id::{HookDeliveryId, HookId};
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::schema::hook_bodies as bodies;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::io::{self, Read, Write};
use tokio::task::spawn_blocking;

/// Bytes that those of one project may take, and to how many they are brought down when they take more.
const MOST_BYTES: i64 = 16 * 1024 * 1024;
const LEFT_BYTES: i64 = 15 * 1024 * 1024;
/// Bytes of one that are read again at most.
const LONGEST: u64 = 16 * 1024 * 1024;

/// A body as it is kept.
pub(super) async fn packed(body: String) -> Result<String, StoreError> {
    let packing = spawn_blocking(move || {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(body.as_bytes())?;
        Ok::<_, io::Error>(BASE64.encode(gzip.finish()?))
    });
    let packed = packing.await.unwrap_or_else(|panic| Err(io::Error::other(panic)));
    packed.map_err(|error| StoreError::Other(error.into()))
}

fn unpacked(packed: &str) -> Option<String> {
    let compressed = BASE64.decode(packed).ok()?;
    let mut body = String::new();
    GzDecoder::new(compressed.as_slice()).take(LONGEST).read_to_string(&mut body).ok()?;
    Some(body)
}

/// Keeps the body of a delivery, and forgets the oldest of the connections of its project that are too much with it.
pub(super) async fn keep(
    connection: &mut Connection,
    (hook, delivery): (HookId, HookDeliveryId),
    of_project: &[HookId],
    packed: &str,
) -> Result<(), StoreError> {
    let row = (
        bodies::delivery_id.eq(delivery),
        bodies::hook_id.eq(hook),
        bodies::packed.eq(packed),
        bodies::size.eq(i64::try_from(packed.len()).unwrap_or(i64::MAX)),
    );
    on!(connection, |c| diesel::insert_into(bodies::table).values(row).execute(c).await)?;
    let kept = || bodies::table.filter(bodies::hook_id.eq_any(of_project));
    let all = kept().select(sql::<BigInt>("CAST(SUM(size) AS BIGINT)"));
    let all: i64 = on!(connection, |c| all.get_result(c).await)?;
    if all <= MOST_BYTES {
        return Ok(());
    }
    let sizes: Vec<(HookDeliveryId, i64)> = on!(connection, |c| kept()
        .order(bodies::delivery_id.desc())
        .select((bodies::delivery_id, bodies::size))
        .load(c)
        .await)?;
    let mut taken = 0_i64;
    let beyond = sizes.into_iter().find(|(_, size)| {
        taken = taken.saturating_add(*size);
        taken > LEFT_BYTES
    });
    if let Some((oldest, _)) = beyond {
        let old = kept().filter(bodies::delivery_id.le(oldest));
        on!(connection, |c| diesel::delete(old).execute(c).await)?;
    }
    Ok(())
}

/// The body of a delivery; `None` where it is not kept any more.
pub(super) async fn of(
    connection: &mut Connection,
    delivery: HookDeliveryId,
) -> Result<Option<String>, StoreError> {
    let packed: Option<String> =
        on!(connection, |c| bodies::table.find(delivery).select(bodies::packed).first(c).await.optional())?;
    Ok(packed.as_deref().and_then(unpacked))
}
