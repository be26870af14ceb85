//! Why a configuration was not changed.

use crate::model::config::{ConfigFault, ConfigFaults};
use crate::model::config_file::{LONGEST_FILE, MOST_FILES};
use crate::model::name::{ConfigName, FilePath};
use crate::secrets::SealError;
use crate::store::StoreError;
use std::collections::BTreeSet;
use std::fmt::Display;

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
    /// Everything that is wrong with config vars.
    #[error("{}", sentences(.0))]
    Variables(Vec<VariableFault>),
    /// Everything that is wrong with a configuration file.
    #[error("{}", sentences(.0))]
    File(Vec<FileFault>),
    #[error("There is a configuration file {0} already.")]
    PathTaken(FilePath),
    #[error("what is stored cannot be opened")]
    Sealed(#[from] SealError),
    #[error(transparent)]
    Store(StoreError),
}

/// Why a config var cannot be as it was asked to be.
#[derive(Debug, thiserror::Error)]
pub enum VariableFault {
    #[error(transparent)]
    Value(#[from] ConfigFault),
    #[error("{0} is new: give it a value.")]
    NoValue(ConfigName),
    #[error("{0} is a secret: its value can only be shown from now on if it is given anew.")]
    StaysSecret(ConfigName),
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
}

/// Why a configuration file cannot be as it was asked to be.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    #[error("{0} is a secret: its content can only be shown from now on if it is given anew.")]
    StaysSecret(FilePath),
    #[error("An environment has at most {MOST_FILES} configuration files.")]
    TooMany,
    #[error("A configuration file has at most {} KiB.", LONGEST_FILE / 1024)]
    TooLong,
    #[error("{folder} is a configuration file, so {path} cannot be in it.")]
    InFile { folder: FilePath, path: FilePath },
}

fn sentences<T: Display>(faults: &[T]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

impl VariableFault {
    /// The config var that is to blame, where it is one.
    #[must_use]
    pub fn name(&self) -> Option<&ConfigName> {
        match self {
            Self::Value(fault) => fault.names().first(),
            Self::NoValue(name)
            | Self::StaysSecret(name)
            | Self::PublicSecret(name)
            | Self::PublicReference(name) => Some(name),
        }
    }

    /// Whether it refers to one of some that are not set.
    pub(super) fn is_missing_one_of(&self, names: &BTreeSet<ConfigName>) -> bool {
        matches!(self, Self::Value(ConfigFault::Unknown { reference, .. }) if names.contains(reference))
    }
}

impl FileFault {
    /// The field that is to blame.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::StaysSecret(_) => "secret",
            Self::TooLong => "content",
            Self::TooMany | Self::InFile { .. } => "path",
        }
    }
}

impl From<VariableFault> for ConfigurationError {
    fn from(fault: VariableFault) -> Self {
        Self::Variables(vec![fault])
    }
}

impl From<ConfigFaults> for ConfigurationError {
    fn from(faults: ConfigFaults) -> Self {
        Self::Variables(faults.0.into_iter().map(VariableFault::Value).collect())
    }
}

impl From<StoreError> for ConfigurationError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            other => Self::Store(other),
        }
    }
}
