//! What a running app needs to have the configuration that is set.

use crate::model::config::{Values, seal_purpose};
use crate::model::id::EnvironmentId;
use crate::model::name::FilePath;
use crate::model::project::Project;
use crate::model::release::Release;
use crate::model::secret::Secret;
use crate::secrets::MasterKey;
use std::collections::BTreeMap;

/// What a running app needs to have what is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing: it has it, or nothing runs.
    Nothing,
    /// New instances of the image that runs.
    Restart,
    /// A new image.
    Rebuild,
}

/// A configuration with its references resolved.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) build: Values,
    pub(super) runtime: Values,
    pub(super) files: BTreeMap<FilePath, Secret<String>>,
}

/// What the release that runs needs to have a configuration: the least that gives it.
pub(super) fn effect(
    key: &MasterKey,
    environment: EnvironmentId,
    project: &Project,
    live: Option<&Release>,
    set: &Resolved,
) -> Effect {
    let Some(live) = live else { return Effect::Nothing };
    let content = &live.content;
    let wanted = content.plan.build_values(&set.build);
    let wanted = (!wanted.is_empty()).then(|| key.variables_digest(project.id, &wanted));
    // What is run as it is has none, whatever is set.
    if content.plan.prebuilt.is_none() && wanted != content.build_variables {
        return Effect::Rebuild;
    }
    let purpose = seal_purpose(environment);
    // What cannot be opened is not what is set.
    let is =
        |sealed: &String, value: &Secret<String>| key.open(&purpose, sealed).is_ok_and(|live| live == *value);
    let same_variables = content.sealed_config.len() == set.runtime.len()
        && set.runtime.iter().all(|(name, value)| {
            content.sealed_config.get(name.as_str()).is_some_and(|sealed| is(sealed, value))
        });
    let same_files = content.sealed_files.len() == set.files.len()
        && set
            .files
            .iter()
            .all(|(path, file)| content.sealed_files.get(path).is_some_and(|sealed| is(sealed, file)));
    if same_variables && same_files { Effect::Nothing } else { Effect::Restart }
}
