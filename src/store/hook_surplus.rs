//! How many deliveries the connections of a project keep.

use crate::model::hook::MOST_DELIVERIES_OF_A_PROJECT;
use crate::model::id::{HookDeliveryId, HookId, ProjectId};
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::schema::{hook_deliveries as deliveries, hooks};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// How many the deliveries of a project are fewer than they may be once some were forgotten: not at each is looked for the oldest.
const SLACK: i64 = 100;
/// Most that go at once: SQLite takes so many variables in a statement, and more.
const AT_ONCE: i64 = 1_000;

/// The connections of the project of one.
pub(super) async fn beside(connection: &mut Connection, hook: HookId) -> Result<Vec<HookId>, StoreError> {
    let project: ProjectId =
        on!(connection, |c| hooks::table.find(hook).select(hooks::project_id).first(c).await)?;
    let all = hooks::table.filter(hooks::project_id.eq(project)).select(hooks::id);
    Ok(on!(connection, |c| all.load(c).await)?)
}

/// Forgets what is too much of the connections of a project, and never the one that has just come.
pub(super) async fn forget_surplus(
    connection: &mut Connection,
    hooks: &[HookId],
    newest: HookDeliveryId,
) -> Result<(), StoreError> {
    let kept = || deliveries::table.filter(deliveries::hook_id.eq_any(hooks));
    let number: i64 = on!(connection, |c| kept().count().get_result(c).await)?;
    if number <= MOST_DELIVERIES_OF_A_PROJECT {
        return Ok(());
    }
    let oldest = kept()
        .filter(deliveries::id.ne(newest))
        .order((deliveries::commit_id.is_not_null(), deliveries::id))
        .limit((number - MOST_DELIVERIES_OF_A_PROJECT + SLACK).min(AT_ONCE))
        .select(deliveries::id);
    let oldest: Vec<HookDeliveryId> = on!(connection, |c| oldest.load(c).await)?;
    let surplus = deliveries::table.filter(deliveries::id.eq_any(&oldest));
    on!(connection, |c| diesel::delete(surplus).execute(c).await)?;
    Ok(())
}
