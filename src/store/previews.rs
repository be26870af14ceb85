//! Pull requests that have a preview, or wait for one.

use crate::model::id::{EnvironmentId, HookId, PreviewId, ProjectId};
use crate::model::name::CommitId;
use crate::model::preview::{MOST_WAITING, Preview};
use crate::model::time::now;
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::environment_lock;
use crate::store::error::StoreError;
use crate::store::schema::{environments, previews};
use crate::store::types::{StoredTime, storable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// The field of the conflict when a project has as many previews as it may have.
pub const PREVIEW_LIMIT: &str = "previews";
/// The field of the conflict when as many pull requests from forks wait for an approval as may.
pub const WAITING_LIMIT: &str = "waiting_previews";

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = previews)]
#[diesel(treat_none_as_null = true)]
struct PreviewRow {
    id: PreviewId,
    project_id: ProjectId,
    hook_id: Option<HookId>,
    number: i64,
    environment_id: Option<EnvironmentId>,
    reference: String,
    title: String,
    author: Option<String>,
    head_branch: String,
    head_commit: Option<CommitId>,
    base_branch: Option<String>,
    is_fork: bool,
    approved_commit: Option<CommitId>,
    is_asked: bool,
    closed_at: Option<StoredTime>,
    expires_at: StoredTime,
    created_at: StoredTime,
    updated_at: StoredTime,
}

impl From<PreviewRow> for Preview {
    fn from(row: PreviewRow) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            hook_id: row.hook_id,
            number: row.number.unsigned_abs(),
            environment_id: row.environment_id,
            reference: row.reference,
            title: row.title,
            author: row.author,
            head_branch: row.head_branch,
            head: row.head_commit,
            base_branch: row.base_branch,
            is_fork: row.is_fork,
            approved: row.approved_commit,
            is_asked: row.is_asked,
            closed_at: row.closed_at.map(Into::into),
            expires_at: row.expires_at.into(),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

impl From<Preview> for PreviewRow {
    fn from(preview: Preview) -> Self {
        Self {
            id: preview.id,
            project_id: preview.project_id,
            hook_id: preview.hook_id,
            number: stored(preview.number),
            environment_id: preview.environment_id,
            reference: storable(&preview.reference),
            title: storable(&preview.title),
            author: preview.author.as_deref().map(storable),
            head_branch: storable(&preview.head_branch),
            head_commit: preview.head,
            base_branch: preview.base_branch.as_deref().map(storable),
            is_fork: preview.is_fork,
            approved_commit: preview.approved,
            is_asked: preview.is_asked,
            closed_at: preview.closed_at.map(Into::into),
            expires_at: preview.expires_at.into(),
            created_at: preview.created_at.into(),
            updated_at: preview.updated_at.into(),
        }
    }
}

/// A number as it is stored; no pull request has one that is too large for it.
fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Store {
    /// The previews of a project, by number, also those that wait for an approval or are being removed.
    pub async fn previews_of(&self, project_id: ProjectId) -> Result<Vec<Preview>, StoreError> {
        let mut connection = self.read().await?;
        of_project(&mut connection, project_id).await
    }

    /// The preview of a pull request.
    pub async fn preview(&self, project_id: ProjectId, number: u64) -> Result<Option<Preview>, StoreError> {
        let mut connection = self.read().await?;
        let row: Option<PreviewRow> = on!(connection, |c| previews::table
            .filter(previews::project_id.eq(project_id))
            .filter(previews::number.eq(stored(number)))
            .select(PreviewRow::as_select())
            .first(c)
            .await
            .optional())?;
        Ok(row.map(Into::into))
    }

    /// The preview that an environment is.
    pub async fn preview_of(&self, environment_id: EnvironmentId) -> Result<Option<Preview>, StoreError> {
        let mut connection = self.read().await?;
        of_environment(&mut connection, environment_id).await
    }

    /// Stores a preview, a new one or one that is changed; `at_most` is how many its project may have with this one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] of [`PREVIEW_LIMIT`] or [`WAITING_LIMIT`]; [`StoreError::NotFound`] when the project has gone.
    pub async fn put_preview(&self, preview: Preview, at_most: u32) -> Result<(), StoreError> {
        self.transaction(async |connection| {
            // Two that are made at once are counted one after the other.
            environment_lock::lock_all(connection, preview.project_id).await?;
            let now = now();
            let known = of_project(connection, preview.project_id).await?;
            let before = known.iter().find(|known| known.id == preview.id);
            let others = || known.iter().filter(|known| known.id != preview.id);
            let waits = |known: &&Preview| !known.is_over(now) && !known.takes_a_place(now);
            // What has its place keeps it, however many there may be now.
            if preview.takes_a_place(now) && !before.is_some_and(|before| before.takes_a_place(now)) {
                if others().filter(|known| known.takes_a_place(now)).count() >= at_most as usize {
                    return Err(StoreError::Conflict { field: PREVIEW_LIMIT });
                }
            } else if before.is_none() && others().filter(waits).count() >= MOST_WAITING as usize {
                return Err(StoreError::Conflict { field: WAITING_LIMIT });
            }
            // Whoever asks has read it before: it may be gone since.
            let environment_id = before.and_then(|before| before.environment_id);
            let row = PreviewRow { environment_id, updated_at: now.into(), ..PreviewRow::from(preview) };
            on!(connection, |c| diesel::insert_into(previews::table)
                .values(&row)
                .on_conflict(previews::id)
                .do_update()
                .set(&row)
                .execute(c)
                .await)?;
            Ok(())
        })
        .await
    }

    /// Notes that the deployment of the newest commit of a preview was asked for.
    pub async fn note_preview_asked(&self, id: PreviewId) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        let asked = previews::is_asked.eq(true);
        on!(connection, |c| diesel::update(previews::table.find(id)).set(asked).execute(c).await)?;
        Ok(())
    }

    /// Notes that a preview is to be removed.
    pub async fn close_preview(&self, id: PreviewId) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        let closed = (previews::closed_at.eq(StoredTime::now()), previews::updated_at.eq(StoredTime::now()));
        on!(connection, |c| diesel::update(previews::table.find(id)).set(closed).execute(c).await)?;
        Ok(())
    }

    /// The previews that are to be removed, and those whose environment is being removed: that goes on to its end, also where
    /// the pull request was opened again meanwhile.
    pub async fn previews_to_remove(&self) -> Result<Vec<Preview>, StoreError> {
        let mut connection = self.read().await?;
        let over = previews::closed_at.is_not_null().or(previews::expires_at.le(StoredTime::now()));
        let going = environments::table
            .filter(environments::disabled_at.is_not_null())
            .select(environments::id.nullable());
        let rows: Vec<PreviewRow> = on!(connection, |c| previews::table
            .filter(over.or(previews::environment_id.eq_any(going)))
            .order(previews::id)
            .select(PreviewRow::as_select())
            .load(c)
            .await)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// The previews that are there or to be, and whose newest commit was not asked for, also those that wait for an approval.
    pub async fn previews_to_start(&self) -> Result<Vec<Preview>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<PreviewRow> = on!(connection, |c| previews::table
            .filter(previews::closed_at.is_null())
            .filter(previews::expires_at.gt(StoredTime::now()))
            .filter(previews::is_asked.eq(false))
            .order(previews::id)
            .select(PreviewRow::as_select())
            .load(c)
            .await)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Notes that nothing is deployed to the environment of a preview any more, as far as that is still to be removed. Answers
    /// with the environment, if it has one.
    pub async fn begin_preview_removal(&self, id: PreviewId) -> Result<Option<EnvironmentId>, StoreError> {
        self.transaction(async |connection| {
            let row: Option<PreviewRow> = on!(connection, |c| previews::table
                .find(id)
                .select(PreviewRow::as_select())
                .first(c)
                .await
                .optional())?;
            let Some(preview) = row.map(Preview::from) else { return Ok(None) };
            let Some(environment) = preview.environment_id else { return Ok(None) };
            environment_lock::lock(connection, environment).await?;
            if preview.is_over(now()) {
                let still = environments::table.find(environment).filter(environments::disabled_at.is_null());
                let since = environments::disabled_at.eq(StoredTime::now());
                on!(connection, |c| diesel::update(still).set(since).execute(c).await)?;
            }
            let going = environments::table.find(environment).filter(environments::disabled_at.is_not_null());
            let going = going.count();
            let going: i64 = on!(connection, |c| going.get_result(c).await)?;
            Ok((going > 0).then_some(environment))
        })
        .await
    }

    /// Forgets a preview whose environment is gone, unless its pull request was opened again meanwhile.
    pub async fn forget_preview(&self, id: PreviewId) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        let over = previews::closed_at.is_not_null().or(previews::expires_at.le(StoredTime::now()));
        let gone = previews::table.find(id).filter(previews::environment_id.is_null()).filter(over);
        on!(connection, |c| diesel::delete(gone).execute(c).await)?;
        Ok(())
    }
}

/// The preview that an environment is, in a transaction.
pub(super) async fn of_environment(
    connection: &mut Connection,
    environment_id: EnvironmentId,
) -> Result<Option<Preview>, StoreError> {
    let row: Option<PreviewRow> = on!(connection, |c| previews::table
        .filter(previews::environment_id.eq(environment_id))
        .select(PreviewRow::as_select())
        .first(c)
        .await
        .optional())?;
    Ok(row.map(Into::into))
}

async fn of_project(connection: &mut Connection, project_id: ProjectId) -> Result<Vec<Preview>, StoreError> {
    let rows: Vec<PreviewRow> = on!(connection, |c| previews::table
        .filter(previews::project_id.eq(project_id))
        .order(previews::number)
        .select(PreviewRow::as_select())
        .load(c)
        .await)?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Ends the previews that a connection has made, and lets it know nothing of them any more: it is one to another repository.
pub(super) async fn part_with_all_of(connection: &mut Connection, hook_id: HookId) -> Result<(), StoreError> {
    end_all_of(connection, hook_id).await?;
    let its = previews::table.filter(previews::hook_id.eq(hook_id));
    let parted = previews::hook_id.eq(None::<HookId>);
    on!(connection, |c| diesel::update(its).set(parted).execute(c).await)?;
    Ok(())
}

/// Ends the previews that a connection has made, in a transaction.
pub(super) async fn end_all_of(connection: &mut Connection, hook_id: HookId) -> Result<(), StoreError> {
    let now = StoredTime::now();
    let open = previews::table.filter(previews::hook_id.eq(hook_id)).filter(previews::closed_at.is_null());
    let closed = (previews::closed_at.eq(now), previews::updated_at.eq(now));
    on!(connection, |c| diesel::update(open).set(closed).execute(c).await)?;
    Ok(())
}
