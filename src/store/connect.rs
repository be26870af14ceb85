//! Opening a database by its URL.

use crate::store::Store;
use crate::store::backend::{Backend, PostgresConnection, SqliteConnection};
use crate::store::error::StoreError;
use diesel::ConnectionError;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncConnection, SimpleAsyncConnection};
use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::time::Duration;

/// Connections that read a SQLite file.
const SQLITE_READERS: usize = 4;
/// Connections to PostgreSQL.
const POSTGRES_CONNECTIONS: usize = 10;

/// What every connection to SQLite is told.
const SQLITE_SETTINGS: &str =
    "PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;";
/// How often the switch to the write-ahead log is tried, and how long is waited between.
const WAL_ATTEMPTS: u32 = 100;
const WAL_INTERVAL: Duration = Duration::from_millis(50);

impl Store {
    /// Opens the database at `sqlite://PATH` (the file is made where it is missing) or
    /// `postgres://USER:PASSWORD@HOST:PORT/NAME`, without changing what is in it.
    ///
    /// # Errors
    /// [`StoreError::UnknownUrl`] for another kind of URL, [`StoreError::NoFile`] when its file can be neither opened nor
    /// made, [`StoreError::Unavailable`] when the database does not answer.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let backend = if let Some(path) = url.strip_prefix("sqlite://") {
            make_private_file(path)?;
            use_write_ahead_log(path).await?;
            Backend::Sqlite { read: sqlite_pool(path, SQLITE_READERS)?, write: sqlite_pool(path, 1)? }
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Backend::Postgres(postgres_pool(url)?)
        } else {
            return Err(StoreError::UnknownUrl);
        };
        let store = Self { backend, memory: Arc::default() };
        store.ping().await?;
        Ok(store)
    }
}

/// Makes the file of a new database readable by its owner only; SQLite gives the same rights to the files beside it.
fn make_private_file(path: &str) -> Result<(), StoreError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|error| no_file(path, error))
}

/// Why there is no file. What somebody has to mend is not waited for.
fn no_file(path: &str, error: io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::NotFound
        | ErrorKind::NotADirectory
        | ErrorKind::PermissionDenied
        | ErrorKind::IsADirectory
        | ErrorKind::ReadOnlyFilesystem => StoreError::NoFile { path: path.to_owned(), source: error },
        _ => StoreError::Unavailable(Box::new(error)),
    }
}

/// Sets the journal mode, which the file keeps. Two that switch a new file at once each hold what the other waits for:
/// SQLite then calls one of them busy at once, whatever its timeout is.
async fn use_write_ahead_log(path: &str) -> Result<(), StoreError> {
    let mut connection =
        SqliteConnection::establish(path).await.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
    let mut attempt = 0;
    loop {
        let switched = connection.batch_execute("PRAGMA journal_mode = WAL;").await.map_err(StoreError::from);
        if attempt == WAL_ATTEMPTS || !matches!(switched, Err(StoreError::Unavailable(_))) {
            return switched;
        }
        attempt += 1;
        tokio::time::sleep(WAL_INTERVAL).await;
    }
}

fn sqlite_pool(path: &str, size: usize) -> Result<Pool<SqliteConnection>, StoreError> {
    let mut config = ManagerConfig::<SqliteConnection>::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(|path| {
        let path = path.to_owned();
        Box::pin(async move {
            let mut connection = SqliteConnection::establish(&path).await?;
            connection
                .batch_execute(SQLITE_SETTINGS)
                .await
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok(connection)
        })
    });
    Pool::builder(AsyncDieselConnectionManager::new_with_config(path, config))
        .max_size(size)
        .build()
        .map_err(StoreError::other)
}

fn postgres_pool(url: &str) -> Result<Pool<PostgresConnection>, StoreError> {
    let mut config = ManagerConfig::<PostgresConnection>::default();
    config.recycling_method = RecyclingMethod::Fast;
    Pool::builder(AsyncDieselConnectionManager::new_with_config(url, config))
        .max_size(POSTGRES_CONNECTIONS)
        .build()
        .map_err(StoreError::other)
}
