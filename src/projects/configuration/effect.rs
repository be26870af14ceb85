//! What a running app needs to have the configuration that is set.

use super::{Change, ConfigurationError, Outcome};
use crate::model::config::{Values, resolve, seal_purpose};
use crate::model::config_file::ConfigEdit;
use crate::model::id::EnvironmentId;
use crate::model::name::FilePath;
use crate::model::project::Project;
use crate::model::release::Release;
use crate::model::secret::Secret;
use crate::secrets::{MasterKey, SealError};
use crate::store::Configuration;
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
#[derive(Debug, Default, PartialEq, Eq)]
struct Resolved {
    build: Values,
    runtime: Values,
    files: BTreeMap<FilePath, Secret<String>>,
}

impl Resolved {
    /// Opens everything that is set.
    fn of(
        key: &MasterKey,
        environment: EnvironmentId,
        set: &Configuration,
    ) -> Result<Self, ConfigurationError> {
        let purpose = seal_purpose(environment);
        let opened =
            set.variables.iter().map(|var| Ok((var.name.clone(), key.open(&purpose, &var.sealed_value)?)));
        let values = resolve(&opened.collect::<Result<Values, SealError>>()?)?;
        let mut resolved = Self::default();
        for var in &set.variables {
            let Some(value) = values.get(&var.name) else { continue };
            if var.scope.at_build() {
                resolved.build.insert(var.name.clone(), value.clone());
            }
            if var.scope.at_runtime() {
                resolved.runtime.insert(var.name.clone(), value.clone());
            }
        }
        for file in &set.files {
            resolved.files.insert(file.path.clone(), key.open(&purpose, &file.sealed_content)?);
        }
        Ok(resolved)
    }

    /// What an app with the configuration `before` needs to have this one.
    fn effect_after(&self, before: Option<&Self>) -> Effect {
        // What cannot be opened may have been anything.
        let Some(before) = before else { return Effect::Rebuild };
        if self.build != before.build {
            Effect::Rebuild
        } else if self == before {
            Effect::Nothing
        } else {
            Effect::Restart
        }
    }
}

/// A change that is stored, and what it means for what runs.
#[derive(Debug)]
pub(super) struct Stored {
    edits: Vec<ConfigEdit>,
    set: Resolved,
    /// What it needs where what was set before may be what runs.
    effect: Effect,
}

impl Stored {
    /// A change from the first configuration to the second, by these edits.
    ///
    /// # Errors
    /// When what is set then cannot be resolved: whatever was not changed may refer to what was.
    pub(super) fn new(
        key: &MasterKey,
        environment: EnvironmentId,
        (before, after): (&Configuration, &Configuration),
        edits: Vec<ConfigEdit>,
    ) -> Result<Self, ConfigurationError> {
        let set = Resolved::of(key, environment, after)?;
        let effect = set.effect_after(Resolved::of(key, environment, before).ok().as_ref());
        Ok(Self { edits, set, effect })
    }

    /// What the change has done, and what it needs: that what is live has what is set, also where it should have had it
    /// before, and that what is under way does not go live without it.
    pub(super) async fn outcome(
        self,
        change: Change<'_>,
        project: &Project,
    ) -> Result<Outcome, ConfigurationError> {
        let Change { store, key, environment, .. } = change;
        // Asked first: what goes live in between is then seen as live.
        let under_way = !store.unfinished_of(environment.id).await?.is_empty();
        let live = store.current_release(environment.id).await?;
        let needed = effect(key, environment.id, project, live.as_ref(), &self.set);
        let missed = if under_way { self.effect } else { Effect::Nothing };
        Ok(Outcome { edits: self.edits, effect: needed.max(missed) })
    }
}

/// What the release that runs needs to have a configuration: the least that gives it.
fn effect(
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
