//! Configuration files: small texts that an environment puts into its instances.

use crate::model::id::{ConfigFileId, EnvironmentId};
use crate::model::name::FilePath;
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Most configuration files of an environment.
pub const MOST_FILES: usize = 32;
/// Most bytes of one.
pub const LONGEST_FILE: usize = 64 * 1024;

/// A configuration file as stored: its content is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    pub id: ConfigFileId,
    pub environment_id: EnvironmentId,
    /// One file of an environment has it.
    pub path: FilePath,
    /// Ciphertext made by `secrets`; never the content itself.
    pub sealed_content: String,
    /// Whether the content may be read back through the API.
    pub secret: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// One thing that a change of an environment's configuration did, as its history keeps it: never a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigEdit {
    pub kind: ConfigKind,
    /// The name of the config var, or the path of the file.
    pub name: String,
    pub edit: Edit,
}

/// What of a configuration was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfigKind {
    Variable,
    File,
}

/// What was done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    Added,
    Changed,
    Removed,
}
