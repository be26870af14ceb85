//! What can go wrong in the database, by what a caller may do about it.

use crate::model::time::Timestamp;
use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};
use std::error::Error;

/// A question or a change that the database did not answer as wished.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such row, or what a new row belongs to has gone.
    #[error("there is no such thing in the database")]
    NotFound,
    /// Something else has the value already.
    #[error("{field} is taken")]
    Conflict {
        /// The field, as people know it: `email`, `slug`, `public_key`.
        field: &'static str,
    },
    /// The row is no longer in the state that the change starts from: somebody else moved it.
    #[error("it was changed by somebody else in the meantime")]
    Stale,
    /// The project is disabled, as one that is being deleted is: nothing is deployed to it.
    #[error("the project is disabled")]
    Disabled,
    /// The database was made by a newer version of this program.
    #[error(
        "the database was made by a newer gilgal: this one does not know its migration {version}. Start the newer one, or \
         put back the copy of the database from before the upgrade"
    )]
    NewerDatabase {
        /// The newest migration that is unknown here.
        version: String,
    },
    /// The URL names no kind of database that is known.
    #[error("a database URL starts with sqlite:// or postgres://")]
    UnknownUrl,
    /// There can be no file where the database is said to be.
    #[error(
        "the database file {path} cannot be used: make its folder and let the server write there, or set DATABASE_URL"
    )]
    NoFile { path: String, source: std::io::Error },
    /// The database does not answer or refuses to work; the same may succeed later.
    #[error("the database is not available")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// Anything else: a mistake in this program or in the database.
    #[error("the database refused")]
    Other(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    pub(super) fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }
}

/// Whether the one row that a change was for is there.
pub(super) fn found(changed_rows: usize) -> Result<(), StoreError> {
    if changed_rows == 0 { Err(StoreError::NotFound) } else { Ok(()) }
}

/// Why a row is not there that was to be changed.
pub(super) fn missing(unless_changed_since: Option<Timestamp>) -> StoreError {
    if unless_changed_since.is_some() { StoreError::Stale } else { StoreError::NotFound }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::NotFound | DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => {
                Self::NotFound
            }
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, information) => {
                match field_of(&violated_index(&**information)) {
                    Some(field) => Self::Conflict { field },
                    None => Self::Other(Box::new(error)),
                }
            }
            DieselError::DatabaseError(
                DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::SerializationFailure,
                _,
            )
            | DieselError::BrokenTransactionManager => Self::Unavailable(Box::new(error)),
            DieselError::DatabaseError(_, information) if may_pass(information.message()) => {
                Self::Unavailable(Box::new(error))
            }
            _ => Self::Other(Box::new(error)),
        }
    }
}

/// The unique index that a row would have broken, by its name in the migrations: `<table>_<last column>`.
///
/// PostgreSQL says the name. SQLite says the columns: `UNIQUE constraint failed: releases.environment_id, releases.version`.
fn violated_index(information: &dyn DatabaseErrorInformation) -> String {
    match information.constraint_name() {
        Some(name) => name.to_owned(),
        None => information.message().rsplit([' ', ':']).next().unwrap_or_default().replace('.', "_"),
    }
}

/// The field of a unique index, in the words of its users.
fn field_of(index: &str) -> Option<&'static str> {
    Some(match index {
        "users_email" => "email",
        "users_username" => "username",
        "ssh_keys_fingerprint" => "public_key",
        "projects_slug" => "slug",
        "environments_name" => "name",
        "environments_branch" => "branch",
        "environments_host" => "host",
        "config_files_path" => "path",
        "cron_runs_scheduled_at" => "scheduled_at",
        "deployments_environment_id" => "environment_id",
        "releases_version" => "version",
        "hook_deliveries_delivery_key" => "delivery_key",
        "jobs_lock_key" => "lock_key",
        "previews_number" => "number",
        _ => return None,
    })
}

/// Refusals that say something of the moment and not of the query. Diesel has no kinds for them.
fn may_pass(message: &str) -> bool {
    [
        // SQLite: another process holds the file, or the disk is full.
        "database is locked",
        "database or disk is full",
        // PostgreSQL: two transactions waited for each other and this one was chosen to end.
        "deadlock detected",
        // PostgreSQL: being stopped, started or at its limit of connections, or its disk is full.
        "terminating connection",
        "the database system is",
        "too many clients",
        "No space left on device",
    ]
    .iter()
    .any(|known| message.contains(known))
}
