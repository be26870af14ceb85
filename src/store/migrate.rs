//! Bringing the schema up to date, at start.

use crate::store::Store;
use crate::store::backend::Connection;
use crate::store::error::StoreError;
use diesel::backend::Backend;
use diesel::migration::{MigrationSource, MigrationVersion};
use diesel_async::{AsyncMigrationHarness, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Held until the transaction ends. The number only has to be our own: it is `gilgal` in ASCII.
const POSTGRES_LOCK: &str = "SELECT pg_advisory_xact_lock(113702487941484)";

/// What becomes of migrations that have not been run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    IsRun,
    IsLeft,
}

impl Store {
    /// Brings the schema up to date: all migrations or none, and one server at a time. Needs a runtime of several
    /// threads.
    ///
    /// # Errors
    /// [`StoreError::NewerDatabase`] when the database holds migrations that this binary does not know.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.in_harness(Pending::IsRun).await
    }

    /// Refuses a database that this binary is too old for, and changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NewerDatabase`] when the database holds migrations that this binary does not know.
    pub async fn refuse_newer(&self) -> Result<(), StoreError> {
        self.in_harness(Pending::IsLeft).await
    }

    async fn in_harness(&self, pending: Pending) -> Result<(), StoreError> {
        let mut connection = self.backend.write().await?;
        connection.begin().await?;
        if let Connection::Postgres(postgres) = &mut connection {
            postgres.batch_execute(POSTGRES_LOCK).await?;
        }
        // The harness wants to own the connection that it works with.
        let (mut connection, outcome) = match connection {
            Connection::Sqlite(sqlite) => {
                let mut harness = AsyncMigrationHarness::new(sqlite);
                let outcome = run(&mut harness, SQLITE, pending);
                (Connection::Sqlite(harness.into_inner()), outcome)
            }
            Connection::Postgres(postgres) => {
                let mut harness = AsyncMigrationHarness::new(postgres);
                let outcome = run(&mut harness, POSTGRES, pending);
                (Connection::Postgres(harness.into_inner()), outcome)
            }
        };
        match outcome {
            Ok(()) if pending == Pending::IsRun => connection.commit().await,
            outcome => {
                connection.roll_back().await.ok();
                outcome
            }
        }
    }
}

/// Brings an empty PostgreSQL in a transaction to the schema that these migrations make, and no further. Gives the
/// connection back with the outcome; a SQLite connection is left alone.
pub(super) fn up_to(connection: Connection, versions: &[String]) -> (Connection, Result<(), StoreError>) {
    match connection {
        Connection::Sqlite(_) => (connection, Ok(())),
        Connection::Postgres(postgres) => {
            let mut harness = AsyncMigrationHarness::new(postgres);
            let outcome = run_listed(&mut harness, versions);
            (Connection::Postgres(harness.into_inner()), outcome)
        }
    }
}

fn run_listed(
    harness: &mut impl MigrationHarness<diesel::pg::Pg>,
    versions: &[String],
) -> Result<(), StoreError> {
    let pending = harness.pending_migrations(POSTGRES).map_err(StoreError::Other)?;
    let of =
        |migration: &dyn diesel::migration::Migration<diesel::pg::Pg>| migration.name().version().to_string();
    let known: Vec<String> = pending.iter().map(|migration| of(migration.as_ref())).collect();
    if let Some(newest) = versions.iter().filter(|version| !known.contains(version)).max() {
        return Err(StoreError::NewerDatabase { version: newest.clone() });
    }
    for migration in pending.iter().filter(|migration| versions.contains(&of(migration.as_ref()))) {
        harness.run_migration(migration.as_ref()).map_err(StoreError::Other)?;
    }
    Ok(())
}

/// Runs what is pending, after a look at what is there.
fn run<DB: Backend>(
    harness: &mut impl MigrationHarness<DB>,
    migrations: EmbeddedMigrations,
    pending: Pending,
) -> Result<(), StoreError>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    let known = MigrationSource::<DB>::migrations(&migrations).map_err(StoreError::Other)?;
    let is_known =
        |version: &MigrationVersion<'_>| known.iter().any(|migration| migration.name().version() == *version);
    let applied = harness.applied_migrations().map_err(StoreError::Other)?;
    if let Some(newest) = applied.iter().filter(|version| !is_known(version)).max() {
        return Err(StoreError::NewerDatabase { version: newest.to_string() });
    }
    if pending == Pending::IsRun {
        harness.run_pending_migrations(migrations).map_err(StoreError::Other)?;
    }
    Ok(())
}
