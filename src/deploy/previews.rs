//! What the environment of a pull request gets of the config of the one that it is to be merged into.
//!
//! It is copied whenever something is deployed: a value that was changed reaches the next deployment, and everything else
//! that reads the config of an environment need not know of previews.

use super::Deployer;
use super::config::closed;
use super::failure::{Failure, StepError};
use super::run::Run;
use crate::model::basis::DeploymentBasis;
use crate::model::config::seal_purpose;
use crate::model::config_file::{ConfigEdit, ConfigKind, Edit};
use crate::model::environment::ConfigVar;
use crate::model::id::EnvironmentId;
use crate::model::preview::Preview;
use crate::model::secret::Secret;
use crate::model::time::now;
use crate::secrets::{ClosedVariable, MasterKey};
use crate::store::{Configuration, ConfigurationUpdate, StoreError};
use std::convert::Infallible;

impl Deployer {
    /// Copies the config vars that are marked for previews into the environment of a pull request, and answers with its
    /// number; `None` for every other environment. A rollback takes what its release has.
    pub(super) async fn take_preview_config(&self, run: &Run) -> Result<Option<u64>, StepError> {
        let environment = run.environment.id;
        let Some(preview) = self.store.preview_of(environment).await? else { return Ok(None) };
        match run.deployment.options.basis {
            DeploymentBasis::Release { .. } => {}
            DeploymentBasis::Commit | DeploymentBasis::Live { .. } | DeploymentBasis::Promotion { .. } => {
                let given = self.given_to(&preview, environment).await?;
                let copied = self.store.change_configuration(environment, |set| {
                    Ok::<_, Infallible>((copy(&self.master_key, environment, set, &given), ()))
                });
                let Ok(()) = copied.await?;
            }
        }
        Ok(Some(preview.number))
    }

    /// Whether what is deployed was sent by a stranger: a pull request from a fork.
    pub(super) async fn is_of_a_fork(&self, run: &Run) -> Result<bool, StoreError> {
        let preview = self.store.preview_of(run.environment.id).await?;
        Ok(preview.is_some_and(|preview| preview.is_fork))
    }

    /// The variables that a preview gets: those that are marked so, and of these no secret for a fork.
    async fn given_to(
        &self,
        preview: &Preview,
        environment: EnvironmentId,
    ) -> Result<Vec<(ConfigVar, Secret<String>)>, StepError> {
        let Some((base, set)) =
            self.store.given_to_preview(preview).await?.filter(|(base, _)| *base != environment)
        else {
            return Ok(Vec::new());
        };
        let purpose = seal_purpose(base);
        let open = |var: ConfigVar| {
            let name = var.name.to_string();
            let opened = self.master_key.open(&purpose, &var.sealed_value);
            let value = opened.map_err(|source| closed(ClosedVariable { name, source }))?;
            Ok((var, value))
        };
        let opened: Result<_, Failure> = set.into_iter().map(open).collect();
        Ok(opened?)
    }
}

/// The change that gives an environment what it is given, and takes what it was given before and is not any more. What was
/// set for the environment itself stays.
fn copy(
    key: &MasterKey,
    environment: EnvironmentId,
    set: &Configuration,
    given: &[(ConfigVar, Secret<String>)],
) -> ConfigurationUpdate {
    let purpose = seal_purpose(environment);
    let mut update = ConfigurationUpdate::default();
    let edited = |name: &str, edit| ConfigEdit { kind: ConfigKind::Variable, name: name.to_owned(), edit };
    for var in set.variables.iter().filter(|var| var.previews) {
        if !given.iter().any(|(given, _)| given.name == var.name) {
            update.unset.push(var.name.clone());
            update.edits.push(edited(var.name.as_str(), Edit::Removed));
        }
    }
    for (var, value) in given {
        let known = set.variables.iter().find(|known| known.name == var.name);
        let is_same = |known: &ConfigVar| {
            (known.scope, known.secret) == (var.scope, var.secret)
                && key.open(&purpose, &known.sealed_value).is_ok_and(|known| known == *value)
        };
        let edit = match known {
            Some(known) if !known.previews || is_same(known) => continue,
            Some(_) => Edit::Changed,
            None => Edit::Added,
        };
        let sealed_value = key.seal(&purpose, value);
        update.set.push(ConfigVar { sealed_value, updated_at: now(), ..var.clone() });
        update.edits.push(edited(var.name.as_str(), edit));
    }
    update
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::environment::ConfigScope;

    fn var(name: &str, sealed_value: &str, previews: bool) -> ConfigVar {
        ConfigVar {
            name: name.parse().unwrap(),
            sealed_value: sealed_value.to_owned(),
            scope: ConfigScope::Runtime,
            secret: false,
            previews,
            updated_at: now(),
        }
    }

    #[test]
    fn what_is_set_for_a_preview_itself_stays() {
        let (key, environment) = (MasterKey::from_bytes([7; 32]), EnvironmentId::generate());
        let secret = |text: &str| Secret::new(text.to_owned());
        let sealed = |text: &str| key.seal(&seal_purpose(environment), &secret(text));
        let set = Configuration {
            variables: vec![
                var("CHANGED", &sealed("old"), true),
                var("GONE", &sealed("x"), true),
                var("OWN", &sealed("own"), false),
                var("SAME", &sealed("same"), true),
            ],
            files: Vec::new(),
        };
        let given = [("CHANGED", "new"), ("NEW", "x"), ("OWN", "given"), ("SAME", "same")];
        let given = given.map(|(name, value)| (var(name, "", true), secret(value)));
        let update = copy(&key, environment, &set, &given);
        let edits = update.edits.iter().map(|edit| (edit.name.as_str(), edit.edit)).collect::<Vec<_>>();
        assert_eq!(edits, [("GONE", Edit::Removed), ("CHANGED", Edit::Changed), ("NEW", Edit::Added)]);
        assert_eq!(update.unset, ["GONE".parse().unwrap()]);
        let opened = update.set.iter().map(|var| {
            let value = key.open(&seal_purpose(environment), &var.sealed_value).unwrap();
            (var.name.as_str(), value.expose().to_owned(), var.previews)
        });
        let expected = [("CHANGED", "new".to_owned(), true), ("NEW", "x".to_owned(), true)];
        assert_eq!(opened.collect::<Vec<_>>(), expected);
    }
}
