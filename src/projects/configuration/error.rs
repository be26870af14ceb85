//! Why a configuration was not changed.

use crate::model::config::ConfigFault;
use crate::model::config_file::{LONGEST_FILE, MOST_FILES};
use crate::model::name::{ConfigName, FilePath};
use crate::secrets::SealError;
use crate::store::StoreError;

/// Why a configuration was not changed, or cannot be shown. No sentence holds a value.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// The environment has gone.
    #[error("There is no such environment.")]
    NotFound,
    #[error("There is no config var {0}.")]
    NoSuchVariable(ConfigName),
    #[error("There is no such configuration file.")]
    NoSuchFile,
    #[error(transparent)]
    Fault(#[from] ConfigFault),
    #[error("{0} is new: give it a value.")]
    NoValue(ConfigName),
    #[error("{0} is a secret: its value can only be shown from now on if it is given anew.")]
    StaysSecret(ConfigName),
    #[error("{0} is a secret: its content can only be shown from now on if it is given anew.")]
    StaysSecretFile(FilePath),
    #[error(
        "The build writes {0} into what everybody can read, so it cannot be a secret. Give it the scope `runtime`, or another \
         name."
    )]
    PublicSecret(ConfigName),
    #[error(
        "The build writes {0} into what everybody can read, and it refers to a secret. Give it the scope `runtime`, or another \
         name."
    )]
    PublicReference(ConfigName),
    #[error("An environment has at most {MOST_FILES} configuration files.")]
    TooManyFiles,
    #[error("A configuration file has at most {} KiB.", LONGEST_FILE / 1024)]
    FileTooLong,
    #[error("There is a configuration file {0} already.")]
    PathTaken(FilePath),
    #[error("{folder} is a configuration file, so {path} cannot be in it.")]
    FileInFile { folder: FilePath, path: FilePath },
    #[error("what is stored cannot be opened")]
    Sealed(#[from] SealError),
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for ConfigurationError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            other => Self::Store(other),
        }
    }
}
