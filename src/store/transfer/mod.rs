//! A whole database, out into files and back into an empty one of the same kind, for backups.
//!
//! SQLite gives a copy of its file, of one moment. From PostgreSQL come the rows of every table as JSON, one a line, seen
//! in one transaction: the server starts no programs, and a `pg_dump` on this machine need not fit the database on
//! another.

mod export;
mod import;

pub use import::import;

use crate::store::StoreError;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;

/// The two kinds of databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseKind {
    Sqlite,
    Postgresql,
}

impl DatabaseKind {
    /// The kind that a URL names.
    #[must_use]
    pub fn of_url(url: &str) -> Self {
        if url.starts_with("sqlite://") { Self::Sqlite } else { Self::Postgresql }
    }

    /// As people call it.
    #[must_use]
    pub const fn shown(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgresql => "PostgreSQL",
        }
    }
}

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    pub kind: DatabaseKind,
    /// Versions of the migrations that its schema comes from.
    pub migrations: Vec<String>,
}

/// Why a database was not exported or imported.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error(
        "the backup holds a database of {}, and DATABASE_URL names one of {}. Set it to an empty database of {}",
        .backup.shown(), .url.shown(), .backup.shown()
    )]
    OtherKind { backup: DatabaseKind, url: DatabaseKind },
    #[error("the database is not empty: a backup is restored into a database of its own")]
    NotEmpty,
    #[error("the rows of the table {table} cannot be read: {reason}")]
    Rows { table: String, reason: String },
    #[error("{} cannot be read or written", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the database cannot be used")]
    Store(#[from] StoreError),
}

impl From<diesel::result::Error> for TransferError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Name of the copy of a SQLite file.
const SQLITE_FILE: &str = "gilgal.db";
/// What the name of a table's file ends with.
const ROWS: &str = ".jsonl";
/// Diesel's own table, which says what the schema is.
const MIGRATIONS_TABLE: &str = "__diesel_schema_migrations";
