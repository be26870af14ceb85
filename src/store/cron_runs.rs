//! Runs of the commands of a schedule.

use crate::model::cron::{CronRun, CronRunState};
use crate::model::id::{CronRunId, EnvironmentId, UserId};
use crate::model::name::CronName;
use crate::store::Store;
use crate::store::backend::on;
use crate::store::error::{StoreError, found};
use crate::store::page::{Cursor, Page, PageRequest};
use crate::store::schema::cron_runs;
use crate::store::types::{StoredTime, storable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// Runs of one command that are kept.
const KEPT: i64 = 50;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = cron_runs)]
struct CronRunRow {
    id: CronRunId,
    environment_id: EnvironmentId,
    name: CronName,
    scheduled_at: Option<StoredTime>,
    requested_by: Option<UserId>,
    version: i64,
    state: CronRunState,
    exit_code: Option<i64>,
    reason: Option<String>,
    output: String,
    started_at: StoredTime,
    finished_at: Option<StoredTime>,
}

impl From<CronRunRow> for CronRun {
    fn from(row: CronRunRow) -> Self {
        Self {
            id: row.id,
            environment_id: row.environment_id,
            name: row.name,
            scheduled_at: row.scheduled_at.map(Into::into),
            requested_by: row.requested_by,
            version: row.version,
            state: row.state,
            exit_code: row.exit_code,
            reason: row.reason,
            output: row.output,
            started_at: row.started_at.into(),
            finished_at: row.finished_at.map(Into::into),
        }
    }
}

/// How a run has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronRunEnd {
    pub state: CronRunState,
    pub exit_code: Option<i64>,
    pub reason: Option<String>,
    /// The last lines that it has printed.
    pub output: String,
}

impl Store {
    /// Notes a run that begins, or one that is left out.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] of `scheduled_at` when there is one for the same minute already.
    pub async fn begin_cron_run(&self, run: CronRun) -> Result<(), StoreError> {
        let row = CronRunRow {
            id: run.id,
            environment_id: run.environment_id,
            name: run.name,
            scheduled_at: run.scheduled_at.map(Into::into),
            requested_by: run.requested_by,
            version: run.version,
            state: run.state,
            exit_code: run.exit_code,
            reason: run.reason.as_deref().map(storable),
            output: storable(&run.output),
            started_at: run.started_at.into(),
            finished_at: run.finished_at.map(Into::into),
        };
        let mut connection = self.write().await?;
        on!(connection, |c| diesel::insert_into(cron_runs::table).values(&row).execute(c).await)?;
        Ok(())
    }

    /// Notes how a run has ended, and forgets the oldest ones of the same command.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the environment has gone meanwhile.
    pub async fn end_cron_run(&self, id: CronRunId, end: CronRunEnd) -> Result<(), StoreError> {
        self.transaction(async |connection| {
            let change = (
                cron_runs::state.eq(end.state),
                cron_runs::exit_code.eq(end.exit_code),
                cron_runs::reason.eq(end.reason.as_deref().map(storable)),
                cron_runs::output.eq(storable(&end.output)),
                cron_runs::finished_at.eq(StoredTime::now()),
            );
            let changed =
                on!(connection, |c| diesel::update(cron_runs::table.find(id)).set(change).execute(c).await)?;
            found(changed)?;
            let (environment_id, name): (EnvironmentId, CronName) = on!(connection, |c| cron_runs::table
                .find(id)
                .select((cron_runs::environment_id, cron_runs::name))
                .first(c)
                .await)?;
            let of_command = cron_runs::table
                .filter(cron_runs::environment_id.eq(environment_id))
                .filter(cron_runs::name.eq(&name));
            let oldest: Option<CronRunId> = on!(connection, |c| of_command
                .order(cron_runs::id.desc())
                .offset(KEPT)
                .select(cron_runs::id)
                .first(c)
                .await
                .optional())?;
            if let Some(oldest) = oldest {
                let old = cron_runs::table
                    .filter(cron_runs::environment_id.eq(environment_id))
                    .filter(cron_runs::name.eq(&name))
                    .filter(cron_runs::id.le(oldest));
                on!(connection, |c| diesel::delete(old).execute(c).await)?;
            }
            Ok(())
        })
        .await
    }

    /// Marks the runs that a server has left which has ended while they ran. Gives how many.
    pub async fn interrupt_cron_runs(&self) -> Result<usize, StoreError> {
        let mut connection = self.write().await?;
        let running = cron_runs::table.filter(cron_runs::state.eq(CronRunState::Running));
        let change = (
            cron_runs::state.eq(CronRunState::Interrupted),
            cron_runs::reason.eq("The server ended while it ran."),
            cron_runs::finished_at.eq(StoredTime::now()),
        );
        Ok(on!(connection, |c| diesel::update(running).set(change).execute(c).await)?)
    }

    /// A run by its id.
    pub async fn cron_run(&self, id: CronRunId) -> Result<CronRun, StoreError> {
        let mut connection = self.read().await?;
        let row: CronRunRow =
            on!(connection, |c| cron_runs::table.find(id).select(CronRunRow::as_select()).first(c).await)?;
        Ok(row.into())
    }

    /// The runs of a command, newest first.
    pub async fn cron_runs_of(
        &self,
        environment_id: EnvironmentId,
        name: &CronName,
        page: PageRequest,
    ) -> Result<Page<CronRun>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<CronRunRow> = on!(connection, |c| {
            let mut query = cron_runs::table
                .filter(cron_runs::environment_id.eq(environment_id))
                .filter(cron_runs::name.eq(name))
                .select(CronRunRow::as_select())
                .into_boxed();
            if let Some(after) = page.after_id() {
                query = query.filter(cron_runs::id.lt(CronRunId::from_uuid(after)));
            }
            query.order(cron_runs::id.desc()).limit(page.rows()).load(c).await
        })?;
        let runs = rows.into_iter().map(CronRun::from).collect();
        Ok(Page::from_rows(runs, page, |run| Cursor::id(run.id.as_uuid())))
    }
}
