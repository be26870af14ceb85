//! The lines of deployments' logs.

use crate::model::deployment::Step;
use crate::model::id::DeploymentId;
use crate::model::log::{Level, LogLine, NewLine, Stream};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::schema::{deployment_log_sizes, deployment_logs};
use crate::store::types::{StoredTime, storable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::collections::HashSet;

/// Lines in one statement: PostgreSQL takes 65,535 values in one, and a line has seven.
const LINES_PER_STATEMENT: usize = 1_000;
/// Bytes that a line takes beside its text, more or less: ids, time, and the index.
const BYTES_OF_A_ROW: usize = 80;

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
            let mut bytes = 0;
            for chunk in rows.chunks(LINES_PER_STATEMENT) {
                bytes += insert(connection, chunk).await?;
            }
            grow(connection, deployment_id, bytes).await
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

/// Inserts lines; gives the bytes of those that were not there.
async fn insert(connection: &mut Connection, rows: &[LogRow]) -> Result<usize, StoreError> {
    let into = diesel::insert_into(deployment_logs::table);
    let bytes = |row: &LogRow| row.text.len() + BYTES_OF_A_ROW;
    match connection {
        Connection::Postgres(postgres) => {
            let insert = into.values(rows).on_conflict_do_nothing().returning(deployment_logs::seq);
            let new: HashSet<i64> = insert.get_results(&mut **postgres).await?.into_iter().collect();
            Ok(rows.iter().filter(|row| new.contains(&row.seq)).map(bytes).sum())
        }
        // Diesel has no statement of many rows for SQLite here; without a network between, one by one is as good.
        Connection::Sqlite(sqlite) => {
            let mut sum = 0;
            for row in rows {
                let new = into.values(row).on_conflict_do_nothing().execute(&mut **sqlite).await?;
                sum += new * bytes(row);
            }
            Ok(sum)
        }
    }
}

/// Notes that the log of a deployment has become larger.
async fn grow(connection: &mut Connection, deployment: DeploymentId, bytes: usize) -> Result<(), StoreError> {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    if bytes == 0 {
        return Ok(());
    }
    let row = (deployment_log_sizes::deployment_id.eq(deployment), deployment_log_sizes::bytes.eq(bytes));
    on!(connection, |c| diesel::insert_into(deployment_log_sizes::table)
        .values(row)
        .on_conflict(deployment_log_sizes::deployment_id)
        .do_update()
        .set(deployment_log_sizes::bytes.eq(deployment_log_sizes::bytes + bytes))
        .execute(c)
        .await)?;
    Ok(())
}
