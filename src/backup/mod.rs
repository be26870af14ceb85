//! A server in one file: its home and its database together, made while it runs, and put into an empty home and an
//! empty database.
//!
//! A backup is a tar archive, compressed by gzip:
//!
//! ```text
//! manifest.json               the format, the server, the kind of its database and the migrations in it
//! database/…                  SQLite: gilgal.db, a copy of one moment. PostgreSQL: a file of rows in JSON for each table
//! server.toml master.key …    the files of the home
//! repositories/ID.bundle      each repository as git bundles it; empty for one without references
//! checksums.json              SHA-256 of every entry before it; an archive without it was cut off
//! ```
//!
//! The database comes first: what a repository has more than it was pushed meanwhile, and does no harm. Not in it:
//! images, which are built again, what apps wrote, and the table of routes, whose addresses are those of one machine.

mod archive;
mod create;
mod error;
mod manifest;
mod restore;

pub use create::{Made, create};
pub use error::BackupError;
pub use restore::{Restored, restore};
