//! The lines of deployments' logs.

use crate::model::deployment::Step;
use crate::model::id::DeploymentId;
use crate::model::log::{Level, LogLine, NewLine, Stream};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::schema::deployment_logs;
use crate::store::types::{StoredTime, storable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// Lines in one statement: PostgreSQL takes 65,535 values in one, and a line has seven.
const LINES_PER_STATEMENT: usize = 1_000;

/// Which lines are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Lines of exactly this level.
    pub level: Option<Level>,
    pub step: Option<Step>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = deployment_logs, treat_none_as_default_value = false)]
struct LogRow {
    deployment_id: DeploymentId,
    seq: i64,
    logged_at: StoredTime,
    level: Level,
    step: Step,
    stream: Stream,
    text: String,
}

impl LogRow {
    fn new(deployment_id: DeploymentId, line: &LogLine) -> Self {
        Self {
            deployment_id,
            seq: line.seq,
            logged_at: line.line.at.into(),
            level: line.line.level,
            step: line.line.step,
            stream: line.line.stream,
            text: storable(&line.line.text),
        }
    }
}

impl From<LogRow> for LogLine {
    fn from(row: LogRow) -> Self {
        let line = NewLine {
            at: row.logged_at.into(),
            level: row.level,
            step: row.step,
            stream: row.stream,
            text: row.text,
        };
        Self { seq: row.seq, line }
    }
}

impl Store {
    /// Adds lines to the log of a deployment. A line whose number is there already is left as it is, so that lines can
    /// be written again after a failure.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the deployment has gone.
    pub async fn append_log(&self, deployment_id: DeploymentId, lines: &[LogLine]) -> Result<(), StoreError> {
        let rows: Vec<LogRow> = lines.iter().map(|line| LogRow::new(deployment_id, line)).collect();
        self.transaction(async |connection| {
            for chunk in rows.chunks(LINES_PER_STATEMENT) {
                insert(connection, chunk).await?;
            }
            Ok(())
        })
        .await
    }

    /// At most `limit` lines with a number above `after`, in order.
    pub async fn log_lines(
        &self,
        deployment_id: DeploymentId,
        after: i64,
        limit: i64,
        filter: LogFilter,
    ) -> Result<Vec<LogLine>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<LogRow> = on!(connection, |c| {
            let mut query = deployment_logs::table
                .filter(deployment_logs::deployment_id.eq(deployment_id))
                .filter(deployment_logs::seq.gt(after))
                .select(LogRow::as_select())
                .into_boxed();
            if let Some(level) = filter.level {
                query = query.filter(deployment_logs::level.eq(level));
            }
            if let Some(step) = filter.step {
                query = query.filter(deployment_logs::step.eq(step));
            }
            query.order(deployment_logs::seq).limit(limit).load(c).await
        })?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// The number of the last line of a deployment's log; 0 where there is none.
    pub async fn last_log_seq(&self, deployment_id: DeploymentId) -> Result<i64, StoreError> {
        let mut connection = self.read().await?;
        let last: Option<i64> = on!(connection, |c| deployment_logs::table
            .filter(deployment_logs::deployment_id.eq(deployment_id))
            .select(diesel::dsl::max(deployment_logs::seq))
            .first(c)
            .await)?;
        Ok(last.unwrap_or(0))
    }
}

async fn insert(connection: &mut Connection, rows: &[LogRow]) -> Result<(), StoreError> {
    let into = diesel::insert_into(deployment_logs::table);
    match connection {
        Connection::Postgres(postgres) => {
            into.values(rows).on_conflict_do_nothing().execute(&mut **postgres).await?;
        }
        // Diesel has no statement of many rows for SQLite here; without a network between, one by one is as good.
        Connection::Sqlite(sqlite) => {
            for row in rows {
                into.values(row).on_conflict_do_nothing().execute(&mut **sqlite).await?;
            }
        }
    }
    Ok(())
}
