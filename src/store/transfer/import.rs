//! Files into an empty database.

use super::export::{Line, tables};
use super::{DatabaseKind, Exported, ROWS, SQLITE_FILE, TransferError};
use crate::store::backend::{Connection, PostgresConnection};
use crate::store::{ServerLock, Store, StoreError};
use diesel::sql_types::Text;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Bytes of rows that one statement brings at least, but for the last one.
const BATCH: usize = 1024 * 1024;

/// Puts what [`Store::export`] has written into the database at a URL, which has to be empty: for SQLite the file must not
/// exist, in PostgreSQL no table may be there.
///
/// # Errors
/// When the database is not empty, of another kind, or refuses; then nothing is in it that was not.
pub async fn import(url: &str, folder: &Path, exported: &Exported) -> Result<(), TransferError> {
    let kind = DatabaseKind::of_url(url);
    if kind != exported.kind {
        return Err(TransferError::OtherKind { backup: exported.kind, url: kind });
    }
    match url.strip_prefix("sqlite://") {
        Some(path) => place_file(&folder.join(SQLITE_FILE), Path::new(path)),
        None => import_rows(url, folder, exported).await,
    }
}

fn place_file(copy: &Path, target: &Path) -> Result<(), TransferError> {
    let place = || -> io::Result<()> {
        let mut source = File::open(copy)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(target)?;
        io::copy(&mut source, &mut file)?;
        file.sync_all()
    };
    place().map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => TransferError::NotEmpty,
        _ => TransferError::Io { path: target.to_owned(), source },
    })
}

async fn import_rows(url: &str, folder: &Path, exported: &Exported) -> Result<(), TransferError> {
    // No server may begin on it meanwhile.
    let _lock = ServerLock::take(url).await.map_err(StoreError::other)?;
    let store = Store::connect(url).await?;
    let mut connection = store.backend.write().await?;
    connection.begin().await?;
    if let Connection::Postgres(postgres) = &mut connection
        && !tables(postgres).await?.is_empty()
    {
        connection.close();
        return Err(TransferError::NotEmpty);
    }
    let (mut connection, migrated) = crate::store::migrate::up_to(connection, &exported.migrations);
    // A connection that is closed takes everything back.
    if let Err(error) = migrated {
        connection.close();
        return Err(error.into());
    }
    let filled = match &mut connection {
        Connection::Postgres(postgres) => fill(postgres, folder).await,
        Connection::Sqlite(_) => Ok(()),
    };
    match filled {
        Ok(()) => Ok(connection.commit().await?),
        Err(error) => {
            connection.close();
            Err(error)
        }
    }
}

/// Inserts the rows of every table, in any order: references are checked once, at the end.
async fn fill(postgres: &mut PostgresConnection, folder: &Path) -> Result<(), TransferError> {
    let constraints: Vec<Line> = diesel::sql_query(
        "SELECT format('ALTER TABLE %s ALTER CONSTRAINT %I', conrelid::regclass, conname) AS line \
         FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace",
    )
    .load(postgres)
    .await?;
    let all = |mode: &str| constraints.iter().map(|c| format!("{} {mode};", c.line)).collect::<String>();
    postgres.batch_execute(&all("DEFERRABLE")).await?;
    postgres.batch_execute("SET CONSTRAINTS ALL DEFERRED").await?;
    for table in tables(postgres).await? {
        let path = folder.join(format!("{table}{ROWS}"));
        // A table that is newer than the backup.
        if path.exists() {
            fill_table(postgres, &table, &path).await?;
        }
    }
    postgres.batch_execute("SET CONSTRAINTS ALL IMMEDIATE").await?;
    postgres.batch_execute(&all("NOT DEFERRABLE")).await?;
    Ok(())
}

async fn fill_table(
    postgres: &mut PostgresConnection,
    table: &str,
    path: &Path,
) -> Result<(), TransferError> {
    let io = |source| TransferError::Io { path: path.to_owned(), source };
    let mut lines = BufReader::new(File::open(path).map_err(io)?).lines();
    loop {
        let mut rows = String::from("[");
        while rows.len() < BATCH
            && let Some(line) = lines.next()
        {
            if rows.len() > 1 {
                rows.push(',');
            }
            rows.push_str(&line.map_err(io)?);
        }
        if rows.len() == 1 {
            return Ok(());
        }
        rows.push(']');
        let insert = format!(
            "INSERT INTO \"{table}\" SELECT * FROM json_populate_recordset(NULL::\"{table}\", $1::json)"
        );
        let inserted = diesel::sql_query(insert).bind::<Text, _>(&rows).execute(postgres).await;
        inserted.map_err(|error| match error {
            diesel::result::Error::DatabaseError(_, information) => {
                TransferError::Rows { table: table.to_owned(), reason: information.message().to_owned() }
            }
            other => other.into(),
        })?;
    }
}
