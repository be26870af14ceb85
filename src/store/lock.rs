//! One server at a time on one database: a copy of a home has the id of the home that it was copied from.

use crate::store::backend::PostgresConnection;
use diesel::sql_types::Bool;
use diesel_async::{AsyncConnection, RunQueryDsl, SimpleAsyncConnection};
use std::error::Error;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Held by a session until it ends. The number only has to be our own: the one after that of the migrations.
const POSTGRES_LOCK: &str = "pg_try_advisory_lock(113702487941485)";
/// How long the session of a server that was killed may take to be noticed by PostgreSQL.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(200);
/// How often the session is looked after, and how long it may take to answer.
const TICK: Duration = Duration::from_secs(2);

/// The right to be the server of a database, until it is dropped.
#[derive(Debug)]
pub struct ServerLock(Held);

enum Held {
    /// A lock on a file beside the database's: SQLite loses its own locks when a process closes the file itself.
    File {
        _file: File,
    },
    Session {
        connection: Box<PostgresConnection>,
        url: String,
    },
}

/// Why a server may not use a database.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error(
        "another gilgal server runs on the database, perhaps with a copy of this home. Stop it, or give this one a \
         database of its own with DATABASE_URL"
    )]
    InUse,
    #[error("the database does not answer")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

impl LockError {
    fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::File { .. } => "File",
            Self::Session { .. } => "Session",
        })
    }
}

impl ServerLock {
    /// Takes the lock of the database at a URL as [`crate::store::Store::connect`] takes it.
    ///
    /// # Errors
    /// [`LockError::InUse`] when another server has it for longer than one that has just ended could.
    pub async fn take(url: &str) -> Result<Self, LockError> {
        let Some(path) = url.strip_prefix("sqlite://") else {
            let attempts = async {
                loop {
                    match session(url).await {
                        Err(LockError::InUse) => sleep(PAUSE).await,
                        done => return done,
                    }
                }
            };
            let connection = timeout(PATIENCE, attempts).await.unwrap_or(Err(LockError::InUse))?;
            return Ok(Self(Held::Session { connection, url: url.to_owned() }));
        };
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let file = options.open(format!("{path}.lock")).map_err(LockError::unavailable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(Held::File { _file: file })),
            Err(TryLockError::WouldBlock) => Err(LockError::InUse),
            Err(TryLockError::Error(error)) => Err(LockError::unavailable(error)),
        }
    }

    /// Ends when another server has taken the lock, which can happen only after the connection to PostgreSQL was lost.
    /// Otherwise it takes the lock again as soon as the database answers.
    pub async fn lost(&mut self) {
        let Held::Session { connection, url } = &mut self.0 else { return std::future::pending().await };
        loop {
            sleep(TICK).await;
            if matches!(timeout(TICK, connection.batch_execute("SELECT 1")).await, Ok(Ok(()))) {
                continue;
            }
            match timeout(TICK, session(url)).await {
                Ok(Ok(again)) => *connection = again,
                Ok(Err(LockError::InUse)) => return,
                // The database is away: nobody else has it either.
                Ok(Err(LockError::Unavailable(_))) | Err(_) => {}
            }
        }
    }
}

/// A connection whose session has the lock.
async fn session(url: &str) -> Result<Box<PostgresConnection>, LockError> {
    let mut connection = PostgresConnection::establish(url).await.map_err(LockError::unavailable)?;
    let taken = diesel::select(diesel::dsl::sql::<Bool>(POSTGRES_LOCK)).get_result(&mut connection).await;
    if taken.map_err(LockError::unavailable)? { Ok(Box::new(connection)) } else { Err(LockError::InUse) }
}
