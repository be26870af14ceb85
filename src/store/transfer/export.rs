//! A database into files.

use super::{DatabaseKind, Exported, MIGRATIONS_TABLE, ROWS, SQLITE_FILE, TransferError};
use crate::store::backend::{Connection, PostgresConnection, on};
use crate::store::{Store, transaction};
use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures_util::TryStreamExt;
use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

#[derive(QueryableByName)]
pub(super) struct Line {
    #[diesel(sql_type = Text)]
    pub(super) line: String,
}

impl Store {
    /// Writes everything that is in the database at one moment into an empty folder.
    ///
    /// # Errors
    /// When the database does not answer, or the folder cannot be written.
    pub async fn export(&self, folder: &Path) -> Result<Exported, TransferError> {
        let connection = self.read().await?;
        match &connection {
            Connection::Sqlite(_) => {
                let mut connection = connection;
                // Before the copy: it has these at least.
                let migrations = migrations(&mut connection).await?;
                let copy = folder.join(SQLITE_FILE);
                let into = diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(copy.display().to_string());
                on!(connection, |c| into.execute(c).await)?;
                Ok(Exported { kind: DatabaseKind::Sqlite, migrations })
            }
            Connection::Postgres(_) => export_rows(connection, folder).await,
        }
    }
}

async fn export_rows(connection: Connection, folder: &Path) -> Result<Exported, TransferError> {
    let mut written = Ok(());
    let migrations = transaction::run(connection, async |connection| {
        let Connection::Postgres(postgres) = connection else { return Ok(Vec::new()) };
        postgres.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
        for table in tables(postgres).await? {
            written = export_table(postgres, &table, folder).await;
            if written.is_err() {
                break;
            }
        }
        migrations(connection).await
    })
    .await?;
    written?;
    Ok(Exported { kind: DatabaseKind::Postgresql, migrations })
}

async fn export_table(
    postgres: &mut PostgresConnection,
    table: &str,
    folder: &Path,
) -> Result<(), TransferError> {
    let path = folder.join(format!("{table}{ROWS}"));
    let io = |source| TransferError::Io { path: path.clone(), source };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(io)?;
    let mut file = BufWriter::new(file);
    // A name of ours, from the catalogue. JSON has no line breaks outside of strings, where they are written as `\n`.
    let query = diesel::sql_query(format!("SELECT row_to_json(t)::text AS line FROM \"{table}\" t"));
    let mut rows = query.load_stream::<Line>(postgres).await?;
    while let Some(Line { line }) = rows.try_next().await? {
        file.write_all(line.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(io)?;
    }
    file.flush().map_err(io)
}

/// The tables of the schema in use, without Diesel's own.
pub(super) async fn tables(postgres: &mut PostgresConnection) -> Result<Vec<String>, diesel::result::Error> {
    let tables = format!(
        "SELECT tablename::text AS line FROM pg_tables \
         WHERE schemaname = current_schema() AND tablename <> '{MIGRATIONS_TABLE}' ORDER BY tablename"
    );
    let tables: Vec<Line> = diesel::sql_query(tables).load(postgres).await?;
    Ok(tables.into_iter().map(|table| table.line).collect())
}

async fn migrations(connection: &mut Connection) -> Result<Vec<String>, crate::store::StoreError> {
    let query = format!("SELECT version AS line FROM {MIGRATIONS_TABLE} ORDER BY version");
    let query = diesel::sql_query(query);
    let found: Vec<Line> = on!(connection, |c| query.load(c).await)?;
    Ok(found.into_iter().map(|migration| migration.line).collect())
}
