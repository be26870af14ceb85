//! What a backup says of itself.

use crate::model::id::ServerId;
use crate::store::Exported;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The newest format that this program reads, and the one that it writes.
pub(super) const FORMAT: u32 = 1;
/// The first entry.
pub(super) const MANIFEST: &str = "manifest.json";
/// The last one.
pub(super) const CHECKSUMS: &str = "checksums.json";
/// Folder of the database's entries.
pub(super) const DATABASE: &str = "database";
/// Folder of the repositories' entries.
pub(super) const REPOSITORIES: &str = "repositories";
/// What the name of a repository's entry ends with, behind the project's id.
pub(super) const BUNDLE: &str = ".bundle";

/// What a backup says of itself. What is not read before the format is known has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: u32,
    /// Version of the program that made it.
    pub(super) gilgal: String,
    #[serde(flatten)]
    pub(super) content: Option<Content>,
}

/// The part of a manifest that is of its format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) server: ServerId,
    pub(super) made_at: DateTime<Utc>,
    pub(super) database: Exported,
}

/// SHA-256 of each entry in hexadecimal digits, by its path.
pub(super) type Checksums = BTreeMap<String, String>;
