//! Config vars: showing, changing, writing them as a `.env` file.

use super::effect::Stored;
use super::{Change, ConfigurationError, Outcome, VariableFault};
use crate::model::config::{Values, resolve, seal_purpose};
use crate::model::config_file::{ConfigEdit, ConfigKind, Edit};
use crate::model::environment::{ConfigScope, ConfigVar};
use crate::model::id::EnvironmentId;
use crate::model::name::ConfigName;
use crate::model::project::Project;
use crate::model::secret::Secret;
use crate::model::time::{Timestamp, now};
use crate::secrets::{MasterKey, SealError};
use crate::store::{Configuration, ConfigurationUpdate, Store, StoreError};
use crate::wire::dotenv;
use std::collections::{BTreeMap, BTreeSet};

/// What is to become of a config var; `None` leaves a thing as it is, or as is usual for a new one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VariableDraft {
    pub value: Option<Secret<String>>,
    pub scope: Option<ConfigScope>,
    pub secret: Option<bool>,
    pub previews: Option<bool>,
}

/// A config var as its people may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownVariable {
    pub name: ConfigName,
    /// As it was given, with its references; `None` for a secret.
    pub value: Option<String>,
    pub scope: ConfigScope,
    pub secret: bool,
    /// Whether previews get it; in a preview, whether it has come from there.
    pub previews: bool,
    pub updated_at: Timestamp,
}

/// The config vars of an environment, by name.
///
/// # Errors
/// When one cannot be opened, or the database does not answer.
pub async fn variables(
    store: &Store,
    key: &MasterKey,
    environment: EnvironmentId,
) -> Result<Vec<ShownVariable>, ConfigurationError> {
    shown(key, environment, store.config_vars(environment).await?)
}

fn shown(
    key: &MasterKey,
    environment: EnvironmentId,
    variables: Vec<ConfigVar>,
) -> Result<Vec<ShownVariable>, ConfigurationError> {
    let purpose = seal_purpose(environment);
    let show = |var: ConfigVar| {
        let value =
            if var.secret { None } else { Some(key.open(&purpose, &var.sealed_value)?.into_exposed()) };
        let ConfigVar { name, scope, secret, previews, updated_at, .. } = var;
        Ok(ShownVariable { name, value, scope, secret, previews, updated_at })
    };
    variables.into_iter().map(show).collect()
}

/// The config vars of an environment as a `.env` file. Secrets are named in comments.
///
/// # Errors
/// As of [`variables`].
pub async fn export(
    store: &Store,
    key: &MasterKey,
    environment: EnvironmentId,
) -> Result<String, ConfigurationError> {
    let shown = variables(store, key, environment).await?;
    Ok(shown.iter().map(|var| dotenv::line(&var.name, var.value.as_deref())).collect())
}

/// Sets and removes config vars of an environment, all of them or none. `prefixes` are those of names that are public
/// where nothing runs yet that would say so. `known` is what must be set at that moment; `None`: anything.
///
/// # Errors
/// When what would be set is not valid: see [`ConfigurationError`]. [`StoreError::Stale`] when something else is set than is
/// known.
pub async fn change_variables(
    change: Change<'_>,
    project: &Project,
    drafts: &BTreeMap<ConfigName, Option<VariableDraft>>,
    prefixes: &[String],
    known: Option<&[ShownVariable]>,
) -> Result<Outcome, ConfigurationError> {
    let Change { store, key, environment, author, stored: _ } = change;
    let live = store.current_release(environment.id).await?;
    let prefixes = live.as_ref().map_or(prefixes, |release| &release.content.plan.build_variable_prefixes);
    let is_preview = store.preview_of(environment.id).await?.is_some();
    let deciding = Deciding { key, environment: environment.id, prefixes, is_preview };
    let changed = store.change_configuration(environment.id, |set| {
        if let Some(known) = known
            && shown(key, environment.id, set.variables.clone())? != known
        {
            return Err(StoreError::Stale.into());
        }
        let mut update = ConfigurationUpdate { author: Some(author), ..ConfigurationUpdate::default() };
        let mut after = set.clone();
        let mut faults = Vec::new();
        for (name, draft) in drafts {
            let edited = deciding.edit(name, draft.as_ref(), &mut after, &mut update);
            faults.extend(faults_of(edited)?);
        }
        let not_set: BTreeSet<ConfigName> = faults.iter().filter_map(VariableFault::name).cloned().collect();
        // What refers to one of them is not wrong for that.
        let others = faults_of(deciding.check(&after))?;
        faults.extend(others.into_iter().filter(|fault| !fault.is_missing_one_of(&not_set)));
        if !faults.is_empty() {
            return Err(ConfigurationError::Variables(faults));
        }
        let stored = Stored::new(key, environment.id, (set, &after), update.edits.clone())?;
        Ok::<_, ConfigurationError>((update, stored))
    });
    let stored = changed.await??;
    (change.stored)();
    stored.outcome(change, project).await
}

/// What is wrong with config vars, which is collected; every other error ends the change.
fn faults_of(outcome: Result<(), ConfigurationError>) -> Result<Vec<VariableFault>, ConfigurationError> {
    match outcome {
        Ok(()) => Ok(Vec::new()),
        Err(ConfigurationError::Variables(faults)) => Ok(faults),
        Err(error) => Err(error),
    }
}

/// What edits are decided by.
struct Deciding<'a> {
    key: &'a MasterKey,
    environment: EnvironmentId,
    prefixes: &'a [String],
    /// What is set by hand in a preview is its own, and not what it was given.
    is_preview: bool,
}

impl Deciding<'_> {
    /// Makes one edit in `after` and `update`, unless it changes nothing.
    fn edit(
        &self,
        name: &ConfigName,
        draft: Option<&VariableDraft>,
        after: &mut Configuration,
        update: &mut ConfigurationUpdate,
    ) -> Result<(), ConfigurationError> {
        let position = after.variables.iter().position(|var| var.name == *name);
        let edit = match (draft, position) {
            (None, None) => return Ok(()),
            (None, Some(position)) => {
                after.variables.remove(position);
                update.unset.push(name.clone());
                Edit::Removed
            }
            (Some(draft), Some(position)) => {
                let Some(var) = self.changed(&after.variables[position], draft)? else { return Ok(()) };
                after.variables[position] = var.clone();
                update.set.push(var);
                Edit::Changed
            }
            (Some(draft), None) => {
                let var = self.added(name, draft)?;
                after.variables.push(var.clone());
                update.set.push(var);
                Edit::Added
            }
        };
        update.edits.push(ConfigEdit { kind: ConfigKind::Variable, name: name.to_string(), edit });
        Ok(())
    }

    fn added(&self, name: &ConfigName, draft: &VariableDraft) -> Result<ConfigVar, ConfigurationError> {
        let Some(value) = &draft.value else { return Err(VariableFault::NoValue(name.clone()).into()) };
        let usual = if self.is_public(name) { ConfigScope::Both } else { ConfigScope::Runtime };
        self.checked(ConfigVar {
            name: name.clone(),
            sealed_value: self.key.seal(&seal_purpose(self.environment), value),
            scope: draft.scope.unwrap_or(usual),
            secret: draft.secret.unwrap_or(false),
            previews: draft.previews.unwrap_or(false) && !self.is_preview,
            updated_at: now(),
        })
    }

    /// The variable as it is to be; `None` when it is so already.
    fn changed(
        &self,
        var: &ConfigVar,
        draft: &VariableDraft,
    ) -> Result<Option<ConfigVar>, ConfigurationError> {
        let purpose = seal_purpose(self.environment);
        let before = self.key.open(&purpose, &var.sealed_value)?;
        let (scope, secret) = (draft.scope.unwrap_or(var.scope), draft.secret.unwrap_or(var.secret));
        if var.secret && !secret && draft.value.is_none() {
            return Err(VariableFault::StaysSecret(var.name.clone()).into());
        }
        let previews = draft.previews.unwrap_or(var.previews) && !self.is_preview;
        let value = draft.value.as_ref().unwrap_or(&before);
        if *value == before && (scope, secret, previews) == (var.scope, var.secret, var.previews) {
            return Ok(None);
        }
        let (name, sealed_value) = (var.name.clone(), self.key.seal(&purpose, value));
        self.checked(ConfigVar { name, sealed_value, scope, secret, previews, updated_at: now() }).map(Some)
    }

    fn checked(&self, var: ConfigVar) -> Result<ConfigVar, ConfigurationError> {
        if var.secret && var.scope.at_build() && self.is_public(&var.name) {
            return Err(VariableFault::PublicSecret(var.name).into());
        }
        Ok(var)
    }

    /// Refuses values that cannot be, and what everybody could read of a secret: by a reference, over however many others.
    fn check(&self, set: &Configuration) -> Result<(), ConfigurationError> {
        let purpose = seal_purpose(self.environment);
        let open = |var: &ConfigVar| self.key.open(&purpose, &var.sealed_value);
        let values = set.variables.iter().map(|var| Ok((var.name.clone(), open(var)?)));
        let mut values = values.collect::<Result<Values, SealError>>()?;
        resolve(&values)?;
        // A secret is looked for by what nobody has set.
        let mark = uuid::Uuid::now_v7().to_string();
        for var in set.variables.iter().filter(|var| var.secret) {
            values.insert(var.name.clone(), Secret::new(mark.clone()));
        }
        let resolved = resolve(&values)?;
        let shows_one = |var: &&ConfigVar| {
            let value = resolved.get(&var.name);
            var.scope.at_build()
                && self.is_public(&var.name)
                && value.is_some_and(|value| value.expose().contains(&mark))
        };
        let showing = set.variables.iter().filter(shows_one);
        let faults: Vec<_> = showing.map(|var| VariableFault::PublicReference(var.name.clone())).collect();
        if faults.is_empty() { Ok(()) } else { Err(ConfigurationError::Variables(faults)) }
    }

    fn is_public(&self, name: &ConfigName) -> bool {
        self.prefixes.iter().any(|prefix| name.as_str().starts_with(prefix.as_str()))
    }
}
