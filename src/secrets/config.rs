//! The variables and files of an instance, opened.

use crate::model::config::seal_purpose;
use crate::model::id::EnvironmentId;
use crate::model::name::FilePath;
use crate::model::release::ReleaseContent;
use crate::model::secret::Secret;
use crate::secrets::{MasterKey, SealError};

/// A config var, or a configuration file by its path, that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{name}, of the config, cannot be opened: {source}.")]
pub struct ClosedVariable {
    pub name: String,
    #[source]
    pub source: SealError,
}

/// The variables that the instances of a release get: its config vars, and those that the project's files set under other
/// names.
///
/// # Errors
/// For the first config var that was sealed with another key.
pub fn open_variables(
    key: &MasterKey,
    environment: EnvironmentId,
    content: &ReleaseContent,
) -> Result<Vec<(String, Secret<String>)>, ClosedVariable> {
    let purpose = seal_purpose(environment);
    let open = |(name, sealed): (&String, &String)| {
        let opened =
            key.open(&purpose, sealed).map_err(|source| ClosedVariable { name: name.clone(), source });
        Ok((name.clone(), opened?))
    };
    let own = content.variables.iter().filter(|(name, _)| !content.sealed_config.contains_key(*name));
    let own = own.map(|(name, value)| Ok((name.clone(), Secret::new(value.clone()))));
    own.chain(content.sealed_config.iter().map(open)).collect()
}

/// The configuration files that the instances of a release get.
///
/// # Errors
/// For the first that was sealed with another key.
pub fn open_files(
    key: &MasterKey,
    environment: EnvironmentId,
    content: &ReleaseContent,
) -> Result<Vec<(FilePath, Secret<String>)>, ClosedVariable> {
    let purpose = seal_purpose(environment);
    let open = |(path, sealed): (&FilePath, &String)| {
        let opened =
            key.open(&purpose, sealed).map_err(|source| ClosedVariable { name: path.to_string(), source });
        Ok((path.clone(), opened?))
    };
    content.sealed_files.iter().map(open).collect()
}
