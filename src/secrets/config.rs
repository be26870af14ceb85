//! The variables of an instance, opened.

use crate::model::id::EnvironmentId;
use crate::model::release::ReleaseContent;
use crate::model::secret::Secret;
use crate::secrets::{MasterKey, SealError};

/// A config var that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("The config var {name} cannot be opened: {source}.")]
pub struct ClosedVariable {
    pub name: String,
    #[source]
    pub source: SealError,
}

/// What config vars are sealed for: those of one environment cannot be opened in another.
#[must_use]
pub fn seal_purpose(environment: EnvironmentId) -> String {
    format!("environment {environment}")
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
