//! The two databases behind one type, and the macro that compiles a query for both.

use crate::store::error::StoreError;
use diesel::connection::AnsiTransactionManager;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::sync_connection_wrapper::{SpawnBlocking, SyncConnectionWrapper};
use diesel_async::{AsyncConnection, TransactionManager};
use futures_util::future::BoxFuture;
use std::error::Error;
use std::time::Duration;

/// How long a caller waits for a connection before it is told that the database is unavailable.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) type SqliteConnection = SyncConnectionWrapper<diesel::SqliteConnection, InPlace>;
pub(super) type PostgresConnection = diesel_async::AsyncPgConnection;

type SqliteTransactions = <SqliteConnection as AsyncConnection>::TransactionManager;
type PostgresTransactions = <PostgresConnection as AsyncConnection>::TransactionManager;

/// Runs SQLite's calls on the calling worker: no hop to another thread per statement, which is 3 to 4 times as fast,
/// and a dropped future never leaves a statement running.
pub(super) struct InPlace;

impl SpawnBlocking for InPlace {
    fn spawn_blocking<'a, R: Send + 'static>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, Box<dyn Error + Send + Sync>>> {
        use tokio::runtime::{Handle, RuntimeFlavor};
        let result = match Handle::try_current().map(|handle| handle.runtime_flavor()) {
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(task),
            // A runtime of one thread has no other worker to hand its tasks to.
            Ok(_) | Err(_) => task(),
        };
        Box::pin(std::future::ready(Ok(result)))
    }

    fn get_runtime() -> Self {
        Self
    }
}

/// The pools of the database in use.
#[derive(Clone)]
pub(super) enum Backend {
    /// SQLite has one writer: a pool of one connection queues writers fairly, where several would poll its lock.
    Sqlite {
        read: Pool<SqliteConnection>,
        write: Pool<SqliteConnection>,
    },
    Postgres(Pool<PostgresConnection>),
}

/// A connection that goes back to its pool when it is dropped.
#[expect(clippy::large_enum_variant, reason = "lives on a stack, for one call")]
pub(super) enum Connection {
    Sqlite(Object<SqliteConnection>),
    Postgres(Object<PostgresConnection>),
}

/// Evaluates an expression with the connection that is inside: `on!(connection, |c| users::table.first(c).await)`.
/// The expression is written once and compiled for each database.
macro_rules! on {
    ($connection:expr, |$inner:ident| $body:expr) => {
        match $connection.by_ref() {
            $crate::store::backend::Connection::Sqlite(object) => {
                let $inner: &mut $crate::store::backend::SqliteConnection = &mut **object;
                $body
            }
            $crate::store::backend::Connection::Postgres(object) => {
                let $inner: &mut $crate::store::backend::PostgresConnection = &mut **object;
                $body
            }
        }
    };
}
pub(super) use on;

impl Backend {
    /// A connection for reading.
    pub(super) async fn read(&self) -> Result<Connection, StoreError> {
        match self {
            Self::Sqlite { read, .. } => patiently(read.get()).await.map(Connection::Sqlite),
            Self::Postgres(pool) => patiently(pool.get()).await.map(Connection::Postgres),
        }
    }

    /// A connection for writing.
    pub(super) async fn write(&self) -> Result<Connection, StoreError> {
        match self {
            Self::Sqlite { write, .. } => patiently(write.get()).await.map(Connection::Sqlite),
            Self::Postgres(pool) => patiently(pool.get()).await.map(Connection::Postgres),
        }
    }
}

/// Waits for a pool's answer, but not for ever.
async fn patiently<T, E: Error + Send + Sync + 'static>(
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(object)) => Ok(object),
        Ok(Err(error)) => Err(StoreError::Unavailable(Box::new(error))),
        Err(elapsed) => Err(StoreError::Unavailable(Box::new(elapsed))),
    }
}

impl Connection {
    /// Lets `on!` take a connection and a reference to one alike.
    pub(super) fn by_ref(&mut self) -> &mut Self {
        self
    }

    /// Closes the connection instead of giving it back.
    pub(super) fn close(self) {
        match self {
            Self::Sqlite(object) => drop(Object::take(object)),
            Self::Postgres(object) => drop(Object::take(object)),
        }
    }

    pub(super) async fn begin(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Postgres(connection) => PostgresTransactions::begin_transaction(&mut **connection).await?,
            // Takes the write lock at once: a transaction that reads first and then wants to write is refused with
            // "database is locked" when another one wrote in between.
            Self::Sqlite(connection) => {
                connection
                    .spawn_blocking(|inner| {
                        AnsiTransactionManager::begin_transaction_sql(inner, "BEGIN IMMEDIATE")
                    })
                    .await?;
            }
        }
        Ok(())
    }

    pub(super) async fn commit(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => SqliteTransactions::commit_transaction(&mut **connection).await?,
            Self::Postgres(connection) => PostgresTransactions::commit_transaction(&mut **connection).await?,
        }
        Ok(())
    }

    pub(super) async fn roll_back(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => SqliteTransactions::rollback_transaction(&mut **connection).await?,
            Self::Postgres(connection) => {
                PostgresTransactions::rollback_transaction(&mut **connection).await?;
            }
        }
        Ok(())
    }
}
